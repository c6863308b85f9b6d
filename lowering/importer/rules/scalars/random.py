"""Import rules of random numbers: JAX's own generators, bit for bit."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np
from xdsl.dialects import arith
from xdsl.dialects.builtin import i64
from xdsl.ir import SSAValue

from qjit.lowering.importer.importer import Importer, key_rule, rule
from qjit.lowering.importer.values import Value
from qjit.lowering.jax_internals.equations import RANDOM_FUNCTIONS, enable_x64, is_key
from qjit.lowering.jaxpr.specialize import bind

from .bit_generators import generated_bits
from .conversions import convert

# Of the Threefry-2x32 cipher: how far each round rotates, and the parity of its keys.
ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
PARITY = 0x1BD11BDA


def _inlined(
    importer: Importer, function: Callable[..., Any], inputs: Sequence[Value]
) -> list[Value]:
    avals = [jax.ShapeDtypeStruct(value.shape, value.dtype) for value in inputs]
    with enable_x64(True):
        closed = jax.make_jaxpr(function)(*avals)
    return importer.inline(closed, inputs)


@key_rule(*RANDOM_FUNCTIONS)
def _random(importer: Importer, eqn: Any, *inputs: Value) -> list[Value]:
    """Import what the generator of the keys makes of a primitive."""
    make = RANDOM_FUNCTIONS[eqn.primitive.name]
    return _inlined(importer, make(eqn), inputs)


@key_rule("slice", "dynamic_slice", "dynamic_update_slice", "gather", "scatter", "rev")
@key_rule("broadcast_in_dim", "reshape", "transpose", "squeeze", "expand_dims")
@key_rule("concatenate", "select_n", "split", "unstack", "copy")
def _moved(importer: Importer, eqn: Any, *inputs: Value) -> list[Value]:
    """Move keys by moving each of their words alike."""
    axes = [-1 if is_key(var.aval.dtype) else None for var in eqn.invars]

    def move(*words: Any) -> list[Any]:
        return bind(eqn, eqn.params, words)

    return _inlined(importer, jax.vmap(move, in_axes=axes, out_axes=-1), inputs)


@rule("iota_2x32_shape")
def _iota_2x32_shape(importer: Importer, eqn: Any) -> list[Value]:
    """Number the elements of an array: the high and low words of each number."""
    shape = eqn.params["shape"]

    def position(indices: Sequence[SSAValue]) -> SSAValue:
        total = importer.index_constant(0)
        for extent, place in zip(shape, indices, strict=True):
            scaled = arith.MuliOp(total, importer.index_constant(extent))
            total = importer.emit(arith.AddiOp(importer.emit(scaled), place))
        return importer.emit(arith.IndexCastOp(total, i64))

    def high(indices: Sequence[SSAValue]) -> SSAValue:
        word = importer.scalar_constant(32, np.uint64)
        shifted = importer.emit(arith.ShRUIOp(position(indices), word))
        return convert(importer, shifted, np.uint64, np.uint32)

    def low(indices: Sequence[SSAValue]) -> SSAValue:
        return convert(importer, position(indices), np.uint64, np.uint32)

    return [
        importer.lazy(var.aval, [], element, cheap=True)
        for var, element in zip(eqn.outvars, (high, low), strict=True)
    ]


@rule("rng_bit_generator")
def _rng_bit_generator(importer: Importer, eqn: Any, state: Value) -> Any:
    threefry = "THREE_FRY" in str(eqn.params["algorithm"])

    def generate(state: Any) -> Any:
        shape, dtype = eqn.params["shape"], eqn.params["dtype"]
        return generated_bits(state, shape, dtype, threefry=threefry)

    return _inlined(importer, generate, [state])


@rule("threefry2x32")
def _threefry2x32(importer: Importer, eqn: Any, *inputs: Value) -> list[Value]:
    avals = [var.aval for var in eqn.outvars]
    shape = tuple(avals[0].shape)
    made = [importer.allocate(shape, np.uint32) for _ in avals]
    for value in inputs:
        importer.materialise([value] if value.is_lazy and value.shape != shape else [])

    def body(indices: list[SSAValue], _: Sequence[SSAValue]) -> list[SSAValue]:
        scalars = [importer.spread(value, shape, indices) for value in inputs]
        for word, buffer in zip(_cipher(importer, *scalars), made, strict=True):
            importer.store(word, buffer, indices, np.uint32)
        return []

    importer.loop(shape, body)
    return [
        importer.from_buffer(buffer, aval)
        for buffer, aval in zip(made, avals, strict=True)
    ]


def _cipher(
    importer: Importer, first: SSAValue, second: SSAValue, x: SSAValue, y: SSAValue
) -> tuple[SSAValue, SSAValue]:
    """Encrypt two words with two words: Threefry-2x32 with 20 rounds."""

    def apply(op: Any, a: SSAValue, b: SSAValue | int) -> SSAValue:
        if isinstance(b, int):
            b = importer.scalar_constant(b, np.uint32)
        return importer.emit(op(a, b))

    third = apply(arith.XOrIOp, apply(arith.XOrIOp, first, second), PARITY)
    keys = (first, second, third)
    x, y = apply(arith.AddiOp, x, first), apply(arith.AddiOp, y, second)
    for group in range(5):
        for distance in ROTATIONS[group % 2]:
            x = apply(arith.AddiOp, x, y)
            left = apply(arith.ShLIOp, y, distance)
            right = apply(arith.ShRUIOp, y, 32 - distance)
            y = apply(arith.XOrIOp, apply(arith.OrIOp, left, right), x)
        x = apply(arith.AddiOp, x, keys[(group + 1) % 3])
        y = apply(arith.AddiOp, y, keys[(group + 2) % 3])
        y = apply(arith.AddiOp, y, group + 1)
    return x, y
