"""Rotations about Z of a circuit, merged where they turn the same parity of bits.

Between gates that create superpositions, the bit of a wire is an affine function of
bits at earlier places. Rotations by the same function add up, wherever they stand (Amy,
Maslov and Mosca, arXiv:1303.2042; Nam et al., arXiv:1710.07345).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count

from qjit.lowering.passes.circuits.circuit import Circuit, Instruction
from qjit.lowering.passes.circuits.gates import Gate
from qjit.lowering.passes.circuits.parameters import ParameterExpression, parameter

EIGHTH = math.pi / 4
FIXED = {"Z": 4 * EIGHTH, "S": 2 * EIGHTH, "T": EIGHTH}
SHIFTS = ("PhaseShift", "U1")
DIAGONAL = ("CZ", "ControlledPhaseShift", "CRZ", "IsingZZ", "MultiRZ", "CCZ")
# Multiples of pi/4 as gates: the name, and whether it is an adjoint.
EIGHTHS: Sequence[tuple[tuple[str, bool], ...]] = (
    (),
    (("T", False),),
    (("S", False),),
    (("S", False), ("T", False)),
    (("Z", False),),
    (("Z", False), ("T", False)),
    (("S", True),),
    (("T", True),),
)
NOTHING = parameter(0.0)


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
        self.angle = total(self.angle, _negated(angle) if flipped else angle)
        if shifted:
            self.phase = total(self.phase, _half(angle))
        self.places.append(place)

    def gates(self, wire: int, flipped: bool) -> tuple[list[Gate], ParameterExpression]:
        """Return gates for a wire that has the parity, or the opposite, and a phase."""
        if self.angle.known is None and self.shifts and (self.sign < 0) == flipped:
            return [Gate("PhaseShift", wire, self.shifts)], NOTHING
        gates, phase = rotation_gates(
            _negated(self.angle) if flipped else self.angle, wire
        )
        return gates, total(self.phase, phase)


def rotation_angle(gate: Gate) -> tuple[ParameterExpression, bool]:
    """Return the angle of a gate about Z, and whether it is the phase of |1> alone."""
    angle = parameter(FIXED[gate.name]) if gate.name in FIXED else gate.angle
    return _negated(angle) if gate.adjoint else angle, gate.name != "RZ"


def is_rotation(each: Instruction) -> bool:
    """Return whether an instruction is a rotation about Z on one wire."""
    return (
        isinstance(each, Gate)
        and not each.controls
        and (each.name in FIXED or each.name in SHIFTS or each.name == "RZ")
    )


def rotation_gates(
    angle: ParameterExpression, wire: int
) -> tuple[list[Gate], ParameterExpression]:
    """Return gates for a rotation about Z, and the phase that comes with them."""
    known = angle.known
    if known is None:
        return [Gate("RZ", wire, angle)], NOTHING
    eighths = round(known / EIGHTH)
    if abs(known - eighths * EIGHTH) < 1e-13:
        names = EIGHTHS[eighths % 8]
        gates = [Gate(name, wire, adjoint=adjoint) for name, adjoint in names]
        return gates, parameter(-known / 2)
    turns = round(known / (2 * math.pi))
    rest = known - 2 * math.pi * turns
    return [Gate("RZ", wire, rest)], parameter(math.pi * (turns % 2))


def phase_gates(phase: ParameterExpression) -> list[Gate]:
    """Return the gate of the phase e^(i phase), none for 1."""
    known = phase.known
    if known is None:
        return [Gate("GlobalPhase", (), _negated(phase))]
    rest = math.remainder(known, 2 * math.pi)
    return [] if abs(rest) < 1e-15 else [Gate("GlobalPhase", (), -rest)]


def total(
    first: ParameterExpression | None, second: ParameterExpression
) -> ParameterExpression:
    """Return a sum; numbers are added at once."""
    if first is None or first.known == 0:
        return second
    if second.known == 0:
        return first
    if first.known is not None and second.known is not None:
        return parameter(first.known + second.known)
    return first + second


def _negated(angle: ParameterExpression) -> ParameterExpression:
    if angle.known is not None:
        return parameter(-angle.known)
    if angle.sign == "-" and angle.operands[0].known == 0:
        return angle.operands[1]
    return -angle


def _half(angle: ParameterExpression) -> ParameterExpression:
    return angle * 0.5 if angle.known is None else parameter(angle.known / 2)


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
        phase = total(constant.phase, _negated(_half(constant.angle)))
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
