"""Derivatives of every kind and order equal those of a simulator in JAX."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import qjit as qj

from .oracle import Compiled, Reference, embed, word_matrix

THETA = jnp.array([0.3, 0.7])
ZY = word_matrix("ZY")


def layer(m: Any, t: Any) -> None:
    m.RX(t[0], wires=0)
    m.CNOT(wires=[0, 1])
    m.RY(t[1], wires=1)
    m.CRZ(t[0] * t[1], wires=[1, 0])
    m.H(wires=0)


def loops(m: Any, t: Any) -> None:
    def turn(index: Any, angle: Any) -> Any:
        m.RX(angle, wires=0)
        m.CRY(t[1] * angle, wires=[index % 2, (index + 1) % 2])
        return jnp.sin(angle * 2) + t[0]

    m.loop(3, turn, t[0])


def branches(m: Any, t: Any) -> None:
    layer(m, t)
    m.branch(
        t[0] > 0.1,
        lambda: m.PauliRot(t[1], "XY", wires=[0, 1]),
        lambda: m.RX(t[0], wires=0),
    )
    m.adjoint(lambda: m.Rot(t[0], 0.2, t[1] ** 2, wires=1))
    m.ctrl(lambda: m.U3(t[1], t[0], 0.1, wires=0), [1], [0])


def unitary(t: Any) -> Any:
    c, s = jnp.cos(t[0]), jnp.sin(t[0]) * jnp.exp(1j * t[1])
    return jnp.stack([jnp.stack([c + 0j, -jnp.conj(s)]), jnp.stack([s, c + 0j])])


def amplitudes(t: Any) -> Any:
    vector = jnp.stack([1.0 + 0j * t[0], t[0] + 0j, 1j * t[1], t[0] * t[1] + 0j])
    return vector / jnp.sqrt(jnp.sum(jnp.abs(vector) ** 2))


def diagonal(t: Any) -> Any:
    return jnp.exp(1j * t[0] * np.arange(4) * t[1])


def matrices(m: Any, t: Any) -> None:
    u = unitary(t)
    m.QubitUnitary(u, wires=[0])
    layer(m, t)
    m.adjoint(lambda: m.QubitUnitary(u, wires=[1]))
    m.ctrl(lambda: m.QubitUnitary(u, wires=[0]), [1], [1])
    m.DiagonalQubitUnitary(diagonal(t), wires=[0, 1])
    m.H(wires=0)


def prepared(m: Any, t: Any) -> None:
    m.StatePrep(amplitudes(t), wires=[0, 1])
    layer(m, t)


def prepared_apart(m: Any, t: Any) -> None:
    m.StatePrep(jnp.stack([jnp.cos(t[0]), 1j * jnp.sin(t[0])]), wires=[0])
    m.StatePrep(jnp.stack([jnp.cos(t[1]) + 0j, jnp.sin(t[1]) + 0j]), wires=[1])
    layer(m, t)


def hermitian(t: Any) -> Any:
    return jnp.array([[1.0, 2j * t[0]], [-2j * t[0], t[1]]])


def reduced(psi: Any) -> Any:
    return psi.reshape(2, 2) @ psi.reshape(2, 2).conj().T


def mean(psi: Any, matrix: Any) -> Any:
    return jnp.vdot(psi, matrix @ psi).real


@dataclass(frozen=True)
class Case:
    """A circuit and what is measured, with the same as a function of the state."""

    measured: Callable[[Any], Any]
    reference: Callable[[Any, Any], Any]
    gates: Callable[[Any, Any], None] = layer

    def circuit(self, **options: Any) -> Any:
        def run(t: Any) -> Any:
            self.gates(Compiled(), t)
            return self.measured(t)

        return qj.qnode(wires=2, **options)(run)

    def simulated(self, t: Any) -> Any:
        m = Reference()
        self.gates(m, t)
        return self.reference(m.state(2), t)


def energy(gates: Callable[[Any, Any], None]) -> Case:
    return Case(
        lambda t: qj.expval(qj.Z(0) @ qj.Y(1)), lambda psi, t: mean(psi, ZY), gates
    )


XY = word_matrix("YX")
Z0 = word_matrix("ZI")
CASES = {
    "coefficients": Case(
        lambda t: qj.expval(qj.Z(0) + t[0] * qj.X(1) @ qj.Y(0)),
        lambda psi, t: mean(psi, Z0) + t[0] * mean(psi, XY),
    ),
    "var": Case(
        lambda t: qj.var(qj.Z(0) + t[0] * qj.X(1) @ qj.Y(0)),
        lambda psi, t: (
            mean(psi, (Z0 + t[0] * XY) @ (Z0 + t[0] * XY))
            - mean(psi, Z0 + t[0] * XY) ** 2
        ),
    ),
    "probs": Case(
        lambda t: qj.probs([1]),
        lambda psi, t: jnp.sum(jnp.abs(psi.reshape(2, 2)) ** 2, axis=0),
    ),
    "several": Case(
        lambda t: jnp.append(qj.probs([1, 0]), qj.expval(qj.Z(0))),
        lambda psi, t: jnp.append(
            jnp.abs(psi.reshape(2, 2).T.reshape(4)) ** 2, mean(psi, Z0)
        ),
    ),
    "state": Case(lambda t: qj.state(), lambda psi, t: psi),
    "density_matrix": Case(
        lambda t: qj.density_matrix([0]), lambda psi, t: reduced(psi)
    ),
    "purity": Case(
        lambda t: qj.purity([0]),
        lambda psi, t: jnp.sum(jnp.abs(reduced(psi)) ** 2),
    ),
    "hermitian": Case(
        lambda t: qj.expval(qj.Hermitian(hermitian(t), wires=0) @ qj.X(1)),
        lambda psi, t: mean(psi, jnp.kron(hermitian(t), np.array([[0, 1], [1, 0]]))),
    ),
    "fixed_hermitian": Case(
        lambda t: qj.expval(
            t[1] * qj.Hermitian(np.array([[1.0, 2j], [-2j, 0.5]]), wires=0) @ qj.X(1)
        ),
        lambda psi, t: (
            t[1] * mean(psi, np.kron([[1.0, 2j], [-2j, 0.5]], [[0, 1], [1, 0]]))
        ),
    ),
    "loops": energy(loops),
    "branches": energy(branches),
    "matrices": energy(matrices),
    "prepared": energy(prepared),
    "prepared_apart": energy(prepared_apart),
    "loops_probs": Case(
        lambda t: qj.probs([1]),
        lambda psi, t: jnp.sum(jnp.abs(psi.reshape(2, 2)) ** 2, axis=0),
        loops,
    ),
}
FIRST: dict[str, Callable[[Any], Any]] = {
    "forward": jax.jacfwd,
    "reverse": jax.jacrev,
    "forward_over_reverse": lambda f: jax.jacfwd(jax.jacrev(f)),
}
SECOND: dict[str, Callable[[Any], Any]] = {
    "reverse_over_reverse": lambda f: jax.jacrev(jax.jacrev(f)),
    "reverse_over_forward": lambda f: jax.jacrev(jax.jacfwd(f)),
    "forward_over_forward": lambda f: jax.jacfwd(jax.jacfwd(f)),
}
ORDERS = {**FIRST, **SECOND}
COMBINED = [
    *((name, order) for name in CASES for order in FIRST),
    *((name, order) for name in ("coefficients", "loops_probs") for order in SECOND),
    ("matrices", "reverse_over_reverse"),
    ("prepared", "reverse_over_reverse"),
]


def real_parts(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A function's results as real numbers, which every mode of JAX differentiates."""

    def run(t: Any) -> Any:
        value = function(t)
        if not jnp.iscomplexobj(value):
            return value
        return jnp.stack([value.real, value.imag])

    return run


@pytest.mark.parametrize("name, order", COMBINED)
def test_derivative(name: str, order: str) -> None:
    case, along = CASES[name], ORDERS[order]
    wanted = jax.jit(along(real_parts(case.simulated)))(THETA)
    found = qj.qjit(along(real_parts(case.circuit())))(THETA)
    np.testing.assert_allclose(found, wanted, atol=1e-9)


@pytest.mark.parametrize("name", ["several", "matrices", "prepared"])
def test_single_precision_states(name: str) -> None:
    case = CASES[name]
    wanted = jax.jacrev(case.simulated)(THETA)
    found = jax.jacrev(case.circuit(dtype="complex64"))(THETA)
    np.testing.assert_allclose(found, wanted, atol=1e-5)


def test_third_order() -> None:
    case = energy(layer)
    wanted = jax.jit(jax.jacfwd(jax.hessian(case.simulated)))(THETA)
    circuit = case.circuit()
    found = qj.qjit(jax.jacfwd(jax.hessian(circuit)))(THETA)
    np.testing.assert_allclose(found, wanted, atol=1e-9)
    found = jax.grad(lambda t: jnp.sum(jax.hessian(circuit)(t) ** 2))(THETA)
    squares = jax.grad(lambda t: jnp.sum(jax.hessian(case.simulated)(t) ** 2))
    np.testing.assert_allclose(found, jax.jit(squares)(THETA), atol=1e-9)


def test_second_order_over_a_batch() -> None:
    case = energy(layer)
    circuit, stack = case.circuit(), jnp.stack([THETA, 2 * THETA, THETA - 1])
    wanted = jax.vmap(jax.hessian(case.simulated))(stack)
    np.testing.assert_allclose(jax.vmap(jax.hessian(circuit))(stack), wanted, atol=1e-9)

    def total(function: Any, scale: Any) -> Any:
        return jnp.sum(jax.vmap(lambda t: function(t * scale))(stack) ** 2)

    found = jax.hessian(lambda s: total(circuit, s))(THETA)
    expected = jax.hessian(lambda s: total(case.simulated, s))(THETA)
    np.testing.assert_allclose(found, expected, atol=1e-9)


def test_hessian_vector_products() -> None:
    case, along = energy(branches), jnp.array([0.4, -1.2])
    for function in (case.circuit(), qj.qjit(case.circuit())):
        found = jax.jvp(jax.grad(function), (THETA,), (along,))[1]
        wanted = jax.hessian(case.simulated)(THETA) @ along
        np.testing.assert_allclose(found, wanted, atol=1e-9)


def test_complex_inputs_follow_the_conventions_of_jax() -> None:
    case = CASES["matrices"]

    @qj.qnode(wires=2)
    def circuit(matrix: Any) -> Any:
        layer(Compiled(), THETA)
        qj.QubitUnitary(matrix, wires=1)
        return qj.expval(qj.Z(0) @ qj.Y(1))

    def simulated(matrix: Any) -> Any:
        m = Reference()
        layer(m, THETA)
        m.QubitUnitary(matrix, wires=[1])
        return mean(m.state(2), ZY)

    given_matrix = unitary(THETA)
    wanted = jax.grad(simulated)(given_matrix)
    np.testing.assert_allclose(jax.grad(circuit)(given_matrix), wanted, atol=1e-9)
    tangent = 1j * given_matrix @ np.array([[0.3, 0.1j], [-0.1j, 0.7]])
    found = jax.jvp(circuit, (given_matrix,), (tangent,))[1]
    expected = jax.jvp(simulated, (given_matrix,), (tangent,))[1]
    np.testing.assert_allclose(found, expected, atol=1e-9)
    assert case.circuit()(THETA).dtype == np.float64


def test_matrices_embedded_by_the_reference() -> None:
    """The reference's own state is that of the matrices it collects."""
    m = Reference()
    matrices(m, THETA)
    total = np.eye(4)
    for matrix, wires in m.steps:
        total = np.asarray(embed(matrix, wires, 2)) @ total
    np.testing.assert_allclose(m.state(2), total[:, 0], atol=1e-12)
