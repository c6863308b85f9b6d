"""Ctrl-C stops a running program: loops ask Python whether a signal has come.

Loops of the user's ask by count, so that asking costs nothing next to their work, and
what they call answers by the clock.
"""

from xdsl.dialects import arith, scf
from xdsl.dialects import llvm as llvm_dialect
from xdsl.dialects.builtin import IntegerAttr, UnitAttr, i64
from xdsl.ir import Block, Operation, SSAValue

from qjit.dialects.quantum_types import RegisterType

from .convert_to_llvm import Converter

POLLED = "qjit.polled"
# Costs are counted in simple operations, about a nanosecond each.
LONG = 1 << 20  # loops that certainly cost less do not ask
BETWEEN_POLLS = 1 << 18
COSTLY = 1 << 12  # an operation that no table knows, such as a call
UNKNOWN_COUNT = 1 << 6
SIMPLE = ("arith", "math", "complex", "memref", "scf")


def mark(loop: Operation) -> None:
    """Let a loop poll, if it takes long."""
    loop.attributes[POLLED] = UnitAttr()


def _block_cost(block: Block) -> int:
    return sum(map(_cost, block.ops))


def _cost(op: Operation) -> int:
    """Estimate how many simple operations an operation stands for."""
    inner = sum(_block_cost(block) for region in op.regions for block in region.blocks)
    if isinstance(op, scf.ForOp):
        return inner * (_trip_count(op) or UNKNOWN_COUNT)
    if isinstance(op, scf.WhileOp):
        return inner * UNKNOWN_COUNT
    if inner or op.name.partition(".")[0] in SIMPLE:
        return 1 + inner
    widths = [v.type.size.data for v in op.operands if isinstance(v.type, RegisterType)]
    return COSTLY + (4 << max(widths, default=0))


def _trip_count(loop: scf.ForOp) -> int | None:
    bounds = [v.owner for v in (loop.lb, loop.ub, loop.step)]
    values = [
        bound.value.value.data
        for bound in bounds
        if isinstance(bound, arith.ConstantOp) and isinstance(bound.value, IntegerAttr)
    ]
    if len(values) < len(bounds):
        return None
    start, end, step = values
    return max(0, -((start - end) // step))


def _period(loop: scf.ForOp | scf.WhileOp) -> int | None:
    """Return after how many iterations a loop polls: a power of two, or never."""
    if POLLED not in loop.attributes:
        return None
    each = 1 + sum(_block_cost(r.block) for r in loop.regions)
    count = _trip_count(loop) if isinstance(loop, scf.ForOp) else None
    if count is not None and count * each < LONG:
        return None
    return 1 << max(0, (BETWEEN_POLLS // each).bit_length() - 1)


def poll(
    converter: Converter, loop: scf.ForOp | scf.WhileOp, position: SSAValue
) -> None:
    """Begin the body of a loop, at a count of iterations, by polling at times."""
    period = _period(loop)
    if period is None:
        return
    rest = converter.emit(llvm_dialect.AndOp(position, converter.int(period - 1)))
    equal = IntegerAttr(llvm_dialect.ICmpPredicateFlag("eq").to_int(), i64)
    due = converter.emit(llvm_dialect.ICmpOp(rest, converter.int(period - 1), equal))
    ask, following = converter.new_block(), converter.new_block()
    converter.branch_if(due, ask, [], following, [])
    converter.block = ask
    converter.check(converter.result("__qjit__poll", i64, []))
    converter.branch(following)
    converter.block = following
