"""The pass `convert-to-llvm`, with the rules of all operations."""

from xdsl.context import Context
from xdsl.dialects.builtin import IntegerAttr, ModuleOp
from xdsl.passes import ModulePass

from qjit.lowering.program_attributes import SEED

# NOTE: they register their rules when they are imported.
from . import batch as batch
from . import branching as branching
from . import observables as observables
from . import quantum as quantum
from .classical import arith as arith
from .classical import cf as cf
from .classical import func as func
from .classical import host as host
from .classical import math as math
from .classical import memref as memref
from .classical import scf as scf
from .converter import convert_to_llvm
from .devices import register_rules

register_rules()


class ConvertToLLVMPass(ModulePass):
    """Convert a program to the llvm dialect, whose functions return a status."""

    name = "convert-to-llvm"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Replace all functions."""
        seed = op.attributes.get(SEED)
        value = seed.value.data if isinstance(seed, IntegerAttr) else None
        converted = convert_to_llvm(op, seed=value)
        for old in reversed(list(op.ops)):
            old.detach()
            old.erase(safe_erase=False)
        for new in list(converted.ops):
            new.detach()
            op.body.block.add_op(new)
