"""Conversion of calls: of C functions, and of functions of the same program."""

from xdsl.dialects import func, llvm
from xdsl.dialects.builtin import i64

from .convert_to_llvm import Callee, Converter, convert_type, llvm_rule


@llvm_rule(func.CallOp)
def _call(converter: Converter, op: func.CallOp) -> None:
    symbol = op.callee.string_value()
    if symbol in converter.callees:
        _call_own(converter, op, converter.callees[symbol])
        return
    operands = [converter.value(operand) for operand in op.arguments]
    result = convert_type(op.results[0].type) if op.results else None
    found = converter.call(symbol, result, operands)
    if found is not None:
        converter.bind(op.results[0], found)


def _call_own(converter: Converter, op: func.CallOp, callee: Callee) -> None:
    """Call a function of the program, which returns a status."""
    args = [
        *map(converter.value, op.arguments),
        converter.room_for(callee),
        converter.context if callee.needs_context else converter.null(),
    ]
    call = llvm.CallOp(op.callee.string_value(), *args, return_type=i64)
    converter.insert(call)
    assert call.returned is not None
    converter.check(call.returned)
    # NOTE: a function changes the registers that it is given, and returns them.
    given = op.arguments[len(op.arguments) - len(op.results) :]
    for result, argument in zip(op.results, given, strict=True):
        converter.bind(result, converter.value(argument))
