"""Angles as numbers: how they are reduced, and which are meant to be multiples of pi.

A number stands for itself: as an angle, it is reduced by all digits of pi, as sines and
cosines are. What it was meant to be is asked within its rounding only.
"""

import math
import sys

import numpy as np

EIGHTH = math.pi / 4
TURN = 2 * math.pi
# Of all gates, in each of their angles.
PERIOD = 4 * math.pi
# What 2 pi is more than the number TURN is.
BEHIND_TURN = 2.4492935982947064e-16
# Angles from which on the number of turns is no longer counted exactly.
FAR = 2.0**32
# What the sums and products of a few angles may lose, and the most that is ever lost,
# which is the rounding of angles of 450 and of 450 000.
LOST, MOST_LOST = 1e-13, 1e-10
# Multiples of pi / 2^n, of which the greatest power of two is no factor, up to this.
MOST_DIGITS = 5


def meant_by(single: float) -> float:
    """Return the multiple of pi / 2^n that a number of single precision is, or it."""
    if not math.isfinite(single):
        return single
    digits, exponent = math.frexp(single / math.pi)
    number = round(math.ldexp(digits, MOST_DIGITS))
    near = math.ldexp(number * math.pi, exponent - MOST_DIGITS)
    return near if np.float32(near) == np.float32(single) else single


def rounding(angle: float) -> float:
    """Return how far an angle may be from the one that it is meant to be."""
    return min(max(LOST, sys.float_info.epsilon * abs(angle)), MOST_LOST)


def reduced(angle: float, period: float = TURN) -> tuple[float, int]:
    """Return an angle within half a period of zero, and by how many periods it differs.

    The number is right modulo 2 from about 10^9 on.

    Args:
        angle: the angle.
        period: 2 pi, or that times a power of two.
    """
    if not math.isfinite(angle):
        return angle, 0
    scale = period / TURN
    if abs(angle) > FAR * period:
        half = angle / scale / 2
        angle = 2 * scale * math.atan2(math.sin(half), math.cos(half))
    rest = math.remainder(angle, period)
    periods = round((angle - rest) / period)
    return rest - periods * scale * BEHIND_TURN, periods


def is_multiple(angle: float, period: float) -> bool:
    """Tell whether an angle is meant to be a multiple of 2 pi times a power of two."""
    return abs(reduced(angle, period)[0]) <= rounding(angle)


def eighths_of(angle: float) -> int | None:
    """Return an angle in units of pi/4, if it is meant to be a multiple of that.

    The number is from -8 to 7: modulo 4 pi, all gates are the same.

    >>> eighths_of(-math.pi / 4), eighths_of(1e4 * math.pi), eighths_of(0.78)
    (-1, 0, None)
    """
    rest, turns = reduced(angle)
    if not math.isfinite(rest):
        return None
    number = round(rest / EIGHTH)
    if abs(rest - number * EIGHTH) > rounding(angle):
        return None
    return (number + 8 * turns + 8) % 16 - 8
