"""Integers that stand for real numbers: the nearest multiples of 2^-bits."""

import math
from fractions import Fraction

# Bits that are computed and then dropped.
GUARD = 32
# The series begin with angles below 2^-SMALL.
SMALL = 8


def fixed(number: Fraction, bits: int) -> int:
    """Return a number as an integer."""
    return round(number * (1 << bits))


def root_of_half(bits: int) -> int:
    """Return 1 / sqrt 2."""
    return math.isqrt(1 << 2 * bits - 1)


def cosine_and_sine(angle: Fraction, bits: int) -> tuple[int, int]:
    """Return the cosine and the sine of an angle.

    They come from the series at a small part of the angle, which is doubled again.
    """
    doublings = max(0, math.ceil(abs(angle)).bit_length() + SMALL)
    own = bits + GUARD + 2 * doublings
    small = fixed(angle / (1 << doublings), own)
    cosine, sine = 1 << own, 0
    term, order = 1 << own, 0
    while term:
        order += 1
        term = (term * small >> own) // order
        if order % 2:
            sine += term if order % 4 == 1 else -term
        else:
            cosine += term if order % 4 == 0 else -term
        if term == -1:
            break
    for _ in range(doublings):
        cosine, sine = (
            cosine * cosine - sine * sine >> own,
            2 * cosine * sine >> own,
        )
    return cosine >> own - bits, sine >> own - bits
