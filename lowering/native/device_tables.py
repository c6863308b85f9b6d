"""Devices of others in programs: symbols that stand for them, and what is behind these.

A program knows such a device by the address of its descriptor. The symbol of that says
all that is needed to find the device again, so that other processes can link the code.
"""

import ctypes
import itertools
import re
import threading
from collections.abc import Sequence
from typing import cast

import numpy as np

from qjit.dialects.gates import GATES
from qjit.dialects.gates.spelling import read_spelling, spelled
from qjit.dialects.targets.plugins import LIBRARY, Plugin
from qjit.runtime.abi.status import (
    DEVICE_FAILED,
    ITERATION_SHIFT,
    MOST_ITERATIONS,
    Status,
)
from qjit.runtime.devices import python_devices
from qjit.runtime.devices.layout import (
    DESCRIPTOR_WORDS,
    NO_FUNCTION,
    NO_GATE,
    NO_TEXT,
    NONE,
    NOT_EXACT,
    SWAPS,
    TURNS,
)
from qjit.runtime.devices.libraries import Kind, LibraryError, Table, load
from qjit.runtime.recent import Recent

DEVICE = "__qjit__device_"
# What descriptors have of the process.
PROCESS_FUNCTIONS = "__qjit__device_failed", "__qjit__poll", "__qjit__device_call"
SYMBOLS = re.compile(rf"{DEVICE}[0-9a-f]+")
# What is said for devices.
REASONS = {
    NO_TEXT: "it does not say why",
    NO_GATE: "it lacks a gate of the circuit",
    NO_FUNCTION: "it has no function for what the circuit asks of it",
    NOT_EXACT: "it measures between gates, which needs shots",
}
# What native code reads, for the life of the process.
_descriptors: dict[str, tuple[ctypes.Array[ctypes.c_int64], object]] = {}
_owners: dict[int, str] = {}
_texts: Recent[int, str] = Recent()
_numbers = itertools.count()
call_device = python_devices.call
_making = threading.RLock()


def device_symbol(options: str) -> str:
    """Return the symbol that stands for a device with these options."""
    return f"{DEVICE}{options.encode().hex()}"


def devices_in(text: str) -> list[str]:
    """Return the symbols of devices in a module of LLVM IR."""
    return sorted({*SYMBOLS.findall(text)}) if DEVICE in text else []


def device_table(plugin: Plugin) -> Table:
    """Return the functions of a device.

    Raises:
        LibraryError: if it is not there any more, or is not what it was.
    """
    if plugin.kind == LIBRARY:
        library = load(plugin.source)
        if library.digest != plugin.digest:
            raise LibraryError(
                f"the library {plugin.source} changed since the device was made. Make "
                "the device again, with qjit.device."
            )
        return library.table
    kind = python_devices.find(plugin.source)
    table = python_devices.table_of(kind, python_gates(kind))
    if plugin.does(table.measures, table.amplitudes, table.modifiers):
        return table
    raise LibraryError(
        f"the class {kind.__qualname__} can do less than when the device was made. "
        "Make the device again, with qjit.device."
    )


def python_gates(kind: type) -> tuple[Kind, ...]:
    """Return the gates of a class, with the numbers that the table of gates has.

    Raises:
        LibraryError: if it lists something else.
    """
    names = getattr(kind, "gates", None)
    if not isinstance(names, list | tuple):
        raise LibraryError(
            f"the device {kind.__qualname__} has no attribute `gates` with the names "
            "of its gates, such as ('RX', 'RZ', 'CNOT')."
        )
    return tuple(kind_of(name) for name in cast(Sequence[object], names))


def kind_of(name: object) -> Kind:
    """Return a gate as devices list it.

    Raises:
        LibraryError: for a name that devices cannot list.
    """
    bare, _ = read_spelling(str(name))
    record = GATES.get(bare)
    if record is None or record.num_wires is None or record.words or bare == "I":
        raise LibraryError(
            f"it lists a gate {str(name)!r}, which is none with a fixed number of "
            "wires. Devices list gates of docs/gates.md by their names."
        )
    return Kind(str(name), record.num_params, record.num_wires)


def descriptor(symbol: str, functions: Sequence[int]) -> int:
    """Return the address of the descriptor that a symbol stands for.

    Args:
        symbol: The symbol.
        functions: The addresses of PROCESS_FUNCTIONS.

    Raises:
        LibraryError: if the device is not there any more, or is not what it was.
    """
    with _making:
        if symbol not in _descriptors:
            _descriptors[symbol] = _described(symbol, functions)
        return ctypes.addressof(_descriptors[symbol][0])


def _described(
    symbol: str, functions: Sequence[int]
) -> tuple[ctypes.Array[ctypes.c_int64], object]:
    plugin = Plugin.read(bytes.fromhex(symbol.removeprefix(DEVICE)).decode())
    table = device_table(plugin)
    gates = gate_table(table)
    configuration = ctypes.create_string_buffer(plugin.configuration.encode())
    words = (ctypes.c_int64 * DESCRIPTOR_WORDS)(
        table.address,
        ctypes.addressof(configuration),
        int(table.is_python),
        gates.ctypes.data,
        *functions,
    )
    _owners[ctypes.addressof(words)] = f"device '{plugin.name}'"
    return words, (gates, configuration)


def gate_table(table: Table) -> np.ndarray:
    """Return the numbers by which a device knows our gates and their adjoints."""
    places = {gate.name: place for place, gate in enumerate(table.gates)}

    def found(name: str, adjoint: bool) -> tuple[int, int]:
        own = places.get(spelled(name, adjoint), NONE)
        if own == NONE and adjoint and table.modifiers:
            return places.get(name, NONE), 1
        return own, 0

    rows: list[tuple[int, ...]] = []
    for name, record in GATES.items():
        for adjoint in (False, True):
            place, inverted = found(name, adjoint)
            if place == NONE:
                place = {"SWAP": SWAPS, "GlobalPhase": TURNS}.get(name, NONE)
            controls = NONE if record.num_controls is None else record.num_controls
            under = NONE, 0
            if table.modifiers:
                under = found(record.base or name, adjoint)
            rows.append((place, controls, inverted, *under))
    return np.ascontiguousarray(rows, np.int32)


def device_failed(address: int, line: int, text: int) -> int:
    """Keep the text of a device that failed, and return a status.

    Args:
        address: Of the descriptor of the device.
        line: The number of the line.
        text: The address of what the device says, or what stands in REASONS.
    """
    found = REASONS.get(text) or ctypes.string_at(text).decode(errors="replace")
    said = found.rstrip().rstrip(".") or REASONS[NO_TEXT]
    number = 1 + next(_numbers) % MOST_ITERATIONS
    _texts[number] = f"{_owners[address]} failed: {said}."
    return Status(DEVICE_FAILED, line | number << ITERATION_SHIFT).word


def device_error_text(status: Status) -> str:
    """Return what the device of a status said."""
    return _texts.pop(status.text_number, "a device failed.")
