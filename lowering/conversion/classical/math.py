"""Conversion of math and complex operations, and of calls, to the llvm dialect."""

from xdsl.dialects import complex, llvm, math
from xdsl.dialects.builtin import (
    DenseArrayBase,
    Float32Type,
    Float64Type,
    FloatAttr,
    i64,
)
from xdsl.ir import Attribute, Operation, SSAValue

from qjit.lowering.conversion.converter import Converter, convert_type, llvm_rule

from .arith import bind_intrinsic, suffix

INTRINSICS: dict[type[Operation], str] = {
    math.SinOp: "llvm.sin",
    math.CosOp: "llvm.cos",
    math.ExpOp: "llvm.exp",
    math.Exp2Op: "llvm.exp2",
    math.LogOp: "llvm.log",
    math.Log2Op: "llvm.log2",
    math.SqrtOp: "llvm.sqrt",
    math.FloorOp: "llvm.floor",
    math.CeilOp: "llvm.ceil",
    math.RoundOp: "llvm.round",
    math.RoundEvenOp: "llvm.roundeven",
    math.AbsFOp: "llvm.fabs",
    math.CopySignOp: "llvm.copysign",
    math.PowFOp: "llvm.pow",
    math.CtPopOp: "llvm.ctpop",
}

LIBRARY: dict[type[Operation], str] = {
    math.TanOp: "tan",
    math.AsinOp: "asin",
    math.AcosOp: "acos",
    math.AtanOp: "atan",
    math.SinhOp: "sinh",
    math.CoshOp: "cosh",
    math.TanhOp: "tanh",
    math.AsinhOp: "asinh",
    math.AcoshOp: "acosh",
    math.AtanhOp: "atanh",
    math.Atan2Op: "atan2",
    math.ExpM1Op: "expm1",
    math.Log1pOp: "log1p",
    math.CbrtOp: "cbrt",
    math.ErfOp: "erf",
}


@llvm_rule(*INTRINSICS)
def _intrinsic(converter: Converter, op: Operation) -> None:
    bind_intrinsic(converter, op, INTRINSICS[type(op)])


@llvm_rule(*LIBRARY)
def _library(converter: Converter, op: Operation) -> None:
    operands = [converter.value(operand) for operand in op.operands]
    kind = operands[0].type
    name = LIBRARY[type(op)] + ("f" if isinstance(kind, Float32Type) else "")
    converter.bind(op.results[0], converter.result(name, kind, operands))


@llvm_rule(math.AbsIOp)
def _absolute(converter: Converter, op: math.AbsIOp) -> None:
    source = converter.value(op.operands[0])
    wraps = converter.int(0, 1)
    name = f"llvm.abs.{suffix(source.type)}"
    found = converter.intrinsic(name, source.type, [source, wraps])
    converter.bind(op.results[0], found)


@llvm_rule(math.CountLeadingZerosOp)
def _leading_zeros(converter: Converter, op: math.CountLeadingZerosOp) -> None:
    source = converter.value(op.operands[0])
    name = f"llvm.ctlz.{suffix(source.type)}"
    defined = converter.int(0, 1)
    found = converter.intrinsic(name, source.type, [source, defined])
    converter.bind(op.results[0], found)


def parts(converter: Converter, value: SSAValue) -> tuple[SSAValue, SSAValue]:
    """Return the real and imaginary parts of a complex llvm value."""
    assert isinstance(value.type, llvm.LLVMStructType)
    kind = value.type.types.data[0]
    real, imaginary = (
        converter.emit(
            llvm.ExtractValueOp(DenseArrayBase.from_list(i64, [place]), value, kind)
        )
        for place in (0, 1)
    )
    return real, imaginary


def join(
    converter: Converter, real: SSAValue, imaginary: SSAValue, kind: Attribute
) -> SSAValue:
    """Make a complex llvm value of its parts."""
    made = converter.emit(llvm.UndefOp(kind))
    for place, part in enumerate((real, imaginary)):
        position = DenseArrayBase.from_list(i64, [place])
        made = converter.emit(llvm.InsertValueOp(position, made, part))
    return made


def _bind_pair(
    converter: Converter, op: Operation, real: SSAValue, imaginary: SSAValue
) -> None:
    kind = convert_type(op.results[0].type)
    converter.bind(op.results[0], join(converter, real, imaginary, kind))


@llvm_rule(complex.CreateOp)
def _create(converter: Converter, op: complex.CreateOp) -> None:
    real, imaginary = converter.value(op.real), converter.value(op.imaginary)
    _bind_pair(converter, op, real, imaginary)


@llvm_rule(complex.ReOp)
def _real(converter: Converter, op: complex.ReOp) -> None:
    found = parts(converter, converter.value(op.operands[0]))
    converter.bind(op.results[0], found[0])


@llvm_rule(complex.ImOp)
def _imaginary(converter: Converter, op: complex.ImOp) -> None:
    found = parts(converter, converter.value(op.operands[0]))
    converter.bind(op.results[0], found[1])


@llvm_rule(complex.AddOp, complex.SubOp)
def _add(converter: Converter, op: complex.AddOp | complex.SubOp) -> None:
    made = llvm.FAddOp if isinstance(op, complex.AddOp) else llvm.FSubOp
    x, y = (parts(converter, converter.value(v)) for v in op.operands)
    real, imaginary = (converter.emit(made(a, b)) for a, b in zip(x, y, strict=True))
    _bind_pair(converter, op, real, imaginary)


def _combine(
    converter: Converter, kind: type[Operation], terms: list[tuple[SSAValue, SSAValue]]
) -> SSAValue:
    products = [converter.emit(llvm.FMulOp(x, y)) for x, y in terms]
    return converter.emit(kind(*products))  # type: ignore[arg-type]


@llvm_rule(complex.MulOp)
def _multiply(converter: Converter, op: complex.MulOp) -> None:
    (a, b), (c, d) = (parts(converter, converter.value(v)) for v in op.operands)
    real = _combine(converter, llvm.FSubOp, [(a, c), (b, d)])
    imaginary = _combine(converter, llvm.FAddOp, [(a, d), (b, c)])
    _bind_pair(converter, op, real, imaginary)


@llvm_rule(complex.DivOp)
def _divide(converter: Converter, op: complex.DivOp) -> None:
    """Divide with Smith's scaling, by the larger part of the divisor.

    By zero, each part is divided by a zero with the sign of the divisor's real part.
    """
    (a, b), (c, d) = (parts(converter, converter.value(v)) for v in op.operands)
    kind = a.type
    sizes = [
        converter.intrinsic(f"llvm.fabs.{suffix(kind)}", kind, [v]) for v in (c, d)
    ]
    flat = converter.emit(llvm.FCmpOp(sizes[0], sizes[1], "oge"))

    def select(x: SSAValue, y: SSAValue) -> SSAValue:
        return converter.emit(llvm.SelectOp(flat, x, y))

    large, small = select(c, d), select(d, c)
    ratio = converter.emit(llvm.FDivOp(small, large))
    scaled = converter.emit(llvm.FMulOp(small, ratio))
    below = converter.emit(llvm.FAddOp(large, scaled))
    first, second = select(a, b), select(b, a)
    crossed = converter.emit(llvm.FMulOp(second, ratio))
    real = converter.emit(llvm.FAddOp(first, crossed))
    straight = converter.emit(llvm.FMulOp(first, ratio))
    ahead = converter.emit(llvm.FSubOp(second, straight))
    behind = converter.emit(llvm.FSubOp(straight, second))
    imaginary = select(ahead, behind)
    assert isinstance(kind, Float32Type | Float64Type)
    zero = converter.constant(FloatAttr(0.0, kind), kind)
    by_zero = converter.emit(llvm.FCmpOp(large, zero, "oeq"))
    real, imaginary, below = (
        converter.emit(llvm.SelectOp(by_zero, plain, scaled))
        for plain, scaled in ((a, real), (b, imaginary), (c, below))
    )
    real, imaginary = (converter.emit(llvm.FDivOp(v, below)) for v in (real, imaginary))
    _bind_pair(converter, op, real, imaginary)


@llvm_rule(complex.NegOp, complex.ConjOp)
def _negate(converter: Converter, op: complex.NegOp | complex.ConjOp) -> None:
    real, imaginary = parts(converter, converter.value(op.operands[0]))
    if isinstance(op, complex.NegOp):
        real = converter.emit(llvm.FNegOp(real))
    imaginary = converter.emit(llvm.FNegOp(imaginary))
    _bind_pair(converter, op, real, imaginary)


@llvm_rule(complex.AbsOp)
def _size(converter: Converter, op: complex.AbsOp) -> None:
    real, imaginary = parts(converter, converter.value(op.operands[0]))
    name = "hypotf" if isinstance(real.type, Float32Type) else "hypot"
    found = converter.result(name, real.type, [real, imaginary])
    converter.bind(op.results[0], found)


@llvm_rule(complex.EqualOp, complex.NotEqualOp)
def _equal(converter: Converter, op: complex.EqualOp | complex.NotEqualOp) -> None:
    x, y = (parts(converter, converter.value(v)) for v in op.operands)
    same = isinstance(op, complex.EqualOp)
    real, imaginary = (
        converter.emit(llvm.FCmpOp(a, b, "oeq" if same else "une"))
        for a, b in zip(x, y, strict=True)
    )
    joined = llvm.AndOp(real, imaginary) if same else llvm.OrOp(real, imaginary)
    converter.bind(op.results[0], converter.emit(joined))
