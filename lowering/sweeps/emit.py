"""LLVM IR of the sweeps of a run.

A pair gate without conditions is applied as D (1 + N), where N has no diagonal; D is a
phase gate of its own. Where that loses accuracy, as where an entry of D is tiny, or
where an angle is large or no number, nothing is done: then the run is left to the
runtime, which has other ways, and errors.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from itertools import groupby
from typing import Any

from qjit.runtime.blocks import Blocks, Complex
from qjit.runtime.emit import F64, I32, I64, PTR, Body, Module, Value, array
from qjit.runtime.state import data, is_skipped

from .frame import Frame, Span, parity
from .items import Item, Pair, Phase
from .numbers import (
    ONE,
    ZERO,
    Angles,
    Matrix,
    Number,
    Real,
    factors_of,
    minus,
)
from .plan import GROUP_BITS, Plan, Sweep

Part = tuple[int, int]  # a block of a group, and its real (0) or imaginary (1) part
Parts = dict[Part, Value]
# Products of phases, for all that the parities of a block and of lanes may be.
Classes = dict[tuple[tuple[int, int], ...], list[Number]]
TINIEST = 2.0**-40  # the square of an entry of D


@dataclass(frozen=True)
class Parity:
    """A mask as a sweep sees it: its parts in a group, in lanes, and in other bits."""

    inner: int  # of the group's coordinates
    lanes: int
    outer: int  # of the number of the group's first block
    odd: bool  # what is known already

    @property
    def is_known(self) -> bool:
        """Whether it does not depend on the group."""
        return not self.outer

    def at(self, block: int) -> int:
        """The parity for a block of a group, but for its lanes and other bits."""
        return parity(self.inner & block) ^ self.odd


class Emitter:
    """Emits the function of a run."""

    def __init__(self, module: Module, body: Body, plan: Plan) -> None:
        self.module, self.body, self.plan = module, body, plan
        self.blocks = Blocks(body, plan.precision)
        state, params = body.args
        body.leave_if(is_skipped(body, state), 0)
        self.data = data(body, state)
        self.angles = Angles(body, params)
        self.matrices: dict[Pair, Matrix] = {}
        self.scales: dict[Pair, tuple[Number, Number]] = {}

    def emit(self) -> None:
        """Emit all of it; it returns whether it has done the run."""
        body, items = self.body, self.items
        self.angles.collect(factors_of(items))
        fine = self.angles.compute()
        for item in items:
            if isinstance(item, Pair):
                fine = fine & self._prepare(item)
        body.leave_if(~fine, 0)
        states = self._states()
        for sweep, source, target in zip(self.plan.sweeps, states, states[1:]):
            Emission(self, sweep, source, target).emit()
        if not self.plan.is_whole and not self.plan.frame.is_plain:
            self._move(states[-1])
        body.finish(1)

    @cached_property
    def items(self) -> list[Item]:
        """All gates."""
        return [item for sweep in self.plan.sweeps for item in sweep.items]

    def _states(self) -> list[Value]:
        """Where the state is before and after each sweep."""
        count = len(self.plan.sweeps)
        states = [self.data] * (count + 1)
        if not self.plan.is_whole and not self.plan.frame.is_plain:
            blocks = 2 << self.plan.block_bits
            states[-1] = self.body.stack(self.blocks.vector, blocks, align=64)
        return states

    def _prepare(self, pair: Pair) -> Value:
        """Make the matrix of a pair gate, as N where it has no conditions."""
        body = self.body
        matrix = self.angles.of_pair(pair)
        self.matrices[pair] = matrix
        if pair.conditions:
            return body.int(1).ne(0)
        a, b, c, d = matrix
        if a.square == 0.0:
            self.scales[pair] = (ONE, ONE)
            return body.int(1).ne(0)
        self.scales[pair] = (a, d)
        self.matrices[pair] = (ONE, b.over(a), c.over(d), ONE)
        size = a.square
        return (body.coerce(size, F64) if isinstance(size, float) else size) > TINIEST

    def _move(self, source: Value) -> None:
        """Move all amplitudes to where they belong."""
        Move(self, source).emit()


@dataclass
class Emission:
    """Emits one sweep."""

    emitter: Emitter
    sweep: Sweep
    source: Value
    target: Value
    first: Value | None = None  # the number of a group's first block
    known: dict[int, Value] = field(default_factory=dict[int, Value])
    coefficients: dict[tuple[int, int], Any] = field(default_factory=dict[Any, Any])
    wide: dict[int, Value] = field(default_factory=dict[int, Value])
    tables: dict[int, Any] = field(default_factory=dict[int, Any])
    steps: list[Mixing | Turns] = field(default_factory=list[Any])

    def __post_init__(self) -> None:
        self.body, self.blocks = self.emitter.body, self.emitter.blocks
        self.span = Span(self.sweep.group)
        self.vectors = self.span.vectors()

    def emit(self) -> None:
        """Emit all of it."""
        body, plan = self.body, self.emitter.plan
        free = [bit for bit in range(plan.block_bits) if bit not in self.span.basis]
        half = len(free) // 2
        low, high = (sum(1 << bit for bit in bits) for bits in (free[:half], free[half:]))
        turns = self._turns(low)
        if not free:
            return self._group(body.int(0), turns)
        self._tabulate()
        with self._number(low, half) as (number, first):
            for turn in turns:
                turn.tabulate(number, 1 << half)
        with self._number(high, len(free) - half) as (_, upper):
            for turn in turns:
                turn.multiply()
            with self._number(low, half) as (number, lower):
                self.first, self.known = upper | lower, {}
                for turn in turns:
                    turn.complete(number)
                self._group(upper | lower, turns)

    @contextmanager
    def _number(self, mask: int, count: int) -> Generator[tuple[Value, Value]]:
        """A loop over the numbers that have some bits only, and which one it is."""
        with self.blocks.each_subset(self.body.int(mask), 1 << count) as found:
            self.first, self.known = found[1], {}
            yield found

    def _turns(self, low: int) -> list[Turns]:
        """The phases that follow one another, together."""
        return [
            Turns(self, list(items), low)  # type: ignore[arg-type]
            for is_phase, items in groupby(self.sweep.items, _is_phase)
            if is_phase
        ]

    def _group(self, first: Value, turns: Sequence[Turns]) -> None:
        """Load, change and store a group of blocks.

        Where real and imaginary parts fall into sets that do not meet, as for gates
        that are all real, one set is done after the other: fewer registers are in use.
        """
        offsets = [self._sum(k) for k in range(1 << len(self.vectors))]
        numbers = [first ^ offset if offset else first for offset in offsets]
        rest = iter(turns)
        self.steps = []
        for is_phase, items in groupby(self.sweep.items, _is_phase):
            self.steps += (
                [next(rest)] if is_phase else [Mixing(self, item) for item in items]  # type: ignore[arg-type]
            )
        sets = self._connected(len(numbers))
        for together in sets:
            parts = {to: self._load(numbers[to[0]], to[1]) for to in together}
            for step in self.steps:
                parts = {to: step.part(to, parts) for to in together}
            if self._moves:
                parts = moved(self.blocks, parts, self.emitter.plan.frame)
            for (block, part), value in parts.items():
                place = self.blocks.place(self.target, numbers[block])
                self.body.store(value, place, part)
            if len(sets) > 1:
                self.body.barrier()

    def _load(self, number: Value, part: int) -> Value:
        place = self.blocks.place(self.source, number)
        return self.body.load(self.blocks.vector, place, part)

    @property
    def _moves(self) -> bool:
        """Whether amplitudes are moved to where they belong."""
        plan = self.emitter.plan
        last = self.sweep is plan.sweeps[-1]
        return last and plan.is_whole and not plan.frame.is_plain

    def _connected(self, count: int) -> list[list[Part]]:
        """The parts of a group in sets that only depend on one another."""
        leader = {(block, part): (block, part) for part in (0, 1) for block in range(count)}

        def find(part: Part) -> Part:
            while leader[part] != part:
                part = leader[part]
            return part

        for to in leader:
            for step in self.steps:
                for source in step.sources(to):
                    leader[find(source)] = find(to)
            if self._moves:
                leader[find((0, to[1]))] = find(to)
        found: dict[Part, list[Part]] = {}
        for part in leader:
            found.setdefault(find(part), []).append(part)
        return list(found.values())

    def _sum(self, coordinates: int) -> int:
        total = 0
        for place, vector in enumerate(self.vectors):
            if coordinates >> place & 1:
                total ^= vector
        return total

    def parity(self, mask: int) -> Parity:
        """A mask as this sweep sees it."""
        lane_bits = self.blocks.lane_bits
        size = self.emitter.plan.size
        odd = bool(mask >> size & 1)
        mask &= (1 << size) - 1
        upper = mask >> lane_bits
        inner = sum(
            parity(upper & vector) << place for place, vector in enumerate(self.vectors)
        )
        leading = sum(1 << bit for bit in self.span.basis)
        return Parity(inner, mask & (self.blocks.lanes - 1), upper & ~leading, odd)

    def outer(self, seen: Parity) -> Value | None:
        """The parity of the other bits of this group, if there are any."""
        if self.first is None or not seen.outer:
            return None
        if seen.outer not in self.known:
            bits = self.body.count_ones(self.first & seen.outer)
            self.known[seen.outer] = bits & 1
        return self.known[seen.outer]

    # Pair gates.

    def _tabulate(self) -> None:
        """Make tables of what gates do that depend on the group."""
        for item in self.sweep.items:
            masks = item.masks if isinstance(item, Pair) else item.all_masks
            if all(self.parity(mask).is_known for mask in masks):
                continue
            make = self._table if isinstance(item, Pair) else self._phase_table
            self.tables[id(item)] = make(item)  # type: ignore[arg-type]

    def _phase_table(self, phase: Phase) -> Value:
        factors = self.factors(phase)
        table = self.body.stack(F64, 2 * len(factors))
        for number, factor in enumerate(factors):
            for part, value in enumerate((factor.re, factor.im)):
                self.body.store(self.body.coerce(value, F64), table, 2 * number + part)
        return table

    def factors(self, phase: Phase) -> list[Number]:
        """The factors of a phase for all parities of its masks and conditions."""
        if phase.pair is not None:
            factors = list(self.emitter.scales[phase.pair])
            factors = factors if phase.masks else factors[:1]
        else:
            factors = self.emitter.angles.of_phase(phase)
        rest = (1 << len(phase.conditions)) - 1
        return [each for factor in factors for each in (factor, *[ONE] * rest)]

    def _table(self, pair: Pair) -> list[Value | None]:
        """For each part of d and o, its values for all parities of the masks."""
        seen = [self.parity(mask) for mask in pair.masks]
        count = 1 << len(seen)
        by_lane = any(each.lanes for each in seen)
        tables: list[Value | None] = []
        rows = [self._coefficients(pair, index, seen) for index in range(count)]
        for part in range(4):
            values = [row[part] for row in rows]
            if all(isinstance(value, float) for value in values) and len(set(values)) == 1:
                tables.append(None)
                continue
            kind = self.blocks.vector if by_lane else self.blocks.element
            table = self.body.stack(kind, count, align=64)
            for index, value in enumerate(values):
                self.body.store(self._lifted(value, kind), table, index)
            tables.append(table)
        return tables

    def _lifted(self, value: Real, kind: Any) -> Value:
        """A number as an element or a register."""
        if kind == self.blocks.vector:
            return self.spread(value)
        if isinstance(value, float):
            return self.body.coerce(value, kind)
        return self.body.convert(value, kind)

    def _coefficients(
        self, pair: Pair, index: int, seen: Sequence[Parity]
    ) -> tuple[Real, Real, Real, Real]:
        """d and o where the masks have these parities, and lanes add theirs."""
        key = id(pair), index
        if key not in self.coefficients:
            self.coefficients[key] = self._new_coefficients(pair, index, seen)
        return self.coefficients[key]

    def _new_coefficients(
        self, pair: Pair, index: int, seen: Sequence[Parity]
    ) -> tuple[Real, Real, Real, Real]:
        if not any(each.lanes for each in seen):
            d, o = self._entry(pair, index)
            return d.re, d.im, o.re, o.im
        lanes = range(self.blocks.lanes)
        rows = []
        for lane in lanes:
            here = index
            for place, each in enumerate(seen):
                here ^= parity(lane & each.lanes) << place
            rows.append(self._entry(pair, here))
        return tuple(
            self.by_lane([(getattr(row[k], part)) for row in rows])
            for k in (0, 1)
            for part in ("re", "im")
        )  # type: ignore[return-value]

    def _entry(self, pair: Pair, index: int) -> tuple[Number, Number]:
        """d and o of the amplitude whose masks have these parities."""
        if index >> 1:
            return ONE, ZERO
        a, b, c, d = self.emitter.matrices[pair]
        return (d, c) if index else (a, b)

    def by_lane(self, values: Sequence[Real]) -> Real:
        """A register of these, or one number if all are the same."""
        kinds = list(dict.fromkeys(values, None)) if _all_floats(values) else _distinct(values)
        if len(kinds) == 1:
            return values[0]
        blocks, body = self.blocks, self.body
        if _all_floats(values):
            return body.lanes(blocks.element, [float(v) for v in values])  # type: ignore[arg-type]
        total: Value | None = None
        for kind in kinds:
            one = self.spread(kind)
            if total is None:
                total = one
                continue
            here = body.lanes(
                blocks.integer, [int(_same(value, kind)) for value in values]
            )
            total = body.select(here.ne(0), one, total)
        assert total is not None
        return total

    def spread(self, value: Real) -> Value:
        """A number in every lane."""
        if isinstance(value, float):
            return self.body.coerce(value, self.blocks.vector)
        if value.type == self.blocks.vector:
            return value
        if id(value.raw) not in self.wide:
            self.wide[id(value.raw)] = self.blocks.splat(value)
        return self.wide[id(value.raw)]

    def chosen(
        self, pair: Pair, seen: Sequence[Parity], block: int
    ) -> tuple[Number, Number]:
        """d and o for a block."""
        index = sum(each.at(block) << place for place, each in enumerate(seen))
        outers = [self.outer(each) for each in seen]
        if all(outer is None for outer in outers):
            d_re, d_im, o_re, o_im = self._coefficients(pair, index, seen)
            return Number(d_re, d_im), Number(o_re, o_im)
        place = self.body.int(index)
        for bit, outer in enumerate(outers):
            if outer is not None:
                place = place ^ (outer << bit)
        by_lane = any(each.lanes for each in seen)
        kind = self.blocks.vector if by_lane else self.blocks.element
        default = self._coefficients(pair, index, seen)
        parts = [
            value if table is None else self._read(kind, table, place)
            for table, value in zip(self.tables[id(pair)], default, strict=True)
        ]
        return Number(parts[0], parts[1]), Number(parts[2], parts[3])

    def _read(self, kind: Any, table: Value, place: Value) -> Value:
        value = self.body.load(kind, table, place)
        if kind == self.blocks.vector:
            return value
        return self.body.splat(value, self.blocks.lanes)

    def dot(self, parts: Sequence[tuple[Real, Value]]) -> Value:
        """The sum of some products, without code for factors that are known."""
        total: Value | None = None
        for factor, value in sorted(parts, key=lambda part: not _is_one(part[0])):
            if isinstance(factor, float) and factor == 0.0:
                continue
            if isinstance(factor, float) and factor in (1.0, -1.0):
                part = value if factor > 0 else -value
                total = part if total is None else total + part
                continue
            wide = self.spread(factor)
            total = wide * value if total is None else self.body.fma(wide, value, total)
        return total if total is not None else self.spread(0.0)

    def classes(self, phases: Sequence[Phase]) -> Classes:
        """The products of phases by how blocks and lanes decide."""
        found: Classes = {}
        for phase in phases:
            seen = [self.parity(mask) for mask in phase.all_masks]
            inner = [n for n, each in enumerate(seen) if each.inner or each.lanes]
            key = tuple((seen[n].inner, seen[n].lanes) for n in inner)
            outers = [self.outer(each) for each in seen]
            here: list[Number] = []
            for local in range(1 << len(inner)):
                index = 0
                for n, each in enumerate(seen):
                    bit = local >> inner.index(n) & 1 if n in inner else 0
                    index |= (bit ^ each.odd) << (len(seen) - 1 - n)
                here.append(self._pick(phase, index, outers))
            before = found.get(key, [ONE] * len(here))
            found[key] = [x * y for x, y in zip(before, here, strict=True)]
        return found

    def _pick(
        self, phase: Phase, index: int, outers: Sequence[Value | None]
    ) -> Number:
        """A factor, where some bits of the index are known at run time only."""
        if all(outer is None for outer in outers):
            return self.factors(phase)[index]
        place = self.body.int(index)
        for n, outer in enumerate(reversed(outers)):
            if outer is not None:
                place = place ^ (outer << n)
        first = self.body.at(self.tables[id(phase)], place * 2, F64)
        return Number(*(self.body.load(F64, first, part) for part in (0, 1)))

    def factors_by_block(self, classes: Classes) -> list[Number]:
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
        local = sum(parity(inner & block) << n for n, (inner, _) in enumerate(key))
        if not any(lanes for _, lanes in key):
            return choices[local]
        found: list[Number] = []
        for lane in range(self.blocks.lanes):
            here = local
            for n, (_, lanes) in enumerate(key):
                here ^= parity(lanes & lane) << n
            found.append(choices[here])
        re, im = [f.re for f in found], [f.im for f in found]
        return Number(self.by_lane(re), self.by_lane(im))

    def _times(self, x: Number, y: Number) -> Number:
        """Their product, as registers if one is."""
        parts = (x.re, x.im, y.re, y.im)
        vector = self.blocks.vector
        if any(isinstance(part, Value) and part.type == vector for part in parts):
            x, y = self._widened(x), self._widened(y)
        return x * y

    def _widened(self, x: Number) -> Number:
        parts = (x.re, x.im)
        return Number(*(p if isinstance(p, float) else self.spread(p) for p in parts))


class Mixing:
    """A pair gate on a group of blocks."""

    def __init__(self, emission: Emission, pair: Pair) -> None:
        self.emission, blocks = emission, emission.blocks
        self.there = emission.span.coordinates(pair.flip >> blocks.lane_bits)
        self.across = pair.flip & (blocks.lanes - 1)
        seen = [emission.parity(mask) for mask in pair.masks]
        count = 1 << len(emission.vectors)
        self.entries = [emission.chosen(pair, seen, block) for block in range(count)]

    def _terms(self, to: Part) -> list[tuple[Real, Part, bool]]:
        """Factors and parts that add up to a part; whether it is of the other block."""
        block, part = to
        d, o = self.entries[block]
        found = [
            (d.re, (block, part), False),
            (d.im if part else minus(d.im), (block, 1 - part), False),
            (o.re, (block ^ self.there, part), True),
            (o.im if part else minus(o.im), (block ^ self.there, 1 - part), True),
        ]
        return [term for term in found if term[0] != 0.0]

    def sources(self, to: Part) -> list[Part]:
        """The parts that a part depends on."""
        return [source for _, source, _ in self._terms(to)]

    def part(self, to: Part, parts: Mapping[Part, Value]) -> Value:
        """A part after the gate."""
        blocks = self.emission.blocks
        order = [lane ^ self.across for lane in range(blocks.lanes)]
        products: list[tuple[Real, Value]] = []
        for factor, source, other in self._terms(to):
            value = parts[source]
            if other and self.across:
                value = blocks.body.shuffle(value, value, order)
            products.append((factor, value))
        return self.emission.dot(products)


def _is_phase(item: Item) -> bool:
    return isinstance(item, Phase)


def _flat(classes: Classes) -> list[Real]:
    return [part for row in classes.values() for x in row for part in (x.re, x.im)]


def _is_one(factor: Real) -> bool:
    return isinstance(factor, float) and factor in (1.0, -1.0)


class Turns:
    """Phase gates on a group of blocks: a factor for each block, and each lane."""

    def __init__(self, emission: Emission, phases: Sequence[Phase], low: int) -> None:
        self.emission = emission
        kinds: dict[str, list[Phase]] = {}
        for phase in phases:
            outer = 0
            for mask in phase.all_masks:
                outer |= emission.parity(mask).outer
            kind = "mixed" if outer & low and outer & ~low else "high"
            kind = "low" if outer and not outer & ~low else kind
            kinds.setdefault(kind if outer else "known", []).append(phase)
        self.kinds = kinds
        self.known = emission.factors_by_block(emission.classes(kinds.get("known", [])))
        self.table: Value | None = None
        self.slots: Classes = {}
        self.high: Classes = {}
        self.varying: list[Number] = [ONE]

    def tabulate(self, number: Value, count: int) -> None:
        """Make a table of what depends on the low bits of a group's number."""
        body = self.emission.body
        self.slots = self.emission.classes(self.kinds.get("low", []))
        size = 2 * sum(map(len, self.slots.values()))
        if size:
            self.table = body.stack(F64, size * count, align=64)
            place = body.at(self.table, number * size, F64)
            for slot, value in enumerate(_flat(self.slots)):
                body.store(body.coerce(value, F64), place, slot)

    def multiply(self) -> None:
        """Compute what depends on the high bits only."""
        self.high = self.emission.classes(self.kinds.get("high", []))

    def complete(self, number: Value) -> None:
        """Compute all that depends on the group."""
        body = self.emission.body
        low: Classes = {}
        if self.table is not None:
            size = 2 * sum(map(len, self.slots.values()))
            place = body.at(self.table, number * size, F64)
            slots = iter(range(size))
            for key, values in self.slots.items():
                low[key] = [
                    Number(*(body.load(F64, place, next(slots)) for _ in range(2)))
                    for _ in values
                ]
        mixed = self.emission.classes(self.kinds.get("mixed", []))
        total: Classes = {}
        for classes in (low, self.high, mixed):
            for key, values in classes.items():
                before = total.get(key, [ONE] * len(values))
                total[key] = [x * y for x, y in zip(before, values, strict=True)]
        self.varying = self.emission.factors_by_block(total)

    def _factors(self, block: int) -> list[Number]:
        """What a block is multiplied by, one after another."""
        rows = (self.known, self.varying)
        found = [factors[block & (len(factors) - 1)] for factors in rows]
        return [factor for factor in found if factor != ONE]

    def sources(self, to: Part) -> list[Part]:
        """The parts that a part depends on."""
        block, part = to
        real = all(factor.im == 0.0 for factor in self._factors(block))
        return [to] if real else [to, (block, 1 - part)]

    def part(self, to: Part, parts: Mapping[Part, Value]) -> Value:
        """A part after the gates."""
        block, part = to
        x = Number(*(parts.get((block, k), 0.0) for k in (0, 1)))
        for factor in self._factors(block):
            x = self._scaled(factor, x)
        value = x.im if part else x.re
        assert isinstance(value, Value)
        return value

    def _scaled(self, d: Number, x: Number) -> Number:
        dot = self.emission.dot
        if isinstance(x.re, Value) and isinstance(x.im, Value):
            re = dot([(d.re, x.re), (minus(d.im), x.im)])
            return Number(re, dot([(d.re, x.im), (d.im, x.re)]))
        return Number(*(dot([(d.re, p)]) if isinstance(p, Value) else p for p in (x.re, x.im)))


def _is_one(factor: Real) -> bool:
    return isinstance(factor, float) and factor in (1.0, -1.0)


class Turns:
    """Phase gates on a group of blocks: a factor for each block, and each lane."""

    def __init__(self, emission: Emission, phases: Sequence[Phase], low: int) -> None:
        self.emission = emission
        kinds: dict[str, list[Phase]] = {}
        for phase in phases:
            outer = 0
            for mask in phase.all_masks:
                outer |= emission.parity(mask).outer
            kind = "mixed" if outer & low and outer & ~low else "high"
            kind = "low" if outer and not outer & ~low else kind
            kinds.setdefault(kind if outer else "known", []).append(phase)
        self.kinds = kinds
        self.known = emission.factors_by_block(emission.classes(kinds.get("known", [])))
        self.table: Value | None = None
        self.slots: Classes = {}
        self.high: Classes = {}
        self.varying: list[Number] = [ONE]

    def tabulate(self, number: Value, count: int) -> None:
        """Make a table of what depends on the low bits of a group's number."""
        body = self.emission.body
        self.slots = self.emission.classes(self.kinds.get("low", []))
        size = 2 * sum(map(len, self.slots.values()))
        if size:
            self.table = body.stack(F64, size * count, align=64)
            place = body.at(self.table, number * size, F64)
            for slot, value in enumerate(_flat(self.slots)):
                body.store(body.coerce(value, F64), place, slot)

    def multiply(self) -> None:
        """Compute what depends on the high bits only."""
        self.high = self.emission.classes(self.kinds.get("high", []))

    def complete(self, number: Value) -> None:
        """Compute all that depends on the group."""
        body = self.emission.body
        low: Classes = {}
        if self.table is not None:
            size = 2 * sum(map(len, self.slots.values()))
            place = body.at(self.table, number * size, F64)
            slots = iter(range(size))
            for key, values in self.slots.items():
                low[key] = [
                    Number(*(body.load(F64, place, next(slots)) for _ in range(2)))
                    for _ in values
                ]
        mixed = self.emission.classes(self.kinds.get("mixed", []))
        total: Classes = {}
        for classes in (low, self.high, mixed):
            for key, values in classes.items():
                before = total.get(key, [ONE] * len(values))
                total[key] = [x * y for x, y in zip(before, values, strict=True)]
        self.varying = self.emission.factors_by_block(total)

    def _factors(self, block: int) -> list[Number]:
        """What a block is multiplied by, one after another."""
        rows = (self.known, self.varying)
        found = [factors[block & (len(factors) - 1)] for factors in rows]
        return [factor for factor in found if factor != ONE]

    def sources(self, to: Part) -> list[Part]:
        """The parts that a part depends on."""
        block, part = to
        real = all(factor.im == 0.0 for factor in self._factors(block))
        return [to] if real else [to, (block, 1 - part)]

    def part(self, to: Part, parts: Mapping[Part, Value]) -> Value:
        """A part after the gates."""
        block, part = to
        x = Number(*(parts.get((block, k), 0.0) for k in (0, 1)))
        for factor in self._factors(block):
            x = self._scaled(factor, x)
        value = x.im if part else x.re
        assert isinstance(value, Value)
        return value

    def _scaled(self, d: Number, x: Number) -> Number:
        dot = self.emission.dot
        if isinstance(x.re, Value) and isinstance(x.im, Value):
            re = dot([(d.re, x.re), (minus(d.im), x.im)])
            return Number(re, dot([(d.re, x.im), (d.im, x.re)]))
        return Number(*(dot([(d.re, p)]) if isinstance(p, Value) else p for p in (x.re, x.im)))


class Product:
    """The product of phases, by how blocks and lanes decide."""

    def __init__(self, emission: Emission) -> None:
        self.emission = emission
        self.classes: dict[tuple[tuple[int, int], ...], list[Number]] = {}

    def include(self, phase: Phase, seen: Sequence[Parity]) -> None:
        """Multiply by a phase."""
        inner = [n for n, each in enumerate(seen) if each.inner or each.lanes]
        key = tuple((seen[n].inner, seen[n].lanes) for n in inner)
        here: list[Number] = []
        outers = [self.emission.outer(each) for each in seen]
        for local in range(1 << len(inner)):
            index = 0
            for n, each in enumerate(seen):
                bit = int(each.odd)
                if n in inner:
                    bit ^= local >> inner.index(n) & 1
                index |= bit << (len(seen) - 1 - n)
            here.append(self._pick(phase, index, outers))
        before = self.classes.get(key, [ONE] * len(here))
        self.classes[key] = [x * y for x, y in zip(before, here, strict=True)]

    def _pick(
        self, phase: Phase, index: int, outers: Sequence[Value | None]
    ) -> Number:
        """A factor, where some bits of the index are known at run time only."""
        emission = self.emission
        if all(outer is None for outer in outers):
            return emission.factors(phase)[index]
        place = emission.body.int(index)
        for n, outer in enumerate(reversed(outers)):
            if outer is not None:
                place = place ^ (outer << n)
        first = emission.body.at(emission.tables[id(phase)], place * 2, F64)
        return Number(*(emission.body.load(F64, first, part) for part in (0, 1)))

    def factors(self) -> list[Number]:
        """A factor for each block; blocks repeat them."""
        factors = [self.classes.pop((), [ONE])[0]]
        order = sorted(self.classes, key=lambda key: max(inner for inner, _ in key))
        for key in order:
            top = max(inner for inner, _ in key).bit_length()
            while len(factors) < 1 << top:
                factors += factors
            factors = [
                self._times(factor, self._seen(key, block))
                for block, factor in enumerate(factors)
            ]
        return factors

    def _seen(self, key: tuple[tuple[int, int], ...], block: int) -> Number:
        """The factor of a class for a block: for each lane, or for all."""
        choices = self.classes[key]
        local = sum(parity(inner & block) << n for n, (inner, _) in enumerate(key))
        if not any(lanes for _, lanes in key):
            return choices[local]
        found: list[Number] = []
        for lane in range(self.emission.blocks.lanes):
            here = local
            for n, (_, lanes) in enumerate(key):
                here ^= parity(lanes & lane) << n
            found.append(choices[here])
        by_lane = self.emission.by_lane
        return Number(by_lane([f.re for f in found]), by_lane([f.im for f in found]))

    def _times(self, x: Number, y: Number) -> Number:
        """Their product, as registers if one is."""
        vector = self.emission.blocks.vector
        parts = (x.re, x.im, y.re, y.im)
        if any(isinstance(part, Value) and part.type == vector for part in parts):
            lift = self.emission.spread
            x, y = (
                Number(*(p if isinstance(p, float) else lift(p) for p in (n.re, n.im)))
                for n in (x, y)
            )
        return x * y


def _same(x: Real, y: Real) -> bool:
    if isinstance(x, Value) and isinstance(y, Value):
        return x.raw is y.raw
    return isinstance(x, float) and isinstance(y, float) and x == y


def _all_floats(values: Sequence[Real]) -> bool:
    return all(isinstance(value, float) for value in values)


def _distinct(values: Sequence[Real]) -> list[Real]:
    found: list[Real] = []
    for value in values:
        if not any(_same(value, other) for other in found):
            found.append(value)
    return found


def moved(blocks: Blocks, parts: Parts, frame: Frame) -> Parts:
    """Parts of the blocks of a whole state, with every amplitude where it belongs."""
    lanes = blocks.lanes
    found: Parts = {}
    for block, part in parts:
        indices = [block * lanes + lane for lane in range(lanes)]
        # Lanes that a small state does not have stay where they are.
        places = [frame.place(index) | index & -frame.one for index in indices]
        there = [divmod(place, lanes) for place in places]
        held = {other: parts[other, part] for other in dict(there)}
        found[block, part] = _gathered(blocks, held, there)
    return found


def _gathered(
    blocks: Blocks, held: Mapping[int, Value], places: Sequence[tuple[int, int]]
) -> Value:
    """Lanes from some blocks, as few shuffles as there are blocks."""
    body, lanes = blocks.body, blocks.lanes
    sources = list(dict.fromkeys(block for block, _ in places))
    order = [lane if block == sources[0] else 0 for block, lane in places]
    total = held[sources[0]]
    if order != list(range(lanes)) or len(sources) > 1:
        total = body.shuffle(total, total, order)
    for source in sources[1:]:
        picks = [
            lanes + there if block == source else lane
            for lane, (block, there) in enumerate(places)
        ]
        total = body.shuffle(total, held[source], picks)
    return total


@dataclass
class Move:
    """Moves the amplitudes of a state that is no group, from one place to another.

    Blocks are written in groups so that lanes come from the same lanes in every group.
    """

    emitter: Emitter
    source: Value

    def emit(self) -> None:
        """Emit the loop over the groups of blocks that are written."""
        body, plan = self.emitter.body, self.emitter.plan
        group, others = self._split()
        targets = _sums(others, 0)
        start = plan.frame.place(0)
        sources = [start ^ self._from(target) for target in targets]
        tables = [self._table("to", targets), self._table("from", sources)]
        with body.loop(len(targets)) as index:
            first, place = (
                body.convert(body.load(I32, table, index), I64) for table in tables
            )
            self._group(first, place >> self.emitter.blocks.lane_bits, group)

    def _from(self, block: int) -> int:
        """What a block's number adds to the place of its first amplitude."""
        frame = self.emitter.plan.frame
        return frame.place(block << self.emitter.blocks.lane_bits) ^ frame.place(0)

    def _split(self) -> tuple[list[int], list[int]]:
        """A basis of block numbers: of a group, and of others, which keep the lanes."""
        lanes = self.emitter.blocks.lanes - 1
        changing: dict[int, int] = {}  # by the lanes that they add
        keeping: list[int] = []
        for bit in range(self.emitter.plan.block_bits):
            number = 1 << bit
            across = self._from(number) & lanes
            for leading in sorted(changing, reverse=True):
                other = self._from(changing[leading]) & lanes
                if across >> leading & 1:
                    number, across = number ^ changing[leading], across ^ other
            if across:
                changing[across.bit_length() - 1] = number
            else:
                keeping.append(number)
        group = list(changing.values())
        more = max(0, GROUP_BITS - len(group))
        return [*group, *keeping[:more]], keeping[more:]

    def _table(self, name: str, numbers: Sequence[int]) -> Value:
        kind = array(I32, len(numbers))
        variable = self.emitter.module.variable(name, kind, numbers)
        return Value(self.emitter.body, variable)

    def _group(self, first: Value, place: Value, group: Sequence[int]) -> None:
        blocks, frame = self.emitter.blocks, self.emitter.plan.frame
        start = frame.place(0)
        held: dict[int, Complex] = {}
        for target in _sums(group, 0):
            base = self._from(target)
            places: list[tuple[int, int]] = []
            for lane in range(blocks.lanes):
                added = base ^ frame.place(lane) ^ start
                block = added >> blocks.lane_bits
                within = (added ^ start) & (blocks.lanes - 1)
                places.append((block, within))
                if block not in held:
                    number = place ^ block if block else place
                    held[block] = blocks.load(self.source, number)
            re, im = (
                _gathered(blocks, {k: (x.re, x.im)[part] for k, x in held.items()}, places)
                for part in (0, 1)
            )
            number = first ^ target if target else first
            blocks.store(Complex(re, im), self.emitter.data, number)


def _sums(numbers: Sequence[int], start: int) -> list[int]:
    """All sums, modulo 2."""
    found = [start]
    for number in numbers:
        found += [one ^ number for one in found]
    return found


def sweeps_ir(plan: Plan, name: str) -> str:
    """LLVM IR of a run: whether it was done, from the state and the parameters."""
    module = Module(name)
    body = module.function(name, I64, PTR, PTR)
    Emitter(module, body, plan).emit()
    return module.text()
