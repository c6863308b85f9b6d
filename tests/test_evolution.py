"""Evolution under a Hamiltonian, and its derivatives by every method."""

from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg
from hypothesis import given, settings
from hypothesis import strategies as st

import qjit as qj

from .oracle import derivative, jacobian

PAULIS = {
    "I": np.eye(2),
    "X": np.array([[0, 1], [1, 0]]),
    "Y": np.array([[0, -1j], [1j, 0]]),
    "Z": np.diag([1, -1]),
}


def dense(coefficients: Any, words: list[str]) -> np.ndarray:
    """Return the matrix of a sum of Pauli words."""
    total = np.zeros((2 ** len(words[0]),) * 2, complex)
    for coefficient, word in zip(coefficients, words, strict=True):
        product = np.eye(1)
        for letter in word:
            product = np.kron(product, PAULIS[letter])
        total += coefficient * product
    return total


@given(
    words=st.lists(st.text("IXYZ", min_size=3, max_size=3), min_size=1, max_size=4),
    time=st.floats(-3, 3),
    seed=st.integers(0, 2**32 - 1),
)
@settings(deadline=None, max_examples=10, derandomize=True)
def test_evolution_of_any_sum_of_words(
    words: list[str], time: float, seed: int
) -> None:
    words = [*words, "XXX"]
    coefficients = np.random.default_rng(seed).normal(size=len(words))

    @qj.qnode(wires=4)
    def circuit(coefficients: Any, time: Any) -> Any:
        terms = [qj.pauli_sum(np.ones(1), ["I" + word]) for word in words]
        qj.evolve(qj.Hamiltonian(coefficients, terms), time)
        return qj.state()

    wanted = scipy.linalg.expm(-1j * time * dense(coefficients, words))[:, 0]
    found = np.asarray(circuit(coefficients, time))
    np.testing.assert_allclose(found[:8], wanted, atol=1e-10)


def test_controlled_inverted_and_with_matrices() -> None:
    matrix = np.array([[0.4, 0.2j], [-0.2j, -1.0]])

    @qj.qnode(wires=3)
    def circuit(weight: Any) -> Any:
        for wire in range(3):
            qj.RY(0.4 + wire, wires=wire)
        before = qj.evolve(weight * qj.Hermitian(matrix, 2) @ qj.X(1) + 0.3, 0.7)
        qj.ctrl(before, control=0, control_values=0)
        qj.adjoint(qj.evolve(weight * qj.Y(0) - qj.Z(2), 0.9))
        return qj.state()

    def factor(angle: float) -> Any:
        return np.array([np.cos(angle / 2), np.sin(angle / 2)])

    psi = np.kron(np.kron(factor(0.4), factor(1.4)), factor(2.4)).astype(complex)
    first = 1.3 * np.kron(PAULIS["X"], matrix) + 0.3 * np.eye(4)
    block = scipy.linalg.expm(-0.7j * first)
    psi = scipy.linalg.block_diag(block, np.eye(4)) @ psi
    second = dense([1.3, -1.0], ["YI", "IZ"]).reshape(2, 2, 2, 2)
    whole = np.einsum("abcd,ef->aebcfd", second, np.eye(2)).reshape(8, 8)
    psi = scipy.linalg.expm(0.9j * whole) @ psi
    np.testing.assert_allclose(circuit(1.3), psi, atol=1e-12)


def quench(method: str, shots: int | None = None) -> Any:
    @qj.qnode(wires=2, diff_method=method, shots=shots)
    def circuit(x: Any) -> Any:
        qj.RX(x[0], wires=0)
        terms = [qj.Z(0) @ qj.Z(1), qj.X(0), qj.Y(1)]
        held = qj.evolve(qj.Hamiltonian([x[0], x[1], 0.3], terms), x[2])
        qj.ctrl(qj.adjoint(qj.RX), control=1)(x[0], wires=0)
        qj.adjoint(held)
        qj.RY(x[1], wires=1)
        return qj.expval(qj.Z(0) @ qj.X(1)), qj.var(qj.Y(1)), qj.probs([0])

    return circuit


X = np.array([0.3, 0.5, 0.7])


@cache
def wanted_slopes() -> Any:
    """Differences of all results, one after another."""
    compiled = qj.qjit(
        lambda x: jnp.concatenate(jax.tree.map(jnp.ravel, quench("best")(x)))
    )
    return jacobian(lambda x: np.asarray(compiled(x)))(X)


METHODS = ["adjoint", "parameter-shift", "hadamard"]


@pytest.mark.parametrize("method", METHODS)
def test_gradients(method: str) -> None:
    found = qj.qjit(jax.jacrev(quench(method)))(X)
    mine = np.concatenate([np.reshape(each, (-1, 3)) for each in found])
    np.testing.assert_allclose(mine, wanted_slopes(), atol=1e-10)


@pytest.mark.parametrize("method", METHODS)
def test_second_derivatives(method: str) -> None:
    @qj.qnode(wires=1, diff_method=method)
    def circuit(x: Any) -> Any:
        qj.RY(0.4, wires=0)
        qj.evolve(x[0] * qj.X(0) + x[1] * qj.Z(0), x[0])
        return qj.expval(qj.Y(0))

    def simulated(x: Any) -> Any:
        start = np.array([np.cos(0.2), np.sin(0.2)])
        psi = scipy.linalg.expm(-1j * x[0] * dense(x, ["X", "Z"])) @ start
        return np.vdot(psi, PAULIS["Y"] @ psi).real

    x, along = X[:2], np.array([0.7, -1.1])
    found = qj.qjit(lambda x: jax.jvp(jax.grad(circuit), (x,), (along,))[1])(x)
    wanted = jacobian(lambda x: derivative(simulated, x, along))(x)
    np.testing.assert_allclose(found, wanted, atol=1e-10)


@pytest.mark.parametrize("method", ["parameter-shift", "hadamard"])
def test_gradients_from_shots_are_unbiased(method: str) -> None:
    repeats = 3000
    many = jax.vmap(jax.jacrev(quench(method, shots=5)))
    found = qj.qjit(many, seed=2)(jnp.tile(X, (repeats, 1)))
    mine = np.concatenate([np.reshape(each, (repeats, -1, 3)) for each in found], 1)
    error = np.std(mine, axis=0) / repeats**0.5 + 1e-12
    assert np.max(np.abs(np.mean(mine, axis=0) - wanted_slopes()) / error) < 5
