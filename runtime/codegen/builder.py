"""A small kernel language that writes LLVM assembly: values with operators, loops.

Mutable variables are stack slots that LLVM's optimiser turns into registers, so kernels
read like ordinary loops and need no phi nodes.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import Any

from llvmlite import binding

from .types import F32 as F32
from .types import F64, I1, I8, I32, I64, PTR, VOID, Number, Type, constant, vector
from .types import array as array
from .types import integer as integer
from .values import Operand, Value, Variable


class Body:
    """The body of one function under construction."""

    def __init__(
        self, module: Module, name: str, result: Type, given: Sequence[Type], line: str
    ) -> None:
        self.module, self.name, self.result = module, name, result
        self.args = tuple(
            Value(self, type_, f"%a{place}") for place, type_ in enumerate(given)
        )
        arguments = ", ".join(f"{each.type.text} {each.text}" for each in self.args)
        self._first = f"{line}({arguments}) nounwind {{"
        self._frame: list[str] = []  # what is allocated
        self._blocks: list[list[str]] = []
        self._number = 0
        self.begin(self.block("body"))

    def emit(self, type_: Type, operation: str) -> Value:
        """Write an operation that has a result, which is another one every time."""
        self._number += 1
        name = f"%v{self._number}"
        self._lines.append(f"  {name} = {operation}")
        return Value(self, type_, name)

    def compute(self, type_: Type, operation: str) -> Value:
        """Write an operation whose result depends on its operands only, or find it."""
        found = self._known.get(operation)
        if found is None:
            found = self._known[operation] = self.emit(type_, operation)
        return found

    def write(self, operation: str) -> None:
        """Write an operation that has no result."""
        self._lines.append(f"  {operation}")

    def block(self, name: str) -> str:
        """The label of a new block."""
        self._number += 1
        return f"{name}{self._number}"

    def begin(self, label: str) -> None:
        """Go on with the block of a label."""
        self._lines = [f"{label}:"]
        self._blocks.append(self._lines)
        self._known = dict[str, Value]()  # what this block has computed

    def jump(self, label: str) -> None:
        """Go to a block."""
        self.write(f"br label %{label}")

    def branch(self, condition: Value, yes: str, no: str) -> None:
        """Go to one of two blocks."""
        self.write(f"br i1 {condition.text}, label %{yes}, label %{no}")

    def lines(self) -> Generator[str]:
        """The lines of the function."""
        yield self._first
        yield "entry:"
        yield from self._frame
        yield f"  br label %{self._blocks[0][0][:-1]}"
        for block in self._blocks:
            yield from block
        yield "}"

    def finish(self, result: Operand | None = None) -> None:
        """End the function, returning `result`."""
        self.leave(result)

    def leave(self, result: Operand | None = None) -> None:
        """Return from the function here."""
        if result is None:
            self.write("ret void")
        else:
            value = self.coerce(result, self.result)
            self.write(f"ret {value.type.text} {value.text}")

    def exit(self, result: Operand | None = None) -> None:
        """Return from the function here; code that follows is never reached."""
        self.leave(result)
        self.begin(self.block("dead"))

    def leave_if(self, condition: Value, result: Operand | None = None) -> None:
        """Return from the function when `condition` holds."""
        with self.when(condition):
            self.exit(result)

    def coerce(self, value: Operand, type_: Type) -> Value:
        """`value` as a Value; Python numbers become constants of `type_`."""
        if isinstance(value, Value):
            return value
        return Value(self, type_, constant(type_, value))

    def int(self, value: int) -> Value:
        """A 64-bit integer constant."""
        return self.coerce(value, I64)

    def real(self, value: float) -> Value:
        """A double constant."""
        return self.coerce(float(value), F64)

    def lanes(self, element: Type, values: Sequence[Number]) -> Value:
        """A constant vector."""
        type_ = vector(element, len(values))
        return Value(self, type_, constant(type_, values))

    def null(self) -> Value:
        """The null pointer."""
        return Value(self, PTR, "null")

    def address(self, name: str) -> Value:
        """The address of a function or variable of the module, by its name."""
        return Value(self, PTR, f'@"{name}"')

    def stack(self, type_: Type, count: int = 1, align: int = 0) -> Value:
        """Memory of the function's frame, for `count` items."""
        self._number += 1
        name, aligned = f"%s{self._number}", f", align {align}" if align else ""
        line = f"  {name} = alloca {type_.text}, i32 {count}{aligned}"
        self._frame.append(line)
        return Value(self, PTR, name)

    def var(self, initial: Operand, type_: Type = I64) -> Variable:
        """A mutable variable; Python numbers take `type_`."""
        value = self.coerce(initial, type_)
        variable = Variable(self, value.type)
        variable.set(value)
        return variable

    def at(self, pointer: Value, index: Operand, type_: Type = I8) -> Value:
        """The address of item `index` behind `pointer`."""
        if isinstance(index, int) and not index:
            return pointer
        offset = self.coerce(index, I64)
        return self.compute(
            PTR,
            f"getelementptr {type_.text}, ptr {pointer.text}, "
            f"{offset.type.text} {offset.text}",
        )

    def load(
        self,
        type_: Type,
        pointer: Value,
        index: Operand | None = None,
        *,
        align: int = 0,
    ) -> Value:
        """Read item `index` behind `pointer`."""
        place = pointer if index is None else self.at(pointer, index, type_)
        aligned = f", align {align}" if align else ""
        return self.emit(type_, f"load {type_.text}, ptr {place.text}{aligned}")

    def store(
        self,
        value: Value,
        pointer: Value,
        index: Operand | None = None,
        *,
        align: int = 0,
    ) -> None:
        """Write item `index` behind `pointer`."""
        place = pointer if index is None else self.at(pointer, index, value.type)
        aligned = f", align {align}" if align else ""
        self.write(f"store {value.type.text} {value.text}, ptr {place.text}{aligned}")

    def atomic(self, operation: str, place: Value, value: Value, order: str) -> Value:
        """Change a word in memory at once; what it was."""
        given = f"{value.type.text} {value.text}"
        line = f"atomicrmw {operation} ptr {place.text}, {given} {order}"
        return self.emit(value.type, line)

    def call(self, name: str, result: Type, *args: Value) -> Value:
        """Call a function by name, declaring it on first use."""
        return self._called(self._line(name, result, args), result)

    def call_pointer(self, pointer: Value, result: Type, *args: Value) -> Value:
        """Call a function by its address."""
        return self._called(_call(pointer.text, result, args), result)

    def _line(self, name: str, result: Type, args: Sequence[Value]) -> str:
        self.module.declare(name, result, tuple([argument.type for argument in args]))
        return _call(f'@"{name}"', result, args)

    def _called(self, line: str, result: Type) -> Value:
        if result is not VOID:
            return self.emit(result, line)
        self.write(line)
        return Value(self, VOID, "")

    def intrinsic(self, name: str, *args: Value) -> Value:
        """Call an LLVM intrinsic overloaded on the type of its first argument."""
        type_ = args[0].type
        line = self._line(f"llvm.{name}.{type_.mangled}", type_, args)
        return self.compute(type_, line)

    def fma(self, a: Value, b: Value, c: Value) -> Value:
        """a*b + c, fused where the machine does it in one instruction."""
        return self.intrinsic("fmuladd", a, b, c)

    def count_ones(self, value: Value) -> Value:
        """Number of set bits."""
        return self.intrinsic("ctpop", value)

    def leading_zeros(self, value: Value) -> Value:
        """Number of zeros above the highest set bit."""
        return self.intrinsic("ctlz", value, self.coerce(0, I1))

    def trailing_zeros(self, value: Value) -> Value:
        """Number of zeros below the lowest set bit."""
        return self.intrinsic("cttz", value, self.coerce(0, I1))

    def select(
        self, condition: Value, yes: Operand, no: Operand, type_: Type = I64
    ) -> Value:
        """`yes` where the condition holds, `no` elsewhere."""
        if isinstance(yes, Value):
            type_ = yes.type
        elif isinstance(no, Value):
            type_ = no.type
        left, right = self.coerce(yes, type_), self.coerce(no, type_)
        return self.compute(
            type_,
            f"select {condition.type.text} {condition.text}, "
            f"{type_.text} {left.text}, {type_.text} {right.text}",
        )

    def lane(self, value: Value, number: int) -> Value:
        """One lane of a vector."""
        element = value.type.element
        assert element is not None
        given = f"{value.type.text} {value.text}, i32 {number}"
        return self.compute(element, f"extractelement {given}")

    def shuffle(self, a: Value, b: Value, lanes: Sequence[int]) -> Value:
        """Lanes picked from a (0..) and then b."""
        element, kind = a.type.element, vector(I32, len(lanes))
        assert element is not None
        return self.compute(
            vector(element, len(lanes)),
            f"shufflevector {a.type.text} {a.text}, {b.type.text} {b.text}, "
            f"{kind.text} {constant(kind, lanes)}",
        )

    def barrier(self) -> None:
        """Let no read or write of memory change places with those before."""
        self.write('call void asm sideeffect "", "~{memory}"()')

    def prefetch(self, pointer: Value) -> None:
        """Let memory that is read soon be on its way."""
        hints = (self.coerce(hint, I32) for hint in (0, 3, 1))
        self.call("llvm.prefetch.p0", VOID, pointer, *hints)

    def splat(self, value: Value, lanes: int) -> Value:
        """A vector with `value` in every lane."""
        type_ = vector(value.type, lanes)
        given = f"{type_.text} undef, {value.type.text} {value.text}, i32 0"
        one = self.compute(type_, f"insertelement {given}")
        return self.shuffle(one, one, [0] * lanes)

    def cast(self, name: str, value: Value, type_: Type) -> Value:
        """The result of one of LLVM's conversions."""
        line = f"{name} {value.type.text} {value.text} to {type_.text}"
        return self.compute(type_, line)

    def to_word(self, pointer: Value) -> Value:
        """A pointer as a 64-bit integer."""
        return self.cast("ptrtoint", pointer, I64)

    def to_pointer(self, word: Value) -> Value:
        """The pointer that a 64-bit integer stands for."""
        return self.cast("inttoptr", word, PTR)

    def convert(self, value: Value, type_: Type) -> Value:
        """The same number in another width; integers to floats are signed."""
        if value.type is type_:
            return value
        wide, narrow = type_.width, value.type.width
        if value.type.is_float and type_.is_float:
            name = "fpext" if wide > narrow else "fptrunc"
        elif value.type.is_float:
            name = "fptosi"
        elif type_.is_float:
            name = "sitofp"
        else:
            signed = "zext" if narrow == 1 else "sext"
            name = signed if wide > narrow else "trunc"
        return self.cast(name, value, type_)

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
    def repeat_while(self, condition: Callable[[], Value]) -> Generator[None]:
        """A loop that runs as long as `condition()` gives a true i1."""
        body, after = self.block("loop"), self.block("after")
        # The test stands once before and once at the end: no extra jump per iteration.
        self.branch(condition(), body, after)
        self.begin(body)
        yield
        self.branch(condition(), body, after)
        self.begin(after)

    @contextmanager
    def when(self, condition: Value) -> Generator[None]:
        """Code that runs if `condition` holds."""
        body, after = self.block("then"), self.block("after")
        self.branch(condition, body, after)
        self.begin(body)
        yield
        self.jump(after)
        self.begin(after)

    def switch(self, value: Value, cases: Sequence[Callable[[], Any]]) -> None:
        """Run `cases[value]()`; other values run nothing."""
        blocks = [self.block("case") for _ in cases]
        after, kind = self.block("after"), value.type.text
        table = " ".join(f"{kind} {n}, label %{b}" for n, b in enumerate(blocks))
        self.write(f"switch {kind} {value.text}, label %{after} [{table}]")
        for block, case in zip(blocks, cases, strict=True):
            self.begin(block)
            case()
            self.jump(after)
        self.begin(after)


class Module:
    """An LLVM module under construction."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._signatures: dict[str, tuple[Type, tuple[Type, ...]]] = {}
        self._bodies: dict[str, Body] = {}
        self._variables: dict[str, str] = {}

    def declare(self, name: str, result: Type, args: tuple[Type, ...]) -> None:
        """Say what a function takes and returns, which is the same all along."""
        known = self._signatures.setdefault(name, (result, args))
        if known != (result, args):
            raise TypeError(f"called otherwise: {_signature(name, *known)}")

    def function(
        self, name: str, result: Type, *args: Type, private: bool = False
    ) -> Body:
        """Begin a function with the given result and argument types."""
        self.declare(name, result, args)
        private_ = "internal " if private else ""
        line = f'define {private_}{result.text} @"{name}"'
        self._bodies[name] = body = Body(self, name, result, args, line)
        return body

    def variable(
        self, name: str, type_: Type, initial: Any = None, *, align: int = 0
    ) -> str:
        """A private global variable, zero unless `initial` is given; its name."""
        value = "zeroinitializer" if initial is None else constant(type_, initial)
        aligned = f", align {align}" if align else ""
        line = f'@"{name}" = internal global {type_.text} {value}{aligned}'
        self._variables[name] = line
        return name

    def table(self, type_: Type, initial: Sequence[Number]) -> str:
        """A private global variable without a name of its own; its name."""
        return self.variable(f"numbers_{len(self._variables)}", type_, initial)

    def text(self) -> str:
        """The module as LLVM assembly."""
        lines = [f'target triple = "{binding.get_process_triple()}"']
        lines.extend(self._variables.values())
        for name, signature in self._signatures.items():
            if name in self._bodies:
                lines.extend(self._bodies[name].lines())
            else:
                lines.append(_signature(name, *signature))
        return "\n".join(lines) + "\n"


def _call(callee: str, result: Type, args: Sequence[Value]) -> str:
    given = ", ".join([f"{each.type.text} {each.text}" for each in args])
    return f"call {result.text} {callee}({given})"


def _signature(name: str, result: Type, args: Sequence[Type]) -> str:
    given = ", ".join(each.text for each in args)
    return f'declare {result.text} @"{name}"({given})'
