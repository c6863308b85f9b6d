"""Product formulas: evolution under a sum, by the exponentials of its terms."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import combinations
from typing import Any, ClassVar

import jax
import numpy as np
from jax.core import Tracer

from qjit.diagnostics.keywords import keywords
from qjit.dialects.gates import GATES
from qjit.errors import ParameterError
from qjit.lowering.jax_internals.tracing import user_line
from qjit.ops.algebra.expressions import Hamiltonian, PauliSum, SProd, Sum, pauli_word
from qjit.ops.algebra.gates import Gate, global_phase
from qjit.ops.algebra.linear_form import LinearForm, embedded, real_coefficients
from qjit.ops.algebra.normal_form import as_linear_form
from qjit.ops.algebra.operator import (
    UNCHANGED,
    Modifiers,
    Operator,
    check_operator,
    number_text,
)
from qjit.ops.algebra.pauli import backend, commute
from qjit.ops.algebra.powers import Exp
from qjit.ops.algebra.recording import taken
from qjit.ops.evolution import evolution
from qjit.ops.operations import as_angle, operator_function
from qjit.tracing.wires import Wire

# More steps are a loop when they are traced.
MOST_UNROLLED = 64


@keywords("check_hermitian", "id")
@operator_function
def TrotterProduct(hamiltonian: Any, time: Any, n: int = 1, order: int = 1) -> Operator:
    """Approximate exp(i H t) by a Suzuki-Trotter product (Suzuki, 1991).

    The exponential of the last term acts first.

    Args:
        hamiltonian: a sum of observables, of which each is exponentiated exactly; its
            coefficients may be traced.
        time: evolution time t, a real scalar.
        n: number of steps.
        order: 1 or an even number.

    Returns:
        The product as an operator, which `adjoint`, `ctrl` and `pow` take.

    Raises:
        ParameterError: for another order or number of steps.
        MeasurementError: for terms that are not Hermitian.

    >>> import qjit as qj
    >>> @qj.qnode(wires=1)
    ... def circuit():
    ...     qj.TrotterProduct(qj.X(0) + qj.Z(0), time=0.2, n=10, order=2)
    ...     return qj.expval(qj.Z(0))
    >>> print(f"{circuit():.3f}")
    0.922
    """
    if not _is_whole(order) or (order != 1 and (order < 1 or order % 2)):
        raise ParameterError(
            f"{user_line()}: order takes 1 or an even number, but got {order}."
        )
    steps = _steps(n, "TrotterProduct")
    operator = taken(check_operator(hamiltonian, "TrotterProduct"))
    angle = as_angle(time, "TrotterProduct")
    return ProductFormula("TrotterProduct", operator, angle, steps, int(order))


@keywords("id")
@operator_function
def ApproxTimeEvolution(hamiltonian: Any, time: Any, n: int) -> Operator:
    """Approximate exp(-i H t) by a first-order product of Pauli rotations.

    The rotation of the first word acts first; identities are global phases.

    Args:
        hamiltonian: a sum of Pauli words; its coefficients may be traced.
        time: evolution time t, a real scalar.
        n: number of steps.

    Raises:
        ParameterError: for an observable with matrices, or another number of steps.

    >>> import qjit as qj
    >>> @qj.qnode(wires=1)
    ... def circuit():
    ...     qj.ApproxTimeEvolution(qj.X(0) + qj.Z(0), 0.2, 10)
    ...     return qj.expval(qj.Z(0))
    >>> print(f"{circuit():.3f}")
    0.922
    """
    steps = _steps(n, "ApproxTimeEvolution")
    operator = taken(check_operator(hamiltonian, "ApproxTimeEvolution"))
    form = as_linear_form(operator, "ApproxTimeEvolution")
    if form.matrices:
        raise ParameterError(
            f"{user_line()}: ApproxTimeEvolution takes a sum of Pauli words. Use "
            "TrotterProduct or evolve for other observables."
        )
    words = PauliSum(form.coefficients[::-1], form.terms[::-1], operator.wires)
    angle = -as_angle(time, "ApproxTimeEvolution")
    return ProductFormula("ApproxTimeEvolution", words, angle, steps, 1)


def _steps(n: Any, what: str) -> int:
    if not _is_whole(n) or not 1 <= n < 2**31:
        raise ParameterError(
            f"{user_line()}: {what} takes a number of steps n from 1 to 2**31 - 1, "
            f"known when tracing, but got {n!r}."
        )
    return int(n)


def _is_whole(number: Any) -> bool:
    return isinstance(number, int | np.integer) and not isinstance(number, bool)


@dataclass(frozen=True, eq=False, repr=False)
class ProductFormula(Operator):
    """A product of exponentials exp(i t H_k) of the terms of a sum."""

    traced: ClassVar = ("hamiltonian", "time")

    title: str
    hamiltonian: Operator
    time: Any
    steps: int
    order: int

    @property
    def name(self) -> str:
        """The name of its function."""
        return self.title

    @property
    def wires(self) -> tuple[Wire, ...]:
        """The wires of the Hamiltonian."""
        return self.hamiltonian.wires

    @property
    def is_unitary(self) -> bool:
        """Whether it can be applied: always."""
        return True

    def operands(self) -> Iterator[Operator]:
        """Yield the Hamiltonian."""
        yield self.hamiltonian

    def step(self) -> list[Operator]:
        """Return the factors of one step, the last of which acts first."""
        terms = tuple(_terms(self.hamiltonian))
        return [
            factor
            for term, time in _suzuki(terms, self.time / self.steps, self.order)
            for factor in self._exponential(term, time)
        ]

    def _exponential(self, term: Operator, time: Any) -> list[Operator]:
        """Return the factors of exp(i time H)."""
        form = as_linear_form(term, self.title)
        if form.matrices or not _all_commute(form):
            # NOTE: a known exponent is exponentiated at once where the matrix is asked.
            known = not isinstance(time, Tracer)
            return [Exp(term, 1j * time) if known else evolution(term, -time)]
        numbers = real_coefficients(form.coefficients, self.title)
        return [
            _rotation(each.word, as_angle(time * number, self.title))
            for each, number in zip(form.terms, numbers, strict=True)
        ]

    def bind(self, change: Modifiers = UNCHANGED) -> None:
        """Apply the factors, step by step."""
        step = self.step()

        def iteration(_: Any = 0, carry: None = None) -> None:
            for factor in step if change.adjoint else step[::-1]:
                factor.bind(change)
            return carry

        if self.steps > MOST_UNROLLED:
            jax.lax.fori_loop(0, self.steps, iteration, None)
            return
        for _ in range(self.steps):
            iteration()

    def own_matrix(self) -> Any:
        """Return the power of the matrix of one step."""
        parts = [embedded(f.own_matrix(), f.wires, self.wires) for f in self.step()]
        whole: Any = np.eye(2 ** len(self.wires), dtype=complex)
        whole = reduce(lambda left, right: left @ right, parts, whole)
        return backend(whole).linalg.matrix_power(whole, self.steps)

    def text(self) -> str:
        """Return the formula as a call of its function."""
        given = f"time={number_text(self.time)}, n={self.steps}, order={self.order}"
        return f"{self.title}({self.hamiltonian!r}, {given})"


def _terms(operator: Operator) -> Iterator[Operator]:
    """Yield the terms of a sum as they are written, or of a multiple of a sum."""
    match operator.value():
        case Sum() as whole:
            for term in whole.terms:
                yield from _terms(term) if _is_weighted(term) else [term]
        case Hamiltonian() as whole:
            yield from whole.summands()
        case PauliSum() as whole:
            yield from whole.expanded().summands()
        case SProd() as multiple:
            yield from _terms_of_multiple(multiple)
        case other:
            yield other


def _is_weighted(term: Operator) -> bool:
    """Tell whether a term is a sum with coefficients, or a multiple of one."""
    base = term.base if isinstance(term, SProd) else term
    return isinstance(base, Hamiltonian | PauliSum)


def _terms_of_multiple(multiple: SProd) -> Iterator[Operator]:
    form = multiple.linear_form()
    if form.matrices:
        for term in _terms(multiple.base):
            yield SProd(multiple.scalar, term)
        return
    for term, number in zip(form.terms, form.coefficients, strict=True):
        yield SProd(number, pauli_word(term.word))


def _all_commute(form: LinearForm) -> bool:
    return all(commute(a.word, b.word) for a, b in combinations(form.terms, 2))


def _rotation(word: Sequence[tuple[Any, str]], angle: Any) -> Operator:
    """Return exp(i angle P) of a Pauli word."""
    if not word:
        return global_phase(-angle)
    on, letters = zip(*word, strict=True)
    return Gate(GATES["PauliRot"], (-2 * angle,), targets=on, word="".join(letters))


def _suzuki(
    terms: Sequence[Operator], time: Any, order: int
) -> list[tuple[Operator, Any]]:
    """Return the exponents of a product, the last of which acts first."""
    if order == 1:
        return [(term, time) for term in terms]
    if order == 2:
        return [(term, time / 2) for term in (*terms, *terms[::-1])]
    outer = 1 / (4 - 4 ** (1 / (order - 1)))
    weights = (outer, outer, 1 - 4 * outer, outer, outer)
    return [
        exponent
        for weight in weights
        for exponent in _suzuki(terms, weight * time, order - 2)
    ]
