"""Operations that follow the paths of a program's tree of measurement outcomes.

The program between `paths_begin` and `paths_end` runs once for each path; `next_path`
tells whether there is another. With shots, each path stands for those that took it.
"""

from xdsl.dialects.builtin import (
    Float64Type,
    IndexType,
    IntegerAttr,
    MemRefType,
    UnitAttr,
    i1,
    i64,
)
from xdsl.ir import SSAValue
from xdsl.irdl import (
    IRDLOperation,
    irdl_op_definition,
    operand_def,
    opt_prop_def,
    result_def,
)


@irdl_op_definition
class PathsBeginOp(IRDLOperation):
    """Start with the first path through the measurements that follow.

    Shots are drawn `once` where those that a postselection refuses are not drawn again.
    """

    name = "statevector.paths_begin"
    shots = opt_prop_def(IntegerAttr.constr(i64))
    once = opt_prop_def(UnitAttr)

    def __init__(self, shots: int | None, *, once: bool = False) -> None:
        super().__init__(
            properties={
                "shots": None if shots is None else IntegerAttr(shots, i64),
                "once": UnitAttr() if once else None,
            }
        )


@irdl_op_definition
class PathWeightOp(IRDLOperation):
    """The probability of the outcomes on the present path."""

    name = "statevector.path_weight"
    weight = result_def(Float64Type())

    def __init__(self) -> None:
        super().__init__(result_types=[Float64Type()])


@irdl_op_definition
class PathRowsOp(IRDLOperation):
    """The rows of the shots that took the present path: the first, and one past."""

    name = "statevector.path_rows"
    first = result_def(IndexType())
    end = result_def(IndexType())

    def __init__(self) -> None:
        super().__init__(result_types=[IndexType(), IndexType()])


@irdl_op_definition
class NextPathOp(IRDLOperation):
    """Go on to the next path, and tell whether there is one."""

    name = "statevector.next_path"
    more = result_def(i1)

    def __init__(self) -> None:
        super().__init__(result_types=[i1])


@irdl_op_definition
class RowOrderOp(IRDLOperation):
    """A random order of the rows, so that it does not tell the paths apart."""

    name = "statevector.row_order"
    destination = operand_def(MemRefType)

    def __init__(self, destination: SSAValue) -> None:
        super().__init__(operands=[destination])


@irdl_op_definition
class PathsEndOp(IRDLOperation):
    """End after the last path; refuse to go on if no path met what was postselected."""

    name = "statevector.paths_end"
    total = operand_def(Float64Type())

    def __init__(self, total: SSAValue) -> None:
        super().__init__(operands=[total])


PATH_OPERATIONS = [
    PathsBeginOp,
    PathWeightOp,
    PathRowsOp,
    NextPathOp,
    RowOrderOp,
    PathsEndOp,
]
