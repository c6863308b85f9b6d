"""Circuits as rotations about Pauli words, and a Clifford gate after all of them.

A rotation about P after a Clifford gate C is one about C^-1 P C before it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from qjit.lowering.passes.circuits.circuit import has_known_matrix
from qjit.lowering.passes.circuits.gates import Gate
from qjit.lowering.passes.circuits.parameters import ParameterExpression, parameter
from qjit.lowering.passes.circuits.phases import (
    NOTHING,
    is_rotation,
    rotation_angle,
    total,
)
from qjit.lowering.passes.unitaries.single_qubit import euler_angles

from .clifford_words import ON_TWO, placed, single_qubit_word
from .pauli_rows import PauliRows, Step, inverted

CLOSE = 1e-13
AXES = {"RX": "X", "RY": "Y", "RZ": "Z"}
ISING = {"IsingXX": "XX", "IsingYY": "YY", "IsingZZ": "ZZ"}
# Gates that are phases of |11>, or of the target where the control is 1.
ON_BOTH = ("ControlledPhaseShift", "CRZ")


@dataclass(frozen=True)
class PauliRotation:
    """A rotation exp(-i angle P / 2) about a word."""

    letters: str
    wires: tuple[int, ...]
    angle: ParameterExpression


Part = PauliRotation | Step


@dataclass
class PauliRotations:
    """Rotations in order, then a Clifford gate.

    The first rows of `words` are what X, then Z, on each wire is before the Clifford
    gate; those after are the words of the rotations. `steps` are the gates that make
    the Clifford gate, up to `phase`.
    """

    words: PauliRows
    angles: list[ParameterExpression]
    steps: list[Step]
    phase: ParameterExpression


def is_readable(gate: Gate) -> bool:
    """Tell whether a gate is made of rotations and Clifford gates."""
    if gate.controls:
        return False
    if is_rotation(gate) or gate.name in (*AXES, *ISING, *ON_TWO, *ON_BOTH):
        return True
    if gate.name == "PauliRot":
        return set(str(gate.static["pauli_word"])) != {"I"}
    if gate.name in ("MultiRZ", "Rot"):
        return True
    return len(gate.wires) == 1 and has_known_matrix(gate)


def read_rotations(gates: Sequence[Gate], num_wires: int) -> PauliRotations:
    """Return gates on wires from 0 as rotations and a Clifford gate."""
    reader = _Reader()
    for gate in gates:
        reader.read(gate)
    parts, first = reader.parts, 2 * num_wires
    rotations = [each for each in parts if isinstance(each, PauliRotation)]
    words = PauliRows(first + len(rotations), num_wires)
    for wire in range(num_wires):
        words.set(wire, "X", (wire,))
        words.set(num_wires + wire, "Z", (wire,))
    row = first + len(rotations)
    for each in reversed(parts):
        if isinstance(each, PauliRotation):
            row -= 1
            words.set(row, each.letters, each.wires)
        else:
            words.conjugate(inverted(each))
    steps = [each for each in parts if not isinstance(each, PauliRotation)]
    angles = [each.angle for each in rotations]
    return PauliRotations(words, angles, steps, reader.phase)


class _Reader:
    """Reads gates one by one."""

    def __init__(self) -> None:
        self.parts: list[Part] = []
        self.phase = NOTHING

    def read(self, gate: Gate) -> None:
        """Add a gate."""
        name, wires = gate.name, gate.wires
        if len(wires) == 1 and has_known_matrix(gate):
            self._known(gate)
        elif is_rotation(gate):
            angle, shifted = rotation_angle(gate)
            self._rotate("Z", wires, angle)
            if shifted:
                self.phase = total(self.phase, scaled(angle, 0.5))
        elif name == "Rot":
            angles = zip("ZYZ", gate.params, strict=True)
            for letter, angle in reversed(list(angles)) if gate.adjoint else angles:
                self._rotate(letter, wires, _signed(angle, gate))
        elif name in ON_TWO:
            word = placed(ON_TWO[name], wires)
            if gate.adjoint:
                word = tuple(inverted(step) for step in reversed(word))
            self.parts += word
        else:
            for letters, on, factor in _words(gate):
                self._rotate(letters, on, scaled(_signed(gate.angle, gate), factor))
            if name == "ControlledPhaseShift":
                half = scaled(_signed(gate.angle, gate), 0.25)
                self.phase = total(self.phase, half)

    def _rotate(
        self, letters: str, wires: tuple[int, ...], angle: ParameterExpression
    ) -> None:
        if angle.known != 0:
            self.parts.append(PauliRotation(letters, wires, angle))

    def _known(self, gate: Gate) -> None:
        """Add a gate on one wire as a word of H and S, or as up to three rotations."""
        if gate.name == "I":
            return
        matrix = gate.matrix({})
        if self._clifford(gate):
            return
        axis = "Z" if is_rotation(gate) else AXES.get(gate.name)
        if axis is not None:
            angle, shifted = _axis_angle(gate)
            self._rotate(axis, gate.wires, parameter(angle))
            if shifted:
                self.phase = total(self.phase, parameter(angle / 2))
            return
        (first, middle, last), phase = euler_angles(matrix)
        self.phase = total(self.phase, parameter(phase))
        for name, angle in (("RZ", first), ("RY", middle), ("RZ", last)):
            turn = Gate(name, gate.wires, angle)
            if abs(angle) > CLOSE and not self._clifford(turn):
                self._rotate(AXES[name], gate.wires, parameter(angle))

    def _clifford(self, gate: Gate) -> bool:
        """Add a gate as a word, if it is one."""
        found = single_qubit_word(gate.matrix({}).tobytes())
        if found is None:
            return False
        word, phase = found
        self.parts += placed(word, gate.wires)
        self.phase = total(self.phase, parameter(phase))
        return True


def _axis_angle(gate: Gate) -> tuple[float, bool]:
    """Return the angle of a known rotation, and whether it is a phase of |1>."""
    if is_rotation(gate):
        angle, shifted = rotation_angle(gate)
        return angle.known or 0.0, shifted
    return (gate.angle.known or 0.0) * (-1 if gate.adjoint else 1), False


def _words(gate: Gate) -> Iterator[tuple[str, tuple[int, ...], float]]:
    """Yield the words of a gate, and by what its angle is multiplied."""
    wires = gate.wires
    if gate.name in AXES:
        yield AXES[gate.name], wires, 1.0
    elif gate.name in ISING:
        yield ISING[gate.name], wires, 1.0
    elif gate.name == "MultiRZ":
        yield "Z" * len(wires), wires, 1.0
    elif gate.name == "PauliRot":
        word = str(gate.static["pauli_word"])
        acting = [(x, w) for x, w in zip(word, wires, strict=True) if x != "I"]
        yield "".join(x for x, _ in acting), tuple(w for _, w in acting), 1.0
    elif gate.name == "CRZ":
        yield "Z", wires[1:], 0.5
        yield "ZZ", wires, -0.5
    else:
        yield "Z", wires[:1], 0.5
        yield "Z", wires[1:], 0.5
        yield "ZZ", wires, -0.5


def _signed(angle: ParameterExpression, gate: Gate) -> ParameterExpression:
    return scaled(angle, -1.0) if gate.adjoint else angle


def scaled(angle: ParameterExpression, factor: float) -> ParameterExpression:
    """Return an angle times a number."""
    if angle.known is not None:
        return parameter(angle.known * factor)
    return angle if factor == 1 else angle * factor


def merged(rotations: PauliRotations) -> PauliRotations:
    """Return rotations where those about one word are one, if nothing is between.

    Between are those that do not commute with it.
    """
    words = rotations.words
    first = len(words.negative) - len(rotations.angles)
    apart = words.anticommute()[first:, first:]
    angles: list[ParameterExpression] = list(rotations.angles)
    latest: dict[bytes, int] = {}
    phase = rotations.phase
    kept = np.ones(len(angles), np.bool_)
    for place in range(len(angles)):
        row = first + place
        key = words.x[row].tobytes() + words.z[row].tobytes()
        before = latest.get(key)
        if before is None or apart[place, before:place][kept[before:place]].any():
            latest[key] = place
            continue
        same = words.negative[row] == words.negative[first + before]
        more = angles[place] if same else scaled(angles[place], -1.0)
        angles[before] = total(angles[before], more)
        kept[place] = False
    for place, angle in enumerate(angles):
        known = angle.known
        if kept[place] and known is not None:
            turns = round(known / (2 * math.pi))
            rest = known - 2 * math.pi * turns
            phase = total(phase, parameter(math.pi * (turns % 2)))
            angles[place] = parameter(rest)
            kept[place] = abs(rest) > CLOSE
    rows = [*range(first), *(first + np.flatnonzero(kept)).tolist()]
    left = PauliRows(len(rows), words.x.shape[1])
    left.x, left.z = words.x[rows], words.z[rows]
    left.negative = words.negative[rows]
    own = [angle for angle, keep in zip(angles, kept, strict=True) if keep]
    return PauliRotations(left, own, rotations.steps, phase)
