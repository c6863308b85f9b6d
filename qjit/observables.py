"""Observables: real combinations of Pauli words and Hermitian matrices."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from .checks import checked
from .context import TraceContext
from .errors import MatrixError, MeasurementError, ParameterError, WireError
from .jax_internals import user_line
from .operations import Operation, as_array
from .traced_wires import on_traced_wires
from .wires import Label, Wires, as_labels, is_traced, rank

Word = tuple[tuple[Label, str], ...]  # sorted by wire, without identities

_PRODUCTS: dict[tuple[str, str], tuple[complex, str]] = {
    ("X", "Y"): (1j, "Z"),
    ("Y", "Z"): (1j, "X"),
    ("Z", "X"): (1j, "Y"),
    ("Y", "X"): (-1j, "Z"),
    ("Z", "Y"): (-1j, "X"),
    ("X", "Z"): (-1j, "Y"),
}


@dataclass(frozen=True)
class Term:
    """One product: a Pauli word and Hermitian factors on other wires."""

    word: Word = ()
    factors: tuple[tuple[int, tuple[Label, ...]], ...] = ()  # matrix index, wires

    @property
    def wires(self) -> tuple[Label, ...]:
        """The wires that the term acts on."""
        on_factors = [wire for _, wires in self.factors for wire in wires]
        return (*(wire for wire, _ in self.word), *on_factors)


def _is_concrete(*values: Any) -> bool:
    return not any(isinstance(value, Tracer) for value in values)


def _backend(*values: Any) -> Any:
    return np if _is_concrete(*values) else jnp


@dataclass(frozen=True, eq=False)
class Observable:
    """A sum of terms with coefficients; made by X, Y, Z, Hermitian, `@ + - *`."""

    coefficients: Any
    terms: tuple[Term, ...]
    matrices: tuple[Any, ...] = ()

    def located(self, context: TraceContext) -> "Observable":
        """Return the observable on the positions of its wires."""
        position = context.order.position

        def term(each: Term) -> Term:
            word = sorted((position(wire), letter) for wire, letter in each.word)
            factors = (
                (number, tuple(map(position, wires))) for number, wires in each.factors
            )
            return Term(tuple(word), tuple(factors))

        return replace(self, terms=tuple(map(term, self.terms)))

    def __matmul__(self, other: Any) -> "Observable":
        other = as_observable(other)
        matrices, shift = (*self.matrices, *other.matrices), len(self.matrices)
        products = [
            _product(left, _shifted(right, shift))
            for left in self.terms
            for right in other.terms
        ]
        phases = np.asarray([phase for phase, _ in products])
        xp = _backend(self.coefficients, other.coefficients)
        outer = xp.ravel(xp.outer(self.coefficients, other.coefficients))
        real = not np.iscomplexobj(outer) and not np.any(np.imag(phases))
        outer = outer * (np.real(phases) if real else phases)
        return Observable(outer, tuple(term for _, term in products), matrices)

    def __add__(self, other: Any) -> "Observable":
        if np.ndim(other) == 0 and not isinstance(other, (Observable, Operation)):
            other = Observable(_backend(other).reshape(other, (1,)), (Term(),))
        other = as_observable(other)
        xp = _backend(self.coefficients, other.coefficients)
        shift = len(self.matrices)
        return Observable(
            xp.concatenate([self.coefficients, other.coefficients]),
            (*self.terms, *(_shifted(term, shift) for term in other.terms)),
            (*self.matrices, *other.matrices),
        )

    __radd__ = __add__

    def __mul__(self, factor: Any) -> "Observable":
        if np.ndim(factor) or isinstance(factor, (Observable, Operation)):
            raise ParameterError(
                f"{user_line()}: an observable is scaled by a number; "
                "use @ for the product of observables."
            )
        return Observable(self.coefficients * factor, self.terms, self.matrices)

    __rmul__ = __mul__

    def __truediv__(self, divisor: Any) -> "Observable":
        return self * (1 / divisor)

    def __neg__(self) -> "Observable":
        return self * -1.0

    def __sub__(self, other: Any) -> "Observable":
        negated = -other if np.ndim(other) == 0 else as_observable(other) * -1.0
        return self + negated

    def __rsub__(self, other: Any) -> "Observable":
        return -self + other

    @property
    def wires(self) -> tuple[Label, ...]:
        """All wires that the observable acts on, sorted."""
        found = {wire for term in self.terms for wire in term.wires}
        return tuple(sorted(found, key=rank))


def _shifted(term: Term, shift: int) -> Term:
    factors = tuple((index + shift, wires) for index, wires in term.factors)
    return Term(term.word, factors)


def _product(left: Term, right: Term) -> tuple[complex, Term]:
    letters = dict(left.word)
    phase: complex = 1
    for wire, letter in right.word:
        mine = letters.pop(wire, None)
        if mine is None:
            letters[wire] = letter
        elif mine != letter:
            factor, letters[wire] = _PRODUCTS[mine, letter]
            phase *= factor
    word = sorted(letters.items(), key=lambda item: rank(item[0]))
    term = Term(tuple(word), (*left.factors, *right.factors))
    occupied = [wire for _, wires in term.factors for wire in wires]
    if len({*occupied, *letters}) != len(occupied) + len(letters):
        raise WireError(
            f"{user_line()}: a Hermitian factor shares a wire with another factor. "
            "Multiply the matrices first and pass one Hermitian."
        )
    return phase, term


def as_observable(value: Any) -> Observable:
    """Return an observable for whatever stands for one."""
    if isinstance(value, Observable):
        return value
    if isinstance(value, Operation):
        return value.observable()
    raise MeasurementError(
        f"{user_line()}: expected an observable built from X, Y, Z, I, H, Hermitian, "
        f"Projector or Hamiltonian, but got {type(value).__name__}."
    )


def pauli_observable(name: str, wires: Sequence[Any]) -> Observable:
    """Return the observable of a gate that is one."""
    if any(map(is_traced, wires)):
        return on_traced_wires(wires, lambda on: pauli_observable(name, on))
    if name in ("X", "Y", "Z"):
        return Observable(np.ones(1), (Term(((wires[0], name),)),))
    if name == "I":
        return Observable(np.ones(1), (Term(),))
    if name == "H":
        terms = tuple(Term(((wires[0], letter),)) for letter in "XZ")
        return Observable(np.full(2, np.sqrt(0.5)), terms)
    raise MeasurementError(
        f"{user_line()}: the gate {name} is not an observable. Use X, Y, Z, I, H, "
        "Hermitian, Projector or Hamiltonian."
    )


def Hermitian(matrix: Any, wires: Wires) -> Observable:
    """Return the observable of a Hermitian matrix.

    Args:
        matrix: complex array of shape (2**k, 2**k), equal to its conjugate transpose.
        wires: the k wires it acts on, static or traced; the first is the most
            significant.

    Raises:
        MatrixError: if the shape does not fit the wires, or a concrete matrix is
            not Hermitian.

    >>> import qjit as qj
    >>> @qj.qnode(wires=1)
    ... def circuit():
    ...     return qj.expval(qj.Hermitian([[0.5, 0.0], [0.0, 2.0]], wires=0))
    >>> print(f"{circuit():.1f}")
    0.5
    """
    on = as_labels(wires)
    matrix = as_array(matrix, "Hermitian")
    xp = _backend(matrix)
    matrix = xp.asarray(matrix)
    if matrix.shape != (2 ** len(on),) * 2:
        raise MatrixError(
            f"{user_line()}: Hermitian on {len(on)} wire(s) takes a matrix of shape "
            f"{(2 ** len(on),) * 2}, but got {matrix.shape}."
        )
    if xp is np and not np.allclose(matrix, np.conj(matrix.T), atol=1e-6):
        raise MatrixError(
            f"{user_line()}: the matrix given to Hermitian differs from its "
            "conjugate transpose. Pass (A + A.conj().T) / 2, or use another matrix."
        )

    def made(on: tuple[Label, ...]) -> Observable:
        return Observable(np.ones(1), (Term((), ((0, on),)),), (matrix,))

    return on_traced_wires(on, made) if any(map(is_traced, on)) else made(on)


def Projector(state: Any, wires: Wires) -> Observable:
    """Return the projector onto a basis state.

    Args:
        state: zeros and ones, one for each wire.
        wires: the wires, static or traced; the first is the most significant.

    Raises:
        ParameterError: for another number of bits.

    >>> import qjit as qj
    >>> @qj.qnode(wires=2)
    ... def circuit():
    ...     qj.H(0)
    ...     return qj.expval(qj.Projector([1, 0], wires=[0, 1]))
    >>> print(f"{circuit():.2f}")
    0.50
    """
    on = as_labels(wires)
    state = as_array(state, "Projector")
    xp = _backend(state)
    vector = xp.asarray(state)
    if vector.shape == (len(on),) and len(on) != 2 ** len(on):
        index = sum(bit * 2**place for place, bit in enumerate(reversed([*vector])))
        vector = xp.asarray(xp.arange(2 ** len(on)) == index, dtype=float)
    return Hermitian(xp.outer(vector, xp.conj(vector)), on)


def Hamiltonian(coeffs: Any, observables: Sequence[Any]) -> Observable:
    """Return the sum of observables weighted by coefficients.

    Args:
        coeffs: real array of shape (terms,); may be traced and differentiated.
        observables: one observable for each coefficient.

    Raises:
        ParameterError: for another number of coefficients.

    >>> import jax
    >>> import qjit as qj
    >>> @qj.qnode(wires=2)
    ... def energy(coeffs):
    ...     return qj.expval(qj.Hamiltonian(coeffs, [qj.Z(0), qj.Z(0) @ qj.Z(1)]))
    >>> print(energy(jax.numpy.array([0.5, -2.0])))
    -1.5
    """
    operands = [as_observable(observable) for observable in observables]
    coeffs = as_array(coeffs, "Hamiltonian")
    xp = _backend(coeffs)
    coeffs = xp.asarray(coeffs)
    if coeffs.shape != (len(operands),):
        raise ParameterError(
            f"{user_line()}: Hamiltonian takes one coefficient for each observable, "
            f"but got shape {coeffs.shape} for {len(operands)} observables."
        )
    if all(len(each.terms) == 1 and not each.matrices for each in operands):
        scales = [each.coefficients for each in operands]
        scale = _backend(*scales).concatenate(scales)
        return Observable(coeffs * scale, tuple(each.terms[0] for each in operands))
    scaled = [each * coeff for each, coeff in zip(operands, coeffs, strict=True)]
    return reduce(lambda left, right: left + right, scaled)


def pauli_sum(coefficients: Any, words: Sequence[str]) -> Observable:
    """Return the weighted sum of full Pauli words.

    Args:
        coefficients: real array of shape (terms,); may be traced and differentiated.
        words: one word such as "XIZY" for each coefficient; wire 0 comes first.

    >>> import qjit as qj
    >>> @qj.qnode(wires=2)
    ... def energy():
    ...     return qj.expval(qj.pauli_sum([0.5, -2.0], ["ZI", "ZZ"]))
    >>> print(energy())
    -1.5
    """
    terms = tuple(
        Term(tuple((wire, letter) for wire, letter in enumerate(word) if letter != "I"))
        for word in words
    )
    xp = _backend(coefficients)
    return Observable(xp.asarray(coefficients), terms)


def real_coefficients(coefficients: Any, name: str) -> Any:
    """Return the coefficients of an observable that `name` takes, which are real."""
    if not np.issubdtype(jnp.result_type(coefficients), np.complexfloating):
        return coefficients
    real = _backend(coefficients).all(abs(coefficients.imag) <= 1e-12)
    message = f"{name} takes an observable with real coefficients."
    return checked(coefficients.real, real, MeasurementError, message)
