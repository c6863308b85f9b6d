"""What Clifford gates on two qubits make of Pauli words."""

from collections.abc import Mapping
from functools import lru_cache
from itertools import product

import numpy as np

from qjit.dialects.gates.fourier import ComplexMatrix
from qjit.dialects.gates.record import pauli_matrix
from qjit.lowering.passes.circuits.circuit import Instruction, Opaque
from qjit.runtime.recent import MOST

WORDS = tuple(map("".join, product("IXYZ", repeat=2)))
PAULIS = np.stack([pauli_matrix(word) for word in WORDS])
ROUNDING = 1e-13

# For each Pauli word P, which word U P U† is, and whether with the other sign.
Images = Mapping[str, tuple[str, bool]]


def images_of(instruction: Instruction) -> Images | None:
    """Return what a Clifford gate on two wires makes of Pauli words.

    Return None for others, and for gates whose angles are known at run time only.
    """
    if isinstance(instruction, Opaque) or len(instruction.all_wires) != 2:
        return None
    if any(param.known is None for param in instruction.params):
        return None
    return _images(instruction.matrix({}).tobytes())


@lru_cache(MOST)
def _images(matrix: bytes) -> Images | None:
    unitary = np.frombuffer(matrix, np.complex128).reshape(4, 4)
    conjugated: ComplexMatrix = unitary @ PAULIS @ unitary.conj().T
    parts = np.einsum("wij,pji->pw", PAULIS, conjugated).real / 4
    places = np.abs(parts).argmax(axis=1)
    signs = np.sign(parts[np.arange(len(WORDS)), places])
    difference = np.abs(conjugated - signs[:, None, None] * PAULIS[places]).max()
    if not difference <= ROUNDING:
        return None
    pairs = zip(places.tolist(), signs.tolist(), strict=True)
    found = [(WORDS[place], sign < 0) for place, sign in pairs]
    return dict(zip(WORDS, found, strict=True))
