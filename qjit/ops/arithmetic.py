"""Sums, products, multiples, powers and exponentials of operators."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from qjit.errors import ParameterError, UnsupportedError
from qjit.jax_internals import user_line
from qjit.wires import Wire

from . import linear_form as forms
from .dense import embedded
from .gates import Gate, global_phase, identity_on, pauli_word
from .linear_form import LinearForm
from .operator import (
    UNCHANGED,
    Modifiers,
    Number,
    Operator,
    is_number_like,
    union,
)
from .pauli import backend
from .recording import created, taken


@dataclass(frozen=True, eq=False, repr=False)
class Sum(Operator):
    """The sum of operators."""

    traced: ClassVar = ("terms",)

    terms: tuple[Operator, ...]

    @property
    def name(self) -> str:
        """The kind of expression."""
        return "Sum"

    @property
    def wires(self) -> tuple[Wire, ...]:
        """The wires of all terms."""
        return union(self.terms)

    def operands(self) -> Iterator[Operator]:
        """Yield the terms."""
        yield from self.terms

    def bind(self, change: Modifiers = UNCHANGED) -> None:
        """Apply the sum as a matrix, which has to be unitary."""
        bind_as_matrix(self, change)

    def own_matrix(self) -> Any:
        """Return the sum of the terms' matrices."""
        parts = [embedded(t.own_matrix(), t.wires, self.wires) for t in self.terms]
        return reduce(lambda left, right: left + right, parts)

    def linear_form(self) -> LinearForm:
        """Return the sum of the terms' forms."""
        return forms.total([term.linear_form() for term in self.terms])

    def key(self) -> Any:
        """Return a key that does not depend on the order of the terms."""
        return "Sum", frozenset(_counted([term.key() for term in self.terms]))

    def text(self) -> str:
        """Return the terms with plus signs."""
        return " + ".join(map(repr, self.terms)) if self.terms else "0"


@dataclass(frozen=True, eq=False, repr=False)
class Prod(Operator):
    """The product of operators, the last of which acts first."""

    traced: ClassVar = ("factors",)

    factors: tuple[Operator, ...]

    @property
    def name(self) -> str:
        """The kind of expression."""
        return "Prod"

    @property
    def wires(self) -> tuple[Wire, ...]:
        """The wires of all factors."""
        return union(self.factors)

    @property
    def is_unitary(self) -> bool:
        """Whether all factors are."""
        return all(factor.is_unitary for factor in self.factors)

    def operands(self) -> Iterator[Operator]:
        """Yield the factors."""
        yield from self.factors

    def bind(self, change: Modifiers = UNCHANGED) -> None:
        """Apply the factors one after another."""
        ordered = self.factors if change.adjoint else self.factors[::-1]
        for factor in ordered:
            factor.bind(change)

    def own_matrix(self) -> Any:
        """Return the product of the factors' matrices."""
        parts = [embedded(f.own_matrix(), f.wires, self.wires) for f in self.factors]
        return reduce(lambda left, right: left @ right, parts)

    def linear_form(self) -> LinearForm:
        """Return the product of the factors' forms."""
        return reduce(LinearForm.times, (f.linear_form() for f in self.factors))

    def key(self) -> Any:
        """Return a key in which factors on other wires may change places."""
        keys: list[tuple[Any, Operator]] = []
        for factor in self.factors:
            place = len(keys)
            own = factor.key()
            while place and not set(keys[place - 1][1].wires) & set(factor.wires):
                if repr(keys[place - 1][0]) <= repr(own):
                    break
                place -= 1
            keys.insert(place, (own, factor))
        return "Prod", tuple(key for key, _ in keys)

    def text(self) -> str:
        """Return the factors with signs between them."""
        return " @ ".join(_bracketed(f, Sum, SProd, Hamiltonian) for f in self.factors)


@dataclass(frozen=True, eq=False, repr=False)
class SProd(Operator):
    """A number times an operator."""

    traced: ClassVar = ("scalar", "base")

    scalar: Number
    base: Operator

    @property
    def name(self) -> str:
        """The kind of expression."""
        return "SProd"

    @property
    def wires(self) -> tuple[Wire, ...]:
        """The wires of the operator."""
        return self.base.wires

    def operands(self) -> Iterator[Operator]:
        """Yield the operator."""
        yield self.base

    def bind(self, change: Modifiers = UNCHANGED) -> None:
        """Apply the operator, and the phase that the number has to be."""
        if isinstance(self.scalar, Tracer) or not np.isclose(abs(self.scalar), 1):
            bind_as_matrix(self, change)
            return
        global_phase(-np.angle(self.scalar)).bind(change)
        self.base.bind(change)

    def own_matrix(self) -> Any:
        """Return the multiple of the operator's matrix."""
        return self.scalar * self.base.own_matrix()

    def linear_form(self) -> LinearForm:
        """Return the multiple of the operator's form."""
        return self.base.linear_form().scaled(self.scalar)

    def text(self) -> str:
        """Return the number before the operator."""
        return f"{number_text(self.scalar)} * {_bracketed(self.base, Sum, Hamiltonian)}"


@dataclass(frozen=True, eq=False, repr=False)
class Hamiltonian(Operator):
    """A sum of operators with an array of coefficients."""

    traced: ClassVar = ("coefficients", "terms")

    coefficients: Any
    terms: tuple[Operator, ...]

    @property
    def name(self) -> str:
        """The kind of expression."""
        return "Hamiltonian"

    @property
    def wires(self) -> tuple[Wire, ...]:
        """The wires of all terms."""
        return union(self.terms)

    def operands(self) -> Iterator[Operator]:
        """Yield the terms."""
        yield from self.terms

    def bind(self, change: Modifiers = UNCHANGED) -> None:
        """Apply the sum as a matrix, which has to be unitary."""
        bind_as_matrix(self, change)

    def own_matrix(self) -> Any:
        """Return the sum of the terms' matrices."""
        parts = [embedded(t.own_matrix(), t.wires, self.wires) for t in self.terms]
        scaled = [c * part for c, part in zip(self.coefficients, parts, strict=True)]
        return reduce(lambda left, right: left + right, scaled, np.zeros((1, 1)))

    def linear_form(self) -> LinearForm:
        """Return the sum, whose coefficients stay one array where they can."""
        parts = [term.linear_form() for term in self.terms]
        if all(len(part.terms) == 1 for part in parts):
            return forms.total(parts, scale=self.coefficients)
        pairs = zip(parts, self.coefficients, strict=True)
        return forms.total([part.scaled(number) for part, number in pairs])

    def key(self) -> Any:
        """Return the key of the sum of multiples."""
        return Sum(tuple(self.summands())).key()

    def summands(self) -> Iterator[Operator]:
        """Yield the terms, each with its coefficient."""
        for number, term in zip(self.coefficients, self.terms, strict=True):
            yield SProd(number, term)

    def text(self) -> str:
        """Return the terms with their coefficients."""
        if isinstance(self.coefficients, Tracer):
            return f"Hamiltonian(traced, {list(self.terms)})"
        return " + ".join(map(repr, self.summands())) if self.terms else "0"


@dataclass(frozen=True, eq=False, repr=False)
class PauliSum(Operator):
    """A sum of Pauli words with an array of coefficients."""

    traced: ClassVar = ("coefficients",)

    coefficients: Any
    words: tuple[forms.Term, ...] = ()

    @property
    def name(self) -> str:
        """The kind of expression."""
        return "PauliSum"

    @property
    def wires(self) -> tuple[Wire, ...]:
        """The wires of all words, sorted."""
        return self.linear_form().wires

    def bind(self, change: Modifiers = UNCHANGED) -> None:
        """Apply the sum as a matrix, which has to be unitary."""
        bind_as_matrix(self, change)

    def own_matrix(self) -> Any:
        """Return the sum of the words' matrices."""
        return self.expanded().own_matrix()

    def linear_form(self) -> LinearForm:
        """Return the sum itself."""
        return LinearForm(self.coefficients, self.words)

    def expanded(self) -> Hamiltonian:
        """Return the sum with an operator for each word."""
        return Hamiltonian(
            self.coefficients, tuple(pauli_word(t.word) for t in self.words)
        )

    def text(self) -> str:
        """Return the words with their coefficients."""
        return self.expanded().text()


@dataclass(frozen=True, eq=False, repr=False)
class Pow(Operator):
    """A power of an operator."""

    traced: ClassVar = ("base",)

    base: Operator
    exponent: float = 1

    @property
    def name(self) -> str:
        """The kind of expression."""
        return "Pow"

    @property
    def wires(self) -> tuple[Wire, ...]:
        """The wires of the operator."""
        return self.base.wires

    @property
    def is_unitary(self) -> bool:
        """Whether the operator is."""
        return self.base.is_unitary

    def operands(self) -> Iterator[Operator]:
        """Yield the operator."""
        yield self.base

    def bind(self, change: Modifiers = UNCHANGED) -> None:
        """Apply the operator as often, or a root of it as a matrix."""
        if isinstance(self.exponent, float):
            bind_as_matrix(self, change)
            return
        each = change.then(Modifiers(adjoint=self.exponent < 0))

        def step(_: Any, carry: None) -> None:
            self.base.bind(each)
            return carry

        if self.exponent:
            jax.lax.fori_loop(0, abs(self.exponent), step, None)

    def own_matrix(self) -> Any:
        """Return the power of the operator's matrix."""
        matrix = self.base.own_matrix()
        xp = backend(matrix)
        if not isinstance(self.exponent, float):
            return xp.linalg.matrix_power(matrix, self.exponent)
        return _root(matrix, self.exponent, self.base)

    def linear_form(self) -> LinearForm:
        """Return the power of the operator's form."""
        if isinstance(self.exponent, float) or self.exponent < 0:
            return super().linear_form()
        form = self.base.linear_form()
        return reduce(LinearForm.times, [form] * self.exponent, forms.identity())

    def text(self) -> str:
        """Return the operator with its exponent."""
        return f"{_bracketed(self.base, *EXPRESSIONS)}**{self.exponent}"


def _root(matrix: Any, exponent: float, base: Operator) -> Any:
    """Return a real power of a known normal matrix: that of its eigenvalues."""
    if isinstance(matrix, Tracer):
        raise UnsupportedError(
            f"{user_line()}: the power {exponent} of {base!r} needs its numbers when "
            "tracing. Scale its angle instead."
        )
    import scipy.linalg

    # Schur's form of a normal matrix is diagonal, in an orthonormal basis.
    found: Any = scipy.linalg.schur(np.asarray(matrix, complex), output="complex")
    triangle, basis = found
    values = np.diag(triangle)
    if not np.allclose(triangle, np.diag(values), atol=1e-8):
        raise UnsupportedError(
            f"{user_line()}: the power {exponent} of {base!r} is not defined, because "
            "its matrix is not normal."
        )
    return (basis * values**exponent) @ basis.conj().T


@dataclass(frozen=True, eq=False, repr=False)
class Exp(Operator):
    """The exponential of a number times an operator."""

    traced: ClassVar = ("base", "coefficient")

    base: Operator
    coefficient: Number = 1

    @property
    def name(self) -> str:
        """The kind of expression."""
        return "Exp"

    @property
    def wires(self) -> tuple[Wire, ...]:
        """The wires of the operator."""
        return self.base.wires

    @property
    def is_unitary(self) -> bool:
        """Whether the coefficient is imaginary, or may be when the program runs."""
        if isinstance(self.coefficient, Tracer):
            return bool(jnp.iscomplexobj(self.coefficient))
        return abs(np.real(self.coefficient)) <= 1e-12 * abs(self.coefficient)

    def operands(self) -> Iterator[Operator]:
        """Yield the operator."""
        yield self.base

    def bind(self, change: Modifiers = UNCHANGED) -> None:
        """Apply the evolution under the operator."""
        from qjit.evolution import evolution

        if isinstance(self.coefficient, Tracer) or not self.is_unitary:
            bind_as_matrix(self, change)
            return
        evolution(self.base, -float(np.imag(self.coefficient))).bind(change)

    def own_matrix(self) -> Any:
        """Return the exponential of the operator's matrix."""
        matrix = self.coefficient * self.base.own_matrix()
        if backend(matrix) is jnp:
            return jax.scipy.linalg.expm(matrix)
        import scipy.linalg

        return scipy.linalg.expm(matrix)

    def text(self) -> str:
        """Return the coefficient and the operator in brackets."""
        return f"exp({number_text(self.coefficient)} * ({self.base!r}))"


EXPRESSIONS = (Sum, Prod, SProd, Hamiltonian, PauliSum, Pow)


def is_linear(operator: Operator) -> bool:
    """Tell whether an operator is a sum, a product or a whole power of others."""
    if isinstance(operator, Pow):
        return not isinstance(operator.exponent, float) and operator.exponent >= 0
    return isinstance(operator, (Sum, Prod, SProd, Hamiltonian, PauliSum))


def bind_as_matrix(operator: Operator, change: Modifiers) -> None:
    """Apply an operator by its matrix, which is checked to be unitary."""
    from qjit.multi_gates import unitary

    matrix = operator.own_matrix()
    gate = unitary(operator.name, matrix, operator.wires, (), (), diagonal=False)
    gate.bind(change)


def number_text(number: Any) -> str:
    """Return a number as short as it can be written, or its type if it is traced."""
    if isinstance(number, Tracer):
        return "traced"
    if np.ndim(number):
        return str(np.asarray(number))
    plain = np.asarray(number).item()
    if isinstance(plain, complex) and not plain.imag:
        plain = plain.real
    return f"{plain:g}" if isinstance(plain, float) else str(plain)


def _bracketed(operator: Operator, *looser: type[Operator]) -> str:
    text = repr(operator)
    return f"({text})" if isinstance(operator, looser) else text


def _counted(keys: Sequence[Any]) -> Iterator[tuple[Any, int]]:
    for key in set(keys):
        yield key, keys.count(key)


# What the signs between operators mean


def total(operators: Sequence[Operator]) -> Operator:
    """Return the sum of operators."""
    terms: list[Operator] = []
    for operator in map(taken, operators):
        terms.extend(operator.terms if isinstance(operator, Sum) else [operator])
    return created(Sum(tuple(terms)))


def product(left: Operator, right: Operator) -> Operator:
    """Return the product of two operators, with their numbers in front."""
    factors: list[Operator] = []
    number: Number = None
    for operator in map(taken, (left, right)):
        base = operator
        if isinstance(base, SProd):
            number = base.scalar if number is None else number * base.scalar
            base = base.base
        factors.extend(base.factors if isinstance(base, Prod) else [base])
    whole = Prod(tuple(factors))
    return created(whole if number is None else SProd(number, whole))


def scaled(number: Number, operator: Operator) -> Operator:
    """Return a multiple of an operator."""
    base = taken(operator)
    if isinstance(base, SProd):
        number, base = number * base.scalar, base.base
    return created(SProd(number, base))


def shifted(operator: Operator, number: Number) -> Operator:
    """Return an operator plus a multiple of the identity on its wires."""
    if not isinstance(number, Tracer) and number == 0:
        return operator
    base = taken(operator)
    terms = base.terms if isinstance(base, Sum) else (base,)
    return created(Sum((*terms, SProd(number, identity_on(base.wires[:1])))))


def power(operator: Operator, exponent: Any) -> Operator:
    """Return a power of an operator."""
    if isinstance(exponent, Tracer) or not is_number_like(exponent):
        raise ParameterError(
            f"{user_line()}: an exponent is a real number that is known when tracing, "
            f"but got {exponent!r}."
        )
    exponent = np.asarray(exponent).item()
    if isinstance(exponent, complex):
        raise ParameterError(
            f"{user_line()}: an exponent is a real number, but got {exponent}."
        )
    if isinstance(exponent, float) and exponent.is_integer():
        exponent = int(exponent)
    base = taken(operator)
    if isinstance(base, Gate) and base.record.additive:
        return created(replace(base, angles=(base.angles[0] * exponent,)))
    return created(Pow(base, exponent))
