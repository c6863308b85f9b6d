"""Gates of matrices on any number of qubits, and of states.

Matrices on one and two qubits have circuits of their own. Others are halved by the
quantum Shannon decomposition (V. Shende, S. Bullock and I. Markov, quant-ph/0406176): a
cosine-sine decomposition between multiplexed matrices, each of which is a multiplexed
RZ between two matrices of half the size. Both savings of its appendix are made.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from scipy import linalg

from qjit.dialects.gates.fourier import ComplexMatrix
from qjit.dialects.gates.record import pauli_matrix
from qjit.lowering.passes.circuits.gates import Gate
from qjit.lowering.passes.circuits.phases import phase_gates

from .multiplexed_rotations import NEGLIGIBLE, Angles, diagonal, multiplexed_rotation
from .single_qubit import euler_angles
from .two_qubit_synthesis import synthesise

TOLERANCE = 1e-10
YY = pauli_matrix("YY")
# A matrix on two wires, or gates.
Part = ComplexMatrix | list[Gate]
cossin: Any = linalg.cossin
schur: Any = linalg.schur


def unitary(matrix: ComplexMatrix, wires: Sequence[Any]) -> list[Gate]:
    """Return gates on one qubit, CNOTs and a phase that are a unitary matrix."""
    if not wires:
        return phase_gates(float(np.angle(matrix[0, 0])), NEGLIGIBLE)
    if np.abs(matrix - np.diag(np.diag(matrix))).max() < TOLERANCE:
        return diagonal(np.angle(np.diag(matrix)), wires)
    if len(wires) == 1:
        angles, phase = euler_angles(matrix)
        pairs = zip(("RZ", "RY", "RZ"), angles, strict=True)
        turns = [Gate(name, wires[0], angle) for name, angle in pairs if angle]
        return [*turns, *phase_gates(phase, NEGLIGIBLE)]
    if len(wires) == 2:
        return _two_qubit_gates(matrix, wires)
    parts = _halves(matrix, wires)
    _move_diagonals(parts)
    made: list[Gate] = []
    for part in parts:
        made += part if isinstance(part, list) else _two_qubit_gates(part, wires[-2:])
    return made


def _parts(matrix: ComplexMatrix, wires: Sequence[Any]) -> list[Part]:
    """Return matrices on the last two wires, and gates between them."""
    if np.abs(matrix - np.diag(np.diag(matrix))).max() < TOLERANCE:
        return [diagonal(np.angle(np.diag(matrix)), wires)]
    return [matrix] if len(wires) == 2 else _halves(matrix, wires)


def _halves(matrix: ComplexMatrix, wires: Sequence[Any]) -> list[Part]:
    """Return the parts of a matrix on three wires or more.

    The last gate between the halves is a sign that depends on two wires: it is a part
    of the half behind it.
    """
    half = len(matrix) // 2
    (left, right), thetas, (first, second) = cossin(
        matrix, p=half, q=half, separate=True
    )
    target, *rest = wires
    between = multiplexed_rotation("RY", 2 * thetas, rest, target, flip="CZ")
    if between and between[-1].name == "CZ":
        del between[-1]
        right = right * np.repeat((1, -1), half // 2)
    return [
        *_multiplexed(first, second, wires),
        between,
        *_multiplexed(left, right, wires),
    ]


def _move_diagonals(parts: list[Part]) -> None:
    """Let all matrices on two wires but the first need two CNOTs.

    They are such matrices times a diagonal one (quant-ph/0406176, proposition V.2),
    which commutes with all gates back to the matrix before, and becomes a part of that.
    """
    leaves = [n for n, part in enumerate(parts) if not isinstance(part, list)]
    for before, number in reversed([*pairwise(leaves)]):
        matrix, earlier = parts[number], parts[before]
        assert not isinstance(matrix, list) and not isinstance(earlier, list)
        phases = _diagonal_to_two_cnots(matrix)
        parts[number] = matrix * phases
        parts[before] = phases.conj()[:, None] * earlier


def _diagonal_to_two_cnots(matrix: ComplexMatrix) -> ComplexMatrix:
    """Return the phases of a diagonal matrix before which two CNOTs make a matrix.

    They do so where the trace of u YY u^T YY is real, for a matrix u of determinant 1.
    """
    special = matrix / np.linalg.det(matrix) ** 0.25
    entries = np.diag(special.T @ YY @ special @ YY)
    even, odd = entries[0] + entries[3], entries[1] + entries[2]
    angle = np.arctan2((even + odd).imag, (even - odd).real)
    return np.exp(-0.5j * angle * np.array([1, -1, -1, 1]))


def _two_qubit_gates(matrix: ComplexMatrix, wires: Sequence[Any]) -> list[Gate]:
    """Return the fewest CNOTs that make a matrix on two wires, and what is around."""
    found = synthesise(matrix)
    assert found is not None
    on = dict(enumerate(wires))
    return [
        *(gate.on(on) for gate in found.gates),
        *phase_gates(found.phase, NEGLIGIBLE),
    ]


def _multiplexed(
    first: ComplexMatrix, second: ComplexMatrix, wires: Sequence[Any]
) -> list[Part]:
    """Return two matrices, of which the first wire chooses."""
    target, *rest = wires
    if np.abs(first - second).max() < TOLERANCE:
        return _parts(first, rest)
    phases, vectors = eigenphases(first @ second.conj().T)
    inner = np.exp(0.5j * phases)[:, None] * (vectors.conj().T @ second)
    return [
        *_parts(inner, rest),
        multiplexed_rotation("RZ", -phases, rest, target),
        *_parts(vectors, rest),
    ]


def eigenphases(matrix: ComplexMatrix) -> tuple[Angles, ComplexMatrix]:
    """Return the phases of the eigenvalues of a unitary matrix, and its eigenvectors.

    The Schur form of a normal matrix is diagonal, and its vectors are orthogonal.
    """
    triangle, vectors = schur(matrix, output="complex")
    return np.angle(np.diag(triangle)), vectors


def controlled_unitary(
    matrix: ComplexMatrix,
    controls: Sequence[Any],
    values: Sequence[int],
    wires: Sequence[Any],
) -> list[Gate]:
    """Return gates that are a unitary matrix under controls.

    They are those of its eigenvectors around those of its eigenvalues, of which only
    the rotations need the controls.
    """
    if not controls:
        return unitary(matrix, wires)
    options: dict[str, Any] = {"controls": controls, "control_values": values}
    if len(wires) == 1:
        angles, phase = euler_angles(matrix)
        made = [Gate("Rot", wires, *angles, **options)] if any(angles) else []
        return [*made, *_under(phase_gates(phase, NEGLIGIBLE), options)]
    phases, vectors = eigenphases(matrix)
    back = unitary(vectors.conj().T, wires)
    return [*back, *_under(diagonal(phases, wires), options), *unitary(vectors, wires)]


def _under(gates: Sequence[Gate], options: dict[str, Any]) -> list[Gate]:
    """Put rotations and phases under controls; CNOTs undo one another without them."""
    return [
        each
        if each.name == "CNOT"
        else Gate(each.name, each.wires, *each.params, **options)
        for each in gates
    ]


def state(amplitudes: ComplexMatrix, wires: Sequence[Any]) -> list[Gate]:
    """Return gates that make a state of wires in |0> (Möttönen et al., 2005)."""
    real = np.abs(amplitudes.imag).max() < TOLERANCE
    values = amplitudes.real if real else np.abs(amplitudes)
    levels = [values]
    while len(levels[0]) > 1:
        pairs = levels[0].reshape(-1, 2)
        levels.insert(0, np.hypot(pairs[:, 0], pairs[:, 1]))
    made: list[Gate] = []
    for number, wire in enumerate(wires):
        pairs = levels[number + 1].reshape(-1, 2)
        angles = 2 * np.arctan2(pairs[:, 1], pairs[:, 0])
        made += multiplexed_rotation("RY", angles, wires[:number], wire)
    return made if real else [*made, *diagonal(np.angle(amplitudes), wires)]
