"""Regions of a circuit: neighbouring instructions of some kind, on any wires."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeGuard, TypeVar

from .circuit import Circuit, Instruction, Measurement
from .gates import Gate
from .parameters import ParameterExpression
from .phases import NOTHING, phase_gates, total

Kind = TypeVar("Kind", Gate, Gate | Measurement)


@dataclass
class RegionCircuit:
    """What takes the place of a region: instructions, and a phase.

    `output` says on which wire the qubit of each wire is after them.
    """

    instructions: Sequence[Instruction]
    output: Sequence[int]
    phase: ParameterExpression = NOTHING


def rewrite_regions(
    circuit: Circuit,
    belongs: Callable[[Instruction], TypeGuard[Kind]],
    rewrite: Callable[[Sequence[Kind], int], RegionCircuit | None],
) -> Circuit:
    """Return a circuit with others in the place of its regions.

    Args:
        circuit: a circuit.
        belongs: tells whether an instruction can be in a region.
        rewrite: takes a region on wires from 0, and their number, and returns what
            takes its place, or None where it stays.
    """
    place = {wire: wire for wire in range(circuit.num_wires)}
    new: list[Instruction] = []
    phase, changed = NOTHING, False
    for each in _regions(circuit, belongs):
        if not isinstance(each, list):
            new.append(each.on(place))
            continue
        wires = sorted({wire for one in each for wire in one.all_wires})
        at = {wire: k for k, wire in enumerate(wires)}
        found = rewrite([one.on(at) for one in each], len(wires))
        if found is None:
            new += [one.on(place) for one in each]
            continue
        changed = True
        before = [place[wire] for wire in wires]
        on = dict(enumerate(before))
        new += [one.on(on) for one in found.instructions]
        phase = total(phase, found.phase)
        place |= {w: before[k] for w, k in zip(wires, found.output, strict=True)}
    if not changed:
        return circuit
    output = [place[wire] for wire in circuit.output]
    return circuit.of([*new, *phase_gates(phase)], output)


def _regions(
    circuit: Circuit, belongs: Callable[[Instruction], TypeGuard[Kind]]
) -> Iterator[list[Kind] | Instruction]:
    """Yield the regions of a circuit and what is between them, in a valid order."""
    level = [0] * circuit.num_wires
    found: dict[int, list[Kind]] = {}
    between: dict[int, list[Instruction]] = {}
    for each in circuit:
        wires = each.all_wires
        highest = max((level[wire] for wire in wires), default=0)
        if belongs(each):
            found.setdefault(highest, []).append(each)
        else:
            between.setdefault(highest, []).append(each)
            highest += bool(wires)
        for wire in wires:
            level[wire] = highest
    for number in range(max(level, default=0) + 1):
        if number in found:
            yield found[number]
        yield from between.get(number, ())
