"""Ctrl-C stops a running program: loops ask Python whether a signal has come.

Loops of the user's ask by count, so that asking costs nothing next to their work, and
what they call answers by the clock.
"""

from xdsl.dialects import llvm as llvm_dialect
from xdsl.dialects import scf
from xdsl.dialects.builtin import IntegerAttr, UnitAttr, i64
from xdsl.ir import Operation, SSAValue

from qjit.dialects.batch import ForEachOp

from .convert_to_llvm import Converter
from .costs import Costs, callee, is_in_batch, trip_count

POLLED = "qjit.polled"
# In simple operations, see costs.py.
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


def poll(
    converter: Converter, loop: scf.ForOp | scf.WhileOp, position: SSAValue
) -> None:
    """Begin the body of a loop, at a count of iterations, by polling at times."""
    every = period(loop)
    if every is None:
        return
    rest = converter.emit(llvm_dialect.AndOp(position, converter.int(every - 1)))
    equal = IntegerAttr(llvm_dialect.ICmpPredicateFlag("eq").to_int(), i64)
    due = converter.emit(llvm_dialect.ICmpOp(rest, converter.int(every - 1), equal))
    ask, following = converter.new_block(), converter.new_block()
    converter.branch_if(due, ask, [], following, [])
    converter.block = ask
    converter.check(converter.result("__qjit__poll", i64, []))
    if is_in_batch(loop):
        stopped = converter.result("__qrt__stopped", i64, [converter.context])
        converter.check(stopped)
    converter.branch(following)
    converter.block = following
