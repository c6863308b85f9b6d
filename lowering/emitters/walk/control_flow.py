"""What is emitted of branches and loops."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from xdsl.dialects import scf
from xdsl.dialects.builtin import MemRefType, i1
from xdsl.ir import Attribute, Operation, Region

from qjit.dialects.quantum.types import BitType, RegisterType
from qjit.lowering.emitters.emitter import AppliedGate, EmissionError
from qjit.lowering.emitters.values import (
    Expression,
    Table,
    as_bit,
    is_bit,
    is_known,
    of_bit,
    table,
)

from .loop_values import constant_values, counting_values, tested_values
from .memory import Changes, Element
from .walk import Rules, Values, Walk

RULES = Rules()


def restore(walk: Walk, held: Any, wanted: Any) -> None:
    """Swap qubits until a register, or a qubit, is on the wires that it was on."""
    wires = [*held] if isinstance(held, tuple) else [held]
    goal = [*wanted] if isinstance(wanted, tuple) else [wanted]
    for place, wire in enumerate(goal):
        if wires[place] != wire:
            other = wires[place]
            walk.emitter.gate(AppliedGate("SWAP", (), (other, wire)))
            wires = [wire if w == other else other if w == wire else w for w in wires]


def is_qubits(kind: Attribute) -> bool:
    """Tell whether values of a type are qubits."""
    return isinstance(kind, BitType | RegisterType)


@RULES.of(scf.IfOp)
def _if(walk: Walk, op: scf.IfOp, operands: Values) -> Values:
    return _choose(walk, op, operands[0], {1: op.true_region, 0: op.false_region})


@RULES.of(scf.IndexSwitchOp)
def _switch(walk: Walk, op: scf.IndexSwitchOp, operands: Values) -> Values:
    regions = dict(zip(op.cases.get_values(), op.case_regions, strict=True))
    return _choose(walk, op, operands[0], regions, op.default_region)


def _choose(
    walk: Walk,
    op: Operation,
    condition: Any,
    regions: Mapping[int, Region],
    default: Region | None = None,
) -> Values:
    """Emit the region of a number; of a table, a branch on each of its outcomes."""
    if is_known(condition):
        region = regions.get(int(condition), default)
        return walk.region(region, [])[1] if region and region.blocks else []
    walk.require("has_branches", "a branch that outcomes decide", op)
    if isinstance(condition, Expression) and default is not None:
        raise EmissionError("a choice of many by a number that outcomes decide", op)
    outcome = condition.outcomes[0] if isinstance(condition, Table) else condition
    kinds = [result.type for result in op.results]
    sides: dict[int, Values] = {}
    changes: dict[int, Changes] = {}

    def side(bit: int) -> Callable[[], None]:
        def write() -> None:
            chosen = condition.given(bit) if isinstance(condition, Table) else bit
            with walk.memory.scope() as changes[bit]:
                sides[bit] = _choose(walk, op, chosen, regions, default)
            if bit == 0:
                _bring_back(walk, kinds, sides[0], sides[1])

        return write

    def merges() -> list[Merge]:
        found = [
            Merge(place, one, zero, kind)
            for place, (one, zero, kind) in enumerate(
                zip(sides[1], sides[0], kinds, strict=True)
            )
            if not is_qubits(kind)
        ]
        for element in dict.fromkeys([*changes[1].after, *changes[0].after]):
            one, zero = (
                changes[bit].after.get(element, element.value) for bit in (1, 0)
            )
            found.append(Merge(element, one, zero, element.kind))
        return found

    def results() -> list[tuple[Any, Any, Attribute]]:
        return [merge.variable for merge in merges() if merge.needs_variable]

    variables = iter(walk.emitter.branch(outcome, side(1), side(0), results))
    merged = list(sides[1])
    for merge in merges():
        if merge.needs_variable:
            value = of_bit(next(variables))
        elif merge.one is merge.zero:
            value = merge.one
        else:
            value = table((outcome,), (merge.zero, merge.one))
        if isinstance(merge.target, Element):
            walk.memory.put(merge.target, value)
        else:
            merged[merge.target] = value
    return merged


@dataclass(frozen=True)
class Merge:
    """A result of a branch, or an element of an array, with its value on both sides."""

    target: int | Element
    one: Any
    zero: Any
    kind: Attribute

    @property
    def needs_variable(self) -> bool:
        """Whether it is more than a choice between two numbers."""
        if self.one is self.zero:
            return False
        if isinstance(self.kind, MemRefType):
            raise EmissionError("an array that outcomes choose")
        return not (is_known(self.one) and is_known(self.zero))

    @property
    def variable(self) -> tuple[Any, Any, Attribute]:
        """Both values, and their type: that of bits, if they are such."""
        values = self.one, self.zero
        if all(is_bit(value, self.kind) for value in values):
            return as_bit(self.one), as_bit(self.zero), i1
        return *values, self.kind


def _bring_back(
    walk: Walk, kinds: Sequence[Attribute], held: Values, wanted: Values
) -> None:
    """Swap qubits until they are on the wires that they are wanted on."""
    for kind, a, b in zip(kinds, held, wanted, strict=True):
        if is_qubits(kind):
            restore(walk, a, b)


@RULES.of(scf.ForOp)
def _for(walk: Walk, op: scf.ForOp, operands: Values) -> Values:
    if not all(map(is_known, operands[:3])):
        raise EmissionError("a number of iterations that outcomes decide", op)
    first, end, step, *carried = operands
    if walk.emitter.has_counters and len(range(first, end, step)) > 1:
        found = _counted(walk, op, operands)
        if found is not None:
            return found
    for number in range(first, end, step):
        _, carried = walk.region(op.body, [number, *carried])
    return carried


def _counted(walk: Walk, op: scf.ForOp, operands: Values) -> Values | None:
    """Emit a loop that counts, or return None if its body needs to know the number."""
    first, end, step, *carried = operands
    kinds = [result.type for result in op.results]
    numbers = counting_values(op, operands, walk.values)
    fixed = [n for n in range(len(kinds)) if n not in numbers]
    if not all(is_qubits(kinds[n]) for n in fixed):
        return None
    mark = walk.mark()

    def body(number: Expression) -> None:
        given = list(carried)
        for n in numbers:
            given[n] = Expression(number.code, kinds[n])
        with walk.memory.scope(fixed=True):
            _, found = walk.region(op.body, [number, *given])
        if any(found[n] != carried[n] for n in fixed):
            raise EmissionError("qubits that a loop moves", op)

    try:
        walk.emitter.count(first, end, step, body)
    except EmissionError:
        walk.undo(mark)
        return None
    last = first + step * len(range(first, end, step))
    return [last if n in numbers else value for n, value in enumerate(carried)]


@RULES.of(scf.WhileOp)
def _while(walk: Walk, op: scf.WhileOp, operands: Values) -> Values:
    values = operands
    while True:
        _, (condition, *passed) = walk.region(op.before_region, values)
        if not is_known(condition):
            return _looped(walk, op, condition, passed)
        if not condition:
            return passed
        _, values = walk.region(op.after_region, passed)


class _Unforeseen(Exception):
    """A loop changes what it was not known to change; now it is."""


def _looped(walk: Walk, op: scf.WhileOp, condition: Any, passed: Values) -> Values:
    """Emit a loop that outcomes decide: its body first, and the next test after it.

    What it changes in arrays, and which of its values are more than bits, is known once
    the body is emitted: then it is taken back, and emitted anew.
    """
    walk.require("has_loops", "a loop that outcomes decide", op)
    loop = _Loop(walk, op, condition, passed)
    mark = walk.mark()
    while True:
        try:
            return loop.emit()
        except _Unforeseen:
            walk.undo(mark)


class _Loop:
    """A loop with the values that it carries: results, and elements of arrays."""

    def __init__(
        self, walk: Walk, op: scf.WhileOp, condition: Any, passed: Values
    ) -> None:
        self.walk, self.op = walk, op
        self.condition, self.passed = condition, passed
        self.kinds = [result.type for result in op.results]
        self.kept = {
            **{n: passed[n] for n in constant_values(op)},
            **dict.fromkeys(tested_values(op), 1),
        }
        self.carried: list[int | Element] = []
        """What is carried, the results by their number."""
        self.numbers: set[int | Element] = set()
        """Those that are more than bits."""
        for number, kind in enumerate(self.kinds):
            if not is_qubits(kind) and number not in self.kept:
                if isinstance(kind, MemRefType):
                    raise EmissionError("an array that outcomes choose", op)
                self._carry(number)

    def _carry(self, target: int | Element) -> None:
        self.carried.append(target)
        if not is_bit(self._initial(target), self._kind(target)):
            self.numbers.add(target)

    def _initial(self, target: int | Element) -> Any:
        return target.value if isinstance(target, Element) else self.passed[target]

    def _kind(self, target: int | Element) -> Attribute:
        return target.kind if isinstance(target, Element) else self.kinds[target]

    def _whole(self, target: int | Element, value: Any) -> Any:
        """Return a value as it is carried."""
        if target in self.numbers:
            return self.walk.whole(value, self._kind(target))
        return self.walk.whole(as_bit(value), i1)

    def emit(self) -> Values:
        """Emit it, and return its results."""
        walk = self.walk
        found = walk.emitter.loop(
            walk.whole(self.condition, i1),
            [self._whole(target, self._initial(target)) for target in self.carried],
            [
                self._kind(target) if target in self.numbers else i1
                for target in self.carried
            ],
            self._body,
        )
        results = list(self.passed)
        for number in tested_values(self.op):
            results[number] = 0
        self._give(results, found)
        return results

    def _give(self, values: list[Any], variables: Sequence[Expression]) -> None:
        for target, variable in zip(self.carried, variables, strict=True):
            if isinstance(target, Element):
                self.walk.memory.put(target, of_bit(variable))
            else:
                values[target] = of_bit(variable)

    def _body(self, variables: Sequence[Expression]) -> tuple[Expression, Values]:
        """Emit an iteration; return whether there is another, and what it is given."""
        walk, op = self.walk, self.op
        values = [self.kept.get(n, value) for n, value in enumerate(self.passed)]
        with walk.memory.scope() as changes:
            self._give(values, variables)
            _, values = walk.region(op.after_region, values)
            _, (again, *found) = walk.region(op.before_region, values)
        _bring_back(walk, self.kinds, found, self.passed)
        last = [
            changes.after.get(target, target.value)
            if isinstance(target, Element)
            else found[target]
            for target in self.carried
        ]
        self._foresee(changes, last)
        return walk.whole(again, i1), list(map(self._whole, self.carried, last))

    def _foresee(self, changes: Changes, last: Values) -> None:
        """Raise an error where it was not known what is carried."""
        new = [each for each in changes.after if each not in self.carried]
        wide = {
            target
            for target, value in zip(self.carried, last, strict=True)
            if target not in self.numbers and not is_bit(value, self._kind(target))
        }
        if new or wide:
            self.numbers |= wide
            for element in new:
                self._carry(element)
            raise _Unforeseen
