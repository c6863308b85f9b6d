"""The groups of blocks of a pass, and what gates are to them.

Which bits of its number a group has is known at run time only: what gates do that
depends on it is read from tables.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from qjit.lowering.kernels.schedule.gate_model import Diagonal, ElementaryGate, TwoLevel
from qjit.lowering.kernels.schedule.linear_layout import Span, parity
from qjit.lowering.kernels.schedule.planner import KernelPass
from qjit.runtime.codegen.builder import Value
from qjit.runtime.settings import enabled

from .addressing import Storage
from .folded_complex import ONE, ZERO, Number, Real
from .kernel_context import KernelContext

# Products of phases, for all that the parities of a block and of lanes may be.
Classes = dict[tuple[tuple[int, int], ...], list[Number]]
Coefficients = tuple[Real, Real, Real, Real]


@dataclass(frozen=True)
class Parity:
    """A mask as a pass sees it: its parts in a group, in lanes, and in other bits."""

    inner: int  # of the group's coordinates
    lanes: int
    outer: int  # of the number of the group's first block
    above: int  # of the tile's number
    odd: bool  # what is known already

    def at(self, block: int) -> int:
        """The parity for a block of a group, but for its lanes and other bits."""
        return parity(self.inner & block) ^ self.odd


@dataclass
class Groups:
    """The groups of a pass; gates may be taken backwards, as their adjoints."""

    code: KernelContext
    kernel_pass: KernelPass
    backwards: bool = False
    first: Value | None = None  # the number of a group's first block
    known: dict[int, Value] = field(default_factory=dict[int, Value])
    wide: dict[str, Value] = field(default_factory=dict[str, Value])
    tables: dict[int, Any] = field(default_factory=dict[int, Any])
    _coefficients: dict[tuple[int, int], Coefficients] = field(
        default_factory=dict[tuple[int, int], Coefficients]
    )

    def __post_init__(self) -> None:
        self.body, self.blocks = self.code.body, self.code.blocks
        self.span = Span(self.kernel_pass.group)
        self.vectors = self.span.vectors()
        bits = range(self.code.plan.block_bits)
        self.free = [bit for bit in bits if bit not in self.span.basis]

    @property
    def size(self) -> int:
        """How many blocks a group has."""
        return 1 << len(self.vectors)

    def runs(self) -> list[list[ElementaryGate]]:
        """The gates in order: pair gates alone, and phases that follow one another."""
        gates = self.kernel_pass.gates[:: -1 if self.backwards else 1]
        return [
            each
            for is_phase, run in groupby(gates, lambda gate: isinstance(gate, Diagonal))
            for each in ([list(run)] if is_phase else [[gate] for gate in run])
        ]

    @contextmanager
    def each(self, bits: Sequence[int]) -> Generator[tuple[Value, Value]]:
        """A loop over the numbers that have some bits only; how many were before."""
        mask = sum(1 << bit for bit in bits)
        with self.blocks.each_subset(self.body.int(mask), 1 << len(bits)) as found:
            self.first, self.known = found[1], {}
            yield found

    def addresses(self, storage: Storage, first: Value) -> list[Value]:
        """Where the blocks of a group are, given the number of the first."""
        offsets = [0]
        for vector in self.vectors:
            offsets += [offset ^ vector for offset in offsets]
        return storage.addresses(first, offsets, sum(1 << bit for bit in self.free))

    def prefetch(self, storage: Storage, first: Value) -> None:
        """Ask for the blocks of the group after the next, if they lie far apart."""
        if storage.bits is None or len(self.free) < 2 or not enabled("prefetching"):
            return
        mask = sum(1 << bit for bit in self.free)
        # Ones between the free bits carry a sum across them.
        after_next = ((first | ~mask) + (1 << self.free[1])) & mask
        for address in self.addresses(storage, after_next):
            self.body.prefetch(address)

    def parity(self, mask: int) -> Parity:
        """A mask as this pass sees it."""
        plan = self.code.plan
        odd, above = bool(mask >> plan.total & 1), self.code.above(mask)
        mask &= (1 << plan.size) - 1
        upper = mask >> self.blocks.lane_bits
        inner = sum(
            parity(upper & vector) << bit for bit, vector in enumerate(self.vectors)
        )
        leading = sum(1 << bit for bit in self.span.basis)
        lanes = mask & (self.blocks.lanes - 1)
        return Parity(inner, lanes, upper & ~leading, above, odd)

    def outer(self, seen: Parity) -> Value | None:
        """The parity of the other bits of this group, if there are any."""
        if self.first is None or not seen.outer:
            return None
        if seen.outer not in self.known:
            self.known[seen.outer] = self.body.count_ones(self.first & seen.outer) & 1
        return self.known[seen.outer]

    def unknown(self, seen: Parity) -> Value | None:
        """The parity of all bits that are known at run time only, if there are any."""
        outer, above = self.outer(seen), self.code.tile_parity(seen.above)
        if outer is None or above is None:
            return above if outer is None else outer
        return outer ^ above

    def _table_index(self, index: int, outers: Sequence[Value | None]) -> Value | None:
        """The index in a table, where some bits of an index are known now only."""
        if all(outer is None for outer in outers):
            return None
        entry = self.body.int(index)
        for bit, outer in enumerate(outers):
            if outer is not None:
                entry = entry ^ (outer << bit)
        return entry

    def tabulate(self) -> None:
        """Make tables of what gates do that depends on the group."""
        for gate in self.kernel_pass.gates:
            seen = [self.parity(mask) for mask in self.code.masks(gate)]
            if isinstance(gate, TwoLevel):
                # That of its side is part of the matrix.
                varies = any(each.outer or each.above for each in seen[1:])
                if varies or seen[0].outer:
                    self.tables[id(gate)] = self._pair_table(gate)
            elif any(each.outer for each in seen):
                self.tables[id(gate)] = self._phase_table(gate)

    # Numbers in registers.

    def spread(self, value: Real) -> Value:
        """A number in every lane."""
        if not isinstance(value, Value):
            return self.body.coerce(value, self.blocks.vector)
        if value.type == self.blocks.vector:
            return value
        if value.text not in self.wide:
            if value.type.is_vector:
                wide = self.body.convert(value, self.blocks.vector)
            else:
                wide = self.blocks.splat(value)
            self.wide[value.text] = wide
        return self.wide[value.text]

    def widened(self, x: Number) -> Number:
        """A complex number in every lane; what is known stays so."""
        parts = (x.re, x.im)
        return Number(*(p if isinstance(p, float) else self.spread(p) for p in parts))

    def by_lane(self, values: Sequence[Real]) -> Real:
        """A register of these, or one number if all are the same."""
        if all(_same(value, values[0]) for value in values):
            return values[0]
        body, blocks = self.body, self.blocks
        known = [value for value in values if isinstance(value, float)]
        if len(known) == len(values):
            return body.lanes(blocks.element, known)
        kinds: list[Real] = []
        for value in values:
            if not any(_same(value, other) for other in kinds):
                kinds.append(value)
        total = self.spread(kinds[0])
        for kind in kinds[1:]:
            lanes = [int(_same(value, kind)) for value in values]
            here = body.lanes(blocks.integer, lanes).ne(0)
            total = body.select(here, self.spread(kind), total)
        return total

    def dot(self, parts: Sequence[tuple[Real, Value]]) -> Value:
        """The sum of some products, without code for factors that are known."""
        total: Value | None = None
        for factor, value in sorted(parts, key=lambda part: not _is_one(part[0])):
            if factor == 0.0:
                continue
            if _is_one(factor):
                part = value if factor == 1.0 else -value
                total = part if total is None else total + part
                continue
            wide = self.spread(factor)
            total = wide * value if total is None else self.body.fma(wide, value, total)
        return total if total is not None else self.spread(0.0)

    # Pair gates: an amplitude x becomes d x + o y, y being the other of its pair.

    def pair_entries(self, pair: TwoLevel, block: int) -> tuple[Number, Number]:
        """d and o for a block of the group, for each lane if they differ."""
        seen = [self.parity(mask) for mask in self.code.masks(pair)]
        index = sum(each.at(block) << position for position, each in enumerate(seen))
        parts = list(self._of_lanes(pair, index, seen))
        outers = [self.outer(seen[0]), *map(self.unknown, seen[1:])]
        entry = self._table_index(index, outers)
        if entry is not None:
            kind = self._kind(seen)
            for number, table in enumerate(self.tables[id(pair)]):
                if table is not None:
                    value = self.body.load(kind, table, entry)
                    wide = kind == self.blocks.vector
                    lanes = self.blocks.lanes
                    parts[number] = value if wide else self.body.splat(value, lanes)
        return Number(parts[0], parts[1]), Number(parts[2], parts[3])

    def _kind(self, seen: Sequence[Parity]) -> Any:
        blocks, batched = self.blocks, self.code.plan.budget.batched
        wide = batched or any(each.lanes for each in seen)
        return blocks.vector if wide else blocks.element

    def _pair_table(self, pair: TwoLevel) -> list[Value | None]:
        """For each part of d and o, its values for all parities of the masks."""
        seen = [self.parity(mask) for mask in self.code.masks(pair)]
        kind = self._kind(seen)
        rows = [self._of_lanes(pair, index, seen) for index in range(1 << len(seen))]
        tables: list[Value | None] = []
        for values in zip(*rows, strict=True):
            if all(isinstance(v, float) and v == values[0] for v in values):
                tables.append(None)
                continue
            table = self.body.stack(kind, len(rows), align=64)
            for index, value in enumerate(values):
                self.body.store(self._lifted(value, kind), table, index)
            tables.append(table)
        return tables

    def _lifted(self, value: Real, kind: Any) -> Value:
        """A number as an element or a register."""
        if kind == self.blocks.vector:
            return self.spread(value)
        if not isinstance(value, Value):
            return self.body.coerce(value, kind)
        return self.body.convert(value, kind)

    def _of_lanes(
        self, pair: TwoLevel, index: int, seen: Sequence[Parity]
    ) -> Coefficients:
        """The parts of d and o for these parities, to which lanes add theirs."""
        key = id(pair), index
        if key not in self._coefficients:
            rows: list[Coefficients] = []
            for lane in range(self.blocks.lanes):
                here = index
                for position, each in enumerate(seen):
                    here ^= parity(lane & each.lanes) << position
                d, o = self._entry(pair, here)
                rows.append((d.re, d.im, o.re, o.im))
            a, b, c, d = (self.by_lane(column) for column in zip(*rows, strict=True))
            self._coefficients[key] = a, b, c, d
        return self._coefficients[key]

    def _entry(self, pair: TwoLevel, index: int) -> tuple[Number, Number]:
        """d and o of an amplitude whose masks have these parities."""
        if index >> 1:
            return ONE, ZERO
        a, b, c, d = self.code.matrix(pair, adjoint=self.backwards)
        return (d, c) if index else (a, b)

    # Phases.

    def factors(self, phase: Diagonal) -> list[Number]:
        """The factors of a phase for all parities, its first mask the highest bit."""
        return self.code.factors(phase, adjoint=self.backwards)

    def _phase_table(self, phase: Diagonal) -> Value:
        factors = self.factors(phase)
        kind = self.code.angles.kind
        table = self.body.stack(kind, 2 * len(factors))
        for number, factor in enumerate(factors):
            for part, value in enumerate((factor.re, factor.im)):
                self.body.store(self.body.coerce(value, kind), table, 2 * number + part)
        return table

    def classes(self, phases: Sequence[Diagonal]) -> Classes:
        """The products of phases by how blocks and lanes decide."""
        found: Classes = {}
        for phase in phases:
            seen = [self.parity(mask) for mask in reversed(self.code.masks(phase))]
            inner = [n for n, each in enumerate(seen) if each.inner or each.lanes]
            key = tuple((seen[n].inner, seen[n].lanes) for n in inner)
            here: list[Number] = []
            for local in range(1 << len(inner)):
                index = sum(each.odd << n for n, each in enumerate(seen))
                for position, n in enumerate(inner):
                    index ^= (local >> position & 1) << n
                here.append(self._factor(phase, index, seen))
            before = found.get(key, [ONE] * len(here))
            found[key] = [x * y for x, y in zip(before, here, strict=True)]
        return found

    def _factor(self, phase: Diagonal, index: int, seen: Sequence[Parity]) -> Number:
        entry = self._table_index(index, [self.outer(each) for each in seen])
        factors = self.factors(phase)
        if entry is None:
            return factors[index]
        kind = self.code.angles.kind
        first = self.body.at(self.tables[id(phase)], entry * 2, kind)
        parts: list[Real] = []
        for part, name in enumerate(("re", "im")):
            values: list[Real] = [getattr(factor, name) for factor in factors]
            same = all(_same(value, values[0]) for value in values)
            parts.append(values[0] if same else self.body.load(kind, first, part))
        return Number(*parts)

    def by_block(self, classes: Classes) -> list[Number]:
        """What each block is multiplied by; blocks repeat them."""
        factors = [classes.get((), [ONE])[0]]
        order = sorted(filter(None, classes), key=lambda key: max(k for k, _ in key))
        for key in order:
            top = max(inner for inner, _ in key).bit_length()
            while len(factors) < 1 << top:
                factors += factors
            factors = [
                self._times(factor, self._seen(key, classes[key], block))
                for block, factor in enumerate(factors)
            ]
        return factors

    def _seen(
        self, key: tuple[tuple[int, int], ...], choices: list[Number], block: int
    ) -> Number:
        """The factor of a class for a block: for each lane, or for all."""
        found: list[Number] = []
        for lane in range(self.blocks.lanes):
            bits = (
                parity(inner & block) ^ parity(lanes & lane) for inner, lanes in key
            )
            found.append(
                choices[sum(bit << position for position, bit in enumerate(bits))]
            )
        re, im = [factor.re for factor in found], [factor.im for factor in found]
        return Number(self.by_lane(re), self.by_lane(im))

    def _times(self, x: Number, y: Number) -> Number:
        """Their product, as registers if one is."""
        parts = (x.re, x.im, y.re, y.im)
        vector = self.blocks.vector
        if any(isinstance(part, Value) and part.type == vector for part in parts):
            x, y = self.widened(x), self.widened(y)
        return x * y


def _is_one(factor: Real) -> bool:
    return isinstance(factor, float) and factor in (1.0, -1.0)


def _same(x: Real, y: Real) -> bool:
    if isinstance(x, Value) and isinstance(y, Value):
        return x.text == y.text
    return isinstance(x, float) and isinstance(y, float) and x == y
