"""Estimates from shots: eigenbases of observables, counts, shot vectors, masks."""

import warnings
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pennylane as qml
import pytest

import qjit as qj
from tests.support.oracle import random_unitary

each = pytest.mark.parametrize
SHOTS = 100_000


def hermitian(wires: int, seed: int) -> Any:
    """A random Hermitian matrix."""
    unitary = random_unitary(wires, seed)
    return unitary + unitary.conj().T


PAIR, SINGLE = hermitian(2, 1), hermitian(1, 2)


def prepare(angle: Any) -> None:
    """Entangle three wires."""
    qj.RX(angle, 0)
    qj.CNOT([0, 1])
    qj.RY(2 * angle, 1)
    qj.CRX(0.5, [1, 2])


OBSERVABLES: dict[str, Any] = {
    "matrix": lambda a: qj.Hermitian(a, [0, 1]),
    "product": lambda a: qj.Hermitian(a, [1, 0]) @ qj.Z(2),
    "sum": lambda a: qj.Hermitian(a, [1, 2]) + 0.3 * qj.Y(1) - 2.0 * qj.Z(0) + 0.7,
    "matrices": lambda a: qj.Hermitian(SINGLE, 2) @ qj.Hermitian(a, [0, 1]),
    "projector": lambda a: qj.Projector([1, 0], [0, 2]),
    "words": lambda a: qj.X(0) + 2 * qj.Z(0) @ qj.Z(1) - qj.Y(0) @ qj.Y(1) + qj.Z(2),
    "identity": lambda a: 2.5 * qj.I(0),
}


@each("traced", [False, True])
@each("statistic", [qj.expval, qj.var])
@each("name", OBSERVABLES)
def test_estimates_of_observables(name: str, statistic: Any, traced: bool) -> None:
    def body(angle: Any, matrix: Any) -> Any:
        prepare(angle)
        return statistic(OBSERVABLES[name](matrix if traced else PAIR))

    wanted = qj.qnode(wires=3)(body)(0.7, PAIR)
    found = qj.qnode(wires=3, shots=SHOTS, seed=1)(body)(0.7, PAIR)
    np.testing.assert_allclose(found, wanted, atol=0.1)


def test_results_of_one_shot_belong_together() -> None:
    @qj.qnode(wires=3, shots=500, seed=2)
    def circuit(matrix: Any) -> Any:
        prepare(1.1)
        product = qj.Hermitian(matrix, 0) @ qj.Z(1)
        return qj.sample(product), qj.sample([1]), qj.counts(qj.Z(1)), qj.probs([1])

    @qj.qnode(wires=3, shots=500, seed=2)
    def bases(matrix: Any) -> Any:
        prepare(1.1)
        return qj.sample(qj.Z(1)), qj.sample(op=qj.Hermitian(matrix, 0)), qj.sample([1])

    values, bits, (eigenvalues, counts), shares = map(
        lambda each: jax.tree.map(np.asarray, each), circuit(SINGLE)
    )
    np.testing.assert_allclose(eigenvalues, [-1, 1])
    np.testing.assert_array_equal(counts, [bits.sum(), 500 - bits.sum()])
    np.testing.assert_allclose(shares[1], bits.mean())
    spectrum = np.linalg.eigvalsh(SINGLE)
    assert np.all(np.min(np.abs(np.abs(values)[:, None] - np.abs(spectrum)), 1) < 1e-9)
    signs, own, raw = map(np.asarray, bases(SINGLE))
    np.testing.assert_array_equal(signs, 1 - 2 * raw[:, 0])
    assert np.all(np.min(np.abs(own[:, None] - spectrum), 1) < 1e-9)


@each(
    "op",
    [
        lambda: qj.X(0) @ qj.Y(1),
        lambda: qj.Hermitian(PAIR, [2, 0]),
        lambda: qj.X(0) + qj.Z(0),
    ],
)
def test_distributions_in_eigenbases(op: Any) -> None:
    def mean() -> Any:
        prepare(0.7)
        return qj.expval(op())

    def counts() -> Any:
        prepare(0.7)
        return qj.counts(op=op(), all_outcomes=True), qj.probs(op=op())

    def exact() -> Any:
        prepare(0.7)
        return qj.probs(op=op())

    chances = np.asarray(qj.qnode(wires=3)(exact)())
    drawn = qj.qnode(wires=3, shots=SHOTS, seed=3)(counts)
    (values, found), shares = jax.tree.map(np.asarray, drawn())
    np.testing.assert_allclose(chances.sum(), 1.0)
    np.testing.assert_allclose(shares, chances, atol=0.01)
    assert found.sum() == SHOTS and np.all(np.diff(values) > 0)
    wanted = qj.qnode(wires=3)(mean)()
    np.testing.assert_allclose(values @ found / SHOTS, wanted, atol=0.05)


ORDERED: list[Callable[[Any], Any]] = [
    lambda q: q.X(1) @ q.Z(0),
    lambda q: q.Hadamard(0),
    lambda q: q.Z(2) @ q.Hadamard(0),
    lambda q: q.Hadamard(1) @ q.Hadamard(0),
    lambda q: -2.0 * (q.I(0) @ q.Z(1)),
    lambda q: q.Hermitian(SINGLE, 2) @ q.Y(0),
    lambda q: q.Y(1) @ q.Hermitian(PAIR, [2, 0]),
    lambda q: q.Projector([1, 0], [2, 0]),
    lambda q: q.Projector([1], [0]) @ q.Z(1),
    lambda q: q.Projector(np.array([0.6, 0.8j]), [1]),
]


@each("number", range(len(ORDERED)))
def test_outcomes_of_products_are_in_the_order_of_pennylane(number: int) -> None:
    """Exact, and from shots, whose eigenvalues belong to them."""
    op = ORDERED[number]

    def theirs() -> Any:
        qml.RX(0.7, 0)
        qml.CNOT([0, 1])
        qml.RY(1.4, 1)
        qml.CRX(0.5, [1, 2])
        return qml.probs(op=op(qml))

    def ours() -> Any:
        prepare(0.7)
        return qj.probs(op=op(qj))

    def all_of_them() -> Any:
        prepare(0.7)
        found = op(qj)
        return (
            qj.sample(op=found),
            qj.expval(op(qj)),
            qj.var(op(qj)),
            qj.probs(op=found),
        )

    with warnings.catch_warnings(action="ignore"):
        wanted = qml.QNode(theirs, qml.device("default.qubit", wires=3))()
    np.testing.assert_allclose(qj.qnode(wires=3)(ours)(), wanted, atol=1e-6)
    drawn = qj.qnode(wires=3, shots=20_000, seed=6)(all_of_them)
    values, mean, variance, shares = jax.tree.map(np.asarray, drawn())
    np.testing.assert_allclose(shares, wanted, atol=0.02)
    # Equal observables are measured in the same shots.
    np.testing.assert_allclose(
        [mean, variance], [values.mean(), values.var()], rtol=1e-4
    )


def test_a_traced_matrix_on_several_wires() -> None:
    def body(matrix: Any) -> Any:
        prepare(0.7)
        return qj.expval(qj.Hermitian(matrix, 0) @ qj.Hermitian(matrix, 2))

    wanted = qj.qnode(wires=3)(body)(SINGLE)
    found = qj.qnode(wires=3, shots=SHOTS, seed=7)(body)(SINGLE)
    np.testing.assert_allclose(found, wanted, atol=0.05)


def test_statistics_have_their_dtypes_without_wide_types() -> None:
    with jax.enable_x64(False):

        @qj.qjit
        @qj.qnode(wires=2, shots=400, seed=2)
        def circuit() -> Any:
            qj.H(0)
            qj.CNOT([0, 1])
            return qj.counts(), qj.probs(), qj.expval(qj.Z(1)), qj.sample()

        (_, counts), probs, mean, rows = circuit()
    assert [each.dtype.name for each in (counts, probs, mean, rows)] == [
        *("int32", "float32", "float32", "int32"),
    ]
    expected = np.bincount(np.asarray(rows) @ [2, 1], minlength=4)
    assert counts.tolist() == expected.tolist()
    np.testing.assert_allclose(probs, expected / 400, rtol=1e-6)
    np.testing.assert_allclose(mean, (expected[0] - expected[3]) / 400, rtol=1e-5)


def test_counts_without_rows_have_their_dtype_without_wide_types() -> None:
    with jax.enable_x64(False):

        @qj.qjit
        @qj.qnode(wires=2, shots=400, seed=2)
        def circuit() -> Any:
            qj.H(0)
            qj.CNOT([0, 1])
            return qj.counts()

        _, counts = circuit()
    assert counts.dtype == np.int32
    assert counts.sum() == 400
    assert counts[1:3].tolist() == [0, 0]


def test_counts_follow_the_probabilities() -> None:
    def body(measure: Any) -> Any:
        def circuit() -> Any:
            prepare(0.7)
            return measure([2, 0])

        return circuit

    chances = np.asarray(qj.qnode(wires=3)(body(qj.probs))())
    run = qj.qnode(wires=3, shots=2000, seed=4)(body(qj.counts))
    counts = np.asarray(jax.vmap(lambda _: run()[1])(jnp.arange(400)))
    assert np.all(counts.sum(axis=1) == 2000)
    np.testing.assert_allclose(counts.mean(axis=0), 2000 * chances, atol=15)
    spread = np.cov(counts.T)
    wanted = 2000 * (np.diag(chances) - np.outer(chances, chances))
    np.testing.assert_allclose(spread, wanted, atol=0.3 * wanted.max())


def test_shot_vectors() -> None:
    @qj.qnode(wires=2, shots=[10, 100, (5, 3)], seed=5)
    def circuit(angle: Any) -> Any:
        qj.RX(angle, 0)
        return qj.sample([0]), qj.expval(qj.Z(1))

    for run in (circuit, qj.qjit(circuit)):
        found = run(1.0)
        assert [bits.shape for bits, _ in found] == [(n, 1) for n in (10, 100, 5, 5, 5)]
    assert circuit(1.0, shots=7)[0].shape == (7, 1)
    assert qj.set_shots(circuit, 3)(1.0)[0].shape == (3, 1)
    assert qj.set_shots(shots=[4])(circuit)(1.0)[0].shape == (4, 1)
    mean = qj.qnode(wires=1, shots=9)(lambda a: (qj.RX(a, 0), qj.expval(qj.Z(0)))[1])
    assert mean(1.0, shots=None) == pytest.approx(np.cos(1.0))


@each("mode", ["hw-like", "pad-invalid-samples"])
def test_shots_that_do_not_meet_a_postselection_are_masked(mode: str) -> None:
    def body(angle: Any) -> Any:
        qj.RY(angle, 0)
        first = qj.measure(0)
        qj.RY(angle * (1 + first), 1)
        qj.measure(1, postselect=1)
        return first

    @qj.qnode(wires=2, shots=20_000, seed=6, postselect_mode=mode)
    def circuit(angle: Any) -> Any:
        first = body(angle)
        values = qj.sample(qj.Z(0)), qj.counts(), qj.counts([first])
        return qj.sample([0]), qj.expval(1.0 * first), *values

    @qj.qnode(wires=2)
    def exact(angle: Any) -> Any:
        return qj.expval(1.0 * body(angle))

    bits, mean, values, (_, joint), (_, own) = circuit(0.9)
    valid = np.asarray(bits)[:, 0] >= 0
    one = np.sin(0.45) ** 2
    share = (1 - one) * np.sin(0.45) ** 2 + one * np.sin(0.9) ** 2
    assert abs(valid.mean() - share) < 0.02
    np.testing.assert_allclose(mean, exact(0.9), atol=0.03)
    np.testing.assert_allclose(mean, np.asarray(bits)[valid].mean())
    assert np.all(np.isnan(values) == ~valid)
    assert joint.sum() == own.sum() == valid.sum()


def test_derivatives_of_estimates_in_eigenbases() -> None:
    def energy(**options: Any) -> Any:
        @qj.qnode(wires=3, **options)
        def circuit(angle: Any, scale: Any) -> Any:
            prepare(angle)
            return qj.expval(scale * qj.Hermitian(PAIR, [0, 1]) + qj.X(2))

        return jax.grad(circuit, argnums=(0, 1))

    wanted = energy()(0.7, 1.3)
    for method in ("parameter-shift", "hadamard"):
        found = energy(shots=SHOTS, seed=7, diff_method=method)(0.7, 1.3)
        np.testing.assert_allclose(found, wanted, atol=0.1)

    @qj.qnode(wires=1, shots=100)
    def of_matrix(scale: Any) -> Any:
        qj.H(0)
        return qj.expval(qj.Hermitian(scale * SINGLE, 0))

    with pytest.raises(qj.errors.DifferentiationError):
        jax.grad(of_matrix)(1.0)
