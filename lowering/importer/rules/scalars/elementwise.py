"""Import rules of arithmetic and logic, one element at a time."""

from collections.abc import Callable
from typing import Any

import numpy as np
from xdsl.dialects import arith, complex, math
from xdsl.dialects.builtin import IntegerType, f64
from xdsl.ir import Operation, SSAValue

from qjit.dialects import host
from qjit.lowering.importer.importer import Importer, elementwise, rule
from qjit.lowering.importer.values import Value, kind_of_dtype

from .conversions import complex_type

Scalar = SSAValue
Op2 = Callable[[SSAValue, SSAValue], Operation]


def kind_of(eqn: Any, position: int = 0) -> str:
    """Return the numpy kind letter of an operand: b, i, u, f or c."""
    return kind_of_dtype(eqn.invars[position].aval.dtype)


def _like(importer: Importer, eqn: Any, value: Any, position: int = 0) -> Scalar:
    return importer.scalar_constant(value, eqn.invars[position].aval.dtype)


def call(importer: Importer, symbol: str, *args: Scalar, result: Any = None) -> Scalar:
    """Call a function of the C library."""
    return importer.emit(host.FunctionOp(symbol, args, result or args[0].type))


def _arithmetic(
    name: str, on_float: Op2, on_integer: Op2, on_bool: Op2, on_complex: Op2
) -> None:
    table = {
        "f": on_float,
        "i": on_integer,
        "u": on_integer,
        "b": on_bool,
        "c": on_complex,
    }

    @elementwise(name)
    def _(importer: Importer, eqn: Any, x: Scalar, y: Scalar) -> Scalar:
        return importer.emit(table[kind_of(eqn)](x, y))


for _add in ("add", "add_any"):
    _arithmetic(_add, arith.AddfOp, arith.AddiOp, arith.OrIOp, complex.AddOp)
_arithmetic("sub", arith.SubfOp, arith.SubiOp, arith.XOrIOp, complex.SubOp)
_arithmetic("mul", arith.MulfOp, arith.MuliOp, arith.AndIOp, complex.MulOp)


@elementwise("square")
def _square(importer: Importer, eqn: Any, x: Scalar) -> Scalar:
    table = {"f": arith.MulfOp, "c": complex.MulOp, "b": arith.AndIOp}
    return importer.emit(table.get(kind_of(eqn), arith.MuliOp)(x, x))


@elementwise("neg")
def _neg(importer: Importer, eqn: Any, x: Scalar) -> Scalar:
    kind = kind_of(eqn)
    if kind == "f":
        return importer.emit(arith.NegfOp(x))
    if kind == "c":
        return importer.emit(complex.NegOp(x))
    return importer.emit(arith.SubiOp(_like(importer, eqn, 0), x))


def _safe_divisor(importer: Importer, eqn: Any, x: Scalar, y: Scalar) -> Any:
    """Return (divisor that cannot trap, is zero, overflows)."""
    zero, one = _like(importer, eqn, 0), _like(importer, eqn, 1)
    is_zero = importer.emit(arith.CmpiOp(y, zero, "eq"))
    safe = importer.emit(arith.SelectOp(is_zero, one, y))
    if kind_of(eqn) != "i":
        return safe, is_zero, None
    lowest = np.iinfo(eqn.invars[0].aval.dtype).min
    at_lowest = importer.emit(arith.CmpiOp(x, _like(importer, eqn, lowest), "eq"))
    minus = importer.emit(arith.CmpiOp(y, _like(importer, eqn, -1), "eq"))
    overflow = importer.emit(arith.AndIOp(at_lowest, minus))
    return importer.emit(arith.SelectOp(overflow, one, safe)), is_zero, overflow


@elementwise("div")
def _div(importer: Importer, eqn: Any, x: Scalar, y: Scalar) -> Scalar:
    kind = kind_of(eqn)
    if kind in "fc":
        op = arith.DivfOp if kind == "f" else complex.DivOp
        return importer.emit(op(x, y))
    safe, is_zero, _ = _safe_divisor(importer, eqn, x, y)
    op = arith.DivSIOp if kind == "i" else arith.DivUIOp
    quotient = importer.emit(op(x, safe))
    ones = _like(
        importer, eqn, -1 if kind == "i" else np.iinfo(eqn.invars[0].aval.dtype).max
    )
    return importer.emit(arith.SelectOp(is_zero, ones, quotient))


@elementwise("rem")
def _rem(importer: Importer, eqn: Any, x: Scalar, y: Scalar) -> Scalar:
    kind = kind_of(eqn)
    if kind == "f":
        name = "fmod" if eqn.invars[0].aval.dtype == np.float64 else "fmodf"
        return call(importer, name, x, y)
    safe, is_zero, overflow = _safe_divisor(importer, eqn, x, y)
    op = arith.RemSIOp if kind == "i" else arith.RemUIOp
    rest = importer.emit(op(x, safe))
    if overflow is not None:
        zero = _like(importer, eqn, 0)
        rest = importer.emit(arith.SelectOp(overflow, zero, rest))
    return importer.emit(arith.SelectOp(is_zero, x, rest))


@elementwise("max")
def _max(importer: Importer, eqn: Any, x: Scalar, y: Scalar) -> Scalar:
    return extremum(importer, kind_of(eqn), x, y, largest=True)


@elementwise("min")
def _min(importer: Importer, eqn: Any, x: Scalar, y: Scalar) -> Scalar:
    return extremum(importer, kind_of(eqn), x, y, largest=False)


def extremum(
    importer: Importer, kind: str, x: Scalar, y: Scalar, *, largest: bool
) -> Scalar:
    """Return the larger or smaller of two scalars; NaN wins."""
    if kind == "c":
        greater = _complex_order(importer, x, y, "ogt" if largest else "olt")
        return importer.emit(arith.SelectOp(greater, x, y))
    table = {
        "f": (arith.MinimumfOp, arith.MaximumfOp),
        "i": (arith.MinSIOp, arith.MaxSIOp),
        "u": (arith.MinUIOp, arith.MaxUIOp),
        "b": (arith.AndIOp, arith.OrIOp),
    }
    return importer.emit(table[kind][largest](x, y))


def _complex_order(importer: Importer, x: Scalar, y: Scalar, order: str) -> Scalar:
    """Compare complex numbers lexicographically."""
    xr, xi = importer.emit(complex.ReOp(x)), importer.emit(complex.ImOp(x))
    yr, yi = importer.emit(complex.ReOp(y)), importer.emit(complex.ImOp(y))
    strict = order.replace("e", "t")
    first = importer.emit(arith.CmpfOp(xr, yr, strict))
    same = importer.emit(arith.CmpfOp(xr, yr, "oeq"))
    second = importer.emit(arith.CmpfOp(xi, yi, order))
    return importer.emit(arith.OrIOp(first, importer.emit(arith.AndIOp(same, second))))


def total_order_key(importer: Importer, dtype: Any, x: Scalar) -> tuple[str, Scalar]:
    """Return a key whose integer order is the total order of IEEE 754."""
    kind = kind_of_dtype(dtype)
    if kind in "biu":
        return kind, x
    # NOTE: not by the dtype, because smaller floats are computed in 32 bits.
    width = 64 if x.type == f64 else 32
    integer = np.dtype(f"int{width}")
    bits = importer.emit(arith.BitcastOp(x, IntegerType(width)))
    shift = importer.scalar_constant(width - 1, integer)
    mask = importer.scalar_constant(np.iinfo(integer).max, integer)
    sign = importer.emit(arith.ShRSIOp(bits, shift))
    flipped = importer.emit(arith.AndIOp(sign, mask))
    return "i", importer.emit(arith.XOrIOp(bits, flipped))


def _comparison(name: str, on_float: str, signed: str, unsigned: str) -> None:
    @elementwise(name)
    def _(importer: Importer, eqn: Any, x: Scalar, y: Scalar) -> Scalar:
        kind = kind_of(eqn)
        if kind == "f":
            return importer.emit(arith.CmpfOp(x, y, on_float))
        if kind == "c" and name == "eq":
            return importer.emit(complex.EqualOp(x, y))
        if kind == "c" and name == "ne":
            return importer.emit(complex.NotEqualOp(x, y))
        if kind == "c":
            return _complex_order(importer, x, y, on_float)
        return importer.emit(arith.CmpiOp(x, y, signed if kind == "i" else unsigned))


_comparison("eq", "oeq", "eq", "eq")
_comparison("ne", "une", "ne", "ne")
_comparison("lt", "olt", "slt", "ult")
_comparison("le", "ole", "sle", "ule")
_comparison("gt", "ogt", "sgt", "ugt")
_comparison("ge", "oge", "sge", "uge")


def _total_order(name: str, signed: str, unsigned: str) -> None:
    @elementwise(name)
    def _(importer: Importer, eqn: Any, x: Scalar, y: Scalar) -> Scalar:
        dtype = eqn.invars[0].aval.dtype
        kind, x = total_order_key(importer, dtype, x)
        _, y = total_order_key(importer, dtype, y)
        return importer.emit(arith.CmpiOp(x, y, signed if kind == "i" else unsigned))


_total_order("eq_to", "eq", "eq")
_total_order("lt_to", "slt", "ult")
_total_order("le_to", "sle", "ule")


@elementwise("and")
def _and(importer: Importer, eqn: Any, x: Scalar, y: Scalar) -> Scalar:
    return importer.emit(arith.AndIOp(x, y))


@elementwise("or")
def _or(importer: Importer, eqn: Any, x: Scalar, y: Scalar) -> Scalar:
    return importer.emit(arith.OrIOp(x, y))


@elementwise("xor")
def _xor(importer: Importer, eqn: Any, x: Scalar, y: Scalar) -> Scalar:
    return importer.emit(arith.XOrIOp(x, y))


@elementwise("not")
def _not(importer: Importer, eqn: Any, x: Scalar) -> Scalar:
    dtype = eqn.invars[0].aval.dtype
    kind = kind_of(eqn)
    ones = True if kind == "b" else -1 if kind == "i" else np.iinfo(dtype).max
    return importer.emit(arith.XOrIOp(x, _like(importer, eqn, ones)))


def _shift(name: str, op: Any, *, keeps_sign: bool = False) -> None:
    @elementwise(name)
    def _(importer: Importer, eqn: Any, x: Scalar, y: Scalar) -> Scalar:
        dtype = np.dtype(eqn.invars[0].aval.dtype)
        width = 8 * dtype.itemsize
        last = importer.scalar_constant(width - 1, dtype)
        inside = importer.emit(arith.CmpiOp(y, last, "ule"))
        amount = importer.emit(arith.SelectOp(inside, y, last))
        shifted = importer.emit(op(x, amount))
        if keeps_sign:
            return shifted
        zero = _like(importer, eqn, 0)
        return importer.emit(arith.SelectOp(inside, shifted, zero))


_shift("shift_left", arith.ShLIOp)
_shift("shift_right_logical", arith.ShRUIOp)
_shift("shift_right_arithmetic", arith.ShRSIOp, keeps_sign=True)


@elementwise("population_count")
def _population_count(importer: Importer, eqn: Any, x: Scalar) -> Scalar:
    return importer.emit(math.CtPopOp(x))


@elementwise("clz")
def _clz(importer: Importer, eqn: Any, x: Scalar) -> Scalar:
    return importer.emit(math.CountLeadingZerosOp(x))


@elementwise("clamp")
def _clamp(
    importer: Importer, eqn: Any, low: Scalar, x: Scalar, high: Scalar
) -> Scalar:
    kind = kind_of(eqn, 1)
    raised = extremum(importer, kind, x, low, largest=True)
    return extremum(importer, kind, raised, high, largest=False)


@elementwise("select_n")
def _select_n(importer: Importer, eqn: Any, which: Scalar, *cases: Scalar) -> Scalar:
    if kind_of(eqn) == "b":
        if len(cases) == 1:
            return cases[0]
        return importer.emit(arith.SelectOp(which, cases[1], cases[0]))
    chosen = cases[-1]
    for number in reversed(range(len(cases) - 1)):
        here = importer.emit(arith.CmpiOp(which, _like(importer, eqn, number), "sle"))
        chosen = importer.emit(arith.SelectOp(here, cases[number], chosen))
    return chosen


@rule("copy", "copy_p", "stop_gradient", "optimization_barrier", "name", "device_put")
@rule("random_wrap", "random_unwrap", "sharding_constraint", "layout_constraint")
def _same(importer: Importer, eqn: Any, *inputs: Value) -> list[Value]:
    return list(inputs)


@rule("tie")
def _tie(importer: Importer, eqn: Any, x: Value, y: Value) -> list[Value]:
    return [y]


@elementwise("real")
def _real(importer: Importer, eqn: Any, x: Scalar) -> Scalar:
    return importer.emit(complex.ReOp(x))


@elementwise("imag")
def _imag(importer: Importer, eqn: Any, x: Scalar) -> Scalar:
    return importer.emit(complex.ImOp(x))


@elementwise("conj")
def _conj(importer: Importer, eqn: Any, x: Scalar) -> Scalar:
    if kind_of(eqn) == "f":
        kind = complex_type(eqn.outvars[0].aval.dtype)
        zero = _like(importer, eqn, 0)
        return importer.emit(complex.CreateOp(x, zero, kind))
    return importer.emit(complex.ConjOp(x))


@elementwise("complex")
def _complex(importer: Importer, eqn: Any, x: Scalar, y: Scalar) -> Scalar:
    return importer.emit(
        complex.CreateOp(x, y, complex_type(eqn.outvars[0].aval.dtype))
    )
