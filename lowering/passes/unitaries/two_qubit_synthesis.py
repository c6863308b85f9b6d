"""Circuits of two-qubit unitaries with the fewest CNOT or CZ gates.

How many are needed follows from the Weyl coordinates: none at (0, 0, 0), one at
(pi/4, 0, 0), two where z = 0, otherwise three (Shende, Bullock and Markov,
arXiv:quant-ph/0308045; the circuit of three is that of Vatan and Williams,
arXiv:quant-ph/0308006).
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from qjit.dialects.gates.fourier import ComplexMatrix
from qjit.dialects.gates.record import PAULIS
from qjit.lowering.passes.circuits.gates import Gate

from .single_qubit import single_qubit_gates
from .two_qubit_decomposition import (
    QUARTER,
    TOLERANCE,
    CartanDecomposition,
    cartan_decomposition,
    kronecker,
)

X, Y, Z = (PAULIS[name] for name in "XYZ")
HADAMARD: ComplexMatrix = (X + Z) / math.sqrt(2)
IDENTITY: ComplexMatrix = PAULIS["I"]
SWAP: ComplexMatrix = np.eye(4, dtype=np.complex128)[[0, 2, 1, 3]]
# What turns YY into ZZ and leaves XX.
TURN: ComplexMatrix = (Y + Z) / math.sqrt(2)

Local = tuple[ComplexMatrix, int]
Entangling = tuple[int, int]  # control and target


@dataclass
class TwoQubitCircuit:
    """Gates on wires 0 and 1 in order, and a phase; the wires may be exchanged after.

    The gates of a matrix times e^(i phase) are counted by `cost`.
    """

    gates: list[Gate]
    phase: float
    exchanged: bool = False

    @property
    def num_entangling(self) -> int:
        """How many of the gates act on both wires."""
        return sum(len(gate.wires) == 2 for gate in self.gates)

    @property
    def cost(self) -> tuple[int, int]:
        """The number of gates on both wires, and of the others."""
        return self.num_entangling, len(self.gates) - self.num_entangling


def num_cnots(coordinates: Sequence[float], tolerance: float = TOLERANCE) -> int:
    """Return how many CNOT gates Weyl coordinates need."""
    x, y, z = coordinates
    if abs(z) > tolerance:
        return 3
    if y > tolerance:
        return 2
    if x < tolerance:
        return 0
    return 1 if abs(x - QUARTER) < tolerance else 2


def num_cnots_exchanged(coordinates: Sequence[float]) -> int:
    """Return how many CNOT gates are needed where wires may be exchanged after them.

    SWAP is exp(i pi/4 (XX + YY + ZZ)), so it takes x to pi/4 - |z|, and z to 0 where
    x is pi/4.
    """
    x, y, z = (abs(QUARTER - abs(each)) < TOLERANCE for each in coordinates)
    flat = abs(coordinates[2]) < TOLERANCE
    other = 0 if z else 1 if y and flat else 2 if x else 3
    return min(other, num_cnots(coordinates))


def synthesise(
    unitary: ComplexMatrix,
    *,
    basis: str = "CNOT",
    exchange: bool = False,
    most: int = 3,
) -> TwoQubitCircuit | None:
    """Return a circuit of a unitary with the fewest gates of a basis on both qubits.

    Args:
        unitary: a 4x4 unitary matrix, wire 0 most significant.
        basis: the gate on both qubits, "CNOT" or "CZ".
        exchange: whether wires may be exchanged after the gates, at no cost.
        most: how many such gates there may be; None is returned if more are needed.
    """
    found = cartan_decomposition(unitary)
    count, fewest = num_cnots(found.coordinates), num_cnots_exchanged(found.coordinates)
    if (fewest if exchange else count) > most:
        return None
    exchanged = exchange and fewest < count
    if exchanged:
        found = cartan_decomposition(SWAP @ unitary)
    gates, phase = _emit(_steps(found), basis)
    return TwoQubitCircuit(gates, phase + found.phase, exchanged)


def _steps(found: CartanDecomposition) -> list[Local | Entangling | float]:
    """Return local gates, CNOTs and phases in order."""
    x, y, z = found.coordinates
    count = num_cnots(found.coordinates)
    middle: list[Local | Entangling | float] = []
    if count == 1:
        middle = _one_cnot()
    elif count == 2:
        middle = _two_cnots(x, y)
    elif count == 3:
        middle = _three_cnots(x, y, z)
    (a1, b1), (a0, b0) = found.left, found.right
    return [(a0, 0), (b0, 1), *middle, (a1, 0), (b1, 1)]


def _one_cnot() -> list[Local | Entangling | float]:
    """exp(i pi/4 XX), from CNOT = e^(i pi/4) exp(-i pi/4 (ZI + IX - ZX))."""
    quarter_z, quarter_x = _exponential(Z, QUARTER), _exponential(X, QUARTER)
    return [
        (HADAMARD, 0), (0, 1), (HADAMARD @ quarter_z, 0), (quarter_x, 1), -QUARTER,
    ]  # fmt: skip


def _two_cnots(x: float, y: float) -> list[Local | Entangling | float]:
    """exp(i(x XX + y YY)): CNOT turns XX into XI, and ZZ into IZ."""
    return [
        (TURN, 0), (TURN, 1), (0, 1),
        (_exponential(X, x), 0), (_exponential(Z, y), 1),
        (0, 1), (TURN, 0), (TURN, 1),
    ]  # fmt: skip


def _three_cnots(x: float, y: float, z: float) -> list[Local | Entangling | float]:
    """exp(i(x XX + y YY + z ZZ)), as figure 6 of Vatan and Williams."""
    return [
        (_exponential(Z, QUARTER), 1), (1, 0),
        (_exponential(Z, z - QUARTER), 0), (_exponential(Y, QUARTER - x), 1),
        (0, 1), (_exponential(Y, y - QUARTER), 1),
        (1, 0), (_exponential(Z, -QUARTER), 0), QUARTER,
    ]  # fmt: skip


def _exponential(pauli: ComplexMatrix, angle: float) -> ComplexMatrix:
    return math.cos(angle) * IDENTITY + 1j * math.sin(angle) * pauli


def _emit(
    steps: list[Local | Entangling | float], basis: str
) -> tuple[list[Gate], float]:
    """Return the gates of steps, local gates taken together."""
    local: list[ComplexMatrix] = [IDENTITY] * 2
    gates: list[Gate] = []
    phase = 0.0

    def flush() -> float:
        turned = 0.0
        for wire in (0, 1):
            found, angle = single_qubit_gates(local[wire], wire)
            gates.extend(found)
            turned += angle
            local[wire] = IDENTITY
        return turned

    for step in steps:
        if not isinstance(step, tuple):
            phase += step
            continue
        first, second = step
        if isinstance(first, np.ndarray):
            local[second] = first @ local[second]
            continue
        if basis == "CZ":
            local[second] = HADAMARD @ local[second]
        phase += flush()
        gates.append(Gate(basis, (first, second)))
        if basis == "CZ":
            local[second] = HADAMARD @ local[second]
    return gates, phase + flush()


def matrix_of(circuit: TwoQubitCircuit) -> ComplexMatrix:
    """Return the unitary of a circuit."""
    found = np.eye(4, dtype=np.complex128)
    for gate in circuit.gates:
        found = on_two_wires(gate.matrix({}), gate.wires) @ found
    found = SWAP @ found if circuit.exchanged else found
    return cmath.exp(1j * circuit.phase) * found


def on_two_wires(matrix: ComplexMatrix, wires: Sequence[int]) -> ComplexMatrix:
    """Return the matrix of a gate on wires 0 and 1, the first most significant."""
    if len(wires) == 2:
        return matrix if wires[0] == 0 else SWAP @ matrix @ SWAP
    one = IDENTITY
    return kronecker(matrix, one) if wires[0] == 0 else kronecker(one, matrix)
