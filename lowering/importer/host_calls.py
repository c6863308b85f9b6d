"""Primitives without a native rule: native code calls back into JAX."""

from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import Any

import jax
import numpy as np

from qjit.dialects.host import CallOp
from qjit.lowering.jax_internals.equations import (
    is_key,
    key_implementation,
    physical_aval,
)
from qjit.lowering.jaxpr.specialize import bind, concrete_params
from qjit.lowering.native.host_calls import Located, record

from .importer import FALLBACK, Importer, rule
from .values import Value


def _wrapped(array: Any, dtype: Any) -> Any:
    """Return integers as the random keys that a primitive takes."""
    if not is_key(dtype):
        return array
    return jax.random.wrap_key_data(array, impl=key_implementation(dtype))


def _unwrapped(array: Any) -> Any:
    """Return random keys as integers."""
    return jax.random.key_data(array) if is_key(array.dtype) else array


def _evaluate(eqn: Any, **sizes: int) -> Callable[..., Sequence[Any]]:
    if "callback" in eqn.params:
        callback = eqn.params["callback"]
        if isinstance(callback, Located):
            callback = callback.callback
        return lambda *args: callback(*map(jax.numpy.asarray, args))
    params = concrete_params(eqn, sizes) if sizes else eqn.params

    def run(*args: Any) -> Sequence[Any]:
        keys = [
            _wrapped(arg, var.aval.dtype)
            for arg, var in zip(args, eqn.invars, strict=True)
        ]
        return [_unwrapped(result) for result in bind(eqn, params, keys)]

    return run if eqn.effects else jax.jit(run)


@rule(FALLBACK)
def host_call(importer: Importer, eqn: Any, *inputs: Value) -> list[Value]:
    """Import a primitive as a call into JAX."""
    evaluate = lru_cache(maxsize=64)(partial(_evaluate, eqn))
    return call_out(importer, eqn, inputs, evaluate)


def call_out(
    importer: Importer,
    eqn: Any,
    inputs: Sequence[Value],
    evaluator: Callable[..., Callable[..., Sequence[Any]]],
) -> list[Value]:
    """Import an equation as a call of a Python function of arrays.

    `evaluator` makes the function from the sizes of symbolic dimensions.
    """
    avals_in = [physical_aval(var.aval) for var in eqn.invars]
    avals_out = [physical_aval(var.aval) for var in eqn.outvars]

    def signature(avals: list[Any]) -> Any:
        return tuple((tuple(a.shape), np.dtype(a.dtype)) for a in avals)

    wide = any(np.dtype(a.dtype).itemsize == 8 for a in (*avals_in, *avals_out))
    name = eqn.primitive.name
    key = record(
        name,
        evaluator,
        signature(avals_in),
        signature(avals_out),
        wide,
        tuple(importer.dimensions),
    )
    importer.host_names.append(name)
    given = [importer.buffer(value) for value in inputs]
    if importer.dimension_buffer is not None:
        given.append(importer.dimension_buffer)
    made = [importer.allocate(aval.shape, aval.dtype) for aval in avals_out]
    importer.insert(CallOp(name, key, given, made, importer.location(eqn)))
    importer.invalidate()
    return [importer.from_buffer(b, a) for b, a in zip(made, avals_out, strict=True)]
