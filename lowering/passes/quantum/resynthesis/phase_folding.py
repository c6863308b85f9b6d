"""Rotations about Z of a circuit, merged where they turn the same parity of bits.

Between gates that create superpositions, the bit of a wire is an affine function of
bits at earlier places. Rotations by the same function add up, wherever they stand (Amy,
Maslov and Mosca, arXiv:1303.2042; Nam et al., arXiv:1710.07345).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count

from qjit.lowering.passes.circuits.circuit import Circuit, Instruction
from qjit.lowering.passes.circuits.gates import Gate
from qjit.lowering.passes.circuits.parameters import ParameterExpression
from qjit.lowering.passes.circuits.phases import (
    NOTHING,
    is_rotation,
    phase_gates,
    rotation_angle,
    rotation_gates,
    scaled,
    total,
)

DIAGONAL = ("CZ", "ControlledPhaseShift", "CRZ", "IsingZZ", "MultiRZ", "CCZ")


@dataclass
class Rotation:
    """Rotations exp(-i angle Z / 2) by one parity, added up.

    `shifts` is the sum where all of them are phases of |1> in the same sense as the
    first; `phase` is the phase of the circuit that comes with them.
    """

    angle: ParameterExpression = NOTHING
    phase: ParameterExpression = NOTHING
    shifts: ParameterExpression | None = NOTHING
    places: list[int] = field(default_factory=list[int])
    sign: int = 1

    def add(self, gate: Gate, flipped: bool, place: int) -> None:
        """Add a gate whose wire has the parity, or the opposite."""
        angle, shifted = rotation_angle(gate)
        sign = -1 if flipped else 1
        if not self.places:
            self.sign = sign
        same = shifted and sign == self.sign and self.shifts is not None
        self.shifts = total(self.shifts, angle) if same and self.shifts else None
        self.angle = total(self.angle, scaled(angle, -1.0) if flipped else angle)
        if shifted:
            self.phase = total(self.phase, scaled(angle, 0.5))
        self.places.append(place)

    def gates(self, wire: int, flipped: bool) -> tuple[list[Gate], ParameterExpression]:
        """Return gates for a wire that has the parity, or the opposite, and a phase."""
        if self.angle.known is None and self.shifts and (self.sign < 0) == flipped:
            return [Gate("PhaseShift", wire, self.shifts)], NOTHING
        gates, phase = rotation_gates(
            scaled(self.angle, -1.0) if flipped else self.angle, wire
        )
        return gates, total(self.phase, phase)


class Parities:
    """The bit of each wire as an affine function of variables: a mask, and a flip."""

    def __init__(self, circuit: Circuit):
        self._fresh = count()
        self.masks = [0] * circuit.num_wires
        self.flips = [False] * circuit.num_wires
        for wire in range(circuit.num_wires):
            if wire not in circuit.fresh:
                self.renew(wire)

    def renew(self, wire: int) -> None:
        """Make the bit of a wire a new variable."""
        self.masks[wire], self.flips[wire] = 1 << next(self._fresh), False

    def apply(self, each: Instruction) -> None:
        """Change the bits as an instruction does."""
        if not isinstance(each, Gate):
            for wire in each.wires:
                self.renew(wire)
        elif each.controls:
            for wire in each.targets:
                self.renew(wire)
        elif each.name in ("X", "Y"):
            self.flips[each.wires[0]] ^= True
        elif each.name == "CNOT":
            control, target = each.wires
            self.masks[target] ^= self.masks[control]
            self.flips[target] ^= self.flips[control]
        elif each.name == "SWAP":
            first, second = each.wires
            for found in (self.masks, self.flips):
                found[first], found[second] = found[second], found[first]
        elif not (is_rotation(each) or each.name in (*DIAGONAL, "I")):
            for wire in each.targets:
                self.renew(wire)


def fold_phases(circuit: Circuit) -> Circuit:
    """Return a circuit where rotations by the same parity are the first of them."""
    parities = Parities(circuit)
    found: dict[int, Rotation] = {}
    first: dict[int, tuple[Rotation, bool]] = {}
    for place, each in enumerate(circuit):
        if isinstance(each, Gate) and is_rotation(each):
            (wire,) = each.wires
            mask, flip = parities.masks[wire], parities.flips[wire]
            rotation = found.setdefault(mask, Rotation())
            rotation.add(each, flip, place)
            first.setdefault(rotation.places[0], (rotation, flip))
        parities.apply(each)
    constant = found.get(0)
    merged = [each for each in found.values() if len(each.places) > 1]
    if not merged and constant is None:
        return circuit
    gone = {place for each in merged for place in each.places}
    phase = NOTHING
    if constant is not None:
        gone |= set(constant.places)
        phase = total(constant.phase, scaled(constant.angle, -0.5))
    new: list[Instruction] = []
    for place, each in enumerate(circuit):
        if place not in gone:
            new.append(each)
        elif place in first and first[place][0] is not constant:
            rotation, flip = first[place]
            gates, more = rotation.gates(each.all_wires[0], flip)
            new += gates
            phase = total(phase, more)
    return circuit.of([*new, *phase_gates(phase)])
