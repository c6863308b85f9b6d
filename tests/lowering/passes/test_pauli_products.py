"""Passes on rotations about Pauli words: how few are left, and that states stay."""

import math
import random
from collections.abc import Sequence

import numpy as np
import pytest
from xdsl.dialects import test
from xdsl.dialects.builtin import f64
from xdsl.ir import SSAValue

from qjit.dialects.gates import GATES
from qjit.lowering.passes.circuits.circuit import Circuit
from qjit.lowering.passes.circuits.circuit_pass import CircuitPass
from qjit.lowering.passes.circuits.gates import Gate
from qjit.lowering.passes.pipeline import find_step
from qjit.lowering.passes.quantum.pauli_rotations import (
    clifford_circuits,
)
from qjit.lowering.passes.quantum.pauli_rotations.clifford_frame import (
    CliffordFrame,
)
from qjit.lowering.passes.quantum.pauli_rotations.clifford_phase import (
    phase_between,
)
from qjit.lowering.passes.quantum.pauli_rotations.gate_rotations import (
    clifford_turns,
)
from qjit.lowering.passes.quantum.pauli_rotations.reduce_t_depth import (
    rotation_depth,
)

PASSES = ("to-pauli-products", "merge-pauli-rotations", "reduce-t-depth")
CLIFFORD = ("H", "S", "SX", "Y", "CNOT", "CZ", "SWAP", "ISWAP", "ECR")
SETS = {
    "Clifford and T": (*CLIFFORD, "T", "Toffoli"),
    "rotations": ("H", "CNOT", "RZ", "RX", "PauliRot", "PhaseShift", "IsingXY", "CRZ"),
    "all": [
        name
        for name, record in GATES.items()
        if record.definition is not None
        and not {"unitary", "entries"} & {*record.static}
    ],
}
ANGLES = (math.pi / 4, math.pi / 2, -math.pi / 4, 3 * math.pi, 0.3, -0.7)


def run(name: str, circuit: Circuit) -> Circuit:
    """Return what a pass makes of a circuit."""
    found = find_step(name).found()
    assert isinstance(found, CircuitPass)
    return found.rewrite(circuit)


def count(circuit: Circuit, name: str) -> int:
    """Count the gates of a name."""
    return sum(isinstance(each, Gate) and each.name == name for each in circuit)


def depth(circuit: Circuit) -> int:
    """Return the number of layers of gates that are no Clifford gates."""
    gates = [each for each in circuit if isinstance(each, Gate)]
    return rotation_depth(gates, circuit.num_wires)


def toffoli(a: int, b: int, c: int) -> list[Gate]:
    """Return the textbook circuit of seven T gates."""
    t, tdg = (lambda w: Gate("T", w)), (lambda w: Gate("T", w, adjoint=True))

    def flip(control: int, target: int) -> Gate:
        return Gate("CNOT", (control, target))

    return [
        *(Gate("H", c), flip(b, c), tdg(c), flip(a, c), t(c), flip(b, c), tdg(c)),
        *(flip(a, c), t(b), t(c), Gate("H", c), flip(a, b), t(a), tdg(b), flip(a, b)),
    ]


def random_gate(
    rng: random.Random, name: str, size: int, angles: Sequence[object]
) -> Gate:
    """Return a gate on random wires, perhaps inverted or under a control."""
    record = GATES[name]
    targets = record.num_targets if record.num_targets is not None else 2
    own = 1 if record.num_controls is None else record.num_controls
    more = int(targets + own < size and rng.random() < 0.2)
    wires = rng.sample(range(size), targets + own + more)
    static: dict[str, object] = {}
    if "pauli_word" in record.static:
        static["pauli_word"] = "".join(rng.choice("IXYZ") for _ in range(targets))
    if "dim" in record.static:
        static["dim"] = rng.randint(0, 2**targets)
    return Gate(
        name,
        wires[: targets + own],
        *(rng.choice(angles) for _ in record.parameters),
        adjoint=rng.random() < 0.3,
        static=static,
        controls=wires[targets + own :],
        control_values=[rng.randint(0, 1)] * more,
    )


@pytest.mark.parametrize("name", PASSES)
@pytest.mark.parametrize("gates", SETS)
def test_matrices_stay(name: str, gates: str) -> None:
    rng = random.Random(5)
    symbol: SSAValue = test.TestOp(result_types=[f64]).results[0]
    numbers: dict[SSAValue, float] = {symbol: 0.9}
    changed = 0
    for _ in range(6):
        size = rng.choice([4, 4, 5])
        made = [
            random_gate(rng, rng.choice(SETS[gates]), size, (*ANGLES, symbol))
            for _ in range(16)
        ]
        circuit = Circuit(size, tuple(made))
        new = run(name, circuit)
        changed += new is not circuit
        expected = circuit.matrix(numbers)
        np.testing.assert_allclose(new.matrix(numbers), expected, atol=1e-11)
        assert run(name, new) is new
    assert changed or gates == "all"


def test_a_product_that_is_a_clifford_gate_is_moved_behind_others() -> None:
    """There are as many products as rotations after them, and they are others."""
    half = Gate("PauliRot", (0, 1), math.pi / 2, static={"pauli_word": "XX"})
    circuit = Circuit(2, (half, Gate("T", 0)))
    new = run("to-pauli-products", circuit)
    assert isinstance(first := new.instructions[0], Gate)
    assert (first.name, first.static["pauli_word"]) == ("PauliRot", "YX")
    assert count(new, "PauliRot") == 1
    np.testing.assert_allclose(new.matrix(), circuit.matrix(), atol=1e-12)
    assert run("to-pauli-products", new) is new


CHAIN = [(0, 1, 3), (2, 3, 4), (0, 1, 3)]
LONG_CHAIN = [(0, 1, 4), (2, 4, 5), (3, 5, 6), (2, 4, 5), (0, 1, 4)]
BARENCO = [(2, 3, 4), (0, 1, 3)] * 2
LONG_BARENCO = [(3, 5, 6), (2, 4, 5), (0, 1, 4), (2, 4, 5)] * 2


@pytest.mark.parametrize(
    ("triples", "before", "after"),
    [(CHAIN, 21, 15), (LONG_CHAIN, 35, 23), (BARENCO, 28, 16), (LONG_BARENCO, 56, 28)],
)
def test_t_counts_of_toffoli_chains(
    triples: Sequence[tuple[int, int, int]], before: int, after: int
) -> None:
    """Tof and Barenco Tof, as in arXiv:1903.10477, table 1."""
    size = 1 + max(max(triple) for triple in triples)
    gates = [gate for triple in triples for gate in toffoli(*triple)]
    circuit = Circuit(size, tuple(gates))
    new = run("merge-pauli-rotations", circuit)
    assert (count(circuit, "T"), count(new, "T")) == (before, after)
    assert count(new, "CNOT") == count(circuit, "CNOT")
    whole = Circuit(size, tuple(Gate("Toffoli", triple) for triple in triples))
    assert count(run("to-pauli-products", whole), "PauliRot") == after
    layered = run("reduce-t-depth", circuit)
    assert count(layered, "T") == after
    assert depth(layered) <= depth(circuit) / 2


def multiplication() -> list[Gate]:
    """Return multiplication in the field of 16 elements, modulo x^4 + x + 1."""
    high = [(a, b) for a in range(4) for b in range(4) if a + b > 3]
    low = [(a, b) for a in range(4) for b in range(4) if a + b < 4]
    gates = [g for a, b in high for g in toffoli(a, 4 + b, 8 + a + b - 4)]
    gates += [Gate("CNOT", (8 + k, 9 + k)) for k in (2, 1, 0)]
    return gates + [g for a, b in low for g in toffoli(a, 4 + b, 8 + a + b)]


def test_the_t_count_of_multiplication_in_a_field() -> None:
    """GF(2^4) in the same table."""
    circuit = Circuit(12, tuple(multiplication()))
    new = run("merge-pauli-rotations", circuit)
    assert (count(circuit, "T"), count(new, "T")) == (112, 68)


def test_a_toffoli_gate_has_three_layers() -> None:
    """The fewest on its own three wires: Amy et al., arXiv:1206.0758."""
    circuit = Circuit(3, tuple(toffoli(0, 1, 2)))
    new = run("reduce-t-depth", circuit)
    assert depth(circuit) > depth(new) == 3
    np.testing.assert_allclose(new.matrix(), circuit.matrix(), atol=1e-12)


def test_compiled_evolution_becomes_its_words_again() -> None:
    symbol: SSAValue = test.TestOp(result_types=[f64]).results[0]
    ladder = [Gate("CNOT", (k, k + 1)) for k in range(3)]
    basis = [Gate("H", 0), Gate("SX", 2)]
    undo = [Gate("H", 0), Gate("SX", 2, adjoint=True)]
    step = [*basis, *ladder, Gate("RZ", 3, symbol), *reversed(ladder), *undo]
    new = run("to-pauli-products", Circuit(4, (*step, Gate("RX", 1, 0.2), *step)))
    words = [each.static["pauli_word"] for each in new if isinstance(each, Gate)]
    assert words == ["XZYZ", "X", "XZYZ"]
    new = run("merge-pauli-rotations", Circuit(4, (*step, Gate("CZ", (0, 2)), *step)))
    assert count(new, "RZ") == 2
    new = run("merge-pauli-rotations", Circuit(4, (*step, Gate("RZ", 1, 0.2), *step)))
    assert (count(new, "RZ"), count(new, "CNOT")) == (2, 12)


@pytest.mark.parametrize("size", [1, 2, 3, 6])
def test_clifford_circuits_are_found_with_their_phases(size: int) -> None:
    rng = random.Random(size)
    names = [name for name in CLIFFORD if (GATES[name].num_wires or 0) <= size]
    for _ in range(5):
        gates = [
            Gate(name, rng.sample(range(size), GATES[name].num_wires or 1))
            for name in rng.choices(names, k=10 * size)
        ]
        circuit = Circuit(size, tuple(gates))
        turns, phase = clifford_turns(gates)
        made, output = clifford_circuits.clifford_gates(CliffordFrame(size, turns))
        phase += phase_between(turns, made, output)
        new = Circuit(size, (*made, Gate("GlobalPhase", (), -phase)), tuple(output))
        np.testing.assert_allclose(new.matrix(), circuit.matrix(), atol=1e-11)
        assert count(new, "CNOT") <= (0, 0, 1, 4, 9, 16, 25)[size]
