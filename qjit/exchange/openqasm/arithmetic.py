"""Operators and functions of OpenQASM on classical values."""

import cmath
import math
import operator
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from qjit.errors import ParameterError
from qjit.tracing.checks import checked

from .classical_types import (
    BOOL,
    COMPLEX,
    DURATION,
    FLOAT,
    MOST_BITS,
    TURN,
    ConversionError,
    Type,
    Value,
    convert,
    dtype,
    number_of_bits,
    on_circle,
    traced,
    wrapped,
)

# How `pow` is called in a parsed text, where it is a function.
POWER = "\N{GREEK SMALL LETTER RHO}ow"
COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def either(x: Any, y: Any) -> Any:
    """Return a disjunction, of bits and booleans by De Morgan's law.

    A disjunction of traced booleans would be read as a sum of measured outcomes.
    """
    if x is False or y is False:
        return y if x is False else x
    if getattr(x, "dtype", None) == np.bool_ and getattr(y, "dtype", None) == np.bool_:
        return ~(~x & ~y)
    return x | y


BITWISE: dict[str, Callable[[Any, Any], Any]] = {
    "&": operator.and_,
    "|": either,
    "^": operator.xor,
}
SIMPLE: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
}


def as_number(value: Value) -> Value:
    """Return bits and booleans as integers; other values as they are."""
    kind, size = value.type.kind, value.type.size
    if kind == "bool":
        return convert(value, Type("int"))
    if kind != "bit":
        return value
    if size is not None and size > MOST_BITS and not value.known:
        raise ConversionError(f"an integer has at most {MOST_BITS} bits, not {size}")
    number = number_of_bits(value)
    return Value(Type("uint", size or 1), number)


def _common(a: Value, b: Value) -> Type:
    """Return the type to which arithmetic converts two numbers."""
    kinds = {a.type.kind, b.type.kind}
    if "complex" in kinds:
        return COMPLEX
    if "float" in kinds:
        sizes = [each.type.size for each in (a, b) if each.type.kind == "float"]
        known = [size for size in sizes if size is not None]
        return Type("float", max(known) if len(known) == len(sizes) else None)
    if not kinds <= {"int", "uint"}:
        raise ConversionError(f"{a.type} and {b.type} have no common type")
    wide = max(a.type.width, b.type.width)
    unsigned = any(
        each.type.kind == "uint" and each.type.width == wide for each in (a, b)
    )
    return Type("uint" if unsigned else "int", wide)


def _pair(a: Value, b: Value, to: Type) -> tuple[Any, Any]:
    """Return two values in a type, both as numbers of Python or both traced."""
    x, y = convert(a, to), convert(b, to)
    if x.known and y.known:
        return x.data, y.data
    return traced(x), traced(y)


def binary(symbol: str, a: Value, b: Value) -> Value:
    """Return what an operator makes of two values."""
    if a.type.shape or b.type.shape:
        raise ConversionError(f"{symbol} does not take arrays: take their elements")
    if symbol in ("&&", "||"):
        x, y = _pair(a, b, BOOL)
        return Value(BOOL, BITWISE["&" if symbol == "&&" else "|"](x, y))
    if symbol in COMPARISONS:
        return _compared(symbol, a, b)
    if symbol in BITWISE:
        return _bitwise(symbol, a, b)
    if symbol in ("<<", ">>"):
        return _shifted(symbol, a, b)
    if "duration" in (a.type.kind, b.type.kind):
        return _durations(symbol, a, b)
    if "angle" in (a.type.kind, b.type.kind):
        return _angles(symbol, as_number(a), as_number(b))
    return _arithmetic(symbol, as_number(a), as_number(b))


def _arithmetic(symbol: str, a: Value, b: Value) -> Value:
    to = _common(a, b)
    if symbol == "**":
        return _power(a, b, to)
    x, y = _pair(a, b, to)
    integers = to.kind in ("int", "uint")
    if symbol in SIMPLE:
        found = SIMPLE[symbol](x, y)
        return Value(to, wrapped(found, to) if integers else found)
    if to.kind == "complex" and symbol == "%":
        raise ConversionError("% does not take complex numbers")
    if not integers:
        return Value(to, _real_quotient(symbol, x, y))
    return Value(to, wrapped(_integer_quotient(symbol, x, y), to))


def _real_quotient(symbol: str, x: Any, y: Any) -> Any:
    known = not hasattr(y, "dtype")
    if known and not y:
        raise ConversionError("it divides by zero")
    if symbol == "/":
        return x / y
    return math.fmod(x, y) if known else jnp.fmod(x, y)


def _integer_quotient(symbol: str, x: Any, y: Any) -> Any:
    """Return quotient or remainder, rounded towards zero as in C."""
    if isinstance(y, int):
        if y == 0:
            raise ConversionError("it divides by zero")
        size = abs(x) // abs(y)
        quotient = size if (x < 0) == (y < 0) else -size
        return quotient if symbol == "/" else x - quotient * y
    message = "an OpenQASM program divides an integer by zero."
    y = checked(y, y != 0, ParameterError, message)
    return jax.lax.div(x, y) if symbol == "/" else jax.lax.rem(x, y)


def _power(a: Value, b: Value, to: Type) -> Value:
    if to.kind not in ("int", "uint"):
        x, y = _pair(a, b, to)
        return Value(to, _known_power(x, y) if isinstance(x, float | complex) else x**y)
    if not b.known and b.type.kind == "int":
        raise ConversionError(
            "the power of an integer has an exponent of type uint, or a known one"
        )
    if b.known and b.data < 0:
        return _power(convert(a, FLOAT), convert(b, FLOAT), FLOAT)
    if a.known and b.known:
        return Value(a.type, wrapped(pow(a.data, b.data, 1 << 64), a.type))
    base = traced(a)
    exponent = int(b.data) if b.known else traced(b)
    return Value(a.type, wrapped(jnp.power(base, exponent), a.type))


def _known_power(x: Any, y: Any) -> Any:
    try:
        found = x**y
    except (OverflowError, ZeroDivisionError) as error:
        raise ConversionError(f"{x} ** {y} has no value") from error
    if isinstance(x, float) and isinstance(found, complex):
        raise ConversionError(f"{x} ** {y} is no real number")
    return found


def _angles(symbol: str, a: Value, b: Value) -> Value:
    """Return what an operator makes of angles, and of an angle and a number."""
    if symbol in ("+", "-"):
        sizes = [each.type.size for each in (a, b) if each.type.kind == "angle"]
        known = [size for size in sizes if size is not None]
        to = Type("angle", max(known) if len(known) == len(sizes) else None)
        x, y = _pair(a, b, to)
        return Value(to, on_circle(SIMPLE[symbol](x, y), to.size))
    if symbol == "/" and a.type.kind == b.type.kind == "angle":
        quotient = binary("/", Value(FLOAT, a.data), Value(FLOAT, b.data))
        return convert(quotient, Type("uint"))
    swapped = b.type.kind == "angle"
    angle, number = (b, a) if swapped else (a, b)
    if symbol not in ("*", "/") or (symbol == "/" and swapped):
        raise ConversionError(f"{symbol} does not take {a.type} and {b.type}")
    radians = Value(FLOAT, angle.data)
    if number.type.kind == "float":
        return binary(symbol, radians, number)
    found = binary(symbol, radians, convert(number, FLOAT))
    to = angle.type
    if symbol == "/" and to.size is not None:
        found = _rounded_down(found, to.size)
    return Value(to, on_circle(found.data, to.size))


def _rounded_down(angle: Value, size: int) -> Value:
    step = TURN / 2.0**size
    if angle.known:
        return Value(FLOAT, math.floor(angle.data / step + 1e-9) * step)
    moved = jnp.floor(angle.data / step + 1e-4) * step - angle.data
    return Value(FLOAT, angle.data + jax.lax.stop_gradient(moved))


def _durations(symbol: str, a: Value, b: Value) -> Value:
    both = a.type.kind == b.type.kind
    x, y = Value(FLOAT, a.data), Value(FLOAT, b.data)
    if both and symbol in ("+", "-"):
        return Value(DURATION, binary(symbol, x, y).data)
    if both and symbol == "/":
        return binary(symbol, x, y)
    if not both and (symbol == "*" or (symbol == "/" and a.type.kind == "duration")):
        return Value(DURATION, binary(symbol, x, y).data)
    raise ConversionError(f"{symbol} does not take {a.type} and {b.type}")


def _compared(symbol: str, a: Value, b: Value) -> Value:
    kinds = (a.type.kind, b.type.kind)
    if kinds == ("duration", "duration"):
        return Value(BOOL, COMPARISONS[symbol](a.data, b.data))
    if a.type.is_register and a.type == b.type and symbol in ("==", "!="):
        found = (a.data == b.data).all()
        found = bool(found) if a.known and b.known else found
        if symbol == "==":
            return Value(BOOL, found)
        return Value(BOOL, (not found) if isinstance(found, bool) else ~found)
    if symbol in ("==", "!=") and (found := _as_registers(a, b)) is not None:
        return _compared(symbol, *found)
    if "angle" in kinds:
        sizes = {each.type.size for each in (a, b) if each.type.kind == "angle"}
        to = Type("angle", sizes.pop() if len(sizes) == 1 else None)
    else:
        a, b = as_number(a), as_number(b)
        to = _common(a, b)
    if to.kind == "complex" and symbol not in ("==", "!="):
        raise ConversionError("complex numbers have no order")
    x, y = _pair(a, b, to)
    return Value(BOOL, COMPARISONS[symbol](x, y))


def _as_registers(a: Value, b: Value) -> tuple[Value, Value] | None:
    """Return a register and a known number as registers, if the number fits."""
    if b.type.is_register:
        a, b = b, a
    if not (a.type.is_register and b.known and b.type.kind in ("int", "uint")):
        return None
    if not 0 <= b.data < 1 << (a.type.size or 0):
        return None
    return a, convert(b, a.type, explicit=True)


def _bitwise(symbol: str, a: Value, b: Value) -> Value:
    operation = BITWISE[symbol]
    if a.type == b.type and a.type.kind in ("bit", "bool"):
        x, y = (a.data, b.data) if a.known and b.known else (traced(a), traced(b))
        return Value(a.type, operation(x, y))
    registers = [each.type for each in (a, b) if each.type.is_register]
    a, b = as_number(a), as_number(b)
    to = _common(a, b)
    if to.kind not in ("int", "uint"):
        raise ConversionError(f"{symbol} takes bits and integers, not {to}")
    x, y = _pair(a, b, to)
    found = Value(to, operation(x, y))
    return convert(found, registers[0], explicit=True) if registers else found


def _shifted(symbol: str, a: Value, b: Value) -> Value:
    if not (a.type.is_register or a.type.kind in ("int", "uint")):
        raise ConversionError(f"{symbol} shifts registers of bits and integers")
    b = as_number(b)
    if b.type.kind not in ("int", "uint") or (b.known and b.data < 0):
        raise ConversionError(f"{symbol} shifts by an integer that is not negative")
    if a.type.is_register and not (a.known and b.known):
        to = Type("uint", a.type.size)
        shifted = _shifted(symbol, convert(a, to), b)
        return convert(shifted, a.type, explicit=True)
    if a.type.is_register:
        size, places = a.type.size or 0, min(b.data, a.type.size or 0)
        kept, zeros = size - places, np.zeros(places, bool)
        parts = [zeros, a.data[:kept]] if symbol == "<<" else [a.data[places:], zeros]
        return Value(a.type, np.concatenate(parts))
    width = a.type.width
    if a.known and b.known:
        places = min(b.data, width)
        found = a.data << places if symbol == "<<" else a.data >> places
        return Value(a.type, wrapped(found, a.type))
    data = traced(a)
    places = jnp.asarray(traced(b), data.dtype)
    last = data.dtype.itemsize * 8 - 1
    beyond = places > last
    inside = jnp.where(beyond, last, places).astype(data.dtype)
    if symbol == "<<":
        found = jnp.where(beyond, jnp.zeros_like(data), jnp.left_shift(data, inside))
    else:
        once = jnp.right_shift(data, inside)
        over = jnp.where(beyond, 1, 0).astype(data.dtype)
        found = jnp.right_shift(once, over)
    return Value(a.type, wrapped(found, a.type))


def unary(symbol: str, a: Value) -> Value:
    """Return what an operator makes of one value."""
    if a.type.shape:
        raise ConversionError(f"{symbol} does not take arrays: take their elements")
    if symbol == "!":
        value = convert(a, BOOL)
        return Value(BOOL, (not value.data) if value.known else ~value.data)
    if symbol == "~":
        if a.type.kind in ("bit", "bool"):
            single = a.known and not a.type.is_register
            return Value(a.type, (not a.data) if single else ~a.data)
        if a.type.kind in ("int", "uint"):
            return Value(a.type, wrapped(~a.data, a.type))
        raise ConversionError(f"~ takes bits and integers, not {a.type}")
    value = as_number(a)
    if value.type.kind in ("int", "uint"):
        return Value(value.type, wrapped(-value.data, value.type))
    if value.type.kind == "angle":
        return Value(value.type, on_circle(-value.data, value.type.size))
    return Value(value.type, -value.data)


_REAL: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "sin": (math.sin, jnp.sin),
    "cos": (math.cos, jnp.cos),
    "tan": (math.tan, jnp.tan),
    "arcsin": (math.asin, jnp.arcsin),
    "arccos": (math.acos, jnp.arccos),
    "arctan": (math.atan, jnp.arctan),
    "log": (math.log, jnp.log),
    "ln": (math.log, jnp.log),
    "ceiling": (math.ceil, jnp.ceil),
    "floor": (math.floor, jnp.floor),
    "exp": (math.exp, jnp.exp),
    "sqrt": (math.sqrt, jnp.sqrt),
}
_COMPLEX: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "exp": (cmath.exp, jnp.exp),
    "sqrt": (cmath.sqrt, jnp.sqrt),
}
_FROM_ANGLES = ("sin", "cos", "tan")
COUNTS = {
    **dict.fromkeys(_REAL, 1),
    **dict.fromkeys(("popcount", "real", "imag"), 1),
    **dict.fromkeys(("mod", POWER, "rotl", "rotr"), 2),
}


def call(name: str, arguments: list[Value]) -> Value:
    """Return what a built-in function makes of values."""
    if len(arguments) != COUNTS[name]:
        raise ConversionError(
            f"{name.replace(POWER, 'pow')} takes {COUNTS[name]} arguments, but got "
            f"{len(arguments)}"
        )
    first = arguments[0]
    if name in ("mod", POWER):
        return binary("%" if name == "mod" else "**", *arguments)
    if name in ("rotl", "rotr"):
        return _rotated(name, *arguments)
    if name == "popcount":
        return _popcount(first)
    if name in ("real", "imag"):
        value = convert(first, COMPLEX)
        part = value.data.real if name == "real" else value.data.imag
        return Value(FLOAT, part)
    if first.type.kind == "complex" and name in _COMPLEX:
        known, moving = _COMPLEX[name]
        return _applied(name, known, moving, first)
    known, moving = _REAL[name]
    if first.type.kind == "angle" and name in _FROM_ANGLES:
        return _applied(name, known, moving, Value(FLOAT, first.data))
    return _applied(name, known, moving, convert(as_number(first), FLOAT))


def _applied(name: str, known: Any, moving: Any, value: Value) -> Value:
    if not value.known:
        return Value(value.type, moving(traced(value)))
    try:
        found = known(value.data)
    except (ValueError, OverflowError) as error:
        raise ConversionError(f"{name}({value.data}) has no value") from error
    return Value(value.type, float(found) if value.type is FLOAT else found)


def _rotated(name: str, value: Value, by: Value) -> Value:
    by = as_number(by)
    if not by.known or by.type.kind not in ("int", "uint"):
        raise ConversionError(f"{name} rotates by a known integer")
    if not value.type.is_register:
        if value.type.kind != "uint":
            raise ConversionError(f"{name} rotates registers of bits and uint")
        bits = convert(value, Type("bit", value.type.width), explicit=True)
        return convert(_rotated(name, bits, by), value.type)
    places = by.data if name == "rotl" else -by.data
    roll = np.roll if value.known else jnp.roll
    return Value(value.type, roll(value.data, places))


def _popcount(value: Value) -> Value:
    if value.type.kind == "uint":
        value = convert(value, Type("bit", value.type.width), explicit=True)
    if value.type.kind != "bit" or value.type.shape:
        raise ConversionError("popcount counts registers of bits and uint")
    if value.known:
        return Value(Type("uint"), int(np.sum(value.data)))
    kind = dtype(Type("uint"))
    return Value(Type("uint"), jnp.sum(jnp.asarray(value.data, kind), dtype=kind))


CONSTANTS = {
    **dict.fromkeys(("pi", "π"), Value(FLOAT, math.pi)),
    **dict.fromkeys(("tau", "τ"), Value(FLOAT, math.tau)),
    **dict.fromkeys(("euler", "ℇ"), Value(FLOAT, math.e)),
}
