"""The pass `remove-delays`: circuits without times."""

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass
from xdsl.rewriter import Rewriter

from qjit.dialects.quantum import DelayOp
from qjit.lowering.program_attributes import DURATIONS


class RemoveDelaysPass(ModulePass):
    """Remove delays, so that the passes after it join gates of both sides.

    Schedules of the simulator have none: what is left is dropped when they are built.
    """

    name = "remove-delays"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Let the qubits of each delay pass on as they came."""
        for each in list(op.walk()):
            each.attributes.pop(DURATIONS, None)
            if isinstance(each, DelayOp):
                Rewriter.replace_op(each, [], list(each.qubits))
