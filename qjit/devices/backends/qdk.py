"""Microsoft's Quantum Development Kit: its simulators of QIR, with noise, and OpenQASM.

CNOT is `cx` to it. OpenQASM 3 runs with its loops and its classical values.
"""

import os
import re
from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import Any

import numpy as np

from .local import LocalBackend, bits_of, check_memory
from .protocol import BackendError, Payload

_RECORD = re.compile(r"__quantum__rt__(\w+)_record_output")
_CONTAINERS = ("tuple", "array")
_REGISTER = re.compile(r"^(\s*)(output\s+)?(bit\[\d+\]\s+c\s*;)", re.MULTILINE)
_BITS = {"Zero": 0, "One": 1}


def backend(*, type: str | None = "cpu", noise: Any = None) -> "Qdk":
    """Return the simulators of the package `qdk`.

    Args:
        type: "cpu", "clifford" or "gpu", or None for a GPU where there is one.
        noise: a `qdk.simulation.NoiseConfig`, or None.

    Raises:
        ImportError: if the package is not installed.
    """
    return Qdk(type, noise)


class Qdk(LocalBackend):
    """A backend that runs programs by `qdk.simulation.run_qir` and `qdk.openqasm`."""

    formats = ("qir-adaptive", "qir-base", "openqasm3")

    def __init__(self, type: str | None, noise: Any) -> None:
        super().__init__()
        self._options = {"type": type, "noise": noise}
        self._run_qir = import_module("qdk.simulation").run_qir
        self._run_openqasm = import_module("qdk.openqasm").run
        self._pyqir = import_module("pyqir")

    def run(self, program: Payload, shots: int, seed: int | None) -> np.ndarray:
        """Run one circuit."""
        run = self._openqasm if program.format == "openqasm3" else self._qir
        try:
            values = run(program.program, shots, seed)
        except KeyError as error:
            raise BackendError(f"unknown instruction {error}") from error
        except BaseException as error:
            # What Rust panics about is no Exception.
            if not isinstance(error, Exception) and not _is_panic(error):
                raise
            raise BackendError(str(error) or repr(error)) from error
        return bits_of([[*_bits(value)] for value in values], program, shots)

    def _qir(self, text: str | bytes, shots: int, seed: int | None) -> Sequence[Any]:
        module = _parse(self._pyqir, text)
        if self._options["type"] in ("cpu", None):
            # Shots run on all cores, with a state for each.
            check_memory(_qubits(self._pyqir, module), min(shots, os.cpu_count() or 1))
        if not _record_in_tuple(self._pyqir, module):
            return [()] * shots
        return self._run_qir(str(module), shots=shots, seed=seed, **self._options)

    def _openqasm(
        self, text: str | bytes, shots: int, seed: int | None
    ) -> Sequence[Any]:
        text = text if isinstance(text, str) else text.decode()
        text, found = _REGISTER.subn(r"\1output \3", text, count=1)
        if not found:
            raise BackendError("the program has no register c, such as bit[2] c;")
        kind = self._options["type"]
        if kind == "gpu":
            raise BackendError("OpenQASM runs on CPUs only; QIR runs on GPUs")
        return self._run_openqasm(
            text,
            shots=shots,
            seed=seed,
            type="sparse" if kind == "cpu" else kind,
            noise=self._options["noise"],
        )


def _parse(pyqir: Any, text: str | bytes) -> Any:
    read = pyqir.Module.from_ir if isinstance(text, str) else pyqir.Module.from_bitcode
    module = read(pyqir.Context(), text)
    if problem := module.verify():
        raise BackendError(problem)
    return module


def _entry(pyqir: Any, module: Any) -> Any:
    entry = next(filter(pyqir.is_entry_point, module.functions), None)
    if entry is None:
        raise BackendError("the program has no entry point")
    return entry


def _qubits(pyqir: Any, module: Any) -> int:
    return pyqir.required_num_qubits(_entry(pyqir, module)) or 0


def _record_in_tuple(pyqir: Any, module: Any) -> int:
    """Put what is recorded into a tuple, as QDK takes several values only so.

    Returns the number of values.
    """
    entry = _entry(pyqir, module)
    calls = [
        (call, kind[1])
        for block in entry.basic_blocks
        for call in block.instructions
        if isinstance(call, pyqir.Call) and (kind := _RECORD.search(call.callee.name))
    ]
    values = sum(kind not in _CONTAINERS for _, kind in calls)
    if values and calls[0][1] not in _CONTAINERS:
        name = "__quantum__rt__tuple_record_output"
        integer = pyqir.IntType(module.context, 64)
        pointer = pyqir.PointerType(pyqir.Type.void(module.context))
        found = [each for each in module.functions if each.name == name]
        signature = pyqir.FunctionType(
            pyqir.Type.void(module.context), [integer, pointer]
        )
        function = (
            found[0]
            if found
            else pyqir.Function(signature, pyqir.Linkage.EXTERNAL, name, module)
        )
        builder = pyqir.Builder(module.context)
        builder.insert_before(calls[0][0])
        builder.call(
            function, [pyqir.const(integer, values), pyqir.Constant.null(pointer)]
        )
    return values


def _bits(value: Any) -> Iterator[int]:
    """Go through the results in nested tuples and lists, leaving out other values."""
    if isinstance(value, list | tuple):
        for each in value:
            yield from _bits(each)
    elif type(value).__name__ == "Result":
        if (name := str(value)) not in _BITS:
            raise BackendError(f"a measurement gave {name}, which is neither 0 nor 1")
        yield _BITS[name]


def _is_panic(error: BaseException) -> bool:
    return type(error).__name__ == "PanicException"
