"""The pass `elide-result-copies`: a buffer that is copied to a result is the result.

It is so in the program's function, the first of a module, whose results have buffers of
their own; those of other functions may be their arguments' too.
"""

from collections.abc import Iterator

from xdsl.context import Context
from xdsl.dialects import memref
from xdsl.dialects.builtin import MemRefType, ModuleOp
from xdsl.dialects.func import FuncOp
from xdsl.ir import Block, BlockArgument, Operation, SSAValue
from xdsl.passes import ModulePass


class ElideResultCopiesPass(ModulePass):
    """Let buffers that are copied to results be these."""

    name = "elide-result-copies"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Rewrite a module."""
        make_elide_result_copies(op)


def make_elide_result_copies(module: ModuleOp) -> None:
    """Rewrite the program's function."""
    program = next((op for op in module.ops if isinstance(op, FuncOp)), None)
    if program is None or not program.body.blocks:
        return
    block = program.body.block
    places = {op: place for place, op in enumerate(block.ops)}
    for copy in [op for op in places if isinstance(op, memref.CopyOp)]:
        buffer, result = copy.source, copy.destination
        made = buffer.owner
        if (
            isinstance(made, memref.AllocOp)
            and made.parent is block
            and isinstance(result, BlockArgument)
            and result.type == buffer.type
            and sum(1 for _ in result.uses) == 1
            and _is_last(copy, buffer, places)
        ):
            copy.detach()
            copy.erase()
            buffer.replace_all_uses_with(result)
            made.detach()
            made.erase()


def _is_last(copy: Operation, buffer: SSAValue, places: dict[Operation, int]) -> bool:
    """Whether a buffer is only copied after a copy of it was made."""
    block = copy.parent
    assert block is not None
    for user in _users(buffer):
        inside = _ancestor(user, block)
        only_reads = isinstance(user, memref.CopyOp) and user.source is buffer
        if places[inside] > places[copy] and not only_reads:
            return False
    return True


def _users(buffer: SSAValue) -> Iterator[Operation]:
    """The operations that use a buffer, or views of it."""
    for use in buffer.uses:
        yield use.operation
        for result in use.operation.results:
            if isinstance(result.type, MemRefType):
                yield from _users(result)


def _ancestor(op: Operation, block: Block) -> Operation:
    """The operation of a block in which another one stands."""
    while op.parent is not block:
        parent = op.parent_op()
        assert parent is not None
        op = parent
    return op
