"""The pass `reduce-t-depth`: layers of rotations on separate wires."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeGuard

from qjit.lowering.passes.circuits.circuit import Circuit, Instruction
from qjit.lowering.passes.circuits.circuit_pass import CircuitPass
from qjit.lowering.passes.circuits.gates import Gate
from qjit.lowering.passes.circuits.phases import (
    NOTHING,
    rotation_gates,
    scaled,
    total,
)
from qjit.lowering.passes.circuits.regions import RegionCircuit, rewrite_regions

from .clifford_circuits import clifford_gates, diagonal_gates
from .clifford_frame import CliffordFrame, QuarterTurn
from .gate_rotations import clifford_turns
from .merging import merged
from .pauli_layers import Layer, layers_of
from .pauli_program import PauliProgram, read_gates


class ReduceTDepthPass(CircuitPass):
    """Do rotations that commute at once: Clifford gates, RZ or T on separate wires.

    There are as many layers of such gates as rotations about Pauli words have, which
    are merged and moved to the first layer that they can reach (Litinski,
    arXiv:1808.02892). A circuit that has no more than them stays.
    """

    name = "reduce-t-depth"

    def rewrite(self, circuit: Circuit) -> Circuit:
        """Rewrite the gates between operations that stay as they are."""
        return rewrite_regions(circuit, _is_gate, _layered)


def _is_gate(each: Instruction) -> TypeGuard[Gate]:
    return isinstance(each, Gate)


def _layered(gates: Sequence[Gate], num_wires: int) -> RegionCircuit | None:
    """Return gates in layers, None if there are no fewer layers than there were."""
    program = merged(read_gates(gates, num_wires))
    layers = layers_of(program.rotations, num_wires)
    if len(layers) >= rotation_depth(gates, num_wires):
        return None
    return _Writer(program, layers).written()


def rotation_depth(gates: Sequence[Gate], num_wires: int) -> int:
    """Return the number of layers of gates that are no Clifford gates.

    Gates on several wires count for as many as their rotations have layers.
    """
    depth = [0] * num_wires
    for gate in gates:
        found = layers_of(read_gates([gate], num_wires).rotations, num_wires)
        reached = max((depth[wire] for wire in gate.all_wires), default=0)
        for wire in gate.all_wires:
            depth[wire] = reached + len(found)
    return max(depth, default=0)


class _Writer:
    """Writes layers one after another, each after the Clifford gates that it needs."""

    def __init__(self, program: PauliProgram, layers: Sequence[Layer]) -> None:
        self.program = program
        self.gates: list[Gate] = []
        self.clifford: list[Gate] = []
        self.phase = NOTHING
        # What the Clifford gates so far make of a word.
        self.images = CliffordFrame(program.num_wires)
        for layer in layers:
            self._add(layer)

    def _add(self, layer: Layer) -> None:
        size = self.program.num_wires
        words = [self.images(each.axis) for each in layer.rotations]
        made, places = diagonal_gates(words, size)
        self._apply(made)
        for rotation, place in zip(layer.rotations, places, strict=True):
            sign = self.images(rotation.axis).sign
            found, phase = rotation_gates(scaled(rotation.angle, float(sign)), place)
            self.gates += found
            self.phase = total(self.phase, phase)

    def _apply(self, made: Sequence[Gate]) -> None:
        for axis, quarters in clifford_turns(made)[0]:
            self.images.prepend(QuarterTurn(axis, -quarters))
        self.gates += made
        self.clifford += made

    def written(self) -> RegionCircuit:
        """Return all gates, with what is missing of the Clifford circuit at the end."""
        rest, output = clifford_gates(self.program.frame.after(self.images))
        more = self.program.phase_with([*self.clifford, *rest], output)
        return RegionCircuit([*self.gates, *rest], output, total(self.phase, more))
