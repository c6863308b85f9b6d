"""Clifford gates as words of H, S and CNOT, with their phases.

The phase of a circuit that is the identity otherwise is its amplitude at |0...0>, a sum
over the paths between: each H makes a bit, and each path has a power of i, which is a
quadratic form of the bits (Dawson et al., arXiv:quant-ph/0408129).
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache

import numpy as np

from qjit.dialects.gates.fourier import ComplexMatrix
from qjit.lowering.passes.circuits.gates import Gate
from qjit.runtime.recent import MOST

from .pauli_rows import Step

Word = tuple[Step, ...]
CLOSE = 1e-13
# Gates on two wires; the first is the control.
FLIP: Step = ("CNOT", (0, 1))
ON_TWO: dict[str, Word] = {
    "CNOT": (FLIP,),
    "CZ": (("H", (1,)), FLIP, ("H", (1,))),
    "CY": (("SDG", (1,)), FLIP, ("S", (1,))),
    "SWAP": (FLIP, ("CNOT", (1, 0)), FLIP),
    "ISWAP": (
        *(("S", (0,)), ("S", (1,)), ("H", (0,))),
        *(FLIP, ("CNOT", (1, 0)), ("H", (1,))),
    ),
}
MATRICES = {name: Gate(name, 0).matrix({}) for name in ("H", "S")}


def placed(word: Word, wires: tuple[int, ...]) -> Word:
    """Return a word on other wires."""
    return tuple((name, tuple(wires[k] for k in on)) for name, on in word)


@cache
def _single_qubit_words() -> tuple[tuple[Word, ComplexMatrix], ...]:
    """Return the shortest words of the 24 Clifford gates on one qubit."""
    found: list[tuple[Word, ComplexMatrix]] = [((), np.eye(2, dtype=np.complex128))]
    for word, matrix in found:  # which grows
        for name, each in MATRICES.items():
            new = each @ matrix
            if not any(abs(np.vdot(new, other)) > 2 - CLOSE for _, other in found):
                found.append(((*word, (name, (0,))), new))
    return tuple(found)


@lru_cache(MOST)
def single_qubit_word(data: bytes) -> tuple[Word, float] | None:
    """Return the word and the phase that are a matrix, given by its bytes."""
    matrix: ComplexMatrix = np.frombuffer(data, np.complex128).reshape(2, 2)
    for word, other in _single_qubit_words():
        overlap = complex(np.vdot(other, matrix))
        if abs(overlap) > 2 - 1e-6:
            phase = cmath.phase(overlap)
            close = np.abs(matrix - cmath.exp(1j * phase) * other).max() < CLOSE
            return (word, phase) if close else None
    return None


class PathSum:
    """The state after Clifford gates on |0...0>, as a sum over the bits of paths.

    Each wire has the parity of a mask of bits, or its opposite. A path has the phase
    i^q, where q is the sum of `linear` over its bits, and 2 for each pair of them.
    """

    def __init__(self, num_wires: int) -> None:
        self.masks = [0] * num_wires
        self.flips = [0] * num_wires
        self.linear: list[int] = []
        self.pairs: list[int] = []
        self.eighths = 0

    def apply(self, step: Step) -> None:
        """Add a gate."""
        name, (wire, *others) = step
        mask, flip = self.masks[wire], self.flips[wire]
        match name:
            case "H":
                bit = len(self.linear)
                self.linear.append(2 * flip)
                self.pairs.append(0)
                self._multiply(1 << bit, mask)
                self.masks[wire], self.flips[wire] = 1 << bit, 0
            case "S" | "Z" | "SDG":
                self._turn(mask, flip, {"S": 1, "Z": 2, "SDG": 3}[name])
            case "X":
                self.flips[wire] ^= 1
            case "CNOT":
                self.masks[others[0]] ^= mask
                self.flips[others[0]] ^= flip
            case _:
                raise ValueError(f"{name} is no gate of Clifford words")

    def _turn(self, mask: int, flip: int, power: int) -> None:
        """Multiply by i^(power y), where y is the parity of a mask, or its opposite."""
        self.eighths += 2 * power * flip
        power = -power if flip else power
        for bit in bits(mask):
            self.linear[bit] += power
            if power % 2:
                self.pairs[bit] ^= mask & ~(1 << bit)

    def _multiply(self, one: int, other: int) -> None:
        """Multiply by -1 where two masks both have an odd parity."""
        for bit in bits(one):
            self.linear[bit] += 2 * (other >> bit & 1)
            rest = other & ~(1 << bit)
            self.pairs[bit] ^= rest
            for each in bits(rest):
                self.pairs[each] ^= 1 << bit

    def _forget(self, bit: int) -> tuple[int, int]:
        """Take a bit out of the form, and return its power of i and its pairs."""
        power, pairs = self.linear[bit] % 4, self.pairs[bit]
        self.linear[bit] = self.pairs[bit] = 0
        for each in bits(pairs):
            self.pairs[each] &= ~(1 << bit)
        return power, pairs

    def phase(self) -> float:
        """Return the phase of the amplitude at |0...0>, which is not zero."""
        conditions = list(zip(self.masks, self.flips, strict=True))
        left = (1 << len(self.linear)) - 1
        while conditions or left:
            if conditions:
                mask, value = conditions.pop()
            else:
                bit = left.bit_length() - 1
                left ^= 1 << bit
                power, mask = self._forget(bit)
                if power % 2:  # the sum is (1 + i^power) i^(-power parity) up to a sign
                    self.eighths += 2 - power
                    self._turn(mask, 0, -power)
                    continue
                value = power // 2
            if not mask:
                if value:
                    raise ValueError("the amplitude is zero")
                continue
            bit = mask.bit_length() - 1
            rest = mask ^ 1 << bit
            self._substitute(bit, rest, value)
            left &= ~(1 << bit)
            conditions = [
                (each ^ mask, flip ^ value) if each >> bit & 1 else (each, flip)
                for each, flip in conditions
            ]
        return self.eighths * math.pi / 4

    def _substitute(self, bit: int, mask: int, flip: int) -> None:
        """Let a bit be the parity of a mask, or its opposite."""
        power, pairs = self._forget(bit)
        self._turn(mask, flip, power)
        self._multiply(mask, pairs)
        if flip:
            for each in bits(pairs):
                self.linear[each] += 2


def bits(mask: int) -> Iterator[int]:
    """Yield the places of a mask's ones."""
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


def identity_phase(steps: Iterable[Step], num_wires: int) -> float:
    """Return the phase of gates that are the identity up to it."""
    state = PathSum(num_wires)
    for step in steps:
        state.apply(step)
    return state.phase()
