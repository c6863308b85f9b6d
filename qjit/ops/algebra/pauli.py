"""Pauli words: their products, and the decomposition of matrices into them."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from qjit.dialects.gates.record import PAULIS
from qjit.tracing.wires import Label, Wire, rank

Word = tuple[tuple[Label, str], ...]  # sorted by wire, without identities

_PRODUCTS: dict[tuple[str, str], tuple[complex, str]] = {
    ("X", "Y"): (1j, "Z"),
    ("Y", "Z"): (1j, "X"),
    ("Z", "X"): (1j, "Y"),
    ("Y", "X"): (-1j, "Z"),
    ("Z", "Y"): (-1j, "X"),
    ("X", "Z"): (-1j, "Y"),
}

# How the coefficients of I, X, Y and Z follow from the entries of a 2x2 matrix:
# tr(P M) / 2.
_COEFFICIENTS = np.array([PAULIS[letter].T / 2 for letter in "IXYZ"])


def backend(*values: Any) -> Any:
    """Return NumPy for known values, and JAX's NumPy where one is traced."""
    return jnp if any(isinstance(value, Tracer) for value in values) else np


def as_word(letters: Mapping[Label, str]) -> Word:
    """Return a word in its one order."""
    return tuple(sorted(letters.items(), key=lambda item: rank(item[0])))


def word_product(left: Word, right: Word) -> tuple[complex, Word]:
    """Return the phase and the word that a product of words is."""
    letters, phase = dict(left), complex(1)
    for wire, letter in right:
        mine = letters.pop(wire, None)
        if mine is None:
            letters[wire] = letter
        elif mine != letter:
            factor, letters[wire] = _PRODUCTS[mine, letter]
            phase *= factor
    return phase, as_word(letters)


def commute(left: Word, right: Word) -> bool:
    """Tell whether two words commute: they differ on an even number of wires."""
    mine = dict(left)
    differing = sum(mine.get(wire, letter) != letter for wire, letter in right)
    return differing % 2 == 0


def commute_qubit_wise(left: Word, right: Word) -> bool:
    """Tell whether two words agree wherever both act."""
    mine = dict(left)
    return all(mine.get(wire, letter) == letter for wire, letter in right)


def coefficients(matrix: Any) -> Any:
    """Return tr(P M) / 2**k for all words P on k wires: an array of shape (4,) * k."""
    xp = backend(matrix)
    width = int(matrix.shape[0]).bit_length() - 1
    tensor = xp.reshape(matrix, (2,) * (2 * width))
    for done in range(width):
        # Axes: the wires done, the rows of the others, the columns of the others.
        rest = width - done
        tensor = xp.tensordot(tensor, _COEFFICIENTS, axes=((done, done + rest), (1, 2)))
        tensor = xp.moveaxis(tensor, -1, done)
    return tensor


def decomposition(matrix: Any, wires: Sequence[Wire]) -> Iterator[tuple[Any, Word]]:
    """Yield the coefficient of each word of a matrix, without known zeros."""
    found = coefficients(matrix)
    known = not isinstance(found, Tracer)
    smallest = 1e-14 * np.max(np.abs(found), initial=0.0) if known else 0.0
    for places in product(range(4), repeat=len(wires)):
        coefficient = found[places]
        if not known or abs(coefficient) > smallest:
            letters = zip(wires, places, strict=True)
            yield coefficient, as_word({w: "IXYZ"[n] for w, n in letters if n})
