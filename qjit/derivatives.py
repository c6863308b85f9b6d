"""PennyLane's spellings of derivatives, as thin layers over JAX."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax

from .diagnostics import differentiating


def _explained(transform: Callable[..., Any], function: Any, argnums: Any) -> Any:
    """Return the transformed function, whose errors name the user's line."""
    transformed = transform(function, argnums=_positions(argnums))

    @functools.wraps(transformed)
    def run(*args: Any, **kwargs: Any) -> Any:
        with differentiating():
            return transformed(*args, **kwargs)

    return run


def _positions(argnums: Any) -> Any:
    return 0 if argnums is None else argnums


def grad(function: Callable[..., Any], argnums: Any = None) -> Callable[..., Any]:
    """Return a function that computes the gradient of a scalar function.

    Args:
        function: a function of real arrays (any pytrees) that returns a real scalar,
            such as a quantum function; see `jax.grad`.
        argnums: position or positions of the arguments to differentiate; the first
            when left out.

    Returns:
        A function of the same arguments; its result has the shape of the
        differentiated argument, or is a tuple of such results.

    Raises:
        DifferentiationError: for a quantum function that cannot be differentiated.
        DifferentiationTypeError: for integers and booleans.

    >>> import jax.numpy as jnp
    >>> import qjit as qj
    >>> @qj.qnode(wires=1)
    ... def circuit(theta):
    ...     qj.RX(theta, wires=0)
    ...     return qj.expval(qj.Z(0))
    >>> print(f"{qj.grad(circuit)(0.3):.4f}")  # -sin(0.3)
    -0.2955
    """
    return _explained(jax.grad, function, argnums)


def value_and_grad(
    function: Callable[..., Any], argnums: Any = None
) -> Callable[..., Any]:
    """Return a function that computes a scalar function and its gradient.

    Args:
        function: a function of real arrays (any pytrees) that returns a real scalar;
            see `jax.value_and_grad`.
        argnums: position or positions of the arguments to differentiate.

    Returns:
        A function of the same arguments that returns a pair (value, gradient).

    Raises:
        DifferentiationError: for a quantum function that cannot be differentiated.
        DifferentiationTypeError: for integers and booleans.

    >>> import qjit as qj
    >>> @qj.qnode(wires=1)
    ... def circuit(theta):
    ...     qj.RX(theta, wires=0)
    ...     return qj.expval(qj.Z(0))
    >>> value, slope = qj.value_and_grad(circuit)(0.3)
    >>> print(f"{value:.4f} {slope:.4f}")
    0.9553 -0.2955
    """
    return _explained(jax.value_and_grad, function, argnums)


def jacobian(function: Callable[..., Any], argnums: Any = None) -> Callable[..., Any]:
    """Return a function that computes the Jacobian, by reverse mode.

    Args:
        function: a function of real arrays (any pytrees) that returns real arrays;
            see `jax.jacrev`.
        argnums: position or positions of the arguments to differentiate.

    Returns:
        A function of the same arguments; each result has the shape of an output
        followed by the shape of an argument.

    Raises:
        DifferentiationError: for a quantum function that cannot be differentiated.
        DifferentiationTypeError: for integers and booleans.

    >>> import qjit as qj
    >>> @qj.qnode(wires=1)
    ... def circuit(theta):
    ...     qj.RX(theta, wires=0)
    ...     return qj.expval(qj.Z(0)), qj.expval(qj.Y(0))
    >>> print([f"{slope:.4f}" for slope in qj.jacobian(circuit)(0.3)])
    ['-0.2955', '-0.9553']
    """
    return _explained(jax.jacrev, function, argnums)


def hessian(function: Callable[..., Any], argnums: Any = None) -> Callable[..., Any]:
    """Return a function that computes the Hessian; see `jax.hessian`.

    Args:
        function: a function of real arrays that returns a real scalar.
        argnums: position or positions of the arguments to differentiate.

    Returns:
        A function of the same arguments; its result has the shape of the argument
        twice.

    Raises:
        DifferentiationError: for a quantum function that cannot be differentiated.
        DifferentiationTypeError: for integers and booleans.

    >>> import qjit as qj
    >>> @qj.qnode(wires=1)
    ... def circuit(theta):
    ...     qj.RX(theta, wires=0)
    ...     return qj.expval(qj.Z(0))
    >>> print(f"{qj.hessian(circuit)(0.3):.4f}")  # -cos(0.3)
    -0.9553
    """
    return _explained(jax.hessian, function, argnums)


def jvp(
    function: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any]
) -> Any:
    """Return the value of a function and its derivative along tangents.

    Args:
        function: a function of real arrays (any pytrees); see `jax.jvp`.
        primals: its arguments.
        tangents: one tangent for each argument, of the same shape and dtype.

    Returns:
        A pair (value, derivative) of equal structure.

    Raises:
        DifferentiationError: for a quantum function that cannot be differentiated.
        DifferentiationTypeError: for integers and booleans.

    >>> import qjit as qj
    >>> @qj.qnode(wires=1)
    ... def circuit(theta):
    ...     qj.RX(theta, wires=0)
    ...     return qj.expval(qj.Z(0))
    >>> value, slope = qj.jvp(circuit, (0.3,), (2.0,))
    >>> print(f"{value:.4f} {slope:.4f}")
    0.9553 -0.5910
    """
    with differentiating():
        return jax.jvp(function, tuple(primals), tuple(tangents))


def vjp(
    function: Callable[..., Any], primals: Sequence[Any], cotangents: Any
) -> tuple[Any, Any]:
    """Return the value of a function and the pullback of cotangents.

    Args:
        function: a function of real arrays (any pytrees); see `jax.vjp`.
        primals: its arguments.
        cotangents: one cotangent for each result, of the same shape and dtype.

    Returns:
        A pair (value, tuple of one cotangent for each argument).

    Raises:
        DifferentiationError: for a quantum function that cannot be differentiated.
        DifferentiationTypeError: for integers and booleans.

    >>> import qjit as qj
    >>> @qj.qnode(wires=1)
    ... def circuit(theta):
    ...     qj.RX(theta, wires=0)
    ...     return qj.expval(qj.Z(0))
    >>> value, (slope,) = qj.vjp(circuit, (0.3,), 2.0)
    >>> print(f"{value:.4f} {slope:.4f}")
    0.9553 -0.5910
    """
    value, pullback = jax.vjp(function, *primals)
    return value, pullback(cotangents)
