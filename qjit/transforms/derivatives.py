"""PennyLane's spellings of derivatives, as thin layers over JAX."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from qjit.diagnostics.translation import differentiating, is_array
from qjit.errors import ParameterError, ParameterTypeError
from qjit.gradients.finite_differences import with_method
from qjit.lowering.jax_internals.tracing import user_line


def _explained(
    transform: Callable[..., Any],
    function: Any,
    argnums: Any,
    method: str | None = None,
    h: float | None = None,
) -> Any:
    """Return the transformed function, whose errors name the user's line."""
    positions = _positions(argnums)
    transformed = transform(with_method(function, positions, method, h), positions)

    @functools.wraps(transformed)
    def run(*args: Any, **kwargs: Any) -> Any:
        with differentiating(function):
            return transformed(*args, **kwargs)

    return run


def _positions(argnums: Any) -> Any:
    return 0 if argnums is None else argnums


def grad(
    func: Callable[..., Any],
    argnums: Any = None,
    h: float | None = None,
    method: str | None = None,
) -> Callable[..., Any]:
    """Return a function that computes the gradient of a scalar function.

    Args:
        func: a function of real arrays (any pytrees) that returns a real scalar,
            such as a quantum function; see `jax.grad`.
        argnums: position or positions of the arguments to differentiate; the first
            when left out.
        h: the step of the differences.
        method: "fd" for central differences of the whole function; "auto", the default,
            for that of each quantum function, and JAX's own around them.

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
    return _explained(jax.grad, func, argnums, method, h)


def value_and_grad(
    func: Callable[..., Any],
    argnums: Any = None,
    method: str | None = None,
    h: float | None = None,
) -> Callable[..., Any]:
    """Return a function that computes a scalar function and its gradient.

    Args:
        func: a function of real arrays (any pytrees) that returns a real scalar;
            see `jax.value_and_grad`.
        argnums: position or positions of the arguments to differentiate.
        method: "fd" for central differences of the whole function; "auto", the default,
            for that of each quantum function, and JAX's own around them.
        h: the step of the differences.

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
    return _explained(jax.value_and_grad, func, argnums, method, h)


def jacobian(
    func: Callable[..., Any],
    argnums: Any = None,
    method: str | None = None,
    h: float | None = None,
) -> Callable[..., Any]:
    """Return a function that computes the Jacobian, by reverse mode.

    Args:
        func: a function of real arrays (any pytrees) that returns real arrays;
            see `jax.jacrev`.
        argnums: position or positions of the arguments to differentiate.
        method: "fd" for central differences of the whole function; "auto", the default,
            for that of each quantum function, and JAX's own around them.
        h: the step of the differences.

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
    return _explained(jax.jacrev, func, argnums, method, h)


def hessian(func: Callable[..., Any], argnums: Any = None) -> Callable[..., Any]:
    """Return a function that computes the Hessian; see `jax.hessian`.

    Args:
        func: a function of real arrays that returns a real scalar.
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
    return _explained(jax.hessian, func, argnums)


def jvp(
    f: Callable[..., Any],
    params: Sequence[Any],
    tangents: Sequence[Any],
    method: str | None = None,
    h: float | None = None,
    argnums: Any = None,
) -> Any:
    """Return the value of a function and its derivative along tangents.

    Args:
        f: a function of real arrays (any pytrees); see `jax.jvp`.
        params: its arguments.
        tangents: one tangent for each of those that are differentiated, of the same
            shape and dtype.
        method: "fd" for central differences of the whole function; "auto", the default,
            for that of each quantum function, and JAX's own around them.
        h: the step of the differences.
        argnums: position or positions of the arguments to differentiate; all when left
            out.

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
    with differentiating(f):
        moved, points = _restricted(f, params, method, h, argnums)
        along = _like(points, _sequence(tangents, "tangents"), "tangents")
        return jax.jvp(moved, points, along)


def _restricted(
    function: Callable[..., Any],
    params: Sequence[Any],
    method: Any,
    h: Any,
    argnums: Any,
) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    """Return a function of some of its arguments only, and these."""
    params = _sequence(params, "params")
    if argnums is None:
        return with_method(function, None, method, h), params
    places = (argnums,) if isinstance(argnums, int) else tuple(argnums)
    differentiated = with_method(function, places, method, h)

    def moved(*values: Any) -> Any:
        given = list(params)
        for place, value in zip(places, values, strict=True):
            given[place] = value
        return differentiated(*given)

    return moved, tuple(params[place] for place in places)


def vjp(
    f: Callable[..., Any],
    params: Sequence[Any],
    cotangents: Any,
    method: str | None = None,
    h: float | None = None,
    argnums: Any = None,
) -> tuple[Any, Any]:
    """Return the value of a function and the pullback of cotangents.

    Args:
        f: a function of real arrays (any pytrees); see `jax.vjp`.
        params: its arguments.
        cotangents: one cotangent for each result, of the same shape and dtype, in the
            results' structure or a list.
        method: "fd" for central differences of the whole function; "auto", the default,
            for that of each quantum function, and JAX's own around them.
        h: the step of the differences.
        argnums: position or positions of the arguments to differentiate; all when left
            out.

    Returns:
        A pair (value, tuple of one cotangent for each of those arguments).

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
    moved, points = _restricted(f, params, method, h, argnums)
    value, pullback = jax.vjp(moved, *points)
    return value, pullback(_like(value, _of_leaves(value, cotangents), "cotangents"))


def _of_leaves(value: Any, cotangents: Any) -> Any:
    """Return a list of cotangents, one for each array, in the structure of a value."""
    leaves, structure = jax.tree.flatten(value)
    listed = isinstance(cotangents, list | tuple) and all(map(is_array, cotangents))
    if not listed or len(cotangents) != len(leaves):
        return cotangents
    return structure.unflatten(cotangents)


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
