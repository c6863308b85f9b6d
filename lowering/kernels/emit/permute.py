"""Moving amplitudes between their indices and their basis states."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from qjit.lowering.kernels.schedule.planner import GROUP_BITS
from qjit.runtime.codegen.builder import I32, I64, Value, array
from qjit.runtime.codegen.simd_blocks import Blocks, Complex

from .addressing import Storage
from .kernel_context import KernelContext
from .register_ops import Parts

Map = Callable[[int], int]  # from where the amplitude of an index comes


def moved(blocks: Blocks, parts: Parts, size: int, origin: Map) -> Parts:
    """Parts of the blocks of a whole state, each amplitude from its origin."""
    lanes, found = blocks.lanes, Parts()
    for block, part in parts:
        there: list[tuple[int, int]] = []
        for lane in range(lanes):
            index = block * lanes + lane
            # Lanes that a small state does not have stay where they are.
            there.append(divmod(index if index >> size else origin(index), lanes))
        held = {other: parts[other, part] for other in dict(there)}
        found[block, part] = _gathered(blocks, held, there)
    return found


def _gathered(
    blocks: Blocks, held: Mapping[int, Value], origins: Sequence[tuple[int, int]]
) -> Value:
    """Lanes from some blocks, in as few shuffles as there are blocks."""
    body, lanes = blocks.body, blocks.lanes
    sources = list(dict.fromkeys(block for block, _ in origins))
    order = [lane if block == sources[0] else 0 for block, lane in origins]
    total = held[sources[0]]
    if order != list(range(lanes)) or len(sources) > 1:
        total = body.shuffle(total, total, order)
    for source in sources[1:]:
        picks = [
            lanes + there if block == source else lane
            for lane, (block, there) in enumerate(origins)
        ]
        total = body.shuffle(total, held[source], picks)
    return total


@dataclass
class Move:
    """Moves the amplitudes of a state that is no group into another.

    Blocks are written in groups so that lanes come from the same lanes in every group.
    """

    code: KernelContext
    source: Storage
    target: Storage
    origin: Map

    def emit(self) -> None:
        """Emit the loop over the groups of blocks that are written."""
        body, lanes = self.code.body, self.code.blocks.lane_bits
        group, others = self._split()
        targets = _sums(others)
        start = self._origin(0)
        sources = [(start ^ self._added(target)) >> lanes for target in targets]
        tables = [
            self._table([storage.number(number) for number in numbers])
            for storage, numbers in ((self.target, targets), (self.source, sources))
        ]
        added, across = self._by_tile()
        with body.loop(len(targets)) as index:
            first, source = (
                body.convert(body.load(I32, table, index), I64) for table in tables
            )
            source = source if added is None else source ^ added
            self._group(first, source, across, group)

    def _origin(self, index: int) -> int:
        """From where an amplitude comes in the first tile."""
        return self.origin(index) & ((1 << self.code.plan.size) - 1)

    def _by_tile(self) -> tuple[Value | None, Value | None]:
        """What the tile's number adds to the numbers of source blocks and to lanes."""
        plan, tile, blocks = self.code.plan, self.code.tile, self.code.blocks
        added: list[Value | None] = [None, None]
        for bit in range(plan.total - plan.size):
            number = self._origin(1 << (plan.size + bit)) ^ self._origin(0)
            block = self.source.number(number >> blocks.lane_bits)
            for which, part in enumerate((block, number & (blocks.lanes - 1))):
                if part:
                    assert tile is not None
                    here, before = -(tile >> bit & 1) & part, added[which]
                    added[which] = here if before is None else before ^ here
        return added[0], added[1]

    def _added(self, block: int) -> int:
        """What a block's number adds to the origin of its first amplitude."""
        return self._origin(block << self.code.blocks.lane_bits) ^ self._origin(0)

    def _split(self) -> tuple[list[int], list[int]]:
        """A basis of block numbers: of a group, and of others, which keep the lanes."""
        lanes = self.code.blocks.lanes - 1
        changing: dict[int, int] = {}  # by the highest lane bit that they add
        keeping: list[int] = []
        for bit in range(self.code.plan.block_bits):
            number = 1 << bit
            across = self._added(number) & lanes
            for leading in sorted(changing, reverse=True):
                if across >> leading & 1:
                    number ^= changing[leading]
                    across = self._added(number) & lanes
            if across:
                changing[across.bit_length() - 1] = number
            else:
                keeping.append(number)
        more = max(0, GROUP_BITS - len(changing))
        return [*changing.values(), *keeping[:more]], keeping[more:]

    def _table(self, numbers: Sequence[int]) -> Value:
        table = self.code.module.table(array(I32, len(numbers)), numbers)
        return self.code.body.address(table)

    def _group(
        self, first: Value, source: Value, across: Value | None, group: Sequence[int]
    ) -> None:
        blocks, start = self.code.blocks, self._origin(0)
        held: dict[int, Complex] = {}
        for target in _sums(group):
            base = self._added(target)
            origins: list[tuple[int, int]] = []
            for lane in range(blocks.lanes):
                added = base ^ self._origin(lane) ^ start
                block = added >> blocks.lane_bits
                origins.append((block, (added ^ start) & (blocks.lanes - 1)))
                if block not in held:
                    number = self.source.number(block)
                    number = source ^ number if number else source
                    value = blocks.load(self.source.first, number)
                    if across is not None:
                        value = blocks.exchange_dynamic(value, across)
                    held[block] = value
            number = self.target.number(target)
            to = blocks.address(self.target.first, first ^ number if number else first)
            for part in (0, 1):
                parts = {n: (value.re, value.im)[part] for n, value in held.items()}
                blocks.body.store(_gathered(blocks, parts, origins), to, part)


def _sums(numbers: Sequence[int]) -> list[int]:
    """All sums, modulo 2."""
    found = [0]
    for number in numbers:
        found += [one ^ number for one in found]
    return found
