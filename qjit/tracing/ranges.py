"""Ranges of integers of which some ends are traced, with the meaning of Python's."""

import operator
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from qjit.errors import ParameterError, ParameterTypeError
from qjit.lowering.jax_internals.tracing import core, user_line
from qjit.lowering.jaxpr.primitives import integer_dtype

from .checks import checked

NO_STEP = "the step of a range is zero. Give another one."
TOO_LARGE = (
    "a range holds integers that do not fit into the integers of JAX. Set "
    "jax_enable_x64 for 64 bits."
)


@dataclass(frozen=True)
class Range:
    """The numbers of a range: how many, and which."""

    start: Any
    step: Any
    length: Any

    def item(self, position: Any) -> Any:
        """Return one number."""
        simple = not isinstance(self.start, Tracer) and self.start == 0
        if simple and not isinstance(self.step, Tracer) and self.step == 1:
            return position
        return self.start + position * self.step


def make_range(start: Any, stop: Any, step: Any) -> Range:
    """Return a range whose ends and step are integers of any type, maybe traced.

    Raises:
        ParameterTypeError: for what is no integer.
        ParameterError: for a step of zero, and integers that JAX does not have; at run
            time where they are traced.
    """
    ends = [as_integer(each) for each in (start, stop, step)]
    if any(isinstance(each, Tracer) for each in ends):
        return _traced(*ends)
    if ends[2] == 0:
        raise ParameterError(f"{user_line()}: {NO_STEP}")
    numbers, limits = range(*ends), np.iinfo(integer_dtype())
    if not numbers:
        return Range(0, 1, 0)
    length = (numbers[-1] - numbers[0]) // numbers.step + 1
    for each in (numbers[0], numbers[-1], numbers.step, length):
        if not limits.min <= each <= limits.max:
            raise ParameterError(f"{user_line()}: {TOO_LARGE}")
    return Range(numbers.start, numbers.step, length)


def as_integer(value: Any) -> Any:
    """Check an end of a range: an integer, or a traced one in JAX's widest type."""
    if core.is_symbolic_dim(value):
        value = jnp.asarray(value)
    if not isinstance(value, Tracer):
        boolean = getattr(value, "dtype", None) == np.bool_ and not np.ndim(value)
        try:
            return int(value) if boolean else operator.index(value)
        except TypeError:
            raise _no_integer(value) from None
    boolean = value.dtype == np.bool_
    if value.ndim or not (boolean or jnp.issubdtype(value.dtype, np.integer)):
        raise _no_integer(value)
    dtype = integer_dtype()
    if not boolean and jnp.iinfo(value.dtype).max > np.iinfo(dtype).max:
        fits = value <= value.dtype.type(np.iinfo(dtype).max)
        value = checked(value, fits, ParameterError, TOO_LARGE)
    return jax.lax.convert_element_type(value, dtype)


def _no_integer(value: Any) -> ParameterTypeError:
    kind = f"an object of type {type(value).__name__}"
    if hasattr(value, "dtype"):
        kind = f"an array of {value.dtype} of shape {np.shape(value)}"
    return ParameterTypeError(
        f"{user_line()}: a range takes integers, but got {kind}. Convert it, as with "
        "int(x) or x.astype(int)."
    )


def _traced(start: Any, stop: Any, step: Any) -> Range:
    """Count the iterations of a range without overflow, in unsigned arithmetic."""
    dtype = integer_dtype()
    limits, unsigned = np.iinfo(dtype), np.dtype(f"u{dtype.name}")
    for each in (start, stop, step):
        if isinstance(each, int) and not limits.min <= each <= limits.max:
            raise ParameterError(f"{user_line()}: {TOO_LARGE}")
    if isinstance(step, Tracer):
        step = checked(step, step != 0, ParameterError, NO_STEP)
    elif step == 0:
        raise ParameterError(f"{user_line()}: {NO_STEP}")
    if isinstance(start, int) and isinstance(step, int) and (start, step) == (0, 1):
        return Range(start, step, jnp.maximum(stop, 0))
    first, last, stride = (jnp.asarray(each, dtype) for each in (start, stop, step))
    up = stride > 0
    low, high = jnp.where(up, first, last), jnp.where(up, last, first)

    def as_unsigned(value: jax.Array) -> jax.Array:
        return jax.lax.convert_element_type(value, unsigned)

    width = as_unsigned(jnp.where(up, stride, -stride))
    span = as_unsigned(high) - as_unsigned(low) - 1
    # NOTE: a step of zero is refused, but divides before.
    iterations = jnp.where(low < high, span // jnp.maximum(width, 1) + 1, 0)
    most = unsigned.type(limits.max)
    iterations = checked(iterations, iterations <= most, ParameterError, TOO_LARGE)
    return Range(start, step, jax.lax.convert_element_type(iterations, dtype))
