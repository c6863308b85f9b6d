"""A device in Python for tests: state vectors by numpy."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from qjit.dialects.gates import GATES
from qjit.dialects.gates.spelling import read_spelling


class Numpy:
    """A simulator whose gates are tensors, contracted with the state."""

    gates: Sequence[str] = ("RX", "RZ", "CNOT", "S", "adjoint(S)")

    def __init__(self, num_qubits: int, seed: int, outcome: int | None = None) -> None:
        self.random = np.random.default_rng(seed)
        self.outcome = outcome
        self.state = np.zeros((2,) * num_qubits, complex)
        self.state[(0,) * num_qubits] = 1

    def apply(
        self,
        name: str,
        parameters: Sequence[float],
        wires: Sequence[int],
        *,
        controls: Sequence[int] = (),
        control_values: Sequence[int] = (),
        adjoint: bool = False,
    ) -> None:
        """Apply a gate."""
        bare, spelled = read_spelling(name)
        record = GATES[bare]
        matrix = record.matrix(parameters)
        own = record.num_controls or 0
        controls, wires = [*controls, *wires[:own]], wires[own:]
        values = [*control_values, *[1] * own]
        if adjoint != spelled:
            matrix = matrix.conj().T
        where: list[Any] = [slice(None)] * self.state.ndim
        for wire, value in zip(controls, values, strict=True):
            where[wire] = slice(value, value + 1)
        part = self.state[tuple(where)]
        tensor = np.reshape(matrix, (2,) * (2 * len(wires)))
        axes = range(len(wires), 2 * len(wires)), wires
        moved = np.tensordot(tensor, part, axes)
        self.state[tuple(where)] = np.moveaxis(moved, range(len(wires)), wires)

    def sample(self, shots: int, wires: Sequence[int]) -> Any:
        """Return outcomes."""
        if self.outcome is not None:
            return np.full((shots, len(wires)), self.outcome)
        chances = np.abs(self.state.ravel()) ** 2
        drawn = self.random.choice(chances.size, shots, p=chances / chances.sum())
        last = self.state.ndim - 1
        return drawn[:, None] >> np.array([last - wire for wire in wires]) & 1

    def measure(self, wire: int) -> int:
        """Measure a wire."""
        (bit,) = self.sample(1, [wire])[0]
        moved = np.moveaxis(self.state, wire, 0)
        moved[1 - bit] = 0
        self.state /= np.linalg.norm(self.state)
        return int(bit)

    def reset(self, wire: int) -> None:
        """Bring a wire into |0>."""
        if self.measure(wire):
            self.state = np.flip(self.state, wire).copy()

    def amplitudes(self) -> Any:
        """Return the state."""
        return self.state.ravel()
