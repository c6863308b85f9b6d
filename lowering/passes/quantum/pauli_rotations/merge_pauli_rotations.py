"""The pass `merge-pauli-rotations`: rotations about equal words, where they stand."""

from __future__ import annotations

import math
from dataclasses import dataclass

from qjit.lowering.passes.circuits.angles import reduced, rounding
from qjit.lowering.passes.circuits.circuit import Circuit, Instruction, Opaque
from qjit.lowering.passes.circuits.circuit_pass import CircuitPass
from qjit.lowering.passes.circuits.gates import Gate
from qjit.lowering.passes.circuits.parameters import ParameterExpression, parameter
from qjit.lowering.passes.circuits.phases import (
    NOTHING,
    SHIFTS,
    phase_gates,
    rotation_gates,
    scaled,
    total,
)

from .clifford_frame import CliffordFrame, QuarterTurn
from .gate_rotations import Rotation, rotations_of
from .merging import merge_targets
from .pauli_words import Pauli

ABOUT_Z = ("T", "RZ", *SHIFTS)
OTHERS = ("RX", "RY", "IsingXX", "IsingYY", "IsingZZ", "MultiRZ", "PauliRot")


class MergePauliRotationsPass(CircuitPass):
    """Merge rotations whose words are equal once Clifford gates are moved away.

    All between them has to commute with the word. The sum stands where the first of
    them is, so no other gate changes: the fewest T gates of a circuit with the CNOTs
    that it has (Zhang and Chen, arXiv:1903.12456).
    """

    name = "merge-pauli-rotations"

    def rewrite(self, circuit: Circuit) -> Circuit:
        """Merge until nothing changes: sums that are Clifford gates part no others."""
        while True:
            found = _merged(circuit)
            if found is circuit:
                return circuit
            circuit = found


@dataclass
class _Words:
    """What stands at a place of a circuit: words, and a rotation if it is only one."""

    place: int
    words: list[Pauli]
    rotation: Rotation | None = None
    phase: ParameterExpression = NOTHING


class _Reader:
    """Words of instructions one after another, before all Clifford gates."""

    def __init__(self, circuit: Circuit) -> None:
        self.frame = CliffordFrame(circuit.num_wires)
        self.found: list[_Words] = []
        for place, each in enumerate(circuit):
            if isinstance(each, Gate):
                self._gate(place, each)
            else:
                words = [_letter(wire) for wire in each.wires]
                rows = [self.frame(word) for both in words for word in both]
                self.found.append(_Words(place, rows))

    def _gate(self, place: int, gate: Gate) -> None:
        rotations, phase = rotations_of(gate)
        words: list[Pauli] = []
        only: Rotation | None = None
        for rotation in rotations:
            eighths = rotation.eighths
            if eighths is not None and eighths % 2 == 0:
                self.frame.append(QuarterTurn(rotation.axis, eighths // 2))
                continue
            axis = self.frame(rotation.axis)
            only = Rotation(axis, scaled(rotation.angle, float(axis.sign)))
            words.append(axis)
        if words:
            alone = only if len(rotations) == 1 and _can_merge(gate) else None
            self.found.append(_Words(place, words, alone, phase))


def _letter(wire: int) -> tuple[Pauli, Pauli]:
    return Pauli(1 << wire, 0), Pauli(0, 1 << wire)


def _can_merge(gate: Gate) -> bool:
    return not gate.controls and gate.name in (*ABOUT_Z, *OTHERS)


def _merged(circuit: Circuit) -> Circuit:
    """Merge all rotations that can be at once."""
    found = _Reader(circuit).found
    targets = merge_targets(
        [each.words for each in found], [each.rotation is not None for each in found]
    )
    groups: dict[int, list[_Words]] = {}
    for each, target in zip(found, targets, strict=True):
        groups.setdefault(target, []).append(each)
    merged = [group for group in groups.values() if len(group) > 1]
    if not merged:
        return circuit
    kept: list[list[Instruction]] = [[each] for each in circuit]
    phase = NOTHING
    for group in merged:
        gates = [_gate_at(circuit, each) for each in group]
        for each in group:
            kept[each.place] = []
        new, more = _sum(group, gates)
        kept[group[0].place] = [*new]
        phase = total(phase, more)
    new = [each for some in kept for each in some]
    return circuit.of([*new, *phase_gates(phase)])


def _gate_at(circuit: Circuit, each: _Words) -> Gate:
    found = circuit.instructions[each.place]
    assert not isinstance(found, Opaque)
    return found


def _sum(
    group: list[_Words], gates: list[Gate]
) -> tuple[list[Gate], ParameterExpression]:
    """Return what takes the place of the first of several rotations, and a phase."""
    first, angle, phase = gates[0], NOTHING, NOTHING
    for each in group:
        assert each.rotation is not None
        angle, phase = total(angle, each.rotation.angle), total(phase, each.phase)
    sign = group[0].words[0].sign
    angle = scaled(angle.simplified(), float(sign))
    shifts = all(gate.name in SHIFTS for gate in gates)
    if shifts and angle.known is None and all(e.words[0].sign == sign for e in group):
        return [Gate("PhaseShift", first.wires, angle)], NOTHING
    if first.name in ABOUT_Z:
        made, more = rotation_gates(angle, first.wires[0])
        return made, total(phase, more)
    forward = first.inverse() if first.adjoint else first
    if angle.known is None:
        return [forward.at(angle)], phase
    rest, turns = reduced(angle.known)
    phase = total(phase, parameter(math.pi * (turns % 2)))
    return [] if abs(rest) <= rounding(angle.known) else [forward.at(rest)], phase
