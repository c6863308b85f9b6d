"""Matrices as BLAS and LAPACK take them: column-major, one of a batch at a time."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from xdsl.dialects import arith, scf
from xdsl.ir import Region, SSAValue

from qjit.lowering.importer.importer import Importer, Rule, rule
from qjit.lowering.importer.rules.arrays.shapes import moved
from qjit.lowering.importer.rules.scalars.conversions import convert
from qjit.lowering.importer.values import Value
from qjit.lowering.jaxpr.dimensions import Size, count
from qjit.lowering.native.blas import LETTERS

Part = Callable[[SSAValue, Sequence[Size]], SSAValue]
Indices = Sequence[SSAValue]


class Aval:
    """The shape and the dtype of a value that no variable stands for."""

    def __init__(self, shape: Sequence[Size], dtype: Any) -> None:
        """Describe an array."""
        self.shape = tuple(shape)
        self.dtype = dtype


def lapack_rule(*names: str) -> Callable[[Rule], Rule]:
    """Register an import rule for operands that LAPACK has routines for."""

    def register(function: Rule) -> Rule:
        def checked(importer: Importer, eqn: Any, *inputs: Value) -> Any:
            if any(str(v.dtype) not in (*LETTERS, "int32") for v in inputs):
                return NotImplemented
            return function(importer, eqn, *inputs)

        rule(*names)(checked)
        return function

    return register


def is_complex(value: Any) -> bool:
    """Tell whether elements have imaginary parts."""
    return np.dtype(value.dtype).kind == "c"


def transposed(shape: Sequence[Size]) -> tuple[Size, ...]:
    """Return a shape with its last two axes exchanged."""
    return (*shape[:-2], shape[-1], shape[-2])


def swap(indices: Indices) -> Indices:
    """Return indices with the last two exchanged."""
    return [*indices[:-2], indices[-1], indices[-2]]


def copied(importer: Importer, value: Value) -> SSAValue:
    """Return a new buffer with the elements of a value."""
    target = importer.allocate(value.shape, value.dtype)
    importer.copy_into(value, target)
    return target


def converted(importer: Importer, value: Value, dtype: Any) -> Value:
    """Return a value in another dtype."""
    if value.dtype == dtype:
        return value

    def change(x: SSAValue) -> SSAValue:
        return convert(importer, x, value.dtype, dtype)

    return importer.map(Aval(value.shape, dtype), [value], change)


def columns(importer: Importer, value: Value) -> SSAValue:
    """Return a new buffer with column-major copies of a batch of matrices."""
    if value.is_lazy and not value.cheap:
        importer.buffer(value)
    aval = Aval(transposed(value.shape), value.dtype)
    return copied(importer, moved(importer, aval, value, swap))


def from_columns(importer: Importer, buffer: SSAValue, aval: Any) -> Value:
    """Return the matrices of a column-major buffer."""
    stored = importer.from_buffer(buffer, Aval(transposed(aval.shape), aval.dtype))
    return moved(importer, aval, stored, swap)


def batched(
    importer: Importer, batch: Sequence[Size], body: Callable[[Part], None]
) -> None:
    """Work on every matrix of a batch, given how to look at its part of a buffer."""

    def step(indices: list[SSAValue], _: Any) -> list[SSAValue]:
        def part(buffer: SSAValue, shape: Sequence[Size]) -> SSAValue:
            if not batch:
                return buffer
            size = importer.index_constant(count(shape))
            start = importer.emit(arith.MuliOp(indices[0], size))
            return importer.view(buffer, start, shape)

        body(part)
        return []

    importer.loop([count(batch)], step)


def spoil(
    importer: Importer,
    info: SSAValue,
    outputs: Sequence[tuple[SSAValue, Sequence[Size], Any]],
    order: str = "ne",
) -> None:
    """Fill outputs with NaN if a routine failed, as `info` compares with zero."""
    found = importer.load(info, (), np.int32)
    zero = importer.scalar_constant(0, np.int32)
    failed = importer.emit(arith.CmpiOp(found, zero, order))
    with importer.region() as block:
        for buffer, shape, dtype in outputs:
            bad = importer.scalar_constant(not_a_number(dtype), dtype)
            fill(importer, buffer, shape, dtype, bad)
        importer.insert(scf.YieldOp())
    importer.insert(scf.IfOp(failed, [], Region(block)))


def not_a_number(dtype: Any) -> Any:
    """Return the number that marks a failure, in both parts of a complex number."""
    return complex(np.nan, np.nan) if np.dtype(dtype).kind == "c" else np.nan


def fill(
    importer: Importer,
    buffer: SSAValue,
    shape: Sequence[Size],
    dtype: Any,
    scalar: SSAValue,
) -> None:
    """Store one scalar everywhere in a buffer."""

    def body(indices: list[SSAValue], _: Any) -> list[SSAValue]:
        importer.store(scalar, buffer, indices, dtype)
        return []

    importer.loop(shape, body)


def where(
    importer: Importer,
    aval: Any,
    order: str,
    value: Value | int,
) -> Value:
    """Return a value where row and column compare so, and zero elsewhere."""
    zero = importer.scalar_constant(0, aval.dtype)
    one = importer.scalar_constant(1, aval.dtype)

    def element(indices: Indices) -> SSAValue:
        inside = importer.emit(arith.CmpiOp(indices[-2], indices[-1], order))
        found = importer.element(value, indices) if isinstance(value, Value) else one
        return importer.emit(arith.SelectOp(inside, found, zero))

    inputs = [value] if isinstance(value, Value) else []
    return importer.lazy(aval, inputs, element, cheap=True)
