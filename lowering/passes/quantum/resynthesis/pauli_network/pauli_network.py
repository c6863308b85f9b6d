"""The pass `pauli-network`: rotations about Pauli words, reached by fewer CNOTs."""

from __future__ import annotations

from collections.abc import Sequence

from qjit.lowering.passes.circuits.circuit import Circuit
from qjit.lowering.passes.circuits.circuit_pass import CircuitPass
from qjit.lowering.passes.circuits.gates import Gate
from qjit.lowering.passes.circuits.parameters import ParameterExpression, parameter
from qjit.lowering.passes.circuits.phases import (
    NOTHING,
    is_rotation,
    rotation_gates,
    total,
)
from qjit.lowering.passes.circuits.regions import (
    Region,
    RegionCircuit,
    rewrite_regions,
)

from .clifford_words import identity_phase
from .pauli_rotations import (
    PauliRotations,
    is_readable,
    merged,
    read_rotations,
    scaled,
)
from .pauli_rows import PauliRows, Step, inverted
from .pauli_synthesis import PauliNetwork, Preference, Turn

# How many CNOTs a gate on two wires stands for, if not two.
COSTS = {"CNOT": 1, "CZ": 1, "CY": 1, "SWAP": 3}
# A CNOT is worth as many gates on one wire.
CNOT_COST = 10
# Larger regions are left to what only sees a part of them.
MOST_WIRES, MOST_ROTATIONS = 64, 600
MOST_READ = 4 * MOST_ROTATIONS  # before those about one word are merged
PREFERENCES = (
    Preference(decay=0.9, base=0.8, turns=0.15),
    Preference(decay=0.8, base=0.4, turns=0.15),
    Preference(decay=0.8, base=0.8, turns=0.15),
    Preference(decay=0.9, base=0.4, turns=0.05),
    Preference(decay=0.95, base=0.8, turns=0.05),
    Preference(decay=0.8, base=0.4, turns=0.0),
    Preference(decay=0.95, base=0.4, turns=0.0, clifford=0.0),
    Preference(decay=0.99, base=0.6, turns=0.0),
)


class PauliNetworkPass(CircuitPass):
    """Reach rotations about Pauli words by fewer CNOTs, which they share.

    A circuit of rotations and Clifford gates is a sequence of rotations about words,
    then one Clifford gate (Litinski, arXiv:1808.02892). Rotations about one word are
    merged, and the rest is written anew where it costs less (arXiv:2404.03280).
    """

    name = "pauli-network"

    def rewrite(self, circuit: Circuit) -> Circuit:
        """Write regions anew."""
        return rewrite_regions(circuit, is_readable, _cheaper)


def _num_flips(gates: Sequence[Gate]) -> int:
    """Return how many CNOTs gates stand for."""
    return sum(
        COSTS.get(gate.name, 2 * (len(gate.wires) - 1))
        for gate in gates
        if len(gate.wires) > 1
    )


def _cost(gates: Sequence[Gate]) -> int:
    """Return the cost of gates, of which those on one wire in a row are one.

    A run that is diagonal is a rotation about Z, and others are three rotations.
    """
    found = CNOT_COST * _num_flips(gates)
    runs: dict[int, int] = {}
    for gate in gates:
        if len(gate.wires) == 1:
            (wire,) = gate.wires
            cost = 1 if is_rotation(gate) or gate.name == "Z" else 3
            runs[wire] = max(runs.get(wire, 0), cost)
            continue
        found += sum(runs.pop(wire, 0) for wire in gate.wires)
    return found + sum(runs.values())


def _cheaper(region: Region) -> RegionCircuit | None:
    """Return a circuit of a region that costs less, if one is found."""
    most, wires = _num_flips(region.gates), region.wires
    if most < 2 or len(wires) > MOST_WIRES:
        return None
    at = {wire: k for k, wire in enumerate(wires)}
    read = read_rotations([gate.on(at) for gate in region.gates], len(wires))
    if len(read.angles) > MOST_READ:
        return None
    rotations = merged(read)
    if len(rotations.angles) > MOST_ROTATIONS:
        return None
    best, least = None, _cost(region.gates)
    for preference in PREFERENCES:
        network = PauliNetwork(_copied(rotations.words), preference, most)
        output = network.run()
        if output is None or network.num_flips >= most:
            continue
        found = _circuit(rotations, network, output, wires)
        cost = _cost(found.gates)
        if cost < least:
            best, least = found, cost
    return best


def _copied(words: PauliRows) -> PauliRows:
    found = PauliRows(*words.x.shape)
    found.x, found.z = words.x.copy(), words.z.copy()
    found.negative = words.negative.copy()
    return found


def _circuit(
    rotations: PauliRotations,
    network: PauliNetwork,
    output: Sequence[int],
    wires: Sequence[int],
) -> RegionCircuit:
    """Return the gates of a network, with the phase by which they differ."""
    phase = rotations.phase
    gates: list[Gate] = []
    steps: list[Step] = []
    for each in network.made:
        if isinstance(each, Turn):
            angle = rotations.angles[each.number]
            angle = scaled(angle, -1.0) if each.negative else angle
            found, more = _rotation(each.letter, wires[each.wire], angle)
            gates += found
            phase = total(phase, more)
        else:
            steps.append(each)
            gates.append(_gate(each, wires))
    comes_from = {at: wire for wire, at in enumerate(output)}
    undone = [
        (name, tuple(comes_from[wire] for wire in on))
        for name, on in map(inverted, reversed(steps))
    ]
    left = identity_phase([*rotations.steps, *undone], len(wires))
    ends = {wires[wire]: wires[at] for wire, at in enumerate(output)}
    return RegionCircuit(gates, total(phase, parameter(left)), ends)


def _rotation(
    letter: str, wire: int, angle: ParameterExpression
) -> tuple[list[Gate], ParameterExpression]:
    """Return gates of a rotation, and the phase that comes with them."""
    if letter == "Z":
        return rotation_gates(angle, wire)
    return [Gate(f"R{letter}", wire, angle)], NOTHING


def _gate(step: Step, wires: Sequence[int]) -> Gate:
    name, on = step
    adjoint = name == "SDG"
    return Gate("S" if adjoint else name, [wires[w] for w in on], adjoint=adjoint)
