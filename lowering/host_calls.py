"""Primitives without a native rule: native code calls back into JAX."""

import ctypes
import itertools
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
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
from .dimensions import Size, numbers
from .importer import Importer
from .jax_internals import enable_x64, is_key, key_implementation, physical_aval

HOST_ERROR = 255


@dataclass(frozen=True)
class HostRecord:
    """One call into JAX: which primitive, and how to evaluate it.

    In a program with symbolic dimensions, one more input holds their sizes.
    """

    key: int
    name: str
    evaluator: Callable[..., Callable[..., Sequence[Any]]]  # takes the sizes
    inputs: tuple[tuple[tuple[Size, ...], np.dtype[Any]], ...]
    outputs: tuple[tuple[tuple[Size, ...], np.dtype[Any]], ...]
    wide: bool
    dimensions: tuple[str, ...]

    @property
    def num_inputs(self) -> int:
        """Count the buffers that a call is given."""
        return len(self.inputs) + bool(self.dimensions)

    def sizes(self, inputs: Sequence[int]) -> dict[str, int]:
        """Return the sizes of the dimensions in this call."""
        if not self.dimensions:
            return {}
        shape = (len(self.dimensions),)
        values = _array(inputs[len(self.inputs)], shape, np.dtype(np.int64))
        return dict(zip(self.dimensions, values.tolist(), strict=True))


_keys = itertools.count(1)
_records: dict[int, HostRecord] = {}
_failures: dict[int, str] = {}  # by thread of the system


@irdl_op_definition
class HostCallOp(IRDLOperation):
    """Evaluate a primitive in Python: inputs, then outputs, as buffers."""

    name = "qjit.host_call"

    buffers = var_operand_def()
    key = prop_def(IntegerAttr)
    num_inputs = prop_def(IntegerAttr)
    line = prop_def(IntegerAttr)


def host_error_text() -> str:
    """Return the message of the last exception that a host call raised."""
    return _failures.pop(threading.get_ident(), "a host call failed.")


def _array(address: int, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Any:
    size = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
    if not size:
        return np.zeros(shape, dtype)
    memory: Any = (ctypes.c_char * size).from_address(address)
    return np.frombuffer(memory, dtype).reshape(shape)


def _run(record: HostRecord, inputs: Sequence[int], outputs: Sequence[int]) -> None:
    sizes = record.sizes(inputs)
    args = [
        _array(inputs[place], numbers(shape, sizes), dtype).copy()
        for place, (shape, dtype) in enumerate(record.inputs)
    ]
    with enable_x64(record.wide or bool(jax.config.read("jax_enable_x64"))):
        evaluate = record.evaluator(**sizes)
        results = [np.asarray(found) for found in evaluate(*args)]
    for place, (shape, dtype) in enumerate(record.outputs):
        _array(outputs[place], numbers(shape, sizes), dtype)[...] = results[place]


def evaluate_host_call(key: int, inputs: int, outputs: int) -> int:
    """Evaluate a record on two arrays of addresses; return a status."""
    record = _records[key]
    words = record.num_inputs, len(record.outputs)
    rows = [
        list((ctypes.c_size_t * count).from_address(address))
        for count, address in zip(words, (inputs, outputs), strict=True)
    ]
    try:
        _run(record, *rows)
    except Exception as error:
        text = f"{record.name} raised {type(error).__name__}: {error}"
        _failures[threading.get_ident()] = text
        return HOST_ERROR
    return 0


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
    record = HostRecord(
        next(_keys),
        eqn.primitive.name,
        lru_cache(maxsize=64)(partial(_evaluate, eqn)),
        signature(avals_in),
        signature(avals_out),
        wide,
        tuple(importer.dimensions),
    )
    _records[record.key] = record
    importer.host_records.append(record)
    given = [importer.buffer(value) for value in inputs]
    if importer.dimension_buffer is not None:
        given.append(importer.dimension_buffer)
    made = [importer.allocate(aval.shape, aval.dtype) for aval in avals_out]
    importer.insert(
        HostCallOp.build(
            operands=[[*given, *made]],
            properties={
                "key": IntegerAttr(record.key, i64),
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
