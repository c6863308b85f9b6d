"""Values of the IR that are known when it is compiled."""

from xdsl.dialects import arith
from xdsl.dialects.builtin import FloatAttr, IntegerAttr
from xdsl.ir import SSAValue

# Where matrices and states that users give as constants are known, in words.
KNOWN_WHERE = (
    "with qjit around jax.jit and vmap, and diff_method='finite-diff' where it is "
    "differentiated"
)


def known_integer(value: SSAValue) -> int | None:
    """Return the integer that a value is, if it is a constant."""
    owner = value.owner
    if isinstance(owner, arith.ConstantOp) and isinstance(owner.value, IntegerAttr):
        return owner.value.value.data
    return None


def known_float(value: SSAValue) -> float | None:
    """Return the float that a value is, if it is a constant, also in more bits."""
    found = known_constant(value)
    return None if found is None else found.value.data


def known_constant(value: SSAValue) -> FloatAttr | None:
    """Return the float with its type that a value is, before it was given more bits."""
    owner = value.owner
    if isinstance(owner, arith.ExtFOp):
        return known_constant(owner.input)
    if isinstance(owner, arith.ConstantOp) and isinstance(owner.value, FloatAttr):
        return owner.value
    return None
