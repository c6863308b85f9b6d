"""Products of Clifford gates and T as exact rotations of the Bloch sphere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .rings import Cyclotomic, RootTwo

Rows = tuple[tuple[RootTwo, RootTwo, RootTwo], ...]
ZERO, ONE, ROOT = RootTwo(0), RootTwo(1), RootTwo(0, 1)


@dataclass(frozen=True)
class BlochMatrix:
    """A rotation of the axes X, Y and Z: entries over sqrt(2)^exponent.

    The exponent is the least. It is the number of T gates that the gate takes, up to
    its global phase (D. Gosset et al., arXiv:1308.4134).
    """

    rows: Rows
    exponent: int = 0

    def __matmul__(self, other: BlochMatrix) -> BlochMatrix:
        columns = list(zip(*other.rows, strict=True))
        rows = tuple(
            tuple(row[0] * c[0] + row[1] * c[1] + row[2] * c[2] for c in columns)
            for row in self.rows
        )
        return reduced(rows, self.exponent + other.exponent)


def reduced(rows: Sequence[Sequence[RootTwo]], exponent: int) -> BlochMatrix:
    """Return the matrix of entries over sqrt(2)^exponent."""
    while exponent and not any(entry.a % 2 for row in rows for entry in row):
        rows = [[RootTwo(entry.b, entry.a // 2) for entry in row] for row in rows]
        exponent -= 1
    first, second, third = ((row[0], row[1], row[2]) for row in rows)
    return BlochMatrix((first, second, third), exponent)


def bloch_matrix(u: Cyclotomic, t: Cyclotomic, exponent: int) -> BlochMatrix:
    """Return the matrix of ((u, -t*), (t, u*)) / sqrt(2)^exponent.

    Its columns are where X, Y and Z go: the Bloch vectors of V P V^-1.
    """
    i, product = Cyclotomic(0, 0, 1), u * t
    conjugate, square = u.adjoint * u.adjoint, t * t
    x, y, z = conjugate - square, i * (conjugate + square), t * u.adjoint
    rows = (
        (x.real, y.real, _twice(z.real)),
        (x.imag, y.imag, _twice(z.imag)),
        (
            -_twice(product.real),
            -_twice(product.imag),
            (u.square - t.square) * ROOT,
        ),
    )
    return reduced(rows, 2 * exponent + 1)


def _twice(number: RootTwo) -> RootTwo:
    return RootTwo(2 * number.a, 2 * number.b)


IDENTITY = BlochMatrix(((ONE, ZERO, ZERO), (ZERO, ONE, ZERO), (ZERO, ZERO, ONE)))
T = BlochMatrix(((ONE, -ONE, ZERO), (ONE, ONE, ZERO), (ZERO, ZERO, ROOT)), 1)
S = BlochMatrix(((ZERO, -ONE, ZERO), (ONE, ZERO, ZERO), (ZERO, ZERO, ONE)))
H = BlochMatrix(((ZERO, ZERO, ONE), (ZERO, -ONE, ZERO), (ONE, ZERO, ZERO)))
Z, X = S @ S, H @ S @ S @ H
# The gates by name; those of which "adjoint(...)" are other gates have both.
GATES = {
    "H": H,
    "X": X,
    "Y": X @ Z,
    "Z": Z,
    "S": S,
    "adjoint(S)": S @ Z,
    "T": T,
    "adjoint(T)": T @ S @ Z,
    "I": IDENTITY,
    "SX": H @ S @ H,
    "adjoint(SX)": H @ S @ Z @ H,
}
