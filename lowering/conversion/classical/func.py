"""Conversion of calls of functions of the same program."""

from xdsl.dialects import func, llvm
from xdsl.dialects.builtin import i64

from qjit.lowering.conversion.converter import Converter, llvm_rule


@llvm_rule(func.CallOp)
def _call(converter: Converter, op: func.CallOp) -> None:
    """Call a function, which returns a status."""
    symbol = op.callee.string_value()
    callee = converter.callees[symbol]
    args = [
        *map(converter.value, op.arguments),
        converter.workspace_for(callee),
        converter.context if callee.needs_context else converter.null(),
    ]
    call = llvm.CallOp(symbol, *args, return_type=i64)
    converter.insert(call)
    assert call.returned is not None
    converter.check(call.returned)
    # NOTE: a function changes the registers that it is given, and returns them.
    given = op.arguments[len(op.arguments) - len(op.results) :]
    for result, argument in zip(op.results, given, strict=True):
        converter.bind(result, converter.value(argument))
