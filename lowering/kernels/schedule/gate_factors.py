"""The factors that gates are made of: matrices of two states, or diagonals."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from qjit.dialects.gates import GATES, GateRecord, Kernel


@cache
def records() -> tuple[GateRecord, ...]:
    """All gates, by number."""
    return tuple(GATES.values())


@dataclass(frozen=True)
class Factor:
    """The matrix of a gate, its diagonal, or a Pauli rotation's 2x2 matrix."""

    gate: int
    param_offset: int
    adjoint: bool
    letters: int | None = None  # how many Y a Pauli rotation has

    @property
    def record(self) -> GateRecord:
        """The gate's record."""
        return records()[self.gate]

    @property
    def num_params(self) -> int:
        """How many parameters it has."""
        return 1 if self.letters is not None else self.record.num_params

    @property
    def is_diagonal(self) -> bool:
        """Whether its matrix is a diagonal."""
        return self.letters is None and self.record.kernel is Kernel.DIAGONAL
