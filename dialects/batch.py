"""The `batch` dialect: independent calls of one function."""

from collections.abc import Sequence

from xdsl.dialects.builtin import FlatSymbolRefAttrConstr, IndexType, SymbolRefAttr
from xdsl.dialects.func import FuncOp
from xdsl.ir import Block, Dialect, Operation, Region, SSAValue
from xdsl.irdl import (
    IRDLOperation,
    irdl_op_definition,
    operand_def,
    prop_def,
    region_def,
    traits_def,
    var_operand_def,
)
from xdsl.traits import NoTerminator, SymbolTable, SymbolUserOpInterface
from xdsl.utils.exceptions import VerifyException

from qjit.dialects.quantum.linearity import UsesOuterValues

__all__ = ["Batch", "ForEachOp", "InLanesOp"]


class _TakesArguments(SymbolUserOpInterface):
    def verify(self, op: Operation) -> None:
        assert isinstance(op, ForEachOp)
        function = SymbolTable.lookup_symbol(op, op.function)
        if not isinstance(function, FuncOp):
            raise VerifyException(
                f"Expected a function, but {op.function} is none of the module's. "
                "A batch calls a function of its own program."
            )
        found = list(function.function_type.inputs)
        wanted = [*op.arguments.types, op.count.type]
        if found != wanted or len(function.function_type.outputs):
            raise VerifyException(
                f"Expected a function of ({', '.join(map(str, wanted))}), but got "
                f"{function.function_type}. An entry takes the arguments and a number."
            )


@irdl_op_definition
class ForEachOp(IRDLOperation):
    """Call a function for every number below a count, in any order, on any threads.

    The function takes the arguments and the number. It writes into buffers among the
    arguments, each call in a place of its own.
    """

    name = "batch.for_each"
    function = prop_def(FlatSymbolRefAttrConstr)
    arguments = var_operand_def()
    count = operand_def(IndexType)
    traits = traits_def(_TakesArguments())
    assembly_format = (
        "$function `(` $arguments `)` `below` $count attr-dict "
        "`:` `(` type($arguments) `)`"
    )

    def __init__(
        self, function: str, arguments: Sequence[SSAValue], count: SSAValue
    ) -> None:
        super().__init__(
            operands=[arguments, count],
            properties={"function": SymbolRefAttr(function)},
        )


@irdl_op_definition
class InLanesOp(IRDLOperation):
    """Do the same operation for some entries of a batch at once, one in each lane.

    Its region has the operation once for each, which may not have results.
    """

    name = "batch.in_lanes"
    body = region_def("single_block")
    assembly_format = "$body attr-dict"
    traits = traits_def(NoTerminator(), UsesOuterValues())

    def __init__(self, operations: Sequence[Operation]) -> None:
        super().__init__(regions=[Region(Block(operations))])

    def verify_(self) -> None:
        """Check that the operations are of one kind, and have no results."""
        operations = list(self.body.block.ops)
        if len({op.name for op in operations}) != 1 or any(
            len(op.results) for op in operations
        ):
            raise VerifyException(
                "Expected one operation without results, once for each lane, but got "
                f"{', '.join(op.name for op in operations) or 'none'}."
            )


Batch = Dialect("batch", [ForEachOp, InLanesOp], [])
