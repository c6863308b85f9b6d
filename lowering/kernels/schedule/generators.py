"""What the angles of gates turn: rotations about words like X and Y, and phases."""

from __future__ import annotations

from functools import cache

import numpy as np

from .gate_factors import Factor

# (-i) to a power, whether the word has the signs of the sides, and the angle's sign.
Generator = tuple[int, bool, float]


def generator(factor: Factor) -> Generator | None:
    """P where a gate mixes two states as exp(-i theta/2 P), P having no diagonal."""
    if factor.letters is not None:
        found = factor.letters, True, 1.0
    else:
        found = _known_generator(factor.gate)
    if found is None:
        return None
    power, signed, sign = found
    return power, signed, -sign if factor.adjoint else sign


@cache
def _known_generator(gate: int) -> Generator | None:
    record = Factor(gate, 0, False).record
    if record.num_params != 1:
        return None
    theta = 0.7
    matrix = record.compact(record.matrix([theta]))
    c, s = np.cos(theta / 2), np.sin(theta / 2)
    words = ((0, False, [[0, 1], [1, 0]]), (1, True, [[0, -1j], [1j, 0]]))
    for power, signed, word in words:
        for sign in (1.0, -1.0):
            turned = c * np.eye(2) - 1j * sign * s * np.array(word)
            if matrix.shape == (2, 2) and np.allclose(matrix, turned, atol=1e-14):
                return power, signed, sign
    return None


def frequencies(factor: Factor) -> list[float]:
    """w for each entry exp(i w theta) of a diagonal gate with an angle."""
    found = [-0.5, 0.5] if factor.letters is not None else _known(factor.gate)
    return [-w for w in found] if factor.adjoint else found


@cache
def _known(gate: int) -> list[float]:
    record = Factor(gate, 0, False).record
    table = {w[0]: record.compact(c) for w, c in record.harmonics().items()}
    size = len(next(iter(table.values())))
    return [next(w for w, c in table.items() if c[entry]) for entry in range(size)]


@cache
def has_even_diagonal(factor: Factor) -> bool:
    """Whether a gate that rotates, or has no angle, has equal diagonal entries."""
    if factor.letters is not None:
        return True
    record = factor.record
    simple = generator(factor) is not None or not record.num_params
    return simple and all(c[0, 0] == c[1, 1] for c in record.harmonics().values())


@cache
def has_signs(factor: Factor) -> bool:
    """Whether a diagonal gate has no angle, and real entries."""
    if factor.num_params:
        return False
    return bool(np.isreal(factor.record.compact(factor.record.matrix())).all())


@cache
def is_rotation(factor: Factor) -> bool:
    """Whether a diagonal gate of one parity turns as exp(-i theta/2 Z) does."""
    if factor.num_params != 1:
        return False
    even, odd = frequencies(factor)[:2]
    return even == -odd
