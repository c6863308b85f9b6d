"""Values while a circuit is emitted: known ones, and those that outcomes decide.

A known value is a number or an array. What depends on few outcomes is a table with a
number for each of their values; all else is an expression of the language.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

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


def is_known(value: Any) -> bool:
    """Tell whether a value does not depend on outcomes or parameters."""
    return not isinstance(value, Expression | Table)


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
