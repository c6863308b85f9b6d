"""Gates of 2x2 unitary matrices: one gate each, and a phase."""

import cmath
import math

import numpy as np

from qjit.dialects.gates.fourier import ComplexMatrix
from qjit.dialects.gates.record import PAULIS
from qjit.lowering.passes.circuits.angles import reduced
from qjit.lowering.passes.circuits.gates import Gate

# Matrices whose entries differ by less are the same.
TOLERANCE = 2e-13


def _named() -> list[tuple[list[Gate], ComplexMatrix]]:
    fixed = [Gate(name, 0) for name in ("X", "Y", "Z", "H", "S", "T", "SX")]
    turned = [Gate(name, 0, adjoint=True) for name in ("S", "T", "SX")]
    gates = [([gate], gate.matrix({})) for gate in (*fixed, *turned)]
    return [([], PAULIS["I"]), *gates]


NAMED = _named()


def single_qubit_gates(matrix: ComplexMatrix, wire: int) -> tuple[list[Gate], float]:
    """Return the gate of a matrix, none for the identity, and the phase before it.

    Gates without parameters come before RZ, RX and RY, and these before Rot.
    """
    for gates, fixed in NAMED:
        if (phase := _phase_between(fixed, matrix)) is not None:
            return [gate.on({0: wire}) for gate in gates], phase
    (first, middle, last), phase = euler_angles(matrix)
    first, turns = reduced(first)
    last, more = reduced(last)
    gate, half_turns = _rotation(first, middle, last, wire)
    return [gate], phase + (turns + more + half_turns) * math.pi


def _rotation(first: float, middle: float, last: float, wire: int) -> tuple[Gate, int]:
    """Return RZ(last) RY(middle) RZ(first) as one gate, and how often -1 is before."""
    if abs(middle) < TOLERANCE:
        angle, turns = reduced(first + last)
        return Gate("RZ", wire, angle), turns
    if _close(abs(first), abs(last)):
        if _close(first, 0):
            return Gate("RY", wire, middle), 0
        if _close(abs(first), math.pi):
            return Gate("RY", wire, -middle), int(_close(first, last))
        if _close(abs(first), math.pi / 2) and _close(first, -last):
            return Gate("RX", wire, math.copysign(middle, first)), 0
    return Gate("Rot", wire, first, middle, last), 0


def _close(first: float, second: float) -> bool:
    return abs(first - second) < TOLERANCE


def euler_angles(matrix: ComplexMatrix) -> tuple[tuple[float, float, float], float]:
    """Return phi, theta, omega and a phase: e^(i phase) RZ(omega) RY(theta) RZ(phi).

    The angles of rounded zeros do not matter, because what they turn is zero.
    """
    phase = cmath.phase(matrix[0, 0] * matrix[1, 1] - matrix[0, 1] * matrix[1, 0]) / 2
    special = matrix * cmath.exp(-1j * phase)
    theta = 2 * math.atan2(abs(special[1, 0]), abs(special[1, 1]))
    total = cmath.phase(special[1, 1]) if abs(special[1, 1]) > TOLERANCE / 4 else 0.0
    apart = cmath.phase(special[1, 0]) if abs(special[1, 0]) > TOLERANCE / 4 else 0.0
    return (total - apart, theta, total + apart), phase


def _phase_between(fixed: ComplexMatrix, matrix: ComplexMatrix) -> float | None:
    """Return the phase that makes the first matrix the other, if one does."""
    overlap = complex(np.vdot(fixed, matrix))
    if abs(overlap) < 1.999999:
        return None
    phase = cmath.phase(overlap)
    close = np.abs(matrix - cmath.exp(1j * phase) * fixed).max() < TOLERANCE
    return phase if close else None
