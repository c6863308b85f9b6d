"""Devices: the reference agrees with the simulator, and null counts what runs."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import qjit as qj
from qjit.errors import DifferentiationError, UnsupportedError, WireError
from tests.programs.test_programs import WIRES, Program, differentiable, programs, run
from tests.support.oracle import Compiled
from tests.support.pass_meaning import Imported

examples = settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def on(name: str, function: Any, wires: int = 3, **options: Any) -> Any:
    """Return a quantum function on a device, compiled."""
    return qj.qjit(qj.qnode(qj.device(name, wires=wires, **options))(function))


def agree(function: Any, *args: Any, wires: int = 3) -> None:
    """Compare the results of the simulator and of the reference."""
    found, defined = (
        jax.tree.leaves(on(name, function, wires)(*args))
        for name in ("statevector", "reference")
    )
    for one, other in zip(found, defined, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-12)


@examples
@given(programs.map(differentiable), st.floats(-2, 2), st.integers(0, 3))
def test_generated_programs_agree(program: Program, x: float, index: int) -> None:
    def circuit(x: Any, index: Any) -> Any:
        final = run(Compiled(), program, range(WIRES), x, index)
        return qj.state(), final

    agree(circuit, x, index, wires=WIRES)


def dynamic(x: Any, measured: Any) -> Any:
    qj.RX(x, 0)
    qj.Hadamard(2)
    outcome = qj.measure(0)
    qj.cond(outcome, lambda: qj.RY(2 * x, 1), lambda: qj.CNOT([2, 1]))()
    again = qj.measure(2, reset=True)
    qj.cond(again & outcome, lambda: qj.X(2))()
    return measured(outcome)


MEASURED = {
    "expval": lambda _: qj.expval(qj.Z(1) @ qj.X(2) + 0.5 * qj.Z(0)),
    "var": lambda _: qj.var(qj.Z(1)),
    "probs": lambda _: qj.probs([2, 0]),
    "density_matrix": lambda _: qj.density_matrix([1]),
    "mean": lambda outcome: qj.expval(outcome),
    "several": lambda outcome: (qj.expval(qj.Z(2)), qj.var(outcome)),
}


@pytest.mark.parametrize("name", MEASURED)
def test_outcomes_are_averaged(name: str) -> None:
    agree(lambda x: dynamic(x, MEASURED[name]), 0.7)


def test_postselection() -> None:
    def circuit(x: Any) -> Any:
        qj.RX(x, 0)
        qj.CRY(0.4, [0, 1])
        qj.measure(0, postselect=1)
        return qj.probs([0, 1])

    agree(circuit, 0.3)


@pytest.mark.parametrize("transform", [jax.grad, jax.jacfwd, jax.hessian])
def test_derivatives_are_differences(transform: Any) -> None:
    def circuit(x: Any) -> Any:
        qj.RX(x, 0)
        qj.CRot(x, 0.2, x * x, [0, 1])
        return qj.expval(qj.Z(1) @ qj.Y(0))

    found, defined = (
        qj.qjit(transform(qj.qnode(qj.device(name, wires=2))(circuit)))(0.4)
        for name in ("statevector", "reference")
    )
    np.testing.assert_allclose(found, defined, atol=1e-4)


def test_batches() -> None:
    def circuit(x: Any) -> Any:
        qj.RX(x, 0)
        return qj.expval(qj.Z(0))

    x = jnp.linspace(0, 1, 4)
    found = jax.vmap(qj.qnode(qj.device("reference", wires=1))(circuit))(x)
    np.testing.assert_allclose(found, np.cos(x), atol=1e-12)


def test_shots_have_the_distribution() -> None:
    def circuit(x: Any) -> Any:
        qj.RX(x, 0)
        qj.measure(0)
        qj.CNOT([0, 1])
        return qj.expval(qj.Z(1))

    function = on("reference", circuit, shots=2000, seed=3)
    assert abs(function(0.7) - np.cos(0.7)) < 6 * np.sin(0.7) / np.sqrt(2000)
    assert function(0.7) == function(0.7)


def test_outcomes_are_counted() -> None:
    def circuit() -> Any:
        qj.X(1)
        return qj.expval(qj.Z(1)), qj.probs(), qj.counts([1, 0])[1]

    mean, shares, counts = on("reference", circuit, wires=2, shots=20)()
    assert mean == -1
    np.testing.assert_array_equal(shares, [0, 1, 0, 0])
    np.testing.assert_array_equal(counts, [0, 0, 20, 0])


@pytest.mark.parametrize("seed", [None, -3])
def test_executions_of_the_definition_draw_independently(seed: int | None) -> None:
    @qj.qnode(wires=1, shots=20_000, seed=seed)
    def circuit() -> Any:
        qj.H(0)
        return qj.expval(qj.Z(0))

    imported = Imported(lambda: [circuit() for _ in range(3)])
    runs = [[float(each) for each in imported.results(seed=7)] for _ in range(2)]
    assert runs[0] == runs[1]
    assert len(set(runs[0])) == 3
    if seed is None:
        assert runs[0] != [float(each) for each in imported.results(seed=8)]


def test_callbacks_are_called() -> None:
    def circuit(x: Any) -> Any:
        y = jax.pure_callback(np.sin, jax.ShapeDtypeStruct((), np.float64), x)
        qj.RX(y, 0)
        return qj.expval(qj.Z(0))

    agree(circuit, 0.9, wires=1)


def count(gates: list[tuple[int, ...]], wires: int) -> list[int]:
    """Count gates, layers and qubits of a circuit, plainly."""
    reached = [0] * wires
    for on_wires in gates:
        layer = 1 + max(reached[wire] for wire in on_wires)
        for wire in on_wires:
            reached[wire] = layer
    return [len(gates), max(reached, default=0), sum(map(bool, reached))]


@settings(max_examples=15, deadline=None, derandomize=True)
@given(st.lists(st.permutations(range(5)).map(lambda p: tuple(p[:2])), max_size=30))
def test_null_counts(gates: list[tuple[int, ...]]) -> None:
    def circuit() -> Any:
        for pair in gates:
            qj.CNOT(pair)
        return qj.resources()

    function = qj.qnode(qj.device("null", wires=5))(circuit)
    found = qj.qjit(function, pipeline=())()  # a gate and its inverse count, too
    assert found.tolist() == count(gates, 5)


def test_null_counts_in_32_bits() -> None:
    def circuit() -> Any:
        qj.for_loop(0, 5, 1)(lambda _: qj.CNOT([0, 1]))()
        return qj.resources()

    with jax.enable_x64(False):
        found = on("null", circuit, wires=3)()
        assert found.dtype == np.int32
        assert found.tolist() == [5, 5, 2]


def test_null_takes_a_million_gates_on_a_thousand_qubits() -> None:
    @qj.for_loop(0, 999, 1)
    def layer(wire: Any) -> None:
        qj.CNOT([wire, wire + 1])

    def circuit(x: Any) -> Any:
        qj.for_loop(0, 1001, 1)(lambda _: layer())()
        qj.ctrl(qj.RX, 0)(x, 999)
        return qj.resources()

    found = on("null", circuit, wires=1000)(0.3)
    assert found.tolist() == [1001 * 999 + 1, 3000, 1000]


def test_null_refuses_wires_out_of_range() -> None:
    def circuit(wire: Any) -> Any:
        qj.X(wire)
        return qj.resources()

    with pytest.raises(WireError, match=r"test_devices\.py"):
        on("null", circuit, wires=3)(7)


@pytest.mark.parametrize(
    ("device", "function", "words"),
    [
        ("null", lambda: qj.expval(qj.Z(0)), "has expval, but device 'null'"),
        ("null", lambda: (qj.measure(0), qj.resources())[1], "between gates"),
        ("statevector", qj.resources, "has resources, but device 'statevector'"),
    ],
)
def test_what_a_device_lacks_is_refused(device: str, function: Any, words: str) -> None:
    with pytest.raises(UnsupportedError, match=words) as caught:
        qj.qnode(qj.device(device, wires=1))(function)()
    assert "test_devices.py" in str(caught.value)


def test_unknown_devices_are_refused() -> None:
    with pytest.raises(UnsupportedError, match="'statevector', 'reference', 'null'"):
        qj.device("default.qubit", wires=1)
    with pytest.raises(UnsupportedError, match="takes no shots"):
        qj.device("null", wires=1, shots=10)
    with pytest.raises(WireError, match="from 1 to 14"):
        qj.device("reference", wires=20)


@pytest.mark.parametrize("method", ["adjoint", "parameter-shift", "hadamard"])
def test_other_derivatives_are_refused(method: str) -> None:
    @qj.qnode(qj.device("reference", wires=1), diff_method=method)
    def circuit(x: Any) -> Any:
        qj.RX(x, 0)
        return qj.expval(qj.Z(0))

    with pytest.raises(DifferentiationError, match="finite-diff, spsa"):
        jax.grad(circuit)(0.3)
