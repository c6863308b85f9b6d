"""Phases among the gates of a sweep: which may follow it, and which are scaled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby

from .gate_model import Diagonal, Item, commute
from .generators import has_signs, is_rotation


def put_off(items: Sequence[Item], outside: int) -> tuple[list[Item], list[Diagonal]]:
    """The gates of a sweep, and the phases among them that may as well follow it.

    They are those that no pair gate behind them waits for, as all on other wires, and
    may be the same for all groups of a later sweep. But where a group is multiplied by
    numbers that depend on bits `outside` of it anyway, theirs cost nothing more.
    """
    kept, late, behind = list[Item](), list[Diagonal](), list[Item]()
    for is_phase, run in groupby(reversed(items), _is_phase):
        group = list(run)
        if not is_phase:
            behind += group
            kept += group
            continue
        phases = [item for item in group if isinstance(item, Diagonal)]
        free = [all(commute(phase, pair) for pair in behind) for phase in phases]
        varies = any(
            _turns(phase) and any(mask & outside for mask in phase.all_masks)
            for phase, may_follow in zip(phases, free, strict=True)
            if not may_follow
        )
        for phase, may_follow in zip(phases, free, strict=True):
            follows = may_follow and not (varies and phase.all_masks)
            (late if follows else kept).append(phase)
    return kept[::-1], late[::-1]


def scaled(items: Sequence[Item]) -> tuple[list[Item], list[Diagonal]]:
    """The gates of a sweep, and the scales that are left of phases among them.

    exp(-i theta/2 Z) is a scale, cos(theta/2), times 1 - i tan(theta/2) Z. That takes
    half the multiplications of a phase, unless others are multiplied with it anyway.
    """
    found, scales = list[Item](), list[Diagonal]()
    for _, run in groupby(items, _is_phase):
        group = list(run)
        turning = [n for n, item in enumerate(group) if _turns(item)]
        if len(turning) == 1:
            (number,) = turning
            phase = group[number]
            assert isinstance(phase, Diagonal)
            if not phase.conditions and len(phase.masks) == 1 and _rotates(phase):
                group[number] = phase = replace(phase, scaled=True)
                scales.append(Diagonal((), of=phase))
        found += group
    return found, scales


def _is_phase(item: Item) -> bool:
    return isinstance(item, Diagonal)


def _turns(item: Item) -> bool:
    """Whether a phase multiplies by other numbers than real ones."""
    if not isinstance(item, Diagonal):
        return False
    if item.of is not None:
        return bool(item.masks)
    return item.factor is not None and not has_signs(item.factor)


def _rotates(phase: Diagonal) -> bool:
    return phase.factor is not None and is_rotation(phase.factor)
