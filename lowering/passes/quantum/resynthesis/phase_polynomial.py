"""The pass `phase-polynomial`: CNOTs with rotations about Z between them, made anew."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TypeGuard

from qjit.lowering.passes.circuits.circuit import Circuit, Instruction
from qjit.lowering.passes.circuits.circuit_pass import CircuitPass
from qjit.lowering.passes.circuits.cnot_counts import count_cnots
from qjit.lowering.passes.circuits.gates import Gate
from qjit.lowering.passes.circuits.parameters import ParameterExpression, parameter
from qjit.lowering.passes.circuits.phases import NOTHING, is_rotation, total
from qjit.lowering.passes.circuits.regions import RegionCircuit, rewrite_regions

from .linear_reversible import Flip, bits_of, inverted, linear_circuit
from .parity_network import NETWORKS
from .phase_folding import Parities, Rotation, fold_phases

# The gates of regions besides rotations about Z.
NAMES = ("X", "CNOT", "SWAP", "CZ", "ControlledPhaseShift", "CRZ", "IsingZZ")
# Larger regions are left to what only sees a part of them.
MOST_WIRES = 64


class PhasePolynomialPass(CircuitPass):
    """Merge rotations of equal parities, and reach those that are left by fewer CNOTs.

    A circuit of CNOT, X, SWAP and gates that are diagonal is a sum over parities and a
    linear map, and is written anew where that takes fewer CNOTs (GraySynth,
    arXiv:1712.01859; greedy linear reversible synthesis, arXiv:2201.06508).
    """

    name = "phase-polynomial"

    def rewrite(self, circuit: Circuit) -> Circuit:
        """Merge rotations, then write regions anew."""
        return rewrite_regions(fold_phases(circuit), _is_of_region, _cheaper)


def _is_of_region(each: Instruction) -> TypeGuard[Gate]:
    if not isinstance(each, Gate) or each.controls:
        return False
    return each.name in NAMES or is_rotation(each)


def _cheaper(gates: Sequence[Gate], num_wires: int) -> RegionCircuit | None:
    """Return a circuit of a region with fewer CNOTs, if one is found."""
    cost = count_cnots(gates)
    if cost < 2 or num_wires > MOST_WIRES:
        return None
    polynomial = PhasePolynomial(num_wires)
    for gate in gates:
        polynomial.apply(gate)
    best = min(polynomial.networks(), key=lambda each: len(each[0]))
    return polynomial.circuit(*best) if len(best[0]) < cost else None


class PhasePolynomial:
    """A circuit as rotations by parities of its inputs, and an affine map of them."""

    def __init__(self, size: int):
        self.size = size
        self.bits = Parities(Circuit(size, ()))
        self.rotations: dict[int, Rotation] = {}

    def apply(self, gate: Gate) -> None:
        """Add a gate."""
        if is_rotation(gate):
            self._rotate(gate.wires, gate)
        elif gate.name in ("CZ", "ControlledPhaseShift"):
            self._phase_of_both(gate)
        elif gate.name in ("CRZ", "IsingZZ"):
            angle = gate.angle
            if gate.name == "CRZ":
                angle = angle * 0.5
                self._rotate(gate.wires[1:], _turned("RZ", angle, gate))
                angle = -angle
            self._rotate(gate.wires, _turned("RZ", angle, gate))
        else:
            self.bits.apply(gate)

    def _phase_of_both(self, gate: Gate) -> None:
        """The phase of |11>: ab = (a + b - (a ^ b)) / 2."""
        angle = parameter(math.pi) if gate.name == "CZ" else gate.angle
        for wires, factor in ((gate.wires[:1], 0.5), (gate.wires[1:], 0.5)):
            self._rotate(wires, _turned("PhaseShift", angle * factor, gate))
        self._rotate(gate.wires, _turned("PhaseShift", angle * -0.5, gate))

    def _rotate(self, wires: Sequence[int], gate: Gate) -> None:
        """Add a rotation by the parity of wires."""
        mask, flip = 0, False
        for wire in wires:
            mask ^= self.bits.masks[wire]
            flip ^= self.bits.flips[wire]
        self.rotations.setdefault(mask, Rotation()).add(gate, flip, 0)

    def networks(self) -> Iterator[tuple[list[Flip], list[int]]]:
        """Yield CNOTs for all parities and the map, with the bit that each wire has."""
        left = [mask for mask, each in self.rotations.items() if each.angle.known != 0]
        for network in NETWORKS:
            flips, wires = network(self.size, left)
            here, there = bits_of(wires, self.size), bits_of(self.bits.masks, self.size)
            more, rows = linear_circuit(there @ inverted(here) % 2)
            yield [*flips, *more], rows

    def circuit(self, flips: Sequence[Flip], rows: Sequence[int]) -> RegionCircuit:
        """Return gates for a network: rotations where their parities come first."""
        left = {m: each for m, each in self.rotations.items() if each.angle.known != 0}
        phase = NOTHING
        for mask, rotation in self.rotations.items():
            if mask not in left:
                phase = total(phase, rotation.phase)
        gates: list[Gate] = []

        def rotate(wire: int) -> None:
            nonlocal phase
            rotation = left.pop(masks[wire], None)
            if rotation is not None:
                found, more = rotation.gates(wire, False)
                gates.extend(found)
                phase = total(phase, more)

        masks = [1 << wire for wire in range(self.size)]
        for wire in range(self.size):
            rotate(wire)
        for control, target in flips:
            gates.append(Gate("CNOT", (control, target)))
            masks[target] ^= masks[control]
            rotate(target)
        output = [rows.index(wire) for wire in range(self.size)]
        gates += [Gate("X", at) for at, row in enumerate(rows) if self.bits.flips[row]]
        return RegionCircuit(gates, output, phase)


def _turned(name: str, angle: ParameterExpression, gate: Gate) -> Gate:
    known = angle.known
    found = angle if known is None else parameter(known)
    return Gate(name, 0, found, adjoint=gate.adjoint)
