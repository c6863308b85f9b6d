"""Exact derivatives of programs that measure on the way."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pennylane as qml
import pytest
from hypothesis import assume, given, settings

import qjit as qj
from tests.programs.test_hybrid import START, exact, traced
from tests.support.hybrid import WIRES, measurements, programs
from tests.support.oracle import jacobian

X = jnp.array([0.3, 0.5, 0.7])


def adaptive(method: str) -> Any:
    """Measure in a loop and in branches, and go on by what was found."""

    @qj.qnode(wires=3, diff_method=method)
    def circuit(x: Any) -> Any:
        qj.RX(x[0], wires=0)
        first = qj.measure(0)
        qj.cond(first, lambda: (qj.RY(2 * x[1], wires=1), None)[1])()

        def turn(wire: Any, angle: Any) -> Any:
            qj.RX(x[wire] + angle, wires=wire)
            qj.CRY(x[0], wires=[wire, (wire + 1) % 3])
            return angle + 0.3 * qj.measure(wire)

        angle = jax.lax.fori_loop(0, 3, turn, 0.2)
        qj.RZ(angle * x[2], wires=1)
        qj.RY(angle * x[2] ** 2, wires=1)
        qj.reset(0)
        qj.CNOT(wires=[0, 2])
        qj.RX(x[2], wires=2)
        last = jax.lax.cond(
            first,
            lambda: qj.measure(2, postselect=1),
            lambda: jnp.logical_and(qj.measure(1, reset=True), qj.measure(2)),
        )
        qj.RX(x[0], wires=2)
        qj.RY(x[1] * angle, wires=1)
        energy = qj.expval(qj.Z(0) @ qj.X(1) + 0.5 * qj.Z(2))
        spreads = qj.var(angle * x[1]), qj.var(qj.Z(2))
        return energy, qj.probs([1, 2]), qj.expval(angle * last), *spreads

    return circuit


def close(found: Any, wanted: Any, tolerance: float) -> None:
    pairs = zip(jax.tree.leaves(found), jax.tree.leaves(wanted), strict=True)
    for one, other in pairs:
        np.testing.assert_allclose(one, other, atol=tolerance)


@pytest.mark.parametrize("method", ["adjoint", "parameter-shift"])
@pytest.mark.parametrize("mode", [jax.jacfwd, jax.jacrev])
def test_differences_of_exact_averages(mode: Any, method: str) -> None:
    wanted = qj.qjit(jax.jacfwd(adaptive("finite-diff")))(X)
    close(qj.qjit(mode(adaptive(method)))(X), wanted, 1e-9)


@settings(max_examples=5, deadline=None, derandomize=True)
@given(program=programs())
def test_random_programs(program: Any) -> None:
    """Against differences of a sum over paths in numpy."""
    assume("while" not in str(program) and measurements(program) <= 6)
    _, place, _, outcome = START

    @qj.qnode(wires=WIRES)
    def circuit(x: Any, v: Any) -> Any:
        value, _ = traced(program, (x, place, v, outcome))
        energy = qj.expval(qj.Z(0) + 0.5 * qj.X(1) @ qj.Z(2))
        return energy + 0.3 * qj.expval(value)

    def simulated(x: Any, v: Any) -> float:
        found = exact(program, start=(x, place, v, outcome))
        return found["energy"] + 0.3 * found["mean"]

    x, v = START[0], np.asarray(START[2])
    step, units = 1e-5, np.eye(3)

    def slope(f: Any) -> float:
        return (f(step) - f(-step)) / (2 * step)

    by_v = [slope(lambda h, u=u: simulated(x, v + h * u)) for u in units]
    wanted = slope(lambda h: simulated(x + h, v)), np.array(by_v)
    found = qj.qjit(jax.grad(circuit, argnums=(0, 1)))(x, v)
    close(found, wanted, 1e-7)


def test_pennylane() -> None:
    @qj.qnode(wires=3)
    def ours(x: Any) -> Any:
        qj.RX(x[0], wires=0)
        qj.CRY(x[1], wires=[0, 1])
        m = qj.measure(0)
        qj.cond(m, lambda: (qj.RY(x[2], wires=1), None)[1])()
        n = qj.measure(1, reset=True)
        qj.cond(n, lambda: (qj.RX(x[0] * x[1], wires=2), None)[1])()
        qj.CRX(x[2], wires=[2, 1])
        return qj.expval(qj.Z(1) @ qj.Z(2)), qj.probs([0, 2])

    after: Any = qml.cond

    @qml.qnode(qml.device("default.qubit"))
    def theirs(x: Any) -> Any:
        qml.RX(x[0], wires=0)
        qml.CRY(x[1], wires=[0, 1])
        m = qml.measure(0)
        after(m, qml.RY)(x[2], wires=1)
        n = qml.measure(1, reset=True)
        after(n, qml.RX)(x[0] * x[1], wires=2)
        qml.CRX(x[2], wires=[2, 1])
        return qml.expval(qml.Z(1) @ qml.Z(2)), qml.probs([0, 2])

    found = np.concatenate([np.reshape(each, (-1, 3)) for each in jax.jacrev(ours)(X)])
    wanted = jacobian(lambda x: np.hstack(theirs(x)))(np.asarray(X))
    np.testing.assert_allclose(found, wanted, atol=1e-10)


def postselected(x: Any) -> Any:
    qj.RX(x[0], wires=0)
    qj.CRY(x[1], wires=[0, 1])
    qj.measure(0, postselect=0)
    qj.RY(x[1] * qj.measure(1) + x[0], wires=0)
    return qj.expval(qj.X(0))


def test_second_derivatives_with_postselection() -> None:
    circuit = qj.qnode(wires=2)(postselected)
    slope, step = jax.grad(circuit), 1e-5
    columns = [
        (slope(X[:2] + step * unit) - slope(X[:2] - step * unit)) / (2 * step)
        for unit in jnp.eye(2)
    ]
    close(jax.hessian(circuit)(X[:2]), jnp.stack(columns), 1e-8)


def test_training_what_is_fed_forward() -> None:
    """Teleportation learns its corrections, over a batch of states."""

    @qj.qnode(wires=3)
    def fidelity(t: Any, state: Any) -> Any:
        qj.RY(state, wires=0)
        qj.H(1)
        qj.CNOT(wires=[1, 2])
        qj.CNOT(wires=[0, 1])
        qj.H(0)
        z, x = qj.measure(0), qj.measure(1)
        qj.RX(t[0] * x, wires=2)
        qj.RZ(t[1] * z, wires=2)
        qj.RY(-state, wires=2)
        return qj.expval(qj.Z(2))

    states = jnp.linspace(0.2, 2.8, 4)

    def loss(t: Any) -> Any:
        return 1 - jnp.mean(jax.vmap(fidelity, in_axes=(None, 0))(t, states))

    def train(t: Any) -> Any:
        return jax.lax.fori_loop(0, 60, lambda _, t: t - 1.5 * jax.grad(loss)(t), t)

    learned = qj.qjit(train)(jnp.array([1.0, 2.0]))
    np.testing.assert_allclose(learned, [np.pi, np.pi], atol=1e-2)


def measured_in_vain(x: Any, xs: Any) -> Any:
    """Loops that measure, none of which takes a turn."""
    qj.RY(x, wires=0)

    def turn(carried: Any, angle: Any) -> Any:
        qj.RX(angle, wires=0)
        m = qj.measure(0)
        return carried + m, m

    total, _ = jax.lax.scan(turn, x, xs)

    def nothing(_: Any, carried: Any) -> Any:
        jax.lax.fori_loop(0, 2, lambda _, c: (qj.reset(1), c)[1], 0)
        return carried

    jax.lax.fori_loop(3, 1, nothing, 0.0)

    def outer(_: Any, carried: Any) -> Any:
        jax.lax.fori_loop(0, 0, lambda _, c: c + qj.measure(0), 0)
        qj.RX(x, wires=1)
        return carried

    jax.lax.fori_loop(0, 2, outer, 0.0)
    return qj.expval(2.0 * qj.Z(0) + qj.Y(1)), qj.expval(total * x)


@pytest.mark.parametrize("method", ["adjoint", "parameter-shift", "hadamard"])
def test_loops_of_no_turns(method: str) -> None:
    circuit = qj.qnode(wires=2, diff_method=method)(measured_in_vain)
    x, none = 0.3, jnp.zeros(0)
    mode = jax.jacrev if method == "adjoint" else jax.jacfwd
    slopes = qj.qjit(mode(circuit, argnums=(0, 1)))(x, none)
    close(
        [each[0] for each in slopes], [-2 * np.sin(x) - 2 * np.cos(2 * x), 2 * x], 1e-10
    )
    assert all(each[1].shape == (0,) for each in slopes)


def test_second_derivatives_of_loops_of_no_turns() -> None:
    circuit = qj.qnode(wires=2)(measured_in_vain)
    found = qj.qjit(jax.hessian(circuit))(0.3, jnp.zeros(0))
    close(found, [-2 * np.cos(0.3) + 4 * np.sin(0.6), 2.0], 1e-10)
