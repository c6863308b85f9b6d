"""Lattices: short bases, and the points in ellipsoids.

Bases are reduced as A. K. Lenstra, H. W. Lenstra and L. Lovasz have it (1982), in
integers (B. de Weger 1987), and points are enumerated as by U. Fincke and M. Pohst
(1985).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

# The condition of Lovasz, as a fraction.
DELTA = 99, 100
Vector = list[int]


@dataclass
class Lattice:
    """A lattice in R^n, whose basis is reduced in place.

    `basis` has integers that stand for the vectors, which `embedded` are in R^n.
    `center` are coordinates of a point in the basis, as fixed-point numbers.
    `determinants` are those of the Gram matrices of the first vectors.
    """

    basis: list[Vector]
    embedded: Sequence[Sequence[int]]
    center: Vector
    determinants: Vector = field(default_factory=list[int])
    projections: list[Vector] = field(default_factory=list[Vector])

    def __post_init__(self) -> None:
        self._orthogonalize()
        self._reduce()
        size = len(self.basis)
        d, projections = self.determinants, self.projections
        self.lengths = [d[k + 1] / d[k] for k in range(size)]
        self.factors = [
            [projections[k][j] / d[j + 1] for j in range(k)] for k in range(size)
        ]

    def _orthogonalize(self) -> None:
        """Find the products of d_j and the projections mu_kj, which are integers."""
        self.determinants = d = [1]
        for k, vector in enumerate(self.embedded):
            row: Vector = []
            for j in range(k + 1):
                found = sum(
                    a * b for a, b in zip(vector, self.embedded[j], strict=True)
                )
                other = row if j == k else self.projections[j]
                for i in range(j):
                    found = (d[i + 1] * found - row[i] * other[i]) // d[i]
                row.append(found)
            d.append(row.pop())
            self.projections.append(row)

    def _reduce(self) -> None:
        d, rows = self.determinants, self.projections
        above, below = DELTA
        k = 1
        while k < len(self.basis):
            self._shorten(k, k - 1)
            if below * (d[k + 1] * d[k - 1] + rows[k][k - 1] ** 2) < above * d[k] ** 2:
                self._exchange(k)
                k = max(1, k - 1)
                continue
            for j in range(k - 2, -1, -1):
                self._shorten(k, j)
            k += 1

    def _shorten(self, k: int, j: int) -> None:
        """Subtract from a vector the multiple of another that it is longer by."""
        rows, divisor = self.projections, self.determinants[j + 1]
        times = (2 * rows[k][j] + divisor) // (2 * divisor)
        if not times:
            return
        self.basis[k] = [
            a - times * b for a, b in zip(self.basis[k], self.basis[j], strict=True)
        ]
        self.center[j] += times * self.center[k]
        rows[k][j] -= times * divisor
        for i in range(j):
            rows[k][i] -= times * rows[j][i]

    def _exchange(self, k: int) -> None:
        """Exchange a vector with the one before."""
        d, rows = self.determinants, self.projections
        basis, center = self.basis, self.center
        basis[k - 1], basis[k] = basis[k], basis[k - 1]
        center[k - 1], center[k] = center[k], center[k - 1]
        for j in range(k - 1):
            rows[k - 1][j], rows[k][j] = rows[k][j], rows[k - 1][j]
        shared = rows[k][k - 1]
        new = (d[k - 1] * d[k + 1] + shared**2) // d[k]
        for row in rows[k + 1 :]:
            old = row[k]
            row[k] = (d[k + 1] * row[k - 1] - shared * old) // d[k]
            row[k - 1] = (new * old + shared * row[k]) // d[k + 1]
        d[k] = new

    def points(self, center: Vector, bits: int, bound: float) -> Iterator[Vector]:
        """Yield the points whose squared distance to a point is at most a bound."""
        whole = [each >> bits for each in center]
        rest = [
            (each - (floor << bits)) / (1 << bits)
            for each, floor in zip(center, whole, strict=True)
        ]
        size = len(self.basis)
        for offsets in self._offsets(size - 1, rest, [0] * size, bound):
            numbers = [a + b for a, b in zip(whole, offsets, strict=True)]
            yield [
                sum(
                    n * vector[i] for n, vector in zip(numbers, self.basis, strict=True)
                )
                for i in range(size)
            ]

    def _offsets(
        self, k: int, rest: Sequence[float], chosen: Vector, bound: float
    ) -> Iterator[Vector]:
        if k < 0:
            yield chosen
            return
        middle = rest[k] - sum(
            self.factors[j][k] * (chosen[j] - rest[j])
            for j in range(k + 1, len(chosen))
        )
        reach = math.sqrt(bound / self.lengths[k])
        for number in range(math.ceil(middle - reach), math.floor(middle + reach) + 1):
            chosen[k] = number
            left = bound - self.lengths[k] * (number - middle) ** 2
            yield from self._offsets(k - 1, rest, chosen, max(left, 0.0))
