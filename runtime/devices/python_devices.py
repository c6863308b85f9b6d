"""Devices in Python: classes whose methods stand for the functions of a table."""

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
from qjit.runtime.abi.status import PLACE_SHIFT

from .libraries import Kind, LibraryError, Table


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

    number: int
    device: Any
    num_qubits: int
    text: Any = None


FAILED = 1
_running: dict[int, Running] = {}
_numbers = itertools.count(1)
_registered: dict[str, type] = {}
_names: dict[type, str] = {}
# NOTE: for the life of the process, as the code that has the numbers.
_classes: list[type] = []
_numbering = threading.Lock()


def name_of(kind: type) -> str:
    """Return a name by which `find` knows a class, in other processes if it can."""
    name = f"{kind.__module__}:{kind.__qualname__}"
    if kind.__module__ != "__main__" and _imported(name) is kind:
        return name
    with _numbering:
        if kind not in _names:
            _names[kind] = _own_name(kind)
            _registered[_names[kind]] = kind
        return _names[kind]


def _own_name(kind: type) -> str:
    """Return a name for a class that cannot be imported.

    That of a class at the top of a script is the same whenever this runs, so that
    programs are found again on disk.
    """
    script = getattr(sys.modules["__main__"], "__file__", None)
    name = f"{script}:{kind.__qualname__}#"
    is_top = kind.__module__ == "__main__" and "<locals>" not in kind.__qualname__
    again = script is None or not is_top or name in _registered
    return f"{name}{uuid4().hex}" if again else name


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


def number_of(kind: type) -> int:
    """Return the number by which native code knows a class, which is not 0."""
    with _numbering:
        if kind not in _classes:
            _classes.append(kind)
        return 1 + _classes.index(kind)


def table_of(kind: type, gates: tuple[Kind, ...]) -> Table:
    """Return what a class says of itself, whose gates have these numbers.

    Raises:
        LibraryError: if it is no device.
    """
    whose = f"the class {kind.__qualname__}"
    for name in ("apply", "sample"):
        if not callable(getattr(kind, name, None)):
            raise LibraryError(
                f"{whose} has no method {name}, which a device has: see "
                "qjit.devices.gate_device.GateDevice."
            )
    if hasattr(kind, "measure") != hasattr(kind, "reset"):
        raise LibraryError(f"{whose} has one of measure and reset, but not the other.")
    return Table(
        number_of(kind),
        kind.__name__,
        gates,
        min(int(getattr(kind, "most_wires", MOST_WIRES)), MOST_WIRES),
        bool(getattr(kind, "modifiers", False)),
        hasattr(kind, "measure"),
        hasattr(kind, "amplitudes"),
        is_python=True,
    )


def call(function: int, number: int, address: int) -> int:
    """Call a function of a device for native code, and return its result as a word.

    What is raised and no error ends the program, and is raised again by its caller.

    Args:
        function: Its word in a table.
        number: That of the class.
        address: That of its arguments.
    """
    called, count = CALLS[function]
    words = (ctypes.c_uint64 * count).from_address(address)
    if called is create:
        return create(_classes[number - 1], *words)
    device, *rest = words
    running = _running[device]
    try:
        return called(running, *rest) or abi.OK
    except Exception as error:
        running.text = _noted(_worded(error))
        return FAILED


def _noted(text: str) -> Any:
    return ctypes.create_string_buffer(text.encode(errors="replace"))


def _worded(error: Exception) -> str:
    """Return the text of an exception, and where it was raised."""
    *_, last = traceback.extract_tb(error.__traceback__)
    place = f"{last.filename}:{last.lineno}, in {last.name}"
    return f"{type(error).__name__}: {error} ({place})"


def _array(address: int, kind: Any, count: int) -> list[Any]:
    return list((kind * count).from_address(address)) if count else []


def create(kind: type, text: int, n: int, seed: int, error: int, size: int) -> int:
    """Make a device and return its number, or 0."""
    options = json.loads(ctypes.string_at(text))
    try:
        device = cast(Any, kind)(n, seed, **options)
    except Exception as failure:
        noted = _worded(failure).encode(errors="replace")[: size - 1] + b"\0"
        ctypes.memmove(error, noted, len(noted))
        return 0
    # NOTE: no status has such a number.
    number = next(_numbers) << PLACE_SHIFT
    _running[number] = Running(number, device, n)
    return number


def _destroy(running: Running) -> None:
    """Forget a device, and close it if it can be."""
    del _running[running.number]
    try:
        getattr(running.device, "close", lambda: None)()
    except Exception as error:
        # There is nobody to tell: the program has its results already.
        sys.excepthook(type(error), error, error.__traceback__)


def _last_error(running: Running) -> int:
    return 0 if running.text is None else ctypes.addressof(running.text)


def _apply(running: Running, address: int) -> None:
    gate = abi.Gate.from_address(address)
    names = type(running.device).gates
    targets = gate.targets[: gate.num_targets]
    given = names[gate.kind], gate.parameters[: gate.num_parameters], targets
    if not getattr(running.device, "modifiers", False):
        running.device.apply(*given)
        return
    running.device.apply(
        *given,
        controls=gate.controls[: gate.num_controls],
        control_values=gate.control_values[: gate.num_controls],
        adjoint=bool(gate.adjoint),
    )


def _sample(running: Running, shots: int, wires: int, count: int, out: int) -> None:
    found = np.asarray(
        running.device.sample(shots, _array(wires, ctypes.c_int32, count))
    )
    _check_shape("sample", found, (shots, count))
    bits = found.astype(np.uint8)
    if not (bits == found).all() or (bits > 1).any():
        raise ValueError("sample returned numbers other than 0 and 1")
    ctypes.memmove(out, np.ascontiguousarray(bits).ctypes.data, bits.nbytes)


def _measure(running: Running, wire: int, out: int) -> None:
    bit = int(running.device.measure(wire))
    if bit not in (0, 1):
        raise ValueError(f"measure returned {bit}, but outcomes are 0 or 1")
    ctypes.c_uint8.from_address(out).value = bit


def _reset(running: Running, wire: int) -> None:
    running.device.reset(wire)


def _amplitudes(running: Running, out: int) -> None:
    found = np.asarray(running.device.amplitudes())
    _check_shape("amplitudes", found, (1 << running.num_qubits,))
    wide = np.ascontiguousarray(found, np.complex128)
    ctypes.memmove(out, wide.ctypes.data, wide.nbytes)


def _check_shape(name: str, found: Any, shape: tuple[int, ...]) -> None:
    if found.shape != shape:
        raise ValueError(
            f"{name} returned an array of shape {found.shape}, not {shape}"
        )


# The functions of a device, by their words in a table, with numbers of arguments.
CALLS: dict[int, tuple[Callable[..., int | None], int]] = {
    abi.word_of("create"): (create, 5),
    abi.word_of("destroy"): (_destroy, 1),
    abi.word_of("last_error"): (_last_error, 1),
    abi.word_of("apply_gate"): (_apply, 2),
    abi.word_of("sample"): (_sample, 5),
    abi.word_of("measure"): (_measure, 3),
    abi.word_of("reset"): (_reset, 2),
    abi.word_of("amplitudes"): (_amplitudes, 2),
}
