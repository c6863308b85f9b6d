"""Devices of others in programs: symbols that stand for them, and what is behind these.

A program knows such a device by the address of its descriptor. The symbol of that says
all that is needed to find the device again, so that other processes can link the code.
"""

import ctypes
import itertools
import re
import threading
from collections.abc import Sequence

import numpy as np

from qjit.dialects.gates import GATES
from qjit.dialects.gates.spelling import read_spelling, spelled
from qjit.dialects.targets.plugins import LIBRARY, Plugin
from qjit.runtime.abi.status import (
    DEVICE_FAILED,
    INTERRUPTED,
    ITERATION_SHIFT,
    MOST_ITERATIONS,
    Status,
)
from qjit.runtime.devices import python_devices
from qjit.runtime.devices.layout import NONE, SWAPS, TURNS
from qjit.runtime.devices.libraries import Kind, LibraryError, Table, load
from qjit.runtime.recent import Recent

from .python_callbacks import keep_exception

DEVICE = "__qjit__device_"
SYMBOLS = re.compile(rf"{DEVICE}[0-9a-f]+")
# What native code reads, for the life of the process.
_descriptors: dict[str, tuple[ctypes.Array[ctypes.c_int64], object]] = {}
_owners: dict[int, str] = {}
_texts: Recent[int, str] = Recent()
_numbers = itertools.count()
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
    return python_devices.table_of(kind, python_gates(kind))


def python_gates(kind: type) -> tuple[Kind, ...]:
    """Return the gates of a class, with the numbers that the table of gates has.

    Raises:
        LibraryError: if it lists something else.
    """
    names = getattr(kind, "gates", None)
    if isinstance(names, str) or not isinstance(names, Sequence | set | frozenset):
        raise LibraryError(
            f"the device {kind.__qualname__} has no attribute `gates` with the names "
            "of its gates, such as ('RX', 'RZ', 'CNOT')."
        )
    listed = sorted(names) if isinstance(names, set | frozenset) else names
    return tuple(kind_of(name) for name in listed)


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


def descriptor(symbol: str, poll: int) -> int:
    """Return the address of the descriptor that a symbol stands for.

    Args:
        symbol: The symbol.
        poll: The address of what asks for signals.

    Raises:
        LibraryError: if the device is not there any more, or is not what it was.
    """
    with _making:
        if symbol not in _descriptors:
            _descriptors[symbol] = _described(symbol, poll)
        return ctypes.addressof(_descriptors[symbol][0])


def _described(symbol: str, poll: int) -> tuple[ctypes.Array[ctypes.c_int64], object]:
    plugin = Plugin.read(bytes.fromhex(symbol.removeprefix(DEVICE)).decode())
    table = device_table(plugin)
    gates = gate_table(table)
    configuration = ctypes.create_string_buffer(plugin.configuration.encode())
    failed = ctypes.cast(_failed, ctypes.c_void_p).value
    assert failed is not None
    words = (ctypes.c_int64 * 6)(
        table.address,
        ctypes.addressof(configuration),
        table.success,
        failed,
        poll,
        gates.ctypes.data,
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


@ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64, ctypes.c_int64, ctypes.c_char_p)
def _failed(address: int, line: int, text: bytes | None) -> int:
    """Keep the text of a device that failed, and return a status."""
    ended = python_devices.ended()
    if ended is not None:
        return Status(INTERRUPTED, keep_exception(ended)).word
    lacking = b"it lacks a gate of the circuit"
    words = (lacking if text is None else text or b"it does not say why").decode(
        errors="replace"
    )
    number = 1 + next(_numbers) % MOST_ITERATIONS
    name = _owners.get(address, "device")
    _texts[number] = f"{name} failed: {words.rstrip().rstrip('.')}."
    return Status(DEVICE_FAILED, line | number << ITERATION_SHIFT).word


def device_error_text(status: Status) -> str:
    """Return what the device of a status said."""
    return _texts.pop(status.text_number, "a device failed.")
