"""Observables that are no gates: matrices, projectors and sums with coefficients."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from qjit.diagnostics.keywords import keywords
from qjit.errors import MatrixError, ParameterError
from qjit.lowering.jax_internals.tracing import user_line
from qjit.ops.algebra import linear_form as forms
from qjit.ops.algebra.expressions import Hamiltonian as LinearCombination
from qjit.ops.algebra.expressions import PauliSum, bind_as_matrix
from qjit.ops.algebra.linear_form import LinearForm as Observable
from qjit.ops.algebra.linear_form import letters_of, real_coefficients
from qjit.ops.algebra.normal_form import as_linear_form as as_observable
from qjit.ops.algebra.operator import (
    UNCHANGED,
    Modifiers,
    Operator,
    as_inexact,
    check_operator,
)
from qjit.ops.algebra.pauli import Word, backend
from qjit.ops.algebra.recording import all_taken, created
from qjit.ops.algebra.traced_wires import on_traced_wires
from qjit.tracing.validation import bits, hermitian, normalised, tolerance
from qjit.tracing.wires import Label, Wire, Wires, as_labels, is_traced

from .operations import as_array, batch_remedy

__all__ = [
    "Hamiltonian",
    "Hermitian",
    "Matrix",
    "Observable",
    "Projector",
    "Word",
    "as_observable",
    "pauli_sum",
    "real_coefficients",
]


@dataclass(frozen=True, eq=False, repr=False)
class Matrix(Operator):
    """A Hermitian matrix, or the projector onto a state, which is measured."""

    traced: ClassVar = ("given",)
    labelled: ClassVar = ("targets",)

    kind: str
    given: Any
    targets: tuple[Wire, ...] = ()

    @property
    def name(self) -> str:
        """The name of the observable."""
        return self.kind

    @property
    def wires(self) -> tuple[Wire, ...]:
        """The wires, the first the most significant."""
        return self.targets

    @property
    def is_hermitian(self) -> bool:
        """Whether it is its own adjoint: yes."""
        return True

    def bind(self, change: Modifiers = UNCHANGED) -> None:
        """Apply the matrix, which has to be unitary as well."""
        bind_as_matrix(self, change)

    def own_matrix(self) -> Any:
        """Return the matrix."""
        if self.kind == "Hermitian":
            return self.given
        xp, size = backend(self.given), 2 ** len(self.targets)
        vector = xp.asarray(self.given)
        if vector.shape == (len(self.targets),):
            digits = reversed([*vector.astype(np.int32)])
            index = sum(bit * 2**place for place, bit in enumerate(digits))
            vector = xp.asarray(xp.arange(size) == index, dtype=float)
        return xp.outer(vector, xp.conj(vector))

    def linear_form(self) -> Observable:
        """Return the matrix as it is."""
        matrix = self.own_matrix()

        def made(on: Sequence[Label]) -> Observable:
            return forms.of_factor(matrix, on)

        traced = any(map(is_traced, self.targets))
        return on_traced_wires(self.targets, made) if traced else made(self.targets)

    def text(self) -> str:
        """Return the observable as a call of its function."""
        shape = "x".join(map(str, np.shape(self.given)))
        return f"{self.kind}({shape} array, wires={list(self.targets)})"


@keywords("id")
def Hermitian(A: Any, wires: Wires) -> Operator:
    """Return the observable of a Hermitian matrix.

    Args:
        A: complex array of shape (2**k, 2**k), equal to its conjugate transpose.
        wires: the k wires it acts on, static or traced; the first is the most
            significant.

    Raises:
        MatrixError: if the shape does not fit the wires, or the matrix is not
            Hermitian; a traced one is checked where it is measured, at run time.

    >>> import qjit as qj
    >>> @qj.qnode(wires=1)
    ... def circuit():
    ...     return qj.expval(qj.Hermitian([[0.5, 0.0], [0.0, 2.0]], wires=0))
    >>> print(f"{circuit():.1f}")
    0.5
    """
    on = as_labels(wires)
    matrix = as_array(A, "Hermitian")
    xp = backend(matrix)
    matrix = as_inexact(xp.asarray(matrix))
    if matrix.shape != (2 ** len(on),) * 2:
        raise MatrixError(
            f"{user_line()}: Hermitian on {len(on)} wire(s) takes a matrix of shape "
            f"{(2 ** len(on),) * 2}, but got {matrix.shape}."
            f"{batch_remedy(matrix.shape, (2 ** len(on),) * 2)}"
        )
    # NOTE: traced ones are checked where they are measured, with what became of them.
    matrix = hermitian(matrix) if xp is np else matrix
    return created(Matrix("Hermitian", matrix, on))


@keywords("id")
def Projector(state: Any, wires: Wires) -> Operator:
    """Return the projector onto a state.

    Args:
        state: zeros and ones, one for each wire, or the amplitudes of a state.
        wires: the wires, static or traced; the first is the most significant.

    Raises:
        ParameterError: for another number of bits, or others than 0 and 1.
        StateError: for amplitudes that are not normalised.

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
    if np.shape(state) not in ((len(on),), (2 ** len(on),)):
        raise ParameterError(
            f"{user_line()}: Projector on {len(on)} wire(s) takes as many bits, or "
            f"{2 ** len(on)} amplitudes, but got shape {np.shape(state)}."
            f"{batch_remedy(np.shape(state), np.shape(state)[-1:])}"
        )
    if np.shape(state) == (len(on),):
        state = bits(state, "Projector", ParameterError)
    else:
        state = normalised(state, tolerance(state.dtype))
    return created(Matrix("Projector", state, on))


@keywords("grouping_type", "method", "id")
def Hamiltonian(coeffs: Any, observables: Sequence[Any]) -> Operator:
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
    terms = tuple(all_taken([check_operator(op, "Hamiltonian") for op in observables]))
    coeffs = as_array(coeffs, "Hamiltonian")
    coeffs = backend(coeffs).asarray(coeffs)
    if coeffs.shape != (len(terms),):
        raise ParameterError(
            f"{user_line()}: Hamiltonian takes one coefficient for each observable, "
            f"but got shape {coeffs.shape} for {len(terms)} observables."
            f"{batch_remedy(coeffs.shape, (len(terms),))}"
        )
    return created(LinearCombination(coeffs, terms))


def pauli_sum(coefficients: Any, words: Sequence[str], wires: Wires = None) -> Operator:
    """Return the weighted sum of full Pauli words.

    Args:
        coefficients: real array of shape (terms,); may be traced and differentiated.
        words: one word such as "XIZY" for each coefficient.
        wires: the wires of the letters; 0, 1, 2, ... when left out.

    >>> import qjit as qj
    >>> @qj.qnode(wires=2)
    ... def energy():
    ...     return qj.expval(qj.pauli_sum([0.5, -2.0], ["ZI", "ZZ"]))
    >>> print(energy())
    -1.5
    """
    coefficients = backend(coefficients).asarray(coefficients)
    on = range(max(map(len, words), default=0)) if wires is None else as_labels(wires)
    if wires is not None and any(len(word) != len(on) for word in words):
        raise ParameterError(
            f"{user_line()}: pauli_sum on {len(on)} wire(s) takes words of as many "
            f"letters, but got {list(words)}."
        )
    return created(PauliSum(coefficients, letters_of(words, on), tuple(on)))
