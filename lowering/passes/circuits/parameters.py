"""Parameters of gates as expressions, whose leaves may be known when programs run."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
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


@dataclass(frozen=True)
class ParameterExpression:
    """A parameter of a gate, with which sums, products and quotients can be formed.

    A leaf is a number, or a value of the IR.
    """

    leaf: float | SSAValue | None = None
    sign: str = ""
    operands: tuple[ParameterExpression, ...] = ()

    @property
    def known(self) -> float | None:
        """The number, where it is known when the program is compiled."""
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

    def emit(self, insert: Callable[[Operation], Any]) -> SSAValue:
        """Insert what computes the expression, and return its value."""
        if isinstance(self.leaf, SSAValue):
            return self.leaf
        if (known := self.known) is not None:
            constant = arith.ConstantOp(FloatAttr(known, f64))
            insert(constant)
            return constant.result
        op = ARITHMETIC[self.sign][1](*(each.emit(insert) for each in self.operands))
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
    if isinstance(value, ParameterExpression):
        return value
    if isinstance(value, SSAValue):
        known = known_float(value)
        return ParameterExpression(value if known is None else known)
    return ParameterExpression(float(value))


def _combined(sign: str, first: Any, second: Any) -> ParameterExpression:
    return ParameterExpression(None, sign, (parameter(first), parameter(second)))
