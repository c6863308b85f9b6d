"""Places in the workspace: buffers that are never alive together share memory.

Programs are structured, so a buffer lives from its first to its last use in the
innermost block that holds all its uses; a loop inside that block counts as one use.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from xdsl.dialects import func, memref
from xdsl.ir import Block, Operation, SSAValue

from qjit.dialects import host
from qjit.dialects.batch import ForEachOp

ALIGNMENT = 64
# Operations that use a buffer only while they run.
PASSING = (memref.LoadOp, memref.StoreOp, memref.CopyOp, host.CallOp, ForEachOp)


@dataclass(frozen=True)
class Life:
    """When a buffer of some bytes is in use, by numbers of operations."""

    buffer: SSAValue
    size: int
    first: int
    last: int


def _uses(buffer: SSAValue) -> list[Operation] | None:
    """Return the operations that use a buffer or views of it; None if some keep it."""
    found: list[Operation] = []
    for use in buffer.uses:
        op = use.operation
        if isinstance(op, memref.ReinterpretCastOp):
            inner = _uses(op.result)
            if inner is None:
                return None
            found += inner
        elif not isinstance(op, PASSING):
            return None
        found.append(op)
    return found


def _path(op: Operation) -> list[tuple[Block, Operation]]:
    """Return the blocks around an operation, outermost first, and the way through."""
    found: list[tuple[Block, Operation]] = []
    current: Operation | None = op
    while current is not None and not isinstance(current, func.FuncOp):
        block = current.parent
        if block is None:
            break
        found.append((block, current))
        current = block.parent_op()
    return found[::-1]


def _span(uses: Sequence[Operation]) -> tuple[Operation, Operation]:
    """Return the first and last way into uses from the innermost block around all."""
    paths = [_path(op) for op in uses]
    depth = 0
    while all(len(path) > depth + 1 for path in paths) and all(
        path[depth][1] is paths[0][depth][1]
        and path[depth + 1][0] is paths[0][depth + 1][0]
        for path in paths
    ):
        depth += 1
    block = paths[0][depth][0]
    ways = {path[depth][1] for path in paths}
    inside = [op for op in block.ops if op in ways]
    return inside[0], inside[-1]


def lives(function: func.FuncOp, sizes: dict[SSAValue, int]) -> list[Life]:
    """Return when buffers live in a function."""
    number = {op: place for place, op in enumerate(function.walk())}
    last = dict(number)
    for op in reversed(number):
        parent = op.parent_op()
        if parent is not None and parent in last:
            last[parent] = max(last[parent], last[op])
    found: list[Life] = []
    for buffer, size in sizes.items():
        uses = _uses(buffer)
        if not uses:
            found.append(Life(buffer, size, 0, len(number) if uses is None else 0))
            continue
        start, end = _span(uses)
        found.append(Life(buffer, size, number[start], last[end]))
    return found


def _padded(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT


def offsets(found: Sequence[Life]) -> tuple[dict[SSAValue, int], int]:
    """Give every buffer the lowest place that is free while it lives, large first.

    Returns the places and how many bytes they take in all.
    """
    placed: list[tuple[Life, int]] = []
    total = 0
    for life in sorted(found, key=lambda life: -life.size):
        taken = sorted(
            (start, start + _padded(other.size))
            for other, start in placed
            if life.first <= other.last and other.first <= life.last
        )
        start = 0
        for low, high in taken:
            if start + _padded(life.size) <= low:
                break
            start = max(start, high)
        placed.append((life, start))
        total = max(total, start + _padded(life.size))
    return {life.buffer: start for life, start in placed}, total
