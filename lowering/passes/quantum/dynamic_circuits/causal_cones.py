"""In which order a circuit needs the fewest wires at a time.

All that the end of a wire depends on is its causal cone. Cones are run one after
another, greedily the one that begins the fewest wires; wires that have ended are used
again (DeCross et al., arXiv:2210.08039).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import NamedTuple

# How many wires are tried as the one whose cone is run first.
MOST_TRIALS = 16


class Item(NamedTuple):
    """An operation: its wires, and the numbers of earlier ones that it depends on.

    Those on the same wires are among these.
    """

    wires: tuple[int, ...]
    after: tuple[int, ...]


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
    """The causal cones of the ends of wires, as sets of bits."""

    def __init__(
        self, items: Sequence[Item], num_wires: int, kept: frozenset[int]
    ) -> None:
        self.items = items
        self.ends = {wire: n for n, item in enumerate(items) for wire in item.wires}
        self.wires = [sum(1 << wire for wire in item.wires) for item in items]
        self.cones: list[int] = []
        self.reached: list[int] = []
        for number, item in enumerate(items):
            cone, reached = 1 << number, self.wires[number]
            for before in item.after:
                cone |= self.cones[before]
                reached |= self.reached[before]
            self.cones.append(cone)
            self.reached.append(reached)
        self.ending = [wire for wire in self.ends if wire not in kept]

    def candidates(self) -> list[int]:
        """Return wires that end, those first that need the fewest others."""
        return sorted(
            self.ending, key=lambda wire: self.reached[self.ends[wire]].bit_count()
        )

    def order(self, first: int) -> tuple[int, ...]:
        """Return an order of the items in which the cone of this wire comes first."""
        order: list[int] = []
        done, begun, wire = 0, 0, first
        waiting = dict.fromkeys(self.ending)
        while True:
            end = self.ends[wire]
            order += _numbers(self.cones[end] & ~done)
            done |= self.cones[end]
            begun |= self.reached[end]
            for each in [w for w in waiting if done >> self.ends[w] & 1]:
                del waiting[each]
            if not waiting:
                return (*order, *_numbers(((1 << len(self.items)) - 1) & ~done))
            wire = min(waiting, key=lambda w: self._cost(w, done, begun))

    def _cost(self, wire: int, done: int, begun: int) -> tuple[int, int]:
        """Return how many wires a cone begins, and how many items it has."""
        end = self.ends[wire]
        new = (self.reached[end] & ~begun).bit_count()
        return new, (self.cones[end] & ~done).bit_count()


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
