"""Conversion of arith operations to the llvm dialect."""

from typing import Any

from xdsl.dialects import arith, llvm
from xdsl.dialects.builtin import Float32Type, FloatAttr, IntegerAttr, IntegerType, i64
from xdsl.ir import Attribute, Operation

from qjit.lowering.conversion.converter import Converter, convert_type, llvm_rule

BINARY: dict[type[Operation], Any] = {
    arith.AddfOp: llvm.FAddOp,
    arith.SubfOp: llvm.FSubOp,
    arith.MulfOp: llvm.FMulOp,
    arith.DivfOp: llvm.FDivOp,
    arith.AddiOp: llvm.AddOp,
    arith.SubiOp: llvm.SubOp,
    arith.MuliOp: llvm.MulOp,
    arith.DivSIOp: llvm.SDivOp,
    arith.DivUIOp: llvm.UDivOp,
    arith.RemSIOp: llvm.SRemOp,
    arith.RemUIOp: llvm.URemOp,
    arith.AndIOp: llvm.AndOp,
    arith.OrIOp: llvm.OrOp,
    arith.XOrIOp: llvm.XOrOp,
    arith.ShLIOp: llvm.ShlOp,
    arith.ShRUIOp: llvm.LShrOp,
    arith.ShRSIOp: llvm.AShrOp,
}

INTRINSICS: dict[type[Operation], str] = {
    arith.MaximumfOp: "llvm.maximum",
    arith.MinimumfOp: "llvm.minimum",
    arith.MaxSIOp: "llvm.smax",
    arith.MinSIOp: "llvm.smin",
    arith.MaxUIOp: "llvm.umax",
    arith.MinUIOp: "llvm.umin",
}

CASTS: dict[type[Operation], Any] = {
    arith.SIToFPOp: llvm.SIToFPOp,
    arith.ExtFOp: llvm.FPExtOp,
    arith.TruncFOp: llvm.FPTruncOp,
    arith.ExtSIOp: llvm.SExtOp,
    arith.ExtUIOp: llvm.ZExtOp,
    arith.TruncIOp: llvm.TruncOp,
    arith.BitcastOp: llvm.BitcastOp,
}


def suffix(kind: Attribute) -> str:
    """Return the name that intrinsics give to a scalar type."""
    if isinstance(kind, IntegerType):
        return f"i{kind.width.data}"
    return "f32" if isinstance(kind, Float32Type) else "f64"


@llvm_rule(*BINARY)
def _binary(converter: Converter, op: Operation) -> None:
    operands = [converter.value(operand) for operand in op.operands]
    made = BINARY[type(op)](*operands)
    if isinstance(op, arith.AddfOp) and op.fastmath.data:
        made.fastmathFlags = llvm.FastMathAttr(op.fastmath.data)
    converter.bind(op.results[0], converter.emit(made))


@llvm_rule(*INTRINSICS)
def _intrinsic(converter: Converter, op: Operation) -> None:
    bind_intrinsic(converter, op, INTRINSICS[type(op)])


def bind_intrinsic(converter: Converter, op: Operation, name: str) -> None:
    """Convert an operation to an intrinsic of LLVM for the type of its operands."""
    operands = [converter.value(operand) for operand in op.operands]
    kind = operands[0].type
    found = converter.intrinsic(f"{name}.{suffix(kind)}", kind, operands)
    converter.bind(op.results[0], found)


@llvm_rule(*CASTS)
def _cast(converter: Converter, op: Operation) -> None:
    source = converter.value(op.operands[0])
    made = CASTS[type(op)](source, convert_type(op.results[0].type))
    converter.bind(op.results[0], converter.emit(made))


@llvm_rule(arith.FPToSIOp, arith.FPToUIOp)
def _saturate(converter: Converter, op: Operation) -> None:
    source = converter.value(op.operands[0])
    kind = op.results[0].type
    sign = "s" if isinstance(op, arith.FPToSIOp) else "u"
    name = f"llvm.fpto{sign}i.sat.{suffix(kind)}.{suffix(source.type)}"
    converter.bind(op.results[0], converter.intrinsic(name, kind, [source]))


@llvm_rule(arith.UIToFPOp)
def _unsigned_to_float(converter: Converter, op: Operation) -> None:
    """Convert through signed 64 bits, for which the backend has an instruction."""
    source, kind = converter.value(op.operands[0]), op.results[0].type
    assert isinstance(source.type, IntegerType)
    if source.type.width.data < 64:
        wide = converter.emit(llvm.ZExtOp(source, i64))
        converter.bind(op.results[0], converter.emit(llvm.SIToFPOp(wide, kind)))
        return
    high = converter.emit(llvm.LShrOp(source, converter.int(32)))
    low = converter.emit(llvm.AndOp(source, converter.int(2**32 - 1)))
    double = converter.double(1.0).type
    parts = [converter.emit(llvm.SIToFPOp(part, double)) for part in (high, low)]
    scaled = converter.emit(llvm.FMulOp(parts[0], converter.double(2.0**32)))
    total = converter.emit(llvm.FAddOp(scaled, parts[1]))
    if kind != double:
        total = converter.emit(llvm.FPTruncOp(total, kind))
    converter.bind(op.results[0], total)


@llvm_rule(arith.ConstantOp)
def _constant(converter: Converter, op: arith.ConstantOp) -> None:
    kind = convert_type(op.result.type)
    value = op.value
    if isinstance(value, IntegerAttr):
        assert isinstance(kind, IntegerType)
        value = IntegerAttr(value.value.data, kind)
    assert isinstance(value, IntegerAttr | FloatAttr)
    converter.bind(op.result, converter.constant(value, kind))


@llvm_rule(arith.CmpiOp)
def _compare_integers(converter: Converter, op: arith.CmpiOp) -> None:
    predicate = IntegerAttr(op.predicate.value.data, i64)
    x, y = converter.value(op.lhs), converter.value(op.rhs)
    converter.bind(op.result, converter.emit(llvm.ICmpOp(x, y, predicate)))


@llvm_rule(arith.CmpfOp)
def _compare_floats(converter: Converter, op: arith.CmpfOp) -> None:
    predicate = IntegerAttr(op.predicate.value.data, i64)
    x, y = converter.value(op.lhs), converter.value(op.rhs)
    converter.bind(op.result, converter.emit(llvm.FCmpOp(x, y, predicate)))


@llvm_rule(arith.SelectOp)
def _select(converter: Converter, op: arith.SelectOp) -> None:
    operands = [converter.value(operand) for operand in op.operands]
    converter.bind(op.result, converter.emit(llvm.SelectOp(*operands)))


@llvm_rule(arith.NegfOp)
def _negate(converter: Converter, op: arith.NegfOp) -> None:
    made = llvm.FNegOp(converter.value(op.operands[0]))
    converter.bind(op.result, converter.emit(made))


@llvm_rule(arith.IndexCastOp)
def _index_cast(converter: Converter, op: arith.IndexCastOp) -> None:
    source, kind = converter.value(op.input), convert_type(op.result.type)
    assert isinstance(source.type, IntegerType) and isinstance(kind, IntegerType)
    if source.type.width.data < kind.width.data:
        source = converter.emit(llvm.SExtOp(source, kind))
    elif source.type.width.data > kind.width.data:
        source = converter.emit(llvm.TruncOp(source, kind))
    converter.bind(op.result, source)
