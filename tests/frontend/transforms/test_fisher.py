"""Metric tensors, Fisher information and natural gradients."""

from typing import Any

import jax
import jax.flatten_util
import jax.numpy as jnp
import numpy as np
import pennylane as qml
import pytest

import qjit as qj

X = jnp.array([0.3, 0.8, 0.5])


def gates(m: Any, x: Any) -> None:
    m.RY(x[0], wires=0)
    m.CRX(x[1], wires=[0, 1])
    m.RZ(x[0] * x[2], wires=1)
    m.IsingXY(x[2], wires=[1, 2])
    m.RX(x[1], wires=2)


@qj.qnode(wires=3)
def energy(x: Any) -> Any:
    gates(qj, x)
    return qj.expval(qj.Z(0) @ qj.X(2))


@qj.qnode(wires=3)
def distribution(x: Any) -> Any:
    gates(qj, x)
    return qj.probs([0, 2])


@qj.qnode(wires=3)
def amplitudes(x: Any) -> Any:
    gates(qj, x)
    return qj.state()


def distance(x: Any, y: Any) -> Any:
    """One less the fidelity, whose second derivatives are twice the metric."""
    return 1 - jnp.abs(jnp.vdot(amplitudes(x), amplitudes(y))) ** 2


def test_metric_is_the_curvature_of_the_fidelity() -> None:
    step, count = 1e-4, len(X)
    units = step * np.eye(count)
    shifted = [[u + v for v in units] for u in units]
    alone = np.array([distance(X, X + u) for u in units]) / step**2
    both = np.array([[distance(X, X + d) for d in row] for row in shifted]) / step**2
    wanted = (both - alone[:, None] - alone[None, :]) / 2
    np.testing.assert_allclose(qj.metric_tensor(energy)(X), wanted, atol=1e-5)


def test_pennylane() -> None:
    @qml.qnode(qml.device("default.qubit", wires=3), diff_method="backprop")
    def theirs(x: Any) -> Any:
        gates(qml, x)
        return qml.state()

    psi, moves = theirs(X), jax.jacfwd(theirs)(X)
    inner = jnp.conj(moves).T @ moves
    along = jnp.conj(moves).T @ psi
    wanted = 4 * jnp.real(inner - jnp.outer(along, along.conj()))
    np.testing.assert_allclose(qj.quantum_fisher(energy)(X), wanted, atol=1e-11)

    @qml.qnode(qml.device("default.qubit", wires=3), diff_method="backprop")
    def their_distribution(x: Any) -> Any:
        gates(qml, x)
        return qml.probs([0, 2])

    chances, slopes = their_distribution(X), jax.jacobian(their_distribution)(X)
    wanted = jnp.einsum("xi,xj,x->ij", slopes, slopes, 1 / chances)
    found = qj.qjit(qj.classical_fisher(distribution))(X)
    np.testing.assert_allclose(found, wanted, atol=1e-10)


def test_the_quantum_information_bounds_the_classical() -> None:
    gap = qj.quantum_fisher(distribution)(X) - qj.classical_fisher(distribution)(X)
    assert np.linalg.eigvalsh(gap).min() > -1e-12


def test_impossible_outcomes_do_not_count() -> None:
    @qj.qnode(wires=2)
    def circuit(x: Any) -> Any:
        qj.RX(x, wires=0)
        return qj.probs()

    np.testing.assert_allclose(qj.classical_fisher(circuit)(0.3), 1.0, atol=1e-12)


@qj.qnode(wires=2)
def of_two(a: Any, b: Any) -> Any:
    qj.RX(a["x"], wires=0)
    qj.RY(a["y"][0], wires=1)
    qj.CNOT(wires=[0, 1])
    qj.RZ(b[0], wires=1)
    qj.RY(b[1] + a["y"][1], wires=0)
    return qj.expval(qj.Z(0) + qj.X(1))


TWO = ({"x": jnp.array(0.3), "y": jnp.array([0.4, 0.9])}, jnp.array([0.2, 0.7]))
flat, rebuild = jax.flatten_util.ravel_pytree(TWO)


@qj.qnode(wires=2)
def of_one(flat: Any) -> Any:
    return of_two.function(*rebuild(flat))


@pytest.mark.parametrize("approx", ["block-diag", "diag"])
def test_blocks_of_pytrees(approx: str) -> None:
    found = qj.metric_tensor(of_two, (0, 1), approx)(*TWO)
    shapes = jax.eval_shape(jax.hessian(of_two, (0, 1)), *TWO)
    assert jax.tree.map(jnp.shape, found) == jax.tree.map(lambda s: s.shape, shapes)
    whole = np.array(qj.metric_tensor(of_one)(flat))
    blocks = np.repeat([0, 1, 2], [1, 2, 2])
    if approx == "diag":
        whole *= np.eye(len(flat))
    else:
        whole *= blocks[:, None] == blocks[None, :]
    leaves = jax.tree.leaves(found)
    sizes = [1, 2, 2]
    table = [
        np.concatenate(
            [np.reshape(leaves[3 * i + j], (sizes[i], sizes[j])) for j in range(3)], 1
        )
        for i in range(3)
    ]
    np.testing.assert_allclose(np.concatenate(table), whole, atol=1e-12)


def test_natural_gradients_descend_faster() -> None:
    """Where the plain gradient is flat; both train inside one program."""

    @qj.qnode(wires=2)
    def loss(x: Any) -> Any:
        qj.RY(x[0], wires=0)
        qj.RZ(x[1], wires=0)
        qj.CNOT(wires=[0, 1])
        qj.RY(0.2 * x[2], wires=1)
        return qj.expval(qj.Z(0) @ qj.Z(1) + qj.Z(0))

    def train(direction: Any) -> float:
        def step(_: Any, x: Any) -> Any:
            return x - 0.05 * direction(x)

        start = jnp.array([0.2, 0.1, 0.3])
        fit = qj.qjit(lambda x: loss(jax.lax.fori_loop(0, 60, step, x)))
        return float(fit(start))

    natural = train(qj.natural_gradient(loss, regularisation=1e-4))
    assert natural < train(jax.grad(loss)) - 0.1


def test_natural_gradient_solves_the_metric() -> None:
    found = qj.natural_gradient(of_two, (0, 1), regularisation=0.1)(*TWO)
    metric = qj.metric_tensor(of_one)(flat) + 0.1 * jnp.eye(len(flat))
    wanted = jnp.linalg.solve(metric, jax.grad(of_one)(flat))
    np.testing.assert_allclose(
        jax.flatten_util.ravel_pytree(found)[0], wanted, atol=1e-10
    )


def test_mistakes() -> None:
    with pytest.raises(qj.errors.ArgumentError, match=r"test_fisher\.py:\d+"):
        qj.metric_tensor(lambda x: x)  # pyright: ignore[reportArgumentType]
    with pytest.raises(qj.errors.ParameterError, match="'blocks'"):
        qj.metric_tensor(energy, approx="blocks")
