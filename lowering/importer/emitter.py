"""Emission of scalars, buffers and loops into the function being imported."""

import itertools
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import numpy as np
from xdsl.builder import Builder
from xdsl.dialects import arith, complex, func, memref, scf
from xdsl.dialects.builtin import (
    AnyFloat,
    BytesAttr,
    ComplexType,
    DenseIntOrFPElementsAttr,
    FloatAttr,
    IndexType,
    IntegerAttr,
    IntegerType,
    MemRefType,
    ModuleOp,
    StridedLayoutAttr,
    StringAttr,
    TensorType,
    UnitAttr,
    i1,
    i8,
)
from xdsl.ir import Attribute, Block, Operation, Region, SSAValue
from xdsl.rewriter import InsertPoint

from qjit.lowering.jaxpr.dimensions import Size, count, evaluate, is_static, is_symbolic

from .half_precision import is_small, narrowed, widened
from .values import Buffer, element_type, is_native, memref_type, static_shape

OperationT = TypeVar("OperationT", bound=Operation)

index = IndexType()

SIZE_OPERATIONS: dict[str, Any] = {
    "add": arith.AddiOp,
    "mul": arith.MuliOp,
    "max": arith.MaxSIOp,
    "min": arith.MinSIOp,
}


def _known(size: Size) -> int | None:
    return None if is_symbolic(size) else int(size)


# NOTE: there are tens of thousands of these in a program; the constructors that xDSL
# derives from definitions take five times as long.
def load_op(buffer: SSAValue, indices: Sequence[SSAValue]) -> memref.LoadOp:
    """Return an operation that reads an element of a buffer."""
    kind = buffer.type
    assert isinstance(kind, MemRefType)
    types = (kind.element_type,)
    return memref.LoadOp.create(operands=(buffer, *indices), result_types=types)


def constant_op(value: IntegerAttr | FloatAttr) -> arith.ConstantOp:
    """Return an operation that is a number."""
    types, properties = (value.type,), {"value": value}
    return arith.ConstantOp.create(result_types=types, properties=properties)


class Emitter:
    """Where operations go, and what has been emitted once and for all."""

    def __init__(self) -> None:
        """Start with an empty module and a block that belongs to nothing."""
        self.module = ModuleOp([])
        self.block = Block()
        self.anchor: Operation | None = None
        self._constants: dict[Any, SSAValue] = {}
        self._globals: dict[bytes, tuple[SSAValue, Buffer]] = {}
        self._elements: dict[Any, SSAValue] = {}
        self._global_numbers = itertools.count()
        # The dimensions that symbolic sizes are made of, by name, and the symbolic
        # sizes that memory was reserved for or that something was computed from.
        self.dimensions: dict[str, SSAValue] = {}
        self.dimension_buffer: SSAValue | None = None
        self.sizes: dict[Size, bool] = {}

    @property
    def builder(self) -> Builder:
        """Return a builder at the end of the current block."""
        return Builder(InsertPoint.at_end(self.block))

    def insert(self, op: OperationT) -> OperationT:
        """Append an operation to the current block."""
        self.block.add_op(op)
        return op

    def emit(self, op: Operation) -> SSAValue:
        """Append an operation and return its only result."""
        self.block.add_op(op)
        return op.results[0]

    def _prologue(self, op: Operation) -> SSAValue:
        assert self.anchor is not None
        block = self.anchor.parent
        assert block is not None
        block.insert_ops_after([op], self.anchor)
        self.anchor = op
        return op.results[0]

    # Constants

    def index_constant(self, value: Size) -> SSAValue:
        """Return a size, or another integer made of sizes, as an index."""
        key = ("index", value)
        if key not in self._constants:
            self._constants[key] = self._size(value)
        return self._constants[key]

    def _size(self, value: Size) -> SSAValue:
        if not is_symbolic(value):
            return self._prologue(constant_op(IntegerAttr(int(value), index)))
        self.sizes.setdefault(value, False)

        def leaf(item: int | str) -> SSAValue:
            if isinstance(item, str):
                return self.dimensions[item]
            return self.index_constant(item)

        return evaluate(value, leaf, self._operation)

    def _operation(self, name: str, x: SSAValue, y: SSAValue) -> SSAValue:
        """Apply an operation of symbolic sizes; division rounds down."""
        simple = SIZE_OPERATIONS.get(name)
        if simple is not None:
            return self._prologue(simple(x, y))
        rest = self._prologue(arith.RemSIOp(x, y))
        # NOTE: the signs differ just where the exclusive or is negative.
        signs = self._prologue(arith.XOrIOp(rest, y))
        zero = self.index_constant(0)
        differ = self._prologue(arith.CmpiOp(signs, zero, "slt"))
        uneven = self._prologue(arith.CmpiOp(rest, zero, "ne"))
        wrong = self._prologue(arith.AndIOp(differ, uneven))
        if name == "mod":
            raised = self._prologue(arith.AddiOp(rest, y))
            return self._prologue(arith.SelectOp(wrong, raised, rest))
        quotient = self._prologue(arith.DivSIOp(x, y))
        lowered = self._prologue(arith.SubiOp(quotient, self.index_constant(1)))
        return self._prologue(arith.SelectOp(wrong, lowered, quotient))

    def scalar_constant(self, value: Any, dtype: Any) -> SSAValue:
        """Return a scalar of a numpy dtype: a constant, or a symbolic size."""
        if is_symbolic(value):
            return self._scalar_size(value, dtype)
        number = np.asarray(value).astype(dtype)
        dtype = number.dtype
        key = (str(dtype), number.tobytes())
        if key in self._constants:
            return self._constants[key]
        kind = element_type(dtype)
        if not is_native(dtype):
            number = number.view(f"i{number.dtype.itemsize}")
        if isinstance(kind, ComplexType):
            part = np.zeros((), dtype).real.dtype
            real = self.scalar_constant(np.real(number), part)
            imag = self.scalar_constant(np.imag(number), part)
            op: Operation = complex.CreateOp(real, imag, kind)
        elif not isinstance(kind, IntegerType):
            assert isinstance(kind, AnyFloat)
            op = constant_op(FloatAttr(float(number), kind))
        else:
            width = kind.width.data
            raw = int(number) % (1 << width)
            signed = raw - (1 << width) if raw >> (width - 1) and width > 1 else raw
            op = constant_op(IntegerAttr(signed, kind))
        self._constants[key] = self._prologue(op)
        return self._constants[key]

    def _scalar_size(self, value: Size, dtype: Any) -> SSAValue:
        key = (str(dtype), value)
        if key not in self._constants:
            op = arith.IndexCastOp(self.index_constant(value), element_type(dtype))
            self._constants[key] = self._prologue(op)
        return self._constants[key]

    def read_dimensions(self, names: Sequence[str], buffer: SSAValue) -> None:
        """Read the dimensions of this call from the buffer that holds them."""
        self.dimension_buffer = buffer
        for place, name in enumerate(names):
            position = self.index_constant(place)
            found = self._prologue(memref.LoadOp.get(buffer, [position]))
            self.dimensions[name] = self._prologue(arith.IndexCastOp(found, index))

    def global_buffer(self, array: np.ndarray[Any, Any]) -> tuple[SSAValue, Buffer]:
        """Return a constant array as a buffer that nobody may change."""
        array = np.ascontiguousarray(array)
        stored = array.view(np.int8) if array.dtype == np.bool_ else array
        key = f"{array.dtype}{array.shape}".encode() + stored.tobytes()
        if key not in self._globals:
            name = f"constant_{next(self._global_numbers)}"
            kind = memref_type(array.shape, array.dtype)
            tensor: Any = TensorType(kind.element_type, array.shape)
            data = DenseIntOrFPElementsAttr(tensor, BytesAttr(stored.tobytes()))
            self.module.body.block.add_op(
                memref.GlobalOp.get(
                    StringAttr(name),
                    kind,
                    data,
                    StringAttr("private"),
                    constant=UnitAttr(),
                )
            )
            ssa = self._prologue(memref.GetGlobalOp(name, kind))
            self._globals[key] = (ssa, Buffer(writable=False))
        return self._globals[key]

    def invalidate(self) -> None:
        """Forget the elements read so far, because memory has changed."""
        self._elements.clear()

    def load(
        self, buffer: SSAValue, indices: Sequence[SSAValue], dtype: Any
    ) -> SSAValue:
        """Load one element from a buffer as an SSA scalar."""
        found = self.emit(load_op(buffer, indices))
        if dtype == np.bool_:
            return self.emit(arith.TruncIOp(found, i1))
        return widened(self, found, dtype) if is_small(dtype) else found

    def store(
        self,
        element: SSAValue,
        buffer: SSAValue,
        indices: Sequence[SSAValue],
        dtype: Any,
    ) -> None:
        """Store an SSA scalar into a buffer."""
        if dtype == np.bool_:
            element = self.emit(arith.ExtUIOp(element, i8))
        elif is_small(dtype):
            element = narrowed(self, element, dtype)
        self.insert(memref.StoreOp.get(element, buffer, list(indices)))
        self._elements.clear()

    def allocate(self, shape: Sequence[Size], dtype: Any) -> SSAValue:
        """Reserve memory in the workspace of the call."""
        kind = memref_type(shape, dtype)
        symbolic = [size for size in shape if is_symbolic(size)]
        dynamic = [self.index_constant(size) for size in symbolic]
        self.sizes.update(dict.fromkeys(symbolic, True))
        return self._prologue(
            memref.AllocOp.get(
                kind.element_type, 64, kind.get_shape(), dynamic, kind.layout
            )
        )

    def view(
        self, buffer: SSAValue, offset: SSAValue | int, shape: Sequence[Size]
    ) -> SSAValue:
        """Look at part of a buffer as a contiguous buffer of another shape."""
        kind = buffer.type
        assert isinstance(kind, MemRefType)
        strides = [count(shape[axis + 1 :]) for axis in range(len(shape))]
        layout = StridedLayoutAttr([_known(stride) for stride in strides], None)
        result = MemRefType(
            kind.element_type, static_shape(shape), *(() if offset == 0 else (layout,))
        )
        op = memref.ReinterpretCastOp.from_dynamic(
            buffer, [offset], self._mixed(shape), self._mixed(strides), result
        )
        return self.emit(op)

    def sized(self, buffer: SSAValue, shape: Sequence[Size]) -> SSAValue:
        """Return a buffer that knows its sizes, for one that the caller gave."""
        return buffer if is_static(shape) else self.view(buffer, 0, shape)

    def _mixed(self, shape: Sequence[Size]) -> list[SSAValue | int]:
        return [self.index_constant(s) if is_symbolic(s) else int(s) for s in shape]

    # Regions

    @contextmanager
    def function(
        self,
        name: str,
        types: Sequence[Attribute],
        results: Sequence[Attribute] = (),
    ) -> Generator[func.FuncOp]:
        """Insert into a new function until the end of the `with` statement."""
        kept = (self.block, self.anchor, self._constants, self._globals)
        sizes = self.dimensions, self.dimension_buffer
        op = func.FuncOp(name, (types, results), Region(Block(arg_types=types)))
        self.module.body.block.add_op(op)
        self.block = op.body.block
        self.anchor = self.insert(arith.ConstantOp(IntegerAttr(0, index)))
        self._constants, self._globals = {}, {}
        self.dimensions, self.dimension_buffer = {}, None
        self._elements.clear()
        try:
            yield op
        finally:
            self.block, self.anchor, self._constants, self._globals = kept
            self.dimensions, self.dimension_buffer = sizes
            self._elements.clear()

    @contextmanager
    def region(self, arg_types: Sequence[Attribute] = ()) -> Generator[Block]:
        """Insert into a new block until the end of the `with` statement."""
        outer = self.block
        self.block = Block(arg_types=arg_types)
        self._elements.clear()
        try:
            yield self.block
        finally:
            self.block = outer
            self._elements.clear()

    def loop(
        self,
        extents: Sequence[Size],
        body: Callable[[list[SSAValue], Sequence[SSAValue]], Sequence[SSAValue]],
        carried: Sequence[SSAValue] = (),
        indices: Sequence[SSAValue] = (),
    ) -> Sequence[SSAValue]:
        """Emit a loop nest; extents of one make no loop."""
        axis = len(indices)
        if axis == len(extents):
            return body(list(indices), carried)
        zero = self.index_constant(0)
        if extents[axis] == 1:
            return self.loop(extents, body, carried, [*indices, zero])
        one, bound = self.index_constant(1), self.index_constant(extents[axis])

        def advance(place: SSAValue, inner: Sequence[SSAValue]) -> Sequence[SSAValue]:
            return self.loop(extents, body, inner, [*indices, place])

        return self.steps((zero, bound, one), advance, carried)

    def steps(
        self,
        bounds: tuple[SSAValue, SSAValue, SSAValue],
        body: Callable[[SSAValue, Sequence[SSAValue]], Sequence[SSAValue]],
        carried: Sequence[SSAValue] = (),
    ) -> Sequence[SSAValue]:
        """Emit a loop from a start to before an end, by a step."""
        types = [index, *(value.type for value in carried)]
        with self.region(types) as block:
            place, *inner = block.args
            self.insert(scf.YieldOp(*body(place, inner)))
        return self.insert(scf.ForOp(*bounds, list(carried), block)).results
