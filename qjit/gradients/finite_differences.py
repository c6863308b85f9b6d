"""Functions whose derivatives are finite differences of their values."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree

from qjit.errors import ParameterError
from qjit.lowering.jax_internals.tracing import user_line

METHODS = (None, "auto", "fd")


def with_method(
    function: Callable[..., Any], positions: Any, method: Any, h: Any
) -> Callable[..., Any]:
    """Return a function whose derivatives are computed by a method.

    Args:
        function: the function.
        positions: position or positions of the arguments to differentiate, or None for
            all of them.
        method: "fd" for central differences, "auto" or None for the function's own.
        h: the step of differences, or None for the cube root of the rounding error.
    """
    if method not in METHODS:
        raise ParameterError(
            f"{user_line()}: method takes 'auto' or 'fd', but got {method!r}."
        )
    if method != "fd":
        if h is not None:
            raise ParameterError(
                f"{user_line()}: h is the step of finite differences. Pass "
                "method='fd' with it."
            )
        return function

    def run(*args: Any, **kwargs: Any) -> Any:
        chosen = _chosen(positions, len(args))

        def moved(values: Sequence[Any]) -> Any:
            given = list(args)
            for place, value in zip(chosen, values, strict=True):
                given[place] = value
            return function(*given, **kwargs)

        return _differenced(moved, h)([args[place] for place in chosen])

    return run


def _chosen(positions: Any, count: int) -> list[int]:
    if positions is None:
        return list(range(count))
    several = positions if isinstance(positions, Sequence) else [positions]
    return [place % count if count else place for place in several]


def _differenced(function: Callable[[Any], Any], h: Any) -> Callable[[Any], Any]:
    """Return a function whose derivative is that of central differences.

    Its derivative along a tangent is linear in the tangent, so that it is transposed.
    """
    differenced: Any = jax.custom_jvp(function)

    @differenced.defjvp
    def _(primals: Any, tangents: Any) -> tuple[Any, Any]:
        (point,), (tangent,) = primals, tangents
        flat, unravel = ravel_pytree(point)
        value = function(point)
        results, restore = ravel_pytree(value)
        step = jnp.finfo(flat.dtype).eps ** (1 / 3) if h is None else h

        def derivative(direction: jax.Array) -> jax.Array:
            ahead, behind = (
                ravel_pytree(function(unravel(flat + sign * step * direction)))[0]
                for sign in (1, -1)
            )
            return (ahead - behind) / (2 * step)

        derivatives = jax.lax.map(derivative, jnp.eye(flat.size, dtype=flat.dtype))
        moved = ravel_pytree(tangent)[0] @ derivatives
        return value, restore(moved.astype(results.dtype))

    return differenced
