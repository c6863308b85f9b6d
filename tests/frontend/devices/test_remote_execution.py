"""Quantum functions on runtimes of others: the same results, by shots."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import qjit as qj
from qjit.errors import JobError, UnsupportedError
from tests.support.simulated_runtime import SimulatedRuntime, simulated

SHOTS = 4000
X = jnp.array([0.3, 0.7])
# Of the mean of a number between -1 and 1: five standard deviations.
NEAR = 5 / SHOTS**0.5


@pytest.fixture
def runtime(monkeypatch: pytest.MonkeyPatch) -> SimulatedRuntime:
    return simulated(monkeypatch)


def on_both(function: Callable[..., Any], wires: int = 3, seed: int = 5) -> Any:
    """Return a quantum function on the runtime, and the exact one."""
    device = qj.device("simulated", wires=wires, shots=SHOTS, seed=seed)
    return qj.qnode(device)(function), qj.qnode(wires=wires)(function)


def gates(x: Any) -> None:
    qj.RX(x[0], 0)
    qj.CRY(x[1], [0, 1])
    qj.IsingXX(x[0] * x[1], [1, 2])

    @qj.for_loop(0, 2, 1)
    def layer(number: Any) -> None:
        qj.RZ(0.2 * number + x[0], number)
        qj.CNOT([number, number + 1])

    layer()


def ansatz(x: Any) -> Any:
    gates(x)
    energy = qj.Z(0) @ qj.Z(1) - 0.5 * qj.X(1) + 0.3 * qj.Y(0) @ qj.X(2)
    return qj.expval(energy)


def test_values_of_all_kinds(runtime: SimulatedRuntime) -> None:
    def circuit(x: Any) -> Any:
        gates(x)
        return (
            qj.expval(qj.Z(0) @ qj.X(1)),
            qj.probs(wires=[2, 0]),
            qj.var(qj.Y(1)),
            {"sum": 2 * qj.expval(qj.Z(2)) + x[0]},
        )

    sampled, exact = on_both(circuit)
    for found, expected in zip(
        jax.tree.leaves(sampled(X)), jax.tree.leaves(exact(X)), strict=True
    ):
        np.testing.assert_allclose(found, expected, atol=3 * NEAR)
    assert runtime.batches == [2]  # qubit 1 is measured along X and along Y


def test_samples_and_counts(runtime: SimulatedRuntime) -> None:
    def circuit() -> Any:
        qj.X(0)
        qj.H(1)
        return qj.sample(wires=[1, 0]), qj.counts(wires=[0, 1])

    rows, (_, counts) = on_both(circuit, 2)[0]()
    assert rows.shape == (SHOTS, 2) and (rows[:, 1] == 1).all()
    assert abs(float(rows[:, 0].mean()) - 0.5) < NEAR
    assert int(jnp.sum(counts)) == SHOTS and int(counts[3]) == int(rows[:, 0].sum())


def test_gradients_are_one_batch(runtime: SimulatedRuntime) -> None:
    sampled, exact = on_both(ansatz)
    value, slope = qj.qjit(jax.value_and_grad(sampled))(X)
    expected, wanted = jax.value_and_grad(exact)(X)
    np.testing.assert_allclose(value, expected, atol=2 * NEAR)
    np.testing.assert_allclose(slope, wanted, atol=6 * NEAR)
    assert len(runtime.batches) == 1
    runtime.batches.clear()
    found = qj.qjit(jax.vmap(jax.grad(sampled)))(jnp.stack([X, 2 * X]))
    wanted = jax.vmap(jax.grad(exact))(jnp.stack([X, 2 * X]))
    np.testing.assert_allclose(found, wanted, atol=6 * NEAR)
    assert len(runtime.batches) == 1


def test_loops_wait_step_by_step(runtime: SimulatedRuntime) -> None:
    sampled, exact = on_both(ansatz)

    @qj.qjit
    def train(x: Any) -> Any:
        def step(x: Any, _: Any) -> Any:
            value, slope = jax.value_and_grad(sampled)(x)
            return x - 0.3 * slope, value

        return jax.lax.scan(step, x, None, length=4)

    last, values = train(X)
    assert len(runtime.batches) == 4 and len(set(runtime.batches)) == 1
    assert float(exact(last)) < float(exact(X)) - 0.1
    np.testing.assert_allclose(values[0], exact(X), atol=2 * NEAR)


def test_independent_circuits_go_together(runtime: SimulatedRuntime) -> None:
    sampled, exact = on_both(ansatz)

    def program(x: Any) -> Any:
        first, other = sampled(x), sampled(2 * x)
        return sampled(x + first) + other  # which waits for the first

    found = qj.qjit(program)(X)
    assert runtime.batches == [4, 2]
    wanted = exact(X + exact(X)) + exact(2 * X)
    np.testing.assert_allclose(found, wanted, atol=6 * NEAR)


def repeat_until_success() -> Any:
    qj.RY(1.2, 0)
    done = jax.lax.while_loop(lambda bit: ~bit, lambda _: tried(), jnp.array(False))
    qj.cond(done, lambda: qj.CNOT([0, 1]))()
    return qj.expval(qj.Z(1)), qj.sample(done)


def tried() -> Any:
    qj.reset(2)
    qj.H(2)
    return qj.measure(2).astype(bool)


def test_loops_that_outcomes_decide(runtime: SimulatedRuntime) -> None:
    mean, done = on_both(repeat_until_success)[0]()
    assert abs(float(mean) - np.cos(1.2)) < NEAR
    assert np.asarray(done).all()
    (program,) = runtime.programs
    assert "backwards_branching" in str(program)


def test_gradients_of_circuits_that_measure(runtime: SimulatedRuntime) -> None:
    def circuit(x: Any) -> Any:
        qj.RY(x[0], 0)
        bit = qj.measure(0)
        qj.cond(bit, lambda: qj.RX(x[1], 1))()
        return qj.expval(qj.Z(1))

    sampled, exact = on_both(circuit, 2)
    found = jax.grad(sampled)(X)
    np.testing.assert_allclose(found, jax.grad(exact)(X), atol=4 * NEAR)


def test_seeds(runtime: SimulatedRuntime) -> None:
    first, again = (on_both(ansatz, seed=5)[0](X) for _ in range(2))
    other = on_both(ansatz, seed=6)[0](X)
    assert float(first) == float(again) != float(other)


# What is refused


def here(text: str) -> str:
    return rf"test_remote_execution\.py:\d+: .*{text}"


def test_no_shots(runtime: SimulatedRuntime) -> None:
    with pytest.raises(UnsupportedError, match=here("answers by shots")):
        qj.qnode(qj.device("simulated", wires=3))(ansatz)(X)


def test_states(runtime: SimulatedRuntime) -> None:
    def circuit() -> Any:
        qj.H(0)
        return qj.state()

    with pytest.raises(UnsupportedError, match=here("has state, but device")):
        on_both(circuit)[0]()


def test_postselection(runtime: SimulatedRuntime) -> None:
    def circuit() -> Any:
        qj.H(0)
        qj.measure(0, postselect=1)
        return qj.expval(qj.Z(1))

    with pytest.raises(UnsupportedError, match=here("postselects")):
        on_both(circuit)[0]()


@pytest.mark.parametrize(
    "language, words",
    [("qir-adaptive", "a loop that outcomes decide"), ("qir-base", "")],
)
def test_missing_abilities(
    monkeypatch: pytest.MonkeyPatch, language: str, words: str
) -> None:
    simulated(monkeypatch, language)
    with pytest.raises(UnsupportedError, match=here(f"does not have .*{words}")):
        qj.qjit(on_both(repeat_until_success)[0])()


def test_errors_of_the_runtime(runtime: SimulatedRuntime) -> None:
    runtime.broken = "the fridge is warm"
    with pytest.raises(JobError, match="the fridge is warm"):
        qj.qjit(on_both(ansatz)[0])(X)


def test_languages_run_nothing() -> None:
    device = qj.device("quantinuum-h2", wires=3, shots=10)
    with pytest.raises(UnsupportedError, match=here(r"Write them with qjit\.to_qasm")):
        qj.qnode(device)(ansatz)(X)


def test_options_of_devices_without_a_runtime() -> None:
    with pytest.raises(qj.errors.ParameterError, match="takes no option 'region'"):
        qj.device("openqasm3", region="here")


def test_names() -> None:
    names = qj.devices()
    assert {"statevector", "qdk", "braket.local", "ibm.*"} <= set(names)
    with pytest.raises(UnsupportedError, match=r"unknown device 'ibn\.fez'"):
        qj.device("ibn.fez")
