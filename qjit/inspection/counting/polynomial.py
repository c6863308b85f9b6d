"""Polynomials with rational coefficients in run-time numbers, such as loop bounds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from math import comb

from qjit.inspection.circuits.expressions import Expression, operation

# What is multiplied, with repetition, in order.
Monomial = tuple[Expression, ...]


@dataclass(frozen=True)
class Polynomial:
    """A sum of products of expressions that are no polynomials, such as names."""

    terms: Mapping[Monomial, Fraction] = field(default_factory=dict[Monomial, Fraction])

    @property
    def number(self) -> int | None:
        """The number that it is; None if it depends on others."""
        if any(self.terms):
            return None
        return int(self.terms.get((), 0))

    def names(self) -> Iterator[str]:
        """Yield the names that it depends on."""
        for monomial in self.terms:
            for atom in monomial:
                yield from atom.names()

    def __add__(self, other: Polynomial) -> Polynomial:
        found = dict(self.terms)
        for monomial, factor in other.terms.items():
            found[monomial] = found.get(monomial, Fraction(0)) + factor
        return _polynomial(found)

    def __mul__(self, other: Polynomial) -> Polynomial:
        found: dict[Monomial, Fraction] = {}
        for one, first in self.terms.items():
            for two, second in other.terms.items():
                monomial = tuple(sorted((*one, *two), key=repr))
                found[monomial] = found.get(monomial, Fraction(0)) + first * second
        return _polynomial(found)

    def __sub__(self, other: Polynomial) -> Polynomial:
        return self + constant(-1) * other

    def expression(self) -> Expression:
        """Return the same as an expression."""
        found = Expression(0)
        for monomial, factor in self._ordered():
            product = Expression(1)
            for atom in monomial:
                product = operation("*", product, atom)
            product = operation("*", Expression(abs(factor.numerator)), product)
            product = operation("/", product, Expression(factor.denominator))
            found = operation("+" if factor > 0 else "-", found, product)
        return found

    def _ordered(self) -> list[tuple[Monomial, Fraction]]:
        """Return the terms: positive ones first, and those of high degree."""
        terms = sorted(self.terms.items(), key=lambda each: (-len(each[0]), repr(each)))
        return sorted(terms, key=lambda each: each[1] < 0 and each[0] != ())

    def __repr__(self) -> str:
        texts = [(_term(*each), each[1] < 0) for each in self._ordered()]
        if not texts:
            return "0"
        (first, negative), *rest = texts
        signs = [f" {'-' if minus else '+'} {text}" for text, minus in rest]
        return ("-" if negative else "") + first + "".join(signs)


def _term(monomial: Monomial, factor: Fraction) -> str:
    powers: dict[Expression, int] = {}
    for atom in monomial:
        powers[atom] = powers.get(atom, 0) + 1
    parts = [
        atom.text(strength=7) + (f"^{power}" if power > 1 else "")
        for atom, power in powers.items()
    ]
    if abs(factor.numerator) != 1 or not parts:
        parts.insert(0, str(abs(factor.numerator)))
    below = f"/{factor.denominator}" if factor.denominator != 1 else ""
    return "*".join(parts) + below


def _polynomial(terms: Mapping[Monomial, Fraction]) -> Polynomial:
    return Polynomial({each: factor for each, factor in terms.items() if factor})


def constant(number: int | Fraction) -> Polynomial:
    """Return a number."""
    return _polynomial({(): Fraction(number)})


def polynomial(expression: Expression) -> Polynomial:
    """Return an expression as a polynomial in what are no polynomials of it."""
    number, parts = expression.number, expression.operands
    if number is not None and float(number).is_integer():
        return constant(int(number))
    if expression.head == "-" and len(parts) == 1:
        return constant(-1) * polynomial(parts[0])
    if expression.head in ("+", "-", "*") and len(parts) == 2:
        first, second = map(polynomial, parts)
        if expression.head == "*":
            return first * second
        return first + second if expression.head == "+" else first - second
    return Polynomial({(expression,): Fraction(1)})


def least_upper(found: list[Polynomial]) -> Polynomial:
    """Return the maximum of counts, which are not negative."""
    distinct = [each for each in dict.fromkeys(map(_frozen, found)) if each]
    polynomials = [Polynomial(dict(each)) for each in distinct]
    if not polynomials:
        return constant(0)
    numbers = [each.number for each in polynomials]
    known = [number for number in numbers if number is not None]
    if len(known) == len(numbers):
        return constant(max(known))
    total, *rest = (each.expression() for each in polynomials)
    for each in rest:
        total = operation("max", total, each)
    return polynomial(total)


def _frozen(found: Polynomial) -> tuple[tuple[Monomial, Fraction], ...]:
    return tuple(sorted(found.terms.items(), key=repr))


def summed(
    what: Polynomial, counter: str, start: Polynomial, step: int, rounds: Polynomial
) -> Polynomial:
    """Return the sum over the values of a counter: start, start + step, and so on."""
    name = Expression(counter)
    total = constant(0)
    for monomial, factor in what.terms.items():
        power = monomial.count(name)
        rest = tuple(atom for atom in monomial if atom != name)
        if any(counter in set(atom.names()) for atom in rest):
            inner = Polynomial({monomial: factor}).expression()
            about = start.expression(), rounds.expression(), Expression(step)
            atom = Expression("sum", (inner, name, *about))
            total += Polynomial({(atom,): Fraction(1)})
            continue
        # (start + step t) ^ power, summed over t.
        for degree in range(power + 1):
            fixed = constant(comb(power, degree) * step**degree)
            for _ in range(power - degree):
                fixed = fixed * start
            part = fixed * _power_sum(degree, rounds)
            total += Polynomial({rest: factor}) * part
    return total


def _power_sum(power: int, rounds: Polynomial) -> Polynomial:
    """Return the sum of t ^ power over t below a number of rounds (Faulhaber)."""
    total, product = constant(0), constant(1)
    powers = [product := product * rounds for _ in range(power + 1)]
    for number in range(power + 1):
        factor = Fraction(comb(power + 1, number), power + 1) * _bernoulli(number)
        total += constant(factor) * powers[power - number]
    return total


@cache
def _bernoulli(number: int) -> Fraction:
    """Return a Bernoulli number, the first of which is -1/2."""
    if number == 0:
        return Fraction(1)
    below = (comb(number + 1, k) * _bernoulli(k) for k in range(number))
    return -sum(below, Fraction(0)) / (number + 1)
