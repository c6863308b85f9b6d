"""Extrapolation of results to zero noise: from the factors of noise to functions.

Each maker takes the factors and options, and returns a function of the results, stacked
along a first axis, that JAX traces and differentiates.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from qjit.errors import ParameterError
from qjit.lowering.jax_internals.tracing import user_line

Extrapolation = Callable[[jax.Array], Any]
Weights = np.ndarray[Any, np.dtype[np.float64]]


def richardson(factors: Sequence[float]) -> Extrapolation:
    """The polynomial through all results, at zero: L. F. Richardson, 1911.

    The weights are Lagrange's: the products of x_j / (x_j - x_i) over all j but i.
    """
    x = np.asarray(factors)
    others = [np.delete(x, place) for place in range(len(x))]
    pairs = zip(x, others, strict=True)
    return _weighted(np.array([np.prod(rest / (rest - own)) for own, rest in pairs]))


def polynomial(factors: Sequence[float], order: int = 2) -> Extrapolation:
    """The polynomial of an order that is nearest to all results, at zero."""
    if not 0 <= order < len(factors):
        raise ParameterError(
            f"{user_line()}: a polynomial through results at {len(factors)} factors "
            f"has an order from 0 to {len(factors) - 1}, but got {order}. Give more "
            "scale_factors."
        )
    return _weighted(_polynomial_weights(factors, order))


def exponential(
    factors: Sequence[float], asymptote: Any = None, eps: float = 1e-6
) -> Extrapolation:
    """The exponential A exp(B x) + C at zero, where C is the asymptote, 0 by default.

    It is a line through the logarithms of the distances from C. Where some of these are
    less than `eps`, or results are on both sides of C, the line is through the results.
    """
    line = _weighted(_polynomial_weights(factors, 1))
    first = int(np.argmin(factors))
    limit = 0.0 if asymptote is None else asymptote

    def at_zero(results: jax.Array) -> jax.Array:
        if jnp.iscomplexobj(results):
            raise ParameterError(
                f"{user_line()}: extrapolate='exponential' takes real results, but got "
                f"{results.dtype}. Choose 'richardson' or 'polynomial'."
            )
        distances = results - limit
        sign = jnp.sign(distances[first])
        is_apart = jnp.all(sign * distances > eps, axis=0)
        safe = jnp.where(is_apart, sign * distances, 1.0)
        found = sign * jnp.exp(line(jnp.log(safe))) + limit
        return jnp.where(is_apart, found, line(results))

    return at_zero


def _polynomial_weights(factors: Sequence[float], order: int) -> Weights:
    """Return the weights of results in the value at zero of a least squares fit."""
    return np.linalg.pinv(np.vander(factors, order + 1, increasing=True))[0]


def _weighted(weights: Weights) -> Extrapolation:
    """Return the sum of results with weights."""

    def at_zero(results: jax.Array) -> jax.Array:
        shape = (-1,) + (1,) * (results.ndim - 1)
        return jnp.sum(weights.astype(results.dtype).reshape(shape) * results, axis=0)

    return at_zero


MAKERS: Mapping[str, Callable[..., Extrapolation]] = {
    "richardson": richardson,
    "polynomial": polynomial,
    "exponential": exponential,
}


def extrapolation(
    extrapolate: Any, factors: Sequence[float], options: Mapping[str, Any]
) -> Extrapolation:
    """Return the extrapolation of a name, or by a function of factors and results."""
    if callable(extrapolate):
        return lambda results: extrapolate(np.asarray(factors), results, **options)
    if extrapolate not in MAKERS:
        raise ParameterError(
            f"{user_line()}: extrapolate takes {', '.join(map(repr, MAKERS))} or a "
            f"function of factors and results, but got {extrapolate!r}."
        )
    return MAKERS[extrapolate](factors, **options)
