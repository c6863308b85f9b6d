"""Import a closed jaxpr into one function of scf, arith, math, complex and memref."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from jax.extend.core import ClosedJaxpr, Literal
from xdsl.builder import Builder
from xdsl.dialects import arith, complex, func, memref, scf
from xdsl.dialects.builtin import (
    BytesAttr,
    ComplexType,
    DenseIntOrFPElementsAttr,
    FloatAttr,
    IndexType,
    IntegerAttr,
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

from .arrays import (
    Buffer,
    Value,
    element_type,
    is_native,
    memref_type,
    storage_type,
)
from .jax_internals import DropVar, user_line, without_dead_code

Rule = Callable[..., Sequence[Value]]
OperationT = TypeVar("OperationT", bound=Operation)

RULES: dict[str, Rule] = {}
index = IndexType()


def rule(*names: str) -> Callable[[Rule], Rule]:
    """Register an import rule for the primitives of these names."""

    def register(function: Rule) -> Rule:
        for name in names:
            RULES[name] = function
        return function

    return register


def elementwise(*names: str) -> Callable[..., Callable[..., SSAValue]]:
    """Register a rule on scalars, applied to arrays element by element."""

    def register(scalar_rule: Callable[..., SSAValue]) -> Callable[..., SSAValue]:
        def array_rule(importer: "Importer", eqn: Any, *inputs: Value) -> list[Value]:
            def compute(*scalars: SSAValue) -> SSAValue:
                return scalar_rule(importer, eqn, *scalars)

            return [importer.map(eqn.outvars[0].aval, inputs, compute)]

        for name in names:
            RULES[name] = array_rule
        return scalar_rule

    return register


@dataclass(frozen=True)
class Imported:
    """An imported program and what its callers must know about it."""

    module: ModuleOp
    locations: list[str]
    native: dict[str, int]
    host: list[Any]


class Importer:
    """The state of one import: where to insert, and what is alive."""

    def __init__(self, name: str = "program") -> None:
        self.name = name
        self.module = ModuleOp([])
        self.block = Block()
        self.anchor: Operation | None = None
        self.frames: list[dict[Any, Value]] = []
        self.threads: list[SSAValue] = []
        self.extension: object = None
        self.flush: Callable[[], None] = lambda: None
        self.locations: list[str] = []
        self.enclosing: list[Any] = []
        self.native_primitives: dict[str, int] = {}
        self.host_records: list[Any] = []
        self._location_ids: dict[str, int] = {}
        self._constants: dict[Any, SSAValue] = {}
        self._globals: dict[bytes, tuple[SSAValue, Any]] = {}
        self._elements: dict[Any, SSAValue] = {}

    @property
    def host_calls(self) -> list[str]:
        """Return the names of the primitives that call back into JAX."""
        return [record.name for record in self.host_records]

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

    def index_constant(self, value: int) -> SSAValue:
        """Return a constant of index type."""
        key = ("index", value)
        if key not in self._constants:
            op = arith.ConstantOp(IntegerAttr(value, index))
            self._constants[key] = self._prologue(op)
        return self._constants[key]

    def scalar_constant(self, value: Any, dtype: Any) -> SSAValue:
        """Return a scalar constant of a numpy dtype."""
        number = np.asarray(value).astype(dtype)
        key = (str(dtype), number.tobytes())
        if key in self._constants:
            return self._constants[key]
        kind = element_type(dtype)
        if not is_native(dtype):
            number = number.view(f"i{number.dtype.itemsize}")
        if isinstance(kind, ComplexType):
            part = np.zeros((), dtype).real.dtype
            real = self.scalar_constant(number.real, part)
            imag = self.scalar_constant(number.imag, part)
            op: Operation = complex.CreateOp(real, imag, kind)
        elif number.dtype.kind == "f":
            op = arith.ConstantOp(FloatAttr(float(number), kind))
        else:
            width = kind.width.data
            raw = int(number) % (1 << width)
            signed = raw - (1 << width) if raw >> (width - 1) and width > 1 else raw
            op = arith.ConstantOp(IntegerAttr(signed, kind))
        self._constants[key] = self._prologue(op)
        return self._constants[key]

    def constant(self, value: Any) -> Value:
        """Return a value known at compile time."""
        array = np.asarray(value)
        return Value(array.shape, array.dtype, constant=array, cheap=True)

    def _global(self, array: np.ndarray[Any, Any]) -> tuple[SSAValue, Any]:
        array = np.ascontiguousarray(array)
        stored = array.view(np.int8) if array.dtype == np.bool_ else array
        key = f"{array.dtype}{array.shape}".encode() + stored.tobytes()
        if key not in self._globals:
            name = f"constant_{len(self._globals)}"
            kind = memref_type(array.shape, array.dtype)
            tensor = TensorType(kind.element_type, array.shape)
            data = DenseIntOrFPElementsAttr(tensor, BytesAttr(stored.tobytes()))
            self.module.body.block.add_op(
                memref.GlobalOp.get(
                    StringAttr(name), kind, data, StringAttr("private"), constant=UnitAttr()
                )
            )
            ssa = self._prologue(memref.GetGlobalOp(name, kind))
            self._globals[key] = (ssa, Buffer(writable=False))
        return self._globals[key]

    def invalidate(self) -> None:
        """Forget the elements read so far, because memory has changed."""
        self._elements.clear()

    # Reading values

    def scalar(self, value: Value) -> SSAValue:
        """Return a rank-0 value as an SSA scalar."""
        if value.ssa is None:
            assert value.constant is not None
            return self.scalar_constant(value.constant, value.dtype)
        return value.ssa

    def element(self, value: Value, indices: Sequence[SSAValue]) -> SSAValue:
        """Return one element of a value as an SSA scalar."""
        if not value.shape:
            return self.scalar(value)
        key = (value, tuple(indices))
        found = self._elements.get(key)
        if found is None:
            found = self._read(value, indices)
            self._elements[key] = found
        return found

    def _read(self, value: Value, indices: Sequence[SSAValue]) -> SSAValue:
        if value.memref is None and value.constant is not None:
            flat = value.constant.reshape(-1)
            if flat.size and (flat == flat[0]).all():
                return self.scalar_constant(flat[0], value.dtype)
            self.buffer(value)
        if value.memref is not None:
            return self.load(value.memref, indices, value.dtype)
        assert value.element is not None
        return value.element(indices)

    def load(
        self, buffer: SSAValue, indices: Sequence[SSAValue], dtype: Any
    ) -> SSAValue:
        """Load one element from a buffer as an SSA scalar."""
        found = self.emit(memref.LoadOp.get(buffer, list(indices)))
        if dtype == np.bool_:
            return self.emit(arith.TruncIOp(found, i1))
        return found

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
        self.insert(memref.StoreOp.get(element, buffer, list(indices)))
        self._elements.clear()

    # Making values

    def from_scalar(self, ssa: SSAValue, aval: Any) -> Value:
        """Wrap an SSA scalar."""
        return Value((), aval.dtype, ssa=ssa)

    def from_buffer(
        self, buffer: SSAValue, aval: Any, owner: Buffer | None = None
    ) -> Value:
        """Wrap a contiguous row-major buffer."""
        shape = tuple(aval.shape)
        if not shape:
            return self.from_scalar(self.load(buffer, (), aval.dtype), aval)
        return Value(
            shape, aval.dtype, memref=buffer, buffer=owner or Buffer(), cheap=True
        )

    def lazy(
        self,
        aval: Any,
        inputs: Sequence[Value],
        element: Callable[[Sequence[SSAValue]], SSAValue],
        *,
        cheap: bool = False,
    ) -> Value:
        """Return an array whose elements are computed where they are read."""
        if not aval.shape:
            return self.from_scalar(element(()), aval)
        sources = frozenset[Buffer]().union(*(value.reads() for value in inputs))
        return Value(
            tuple(aval.shape), aval.dtype, element=element, sources=sources, cheap=cheap
        )

    def map(
        self,
        aval: Any,
        inputs: Sequence[Value],
        compute: Callable[..., SSAValue],
    ) -> Value:
        """Apply a function of scalars to values, element by element."""
        if not aval.shape:
            return self.from_scalar(compute(*map(self.scalar, inputs)), aval)

        shape = tuple(aval.shape)
        for value in inputs:
            if value.shape not in ((), shape) and value.is_lazy and not value.cheap:
                self.buffer(value)

        def element(indices: Sequence[SSAValue]) -> SSAValue:
            return compute(*(self._spread(v, shape, indices) for v in inputs))

        return self.lazy(aval, inputs, element)

    def _spread(
        self, value: Value, shape: tuple[int, ...], indices: Sequence[SSAValue]
    ) -> SSAValue:
        """Return the element of an operand whose axes of extent one are repeated."""
        if not value.shape or value.shape == shape:
            return self.element(value, indices)
        zero = self.index_constant(0)
        extents = zip(value.shape, indices, strict=True)
        return self.element(value, [zero if n == 1 else i for n, i in extents])

    # Buffers

    def allocate(self, shape: Sequence[int], dtype: Any) -> SSAValue:
        """Reserve memory in the workspace of the call."""
        kind = memref_type(shape, dtype)
        return self._prologue(
            memref.AllocOp.get(kind.element_type, 64, shape, layout=kind.layout)
        )

    def buffer(self, value: Value) -> SSAValue:
        """Return a contiguous row-major buffer that holds a value."""
        if not value.shape:
            target = self.allocate((), value.dtype)
            self.copy_into(value, target)
            return target
        if value.memref is None:
            if value.constant is not None:
                value.memref, value.buffer = self._global(value.constant)
            else:
                target = self.allocate(value.shape, value.dtype)
                self.copy_into(value, target)
                value.memref, value.buffer = target, Buffer()
        return value.memref

    def copy_into(self, value: Value, target: SSAValue) -> None:
        """Write the elements of a value into a buffer that it does not read."""
        if value.memref is not None and value.shape:
            self.insert(memref.CopyOp(value.memref, target))
            self._elements.clear()
            return

        def body(indices: list[SSAValue], _: Sequence[SSAValue]) -> list[SSAValue]:
            self.store(self.element(value, indices), target, indices, value.dtype)
            return []

        self.loop(value.shape, body)

    def view(
        self, buffer: SSAValue, offset: SSAValue | int, shape: Sequence[int]
    ) -> SSAValue:
        """Look at part of a buffer as a contiguous buffer of another shape."""
        kind = buffer.type
        assert isinstance(kind, MemRefType)
        strides = [int(np.prod(shape[axis + 1 :])) for axis in range(len(shape))]
        layout = StridedLayoutAttr(strides, None)
        result = MemRefType(
            kind.element_type, shape, *(() if offset == 0 else (layout,))
        )
        op = memref.ReinterpretCastOp.from_dynamic(
            buffer, [offset], list(shape), strides, result
        )
        return self.emit(op)

    def reads_elsewhere(self, value: Value) -> bool:
        """Return whether a value outside the current equation reads its buffer."""
        owner = value.buffer
        return (
            owner is None
            or not owner.writable
            or any(owner in v.reads() for f in self.frames for v in f.values())
        )

    # Loops and regions

    @contextmanager
    def region(self, arg_types: Sequence[Attribute] = ()) -> Iterator[Block]:
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
        extents: Sequence[int],
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
        types = [index, *(value.type for value in carried)]
        with self.region(types) as block:
            inner = self.loop(
                extents, body, block.args[1:], [*indices, block.args[0]]
            )
            self.insert(scf.YieldOp(*inner))
        one = self.index_constant(1)
        bound = self.index_constant(extents[axis])
        return self.insert(scf.ForOp(zero, bound, one, list(carried), block)).results

    @contextmanager
    def holding(self, values: Sequence[Value]) -> Iterator[None]:
        """Keep values alive, and so their buffers unchanged, inside a region."""
        self.frames.append(dict(enumerate(values)))
        try:
            yield
        finally:
            self.frames.pop()

    def settle(self, values: Sequence[Value]) -> None:
        """Compute values now, so that any region below may read them."""
        for value in values:
            if value.shape:
                self.buffer(value)
            else:
                self.scalar(value)

    # Walking a jaxpr

    def inline(self, closed: ClosedJaxpr, values: Sequence[Value]) -> list[Value]:
        """Import a closed jaxpr at the current position."""
        return self.evaluate(closed.jaxpr, closed.consts, values)

    def evaluate(
        self, jaxpr: Any, consts: Sequence[Any], values: Sequence[Value]
    ) -> list[Value]:
        """Import an open jaxpr at the current position."""
        env: dict[Any, Value] = dict(zip(jaxpr.invars, values, strict=True))
        for var, const in zip(jaxpr.constvars, consts, strict=True):
            env[var] = const if isinstance(const, Value) else self.constant(const)
        last, readers = _uses(jaxpr)
        for var in [v for v in env if v not in readers]:
            del env[var]
        self.frames.append(env)
        for position, eqn in enumerate(jaxpr.eqns):
            inputs = [self._operand(env, var) for var in eqn.invars]
            for var in eqn.invars:
                if not isinstance(var, Literal) and last[var] == position:
                    env.pop(var, None)
            for var, value in zip(eqn.outvars, self._apply(eqn, inputs), strict=True):
                if isinstance(var, DropVar) or var not in readers:
                    continue
                if value.is_lazy and not value.cheap and readers[var] > 1:
                    self.buffer(value)
                env[var] = value
        self.frames.pop()
        return [self._operand(env, var) for var in jaxpr.outvars]

    def _operand(self, env: dict[Any, Value], var: Any) -> Value:
        if isinstance(var, Literal):
            return self.constant(np.asarray(var.val, var.aval.dtype))
        return env[var]

    def _apply(self, eqn: Any, inputs: Sequence[Value]) -> Sequence[Value]:
        from .host_calls import host_call

        name = eqn.primitive.name
        found = RULES.get(name)
        avals = [var.aval for var in (*eqn.invars, *eqn.outvars)]
        if found is not None and all(is_native(aval.dtype) for aval in avals):
            self.enclosing.append(eqn)
            outputs = found(self, eqn, *inputs)
            self.enclosing.pop()
            if outputs is not NotImplemented:
                count = self.native_primitives.get(name, 0)
                self.native_primitives[name] = count + 1
                return outputs
        return host_call(self, eqn, *inputs)

    def location(self, eqn: Any) -> int:
        """Return the id of the user's line that an equation comes from."""
        lines = map(user_line, (eqn, *reversed(self.enclosing)))
        line = next(filter(None, lines), "unknown line")
        if line not in self._location_ids:
            self._location_ids[line] = len(self.locations)
            self.locations.append(line)
        return self._location_ids[line]


def _uses(jaxpr: Any) -> tuple[dict[Any, int], dict[Any, int]]:
    last: dict[Any, int] = {}
    readers: dict[Any, int] = {}
    for position, eqn in enumerate(jaxpr.eqns):
        for var in {v for v in eqn.invars if not isinstance(v, Literal)}:
            last[var] = position
            readers[var] = readers.get(var, 0) + 1
    for var in jaxpr.outvars:
        if not isinstance(var, Literal):
            last[var] = len(jaxpr.eqns)
            readers[var] = readers.get(var, 0) + 1
    return last, readers


def import_program(
    closed: ClosedJaxpr,
    *,
    name: str = "program",
    prepare: Callable[[Importer], None] = lambda _: None,
) -> Imported:
    """Import a closed jaxpr as one function that writes its results into buffers."""
    importer = Importer(name)
    prepare(importer)
    jaxpr = without_dead_code(closed.jaxpr)
    avals = [var.aval for var in (*jaxpr.invars, *jaxpr.outvars)]
    types = [memref_type(aval.shape, aval.dtype) for aval in avals]
    function = func.FuncOp(name, (types, []), Region(Block(arg_types=types)))
    importer.module.body.block.add_op(function)
    importer.block = function.body.block
    importer.anchor = importer.insert(arith.ConstantOp(IntegerAttr(0, index)))
    arguments = function.body.block.args
    inputs: list[Value] = []
    for aval, buffer in zip(avals, arguments[: len(jaxpr.invars)], strict=False):
        owner = Buffer(writable=False)
        inputs.append(importer.from_buffer(buffer, aval, owner))
    outputs = importer.evaluate(jaxpr, closed.consts, inputs)
    for value, target in zip(outputs, arguments[len(jaxpr.invars) :], strict=True):
        importer.copy_into(value, target)
    importer.insert(func.ReturnOp())
    return Imported(
        importer.module,
        importer.locations,
        importer.native_primitives,
        importer.host_records,
    )
