"""Conversion of run-time checks: assertions end the program with their status."""

from xdsl.dialects import cf, llvm
from xdsl.dialects.builtin import IntegerAttr

from qjit.lowering.conversion.converter import Converter, llvm_rule
from qjit.lowering.program_attributes import STATUS


@llvm_rule(cf.AssertOp)
def _assert(converter: Converter, op: cf.AssertOp) -> None:
    status = op.attributes[STATUS]
    assert isinstance(status, IntegerAttr)
    holds = converter.value(op.arg)
    failed = converter.int(status.value.data)
    converter.check(converter.emit(llvm.SelectOp(holds, converter.int(0), failed)))
