"""The numbers u / sqrt(2)^k, u in Z[omega], that are close to a phase.

They are near a point z of the unit circle, and their conjugates are in the unit disk:
the two-dimensional grid problem of N. J. Ross and P. Selinger (arXiv:1403.2975). Here u
and its conjugate are a point of a lattice in R^4, and both regions are within an
ellipsoid. The same reduced basis serves all k.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction

from .fixed_point import fixed, root_of_half
from .lattices import Lattice
from .rings import Cyclotomic, RootTwo

# The bits behind the point of the lattice's vectors.
SCALE = 40
# The squared radius of the ellipsoid, in which an ellipse and a disk are.
RADIUS = 2.0000001


class PhaseGrid:
    """The numbers u near z sqrt(2)^k, by k: Re(u z*) is at least 1 - e^2 / 2 times it.

    z is given as fixed-point numbers of so many bits, its real and its imaginary part.
    """

    def __init__(self, z: tuple[int, int], epsilon: float, bits: int) -> None:
        self.z, self.bits = z, bits
        self.height = Fraction(epsilon) ** 2 / 2
        self.root = root_of_half(bits)
        real, imag = z
        width = math.sqrt(self.height * (2 - self.height))
        along = Fraction(1 << SCALE) / (Fraction(2, 3) * self.height)
        across = Fraction(1 << SCALE) / Fraction(2 / math.sqrt(3) * width)
        root = self.root
        powers = [(1 << bits, 0), (root, root), (0, 1 << bits), (-root, root)]
        embedded: list[list[int]] = []
        for number, (x, y) in enumerate(powers):
            sign = (-1) ** number
            parts = (
                along * (x * real + y * imag) / (1 << bits),
                across * (y * real - x * imag) / (1 << bits),
                Fraction(sign * x << SCALE),
                Fraction(sign * y << SCALE),
            )
            embedded.append([round(part / (1 << bits)) for part in parts])
        one = [[int(i == j) for j in range(4)] for i in range(4)]
        self.lattice = Lattice(one, embedded, self._center())

    def _center(self) -> list[int]:
        """Return the coordinates of the ellipse's center, where the conjugate is 0."""
        shrink = fixed(1 - 2 * self.height / 3, self.bits)
        x, y = (part * shrink >> self.bits + 1 for part in self.z)

        def times_root(number: int) -> int:
            return number * self.root >> self.bits

        return [x, times_root(x + y), y, times_root(y - x)]

    def numbers(self, k: int) -> Iterator[Cyclotomic]:
        """Yield the numbers u for which u / sqrt(2)^k is in the region."""
        half, odd = divmod(k, 2)
        center = [each << half for each in self.lattice.center]
        if odd:
            center = [each * self.root >> self.bits - 1 for each in center]
        bound = RADIUS * 2.0 ** (k + 2 * SCALE)
        for point in self.lattice.points(center, self.bits, bound):
            u = Cyclotomic(*point)
            if self._is_close(u, half, odd):
                yield u

    def _is_close(self, u: Cyclotomic, half: int, odd: int) -> bool:
        left = RootTwo(1 << 2 * half + odd) - u.square
        if left.is_negative or left.conjugate.is_negative:
            return False
        size = (self.root << half + 1) if odd else 1 << self.bits + half
        least = fixed(1 - self.height, self.bits) * size
        real, imag = (
            (part.b << self.bits) + part.a * self.root for part in (u.real, u.imag)
        )
        return real * self.z[0] + imag * self.z[1] >= least
