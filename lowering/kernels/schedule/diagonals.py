"""Phases among the gates of a pass: which may follow it, and which are scaled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby

from .gate_model import Diagonal, ElementaryGate, commute
from .generators import has_signs, is_rotation


def put_off(
    gates: Sequence[ElementaryGate], outside: int
) -> tuple[list[ElementaryGate], list[Diagonal]]:
    """The gates of a pass, and the phases among them that may as well follow it.

    They are those that no pair gate behind them waits for, as all on other wires, and
    may be the same for all groups of a later pass. But where a group is multiplied by
    numbers that depend on bits `outside` of it anyway, theirs cost nothing more.
    """
    kept, late, behind = (
        list[ElementaryGate](),
        list[Diagonal](),
        list[ElementaryGate](),
    )
    for is_phase, run in groupby(reversed(gates), _is_phase):
        group = list(run)
        if not is_phase:
            behind += group
            kept += group
            continue
        phases = [gate for gate in group if isinstance(gate, Diagonal)]
        free = [all(commute(phase, pair) for pair in behind) for phase in phases]
        varies = any(
            _is_complex(phase) and any(mask & outside for mask in phase.all_masks)
            for phase, may_follow in zip(phases, free, strict=True)
            if not may_follow
        )
        for phase, may_follow in zip(phases, free, strict=True):
            follows = may_follow and not (varies and phase.all_masks)
            (late if follows else kept).append(phase)
    return kept[::-1], late[::-1]


def scaled(
    gates: Sequence[ElementaryGate],
) -> tuple[list[ElementaryGate], list[Diagonal]]:
    """The gates of a pass, and the scales that are left of phases among them.

    exp(-i theta/2 Z) is a scale, cos(theta/2), times 1 - i tan(theta/2) Z. That takes
    half the multiplications of a phase, unless others are multiplied with it anyway.
    """
    found, scales = list[ElementaryGate](), list[Diagonal]()
    for _, run in groupby(gates, _is_phase):
        group = list(run)
        varied = [n for n, gate in enumerate(group) if _is_complex(gate)]
        if len(varied) == 1:
            (number,) = varied
            phase = group[number]
            assert isinstance(phase, Diagonal)
            if not phase.conditions and len(phase.masks) == 1 and _rotates(phase):
                group[number] = phase = replace(phase, scaled=True)
                scales.append(Diagonal((), of=phase))
        found += group
    return found, scales


def _is_phase(gate: ElementaryGate) -> bool:
    return isinstance(gate, Diagonal)


def _is_complex(gate: ElementaryGate) -> bool:
    """Whether a phase multiplies by other numbers than real ones."""
    if not isinstance(gate, Diagonal):
        return False
    if gate.of is not None:
        return bool(gate.masks)
    return gate.factor is not None and not has_signs(gate.factor)


def _rotates(phase: Diagonal) -> bool:
    return phase.factor is not None and is_rotation(phase.factor)
