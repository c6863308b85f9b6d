"""The `gradient` dialect: what is differentiated; the conversion says how."""

from collections.abc import Sequence

from xdsl.dialects.builtin import ArrayAttr, MemRefType
from xdsl.ir import Dialect, SSAValue
from xdsl.irdl import (
    AttrSizedOperandSegments,
    IRDLOperation,
    irdl_op_definition,
    operand_def,
    prop_def,
    traits_def,
    var_operand_def,
)
from xdsl.utils.exceptions import VerifyException

from qjit.dialects.quantum.linearity import Borrows
from qjit.dialects.quantum.types import RegisterType, TermAttr

__all__ = ["AdjointOp", "CheckpointOp", "Gradient", "TermValuesOp"]


@irdl_op_definition
class CheckpointOp(IRDLOperation):
    """Keep the state of a recorded register, as what follows cannot be undone.

    The adjoint method takes up the kept state when its backward pass is here.
    """

    name = "gradient.checkpoint"
    register = operand_def(RegisterType)
    traits = traits_def(Borrows())

    def __init__(self, register: SSAValue) -> None:
        super().__init__(operands=[register])


@irdl_op_definition
class AdjointOp(IRDLOperation):
    """Add the gradient of a real function of the final state to `destination`.

    The function changes by twice the real part of <bra|change of the state>. The bra is
    the sum of the terms of all observables applied to the state, weighted by `weights`,
    which are cotangents times coefficients, and of the `vectors` of amplitudes. The
    register holds the state at the end of the circuit; every gate that carries gradient
    slots contributes at its slots.
    """

    name = "gradient.adjoint"
    register = operand_def(RegisterType)
    weights = var_operand_def(MemRefType)
    matrices = var_operand_def(MemRefType)
    vectors = var_operand_def(MemRefType)
    destination = operand_def(MemRefType)
    terms = prop_def(ArrayAttr[ArrayAttr[TermAttr]])
    traits = traits_def(Borrows())
    irdl_options = (AttrSizedOperandSegments(as_property=True),)

    def __init__(
        self,
        register: SSAValue,
        weights: Sequence[SSAValue],
        matrices: Sequence[SSAValue],
        vectors: Sequence[SSAValue],
        destination: SSAValue,
        terms: Sequence[Sequence[TermAttr]],
    ) -> None:
        super().__init__(
            operands=[register, weights, matrices, vectors, destination],
            properties={"terms": ArrayAttr([ArrayAttr(group) for group in terms])},
        )

    def verify_(self) -> None:
        """Check that every observable has one array of weights."""
        if len(self.weights) != len(self.terms):
            raise VerifyException(
                f"Expected {len(self.terms)} arrays of weights, but got "
                f"{len(self.weights)}. Each observable has one weight per term."
            )


@irdl_op_definition
class TermValuesOp(IRDLOperation):
    """Write the expectation value of each term of an observable to `destination`.

    They are the derivatives of its expectation value by the coefficients.
    """

    name = "gradient.term_values"
    register = operand_def(RegisterType)
    matrices = var_operand_def(MemRefType)
    destination = operand_def(MemRefType)
    terms = prop_def(ArrayAttr[TermAttr])
    traits = traits_def(Borrows())

    def __init__(
        self,
        register: SSAValue,
        matrices: Sequence[SSAValue],
        destination: SSAValue,
        terms: Sequence[TermAttr],
    ) -> None:
        super().__init__(
            operands=[register, matrices, destination],
            properties={"terms": ArrayAttr(terms)},
        )


Gradient = Dialect("gradient", [AdjointOp, CheckpointOp, TermValuesOp], [])
