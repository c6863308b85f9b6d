"""The end of a circuit, written anew: classical code around it, then measurements."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from xdsl.dialects.builtin import UnitAttr
from xdsl.ir import Operation, SSAValue
from xdsl.rewriter import InsertPoint, Rewriter

from qjit.dialects.quantum import DeallocOp, ExtractOp, InsertOp
from qjit.lowering.analysis.memory_accesses import AccessesOf
from qjit.lowering.passes.circuits.gates import Gate, write_gate
from qjit.lowering.passes.pipeline import PassError

from .classical_code import Code
from .final_measurements import (
    MEASUREMENTS,
    FinalMeasurements,
    Measurement,
    Turn,
    is_quantum,
)


def settle(found: FinalMeasurements, accesses: AccessesOf) -> None:
    """Move classical code out of the end of a circuit.

    What depends on no measurement goes before the first, all else behind the last.

    Raises:
        PassError: if what is measured depends on another measurement.
    """
    late: set[SSAValue] = set()
    written: set[SSAValue] = set()
    read: set[SSAValue] = set()
    for op in filter(is_quantum, found.before):
        read |= accesses(op).reads
    before = InsertPoint.before(found.section[0])
    behind = InsertPoint.before(found.last[0])
    for op in found.section:
        own = accesses(op)
        depends = bool(
            late.intersection(_operands(op))
            or written & own.reads
            or (written | read) & own.writes
        )
        if is_quantum(op):
            if depends:
                raise PassError(
                    f"{found.place(op)}: what is measured depends on what was measured "
                    "before. Measure in two quantum functions."
                )
            late |= _measured_values(op)
            written |= own.writes
            read |= own.reads
            continue
        op.detach()
        if not depends and own.known:
            Rewriter.insert_op(op, before)
            continue
        Rewriter.insert_op(op, behind)
        late.update(op.results)
        written |= own.writes
        read |= own.reads


def _measured_values(op: Operation) -> set[SSAValue]:
    return set(op.results) if isinstance(op, MEASUREMENTS) else set()


def _operands(op: Operation) -> Iterable[SSAValue]:
    for each in op.walk():
        yield from each.operands


class RegisterEnd(Code):
    """The end of a circuit that is being written, before an operation."""

    def __init__(self, register: SSAValue, following: Operation) -> None:
        super().__init__(following)
        self.register = register
        self.applied: list[Turn | Gate] = []

    @classmethod
    def of(cls, found: FinalMeasurements) -> RegisterEnd:
        """Take a circuit apart whose end is settled, and is to be written."""
        ops = [op for op in found.section if is_quantum(op)]
        following = ops[-1].next_op
        if isinstance(following, DeallocOp):
            following = following.next_op
        assert following is not None
        for op in ops:
            op.detach()
        for turn in reversed(found.undone):
            for qubit, result in zip(turn.op.qubits, turn.op.results, strict=True):
                result.replace_all_uses_with(qubit)
            turn.op.detach()
        return cls(found.register, following)

    def apply(self, turns: Sequence[Turn | Gate]) -> None:
        """Apply gates to wires of the register."""
        wires = {wire for each in turns for wire in _wires(each)}
        qubits: dict[Any, SSAValue] = {
            wire: self.insert(ExtractOp(self.register, wire)) for wire in sorted(wires)
        }
        for each in turns:
            if isinstance(each, Gate):
                write_gate(each, qubits, self.insert)
            else:
                self._copy(each, qubits)
        for wire, qubit in sorted(qubits.items()):
            self.register = self.insert(InsertOp(self.register, wire, qubit))
        self.applied += turns

    def _copy(self, turn: Turn, qubits: dict[Any, SSAValue]) -> None:
        op, split = turn.op, len(turn.op.controls)
        wires = [*turn.wires[split:], *turn.wires[:split]]
        given = [qubits[wire] for wire in wires]
        new = op.clone(dict(zip(op.qubits, given, strict=True)))
        if turn.undone:
            new.adjoint = UnitAttr() if new.adjoint is None else None
        self.insert(new)
        qubits |= zip(wires, new.results, strict=True)

    def undo(self) -> None:
        """Undo the gates that were applied."""
        turns = [
            each.inverse() if isinstance(each, Gate) else replace(each, undone=True)
            for each in reversed(self.applied)
        ]
        if turns:
            self.apply(turns)

    def measure(self, op: Measurement) -> None:
        """Insert a measurement, of this register."""
        op.operands[0] = self.register
        self.insert(op)

    def close(self, found: FinalMeasurements) -> None:
        """End the life of the register, as a circuit does."""
        op = DeallocOp(self.register)
        op.attributes |= found.last[-1].attributes
        self.insert(op)

    def finish(self, found: FinalMeasurements) -> None:
        """Leave the register to gradients of the state, or end its life."""
        if len(found.last) > 1:
            self.undo()
            for op in found.last:
                op.operands[0] = self.register
        else:
            self.close(found)
            Rewriter.erase_op(found.last[0])


def _wires(turn: Turn | Gate) -> Sequence[int]:
    return turn.all_wires if isinstance(turn, Gate) else turn.wires


def discard(found: FinalMeasurements) -> None:
    """Erase what was taken apart and found no other place."""
    taken = (*(turn.op for turn in found.undone), *found.section)
    left = [op for op in taken if op.parent is None]
    for op in left:
        op.drop_all_references()
    for op in left:
        op.erase(safe_erase=False)
