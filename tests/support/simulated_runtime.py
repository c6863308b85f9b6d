"""A runtime of others that is not: it reads programs back, and simulates them here."""

import itertools
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import qjit as qj
from qjit.devices.backends import registry
from qjit.devices.backends.local import LocalBackend
from qjit.devices.backends.protocol import BackendError, Payload
from qjit.dialects.targets import TARGETS, find_target
from qjit.dialects.targets.record import BY_SHOTS


class SimulatedRuntime(LocalBackend):
    """Our importers and our simulator, behind the interface of a backend."""

    formats = ("qir-adaptive", "qir-base")

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[int] = []
        self.programs: list[str | bytes] = []
        self.broken = ""

    def submit(self, programs: Sequence[Payload], shots: int, seed: int | None) -> str:
        """Run a batch, and note how large it is."""
        if self.broken:
            raise BackendError(self.broken)
        self.batches.append(len(programs))
        self.programs += [program.program for program in programs]
        return super().submit(programs, shots, seed)

    def run(self, program: Payload, shots: int, seed: int | None) -> np.ndarray:
        """Run one circuit."""
        assert isinstance(program.program, str)
        circuit = qj.from_qir(program.program)

        @qj.qnode(wires=max(program.num_qubits, 1), shots=shots, seed=seed)
        def rows() -> Any:
            return qj.sample(circuit())

        return np.asarray(rows()).reshape(shots, program.num_bits).astype(np.uint8)


def simulated(
    monkeypatch: pytest.MonkeyPatch, name: str = "qir-adaptive-loops", **changes: Any
) -> SimulatedRuntime:
    """Let a runtime here run what is written for a target: the device "simulated"."""
    number = next(_numbers)
    runtime = SimulatedRuntime()
    own = {"runtime": f"simulated-{number}", "measurements": BY_SHOTS, **changes}
    own["name"] = "simulated"
    target = replace(find_target(name), **own)
    monkeypatch.setitem(TARGETS, "simulated", target)
    create = registry.create

    def created(name: str, options: Any) -> Any:
        return runtime if name == target.runtime else create(name, options)

    monkeypatch.setattr(registry, "create", created)
    return runtime


_numbers = itertools.count()
