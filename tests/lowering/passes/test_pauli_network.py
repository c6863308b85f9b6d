"""Rotations about Pauli words: how few CNOTs reach them, and that phases are kept."""

import math
import tracemalloc
from itertools import product

import numpy as np
import pytest
from xdsl.dialects import test
from xdsl.dialects.builtin import f64
from xdsl.ir import SSAValue

from qjit.lowering.passes.circuits.circuit import Circuit
from qjit.lowering.passes.circuits.gates import Gate
from qjit.lowering.passes.quantum.pauli_rotations.pauli_synthesis import PauliRows
from qjit.lowering.passes.quantum.pauli_rotations.pauli_words import read_word
from tests.lowering.passes.test_resynthesis import assert_same, count, run, toffoli

RNG = np.random.default_rng(3)
CLIFFORD = ("H", "S", "X", "Z", "CNOT")
NAMES = ("H", "S", "SX", "X", "T", "CNOT", "CZ", "SWAP", "ISWAP", "RX", "Rot", "CRZ")
MORE = ("IsingXY", "PhaseShift", "ControlledPhaseShift", "IsingYY", "PauliRot")


def _gate(name: str, size: int) -> Gate:
    record = Gate(name, (0, 1)).record
    wires = RNG.permutation(size)[: record.num_wires or 2].tolist()
    static = {"pauli_word": "YX"} if name == "PauliRot" else {}
    angles = RNG.choice([0.3, -1.1, math.pi / 2, math.pi], record.num_params)
    adjoint = bool(RNG.integers(2))
    return Gate(name, wires, *angles, adjoint=adjoint, static=static)


def double_excitation(angle: object) -> Circuit:
    """Return the rotations of a double excitation of unitary coupled cluster."""
    gates: list[Gate] = []
    for word in map("".join, product("XY", repeat=4)):
        if word.count("Y") % 2:
            static = {"pauli_word": word}
            gates.append(Gate("PauliRot", range(4), angle, static=static))
    return Circuit(4, tuple(gates))


@pytest.mark.parametrize("size", [1, 2, 4])
def test_words_change_as_matrices_do(size: int) -> None:
    letters = "".join(RNG.choice(list("IXYZ"), size))
    rows = PauliRows([read_word(letters)], size)
    names = RNG.choice(CLIFFORD if size > 1 else CLIFFORD[:-1], 30).tolist()
    gates = [Gate(name, _gate(name, size).wires) for name in names]
    for gate in gates:
        rows.conjugate(gate)
    after = "".join("IXZY"[code] for code in rows.codes[0].tolist())
    static, wires = "pauli_word", range(size)
    turn = Gate("PauliRot", wires, math.pi, static={static: letters}).matrix({})
    sign = -1 if rows.negative[0] else 1
    other = Gate("PauliRot", wires, math.pi, static={static: after}).matrix({})
    made = Circuit(size, tuple(gates)).matrix()
    np.testing.assert_allclose(made @ turn @ made.conj().T, sign * other, atol=1e-12)


@pytest.mark.parametrize("seed", range(8))
def test_circuits_mean_the_same(seed: int) -> None:
    size = 2 + seed % 3
    names = RNG.choice((*NAMES, *MORE), 24).tolist()
    circuit = Circuit(size, tuple(_gate(name, size) for name in names))
    new = run("pauli-network", circuit)
    assert_same(new, circuit)
    assert new is circuit or count(new, "CNOT") < sum(
        1 if each.name in ("CNOT", "CZ") else 3
        for each in circuit
        if isinstance(each, Gate) and len(each.wires) > 1
    )


def test_double_excitations_need_thirteen_cnots() -> None:
    symbol: SSAValue = test.TestOp(result_types=[f64]).results[0]
    for angle in (0.3, symbol):
        circuit = double_excitation(angle)
        new = run("pauli-network", circuit)
        assert count(new) == count(new, "CNOT") == 13
        numbers: dict[SSAValue, float] = {symbol: 0.3}
        expected = circuit.matrix(numbers)
        np.testing.assert_allclose(new.matrix(numbers), expected, atol=1e-12)


def test_large_angles_lose_nothing() -> None:
    circuit = double_excitation(1e6 + 0.3)
    new = run("pauli-network", circuit)
    assert count(new, "CNOT") == 13
    np.testing.assert_allclose(new.matrix(), circuit.matrix(), atol=1e-12)


def test_fourier_transforms_share_cnots() -> None:
    """Controlled phases on ten pairs of wires in fewer than two CNOTs each."""
    gates: list[Gate] = []
    for a in range(5):
        gates.append(Gate("H", a))
        for b in range(a + 1, 5):
            angle = math.pi / 2 ** (b - a)
            gates.append(Gate("ControlledPhaseShift", (a, b), angle))
    circuit = Circuit(5, tuple(gates))
    new = run("pauli-network", circuit)
    assert count(new) < 20
    assert_same(new, circuit)


def test_many_rotations_are_merged_in_little_memory() -> None:
    """There is no table of all pairs of them."""
    turns = [Gate(name, k % 3, 0.01 * k) for k in range(500) for name in ("RX", "RZ")]
    flips = (Gate("CNOT", (0, 1)), Gate("CNOT", (1, 2)))
    circuit = Circuit(3, (*flips, *turns))
    run("pauli-network", Circuit(3, circuit.instructions[:9]))
    tracemalloc.start()
    try:
        assert run("pauli-network", circuit) is circuit
        assert tracemalloc.get_traced_memory()[1] < 6e6
    finally:
        tracemalloc.stop()


def test_what_has_no_fewer_cnots_stays() -> None:
    circuit = Circuit(3, tuple(toffoli(0, 1, 2)))
    new = run("pauli-network", circuit)
    assert new is circuit or count(new) < count(circuit)
    flips = Circuit(2, (Gate("CNOT", (0, 1)), Gate("RZ", 1, 0.3)))
    assert run("pauli-network", flips) is flips
