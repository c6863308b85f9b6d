"""Estimates from shots: an observable is measured in the eigenbasis of its words.

Words that agree wherever both act are measured together, in the same shots.
"""

from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .context import TraceContext, current
from .errors import UnsupportedError
from .jax_internals import user_line
from .observables import Observable, Word, as_observable, real_coefficients
from .primitives import real_dtype, sample_p


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

    def signs(self, context: TraceContext) -> jax.Array:
        """Return the eigenvalue of each word in each shot: (shots, words)."""
        wires = tuple(self.letters)
        rows = drawn(wires, "".join(self.letters.values()), context)
        acts = np.asarray(
            [[wire in dict(word) for wire in wires] for word in self.words]
        )
        dtype = real_dtype(context.dtype)
        ones = rows.astype(dtype) @ jnp.asarray(acts.T, dtype)
        return 1 - 2 * jnp.mod(ones, 2)


def drawn(wires: tuple[int, ...], basis: str, context: TraceContext) -> jax.Array:
    """Return the bits of wires, each measured in the basis of a Pauli matrix."""
    return sample_p.bind(
        wires=wires, basis=basis, shots=context.shots, dtype=context.dtype
    )[0]


def estimated_mean(observable: Any) -> jax.Array:
    """Return the mean of an observable over the shots."""
    context = current("expval")
    found, coefficients = _prepared(observable, "expval", context)
    groups, constant = _grouped(found, coefficients)
    total = constant
    for group in groups:
        means = jnp.mean(group.signs(context), axis=0)
        total = total + jnp.sum(coefficients[np.asarray(group.terms)] * means)
    return total


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
    chosen = coefficients[np.asarray(groups[0].terms)]
    return jnp.var(groups[0].signs(context) @ chosen)


def _prepared(
    observable: Any, name: str, context: TraceContext
) -> tuple[Observable, jax.Array]:
    found = as_observable(observable)
    for wire in found.wires:
        context.use(wire)
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
