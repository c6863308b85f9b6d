"""Derivatives of quantum functions from their values at other points.

Whatever the method, the derivative along a tangent is a sum of values at other points,
weighted linearly in the tangent. JAX differentiates such sums again, and transposes
them; the values at all points are one batch.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from qjit.lowering.jax_internals.tracing import SymbolicZero
from qjit.tracing.random_keys import random_signs, split_key

from .shift_rules import Rule

# From a point: the other points, one row each, and their weights along a tangent. A key
# is for directions that are drawn.
Weights = Callable[[jax.Array], jax.Array]
Stencil = Callable[[jax.Array, Any], tuple[jax.Array, Weights]]
# Of a vector, of other arguments, and of the key of its random numbers, if it has one.
Function = Callable[[jax.Array, Any, Any], Any]


def differentiated_by(
    at_level: Callable[[int], tuple[Function, Stencil]],
    level: int = 0,
    *,
    common: bool = False,
) -> Function:
    """Let JAX differentiate a function of a vector by its values at other points.

    Its second argument, any pytree, is differentiated as usual. The third is a key: the
    values at other points draw from other streams, of which each has its own, unless
    random numbers are common to them. `at_level` returns the function for its values
    (level 0), for those that its derivatives are made of (level 1), for those that
    theirs are made of, and so on; and at which points of the next level its
    derivatives are.
    """
    function, stencil = at_level(level)

    @jax.custom_jvp
    def run(x: jax.Array, rest: Any, key: Any) -> Any:
        return function(x, rest, key)

    def rule(primals: Any, tangents: Any) -> Any:
        (x, rest, key), (tangent, along, _) = primals, tangents
        found, derivative = _along_rest(at_level, level, run, primals, along)
        if isinstance(tangent, SymbolicZero):
            return found, derivative
        own, following = (None, None) if key is None else split_key(key, 2)
        points, weights = stencil(x, own)
        elsewhere = differentiated_by(at_level, level + 1, common=common)
        values = _at_points(elsewhere, points, rest, following, common)
        add = partial(_add_derivative, weights(tangent))
        return found, jax.tree.map(add, values, derivative)

    run.defjvp(rule, symbolic_zeros=True)
    return run


def _at_points(
    function: Function, points: jax.Array, rest: Any, key: Any, common: bool
) -> Any:
    """Evaluate a function at points, each of which draws for itself."""
    if key is None or common:
        return jax.vmap(lambda point: function(point, rest, key))(points)
    keys = split_key(key, len(points))
    return jax.vmap(lambda point, key: function(point, rest, key))(points, keys)


def _add_derivative(weights: jax.Array, values: jax.Array, tangent: Any) -> Any:
    """Add a weighted sum of values to a tangent; integers have none."""
    if not jnp.issubdtype(values.dtype, jnp.inexact):
        return tangent
    return tangent + jnp.tensordot(weights.astype(values.dtype), values, axes=1)


def _along_rest(
    at_level: Callable[[int], tuple[Function, Stencil]],
    level: int,
    run: Function,
    primals: Any,
    tangents: Any,
) -> tuple[Any, Any]:
    """Return the values, and their derivative along the tangents of the rest.

    Both are to be differentiated by the vector as the function is.
    """
    x, rest, key = primals
    leaves, tree = jax.tree.flatten(rest)
    found = jax.tree.leaves(tangents, is_leaf=lambda t: isinstance(t, SymbolicZero))
    active = [n for n, t in enumerate(found) if not isinstance(t, SymbolicZero)]
    if not active:
        values = run(x, rest, key)
        return values, jax.tree.map(_zero, values)

    # NOTE: JAX drops the rules of custom functions that tangents pass through, so the
    # derivative is a matrix here.
    def with_jacobian(level: int) -> tuple[Function, Stencil]:
        function, stencil = at_level(level)

        def pair(x: jax.Array, leaves: Any, key: Any) -> Any:
            def of_active(chosen: Sequence[Any]) -> Any:
                every = list(leaves)
                for number, parts in zip(active, chosen, strict=True):
                    every[number] = _of_parts(parts)
                values = function(x, jax.tree.unflatten(tree, every), key)
                return [_real_parts(v) for v in jax.tree.leaves(values)], values

            derivatives, values = jax.jacrev(of_active, has_aux=True)(
                [_real_parts(leaves[number]) for number in active]
            )
            return values, derivatives

        return pair, stencil

    values, derivatives = differentiated_by(with_jacobian, level)(x, leaves, key)
    parts = [part for number in active for part in _real_parts(found[number])]

    def along(value: Any, matrices: Any) -> Any:
        if not matrices:
            return _zero(value)
        return _of_parts(
            [
                sum(
                    jnp.tensordot(matrix, part, np.ndim(part))
                    for matrix, part in zip(jax.tree.leaves(row), parts, strict=True)
                )
                for row in matrices
            ]
        )

    flat, structure = jax.tree.flatten(values)
    outs = [along(*pair) for pair in zip(flat, derivatives, strict=True)]
    return values, jax.tree.unflatten(structure, outs)


def _real_parts(value: Any) -> list[Any]:
    """Return the real and imaginary parts of a number; none of an integer."""
    if jnp.iscomplexobj(value):
        return [jnp.real(value), jnp.imag(value)]
    return [value] if jnp.issubdtype(jnp.result_type(value), jnp.inexact) else []


def _of_parts(parts: Sequence[Any]) -> Any:
    return parts[0] if len(parts) == 1 else jax.lax.complex(*parts)


def _zero(value: Any) -> Any:
    if jnp.issubdtype(value.dtype, jnp.inexact):
        return jnp.zeros_like(value)
    return np.zeros(np.shape(value), jax.dtypes.float0)


@dataclass(frozen=True)
class Shifts:
    """A rule for each of some entries of a vector."""

    rules: tuple[tuple[int, Rule], ...]
    step: float = 1.0

    def __call__(self, x: jax.Array, key: Any = None) -> Any:
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

        def weights(tangent: jax.Array) -> jax.Array:
            moved = jnp.asarray(factors / self.step, tangent.dtype) * tangent[places]
            if not len(others):
                return moved
            rest = jnp.asarray(loads / self.step, tangent.dtype) @ tangent[others]
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

    def __call__(self, x: jax.Array, key: Any = None) -> Any:
        """Return the points of both, and how much each counts along a tangent."""
        (near, near_weights), (far, far_weights) = (
            self.first(x, key),
            self.second(x, key),
        )
        wide = jnp.pad(near, ((0, 0), (0, far.shape[1] - near.shape[1])))
        points = jnp.concatenate([wide, far])
        return points, lambda tangent: jnp.append(
            near_weights(tangent), far_weights(tangent)
        )


@dataclass(frozen=True)
class Simultaneous:
    """Differences along random directions, all entries at once.

    J. C. Spall, "Multivariate stochastic approximation using a simultaneous
    perturbation gradient approximation", IEEE Trans. Autom. Control 37, 332 (1992).
    """

    rule: Rule
    step: float
    directions: int

    def __call__(self, x: jax.Array, key: Any = None) -> Any:
        """Return the moved vectors, and how much each counts along a tangent."""
        signs = random_signs(key, (self.directions, x.shape[0]))
        signs = signs.astype(x.dtype)
        shifts = jnp.asarray(self.rule.shifts, x.dtype) * self.step
        moves = shifts[:, None, None] * signs
        points = (x + moves).reshape(-1, x.shape[0])

        def weights(tangent: jax.Array) -> jax.Array:
            scale = self.step * self.directions
            coefficients = jnp.asarray(self.rule.coefficients, tangent.dtype) / scale
            return jnp.outer(
                coefficients, signs.astype(tangent.dtype) @ tangent
            ).ravel()

        return points, weights
