"""Estimates from shots: an observable is measured in the eigenbases of its terms."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from qjit.lowering.jaxpr.primitives import estimate_p, probs_p, real_dtype, sample_p
from qjit.ops.algebra.linear_form import Term
from qjit.ops.algebra.pauli import backend, word_product
from qjit.ops.algebra.traced_wires import marginal
from qjit.ops.observables import Observable, Word, as_observable, real_coefficients
from qjit.tracing.context import TraceContext, current

from . import outcomes
from .eigenbases import Group, as_one_matrix, grouped, is_concrete
from .product_bases import of_factors

# Eigenvalues that are known when tracing and differ by less are counted as one.
EQUAL = 1e-9


def _estimate(
    group: Group, context: TraceContext, statistic: outcomes.Statistic, *inputs: Any
) -> jax.Array:
    return estimate_p.bind(
        *group.unitaries(context),
        *inputs,
        **group.basis,
        shots=context.shots,
        dtype=context.dtype,
        statistic=statistic,
    )[0]


def _moments(
    group: Group, coefficients: Any, powers: int, context: TraceContext
) -> jax.Array:
    """Return the means of the powers of the terms' weighted sum: (powers,)."""
    weights = jnp.asarray(coefficients)[np.asarray(group.numbers)]
    values = [jnp.asarray(each, weights.dtype) for each in group.eigenvalues]
    return _estimate(group, context, group.moments(powers), weights, *values)


def computational(wires: tuple[int, ...]) -> Group:
    """Return the basis of the basis states of wires."""
    return Group(dict.fromkeys(wires, "Z"))


def drawn(group: Group, context: TraceContext) -> jax.Array:
    """Return the bits of the wires of a basis in each shot: (shots, wires)."""
    return sample_p.bind(
        *group.unitaries(context),
        **group.basis,
        shots=context.shots,
        dtype=context.dtype,
    )[0]


def probabilities(
    group: Group, context: TraceContext, places: Sequence[jax.Array] = ()
) -> jax.Array:
    """Return the probability of each outcome, or its share among the shots.

    It is the outcome of all wires of the basis, or of those in some places.
    """
    if context.shots is None:
        unitaries = group.unitaries(context)
        found = probs_p.bind(*unitaries, **group.basis, dtype=context.dtype)[0]
        return marginal(found, places) if places else found
    outcomes.check_width(len(places or group.wires), "probs")
    statistic = outcomes.Frequencies(real_dtype(context.dtype))
    columns = [jnp.stack([*places])] if places else []
    return _estimate(group, context, statistic, *columns)


def tallies(group: Group, context: TraceContext) -> jax.Array:
    """Return how often each outcome occurs among the shots."""
    outcomes.check_width(len(group.wires), "counts")
    return _estimate(group, context, outcomes.Tallies())


def estimated_mean(observable: Any) -> jax.Array:
    """Return the mean of an observable over the shots."""
    context = current("expval")
    found, coefficients = _prepared(observable, "expval", context)
    if (alone := _alone(observable, "expval", context)) is not None:
        return _moments(*alone, 1, context)[0]
    groups, constants = grouped(found)
    total = jnp.sum(jnp.asarray(coefficients)[np.asarray(constants, int)])
    if not groups:
        return _constant(total, context)
    return sum((_moments(g, coefficients, 1, context)[0] for g in groups), total)


def _alone(
    observable: Any, name: str, context: TraceContext
) -> tuple[Group, Any] | None:
    """Return the eigenbasis and the weight of a product with matrices among it."""
    product = _product(observable, name, context, identities=False)
    if product is None or not product[0].factors:
        return None
    group, _, weights = product
    return group, weights


def _constant(value: jax.Array, context: TraceContext) -> jax.Array:
    """Return what is the same in all shots, as a measurement."""
    always = Group({0: "Z"}, [Term()], [0])
    return _moments(always, value[None], 1, context)[0]


def estimated_variance(observable: Any) -> jax.Array:
    """Return the variance of an observable over the shots."""
    context = current("var")
    found, coefficients = _prepared(observable, "var", context)
    if (alone := _alone(observable, "var", context)) is not None:
        mean, square = _moments(*alone, 2, context)
        return square - mean**2
    groups, _ = grouped(found)
    if len(groups) > 1 and found.matrices:
        whole = as_one_matrix(found, "var")
        groups, coefficients = grouped(whole)[0], np.ones(1, coefficients.dtype)
    if len(groups) > 1:
        return _spread(found, jnp.asarray(coefficients), context)
    if not groups:
        return _constant(jnp.zeros((), coefficients.dtype), context)
    mean, square = _moments(groups[0], coefficients, 2, context)
    return square - mean**2


def _spread(
    found: Observable, coefficients: jax.Array, context: TraceContext
) -> jax.Array:
    """Return the variance of words that disagree; their square has its own shots."""
    words = [term.word for term in found.terms]
    scales: list[Any] = []
    terms: list[Term] = []
    for number, word in enumerate(words):
        for other in range(number, len(words)):
            sign, product = _symmetrised(word, words[other])
            if sign:
                scales.append((sign * (1 if other == number else 2), number, other))
                terms.append(Term(product))
    factors, left, right = map(np.asarray, zip(*scales, strict=True))
    weights = factors * coefficients[left] * coefficients[right]
    square = Observable(weights, tuple(terms))

    def mean(observable: Observable, weights: Any) -> Any:
        groups, constants = grouped(observable)
        total = jnp.sum(weights[np.asarray(constants, int)])
        return sum((_moments(g, weights, 1, context)[0] for g in groups), total)

    return mean(square, weights) - mean(found, coefficients) ** 2


def _symmetrised(left: Word, right: Word) -> tuple[int, Word]:
    """Return half the anticommutator of two words, as a sign and a word."""
    phase, word = word_product(left, right)
    return round(np.real(phase)), word


def _prepared(
    observable: Any, name: str, context: TraceContext
) -> tuple[Observable, Any]:
    found = as_observable(observable, name).located(context)
    return found, _weights(found, name, context)


def _weights(found: Observable, name: str, context: TraceContext) -> Any:
    """Return the coefficients of an observable, which are real."""
    coefficients = real_coefficients(found.coefficients, name)
    dtype = real_dtype(context.dtype)
    if isinstance(coefficients, Tracer):
        return coefficients.astype(dtype)
    return np.asarray(coefficients, dtype)


def _product(
    observable: Any, name: str, context: TraceContext, *, identities: bool
) -> tuple[Group, Observable, Any] | None:
    """Return the eigenbasis of a product of factors on wires of their own.

    With it are its number and matrices, and its weight; wires of identities are
    measured where asked for.
    """
    product = of_factors(observable.value(), context, identities=identities)
    if product is None:
        return None
    group, number, matrices = product
    xp = backend(number)
    front = xp.reshape(xp.asarray(number), (1,))
    found = Observable(front, (), tuple(matrices))
    return group, found, _weights(found, name, context)


def basis_of(observable: Any, name: str, context: TraceContext) -> "Basis":
    """Return the eigenbasis of an observable, and what its outcomes are worth."""
    found, coefficients = _prepared(observable, name, context)
    if (product := _product(observable, name, context, identities=True)) is not None:
        return Basis(*product, [])
    groups, constants = grouped(found)
    if len(groups) > 1:
        found = as_one_matrix(found, name)
        (group,), constants = grouped(found)
        coefficients = np.ones(1, coefficients.dtype)
    elif groups:
        (group,) = groups
    else:
        group = computational((0,))
    return Basis(group, found, coefficients, constants)


class Basis:
    """An eigenbasis of an observable, whose outcomes are worth eigenvalues."""

    def __init__(
        self, group: Group, found: Observable, coefficients: Any, constants: Any
    ) -> None:
        self.group, self._found = group, found
        self._coefficients, self._constants = coefficients, constants

    def values(self, rows: Any) -> Any:
        """Return what rows of bits are worth: (rows,)."""
        weights = self._coefficients
        total = weights[np.asarray(self._constants, int)].sum()
        if not self.group.terms:
            return jnp.broadcast_to(total, rows.shape[:1])
        own = jnp.asarray(weights[np.asarray(self.group.numbers)])
        given = [jnp.asarray(each, own.dtype) for each in self.group.eigenvalues]
        return self.group.moments(1).values(rows, own, *given) + total

    def counts(self, context: TraceContext) -> tuple[jax.Array, jax.Array]:
        """Return eigenvalues and how often each occurs, those known when tracing once.

        Otherwise there is one for each outcome.
        """
        table = outcomes.outcome_table(len(self.group.wires))
        found = tallies(self.group, context)
        if not is_concrete(self._found):
            return self.values(jnp.asarray(table)), found
        with jax.ensure_compile_time_eval():
            values = np.asarray(self.values(jnp.asarray(table)))
        scale = max(1.0, float(np.max(np.abs(values))))
        order = np.argsort(values, kind="stable")
        steps = np.diff(values[order], prepend=values[order[0]]) > EQUAL * scale
        number = np.empty(len(values), int)
        number[order] = np.cumsum(steps)
        first = np.flatnonzero(np.insert(steps[1:], 0, values=True))
        zeros = jnp.zeros(len(first), found.dtype)
        return jnp.asarray(values[order][first]), zeros.at[number].add(found)
