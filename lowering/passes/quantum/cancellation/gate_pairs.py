"""The gates of a module, and their records without controls."""

from collections.abc import Iterator

from xdsl.ir import Block, Operation

from qjit.dialects.gates import GATES, GateRecord
from qjit.dialects.quantum import GateOp


def gates(op: Operation) -> Iterator[GateOp]:
    """Yield the gates below an operation in order; the last one may be erased."""
    blocks: list[Block] = [block for region in op.regions for block in region.blocks]
    while blocks:
        inner = blocks.pop().first_op
        while inner is not None:
            following = inner.next_op
            for region in inner.regions:
                blocks.extend(region.blocks)
            if isinstance(inner, GateOp):
                yield inner
            inner = following


def base_record(op: GateOp) -> GateRecord:
    """Return the record of a gate without the controls of its own."""
    record = GATES[op.gate.data]
    return record if record.base is None else GATES[record.base]
