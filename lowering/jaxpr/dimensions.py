"""Sizes of arrays: numbers, or expressions of dimensions known when a call is made.

An expression is JAX's symbolic dimension: a polynomial of named dimensions, with
floordiv, mod, max and min. It stands wherever a shape has a number.
"""

import math
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from jax import export

from qjit.lowering.jax_internals.equations import (
    dimension_terms,
    is_symbolic_dim,
    max_dim,
    min_dim,
)

Size = Any  # an integer, or a symbolic dimension of JAX
Found = TypeVar("Found")

OPERATIONS: dict[str, Callable[[int, int], int]] = {
    "add": operator.add,
    "mul": operator.mul,
    "floordiv": operator.floordiv,
    "mod": operator.mod,
    "max": max,
    "min": min,
}


class UnknownSizeError(NotImplementedError):
    """A rule needs a size that is known only when a call is made."""

    def __init__(self, primitive: str, line: str, hosted: bool) -> None:
        """Name the primitive and its line, and whether JAX may evaluate it instead."""
        super().__init__(f"{line}: the rule of '{primitive}' needs a size.")
        self.primitive = primitive
        self.line = line
        self.hosted = hosted


def is_symbolic(size: Size) -> bool:
    """Tell whether a size is known only when a call is made."""
    return is_symbolic_dim(size)


def is_static(shape: Iterable[Size]) -> bool:
    """Tell whether every size of a shape is a number."""
    return not any(map(is_symbolic, shape))


def count(shape: Iterable[Size]) -> Size:
    """Return the number of elements of an array of this shape.

    >>> count((2, 3)), count(())
    (6, 1)
    """
    return math.prod(shape)


def at_most(size: Size, bound: Size) -> bool:
    """Tell whether a size is at most a bound whatever the dimensions are."""
    return bool(min_dim(size, bound) == size)


def larger(first: Size, second: Size) -> Size:
    """Return the larger one of two sizes."""
    return max_dim(first, second)


def smaller(first: Size, second: Size) -> Size:
    """Return the smaller one of two sizes."""
    return min_dim(first, second)


def evaluate(
    size: Size,
    leaf: Callable[[int | str], Found],
    apply: Callable[[str, Found, Found], Found],
) -> Found:
    """Evaluate a size, given the meaning of its leaves and of its operations.

    >>> from jax import export
    >>> n, = export.symbolic_shape("n")
    >>> evaluate(2 * n + 1, str, lambda name, x, y: f"{name}({x}, {y})")
    'add(mul(2, n), 1)'
    """
    if not is_symbolic(size):
        return leaf(int(size))
    total: Found | None = None
    for coefficient, factors in dimension_terms(size):
        parts: list[Found] = []
        if coefficient != 1 or not factors:
            parts.append(leaf(coefficient))
        for variable, operation, operands, power in factors:
            if variable is not None:
                part = leaf(variable)
            else:
                first, second = (evaluate(each, leaf, apply) for each in operands)
                part = apply(operation, first, second)
            parts.extend([part] * power)
        term = parts[0]
        for part in parts[1:]:
            term = apply("mul", term, part)
        total = term if total is None else apply("add", total, term)
    assert total is not None
    return total


def number(size: Size, sizes: Mapping[str, int]) -> int:
    """Return a size as a number, given the sizes of the dimensions.

    >>> from jax import export
    >>> n, m = export.symbolic_shape("n, m")
    >>> number(n * m - n // 2, {"n": 5, "m": 3})
    13
    """

    def leaf(item: int | str) -> int:
        return sizes[item] if isinstance(item, str) else item

    return evaluate(size, leaf, lambda name, x, y: OPERATIONS[name](x, y))


def numbers(shape: Iterable[Size], sizes: Mapping[str, int]) -> tuple[int, ...]:
    """Return a shape as numbers, given the sizes of the dimensions."""
    return tuple(number(size, sizes) for size in shape)


def linear(size: Size, name: str) -> tuple[int, Size] | None:
    """Return the coefficient of a dimension and the rest, if a size is linear in it.

    >>> from jax import export
    >>> n, m = export.symbolic_shape("n, m")
    >>> linear(2 * n + m + 1, "n"), linear(n * n, "n")
    ((2, m + 1), None)
    """
    alone = [
        scale
        for scale, factors in dimension_terms(size)
        if [(factor[0], factor[-1]) for factor in factors] == [(name, 1)]
    ]
    if not alone:
        return None
    (variable,) = export.symbolic_shape(name, scope=size.scope)
    rest = size - alone[0] * variable
    return None if name in names([(rest,)]) else (alone[0], rest)


def names(shapes: Iterable[Sequence[Size]]) -> tuple[str, ...]:
    """Return the names of the dimensions in some shapes, in order of appearance."""
    found: dict[str, None] = {}

    def leaf(item: int | str) -> int | str:
        if isinstance(item, str):
            found[item] = None
        return item

    for shape in shapes:
        for size in filter(is_symbolic, shape):
            evaluate(size, leaf, lambda _, x, y: x)
    return tuple(found)
