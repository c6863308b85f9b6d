"""The operations of a circuit, from where its register is allocated to its end."""

from collections.abc import Iterator

from xdsl.ir import Operation

from qjit.dialects.quantum import AllocOp, DeallocOp


def circuit_operations(alloc: AllocOp) -> Iterator[Operation]:
    """Yield the operations from the allocation of a register to its end."""
    op: Operation | None = alloc
    while op is not None:
        yield op
        if isinstance(op, DeallocOp):
            return
        op = op.next_op
    raise ValueError("Expected quantum.dealloc after quantum.alloc, but got none.")
