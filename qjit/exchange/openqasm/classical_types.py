"""Classical types of OpenQASM, their values, and conversions between them.

A value that is known when tracing is a number of Python, or an array of NumPy for
registers and arrays; any other is an array of JAX of the type's dtype.
"""

import math
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

TURN = 2 * math.pi
DEFAULT_WIDTH = 32
MOST_BITS = 64


def is_known(data: Any) -> bool:
    """Return whether data are known when tracing."""
    return not isinstance(data, Tracer | jax.Array)


@dataclass(frozen=True)
class Type:
    """A classical type.

    `kind` is its keyword; `size` the number of bits, None where the text gives none;
    `shape` that of an array, whose elements are of the rest of the type.
    """

    kind: str
    size: int | None = None
    shape: tuple[int, ...] = ()

    def __str__(self) -> str:
        """Return the type as OpenQASM writes it."""
        element = self.kind if self.size is None else f"{self.kind}[{self.size}]"
        sizes = ", ".join(map(str, self.shape))
        return f"array[{element}, {sizes}]" if self.shape else element

    @property
    def width(self) -> int:
        """The number of bits of an integer."""
        return self.size or DEFAULT_WIDTH

    @property
    def element(self) -> "Type":
        """The type of an element of an array."""
        return Type(self.kind, self.size)

    @property
    def is_register(self) -> bool:
        """Whether it is a register of bits."""
        return self.kind == "bit" and self.size is not None and not self.shape

    @property
    def data_shape(self) -> tuple[int, ...]:
        """The shape of the array that holds a value."""
        bits = (self.size,) if self.kind == "bit" and self.size is not None else ()
        return (*self.shape, *bits)


BIT, BOOL, FLOAT, COMPLEX = Type("bit"), Type("bool"), Type("float"), Type("complex")
ANGLE, DURATION = Type("angle"), Type("duration")


@dataclass(frozen=True)
class Value:
    """A value and its type."""

    type: Type
    data: Any

    @property
    def known(self) -> bool:
        """Whether the value is known when tracing."""
        return is_known(self.data)


class ConversionError(Exception):
    """A value that has no meaning in another type; the text says why."""


def dtype(type_: Type) -> Any:
    """Return the dtype of traced values of a type."""
    if type_.kind in ("bit", "bool"):
        return np.dtype(bool)
    if type_.kind in ("int", "uint"):
        wide = type_.width > 32
        if wide and not jax.config.read("jax_enable_x64"):
            raise ConversionError(
                f"{type_} has more than 32 bits, and integers of JAX have 32. Use "
                'jax.config.update("jax_enable_x64", True), or a narrower type'
            )
        return np.dtype(f"{type_.kind}{64 if wide else 32}")
    if type_.kind == "complex":
        return jnp.result_type(complex)
    if type_.kind == "float" and type_.size in (16, 32):
        return np.dtype(f"float{type_.size}")
    return jnp.result_type(float)


def traced(value: Value) -> jax.Array:
    """Return a value as an array of JAX."""
    kind = dtype(value.type)
    data = np.asarray(value.data, kind) if value.known else value.data
    return jnp.asarray(data, kind)


def default(type_: Type) -> Any:
    """Return the value of a variable that is given none: zero."""
    if shape := type_.data_shape:
        known = np.dtype(object) if type_.kind in ("int", "uint") else dtype(type_)
        return np.zeros(shape, known)
    zeros = {"bit": False, "bool": False, "int": 0, "uint": 0, "complex": 0j}
    return zeros.get(type_.kind, 0.0)


def integer_literal(number: int) -> Value:
    """Return an integer of the text."""
    size = DEFAULT_WIDTH if -(2**31) <= number < 2**31 else MOST_BITS
    kind = "uint" if number >= 2**63 else "int"
    if not -(2**63) <= number < 2**64:
        raise ConversionError(f"{number} has more than {MOST_BITS} bits")
    return Value(Type(kind, size), number)


def wrapped(data: Any, type_: Type) -> Any:
    """Return an integer with the overflow of its width."""
    width, signed = type_.width, type_.kind == "int"
    if is_known(data):
        low = data % (1 << width)
        if not signed:
            return low
        half = 1 << (width - 1)
        return (low + half) % (1 << width) - half
    data = jnp.asarray(data, dtype(type_))
    spare = data.dtype.itemsize * 8 - width
    if not spare:
        return data
    shift = jnp.asarray(spare, data.dtype)
    return jnp.right_shift(jnp.left_shift(data, shift), shift)


def on_circle(data: Any, size: int | None) -> Any:
    """Return an angle between 0 and a turn, rounded to its bits.

    The rounding has the derivative of the identity.
    """
    if not is_known(data):
        if size is not None:
            step = TURN / 2.0**size
            rounding = jnp.round(data / step) * step - data
            data = data + jax.lax.stop_gradient(rounding)
        return jnp.mod(data, TURN)
    if size is not None:
        return round(data / TURN * 2**size) % 2**size * (TURN / 2**size)
    return data % TURN


def number_of_bits(value: Value) -> Any:
    """Return the unsigned integer that bits stand for, bit 0 the lowest."""
    size = value.type.size
    if size is None:
        return int(value.data) if value.known else value.data.astype(jnp.uint32)
    if value.known:
        return sum(1 << k for k, bit in enumerate(value.data) if bit)
    if size > MOST_BITS:
        raise ConversionError(f"an integer has at most {MOST_BITS} bits, not {size}")
    kind = dtype(Type("uint", size))
    weights = jnp.asarray(np.array([1 << k for k in range(size)], kind))
    return jnp.sum(jnp.where(value.data, weights, jnp.zeros((), kind)), dtype=kind)


def bits_of(data: Any, size: int) -> Any:
    """Return the lowest bits of an integer."""
    if is_known(data):
        return np.array([bool(data >> k & 1) for k in range(size)], bool)
    held = data.dtype.itemsize * 8
    places = jnp.asarray(np.minimum(np.arange(size), held - 1), data.dtype)
    found = jnp.right_shift(data, places) & jnp.ones((), data.dtype) != 0
    signed = jnp.issubdtype(data.dtype, jnp.signedinteger)
    return found if signed or size <= held else found & (np.arange(size) < held)


def convert(value: Value, to: Type, explicit: bool = False) -> Value:
    """Return a value as one of another type, or raise a ConversionError."""
    from_ = value.type
    if from_.shape or to.shape:
        return _converted_array(value, to)
    rule = _RULES.get(to.kind)
    data = rule(value, to, explicit) if rule else None
    if data is None:
        raise ConversionError(f"{from_} cannot be converted to {to}")
    return Value(to, data)


def _converted_array(value: Value, to: Type) -> Value:
    if value.type.shape != to.shape or value.type.element != to.element:
        raise ConversionError(f"{value.type} cannot be converted to {to}")
    return Value(to, value.data)


def _number(value: Value) -> Any:
    return number_of_bits(value) if value.type.kind == "bit" else value.data


def _to_bool(value: Value, _to: Type, _explicit: bool) -> Any:
    if value.type.kind == "duration":
        return None
    if value.type.is_register:
        return bool(value.data.any()) if value.known else jnp.any(value.data)
    return bool(value.data) if value.known else value.data != 0


def _to_bit(value: Value, to: Type, explicit: bool) -> Any:
    if to.size is None:
        return _to_one_bit(value)
    kind = value.type.kind
    if kind == "bit":
        if (value.type.size or 1) != to.size:
            raise ConversionError(f"{value.type} does not have the {to.size} bits")
        data = value.data
        return data.reshape(to.data_shape) if np.ndim(data) else _one(data)
    if kind == "bool":
        return _one(value.data) if to.size == 1 else None
    if kind == "angle" and value.type.size == to.size:
        return bits_of(_steps(value), to.size)
    if kind not in ("int", "uint"):
        return None
    fits = value.known and -(1 << to.size - 1) <= value.data < 1 << to.size
    if not (explicit or fits or value.type.width == to.size):
        raise ConversionError(f"{value.type} does not have the {to.size} bits")
    return bits_of(value.data, to.size)


def _one(data: Any) -> Any:
    return np.array([data], bool) if is_known(data) else jnp.reshape(data, (1,))


def _to_one_bit(value: Value) -> Any:
    kind, size = value.type.kind, value.type.size
    if kind == "bit":
        return value.data if size is None else value.data[0] if size == 1 else None
    if kind == "bool":
        return value.data
    if kind not in ("int", "uint"):
        return None
    if value.known and value.data not in (0, 1):
        raise ConversionError(f"{value.data} is no bit")
    return bool(value.data) if value.known else (value.data & 1) != 0


def _to_integer(value: Value, to: Type, _explicit: bool) -> Any:
    kind = value.type.kind
    if kind in ("complex", "angle", "duration"):
        return None
    if kind == "float":
        if value.known:
            if not math.isfinite(value.data):
                raise ConversionError(f"{value.data} is no integer")
            return wrapped(int(value.data), to)
        narrow = to.kind == "int" or to.width < 32
        through = Type("int", to.width) if narrow else to
        return wrapped(value.data.astype(dtype(through)), to)
    number = _number(value)
    return wrapped(int(number) if value.known else number, to)


def _to_float(value: Value, to: Type, _explicit: bool) -> Any:
    if value.type.kind in ("complex", "angle", "duration") or value.type.is_register:
        return None
    if not value.known:
        return value.data.astype(dtype(to))
    number = float(value.data)
    if to.size not in (16, 32):
        return number
    with np.errstate(over="ignore"):
        return float(dtype(to).type(number))


def _to_complex(value: Value, to: Type, _explicit: bool) -> Any:
    if value.type.kind in ("bit", "bool", "angle", "duration"):
        return None
    return complex(value.data) if value.known else value.data.astype(dtype(to))


def _to_angle(value: Value, to: Type, _explicit: bool) -> Any:
    kind = value.type.kind
    if kind == "bit" and to.size is not None and value.type.size == to.size:
        number = number_of_bits(value)
        turns = number if value.known else number.astype(dtype(ANGLE))
        return turns * (TURN / 2.0**to.size)
    if kind in ("complex", "duration", "bit", "bool"):
        return None
    if not value.known:
        return on_circle(value.data.astype(dtype(ANGLE)), to.size)
    if not math.isfinite(value.data):
        raise ConversionError(f"{value.data} is no angle")
    return on_circle(float(value.data), to.size)


def _steps(value: Value) -> Any:
    """Return how many of its smallest steps an angle is."""
    size = value.type.size or 0
    steps = value.data / TURN * 2.0**size
    if value.known:
        return round(steps) % 2**size
    return jnp.round(steps).astype(dtype(Type("uint", size)))


def _same(value: Value, _to: Type, _explicit: bool) -> Any:
    return value.data if value.type.kind == "duration" else None


_RULES: dict[str, Any] = {
    "bool": _to_bool,
    "bit": _to_bit,
    "int": _to_integer,
    "uint": _to_integer,
    "float": _to_float,
    "complex": _to_complex,
    "angle": _to_angle,
    "duration": _same,
}
