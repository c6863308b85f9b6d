"""The pass `device-passes`: circuits go through the pipelines of their devices."""

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp
from xdsl.passes import ModulePass

from qjit.dialects.quantum import AllocOp
from qjit.lowering.analysis.devices import target_of
from qjit.lowering.passes.pipeline import find_step
from qjit.lowering.passes.presets import circuit_passes

from .outlined_circuits import OutlinedCircuit, erase_uncalled


class DevicePassesPass(ModulePass):
    """Run on each circuit what its device says: optimisation, and routing.

    Circuits on simulators stay as they are.
    """

    name = "device-passes"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Take circuits out one by one."""
        for alloc in [each for each in op.walk() if isinstance(each, AllocOp)]:
            names = circuit_passes(target_of(alloc))
            if names:
                OutlinedCircuit(op, alloc).run(ctx, [find_step(each) for each in names])
        for function in [each for each in op.ops if isinstance(each, FuncOp)]:
            if circuit_passes(target_of(function)):
                erase_uncalled(op, function)
