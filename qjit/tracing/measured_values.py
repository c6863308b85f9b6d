"""Measured outcomes: booleans in logic, and integers in arithmetic.

JAX takes the sum of two booleans for their disjunction, so what is computed from
outcomes is traced by a subclass of JAX's tracers, whose arithmetic converts booleans
first. Functions of JAX and branches, loops and calls give ordinary tracers again;
`outcome_flow` finds where their sums would be disjunctions.
"""

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

Operator = Callable[..., Any]


@dataclass(frozen=True)
class Kind:
    """What is known of a value that was computed from outcomes."""

    logical: bool  # an outcome or the result of logic, rather than a number
    integer: bool  # whether booleans are represented as the integers 0 and 1


def measured(value: Any, kind: Kind) -> Any:
    """Return a new traced boolean or integer as one computed from outcomes."""
    dtype = getattr(value, "dtype", None)
    if not isinstance(value, Tracer) or not isinstance(dtype, np.dtype):
        return value
    if dtype.kind not in "biu" or kind_of(value) is not None:
        return value
    logical = kind.logical or dtype.kind == "b"
    if kind.integer and dtype.kind == "b":
        value = _number(value)
    # NOTE: a new tracer would not be the one that its equation knows.
    value.__class__ = _tracer_type(type(value), Kind(logical, kind.integer))
    return value


def kind_of(value: Any) -> Kind | None:
    """Return what is known of a value computed from outcomes; None for any other."""
    return getattr(type(value), "measured_kind", None)


def is_logical(value: Any) -> bool:
    """Tell whether a value is a boolean, or represents one."""
    kind = kind_of(value)
    return _is_boolean(value) if kind is None else kind.logical


def logic_of(found: Any, *values: Any) -> Any:
    """Return a traced boolean as measured, if it was made of values that were."""
    first = next((value for value in values if kind_of(value) is not None), None)
    return found if first is None else _results(found, first, logical=True)


def _is_boolean(value: Any) -> bool:
    return getattr(value, "dtype", type(value)) in (np.bool_, bool)


def _number(value: Any) -> Any:
    # NOTE: a product with 1 is an integer that takes on the dtypes of others.
    return jnp.multiply(value, 1)


def _arithmetic(plain: Operator) -> Operator:
    def run(value: Any, *others: Any) -> Any:
        if all(map(_is_boolean, (value, *others))):
            value = _number(value)
        return _results(plain(value, *others), value, logical=False)

    return run


def _logic(plain: Operator) -> Operator:
    def run(value: Any, *others: Any) -> Any:
        logical = all(map(is_logical, (value, *others)))
        return _results(plain(value, *others), value, logical=logical)

    return run


def _disjunction(plain: Operator) -> Operator:
    def both(value: Any, other: Any) -> Any:
        # NOTE: `or` equations may be sums, and this cannot.
        booleans = _is_boolean(value) and _is_boolean(other)
        return (jnp.maximum if booleans else plain)(value, other)

    return _logic(both)


def _inversion(plain: Operator) -> Operator:
    return _logic(
        lambda value: (jnp.logical_not if is_logical(value) else plain)(value)
    )


def _comparison(plain: Operator) -> Operator:
    return lambda value, other: _results(plain(value, other), value, logical=True)


def _selection(plain: Operator) -> Operator:
    def run(value: Any, *args: Any, **options: Any) -> Any:
        found = plain(value, *args, **options)
        return _results(found, value, logical=is_logical(value))

    return run


def _reduction(plain: Operator) -> Operator:
    def run(value: Any, *args: Any, **options: Any) -> Any:
        return _results(plain(value, *args, **options), value, logical=False)

    return run


def _conversion(plain: Operator) -> Operator:
    def run(value: Any, dtype: Any, *args: Any, **options: Any) -> Any:
        found = plain(value, dtype, *args, **options)
        # NOTE: who asks for booleans gets no integers.
        return found if _is_boolean(found) else _results(found, value, logical=False)

    return run


def _iteration(plain: Operator) -> Operator:
    def run(value: Any) -> Iterator[Any]:
        return (
            _results(each, value, logical=is_logical(value)) for each in plain(value)
        )

    return run


def _results(found: Any, value: Any, *, logical: bool) -> Any:
    kind = kind_of(value) or Kind(logical=True, integer=False)
    return jax.tree.map(lambda x: measured(x, Kind(logical, kind.integer)), found)


def _both_sides(names: str) -> tuple[str, ...]:
    return tuple(f"__{side}{name}__" for name in names.split() for side in ("", "r"))


_BINARY = "add sub mul truediv floordiv divmod mod pow matmul lshift rshift"
_ALONE = ("__neg__", "__pos__", "__abs__", "__round__")
_OPERATORS: dict[Callable[[Operator], Operator], tuple[str, ...]] = {
    _arithmetic: (*_both_sides(_BINARY), *_ALONE, "dot"),
    _logic: _both_sides("and xor"),
    _disjunction: _both_sides("or"),
    _inversion: ("__invert__",),
    _comparison: ("__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__"),
    _selection: (
        *("__getitem__", "copy", "reshape", "ravel", "flatten", "squeeze"),
        *("transpose", "swapaxes", "repeat", "take", "max", "min"),
    ),
    _reduction: ("any", "all", "sum", "prod", "cumsum", "cumprod"),
    _conversion: ("astype",),
    _iteration: ("__iter__",),
}


@functools.cache
def _tracer_type(kind: type[Any], known: Kind) -> type[Any]:
    """Return the subclass of a type of tracers for what was computed from outcomes."""
    members = {
        name: made(getattr(kind, name))
        for made, names in _OPERATORS.items()
        for name in names
    }
    fixed = {"__slots__": (), "__hash__": kind.__hash__, "measured_kind": known}
    metaclass: Any = type(kind)
    return metaclass(kind.__name__, (kind,), members | fixed)
