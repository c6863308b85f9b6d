"""A register while its measurements are put off, and the wires that this takes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

from xdsl.ir import Operation, SSAValue
from xdsl.rewriter import InsertPoint, Rewriter

from qjit.dialects.quantum import MeasureOp
from qjit.lowering.passes.circuits.gates import Gate, write_gate

from .outcome_functions import OutcomeFunctions
from .register_span import OpenRegister, RegisterSpan, values_used


class DeferredOutcomes:
    """The qubits of a register, and the outcomes on them that are yet to be measured.

    Qubits are numbers. `at` is the wire at which each one is, and `contents` the qubit
    that the program has at each of its wires; `qubits` are those of the values of the
    program, and `fresh` those to which nothing happened. `pending` says on which qubit
    an outcome is. Operations that compute from such wait.
    """

    def __init__(self, span: RegisterSpan, most: int) -> None:
        """Start with the register of a span, which may grow to so many wires."""
        self.most = most
        self.at, self.contents = list(range(span.size)), list(range(span.size))
        self.fresh = set(range(span.size))
        self.register = OpenRegister(span.alloc.register)
        self.qubits: dict[SSAValue, int] = {}
        self.pending: dict[SSAValue, int] = {}
        self.functions = OutcomeFunctions()
        self._measurements: dict[SSAValue, MeasureOp] = {}
        self._waiting: list[Operation] = []
        self._computing: list[Operation] = []  # that have waited

    # Qubits

    def pass_through(self, op: Operation, qubits: Sequence[int]) -> None:
        """Let an operation act on qubits, which are its last operands."""
        self.register.pass_through(op, [self.at[qubit] for qubit in qubits], op)
        self.rename(op, qubits)
        self.fresh.difference_update(qubits)

    def rename(self, op: Operation, qubits: Sequence[int]) -> None:
        """Note which qubits the last results of an operation are."""
        first = len(op.results) - len(qubits)
        self.qubits |= zip(op.results[first:], qubits, strict=True)

    def write(self, gate: Gate, before: Operation, line: int | None = None) -> None:
        """Insert a gate on qubits."""
        wires = gate.all_wires or self.contents[:1]
        values = {each: self.value(each, before) for each in wires}
        write_gate(gate, values, inserting(before), line)
        self.put(values)

    def value(self, qubit: int, before: Operation) -> SSAValue:
        """Return the present value of a qubit, for an operation."""
        return self.register.qubit(self.at[qubit], before)

    def put(self, values: dict[int, SSAValue]) -> None:
        """Set the present values of qubits to which something has happened."""
        self.register.out |= {self.at[each]: value for each, value in values.items()}
        self.fresh.difference_update(values)

    def arrange(self) -> dict[int, int]:
        """Return how wires are exchanged so that the program's are in order."""
        wanted = {qubit: wire for wire, qubit in enumerate(self.contents)}
        rest = set(range(len(self.at))) - set(wanted.values())
        stay = {q: w for q, w in enumerate(self.at) if q not in wanted and w in rest}
        free = iter(sorted(rest - set(stay.values())))
        known = stay | wanted
        new = [
            known[qubit] if qubit in known else next(free)
            for qubit in range(len(self.at))
        ]
        moved = dict(zip(self.at, new, strict=True))
        self.at = new
        return moved

    # Fresh wires

    def can_grow(self, count: int = 1) -> bool:
        """Tell whether there may be so many further wires."""
        return not count or len(self.at) + count <= self.most

    def can_copy(self, qubits: Iterable[int]) -> bool:
        """Tell whether all outcomes on some qubits may go to fresh wires."""
        return self.can_grow(len({*qubits} & {*self.pending.values()}))

    def grow(self) -> int:
        """Return a fresh qubit."""
        self.at.append(len(self.at))
        self.fresh.add(len(self.at) - 1)
        return len(self.at) - 1

    def make_room(self, qubits: Iterable[int], before: Operation) -> None:
        """Take outcomes away from qubits to which something is to happen."""
        for qubit in dict.fromkeys(qubits):
            outcomes = self.outcomes_on([qubit])
            if outcomes and self.can_grow():
                new = self.grow()
                line = self._measurements[outcomes[0]].line
                number = None if line is None else line.value.data
                self.write(Gate("CNOT", [qubit, new]), before, number)
                self.pending |= dict.fromkeys(outcomes, new)
            else:
                self.settle(outcomes, before)

    # Outcomes

    def defer(self, op: MeasureOp, qubit: int) -> None:
        """Put a measurement off."""
        self.functions.add_outcome(op.outcome)
        self.pending[op.outcome] = qubit
        self._measurements[op.outcome] = op
        op.detach()

    def outcomes_on(self, qubits: Collection[int]) -> list[SSAValue]:
        """Return the outcomes that are on some qubits."""
        return [each for each, qubit in self.pending.items() if qubit in qubits]

    def outcomes_of(self, values: Iterable[SSAValue]) -> frozenset[SSAValue]:
        """Return the outcomes on which values depend."""
        return frozenset[SSAValue]().union(*map(self.functions.support, values))

    def used(self, op: Operation) -> frozenset[SSAValue]:
        """Return the outcomes on which an operation depends, with its regions."""
        return self.outcomes_of(values_used(op))

    def wait(self, op: Operation) -> None:
        """Put off an operation until the outcomes that it is computed from."""
        self.functions.add(op)
        self._waiting.append(op)
        op.detach()

    def settle(self, outcomes: Collection[SSAValue], before: Operation) -> None:
        """Measure outcomes now, and compute what waits for no others."""
        insert = inserting(before)
        for outcome in [each for each in self.pending if each in outcomes]:
            qubit, op = self.pending.pop(outcome), self._measurements[outcome]
            self.functions.settle(outcome)
            insert(op)
            self.register.pass_through(op, [self.at[qubit]], op)
        still: list[Operation] = []
        for op in self._waiting:
            if self.outcomes_of(op.operands):
                still.append(op)
            else:
                insert(op)
                self._computing.append(op)
        self._waiting = still

    def erase_unused(self) -> None:
        """Erase operations that have waited for nothing."""
        for op in reversed(self._computing):
            if not any(result.first_use for result in op.results):
                Rewriter.erase_op(op)


def inserting(before: Operation) -> Callable[[Operation], Any]:
    """Return what inserts operations before another one."""
    return lambda op: Rewriter.insert_op(op, InsertPoint.before(before))
