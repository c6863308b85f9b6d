"""Eigenbases of observables: how shots are taken, and what their outcomes are worth.

Words that agree wherever both act are measured together, in the same shots; so are
matrices, each diagonalised once, on wires of their own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from qjit.errors import UnsupportedError
from qjit.lowering.jax_internals.tracing import user_line
from qjit.lowering.jaxpr.shot_statistics import MATRIX
from qjit.lowering.jaxpr.structural_hash import hashed_by_fields
from qjit.ops.algebra.dense import observable_applied
from qjit.ops.algebra.linear_form import Term
from qjit.ops.observables import Observable
from qjit.tracing.context import TraceContext

from .outcomes import Statistic

WIDEST_MATRIX = 10  # wires of an observable that is diagonalised as a whole


@hashed_by_fields
@dataclass(frozen=True)
class Moments(Statistic):
    """The means of the powers of a weighted sum of products, from samples of wires."""

    acts: tuple[tuple[bool, ...], ...]  # for each term, on which wires its word acts
    powers: int
    # The columns of the wires of each matrix, and the matrices of each term.
    columns: tuple[tuple[int, ...], ...] = ()
    factors: tuple[tuple[int, ...], ...] = ()

    def __call__(
        self, rows: jax.Array, *inputs: Any, counts: Any = 1, shots: Any = None
    ) -> jax.Array:
        """Return the means: (powers,); inputs are weights and eigenvalues."""
        values = self.values(rows, *inputs)
        total = rows.shape[0] if shots is None else shots
        weights = jnp.asarray(counts).astype(values.dtype)
        powers = [weights * values**k for k in range(1, self.powers + 1)]
        return jnp.stack([jnp.sum(each) / total for each in powers])

    def values(self, rows: Any, weights: Any, *eigenvalues: Any) -> Any:
        """Return what the sum is worth in each row: (rows,)."""
        acts = jnp.asarray(np.asarray(self.acts).T, weights.dtype)
        products = 1 - 2 * jnp.mod(rows.astype(weights.dtype) @ acts, 2)
        if not self.columns:
            return products @ weights
        found = [
            values[_number(rows[:, np.asarray(columns)])].astype(weights.dtype)
            for columns, values in zip(self.columns, eigenvalues, strict=True)
        ]
        one = jnp.ones(rows.shape[0], weights.dtype)
        scales = [_product([found[n] for n in own], one) for own in self.factors]
        return (products * jnp.stack(scales, axis=1)) @ weights


def _number(rows: Any) -> Any:
    width = rows.shape[1]
    return rows @ jnp.asarray([2**n for n in reversed(range(width))], rows.dtype)


def _product(values: Sequence[Any], one: Any) -> Any:
    for value in values:
        one = one * value
    return one


@dataclass(frozen=True)
class Factor:
    """A matrix on some wires, diagonalised."""

    wires: tuple[Any, ...]
    unitary: Any  # turns its eigenvectors into the basis states
    eigenvalues: Any


def diagonalised(matrix: Any, wires: tuple[Any, ...]) -> Factor:
    """Return a matrix with its eigenvalues, which ascend, and its eigenvectors."""
    if not isinstance(matrix, Tracer):
        values, vectors = np.linalg.eigh(np.asarray(matrix))
        return Factor(wires, vectors.conj().T, values)
    values, vectors = jnp.linalg.eigh(matrix)
    adjoint = jnp.conj(matrix.T)
    size = jnp.max(jnp.abs(matrix))
    tolerance = 100 * matrix.shape[0] * jnp.finfo(matrix.dtype).eps * size
    is_hermitian = jnp.max(jnp.abs(matrix - adjoint)) <= tolerance
    # NOTE: what is not Hermitian has no eigenbasis: the program refuses the numbers.
    unitary = jnp.where(is_hermitian, jnp.conj(vectors.T), jnp.nan)
    return Factor(wires, unitary, values)


def _operand(unitary: Any, context: TraceContext) -> Any:
    """Return a unitary as an operand, which measurements in one basis share."""
    if isinstance(unitary, Tracer):
        return jnp.asarray(unitary, context.dtype)
    known = np.asarray(unitary, context.dtype)
    with jax.ensure_compile_time_eval():
        return context.unitaries.setdefault(known.tobytes(), jnp.asarray(known))


@dataclass
class Group:
    """Terms that are measured together: wires with the letters they are measured in."""

    letters: dict[int, Any] = field(default_factory=dict[int, Any])
    terms: list[Term] = field(default_factory=list[Term])
    numbers: list[int] = field(default_factory=list[int])  # of the terms
    factors: dict[int, Factor] = field(default_factory=dict[int, Factor])

    def takes(self, term: Term) -> bool:
        """Tell whether a term agrees with the others."""
        wanted = _letters(term)
        return all(
            self.letters.get(wire, letter) == letter for wire, letter in wanted.items()
        )

    def add(self, term: Term, number: int, factors: Mapping[int, Factor]) -> None:
        """Measure a term along with the others."""
        self.letters.update(_letters(term))
        self.terms.append(term)
        self.numbers.append(number)
        self.factors.update({index: factors[index] for index, _ in term.factors})

    @property
    def wires(self) -> tuple[int, ...]:
        """The wires that are measured."""
        return tuple(self.letters)

    @property
    def basis(self) -> dict[str, Any]:
        """The parameters of measurements in this basis."""
        letters = self.letters.values()
        names = [each if isinstance(each, str) else MATRIX for each in letters]
        on = tuple(factor.wires for factor in self.factors.values())
        return {"wires": self.wires, "basis": "".join(names), "factors": on}

    def unitaries(self, context: TraceContext) -> list[Any]:
        """Return the operands of measurements in this basis."""
        return [_operand(f.unitary, context) for f in self.factors.values()]

    @property
    def eigenvalues(self) -> list[Any]:
        """The eigenvalues of the matrices."""
        return [factor.eigenvalues for factor in self.factors.values()]

    def moments(self, powers: int) -> Moments:
        """Return the statistic of the terms' weighted sum."""
        place = {wire: n for n, wire in enumerate(self.wires)}
        order = list(self.factors)
        acts = [{wire for wire, _ in term.word} for term in self.terms]
        return Moments(
            tuple(tuple(wire in on for wire in self.wires) for on in acts),
            powers,
            tuple(tuple(place[w] for w in f.wires) for f in self.factors.values()),
            tuple(tuple(order.index(n) for n, _ in t.factors) for t in self.terms),
        )


def _letters(term: Term) -> dict[Any, Any]:
    """Return what each wire of a term is measured in: a letter, or part of a matrix."""
    found: dict[Any, Any] = dict(term.word)
    for index, wires in term.factors:
        found.update({wire: (index, place) for place, wire in enumerate(wires)})
    return found


def grouped(observable: Observable) -> tuple[list[Group], list[int]]:
    """Return groups of terms that cover all words, and the numbers of identities."""
    terms = _with_equal_matrices(observable)
    used = {index: wires for term in terms for index, wires in term.factors}
    factors = {n: diagonalised(observable.matrices[n], used[n]) for n in sorted(used)}
    groups: list[Group] = []
    constants: list[int] = []
    for number, term in enumerate(terms):
        if not term.word and not term.factors:
            constants.append(number)
            continue
        group = next((each for each in groups if each.takes(term)), None)
        if group is None:
            groups.append(group := Group())
        group.add(term, number, factors)
    return groups, constants


def _with_equal_matrices(observable: Observable) -> list[Term]:
    """Return the terms, with one number for equal matrices on the same wires."""
    known: list[tuple[int, Any, tuple[Any, ...]]] = []

    def number(index: int, wires: tuple[Any, ...]) -> int:
        matrix = observable.matrices[index]
        for other, value, on in known:
            concrete = not isinstance(matrix, Tracer) and not isinstance(value, Tracer)
            same = value is matrix or (concrete and np.array_equal(value, matrix))
            if on == wires and same:
                return other
        known.append((index, matrix, wires))
        return index

    return [
        Term(term.word, tuple((number(n, wires), wires) for n, wires in term.factors))
        for term in observable.terms
    ]


def is_concrete(observable: Observable) -> bool:
    """Tell whether coefficients and matrices are known when tracing."""
    values = observable.coefficients, *observable.matrices
    return not any(isinstance(value, Tracer) for value in values)


def as_one_matrix(observable: Observable, name: str) -> Observable:
    """Return an observable as one matrix on its wires, of which all terms agree."""
    wires = observable.wires
    if len(wires) > WIDEST_MATRIX:
        raise UnsupportedError(
            f"{user_line()}: {name} from shots diagonalises an observable whose terms "
            f"disagree on a wire, on at most {WIDEST_MATRIX} wires, but this one acts "
            f"on {len(wires)}. Leave shots out for the exact value, or take {name} of "
            "terms that can be measured together."
        )
    place = {wire: number for number, wire in enumerate(wires)}
    terms = [
        (
            tuple((place[wire], letter) for wire, letter in term.word),
            tuple((n, tuple(place[w] for w in on)) for n, on in term.factors),
        )
        for term in observable.terms
    ]
    basis = np.eye(2 ** len(wires), dtype=complex)

    def matrix() -> Any:
        def column(psi: Any) -> Any:
            parts = observable.coefficients, observable.matrices
            return observable_applied(psi, *parts, terms)

        return jax.vmap(column, out_axes=1)(jnp.asarray(basis))

    if is_concrete(observable):
        with jax.ensure_compile_time_eval():
            whole = np.asarray(matrix())
    else:
        whole = matrix()
    return Observable(np.ones(1), (Term((), ((0, wires),)),), (whole,))
