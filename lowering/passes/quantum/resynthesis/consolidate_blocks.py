"""The pass `consolidate-blocks`: a two-qubit unitary needs three CNOTs at most."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from qjit.dialects.gates.fourier import ComplexMatrix
from qjit.lowering.passes.circuits.circuit import Circuit, Instruction
from qjit.lowering.passes.circuits.circuit_pass import CircuitPass
from qjit.lowering.passes.circuits.cnot_counts import COUNTS
from qjit.lowering.passes.circuits.gates import Gate
from qjit.lowering.passes.circuits.phases import phase_gates
from qjit.lowering.passes.pipeline import PipelineError
from qjit.lowering.passes.unitaries.two_qubit_decomposition import (
    cartan_decomposition,
)
from qjit.lowering.passes.unitaries.two_qubit_synthesis import (
    TwoQubitCircuit,
    num_cnots,
    synthesise,
)

from .three_qubit_blocks import rewrite_blocks
from .two_qubit_blocks import Block, two_qubit_blocks

BASES = ("CNOT", "CZ")
CLOSE = 1e-10
# Two-qubit gates of which each is one CNOT.
ONE = ("CNOT", "CZ", "CY")
# Gates that programs for error-corrected machines are made of: their number counts.
CLIFFORD_T = frozenset(("I", "X", "Y", "Z", "H", "S", "T", "SX", *ONE, "SWAP"))


@dataclass(frozen=True)
class ConsolidateBlocksPass(CircuitPass):
    """Write neighbouring gates on two wires anew with the fewest CNOTs (Cartan's KAK).

    `basis` is "CNOT" or "CZ". A block is replaced where it has fewer of these gates
    then, or as many and fewer rotations about axes. Gates of Clifford+T stay such
    gates, unless there are fewer on two wires. Wires of a block may be exchanged, so
    that gates behind it act on others, unless `exchange` is false, as after routing.
    With `wires=3`, blocks on three wires that have many CNOTs are written anew, too, by
    the quantum Shannon decomposition, which takes 20 at most.
    """

    basis: str = "CNOT"
    exchange: bool = True
    wires: int = 2

    name = "consolidate-blocks"

    def __post_init__(self) -> None:
        if self.basis not in BASES:
            raise PipelineError(
                f"'consolidate-blocks' has no basis '{self.basis}'. Choose one of "
                f"{', '.join(BASES)}."
            )
        if self.wires not in (2, 3) or (self.wires == 3 and not self.exchange):
            raise PipelineError(
                f"'consolidate-blocks' got wires={self.wires}, exchange="
                f"{self.exchange}. Choose wires=2 or wires=3, and the latter only "
                "where wires may be exchanged: all pairs in a block get gates."
            )

    def rewrite(self, circuit: Circuit) -> Circuit:
        """Replace each block that is cheaper otherwise."""
        pairs = self._on_two_wires(circuit)
        if self.wires == 2:
            return pairs
        found = rewrite_blocks(pairs, _num_cnots)
        return pairs if found is pairs else self._on_two_wires(found)

    def _on_two_wires(self, circuit: Circuit) -> Circuit:
        made: dict[bytes, TwoQubitCircuit | None] = {}
        place = {wire: wire for wire in range(circuit.num_wires)}
        new: list[Instruction] = []
        changed, phase = False, 0.0
        for each in two_qubit_blocks(circuit):
            if not isinstance(each, Block):
                new.append(each.on(place))
                continue
            found = self._cheaper(each, made)
            if found is None:
                new += [gate.on(place) for gate in each.gates]
                continue
            changed = True
            on = {k: place[wire] for k, wire in enumerate(each.wires)}
            new += [gate.on(on) for gate in found.gates]
            phase += found.phase
            if found.exchanged:
                first, second = each.wires
                place[first], place[second] = place[second], place[first]
        if not changed:
            return circuit
        new += phase_gates(phase)
        return circuit.of(new, [place[wire] for wire in circuit.output])

    def _cheaper(
        self, block: Block, made: dict[bytes, TwoQubitCircuit | None]
    ) -> TwoQubitCircuit | None:
        """Return a circuit in the place of a block, if there is one that is cheaper."""
        if len(block.wires) != 2:
            return None
        cost = _cost(block, self.basis)
        if cost[0] <= 1 and cost[1] <= 1:
            return None
        matrix = block.matrix()
        key = matrix.tobytes()
        if key not in made or made[key] is None:
            made[key] = synthesise(
                matrix, basis=self.basis, exchange=self.exchange, most=cost[0]
            )
        found = made[key]
        if found is None:
            return None
        discrete = all(gate.name in CLIFFORD_T for gate in block.gates)
        if discrete and not all(gate.name in CLIFFORD_T for gate in found.gates):
            return found if found.cost[0] < cost[0] else None
        new = found.cost[0], _single_cost(found.gates)
        return found if new < cost else None


def _cost(block: Block, basis: str) -> tuple[int, int]:
    """Return the cost of a block: gates on two wires, counted in the basis, and others.

    What is not of the basis costs one gate more on one wire.
    """
    pairs = [gate for gate in block.gates if len(gate.all_wires) == 2]
    counts = [_num_cnots(gate) for gate in pairs]
    others = sum(gate.name != basis for gate in pairs)
    return sum(counts), _single_cost(block.gates) + others


def _single_cost(gates: Sequence[Gate]) -> int:
    """Return the cost of gates on one wire, where neighbours are one.

    One that is diagonal is a rotation about Z, and others are three rotations.
    """
    runs: dict[Hashable, ComplexMatrix] = {}
    found = 0
    for gate in gates:
        if len(gate.all_wires) == 1:
            (wire,) = gate.all_wires
            runs[wire] = gate.matrix({}) @ runs.get(wire, np.eye(2))
            continue
        for wire in gate.all_wires:
            found += _run_cost(runs.pop(wire, None))
    return found + sum(map(_run_cost, runs.values()))


def _run_cost(matrix: ComplexMatrix | None) -> int:
    if matrix is None:
        return 0
    if abs(matrix[0, 1]) > CLOSE:
        return 3
    return int(abs(matrix[0, 0] - matrix[1, 1]) > CLOSE)


def _num_cnots(gate: Gate) -> int:
    if gate.name in COUNTS:
        return COUNTS[gate.name]
    return num_cnots(cartan_decomposition(gate.matrix({})).coordinates)
