"""LLVM's types, and constants as LLVM assembly writes them."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

Number = int | float


@dataclass(frozen=True, eq=False, slots=True)
class Type:
    """A type; there is one object of each, which is compared by identity."""

    text: str
    mangled: str = ""  # its spelling inside the name of an intrinsic
    width: int = 0  # how many bits a number has, or an element of a vector
    is_float: bool = False  # whether it is of floating-point numbers
    element: Type | None = None
    count: int = 0  # of elements
    is_vector: bool = False


VOID = Type("void")
F32 = Type("float", "f32", 32, is_float=True)
F64 = Type("double", "f64", 64, is_float=True)
PTR = Type("ptr", "p0", 64)


@cache
def integer(bits: int) -> Type:
    """The integer type of a width."""
    return Type(f"i{bits}", f"i{bits}", bits)


I1, I8, I32, I64 = map(integer, (1, 8, 32, 64))


@cache
def vector(element: Type, lanes: int) -> Type:
    """The vector type of `lanes` elements."""
    text, mangled = f"<{lanes} x {element.text}>", f"v{lanes}{element.mangled}"
    return Type(text, mangled, element.width, element.is_float, element, lanes, True)


@lru_cache
def array(element: Type, count: int) -> Type:
    """The type of `count` elements in memory."""
    return Type(f"[{count} x {element.text}]", element=element, count=count)


def constant(type_: Type, value: Number | Sequence[Number]) -> str:
    """A constant; a number given for a vector type fills every lane."""
    element = type_.element
    if element is None:
        assert not isinstance(value, Sequence)
        if type_.is_float:
            return _float(type_, value)
        assert not isinstance(value, float)
        return str(int(value))
    if isinstance(value, int | float):
        return f"splat ({element.text} {constant(element, value)})"
    items = ", ".join(f"{element.text} {constant(element, each)}" for each in value)
    return f"<{items}>" if type_.is_vector else f"[{items}]"


def _float(type_: Type, value: Number) -> str:
    """A number as the bits of a double, which a float is written as too."""
    if type_ is F32:
        (value,) = struct.unpack("f", struct.pack("f", value))
    return f"0x{struct.pack('>d', value).hex().upper()}"
