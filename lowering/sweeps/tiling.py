"""Tiles: parts of a state that fit into a cache, on which stages of gates are done.

A tile has the amplitudes whose places differ in the bits of a stage only; the others
are the tile's number. Code for a tile sees places in which the bits of the stage come
first, and the tile's number stands above them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property

from qjit.dialects.gates import Kernel
from qjit.dialects.schedule import KERNELS
from qjit.dialects.statevector import Entry
from qjit.runtime.switches import enabled
from qjit.runtime.target import Precision, second_level_cache

PARTS = 8  # of a second-level cache, of which a tile is one
LEAST_TILE, MOST_TILE = 1 << 15, 1 << 18
CHUNK_BYTES = 1 << 8  # what tiles have of neighbouring amplitudes at least
WINDOW = 1024  # gates among which those of a stage are looked for
IDENTITY, Z = 0, 3  # letters of Pauli words


@cache
def tile_bytes() -> int:
    """The size of a tile, a power of two."""
    part = second_level_cache() // PARTS
    return 1 << min(max(part, LEAST_TILE), MOST_TILE).bit_length() - 1


@dataclass(frozen=True)
class Tiling:
    """The bits of a place, of `size` in all, that tell amplitudes of a tile apart."""

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
        """From the bits of a place to those that code for a tile sees."""
        return {bit: n for n, bit in enumerate((*self.bits, *self.others))}


@dataclass(frozen=True)
class Needs:
    """A gate, the bits that it flips, and those that only decide what it does."""

    entry: Entry
    acts: int
    reads: int


def stages_of(
    entries: Sequence[Entry], wires: Sequence[int], size: int, precision: Precision
) -> list[tuple[Tiling, list[Entry]]]:
    """Return what is done on tiles, stage by stage, or nothing if a gate does not fit.

    A stage takes gates in the order of the program, or past others that they commute
    with, as long as its bits are few enough.
    """
    amplitude = 2 * precision.real_bytes
    most = min(size, (tile_bytes() // amplitude).bit_length() - 1)
    near = CHUNK_BYTES // amplitude - 1
    left = [_needs(entry, wires, size) for entry in entries]
    found: list[tuple[Tiling, list[Entry]]] = []
    while left:
        bits, taken, left = _next(left, near, most, (1 << size) - 1)
        if not taken:
            return []
        chosen = [bit for bit in range(size) if bits >> bit & 1]
        others = [bit for bit in range(size) if not bits >> bit & 1]
        filled = sorted((*chosen, *others[: most - len(chosen)]))
        found.append((Tiling(size, tuple(filled)), [each.entry for each in taken]))
    return found


def _next(
    left: Sequence[Needs], near: int, most: int, every: int
) -> tuple[int, list[Needs], list[Needs]]:
    """The bits of the next stage, its gates, and those that are left."""
    bits, acted, read = near, 0, 0  # the latter of gates that were passed by
    taken: list[Needs] = []
    passed: list[Needs] = []
    for number, each in enumerate(left):
        full = acted == every or number == WINDOW
        if full or (passed and not enabled("reordering")):
            passed += left[number:]
            break
        union = bits | each.acts
        free = not (each.acts & (acted | read) or each.reads & acted)
        if free and union.bit_count() <= most:
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
    if entry.kernel == KERNELS[Kernel.DIAGONAL]:
        return Needs(entry, 0, reads | bits(targets))
    if entry.kernel == KERNELS[Kernel.PAULI_ROT]:
        letters = wires[end : end + entry.num_targets]
        word = list(zip(targets, letters, strict=True))
        flipped = bits([wire for wire, letter in word if letter not in (IDENTITY, Z)])
        return Needs(entry, flipped, reads | bits([w for w, k in word if k == Z]))
    return Needs(entry, bits(targets), reads)
