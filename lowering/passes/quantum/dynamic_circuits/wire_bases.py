"""In which bases operations are diagonal on each of their qubits."""

from collections.abc import Sequence

from qjit.dialects.quantum import GateOp, UnitaryOp
from qjit.lowering.passes.circuits.commutation import diagonal_bases, form_of
from qjit.lowering.passes.circuits.gates import read_gate

# Bits, as of `diagonal_bases`: this basis, and all three.
Z, ALL = 1, 7


def wire_bases(op: GateOp | UnitaryOp, qubits: Sequence[int]) -> dict[int, int]:
    """Return the bases in which a gate is diagonal on each qubit in turn, as bits."""
    if isinstance(op, UnitaryOp):
        split, own = len(op.targets), Z if op.diagonal is not None else 0
        return dict.fromkeys(qubits[:split], own) | dict.fromkeys(qubits[split:], Z)
    gate = read_gate(op, dict(zip(op.qubits, qubits, strict=True)))
    if not gate.targets:
        return dict.fromkeys(qubits, ALL) | dict.fromkeys(gate.all_controls, Z)
    bases = diagonal_bases(form_of(gate))
    found = dict(zip((*gate.all_controls, *gate.targets), bases, strict=True))
    return {qubit: found[qubit] for qubit in qubits}
