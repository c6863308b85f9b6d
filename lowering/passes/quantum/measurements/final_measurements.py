"""The measurements at the end of a circuit: what they measure, and in which basis.

The importer measures along other axes than Z by gates before a measurement, which it
undoes behind it. They are the turns of this measurement, relative to the state that the
first one finds.
"""

from __future__ import annotations

from collections.abc import Container, Hashable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, Operation, SSAValue

from qjit.dialects.gates.record import PAULIS
from qjit.dialects.gradient import AdjointOp, TermValuesOp
from qjit.dialects.quantum import (
    AllocOp,
    CountsOp,
    DeallocOp,
    ExtractOp,
    GateOp,
    InsertOp,
    ProbsOp,
    SampleOp,
    UnitaryOp,
)
from qjit.dialects.quantum.gates import Controllable
from qjit.dialects.quantum.linearity import line_of
from qjit.dialects.quantum.measurements import Readout, Statistic
from qjit.dialects.quantum.types import (
    BitType,
    RegisterType,
    TermAttr,
    register_size,
)
from qjit.lowering.analysis.circuit_operations import circuit_operations
from qjit.lowering.passes.circuits.gates import Gate, is_differentiated, read_gate
from qjit.lowering.passes.pipeline import PassError
from qjit.lowering.program_attributes import LABELS, texts_of
from qjit.runtime.recent import MOST

from .commuting_groups import Factors
from .diagonalizing_gates import TURNS

Measurement = Statistic | Readout
MEASUREMENTS = (Statistic, Readout)
OF_BITS = (ProbsOp, SampleOp, CountsOp)
# The first of these is where a circuit ends.
OPENING = (Statistic, *OF_BITS)
# With the first of these there is nothing more to measure.
LAST = (TermValuesOp, AdjointOp, DeallocOp)


@dataclass(frozen=True)
class Turn:
    """A gate or a matrix on wires, before a measurement."""

    op: Controllable
    wires: tuple[int, ...]
    gate: Gate | None
    undone: bool = False  # whether its inverse is meant

    @property
    def key(self) -> Hashable:
        """What is equal for equal turns."""
        if self.gate is not None:
            return self.gate
        op = self.op
        assert isinstance(op, UnitaryOp)
        flags = op.adjoint is None, op.diagonal is None, op.invertible is None
        return op.matrix, self.wires, *flags, op.control_pattern

    def undoes(self, other: Turn) -> bool:
        """Tell whether both together do nothing."""
        if self.wires != other.wires:
            return False
        if self.gate is not None and other.gate is not None:
            return self.gate.inverse() == other.gate
        if not isinstance(self.op, UnitaryOp) or not isinstance(other.op, UnitaryOp):
            return False
        mine, theirs = self.op, other.op
        return (
            mine.matrix is theirs.matrix
            and (mine.adjoint is None) != (theirs.adjoint is None)
            and (mine.diagonal is None) == (theirs.diagonal is None)
            and mine.control_pattern == theirs.control_pattern
            and mine.slot is None
            and theirs.slot is None
            and mine.invertible is None
        )


@dataclass(frozen=True)
class Reading:
    """A measurement, and the turns that are undone behind it."""

    op: Measurement
    turns: tuple[Turn, ...] = ()

    def products(self) -> list[Factors]:
        """Return what is measured: a product for each term, or bits of wires."""
        op = self.op
        if isinstance(op, Statistic):
            return [factors_of(term, op.matrices) for term in op.terms]
        if isinstance(op, OF_BITS):
            turned = {
                w: None for m in op.measured for t in self.turns_of(m) for w in t.wires
            }
            on = {wire: self._axis(wire) for wire in (*op.measured, *turned)}
            return [Factors(on, apart=True)]
        return []

    def turns_of(self, wire: int) -> list[Turn]:
        """Return the turns on which the outcome of a wire depends."""
        on = {wire}
        while True:
            found = [each for each in self.turns if not on.isdisjoint(each.wires)]
            more = on.union(*(each.wires for each in found))
            if more == on:
                return found
            on = more

    def _axis(self, wire: int) -> Hashable:
        """Return the letter that a wire is measured in, or what else tells it."""
        turns = self.turns_of(wire)
        if not turns:
            return "Z"
        gates = [each.gate for each in turns]
        plain = [g for g in gates if g is not None and not g.params and not g.static]
        if len(plain) == len(gates) and all(len(g.all_wires) == 1 for g in plain):
            letter = _letter(tuple((g.name, g.adjoint) for g in plain))
            if letter is not None:
                return letter
        return "turns", wire, tuple(each.key for each in turns)


@lru_cache(MOST)
def _letter(gates: Sequence[tuple[str, bool]]) -> Hashable:
    """Return the letter that gates before a measurement make it measure.

    With it comes a mark where outcomes are exchanged; None is for other axes.
    """
    total = np.eye(2, dtype=np.complex128)
    for name, adjoint in gates:
        total = Gate(name, 0, adjoint=adjoint).matrix({}) @ total
    turned = total.conj().T @ PAULIS["Z"] @ total
    for letter in TURNS:
        overlap = float(np.trace(turned @ PAULIS[letter]).real) / 2
        if abs(overlap) > 1 - 1e-12:
            return letter if overlap > 0 else ("minus", letter)
    return None


def factors_of(term: TermAttr, matrices: Sequence[SSAValue]) -> Factors:
    """Return the letters and the matrices of a term by wire."""
    on: dict[int, Hashable] = {
        wire: letter for wire, letter in enumerate(term.word.data) if letter != "I"
    }
    for factor in term.factors:
        matrix, wires = matrices[factor.matrix.data], factor.wires.get_values()
        on.update({wire: (matrix, wires) for wire in wires})
    return Factors(on)


@dataclass
class FinalMeasurements:
    """A circuit: its operations, and the measurements at its end.

    `undone` are the last gates before the first measurement that are undone behind it:
    they are turns of it, and not of the circuit.
    """

    alloc: AllocOp
    before: list[Operation]  # from the allocation to the first measurement
    section: list[Operation]  # from there to the last one
    last: list[Operation]  # gradients of the state, and the end of the register
    register: SSAValue  # as the first measurement finds it
    readings: list[Reading] = field(default_factory=list[Reading])
    undone: list[Turn] = field(default_factory=list[Turn])

    @property
    def block(self) -> Block:
        """The block that the circuit is in."""
        block = self.alloc.parent
        assert block is not None
        return block

    def place(self, op: Operation) -> str:
        """Return the user's line of a measurement, or of the circuit."""
        return line_of(op) or line_of(self.alloc) or "unknown line"

    @property
    def names(self) -> Sequence[str]:
        """The labels of the wires."""
        labels = texts_of(self.alloc.attributes.get(LABELS))
        return labels or [*map(str, range(register_size(self.register)))]

    def all_turns(self, ops: Container[Operation] | None = None) -> list[list[Turn]]:
        """Return the turns before all measurements, or some, in parts without order."""
        parts: list[list[Turn]] = []
        turned: set[int] = set()
        for reading in self.readings:
            if isinstance(reading.op, OF_BITS) and (ops is None or reading.op in ops):
                for wire in reading.op.measured:
                    turns = reading.turns_of(wire)
                    if turns and wire not in turned:
                        parts.append(turns)
                        turned.update(*(turn.wires for turn in turns))
        return parts


def final_measurements(module: ModuleOp) -> list[FinalMeasurements]:
    """Return the circuits of a module that end in measurements of bits, or of sums."""
    allocs = [op for op in module.walk() if isinstance(op, AllocOp)]
    found = map(read_circuit, allocs)
    return [each for each in found if each is not None]


def read_circuit(alloc: AllocOp) -> FinalMeasurements | None:
    """Return the measurements of a circuit, if it has such."""
    ops = list(circuit_operations(alloc))
    first = next((n for n, op in enumerate(ops) if isinstance(op, OPENING)), None)
    if first is None:
        return None
    end = next(n for n, op in enumerate(ops) if n > first and isinstance(op, LAST))
    last = [op for op in ops[end:] if is_quantum(op)]
    register = ops[first].operands[0]
    parts = ops[:first], ops[first:end], last
    return _Reader(FinalMeasurements(alloc, *parts, register)).read()


class _Reader:
    """What is known of a circuit while its measurements are read in order."""

    def __init__(self, found: FinalMeasurements) -> None:
        self.found = found
        self.steps: list[Turn | Measurement] = []
        self.wires: dict[SSAValue, int] = {}

    def read(self) -> FinalMeasurements:
        """Return the circuit with its measurements."""
        found = self.found
        for op in found.section:
            self._step(op)
        self._take(self._undone_at_last())
        found.readings, turns = _readings(self.steps, found.undone)
        for reading in found.readings:
            if reading.turns and not isinstance(reading.op, OF_BITS):
                raise self._goes_on(reading.op)
        for op in found.last:
            if not isinstance(op, LAST):
                raise self._goes_on(op)
        if len(found.last) > 1 and turns:
            raise self._goes_on(found.last[0])
        return found

    def _step(self, op: Operation) -> None:
        """Read an operation from the first measurement on."""
        if isinstance(op, MEASUREMENTS):
            self.steps.append(op)
        elif isinstance(op, ExtractOp) and isinstance(op.wire, int):
            self.wires[op.qubit] = op.wire
        elif isinstance(op, InsertOp) and self.wires.get(op.qubit) == op.wire:
            pass
        elif isinstance(op, GateOp | UnitaryOp) and not is_differentiated(op):
            for qubit, result in zip(op.qubits, op.results, strict=True):
                self.wires[result] = self.wires[qubit]
            self.steps.append(_as_turn(op, self.wires))
        elif is_quantum(op):
            raise self._goes_on(op)

    def _undone_at_last(self) -> Sequence[Turn]:
        """Return what was done since the first measurement where nothing is turned.

        That is at a measurement of the state, or else at the end.
        """
        readings, turns = _readings(self.steps, ())
        of_state = (r.turns for r in readings if not isinstance(r.op, OF_BITS))
        return next(of_state, turns)

    def _take(self, inverses: Sequence[Turn]) -> None:
        """Let the last gates of the circuit be turns, as far as these undo them."""
        others: set[int] = set()
        for turn in inverses:
            gate = (
                self._last_gate(turn.wires) if others.isdisjoint(turn.wires) else None
            )
            if gate is not None and turn.undoes(gate):
                self.found.undone.insert(0, gate)
            else:
                others.update(turn.wires)

    def _last_gate(self, wires: Sequence[int]) -> Turn | None:
        """Return the last gate of the circuit on wires, if it is on no other ones."""
        tips = {self._tip(wire): wire for wire in wires}
        owner = next(iter(tips)).owner if None not in tips else None
        if not isinstance(owner, GateOp | UnitaryOp) or is_differentiated(owner):
            return None
        if set(owner.results) != set(tips) or owner.parent is not self.found.block:
            return None
        return _as_turn(owner, {r: tips[r] for r in owner.results})

    def _tip(self, wire: int) -> Any:
        """Return the qubit of a wire before the gates that are undone."""
        register = self.found.register
        while isinstance(owner := register.owner, InsertOp):
            if not isinstance(owner.wire, int):
                return None
            if owner.wire == wire:
                break
            register = owner.register
        else:
            return None
        qubit, undone = owner.qubit, {turn.op for turn in self.found.undone}
        while isinstance(gate := qubit.owner, Controllable) and gate in undone:
            qubit = gate.qubits[gate.results.index(qubit)]
        return qubit

    def _goes_on(self, op: Operation) -> PassError:
        return PassError(
            f"{self.found.place(op)}: a circuit is measured, and goes on with "
            f"{op.name}. Measure at the end, or put this pass before those that "
            "rewrite gates."
        )


def _readings(
    steps: Sequence[Turn | Measurement], first: Sequence[Turn]
) -> tuple[list[Reading], Sequence[Turn]]:
    """Return the measurements with their turns, given the first, and those left."""
    readings: list[Reading] = []
    turns = list(first)
    for step in steps:
        if not isinstance(step, Turn):
            readings.append(Reading(step, tuple(turns)))
            continue
        on = set(step.wires)
        last = next((t for t in reversed(turns) if on.intersection(t.wires)), None)
        if last is not None and step.undoes(last):
            turns.remove(last)
        else:
            turns.append(step)
    return readings, turns


def _as_turn(op: GateOp | UnitaryOp, wires: dict[SSAValue, int]) -> Turn:
    """Return an operation as a turn, given the wires of its results."""
    on = tuple(wires[qubit] for qubit in op.controls_first(len(op.controls)))
    given = {q: wires[r] for q, r in zip(op.qubits, op.results, strict=True)}
    return Turn(op, on, read_gate(op, given) if isinstance(op, GateOp) else None)


def is_quantum(op: Operation) -> bool:
    """Tell whether an operation, or one within it, has qubits or registers."""
    return any(
        isinstance(value.type, BitType | RegisterType)
        for each in op.walk()
        for value in (*each.operands, *each.results)
    )
