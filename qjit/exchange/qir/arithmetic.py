"""Classical instructions of LLVM, on arrays of JAX."""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from qjit.errors import UnsupportedError
from qjit.lowering.jax_internals.tracing import user_line, wide_types

Rule = Callable[..., Any]
DTYPES: Mapping[str, Any] = {
    "i1": np.bool_,
    "i8": np.int8,
    "i16": np.int16,
    "i32": np.int32,
    "i64": np.int64,
    "float": np.float32,
    "double": np.float64,
}


def dtype_of(kind: str) -> np.dtype[Any]:
    """Return JAX's type for one of LLVM: doubles are what JAX has of them."""
    if kind == "i64" and not wide_types():
        raise UnsupportedError(
            f"{user_line()}: the program in QIR computes with integers of 64 bits, "
            "which JAX has when jax_enable_x64 is set."
        )
    narrow = kind == "double" and not wide_types()
    return np.dtype(DTYPES["float" if narrow else kind])


def typed(value: Any, kind: str) -> Any:
    """Return a number as an array of a type of LLVM."""
    wanted = dtype_of(kind)
    if isinstance(value, bool | int | float):
        return jnp.asarray(np.asarray(value, wanted))
    if wanted == np.bool_:
        return value if value.dtype == np.bool_ else jnp.not_equal(value, 0)
    return value.astype(wanted)


def _unsigned(value: Any) -> Any:
    width = np.dtype(value.dtype).itemsize * 8
    if value.dtype == np.bool_:
        return value.astype(np.uint8)
    return jax.lax.bitcast_convert_type(value, np.dtype(f"uint{width}"))


def _of_unsigned(rule: Rule) -> Rule:
    def run(a: Any, b: Any) -> Any:
        found = rule(_unsigned(a), _unsigned(b))
        if a.dtype == np.bool_:
            return jnp.not_equal(found & 1, 0)
        return jax.lax.bitcast_convert_type(found, a.dtype)

    return run


def _of_signed(rule: Rule) -> Rule:
    """Return a rule that reads a bit that is set as -1."""

    def run(a: Any, b: Any) -> Any:
        if a.dtype != np.bool_:
            return rule(a, b)
        found = rule(-a.astype(np.int8), -b.astype(np.int8))
        return jnp.not_equal(found & 1, 0)

    return run


BINARY: Mapping[str, Rule] = {
    "add": _of_unsigned(jax.lax.add),
    "sub": _of_unsigned(jax.lax.sub),
    "mul": _of_unsigned(jax.lax.mul),
    "sdiv": _of_signed(jax.lax.div),
    "srem": _of_signed(jax.lax.rem),
    "udiv": _of_unsigned(jax.lax.div),
    "urem": _of_unsigned(jax.lax.rem),
    "shl": _of_unsigned(jax.lax.shift_left),
    "lshr": _of_unsigned(jax.lax.shift_right_logical),
    "ashr": _of_signed(jax.lax.shift_right_arithmetic),
    "and": jnp.bitwise_and,
    "or": lambda a, b: ~(~a & ~b),  # JAX's own may be a sum of outcomes
    "xor": jnp.bitwise_xor,
    "fadd": jax.lax.add,
    "fsub": jax.lax.sub,
    "fmul": jax.lax.mul,
    "fdiv": jax.lax.div,
}
ORDERS: Mapping[str, Rule] = {
    "eq": jnp.equal,
    "ne": jnp.not_equal,
    "gt": jnp.greater,
    "ge": jnp.greater_equal,
    "lt": jnp.less,
    "le": jnp.less_equal,
}


# What holds of no number, by what is wrong then.
OPPOSITES: Mapping[str, str] = {
    "uno": "ord",
    "ueq": "one",
    "une": "oeq",
    "ult": "oge",
    "ule": "ogt",
    "ugt": "ole",
    "uge": "olt",
}


def compare_integers(predicate: str, a: Any, b: Any) -> Any:
    """Return an icmp."""
    if predicate in ("eq", "ne"):
        return ORDERS[predicate](a, b)
    if predicate[0] == "u":
        a, b = _unsigned(a), _unsigned(b)
    elif a.dtype == np.bool_:
        a, b = -a.astype(np.int8), -b.astype(np.int8)
    return ORDERS[predicate[1:]](a, b)


def compare_floats(predicate: str, a: Any, b: Any) -> Any:
    """Return an fcmp: ordered ones do not hold of what is no number."""
    match predicate:
        case "true" | "false":
            return jnp.asarray(predicate == "true")
        case "ord":
            return (a == a) & (b == b)
        case "one":
            return jnp.where(a < b, True, a > b)
        case _ if predicate in OPPOSITES:
            return ~compare_floats(OPPOSITES[predicate], a, b)
        case _:
            return ORDERS[predicate[1:]](a, b)


def cast(opcode: str, value: Any, kind: str) -> Any:
    """Return a number as one of another type."""
    wanted = dtype_of(kind)
    match opcode:
        case "zext" | "uitofp":
            return _unsigned(value).astype(wanted)
        case "sext" | "sitofp":
            signed = -value.astype(np.int8) if value.dtype == np.bool_ else value
            return signed.astype(wanted)
        case "trunc" | "fptosi" | "fptoui" if wanted == np.bool_:
            whole = value if opcode == "trunc" else value.astype(np.int8)
            return jnp.not_equal(whole & 1, 0)
        case "fptoui":
            unsigned = np.dtype(f"uint{wanted.itemsize * 8}")
            return jax.lax.bitcast_convert_type(value.astype(unsigned), wanted)
        case _:
            return value.astype(wanted)


def compute(opcode: str, predicate: str, kind: str, operands: list[Any]) -> Any:
    """Return the value of a classical instruction."""
    match opcode:
        case "icmp":
            return compare_integers(predicate, *operands)
        case "fcmp":
            return compare_floats(predicate, *operands)
        case "select":
            return jnp.where(*operands)
        case "fneg":
            return -operands[0]
        case _ if opcode in BINARY:
            return BINARY[opcode](*operands)
        case _:
            return cast(opcode, operands[0], kind)
