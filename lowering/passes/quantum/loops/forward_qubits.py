"""Qubits that are put into a register and taken out again stay outside of it.

What was the body of a loop puts its qubits back; gates before and after are one circuit
only where these qubits go straight from one to the other.
"""

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import SSAValue
from xdsl.rewriter import Rewriter

from qjit.dialects.quantum import ExtractOp, InsertOp


def forward_qubits(module: ModuleOp) -> None:
    """Remove each pair of `insert` and `extract` between which nobody looks."""
    for op in list(module.walk()):
        if isinstance(op, ExtractOp) and (insert := _inserted(op)) is not None:
            op.qubit.replace_all_uses_with(insert.qubit)
            Rewriter.erase_op(op)
            insert.out_register.replace_all_uses_with(insert.register)
            Rewriter.erase_op(insert)


def _inserted(extract: ExtractOp) -> InsertOp | None:
    """Return what put the qubit into the register, if that may as well not be done."""
    register: SSAValue = extract.register
    while isinstance(op := register.owner, InsertOp) and op.parent is extract.parent:
        if not all(_has_known_wire(use.operation) for use in register.uses):
            return None
        if op.wire == extract.wire:
            return op
        register = op.register
    return None


def _has_known_wire(op: object) -> bool:
    return isinstance(op, ExtractOp | InsertOp) and isinstance(op.wire, int)
