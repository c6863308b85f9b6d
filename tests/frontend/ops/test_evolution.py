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
from qjit.errors import ParameterError
from qjit.lowering.jax_internals.equations import enable_x64
from tests.support.oracle import derivative, jacobian

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


TIMES = [0.0, 0.7, -30.0, 1e4, -1e6]


@pytest.mark.parametrize("spelling", ["evolve", "exp"])
def test_any_time(spelling: str) -> None:
    """As many digits are lost as the time has, and no more."""
    terms = ["XII", "ZZI", "IYI", "III"]
    weights = np.array([1.0, 0.4, 0.3, 50.0])
    energies, vectors = np.linalg.eigh(dense(weights, terms))

    @qj.qnode(wires=3)
    def circuit(time: Any) -> Any:
        hamiltonian = qj.pauli_sum(weights, terms)
        if spelling == "exp":
            qj.exp(hamiltonian, -1j * time)
        else:
            qj.evolve(hamiltonian, time)
        return qj.state(), qj.expval(qj.Z(0))

    def slope(time: Any) -> Any:
        return circuit(time), jax.grad(lambda t: circuit(t)[1])(time)

    z = dense([1.0], ["ZII"])
    for time in TIMES:
        (state, mean), moved = qj.qjit(slope)(time)
        psi = vectors @ (np.exp(-1j * energies * time) * vectors[0].conj())
        rate = -1j * dense(weights, terms) @ psi
        error = 1e-12 + 1e-15 * abs(time) * 50
        np.testing.assert_allclose(np.linalg.norm(state), 1.0, atol=1e-12 + error / 50)
        np.testing.assert_allclose(state, psi, atol=20 * error)
        np.testing.assert_allclose(mean, np.vdot(psi, z @ psi).real, atol=20 * error)
        wanted = 2 * np.vdot(rate, z @ psi).real
        np.testing.assert_allclose(moved, wanted, atol=100 * error)


@pytest.mark.parametrize("spelling", ["evolve", "exp"])
@pytest.mark.parametrize("time", [np.float32(0.7), np.float32(30), np.uint8(3)])
def test_without_64_bits(spelling: str, time: Any) -> None:
    terms, weights = ["XI", "ZZ", "IY"], [1.0, 0.4, 0.3]
    with enable_x64(False):

        @qj.qnode(wires=2)
        def circuit(time: Any) -> Any:
            hamiltonian = qj.pauli_sum(np.array(weights), terms)
            if spelling == "exp":
                qj.exp(hamiltonian, -1j * time)
            else:
                qj.evolve(hamiltonian, time)
            return qj.state()

        found = circuit(time)
    wanted = scipy.linalg.expm(-1j * float(time) * dense(weights, terms))[:, 0]
    np.testing.assert_allclose(found, wanted, atol=1e-5 * float(time) + 1e-6)


def test_an_evolution_has_an_imaginary_coefficient() -> None:
    @qj.qnode(wires=1)
    def circuit(coefficient: Any) -> Any:
        qj.exp(qj.X(0) + qj.Z(0), coefficient)
        return qj.probs()

    np.testing.assert_allclose(circuit(0j), [1, 0], atol=1e-12)
    for wrong in (0.3 + 0.5j, 0.5 + 0j):
        with pytest.raises(ParameterError, match=r"test_evolution.py:\d+: .*imaginary"):
            circuit(wrong)
