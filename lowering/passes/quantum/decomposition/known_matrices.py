"""Matrices and states of known numbers, which become gates."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import numpy as np
from xdsl.dialects.builtin import (
    ComplexType,
    DenseIntOrFPElementsAttr,
    ModuleOp,
    f32,
    f64,
)
from xdsl.dialects.memref import GetGlobalOp, GlobalOp
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.rewriter import InsertPoint, Rewriter

from qjit.dialects.gates.fourier import ComplexMatrix
from qjit.dialects.quantum import ExtractOp, InsertOp, StatePrepOp, UnitaryOp
from qjit.dialects.quantum.linearity import line_of
from qjit.lowering.analysis.constants import KNOWN_WHERE
from qjit.lowering.passes.circuits.gates import Gate, line_number, write_gate
from qjit.lowering.passes.pipeline import PassError
from qjit.lowering.passes.unitaries.shannon_decomposition import (
    controlled_unitary,
    state,
)

KINDS: dict[Attribute, type[Any]] = {
    ComplexType(f64): np.complex128,
    ComplexType(f32): np.complex64,
    f64: np.float64,
    f32: np.float32,
}
# What numbers of single precision may be from those of a unitary matrix.
TOLERANCE = 1e-5


def decompose_known_matrices(
    module: ModuleOp, ops: Iterable[Operation], gates: Collection[str]
) -> None:
    """Replace matrices, and preparations of states, whose numbers are known.

    Args:
        module: the program.
        ops: operations of it, among which these are.
        gates: the gates of the set.

    Raises:
        PassError: for states that are known only when the program runs.
    """
    globals_ = {op.sym_name.data: op for op in module.ops if isinstance(op, GlobalOp)}
    for op in list(ops):
        if isinstance(op, UnitaryOp) and "QubitUnitary" not in gates:
            matrix = None if op.slot else known_array(op.matrix, globals_)
            if matrix is not None:
                _replace_unitary(op, matrix)
        elif isinstance(op, StatePrepOp) and "StatePrep" not in gates:
            amplitudes = None if op.slot else known_array(op.amplitudes, globals_)
            otherwise = ", or add StatePrep to the gates" if gates else ""
            _replace_preparation(op, amplitudes, otherwise)


def known_array(value: SSAValue, globals_: dict[str, GlobalOp]) -> ComplexMatrix | None:
    """Return the numbers of a buffer that is a constant of the program."""
    owner = value.owner
    if not isinstance(owner, GetGlobalOp):
        return None
    found = globals_.get(owner.name_.string_value())
    if found is None or found.constant is None:
        return None
    data = found.initial_value
    if not isinstance(data, DenseIntOrFPElementsAttr):
        return None
    kind = KINDS.get(data.get_element_type())
    if kind is None:
        return None
    numbers = np.frombuffer(data.data.data, kind)
    shape = data.get_shape()
    whole = np.broadcast_to(numbers, shape) if len(numbers) == 1 else numbers
    return whole.reshape(shape).astype(np.complex128)


def _replace_unitary(op: UnitaryOp, matrix: ComplexMatrix) -> None:
    if op.invertible is not None:
        matrix = matrix[0]
    if op.diagonal is not None:
        matrix = np.diag(matrix)
    matrix = nearest_unitary(op, matrix)
    if op.adjoint is not None:
        matrix = matrix.conj().T
    controls = list(range(len(op.controls)))
    targets = [len(controls) + number for number in range(len(op.targets))]
    gates = controlled_unitary(matrix, controls, op.control_pattern, targets)
    split = len(op.targets)
    qubits: dict[Any, SSAValue] = dict(
        enumerate([*op.qubits[split:], *op.qubits[:split]])
    )
    _write(gates, qubits, op)
    for wire, result in enumerate(op.controls_first(len(controls))):
        result.replace_all_uses_with(qubits[wire])
    Rewriter.erase_op(op)


def nearest_unitary(op: Operation, matrix: ComplexMatrix) -> ComplexMatrix:
    """Return the unitary matrix that a matrix is up to rounding.

    Raises:
        PassError: if it is not unitary.
    """
    left, values, right = np.linalg.svd(matrix)
    if np.abs(values - 1).max() > TOLERANCE:
        raise PassError(
            f"{line_of(op) or 'unknown line'}: a matrix that is not unitary cannot be "
            "made of gates. Leave it out, or add QubitUnitary to the gates."
        )
    if np.abs(values - 1).max() < 1e-14:
        return matrix
    return left @ right


def _replace_preparation(
    op: StatePrepOp, amplitudes: ComplexMatrix | None, otherwise: str
) -> None:
    if amplitudes is None or amplitudes.ndim != 1:
        raise PassError(
            f"{line_of(op) or 'unknown line'}: a state whose amplitudes are not known "
            "when the program is compiled cannot be made of gates. Give them as a "
            f"constant, {KNOWN_WHERE}; or apply gates with angles{otherwise}."
        )
    norm = np.linalg.norm(amplitudes)
    if abs(norm - 1) > TOLERANCE:
        raise PassError(
            f"{line_of(op) or 'unknown line'}: a state of norm {norm:.6g} cannot be "
            f"made of gates. Normalise it{otherwise}."
        )
    places: list[int | SSAValue] = list(op.dynamic_wires)
    if op.wires is not None:
        places = list(op.wires.get_values())

    def insert(new: Operation) -> Any:
        Rewriter.insert_op(new, InsertPoint.before(op))
        return new.results[0]

    qubits: dict[Any, SSAValue] = {}
    for number, place in enumerate(places):
        qubits[number] = insert(ExtractOp(op.register, place))
    _write(state(amplitudes / norm, range(len(places))), qubits, op)
    register: SSAValue = op.register
    for number, place in enumerate(places):
        register = insert(InsertOp(register, place, qubits[number]))
    op.out_register.replace_all_uses_with(register)
    Rewriter.erase_op(op)


def _write(gates: Sequence[Gate], qubits: dict[Any, SSAValue], before: Any) -> None:
    line = line_number([before])

    def insert(new: Operation) -> None:
        Rewriter.insert_op(new, InsertPoint.before(before))

    for gate in gates:
        write_gate(gate, qubits, insert, line)
