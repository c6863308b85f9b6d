"""Operations of the `quantum` dialect that change the circuit in their region."""

from collections.abc import Sequence
from typing import ClassVar

from xdsl.dialects.builtin import (
    DenseArrayBase,
    i1,
)
from xdsl.ir import Block, Region, SSAValue
from xdsl.irdl import (
    IntVarConstraint,
    IRDLOperation,
    RangeOf,
    VarConstraint,
    base,
    eq,
    irdl_op_definition,
    operand_def,
    opt_prop_def,
    region_def,
    result_def,
    traits_def,
    var_operand_def,
    var_result_def,
)
from xdsl.irdl.constraints import AnyInt
from xdsl.traits import HasParent, IsTerminator
from xdsl.utils.exceptions import VerifyException

from .linearity import TakesParts
from .registers import AllocOp, MeasureOp, ResetOp, StatePrepOp
from .types import (
    ControlValues,
    RegisterType,
    Value,
    bit,
    bit_array,
    check_control_values,
    control_pattern,
)


@irdl_op_definition
class AdjointOp(IRDLOperation):
    """Apply the inverse of the circuit in the region."""

    REGISTER: ClassVar = VarConstraint("REGISTER", base(RegisterType))

    name = "quantum.adjoint"
    register = operand_def(REGISTER)
    out_register = result_def(REGISTER)
    body = region_def("single_block")
    assembly_format = "$register `:` type($register) $body attr-dict"

    def __init__(self, register: Value, body: Region | Block):
        super().__init__(
            operands=[register],
            regions=[Region(body) if isinstance(body, Block) else body],
            result_types=[SSAValue.get(register).type],
        )

    def verify_(self) -> None:
        """Check that the region maps the register to itself."""
        _check_body(self)


@irdl_op_definition
class CtrlOp(IRDLOperation):
    """Apply the circuit in the region where the controls have their values.

    The controls have been taken out of the register, which the region does not use
    at those wires.
    """

    REGISTER: ClassVar = VarConstraint("REGISTER", base(RegisterType))
    CONTROLS: ClassVar = IntVarConstraint("CONTROLS", AnyInt())

    name = "quantum.ctrl"
    register = operand_def(REGISTER)
    controls = var_operand_def(RangeOf(eq(bit)).of_length(CONTROLS))
    control_values = opt_prop_def(DenseArrayBase.constr(eq(i1)))
    out_register = result_def(REGISTER)
    out_controls = var_result_def(RangeOf(eq(bit)).of_length(CONTROLS))
    body = region_def("single_block")
    traits = traits_def(TakesParts())
    custom_directives = (ControlValues,)
    assembly_format = (
        "$register `by` $controls custom<ControlValues>($control_values) "
        "`:` type($register) $body attr-dict"
    )

    def __init__(
        self,
        register: Value,
        controls: Sequence[Value],
        body: Region | Block,
        *,
        control_values: Sequence[int | bool] | None = None,
    ):
        super().__init__(
            operands=[register, controls],
            properties={"control_values": bit_array(control_values)},
            regions=[Region(body) if isinstance(body, Block) else body],
            result_types=[SSAValue.get(register).type, [bit] * len(controls)],
        )

    @property
    def control_pattern(self) -> tuple[int, ...]:
        """The value that each control qubit must have."""
        return control_pattern(self.control_values, len(self.controls))

    def verify_(self) -> None:
        """Check the control values, and that the region maps the register to itself."""
        check_control_values(self.control_values, len(self.controls))
        _check_body(self)


def _check_body(op: AdjointOp | CtrlOp) -> None:
    block = op.body.block
    expected = (op.register.type,)
    if block.arg_types != expected:
        raise VerifyException(
            f"Expected one argument of type {expected[0]}, but got "
            f"{len(block.args)} arguments. The region takes the register."
        )
    if not isinstance(block.last_op, YieldOp):
        raise VerifyException(
            f"Expected {YieldOp.name}, but got "
            f"{block.last_op.name if block.last_op else 'an empty block'}. "
            "The region gives the register back at its end."
        )
    if block.last_op.register.type != expected[0]:
        raise VerifyException(
            f"Expected {expected[0]}, but got {block.last_op.register.type}. "
            "The region gives back the register that it takes."
        )
    for inner in op.walk():
        if isinstance(inner, MeasureOp | ResetOp | StatePrepOp | AllocOp):
            raise VerifyException(
                f"Expected gates in {op.name}, but got {inner.name}. "
                "It has no inverse and no controlled version."
            )


@irdl_op_definition
class YieldOp(IRDLOperation):
    """Give the register back at the end of a region."""

    name = "quantum.yield"
    register = operand_def(RegisterType)
    traits = traits_def(IsTerminator(), HasParent(AdjointOp, CtrlOp))
    assembly_format = "$register attr-dict `:` type($register)"

    def __init__(self, register: Value):
        super().__init__(operands=[register])
