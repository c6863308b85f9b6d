"""Floats of 16 bits: computed as 32-bit floats, rounded after each operation.

LLVM turns its own `half` and `bfloat` into calls of library functions that a JIT does
not find on every machine; these conversions are integer arithmetic.
"""

from typing import Any, Protocol

from xdsl.dialects import arith
from xdsl.dialects.builtin import f32, i16, i32
from xdsl.ir import Operation, SSAValue

SMALL = ("float16", "bfloat16")


class Emission(Protocol):
    """What emits operations and constants."""

    def emit(self, op: Operation) -> SSAValue:
        """Append an operation and return its only result."""
        ...

    def scalar_constant(self, value: Any, dtype: Any) -> SSAValue:
        """Return a constant of a numpy dtype."""
        ...


def is_small(dtype: Any) -> bool:
    """Return whether a dtype is stored in 16 bits and computed in 32."""
    return str(dtype) in SMALL


def narrowed(to: Emission, x: SSAValue, dtype: Any) -> SSAValue:
    """Return the 16 bits of a 32-bit float, rounded to the nearest, ties to even."""
    bits = to.emit(arith.BitcastOp(x, i32))
    found = _to_half(to, bits) if str(dtype) == "float16" else _to_bfloat(to, bits)
    return to.emit(arith.TruncIOp(found, i16))


def widened(to: Emission, bits: SSAValue, dtype: Any) -> SSAValue:
    """Return the 32-bit float that 16 bits stand for."""
    wide = to.emit(arith.ExtUIOp(bits, i32))
    if str(dtype) == "float16":
        return _from_half(to, wide)
    return to.emit(arith.BitcastOp(_op(to, arith.ShLIOp, wide, 16), f32))


def rounded(to: Emission, x: SSAValue, dtype: Any) -> SSAValue:
    """Return the nearest value of a small dtype, as a 32-bit float."""
    return widened(to, narrowed(to, x, dtype), dtype)


def _op(to: Emission, kind: Any, x: SSAValue, y: SSAValue | int) -> SSAValue:
    """Apply an integer operation to a value and a value or constant."""
    other = to.scalar_constant(y, "uint32") if isinstance(y, int) else y
    return to.emit(kind(x, other))


def _compare(to: Emission, x: SSAValue, y: int, predicate: str) -> SSAValue:
    return to.emit(arith.CmpiOp(x, to.scalar_constant(y, "uint32"), predicate))


def _select(
    to: Emission, condition: SSAValue, x: SSAValue | int, y: SSAValue | int
) -> SSAValue:
    cases = (
        to.scalar_constant(v, "uint32") if isinstance(v, int) else v for v in (x, y)
    )
    return to.emit(arith.SelectOp(condition, *cases))


def _shifted_to_even(to: Emission, bits: SSAValue, count: int) -> SSAValue:
    """Drop low bits, rounding to the nearest and ties to even."""
    last = _op(to, arith.AndIOp, _op(to, arith.ShRUIOp, bits, count), 1)
    bias = _op(to, arith.AddiOp, last, (1 << (count - 1)) - 1)
    return _op(to, arith.ShRUIOp, _op(to, arith.AddiOp, bits, bias), count)


def _shifted_nan(to: Emission, bits: SSAValue, count: int) -> SSAValue:
    """Drop low bits of a NaN, which keeps what fits of its payload."""
    dropped = _op(to, arith.AndIOp, bits, (1 << count) - 1)
    some = to.emit(arith.ExtUIOp(_compare(to, dropped, 0, "ne"), i32))
    return _op(to, arith.OrIOp, _op(to, arith.ShRUIOp, bits, count), some)


def _to_bfloat(to: Emission, bits: SSAValue) -> SSAValue:
    size = _op(to, arith.AndIOp, bits, 0x7FFFFFFF)
    is_nan = _compare(to, size, 0x7F800000, "ugt")
    kept = _shifted_nan(to, bits, 16)
    return _select(to, is_nan, kept, _shifted_to_even(to, bits, 16))


def _to_half(to: Emission, bits: SSAValue) -> SSAValue:
    size = _op(to, arith.AndIOp, bits, 0x7FFFFFFF)
    sign = _op(to, arith.AndIOp, _op(to, arith.ShRUIOp, bits, 16), 0x8000)
    normal = _op(to, arith.SubiOp, _shifted_to_even(to, size, 13), 112 << 10)
    too_large = _compare(to, normal, 0x7C00, "ugt")
    normal = _select(to, too_large, 0x7C00, normal)
    # NOTE: the last bit of a float just above one half is worth 2**-24, as that of
    # the smallest halves is, so the addition rounds.
    half = to.scalar_constant(0.5, "float32")
    added = to.emit(arith.AddfOp(to.emit(arith.BitcastOp(size, f32)), half))
    tiny = _op(to, arith.SubiOp, to.emit(arith.BitcastOp(added, i32)), 0x3F000000)
    found = _select(to, _compare(to, size, 0x38800000, "ult"), tiny, normal)
    is_nan = _compare(to, size, 0x7F800000, "ugt")
    kept = _op(to, arith.AndIOp, _shifted_nan(to, size, 13), 0x7FFF)
    return _op(to, arith.OrIOp, _select(to, is_nan, kept, found), sign)


def _from_half(to: Emission, half: SSAValue) -> SSAValue:
    size = _op(to, arith.AndIOp, half, 0x7FFF)
    sign = _op(to, arith.ShLIOp, _op(to, arith.AndIOp, half, 0x8000), 16)
    raised = _op(to, arith.ShLIOp, size, 13)
    normal = _op(to, arith.AddiOp, raised, 112 << 23)
    special = _op(to, arith.OrIOp, raised, 0x7F800000)
    scale = to.scalar_constant(2.0**-24, "float32")
    tiny = to.emit(arith.MulfOp(to.emit(arith.SIToFPOp(size, f32)), scale))
    found = _select(to, _compare(to, size, 0x7C00, "uge"), special, normal)
    bits = to.emit(arith.BitcastOp(tiny, i32))
    found = _select(to, _compare(to, size, 0x400, "ult"), bits, found)
    return to.emit(arith.BitcastOp(_op(to, arith.OrIOp, found, sign), f32))
