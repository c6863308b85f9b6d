"""The pass `plan-sweeps`: small runs of gates get code of their own."""

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp
from xdsl.passes import ModulePass

from qjit.dialects.quantum import AllocOp
from qjit.dialects.quantum_types import RegisterType
from qjit.dialects.statevector import RunOp

from .sweeps.library import code_of, run_of


class PlanSweepsPass(ModulePass):
    """Tell runs of few qubits their sweeps, and the symbol of the code for these."""

    name = "plan-sweeps"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Look at every run, whose precision is that of the circuit it is in."""
        suffix = "c128"
        for each in op.walk():
            if isinstance(each, AllocOp | FuncOp):
                suffix = "c64" if "single" in each.attributes else "c128"
            if isinstance(each, RunOp):
                _plan(each, suffix)


def _plan(op: RunOp, suffix: str) -> None:
    assert isinstance(op.register.type, RegisterType)
    run = run_of(op, op.register.type.size.data, suffix)
    if run is not None:
        op.attributes |= code_of(run)
