"""Rotations about Z on one wire, and phases of circuits, as gates and as angles."""

from __future__ import annotations

import math
from collections.abc import Sequence

from .angles import EIGHTH, TURN, eighths_of, is_multiple, reduced
from .circuit import Instruction
from .gates import Gate
from .parameters import ParameterExpression, parameter

FIXED = {"Z": 4 * EIGHTH, "S": 2 * EIGHTH, "T": EIGHTH}
SHIFTS = ("PhaseShift", "U1")
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


def scaled(angle: ParameterExpression, factor: float) -> ParameterExpression:
    """Return a multiple of an angle; numbers are multiplied at once."""
    if angle.known is not None:
        return parameter(factor * angle.known)
    if factor != -1.0:
        return angle if factor == 1.0 else angle * factor
    if angle.sign == "-" and angle.operands[0].known == 0:
        return angle.operands[1]
    return -angle


def known_eighths(angle: ParameterExpression) -> int | None:
    """Return an angle modulo 4 pi in units of pi/4, if it is known to be a multiple."""
    return None if angle.known is None else eighths_of(angle.known)


def is_rotation(each: Instruction) -> bool:
    """Return whether an instruction is a rotation about Z on one wire."""
    return (
        isinstance(each, Gate)
        and not each.controls
        and (each.name in FIXED or each.name in SHIFTS or each.name == "RZ")
    )


def rotation_angle(gate: Gate) -> tuple[ParameterExpression, bool]:
    """Return the angle of a gate about Z, and whether it is the phase of |1> alone."""
    angle = parameter(FIXED[gate.name]) if gate.name in FIXED else gate.angle
    return scaled(angle, -1.0) if gate.adjoint else angle, gate.name != "RZ"


def rotation_gates(
    angle: ParameterExpression, wire: int
) -> tuple[list[Gate], ParameterExpression]:
    """Return gates for a rotation about Z, and the phase that comes with them."""
    known, eighths = angle.known, known_eighths(angle)
    if known is None:
        return [Gate("RZ", wire, angle)], NOTHING
    if eighths is not None:
        names = EIGHTHS[eighths % 8]
        gates = [Gate(name, wire, adjoint=adjoint) for name, adjoint in names]
        return gates, parameter(-eighths * EIGHTH / 2)
    rest, turns = reduced(known)
    return [Gate("RZ", wire, rest)], parameter(math.pi * (turns % 2))


def phase_gates(
    phase: ParameterExpression | float, negligible: float = 0.0
) -> list[Gate]:
    """Return the gate of the phase e^(i phase), none for 1."""
    phase = parameter(phase)
    known = phase.known
    if known is None:
        return [Gate("GlobalPhase", (), scaled(phase, -1.0).simplified())]
    if is_multiple(known, TURN):
        return []
    rest, _ = reduced(known)
    return [] if abs(rest) <= negligible else [Gate("GlobalPhase", (), -rest)]
