"""Parameters of gates as expressions, whose leaves may be known when programs run."""

from __future__ import annotations

import math
import operator
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from xdsl.dialects import arith
from xdsl.dialects.builtin import FloatAttr, f64
from xdsl.ir import Operation, SSAValue

from qjit.lowering.analysis.constants import known_float

ARITHMETIC: dict[str, tuple[Callable[..., Any], type[Operation]]] = {
    "+": (operator.add, arith.AddfOp),
    "-": (operator.sub, arith.SubfOp),
    "*": (operator.mul, arith.MulfOp),
    "/": (operator.truediv, arith.DivfOp),
}

SUMS = arith.NegfOp | arith.AddfOp | arith.SubfOp | arith.MulfOp
# Sums are looked through up to this many operations.
MOST_OPERATIONS = 16
# Angles are the same up to this, which is how exact their sums are.
ROUNDING = 4 * sys.float_info.epsilon
# Larger angles are no less exact than this one.
LARGE = 64.0


@dataclass(frozen=True)
class ParameterExpression:
    """A parameter of a gate, with which sums, products and quotients can be formed.

    A leaf is a number, or a value of the IR.
    """

    leaf: float | SSAValue | None = None
    sign: str = ""
    operands: tuple[ParameterExpression, ...] = ()

    @cached_property
    def known(self) -> float | None:
        """The number, where it is known when the program is compiled."""
        if self.leaf is not None:
            return None if isinstance(self.leaf, SSAValue) else self.leaf
        if any(isinstance(leaf, SSAValue) for leaf in self.leaves()):
            return None
        return self.at({})

    def leaves(self) -> Iterator[float | SSAValue]:
        """Yield the leaves in order."""
        if self.leaf is not None:
            yield self.leaf
        for each in self.operands:
            yield from each.leaves()

    def at(self, numbers: Mapping[SSAValue, float]) -> float:
        """Return the number where values of the IR are these."""
        if isinstance(self.leaf, SSAValue):
            return numbers[self.leaf]
        if self.leaf is not None:
            return self.leaf
        found: float = ARITHMETIC[self.sign][0](*(e.at(numbers) for e in self.operands))
        return found

    def text(self, names: Mapping[SSAValue, str]) -> str:
        """Return the expression as one reads it, with these names of values."""
        if isinstance(self.leaf, SSAValue):
            return names[self.leaf]
        if self.leaf is not None:
            return repr(self.leaf)
        first, second = (each.text(names) for each in self.operands)
        return f"({first} {self.sign} {second})"

    @property
    def affine(self) -> AffineForm | None:
        """The expression as a sum of multiples of values, where it is one."""
        if self.leaf is not None:
            return affine(self.leaf)
        first, second = (each.affine for each in self.operands)
        if first is None or second is None:
            return None
        match self.sign:
            case "+":
                return first + second
            case "-":
                return first - second
            case "*" if first.known is not None or second.known is not None:
                number, other = first.known, second
                if number is None:
                    number, other = second.known, first
                return other.scaled(number or 0.0)
            case "/" if second.known:
                return first.divided(second.known)
            case _:
                return None

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
        if isinstance(self.leaf, SSAValue):
            if self.leaf.type == f64:
                return self.leaf
            wide = arith.ExtFOp(self.leaf, f64)
            insert(wide)
            return wide.result
        if (known := self.known) is not None:
            if numbers is not None and known in numbers:
                return numbers[known]
            constant = arith.ConstantOp(FloatAttr(known, f64))
            insert(constant)
            if numbers is not None:
                numbers[known] = constant.result
            return constant.result
        values = (each.emit(insert, numbers) for each in self.operands)
        op = ARITHMETIC[self.sign][1](*values)
        insert(op)
        return op.results[0]

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
        known = known_float(value)
        return ParameterExpression(value if known is None else known)
    return ParameterExpression(float(value))


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
        for value, factor in other.terms.items():
            total = terms.pop(value, 0.0) + factor
            if total:
                terms[value] = total
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

    def expanded(self) -> AffineForm:
        """Return the form in the values from which its own are summed up."""
        if not any(isinstance(value.owner, SUMS) for value in self.terms):
            return self
        found, left = AffineForm(self.offset), MOST_OPERATIONS
        waiting = [*self.terms.items()]
        while waiting:
            value, factor = waiting.pop()
            parts = _summands(value) if left else None
            if parts is None:
                found += AffineForm(0.0, {value: factor})
            else:
                left -= 1
                found += AffineForm(factor * parts.offset)
                waiting += [(v, factor * each) for v, each in parts.terms.items()]
        return found

    def shortest(self) -> AffineForm:
        """Return the form itself, or expanded if it has fewer terms then."""
        if not self.terms:
            return self
        return min(self, self.expanded(), key=len)

    def is_zero(self, period: float | None = None) -> bool:
        """Tell whether the form is zero, or a multiple of a period."""
        found = self.shortest()
        if found.terms:
            return False
        if not math.isfinite(found.offset):
            return False
        rest = math.remainder(found.offset, period) if period else found.offset
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


def affine(value: float | SSAValue) -> AffineForm:
    """Return a number, or a value of the IR, as an affine form.

    Values of lower precision stand for themselves in double precision.
    """
    if not isinstance(value, SSAValue):
        return AffineForm(value)
    if (known := known_float(value)) is not None:
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
