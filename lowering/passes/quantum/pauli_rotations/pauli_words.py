"""Products of Pauli matrices as masks of bits, with their phases."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple


class Pauli(NamedTuple):
    """i^phase X^x Z^z: bit w of x and of z is for wire w, and Y is i X Z."""

    x: int
    z: int
    phase: int = 0

    @property
    def support(self) -> int:
        """The wires that it acts on, as a mask."""
        return self.x | self.z

    @property
    def positive(self) -> Pauli:
        """The word of the same letters with the sign +."""
        return word_of(self.x, self.z)

    @property
    def sign(self) -> int:
        """1 or -1 before the letters of the word, which is Hermitian."""
        return 1 - (self.phase - (self.x & self.z).bit_count() & 3)

    def letter(self, wire: int) -> str:
        """The letter of a wire."""
        return "IXZY"[self.x >> wire & 1 | (self.z >> wire & 1) << 1]

    def on(self, wires: tuple[int, ...]) -> Pauli:
        """Return the same letters, where wire k is another."""
        x = z = 0
        for place, wire in enumerate(wires):
            x |= (self.x >> place & 1) << wire
            z |= (self.z >> place & 1) << wire
        return Pauli(x, z, self.phase)


def bits(mask: int) -> Iterator[int]:
    """Yield the places of the ones of a mask."""
    while mask:
        lowest = mask & -mask
        yield lowest.bit_length() - 1
        mask ^= lowest


def word_of(x: int, z: int) -> Pauli:
    """Return the word with these masks and the sign +."""
    return Pauli(x, z, (x & z).bit_count() & 3)


def read_word(letters: str) -> Pauli:
    """Return a word by its letters, that of wire 0 first."""
    x = sum(1 << wire for wire, letter in enumerate(letters) if letter in "XY")
    return word_of(x, sum(1 << w for w, letter in enumerate(letters) if letter in "YZ"))


def times(first: Pauli, second: Pauli) -> Pauli:
    """Return a product."""
    swapped = 2 * (first.z & second.x).bit_count()
    phase = first.phase + second.phase + swapped & 3
    return Pauli(first.x ^ second.x, first.z ^ second.z, phase)


def commute(first: Pauli, second: Pauli) -> bool:
    """Tell whether two Paulis commute; otherwise they anticommute."""
    return not ((first.x & second.z) ^ (first.z & second.x)).bit_count() & 1


def turned(pauli: Pauli, axis: Pauli, quarters: int) -> Pauli:
    """Return R Q R^-1 for R = exp(-i quarters pi P / 4), which is (-i P)^quarters Q."""
    if not quarters & 3 or commute(pauli, axis):
        return pauli
    if quarters & 1:
        x, z, phase = times(axis, pauli)
        return Pauli(x, z, phase - quarters & 3)
    return Pauli(pauli.x, pauli.z, pauli.phase ^ 2)
