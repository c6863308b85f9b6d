"""Operations that walk through the tree of a program's measurement outcomes.

The program between `walk_begin` and `walk_end` runs once for each path; `walk_next`
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
    prop_def,
    result_def,
)


@irdl_op_definition
class WalkBeginOp(IRDLOperation):
    """Start to walk through the outcomes of the measurements that follow.

    `state_bytes` is the size of one saved state. Shots are drawn `once` where those
    that a postselection refuses are not drawn again.
    """

    name = "statevector.walk_begin"
    shots = opt_prop_def(IntegerAttr.constr(i64))
    state_bytes = prop_def(IntegerAttr.constr(i64))
    once = opt_prop_def(UnitAttr)

    def __init__(
        self, shots: int | None, state_bytes: int, *, once: bool = False
    ) -> None:
        super().__init__(
            properties={
                "shots": None if shots is None else IntegerAttr(shots, i64),
                "state_bytes": IntegerAttr(state_bytes, i64),
                "once": UnitAttr() if once else None,
            }
        )


@irdl_op_definition
class WalkWeightOp(IRDLOperation):
    """The probability of the outcomes on the present path."""

    name = "statevector.walk_weight"
    weight = result_def(Float64Type())

    def __init__(self) -> None:
        super().__init__(result_types=[Float64Type()])


@irdl_op_definition
class WalkRowsOp(IRDLOperation):
    """The rows of the shots that took the present path: the first, and one past."""

    name = "statevector.walk_rows"
    first = result_def(IndexType())
    end = result_def(IndexType())

    def __init__(self) -> None:
        super().__init__(result_types=[IndexType(), IndexType()])


@irdl_op_definition
class WalkNextOp(IRDLOperation):
    """Go on to the next path, and tell whether there is one."""

    name = "statevector.walk_next"
    more = result_def(i1)

    def __init__(self) -> None:
        super().__init__(result_types=[i1])


@irdl_op_definition
class WalkOrderOp(IRDLOperation):
    """A random order of the rows, so that it does not tell the paths apart."""

    name = "statevector.walk_order"
    destination = operand_def(MemRefType)

    def __init__(self, destination: SSAValue) -> None:
        super().__init__(operands=[destination])


@irdl_op_definition
class WalkEndOp(IRDLOperation):
    """End the walk; refuse to go on if no path met what was postselected."""

    name = "statevector.walk_end"
    total = operand_def(Float64Type())

    def __init__(self, total: SSAValue) -> None:
        super().__init__(operands=[total])


WALK_OPERATIONS = [
    WalkBeginOp,
    WalkWeightOp,
    WalkRowsOp,
    WalkNextOp,
    WalkOrderOp,
    WalkEndOp,
]
