"""PennyLane's spellings of derivatives, as thin layers over JAX."""

from collections.abc import Callable, Sequence
from typing import Any

import jax


def _positions(argnums: Any) -> Any:
    return 0 if argnums is None else argnums


def grad(function: Callable[..., Any], argnums: Any = None) -> Callable[..., Any]:
    """Return the gradient of a scalar function; see `jax.grad`."""
    return jax.grad(function, argnums=_positions(argnums))


def value_and_grad(
    function: Callable[..., Any], argnums: Any = None
) -> Callable[..., Any]:
    """Return the value and gradient of a scalar function; see `jax.value_and_grad`."""
    return jax.value_and_grad(function, argnums=_positions(argnums))


def jacobian(function: Callable[..., Any], argnums: Any = None) -> Callable[..., Any]:
    """Return the Jacobian, by reverse mode; see `jax.jacrev`."""
    return jax.jacrev(function, argnums=_positions(argnums))


def hessian(function: Callable[..., Any], argnums: Any = None) -> Callable[..., Any]:
    """Return the Hessian; see `jax.hessian`."""
    return jax.hessian(function, argnums=_positions(argnums))


def jvp(
    function: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any]
) -> Any:
    """Return the value and its derivative along the tangents; see `jax.jvp`."""
    return jax.jvp(function, tuple(primals), tuple(tangents))


def vjp(
    function: Callable[..., Any], primals: Sequence[Any], cotangents: Any
) -> tuple[Any, Any]:
    """Return the value and the pullback of the cotangents."""
    value, pullback = jax.vjp(function, *primals)
    return value, pullback(cotangents)
