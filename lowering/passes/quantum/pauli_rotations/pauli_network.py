"""The pass `pauli-network`: rotations about Pauli words, reached by fewer CNOTs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeGuard

from qjit.lowering.passes.circuits.circuit import (
    Circuit,
    Instruction,
    has_known_matrix,
)
from qjit.lowering.passes.circuits.circuit_pass import CircuitPass
from qjit.lowering.passes.circuits.cnot_counts import count_cnots
from qjit.lowering.passes.circuits.gates import Gate
from qjit.lowering.passes.circuits.parameters import ParameterExpression
from qjit.lowering.passes.circuits.phases import (
    NOTHING,
    is_rotation,
    rotation_gates,
    scaled,
    total,
)
from qjit.lowering.passes.circuits.regions import RegionCircuit, rewrite_regions

from .merging import merged
from .pauli_program import PauliProgram, read_gates
from .pauli_synthesis import PauliNetwork, Preference

# The gates of regions besides those on one wire whose matrices are known.
NAMES = (
    *("RX", "RY", "Rot", "CNOT", "CZ", "CY", "SWAP", "ISWAP", "IsingXX", "IsingYY"),
    *("IsingZZ", "ControlledPhaseShift", "CRZ", "MultiRZ", "PauliRot"),
)
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
        return rewrite_regions(circuit, _is_readable, _cheaper)


def _is_readable(each: Instruction) -> TypeGuard[Gate]:
    """Tell whether an instruction is a gate of few rotations."""
    if not isinstance(each, Gate) or each.controls:
        return False
    if each.name in NAMES or is_rotation(each):
        return True
    return len(each.wires) == 1 and has_known_matrix(each)


def _cost(gates: Sequence[Gate]) -> int:
    """Return the cost of gates, of which those on one wire in a row are one.

    A run that is diagonal is a rotation about Z, and others are three rotations.
    """
    found = CNOT_COST * count_cnots(gates)
    runs: dict[int, int] = {}
    for gate in gates:
        if len(gate.wires) == 1:
            (wire,) = gate.wires
            cost = 1 if is_rotation(gate) or gate.name == "Z" else 3
            runs[wire] = max(runs.get(wire, 0), cost)
            continue
        found += sum(runs.pop(wire, 0) for wire in gate.wires)
    return found + sum(runs.values())


def _cheaper(gates: Sequence[Gate], num_wires: int) -> RegionCircuit | None:
    """Return a circuit of a region that costs less, if one is found."""
    most = count_cnots(gates)
    if most < 2 or num_wires > MOST_WIRES:
        return None
    program = read_gates(gates, num_wires)
    if len(program.steps) > MOST_READ:
        return None
    program = merged(program)
    if len(program.steps) > MOST_ROTATIONS:
        return None
    best, least = None, _cost(gates)
    for preference in PREFERENCES:
        network = PauliNetwork(program, preference, most)
        output = network.run()
        if output is None or network.num_flips >= most:
            continue
        found, phase = _gates(program, network)
        cost = _cost(found)
        if cost < least:
            best, least = (network, found, output, phase), cost
    if best is None:
        return None
    network, found, output, phase = best
    clifford = [each for each in network.made if isinstance(each, Gate)]
    phase = total(phase, program.phase_with(clifford, output))
    return RegionCircuit(found, output, phase)


def _gates(
    program: PauliProgram, network: PauliNetwork
) -> tuple[list[Gate], ParameterExpression]:
    """Return the gates of a network, and the phase that comes with its rotations."""
    phase, rotations = NOTHING, program.rotations
    gates: list[Gate] = []
    for each in network.made:
        if isinstance(each, Gate):
            gates.append(each)
            continue
        angle = rotations[each.number].angle
        angle = scaled(angle, -1.0) if each.negative else angle
        found, more = _rotation(each.letter, each.wire, angle)
        gates += found
        phase = total(phase, more)
    return gates, phase


def _rotation(
    letter: str, wire: int, angle: ParameterExpression
) -> tuple[list[Gate], ParameterExpression]:
    """Return gates of a rotation, and the phase that comes with them."""
    if letter == "Z":
        return rotation_gates(angle, wire)
    return [Gate(f"R{letter}", wire, angle)], NOTHING
