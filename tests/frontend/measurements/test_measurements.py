"""What quantum functions return: statistics, states, samples, measured outcomes."""

from collections.abc import Callable
from functools import reduce
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import chi2

import qjit as qj
from qjit.dialects.gates.record import PAULIS
from qjit.lowering.jax_internals.equations import enable_x64
from tests.support.oracle import embed, random_state, random_unitary, reduced

WIRES = 4
START = random_state(WIRES, seed=11)
HADAMARD = (PAULIS["X"] + PAULIS["Z"]) / np.sqrt(2)
TOLERANCE = {"complex64": 2e-6, "complex128": 1e-12}

each = pytest.mark.parametrize


def hermitian(num_wires: int, seed: int) -> Any:
    """A random Hermitian matrix."""
    unitary = random_unitary(num_wires, seed)
    return unitary + unitary.conj().T


def on(wire: int, matrix: Any) -> Any:
    """The matrix of an operator on one wire."""
    return embed(matrix, [wire], WIRES)


X, Y, Z, H = (
    [on(w, m) for w in range(WIRES)] for m in (*list(PAULIS.values())[1:], HADAMARD)
)
ONE = np.eye(2**WIRES)
PAIR = hermitian(2, seed=1)
VECTOR = random_state(2, seed=2)
COEFFICIENTS = np.array([0.3, -1.2, 0.7])

OBSERVABLES: dict[str, tuple[Callable[[], Any], Any]] = {
    "X": (lambda: qj.X(1), X[1]),
    "Y": (lambda: qj.Y(2), Y[2]),
    "Z": (lambda: qj.PauliZ(wires=3), Z[3]),
    "I": (lambda: qj.I(0), ONE),
    "H": (lambda: qj.Hadamard(2), H[2]),
    "word": (lambda: qj.X(0) @ qj.Y(3) @ qj.Z(1), X[0] @ Y[3] @ Z[1]),
    "sum": (lambda: qj.X(0) + 0.5 * qj.Z(1) - qj.Y(2) / 4, X[0] + Z[1] / 2 - Y[2] / 4),
    "shifted": (lambda: 2 - qj.X(0) + 1, 3 * ONE - X[0]),
    "negated": (lambda: -qj.X(0) - 0.5, -X[0] - ONE / 2),
    "same_wire": (lambda: qj.X(0) @ qj.X(0) + qj.Z(1), ONE + Z[1]),
    "imaginary": (lambda: qj.X(0) @ qj.Y(0) @ qj.Z(0) * -1j, ONE),
    "expanded": (
        lambda: (qj.X(0) + qj.Z(1)) @ (qj.Y(2) - 0.5 * qj.I(3)),
        (X[0] + Z[1]) @ (Y[2] - ONE / 2),
    ),
    "hadamards": (lambda: qj.H(0) @ qj.H(2) + qj.H(1), H[0] @ H[2] + H[1]),
    "hermitian": (
        lambda: qj.Hermitian(PAIR, wires=[2, 0]),
        embed(PAIR, [2, 0], WIRES),
    ),
    "hermitian_product": (
        lambda: qj.Hermitian(PAIR, wires=[3, 1]) @ qj.X(0) - 0.3 * qj.Z(2),
        embed(PAIR, [3, 1], WIRES) @ X[0] - 0.3 * Z[2],
    ),
    "two_hermitians": (
        lambda: qj.Hermitian(PAIR, wires=[3, 1]) @ qj.Hermitian(HADAMARD, wires=0),
        embed(PAIR, [3, 1], WIRES) @ H[0],
    ),
    "sum_of_hermitians": (
        lambda: 0.5 * qj.Hermitian(PAIR, [0, 1]) + qj.Hermitian(PAIR, [1, 2]) * 2,
        embed(PAIR, [0, 1], WIRES) / 2 + 2 * embed(PAIR, [1, 2], WIRES),
    ),
    "basis_projector": (
        lambda: qj.Projector([1, 0, 1], wires=[0, 3, 2]),
        embed(np.diag(np.eye(8)[5]), [0, 3, 2], WIRES),
    ),
    "one_wire_projector": (lambda: qj.Projector([1], wires=[2]), (ONE - Z[2]) / 2),
    "two_wire_projector": (
        lambda: qj.Projector([0, 1], wires=[2, 1]),
        embed(np.diag([0, 1, 0, 0]), [2, 1], WIRES),
    ),
    "state_projector": (
        lambda: qj.Projector(VECTOR, wires=[1, 3]),
        embed(np.outer(VECTOR, VECTOR.conj()), [1, 3], WIRES),
    ),
    "hamiltonian": (
        lambda: qj.Hamiltonian(COEFFICIENTS, [qj.X(0), qj.Z(1) @ qj.Y(2), qj.I(0)]),
        0.3 * X[0] - 1.2 * Z[1] @ Y[2] + 0.7 * ONE,
    ),
    "hamiltonian_of_sums": (
        lambda: qj.Hamiltonian(
            [0.5, 2.0], [qj.X(0) + qj.Z(0), qj.Hermitian(PAIR, [2, 3])]
        ),
        (X[0] + Z[0]) / 2 + 2 * embed(PAIR, [2, 3], WIRES),
    ),
    "pauli_sum": (
        lambda: qj.pauli_sum([0.5, -1.0], ["XIYZ", "IIII"]),
        X[0] @ Y[2] @ Z[3] / 2 - ONE,
    ),
}


def measured(measure: Callable[[], Any], **options: Any) -> Callable[..., Any]:
    """A quantum function that measures the random state."""

    @qj.qnode(wires=WIRES, **options)
    def circuit(state: Any) -> Any:
        qj.StatePrep(state, wires=range(WIRES))
        return measure()

    return circuit


@each("dtype", TOLERANCE)
@each("name", OBSERVABLES)
def test_expectation_and_variance(name: str, dtype: str) -> None:
    observable, matrix = OBSERVABLES[name]
    circuit = measured(
        lambda: (qj.expval(observable()), qj.var(observable())), dtype=dtype
    )
    mean = np.vdot(START, matrix @ START).real
    variance = np.vdot(START, matrix @ matrix @ START).real - mean**2
    expval, var = circuit(START)
    assert expval.dtype == var.dtype == np.dtype(dtype).type(0).real.dtype
    np.testing.assert_allclose(expval, mean, atol=10 * TOLERANCE[dtype])
    np.testing.assert_allclose(var, variance, atol=30 * TOLERANCE[dtype])


def test_an_observable_leaves_no_gate_behind() -> None:
    def measure() -> Any:
        first = qj.expval(qj.X(0) @ qj.Y(1))
        return first, qj.expval(2.0 * qj.H(0)), qj.expval(qj.X(0) @ qj.Y(1))

    first, second, third = measured(measure)(START)
    np.testing.assert_allclose(first, third)
    np.testing.assert_allclose(second, 2 * np.vdot(START, H[0] @ START).real)


def test_observables_may_depend_on_arguments() -> None:
    @qj.qnode(wires=WIRES)
    def circuit(state: Any, coefficients: Any, matrix: Any) -> Any:
        qj.StatePrep(state, wires=range(WIRES))
        words = [qj.X(0), qj.Z(1) @ qj.Y(2), qj.I(0)]
        return (
            qj.expval(qj.Hamiltonian(coefficients, words)),
            qj.expval(qj.Hermitian(matrix, wires=[1, 2]) * coefficients[0]),
        )

    found = qj.qjit(circuit)(START, COEFFICIENTS, PAIR)
    matrices = (OBSERVABLES["hamiltonian"][1], 0.3 * embed(PAIR, [1, 2], WIRES))
    wanted = [np.vdot(START, m @ START).real for m in matrices]
    np.testing.assert_allclose(found, wanted, atol=1e-12)


def test_unmeasurable_observables_are_refused() -> None:
    for bad in (
        lambda: qj.expval(1j * qj.X(0)),
        lambda: qj.expval(qj.S(0) @ qj.X(1)),
        lambda: qj.expval(qj.Hermitian([[0, 1], [0, 0]], wires=0)),
        lambda: qj.expval(qj.Hermitian(HADAMARD, wires=0) @ qj.X(0)),
        lambda: qj.expval(3.0),
        lambda: qj.sample(),
    ):
        with pytest.raises(qj.errors.QJitError, match=r"test_measurements\.py:\d+"):
            measured(bad)(START)


def entropy(rho: Any) -> float:
    """The von Neumann entropy in nats."""
    values = np.linalg.eigvalsh(rho)
    values = values[values > 1e-14]
    return float(-np.sum(values * np.log(values)))


@each("dtype", TOLERANCE)
@each("wires", [None, [0], [2, 0], [3, 1, 2], [1, 0, 3, 2]])
def test_probabilities_and_states(wires: list[int] | None, dtype: str) -> None:
    circuit = measured(
        lambda: (qj.probs(wires), qj.density_matrix(wires), qj.state()), dtype=dtype
    )
    probs, rho, state = circuit(START)
    expected = reduced(START, wires or range(WIRES), WIRES)
    np.testing.assert_allclose(probs, np.real(np.diag(expected)), atol=TOLERANCE[dtype])
    np.testing.assert_allclose(rho, expected, atol=TOLERANCE[dtype])
    np.testing.assert_allclose(state, START, atol=TOLERANCE[dtype])
    assert rho.dtype == state.dtype == dtype


def test_entropies() -> None:
    circuit = measured(
        lambda: {
            "purity": qj.purity([0, 2]),
            "entropy": qj.vn_entropy([3, 1]),
            "bits": qj.vn_entropy(0, log_base=2),
            "whole": qj.vn_entropy(range(WIRES)),
            "mutual": qj.mutual_info([0], [2, 3]),
        }
    )
    rho = {
        k: reduced(START, k, WIRES) for k in [(0, 2), (3, 1), (0,), (2, 3), (0, 2, 3)]
    }
    wanted = {
        "purity": np.trace(rho[0, 2] @ rho[0, 2]).real,
        "entropy": entropy(rho[3, 1]),
        "bits": entropy(rho[0,]) / np.log(2),
        "whole": 0.0,
        "mutual": entropy(rho[0,]) + entropy(rho[2, 3]) - entropy(rho[0, 2, 3]),
    }
    for run in (circuit, qj.qjit(circuit), jax.jit(circuit)):
        found = run(START)
        assert found.keys() == wanted.keys()
        for name, value in wanted.items():
            np.testing.assert_allclose(found[name], value, atol=1e-10)


SHOTS = 20_000


def assert_drawn_from(counts: Any, probabilities: Any) -> None:
    """Check counts by a chi-square test that a right sampler fails once in 10^6."""
    expected = np.sum(counts) * np.asarray(probabilities)
    likely = expected > 5
    statistic = np.sum((counts - expected)[likely] ** 2 / expected[likely])
    assert statistic < chi2.ppf(1 - 1e-6, likely.sum() - 1)
    assert np.sum(np.asarray(counts)[expected == 0]) == 0


@each("dtype", TOLERANCE)
@each("wires", [None, [2], [3, 0, 1]])
def test_samples_follow_the_probabilities(wires: list[int] | None, dtype: str) -> None:
    options: dict[str, Any] = {"shots": SHOTS, "seed": 42, "dtype": dtype}
    bits = np.asarray(measured(lambda: qj.sample(wires), **options)(START))
    states, counts = measured(lambda: qj.counts(wires), **options)(START)
    width = len(wires or range(WIRES))
    assert bits.shape == (SHOTS, width)
    assert set(np.unique(bits)) == {0, 1}
    np.testing.assert_array_equal(states, range(2**width))
    wanted = np.real(np.diag(reduced(START, wires or range(WIRES), WIRES)))
    index = bits @ (1 << np.arange(width)[::-1])
    assert_drawn_from(np.bincount(index, minlength=2**width), wanted)
    assert_drawn_from(counts, wanted)


def test_seeds() -> None:
    def run(**options: Any) -> Any:
        return np.asarray(measured(qj.sample, shots=200, **options)(START))

    np.testing.assert_array_equal(run(seed=1), run(seed=1))
    assert np.any(run(seed=1) != run(seed=2))
    assert np.any(run() != run())
    circuit = measured(qj.sample, shots=200)
    assert np.any(np.asarray(circuit(START)) != np.asarray(circuit(START)))
    first, second = (np.asarray(qj.qjit(circuit, seed=3)(START)) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_two_circuits_of_one_program_draw_separately() -> None:
    circuit = measured(qj.sample, shots=200)
    first, second = qj.qjit(lambda s: (circuit(s), circuit(s)), seed=5)(START)
    assert np.any(np.asarray(first) != np.asarray(second))


KRAUS = [np.diag([1.0, 0.0]), np.diag([0.0, 1.0])]


def mixed(operators: list[Any], rho: Any) -> Any:
    """The density matrix after a measurement whose outcome is forgotten."""
    return reduce(np.add, [k @ rho @ k.conj().T for k in operators])


def test_measuring_mid_circuit_averages_over_outcomes() -> None:
    @qj.qnode(wires=WIRES)
    def circuit(state: Any) -> Any:
        qj.StatePrep(state, wires=range(WIRES))
        first = qj.measure(1)
        jax.lax.cond(first, lambda: gate(qj.X, 2), lambda: gate(qj.H, 3))
        second = qj.measure(wires=3, reset=True)
        qj.RX(0.3 + 0.9 * (first & second), wires=0)
        qj.reset(2)
        return qj.density_matrix(), qj.probs([0, 1]), qj.expval(qj.Y(0) @ qj.Z(1))

    pure, rho = np.outer(START, START.conj()), np.zeros_like(ONE, complex)
    for first, matrix in enumerate((H[3], X[2])):
        one = matrix @ on(1, KRAUS[first])
        for second in (0, 1):
            lower = np.outer([1, 0], np.eye(2)[second])
            angle = 0.3 + 0.9 * (first & second)
            turn = np.cos(angle / 2) * ONE - 1j * np.sin(angle / 2) * X[0]
            for third in (0, 1):
                whole = on(2, np.outer([1, 0], np.eye(2)[third])) @ turn
                rho += mixed([whole @ on(3, lower) @ one], pure)
    for run in (circuit, qj.qjit(circuit)):
        density, probs, expval = run(START)
        np.testing.assert_allclose(density, rho, atol=1e-12)
        diagonal = np.real(np.diag(rho)).reshape(4, 4).sum(axis=1)
        np.testing.assert_allclose(probs, diagonal, atol=1e-12)
        wanted = np.trace(Y[0] @ Z[1] @ rho).real
        np.testing.assert_allclose(expval, wanted, atol=1e-12)


def gate(function: Any, wire: Any) -> None:
    """Apply a gate in a branch, which returns nothing."""
    function(wires=wire)


@each("outcome", [0, 1])
def test_postselection_keeps_one_outcome(outcome: int) -> None:
    def measure() -> Any:
        qj.measure(2, postselect=outcome)
        qj.RX(0.4, wires=2)
        return qj.density_matrix(), qj.expval(qj.Z(0))

    kept = on(2, KRAUS[outcome]) @ START
    kept = (np.cos(0.2) * ONE - 1j * np.sin(0.2) * X[2]) @ kept / np.linalg.norm(kept)
    density, expval = measured(measure)(START)
    np.testing.assert_allclose(density, np.outer(kept, kept.conj()), atol=1e-12)
    np.testing.assert_allclose(expval, np.vdot(kept, Z[0] @ kept).real, atol=1e-12)


def test_impossible_postselection() -> None:
    @qj.qnode(wires=1)
    def circuit() -> Any:
        qj.measure(0, postselect=1)
        return qj.expval(qj.Z(0))

    with pytest.raises(qj.errors.PostselectionError, match=r"test_measurements\.py"):
        circuit()


def test_measuring_mid_circuit_with_shots() -> None:
    @qj.qnode(wires=3, shots=SHOTS, seed=9)
    def circuit(wires: Any) -> Any:
        qj.RY(1.1, wires=wires[0])
        outcome = qj.measure(wires[0])
        qj.RX(0.5 + 1.5 * outcome, wires=wires[1])
        qj.measure(wires[0], reset=True)
        return qj.counts([0, 1])

    _, counts = circuit(jnp.array([0, 1]))
    one = np.sin(0.55) ** 2
    flipped = (1 - one) * np.sin(0.25) ** 2 + one * np.sin(1.0) ** 2
    assert_drawn_from(counts, [1 - flipped, flipped, 0, 0])


def test_teleportation() -> None:
    @qj.qnode(wires=3)
    def circuit(state: Any) -> Any:
        qj.StatePrep(state, wires=[0])
        qj.H(1)
        qj.CNOT(wires=[1, 2])
        qj.CNOT(wires=[0, 1])
        qj.H(0)
        phase, flip = qj.measure(0), qj.measure(1)
        jax.lax.cond(flip, lambda: gate(qj.X, 2), lambda: None)
        jax.lax.cond(phase, lambda: gate(qj.Z, 2), lambda: None)
        return qj.density_matrix([2])

    state = random_state(1, seed=8)
    wanted = np.outer(state, state.conj())
    np.testing.assert_allclose(circuit(state), wanted, atol=1e-12)


def test_results_keep_their_structure() -> None:
    circuit = measured(lambda: {"a": (qj.expval(qj.Z(0)), 2.0), "b": [qj.probs([1])]})
    found = circuit(START)
    assert jax.tree.structure(found) == jax.tree.structure({"a": (0, 0), "b": [0]})
    assert found["b"][0].shape == (2,)
    batch = jax.vmap(circuit)(jnp.stack([START, START[::-1]]))
    np.testing.assert_allclose(batch["a"][0][0], found["a"][0], atol=1e-12)


def test_shots_in_32_bits() -> None:
    with enable_x64(False):

        @qj.qnode(wires=2, shots=20)
        def circuit(x: Any) -> Any:
            qj.RX(x, wires=0)
            return qj.expval(1.5 * qj.Z(0)), qj.probs([1]), qj.sample([0])

        mean, shares, rows = qj.qjit(circuit)(jnp.float32(np.pi))
        assert mean.dtype == np.float32 and rows.dtype == np.int32
        np.testing.assert_allclose(mean, -1.5)
        np.testing.assert_allclose(shares, [1.0, 0.0])
        assert np.all(np.asarray(rows) == 1)
