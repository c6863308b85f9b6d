"""Gates of matrices and states of known numbers.

Matrices are halved by the quantum Shannon decomposition (V. Shende, S. Bullock and
I. Markov, quant-ph/0406176): a cosine-sine decomposition between multiplexed matrices,
each of which is a multiplexed RZ between two matrices of half the size.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import linalg

from qjit.dialects.gates.fourier import ComplexMatrix
from qjit.lowering.passes.circuits.gates import Gate

from .multiplexed_rotations import Angles, diagonal, global_phase, multiplexed_rotation

TOLERANCE = 1e-10
cossin: Any = linalg.cossin
schur: Any = linalg.schur


def unitary(matrix: ComplexMatrix, wires: Sequence[Any]) -> list[Gate]:
    """Return RZ, RY, CNOT and a phase that are a unitary matrix."""
    if not wires:
        return global_phase(float(np.angle(matrix[0, 0])))
    if np.abs(matrix - np.diag(np.diag(matrix))).max() < TOLERANCE:
        return diagonal(np.angle(np.diag(matrix)), wires)
    if len(wires) == 1:
        phase, angles = euler_angles(matrix)
        pairs = zip(("RZ", "RY", "RZ"), angles, strict=True)
        turns = [Gate(name, wires[0], angle) for name, angle in pairs if angle]
        return [*turns, *global_phase(phase)]
    half = len(matrix) // 2
    (left, right), thetas, (first, second) = cossin(
        matrix, p=half, q=half, separate=True
    )
    target, *rest = wires
    return [
        *_multiplexed(first, second, wires),
        *multiplexed_rotation("RY", 2 * thetas, rest, target),
        *_multiplexed(left, right, wires),
    ]


def euler_angles(matrix: ComplexMatrix) -> tuple[float, tuple[float, float, float]]:
    """Return a phase and the angles of the RZ, RY and RZ that a matrix is with it."""
    phase = np.angle(np.linalg.det(matrix)) / 2
    special = matrix * np.exp(-1j * phase)
    theta = 2 * np.arctan2(abs(special[1, 0]), abs(special[0, 0]))
    total = 2 * np.angle(special[1, 1]) if abs(special[1, 1]) > TOLERANCE else 0.0
    offset = 2 * np.angle(special[1, 0]) if abs(special[1, 0]) > TOLERANCE else 0.0
    return float(phase), (
        float(total - offset) / 2, float(theta), float(total + offset) / 2
    )  # fmt: skip


def _multiplexed(
    first: ComplexMatrix, second: ComplexMatrix, wires: Sequence[Any]
) -> list[Gate]:
    """Return two matrices, of which the first wire chooses."""
    target, *rest = wires
    if np.abs(first - second).max() < TOLERANCE:
        return unitary(first, rest)
    phases, vectors = eigenphases(first @ second.conj().T)
    inner = np.exp(0.5j * phases)[:, None] * (vectors.conj().T @ second)
    return [
        *unitary(inner, rest),
        *multiplexed_rotation("RZ", -phases, rest, target),
        *unitary(vectors, rest),
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
        phase, angles = euler_angles(matrix)
        made = [Gate("Rot", wires, *angles, **options)] if any(angles) else []
        return [*made, *_under(global_phase(phase), options)]
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
