"""Gates on one qubit in a row, as the fewest rotations about Pauli axes.

Rotations cost most, then T gates; Clifford gates cost nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from qjit.lowering.passes.circuits.circuit import product
from qjit.lowering.passes.circuits.gates import Gate, named_gate
from qjit.lowering.passes.circuits.parameters import ParameterExpression, parameter
from qjit.lowering.passes.circuits.phases import (
    NOTHING,
    known_eighths,
    rotation_angle,
    rotation_gates,
    total,
)
from qjit.lowering.passes.quantum.pauli_rotations.clifford_frame import CliffordFrame
from qjit.lowering.passes.quantum.pauli_rotations.gate_rotations import Rotation
from qjit.lowering.passes.quantum.pauli_rotations.merging import merged
from qjit.lowering.passes.quantum.pauli_rotations.pauli_program import (
    PauliProgram,
    read_gates,
)
from qjit.lowering.passes.quantum.pauli_rotations.pauli_words import read_word
from qjit.lowering.passes.unitaries.clifford_t.bloch_matrices import BlochMatrix
from qjit.lowering.passes.unitaries.clifford_t.normal_forms import normal_form
from qjit.lowering.passes.unitaries.clifford_t.rings import RootTwo
from qjit.lowering.passes.unitaries.single_qubit import euler_angles

# What is before and after a rotation about Z to make it one about another axis.
BASES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "X": (("H",), ("H",)),
    "Y": (("adjoint(S)", "H"), ("H", "S")),
    "Z": ((), ()),
}
AXES = {letter: read_word(letter) for letter in "XYZ"}
# Gates in the place of others, and the phase that comes with them.
GatesWithPhase = tuple[list[Gate], ParameterExpression]


def fewer_rotations(gates: Sequence[Gate]) -> GatesWithPhase | None:
    """Return gates of lower cost for Clifford gates, T and RZ on one wire, if found."""
    (wire,) = gates[0].wires
    program = merged(read_gates([gate.on({wire: 0}) for gate in gates], 1))
    found = min(program, _fused(program), key=lambda each: _cost(_angles(each)))
    before = [rotation_angle(each)[0] for each in gates if each.name in ("T", "RZ")]
    return _gates(found, wire) if _cost(_angles(found)) < _cost(before) else None


def _cost(angles: Iterable[ParameterExpression]) -> tuple[int, int]:
    """Return how many rotations there are, and how many T gates."""
    eighths = [known_eighths(angle) for angle in angles]
    return eighths.count(None), sum(each is not None and each % 2 for each in eighths)


def _angles(program: PauliProgram) -> list[ParameterExpression]:
    return [each.angle for each in program.rotations]


def _fused(program: PauliProgram) -> PauliProgram:
    """Return a program where known neighbours are at most three rotations."""
    steps: list[Rotation] = []
    phase = NOTHING
    for known, group in groupby(program.rotations, _is_known):
        rotations = list(group)
        if known:
            rotations, more = _euler(rotations)
            phase = total(phase, more)
        steps += rotations
    found = merged(program.replaced(steps))
    found.phase = total(found.phase, phase)
    return found


def _is_known(rotation: Rotation) -> bool:
    return rotation.angle.known is not None


def _euler(
    rotations: Sequence[Rotation],
) -> tuple[list[Rotation], ParameterExpression]:
    """Return rotations about Z, Y and Z, and a phase, or those that there are."""
    gates = [Gate(f"R{each.axis.letter(0)}", 0, each.angle) for each in rotations]
    angles, phase = euler_angles(product(gates, [0], {}))
    fused = [
        Rotation(AXES[a], parameter(b)) for a, b in zip("ZYZ", angles, strict=True)
    ]
    if _cost(each.angle for each in fused) < _cost(each.angle for each in rotations):
        return fused, parameter(phase)
    return list(rotations), NOTHING


def _gates(program: PauliProgram, wire: int) -> GatesWithPhase:
    """Return the gates of a program on one wire."""
    made: list[Gate] = []
    phase = NOTHING
    for rotation in program.rotations:
        before, after = BASES[rotation.axis.letter(0)]
        turned, more = rotation_gates(rotation.angle, wire)
        phase = total(phase, more)
        made += [named_gate(name, wire) for name in before]
        made += turned
        made += [named_gate(name, wire) for name in after]
    last = [named_gate(name, 0) for name in normal_form(_bloch_matrix(program.frame))]
    phase = total(phase, program.phase_with(last, [0]))
    return [*made, *(gate.on({0: wire}) for gate in last)], phase


def _bloch_matrix(frame: CliffordFrame) -> BlochMatrix:
    """Return how a Clifford gate on one wire turns the axes X, Y and Z."""
    images = [frame(axis) for axis in AXES.values()]
    x, y, z = (
        [RootTwo(each.sign * (each.letter(0) == letter)) for letter in AXES]
        for each in images
    )
    return BlochMatrix(((x[0], x[1], x[2]), (y[0], y[1], y[2]), (z[0], z[1], z[2])))
