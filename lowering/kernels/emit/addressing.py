"""Where the blocks of a state are, or those of a tile of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from qjit.lowering.kernels.schedule.tiling import Tiling
from qjit.runtime.codegen.builder import I8, Value
from qjit.runtime.codegen.simd_blocks import Blocks


@dataclass(frozen=True)
class Storage:
    """Blocks one after another, or spread as those of a tile are in a state."""

    blocks: Blocks
    first: Value  # block
    bits: tuple[int, ...] | None = None  # of spread numbers

    def number(self, number: int) -> int:
        """Where a block is among all of the state."""
        if self.bits is None:
            return number
        return sum(
            (number >> position & 1) << bit for position, bit in enumerate(self.bits)
        )

    def addresses(self, first: Value, offsets: Sequence[int], free: int) -> list[Value]:
        """Where the blocks are whose numbers are sums, modulo 2, of one and others.

        The first may have the bits `free` only.
        """
        body, shift = self.blocks.body, self.blocks.precision.block_shift
        there = first if self.bits is None else spread(first, self.bits)
        start = self.blocks.address(self.first, there)
        found: list[Value] = []
        for offset in offsets:
            number = self.number(offset)
            if offset & free:
                found.append(self.blocks.address(self.first, there ^ number))
            else:
                found.append(body.at(start, number << shift, I8) if number else start)
        return found


def spread(number: Value, bits: Sequence[int]) -> Value:
    """A number whose bits are brought to other positions, which rise as they do."""
    masks: dict[int, int] = {}
    for position, bit in enumerate(bits):
        masks[bit - position] = masks.get(bit - position, 0) | 1 << position
    total: Value | None = None
    for by, mask in masks.items():
        part = (number & mask) << by if by else number & mask
        total = part if total is None else total | part
    return total if total is not None else number.body.int(0)


def tile_of(blocks: Blocks, state: Value, tiling: Tiling, tile: Value) -> Storage:
    """The storage of the tile of a number."""
    lanes = blocks.lane_bits
    first = spread(tile, [bit - lanes for bit in tiling.others])
    bits = tuple(bit - lanes for bit in tiling.bits[lanes:])
    return Storage(blocks, blocks.address(state, first), bits)
