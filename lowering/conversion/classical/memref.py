"""Conversion of buffers to pointers into one workspace per call."""

import math
from collections.abc import Sequence

from xdsl.dialects import func, llvm, memref
from xdsl.dialects.builtin import (
    DYNAMIC_INDEX,
    DenseIntOrFPElementsAttr,
    MemRefType,
    i64,
)
from xdsl.ir import SSAValue

from qjit.lowering.analysis.liveness import lives, offsets
from qjit.lowering.conversion.converter import (
    Converter,
    convert_type,
    llvm_rule,
    size_of,
)


def extents(converter: Converter, buffer: SSAValue) -> list[int | SSAValue]:
    """Return the sizes of a buffer; those unknown so far as llvm values."""
    kind, maker = buffer.type, buffer.owner
    assert isinstance(kind, MemRefType)
    found: Sequence[SSAValue] = ()
    if isinstance(maker, memref.AllocOp):
        found = maker.dynamic_sizes
    elif isinstance(maker, memref.ReinterpretCastOp):
        found = maker.sizes
    dynamic = iter(found)
    return [
        converter.value(next(dynamic)) if size == DYNAMIC_INDEX else size
        for size in kind.get_shape()
    ]


def bytes_of(converter: Converter, buffer: SSAValue) -> int | SSAValue:
    """Return the bytes that a contiguous buffer takes."""
    kind = buffer.type
    assert isinstance(kind, MemRefType)
    sizes = extents(converter, buffer)
    known = (size for size in sizes if isinstance(size, int))
    total = math.prod(known) * size_of(kind.element_type)
    found: int | SSAValue = total
    for size in sizes:
        if not isinstance(size, int):
            before = converter.int(found) if isinstance(found, int) else found
            found = converter.emit(llvm.MulOp(before, size))
    return found


@llvm_rule(memref.AllocOp)
def _allocate(converter: Converter, op: memref.AllocOp) -> None:
    size = bytes_of(converter, op.memref)
    if not isinstance(size, int):
        converter.bind(op.memref, converter.heap(size))
        return
    if op.memref not in converter.places:
        _place(converter, op)
    converter.bind(op.memref, converter.workspace_at(converter.places[op.memref]))


def _place(converter: Converter, op: memref.AllocOp) -> None:
    """Find places for all buffers of a function that have static sizes."""
    function = op.parent_op()
    while not isinstance(function, func.FuncOp):
        assert function is not None
        function = function.parent_op()
    sizes: dict[SSAValue, int] = {}
    for each in function.walk():
        if isinstance(each, memref.AllocOp):
            kind = each.memref.type
            if DYNAMIC_INDEX not in kind.get_shape():
                count = math.prod(kind.get_shape())
                sizes[each.memref] = count * size_of(kind.element_type)
    places, total = offsets(lives(function, sizes))
    start = converter.reserve(total)
    converter.places.update((buffer, start + at) for buffer, at in places.items())


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
    for extent, index in zip(extents(converter, buffer), indices, strict=True):
        if position is not None:
            extent_ssa = converter.int(extent) if isinstance(extent, int) else extent
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
    size = bytes_of(converter, op.source)
    args = [
        converter.pointer(op.destination),
        converter.pointer(op.source),
        converter.int(size) if isinstance(size, int) else size,
        converter.int(0, 1),
    ]
    # NOTE: source and destination are the same buffer or do not overlap. An intrinsic
    # that is called as such takes the types of the first pointers that it is given.
    converter.call("llvm.memcpy.p0.p0.i64", None, args)


@llvm_rule(memref.ExtractAlignedPointerAsIndexOp)
def _pointer_as_index(
    converter: Converter, op: memref.ExtractAlignedPointerAsIndexOp
) -> None:
    address = converter.pointer(op.source)
    converter.bind(op.aligned_pointer, converter.emit(llvm.PtrToIntOp(address, i64)))
