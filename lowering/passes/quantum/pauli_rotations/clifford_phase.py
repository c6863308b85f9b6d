"""The phases by which Clifford circuits differ that are otherwise the same.

A stabilizer state is a sum over bits v, of i^q(v) |f(v)>, where q is quadratic and the
bit f_w(v) of each wire is a parity (Dehaene and De Moor, arXiv:quant-ph/0304125). Bits
that no wire has are summed over.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import reduce
from operator import or_

from qjit.lowering.passes.circuits.gates import Gate

from .clifford_frame import QuarterTurn
from .gate_rotations import clifford_turns
from .pauli_words import bits


class StabilizerState:
    """The state that turns make of |0...0>, up to its length.

    Variables are places in masks; variable 0 is 1, the others are summed over. The sum
    has the factor i^turns[k] where variable k is 1, and -1 for each of the `pairs` of
    variables that are.
    """

    def __init__(self, num_wires: int) -> None:
        self.parities = [0] * num_wires
        self._eighths = 0
        self._phase = 0.0
        self._turns: dict[int, int] = {0: 0}
        self._pairs: dict[int, int] = {0: 0}
        self._next = 1

    def apply(self, turn: QuarterTurn) -> None:
        """Apply a turn."""
        axis, quarters = turn
        for wire in bits(axis.x):
            if axis.z >> wire & 1:
                self._add(self.parities[wire], -1)
            self._hadamard(wire)
        parity = 0
        for wire in bits(axis.support):
            parity ^= self.parities[wire]
        self._eighths -= quarters
        self._add(parity, quarters)
        for wire in bits(axis.x):
            self._hadamard(wire)
            if axis.z >> wire & 1:
                self._add(self.parities[wire], 1)

    def undo(self, gate: Gate) -> None:
        """Apply the inverse of a Clifford gate."""
        if gate.name == "CNOT" and not gate.controls:
            control, target = gate.wires
            self.parities[target] ^= self.parities[control]
            return
        turns, phase = clifford_turns([gate])
        self._phase -= phase
        for axis, quarters in reversed(turns):
            self.apply(QuarterTurn(axis, -quarters))

    def phase_of_zero(self) -> float:
        """Return the phase of the amplitude of |0...0>, which is not zero."""
        for wire in range(len(self.parities)):
            self._demand(self.parities[wire], 0)
        for variable in [each for each in self._turns if each]:
            if variable in self._turns:
                self._sum_over(variable)
        return self._phase + (self._eighths + 2 * self._turns[0]) * math.pi / 4

    def _add(self, parity: int, turns: int) -> None:
        """Multiply by i^turns where a parity is 1: a + b - 2 a b for two bits."""
        for variable in bits(parity):
            self._turns[variable] = self._turns[variable] + turns & 3
            if turns & 1:
                self._pairs[variable] ^= parity & ~(1 << variable)

    def _hadamard(self, wire: int) -> None:
        """Give a wire a new variable, and -1 where that and the old bit are 1."""
        old, new = self.parities[wire], self._next
        self._next += 1
        self._turns[new], self._pairs[new] = 0, old
        for variable in bits(old):
            self._pairs[variable] ^= 1 << new
        self.parities[wire] = 1 << new
        for variable in bits(old & ~1):
            if variable in self._turns and not self._is_used(variable):
                self._sum_over(variable)

    def _is_used(self, variable: int) -> bool:
        return bool(reduce(or_, self.parities) >> variable & 1)

    def _sum_over(self, variable: int) -> None:
        """Sum over a variable that no wire has.

        1 + i (-1)^p is (1 + i) (-i)^p, and 1 + (-1)^p demands that p is 0.
        """
        turns, parity = self._turns.pop(variable), self._pairs.pop(variable)
        for other in bits(parity):
            self._pairs[other] ^= 1 << variable
        if turns & 1:
            self._eighths += 2 - turns
            self._add(parity, -turns)
        else:
            self._demand(parity, turns >> 1)

    def _demand(self, parity: int, value: int) -> None:
        """Let only variables count whose parity is a bit: replace one of them."""
        parity ^= value
        if not parity >> 1:
            if parity:
                raise ValueError("the amplitude is zero")
            return
        variable = parity.bit_length() - 1
        rest = parity ^ 1 << variable
        turns, row = self._turns.pop(variable), self._pairs.pop(variable)
        for other in bits(row):
            self._pairs[other] ^= 1 << variable
        self._add(rest, turns)
        for one in bits(rest):
            if row >> one & 1:
                self._turns[one] = self._turns[one] + 2 & 3
            others = row & ~(1 << one)
            self._pairs[one] ^= others
            for other in bits(others):
                self._pairs[other] ^= 1 << one
        for wire, found in enumerate(self.parities):
            if found >> variable & 1:
                self.parities[wire] = found ^ parity


def phase_between(
    first: Sequence[QuarterTurn],
    second: Sequence[Gate],
    output: Sequence[int],
) -> float:
    """Return by which phase the first of two circuits differs from the second.

    Args:
        first: a circuit.
        second: gates that are the same up to a phase, and the order of wires.
        output: where each wire of the first one is in the second one.
    """
    state = StabilizerState(len(output))
    for turn in first:
        state.apply(turn)
    parities = list(state.parities)
    for wire, place in enumerate(output):
        state.parities[place] = parities[wire]
    for gate in reversed(second):
        state.undo(gate)
    return state.phase_of_zero()
