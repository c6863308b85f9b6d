"""Convert an imported module to the llvm dialect in one walk per function."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from xdsl.dialects import func, llvm
from xdsl.dialects.builtin import (
    BytesAttr,
    ComplexType,
    DenseIntOrFPElementsAttr,
    Float32Type,
    FloatAttr,
    IndexType,
    IntegerAttr,
    IntegerType,
    MemRefType,
    ModuleOp,
    TensorType,
    f64,
    i64,
)
from xdsl.ir import Attribute, Block, Operation, SSAValue

from qjit.lowering.analysis.cost_model import callees_first
from qjit.lowering.native.declarations import check_call, declaration
from qjit.runtime.abi.status import ALLOCATION_FAILED

LLVMRule = Callable[["Converter", Any], None]

LLVM_RULES: dict[type[Operation], LLVMRule] = {}
pointer_type = llvm.LLVMPointerType()
# NOTE: inside Converter, `int` is the method that makes constants.
Integer = int

# How a function begins that is given a value of such a type.
ARGUMENT_RULES: dict[type[Attribute], Callable[[Any, func.FuncOp, SSAValue], None]] = {}
TYPE_RULES: dict[type[Attribute], Callable[[Any], Attribute]] = {
    IndexType: lambda _: i64,
    MemRefType: lambda _: pointer_type,
    ComplexType: lambda kind: llvm.LLVMStructType.from_type_list(
        [kind.element_type, kind.element_type]
    ),
}

LARGEST_STACK = 1 << 16


def llvm_rule(*operations: type[Operation]) -> Callable[[LLVMRule], LLVMRule]:
    """Register a conversion rule for these operations."""

    def register(function: LLVMRule) -> LLVMRule:
        for operation in operations:
            LLVM_RULES[operation] = function
        return function

    return register


def convert_type(kind: Attribute) -> Attribute:
    """Return the llvm type of a value's type."""
    found = TYPE_RULES.get(type(kind))
    return kind if found is None else found(kind)


def size_of(kind: Attribute) -> int:
    """Return the bytes that one element takes in memory."""
    if isinstance(kind, ComplexType):
        return 2 * size_of(kind.element_type)
    if isinstance(kind, IntegerType):
        return max(1, kind.width.data // 8)
    return 4 if isinstance(kind, Float32Type) else 8


@dataclass
class Callee:
    """A function that others call, and what it needs from them."""

    workspace_bytes: int = 0
    needs_context: bool = False


class Converter:
    """The state of one function's conversion."""

    def __init__(self, module: ModuleOp, *, seed: Integer | None = None) -> None:
        """Start a function in a module, drawing random numbers from a seed."""
        self.module = module
        self.seed = seed
        self.entry = Block()
        self.prologue = Block()
        self.block = Block()
        self.blocks = [self.block]
        self.values: dict[SSAValue, SSAValue] = {}
        self.initial_data: dict[str, bytes] = {}
        self.callee: Callee | None = None
        self._workspaces: dict[Integer, SSAValue] = {}
        self.callees: dict[str, Callee] = {}
        self._declared: dict[str, llvm.LLVMFunctionType] = {}
        self.circuit_state: object = None
        self.iteration: SSAValue | None = None
        self._constants: dict[Any, SSAValue] = {}
        self._data: dict[bytes, str] = {}
        self._defined: set[str] = set()
        self._prologue_values: list[SSAValue | None] = []
        self._workspace: SSAValue | None = None
        self._workspace_bytes = 0
        self.places: dict[SSAValue, Integer] = {}
        self._chunks: SSAValue | None = None
        self._context: SSAValue | None = None
        self._failure: Block | None = None

    def fresh(self) -> "Converter":
        """Return the state of the next function's conversion in the same module."""
        other = Converter(self.module, seed=self.seed)
        other.initial_data = self.initial_data
        other.callees = self.callees
        other._declared, other._data = self._declared, self._data
        other._defined = self._defined
        return other

    # Values

    def value(self, ssa: SSAValue) -> SSAValue:
        """Return the llvm value that stands for an imported one."""
        return self.values[ssa]

    def bind(self, ssa: SSAValue, found: SSAValue) -> None:
        """Let an llvm value stand for an imported one."""
        self.values[ssa] = found

    def pointer(self, buffer: SSAValue) -> SSAValue:
        """Return the address of a buffer's first element."""
        return self.values[buffer]

    # Emission

    def insert(self, op: Operation) -> None:
        """Append an operation to the current block."""
        self.block.add_op(op)

    def emit(self, op: Operation) -> SSAValue:
        """Append an operation and return its only result."""
        self.block.add_op(op)
        return op.results[0]

    def emit_at_entry(self, op: Operation) -> SSAValue:
        """Append an operation to the entry block and return its result."""
        self.entry.add_op(op)
        return op.results[0]

    def constant(self, attribute: Attribute, kind: Attribute) -> SSAValue:
        """Return a constant, made once per function."""
        # NOTE: xDSL holds 0.0 and -0.0 equal.
        sign = (
            math.copysign(1, attribute.value.data)
            if isinstance(attribute, FloatAttr)
            else 1
        )
        key = (attribute, kind, sign)
        if key not in self._constants:
            op = llvm.ConstantOp(attribute, kind)
            self._constants[key] = self.emit_at_entry(op)
        return self._constants[key]

    def int(self, value: Integer, bits: Integer = 64) -> SSAValue:
        """Return an integer constant."""
        return self.constant(IntegerAttr(value, bits), IntegerType(bits))

    def double(self, value: float) -> SSAValue:
        """Return a double constant."""
        return self.constant(FloatAttr(value, f64), f64)

    def null(self) -> SSAValue:
        """Return the null pointer."""
        if "null" not in self._constants:
            self._constants["null"] = self.emit_at_entry(
                llvm.ZeroOp(result_types=[pointer_type])
            )
        return self._constants["null"]

    def compare(self, x: SSAValue, y: SSAValue, name: str) -> SSAValue:
        """Compare integers by a predicate of LLVM."""
        predicate = IntegerAttr(llvm.ICmpPredicateFlag(name).to_int(), i64)
        return self.emit(llvm.ICmpOp(x, y, predicate))

    def is_null(self, pointer: SSAValue) -> SSAValue:
        """Tell whether a pointer is null."""
        address = self.emit(llvm.PtrToIntOp(pointer, i64))
        return self.compare(address, self.int(0), "eq")

    def declare(
        self, symbol: str, result: Attribute | None, types: Sequence[Attribute]
    ) -> None:
        """Declare an external function on first use, those of the ABI by its table."""
        called = llvm.LLVMFunctionType(list(types), result)
        if symbol not in self._declared:
            self._declared[symbol] = known = declaration(symbol) or called
            op = llvm.FuncOp(symbol, known, llvm.LinkageAttr("external"))
            self.module.body.block.add_op(op)
        check_call(symbol, called, self._declared[symbol])

    def define(self, symbol: str, op: Operation) -> None:
        """Add what defines a symbol to the module on first use."""
        if symbol not in self._defined:
            self._defined.add(symbol)
            self.module.body.block.add_op(op)

    def call(
        self, symbol: str, result: Attribute | None, args: Sequence[SSAValue]
    ) -> SSAValue | None:
        """Call an external function with llvm values."""
        self.declare(symbol, result, [arg.type for arg in args])
        op = llvm.CallOp(symbol, *args, return_type=result)
        self.insert(op)
        return op.returned

    def result(
        self, symbol: str, result: Attribute, args: Sequence[SSAValue]
    ) -> SSAValue:
        """Call an external function that returns a value."""
        found = self.call(symbol, result, args)
        assert found is not None
        return found

    def pointer_array(self, pointers: Sequence[SSAValue]) -> SSAValue:
        """Return the address of addresses, on the stack."""
        array = self.stack(max(8, 8 * len(pointers)))
        for place, address in enumerate(pointers):
            self.store(address, self.offset(array, place, pointer_type))
        return array

    def intrinsic(
        self, name: str, result: Attribute, args: Sequence[SSAValue]
    ) -> SSAValue:
        """Call an LLVM intrinsic by its full name."""
        return self.emit(llvm.CallIntrinsicOp(name, list(args), [result]))

    def offset(
        self, base: SSAValue, position: SSAValue | Integer, kind: Attribute
    ) -> SSAValue:
        """Return the address of an element some positions after another."""
        return self.emit(llvm.GEPOp.from_mixed_indices(base, [position], kind))

    def load(self, address: SSAValue, kind: Attribute) -> SSAValue:
        """Load a value of an llvm type."""
        return self.emit(llvm.LoadOp(address, kind))

    def store(self, value: SSAValue, address: SSAValue) -> None:
        """Store a value."""
        self.insert(llvm.StoreOp(value, address))

    # Memory

    def global_data(self, array: np.ndarray[Any, Any]) -> SSAValue:
        """Return the address of a constant array."""
        return self.global_bytes(np.ascontiguousarray(array).tobytes())

    def global_bytes(self, data: bytes) -> SSAValue:
        """Return the address of constant bytes, aligned to eight."""
        if data not in self._data:
            name = f"data_{len(self._data)}"
            self._data[data] = name
            whole = data + b"\0" * (-len(data) % 8 or 8 * (not data))
            kind = TensorType(i64, [len(whole) // 8])
            array = llvm.LLVMArrayType(len(whole) // 8, i64)
            value = DenseIntOrFPElementsAttr(kind, BytesAttr(whole))
            self.module.body.block.insert_op_before(
                llvm.GlobalOp(array, name, "internal", constant=True, value=value),
                self.function,
            )
        name = self._data[data]
        if name not in self._constants:
            address = llvm.AddressOfOp(name, pointer_type)
            self._constants[name] = self.emit_at_entry(address)
        return self._constants[name]

    def stack(self, size: Integer | Attribute) -> SSAValue:
        """Reserve stack memory, given in bytes or as an llvm type."""
        kind = (
            llvm.LLVMArrayType(size, IntegerType(8))
            if isinstance(size, Integer)
            else size
        )
        memory = self.emit_at_entry(llvm.AllocaOp(self.int(1), kind, alignment=64))
        return self._into_prologue(memory)

    def _into_prologue(self, memory: SSAValue | None) -> SSAValue:
        """Pass a pointer on to the prologue, where it has no element type."""
        self._prologue_values.append(memory)
        return self.prologue.insert_arg(pointer_type, len(self.prologue.args))

    def workspace(self, size: Integer) -> SSAValue:
        """Reserve memory for the whole call, aligned to 64 bytes."""
        return self.workspace_at(self.reserve(size))

    def reserve(self, size: Integer) -> Integer:
        """Reserve memory for the whole call and return where in the workspace."""
        start = self._workspace_bytes
        self._workspace_bytes += -(-size // 64) * 64
        return start

    def workspace_at(self, start: Integer) -> SSAValue:
        """Return the address of a place in the workspace."""
        if self._workspace is None:
            self._workspace = self._into_prologue(None)
        op = llvm.GEPOp(self._workspace, [start], IntegerType(8))
        self.prologue.add_op(op)
        return op.result

    def workspace_for(self, callee: "Callee") -> SSAValue:
        """Return the workspace of a function, which all its calls share."""
        if id(callee) not in self._workspaces:
            self._workspaces[id(callee)] = self.workspace(callee.workspace_bytes)
        return self._workspaces[id(callee)]

    def heap(self, size: SSAValue) -> SSAValue:
        """Reserve memory of a computed size until the call ends, aligned to 64 bytes.

        The chunks of a call form a list, each with the address of the one before.
        """
        if self._chunks is None:
            self._chunks = self.stack(pointer_type)
            self.prologue.add_op(llvm.StoreOp(self.null(), self._chunks))
        grown = self.emit(llvm.AddOp(size, self.int(127)))
        padded = self.emit(llvm.AndOp(grown, self.int(-64)))
        chunk = self.result("aligned_alloc", pointer_type, [self.int(64), padded])
        self.check_memory(chunk, ALLOCATION_FAILED)
        self.store(self.load(self._chunks, pointer_type), chunk)
        self.store(chunk, self._chunks)
        return self.offset(chunk, 64, IntegerType(8))

    def _free_chunks(self, chunks: SSAValue) -> None:
        head, body, done = self.new_block(), self.new_block(), self.new_block()
        self.branch(head)
        self.block = head
        chunk = self.load(chunks, pointer_type)
        last = self.is_null(chunk)
        self.branch_if(last, done, [], body, [])
        self.block = body
        self.store(self.load(chunk, pointer_type), chunks)
        self.call("free", None, [chunk])
        self.branch(head)
        self.block = done

    @property
    def context(self) -> SSAValue:
        """Return the runtime's context of this call."""
        if self._context is None and self.callee is not None:
            self.callee.needs_context = True
            self._context = self.entry.args[-1]
        if self._context is None:
            seed = self.int(0 if self.seed is None else self.seed)
            given = self.int(0 if self.seed is None else 1)
            outer, self.block = self.block, self.entry
            self._context = self.result(
                "__qrt__context_new", pointer_type, [seed, given]
            )
            self.block = outer
        return self._context

    # Control flow

    def new_block(self, arg_types: Sequence[Attribute] = ()) -> Block:
        """Make a block that a branch can lead to."""
        block = Block(arg_types=arg_types)
        self.blocks.append(block)
        return block

    def branch(self, target: Block, args: Sequence[SSAValue] = ()) -> None:
        """End the current block with a jump."""
        self.insert(llvm.BrOp(target, *args))

    def branch_if(
        self,
        condition: SSAValue,
        then: Block,
        then_args: Sequence[SSAValue],
        otherwise: Block,
        otherwise_args: Sequence[SSAValue],
    ) -> None:
        """End the current block with a conditional jump."""
        self.insert(
            llvm.CondBrOp(condition, then, then_args, otherwise, otherwise_args)
        )

    def check(self, status: SSAValue) -> None:
        """Leave the program with this status unless it is zero."""
        if self._failure is None:
            self._failure = Block(arg_types=[i64])
        following = self.new_block()
        succeeded = self.compare(status, self.int(0), "eq")
        self.branch_if(succeeded, following, [], self._failure, [status])
        self.block = following

    def check_memory(self, memory: SSAValue, status: Integer) -> None:
        """Leave the program with this status where memory was not given."""
        missing = self.emit(llvm.ZExtOp(self.is_null(memory), i64))
        self.check(self.emit(llvm.MulOp(missing, self.int(status))))

    def convert_block(self, block: Block) -> Operation | None:
        """Convert a block's operations but its terminator, which is returned."""
        for op in block.ops:
            found = LLVM_RULES.get(type(op))
            if found is not None:
                found(self, op)
            elif op.next_op is None:
                return op
            else:
                raise NotImplementedError(f"No conversion to llvm for {op.name}.")
        return None

    # Functions

    def convert_function(self, function: func.FuncOp) -> None:
        """Convert a function without results of its own into one that returns a status.

        A private function takes its workspace and the runtime's context from the one
        that calls it.
        """
        source = function.body.block
        types = [convert_type(arg.type) for arg in source.args]
        self.callee = None
        if function.sym_visibility is not None:
            self.callee = Callee()
            self.callees[function.sym_name.data] = self.callee
            types += [pointer_type, pointer_type]
        self.entry = Block(arg_types=types)
        kind = llvm.LLVMFunctionType(types, i64)
        linkage = llvm.LinkageAttr("internal" if self.callee else "external")
        self.function = llvm.FuncOp(function.sym_name.data, kind, linkage)
        self.module.body.block.add_op(self.function)
        self.values.update(zip(source.args, self.entry.args, strict=False))
        for argument in source.args:
            if type(argument.type) in ARGUMENT_RULES:
                ARGUMENT_RULES[type(argument.type)](self, function, argument)
        body = self.block
        self.convert_block(source)
        self._leave(self.int(0))
        self._finish(body)

    def _leave(self, status: SSAValue) -> None:
        if self._chunks is not None:
            self._free_chunks(self._chunks)
        if self.callee is None:
            self._release()
        self.insert(llvm.ReturnOp(status))

    def _release(self) -> None:
        if self._context is not None:
            self.call("__qrt__context_free", None, [self._context])
        if self._workspace_bytes > LARGEST_STACK:
            assert self._workspace is not None
            self.call("free", None, [self._workspace])

    def _finish(self, body: Block) -> None:
        if self._failure is not None:
            self.block = self._failure
            self.blocks.append(self._failure)
            self._leave(self._failure.args[0])
        self.block = self.entry
        passed = [v or self._workspace_memory() for v in self._prologue_values]
        self.branch(self.prologue, passed)
        self.block = self.prologue
        self.branch(body)
        for block in (self.entry, self.prologue, *self.blocks):
            self.function.body.add_block(block)

    def _workspace_memory(self) -> SSAValue:
        if self.callee is not None:
            self.callee.workspace_bytes = self._workspace_bytes
            return self.entry.args[-2]
        if self._workspace_bytes <= LARGEST_STACK:
            kind = llvm.LLVMArrayType(self._workspace_bytes, IntegerType(8))
            return self.emit(llvm.AllocaOp(self.int(1), kind, alignment=64))
        size = self.int(self._workspace_bytes)
        memory = self.result("aligned_alloc", pointer_type, [self.int(64), size])
        missing, status = self.is_null(memory), self.int(ALLOCATION_FAILED)
        refusal, following = self.new_block(), self.new_block()
        self.branch_if(missing, refusal, [], following, [])
        self.block = refusal
        if self._context is not None:
            self.call("__qrt__context_free", None, [self._context])
        self.insert(llvm.ReturnOp(status))
        self.block = following
        return memory


def convert_to_llvm(module: ModuleOp, *, seed: int | None = None) -> ModuleOp:
    """Return a module of the llvm dialect for an imported one."""
    converter = Converter(ModuleOp([]), seed=seed)
    functions = [op for op in module.ops if isinstance(op, func.FuncOp)]
    for op in module.ops:
        if not isinstance(op, func.FuncOp):
            LLVM_RULES[type(op)](converter, op)
    for function in callees_first(functions):
        converter.fresh().convert_function(function)
    return converter.module
