"""Networks of CNOTs in which each of a sequence of Pauli words is on one wire once.

Greedy, bottom up, as by de Brugiere and Martiel, "Faster and shorter synthesis of
Hamiltonian simulation circuits" (arXiv:2404.03280): of all CNOTs in Pauli bases that
shorten the next word, the one is taken that shortens those after it most.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qjit.lowering.passes.circuits.gates import Gate

from .pauli_program import PauliProgram
from .pauli_words import Pauli, bits

Flags = NDArray[np.bool_]
# Letters as numbers: the bit of X, and twice that of Z.
Codes = NDArray[np.int8]
LETTERS = "IXZY"

# How many words are looked at, and how many of the shortest may be next.
WINDOW = 64
MOST_NEXT = 6
# Gates after which a letter, by its code, is Z on the control, or X on the target.
TO_Z: Sequence[tuple[str, ...]] = ((), ("H",), (), ("S", "H"))
TO_X: Sequence[tuple[str, ...]] = ((), (), ("H",), ("S",))
# Gates by which the letters of the first two become X and Z.
TO_PAIR: dict[tuple[int, int], tuple[str, ...]] = {
    (1, 2): (),
    (2, 1): ("H",),
    (3, 2): ("S",),
    (1, 3): ("H", "S", "H"),
    (3, 1): ("H", "S"),
    (2, 3): ("S", "H"),
}


def _anticommute(one: int, other: int) -> bool:
    return bool(((one & 1) * (other >> 1) + (one >> 1) * (other & 1)) % 2)


# The letters that do not commute with one.
OTHERS = [[q for q in (1, 2, 3) if _anticommute(p, q)] for p in range(4)]


def _growth() -> NDArray[np.int8]:
    """Return by how much a word grows: by P and Q of a CNOT, and its letters there."""
    found = np.zeros((4, 4, 4, 4), np.int8)
    for p, q, one, other in np.ndindex(4, 4, 4, 4):
        under = one ^ p if _anticommute(other, q) else one
        over = other ^ q if _anticommute(one, p) else other
        before, after = (one > 0) + (other > 0), (under > 0) + (over > 0)
        found[p, q, one, other] = after - before
    return found


GROWTH = _growth()
# How many gates on one wire come before a CNOT from P to Q, which is one from Q to P.
TURNS = np.array([[len(TO_Z[p]) + len(TO_X[q]) for q in range(4)] for p in range(4)])


@dataclass(frozen=True)
class Preference:
    """How words after the next one count: less, the later they are.

    `decay` is for each word, and `base` for each letter more than one. `clifford` is
    the weight of letters of the Clifford gate after all words, and `turns` that of
    gates on one wire.
    """

    decay: float = 0.95
    base: float = 0.6
    clifford: float = 0.02
    turns: float = 0.0


@dataclass(frozen=True)
class Turn:
    """A rotation of the sequence on one wire, by its number."""

    number: int
    letter: str
    wire: int
    negative: bool


class PauliRows:
    """Words with signs: bits of X and of Z on each wire, and which are negative."""

    def __init__(self, words: Sequence[Pauli], num_wires: int) -> None:
        self.x: Flags = np.zeros((len(words), num_wires), np.bool_)
        self.z: Flags = np.zeros((len(words), num_wires), np.bool_)
        self.negative: Flags = np.array([word.sign < 0 for word in words], np.bool_)
        for row, word in enumerate(words):
            self.x[row, [*bits(word.x)]] = True
            self.z[row, [*bits(word.z)]] = True

    @property
    def codes(self) -> Codes:
        """The letters of all words as numbers."""
        return self.x + 2 * self.z.astype(np.int8)

    def conjugate(self, gate: Gate) -> None:
        """Make each word P the word g P g^-1 for a gate g: H, S, X, Z or CNOT."""
        wire, *others = gate.wires
        x, z = self.x[:, wire], self.z[:, wire]
        match gate.name:
            case "H":
                self.negative ^= x & z
                self.x[:, wire], self.z[:, wire] = z.copy(), x.copy()
            case "S":
                self.negative ^= x & z
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
                raise ValueError(f"words are not changed by {gate.name} here")

    def anticommute(self) -> Flags:
        """Return for each two rows whether they anticommute."""
        x, z = self.x.astype(np.float32), self.z.astype(np.float32)
        product = x @ z.T
        return (product + product.T) % 2 == 1


class PauliNetwork:
    """The synthesis of the rotations of a program, and of the Clifford gate after them.

    The first rows of `words` are what X, then Z, on each wire is before that gate;
    those after are the words of the rotations.
    """

    def __init__(
        self, program: PauliProgram, preference: Preference, most: int
    ) -> None:
        self.preference, self.most = preference, most
        self.num_wires = program.num_wires
        self.first = 2 * self.num_wires
        frame = program.frame
        axes = [each.axis for each in program.rotations]
        words = PauliRows([*frame.of_x, *frame.of_z, *axes], self.num_wires)
        self.words = words
        self.made: list[Gate | Turn] = []
        self.num_flips = 0
        apart: Flags = words.anticommute()[self.first :, self.first :]
        self.later = np.triu(apart, 1)
        self.blockers = self.later.sum(axis=0)
        self.left = np.ones(len(apart), np.bool_)
        self.codes: Codes = words.codes
        self.gain = 1 - preference.base ** np.maximum(
            np.arange(self.num_wires + 2) - 1.0, 0.0
        )

    def run(self) -> list[int] | None:
        """Return on which wire each wire's qubit comes from; None if it is too long."""
        while self._turns():
            if self.num_flips >= self.most or not self._shorten():
                return None
        return self._clifford()

    def _do(self, name: str, *wires: int) -> None:
        gate = Gate(name, wires)
        self.made.append(gate)
        self.words.conjugate(gate)
        x, z = self.words.x, self.words.z
        for wire in wires:
            self.codes[:, wire] = x[:, wire] + 2 * z[:, wire].astype(np.int8)

    def _turns(self) -> bool:
        """Do all rotations that are on one wire; tell whether others are left."""
        while True:
            front = np.flatnonzero(self.left & (self.blockers == 0))
            if not len(front):
                return False
            rows = self.codes[self.first + front]
            short = front[(rows > 0).sum(axis=1) == 1]
            if not len(short):
                return True
            for number in short.tolist():
                codes = self.codes[self.first + number]
                wire = int(np.argmax(codes))
                negative = bool(self.words.negative[self.first + number])
                letter = LETTERS[int(codes[wire])]
                self.made.append(Turn(number, letter, wire, negative))
                self.left[number] = False
                self.blockers -= self.later[number]

    def _shorten(self) -> bool:
        """Do the best CNOT that shortens one of the next words."""
        left = np.flatnonzero(self.left)[:WINDOW]
        codes = self.codes[self.first + left]
        weights = (codes > 0).sum(axis=1)
        front = self.blockers[left] == 0
        least = int(weights[front].min())
        chosen = np.flatnonzero(front & (weights == least))[:MOST_NEXT]
        ways = [way for row in chosen.tolist() for way in _ways(codes[row].tolist())]
        factors = np.where(front, 1.0, self.preference.decay ** np.arange(len(left)))
        best = self._best(ways, codes, weights, factors)
        self._flip(*best)
        return True

    def _best(
        self,
        ways: Sequence[tuple[int, int, int, int]],
        codes: Codes,
        weights: NDArray[np.int_],
        factors: NDArray[np.float64],
    ) -> tuple[int, int, int, int]:
        """Return the CNOT after which words are shortest."""
        a, b, p, q = np.array(list(dict.fromkeys(ways))).T
        growth = GROWTH[p, q, codes[:, a], codes[:, b]]
        after = self.gain[weights[:, None] + growth]
        score = factors @ after + 1e-4 * (factors @ growth)
        if self.preference.clifford:
            rows = self.codes[: self.first]
            more = GROWTH[p, q, rows[:, a], rows[:, b]].sum(axis=0)
            score = score + self.preference.clifford * more
        score = score + self.preference.turns * np.minimum(TURNS[p, q], TURNS[q, p])
        best = int(np.argmin(score))
        return int(a[best]), int(b[best]), int(p[best]), int(q[best])

    def _flip(self, a: int, b: int, p: int, q: int) -> None:
        """Do a CNOT from the basis p of a wire to the basis q of another."""
        if TURNS[q, p] < TURNS[p, q]:
            a, b, p, q = b, a, q, p
        for name in TO_Z[p]:
            self._do(name, a)
        for name in TO_X[q]:
            self._do(name, b)
        self._do("CNOT", a, b)
        self.num_flips += 1

    def _clifford(self) -> list[int] | None:
        """Undo the Clifford gate that is left, a wire after another."""
        left = list(range(self.num_wires))
        output = [0] * self.num_wires
        while left:
            if self.num_flips > self.most:
                return None
            x, z = self.codes[: self.num_wires], self.codes[self.num_wires : self.first]
            costs = (x > 0).sum(axis=1) + (z > 0).sum(axis=1)
            wire = min(left, key=lambda each: int(costs[each]))
            output[wire] = self._undo(wire, left)
            left.remove(wire)
        return output

    def _undo(self, wire: int, left: Sequence[int]) -> int:
        """Bring X and Z of a wire to one wire, and return that."""
        rows = wire, self.num_wires + wire
        one, other = sorted(rows, key=lambda row: int((self.codes[row] > 0).sum()))
        while len(on := np.flatnonzero(self.codes[one])) > 1:
            self._flip(*self._best_of_rows(_ways(self.codes[one].tolist()), left))
        (at,) = on.tolist()
        while len(on := np.flatnonzero(self.codes[other])) > 1:
            kept, codes = int(self.codes[one, at]), self.codes[other]
            ways = [(at, b, kept, int(codes[b])) for b in on.tolist() if b != at]
            self._flip(*self._best_of_rows(ways, left))
        pair = int(self.codes[rows[0], at]), int(self.codes[rows[1], at])
        for name in TO_PAIR[pair]:
            self._do(name, at)
        if self.words.negative[rows[0]]:
            self._do("Z", at)
        if self.words.negative[rows[1]]:
            self._do("X", at)
        return at

    def _best_of_rows(
        self, ways: Sequence[tuple[int, int, int, int]], wires: Sequence[int]
    ) -> tuple[int, int, int, int]:
        left = [*wires, *(self.num_wires + wire for wire in wires)]
        codes = self.codes[left]
        weights = (codes > 0).sum(axis=1)
        return self._best(ways, codes, weights, np.ones(len(left)))


def _ways(codes: Sequence[int]) -> list[tuple[int, int, int, int]]:
    """Return the CNOTs that shorten a word: two wires, and a letter on each."""
    on = [wire for wire, code in enumerate(codes) if code]
    found: list[tuple[int, int, int, int]] = []
    for a in on:
        for b in on:
            if a != b:
                # What is on b is taken away by what is on a.
                found += [(a, b, p, codes[b]) for p in OTHERS[codes[a]]]
    return found
