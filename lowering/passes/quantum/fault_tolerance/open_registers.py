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
    out: list[Wire] = field(default_factory=list[Wire])
    qubits: dict[SSAValue, Wire] = field(default_factory=dict[SSAValue, Wire])

    def homes(self) -> dict[SSAValue, Wire]:
        """Return where the qubits can be put back, each at its own wire if possible."""
        left = [wire for wire in self.out if wire not in self.qubits.values()]
        return {
            qubit: wire if wire in self.out else left.pop()
            for qubit, wire in self.qubits.items()
        }


@dataclass
class WholeRegister:
    """A register all of whose qubits were put back; `place` is that of one of them."""

    register: SSAValue
    place: Wire
    homes: dict[SSAValue, Wire]
    qubit: SSAValue
    later: dict[SSAValue, list[tuple[Operation, int]]]
    own: _OpenRegister


class OpenRegisters:
    """Follows registers and qubits through a block."""

    def __init__(self) -> None:
        self._registers: dict[SSAValue, _OpenRegister] = {}
        self._of_qubits: dict[SSAValue, _OpenRegister] = {}
        self._seen: set[Operation] = set()

    def visit(self, op: Operation) -> None:
        """Go past an operation."""
        self._seen.add(op)
        match op:
            case ExtractOp():
                register = self._register(op.register)
                register.out.append(op.wire)
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
        own = self._of_qubits[qubit]
        homes = own.homes()
        later = {
            value: [
                (use.operation, use.index)
                for use in value.uses
                if self._follows(use.operation, before)
            ]
            for value in (own.value, *homes)
        }
        register = own.value
        for value, wire in homes.items():
            made = InsertOp(register, wire, value)
            self._insert(made, before)
            register = made.out_register
        return WholeRegister(register, homes[qubit], homes, qubit, later, own)

    def take_out(
        self, whole: WholeRegister, register: SSAValue, before: Operation
    ) -> SSAValue:
        """Take the qubits out of a register again; return the one that was asked for.

        Operations that follow use these instead.
        """
        own, turned = whole.own, whole.qubit
        for use, number in whole.later[own.value]:
            use.operands[number] = register
        self._move(own, register)
        for qubit, wire in whole.homes.items():
            made = ExtractOp(register, wire)
            self._insert(made, before)
            for use, number in whole.later[qubit]:
                use.operands[number] = made.qubit
            self.rename(qubit, made.qubit)
            if qubit is whole.qubit:
                turned = made.qubit
        return turned

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
