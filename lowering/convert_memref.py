"""Conversion of buffers to pointers into one workspace per call."""

import numpy as np
from xdsl.dialects import llvm, memref
from xdsl.dialects.builtin import DenseIntOrFPElementsAttr, MemRefType, i64
from xdsl.ir import SSAValue

from .convert_to_llvm import (
    Converter,
    convert_type,
    llvm_rule,
    size_of,
)


def bytes_of(kind: MemRefType) -> int:
    """Return the bytes that a contiguous buffer takes."""
    return int(np.prod(kind.get_shape(), dtype=np.int64)) * size_of(kind.element_type)


@llvm_rule(memref.AllocOp)
def _allocate(converter: Converter, op: memref.AllocOp) -> None:
    converter.bind(op.memref, converter.workspace(bytes_of(op.memref.type)))


@llvm_rule(memref.GlobalOp)
def _global(converter: Converter, op: memref.GlobalOp) -> None:
    assert isinstance(op.initial_value, DenseIntOrFPElementsAttr)
    converter.initial_data[op.sym_name.data] = op.initial_value.data.data


@llvm_rule(memref.GetGlobalOp)
def _get_global(converter: Converter, op: memref.GetGlobalOp) -> None:
    data = converter.initial_data[op.name_.string_value()]
    converter.bind(op.memref, converter.global_bytes(data))


def _address(
    converter: Converter, buffer: SSAValue, indices: list[SSAValue]
) -> SSAValue:
    kind = buffer.type
    assert isinstance(kind, MemRefType)
    base = converter.pointer(buffer)
    position: SSAValue | None = None
    for extent, index in zip(kind.get_shape(), indices, strict=True):
        if position is not None:
            extent_ssa = converter.int(extent)
            position = converter.emit(llvm.MulOp(position, extent_ssa))
            index = converter.emit(llvm.AddOp(position, index))
        position = index
    if position is None:
        return base
    return converter.offset(base, position, convert_type(kind.element_type))


@llvm_rule(memref.LoadOp)
def _load(converter: Converter, op: memref.LoadOp) -> None:
    indices = [converter.value(index) for index in op.indices]
    address = _address(converter, op.memref, indices)
    converter.bind(op.res, converter.load(address, convert_type(op.res.type)))


@llvm_rule(memref.StoreOp)
def _store(converter: Converter, op: memref.StoreOp) -> None:
    indices = [converter.value(index) for index in op.indices]
    address = _address(converter, op.memref, indices)
    converter.store(converter.value(op.value), address)


@llvm_rule(memref.ReinterpretCastOp)
def _view(converter: Converter, op: memref.ReinterpretCastOp) -> None:
    base = converter.pointer(op.source)
    kind = op.result.type
    assert isinstance(kind, MemRefType)
    if op.offsets:
        offset = converter.value(op.offsets[0])
        base = converter.offset(base, offset, convert_type(kind.element_type))
    converter.bind(op.result, base)


@llvm_rule(memref.CopyOp)
def _copy(converter: Converter, op: memref.CopyOp) -> None:
    kind = op.source.type
    assert isinstance(kind, MemRefType)
    args = [
        converter.pointer(op.destination),
        converter.pointer(op.source),
        converter.int(bytes_of(kind)),
        converter.int(0, 1),
    ]
    # NOTE: source and destination are the same buffer or do not overlap.
    converter.insert(llvm.CallIntrinsicOp("llvm.memcpy.p0.p0.i64", args, []))


@llvm_rule(memref.ExtractAlignedPointerAsIndexOp)
def _pointer_as_index(
    converter: Converter, op: memref.ExtractAlignedPointerAsIndexOp
) -> None:
    address = converter.pointer(op.source)
    converter.bind(op.aligned_pointer, converter.emit(llvm.PtrToIntOp(address, i64)))
