"""Import rules that move elements without computing."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np
from xdsl.dialects import arith, scf
from xdsl.dialects.builtin import i64
from xdsl.ir import Region, SSAValue

from qjit.lowering.analysis.constants import known_integer
from qjit.lowering.importer.importer import Importer, index, rule
from qjit.lowering.importer.rules.scalars.conversions import convert
from qjit.lowering.importer.values import Value, kind_of_dtype
from qjit.lowering.jax_internals.equations import physical_aval
from qjit.lowering.jaxpr.dimensions import Size, count, larger, smaller

Indices = Sequence[SSAValue]


def cheap(importer: Importer, value: Value) -> Value:
    """Return a value whose elements may be read many times."""
    if value.is_lazy and not value.cheap:
        importer.buffer(value)
    return value


def moved(
    importer: Importer,
    aval: Any,
    value: Value,
    place: Callable[[Indices], Indices],
) -> Value:
    """Return an array that reads another one at other places."""
    return importer.lazy(
        aval,
        [value],
        lambda indices: importer.element(value, place(indices)),
        cheap=not value.is_lazy or value.cheap,
    )


def add_index(importer: Importer, position: SSAValue, offset: Size) -> SSAValue:
    """Add a constant to an index."""
    if not offset:
        return position
    known = known_integer(position)
    if known is not None:
        return importer.index_constant(known + offset)
    return importer.emit(arith.AddiOp(position, importer.index_constant(offset)))


def scale_index(importer: Importer, position: SSAValue, factor: Size) -> SSAValue:
    """Multiply an index by a constant."""
    if factor == 1:
        return position
    known = known_integer(position)
    if known is not None:
        return importer.index_constant(known * factor)
    return importer.emit(arith.MuliOp(position, importer.index_constant(factor)))


@rule("broadcast_in_dim")
def _broadcast(importer: Importer, eqn: Any, x: Value, *_: Value) -> list[Value]:
    aval, axes = eqn.outvars[0].aval, eqn.params["broadcast_dimensions"]
    if not x.shape and not aval.shape:
        return [x]
    if not x.shape:
        return [importer.lazy(aval, [x], lambda _: importer.scalar(x), cheap=True)]
    if count(aval.shape) != x.size:
        cheap(importer, x)
    zero = importer.index_constant(0)
    kept = [
        axis if extent == aval.shape[axis] else None
        for axis, extent in zip(axes, x.shape, strict=True)
    ]

    def place(indices: Indices) -> Indices:
        return [zero if axis is None else indices[axis] for axis in kept]

    return [moved(importer, aval, x, place)]


def _without_ones(shape: Sequence[Size]) -> list[int]:
    return [axis for axis, extent in enumerate(shape) if extent != 1]


@rule("reshape", "squeeze", "expand_dims")
def _reshape(importer: Importer, eqn: Any, x: Value, *_: Value) -> list[Value]:
    order = eqn.params.get("dimensions")
    if order is not None and eqn.primitive.name == "reshape":
        x = transposed(importer, x, order)
    return [reshaped(importer, eqn.outvars[0].aval, x)]


def reshaped(importer: Importer, aval: Any, x: Value) -> Value:
    """Return the same elements, in row-major order, in another shape."""
    shape = tuple(aval.shape)
    if shape == x.shape:
        return x
    zero = importer.index_constant(0)
    if not x.shape:
        return importer.lazy(aval, [x], lambda _: importer.scalar(x), cheap=True)
    if not shape:
        found = importer.element(x, [zero] * len(x.shape))
        return importer.from_scalar(found, aval)
    if x.constant is not None and x.memref is None:
        return importer.constant(x.constant.reshape(shape))
    before, after = _without_ones(x.shape), _without_ones(shape)
    same = [x.shape[a] for a in before] == [shape[a] for a in after]
    if same and x.memref is None:
        source = dict(zip(before, after, strict=True))

        def place(indices: Indices) -> Indices:
            return [
                indices[source[axis]] if axis in source else zero
                for axis in range(len(x.shape))
            ]

        return moved(importer, aval, x, place)
    memref = importer.buffer(x)
    return importer.from_buffer(importer.view(memref, 0, shape), aval, x.buffer)


@rule("transpose")
def _transpose(importer: Importer, eqn: Any, x: Value) -> list[Value]:
    return [transposed(importer, x, eqn.params["permutation"])]


def transposed(importer: Importer, x: Value, permutation: Sequence[int]) -> Value:
    """Return an array with its axes in another order."""
    if list(permutation) == sorted(permutation):
        return x
    shape = [x.shape[axis] for axis in permutation]
    aval = jax.ShapeDtypeStruct(shape, x.dtype)
    order = list(np.argsort(permutation))
    return moved(importer, aval, x, lambda i: [i[axis] for axis in order])


@rule("rev")
def _rev(importer: Importer, eqn: Any, x: Value) -> list[Value]:
    axes = eqn.params["dimensions"]

    def place(indices: Indices) -> Indices:
        return [
            importer.emit(
                arith.SubiOp(importer.index_constant(x.shape[axis] - 1), position)
            )
            if axis in axes
            else position
            for axis, position in enumerate(indices)
        ]

    return [moved(importer, eqn.outvars[0].aval, x, place)]


@rule("slice")
def _slice(importer: Importer, eqn: Any, x: Value) -> list[Value]:
    starts = eqn.params["start_indices"]
    strides = eqn.params["strides"] or [1] * len(starts)
    return [sliced(importer, eqn.outvars[0].aval, x, starts, strides)]


def sliced(importer: Importer, aval: Any, x: Value, starts: Any, strides: Any) -> Value:
    """Return the elements at regular steps from a static start."""

    def place(indices: Indices) -> Indices:
        return [
            add_index(importer, scale_index(importer, position, step), start)
            for position, start, step in zip(indices, starts, strides, strict=True)
        ]

    return moved(importer, aval, x, place)


@rule("split")
def _split(importer: Importer, eqn: Any, x: Value) -> list[Value]:
    cheap(importer, x)
    axis, found, start = eqn.params["axis"], list[Value](), 0
    for var, size in zip(eqn.outvars, eqn.params["sizes"], strict=True):
        starts = [start if a == axis else 0 for a in range(len(x.shape))]
        found.append(sliced(importer, var.aval, x, starts, [1] * len(starts)))
        start += size
    return found


@rule("unstack")
def _unstack(importer: Importer, eqn: Any, x: Value) -> list[Value]:
    cheap(importer, x)
    axis = eqn.params["axis"]

    def entry(var: Any, number: int) -> Value:
        def place(indices: Indices) -> Indices:
            chosen = importer.index_constant(number)
            return [*indices[:axis], chosen, *indices[axis:]]

        return moved(importer, var.aval, x, place)

    return [entry(var, number) for number, var in enumerate(eqn.outvars)]


@rule("empty", "empty2")
def _empty(importer: Importer, eqn: Any) -> list[Value]:
    """Make an array that the program writes before it reads it; zeros, as JAX does."""
    aval = physical_aval(eqn.outvars[0].aval)

    def zero(_: Indices) -> SSAValue:
        return importer.scalar_constant(0, aval.dtype)

    return [importer.lazy(aval, [], zero, cheap=True)]


def write_at(
    importer: Importer,
    value: Value,
    target: SSAValue,
    place: Callable[[Indices], Indices],
) -> None:
    """Write the elements of a value at other places of a buffer."""

    def body(indices: list[SSAValue], _: Any) -> list[SSAValue]:
        element = importer.element(value, indices)
        importer.store(element, target, place(indices), value.dtype)
        return []

    importer.loop(value.shape, body)


@rule("concatenate")
def _concatenate(importer: Importer, eqn: Any, *inputs: Value) -> list[Value]:
    aval, axis, start = eqn.outvars[0].aval, eqn.params["dimension"], 0
    target = importer.allocate(aval.shape, aval.dtype)
    for value in inputs:

        def place(indices: Indices, start: int = start) -> Indices:
            moved_index = add_index(importer, indices[axis], start)
            return [*indices[:axis], moved_index, *indices[axis + 1 :]]

        write_at(importer, value, target, place)
        start += value.shape[axis]
    return [importer.from_buffer(target, aval)]


@rule("stack")
def _stack(importer: Importer, eqn: Any, *inputs: Value) -> list[Value]:
    aval, axis = eqn.outvars[0].aval, eqn.params["axis"]
    target = importer.allocate(aval.shape, aval.dtype)
    for number, value in enumerate(inputs):
        here = importer.index_constant(number)

        def place(indices: Indices, here: SSAValue = here) -> Indices:
            return [*indices[:axis], here, *indices[axis:]]

        write_at(importer, value, target, place)
    return [importer.from_buffer(target, aval)]


@rule("tile")
def _tile(importer: Importer, eqn: Any, x: Value) -> list[Value]:
    aval = eqn.outvars[0].aval
    if len(aval.shape) != len(x.shape):
        return NotImplemented
    cheap(importer, x)

    def place(indices: Indices) -> Indices:
        return [
            importer.emit(arith.RemUIOp(position, importer.index_constant(extent)))
            for position, extent in zip(indices, x.shape, strict=True)
        ]

    return [moved(importer, aval, x, place)]


@rule("pad")
def _pad(importer: Importer, eqn: Any, x: Value, filling: Value) -> list[Value]:
    return [padded(importer, x, filling, eqn.params["padding_config"])]


def padded(
    importer: Importer,
    x: Value,
    filling: Value,
    config: Sequence[tuple[Size, Size, int]],
) -> Value:
    """Return an array with (low, high, interior) padding; below zero, it is cut."""
    if not any(any(each) for each in config):
        return x
    aval = jax.ShapeDtypeStruct(
        [
            larger(0, low + high + extent + larger(0, extent - 1) * inner)
            for (low, high, inner), extent in zip(config, x.shape, strict=True)
        ],
        x.dtype,
    )
    target = importer.allocate(aval.shape, aval.dtype)
    importer.copy_into(
        importer.lazy(aval, [filling], lambda _: importer.scalar(filling)), target
    )
    starts: list[Size] = []
    shape: list[Size] = []
    for (low, _, inner), extent, length in zip(
        config, x.shape, aval.shape, strict=True
    ):
        step = inner + 1
        first = larger(0, -(low // step))
        last = smaller(extent, (length - 1 - low) // step + 1)
        starts.append(first)
        shape.append(larger(0, last - first))
    part = jax.ShapeDtypeStruct(shape, x.dtype)
    inside = sliced(importer, part, x, starts, [1] * len(shape))

    def place(indices: Indices) -> Indices:
        return [
            add_index(
                importer,
                scale_index(importer, position, inner + 1),
                low + first * (inner + 1),
            )
            for position, (low, _, inner), first in zip(
                indices, config, starts, strict=True
            )
        ]

    if all(shape):
        write_at(importer, inside, target, place)
    return importer.from_buffer(target, aval)


@rule("dim_as_value")
def _dimension_as_value(importer: Importer, eqn: Any) -> list[Value]:
    aval = eqn.outvars[0].aval
    found = importer.scalar_constant(eqn.params["dim"], aval.dtype)
    return [importer.from_scalar(found, aval)]


@rule("iota")
def _iota(importer: Importer, eqn: Any, *_: Value) -> list[Value]:
    aval, axis = eqn.outvars[0].aval, eqn.params["dimension"]

    def element(indices: Indices) -> SSAValue:
        number = importer.emit(arith.IndexCastOp(indices[axis], i64))
        return convert(importer, number, np.int64, aval.dtype)

    return [importer.lazy(aval, [], element, cheap=True)]


def clamped_start(
    importer: Importer, start: Value, extent: Size, size: Size
) -> SSAValue:
    """Return a dynamic start, moved so that a window fits, as an index."""
    if start.constant is not None:
        inside = smaller(larger(int(start.constant), 0), extent - size)
        return importer.index_constant(inside)
    found = clamped(importer, importer.scalar(start), start.dtype, extent - size)
    return importer.emit(arith.IndexCastOp(found, index))


def clamped(importer: Importer, start: SSAValue, dtype: Any, last: Size) -> SSAValue:
    """Return the 64-bit integer from 0 to a last one that is nearest to a scalar."""
    found = convert(importer, start, dtype, np.int64)
    low, high = (importer.scalar_constant(v, np.int64) for v in (0, last))
    unsigned = kind_of_dtype(dtype) == "u"
    if not unsigned:
        found = importer.emit(arith.MaxSIOp(found, low))
    least = arith.MinUIOp if unsigned else arith.MinSIOp
    return importer.emit(least(found, high))


@rule("dynamic_slice")
def _dynamic_slice(
    importer: Importer, eqn: Any, x: Value, *starts: Value
) -> list[Value]:
    sizes = eqn.params["slice_sizes"]
    if len(starts) != len(sizes):
        return NotImplemented
    cheap(importer, x)
    found = [
        clamped_start(importer, start, extent, size)
        for start, extent, size in zip(starts, x.shape, sizes, strict=True)
    ]

    def place(indices: Indices) -> Indices:
        return [
            start if size == 1 else importer.emit(arith.AddiOp(position, start))
            for position, start, size in zip(indices, found, sizes, strict=True)
        ]

    return [moved(importer, eqn.outvars[0].aval, x, place)]


def writable_copy(importer: Importer, x: Value, *others: Value) -> Value:
    """Return a value in a buffer that may be changed: the same one if it dies here."""
    for value in others:
        if value.is_lazy:
            importer.buffer(value)
    aliased = any(x.buffer is not None and x.buffer in v.reads() for v in others)
    if x.memref is not None and not aliased and not importer.reads_elsewhere(x):
        importer.invalidate()
        return Value(x.shape, x.dtype, memref=x.memref, buffer=x.buffer, cheap=True)
    target = importer.allocate(x.shape, x.dtype)
    importer.copy_into(x, target)
    return importer.from_buffer(target, x)


@rule("dynamic_update_slice")
def _dynamic_update_slice(
    importer: Importer, eqn: Any, x: Value, update: Value, *starts: Value
) -> list[Value]:
    if not x.shape:
        return [update]
    made = writable_copy(importer, x, update)
    target = importer.buffer(made)
    found = [
        clamped_start(importer, start, extent, size)
        for start, extent, size in zip(starts, x.shape, update.shape, strict=True)
    ]

    def place(indices: Indices) -> Indices:
        return [
            importer.emit(arith.AddiOp(position, start))
            for position, start in zip(indices, found, strict=True)
        ]

    write_at(importer, update, target, place)
    return [made]


def when(importer: Importer, condition: SSAValue, body: Callable[[], None]) -> None:
    """Emit operations that run only if a condition holds."""
    with importer.region() as block:
        body()
        importer.insert(scf.YieldOp())
    importer.insert(scf.IfOp(condition, [], Region(block)))


def choose(
    importer: Importer,
    condition: SSAValue,
    then: Callable[[], Indices],
    otherwise: Indices,
) -> Indices:
    """Return scalars computed only if a condition holds, else other ones."""
    with importer.region() as first:
        found = then()
        importer.insert(scf.YieldOp(*found))
    with importer.region() as second:
        importer.insert(scf.YieldOp(*otherwise))
    types = [scalar.type for scalar in otherwise]
    return importer.insert(
        scf.IfOp(condition, types, Region(first), Region(second))
    ).results
