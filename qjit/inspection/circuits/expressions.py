"""Scalars of a program as expressions of its arguments, for people to read."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

# Operators by how strongly they bind, and what they do.
INFIX: Mapping[str, tuple[int, Callable[..., Any]]] = {
    "or": (1, lambda a, b: a or b),
    "and": (2, lambda a, b: a and b),
    "xor": (3, lambda a, b: bool(a) != bool(b)),
    "<": (4, operator.lt),
    "<=": (4, operator.le),
    ">": (4, operator.gt),
    ">=": (4, operator.ge),
    "==": (4, operator.eq),
    "!=": (4, operator.ne),
    "+": (5, operator.add),
    "-": (5, operator.sub),
    "*": (6, operator.mul),
    "/": (6, operator.truediv),
    "//": (6, operator.floordiv),
    "%": (6, operator.mod),
}
PREFIX: Mapping[str, tuple[int, Callable[..., Any]]] = {
    "-": (7, operator.neg),
    "not ": (4, operator.not_),
}
FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "abs": abs,
    "acos": math.acos,
    "asin": math.asin,
    "atan": math.atan,
    "atan2": math.atan2,
    "ceil": math.ceil,
    "cos": math.cos,
    "cosh": math.cosh,
    "exp": math.exp,
    "floor": math.floor,
    "int": int,
    "len": lambda start, stop, step: len(range(start, stop, step)),
    "log": math.log,
    "max": max,
    "min": min,
    "pow": math.pow,
    "sin": math.sin,
    "sinh": math.sinh,
    "sqrt": math.sqrt,
    "tan": math.tan,
    "tanh": math.tanh,
    "trunc_div": lambda a, b: int(a / b),
    "rem": math.fmod,
    "where": lambda condition, then, other: then if condition else other,
}
OPPOSITE = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}
COMPARISONS = frozenset(OPPOSITE)


class UnknownNameError(LookupError):
    """The value of a name is not known."""


@dataclass(frozen=True)
class Expression:
    """A number, a name, an element of a named array, or an operation on others."""

    head: float | str
    operands: tuple[Expression, ...] = ()

    @property
    def number(self) -> float | None:
        """The number that it is, if it is one."""
        return None if isinstance(self.head, str) else self.head

    @cached_property
    def size(self) -> int:
        """How many parts it has, itself among them."""
        return 1 + sum(each.size for each in self.operands)

    @property
    def is_name(self) -> bool:
        """Whether it is a name alone."""
        return isinstance(self.head, str) and not self.operands

    def names(self) -> Iterator[str]:
        """Yield the names in it, in order of appearance."""
        if isinstance(self.head, str) and (not self.operands or _is_array(self.head)):
            yield self.head.rstrip("[")
        for each in self.operands:
            yield from each.names()

    def parts(self) -> Iterator[Expression]:
        """Yield the expression and all in it."""
        yield self
        for each in self.operands:
            yield from each.parts()

    def at(self, values: Mapping[str, Any]) -> Any:
        """Return its value where names have these values.

        Raises:
            UnknownNameError: if a name has none.
        """
        if not isinstance(self.head, str):
            return self.head
        if not self.operands or _is_array(self.head):
            name = self.head.rstrip("[")
            if name not in values:
                raise UnknownNameError(name)
            found = values[name]
            for each in self.operands:
                found = found[int(each.at(values))]
            return found
        found = [each.at(values) for each in self.operands]
        return _function(self.head, len(found))(*found)

    def text(self, decimals: int | None = 2, strength: int = 0) -> str:
        """Return the expression as one writes it.

        In parentheses, if it binds less than this strength.
        """
        if not isinstance(self.head, str):
            return number_text(self.head, decimals, whole=True)
        parts = self.operands
        if not parts:
            return self.head
        if _is_array(self.head):
            return f"{self.head}{', '.join(each.text(decimals) for each in parts)}]"
        if len(parts) == 1 and self.head in PREFIX:
            level = PREFIX[self.head][0]
            found = f"{self.head}{parts[0].text(decimals, level)}"
        elif self.head in INFIX:
            level = INFIX[self.head][0]
            sign = self.head if level == 6 else f" {self.head} "
            after = level + (self.head in ("-", "/", "//", "%"))
            first, second = parts[0], parts[-1]
            found = f"{first.text(decimals, level)}{sign}{second.text(decimals, after)}"
        else:
            return f"{self.head}({', '.join(each.text(decimals) for each in parts)})"
        return f"({found})" if level < strength else found


def number_text(value: float, decimals: int | None, *, whole: bool = False) -> str:
    """Return a number with some decimals; one that is an integer without, if asked."""
    if isinstance(value, bool | int) or (whole and float(value).is_integer()):
        return str(int(value))
    return f"{value:.{2 if decimals is None else decimals}f}"


def element(array: str, *indices: Expression) -> Expression:
    """Return an element of a named array."""
    return Expression(f"{array}[", indices) if indices else Expression(array)


def operation(head: str, *operands: Expression) -> Expression:
    """Return an operation on expressions, simplified where that is obvious."""
    numbers = [each.number for each in operands]
    if all(number is not None for number in numbers):
        try:
            return Expression(_function(head, len(numbers))(*numbers))
        except (ArithmeticError, ValueError):
            return Expression(head, operands)
    if head == "not " and operands[0].head in OPPOSITE:
        return Expression(OPPOSITE[str(operands[0].head)], operands[0].operands)
    if len(operands) == 2:
        return _regrouped(head, *operands) or _simplified(head, *operands)
    return Expression(head, operands)


def _regrouped(head: str, first: Expression, second: Expression) -> Expression | None:
    """Return a sum or product where parts cancel, or numbers are put together."""
    if head == "+" and second.head == "-" and second.operands[1:] == (first,):
        return second.operands[0]
    if head == "*" and first.head == "/" and first.operands[1] == second:
        return first.operands[0]
    number, inner = second.number, first.operands
    if head not in ("+", "-") or number is None or len(inner) != 2:
        return None
    if first.head not in ("+", "-") or inner[1].number is None:
        return None
    total = inner[1].number * (1 if first.head == "+" else -1)
    total += number if head == "+" else -number
    return operation("+", inner[0], Expression(total))


def _simplified(head: str, first: Expression, second: Expression) -> Expression:
    one, two = first.number, second.number
    if head in ("+", "*") and two is not None and one is None:
        if head == "*":
            return _simplified(head, second, first)
    elif head == "+" and one == 0:
        return second
    if (two == 0 and head in ("+", "-")) or (two == 1 and head in ("/", "//")):
        return first
    if head == "*" and one is not None:
        if one in (0, 1):
            return second if one else Expression(0)
        if one == -1:
            return Expression("-", (second,))
    if head == "-" and one == 0:
        return Expression("-", (second,))
    if head == "+" and second.head == "-" and len(second.operands) == 1:
        return operation("-", first, second.operands[0])
    if head == "+" and two is not None and two < 0:
        return Expression("-", (first, Expression(-two)))
    return Expression(head, (first, second))


def _is_array(head: str) -> bool:
    return head.endswith("[")


def _function(head: str, count: int) -> Callable[..., Any]:
    if count == 1 and head in PREFIX:
        return PREFIX[head][1]
    return INFIX[head][1] if head in INFIX else FUNCTIONS[head]
