"""Conversion of what only the device "null" has: its counts."""

from qjit.dialects import quantum
from qjit.lowering.conversion.converter import Converter, llvm_rule
from qjit.lowering.conversion.simulation import state_of, symbol


@llvm_rule(quantum.ResourcesOp)
def _resources(converter: Converter, op: quantum.ResourcesOp) -> None:
    args = [state_of(converter, op), converter.pointer(op.destination)]
    converter.call(symbol(converter, "resources"), None, args)
