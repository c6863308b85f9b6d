"""Passes that write parts of circuits anew: how few gates they leave."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from scipy.linalg import expm, sqrtm
from scipy.stats import ortho_group, unitary_group
from xdsl.dialects import test
from xdsl.dialects.builtin import f64
from xdsl.ir import SSAValue

from qjit.dialects.gates.fourier import ComplexMatrix
from qjit.dialects.gates.record import pauli_matrix
from qjit.lowering.passes.circuits.circuit import Circuit
from qjit.lowering.passes.circuits.circuit_pass import CircuitPass
from qjit.lowering.passes.circuits.gates import Gate
from qjit.lowering.passes.pipeline import PipelineError, find_step
from qjit.lowering.passes.quantum.resynthesis.linear_reversible import linear_circuit
from qjit.lowering.passes.unitaries.two_qubit_decomposition import (
    cartan_decomposition,
)
from qjit.lowering.passes.unitaries.two_qubit_synthesis import (
    SWAP,
    matrix_of,
    synthesise,
)

CNOT: ComplexMatrix = Gate("CNOT", (0, 1)).matrix({})
ISWAP: ComplexMatrix = Gate("ISWAP", (0, 1)).matrix({})
RNG = np.random.default_rng(7)


def _root(unitary: ComplexMatrix) -> ComplexMatrix:
    return np.asarray(sqrtm(unitary), np.complex128)


UNITARIES: dict[str, tuple[ComplexMatrix, int, int]] = {
    # the fewest CNOTs, and the fewest where wires may be exchanged
    "identity": (np.eye(4, dtype=np.complex128), 0, 0),
    "local": (pauli_matrix("XY"), 0, 0),
    "CNOT": (CNOT, 1, 1),
    "SWAP": (SWAP, 3, 0),
    "iSWAP": (ISWAP, 2, 1),
    "root of CNOT": (_root(CNOT), 2, 2),
    "root of SWAP": (_root(SWAP), 3, 3),
    "root of iSWAP": (_root(ISWAP), 2, 2),
    "cyclic shift": (np.eye(4, dtype=np.complex128)[[1, 2, 3, 0]], 1, 1),
    "random": (unitary_group.rvs(4, random_state=RNG), 3, 3),
    "real": (ortho_group.rvs(4, random_state=np.random.default_rng(2)), 2, 2),
}


def _hermitian() -> ComplexMatrix:
    found = RNG.normal(size=(4, 4)) + 1j * RNG.normal(size=(4, 4))
    return found + found.conj().T


def run(name: str, circuit: Circuit) -> Circuit:
    """Return what a pass makes of a circuit."""
    found = find_step(name).found()
    assert isinstance(found, CircuitPass)
    return found.rewrite(circuit)


def count(circuit: Circuit, *names: str) -> int:
    """Count the gates of these names, or all on two wires."""
    gates = [each for each in circuit if isinstance(each, Gate)]
    if names:
        return sum(gate.name in names for gate in gates)
    return sum(len(gate.all_wires) > 1 for gate in gates)


def assert_same(new: Circuit, old: Circuit) -> None:
    """Check that circuits have the same matrix on states that can come."""
    size = old.num_wires
    bits = [1 << size - 1 - wire for wire in old.fresh]
    columns = [k for k in range(2**size) if not any(k & bit for bit in bits)]
    expected = old.matrix()[:, columns]
    np.testing.assert_allclose(new.matrix()[:, columns], expected, atol=1e-11)


def toffoli(a: int, b: int, c: int) -> list[Gate]:
    """Return the textbook circuit of seven T gates and six CNOTs."""
    t, tdg = (lambda w: Gate("T", w)), (lambda w: Gate("T", w, adjoint=True))

    def flip(control: int, target: int) -> Gate:
        return Gate("CNOT", (control, target))

    return [
        *(Gate("H", c), flip(b, c), tdg(c), flip(a, c), t(c), flip(b, c), tdg(c)),
        *(flip(a, c), t(b), t(c), Gate("H", c), flip(a, b), t(a), tdg(b), flip(a, b)),
    ]


def adder(bits: int) -> Circuit:
    """Return the ripple-carry adder of Cuccaro et al., arXiv:quant-ph/0410184."""
    a, b = range(1, 2 * bits, 2), range(2, 2 * bits + 1, 2)
    carries = [0, *a]
    gates: list[Gate] = []
    for x, y, w in zip(carries, b, a, strict=False):
        gates += [Gate("CNOT", (w, y)), Gate("CNOT", (w, x)), *toffoli(x, y, w)]
    gates.append(Gate("CNOT", (a[-1], 2 * bits + 1)))
    for x, y, w in reversed(list(zip(carries, b, a, strict=False))):
        gates += [*toffoli(x, y, w), Gate("CNOT", (w, x)), Gate("CNOT", (x, y))]
    return Circuit(2 * bits + 2, tuple(gates))


@pytest.mark.parametrize("name", UNITARIES)
@pytest.mark.parametrize("basis", ["CNOT", "CZ"])
def test_two_qubit_unitaries_have_the_fewest_cnots(name: str, basis: str) -> None:
    unitary, fewest, exchanged = UNITARIES[name]
    for exchange, number in ((False, fewest), (True, exchanged)):
        found = synthesise(unitary, basis=basis, exchange=exchange)
        assert found is not None
        assert found.num_entangling == number
        np.testing.assert_allclose(matrix_of(found), unitary, atol=1e-12)


@pytest.mark.parametrize("name", UNITARIES)
@pytest.mark.parametrize("size", [1e-3, 1e-6, 1e-8, 1e-10, 1e-12, 1e-14])
def test_unitaries_that_are_nearly_special_are_exact(name: str, size: float) -> None:
    near = UNITARIES[name][0] @ expm(1j * size * _hermitian())
    decomposed = cartan_decomposition(near)
    x, y, z = decomposed.coordinates
    assert math.pi / 4 + 1e-12 >= x >= y - 1e-12 >= abs(z) - 2e-12
    np.testing.assert_allclose(decomposed.matrix(), near, atol=1e-13)
    found = synthesise(near, exchange=True)
    assert found is not None
    np.testing.assert_allclose(matrix_of(found), near, atol=2e-12)


@pytest.mark.parametrize("size", [1, 2, 5, 12])
def test_linear_circuits_have_their_matrix(size: int) -> None:
    matrix = np.eye(size, dtype=np.int64)
    for _ in range(3 * size * (size > 1)):
        i, j = RNG.permutation(size)[:2]
        matrix[i] ^= matrix[j]
    flips, rows = linear_circuit(matrix)
    found = np.eye(size, dtype=np.int64)
    for control, target in flips:
        found[target] ^= found[control]
    np.testing.assert_array_equal(found, matrix[rows])


def test_blocks_of_ising_gates_need_three_cnots() -> None:
    names = ("IsingXX", "IsingYY", "IsingZZ")
    steps = [
        Gate(name, (k, k + 1), 0.2) for _ in range(2) for k in (0, 2) for name in names
    ]
    circuit = Circuit(4, tuple(steps))
    new = run("consolidate-blocks", circuit)
    assert (count(new), count(new, "CNOT")) == (6, 6)
    assert_same(new, circuit)


def test_clifford_and_t_stay_unless_there_are_fewer_cnots() -> None:
    flip = Gate("CNOT", (0, 1))
    few = Circuit(2, (Gate("T", 0), Gate("H", 0), flip, Gate("T", 1), Gate("T", 1)))
    assert run("consolidate-blocks", few) is few
    many = Circuit(2, (flip, Gate("T", 1), flip, Gate("H", 0), flip, Gate("T", 1)) * 2)
    new = run("consolidate-blocks", many)
    assert count(new) < count(many)
    assert_same(new, many)


def test_wires_stay_without_exchange() -> None:
    gates = (Gate("CNOT", (0, 1)), Gate("RZ", 1, 0.3), Gate("SWAP", (0, 1)))
    circuit = Circuit(3, (*gates, Gate("CNOT", (1, 2))))
    free = run("consolidate-blocks", circuit)
    fixed = run("consolidate-blocks{exchange=false}", circuit)
    assert (free.output, fixed.output) == ((1, 0, 2), (0, 1, 2))
    assert (count(free), count(fixed)) == (2, 3)
    for each in (free, fixed):
        assert_same(each, circuit)


def test_neighbours_on_one_wire_count_once() -> None:
    """A block is not written anew where its gates are five RZ and SX for a rotation."""
    turn = [Gate("RZ", 0, 0.3), Gate("SX", 0), Gate("RZ", 0, 0.4), Gate("SX", 0)]
    gates = (*turn, Gate("RZ", 0, 0.5), Gate("CNOT", (0, 1)), *turn)
    circuit = Circuit(2, gates)
    assert run("consolidate-blocks", circuit) is circuit


def test_a_basis_that_does_not_exist_is_refused() -> None:
    with pytest.raises(PipelineError, match=r"no basis 'ECR'\. Choose .* CNOT, CZ"):
        _ = find_step("consolidate-blocks{basis=ECR}").found


def test_adders_need_eight_t_gates_for_each_bit() -> None:
    circuit = adder(2)
    new = run("phase-polynomial", circuit)
    assert (count(circuit, "T"), count(new, "T")) == (28, 16)
    assert count(new) < count(circuit) - 3
    new = run("cnot-peephole", new)
    assert count(new) <= 25
    assert_same(new, circuit)


def test_phases_on_all_pairs_share_cnots() -> None:
    pairs = [(a, b) for b in range(5) for a in range(b)]
    symbol: SSAValue = test.TestOp(result_types=[f64]).results[0]
    for angle in (0.3, symbol):
        gates = [Gate("IsingZZ", pair, angle) for pair in pairs]
        circuit = Circuit(5, tuple(gates))
        new = run("phase-polynomial", circuit)
        assert count(new) <= 14 < 2 * len(pairs)
        numbers: dict[SSAValue, float] = {symbol: 0.3}
        expected = circuit.matrix(numbers)
        np.testing.assert_allclose(new.matrix(numbers), expected, atol=1e-12)


def test_linear_circuits_on_five_wires_need_few_cnots() -> None:
    gates: list[Gate] = []
    for _ in range(100):
        a, b = (int(wire) for wire in RNG.permutation(5)[:2])
        gates.append(Gate("CNOT", (a, b)))
    circuit = Circuit(5, tuple(gates))
    new = run("phase-polynomial", circuit)
    assert count(new) <= 9
    assert_same(new, circuit)


CLIFFORD = ("H", "S", "SX", "X", "CNOT", "CZ", "SWAP", "ISWAP")


@pytest.mark.parametrize(("size", "most"), [(2, 1), (3, 3)])
def test_small_clifford_circuits_have_the_fewest_cnots(size: int, most: int) -> None:
    gates: list[Gate] = []
    for name in RNG.choice(CLIFFORD, 30):
        wires = 1 if name in CLIFFORD[:4] else 2
        gates.append(Gate(str(name), list(map(int, RNG.permutation(size)[:wires]))))
    circuit = Circuit(size, tuple(gates))
    new = run("cnot-peephole", circuit)
    assert count(new) == count(new, "CNOT") <= most
    assert_same(new, circuit)


def _state(name: str) -> list[Gate]:
    """Return what makes the eigenstate of a Pauli of qubit 0."""
    flip = [Gate("X", 0)] if name[0] == "-" else []
    turn = {"Z": [], "X": [Gate("H", 0)], "Y": [Gate("H", 0), Gate("S", 0)]}
    return [*flip, *turn[name[1]]]


@pytest.mark.parametrize(
    ("state", "gate", "left"),
    [
        ("+Z", Gate("CNOT", (0, 1)), []),
        ("-Z", Gate("CNOT", (0, 1)), ["X"]),
        ("+X", Gate("CNOT", (1, 0)), []),
        ("-X", Gate("CNOT", (1, 0)), ["Z"]),
        ("+Y", Gate("CY", (1, 0)), []),
        ("-Z", Gate("CZ", (1, 0)), ["Z"]),
        ("-Z", Gate("Toffoli", (0, 1, 2)), ["CNOT"]),
        ("+Z", Gate("CSWAP", (0, 1, 2)), []),
        ("-Z", Gate("X", 1, controls=[0], control_values=[0]), []),
        ("+Z", Gate("X", 1, controls=[0], control_values=[0]), ["X"]),
        ("-Z", Gate("IsingZZ", (0, 1), 0.3), ["RZ"]),
        ("+Z", Gate("CRZ", (1, 0), 0.3), ["RZ", "GlobalPhase"]),
    ],
)
def test_gates_on_known_states_are_less(
    state: str, gate: Gate, left: Sequence[str]
) -> None:
    before = _state(state)
    circuit = Circuit(3, (*before, gate), fresh=frozenset({0}))
    new = run("disentangle-cnot", circuit)
    names = [each.name for each in new if isinstance(each, Gate)]
    assert names[len(before) :] == left
    assert_same(new, circuit)
    unknown = replace(circuit, fresh=frozenset())
    assert run("disentangle-cnot", unknown) is unknown


@pytest.mark.parametrize("state", ["+Z", "-Z", "+X", "-Y"])
def test_swaps_of_known_states_are_less(state: str) -> None:
    before, swap = _state(state), Gate("SWAP", (0, 1))
    one = Circuit(2, (*before, swap), fresh=frozenset({0}))
    new = run("disentangle-swap", one)
    assert (count(new), count(new, "SWAP")) == (2, 0)
    assert_same(new, one)
    both = replace(one, fresh=frozenset({0, 1}))
    new = run("disentangle-swap", both)
    assert count(new) == 0
    assert_same(new, both)
