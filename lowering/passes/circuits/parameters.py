"""Parameters of gates as expressions, whose leaves may be known when programs run."""

from __future__ import annotations

import math
import operator
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

from xdsl.dialects import arith
from xdsl.dialects.builtin import Float32Type, FloatAttr, f64
from xdsl.ir import Operation, SSAValue

from qjit.lowering.analysis.constants import known_constant

from .angles import meant_by, reduced

ARITHMETIC: dict[str, tuple[Callable[..., Any], type[Operation]]] = {
    "+": (operator.add, arith.AddfOp),
    "-": (operator.sub, arith.SubfOp),
    "*": (operator.mul, arith.MulfOp),
    "/": (operator.truediv, arith.DivfOp),
}

Value = TypeVar("Value")
SUMS = {arith.NegfOp, arith.AddfOp, arith.SubfOp, arith.MulfOp}
# Sums are looked through up to this many operations.
MOST_OPERATIONS = 16
# Longer sums are not looked through. They are not zero either: an operation has two
# operands, which cancel two others.
MOST_TERMS = 3 * MOST_OPERATIONS
# Angles are the same up to this, which is how exact their sums are.
ROUNDING = 4 * sys.float_info.epsilon
# Larger angles are no less exact than this one.
LARGE = 64.0


@dataclass(frozen=True, eq=False)
class ParameterExpression:
    """A parameter of a gate, with which sums, products and quotients can be formed.

    A leaf is a number, or a value of the IR. Sums may have thousands of terms, so no
    method calls itself on operands.
    """

    leaf: float | SSAValue | None = None
    sign: str = ""
    operands: tuple[ParameterExpression, ...] = ()

    @cached_property
    def known(self) -> float | None:
        """The number, where it is known when the program is compiled."""
        if self.leaf is not None:
            return None if isinstance(self.leaf, SSAValue) else self.leaf
        for each, _ in _in_order(self, _is_leaf_or_noted):
            if each is not self:
                _ = each.known
        first, second = (each.known for each in self.operands)
        if first is None or second is None:
            return None
        found: float = ARITHMETIC[self.sign][0](first, second)
        return found

    @cached_property
    def _spelling(self) -> tuple[float | SSAValue | str | None, ...]:
        """The leaves and signs in order, by which expressions are compared."""
        return tuple(each.sign or each.leaf for each, _ in _in_order(self))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ParameterExpression):
            return NotImplemented
        return self is other or self._spelling == other._spelling

    def __hash__(self) -> int:
        return hash(self._spelling)

    def leaves(self) -> Iterator[float | SSAValue]:
        """Yield the leaves in order."""
        for each, _ in _in_order(self):
            if each.leaf is not None:
                yield each.leaf

    def at(self, numbers: Mapping[SSAValue, float]) -> float:
        """Return the number where values of the IR are these."""

        def number(each: ParameterExpression, operands: Sequence[float]) -> float:
            if each.leaf is None:
                return ARITHMETIC[each.sign][0](*operands)
            return numbers[each.leaf] if isinstance(each.leaf, SSAValue) else each.leaf

        return _folded(_in_order(self), number)

    def text(self, names: Mapping[SSAValue, str]) -> str:
        """Return the expression as one reads it, with these names of values."""

        def written(each: ParameterExpression, operands: Sequence[str]) -> str:
            if each.leaf is None:
                return f"({operands[0]} {each.sign} {operands[1]})"
            if isinstance(each.leaf, SSAValue):
                return names[each.leaf]
            return repr(each.leaf)

        return _folded(_in_order(self), written)

    @property
    def affine(self) -> AffineForm | None:
        """The expression as a sum of multiples of values, where it is one."""
        offset, terms = 0.0, dict[SSAValue, float]()
        waiting: list[tuple[ParameterExpression, float]] = [(self, 1.0)]
        while waiting:
            each, factor = waiting.pop()
            if each.leaf is not None:
                found = affine(each.leaf)
                offset += factor * found.offset
                _add_terms(terms, found.terms, factor)
                continue
            first, second = each.operands
            match each.sign:
                case "+":
                    waiting += [(second, factor), (first, factor)]
                case "-":
                    waiting += [(second, -factor), (first, factor)]
                case "*" if first.known is not None:
                    waiting.append((second, factor * first.known))
                case "*" if second.known is not None:
                    waiting.append((first, factor * second.known))
                case "/" if second.known:
                    waiting.append((first, factor / second.known))
                case _:
                    return None
        return AffineForm(offset, terms)

    def simplified(self) -> ParameterExpression:
        """Return the shortest sum that is the same, where the expression is a sum."""
        found = self.affine
        return self if found is None else found.shortest().expression()

    def emit(
        self,
        insert: Callable[[Operation], Any],
        numbers: dict[float, SSAValue] | None = None,
    ) -> SSAValue:
        """Insert what computes the expression, and return its value.

        Where `numbers` has the value of a number, no other one is made.
        """

        def emitted(
            each: ParameterExpression, operands: Sequence[SSAValue]
        ) -> SSAValue:
            if each.known is not None:
                return _constant(each.known, insert, numbers)
            if each.leaf is None:
                op = ARITHMETIC[each.sign][1](*operands)
                insert(op)
                return op.results[0]
            assert isinstance(each.leaf, SSAValue)
            if each.leaf.type == f64:
                return each.leaf
            wide = arith.ExtFOp(each.leaf, f64)
            insert(wide)
            return wide.result

        return _folded(_in_order(self, _is_leaf_or_known), emitted)

    def __add__(self, other: Any) -> ParameterExpression:
        return _combined("+", self, other)

    def __radd__(self, other: Any) -> ParameterExpression:
        return _combined("+", other, self)

    def __sub__(self, other: Any) -> ParameterExpression:
        return _combined("-", self, other)

    def __rsub__(self, other: Any) -> ParameterExpression:
        return _combined("-", other, self)

    def __mul__(self, other: Any) -> ParameterExpression:
        return _combined("*", self, other)

    def __rmul__(self, other: Any) -> ParameterExpression:
        return _combined("*", other, self)

    def __truediv__(self, other: Any) -> ParameterExpression:
        return _combined("/", self, other)

    def __neg__(self) -> ParameterExpression:
        return _combined("-", 0.0, self)


def parameter(value: Any) -> ParameterExpression:
    """Return a number, or a value of the IR, as an expression."""
    if isinstance(value, float):
        return ParameterExpression(value)
    if isinstance(value, ParameterExpression):
        return value
    if isinstance(value, SSAValue):
        known = known_angle(value)
        return ParameterExpression(value if known is None else known)
    return ParameterExpression(float(value))


def _constant(
    number: float,
    insert: Callable[[Operation], Any],
    numbers: dict[float, SSAValue] | None,
) -> SSAValue:
    """Return the value of a number, which is inserted unless it is there."""
    if numbers is not None and number in numbers:
        return numbers[number]
    constant = arith.ConstantOp(FloatAttr(number, f64))
    insert(constant)
    if numbers is not None:
        numbers[number] = constant.result
    return constant.result


def _is_leaf_or_noted(each: ParameterExpression) -> bool:
    """Tell whether it is noted of a part whether it is known."""
    return not each.operands or "known" in each.__dict__


def _is_leaf_or_known(each: ParameterExpression) -> bool:
    return not each.operands or each.known is not None


def _in_order(
    expression: ParameterExpression,
    is_whole: Callable[[ParameterExpression], bool] = lambda each: not each.operands,
) -> Iterator[tuple[ParameterExpression, int]]:
    """Yield the parts of an expression, each after its operands, and how many it has.

    What is whole has none. Leaves have to be.
    """
    waiting = [(expression, False)]
    while waiting:
        each, below = waiting.pop()
        if below:
            yield each, len(each.operands)
        elif is_whole(each):
            yield each, 0
        else:
            waiting.append((each, True))
            waiting += [(operand, False) for operand in reversed(each.operands)]


def _folded(
    parts: Iterable[tuple[ParameterExpression, int]],
    value_of: Callable[[ParameterExpression, Sequence[Value]], Value],
) -> Value:
    """Return the value of an expression, given that of a part with those below it."""
    found: list[Value] = []
    for each, count in parts:
        first = len(found) - count
        found[first:] = [value_of(each, found[first:])]
    return found[0]


def _add_terms(
    terms: dict[SSAValue, float], more: Mapping[SSAValue, float], factor: float = 1.0
) -> None:
    """Add multiples of values to others."""
    for value, each in more.items():
        total = terms.pop(value, 0.0) + factor * each
        if total:
            terms[value] = total


def _combined(sign: str, first: Any, second: Any) -> ParameterExpression:
    return ParameterExpression(None, sign, (parameter(first), parameter(second)))


@dataclass(frozen=True)
class AffineForm:
    """A number plus a sum of values of the IR, each times a coefficient.

    No coefficient is zero, so forms that are equal are the same function; others may
    be too, because a value may be computed from others.
    """

    offset: float = 0.0
    terms: Mapping[SSAValue, float] = field(default_factory=dict[SSAValue, float])

    @property
    def known(self) -> float | None:
        """The number, where there is nothing else."""
        return None if self.terms else self.offset

    def __len__(self) -> int:
        return len(self.terms) + (self.offset != 0)

    def __add__(self, other: AffineForm) -> AffineForm:
        terms = dict(self.terms)
        _add_terms(terms, other.terms)
        return AffineForm(self.offset + other.offset, terms)

    def __neg__(self) -> AffineForm:
        return self.scaled(-1.0)

    def __sub__(self, other: AffineForm) -> AffineForm:
        return self + -other

    def scaled(self, factor: float) -> AffineForm:
        """Return the form times a number."""
        terms = {value: factor * each for value, each in self.terms.items()}
        kept = {value: each for value, each in terms.items() if each}
        return AffineForm(factor * self.offset, kept)

    def divided(self, divisor: float) -> AffineForm:
        """Return the form divided by a number."""
        terms = {value: each / divisor for value, each in self.terms.items()}
        return AffineForm(self.offset / divisor, terms)

    def modulo(self, period: float) -> AffineForm:
        """Return a number within half a period; sums of values stay as they are."""
        if self.terms or abs(self.offset) <= period:
            return self
        return AffineForm(reduced(self.offset, period)[0])

    def expanded(self) -> AffineForm:
        """Return the form in the values from which its own are summed up."""
        if not any(type(value.owner) in SUMS for value in self.terms):
            return self
        offset, terms = self.offset, dict[SSAValue, float]()
        waiting, left = [*self.terms.items()], MOST_OPERATIONS
        while waiting:
            value, factor = waiting.pop()
            parts = _summands(value) if left else None
            if parts is None:
                _add_terms(terms, {value: factor})
            else:
                left -= 1
                offset += factor * parts.offset
                waiting += [(v, factor * each) for v, each in parts.terms.items()]
        return AffineForm(offset, terms)

    def shortest(self) -> AffineForm:
        """Return the form itself, or expanded if it has fewer terms then."""
        if not 0 < len(self.terms) <= MOST_TERMS:
            return self
        return min(self, self.expanded(), key=len)

    def is_zero(self, period: float | None = None) -> bool:
        """Tell whether the form is zero, or a multiple of a period."""
        found = self.shortest()
        if found.terms:
            return False
        if not math.isfinite(found.offset):
            return False
        rest = reduced(found.offset, period)[0] if period else found.offset
        return abs(rest) <= ROUNDING * min(max(1.0, abs(found.offset)), LARGE)

    def expression(self) -> ParameterExpression:
        """Return the form as an expression."""
        found: ParameterExpression | None = None
        positive_first = sorted(self.terms.items(), key=lambda term: term[1] < 0)
        for value, factor in positive_first:
            found = _with_term(found, ParameterExpression(value), factor)
        if found is None:
            return ParameterExpression(self.offset)
        if not self.offset:
            return found
        return _with_term(found, ParameterExpression(abs(self.offset)), self.offset)


def known_angle(value: SSAValue) -> float | None:
    """Return the angle that a value is, if it is a constant, also in more bits.

    The number of single precision that is next to a multiple of pi / 2^n stands for
    this one.
    """
    found = known_constant(value)
    if found is None:
        return None
    number = found.value.data
    return meant_by(number) if isinstance(found.type, Float32Type) else number


def affine(value: float | SSAValue) -> AffineForm:
    """Return a number, or a value of the IR, as an affine form.

    Values of lower precision stand for themselves in double precision.
    """
    if not isinstance(value, SSAValue):
        return AffineForm(value)
    if (known := known_angle(value)) is not None:
        return AffineForm(known)
    if isinstance(owner := value.owner, arith.ExtFOp):
        value = owner.input
    return AffineForm(0.0, {value: 1.0})


def _with_term(
    before: ParameterExpression | None, term: ParameterExpression, factor: float
) -> ParameterExpression:
    """Return an expression plus a multiple of a positive one."""
    size = abs(factor)
    if size != 1 and isinstance(term.leaf, SSAValue):
        term = term * size
    if before is None:
        return -term if factor < 0 else term
    return before - term if factor < 0 else before + term


def _summands(value: SSAValue) -> AffineForm | None:
    """Return the sum that a value is computed as, if it is one."""
    match value.owner:
        case arith.NegfOp() as op:
            return -affine(op.operand)
        case _ if value.type != f64:  # sums are rounded
            return None
        case arith.AddfOp() as op:
            return affine(op.lhs) + affine(op.rhs)
        case arith.SubfOp() as op:
            return affine(op.lhs) - affine(op.rhs)
        case arith.MulfOp() as op:
            first, second = affine(op.lhs), affine(op.rhs)
            if first.known is not None:
                return second.scaled(first.known)
            return None if second.known is None else first.scaled(second.known)
        case _:
            return None
