"""Ctrl-C stops a running program: loops ask Python whether a signal has come.

Loops of the user's ask by count, so that asking costs nothing next to their work, and
what they call answers by the clock.
"""

from xdsl.dialects import scf
from xdsl.dialects.builtin import UnitAttr
from xdsl.ir import Operation

from qjit.dialects.batch import ForEachOp

from .cost_model import Costs, callee, trip_count

POLLED = "polled"
# In simple operations, see cost_model.py.
LONG = 1 << 20  # loops that certainly cost less do not ask
BETWEEN_POLLS = 1 << 18


def mark(loop: Operation) -> None:
    """Let a loop poll, if it takes long."""
    loop.attributes[POLLED] = UnitAttr()


def period(loop: scf.ForOp | scf.WhileOp | ForEachOp) -> int | None:
    """Return after how many steps a loop polls: a power of two, or never."""
    if not isinstance(loop, ForEachOp) and POLLED not in loop.attributes:
        return None
    called, costs = callee(loop), Costs()
    body = [*loop.regions, *([called.body] if called else [])]
    each = 1 + sum(costs.block(region.block) for region in body)
    count = trip_count(loop)
    if count is not None and count * each < LONG:
        return None
    return 1 << max(0, (BETWEEN_POLLS // each).bit_length() - 1)
