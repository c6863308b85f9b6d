"""Passes over the state: which gates are applied while amplitudes are in registers.

A pass takes blocks of amplitudes in groups, whose block numbers differ by sums of a
few; so it may have any pair gate whose flip is such a sum, and all phase gates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby

from qjit.dialects.statevector.schedule import DYNAMIC, Entry
from qjit.runtime.settings import enabled
from qjit.runtime.target.cpu import Precision, vector_registers

from .diagonals import put_off, scaled
from .gate_model import (
    Diagonal,
    ElementaryGate,
    IneligibleError,
    Reader,
    TwoLevel,
    commute,
)
from .linear_layout import LinearLayout, Span
from .tiling import Tiles, Tiling

GROUP_BITS = 3  # of the blocks that are in registers at once
WHOLE_BITS = 4  # of a state that is one group
MANY_REGISTERS = 32
MOST_SCALES = {8: 24, 4: 5}  # diagonals left for later, by the bytes of a real


@dataclass(frozen=True)
class RegisterBudget:
    """How many bits the numbers of blocks have that are in registers at once."""

    precision: Precision
    group: int = GROUP_BITS
    whole: int = WHOLE_BITS  # of a state that is one group
    # Whether the lanes of a block are the entries of a batch, and not amplitudes of one
    # state: they are as if they were qubits behind the others, which have no gates.
    batched: bool = False

    @classmethod
    def of(
        cls, precision: Precision, *, recorded: bool, batched: bool = False
    ) -> RegisterBudget:
        """The budget of a run; one that is recorded is undone on two states at once."""
        if recorded and vector_registers() < MANY_REGISTERS:
            return cls(precision, GROUP_BITS - 1, GROUP_BITS - 1, batched)
        return cls(precision, batched=batched)


@dataclass(frozen=True)
class KernelPass:
    """Gates that are applied to each group of blocks, in order."""

    group: tuple[int, ...]  # numbers whose sums tell a group's blocks apart
    gates: tuple[ElementaryGate, ...]


@dataclass(frozen=True)
class Plan:
    """The passes of a run, and where it leaves the amplitudes.

    If it takes a state tile by tile, they are those of any tile, whose number makes up
    the higher bits of indices.
    """

    size: int  # bits of an index, without those of a tile's number
    budget: RegisterBudget
    passes: tuple[KernelPass, ...]
    layout: LinearLayout
    # How many passes it would take to change amplitudes gate by gate: parts of one
    # where conditions leave most as they are.
    separately: float
    tiling: Tiling | None = None

    @property
    def precision(self) -> Precision:
        """The precision of amplitudes."""
        return self.budget.precision

    @property
    def block_bits(self) -> int:
        """Number of bits of a block's number."""
        return max(0, self.size - self.precision.lane_bits)

    @property
    def is_whole(self) -> bool:
        """Whether a group is all of the state."""
        groups = (len(each.group) for each in self.passes)
        return self.tiling is None and all(size == self.block_bits for size in groups)

    @property
    def total(self) -> int:
        """Number of bits of an index."""
        return self.tiling.size if self.tiling else self.size

    @property
    def cost(self) -> int:
        """How much code it takes: gates, times the blocks held at once."""
        sizes = ((len(each.gates) + 2) << len(each.group) for each in self.passes)
        return sum(sizes)

    def describe(self) -> list[str]:
        """The passes in words, one each."""
        lines = [_described(each, self.total) for each in self.passes]
        if not self.layout.is_plain:
            lines.append("move amplitudes")
        return lines if self.tiling is None else [str(self.tiling), *lines]


def _described(kernel_pass: KernelPass, size: int) -> str:
    def bits(mask: int) -> str:
        return f"{mask:0{size}b}"

    parts = []
    for gate in kernel_pass.gates:
        conditions = "".join(f" if {bits(mask)}" for mask in gate.conditions)
        if isinstance(gate, TwoLevel):
            names = " ".join(factor.record.name for factor in gate.factors)
            parts.append(f"{names} on {bits(gate.flip)}{conditions}")
        elif gate.factor is not None:
            masks, how = " ".join(map(bits, gate.masks)), " as 1 + N" * gate.scaled
            parts.append(f"{gate.factor.record.name}{how} by {masks}{conditions}")
    return "; ".join(parts) or "scale"


@lru_cache(maxsize=64)
def plan_schedule(
    entries: tuple[int, ...],
    wires: tuple[int, ...],
    size: int,
    budget: RegisterBudget,
    most: int,
) -> Plan | None:
    """Return the passes of a run of gates, or None where there are none for it.

    There are none either where they cost more than `most`. So that long runs take no
    time, that is guessed before gates are compared: about half may go into others.
    """
    return plan_entries(Entry.table(entries), wires, size, budget, most)


def plan_entries(
    entries: Sequence[Entry],
    wires: Sequence[int],
    size: int,
    budget: RegisterBudget,
    most: int,
    tiling: Tiling | None = None,
) -> Plan | None:
    """Return the passes of gates on a state or on its tiles, as `plan_schedule`."""
    planner = Planner(len(tiling.bits) if tiling else size, budget)
    if planner.is_beyond(len(entries), 2 * most):
        return None
    reader = Reader(size, wires, tiling)
    try:
        for entry in entries:
            reader.read(entry)
    except IneligibleError:
        return None
    if planner.is_beyond(len(reader.gates), most):
        return None
    passes = planner.passes(reader.gates) or [planner.empty()]
    given = tuple(passes), reader.layout, reader.separately
    plan = Plan(planner.size, budget, *given, tiling)
    return plan if plan.cost <= most else None


@dataclass(frozen=True)
class Rest:
    """Gates between stages that are left to the runtime."""

    start: int  # among the entries of a run
    count: int

    def describe(self) -> list[str]:
        """What is done, in words."""
        return [f"{self.count} by the runtime"]


Stage = Plan | Rest


def plan_stages(
    entries: Sequence[Entry],
    wires: Sequence[int],
    size: int,
    budget: RegisterBudget,
    most: int,
    *,
    in_pairs: bool,
) -> list[Stage]:
    """Return the passes of stages on tiles, or none where they cost more than `most`.

    There are none either where more gates than not have no code. Tiles are as large as
    it takes for the fewest stages; they are in the caches by two where runs are undone.
    """
    if len(entries) << budget.group > 2 * most:
        return []
    kinds = Tiles.of(size, budget.precision, in_pairs=in_pairs)
    stages: list[Stage] = []
    divisions = (divided(entries, wires, tiles) for tiles in kinds)
    for stage in min(divisions, key=pass_count):
        if isinstance(stage, Rest):
            stages.append(stage)
            continue
        tiling, own = stage
        plan = plan_entries(own, wires, size, budget, most, tiling)
        if plan is None:
            return []
        most -= plan.cost
        stages.append(plan)
    if sum(stage.count for stage in stages if isinstance(stage, Rest)) * 2 > len(
        entries
    ):
        return []
    return stages


Division = list[Rest | tuple[Tiling, list[Entry]]]


def divided(entries: Sequence[Entry], wires: Sequence[int], tiles: Tiles) -> Division:
    """What is done on tiles, stage by stage, and what is left to the runtime."""
    fits = [_is_eligible(entry, wires, tiles) for entry in entries]
    found: Division = []
    for fit, group in groupby(enumerate(entries), lambda each: fits[each[0]]):
        run = list(group)
        if fit:
            found += tiles.stages([entry for _, entry in run], wires)
        else:
            found.append(Rest(run[0][0], len(run)))
    return found


def pass_count(stages: Division) -> int:
    """How often a state is passed over; the runtime does so for every gate."""
    return sum(each.count if isinstance(each, Rest) else 1 for each in stages)


def _is_eligible(entry: Entry, wires: Sequence[int], tiles: Tiles) -> bool:
    """Whether a gate may be part of a stage."""
    first, count = entry.wire_offset, entry.num_controls + entry.num_targets
    if DYNAMIC in wires[first : first + count]:
        return False
    try:
        Reader(tiles.size, wires).read(entry)
    except IneligibleError:
        return False
    return tiles.fit(entry, wires)


@dataclass(frozen=True)
class Planner:
    """Takes gates together in passes."""

    size: int
    budget: RegisterBudget

    def passes(self, gates: Sequence[ElementaryGate]) -> list[KernelPass]:
        """Return the passes of gates."""
        found: list[KernelPass] = []
        left = list(gates)
        while any(isinstance(gate, TwoLevel) for gate in left):
            kernel_pass, left = self._next(left)
            found.append(kernel_pass)
        if left:
            last = found.pop() if found else self.empty()
            found.append(KernelPass(last.group, (*last.gates, *left)))
        return found

    def is_beyond(self, gates: int, most: int) -> bool:
        """Whether so many gates are more code than that."""
        return gates << len(self.empty().group) > most

    def empty(self) -> KernelPass:
        """Return a pass of no gates."""
        return KernelPass(self._group(Span()), ())

    def _next(
        self, gates: list[ElementaryGate]
    ) -> tuple[KernelPass, list[ElementaryGate]]:
        """Return the next pass and the gates that are left."""
        span, taken = Span(), list[ElementaryGate]()
        passed = list[ElementaryGate]()
        waiting = list[Diagonal]()  # as long as they may
        left: list[ElementaryGate] = []
        for number, gate in enumerate(gates):
            if passed and not enabled("reordering"):
                left = gates[number:]
                break
            free = all(commute(gate, other) for other in passed)
            if isinstance(gate, Diagonal) and free:
                waiting.append(gate)
            elif isinstance(gate, TwoLevel) and free and self._fits(span, gate):
                if not all(commute(gate, phase) for phase in waiting):
                    taken += waiting
                    waiting = []
                taken.append(gate)
            else:
                passed.append(gate)
        if enabled("diagonals"):
            taken, late = put_off(taken, self._outside(span))
            taken, scales = scaled(taken)
            waiting += late + scales
        scales = [phase for phase in waiting if phase.is_scale]
        if len(scales) > MOST_SCALES[self.budget.precision.real_bytes]:
            taken += scales
            waiting = [phase for phase in waiting if not phase.is_scale]
        order = {id(gate): number for number, gate in enumerate(gates)}
        rest = sorted((*waiting, *passed), key=lambda gate: order.get(id(gate), 0))
        return KernelPass(self._group(span), tuple(taken)), [*rest, *left]

    @property
    def _block_bits(self) -> int:
        return max(0, self.size - self.budget.precision.lane_bits)

    def _outside(self, span: Span) -> int:
        """The bits of indices that tell groups apart."""
        inside = sum(1 << bit for bit in span.basis)
        every = (1 << self._block_bits) - 1
        return (every & ~inside) << self.budget.precision.lane_bits

    def _fits(self, span: Span, pair: TwoLevel) -> bool:
        """Include the flip of a pair gate, if it fits the budget."""
        number = pair.flip >> self.budget.precision.lane_bits
        if span.rest(number) and len(span) == self._most:
            return False
        span.include(number)
        return True

    @property
    def _most(self) -> int:
        if not enabled("registers"):
            return 1
        budget = self.budget
        return budget.whole if self._block_bits <= budget.whole else budget.group

    def _group(self, span: Span) -> tuple[int, ...]:
        """The basis of a span, filled with the lowest bits that fit."""
        for bit in range(self._block_bits):
            if len(span) < self._most:
                span.include(1 << bit)
        return tuple(span.vectors())
