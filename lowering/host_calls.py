"""Primitives without a native rule: native code calls back into JAX."""

from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import Any

import jax
import numpy as np
from xdsl.dialects import llvm as llvm_dialect
from xdsl.dialects.builtin import IntegerAttr, i64
from xdsl.irdl import (
    IRDLOperation,
    irdl_op_definition,
    prop_def,
    var_operand_def,
)

from .arrays import Value
from .concrete import bind, concrete_params
from .convert_to_llvm import Converter, llvm_rule
from .host_records import Located, record
from .importer import Importer
from .jax_internals import is_key, key_implementation, physical_aval


@irdl_op_definition
class HostCallOp(IRDLOperation):
    """Evaluate a primitive in Python: inputs, then outputs, as buffers."""

    name = "qjit.host_call"

    buffers = var_operand_def()
    key = prop_def(IntegerAttr)
    num_inputs = prop_def(IntegerAttr)
    line = prop_def(IntegerAttr)


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


def host_call(importer: Importer, eqn: Any, *inputs: Value) -> list[Value]:
    """Import a primitive as a call into JAX."""
    avals_in = [physical_aval(var.aval) for var in eqn.invars]
    avals_out = [physical_aval(var.aval) for var in eqn.outvars]

    def signature(avals: list[Any]) -> Any:
        return tuple((tuple(a.shape), np.dtype(a.dtype)) for a in avals)

    wide = any(np.dtype(a.dtype).itemsize == 8 for a in (*avals_in, *avals_out))
    key = record(
        eqn.primitive.name,
        lru_cache(maxsize=64)(partial(_evaluate, eqn)),
        signature(avals_in),
        signature(avals_out),
        wide,
        tuple(importer.dimensions),
    )
    importer.host_names.append(eqn.primitive.name)
    given = [importer.buffer(value) for value in inputs]
    if importer.dimension_buffer is not None:
        given.append(importer.dimension_buffer)
    made = [importer.allocate(aval.shape, aval.dtype) for aval in avals_out]
    importer.insert(
        HostCallOp.build(
            operands=[[*given, *made]],
            properties={
                "key": IntegerAttr(key, i64),
                "num_inputs": IntegerAttr(len(given), i64),
                "line": IntegerAttr(importer.location(eqn), i64),
            },
        )
    )
    importer.invalidate()
    return [importer.from_buffer(b, a) for b, a in zip(made, avals_out, strict=True)]


@llvm_rule(HostCallOp)
def _convert_host_call(converter: Converter, op: HostCallOp) -> None:
    pointers = [converter.pointer(buffer) for buffer in op.buffers]
    split = op.num_inputs.value.data
    args = [
        converter.int(op.key.value.data),
        converter.pointer_array(pointers[:split]),
        converter.pointer_array(pointers[split:]),
    ]
    status = converter.result("__qjit__host_call", i64, args)
    place = converter.int(op.line.value.data << 8)
    failed = converter.emit(
        llvm_dialect.ICmpOp(status, converter.int(0), IntegerAttr(1, i64))
    )
    marked = converter.emit(llvm_dialect.OrOp(status, place))
    converter.check(converter.emit(llvm_dialect.SelectOp(failed, marked, status)))
