"""Sums, products and multiples of operators."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, ClassVar

import numpy as np
from jax.core import Tracer

from qjit.dialects.gates import GATES
from qjit.tracing.wires import Label, Wire

from . import linear_form as forms
from .gates import Gate, global_phase, identity_on
from .linear_form import LinearForm, embedded
from .operator import (
    UNCHANGED,
    Modifiers,
    Number,
    Operator,
    are_apart,
    call,
    number_text,
    union,
)


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
        return reduce(lambda left, right: left + right, parts or [np.zeros((1, 1))])

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
            while place and are_apart(keys[place - 1][1], factor):
                if repr(keys[place - 1][0]) <= repr(own):
                    break
                place -= 1
            keys.insert(place, (own, factor))
        return "Prod", tuple(key for key, _ in keys)

    def text(self) -> str:
        """Return the factors with signs between them."""
        return " @ ".join(bracketed(f, Sum, SProd, Hamiltonian) for f in self.factors)


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
        return f"{number_text(self.scalar)} * {bracketed(self.base, Sum, Hamiltonian)}"


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
    labelled: ClassVar = ("on",)

    coefficients: Any
    words: tuple[forms.Term, ...] = ()
    on: tuple[Wire, ...] = ()

    @property
    def name(self) -> str:
        """The kind of expression."""
        return "PauliSum"

    @property
    def wires(self) -> tuple[Wire, ...]:
        """The wires that the sum was made on."""
        return self.on

    def bind(self, change: Modifiers = UNCHANGED) -> None:
        """Apply the sum as a matrix, which has to be unitary."""
        bind_as_matrix(self, change)

    def own_matrix(self) -> Any:
        """Return the sum of the words' matrices."""
        return embedded(self.expanded().own_matrix(), self.expanded().wires, self.on)

    def linear_form(self) -> LinearForm:
        """Return the sum itself."""
        return LinearForm(self.coefficients, self.words)

    def expanded(self) -> Hamiltonian:
        """Return the sum with an operator for each word."""
        terms = (pauli_word(each.word, self.on) for each in self.words)
        return Hamiltonian(self.coefficients, tuple(terms))

    def text(self) -> str:
        """Return the words with their coefficients."""
        return self.expanded().text()


def pauli_word(
    word: Sequence[tuple[Label, str]], wires: Sequence[Wire] = ()
) -> Operator:
    """Return a Pauli word: a product, or the identity on the first of some wires."""
    factors = tuple(Gate(GATES[letter], targets=(wire,)) for wire, letter in word)
    if not factors:
        return identity_on(wires[:1])
    return factors[0] if len(factors) == 1 else Prod(factors)


def bind_as_matrix(operator: Operator, change: Modifiers) -> None:
    """Apply an operator by its matrix, which is checked to be unitary."""
    matrix = operator.own_matrix()
    gate = call("unitary", operator.name, matrix, operator.wires, (), (), False)
    gate.bind(change)


def bracketed(operator: Operator, *looser: type[Operator]) -> str:
    """Return an operator as it is written, in brackets if it binds more loosely."""
    text = repr(operator)
    return f"({text})" if isinstance(operator, looser) else text


def _counted(keys: Sequence[Any]) -> Iterator[tuple[Any, int]]:
    for key in set(keys):
        yield key, keys.count(key)


EXPRESSIONS = (Sum, Prod, SProd, Hamiltonian, PauliSum)
