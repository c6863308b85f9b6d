"""Sequences of pulses that are the identity, up to a phase that is known."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from qjit.lowering.passes.circuits.circuit import product
from qjit.lowering.passes.circuits.gates import Gate

# "p" and "m" are turns by pi and by -pi, whose errors of angle cancel.
XP, XM = Gate("RX", 0, math.pi), Gate("RX", 0, -math.pi)
YP, YM = Gate("RY", 0, math.pi), Gate("RY", 0, -math.pi)
X, Y = Gate("X", 0), Gate("Y", 0)


@dataclass(frozen=True)
class PulseSequence:
    """Pulses on one wire, in order; their centres are at equal distances.

    Half as much time is before the first centre, and after the last one.
    """

    pulses: tuple[Gate, ...]

    @cached_property
    def phase(self) -> float:
        """The phase with which GlobalPhase makes one repetition the identity."""
        found = product(self.pulses, [0], {})
        return float(np.angle(found[0, 0]))

    def gaps(self, total: int, times: Sequence[int], repeated: int) -> list[int]:
        """Return the idle times before, between and after all pulses.

        Args:
            total: the time in which pulses are.
            times: how long each pulse of the sequence takes.
            repeated: how often the sequence is there, `most_repeated` at most.
        """
        durations = [*times] * repeated
        count = 2 * len(durations)
        starts = [
            (total * (2 * number + 1) - len(durations) * duration) // count
            for number, duration in enumerate(durations)
        ]
        ends = [start + each for start, each in zip(starts, durations, strict=True)]
        gaps = zip([0, *ends], [*starts, total], strict=True)
        return [start - end for end, start in gaps]


def most_repeated(total: int, times: Sequence[int]) -> int | None:
    """Return how often pulses that take these times fit; None for any number.

    None of them may reach into its neighbour, or out of the whole time.
    """
    neighbours = [first + second for first, second in pairwise(times)]
    widest = max(2 * times[0], 2 * times[-1], *neighbours)
    return 2 * total // (len(times) * widest) if widest else None


_XY8 = (X, Y, X, Y, Y, X, Y, X)
_PHASED = {X: (XP, XM), Y: (YP, YM)}
SEQUENCES: Mapping[str, PulseSequence] = {
    "XX": PulseSequence((X, X)),
    "YY": PulseSequence((Y, Y)),
    "XpXm": PulseSequence((XP, XM)),
    "XY4": PulseSequence((X, Y, X, Y)),
    "XY8": PulseSequence(_XY8),
    "XY16": PulseSequence(tuple(_PHASED[each][n] for n in (0, 1) for each in _XY8)),
}
