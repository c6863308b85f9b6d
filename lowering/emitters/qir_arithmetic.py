"""Classical operations in LLVM assembly, by the instructions that QIR allows."""

from collections.abc import Callable, Mapping, Sequence
from math import isfinite

from xdsl.dialects import arith, math
from xdsl.dialects.builtin import (
    Float16Type,
    Float32Type,
    Float64Type,
    IndexType,
    IntegerType,
)
from xdsl.ir import Attribute, Operation

from .emitter import EmissionError

# Writes an instruction, and returns the name of its value.
Write = Callable[[str], str]

BINARY: Mapping[type[Operation], str] = {
    arith.AddiOp: "add",
    arith.SubiOp: "sub",
    arith.MuliOp: "mul",
    arith.DivSIOp: "sdiv",
    arith.DivUIOp: "udiv",
    arith.RemSIOp: "srem",
    arith.RemUIOp: "urem",
    arith.AndIOp: "and",
    arith.OrIOp: "or",
    arith.XOrIOp: "xor",
    arith.ShLIOp: "shl",
    arith.ShRUIOp: "lshr",
    arith.ShRSIOp: "ashr",
    arith.AddfOp: "fadd",
    arith.SubfOp: "fsub",
    arith.MulfOp: "fmul",
    arith.DivfOp: "fdiv",
}
CASTS: Mapping[type[Operation], str] = {
    arith.ExtUIOp: "zext",
    arith.ExtSIOp: "sext",
    arith.TruncIOp: "trunc",
    arith.SIToFPOp: "sitofp",
    arith.UIToFPOp: "uitofp",
    arith.ExtFOp: "fpext",
    arith.TruncFOp: "fptrunc",
}
# Signed numbers of one bit are 0 and -1 in LLVM.
SIGNED = (arith.ExtSIOp, arith.SIToFPOp, arith.FPToSIOp)
EXTREMES: Mapping[type[Operation], str] = {
    arith.MaxSIOp: "sgt",
    arith.MinSIOp: "slt",
    arith.MaxUIOp: "ugt",
    arith.MinUIOp: "ult",
}
# Of floats: what is chosen, and whether a number wins over one that is none.
FLOAT_EXTREMES: Mapping[type[Operation], tuple[str, bool]] = {
    arith.MaximumfOp: ("ogt", False),
    arith.MinimumfOp: ("olt", False),
    arith.MaxnumfOp: ("ogt", True),
    arith.MinnumfOp: ("olt", True),
}
INTEGER_PREDICATES = (
    *("eq", "ne"),
    *("slt", "sle", "sgt", "sge"),
    *("ult", "ule", "ugt", "uge"),
)
FLOAT_PREDICATES = (
    *("false", "oeq", "ogt", "oge", "olt", "ole", "one", "ord"),
    *("ueq", "ugt", "uge", "ult", "ule", "une", "uno", "true"),
)
# Those that hold of what is no number, by those that do not hold then.
OPPOSITES: Mapping[str, str] = {
    "ueq": "one",
    "ugt": "ole",
    "uge": "olt",
    "ult": "oge",
    "ule": "ogt",
    "une": "oeq",
    "uno": "ord",
}


def type_of(kind: Attribute) -> str:
    """Return what LLVM calls a type.

    >>> type_of(IntegerType(1))
    'i1'
    """
    match kind:
        case IntegerType():
            return f"i{kind.width.data}"
        case IndexType():
            return "i64"
        case Float64Type():
            return "double"
        case Float32Type():
            return "float"
        case Float16Type():
            return "half"
        case _:
            raise EmissionError(f"a value of type {kind} that outcomes decide")


def float_text(number: float) -> str:
    """Return a number as LLVM reads it.

    >>> float_text(0.5), float_text(1e-05)
    ('0.5', '1.0e-05')
    """
    if not isfinite(number):
        raise EmissionError(f"the number {number}")
    digits, sign, exponent = repr(number).partition("e")
    return f"{digits if '.' in digits else f'{digits}.0'}{sign}{exponent}"


def negative(write: Write, kind: str, value: str) -> str:
    """Negate a float."""
    return write(f"fsub {kind} -0.0, {value}")


def compute(op: Operation, given: Sequence[str], write: Write) -> str:
    """Write a classical operation of values that are given, and return its value."""
    kind = type_of(op.results[0].type)
    source = type_of(op.operands[0].type)
    if isinstance(op, SIGNED) and "i1" in (kind, source):
        raise EmissionError(f"'{op.name}' of a bit", op)
    match op:
        case _ if type(op) in BINARY:
            return write(f"{BINARY[type(op)]} {kind} {given[0]}, {given[1]}")
        case _ if type(op) in CASTS:
            return write(f"{CASTS[type(op)]} {source} {given[0]} to {kind}")
        case arith.IndexCastOp():
            return _resized(source, kind, given[0], write)
        case arith.NegfOp():
            return negative(write, kind, given[0])
        case arith.CmpiOp():
            predicate = INTEGER_PREDICATES[op.predicate.value.data]
            return write(f"icmp {predicate} {source} {given[0]}, {given[1]}")
        case arith.CmpfOp():
            predicate = FLOAT_PREDICATES[op.predicate.value.data]
            return _compared(write, predicate, source, given)
        case arith.SelectOp():
            return _chosen(write, given[0], kind, given[1], given[2])
        case _:
            return _of_several(op, kind, source, given, write)


def _of_several(
    op: Operation, kind: str, source: str, given: Sequence[str], write: Write
) -> str:
    """Write an operation that takes several instructions."""
    match op:
        case _ if type(op) in EXTREMES:
            a, b = given
            first = write(f"icmp {EXTREMES[type(op)]} {kind} {a}, {b}")
            return _chosen(write, first, kind, a, b)
        case _ if type(op) in FLOAT_EXTREMES:
            return _float_extreme(op, kind, given, write)
        case math.AbsFOp():
            below = write(f"fcmp olt {kind} {given[0]}, 0.0")
            return _chosen(
                write, below, kind, negative(write, kind, given[0]), given[0]
            )
        case math.AbsIOp():
            below = write(f"icmp slt {kind} {given[0]}, 0")
            other = write(f"sub {kind} 0, {given[0]}")
            return _chosen(write, below, kind, other, given[0])
        case arith.FPToSIOp():
            return _rounded(kind, source, given[0], write)
        case _:
            raise EmissionError(f"'{op.name}' of what outcomes decide", op)


def _compared(write: Write, predicate: str, kind: str, given: Sequence[str]) -> str:
    """Compare floats by what all consumers know: predicates that numbers can meet."""
    if predicate in OPPOSITES:
        opposite = _compared(write, OPPOSITES[predicate], kind, given)
        return write(f"xor i1 {opposite}, true")
    if predicate == "ord":
        are = [write(f"fcmp oeq {kind} {each}, {each}") for each in given]
        return write(f"and i1 {are[0]}, {are[1]}")
    return write(f"fcmp {predicate} {kind} {given[0]}, {given[1]}")


def _chosen(write: Write, condition: str, kind: str, one: str, zero: str) -> str:
    return write(f"select i1 {condition}, {kind} {one}, {kind} {zero}")


def _resized(source: str, kind: str, value: str, write: Write) -> str:
    """Cast an index: signed, as indices are, but a bit to 0 or 1."""
    width, wanted = int(source[1:]), int(kind[1:])
    if width == wanted:
        return value
    name = "trunc" if width > wanted else "zext" if width == 1 else "sext"
    return write(f"{name} {source} {value} to {kind}")


def _float_extreme(op: Operation, kind: str, given: Sequence[str], write: Write) -> str:
    a, b = given
    predicate, number_wins = FLOAT_EXTREMES[type(op)]
    first = write(f"fcmp {predicate} {kind} {a}, {b}")
    found = _chosen(write, first, kind, a, b)  # b, where either is no number
    other = b if number_wins else a
    is_number = write(f"fcmp oeq {kind} {other}, {other}")
    return _chosen(write, is_number, kind, found, a)


def _rounded(kind: str, source: str, value: str, write: Write) -> str:
    """Round towards zero; what is too large is the largest, and no number is 0."""
    half = 1 << (int(kind[1:]) - 1)
    end = float_text(float(half))
    high = write(f"fcmp oge {source} {value}, {end}")
    low = write(f"fcmp olt {source} {value}, -{end}")
    below = write(f"fcmp olt {source} {value}, {end}")
    above = write(f"fcmp oge {source} {value}, -{end}")
    safe = _chosen(write, write(f"and i1 {below}, {above}"), source, value, "0.0")
    found = write(f"fptosi {source} {safe} to {kind}")
    found = _chosen(write, high, kind, str(half - 1), found)
    return _chosen(write, low, kind, str(-half), found)
