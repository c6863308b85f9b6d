"""Gates on one qubit that are known as the shortest gates that make their matrix."""

import cmath
import math

import numpy as np

from qjit.dialects.gates.fourier import ComplexMatrix
from qjit.dialects.gates.record import PAULIS
from qjit.lowering.passes.unitaries.single_qubit import euler_angles

# Entries and angles are the same up to this.
CLOSE = 1e-14
# Angles this close to a multiple of pi / 48 are meant to be it.
GRID = math.pi / 48
AXES = ("X", "Y", "Z")
# A gate's name and angles.
Known = tuple[str, tuple[float, ...]]


def shortest(matrix: ComplexMatrix) -> tuple[Known | None, float]:
    """Return one gate, or none, and the angle of the phase that is left.

    The matrix is that of the gate times e^{i angle}. The gate is a rotation about one
    axis, or a PhaseShift where there is no phase then, or Rot.
    """
    phase = cmath.phase(np.linalg.det(matrix)) / 2
    special = matrix * cmath.exp(-1j * phase)
    a, b = complex(special[0, 0]), complex(special[1, 0])
    if abs(b) < CLOSE:
        return _diagonal(matrix)
    for axis, (one, other) in {"X": (a, 1j * b), "Y": (a, b)}.items():
        if abs(one.imag) < CLOSE and abs(other.imag) < CLOSE:
            angle = rounded(2 * math.atan2(other.real, one.real))
            return (f"R{axis}", (angle,)), rounded(phase)
    angles, phase = euler_angles(matrix)
    return ("Rot", tuple(map(rounded, angles))), rounded(phase)


def _diagonal(matrix: ComplexMatrix) -> tuple[Known | None, float]:
    first = rounded(cmath.phase(matrix[0, 0]))
    angle = rounded(cmath.phase(matrix[1, 1] * matrix[0, 0].conjugate()))
    if angle == 0:
        return None, first
    if first == 0:
        return ("PhaseShift", (angle,)), 0.0
    return ("RZ", (angle,)), rounded(first + angle / 2)


def rounded(angle: float) -> float:
    """Return an angle, or the multiple of pi / 48 that it is."""
    number = round(angle / GRID)
    # NOTE: in this order, quarters of pi are what users write.
    near = number * math.pi / 48
    return near if abs(angle - near) < CLOSE else angle


def turned_axis(matrix: ComplexMatrix, axis: str) -> tuple[str, int] | None:
    """Return the axis that U^-1 P U is of the Pauli matrix of another, and its sign."""
    inner = matrix.conj().T @ PAULIS[axis] @ matrix
    for other in AXES:
        for sign in (1, -1):
            if np.abs(inner - sign * PAULIS[other]).max() < CLOSE:
                return other, sign
    return None


def rotation_about(matrix: ComplexMatrix, axis: str) -> tuple[float, float] | None:
    """Return the angle of a rotation about an axis, and that of the phase before it."""
    found, phase = shortest(matrix)
    match found:
        case None:
            return 0.0, phase
        case ("PhaseShift", (angle,)) if axis == "Z":
            return angle, phase + angle / 2
        case (name, (angle,)) if name == f"R{axis}":
            return angle, phase
        case _:
            return None
