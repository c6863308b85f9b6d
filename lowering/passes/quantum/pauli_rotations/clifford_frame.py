"""What Clifford circuits make of Pauli words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from .pauli_words import Pauli, bits, times, turned


class QuarterTurn(NamedTuple):
    """exp(-i quarters pi P / 4), a Clifford gate."""

    axis: Pauli
    quarters: int


class CliffordFrame:
    """The words C^-1 X C and C^-1 Z C of each wire, for a Clifford circuit C."""

    def __init__(self, num_wires: int, turns: Iterable[QuarterTurn] = ()) -> None:
        """Make the frame of turns one after another."""
        self.of_x = [Pauli(1 << wire, 0) for wire in range(num_wires)]
        self.of_z = [Pauli(0, 1 << wire) for wire in range(num_wires)]
        for turn in turns:
            self.append(turn)

    def __call__(self, pauli: Pauli) -> Pauli:
        """Return C^-1 P C."""
        found = Pauli(0, 0, pauli.phase)
        for wire in bits(pauli.x):
            found = times(found, self.of_x[wire])
        for wire in bits(pauli.z):
            found = times(found, self.of_z[wire])
        return found

    def append(self, turn: QuarterTurn) -> None:
        """Let a turn follow the circuit."""
        axis, quarters = self(turn.axis), -turn.quarters
        for rows, wires in ((self.of_x, turn.axis.z), (self.of_z, turn.axis.x)):
            for wire in bits(wires):
                rows[wire] = turned(rows[wire], axis, quarters)

    def prepend(self, turn: QuarterTurn) -> None:
        """Let a turn come before the circuit."""
        axis, quarters = turn.axis, -turn.quarters
        self.of_x = [turned(row, axis, quarters) for row in self.of_x]
        self.of_z = [turned(row, axis, quarters) for row in self.of_z]

    def after(self, first: CliffordFrame) -> CliffordFrame:
        """Return the frame of this circuit after another one."""
        found = CliffordFrame(0)
        found.of_x = [first(row) for row in self.of_x]
        found.of_z = [first(row) for row in self.of_z]
        return found
