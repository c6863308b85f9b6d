"""Classical operations as expressions of Qiskit.

Integers are unsigned there: signed ones have the same bits, in two's complement, and
what depends on the sign is computed after the sign's bit is flipped, which keeps order.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from xdsl.dialects import arith
from xdsl.dialects.builtin import AnyFloat, IndexType, IntegerType, i1
from xdsl.ir import Attribute, Operation

from .emitter import EmissionError
from .qiskit_gates import qiskit
from .values import Expression

INDEX_WIDTH = 64
PLAIN: Mapping[type[Operation], str] = {
    **{arith.AddiOp: "add", arith.SubiOp: "sub", arith.MuliOp: "mul"},
    **{arith.AddfOp: "add", arith.SubfOp: "sub", arith.MulfOp: "mul"},
    **{arith.DivfOp: "div", arith.DivUIOp: "div", arith.NegfOp: "negate"},
    **{arith.ShLIOp: "shift_left", arith.ShRUIOp: "shift_right"},
}
LOGIC: Mapping[type[Operation], str] = {
    **{arith.AndIOp: "bit_and", arith.OrIOp: "bit_or", arith.XOrIOp: "bit_xor"},
}
COMPARISONS = ("equal", "not_equal", "less", "less_equal", "greater", "greater_equal")
UNSIGNED = 4  # the predicates from `ult` on are this much after the signed ones
# Of floats, by the place of a predicate that is false (or, of the last, true) of NaN.
FLOATS = {1: "equal", 2: "greater", 3: "greater_equal", 4: "less", 5: "less_equal"}
FLOATS[13] = "not_equal"
# What a parameter takes, which is a real number.
OF_PARAMETERS: Mapping[type[Operation], Callable[..., Any]] = {
    arith.AddfOp: lambda a, b: a + b,
    arith.SubfOp: lambda a, b: a - b,
    arith.MulfOp: lambda a, b: a * b,
    arith.DivfOp: lambda a, b: a / b,
    arith.NegfOp: lambda a: -a,
    arith.AddiOp: lambda a, b: a + b,
    arith.SubiOp: lambda a, b: a - b,
    arith.MuliOp: lambda a, b: a * b,
    **dict.fromkeys(
        (arith.ExtFOp, arith.TruncFOp, arith.IndexCastOp, arith.SIToFPOp), lambda a: a
    ),
    arith.ExtSIOp: lambda a: a,
}
FUNCTIONS = {
    **{f"math.{name}": name for name in ("sin", "cos", "tan", "exp", "log")},
    **{"math.asin": "arcsin", "math.acos": "arccos", "math.atan": "arctan"},
    "math.absf": "abs",
}


def type_of(kind: Attribute) -> Any:
    """Return a type as Qiskit's."""
    types = qiskit("circuit.classical.types")
    if kind == i1:
        return types.Bool()
    if isinstance(kind, AnyFloat):
        return types.Float()
    if isinstance(kind, IntegerType | IndexType):
        return types.Uint(_width(kind))
    raise EmissionError(f"values of type {kind}")


def literal(value: Any, kind: Attribute) -> Any:
    """Return a number or an expression as an expression of a type."""
    expr = qiskit("circuit.classical.expr")
    if isinstance(value, Expression):
        if is_parameter(value.code):
            raise EmissionError("a parameter in what the device computes")
        return value.code
    if kind == i1:
        return expr.lift(bool(value))
    if isinstance(kind, AnyFloat):
        if not math.isfinite(value):
            raise EmissionError(f"the number {value}")
        return expr.Value(float(value), type_of(kind))
    return expr.Value(int(value) % (1 << _width(kind)), type_of(kind))


def is_parameter(code: Any) -> bool:
    """Return whether an expression is one of parameters, not of the device."""
    return isinstance(code, qiskit("circuit").ParameterExpression)


def computed(op: Operation, operands: Sequence[Any]) -> Any:
    """Return the expression of an operation; None for one that Qiskit lacks."""
    codes = [each.code for each in operands if isinstance(each, Expression)]
    if any(map(is_parameter, codes)):
        return _of_parameters(op, operands)
    given = [
        literal(value, operand.type)
        for value, operand in zip(operands, op.operands, strict=True)
    ]
    kind = op.operands[0].type
    expr = qiskit("circuit.classical.expr")
    if type(op) in LOGIC:
        return getattr(expr, LOGIC[type(op)])(*given)
    if type(op) in PLAIN:
        if kind == i1:
            return _of_bits(op, given)
        return getattr(expr, PLAIN[type(op)])(*given)
    match op:
        case arith.RemUIOp() if kind != i1:
            a, b = given
            return expr.sub(a, expr.mul(expr.div(a, b), b))
        case arith.ShRSIOp() if kind != i1:
            a, b = given
            kept = expr.shift_right(_flipped(a, kind), b)
            return expr.sub(kept, expr.shift_right(_sign(kind), b))
        case arith.CmpiOp():
            return _compared(op.predicate.value.data, given, kind)
        case arith.CmpfOp() if op.predicate.value.data in FLOATS:
            return getattr(expr, FLOATS[op.predicate.value.data])(*given)
        case _:
            return _cast(op, given[0], kind)


def _of_parameters(op: Operation, operands: Sequence[Any]) -> Any:
    given = [each.code if isinstance(each, Expression) else each for each in operands]
    if not all(is_parameter(each) or isinstance(each, int | float) for each in given):
        raise EmissionError("a parameter in what the device computes", op)
    if type(op) in OF_PARAMETERS:
        return OF_PARAMETERS[type(op)](*given)
    if op.name in FUNCTIONS:
        return getattr(given[0], FUNCTIONS[op.name])()
    if op.name == "math.powf" or op.name == "math.fpowi":
        return given[0] ** given[1]
    return given[0] ** 0.5 if op.name == "math.sqrt" else None


def _of_bits(op: Operation, given: Sequence[Any]) -> Any:
    """Return a sum, a difference or a product of two bits."""
    expr = qiskit("circuit.classical.expr")
    if isinstance(op, arith.AddiOp | arith.SubiOp):
        return expr.bit_xor(*given)
    return expr.bit_and(*given) if isinstance(op, arith.MuliOp) else None


def _compared(predicate: int, given: Sequence[Any], kind: Attribute) -> Any:
    expr = qiskit("circuit.classical.expr")
    if predicate < 2:
        if kind == i1:
            different = expr.bit_xor(*given)
            return different if predicate else expr.logic_not(different)
        return getattr(expr, COMPARISONS[predicate])(*given)
    if kind == i1:
        return None
    if predicate >= 2 + UNSIGNED:
        return getattr(expr, COMPARISONS[predicate - UNSIGNED])(*given)
    return getattr(expr, COMPARISONS[predicate])(*(_flipped(x, kind) for x in given))


def _width(kind: Attribute) -> int:
    return kind.width.data if isinstance(kind, IntegerType) else INDEX_WIDTH


def _sign(kind: Attribute) -> Any:
    """Return the bit of the sign."""
    expr = qiskit("circuit.classical.expr")
    return expr.Value(1 << (_width(kind) - 1), type_of(kind))


def _flipped(code: Any, kind: Attribute) -> Any:
    """Return an integer with its sign flipped: it is the greater by half its range."""
    return qiskit("circuit.classical.expr").bit_xor(code, _sign(kind))


def _cast(op: Operation, code: Any, kind: Attribute) -> Any:
    """Return a number in another type."""
    expr = qiskit("circuit.classical.expr")
    to = op.results[0].type
    match op:
        case arith.ExtFOp() | arith.TruncFOp():
            return code
        case arith.UIToFPOp() if kind == i1:
            number = expr.cast(code, type_of(IntegerType(32)))
            return expr.cast(number, type_of(to))
        case arith.ExtUIOp() | arith.UIToFPOp():
            return expr.cast(code, type_of(to))
        case arith.TruncIOp():
            if to == i1:
                return expr.cast(
                    expr.bit_and(code, expr.Value(1, type_of(kind))), type_of(i1)
                )
            return expr.cast(code, type_of(to))
        case arith.ExtSIOp() | arith.IndexCastOp() if kind != i1 and to != i1:
            return _resized(code, kind, to)
        case _:
            return None


def signed_as_float(code: Any, kind: Attribute) -> tuple[Any, Any, Any]:
    """Return whether an integer is negative, and the float that it is then, or not.

    An integer of which a float keeps all bits is exact, whatever its sign.
    """
    expr = qiskit("circuit.classical.expr")
    real = qiskit("circuit.classical.types").Float()
    size = expr.sub(expr.Value(0, type_of(kind)), code)
    negative = expr.negate(expr.cast(size, real))
    return expr.greater_equal(code, _sign(kind)), negative, expr.cast(code, real)


def _resized(code: Any, kind: Attribute, to: Attribute) -> Any:
    """Return a signed integer with another width."""
    expr = qiskit("circuit.classical.expr")
    if _width(to) == _width(kind):
        return code
    if _width(to) < _width(kind):
        return expr.cast(code, type_of(to))
    wide = expr.cast(_flipped(code, kind), type_of(to))
    return expr.sub(wide, expr.Value(1 << (_width(kind) - 1), type_of(to)))
