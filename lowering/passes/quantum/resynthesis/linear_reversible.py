"""Circuits of CNOTs for invertible matrices over GF(2), up to the order of wires."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qjit.runtime.recent import MOST

Bits = NDArray[np.int64]
Flip = tuple[int, int]  # control and target


def linear_circuit(matrix: Bits) -> tuple[list[Flip], list[int]]:
    """Return CNOTs after which wire w has the bit `matrix[row[w]]`, and these rows.

    The best of greedy elimination (de Brugiere et al., arXiv:2201.06508), by two costs,
    and of Gaussian elimination.
    """
    plain = _eliminate(matrix.copy(), [], [])
    if matrix.sum() == len(matrix):
        return plain
    inverse = inverted(matrix)
    found = [_greedy(matrix, inverse, logarithmic) for logarithmic in (False, True)]
    return min((*found, plain), key=lambda each: len(each[0]))


def _greedy(
    matrix: Bits, inverse: Bits, logarithmic: bool
) -> tuple[list[Flip], list[int]]:
    """Reduce a matrix to a permutation by rows and columns that shrink it most.

    The cost is the number of ones in the matrix and in its inverse, or the logarithms
    of the numbers in each line.
    """
    found, inverse = matrix.copy(), inverse.copy()
    before: list[Flip] = []
    after: list[Flip] = []
    while found.sum() > len(found):
        by_rows = _gains(found, inverse.T, logarithmic)
        by_columns = _gains(found.T, inverse, logarithmic)
        best = min(by_rows.min(), by_columns.min())
        if best > -1e-9:
            break
        if by_rows.min() <= by_columns.min():
            source, target = divmod(int(np.argmin(by_rows)), len(found))
            found[target] ^= found[source]
            inverse[:, source] ^= inverse[:, target]
            after.append((source, target))
        else:
            source, target = divmod(int(np.argmin(by_columns)), len(found))
            found[:, target] ^= found[:, source]
            inverse[source] ^= inverse[target]
            before.append((target, source))
    return _eliminate(found, before, after)


def _gains(lines: Bits, opposite: Bits, logarithmic: bool) -> NDArray[np.float64]:
    """Return by how much the cost grows where line i is added to line j, for all i, j.

    `opposite` are the lines of the inverse, of which j is added to i at the same time.
    """
    grown = np.add(
        _growth(lines, logarithmic), _growth(opposite, logarithmic).T, dtype=np.float64
    )
    np.fill_diagonal(grown, np.inf)
    return grown


def _growth(lines: Bits, logarithmic: bool) -> NDArray[Any]:
    shared = lines @ lines.T
    weights = shared.diagonal()
    sums = weights[:, None] + weights - 2 * shared
    if logarithmic:
        logarithms = _logarithms(len(lines))
        return logarithms[sums] - logarithms[weights]
    return sums - weights


@lru_cache(MOST)
def _logarithms(size: int) -> NDArray[np.float64]:
    """Return the logarithms of the numbers of ones in a line, 0 for none."""
    return np.log2(np.maximum(np.arange(size + 1), 1))


def _eliminate(
    matrix: Bits, before: list[Flip], after: list[Flip]
) -> tuple[list[Flip], list[int]]:
    """Reduce what is left to a permutation by rows, and return the whole circuit.

    The matrix is what the rows `after` and the columns `before` have left of another.
    """
    size = len(matrix)
    left = set(range(size))
    pivots = [0] * size  # the row that keeps each column
    for column in range(size):
        rows = [row for row in left if matrix[row, column]]
        pivot = min(rows, key=lambda row: int(matrix[row].sum()))
        left.remove(pivot)
        pivots[column] = pivot
        for row in range(size):
            if row != pivot and matrix[row, column]:
                matrix[row] ^= matrix[pivot]
                after.append((pivot, row))
    at = {row: column for column, row in enumerate(pivots)}
    rows_of = [pivots[column] for column in range(size)]
    flips = [(at[control], at[target]) for control, target in reversed(after)]
    return before + flips, rows_of


def inverted(matrix: Bits) -> Bits:
    """Return the inverse over GF(2)."""
    size = len(matrix)
    found = np.concatenate([matrix, np.eye(size, dtype=np.int64)], axis=1)
    for column in range(size):
        pivot = column + int(np.argmax(found[column:, column]))
        found[[column, pivot]] = found[[pivot, column]]
        rows = found[:, column].astype(bool)
        rows[column] = False
        found[rows] ^= found[column]
    return found[:, size:]


def bits_of(masks: Sequence[int], size: int) -> Bits:
    """Return masks as the rows of a matrix."""
    return np.array([[mask >> k & 1 for k in range(size)] for mask in masks], np.int64)
