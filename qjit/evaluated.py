"""Derivatives of quantum functions from their values at other points.

Whatever the method, the derivative along a tangent is a sum of values at other points,
weighted linearly in the tangent. JAX differentiates such sums again, and transposes
them; the values at all points are one batch.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .jax_internals import SymbolicZero
from .shift_rules import Rule

# From a point: the other points, one row each, and their weights along a tangent.
Stencil = Callable[[jax.Array], tuple[jax.Array, Callable[[jax.Array], jax.Array]]]
Function = Callable[[jax.Array, Any], Any]


def differentiated_by(
    at_level: Callable[[int], tuple[Function, Stencil]], level: int = 0
) -> Function:
    """Let JAX differentiate a function of a vector by its values at other points.

    Its other argument, any pytree, is differentiated as usual. `at_level` returns the
    function for its values (level 0), for those that its derivatives are made of
    (level 1), for those that theirs are made of, and so on; and at which points of the
    next level its derivatives are.
    """
    function, stencil = at_level(level)

    @jax.custom_jvp
    def run(x: jax.Array, rest: Any) -> Any:
        return function(x, rest)

    def rule(primals: Any, tangents: Any) -> Any:
        (x, rest), (dot, dots) = primals, tangents
        found, found_dot = _along_rest(lambda rest: function(x, rest), rest, dots)
        if isinstance(dot, SymbolicZero):
            return found, found_dot
        points, weights = stencil(x)
        elsewhere = differentiated_by(at_level, level + 1)
        values = jax.vmap(lambda point: elsewhere(point, rest))(points)
        add = partial(_add_slope, weights(dot))
        return found, jax.tree.map(add, values, found_dot)

    run.defjvp(rule, symbolic_zeros=True)
    return run


def _add_slope(weights: jax.Array, values: jax.Array, dot: Any) -> Any:
    """Add a weighted sum of values to a tangent; integers have none."""
    if not jnp.issubdtype(values.dtype, jnp.inexact):
        return dot
    return dot + jnp.tensordot(weights.astype(values.dtype), values, axes=1)


def _along_rest(
    function: Callable[[Any], Any], rest: Any, dots: Any
) -> tuple[Any, Any]:
    """Differentiate along the tangents that are not symbolic zeros."""
    leaves, tree = jax.tree.flatten(rest)
    found = [
        None if isinstance(dot, SymbolicZero) else dot
        for dot in jax.tree.leaves(dots, is_leaf=lambda d: isinstance(d, SymbolicZero))
    ]

    def of_moving(*values: Any) -> Any:
        given = iter(values)
        every = [
            leaf if dot is None else next(given)
            for leaf, dot in zip(leaves, found, strict=True)
        ]
        return function(jax.tree.unflatten(tree, every))

    moving = [leaf for leaf, dot in zip(leaves, found, strict=True) if dot is not None]
    return jax.jvp(of_moving, moving, [dot for dot in found if dot is not None])


@dataclass(frozen=True)
class Shifts:
    """A rule for each of some entries of a vector."""

    rules: tuple[tuple[int, Rule], ...]
    step: float = 1.0

    def __call__(self, x: jax.Array) -> Any:
        """Return the shifted vectors, and how much each counts along a tangent."""
        spread = [
            (place, *pair)
            for place, rule in self.rules
            for pair in zip(rule.shifts, rule.coefficients, strict=True)
        ]
        # What all rules count unshifted is evaluated once.
        places, shifts, factors = _columns(e for e in spread if e[1])
        others, _, loads = _columns(e for e in spread if not e[1])
        rows = jnp.broadcast_to(x, (len(places) + bool(len(others)), *x.shape))
        table = jnp.asarray(shifts * self.step, x.dtype)
        points = rows.at[np.arange(len(places)), places].add(table)

        def weights(dot: jax.Array) -> jax.Array:
            moved = jnp.asarray(factors / self.step, dot.dtype) * dot[places]
            if not len(others):
                return moved
            rest = jnp.asarray(loads / self.step, dot.dtype) @ dot[others]
            return jnp.append(moved, rest)

        return points, weights


def _columns(entries: Iterable[tuple[int, float, float]]) -> Any:
    places, shifts, factors = np.reshape(list(entries), (-1, 3)).T
    return places.astype(int), shifts, factors


@dataclass(frozen=True)
class Both:
    """The points of two stencils, the second of which may have more entries."""

    first: Stencil
    second: Stencil

    def __call__(self, x: jax.Array) -> Any:
        """Return the points of both, and how much each counts along a tangent."""
        (near, near_weights), (far, far_weights) = self.first(x), self.second(x)
        wide = jnp.pad(near, ((0, 0), (0, far.shape[1] - near.shape[1])))
        points = jnp.concatenate([wide, far])
        return points, lambda dot: jnp.append(near_weights(dot), far_weights(dot))


@dataclass(frozen=True)
class Simultaneous:
    """Differences along random directions, all entries at once.

    J. C. Spall, "Multivariate stochastic approximation using a simultaneous
    perturbation gradient approximation", IEEE Trans. Autom. Control 37, 332 (1992).
    """

    rule: Rule
    step: float
    directions: int
    signs: Callable[[tuple[int, int]], jax.Array]  # random, of a shape

    def __call__(self, x: jax.Array) -> Any:
        """Return the moved vectors, and how much each counts along a tangent."""
        signs = self.signs((self.directions, x.shape[0])).astype(x.dtype)
        shifts = jnp.asarray(self.rule.shifts, x.dtype) * self.step
        moves = shifts[:, None, None] * signs
        points = (x + moves).reshape(-1, x.shape[0])

        def weights(dot: jax.Array) -> jax.Array:
            scale = self.step * self.directions
            coefficients = jnp.asarray(self.rule.coefficients, dot.dtype) / scale
            return jnp.outer(coefficients, signs.astype(dot.dtype) @ dot).ravel()

        return points, weights
