"""What converted code calls: control flow, Python's or lax's."""

import builtins
import functools
import operator
import sys
from collections.abc import Callable, Sequence
from types import FunctionType, MethodType
from typing import Any

import jax.numpy as jnp
from jax.core import Tracer

from qjit.autograph import conversion
from qjit.errors import UnsupportedError
from qjit.lowering.jax_internals.tracing import user_line
from qjit.tracing.measured_values import logic_of

from .items import augment as augment
from .items import item as item
from .items import store as store
from .items import store_attribute as store_attribute
from .loops import for_loop, while_loop
from .overloads import OVERLOADS
from .sequences import ITERATING
from .staging import branch, is_staged
from .truth import none as none
from .truth import truth
from .variables import read_all, slots_of

slice = builtins.slice

conversion.namespace.append(sys.modules[__name__])

_FUNCTIONS = (FunctionType, MethodType, functools.partial, conversion.Convertible)


def call(function: Any) -> Any:
    """Return what runs in the place of a function that converted code calls."""
    made_here = isinstance(function, FunctionType | MethodType)
    if not made_here and getattr(function, "__module__", None) in (None, "builtins"):
        return _overload(function)
    new = conversion.called(function)
    if new is not function or conversion.is_converted(function):
        return new
    return _passing_converted(function)


def _overload(function: Any) -> Any:
    if function is map or function is filter:
        return _passing_converted(function)
    try:
        return OVERLOADS.get(function, function)
    except TypeError:
        return function


def _passing_converted(function: Callable[..., Any]) -> Callable[..., Any]:
    def run(*args: Any, **kwargs: Any) -> Any:
        new = [_argument(arg) for arg in args]
        return function(*new, **{name: _argument(arg) for name, arg in kwargs.items()})

    return run


def _argument(value: Any) -> Any:
    if isinstance(value, _FUNCTIONS):
        return conversion.called(value)
    if type(value) in (list, tuple) and any(isinstance(v, _FUNCTIONS) for v in value):
        return type(value)(_argument(each) for each in value)
    return value


def iterating(function: Any) -> Any:
    """Return what stands for `range`, `enumerate` and the like in a loop's head."""
    try:
        return ITERATING.get(function, function)
    except TypeError:
        return function


def raised(exception: Any) -> Any:
    """Let an exception be raised, unless it is not known whether it should be."""
    if is_staged():
        raise UnsupportedError(
            f"{user_line()}: whether this exception is raised depends on a traced "
            "value. Use jax.experimental.checkify, or return a value that tells."
        )
    return exception


def if_(
    test: Any, then: Callable[[], Any], orelse: Callable[[], Any], names: Sequence[str]
) -> None:
    """Run one of two functions that change variables."""
    chosen = truth(test)
    if not isinstance(chosen, Tracer):
        (then if chosen else orelse)()
        return
    branch(chosen, then, orelse, slots_of(names, (then, orelse)))


def for_(
    items: Any,
    body: Callable[[Any], Any],
    names: Sequence[str],
    flags: tuple[str, ...],
) -> None:
    """Run a function for each item, until a flag is set."""
    for_loop(items, body, slots_of(names, (body,)), flags)


def while_(
    test: Callable[[], Any],
    body: Callable[[Any], Any],
    names: Sequence[str],
    flags: tuple[str, ...],
) -> None:
    """Run a function while a test holds and no flag is set."""
    slots = slots_of(names, (body, test))

    def goes_on() -> Any:
        values = read_all(slots)
        return truth(and_(none(*(values[flag] for flag in flags)), test))

    while_loop(goes_on, body, slots, flags)


def choose(test: Any, body: Callable[[], Any], orelse: Callable[[], Any]) -> Any:
    """Return the value of one of two functions."""
    chosen = truth(test)
    if not isinstance(chosen, Tracer):
        return (body if chosen else orelse)()
    return branch(chosen, body, orelse, {})


def and_(value: Any, *rest: Callable[[], Any]) -> Any:
    """Return the first value that is false, or the last."""
    return _first(value, rest, until=False)


def or_(value: Any, *rest: Callable[[], Any]) -> Any:
    """Return the first value that is true, or the last."""
    return _first(value, rest, until=True)


def _first(value: Any, rest: Sequence[Callable[[], Any]], until: bool) -> Any:
    if not rest:
        return value
    found = truth(value)

    def onwards() -> Any:
        return _first(rest[0](), rest[1:], until)

    if not isinstance(found, Tracer):
        return value if found == until else onwards()
    then, orelse = ((lambda: value), onwards) if until else (onwards, lambda: value)
    return branch(found, then, orelse, {})


def not_(value: Any) -> Any:
    """Return whether a value is false."""
    found = truth(value)
    if not isinstance(found, Tracer):
        return not found
    return logic_of(jnp.logical_not(found), value)


_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "is": operator.is_,
    "is not": operator.is_not,
    "in": lambda a, b: a in b,
    "not in": lambda a, b: a not in b,
}


def chain(left: Any, *links: tuple[str, Callable[[], Any]]) -> Any:
    """Return what a chain of comparisons gives, each value computed once."""
    (sign, value), *rest = links
    right = value()
    found = _COMPARE[sign](left, right)
    return and_(found, lambda: chain(right, *rest)) if rest else found
