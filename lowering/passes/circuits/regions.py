"""Regions of a circuit: neighbouring gates of some kinds, on any number of wires."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from .circuit import Circuit, Instruction
from .gates import Gate
from .parameters import ParameterExpression
from .phases import NOTHING, phase_gates, total


@dataclass
class Region:
    """Gates that can stand side by side."""

    gates: list[Gate] = field(default_factory=list[Gate])

    @property
    def wires(self) -> list[int]:
        """The wires in order."""
        return sorted({wire for gate in self.gates for wire in gate.wires})


@dataclass
class RegionCircuit:
    """Gates in the place of a region, a phase, and on which wire each bit ends."""

    gates: list[Gate]
    phase: ParameterExpression
    output: dict[int, int]


def regions(
    circuit: Circuit, belongs: Callable[[Gate], bool]
) -> Iterator[Region | Instruction]:
    """Yield the regions of a circuit and what is between them, in a valid order."""
    level = [0] * circuit.num_wires
    found: dict[int, Region] = {}
    between: dict[int, list[Instruction]] = {}
    for each in circuit:
        wires = each.all_wires
        highest = max((level[wire] for wire in wires), default=0)
        if isinstance(each, Gate) and belongs(each):
            found.setdefault(highest, Region()).gates.append(each)
        else:
            between.setdefault(highest, []).append(each)
            highest += bool(wires)
        for wire in wires:
            level[wire] = highest
    for number in range(max(level, default=0) + 1):
        if number in found:
            yield found[number]
        yield from between.get(number, ())


def rewrite_regions(
    circuit: Circuit,
    belongs: Callable[[Gate], bool],
    cheaper: Callable[[Region], RegionCircuit | None],
) -> Circuit:
    """Return a circuit with others in the place of regions, where these are cheaper."""
    place = list(range(circuit.num_wires))
    new: list[Instruction] = []
    phase, changed = NOTHING, False
    for each in regions(circuit, belongs):
        found = cheaper(each) if isinstance(each, Region) else None
        gates = each.gates if isinstance(each, Region) else [each]
        if found is not None:
            changed = True
            gates = found.gates
            phase = total(phase, found.phase)
        new += [gate.on(dict(enumerate(place))) for gate in gates]
        if found is not None:
            moved = {wire: place[at] for wire, at in found.output.items()}
            for wire, at in moved.items():
                place[wire] = at
    if not changed:
        return circuit
    output = [place[wire] for wire in circuit.output]
    return circuit.of([*new, *phase_gates(phase)], output)
