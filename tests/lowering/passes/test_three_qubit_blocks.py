"""Blocks on three wires: how few CNOTs they leave, and that they mean the same."""

from collections.abc import Sequence

import numpy as np
import pytest

from qjit.lowering.passes.circuits.circuit import Circuit
from qjit.lowering.passes.circuits.circuit_pass import CircuitPass
from qjit.lowering.passes.circuits.gates import Gate
from qjit.lowering.passes.pipeline import PipelineError, find_step
from qjit.lowering.passes.quantum.resynthesis.three_qubit_blocks import blocks
from qjit.lowering.passes.quantum.resynthesis.two_qubit_blocks import Block

RNG = np.random.default_rng(11)


def random_gates(wires: Sequence[int], count: int) -> list[Gate]:
    """Return CNOTs on random pairs of wires, with rotations between."""
    found: list[Gate] = []
    for _ in range(count):
        pair = RNG.permutation(wires)[:2].tolist()
        found += [Gate("Rot", wire, *RNG.uniform(-3, 3, 3)) for wire in pair]
        found.append(Gate("CNOT", pair))
    return found


def consolidated(circuit: Circuit, options: str = "wires=3") -> Circuit:
    """Return what the pass leaves."""
    found = find_step(f"consolidate-blocks{{{options}}}").found()
    assert isinstance(found, CircuitPass)
    return found.rewrite(circuit)


def num_pairs(circuit: Circuit) -> int:
    return sum(len(each.all_wires) == 2 for each in circuit)


def test_three_wires_take_twenty_gates_on_two() -> None:
    circuit = Circuit(3, tuple(random_gates(range(3), 40)))
    new = consolidated(circuit)
    assert num_pairs(consolidated(circuit, "wires=2")) > 20
    assert num_pairs(new) <= 20
    np.testing.assert_allclose(new.matrix(), circuit.matrix(), atol=1e-12)


def test_blocks_among_other_gates() -> None:
    gates = [
        *random_gates([1, 3, 0], 30),
        Gate("Toffoli", (2, 3, 1)),
        *random_gates([2, 0, 3], 30),
        *random_gates(range(4), 4),
    ]
    circuit = Circuit(4, tuple(gates))
    new = consolidated(circuit)
    assert num_pairs(new) <= 20 + 20 + 4
    np.testing.assert_allclose(new.matrix(), circuit.matrix(), atol=1e-12)


def test_what_has_few_gates_stays() -> None:
    gates = [Gate("CNOT", (0, 1)), Gate("T", 1), Gate("CNOT", (1, 2)), Gate("H", 2)]
    circuit = Circuit(3, tuple(gates))
    assert consolidated(circuit) is circuit
    (block,) = blocks(circuit)
    assert isinstance(block, Block)
    assert block.gates == gates


@pytest.mark.parametrize("options", ["wires=4", "wires=3 exchange=false"])
def test_options_that_cannot_be(options: str) -> None:
    with pytest.raises(PipelineError, match="Choose wires=2 or wires=3"):
        _ = find_step(f"consolidate-blocks{{{options}}}").found
