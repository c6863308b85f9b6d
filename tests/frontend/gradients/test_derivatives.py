"""Derivatives of every kind and order are differences of a simulator in numpy."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import qjit as qj
from qjit.errors import ParameterTypeError
from tests.support.oracle import (
    Compiled,
    Reference,
    derivative,
    embed,
    jacobian,
    word_matrix,
)

THETA = np.array([0.3, 0.7])
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
        return m.numpy.sin(angle * 2) + t[0]

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


def unitary(xp: Any, t: Any) -> Any:
    c, s = xp.cos(t[0]), xp.sin(t[0]) * xp.exp(1j * t[1])
    return xp.stack([xp.stack([c + 0j, -xp.conj(s)]), xp.stack([s, c + 0j])])


def amplitudes(xp: Any, t: Any) -> Any:
    vector = xp.stack([1.0 + 0j * t[0], t[0] + 0j, 1j * t[1], t[0] * t[1] + 0j])
    return vector / xp.sqrt(xp.sum(xp.abs(vector) ** 2))


def diagonal(xp: Any, t: Any) -> Any:
    return xp.exp(1j * t[0] * np.arange(4) * t[1])


def matrices(m: Any, t: Any) -> None:
    u = unitary(m.numpy, t)
    m.QubitUnitary(u, wires=[0])
    layer(m, t)
    m.adjoint(lambda: m.QubitUnitary(u, wires=[1]))
    m.ctrl(lambda: m.QubitUnitary(u, wires=[0]), [1], [1])
    m.DiagonalQubitUnitary(diagonal(m.numpy, t), wires=[0, 1])
    m.H(wires=0)


def prepared(m: Any, t: Any) -> None:
    m.StatePrep(amplitudes(m.numpy, t), wires=[0, 1])
    layer(m, t)


def prepared_apart(m: Any, t: Any) -> None:
    cosine, sine = m.numpy.cos(t) + 0j, m.numpy.sin(t) + 0j
    m.StatePrep(m.numpy.stack([cosine[0], 1j * sine[0]]), wires=[0])
    m.StatePrep(m.numpy.stack([cosine[1], sine[1]]), wires=[1])
    layer(m, t)


def hermitian(xp: Any, t: Any) -> Any:
    return xp.array([[1.0, 2j * t[0]], [-2j * t[0], t[1]]])


def reduced(psi: Any) -> Any:
    return psi.reshape(2, 2) @ psi.reshape(2, 2).conj().T


def mean(psi: Any, matrix: Any) -> Any:
    return np.vdot(psi, matrix @ psi).real


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
        m = Reference(np)
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
        lambda psi, t: np.sum(np.abs(psi.reshape(2, 2)) ** 2, axis=0),
    ),
    "several": Case(
        lambda t: jnp.append(qj.probs([1, 0]), qj.expval(qj.Z(0))),
        lambda psi, t: np.append(
            np.abs(psi.reshape(2, 2).T.reshape(4)) ** 2, mean(psi, Z0)
        ),
    ),
    "state": Case(lambda t: qj.state(), lambda psi, t: psi),
    "density_matrix": Case(
        lambda t: qj.density_matrix([0]), lambda psi, t: reduced(psi)
    ),
    "purity": Case(
        lambda t: qj.purity([0]),
        lambda psi, t: np.sum(np.abs(reduced(psi)) ** 2),
    ),
    "hermitian": Case(
        lambda t: qj.expval(qj.Hermitian(hermitian(jnp, t), wires=0) @ qj.X(1)),
        lambda psi, t: mean(psi, np.kron(hermitian(np, t), [[0, 1], [1, 0]])),
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
        lambda psi, t: np.sum(np.abs(psi.reshape(2, 2)) ** 2, axis=0),
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


def hessian(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return jacobian(jacobian(function))


@pytest.mark.parametrize("name, order", COMBINED)
def test_derivative(name: str, order: str) -> None:
    case, differences = CASES[name], hessian if "over" in order else jacobian
    wanted = differences(case.simulated)(THETA)
    if np.iscomplexobj(wanted):
        wanted = np.stack([wanted.real, wanted.imag])
    found = qj.qjit(ORDERS[order](real_parts(case.circuit())))(THETA)
    np.testing.assert_allclose(found, wanted, atol=1e-9)


@pytest.mark.parametrize("name", ["several", "matrices", "prepared"])
def test_single_precision_states(name: str) -> None:
    case = CASES[name]
    found = jax.jacrev(case.circuit(dtype="complex64"))(THETA)
    np.testing.assert_allclose(found, jacobian(case.simulated)(THETA), atol=1e-5)


@pytest.mark.parametrize("method", ["adjoint", "parameter-shift", "hadamard"])
def test_angles_that_are_all_elements_of_an_argument(method: str) -> None:
    def cost(m: Any, x: Any) -> Any:
        for row in range(2):
            m.RX(x[row, 0], wires=0)
            m.CRY(x[row, 1], wires=[0, 1])
        m.RY(m.numpy.sum(x), wires=1)  # the argument is used in other ways, too
        return x[0, 1] * m.expval([0.5, 1.0], ["ZX", "YZ"])

    ours = qj.qnode(wires=2, diff_method=method)(lambda x: cost(Compiled(), x))
    x = np.array([[0.3, 0.8], [-0.4, 1.1]])
    wanted = jacobian(lambda x: cost(Reference(np), x))(x)
    found = qj.qjit(jax.grad(ours))(x)
    np.testing.assert_allclose(found, wanted, atol=1e-10)


def test_third_order() -> None:
    case = energy(layer)
    circuit, second = case.circuit(), hessian(case.simulated)
    third = jacobian(second)(THETA)
    found = qj.qjit(jax.jacfwd(jax.hessian(circuit)))(THETA)
    np.testing.assert_allclose(found, third, atol=1e-9)
    found = jax.grad(lambda t: jnp.sum(jax.hessian(circuit)(t) ** 2))(THETA)
    wanted = 2 * np.tensordot(second(THETA), third, 2)
    np.testing.assert_allclose(found, wanted, atol=1e-9)


def test_second_order_over_a_batch() -> None:
    case = energy(layer)
    circuit, stack = case.circuit(), np.stack([THETA, 2 * THETA, THETA - 1])
    wanted = [hessian(case.simulated)(t) for t in stack]
    np.testing.assert_allclose(jax.vmap(jax.hessian(circuit))(stack), wanted, atol=1e-9)

    def total(scale: Any) -> Any:
        return jnp.sum(jax.vmap(lambda t: circuit(t * scale))(stack) ** 2)

    def expected(scale: Any) -> Any:
        return sum(case.simulated(t * scale) ** 2 for t in stack)

    found = jax.hessian(total)(THETA)
    np.testing.assert_allclose(found, hessian(expected)(THETA), atol=1e-9)


def test_hessian_vector_products() -> None:
    case, along = energy(layer), np.array([0.4, -1.2])
    wanted = jacobian(lambda t: derivative(case.simulated, t, along))(THETA)
    for function in (case.circuit(), qj.qjit(case.circuit())):
        found = jax.jvp(jax.grad(function), (THETA,), (along,))[1]
        np.testing.assert_allclose(found, wanted, atol=1e-9)


def test_complex_inputs_follow_the_conventions_of_jax() -> None:
    """A gradient is the conjugate of the steepest direction."""

    @qj.qnode(wires=2)
    def circuit(matrix: Any) -> Any:
        layer(Compiled(), THETA)
        qj.QubitUnitary(matrix, wires=1)
        return qj.expval(qj.Z(0) @ qj.Y(1))

    def simulated(matrix: Any) -> Any:
        m = Reference(np)
        layer(m, THETA)
        m.QubitUnitary(matrix, wires=[1])
        return mean(m.state(2), ZY)

    given = unitary(np, THETA)
    real = jacobian(lambda step: simulated(given + step))(np.zeros((2, 2)))
    imaginary = jacobian(lambda step: simulated(given + 1j * step))(np.zeros((2, 2)))
    found = jax.grad(circuit)(given)
    np.testing.assert_allclose(found, real - 1j * imaginary, atol=1e-9)
    tangent = 1j * given @ np.array([[0.3, 0.1j], [-0.1j, 0.7]])
    found = jax.jvp(circuit, (given,), (tangent,))[1]
    np.testing.assert_allclose(found, derivative(simulated, given, tangent), atol=1e-9)
    assert CASES["matrices"].circuit()(THETA).dtype == np.float64


def test_matrices_embedded_by_the_reference() -> None:
    """The reference's own state is that of the matrices it collects."""
    m = Reference(np)
    matrices(m, THETA)
    total = np.eye(4)
    for matrix, wires in m.steps:
        total = embed(matrix, wires, 2) @ total
    np.testing.assert_allclose(m.state(2), total[:, 0], atol=1e-12)


@pytest.mark.parametrize(
    "function",
    [
        lambda x, y: jnp.sin(x) * y,
        lambda x, y: (x * y, x + y),
        lambda x, y: {"sum": x + y, "rest": [x**2, y]},
    ],
)
def test_cotangents_are_a_list_or_have_the_structure_of_the_results(
    function: Any,
) -> None:
    value, pull = jax.vjp(function, 0.3, 0.7)
    leaves, structure = jax.tree.flatten(value)
    given = [0.5 + n for n in range(len(leaves))]
    wanted = pull(structure.unflatten(map(jnp.asarray, given)))
    for cotangents in (given, tuple(given), structure.unflatten(given)):
        _, found = qj.vjp(function, [0.3, 0.7], cotangents)
        np.testing.assert_allclose(found, wanted, rtol=1e-6)
    with pytest.raises(ParameterTypeError, match="structure of what moves"):
        qj.vjp(function, [0.3, 0.7], [*given, 1.0])
