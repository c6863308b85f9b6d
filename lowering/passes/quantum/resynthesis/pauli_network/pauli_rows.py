"""Pauli words as rows of bits, which Clifford gates change (Aaronson and Gottesman)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Flags = NDArray[np.bool_]
Codes = NDArray[np.int8]
# A gate by its name, and its wires.
Step = tuple[str, tuple[int, ...]]
# What a letter is in codes: the bit of X, and twice that of Z.
LETTERS = {"I": 0, "X": 1, "Z": 2, "Y": 3}
INVERSES = {"S": "SDG", "SDG": "S"}


class PauliRows:
    """Words with signs: bits of X and of Z on each wire, and which are negative."""

    def __init__(self, size: int, num_wires: int) -> None:
        self.x: Flags = np.zeros((size, num_wires), np.bool_)
        self.z: Flags = np.zeros((size, num_wires), np.bool_)
        self.negative: Flags = np.zeros(size, np.bool_)

    @property
    def codes(self) -> Codes:
        """The letters of all words as numbers."""
        return self.x + 2 * self.z.astype(np.int8)

    def set(self, row: int, letters: str, wires: tuple[int, ...]) -> None:
        """Make a row a word."""
        for letter, wire in zip(letters, wires, strict=True):
            self.x[row, wire] = bool(LETTERS[letter] & 1)
            self.z[row, wire] = bool(LETTERS[letter] & 2)

    def conjugate(self, step: Step) -> None:
        """Make each word P the word g P g^-1 for a gate g.

        Gates are H, S, SDG, which is its inverse, X, Z and CNOT.
        """
        name, (wire, *others) = step
        x, z = self.x[:, wire], self.z[:, wire]
        match name:
            case "H":
                self.negative ^= x & z
                self.x[:, wire], self.z[:, wire] = z.copy(), x.copy()
            case "S":
                self.negative ^= x & z
                z ^= x
            case "SDG":
                self.negative ^= x & ~z
                z ^= x
            case "X":
                self.negative ^= z
            case "Z":
                self.negative ^= x
            case "CNOT":
                (target,) = others
                over, under = self.x[:, target], self.z[:, target]
                self.negative ^= x & under & ~(over ^ z)
                over ^= x
                z ^= under
            case _:
                raise ValueError(f"{name} is no gate of Clifford words")

    def anticommute(self) -> Flags:
        """Return for each two rows whether they anticommute."""
        x, z = self.x.astype(np.float32), self.z.astype(np.float32)
        product = x @ z.T
        return (product + product.T) % 2 == 1


def inverted(step: Step) -> Step:
    """Return the inverse of a gate."""
    return INVERSES.get(step[0], step[0]), step[1]
