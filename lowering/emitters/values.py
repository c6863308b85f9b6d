"""Values while a circuit is emitted: known ones, and those that outcomes decide.

A known value is a number or an array. What depends on few outcomes is a table with a
number for each of their values; all else is an expression of the language.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from xdsl.dialects.builtin import IndexType, IntegerType, i1
from xdsl.ir import Attribute

# A table has a number for each value of this many outcomes at most.
MOST_OUTCOMES = 4


@dataclass(frozen=True, eq=False)
class Expression:
    """A value that the device computes, in the words of its language."""

    code: Any
    kind: Attribute


@dataclass(frozen=True, eq=False)
class Table:
    """A number that outcomes choose: one for each of their values, the first first."""

    outcomes: tuple[Expression, ...]
    numbers: tuple[Any, ...]

    def given(self, bit: int) -> Any:
        """Return what it is where the first outcome is known."""
        half = len(self.numbers) // 2
        return table(self.outcomes[1:], self.numbers[bit * half : (bit + 1) * half])


def table(outcomes: Sequence[Expression], numbers: Sequence[Any]) -> Any:
    """Return a table without the outcomes that decide nothing; a number if none does.

    >>> table((), (0.5,))
    0.5
    """
    for place in range(len(outcomes)):
        halves = [
            [
                number
                for bits, number in zip(_bits(len(outcomes)), numbers, strict=True)
                if bits[place] == bit
            ]
            for bit in (0, 1)
        ]
        if halves[0] == halves[1]:
            return table((*outcomes[:place], *outcomes[place + 1 :]), halves[0])
    return Table(tuple(outcomes), tuple(numbers)) if outcomes else numbers[0]


def of_outcome(outcome: Expression) -> Table:
    """Return the value of a measurement."""
    return Table((outcome,), (0, 1))


def of_bit(value: Any) -> Any:
    """Return a value; an expression of one bit as what is 0 or 1 by that."""
    is_bit = isinstance(value, Expression) and value.kind == i1
    return of_outcome(value) if is_bit else value


def is_known(value: Any) -> bool:
    """Tell whether a value does not depend on outcomes or parameters."""
    return not isinstance(value, Expression | Table)


def is_bit(value: Any, kind: Attribute) -> bool:
    """Tell whether a value of a type is 0 or 1, as those of outcomes are.

    >>> from xdsl.dialects.builtin import f64, i8
    >>> is_bit(1, i8), is_bit(Table((), (0, 2)), i8), is_bit(1.0, f64)
    (True, False, False)
    """
    if not isinstance(kind, IntegerType | IndexType):
        return False
    if isinstance(value, Expression):
        return value.kind == i1
    numbers = value.numbers if isinstance(value, Table) else (value,)
    return all(number in (0, 1) for number in numbers)


def as_bit(value: Any) -> Any:
    """Return what is 0 or 1 as a value of one bit.

    >>> as_bit(1)
    True
    """
    if isinstance(value, Table):
        return Table(value.outcomes, tuple(map(bool, value.numbers)))
    return value if isinstance(value, Expression) else bool(value)


def tabulated(function: Callable[..., Any], values: Sequence[Any]) -> Any:
    """Return a function of known values and tables as a table, or None if too large.

    >>> tabulated(lambda a, b: a + b, (1, 2))
    3
    """
    outcomes = tuple(
        dict.fromkeys(o for v in values if isinstance(v, Table) for o in v.outcomes)
    )
    if len(outcomes) > MOST_OUTCOMES or any(isinstance(v, Expression) for v in values):
        return None
    numbers: list[Any] = []
    for bits in _bits(len(outcomes)):
        known = dict(zip(outcomes, bits, strict=True))
        numbers.append(function(*(at(value, known) for value in values)))
    return table(outcomes, numbers)


def at(value: Any, outcomes: dict[Expression, int]) -> Any:
    """Return the number that a value is where outcomes are known."""
    if not isinstance(value, Table):
        return value
    place = 0
    for outcome in value.outcomes:
        place = 2 * place + outcomes[outcome]
    return value.numbers[place]


def whole(value: Any, kind: Attribute, select: Callable[..., Any]) -> Any:
    """Return a value without tables: choices between two values make them.

    `select` takes an outcome, the values where it is 1 and 0, and their type.
    """
    if not isinstance(value, Table):
        return value
    one, zero = (whole(value.given(bit), kind, select) for bit in (1, 0))
    return select(value.outcomes[0], one, zero, kind)


def _bits(count: int) -> Sequence[tuple[int, ...]]:
    return list(product((0, 1), repeat=count))
