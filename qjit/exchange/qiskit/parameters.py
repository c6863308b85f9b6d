"""Values of parameters and of what Qiskit computes from them.

An expression has its steps as Qiskit stores them in files: each takes what it names, or
what the steps before left on a stack. They are taken in JAX, which differentiates them.
"""

import operator
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

Values = Mapping[Any, Any]


class NoValueError(Exception):
    """An expression has no value here; the text says why."""


def _swapped(function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    return lambda x, y: function(y, x)


_BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "ADD": operator.add,
    "SUB": operator.sub,
    "MUL": operator.mul,
    "DIV": operator.truediv,
    "POW": operator.pow,
    "RSUB": _swapped(operator.sub),
    "RDIV": _swapped(operator.truediv),
    "RPOW": _swapped(operator.pow),
}
_UNARY: dict[str, str] = {
    "SIN": "sin",
    "COS": "cos",
    "TAN": "tan",
    "ASIN": "arcsin",
    "ACOS": "arccos",
    "ATAN": "arctan",
    "EXP": "exp",
    "LOG": "log",
    "ABS": "abs",
    "SIGN": "sign",
    "CONJ": "conj",
}


def number_of(value: Any, values: Values) -> Any:
    """Return the real number that a parameter of an instruction is.

    Args:
        value: a number, or an expression of parameters.
        values: the values of the parameters.

    Raises:
        NoValueError: if it is no real number, or a parameter has no value.
    """
    found = _evaluated(value, values) if hasattr(value, "parameters") else value
    if isinstance(found, Tracer | jax.Array):
        if jnp.iscomplexobj(found):
            raise NoValueError(f"{value} is complex")
        return found
    if isinstance(found, complex | np.complexfloating) and found.imag == 0:
        found = found.real
    if isinstance(found, bool) or not isinstance(
        found, int | float | np.integer | np.floating
    ):
        raise NoValueError(f"{value} is no real number")
    if not np.isfinite(found):
        raise NoValueError(f"{value} is {found}")
    return found


def _evaluated(expression: Any, values: Values) -> Any:
    if not expression.parameters:
        return expression.numeric()
    if hasattr(expression, "uuid"):
        return _value(expression, values)
    stack: list[Any] = []
    for step in expression._qpy_replay:
        name = getattr(step.op, "name", None) or str(step.op).rpartition(".")[2]
        for given in (step.lhs, step.rhs):
            if given is not None:
                known = not hasattr(given, "parameters")
                stack.append(given if known else _evaluated(given, values))
        stack.append(_applied(name, stack, expression))
    (found,) = stack
    return found


def _applied(name: str, stack: list[Any], expression: Any) -> Any:
    """Take the operands of a step from a stack, and return its result."""
    try:
        if name in _BINARY:
            second, first = stack.pop(), stack.pop()
            return _BINARY[name](first, second)
        if name in _UNARY:
            operand = stack.pop()
            traced = isinstance(operand, Tracer | jax.Array)
            function = getattr(jnp if traced else np, _UNARY[name])
            with np.errstate(all="ignore"):
                return function(operand)
    except (ZeroDivisionError, OverflowError) as error:
        raise NoValueError(f"{expression} has no value here: {error}") from error
    raise NoValueError(f"{expression} has the operation {name}, which is not supported")


def _value(parameter: Any, values: Values) -> Any:
    if parameter not in values:
        raise NoValueError(f"the parameter {parameter} has no value")
    return values[parameter]
