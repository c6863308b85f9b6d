"""Import rules that convert between dtypes or look at the bits of numbers."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from xdsl.dialects import arith, complex
from xdsl.dialects.builtin import ComplexType, IntegerType
from xdsl.ir import Operation, SSAValue

from qjit.lowering.importer.half_precision import is_small, narrowed, rounded, widened
from qjit.lowering.importer.importer import Importer, elementwise, rule
from qjit.lowering.importer.values import Value, element_type, kind_of_dtype

Scalar = SSAValue

# Bits of the exponent and of the fraction.
FORMATS = {
    "float16": (5, 10),
    "bfloat16": (8, 7),
    "float32": (8, 23),
    "float64": (11, 52),
}


def complex_type(dtype: Any) -> ComplexType[Any]:
    """Return the type of a complex scalar."""
    kind = element_type(dtype)
    assert isinstance(kind, ComplexType)
    return kind


def real_dtype(dtype: Any) -> Any:
    """Return the dtype of the parts of a complex number."""
    return np.zeros((), dtype).real.dtype


@elementwise("convert_element_type")
def _convert(importer: Importer, eqn: Any, x: Scalar) -> Scalar:
    return convert(importer, x, eqn.invars[0].aval.dtype, eqn.outvars[0].aval.dtype)


def convert(importer: Importer, x: Scalar, source: Any, target: Any) -> Scalar:
    """Convert a scalar between dtypes as XLA does."""
    source, target = np.dtype(source), np.dtype(target)
    if source == target:
        return x
    if is_small(target):
        return rounded(importer, convert(importer, x, source, np.float32), target)
    if is_small(source):
        return convert(importer, x, np.float32, target)
    kinds = source.kind + target.kind
    if kinds == "cc":
        part, to = real_dtype(source), real_dtype(target)
        real = convert(importer, importer.emit(complex.ReOp(x)), part, to)
        imag = convert(importer, importer.emit(complex.ImOp(x)), part, to)
        return importer.emit(complex.CreateOp(real, imag, complex_type(target)))
    if target.kind == "c":
        part = real_dtype(target)
        real = convert(importer, x, source, part)
        zero = importer.scalar_constant(0, part)
        return importer.emit(complex.CreateOp(real, zero, complex_type(target)))
    if target.kind == "b":
        return _nonzero(importer, x, source)
    if source.kind == "c":
        real = importer.emit(complex.ReOp(x))
        return convert(importer, real, real_dtype(source), target)
    if kinds in ("iu", "ui") and source.itemsize == target.itemsize:
        return x
    return importer.emit(_real_cast(x, source, target, element_type(target)))


def _nonzero(importer: Importer, x: Scalar, source: Any) -> Scalar:
    zero = importer.scalar_constant(0, source)
    if source.kind == "c":
        return importer.emit(complex.NotEqualOp(x, zero))
    if source.kind == "f":
        return importer.emit(arith.CmpfOp(x, zero, "une"))
    return importer.emit(arith.CmpiOp(x, zero, "ne"))


def _real_cast(x: Scalar, source: Any, target: Any, kind: Any) -> Operation:
    if source.kind == "f" and target.kind == "f":
        wider = target.itemsize > source.itemsize
        return arith.ExtFOp(x, kind) if wider else arith.TruncFOp(x, kind)
    if source.kind == "f":
        return (
            arith.FPToSIOp(x, kind) if target.kind == "i" else arith.FPToUIOp(x, kind)
        )
    if target.kind == "f":
        return (
            arith.SIToFPOp(x, kind) if source.kind == "i" else arith.UIToFPOp(x, kind)
        )
    if source.kind == "b" or target.itemsize > source.itemsize:
        return arith.ExtSIOp(x, kind) if source.kind == "i" else arith.ExtUIOp(x, kind)
    return arith.TruncIOp(x, kind)


# Bits


def _unsigned(dtype: Any) -> str:
    return f"uint{8 * np.dtype(dtype).itemsize}"


def _integer(dtype: Any) -> IntegerType:
    return IntegerType(8 * np.dtype(dtype).itemsize)


def to_bits(importer: Importer, x: Scalar, dtype: Any) -> Scalar:
    """Return the bits of a real number as an integer of its size in memory."""
    if is_small(dtype):
        return narrowed(importer, x, dtype)
    if kind_of_dtype(dtype) == "b":
        return importer.emit(arith.ExtUIOp(x, _integer(dtype)))
    if kind_of_dtype(dtype) != "f":
        return x
    return importer.emit(arith.BitcastOp(x, _integer(dtype)))


def from_bits(importer: Importer, bits: Scalar, dtype: Any) -> Scalar:
    """Return the real number that bits stand for."""
    if is_small(dtype):
        return widened(importer, bits, dtype)
    if kind_of_dtype(dtype) == "b":
        return importer.emit(arith.TruncIOp(bits, IntegerType(1)))
    if kind_of_dtype(dtype) != "f":
        return bits
    return importer.emit(arith.BitcastOp(bits, element_type(dtype)))


@rule("bitcast_convert_type")
def _bitcast_convert_type(importer: Importer, eqn: Any, x: Value) -> Any:
    aval = eqn.outvars[0].aval
    source, target = np.dtype(x.dtype), np.dtype(aval.dtype)
    if source == target:
        return [x]
    if "c" in source.kind + target.kind:
        return NotImplemented
    if source.itemsize > target.itemsize:
        return [_bits_apart(importer, aval, x)]
    return [_bits_together(importer, aval, x)]


def _bits_apart(importer: Importer, aval: Any, x: Value) -> Value:
    """Read each number as several, the lowest bits first."""

    def element(indices: Sequence[SSAValue]) -> SSAValue:
        bits = to_bits(importer, importer.element(x, indices[:-1]), x.dtype)
        place = importer.emit(arith.IndexCastOp(indices[-1], bits.type))
        width = importer.scalar_constant(8 * aval.dtype.itemsize, _unsigned(x.dtype))
        shift = importer.emit(arith.MuliOp(place, width))
        part = importer.emit(arith.ShRUIOp(bits, shift))
        part = importer.emit(arith.TruncIOp(part, _integer(aval.dtype)))
        return from_bits(importer, part, aval.dtype)

    return importer.lazy(aval, [x], element)


def _bits_together(importer: Importer, aval: Any, x: Value) -> Value:
    """Read the numbers along the last axis as one, the lowest bits first."""
    narrow, wide = np.dtype(x.dtype).itemsize, np.dtype(aval.dtype).itemsize
    kind = _integer(aval.dtype)

    def part(indices: Sequence[SSAValue], place: int) -> SSAValue:
        bits = to_bits(importer, importer.element(x, indices), x.dtype)
        if narrow == wide:
            return bits
        shift = importer.scalar_constant(8 * narrow * place, _unsigned(aval.dtype))
        return importer.emit(
            arith.ShLIOp(importer.emit(arith.ExtUIOp(bits, kind)), shift)
        )

    def element(indices: Sequence[SSAValue]) -> SSAValue:
        if narrow == wide:
            return from_bits(importer, part(indices, 0), aval.dtype)
        bits: SSAValue | None = None
        for place in range(wide // narrow):
            here = part([*indices, importer.index_constant(place)], place)
            bits = here if bits is None else importer.emit(arith.OrIOp(bits, here))
        assert bits is not None
        return from_bits(importer, bits, aval.dtype)

    return importer.lazy(aval, [x], element)


class _Bits:
    """Integer arithmetic on the bits of one dtype, with constants written as ints."""

    def __init__(self, importer: Importer, dtype: Any) -> None:
        self.importer = importer
        self.kind = _unsigned(dtype)
        self.exponent, self.fraction = FORMATS[str(dtype)]
        self.sign = 1 << (self.exponent + self.fraction)
        self.infinity = ((1 << self.exponent) - 1) << self.fraction

    def _operand(self, value: Scalar | int) -> Scalar:
        if isinstance(value, int):
            return self.importer.scalar_constant(value, self.kind)
        return value

    def __call__(self, op: Any, x: Scalar, y: Scalar | int) -> Scalar:
        """Apply an operation or, given its name, a comparison."""
        if isinstance(op, str):
            return self.importer.emit(arith.CmpiOp(x, self._operand(y), op))
        return self.importer.emit(op(x, self._operand(y)))

    def select(self, condition: Scalar, x: Scalar | int, y: Scalar | int) -> Scalar:
        """Choose between two values."""
        cases = self._operand(x), self._operand(y)
        return self.importer.emit(arith.SelectOp(condition, *cases))

    def size(self, bits: Scalar) -> Scalar:
        """Return bits without their sign."""
        return self(arith.AndIOp, bits, self.sign - 1)


@elementwise("nextafter")
def _nextafter(importer: Importer, eqn: Any, x: Scalar, y: Scalar) -> Scalar:
    dtype = eqn.invars[0].aval.dtype
    do = _Bits(importer, dtype)
    start, end = (to_bits(importer, v, dtype) for v in (x, y))
    start_size, end_size = do.size(start), do.size(end)
    apart = do(arith.AndIOp, do(arith.XOrIOp, start, end), do.sign)
    larger = do("ugt", start_size, end_size)
    inwards = do(arith.OrIOp, larger, do("ne", apart, 0))
    step = do.select(inwards, do.sign * 2 - 1, 1)
    found = do(arith.AddiOp, start, step)
    smallest = do(arith.OrIOp, do(arith.AndIOp, end, do.sign), 1)
    found = do.select(do("eq", start_size, 0), smallest, found)
    same = importer.emit(arith.CmpfOp(x, y, "oeq"))
    found = do.select(same, end, found)
    for size, bits in ((start_size, start), (end_size, end)):
        found = do.select(do("ugt", size, do.infinity), bits, found)
    return from_bits(importer, found, dtype)


@elementwise("reduce_precision")
def _reduce_precision(importer: Importer, eqn: Any, x: Scalar) -> Scalar:
    dtype = eqn.invars[0].aval.dtype
    do = _Bits(importer, dtype)
    exponent, fraction = (eqn.params[f"{p}_bits"] for p in ("exponent", "mantissa"))
    bits = found = to_bits(importer, x, dtype)
    if fraction < do.fraction:
        dropped = do.fraction - fraction
        last = do(arith.AndIOp, do(arith.ShRUIOp, bits, dropped), 1)
        bias = do(arith.AddiOp, last, (1 << (dropped - 1)) - 1)
        kept = do.sign * 2 - (1 << dropped)
        found = do(arith.AndIOp, do(arith.AddiOp, bits, bias), kept)
    if exponent < do.exponent:
        middle, reach = (1 << (do.exponent - 1)) - 1, (1 << (exponent - 1)) - 1
        scale = do(arith.AndIOp, found, do.infinity)
        sign = do(arith.AndIOp, found, do.sign)
        above = do("ugt", scale, (middle + reach) << do.fraction)
        below = do("ule", scale, (middle - reach) << do.fraction)
        found = do.select(above, do(arith.OrIOp, sign, do.infinity), found)
        found = do.select(below, sign, found)
    is_nan = do("ugt", do.size(bits), do.infinity)
    return from_bits(importer, do.select(is_nan, bits, found), dtype)
