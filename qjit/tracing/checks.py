"""Run-time checks: values that a condition must hold for, or the program raises.

A check is a pure primitive, the identity of its value: it goes where the value goes,
through control flow and every transformation, and is dropped with it.
"""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import ShapedArray, Tracer
from jax.extend.core import Primitive

from qjit.errors import RUNTIME_ERRORS, DifferentiationError, QJitError
from qjit.lowering.jax_internals.tracing import ad, batching, mlir, user_line
from qjit.tracing.native_calls import native_call

CODES = {error: code for code, error in sorted(RUNTIME_ERRORS.items())}

# Operands: a value, and whether the condition holds for it.
check_p = Primitive("checked")


def checked(
    value: Any, holds: Any, error: type[QJitError], message: str, line: str = ""
) -> Any:
    """Return a value, of which something is asserted when the program runs.

    Args:
        value: an array.
        holds: a traced boolean scalar, or a known one.
        error: what is raised where it does not hold; one of `RUNTIME_ERRORS`.
        message: what was expected, and what to do about it.
        line: the user's line; the present one when left out.
    """
    # NOTE: now, because the equation may be traced again, far from the user's line.
    line = line or user_line()
    if not isinstance(holds, Tracer):
        if not holds:
            raise error(f"{line}: {message}")
        return value
    return check_p.bind(value, holds, code=CODES[error], message=message, line=line)


def _implementation(
    value: Any, holds: Any, *, code: int, message: str, line: str
) -> Any:
    if not np.all(np.asarray(holds)):
        raise RUNTIME_ERRORS[code](f"{line}: {message}")
    return value


def _abstract(value: ShapedArray, _: ShapedArray, **__: Any) -> ShapedArray:
    return ShapedArray(value.shape, value.dtype, weak_type=value.weak_type)


def _native(value: Any, holds: Any, **params: Any) -> Any:
    def program(*operands: Any) -> Any:
        return [check_p.bind(*operands, **params)]

    return native_call(program, (value, holds), "check")[0]


def _jvp(primals: Sequence[Any], tangents: Sequence[Any], **params: Any) -> Any:
    return check_p.bind(*primals, **params), tangents[0]


def _batched(args: Sequence[Any], axes: Sequence[Any], **params: Any) -> Any:
    value, holds = args
    if axes[1] is not None:
        holds = jnp.all(holds)
    return check_p.bind(value, holds, **params), axes[0]


check_p.def_impl(_implementation)
check_p.def_abstract_eval(_abstract)
ad.primitive_jvps[check_p] = _jvp
batching.primitive_batchers[check_p] = _batched
mlir.register_lowering(check_p, mlir.lower_fun(_native, False))


def differentiable(value: Any, holds: Any, message: str, line: str) -> Any:
    """Return a value that has a derivative only where a condition holds.

    It is checked along with the value, when that is differentiated.
    """

    @jax.custom_jvp
    def same(value: Any, _: Any) -> Any:
        return value

    @same.defjvp
    def _(primals: Any, tangents: Any) -> Any:
        value, holds = primals
        error = DifferentiationError
        return checked(value, holds, error, message, line), tangents[0]

    return same(value, holds)
