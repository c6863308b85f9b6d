"""The normal form of operators: a weighted sum of Pauli words and matrices."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from qjit.errors import MeasurementError, UnsupportedError
from qjit.lowering.jax_internals.tracing import user_line
from qjit.tracing.checks import checked
from qjit.tracing.context import TraceContext
from qjit.tracing.validation import finite
from qjit.tracing.wires import Label, Wire, rank

from .pauli import PAULIS, Word, as_word, backend, decomposition, word_product

# A known matrix on at most so many wires is written as words, where it has to be.
MOST_DECOMPOSED = 6
# A matrix on more wires does not fit into memory.
WIDEST = 14

Factor = tuple[int, tuple[Label, ...]]  # the number of a matrix, and its wires


@dataclass(frozen=True)
class Term:
    """One product: a Pauli word, and matrices on other wires."""

    word: Word = ()
    factors: tuple[Factor, ...] = ()

    @property
    def wires(self) -> tuple[Label, ...]:
        """The wires that the term acts on."""
        on_factors = [wire for _, wires in self.factors for wire in wires]
        return (*(wire for wire, _ in self.word), *on_factors)


@dataclass(frozen=True, eq=False)
class LinearForm:
    """A sum of terms: coefficients of shape (terms,), and the matrices they name."""

    coefficients: Any
    terms: tuple[Term, ...]
    matrices: tuple[Any, ...] = ()

    @property
    def wires(self) -> tuple[Label, ...]:
        """All wires that the form acts on, sorted."""
        found = {wire for term in self.terms for wire in term.wires}
        return tuple(sorted(found, key=rank))

    def located(self, context: TraceContext) -> "LinearForm":
        """Return the form on the positions of its wires in a quantum function."""
        position = context.order.position

        def term(each: Term) -> Term:
            word = sorted((position(wire), letter) for wire, letter in each.word)
            factors = (
                (number, tuple(map(position, wires))) for number, wires in each.factors
            )
            return Term(tuple(word), tuple(factors))

        return replace(self, terms=tuple(map(term, self.terms)))

    def scaled(self, factor: Any) -> "LinearForm":
        """Return the form times a number, or times one number for each term."""
        return replace(self, coefficients=_real(self.coefficients * factor))

    def times(self, other: "LinearForm") -> "LinearForm":
        """Return the product of two forms."""
        matrices = (*self.matrices, *other.matrices)
        shift = len(self.matrices)
        outer = _outer(self.coefficients, other.coefficients)
        parts: list[LinearForm] = []
        phases: list[complex] = []
        terms: list[Term] = []
        places: list[int] = []
        pairs = ((a, _shifted(b, shift)) for a in self.terms for b in other.terms)
        for place, (left, right) in enumerate(pairs):
            if _share_matrices(left, right):
                part = _dense_product(left, right, matrices)
                parts.append(part.scaled(outer[place]))
                continue
            phase, word = word_product(left.word, right.word)
            phases.append(phase)
            terms.append(Term(word, (*left.factors, *right.factors)))
            places.append(place)
        if terms:
            kept = outer[np.asarray(places)] if parts else outer
            turned = kept * _real(np.asarray(phases))
            parts.insert(0, LinearForm(_real(turned), tuple(terms), matrices))
        return total(parts)


def _outer(left: Any, right: Any) -> Any:
    xp = backend(left, right)
    return xp.ravel(xp.outer(left, right))


def _real(values: Any) -> Any:
    """Return complex numbers that are known to be real as real ones."""
    if isinstance(values, Tracer) or not np.iscomplexobj(values):
        return values
    return values if np.any(np.imag(values)) else np.real(values)


def _shifted(term: Term, shift: int) -> Term:
    if not term.factors:
        return term
    return replace(term, factors=tuple((n + shift, on) for n, on in term.factors))


def _share_matrices(left: Term, right: Term) -> bool:
    """Tell whether a matrix of one term acts on a wire of the other."""
    mine = {wire for _, wires in left.factors for wire in wires}
    theirs = {wire for _, wires in right.factors for wire in wires}
    return not (mine.isdisjoint(right.wires) and theirs.isdisjoint(left.wires))


def _dense_product(left: Term, right: Term, matrices: Sequence[Any]) -> LinearForm:
    """Return the product of terms as one matrix on all of their wires."""
    on = tuple(dict.fromkeys((*left.wires, *right.wires)))
    check_width(len(on))
    return of_matrix(_dense(left, matrices, on) @ _dense(right, matrices, on), on)


def _dense(term: Term, matrices: Sequence[Any], on: Sequence[Label]) -> Any:
    whole: Any = np.eye(2 ** len(on))
    for wire, letter in term.word:
        whole = whole @ embedded(PAULIS[letter], (wire,), on)
    for number, wires in term.factors:
        whole = whole @ embedded(matrices[number], wires, on)
    return whole


def identity(coefficient: Any = 1.0) -> LinearForm:
    """Return a number times the identity."""
    xp = backend(coefficient)
    return LinearForm(xp.reshape(xp.asarray(coefficient), (1,)), (Term(),))


def of_letter(letter: str, wire: Label) -> LinearForm:
    """Return one Pauli operator."""
    return LinearForm(np.ones(1), (Term(((wire, letter),)),))


def of_factor(matrix: Any, wires: Sequence[Label]) -> LinearForm:
    """Return a matrix as it is."""
    return LinearForm(np.ones(1), (Term((), ((0, tuple(wires)),)),), (matrix,))


def of_matrix(matrix: Any, wires: Sequence[Label]) -> LinearForm:
    """Return a matrix, as Pauli words if it is small and known."""
    if isinstance(matrix, Tracer) or len(wires) > MOST_DECOMPOSED:
        return of_factor(matrix, wires)
    pairs = list(decomposition(matrix, wires))
    numbers = np.asarray([number for number, _ in pairs], complex)
    negligible = 1e-15 * np.max(np.abs(numbers), initial=0.0)
    if np.all(np.abs(np.imag(numbers)) <= negligible):
        numbers = np.real(numbers)
    return LinearForm(numbers, tuple(Term(word) for _, word in pairs))


def total(forms: Sequence[LinearForm], scale: Any = None) -> LinearForm:
    """Return the sum of forms, with like words added.

    Args:
        forms: the forms.
        scale: an array of a number for each term, left out for ones.
    """
    if not forms:
        return LinearForm(np.zeros(0), ())
    xp = backend(*(form.coefficients for form in forms))
    terms: list[Term] = []
    matrices: list[Any] = []
    for form in forms:
        shift = len(matrices)
        terms.extend(_shifted(term, shift) for term in form.terms)
        matrices.extend(form.matrices)
    coefficients = xp.concatenate([form.coefficients for form in forms])
    if scale is not None:
        coefficients = _real(coefficients * scale)
    return _collected(LinearForm(coefficients, tuple(terms), tuple(matrices)))


def _collected(form: LinearForm) -> LinearForm:
    """Add the coefficients of equal words."""
    places: dict[Term, int] = {}
    index = [places.setdefault(term, len(places)) for term in form.terms]
    if len(places) == len(index):
        return form
    if isinstance(form.coefficients, Tracer):
        zeros = jnp.zeros(len(places), form.coefficients.dtype)
        sums = zeros.at[np.asarray(index)].add(form.coefficients)
    else:
        sums = np.zeros(len(places), np.asarray(form.coefficients).dtype)
        np.add.at(sums, index, form.coefficients)
    return LinearForm(_without_rounding(sums), tuple(places), form.matrices)


def _without_rounding(sums: Any) -> Any:
    """Drop known imaginary parts that are only rounding."""
    if isinstance(sums, Tracer) or not np.iscomplexobj(sums):
        return sums
    size = np.max(np.abs(sums), initial=0.0)
    return sums if np.any(np.abs(np.imag(sums)) > 1e-14 * size) else np.real(sums)


def without_zeros(form: LinearForm) -> LinearForm:
    """Return a form without terms whose coefficients are known to be zero."""
    if isinstance(form.coefficients, Tracer):
        return form
    kept = np.flatnonzero(np.asarray(form.coefficients))
    terms = tuple(form.terms[n] for n in kept)
    return LinearForm(np.asarray(form.coefficients)[kept], terms, form.matrices)


def real_coefficients(coefficients: Any, name: str) -> Any:
    """Return the coefficients of an observable that `name` takes, which are real."""
    what = f"a coefficient of {name}'s observable"
    if not np.issubdtype(jnp.result_type(coefficients), np.complexfloating):
        return finite(coefficients, what)
    # NOTE: those of products on traced wires are real unless wires coincide.
    real = backend(coefficients).all(abs(coefficients.imag) <= 1e-12)
    message = (
        f"{name} takes an observable with real coefficients, which is Hermitian. Add "
        "the adjoint, or measure real and imaginary parts."
    )
    values = checked(coefficients.real, real, MeasurementError, message)
    return finite(values, what)


# Identity of operators


def letters_of(words: Sequence[str], wires: Sequence[Label]) -> tuple[Term, ...]:
    """Return terms for words that name a letter for each wire."""
    pairs = (zip(wires, word, strict=False) for word in words)
    return tuple(
        Term(as_word({wire: letter for wire, letter in pair if letter != "I"}))
        for pair in pairs
    )


def embedded(matrix: Any, wires: Sequence[Wire], order: Sequence[Wire]) -> Any:
    """Return a matrix on some wires as one on others that hold them."""
    if tuple(wires) == tuple(order):
        return matrix
    check_width(len(order))
    xp = backend(matrix)
    rest = [wire for wire in order if wire not in wires]
    whole = xp.kron(matrix, np.eye(2 ** len(rest)))
    axes = [(*wires, *rest).index(wire) for wire in order]
    count = len(order)
    cube = xp.reshape(whole, (2,) * (2 * count))
    turned = xp.transpose(cube, (*axes, *(count + axis for axis in axes)))
    return xp.reshape(turned, (2**count, 2**count))


def check_width(count: int) -> None:
    """Refuse matrices on too many wires."""
    if count > WIDEST:
        raise UnsupportedError(
            f"{user_line()}: a matrix on {count} wires has 4**{count} entries. At most "
            f"{WIDEST} wires are supported."
        )
