"""The pass `commute-controlled`: gates on one qubit pass controls and targets."""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from qjit.lowering.passes.circuits.circuit import Circuit, Instruction, Opaque
from qjit.lowering.passes.circuits.circuit_pass import CircuitPass
from qjit.lowering.passes.circuits.commutation import instructions_commute
from qjit.lowering.passes.pipeline import PipelineError

DIRECTIONS = ("left", "right")


@dataclass(frozen=True)
class CommuteControlledPass(CircuitPass):
    """Move gates on one qubit through gates on several that they commute with.

    They go as far as they can, to the left (the beginning) or, by the option
    `direction=right`, to the end, where they meet others that they merge with. The
    gates on several qubits keep their order.
    """

    direction: str = "left"

    name = "commute-controlled"

    def __post_init__(self) -> None:
        if self.direction not in DIRECTIONS:
            raise PipelineError(
                f"the direction of '{self.name}' is left or right, but got "
                f"'{self.direction}'."
            )

    def rewrite(self, circuit: Circuit) -> Circuit:
        """Move each gate along its wire, which leaves the other wires as they are."""
        step = 1 if self.direction == "left" else -1
        order = moved([*circuit][::step])[::step]
        return circuit if order == [*circuit] else circuit.of(order)


def moved(instructions: Sequence[Instruction]) -> list[Instruction]:
    """Return instructions with those on one wire as early as they can be."""
    on: dict[int, list[int]] = {}
    for place, each in enumerate(instructions):
        wires = each.all_wires
        if len(wires) != 1 or isinstance(each, Opaque):
            for wire in wires:
                on.setdefault(wire, []).append(place)
            continue
        sequence = on.setdefault(wires[0], [])
        index = len(sequence)
        while index and _passes(each, instructions[sequence[index - 1]]):
            index -= 1
        sequence.insert(index, place)
    return [instructions[place] for place in _in_order(len(instructions), on)]


def _passes(each: Instruction, other: Instruction) -> bool:
    return len(other.all_wires) > 1 and instructions_commute(other, each)


def _in_order(count: int, on: dict[int, list[int]]) -> list[int]:
    """Return places in an order in which those of each wire are as given.

    What may come next comes in the order of the places.
    """
    before = [0] * count
    after: list[list[int]] = [[] for _ in range(count)]
    for sequence in on.values():
        for one, other in pairwise(sequence):
            before[other] += 1
            after[one].append(other)
    ready = [place for place in range(count) if not before[place]]
    found: list[int] = []
    while ready:
        place = heapq.heappop(ready)
        found.append(place)
        for other in after[place]:
            before[other] -= 1
            if not before[other]:
                heapq.heappush(ready, other)
    return found
