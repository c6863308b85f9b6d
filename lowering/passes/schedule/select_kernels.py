"""The pass `select-kernels`: small runs of gates get code of their own."""

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from qjit.lowering.kernels.selection import kernel_of, schedule_of, schedules_in


class SelectKernelsPass(ModulePass):
    """Choose a kernel for the runs that are worth one."""

    name = "select-kernels"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Look at every run, whose precision is that of the circuit it is in."""
        for each, num_wires, precision in schedules_in(op):
            run = schedule_of(each, num_wires, precision)
            if run is not None:
                each.kernel = kernel_of(run)
