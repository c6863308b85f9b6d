"""Quantinuum's Selene, an emulator of their computers: QIR as they run it, with noise.

The first program that a machine builds takes Selene's linker about 20 seconds, later
ones a tenth of a second.
"""

import hashlib
import shutil
import tempfile
import threading
import weakref
from collections import OrderedDict
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from .local import LocalBackend, bits_of, check_memory
from .protocol import BackendError, Payload

MOST_BUILDS = 64


def backend(
    *,
    simulator: Any = "quest",
    error_model: Any = "ideal",
    runtime: Any = "simple",
    n_processes: int = 1,
    timeout: float | None = None,
    **parameters: float,
) -> "Selene":
    """Return the emulator of the packages `selene-sim` and `qir-qis`.

    Args:
        simulator: "quest" (state vectors), "stim" (Clifford gates), another one of
            Selene's, or an object of theirs.
        error_model: "ideal", "depolarizing", "simpleleakage", or an object of theirs.
        runtime: "simple" or "softrz", or an object of theirs.
        n_processes: the processes that shots are divided among.
        timeout: seconds that one circuit may take, or None.
        **parameters: those of the error model by their own names, such as `p_2q=0.01`.

    Raises:
        ImportError: if a package is not installed.
        TypeError: for parameters that the error model does not have.
        BackendError: for names that Selene does not have.
    """
    package = import_module("selene_sim")
    if parameters and not isinstance(error_model, str):
        raise TypeError(f"an error model that is an object takes no {[*parameters]}")
    options = {
        "simulator": _part(package, "Simulator", simulator, {}),
        "error_model": _part(package, "ErrorModel", error_model, parameters),
        "runtime": _part(package, "Runtime", runtime, {}),
        "n_processes": n_processes,
        "timeout": timeout,
    }
    return Selene(package, options)


class Selene(LocalBackend):
    """A backend that builds programs by `selene_sim.build` and runs their shots."""

    formats = ("qir-adaptive", "qir-base")

    def __init__(self, package: Any, options: Mapping[str, Any]) -> None:
        super().__init__()
        self._package = package
        self._compiler = import_module("qir_qis")
        self._options = options
        self._folder = Path(tempfile.mkdtemp(prefix="qjit-selene-"))
        weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        self._builds: OrderedDict[str, Any] = OrderedDict()
        self._lock = threading.Lock()

    def run(self, program: Payload, shots: int, seed: int | None) -> np.ndarray:
        """Run one circuit."""
        with self._lock:
            try:
                rows = self._shots(program, shots, seed)
            except Exception as error:
                raise BackendError(str(error) or repr(error)) from error
        return bits_of(rows, program, shots)

    def _shots(self, program: Payload, shots: int, seed: int | None) -> list[list[int]]:
        if isinstance(self._options["simulator"], self._package.Quest):
            states = min(shots, self._options["n_processes"])
            check_memory(program.num_qubits, states)
        instance = self._built(program.program)
        try:
            records = instance.run_shots(
                n_qubits=max(1, program.num_qubits),
                n_shots=shots,
                random_seed=seed,
                **self._options,
            )
            return [_bits(dict(shot)) for shot in records]
        finally:
            instance.delete_run_directories()

    def _built(self, text: str | bytes) -> Any:
        code = self._compiler.qir_ll_to_bc(text) if isinstance(text, str) else text
        key = hashlib.sha256(code).hexdigest()
        if key not in self._builds:
            self._compiler.validate_qir(code)
            folder = self._folder / key
            self._builds[key] = self._package.build(code, build_dir=folder)
        self._builds.move_to_end(key)
        if len(self._builds) > MOST_BUILDS:
            self._builds.popitem(last=False)[1].delete_files()
        return self._builds[key]


def _part(package: Any, kind: str, name: Any, parameters: Mapping[str, float]) -> Any:
    """Make one of Selene's parts by its name, without case and the name of its kind."""
    if not isinstance(name, str):
        return name

    def short(name: str) -> str:
        return name.lower().replace("_", "").removesuffix(kind.lower())

    base = getattr(import_module("selene_core"), kind)
    parts = {
        short(each): part
        for each in package.__all__
        if isinstance(part := getattr(package, each), type) and issubclass(part, base)
    }
    if short(name) not in parts:
        raise BackendError(f"{name!r} is none of Selene's: {', '.join(parts)}")
    return parts[short(name)](**parameters)


def _bits(records: Mapping[str, Any]) -> list[int]:
    """Return the results, labelled r0, r1 and so on, among what was recorded."""
    numbers = sorted(
        int(label[1:])
        for label in records
        if label.startswith("r") and label[1:].isdecimal()
    )
    return [int(records[f"r{number}"]) for number in numbers]
