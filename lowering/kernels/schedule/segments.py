"""The parts of a run that code is made for: repeated gates have it once."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from qjit.dialects.gates import Kernel
from qjit.dialects.statevector.schedule import DYNAMIC, Entry
from qjit.lowering.jaxpr.reroll.tandem_repeats import numbered, repetitions

from .planner import Plan, Planner, RegisterBudget, plan_schedule

LEAST_SAVED = 24  # gates, without which a loop is not worth its iterations


@dataclass(frozen=True)
class Segment:
    """Gates that are the same again and again but for their parameters, or not."""

    plan: Plan
    start: int  # among the entries of a run
    length: int  # of what is repeated
    count: int
    first_param: int
    stride: int  # parameters from one repetition to the next

    def describe(self) -> list[str]:
        """Its passes in words."""
        lines = self.plan.describe()
        return lines if self.count == 1 else [f"{self.count} times", *lines]


@dataclass(frozen=True)
class Part:
    """Entries from `start` to `end` that repeat a number of times."""

    start: int
    end: int
    count: int


def segments_of(
    entries: Sequence[Entry],
    wires: Sequence[int],
    size: int,
    budget: RegisterBudget,
    most: int,
) -> list[Segment] | None:
    """Return the segments of a run, or None where there is no code for some.

    There is none where passes cost more than `most`.
    """
    if DYNAMIC in wires:
        return None
    found: list[Segment] = []
    for part in _parts(entries, wires):
        own = entries[part.start : part.end]
        plan = _plan(own, wires, size, budget, most)
        if plan is None:
            return None
        most -= plan.cost
        after = min(part.end, len(entries) - 1)
        first, second = (entries[n].param_offset for n in (part.start, after))
        length = part.end - part.start
        given = (plan, part.start, length, part.count, first, second - first)
        found.append(Segment(*given))
    return found


def _plan(
    entries: Sequence[Entry],
    wires: Sequence[int],
    size: int,
    budget: RegisterBudget,
    most: int,
) -> Plan | None:
    """Plan some entries, as if their wires and parameters were the first."""
    if Planner(size, budget).is_beyond(len(entries), 2 * most):
        return None
    words: list[int] = []
    own: list[int] = []
    for entry in entries:
        start = len(own)
        own += _wires(entry, wires)
        moved = entry.param_offset - entries[0].param_offset
        entry = replace(entry, wire_offset=start, param_offset=moved, location=0)
        words += entry.words()
    return plan_schedule(tuple(words), tuple(own), size, budget, most)


def _wires(entry: Entry, wires: Sequence[int]) -> Sequence[int]:
    """The wires of an entry, and the letters of a rotation."""
    letters = entry.num_targets if entry.kernel == Kernel.PAULI_ROT else 0
    count = entry.num_controls + entry.num_targets + letters
    return wires[entry.wire_offset : entry.wire_offset + count]


def _parts(entries: Sequence[Entry], wires: Sequence[int]) -> list[Part]:
    """What repeats, and what is between."""
    offsets = [entry.param_offset for entry in entries]
    found: list[Part] = []
    end = 0
    ids = numbered(_key(entry, wires) for entry in entries)
    for each in repetitions(ids, fewest=2):
        count = (each.end - each.start) // each.period
        starts = range(each.start, each.start + count * each.period, each.period)
        steps = {offsets[b] - offsets[a] for a, b in pairwise(starts)}
        if each.saved < LEAST_SAVED or len(steps) > 1:
            continue
        if each.start > end:
            found.append(Part(end, each.start, 1))
        found.append(Part(each.start, each.start + each.period, count))
        end = each.start + count * each.period
    if end < len(entries):
        found.append(Part(end, len(entries), 1))
    return found


def _key(entry: Entry, wires: Sequence[int]) -> Hashable:
    """What is the same of entries that repeat."""
    return (
        *(entry.kernel, entry.gate, entry.num_params, entry.adjoint),
        *(entry.num_controls, entry.control_values, entry.first, entry.second),
        *_wires(entry, wires),
    )
