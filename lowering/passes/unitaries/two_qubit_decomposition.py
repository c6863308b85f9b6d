"""The Cartan (KAK) decomposition of 4x4 unitary matrices, in Weyl coordinates.

In the magic basis, local gates are real orthogonal and exp(i(x XX + y YY + z ZZ)) is
diagonal (Makhlin, arXiv:quant-ph/0002045; Zhang et al., arXiv:quant-ph/0209120). A
unitary U = K1 D K2 with real K has the symmetric U^T U = K2^T D^2 K2, whose commuting
real and imaginary parts have common eigenvectors.
"""

from __future__ import annotations

import cmath
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qjit.dialects.gates.fourier import ComplexMatrix
from qjit.dialects.gates.record import PAULIS

MAGIC: ComplexMatrix = np.array(
    [[1, 0, 0, 1j], [0, 1j, 1, 0], [0, 1j, -1, 0], [1, 0, 0, -1j]], np.complex128
) / np.complex128(math.sqrt(2))
TO_MAGIC = MAGIC.conj().T
# The eigenvalues of 1, XX, YY and ZZ on the magic basis.
SIGNS = np.array([[1, 1, 1, 1], [1, 1, -1, -1], [-1, 1, -1, 1], [1, -1, -1, 1]])
X, Y, Z = (PAULIS[name] for name in "XYZ")
PAULI = (X, Y, Z)
# Coordinates that differ by less are the same.
TOLERANCE = 3e-13
QUARTER = math.pi / 4
UPPER = np.triu_indices(4, 1)
# Mixtures of the two parts; those with other eigenspaces than both are rare.
MIXTURES = tuple(0.4 + 1.7 * k for k in range(12))


@dataclass
class CartanDecomposition:
    """A unitary as e^(i phase) (a1 x b1) exp(i(x XX + y YY + z ZZ)) (a0 x b0).

    The coordinates are in the Weyl chamber: pi/4 >= x >= y >= |z|, and z >= 0 where
    x = pi/4. `left` is (a1, b1), `right` is (a0, b0).
    """

    left: tuple[ComplexMatrix, ComplexMatrix]
    coordinates: tuple[float, float, float]
    right: tuple[ComplexMatrix, ComplexMatrix]
    phase: float

    def matrix(self) -> ComplexMatrix:
        """Return the unitary."""
        middle = np.diag(np.exp(1j * np.asarray(self.coordinates) @ SIGNS[1:]))
        canonical = MAGIC @ middle @ TO_MAGIC
        outer, inner = kronecker(*self.left), kronecker(*self.right)
        return cmath.exp(1j * self.phase) * (outer @ canonical @ inner)


def kronecker(first: ComplexMatrix, second: ComplexMatrix) -> ComplexMatrix:
    """Return the matrix of two gates side by side."""
    return (first[:, None, :, None] * second[None, :, None, :]).reshape(4, 4)


def cartan_decomposition(unitary: ComplexMatrix) -> CartanDecomposition:
    """Decompose a 4x4 unitary matrix."""
    found = TO_MAGIC @ unitary @ MAGIC
    symmetric = found.T @ found
    basis = common_eigenvectors(symmetric)
    if np.linalg.det(basis) < 0:
        basis[:, 0] *= -1
    angles = np.angle((basis.T @ symmetric @ basis).diagonal()) / 2
    outer = ((found @ basis) * np.exp(-1j * angles)).real
    if np.linalg.det(outer) < 0:
        outer[:, 0] *= -1
        angles[0] += math.pi
    phase, *coordinates = (SIGNS @ angles / 4).tolist()
    chamber = _Chamber(list(_factors(outer)), coordinates, list(_factors(basis.T)))
    chamber.phase = phase
    return chamber.reduced()


def common_eigenvectors(symmetric: ComplexMatrix) -> NDArray[np.float64]:
    """Return the real orthogonal eigenvectors of a symmetric unitary matrix.

    Those of a mixture of the real and the imaginary part are eigenvectors of both,
    unless it has equal eigenvalues where they have not.
    """
    best, least = np.eye(4), math.inf
    for angle in MIXTURES:
        mixed = math.cos(angle) * symmetric.real + math.sin(angle) * symmetric.imag
        basis = np.linalg.eigh(mixed)[1]
        left = basis.T @ symmetric @ basis
        rest = float(np.abs(left[UPPER]).max())
        if rest < least:
            best, least = basis, rest
        if least < 4e-15:
            break
    return best


def _factors(orthogonal: NDArray[np.float64]) -> tuple[ComplexMatrix, ComplexMatrix]:
    """Return the two local gates that are an orthogonal matrix in the magic basis."""
    local = MAGIC @ orthogonal @ TO_MAGIC
    pairs = local.reshape(2, 2, 2, 2).transpose(0, 2, 1, 3).reshape(4, 4)
    row = int(np.argmax(np.abs(pairs).max(axis=1)))
    second = pairs[row].reshape(2, 2)
    second = second / cmath.sqrt(_determinant(second))
    first = (pairs @ second.conj().reshape(4)).reshape(2, 2) / 2
    return first, second


def _determinant(matrix: ComplexMatrix) -> complex:
    return complex(matrix[0, 0] * matrix[1, 1] - matrix[0, 1] * matrix[1, 0])


@dataclass
class _Chamber:
    """A decomposition on its way into the Weyl chamber."""

    left: list[ComplexMatrix]
    coordinates: list[float]
    right: list[ComplexMatrix]
    phase: float = 0.0

    def reduced(self) -> CartanDecomposition:
        for axis in range(3):
            self._shift(axis, round(self.coordinates[axis] / (2 * QUARTER)))
            if self.coordinates[axis] < -QUARTER + TOLERANCE:
                self._shift(axis, -1)
        for first, second in ((0, 1), (1, 2), (0, 1)):
            low, high = abs(self.coordinates[first]), abs(self.coordinates[second])
            if low < high - TOLERANCE:
                self._exchange(first, second)
        for axis in (0, 1):
            if self.coordinates[axis] < 0:
                self._negate(axis, 2)
        if self.coordinates[0] > QUARTER - TOLERANCE and self.coordinates[2] < 0:
            self._shift(0, 1)
            self._negate(0, 2)
        x, y, z = self.coordinates
        left, right = (self.left[0], self.left[1]), (self.right[0], self.right[1])
        return CartanDecomposition(left, (x, y, z), right, self.phase)

    def _shift(self, axis: int, quarters: int) -> None:
        """Subtract multiples of pi/2: exp(i pi/2 PP) = i PP."""
        self.coordinates[axis] -= 2 * QUARTER * quarters
        self.phase += 2 * QUARTER * quarters
        if quarters % 2:
            self.left = [each @ PAULI[axis] for each in self.left]

    def _exchange(self, first: int, second: int) -> None:
        """Exchange coordinates: (P + Q)/sqrt(2) turns P into Q and Q into P."""
        turn = (PAULI[first] + PAULI[second]) / math.sqrt(2)
        self.left = [each @ turn for each in self.left]
        self.right = [turn @ each for each in self.right]
        found = self.coordinates
        found[first], found[second] = found[second], found[first]

    def _negate(self, first: int, second: int) -> None:
        """Negate two coordinates, by the third Pauli on one qubit."""
        turn = PAULI[3 - first - second]
        self.left[0] = self.left[0] @ turn
        self.right[0] = turn @ self.right[0]
        self.coordinates[first] *= -1
        self.coordinates[second] *= -1
