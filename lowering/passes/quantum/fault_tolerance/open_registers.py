"""The registers of a block, and the qubits that are out of them at each operation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from xdsl.ir import Operation, SSAValue
from xdsl.rewriter import InsertPoint, Rewriter

from qjit.dialects.quantum import (
    ExtractOp,
    InsertOp,
    MeasureOp,
    PassThrough,
    ResetOp,
)
from qjit.dialects.quantum.gates import Controllable

Wire = int | SSAValue


@dataclass
class _OpenRegister:
    """A register: its value, the wires that are out, and the qubits, by their wires.

    A qubit may be put back at another wire than its own.
    """

    value: SSAValue
    out: set[Wire] = field(default_factory=set[Wire])
    qubits: dict[SSAValue, Wire] = field(default_factory=dict[SSAValue, Wire])

    def homes(self) -> dict[SSAValue, Wire]:
        """Return where the qubits can be put back, each at its own wire if possible."""
        taken = set(self.qubits.values())
        left = [wire for wire in self.out if wire not in taken]
        return {
            qubit: wire if wire in self.out else left.pop()
            for qubit, wire in self.qubits.items()
        }


@dataclass
class _PutBack:
    """A qubit that was put back at a place, where others than these use its value."""

    register: _OpenRegister
    place: Wire
    wire: Wire
    later: list[tuple[Operation, int]]


@dataclass
class WholeRegister:
    """A register all of whose qubits were put back; `place` is that of one of them."""

    register: SSAValue
    place: Wire
    qubit: SSAValue
    later: list[tuple[Operation, int]]
    own: _OpenRegister


class OpenRegisters:
    """Follows registers and qubits through a block.

    Qubits that were put back are taken out again where they are next used.
    """

    def __init__(self) -> None:
        self._registers: dict[SSAValue, _OpenRegister] = {}
        self._of_qubits: dict[SSAValue, _OpenRegister] = {}
        self._put_back: dict[SSAValue, _PutBack] = {}
        self._seen: set[Operation] = set()

    def visit(self, op: Operation) -> None:
        """Go past an operation."""
        for value in [value for each in op.walk() for value in each.operands]:
            if value in self._put_back:
                self._take_out(value, op)
        self._seen.add(op)
        match op:
            case ExtractOp():
                register = self._register(op.register)
                register.out.add(op.wire)
                register.qubits[op.qubit] = op.wire
                self._of_qubits[op.qubit] = register
            case InsertOp():
                register = self._register(op.register)
                register.out.remove(op.wire)
                del register.qubits[op.qubit]
                self._move(register, op.out_register)
            case _:
                for before, after in _passed(op):
                    self.rename(before, after)

    def rename(self, before: SSAValue, after: SSAValue) -> None:
        """Let a qubit be another value from now on."""
        if (register := self._of_qubits.pop(before, None)) is not None:
            register.qubits[after] = register.qubits.pop(before)
            self._of_qubits[after] = register

    def put_back(self, qubit: SSAValue, before: Operation) -> WholeRegister:
        """Put all qubits back into the register of one of them."""
        there = self._put_back.get(qubit)
        own = self._of_qubits[qubit] if there is None else there.register
        later = self._later(own.value, before)
        for value, place in own.homes().items():
            uses = self._later(value, before)
            made = InsertOp(own.value, place, value)
            self._insert(made, before)
            self._move(own, made.out_register)
            wire = own.qubits.pop(value)
            del self._of_qubits[value]
            self._put_back[value] = _PutBack(own, place, wire, uses)
        own.out.clear()
        place = self._put_back[qubit].place
        return WholeRegister(own.value, place, qubit, later, own)

    def take_out(
        self, whole: WholeRegister, register: SSAValue, before: Operation
    ) -> SSAValue:
        """Take the qubit that was asked for out of a register again, and return it.

        Operations that follow use the register instead of what it was.
        """
        for use, number in whole.later:
            use.operands[number] = register
        self._move(whole.own, register)
        return self._take_out(whole.qubit, before)

    def _take_out(self, value: SSAValue, before: Operation) -> SSAValue:
        found = self._put_back.pop(value)
        made = ExtractOp(found.register.value, found.place)
        self._insert(made, before)
        for use, number in found.later:
            use.operands[number] = made.qubit
        found.register.out.add(found.place)
        found.register.qubits[made.qubit] = found.wire
        self._of_qubits[made.qubit] = found.register
        return made.qubit

    def _later(self, value: SSAValue, before: Operation) -> list[tuple[Operation, int]]:
        """Return the uses of a value by operations that are to come."""
        return [
            (use.operation, use.index)
            for use in value.uses
            if self._follows(use.operation, before)
        ]

    def _follows(self, op: Operation, before: Operation) -> bool:
        """Tell whether an operation is to come, or is in one that is."""
        found: Operation | None = op
        while found is not None and found.parent is not before.parent:
            found = found.parent_op()
        return found is not None and found not in self._seen

    def _insert(self, made: Operation, before: Operation) -> None:
        Rewriter.insert_op(made, InsertPoint.before(before))
        self._seen.add(made)

    def _register(self, value: SSAValue) -> _OpenRegister:
        return self._registers.setdefault(value, _OpenRegister(value))

    def _move(self, register: _OpenRegister, value: SSAValue) -> None:
        register.value = value
        self._registers[value] = register


def _passed(op: Operation) -> Iterator[tuple[SSAValue, SSAValue]]:
    """Yield the qubits that an operation takes, and what they are afterwards."""
    match op:
        case Controllable() | PassThrough():
            yield from zip(op.qubits, op.results, strict=True)
        case MeasureOp() | ResetOp():
            yield op.qubit, op.out_qubit
        case _:
            pass
