"""In which order a circuit needs the fewest wires at a time.

All that happens to a wire, and what that depends on, is its causal cone. Cones are run
one after another, greedily the one that begins the fewest wires; wires that have ended
are used again (DeCross et al., arXiv:2210.08039).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import NamedTuple

# How many wires are tried as the one whose cone is run first.
MOST_TRIALS = 16


class Item(NamedTuple):
    """An operation: its wires, and what it depends on, itself too, as bits."""

    wires: tuple[int, ...]
    cone: int


class CausalCones:
    """Collects operations in order with what they depend on.

    Operations on a wire commute that are diagonal on it in one basis.
    """

    def __init__(self) -> None:
        """Start with nothing."""
        self.items: list[Item] = []
        # By wire: what is before those that commute, their bases, and these.
        self._wires: dict[int, tuple[int, int, int]] = {}

    def add(self, bases: Mapping[int, int], after: Iterable[int] = ()) -> None:
        """Add an operation.

        Args:
            bases: the bases in which it is diagonal on each of its wires, as bits.
            after: numbers of others that it depends on.
        """
        cone = 1 << len(self.items)
        for number in after:
            cone |= self.items[number].cone
        for wire, bits in bases.items():
            before, shared, group = self._wires.get(wire, (0, bits, 0))
            if not shared & bits:
                before, shared, group = before | group, bits, 0
            self._wires[wire] = before, shared & bits, group
            cone |= before
        for wire in bases:
            before, shared, group = self._wires[wire]
            self._wires[wire] = before, shared, group | cone
        self.items.append(Item(tuple(bases), cone))


@dataclass(frozen=True)
class WirePlan:
    """Items in order, and the place of each wire; wires that follow share places."""

    order: tuple[int, ...]
    places: tuple[int, ...]
    num_places: int


def plan_wires(items: Sequence[Item], num_wires: int, kept: frozenset[int]) -> WirePlan:
    """Return a plan with few places.

    Args:
        items: the operations in order.
        num_wires: the number of wires.
        kept: the wires that stay to the end, and are there even without operations.
    """
    cones = _Cones(items, num_wires, kept)
    orders = [tuple(range(len(items)))]
    orders += [cones.order(first) for first in cones.candidates()[:MOST_TRIALS]]
    plans = [_placed(items, order, num_wires, kept) for order in orders]
    return min(plans, key=lambda plan: plan.num_places)


class _Cones:
    """The causal cones of wires, and the wires that these begin, as sets of bits."""

    def __init__(
        self, items: Sequence[Item], num_wires: int, kept: frozenset[int]
    ) -> None:
        self.everything = (1 << len(items)) - 1
        wires = [sum(1 << wire for wire in item.wires) for item in items]
        cones = [0] * num_wires
        for item in items:
            for wire in item.wires:
                cones[wire] |= item.cone
        self.cones = {w: cone for w, cone in enumerate(cones) if cone and w not in kept}
        self.reached: dict[int, int] = {}
        for wire, cone in self.cones.items():
            self.reached[wire] = 0
            for number in _numbers(cone):
                self.reached[wire] |= wires[number]

    def candidates(self) -> list[int]:
        """Return wires that end, those first that need the fewest others."""
        return sorted(self.cones, key=lambda wire: self.reached[wire].bit_count())

    def order(self, first: int) -> tuple[int, ...]:
        """Return an order of the items in which the cone of this wire comes first."""
        order: list[int] = []
        done, begun, wire = 0, 0, first
        waiting = dict.fromkeys(self.cones)
        while waiting:
            order += _numbers(self.cones[wire] & ~done)
            done |= self.cones[wire]
            begun |= self.reached[wire]
            for each in [w for w in waiting if not self.cones[w] & ~done]:
                del waiting[each]
            if waiting:
                wire = min(waiting, key=lambda w: self._cost(w, done, begun))
        return (*order, *_numbers(self.everything & ~done))

    def _cost(self, wire: int, done: int, begun: int) -> tuple[int, int]:
        """Return how many wires a cone begins, and how many items it has."""
        new = (self.reached[wire] & ~begun).bit_count()
        return new, (self.cones[wire] & ~done).bit_count()


def _numbers(bits: int) -> list[int]:
    """Return the numbers of a set of bits in order."""
    return [number for number, bit in enumerate(bin(bits)[:1:-1]) if bit == "1"]


def _placed(
    items: Sequence[Item], order: Sequence[int], num_wires: int, kept: frozenset[int]
) -> WirePlan:
    """Return the plan of an order: a wire begins where one has ended, if one has."""
    left = [0] * num_wires
    for item in items:
        for wire in item.wires:
            left[wire] += 1
    places = [-1] * num_wires
    free: list[int] = []
    count = 0
    for number in order:
        for wire in items[number].wires:
            if places[wire] < 0:
                places[wire] = heappop(free) if free else count
                count += places[wire] == count
            left[wire] -= 1
        for wire in items[number].wires:
            if not left[wire] and wire not in kept:
                heappush(free, places[wire])
    for wire in sorted(kept):
        if places[wire] < 0:
            places[wire] = heappop(free) if free else count
            count += places[wire] == count
    return WirePlan(tuple(order), tuple(places), count)
