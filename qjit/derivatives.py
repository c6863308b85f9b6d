"""PennyLane's spellings of derivatives, as thin layers over JAX."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .diagnostics import differentiating, is_array
from .errors import ParameterError, ParameterTypeError
from .jax_internals import user_line


def _explained(transform: Callable[..., Any], function: Any, argnums: Any) -> Any:
    """Return the transformed function, whose errors name the user's line."""
    transformed = transform(function, argnums=_positions(argnums))

    @functools.wraps(transformed)
    def run(*args: Any, **kwargs: Any) -> Any:
        with differentiating(function):
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
    with differentiating(function):
        points = _sequence(primals, "primals")
        along = _like(points, _sequence(tangents, "tangents"), "tangents")
        return jax.jvp(function, points, along)


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
    value, pullback = jax.vjp(function, *_sequence(primals, "primals"))
    return value, pullback(_like(value, cotangents, "cotangents"))


def _sequence(values: Any, what: str) -> tuple[Any, ...]:
    if not isinstance(values, tuple | list):
        raise ParameterTypeError(
            f"{user_line()}: {what} are a tuple with one for each argument, but got "
            f"{type(values).__name__}."
        )
    return tuple(values)


def _like(values: Any, moves: Any, what: str) -> Any:
    """Return tangents in the dtypes of values, whose structure and shapes they have."""
    structure, found = jax.tree.structure(values), jax.tree.structure(moves)
    if structure != found:
        raise ParameterTypeError(
            f"{user_line()}: {what} have the structure of what moves, {structure}, but "
            f"got {found}."
        )
    return jax.tree.map(lambda value, move: _one_like(value, move, what), values, moves)


def _one_like(value: Any, move: Any, what: str) -> Any:
    aval = jax.typeof(value)
    if not is_array(move) or np.shape(move) != aval.shape:
        raise ParameterError(
            f"{user_line()}: {what} have the shapes of what moves, {aval.shape} here, "
            f"but got {np.shape(move) if is_array(move) else type(move).__name__}."
        )
    if (
        not jnp.issubdtype(aval.dtype, np.inexact)
        or jnp.result_type(move) == aval.dtype
    ):
        return move
    if jnp.iscomplexobj(move) and not jnp.issubdtype(aval.dtype, np.complexfloating):
        raise ParameterTypeError(
            f"{user_line()}: {what} of real values are real, but got "
            f"{jnp.result_type(move)}."
        )
    return jnp.asarray(move, aval.dtype)
