"""Slices of the arrays that loops run over and write."""

from dataclasses import dataclass
from typing import Any

from xdsl.dialects import arith
from xdsl.ir import SSAValue

from qjit.lowering.importer.importer import Importer
from qjit.lowering.importer.values import Value
from qjit.lowering.jaxpr.dimensions import Size, count


@dataclass(frozen=True)
class _Row:
    shape: tuple[Size, ...]
    dtype: Any


def row(importer: Importer, value: Value, place: SSAValue) -> Value:
    """Return one row of an array that a loop runs over."""
    buffer = importer.buffer(value)
    aval = _Row(value.shape[1:], value.dtype)
    if not aval.shape:
        return importer.from_scalar(importer.load(buffer, [place], value.dtype), aval)
    part = importer.view(buffer, _start(importer, aval, place), aval.shape)
    return importer.from_buffer(part, aval, value.buffer)


def store_row(
    importer: Importer, value: Value, target: SSAValue, place: SSAValue
) -> None:
    """Write one row of an array that a loop makes."""
    if not value.shape:
        importer.store(importer.scalar(value), target, [place], value.dtype)
        return
    start = _start(importer, value, place)
    importer.copy_into(value, importer.view(target, start, value.shape))


def _start(importer: Importer, row: Any, place: SSAValue) -> SSAValue:
    size = importer.index_constant(count(row.shape))
    return importer.emit(arith.MuliOp(place, size))
