"""Estimates from shots: an observable is measured in the eigenbasis of its words.

Words that agree wherever both act are measured together, in the same shots.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from . import outcomes
from .context import TraceContext, current
from .errors import UnsupportedError
from .jax_internals import user_line
from .observables import Observable, Word, as_observable, real_coefficients
from .primitives import estimate_p, real_dtype, sample_p
from .traced_wires import SelectedFrequencies


@dataclass(frozen=True)
class Moments:
    """The means of the powers of a weighted sum of words, from samples of wires."""

    acts: tuple[tuple[bool, ...], ...]  # for each word, on which wires
    powers: int

    def __call__(
        self, rows: jax.Array, weights: jax.Array, *, signs: Any = 1
    ) -> jax.Array:
        """Return the means, in which samples count by their signs: (powers,)."""
        acts = jnp.asarray(np.asarray(self.acts).T, weights.dtype)
        letters = 1 - 2 * jnp.mod(rows.astype(weights.dtype) @ acts, 2)
        values = letters @ weights
        powers = [signs * values**k for k in range(1, self.powers + 1)]
        return jnp.stack([jnp.mean(each) for each in powers])


@dataclass
class Group:
    """Pauli words that are measured together, and which terms they belong to."""

    letters: dict[int, str] = field(default_factory=dict[int, str])
    words: list[Word] = field(default_factory=list[Word])
    terms: list[int] = field(default_factory=list[int])

    def takes(self, word: Word) -> bool:
        """Tell whether a word agrees with the others."""
        return all(self.letters.get(wire, letter) == letter for wire, letter in word)

    def add(self, word: Word, term: int) -> None:
        """Measure a word along with the others."""
        self.letters.update(word)
        self.words.append(word)
        self.terms.append(term)

    def moments(
        self, coefficients: jax.Array, powers: int, context: TraceContext
    ) -> jax.Array:
        """Return the means of the powers of the words' weighted sum: (powers,)."""
        wires, weights = tuple(self.letters), coefficients[np.asarray(self.terms)]
        acts = tuple(tuple(wire in dict(word) for wire in wires) for word in self.words)
        basis = "".join(self.letters.values())
        return _estimate(wires, basis, context, Moments(acts, powers), weights)


def _estimate(
    wires: tuple[int, ...],
    basis: str,
    context: TraceContext,
    statistic: Callable[..., jax.Array],
    *inputs: jax.Array,
) -> jax.Array:
    return estimate_p.bind(
        *inputs,
        wires=wires,
        basis=basis,
        shots=context.shots,
        dtype=context.dtype,
        statistic=statistic,
    )[0]


def drawn(wires: tuple[int, ...], context: TraceContext) -> jax.Array:
    """Return the bits of wires in each shot: (shots, wires)."""
    basis = "Z" * len(wires)
    return sample_p.bind(
        wires=wires, basis=basis, shots=context.shots, dtype=context.dtype
    )[0]


def estimated_probabilities(
    wires: tuple[int, ...], context: TraceContext, places: Sequence[jax.Array] = ()
) -> jax.Array:
    """Return the share of each outcome of wires, or of those in some places."""
    outcomes.check_width(len(places or wires), "probs")
    if places:
        selected = SelectedFrequencies(real_dtype(context.dtype))
        basis = "Z" * len(wires)
        return _estimate(wires, basis, context, selected, jnp.stack([*places]))
    statistic = outcomes.Frequencies(real_dtype(context.dtype))
    return _estimate(wires, "Z" * len(wires), context, statistic)


def estimated_mean(observable: Any) -> jax.Array:
    """Return the mean of an observable over the shots."""
    context = current("expval")
    found, coefficients = _prepared(observable, "expval", context)
    groups, constant = _grouped(found, coefficients)
    return sum((g.moments(coefficients, 1, context)[0] for g in groups), constant)


def estimated_variance(observable: Any) -> jax.Array:
    """Return the variance of an observable over the shots."""
    context = current("var")
    found, coefficients = _prepared(observable, "var", context)
    groups, constant = _grouped(found, coefficients)
    if len(groups) > 1:
        raise UnsupportedError(
            f"{user_line()}: var from shots takes Pauli words that can be measured "
            "together, but these disagree on a wire. Take var without shots, or of "
            "each word."
        )
    if not groups:
        return jnp.zeros_like(constant)
    mean, square = groups[0].moments(coefficients, 2, context)
    return square - mean**2


def _prepared(
    observable: Any, name: str, context: TraceContext
) -> tuple[Observable, jax.Array]:
    found = as_observable(observable, name).located(context)
    if found.matrices:
        raise UnsupportedError(
            f"{user_line()}: {name} from shots takes Pauli words (X, Y, Z, H and their "
            "products and sums), but this observable has a matrix. Leave shots out for "
            "the exact value, or write the matrix as Pauli words."
        )
    coefficients = jnp.asarray(real_coefficients(found.coefficients, name))
    return found, coefficients.astype(real_dtype(context.dtype))


def _grouped(found: Observable, coefficients: jax.Array) -> tuple[list[Group], Any]:
    """Return groups that cover all words, and the coefficient of the identity."""
    groups: list[Group] = []
    constant = jnp.zeros((), coefficients.dtype)
    for number, term in enumerate(found.terms):
        if not term.word:
            constant = constant + coefficients[number]
            continue
        group = next((each for each in groups if each.takes(term.word)), None)
        if group is None:
            groups.append(group := Group())
        group.add(term.word, number)
    return groups, constant
