"""A small kernel language over llvmlite: values with operators, structured loops.

Mutable variables are stack slots that LLVM's optimiser turns into registers, so kernels
read like ordinary loops and need no phi nodes.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any

from llvmlite import binding, ir

from .target import initialize_native

Number = int | float
VOID: Any = ir.VoidType()
I1: Any = ir.IntType(1)
I8: Any = ir.IntType(8)
I32: Any = ir.IntType(32)
I64: Any = ir.IntType(64)
F32: Any = ir.FloatType()
F64: Any = ir.DoubleType()
PTR: Any = ir.PointerType()


def vector(element: Any, lanes: int) -> Any:
    """The vector type of `lanes` elements."""
    return ir.VectorType(element, lanes)


def array(element: Any, count: int) -> Any:
    """The type of `count` elements in memory."""
    return ir.ArrayType(element, count)


def integer(bits: int) -> Any:
    """The integer type of a width."""
    return ir.IntType(bits)


def constant(type_: Any, value: Number | Sequence[Number]) -> Any:
    """A constant; a number given for a vector type fills every lane."""
    if isinstance(type_, ir.VectorType) and isinstance(value, (int, float)):
        return ir.Constant(type_, [ir.Constant(type_.element, value)] * type_.count)
    if isinstance(value, (int, float)):
        return ir.Constant(type_, value)
    return ir.Constant(type_, [ir.Constant(type_.element, item) for item in value])


def mangled(type_: Any) -> str:
    """The spelling of a type inside an intrinsic's name."""
    if isinstance(type_, ir.VectorType):
        return f"v{type_.count}{mangled(type_.element)}"
    if isinstance(type_, ir.IntType):
        return f"i{type_.width}"
    return "f64" if type_ == F64 else "f32"


def is_float(type_: Any) -> bool:
    """Whether a scalar or vector type holds floating-point numbers."""
    element = type_.element if isinstance(type_, ir.VectorType) else type_
    return isinstance(element, (ir.FloatType, ir.DoubleType))


class Value:
    """An SSA value with Python operators; integers compare signed, shift logically."""

    def __init__(self, body: Body, raw: Any) -> None:
        self.body = body
        self.raw = raw

    @property
    def type(self) -> Any:
        """Its LLVM type."""
        return self.raw.type

    def _binary(self, other: Operand, on_int: str, on_float: str = "") -> Value:
        right = self.body.coerce(other, self.type)
        name = on_float if is_float(self.type) else on_int
        return Value(self.body, getattr(self.body.builder, name)(self.raw, right.raw))

    def _compare(self, other: Operand, sign: str) -> Value:
        right, builder = self.body.coerce(other, self.type), self.body.builder
        if is_float(self.type):
            return Value(self.body, builder.fcmp_ordered(sign, self.raw, right.raw))
        return Value(self.body, builder.icmp_signed(sign, self.raw, right.raw))

    def __add__(self, other: Operand) -> Value:
        return self._binary(other, "add", "fadd")

    def __sub__(self, other: Operand) -> Value:
        return self._binary(other, "sub", "fsub")

    def __mul__(self, other: Operand) -> Value:
        return self._binary(other, "mul", "fmul")

    def __truediv__(self, other: Operand) -> Value:
        return self._binary(other, "udiv", "fdiv")

    def __mod__(self, other: Operand) -> Value:
        return self._binary(other, "urem")

    def __and__(self, other: Operand) -> Value:
        return self._binary(other, "and_")

    def __or__(self, other: Operand) -> Value:
        return self._binary(other, "or_")

    def __xor__(self, other: Operand) -> Value:
        return self._binary(other, "xor")

    def __lshift__(self, other: Operand) -> Value:
        return self._binary(other, "shl")

    def __rshift__(self, other: Operand) -> Value:
        return self._binary(other, "lshr")

    def __invert__(self) -> Value:
        return self ^ (1 if self.type == I1 else -1)

    def __neg__(self) -> Value:
        builder = self.body.builder
        raw = builder.fneg(self.raw) if is_float(self.type) else builder.neg(self.raw)
        return Value(self.body, raw)

    def __lt__(self, other: Operand) -> Value:
        return self._compare(other, "<")

    def __le__(self, other: Operand) -> Value:
        return self._compare(other, "<=")

    def __gt__(self, other: Operand) -> Value:
        return self._compare(other, ">")

    def __ge__(self, other: Operand) -> Value:
        return self._compare(other, ">=")

    def eq(self, other: Operand) -> Value:
        """Equality, as i1."""
        return self._compare(other, "==")

    def ne(self, other: Operand) -> Value:
        """Inequality, as i1."""
        return self._compare(other, "!=")

    def ne_null(self) -> Value:
        """Whether a pointer points at something."""
        return self.ne(self.body.null())


Operand = Value | int | float


class Variable:
    """A mutable variable."""

    def __init__(self, body: Body, type_: Any) -> None:
        self.body = body
        self.type = type_
        self.slot = body.stack(type_)

    def get(self) -> Value:
        """The present value."""
        return self.body.load(self.type, self.slot)

    def set(self, value: Operand) -> None:
        """Replace the value."""
        self.body.store(self.body.coerce(value, self.type), self.slot)

    def add(self, value: Operand) -> None:
        """Increase the value."""
        self.set(self.get() + value)


class Body:
    """The body of one function under construction."""

    def __init__(self, function: Any) -> None:
        self.function = function
        self.entry = function.append_basic_block("entry")
        self.builder: Any = ir.IRBuilder(function.append_basic_block("body"))
        self.args = tuple(Value(self, argument) for argument in function.args)

    def finish(self, result: Operand | None = None) -> None:
        """End the function, returning `result`, and close its entry block."""
        self.leave(result)
        ir.IRBuilder(self.entry).branch(self.function.blocks[1])

    def leave(self, result: Operand | None = None) -> None:
        """Return from the function here."""
        if result is None:
            self.builder.ret_void()
        else:
            type_ = self.function.function_type.return_type
            self.builder.ret(self.coerce(result, type_).raw)

    def exit(self, result: Operand | None = None) -> None:
        """Return from the function here; code that follows is never reached."""
        self.leave(result)
        self.builder.position_at_end(self.function.append_basic_block("dead"))

    def leave_if(self, condition: Value, result: Operand | None = None) -> None:
        """Return from the function when `condition` holds."""
        with self.when(condition):
            self.exit(result)

    def coerce(self, value: Operand, type_: Any) -> Value:
        """`value` as a Value; Python numbers become constants of `type_`."""
        if isinstance(value, Value):
            return value
        return Value(self, constant(type_, value))

    def int(self, value: int) -> Value:
        """A 64-bit integer constant."""
        return self.coerce(value, I64)

    def real(self, value: float) -> Value:
        """A double constant."""
        return self.coerce(float(value), F64)

    def lanes(self, element: Any, values: Sequence[Number]) -> Value:
        """A constant vector."""
        return Value(self, constant(vector(element, len(values)), values))

    def null(self) -> Value:
        """The null pointer."""
        return Value(self, ir.Constant(PTR, None))

    def stack(self, type_: Any, count: int = 1, align: int = 0) -> Value:
        """Memory of the function's frame, for `count` items."""
        slot: Any = ir.IRBuilder(self.entry).alloca(type_, size=count)
        slot.align = align or None
        slot.type = PTR
        return Value(self, slot)

    def var(self, initial: Operand, type_: Any = I64) -> Variable:
        """A mutable variable; Python numbers take `type_`."""
        value = self.coerce(initial, type_)
        variable = Variable(self, value.type)
        variable.set(value)
        return variable

    def at(self, pointer: Value, index: Operand, type_: Any = I8) -> Value:
        """The address of item `index` behind `pointer`."""
        offset = self.coerce(index, I64).raw
        raw = self.builder.gep(pointer.raw, [offset], source_etype=type_)
        return Value(self, raw)

    def load(self, type_: Any, pointer: Value, index: Operand | None = None) -> Value:
        """Read item `index` behind `pointer`."""
        place = pointer if index is None else self.at(pointer, index, type_)
        return Value(self, self.builder.load(place.raw, typ=type_))

    def store(self, value: Value, pointer: Value, index: Operand | None = None) -> None:
        """Write item `index` behind `pointer`."""
        place = pointer if index is None else self.at(pointer, index, value.type)
        self.builder.store(value.raw, place.raw)

    def call(self, name: str, result: Any, *args: Value) -> Value:
        """Call a function by name, declaring it on first use."""
        module = self.function.module
        callee = module.globals.get(name)
        if callee is None:
            type_ = ir.FunctionType(result, [argument.type for argument in args])
            callee = ir.Function(module, type_, name)
        return Value(
            self, self.builder.call(callee, [argument.raw for argument in args])
        )

    def call_pointer(self, pointer: Value, result: Any, *args: Value) -> Value:
        """Call a function by its address."""
        type_ = ir.FunctionType(result, [argument.type for argument in args])
        callee: Any = _Callee(pointer.raw, type_)
        return Value(self, self.builder.call(callee, [each.raw for each in args]))

    def intrinsic(self, name: str, *args: Value) -> Value:
        """Call an LLVM intrinsic overloaded on the type of its first argument."""
        type_ = args[0].type
        return self.call(f"llvm.{name}.{mangled(type_)}", type_, *args)

    def fma(self, a: Value, b: Value, c: Value) -> Value:
        """a*b + c, fused where the machine does it in one instruction."""
        return self.intrinsic("fmuladd", a, b, c)

    def count_ones(self, value: Value) -> Value:
        """Number of set bits."""
        return self.intrinsic("ctpop", value)

    def select(
        self, condition: Value, yes: Operand, no: Operand, type_: Any = I64
    ) -> Value:
        """`yes` where the condition holds, `no` elsewhere."""
        if isinstance(yes, Value):
            type_ = yes.type
        elif isinstance(no, Value):
            type_ = no.type
        left, right = self.coerce(yes, type_), self.coerce(no, type_)
        return Value(self, self.builder.select(condition.raw, left.raw, right.raw))

    def shuffle(self, a: Value, b: Value, lanes: Sequence[int]) -> Value:
        """Lanes picked from a (0..) and then b."""
        mask = constant(vector(I32, len(lanes)), list(lanes))
        return Value(self, self.builder.shuffle_vector(a.raw, b.raw, mask))

    def barrier(self) -> None:
        """Let no read or write of memory change places with those before."""
        type_ = ir.FunctionType(VOID, [])
        self.builder.asm(type_, "", "~{memory}", [], side_effect=True)

    def splat(self, value: Value, lanes: int) -> Value:
        """A vector with `value` in every lane."""
        type_ = vector(value.type, lanes)
        empty = ir.Constant(type_, ir.Undefined)
        one = Value(self, self.builder.insert_element(empty, value.raw, I32(0)))
        return self.shuffle(one, one, [0] * lanes)

    def convert(self, value: Value, type_: Any) -> Value:
        """The same number in another width; integers to floats are signed."""
        if value.type == type_:
            return value
        wide, narrow = self._width(type_), self._width(value.type)
        if is_float(value.type):
            name = (
                ("fpext" if wide > narrow else "fptrunc")
                if is_float(type_)
                else "fptosi"
            )
        elif is_float(type_):
            name = "sitofp"
        else:
            signed = "zext" if narrow == 1 else "sext"
            name = signed if wide > narrow else "trunc"
        return Value(self, getattr(self.builder, name)(value.raw, type_))

    @staticmethod
    def _width(type_: Any) -> int:
        element = type_.element if isinstance(type_, ir.VectorType) else type_
        return (
            element.width
            if isinstance(element, ir.IntType)
            else (64 if element == F64 else 32)
        )

    @contextmanager
    def loop(
        self, count: Operand, start: Operand = 0, step: int = 1
    ) -> Generator[Value]:
        """A loop over start, start+step, ... below `count`."""
        index = self.var(start)
        with self.repeat_while(lambda: index.get() < count):
            value = index.get()
            yield value
            index.set(value + step)

    @contextmanager
    def repeat_while(self, condition: Any) -> Generator[None]:
        """A loop that runs as long as `condition()` gives a true i1."""
        body, after = (
            self.function.append_basic_block(name) for name in ("loop", "after")
        )
        # The test stands once before and once at the end: no extra jump per turn.
        self.builder.cbranch(condition().raw, body, after)
        self.builder.position_at_end(body)
        yield
        self.builder.cbranch(condition().raw, body, after)
        self.builder.position_at_end(after)

    @contextmanager
    def when(self, condition: Value) -> Generator[None]:
        """Code that runs if `condition` holds."""
        body, after = (
            self.function.append_basic_block(name) for name in ("then", "after")
        )
        self.builder.cbranch(condition.raw, body, after)
        self.builder.position_at_end(body)
        yield
        self.builder.branch(after)
        self.builder.position_at_end(after)

    def switch(self, value: Value, cases: Sequence[Any]) -> None:
        """Run `cases[value]()`; other values run nothing."""
        blocks = [self.function.append_basic_block("case") for _ in cases]
        after = self.function.append_basic_block("after")
        table = self.builder.switch(value.raw, after)
        for number, (block, case) in enumerate(zip(blocks, cases, strict=True)):
            table.add_case(constant(value.type, number), block)
            self.builder.position_at_end(block)
            case()
            self.builder.branch(after)
        self.builder.position_at_end(after)


class _Callee:
    """A pointer that is called as a function of some type."""

    def __init__(self, pointer: Any, type_: Any) -> None:
        self.pointer, self.function_type = pointer, type_
        self.type = pointer.type

    def get_reference(self) -> str:
        """How the pointer is written."""
        return self.pointer.get_reference()


class Module:
    """An LLVM module under construction."""

    def __init__(self, name: str) -> None:
        initialize_native()
        self.raw: Any = ir.Module(name)
        self.raw.triple = binding.get_process_triple()

    def function(
        self, name: str, result: Any, *args: Any, private: bool = False
    ) -> Body:
        """Begin a function with the given result and argument types."""
        raw = self.raw.globals.get(name)
        if raw is None:
            raw = ir.Function(self.raw, ir.FunctionType(result, args), name)
        raw.attributes.add("nounwind")
        if private:
            raw.linkage = "internal"
        return Body(raw)

    def variable(self, name: str, type_: Any, initial: Any = None) -> Any:
        """A private global variable, zero unless `initial` is given."""
        variable: Any = ir.GlobalVariable(self.raw, type_, name)
        variable.linkage = "internal"
        variable.initializer = ir.Constant(type_, initial)
        variable.type = PTR
        return variable

    def text(self) -> str:
        """The module as LLVM assembly."""
        return str(self.raw)
