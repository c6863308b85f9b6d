"""Gates of Clifford circuits on any number of wires, by greedy elimination.

A circuit with the frame of X and Z of a wire is found when the two words are reduced to
one wire. Words on several wires are shortened by gates on two wires, and the wire whose
words are the shortest is next (Bravyi, Hu, Maslov and Shaydulin, arXiv:2105.02291).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from qjit.lowering.passes.circuits.gates import Gate
from qjit.lowering.passes.quantum.resynthesis.clifford_synthesis import turn

from .clifford_frame import CliffordFrame
from .gate_rotations import clifford_turns
from .pauli_words import Pauli, bits

X, Z = 1, 2  # one letter as a number: Y is both


@dataclass
class Shortening:
    """Words without signs, and the gates that shorten them.

    `letters` are those that X and Z of each wire come from, after the gates on one wire
    among those made.
    """

    words: list[tuple[int, int]]
    letters: list[tuple[int, int]]
    gates: list[Gate] = field(default_factory=list[Gate])

    def letter(self, number: int, wire: int) -> int:
        """Return the letter of a word on a wire, 0 for none."""
        x, z = self.words[number]
        return x >> wire & 1 | (z >> wire & 1) << 1

    def join(self, one: int, letter: int, other: int, second: int) -> None:
        """Apply a CNOT between letters: what anticommutes with one gains the other."""
        if self.letters[one][1] != letter and self.letters[other][1] == second:
            one, letter, other, second = other, second, one, letter
        self.turn(one, z=letter)
        self.turn(other, x=second)
        self.gates.append(Gate("CNOT", (one, other)))
        first, last = _mask(one, letter), _mask(other, second)
        for number, (x, z) in enumerate(self.words):
            by_first = ((x & first[1]) ^ (z & first[0])).bit_count() & 1
            by_last = ((x & last[1]) ^ (z & last[0])).bit_count() & 1
            if by_first:
                x, z = x ^ last[0], z ^ last[1]
            if by_last:
                x, z = x ^ first[0], z ^ first[1]
            self.words[number] = x, z

    def turn(self, wire: int, x: int | None = None, z: int | None = None) -> None:
        """Add gates on a wire, after which X or Z, or both, come from these letters."""
        turn(self.letters, wire, self.gates, x=x, z=z)


def _shortening(words: Iterable[Pauli], num_wires: int) -> Shortening:
    return Shortening([(word.x, word.z) for word in words], [(X, Z)] * num_wires)


def _mask(wire: int, letter: int) -> tuple[int, int]:
    return (letter & 1) << wire, (letter >> 1) << wire


def clifford_gates(frame: CliffordFrame) -> tuple[list[Gate], list[int]]:
    """Return the gates of a frame, and on which wire each wire's qubit ends."""
    size = len(frame.of_x)
    rows = [row for both in zip(frame.of_x, frame.of_z, strict=True) for row in both]
    work = _shortening(rows, size)
    output = [0] * size
    waiting = list(range(size))
    while waiting:
        wire = min(waiting, key=lambda each: _cost(work, each))
        waiting.remove(wire)
        output[wire] = place = _reduce(work, 2 * wire)
        x, z = (work.letter(2 * wire + k, place) for k in (0, 1))
        work.turn(place, x=x, z=z)
    found = CliffordFrame(size, clifford_turns(work.gates)[0])
    for wire, place in enumerate(output):
        name = "IZXY"[
            (found.of_x[place].phase != frame.of_x[wire].phase)
            | (found.of_z[place].phase != frame.of_z[wire].phase) << 1
        ]
        if name != "I":
            work.gates.append(Gate(name, place))
    return work.gates, output


def _cost(work: Shortening, wire: int) -> int:
    """Return how many CNOTs bring X and Z of a wire together."""
    (a, b), (c, d) = work.words[2 * wire], work.words[2 * wire + 1]
    apart = ((a & d) ^ (b & c)).bit_count()
    return 3 * (apart - 1) // 2 + (a | b | c | d).bit_count() - apart


def _reduce(work: Shortening, number: int) -> int:
    """Shorten a word and the next one, which anticommute, to one wire."""
    (a, b), (c, d) = work.words[number], work.words[number + 1]
    place, *others = bits((a & d) ^ (b & c))
    for one, other in zip(others[::2], others[1::2], strict=True):
        work.join(one, work.letter(number + 1, one), other, work.letter(number, other))
    for wire in bits((a | b | c | d) & ~(1 << place)):
        x, z = work.letter(number, wire), work.letter(number + 1, wire)
        own = 0
        if x:
            own ^= work.letter(number + 1, place)
        if z:
            own ^= work.letter(number, place)
        work.join(place, own, wire, x or z)
    return place


def diagonal_gates(
    words: Sequence[Pauli], num_wires: int
) -> tuple[list[Gate], list[int]]:
    """Return gates that make Z of words, each on its wire, and these wires.

    The words commute, and none is a product of others.
    """
    work = _shortening(words, num_wires)
    places = [0] * len(words)
    taken = 0
    waiting = list(range(len(words)))
    while waiting:
        number = min(waiting, key=lambda k: _support(work, k).bit_count())
        waiting.remove(number)
        support = _support(work, number)
        places[number] = place = next(bits(support & ~taken))
        taken |= 1 << place
        own = work.letter(number, place)
        for wire in bits(support & ~(1 << place)):
            letter = work.letter(number, wire)
            work.join(wire, letter, place, _another(own))
        work.turn(place, z=own)
    return work.gates, places


def _another(letter: int) -> int:
    """Return a letter that anticommutes with one."""
    return X if letter != X else Z


def _support(work: Shortening, number: int) -> int:
    x, z = work.words[number]
    return x | z
