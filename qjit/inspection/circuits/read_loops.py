"""Loops of the IR that count: what they count, and until when."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.dialects import arith, scf
from xdsl.ir import BlockArgument, SSAValue

from qjit.dialects.quantum import BitType, RegisterType

from .expressions import Expression, operation
from .read_values import Values


@dataclass(frozen=True)
class Head:
    """What a loop counts; there is no stop where it is not a count that ends it."""

    start: Expression
    stop: Expression | None
    step: Expression
    condition: Expression | None = None


def is_register(value: SSAValue) -> bool:
    """Tell whether a value is quantum."""
    return isinstance(value.type, RegisterType | BitType)


def counted(carried: SSAValue, after: SSAValue, values: Values) -> Expression | None:
    """Return by how much a carried value grows in each iteration, if by a constant."""
    op = after.owner
    if not isinstance(op, arith.AddiOp | arith.AddfOp) or carried not in op.operands:
        return None
    other = op.operands[op.operands[0] is carried]
    if other is carried or isinstance(other, BlockArgument):
        return None
    found = values.read(other)
    return found if found.number is not None else None


def read_while(op: scf.WhileOp, counter: str, values: Values) -> Head:
    """Return what a loop counts, and let its body see the counter."""
    before, after = op.before_region.block, op.after_region.block
    end, last = before.last_op, after.last_op
    assert isinstance(end, scf.ConditionOp) and last is not None
    start, step = Expression(0), Expression(1)
    counters: list[SSAValue] = []
    for here, first, later in zip(
        before.args, op.arguments, last.operands, strict=True
    ):
        passed = [n for n, each in enumerate(end.args) if each is here]
        inside: list[SSAValue] = [after.args[n] for n in passed]
        if later in inside:
            values.same[here] = first
            values.same.update(dict.fromkeys(inside, first))
            continue
        by = counted(inside[0], later, values) if inside else None
        if not counters and by is not None:
            start, step, counters = values.read(first), by, [here, *inside]
            values.known.update(dict.fromkeys(counters, Expression(counter)))
    condition = values.read(end.condition)
    counts = isinstance(end.condition.owner, arith.CmpiOp) and condition.head == "<"
    if not counters or not counts:
        return Head(start, None, step, condition)
    first, stop = condition.operands
    if first != Expression(counter) or counter in set(stop.names()):
        return Head(start, None, step, condition)
    head = Head(start, bound(start, stop), step)
    if stop.head == "len" and start.number == 0 and step.number == 1:
        head = Head(*stop.operands)
        moved = operation("-", Expression(counter), head.start)
        rounds = operation("/", moved, head.step)
        values.known.update(dict.fromkeys(counters, rounds))
    return head


def bound(start: Expression, stop: Expression) -> Expression:
    """Return where a loop stops, without what lets it stop at its start at least."""
    if stop.head == "max" and len(stop.operands) == 2:
        first, second = stop.operands
        for each, least in ((first, second), (second, first)):
            if least == start:
                return each
    return stop
