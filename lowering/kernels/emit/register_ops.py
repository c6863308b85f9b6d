"""What the gates of a pass do to a group of blocks in registers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from qjit.lowering.kernels.schedule.gate_model import Diagonal, ElementaryGate, TwoLevel
from qjit.runtime.codegen.builder import Value

from .block_groups import Classes, Groups
from .folded_complex import ONE, Number, Real, minus

Part = tuple[int, int]  # a block of a group, and its real (0) or imaginary (1) part
Parts = dict[Part, Value]


class PairStep:
    """A pair gate on a group of blocks."""

    def __init__(self, groups: Groups, pair: TwoLevel) -> None:
        self.groups, self.pair, blocks = groups, pair, groups.blocks
        self.there = groups.span.coordinates(pair.flip >> blocks.lane_bits)
        across = pair.flip & (blocks.lanes - 1)
        self.order = [lane ^ across for lane in range(blocks.lanes)] if across else None
        self.entries = [groups.pair_entries(pair, k) for k in range(groups.size)]

    def other(self, part: Part, parts: Mapping[Part, Value]) -> Value:
        """The part that a part is paired with, its lanes as it has them."""
        value = parts[part[0] ^ self.there, part[1]]
        if self.order is None:
            return value
        return self.groups.body.shuffle(value, value, self.order)

    def _terms(self, to: Part) -> list[tuple[Real, Part, bool]]:
        """Factors and parts that add up to a part; whether it is of the other block."""
        block, part = to
        d, o = self.entries[block]
        found = [
            (d.re, (block, part), False),
            (d.im if part else minus(d.im), (block, 1 - part), False),
            (o.re, (block, part), True),
            (o.im if part else minus(o.im), (block, 1 - part), True),
        ]
        return [term for term in found if term[0] != 0.0]

    def sources(self, to: Part) -> list[Part]:
        """The parts that a part depends on."""
        return [
            (block ^ self.there if paired else block, part)
            for _, (block, part), paired in self._terms(to)
        ]

    def part(self, to: Part, parts: Mapping[Part, Value]) -> Value:
        """A part after the gate."""
        return self.groups.dot(
            [
                (factor, self.other(source, parts) if paired else parts[source])
                for factor, source, paired in self._terms(to)
            ]
        )


class PhaseFactors:
    """Phases that follow one another, on a group: a factor for each block and lane.

    What they are multiplied up from is found where it is known: before the loops over
    groups, in a table for the lower bits of a group's number, or for its upper bits.
    """

    def __init__(self, groups: Groups, phases: Sequence[Diagonal], low: int) -> None:
        self.groups, self.phases = groups, phases
        kinds: dict[str, list[Diagonal]] = {}
        for phase in phases:
            outer = 0
            for mask in phase.all_masks:
                outer |= groups.parity(mask).outer
            kind = "mixed" if outer & low and outer & ~low else "high"
            kind = "low" if outer and not outer & ~low else kind
            kinds.setdefault(kind if outer else "known", []).append(phase)
        self.kinds = kinds
        self.known = groups.by_block(groups.classes(kinds.get("known", [])))
        self.varying: list[Number] = [ONE]
        self._table: Value | None = None
        self._slots: Classes = {}
        self._high: Classes = {}

    def _varying(self) -> list[Value]:
        """The parts of slots that are not known."""
        rows = self._slots.values()
        parts = (part for row in rows for x in row for part in (x.re, x.im))
        return [part for part in parts if isinstance(part, Value)]

    def tabulate(self, number: Value, count: int) -> None:
        """Make a table of what depends on the lower bits of a group's number."""
        groups, body = self.groups, self.groups.body
        self._slots = groups.classes(self.kinds.get("low", []))
        words = self._varying()
        if words:
            kind = groups.code.angles.kind
            self._table = body.stack(kind, len(words) * count, align=64)
            place = body.at(self._table, number * len(words), kind)
            for slot, value in enumerate(words):
                body.store(body.coerce(value, kind), place, slot)

    def multiply(self) -> None:
        """Compute what depends on the upper bits only."""
        self._high = self.groups.classes(self.kinds.get("high", []))

    def complete(self, number: Value) -> None:
        """Compute all that depends on the group."""
        low: Classes = {}
        if self._table is not None:
            body, kind = self.groups.body, self.groups.code.angles.kind
            count = len(self._varying())
            place = body.at(self._table, number * count, kind)
            words = iter([body.load(kind, place, word) for word in range(count)])

            def again(part: Real) -> Real:
                return next(words) if isinstance(part, Value) else part

            for key, row in self._slots.items():
                low[key] = [Number(again(x.re), again(x.im)) for x in row]
        total: Classes = {}
        mixed = self.groups.classes(self.kinds.get("mixed", []))
        for classes in (low, self._high, mixed):
            for key, row in classes.items():
                before = total.get(key, [ONE] * len(row))
                total[key] = [x * y for x, y in zip(before, row, strict=True)]
        self.varying = self.groups.by_block(total)

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
        held = {k: parts[block, k] for k in (0, 1) if (block, k) in parts}
        for factor in self._factors(block):
            if len(held) == 1:
                held = {part: self.groups.dot([(factor.re, held[part])])}
                continue
            re, im = held[0], held[1]
            held = {
                0: self.groups.dot([(factor.re, re), (minus(factor.im), im)]),
                1: self.groups.dot([(factor.re, im), (factor.im, re)]),
            }
        return held[part]


Step = PairStep | PhaseFactors


def phase_factors_of(groups: Groups) -> list[PhaseFactors]:
    """The phases of a pass that follow one another, together."""
    low = sum(1 << bit for bit in groups.free[: len(groups.free) // 2])
    return [
        PhaseFactors(groups, phases, low)
        for run in groups.runs()
        if (phases := [gate for gate in run if isinstance(gate, Diagonal)])
    ]


def steps_of(groups: Groups, factors: Sequence[PhaseFactors]) -> list[Step]:
    """The steps of a pass, in order."""
    rest = iter(factors)

    def step(run: Sequence[ElementaryGate]) -> Step:
        return PairStep(groups, run[0]) if isinstance(run[0], TwoLevel) else next(rest)

    return [step(run) for run in groups.runs()]
