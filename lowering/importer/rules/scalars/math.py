"""Import rules of elementary functions, one element at a time."""

from builtins import complex as complex_number
from typing import Any

import numpy as np
from jax import lax
from xdsl.dialects import arith, complex, math
from xdsl.dialects.builtin import ComplexType, f64
from xdsl.ir import SSAValue

from qjit.lowering.importer.half_precision import is_small, rounded
from qjit.lowering.importer.importer import Importer, elementwise

from .conversions import convert, real_dtype
from .elementwise import call, extremum, kind_of
from .special import decomposed, expanded

Scalar = SSAValue

REAL_FUNCTIONS: dict[str, Any] = {
    "sin": math.SinOp,
    "cos": math.CosOp,
    "tan": math.TanOp,
    "asin": math.AsinOp,
    "acos": math.AcosOp,
    "atan": math.AtanOp,
    "sinh": math.SinhOp,
    "cosh": math.CoshOp,
    "tanh": math.TanhOp,
    "asinh": math.AsinhOp,
    "acosh": math.AcoshOp,
    "atanh": math.AtanhOp,
    "exp": math.ExpOp,
    "exp2": math.Exp2Op,
    "expm1": math.ExpM1Op,
    "log": math.LogOp,
    "log1p": math.Log1pOp,
    "log2": math.Log2Op,
    "sqrt": math.SqrtOp,
    "cbrt": math.CbrtOp,
    "erf": math.ErfOp,
    "floor": math.FloorOp,
    "ceil": math.CeilOp,
}
C_FUNCTIONS = {"erfc": "erfc"}
NAN = np.complex128(complex_number(np.nan, np.nan))
# What the C library lacks or computes otherwise than XLA, by kind and name.
DECOMPOSED = {("f", "atanh"), ("c", "log1p"), ("c", "log2")}


def call_complex(importer: Importer, symbol: str, *args: Scalar) -> Scalar:
    """Call a C99 complex function in double precision."""
    single = ComplexType(f64) != args[0].type
    parts: list[Scalar] = []
    for arg in args:
        wide = convert(importer, arg, np.complex64, np.complex128) if single else arg
        parts.append(importer.emit(complex.ReOp(wide)))
        parts.append(importer.emit(complex.ImOp(wide)))
    found = call(importer, symbol, *parts, result=ComplexType(f64))
    return convert(importer, found, np.complex128, np.complex64) if single else found


def _function(name: str, op: Any) -> None:
    @elementwise(name)
    def _(importer: Importer, eqn: Any, x: Scalar) -> Scalar:
        if (kind_of(eqn), name) in DECOMPOSED:
            return decomposed(importer, eqn, x)
        if kind_of(eqn) == "f":
            return importer.emit(op(x))
        if name == "exp2":
            two = importer.scalar_constant(2, eqn.invars[0].aval.dtype)
            return call_complex(importer, "cpow", two, x)
        if name == "expm1":
            one = importer.scalar_constant(1, eqn.invars[0].aval.dtype)
            grown = call_complex(importer, "cexp", x)
            return importer.emit(complex.SubOp(grown, one))
        return call_complex(importer, f"c{name}", x)


for _name, _op in REAL_FUNCTIONS.items():
    _function(_name, _op)


def _c_function(name: str, symbol: str) -> None:
    @elementwise(name)
    def _(importer: Importer, eqn: Any, x: Scalar) -> Scalar:
        double = eqn.invars[0].aval.dtype == np.float64
        return call(importer, symbol if double else f"{symbol}f", x)


for _name, _symbol in C_FUNCTIONS.items():
    _c_function(_name, _symbol)


@elementwise("atan2")
def _atan2(importer: Importer, eqn: Any, y: Scalar, x: Scalar) -> Scalar:
    if kind_of(eqn) == "c":
        return expanded(importer, eqn, _complex_atan2, y, x)
    return importer.emit(math.Atan2Op(y, x))


def _complex_atan2(y: Any, x: Any) -> Any:
    """Return -i log((x + iy) / sqrt(x^2 + y^2)), as XLA does."""
    unit = lax.full_like(x, 1j)
    size = lax.sqrt(lax.add(lax.mul(x, x), lax.mul(y, y)))
    turned = lax.div(lax.add(x, lax.mul(unit, y)), size)
    return lax.mul(lax.neg(unit), lax.log(turned))


@elementwise("rsqrt")
def _rsqrt(importer: Importer, eqn: Any, x: Scalar) -> Scalar:
    one = importer.scalar_constant(1, eqn.invars[0].aval.dtype)
    if kind_of(eqn) == "c":
        root = call_complex(importer, "csqrt", x)
        return importer.emit(complex.DivOp(one, root))
    return importer.emit(arith.DivfOp(one, importer.emit(math.SqrtOp(x))))


@elementwise("logistic")
def _logistic(importer: Importer, eqn: Any, x: Scalar) -> Scalar:
    one = importer.scalar_constant(1, eqn.invars[0].aval.dtype)
    if kind_of(eqn) == "c":
        fall = call_complex(importer, "cexp", importer.emit(complex.NegOp(x)))
        below = importer.emit(complex.AddOp(one, fall))
        return importer.emit(complex.DivOp(one, below))
    fall = importer.emit(math.ExpOp(importer.emit(arith.NegfOp(x))))
    return importer.emit(arith.DivfOp(one, importer.emit(arith.AddfOp(one, fall))))


@elementwise("abs")
def _abs(importer: Importer, eqn: Any, x: Scalar) -> Scalar:
    kind = kind_of(eqn)
    if kind == "f":
        return importer.emit(math.AbsFOp(x))
    if kind == "c":
        return importer.emit(complex.AbsOp(x))
    return x if kind in "ub" else importer.emit(math.AbsIOp(x))


@elementwise("sign")
def _sign(importer: Importer, eqn: Any, x: Scalar) -> Scalar:
    kind, dtype = kind_of(eqn), eqn.invars[0].aval.dtype
    zero, one = (importer.scalar_constant(v, dtype) for v in (0, 1))
    if kind == "f":
        unit = importer.emit(math.CopySignOp(one, x))
        still = importer.emit(arith.CmpfOp(x, zero, "ueq"))
        return importer.emit(arith.SelectOp(still, x, unit))
    if kind == "c":
        size = importer.emit(complex.AbsOp(x))
        wide = convert(importer, size, np.zeros((), dtype).real.dtype, dtype)
        still = importer.emit(complex.EqualOp(x, zero))
        unit = importer.emit(complex.DivOp(x, wide))
        return importer.emit(arith.SelectOp(still, zero, unit))
    if kind == "i":
        low = importer.scalar_constant(-1, dtype)
        x = extremum(importer, kind, x, low, largest=True)
    return extremum(importer, kind, x, one, largest=False)


@elementwise("round")
def _round(importer: Importer, eqn: Any, x: Scalar) -> Scalar:
    away = int(eqn.params["rounding_method"]) == 0
    return importer.emit((math.RoundOp if away else math.RoundEvenOp)(x))


@elementwise("is_finite")
def _is_finite(importer: Importer, eqn: Any, x: Scalar) -> Scalar:
    infinity = importer.scalar_constant(np.inf, eqn.invars[0].aval.dtype)
    return importer.emit(arith.CmpfOp(importer.emit(math.AbsFOp(x)), infinity, "olt"))


@elementwise("pow")
def _pow(importer: Importer, eqn: Any, x: Scalar, y: Scalar) -> Scalar:
    base, exponent = (var.aval.dtype for var in eqn.invars)
    y = convert(importer, y, exponent, base)
    if kind_of(eqn) == "c":
        return _complex_pow(importer, base, x, y)
    return importer.emit(math.PowFOp(x, y))


def _complex_pow(importer: Importer, dtype: Any, x: Scalar, y: Scalar) -> Scalar:
    """Raise to a power; zero has powers by zero and by positive numbers only."""
    zero, one, missing = (importer.scalar_constant(v, dtype) for v in (0, 1, NAN))
    part = real_dtype(dtype)
    none = importer.scalar_constant(0, part)
    real, imaginary = importer.emit(complex.ReOp(y)), importer.emit(complex.ImOp(y))
    above = importer.emit(arith.CmpfOp(real, none, "ogt"))
    flat = importer.emit(arith.CmpfOp(imaginary, none, "oeq"))
    positive = importer.emit(arith.AndIOp(above, flat))
    of_zero = importer.emit(arith.SelectOp(positive, zero, missing))
    from_zero = importer.emit(complex.EqualOp(x, zero))
    to_zero = importer.emit(complex.EqualOp(y, zero))
    found = call_complex(importer, "cpow", x, y)
    found = importer.emit(arith.SelectOp(from_zero, of_zero, found))
    return importer.emit(arith.SelectOp(to_zero, one, found))


@elementwise("integer_pow")
def _integer_pow(importer: Importer, eqn: Any, x: Scalar) -> Scalar:
    exponent, dtype = eqn.params["y"], eqn.invars[0].aval.dtype
    kind = kind_of(eqn)
    times = {"f": arith.MulfOp, "c": complex.MulOp, "b": arith.AndIOp}.get(
        kind, arith.MuliOp
    )

    def multiply(x: Scalar, y: Scalar) -> Scalar:
        product = importer.emit(times(x, y))
        return rounded(importer, product, dtype) if is_small(dtype) else product

    found: Scalar | None = None
    square, rest = x, abs(exponent)
    while rest:
        if rest & 1:
            found = square if found is None else multiply(found, square)
        rest >>= 1
        if rest:
            square = multiply(square, square)
    one = importer.scalar_constant(1, dtype)
    found = one if found is None else found
    if exponent >= 0 or kind not in "fc":
        return found
    return importer.emit((arith.DivfOp if kind == "f" else complex.DivOp)(one, found))
