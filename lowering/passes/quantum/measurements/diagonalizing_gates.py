"""Clifford gates after which Pauli words that commute are words of Z.

A word becomes X on one wire by gates between its wires, and Z by a Hadamard. All other
words commute with it, so they have I or Z there, and the wire is never touched again.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qjit.lowering.passes.circuits.gates import Gate

Bits = NDArray[np.bool_]

# The gates, and whether they are adjoint, after which a letter is Z.
TURNS: dict[str, tuple[tuple[str, bool], ...]] = {
    "X": (("H", False),),
    "Y": (("S", True), ("H", False)),
    "Z": (),
}


@dataclass(frozen=True)
class DiagonalizedWords:
    """Gates, and what words are after them: words of I and Z, with signs."""

    gates: tuple[Gate, ...]
    words: tuple[str, ...]
    signs: tuple[int, ...]


def diagonalize_words(words: Sequence[str]) -> DiagonalizedWords:
    """Return the gates after which words that commute are diagonal.

    Wires on which all words agree take gates on one wire only.

    Raises:
        ValueError: if the words do not commute.
    """
    tableau = _Tableau(words)
    while tableau.diagonalize_word():
        pass
    return DiagonalizedWords(
        tuple(tableau.gates),
        tuple("".join("IZ"[bit] for bit in row) for row in tableau.z.tolist()),
        tuple(-1 if sign else 1 for sign in tableau.signs.tolist()),
    )


class _Tableau:
    """Words as bits of X and Z for each wire, with their signs, as gates change them.

    The rules are those of Aaronson and Gottesman, quant-ph/0406196.
    """

    def __init__(self, words: Sequence[str]) -> None:
        letters = np.array([list(word) for word in words]).reshape(len(words), -1)
        self.x: Bits = (letters == "X") | (letters == "Y")
        self.z: Bits = (letters == "Z") | (letters == "Y")
        self.signs: Bits = np.zeros(len(words), np.bool_)
        self.gates: list[Gate] = []

    def diagonalize_word(self) -> bool:
        """Make one more word diagonal; tell whether there was one to do."""
        self._turn_wires_that_agree()
        left: Bits = np.any(self.x, axis=0)
        if not left.any():
            return False
        weights = ((self.x | self.z) & left).sum(axis=1)
        weights[~self.x.any(axis=1)] = len(left) + 1
        row = int(np.argmin(weights))
        on = np.flatnonzero((self.x[row] | self.z[row]) & left).tolist()
        pivot = next(wire for wire in on if self.x[row, wire])
        for wire in on:
            if self.x[row, wire] and self.z[row, wire]:
                self._unphase(wire)
        for wire in on:
            if wire != pivot:
                flips = self.x[row, wire]
                (self._flip if flips else self._flip_phase)(pivot, wire)
        self._exchange(pivot)
        if self.x[:, pivot].any():
            raise ValueError("the words do not commute")
        return True

    def _turn_wires_that_agree(self) -> None:
        for wire in np.flatnonzero(self.x.any(axis=0)).tolist():
            x, z = self.x[:, wire], self.z[:, wire]
            if not (z & ~x).any() and (z[x].all() or not z[x].any()):
                if z.any():
                    self._unphase(wire)
                self._exchange(wire)

    def _exchange(self, wire: int) -> None:
        """Apply H: X and Z change places."""
        x, z = self.x[:, wire].copy(), self.z[:, wire].copy()
        self.signs ^= x & z
        self.x[:, wire], self.z[:, wire] = z, x
        self.gates.append(Gate("H", wire))

    def _unphase(self, wire: int) -> None:
        """Apply the adjoint of S: Y becomes X, and X becomes -Y."""
        x, z = self.x[:, wire], self.z[:, wire]
        self.signs ^= x & ~z
        self.z[:, wire] = z ^ x
        self.gates.append(Gate("S", wire, adjoint=True))

    def _flip(self, control: int, target: int) -> None:
        """Apply CNOT."""
        x, z = self.x, self.z
        same = x[:, target] == z[:, control]
        self.signs ^= x[:, control] & z[:, target] & same
        x[:, target] ^= x[:, control]
        z[:, control] ^= z[:, target]
        self.gates.append(Gate("CNOT", (control, target)))

    def _flip_phase(self, first: int, second: int) -> None:
        """Apply CZ."""
        x, z = self.x, self.z
        differ = z[:, first] != z[:, second]
        self.signs ^= x[:, first] & x[:, second] & differ
        z[:, first] ^= x[:, second]
        z[:, second] ^= x[:, first]
        self.gates.append(Gate("CZ", (first, second)))
