"""Gates on one qubit as rotations about Pauli axes, with a Clifford gate behind them.

A rotation R about Z after a Clifford gate C is C times a rotation about the axis that
C^-1 Z C is, up to the sign. Neighbours about the same axis add up, and rotations by
multiples of pi/2 are Clifford gates.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache, reduce
from itertools import groupby

import numpy as np

from qjit.dialects.gates.fourier import ComplexMatrix
from qjit.dialects.gates.record import PAULIS
from qjit.lowering.passes.circuits.circuit import product
from qjit.lowering.passes.circuits.gates import Gate
from qjit.lowering.passes.circuits.parameters import AffineForm
from qjit.lowering.passes.circuits.phases import rotation_gates
from qjit.lowering.passes.unitaries.clifford_t.bloch_matrices import (
    GATES,
    IDENTITY,
    BlochMatrix,
)
from qjit.lowering.passes.unitaries.clifford_t.normal_forms import normal_form
from qjit.lowering.passes.unitaries.single_qubit import euler_angles

EIGHTH = math.pi / 4
AXES = ("X", "Y", "Z")
# What is before and after a rotation about Z to make it one about another axis.
BASES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "X": (("H",), ("H",)),
    "Y": (("adjoint(S)", "H"), ("H", "S")),
    "Z": ((), ()),
}
T_GATES = {("T", False): EIGHTH, ("T", True): -EIGHTH}
# How many rotations there are, and how many T gates.
Cost = tuple[int, int]


def gate_of(name: str, wire: int) -> Gate:
    """Return a gate by its name, "adjoint(S)" for the adjoint of S."""
    if name.startswith("adjoint("):
        return Gate(name[8:-1], wire, adjoint=True)
    return Gate(name, wire)


def name_of(gate: Gate) -> str:
    """Return the name by which `gate_of` finds a gate."""
    return f"adjoint({gate.name})" if gate.adjoint else gate.name


def cost_of(angle: AffineForm) -> Cost:
    """Return what a rotation costs."""
    if not angle.is_zero(EIGHTH):
        return 1, 0
    return 0, int(not angle.is_zero(2 * EIGHTH))


def costs_of(angles: Sequence[AffineForm]) -> Cost:
    """Return what rotations cost together."""
    costs = [cost_of(angle) for angle in angles]
    return sum(cost[0] for cost in costs), sum(cost[1] for cost in costs)


def angle_of(gate: Gate) -> AffineForm | None:
    """Return the angle of RZ, T or its adjoint; None for a Clifford gate."""
    if gate.name == "RZ":
        return gate.angle.affine
    angle = T_GATES.get((gate.name, gate.adjoint))
    return None if angle is None else AffineForm(angle)


@dataclass
class PauliRotations:
    """Rotations in the order of the circuit, and the Clifford gate that comes last.

    `frame` is the gate as a rotation of axes, and `matrix` with its phase; `phase` is
    the angle of a phase besides.
    """

    rotations: list[tuple[str, AffineForm]] = field(
        default_factory=list[tuple[str, AffineForm]]
    )
    frame: BlochMatrix = IDENTITY
    matrix: ComplexMatrix = field(default_factory=lambda: PAULIS["I"])
    phase: AffineForm = field(default_factory=AffineForm)

    @property
    def cost(self) -> Cost:
        """How many rotations and T gates there are."""
        return costs_of([angle for _, angle in self.rotations])

    def add(self, gate: Gate) -> None:
        """Add a Clifford gate, T or RZ at the end."""
        angle = angle_of(gate)
        if angle is None:
            self.frame = GATES[name_of(gate)] @ self.frame
            self.matrix = gate.matrix({}) @ self.matrix
            return
        if gate.name != "RZ":
            self.phase += angle.scaled(0.5)
        self.turn("Z", angle)

    def turn(self, axis: str, angle: AffineForm) -> None:
        """Add a rotation at the end."""
        row = [entry.a for entry in self.frame.rows[AXES.index(axis)]]
        place = next(k for k, entry in enumerate(row) if entry)
        axis, angle = AXES[place], angle.scaled(row[place])
        if self.rotations and self.rotations[-1][0] == axis:
            angle = self.rotations.pop()[1] + angle
        angle = angle.shortest()
        if not angle.is_zero(2 * EIGHTH):
            self.rotations.append((axis, angle))
            return
        turns = round(angle.offset / (2 * EIGHTH))
        before, after = BASES[axis]
        for name in (*reversed(after), *["S"] * (turns % 4), *reversed(before)):
            self.frame = self.frame @ GATES[name]
        exact = Gate(f"R{axis}", 0, 2 * EIGHTH * turns)
        self.matrix = self.matrix @ exact.matrix({})

    def fused(self) -> PauliRotations:
        """Return the same, where known neighbours are at most three rotations."""
        found = PauliRotations()
        for known, group in groupby(self.rotations, lambda each: _is_known(each[1])):
            rotations = list(group)
            for axis, angle in _euler(rotations) if known else rotations:
                found.turn(axis, angle)
        found.frame = self.frame @ found.frame
        found.matrix = self.matrix @ found.matrix
        found.phase = self.phase
        return found

    def gates(self, wire: int) -> list[Gate]:
        """Return gates, whose phase is added to that of the rotations."""
        found: list[Gate] = []
        for axis, angle in self.rotations:
            before, after = BASES[axis]
            found += (gate_of(name, wire) for name in before)
            gates, phase = rotation_gates(angle.shortest().expression(), wire)
            found += gates
            found += (gate_of(name, wire) for name in after)
            self.phase += AffineForm(phase.known or 0.0)
        last = normal_form(self.frame)
        self.phase += AffineForm(eighth_between(last, self.matrix))
        return [*found, *(gate_of(name, wire) for name in last)]


def _is_known(angle: AffineForm) -> bool:
    return angle.known is not None


def _euler(rotations: Sequence[tuple[str, AffineForm]]) -> list[tuple[str, AffineForm]]:
    """Return rotations about Z, Y and Z, or those that there are if they cost less."""
    gates = [Gate(f"R{axis}", 0, angle.offset) for axis, angle in rotations]
    (first, middle, last), phase = euler_angles(product(gates, [0], {}))
    turns = round(phase / math.pi)  # e^(i pi) is RZ(2 pi)
    angles = first, middle, last + 2 * math.pi * turns
    fused = [(a, AffineForm(b)) for a, b in zip("ZYZ", angles, strict=True)]
    if costs_of([a for _, a in fused]) < costs_of([a for _, a in rotations]):
        return fused
    return list(rotations)


def eighth_between(names: Sequence[str], matrix: ComplexMatrix) -> float:
    """Return the angle of the phase before gates that makes them a matrix.

    It is a multiple of pi/8.
    """
    found = reduce(lambda before, name: _matrix(name) @ before, names, PAULIS["I"])
    phase = cmath.phase(complex(np.vdot(found, matrix)))
    return round(phase / (EIGHTH / 2)) * EIGHTH / 2


@cache
def _matrix(name: str) -> ComplexMatrix:
    return gate_of(name, 0).matrix({})
