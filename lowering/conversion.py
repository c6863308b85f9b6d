"""The pass `convert-to-llvm`, with the rules of all operations."""

from xdsl.context import Context
from xdsl.dialects.builtin import IntegerAttr, ModuleOp
from xdsl.passes import ModulePass

# NOTE: they register their rules when they are imported.
from . import convert_arith as convert_arith
from . import convert_batch as convert_batch
from . import convert_func as convert_func
from . import convert_host as convert_host
from . import convert_math as convert_math
from . import convert_memref as convert_memref
from . import convert_observables as convert_observables
from . import convert_quantum as convert_quantum
from . import convert_scf as convert_scf
from . import convert_walk as convert_walk
from .convert_to_llvm import convert_to_llvm
from .program_attributes import SEED


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
