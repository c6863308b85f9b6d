"""What is known of the values of a while loop, from its text."""

from xdsl.dialects import scf


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
