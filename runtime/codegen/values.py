"""Values of code under construction, with Python's operators, and variables."""

from __future__ import annotations

from typing import Protocol

from .types import I1, Type, vector

# How comparisons that mean the same are written for integers and for floats.
SIGNS = {
    "<": ("icmp slt", "fcmp olt"),
    "<=": ("icmp sle", "fcmp ole"),
    ">": ("icmp sgt", "fcmp ogt"),
    ">=": ("icmp sge", "fcmp oge"),
    "==": ("icmp eq", "fcmp oeq"),
    "!=": ("icmp ne", "fcmp one"),
}
# Integers that change nothing as the right operand.
NEUTRAL = {"add": 0, "sub": 0, "or": 0, "xor": 0, "shl": 0, "lshr": 0, "mul": 1}


class Code(Protocol):
    """Code under construction, as far as values need it."""

    def coerce(self, value: Value | int | float, type_: Type) -> Value:
        """Return a value of a type; numbers become constants."""
        ...

    def compute(self, type_: Type, operation: str) -> Value:
        """Return the result of an instruction."""
        ...

    def int(self, value: int) -> Value:
        """Return a constant."""
        ...

    def select(
        self, condition: Value, yes: Operand, no: Operand, type_: Type = ...
    ) -> Value:
        """Return one of two values."""
        ...

    def fma(self, a: Value, b: Value, c: Value) -> Value:
        """Return a * b + c, rounded once."""
        ...

    def null(self) -> Value:
        """Return the null pointer."""
        ...

    def stack(self, type_: Type) -> Value:
        """Return memory on the stack."""
        ...

    def load(self, type_: Type, pointer: Value) -> Value:
        """Return what memory holds."""
        ...

    def store(self, value: Value, pointer: Value) -> None:
        """Write to memory."""
        ...


class Value:
    """An SSA value with Python operators; integers compare signed, shift logically."""

    __slots__ = ("body", "text", "type")

    def __init__(self, body: Code, type_: Type, text: str) -> None:
        self.body = body
        self.type = type_
        self.text = text

    def _binary(self, other: Operand, on_int: str, on_float: str = "") -> Value:
        body, type_ = self.body, self.type
        neutral = isinstance(other, int) and other == NEUTRAL.get(on_int)
        if neutral and not type_.is_float:
            return self
        right = body.coerce(other, type_).text
        name = on_float if type_.is_float else on_int
        return body.compute(type_, f"{name} {type_.text} {self.text}, {right}")

    def _compare(self, other: Operand, sign: str) -> Value:
        body, type_ = self.body, self.type
        right = body.coerce(other, type_).text
        result = vector(I1, type_.count) if type_.is_vector else I1
        name = SIGNS[sign][type_.is_float]
        return body.compute(result, f"{name} {type_.text} {self.text}, {right}")

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
        return self._binary(other, "and")

    def __or__(self, other: Operand) -> Value:
        return self._binary(other, "or")

    def __xor__(self, other: Operand) -> Value:
        return self._binary(other, "xor")

    def __lshift__(self, other: Operand) -> Value:
        return self._binary(other, "shl")

    def __rshift__(self, other: Operand) -> Value:
        return self._binary(other, "lshr")

    def __invert__(self) -> Value:
        return self ^ (1 if self.type is I1 else -1)

    def __neg__(self) -> Value:
        if self.type.is_float:
            return self.body.compute(self.type, f"fneg {self.type.text} {self.text}")
        return self.body.coerce(0, self.type) - self

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

    def __init__(self, body: Code, type_: Type) -> None:
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
