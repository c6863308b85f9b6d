"""Loops of the IR that count: what they count, and until when."""

from __future__ import annotations

from xdsl.dialects import arith, scf
from xdsl.ir import BlockArgument, SSAValue

from qjit.dialects.quantum import BitType, RegisterType

from .expressions import Expression
from .read_values import Values

Head = tuple[str, Expression, Expression | None, Expression, Expression | None]


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
    """Return counter, start, stop, step and condition of a loop.

    There is no stop where it is not a count that ends it.
    """
    before, after = op.before_region.block, op.after_region.block
    end, last = before.last_op, after.last_op
    assert isinstance(end, scf.ConditionOp) and last is not None
    start, step, place = Expression(0), Expression(1), None
    for number, (here, first, later) in enumerate(
        zip(before.args, op.arguments, last.operands, strict=True)
    ):
        passed = [n for n, each in enumerate(end.args) if each is here]
        inside = [after.args[n] for n in passed]
        if later in inside:
            values.same[here] = first
            values.same.update(dict.fromkeys(inside, first))
            continue
        by = counted(inside[0], later, values) if inside else None
        if place is None and by is not None and not is_register(here):
            place, start, step = number, values.read(first), by
            values.known[here] = Expression(counter)
            values.known.update(dict.fromkeys(inside, Expression(counter)))
    condition = values.read(end.condition)
    counts = isinstance(end.condition.owner, arith.CmpiOp) and condition.head == "<"
    if place is not None and counts:
        first, second = condition.operands
        if first == Expression(counter) and counter not in set(second.names()):
            return counter, start, bound(start, second), step, None
    return counter, start, None, step, condition


def bound(start: Expression, stop: Expression) -> Expression:
    """Return where a loop stops, without what lets it stop at its start at least."""
    if stop.head == "max" and len(stop.operands) == 2:
        first, second = stop.operands
        for each, least in ((first, second), (second, first)):
            if least == start:
                return each
    return stop
