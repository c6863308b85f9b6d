"""Values that are computed from outcomes of measurements, as functions of bits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from math import inf
from typing import Any

from xdsl.dialects import arith
from xdsl.dialects.builtin import (
    IndexType,
    IntegerAttr,
    IntegerType,
    f64,
    i1,
)
from xdsl.ir import Operation, SSAValue

from qjit.dialects.interpreter.classical import of_width
from qjit.lowering.analysis.constants import known_float, known_integer
from qjit.lowering.analysis.integer_folding import IntegerFolding, is_integer
from qjit.lowering.passes.circuits.parameters import ParameterExpression, parameter

# A value of more outcomes than these is not looked at case by case.
MOST_OUTCOMES = 6
MOST_TERMS = 64

# Bits of some outcomes.
Cube = Mapping[SSAValue, int]
# A sum over sets of outcomes: the coefficient counts where all of them are 1.
Polynomial = dict[frozenset[SSAValue], ParameterExpression]

NOTHING: frozenset[SSAValue] = frozenset()
# Conversions that leave numbers as they are: of bits, and of other integers.
OF_BITS = (arith.ExtUIOp, arith.UIToFPOp)
OF_INTEGERS = (arith.ExtSIOp, arith.SIToFPOp, arith.IndexCastOp)


class OutcomeFunctions:
    """The functions of outcomes that values are, and the outcomes that each depends on.

    A value that is not known here depends on none.
    """

    def __init__(self) -> None:
        """Start without outcomes."""
        self._open: dict[SSAValue, None] = {}
        self._polynomials: dict[SSAValue, Polynomial | None] = {}
        self._support: dict[SSAValue, frozenset[SSAValue]] = {}
        self._folding = IntegerFolding()

    def add_outcome(self, outcome: SSAValue) -> None:
        """Take a value as an outcome."""
        self._open[outcome] = None
        self._support[outcome] = frozenset([outcome])

    def add(self, op: Operation) -> None:
        """Take the results of an operation as functions of what its operands are."""
        found = NOTHING.union(*map(self.support, op.operands))
        self._support |= dict.fromkeys(op.results, found)

    def settle(self, outcome: SSAValue) -> None:
        """Take an outcome as known when the program runs."""
        del self._open[outcome]
        self._polynomials.clear()

    def support(self, value: SSAValue) -> frozenset[SSAValue]:
        """Return the outcomes on which a value depends."""
        return self._support.get(value, NOTHING) & self._open.keys()

    def cases(self, *values: SSAValue) -> list[dict[SSAValue, int]] | None:
        """Return all bits that the outcomes of values may be; None if they are many."""
        found = set[SSAValue]().union(*map(self.support, values))
        if len(found) > MOST_OUTCOMES:
            return None
        outcomes = [each for each in self._open if each in found]
        return [
            dict(zip(outcomes, bits, strict=True))
            for bits in product((0, 1), repeat=len(outcomes))
        ]

    def integer(self, value: SSAValue, bits: Cube) -> int | None:
        """Return the integer that a value is for bits of outcomes, if these decide."""
        return self._integer(value, dict(bits))

    def _integer(
        self, value: SSAValue, found: dict[SSAValue, int | None]
    ) -> int | None:
        if value not in found:
            found[value] = self._computed(value, found)
        return found[value]

    def _computed(
        self, value: SSAValue, found: dict[SSAValue, int | None]
    ) -> int | None:
        if (known := known_integer(value)) is not None:
            return of_width(known, value.type)
        op = value.owner
        if not self.support(value) or not isinstance(op, Operation):
            return None
        if not self._folding.folds(op):
            return None
        operands = [self._integer(each, found) for each in op.operands]
        return self._folding.result(op, operands)

    def cover(
        self, value: SSAValue, chosen: Callable[[int], bool]
    ) -> list[dict[SSAValue, int]] | None:
        """Return disjoint cubes that cover the outcomes for which a value is chosen.

        They are the paths of a decision tree. None: the outcomes alone do not decide.
        """
        cases = self.cases(value)
        if cases is None:
            return None
        table: dict[tuple[int, ...], bool] = {}
        for bits in cases:
            number = self.integer(value, bits)
            if number is None:
                return None
            table[tuple(bits.values())] = chosen(number)
        outcomes = list(cases[0])
        return [
            {outcomes[place]: bit for place, bit in path}
            for path in _paths(table, range(len(outcomes)))
        ]

    def polynomial(self, value: SSAValue) -> Polynomial | None:
        """Return a value as a sum of products of outcomes, where that is exact."""
        if not self.support(value):
            return _constant(value)
        if value not in self._polynomials:
            self._polynomials[value] = self._polynomial(value)
        return self._polynomials[value]

    def _polynomial(self, value: SSAValue) -> Polynomial | None:
        if value in self._open:
            return {frozenset([value]): ParameterExpression(1.0)}
        op = value.owner
        assert isinstance(op, Operation)
        found = self._arithmetic(op)
        if found is not None and not _fits(value.type, found):
            found = None
        if found is None and is_integer(value):
            found = self._transform(value)
        return found if found is None or len(found) <= MOST_TERMS else None

    def _arithmetic(self, op: Operation) -> Polynomial | None:
        parts = [self.polynomial(each) for each in op.operands]
        match op, parts:
            case arith.SelectOp(), [dict(chosen), dict(one), dict(other)]:
                rest = _sum(other, _product(chosen, other), -1.0)
                return _sum(_product(chosen, one), rest)
            case arith.ExtFOp(), [dict(one)]:
                return one
            case _, [dict(one)] if isinstance(op, OF_BITS + OF_INTEGERS):
                bits = op.operands[0].type == i1
                return one if bits == isinstance(op, OF_BITS) else None
            case arith.AddiOp() | arith.AddfOp(), [dict(one), dict(other)]:
                return _sum(one, other) if _is_exact(op) else None
            case arith.SubiOp() | arith.SubfOp(), [dict(one), dict(other)]:
                return _sum(one, other, -1.0) if _is_exact(op) else None
            case arith.NegfOp(), [dict(one)]:
                return _sum({}, one, -1.0)
            case arith.AndIOp() | arith.MuliOp(), [dict(one), dict(other)]:
                bits = isinstance(op, arith.MuliOp) or op.results[0].type == i1
                return _product(one, other) if bits else None
            case arith.MulfOp(), [dict(one), dict(other)]:
                bits = _is_bit(one) or _is_bit(other)
                return _product(one, other) if bits or _is_exact(op) else None
            case arith.DivfOp(), [dict(one), dict(other)] if [*other] == [NOTHING]:
                divided = {each: f / other[NOTHING] for each, f in one.items()}
                return divided if _is_exact(op) else None
            case _:
                return None

    def _transform(self, value: SSAValue) -> Polynomial | None:
        """Return an integer by its values in all cases (Möbius transform)."""
        cases = self.cases(value)
        if cases is None:
            return None
        found: dict[frozenset[SSAValue], int] = {}
        for bits in sorted(cases, key=lambda bits: sum(bits.values())):
            number = self.integer(value, bits)
            if number is None:
                return None
            ones = frozenset(each for each, bit in bits.items() if bit)
            below = sum(factor for part, factor in found.items() if part < ones)
            found[ones] = number - below
        return {k: ParameterExpression(float(n)) for k, n in found.items() if n}

    def copied(
        self, value: SSAValue, bits: Cube, insert: Callable[[Operation], Any]
    ) -> SSAValue:
        """Insert what a value is for bits of all its outcomes."""
        known: dict[SSAValue, SSAValue] = {}

        def copy(value: SSAValue) -> SSAValue:
            if value not in known and self.support(value):
                number, op, kind = self.integer(value, bits), value.owner, value.type
                assert isinstance(op, Operation)
                if number is not None and isinstance(kind, IntegerType | IndexType):
                    made, place = arith.ConstantOp(IntegerAttr(number, kind)), 0
                else:
                    made = op.clone({each: copy(each) for each in op.operands})
                    place = op.results.index(value)
                insert(made)
                known[value] = made.results[place]
            return known.get(value, value)

        return copy(value)


def _is_exact(op: Operation) -> bool:
    """Tell whether sums are not rounded more than those of angles are."""
    kind = op.results[0].type
    return kind == f64 or (is_integer(op.results[0]) and kind != i1)


def _fits(kind: Any, polynomial: Polynomial) -> bool:
    """Tell whether no value of a polynomial is too large for a type of integers."""
    if not isinstance(kind, IntegerType) or kind == i1:
        return True
    known = [factor.known for factor in polynomial.values()]
    bound = sum(inf if each is None else abs(each) for each in known)
    return bound < 1 << (kind.width.data - 1)


def _is_bit(polynomial: Polynomial) -> bool:
    """Tell whether a polynomial is one product of outcomes."""
    return [factor.known for factor in polynomial.values()] == [1.0]


def _constant(value: SSAValue) -> Polynomial | None:
    """Return a value that does not depend on outcomes."""
    if (number := known_integer(value)) is not None:
        found = parameter(float(of_width(number, value.type)))
    elif (known := known_float(value)) is not None:
        found = parameter(known)
    elif isinstance(value.type, IntegerType | IndexType):
        return None
    else:
        found = parameter(value)
    return {NOTHING: found} if found.known != 0 else {}


def _sum(one: Polynomial, other: Polynomial, factor: float = 1.0) -> Polynomial:
    total = dict(one)
    for outcomes, each in other.items():
        if outcomes in total:
            before = total.pop(outcomes)
            found = before + each if factor > 0 else before - each
        else:
            found = each if factor > 0 else -each
        found = _shortest(found)
        if found.known != 0:
            total[outcomes] = found
    return total


def _product(one: Polynomial, other: Polynomial) -> Polynomial:
    total: Polynomial = {}
    for (first, a), (second, b) in product(one.items(), other.items()):
        total = _sum(total, {first | second: _times(a, b)})
    return total


def _times(one: ParameterExpression, other: ParameterExpression) -> ParameterExpression:
    if one.known == 1:
        return other
    return one if other.known == 1 else _shortest(one * other)


def _shortest(expression: ParameterExpression) -> ParameterExpression:
    known = expression.known
    return expression.simplified() if known is None else ParameterExpression(known)


def _paths(
    table: Mapping[tuple[int, ...], bool],
    places: Sequence[int],
    known: tuple[tuple[int, int], ...] = (),
) -> Iterator[tuple[tuple[int, int], ...]]:
    """Yield what leads to a yes in the decision tree of a table, bits in order."""
    answers = set(table.values())
    if answers == {True}:
        yield known
    if len(answers) < 2:
        return
    place, *rest = places
    halves = [
        {bits: answer for bits, answer in table.items() if bits[place] == bit}
        for bit in (0, 1)
    ]
    if [*halves[0].values()] == [*halves[1].values()]:
        yield from _paths(halves[0], rest, known)
        return
    for bit, half in enumerate(halves):
        yield from _paths(half, rest, (*known, (place, bit)))
