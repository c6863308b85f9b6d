"""Rotations about Z of few Clifford gates and T (arXiv:1403.2975).

N. J. Ross and P. Selinger: V = ((u, -t*), (t, u*)) / sqrt(2)^k is as close to RZ(angle)
as u / sqrt(2)^k is to exp(-i angle / 2), and takes 2k - 2 or 2k T gates. Each k has few
numbers u that are close enough; for one of them, t* t = 2^k - u* u has to be solved.
Up to a phase, RZ(angle) is RZ(angle + pi / 4) and the adjoint of T, which takes 2k - 3,
2k - 1 or 2k + 1. With t there is omega t, one of which takes the fewest.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import count, islice

import numpy as np

from qjit.dialects.gates.fourier import ComplexMatrix
from qjit.lowering.passes.circuits.angles import LOST
from qjit.runtime.recent import MOST

from .bloch_matrices import GATES, BlochMatrix, bloch_matrix
from .fixed_point import cosine_and_sine, root_of_half
from .grid_problems import PhaseGrid
from .norm_equations import solve_norm_equation
from .rings import OMEGA, Cyclotomic, RootTwo

# The errors that can be asked for: no smaller ones than what angles lose themselves.
SMALLEST, LARGEST = LOST, 1.0


@dataclass(frozen=True)
class Approximation:
    """A product of Clifford gates and T in the place of a rotation.

    `bloch` is it up to a phase, and `matrix` the one that is close to the rotation.
    """

    bloch: BlochMatrix
    matrix: ComplexMatrix

    @property
    def num_t(self) -> int:
        """How many T gates it takes."""
        return self.bloch.exponent


def is_error(given: float | str) -> bool:
    """Tell whether a number, or the text of one, is an error that can be asked for."""
    try:
        return SMALLEST <= float(given) <= LARGEST
    except (TypeError, ValueError):
        return False


@lru_cache(MOST)
def approximate_rz(angle: float, epsilon: float) -> Approximation:
    """Return what is as close to RZ(angle), in the operator norm, as an error allows.

    Args:
        angle: the angle.
        epsilon: the error, above 0 and at most 1.
    """
    bits = 64 + 4 * math.ceil(-math.log2(epsilon))
    cosine, sine = cosine_and_sine(Fraction(angle) / 2, bits)
    plain = PhaseGrid((cosine, -sine), epsilon, bits)
    eighth = PhaseGrid(_turned((cosine, -sine), bits), epsilon, bits)
    for k in count():
        found: list[Approximation] = []
        for each in _solved(eighth, k, turned=True):
            found.append(each)
            if each.num_t < 2 * k - 2:
                return each
        found += islice(_solved(plain, k), 1)
        if found:
            return min(found, key=lambda each: each.num_t)
    raise AssertionError  # unreachable


def _turned(z: tuple[int, int], bits: int) -> tuple[int, int]:
    """Return a number times exp(-i pi / 8)."""
    half, quarter_root = 1 << 2 * bits - 1, root_of_half(bits) << bits - 1
    cosine = math.isqrt(half + quarter_root)
    sine = math.isqrt(half - quarter_root)
    real, imag = z
    return (
        real * cosine + imag * sine >> bits,
        imag * cosine - real * sine >> bits,
    )


def _solved(
    grid: PhaseGrid, k: int, *, turned: bool = False
) -> Iterator[Approximation]:
    """Yield the approximations of an exponent."""
    for u in grid.numbers(k):
        t = solve_norm_equation(RootTwo(1 << k) - u.square)
        if t is not None:
            both = (_approximation(u, each, k, turned) for each in (t, t * OMEGA))
            yield min(both, key=lambda each: each.num_t)


def _approximation(u: Cyclotomic, t: Cyclotomic, k: int, turned: bool) -> Approximation:
    bloch, size = bloch_matrix(u, t, k), 2.0 ** (-k / 2)
    a, b = complex(u) * size, complex(t) * size
    matrix = np.array([[a, -b.conjugate()], [b, a.conjugate()]])
    if turned:
        bloch = bloch @ GATES["adjoint(T)"]
        eighth = cmath.exp(1j * math.pi / 8)
        matrix = matrix @ np.diag([eighth, eighth.conjugate()])
    return Approximation(bloch, matrix)
