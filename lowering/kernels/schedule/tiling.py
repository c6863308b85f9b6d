"""Tiles: parts of a state that fit into a cache, on which stages of gates are done.

A tile has the amplitudes whose indices differ in the bits of a stage only; the others
are the tile's number. Code for a tile sees indices in which the bits of the stage come
first, and the tile's number stands above them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from qjit.dialects.gates import Kernel
from qjit.dialects.statevector.schedule import Entry
from qjit.runtime.settings import enabled
from qjit.runtime.target.cpu import Precision, second_level_cache

# A tile is such a part of a second-level cache, a larger one where it saves stages.
# Undoing takes tiles in pairs.
PARTS, PARTS_OF_PAIRS = (4, 2), (8, 4)
LEAST_TILE, MOST_TILE = 1 << 15, 1 << 19
CHUNK_BYTES = 1 << 8  # what tiles have of neighbouring amplitudes at least
WINDOW = 1024  # gates among which those of a stage are looked for
IDENTITY, Z = 0, 3  # letters of Pauli words


def tile_sizes(*, in_pairs: bool) -> list[int]:
    """The bytes that a tile may have, powers of two, the first the best."""
    whole, parts = second_level_cache(), PARTS_OF_PAIRS if in_pairs else PARTS
    sizes = [min(max(whole // part, LEAST_TILE), MOST_TILE) for part in parts]
    return sorted({1 << size.bit_length() - 1 for size in sizes})


@dataclass(frozen=True)
class Tiling:
    """The bits of an index, of `size` in all, that tell amplitudes of a tile apart."""

    size: int
    bits: tuple[int, ...]  # rising

    def __str__(self) -> str:
        chosen = (("-", "x")[bit in self.bits] for bit in reversed(range(self.size)))
        return f"tiles of {''.join(chosen)}"

    @cached_property
    def others(self) -> tuple[int, ...]:
        """The other bits, which make up the number of a tile."""
        return tuple(bit for bit in range(self.size) if bit not in self.bits)

    @cached_property
    def seen(self) -> dict[int, int]:
        """From the bits of an index to those that code for a tile sees."""
        return {bit: n for n, bit in enumerate((*self.bits, *self.others))}


@dataclass(frozen=True)
class Needs:
    """A gate, the bits that it flips, and those that only decide what it does."""

    entry: Entry
    acts: int
    reads: int


@dataclass(frozen=True)
class Tiles:
    """How tiles of states of `size` qubits may be."""

    size: int
    most: int  # bits of a tile
    near: int  # the bits that are in every tile, as a mask

    @classmethod
    def of(cls, size: int, precision: Precision, *, in_pairs: bool) -> list[Tiles]:
        """Return how they may be in a precision, the best first."""
        amplitude = 2 * precision.real_bytes
        sizes = tile_sizes(in_pairs=in_pairs)
        most = [min(size, (each // amplitude).bit_length() - 1) for each in sizes]
        return [cls(size, bits, CHUNK_BYTES // amplitude - 1) for bits in most]

    def fit(self, entry: Entry, wires: Sequence[int]) -> bool:
        """Whether a tile holds all that a gate flips."""
        flips = _needs(entry, wires, self.size).acts | self.near
        return flips.bit_count() <= self.most

    def stages(
        self, entries: Sequence[Entry], wires: Sequence[int]
    ) -> list[tuple[Tiling, list[Entry]]]:
        """Return what is done on tiles, stage by stage, with gates that fit.

        A stage takes gates in the order of the program, or past others that they
        commute with, as long as its bits are few enough.
        """
        left = [_needs(entry, wires, self.size) for entry in entries]
        found: list[tuple[Tiling, list[Entry]]] = []
        while left:
            bits, taken, left = self._next(left)
            chosen = [bit for bit in range(self.size) if bits >> bit & 1]
            others = [bit for bit in range(self.size) if not bits >> bit & 1]
            filled = sorted((*chosen, *others[: self.most - len(chosen)]))
            tiling = Tiling(self.size, tuple(filled))
            found.append((tiling, [each.entry for each in taken]))
        return found

    def _next(self, left: Sequence[Needs]) -> tuple[int, list[Needs], list[Needs]]:
        """The bits of the next stage, its gates, and those that are left."""
        bits, acted, read = self.near, 0, 0  # the latter of gates that were passed by
        taken: list[Needs] = []
        passed: list[Needs] = []
        for number, each in enumerate(left):
            full = acted == (1 << self.size) - 1 or number == WINDOW
            if full or (passed and not enabled("reordering")):
                passed += left[number:]
                break
            union = bits | each.acts
            free = not (each.acts & (acted | read) or each.reads & acted)
            if free and union.bit_count() <= self.most:
                bits = union
                taken.append(each)
            else:
                passed.append(each)
                acted |= each.acts
                read |= each.reads
        return bits, taken, passed


def _needs(entry: Entry, wires: Sequence[int], size: int) -> Needs:
    middle = entry.wire_offset + entry.num_controls
    end = middle + entry.num_targets

    def bits(chosen: Sequence[int]) -> int:
        return sum(1 << size - 1 - wire for wire in chosen)

    targets = wires[middle:end]
    reads = bits(wires[entry.wire_offset : middle])
    if entry.kernel == Kernel.DIAGONAL:
        return Needs(entry, 0, reads | bits(targets))
    if entry.kernel == Kernel.PAULI_ROT:
        letters = wires[end : end + entry.num_targets]
        word = list(zip(targets, letters, strict=True))
        flipped = bits([wire for wire, letter in word if letter not in (IDENTITY, Z)])
        return Needs(entry, flipped, reads | bits([w for w, k in word if k == Z]))
    return Needs(entry, bits(targets), reads)
