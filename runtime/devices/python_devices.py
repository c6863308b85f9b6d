"""Devices in Python: a class whose methods are called through the same table."""

import ctypes
import itertools
import json
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol, cast
from uuid import uuid4

import numpy as np

from qjit.runtime.abi import device_api as abi
from qjit.runtime.recent import Recent

from .libraries import Kind, LibraryError, Table, read_table

# NOTE: not 0, which a callback of ctypes returns when an exception leaves it.
SUCCEEDED, FAILED = 1, 2


class GateDevice(Protocol):
    """A device in Python: a class that is called gate by gate.

    An object is made for each run of a circuit, with all qubits in |0>, by the number
    of qubits, a seed, and the options of `qjit.device` as keywords. Besides what is
    here, the class may have `measure(wire)`, which returns 0 or 1, together with
    `reset(wire)`; `amplitudes()`, which returns an array of 2**n; `most_wires`; and
    `modifiers = True`, if `apply` takes gates that are adjoint and under controls.
    """

    gates: Sequence[str]

    def apply(
        self, name: str, parameters: Sequence[float], wires: Sequence[int], /
    ) -> None:
        """Apply a gate; of controlled gates such as CNOT, the controls come first.

        With `modifiers`, there are three more arguments by name: `controls`,
        `control_values` and `adjoint`.
        """
        ...

    def sample(self, shots: int, wires: Sequence[int], /) -> Any:
        """Return outcomes, an array of 0 and 1 of shape (shots, wires).

        The state stays as it was.
        """
        ...


MOST_WIRES = 1 << 20


@dataclass
class Running:
    """A device of a circuit that is being run, and the text of its last failure."""

    device: Any
    num_qubits: int
    text: Any = None


_running: dict[int, Running] = {}
_numbers = itertools.count(1)
_registered: dict[str, type] = {}
_names: dict[type, str] = {}
_tables: dict[tuple[type, tuple[Kind, ...]], tuple[Table, Any]] = {}
# What is no error but ends a program, such as an interrupt, by thread.
_ended: Recent[int, BaseException] = Recent()


def name_of(kind: type) -> str:
    """Return a name by which `find` knows a class, in other processes if it can."""
    name = f"{kind.__module__}:{kind.__qualname__}"
    if kind.__module__ != "__main__" and _imported(name) is kind:
        return name
    if kind not in _names:
        _names[kind] = f"{name}#{uuid4().hex}"
        _registered[_names[kind]] = kind
    return _names[kind]


def find(name: str) -> type:
    """Return the class of a name.

    Raises:
        LibraryError: if this process does not have it.
    """
    found = _registered.get(name) or _imported(name)
    if found is None:
        raise LibraryError(
            f"this process has no device {name.partition('#')[0]}. Define its class in "
            "a module that can be imported."
        )
    return found


def _imported(name: str) -> type | None:
    module, _, path = name.partition(":")
    try:
        found = import_module(module)
        for part in path.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError, ValueError):
        return None
    return found if isinstance(found, type) else None


def ended() -> BaseException | None:
    """Return what ended the program of this thread, if no error did."""
    return _ended.pop(threading.get_ident(), None)


def table_of(kind: type, gates: tuple[Kind, ...]) -> Table:
    """Return the table of a class whose gates have these numbers."""
    key = kind, gates
    if key not in _tables:
        _tables[key] = _made(kind, gates)
    return _tables[key][0]


def _made(kind: type, gates: tuple[Kind, ...]) -> tuple[Table, Any]:
    names = [gate.name for gate in gates]
    calls = Callbacks(kind, names)
    listed = (abi.GateKind * max(len(gates), 1))(
        *((gate.name.encode(), gate.num_parameters, gate.num_targets) for gate in gates)
    )
    functions: dict[str, Any] = {
        "create": abi.CREATE(calls.create),
        "destroy": abi.DESTROY(calls.destroy),
        "last_error": abi.LAST_ERROR(calls.last_error),
        "apply_gate": abi.APPLY_GATE(calls.apply_gate),
        "sample": abi.SAMPLE(calls.sample),
    }
    for name, made in (
        ("measure", lambda: abi.MEASURE(calls.measure)),
        ("reset", lambda: abi.RESET(calls.reset)),
        ("amplitudes", lambda: abi.AMPLITUDES(calls.amplitudes)),
    ):
        if hasattr(kind, name):
            functions[name] = made()
    table = abi.DeviceApi(
        abi_version=abi.ABI_VERSION,
        struct_size=ctypes.sizeof(abi.DeviceApi),
        name=kind.__name__.encode(),
        flags=abi.MODIFIERS if calls.modifiers else 0,
        max_qubits=int(getattr(kind, "most_wires", MOST_WIRES)),
        num_gates=len(gates),
        gates=ctypes.cast(listed, ctypes.POINTER(abi.GateKind)),
        **functions,
    )
    address = ctypes.addressof(table)
    whose = f"the device {kind.__qualname__}"
    found = read_table(table, address, SUCCEEDED, whose)
    return found, (table, listed, functions, calls)


def _noted(text: str) -> Any:
    return ctypes.create_string_buffer(text.encode(errors="replace"))


def _worded(error: BaseException) -> str:
    """Return the text of an exception, and where it was raised."""
    *_, last = traceback.extract_tb(error.__traceback__)
    place = f"{last.filename}:{last.lineno}, in {last.name}"
    return f"{type(error).__name__}: {error} ({place})"


def _note(error: BaseException) -> str:
    if not isinstance(error, Exception):
        _ended[threading.get_ident()] = error
    return _worded(error)


class Callbacks:
    """The functions of a table that call the methods of a class."""

    def __init__(self, kind: type, names: Sequence[str]) -> None:
        self.kind, self.names = kind, names
        self.modifiers = bool(getattr(kind, "modifiers", False))

    def _call(self, number: int, function: Callable[[Running], None]) -> int:
        running = _running[number]
        try:
            running.text = _noted("the device was interrupted")
            function(running)
            return SUCCEEDED
        except BaseException as error:
            running.text = _noted(_note(error))
            return FAILED

    def create(self, text: bytes, n: int, seed: int, error: Any, size: int) -> int:
        """Make a device and return its number, or 0."""
        try:
            device = cast(Any, self.kind)(n, seed, **json.loads(text))
            number = next(_numbers)
            _running[number] = Running(device, n)
            return number
        except BaseException as failure:
            noted = _note(failure).encode(errors="replace")[: size - 1] + b"\0"
            ctypes.memmove(error, noted, len(noted))
            return 0

    def destroy(self, number: int) -> None:
        """Forget a device, or close it if it can be."""
        running = _running.pop(number)
        try:
            getattr(running.device, "close", lambda: None)()
        except BaseException as error:
            # There is nobody to tell: the program has its results already.
            sys.excepthook(type(error), error, error.__traceback__)

    def last_error(self, number: int) -> int:
        """Return the address of a text."""
        text = _running[number].text
        return 0 if text is None else ctypes.addressof(text)

    def apply_gate(self, number: int, pointer: Any) -> int:
        """Apply a gate."""

        def function(running: Running) -> None:
            gate = pointer.contents
            parameters = gate.parameters[: gate.num_parameters]
            given = self.names[gate.kind], parameters, gate.targets[: gate.num_targets]
            if not self.modifiers:
                return running.device.apply(*given)
            count = gate.num_controls
            controls = gate.controls[:count], gate.control_values[:count]
            modifiers = dict(zip(("controls", "control_values"), controls, strict=True))
            return running.device.apply(
                *given, **modifiers, adjoint=bool(gate.adjoint)
            )

        return self._call(number, function)

    def sample(self, number: int, shots: int, wires: Any, count: int, out: Any) -> int:
        """Write outcomes."""

        def function(running: Running) -> None:
            found = np.asarray(running.device.sample(shots, wires[:count]))
            _check_shape("sample", found, (shots, count))
            bits = found.astype(np.uint8)
            if not (bits == found).all() or (bits > 1).any():
                raise ValueError("sample returned numbers other than 0 and 1")
            ctypes.memmove(out, np.ascontiguousarray(bits).ctypes.data, bits.nbytes)

        return self._call(number, function)

    def measure(self, number: int, wire: int, out: Any) -> int:
        """Measure a wire."""

        def function(running: Running) -> None:
            bit = int(running.device.measure(wire))
            if bit not in (0, 1):
                raise ValueError(f"measure returned {bit}, but outcomes are 0 or 1")
            out[0] = bit

        return self._call(number, function)

    def reset(self, number: int, wire: int) -> int:
        """Bring a wire into |0>."""
        return self._call(number, lambda running: running.device.reset(wire))

    def amplitudes(self, number: int, out: Any) -> int:
        """Write amplitudes."""

        def function(running: Running) -> None:
            found = np.asarray(running.device.amplitudes())
            _check_shape("amplitudes", found, (1 << running.num_qubits,))
            wide = np.ascontiguousarray(found, np.complex128)
            ctypes.memmove(out, wide.ctypes.data, wide.nbytes)

        return self._call(number, function)


def _check_shape(name: str, found: Any, shape: tuple[int, ...]) -> None:
    if found.shape != shape:
        raise ValueError(f"{name} returned an array of shape {found.shape}, not {shape}")
