"""The pass `remove-barrier`: gates may meet again."""

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass
from xdsl.rewriter import Rewriter

from qjit.dialects.quantum import BarrierOp


class RemoveBarrierPass(ModulePass):
    """Remove barriers, so that the passes after it join gates of both sides.

    Schedules have none: what is left is dropped when they are built.
    """

    name = "remove-barrier"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Let the qubits of each barrier pass on as they came."""
        for barrier in [each for each in op.walk() if isinstance(each, BarrierOp)]:
            Rewriter.replace_op(barrier, [], list(barrier.qubits))
