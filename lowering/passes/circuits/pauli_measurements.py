"""Measurements of Pauli words as gates around measurements of single qubits."""

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation
from xdsl.rewriter import InsertPoint, Rewriter

from qjit.dialects.gates.pauli_parity import parity_gates
from qjit.dialects.quantum import MeasureOp, PauliMeasureOp

from .gates import Gate, write_gate


def expand_pauli_measurements(module: ModuleOp) -> None:
    """Replace measurements of words: their parity is measured on the last qubit.

    Gates bring each letter to Z, CNOTs the parity to one qubit, and X the sign; after
    the measurement they are undone.
    """
    for op in list(module.walk()):
        if isinstance(op, PauliMeasureOp):
            _expand(op)


def _expand(op: PauliMeasureOp) -> None:
    qubits = dict(enumerate(op.qubits))
    steps, wire = parity_gates(op.word.data)
    gates = [Gate(name, wires) for name, wires in steps]
    if op.negative is not None:
        gates.append(Gate("X", wire))
    line = None if op.line is None else op.line.value.data

    def insert(new: Operation) -> None:
        Rewriter.insert_op(new, InsertPoint.before(op))

    for gate in gates:
        write_gate(gate, qubits, insert, line)
    measured = MeasureOp(
        qubits[wire],
        postselect=None if op.postselect is None else op.postselect.value.data,
        line=line,
    )
    insert(measured)
    qubits[wire] = measured.out_qubit
    for gate in reversed(gates):
        write_gate(gate.inverse(), qubits, insert, line)
    for old, new in zip(op.results, (measured.outcome, *qubits.values()), strict=True):
        old.replace_all_uses_with(new)
    Rewriter.erase_op(op)
