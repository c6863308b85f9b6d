"""Runs of gates on one qubit, as few as there can be.

Matrices that are known are multiplied. A rotation R by an angle that is not known
merges with others about the same axis; a matrix C before it that takes the axis to
another one, up to the sign, is moved behind it: R C = C (C^-1 R C), which is a rotation
too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from qjit.dialects.gates.fourier import ComplexMatrix
from qjit.lowering.passes.circuits.gates import Gate
from qjit.lowering.passes.circuits.parameters import AffineForm

from .single_qubit_matrices import rotation_about, shortest, turned_axis

ROTATION_AXES = {"RX": "X", "RY": "Y", "RZ": "Z", "PhaseShift": "Z"}
PERIOD = 4 * np.pi


@dataclass(frozen=True)
class Matrix:
    """Gates that are known."""

    matrix: ComplexMatrix


@dataclass(frozen=True)
class Rotation:
    """A rotation about an axis."""

    axis: str
    angle: AffineForm


@dataclass(frozen=True)
class Euler:
    """RZ, RY and RZ by these angles, one after another."""

    angles: tuple[AffineForm, AffineForm, AffineForm]


@dataclass(frozen=True)
class Other:
    """A gate that stays as it is."""

    gate: Gate


Part = Matrix | Rotation | Euler | Other


@dataclass
class Run:
    """Gates on one qubit, reduced one by one; `phase` is the angle of e^{i angle}."""

    parts: list[Part] = field(default_factory=list["Part"])
    phase: AffineForm = field(default_factory=AffineForm)

    def add(self, gate: Gate) -> None:
        """Add a gate at the end."""
        if all(param.known is not None for param in gate.params):
            self._add(Matrix(gate.matrix({})))
            return
        angles = [param.affine for param in gate.params]
        known = [angle for angle in angles if angle is not None]
        if len(known) == len(angles) and gate.base in ROTATION_AXES:
            angle = -known[0] if gate.adjoint else known[0]
            if gate.base == "PhaseShift":
                self.phase += angle.scaled(0.5)
            self._add(Rotation(ROTATION_AXES[gate.base], angle))
        elif len(known) == len(angles) and gate.base == "Rot":
            phi, theta, omega = known
            if gate.adjoint:
                phi, theta, omega = -omega, -theta, -phi
            self._add(Euler((phi, theta, omega)))
        else:
            self._add(Other(gate))

    def _add(self, part: Part) -> None:
        """Add a part at the end, and join it with those before."""
        if isinstance(part, Rotation) and part.angle.is_zero(PERIOD):
            return
        if not self.parts:
            self.parts.append(part)
            return
        new = self._joined(self.parts[-1], part)
        if new is None:
            self.parts.append(part)
            return
        self.parts.pop()
        for each in new:
            self._add(each)

    def _joined(self, first: Part, second: Part) -> Sequence[Part] | None:
        """Return what two parts become, in fewer or where the last one is a matrix."""
        match first, second:
            case Matrix(), Matrix():
                return [Matrix(second.matrix @ first.matrix)]
            case Rotation(), Rotation() if first.axis == second.axis:
                return self._turned(first.axis, first.angle + second.angle)
            case Matrix(), Rotation():
                return self._moved(first, second)
            case Rotation(), Matrix():
                return self._absorbed(first, second)
            case Matrix(), Euler():
                return self._beside(first, second, at_end=False)
            case Euler(), Matrix():
                return self._beside(second, first, at_end=True)
            case Rotation("Z"), Euler():
                return [_with(second, first.angle, at_end=False)]
            case Euler(), Rotation("Z"):
                return [_with(first, second.angle, at_end=True)]
            case _:
                return None

    def _turned(self, axis: str, angle: AffineForm) -> Sequence[Part]:
        found = angle.shortest()
        if found.known is None:
            return [Rotation(axis, found)]
        return [Matrix(Gate(f"R{axis}", 0, found.known).matrix({}))]

    def _moved(self, before: Matrix, rotation: Rotation) -> Sequence[Part] | None:
        turned = turned_axis(before.matrix, rotation.axis)
        if turned is None:
            return None
        axis, sign = turned
        return [Rotation(axis, rotation.angle.scaled(sign)), before]

    def _absorbed(self, rotation: Rotation, after: Matrix) -> Sequence[Part] | None:
        """Add a known rotation about the axis to one that is not known."""
        found = rotation_about(after.matrix, rotation.axis)
        if found is None:
            return None
        angle, phase = found
        self.phase += AffineForm(phase)
        return [Rotation(rotation.axis, rotation.angle + AffineForm(angle))]

    def _beside(
        self, known: Matrix, euler: Euler, *, at_end: bool
    ) -> Sequence[Part] | None:
        found = rotation_about(known.matrix, "Z")
        if found is None:
            return None
        angle, phase = found
        self.phase += AffineForm(phase)
        return [_with(euler, AffineForm(angle), at_end=at_end)]

    def gates(self, wire: int) -> list[Gate]:
        """Return the gates of all parts, whose phase is added to that of the run."""
        found: list[Gate] = []
        for part in _as_euler(self.parts):
            match part:
                case Matrix():
                    known, phase = shortest(part.matrix)
                    self.phase += AffineForm(phase)
                    if known is not None:
                        found.append(Gate(known[0], wire, *known[1]))
                case Rotation():
                    angle = part.angle.shortest().expression()
                    found.append(Gate(f"R{part.axis}", wire, angle))
                case Euler():
                    angles = [each.shortest().expression() for each in part.angles]
                    found.append(Gate("Rot", wire, *angles))
                case Other():
                    found.append(part.gate)
        return found


def _with(euler: Euler, angle: AffineForm, *, at_end: bool) -> Euler:
    phi, theta, omega = euler.angles
    if at_end:
        return Euler((phi, theta, omega + angle))
    return Euler((phi + angle, theta, omega))


def _as_euler(parts: Sequence[Part]) -> list[Part]:
    """Return parts where rotations about Z, Y and Z are one part."""
    found: list[Part] = []
    for part in parts:
        last = found[-1] if found else None
        match last, part:
            case Rotation("Z"), Rotation("Y"):
                found[-1] = Euler((last.angle, part.angle, AffineForm()))
            case Rotation("Y"), Rotation("Z"):
                found[-1] = Euler((AffineForm(), last.angle, part.angle))
            case Euler(), Rotation("Z"):
                found[-1] = _with(last, part.angle, at_end=True)
            case _:
                found.append(part)
    return found
