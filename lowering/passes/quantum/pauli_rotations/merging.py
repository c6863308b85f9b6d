"""Rotations about equal words, which merge where all between them commute with it.

The rotations of a circuit are about the words that stand at its beginning, where
Clifford gates are moved out of the way. Sums that are Clifford gates leave, and let
others meet (Zhang and Chen, arXiv:1903.12456).
"""

from __future__ import annotations

from collections.abc import Sequence

from qjit.lowering.passes.circuits.phases import total

from .gate_rotations import Rotation
from .pauli_program import PauliProgram, Step
from .pauli_words import Pauli, commute


def merge_targets(
    rows: Sequence[Sequence[Pauli]], mergeable: Sequence[bool]
) -> list[int]:
    """Return for each of several operations the earlier one that it merges into.

    It is the operation itself where there is none.

    Args:
        rows: words for each operation; what commutes with these commutes with it.
        mergeable: whether an operation is a rotation about its only word, which may
            merge with others.
    """
    found = list(range(len(rows)))
    latest: dict[tuple[int, int], int] = {}
    kept: list[int] = []
    for number, words in enumerate(rows):
        if mergeable[number]:
            (word,) = words
            earlier = latest.get(key := (word.x, word.z))
            if earlier is not None and _reaches(word, earlier, kept, rows):
                found[number] = earlier
                continue
            latest[key] = number
        kept.append(number)
    return found


def _reaches(
    word: Pauli, earlier: int, kept: Sequence[int], rows: Sequence[Sequence[Pauli]]
) -> bool:
    """Tell whether a word commutes with all after an earlier operation."""
    for number in reversed(kept):
        if number == earlier:
            return True
        for other in rows[number]:
            if not commute(word, other):
                return False
    return False


def merged(program: PauliProgram) -> PauliProgram:
    """Merge rotations of a program until none are left that can be."""
    while True:
        steps = program.steps
        targets = merge_targets(
            [[each.axis] for each in steps],
            [isinstance(each, Rotation) for each in steps],
        )
        sums: dict[int, Step] = {}
        changed: dict[int, Rotation] = {}
        for each, target in zip(steps, targets, strict=True):
            before = sums.setdefault(target, each)
            if before is not each:
                assert isinstance(before, Rotation) and isinstance(each, Rotation)
                angle = total(before.angle, each.angle)
                sums[target] = changed[target] = before._replace(angle=angle)
        if not changed:
            return program
        for target, each in changed.items():
            sums[target] = each._replace(angle=each.angle.simplified())
        program = program.replaced(sums.values())
