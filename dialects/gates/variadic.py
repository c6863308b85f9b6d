"""Gates and preparations whose size or matrix is given where they are applied."""

# One step of a circuit on each line would hide the circuit.
# fmt: off
from math import pi

import numpy as np

from .controlled import CNOT, multi_controlled_phase
from .fourier import Angle, ComplexMatrix, Matrix, cos, diagonal, phase, sin
from .record import GateRecord, Kernel, Step, controlled, gate, pauli_matrix
from .single_qubit import RX, RZ, GlobalPhase, H, X


def _multi_rz(theta: Angle, num_targets: int) -> list[Step]:
    ladder = [CNOT @ (k + 1, k) for k in range(num_targets - 1)]
    return [*reversed(ladder), RZ(theta) @ 0, *ladder]


@gate(
    example={"num_targets": 2}, fixed_kernel=Kernel.PAULI_ROT,
    decomposition=_multi_rz,
)
def MultiRZ(theta: Angle, *, num_targets: int) -> Matrix:
    """exp(-i theta Z...Z / 2)."""
    signs = [-1 if k.bit_count() % 2 == 0 else 1 for k in range(2**num_targets)]
    return diagonal([phase(sign * theta / 2) for sign in signs])


def _pauli_rot(theta: Angle, pauli_word: str) -> list[Step]:
    wires = tuple(k for k, letter in enumerate(pauli_word) if letter != "I")
    if not wires:
        return [GlobalPhase(theta / 2) @ ()]
    enter = {"X": H, "Y": RX(pi / 2)}
    leave = {"X": H, "Y": RX(-pi / 2)}
    before = [enter[pauli_word[w]] @ w for w in wires if pauli_word[w] != "Z"]
    after = [leave[pauli_word[w]] @ w for w in wires if pauli_word[w] != "Z"]
    return [*before, MultiRZ(theta) @ wires, *after]


@gate(
    example={"pauli_word": "XZ"}, fixed_kernel=Kernel.PAULI_ROT,
    decomposition=_pauli_rot,
)
def PauliRot(theta: Angle, *, pauli_word: str) -> Matrix:
    """exp(-i theta P / 2) for a Pauli word P."""
    word = pauli_matrix(pauli_word)
    c, s = cos(theta / 2), -1j * sin(theta / 2)
    one = np.eye(len(word))
    pairs = np.stack([one, word], axis=-1).tolist()
    return [[a * c + b * s for a, b in row] for row in pairs]


def _pcphase(phi: Angle, dim: int, num_targets: int) -> list[Step]:
    steps = [GlobalPhase(phi) @ ()]
    for bit in (b for b in range(num_targets + 1) if dim >> b & 1):
        prefix, wires = (dim >> bit) - 1, tuple(range(num_targets - bit))
        flips = [X @ w for w in wires if not prefix >> (len(wires) - 1 - w) & 1]
        phases = multi_controlled_phase(2 * phi, wires)
        steps += [*flips, *phases, *flips]
    return steps


@gate(
    example={"dim": 3, "num_targets": 2}, words=("dim", "num_targets"),
    fixed_kernel=Kernel.DIAGONAL,
    decomposition=_pcphase,
)
def PCPhase(phi: Angle, *, dim: int, num_targets: int) -> Matrix:
    """The phase exp(i phi) on the first `dim` basis states, exp(-i phi) on the rest."""
    return diagonal([phase(phi if k < dim else -phi) for k in range(2**num_targets)])


@gate(example={"unitary": np.diag([1, 1j])}, fixed_kernel=Kernel.DENSE)
def QubitUnitary(*, unitary: ComplexMatrix) -> Matrix:
    """Any unitary matrix."""
    return np.asarray(unitary, np.complex128).tolist()


@gate(example={"entries": np.array([1, 1j])}, fixed_kernel=Kernel.DIAGONAL)
def DiagonalQubitUnitary(*, entries: ComplexMatrix) -> Matrix:
    """Any diagonal unitary matrix, given by its diagonal."""
    return diagonal(np.asarray(entries, np.complex128).tolist())


ControlledQubitUnitary = controlled(
    QubitUnitary, "ControlledQubitUnitary",
    "Any unitary matrix under any number of controls.", num_controls=None,
)

BasisState = GateRecord("BasisState", "Prepares a basis state of qubits in |0>.")

StatePrep = GateRecord("StatePrep", "Prepares a normalised state of qubits in |0>.")
