"""What is known of the values that loops carry, from their text."""

from collections.abc import Mapping, Sequence
from typing import Any

from xdsl.dialects import arith, scf
from xdsl.ir import SSAValue


def constant_values(op: scf.WhileOp) -> set[int]:
    """Return the values of a loop that stay what they are, or that nothing reads."""
    before, after = op.before_region.block, op.after_region.block
    test, end = before.last_op, after.last_op
    assert test is not None and end is not None
    found: set[int] = set()
    for number, value in enumerate(test.operands[1:]):
        place = next((n for n, arg in enumerate(before.args) if arg is value), None)
        same = place is not None and end.operands[place] is after.args[number]
        unread = not after.args[number].uses and not op.results[number].uses
        if same or unread:
            found.add(number)
    return found


def tested_values(op: scf.WhileOp) -> set[int]:
    """Return the values of a loop that are its condition: 1 in it, 0 after it."""
    test = op.before_region.block.last_op
    assert test is not None
    return {n for n, v in enumerate(test.operands[1:]) if v is test.operands[0]}


def counting_values(
    op: scf.ForOp, operands: Sequence[Any], known: Mapping[SSAValue, Any]
) -> set[int]:
    """Return the values of a loop that are the number that it counts.

    They begin where it begins, and the same is added to them in each iteration.
    """
    first, _, step, *carried = operands
    end = op.body.block.last_op
    assert end is not None
    found: set[int] = set()
    for number, (value, last) in enumerate(zip(carried, end.operands, strict=True)):
        argument, add = op.body.block.args[number + 1], last.owner
        if isinstance(add, arith.AddiOp) and argument in add.operands:
            (other,) = set(add.operands) - {argument} or {argument}
            if value is not None and (value, known.get(other)) == (first, step):
                found.add(number)
    return found
