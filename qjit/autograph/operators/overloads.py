"""Builtins that Python decides with a truth value, for traced values as well."""

import builtins
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax.core import Tracer

from qjit.tracing.measured_values import logic_of

from .truth import truth


def _extreme(name: str, better: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    builtin = getattr(builtins, name)

    def run(*args: Any, **kwargs: Any) -> Any:
        values = list(args[0]) if len(args) == 1 else list(args)
        if kwargs or not any(isinstance(value, Tracer) for value in values):
            return builtin(*([values] if len(args) == 1 else args), **kwargs)
        best = values[0]
        for value in values[1:]:
            best = jnp.where(truth(better(value, best)), value, best)
        return best

    return run


def _every(name: str, combine: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    builtin = getattr(builtins, name)

    def run(values: Any) -> Any:
        values = list(values)
        if not any(isinstance(value, Tracer) for value in values):
            return builtin(values)
        found = jnp.asarray(truth(values[0]))
        for value in values[1:]:
            found = combine(found, truth(value))
        return logic_of(found, *values)

    return run


def _number(kind: type[Any]) -> Callable[..., Any]:
    def run(*args: Any, **kwargs: Any) -> Any:
        if len(args) != 1 or not isinstance(args[0], Tracer) or args[0].size != 1:
            return kind(*args, **kwargs)
        # NOTE: adding Python's zero gives the default type for such numbers.
        number = jnp.reshape(args[0], ())
        narrow = jax.dtypes.canonicalize_dtype(kind)
        return number.astype(bool if kind is bool else narrow)

    return run


OVERLOADS: dict[Any, Callable[..., Any]] = {
    builtins.max: _extreme("max", lambda a, b: a > b),
    builtins.min: _extreme("min", lambda a, b: a < b),
    # NOTE: `or` equations may be sums; see `measured_values`.
    builtins.any: _every("any", jnp.maximum),
    builtins.all: _every("all", jnp.logical_and),
    builtins.bool: _number(bool),
    builtins.int: _number(int),
    builtins.float: _number(float),
}
