"""Sequences of pulses that are the identity, up to a phase that is known."""

from __future__ import annotations

import math
from collections.abc import Mapping
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
    """Pulses on one wire, in order; their centres are at equal distances."""

    pulses: tuple[Gate, ...]

    @cached_property
    def phase(self) -> float:
        """The phase with which GlobalPhase makes one repetition the identity."""
        found = product(self.pulses, [0], {})
        return float(np.angle(found[0, 0]))

    def gaps(self, total: int, repeated: int) -> list[int]:
        """Divide an idle time into those before, between and after all pulses.

        Half as much time is before the first pulse, and after the last one, as is
        between pulses.
        """
        count = 2 * repeated * len(self.pulses)
        bounds = [0, *range(1, count, 2), count]
        times = [total * each // count for each in bounds]
        return [after - before for before, after in pairwise(times)]


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
