"""The normal form of K. Matsumoto and K. Amano (arXiv:0806.3834).

Each product of Clifford gates and T is, up to its phase, (T | 1) (HT | SHT)* C for one
Clifford gate C, and has as few T gates then as there can be. The first gate is found
from the parities of the Bloch matrix (B. Giles and P. Selinger, arXiv:1312.6584): those
of one of its rows are even, because the axis of the T is the Z axis of what is before.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Sequence
from functools import cache, reduce

import numpy as np

from qjit.dialects.gates.fourier import ComplexMatrix
from qjit.dialects.gates.record import PAULIS
from qjit.lowering.passes.circuits.gates import named_gate

from .bloch_matrices import GATES, IDENTITY, BlochMatrix
from .rings import RootTwo

# What makes Clifford gates, of which those are taken that need fewest.
CLIFFORD = ("X", "Y", "Z", "S", "adjoint(S)", "H")
# By the row whose parities are even.
SYLLABLES = (("H", "T"), ("S", "H", "T"), ("T",))
Row = Sequence[RootTwo]


def normal_form(matrix: BlochMatrix) -> list[str]:
    """Return the names of gates in the order of the circuit."""
    rows: Sequence[Row] = matrix.rows
    found: list[str] = []
    for _ in range(matrix.exponent):
        even = next(
            k for k, row in enumerate(rows) if not any(entry.a % 2 for entry in row)
        )
        found += SYLLABLES[even]
        rows = _without_syllable(rows, even)
    last = _clifford_words()[_signs(rows)]
    return [*last, *reversed(found)]


def _without_syllable(rows: Sequence[Row], even: int) -> list[Row]:
    """Return the rows of what comes after a syllable, over sqrt(2) less.

    The other two rows are turned back, and all are where Clifford gates had them.
    """
    x, y, z = rows
    match even:
        case 0:
            x, y, z = z, [-entry for entry in y], x
        case 1:
            x, y, z = z, x, y
        case _:
            pass
    return [
        [_half(a + b) for a, b in zip(x, y, strict=True)],
        [_half(b - a) for a, b in zip(x, y, strict=True)],
        [RootTwo(entry.b, entry.a // 2) for entry in z],
    ]


def _half(number: RootTwo) -> RootTwo:
    return RootTwo(number.a // 2, number.b // 2)


def _signs(rows: Sequence[Row]) -> tuple[int, ...]:
    return tuple(entry.a for row in rows for entry in row)


@cache
def _clifford_words() -> dict[tuple[int, ...], tuple[str, ...]]:
    """Return the fewest gates of each Clifford gate, by the entries of its matrix."""
    found: dict[tuple[int, ...], tuple[str, ...]] = {_signs(IDENTITY.rows): ()}
    front: list[tuple[BlochMatrix, tuple[str, ...]]] = [(IDENTITY, ())]
    while front:
        new: list[tuple[BlochMatrix, tuple[str, ...]]] = []
        for matrix, word in front:
            for name in CLIFFORD:
                longer = GATES[name] @ matrix
                if (signs := _signs(longer.rows)) not in found:
                    found[signs] = (*word, name)
                    new.append((longer, (*word, name)))
        front = new
    return found


def eighth_between(names: Sequence[str], matrix: ComplexMatrix) -> float:
    """Return the angle of the phase before gates that makes them a matrix.

    It is a multiple of pi/8.
    """
    found = reduce(lambda before, name: _matrix(name) @ before, names, PAULIS["I"])
    phase = cmath.phase(complex(np.vdot(found, matrix)))
    return round(phase / (math.pi / 8)) * math.pi / 8


@cache
def _matrix(name: str) -> ComplexMatrix:
    return named_gate(name, 0).matrix({})


def product_of(names: Sequence[str]) -> BlochMatrix:
    """Return the matrix of gates in the order of a circuit."""
    found = IDENTITY
    for name in names:
        found = GATES[name] @ found
    return found
