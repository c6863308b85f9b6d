"""Quantum functions on runtimes of others, under transformations and in programs."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import qjit as qj
from qjit.errors import UnsupportedError
from tests.support.simulated_runtime import SimulatedRuntime, simulated

SHOTS = 4000
X, B = jnp.array([0.3, 0.7]), jnp.linspace(0.1, 1, 3)
ROWS = jnp.stack([X, 2 * X])
MATRIX = np.array(
    [[1, 0.2j, 0, 0], [-0.2j, 0, 0.5, 0], [0, 0.5, -1, 0.1], [0, 0, 0.1, 0.3]]
)
FLIP = jnp.array([[0, 1], [1, 0]])


@pytest.fixture
def runtime(monkeypatch: pytest.MonkeyPatch) -> SimulatedRuntime:
    return simulated(monkeypatch)


def on_runtime(function: Callable[..., Any]) -> Any:
    return qj.qnode(qj.device("simulated", wires=3, shots=SHOTS, seed=2))(function)


def plain(a: Any, b: Any) -> Any:
    qj.RX(a[0], 0)
    qj.CRY(a[1] * b, [0, 1])
    qj.RZ(b, 1)
    qj.IsingXX(a[0] * b, [1, 2])
    return qj.expval(qj.Z(0) @ qj.X(1) + 0.3 * qj.Y(2)), qj.probs(wires=[1, 2])


def measuring(a: Any) -> Any:
    qj.RY(a[0], 0)
    first = qj.measure(0, reset=True)
    qj.cond(first, lambda: qj.RX(a[1], 1), lambda: qj.RY(a[1], 1))()
    other = qj.measure(1)
    together = qj.probs(op=[first, other])
    return qj.expval(2 * first + other), together, qj.expval(qj.Z(1)), qj.var(qj.Z(0))


def hermitian(a: Any, matrix: Any) -> Any:
    qj.RX(a[0], 0)
    qj.CNOT([0, 1])
    projector = qj.Projector([0, 1], [0, 1])
    return qj.expval(qj.Hermitian(matrix, [0, 1])), qj.expval(projector)


def matrices(a: Any) -> Any:
    qj.QubitUnitary(jax.scipy.linalg.expm(1j * a[0] * FLIP), 0)
    qj.StatePrep(jnp.array([0.6, 0.8j]), 1)
    return qj.probs(wires=[0, 1])


def computed_wires(a: Any, wire: Any) -> Any:
    qj.RX(a[0], wire)
    qj.CNOT([wire, (wire + 1) % 3])
    return qj.expval(qj.Z((wire + 1) % 3))


def basis(bits: Any) -> Any:
    qj.BasisState(bits, [0, 1])
    return qj.probs(wires=[0, 1])


def branching(f: Any) -> Any:
    return jax.vmap(
        lambda b: jax.lax.cond(b > 0.5, lambda b: f(X, b)[0], lambda b: 0.0 * b, b)
    )(B)


def looping(f: Any) -> Any:
    def body(carry: Any) -> Any:
        number, total = carry
        return number + 1, total + f(X, 0.1 * number)[0]

    return jax.lax.while_loop(lambda carry: carry[0] < 2, body, (0, 0.0))[1]


CASES: dict[str, tuple[Callable[..., Any], Callable[[Any], Any]]] = {
    "mapped over one argument": (plain, lambda f: jax.vmap(f, (None, 0))(X, B)),
    "mapped twice": (
        plain,
        lambda f: jax.vmap(jax.vmap(f, (None, 0)), (0, None))(ROWS, B),
    ),
    "jit": (plain, lambda f: jax.jit(f)(X, 0.5)),
    "jvp": (plain, lambda f: jax.jvp(lambda x: f(x, 0.5)[0], (X,), (X,))),
    "jacrev": (plain, lambda f: qj.qjit(jax.jacrev(lambda x: f(x, 0.5)))(X)),
    "branches": (plain, lambda f: qj.qjit(lambda: branching(f))()),
    "loops": (plain, lambda f: qj.qjit(lambda: looping(f))()),
    "outcomes": (measuring, lambda f: f(X)),
    "outcomes, mapped": (measuring, lambda f: jax.vmap(f)(ROWS)),
    "outcomes, differentiated": (
        measuring,
        lambda f: qj.qjit(jax.jacobian(lambda a: f(a)[2]))(X),
    ),
    "hermitian matrices": (hermitian, lambda f: f(X, MATRIX)),
    "computed matrices": (matrices, lambda f: f(X)),
    "computed matrices, mapped": (matrices, lambda f: jax.vmap(f)(ROWS)),
    "computed wires": (
        computed_wires,
        lambda f: jax.vmap(f, (None, 0))(X, jnp.arange(3)),
    ),
    "basis states": (basis, lambda f: f(jnp.array([1, 0]))),
}


@pytest.mark.parametrize("name", CASES)
def test_results(runtime: SimulatedRuntime, name: str) -> None:
    function, use = CASES[name]
    found = use(on_runtime(function))
    wanted = use(qj.qnode(wires=3)(function))
    # Results are sums of a few means of numbers up to 2.
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, atol=0.15), found, wanted
    )
    assert runtime.batches


def test_shot_vectors_and_labels(runtime: SimulatedRuntime) -> None:
    device = qj.device("simulated", wires=["a", "b"], shots=[10, 20])

    @qj.qnode(device)
    def circuit() -> Any:
        qj.X("b")
        return qj.sample(wires=["b", "a"])

    first, other = circuit()
    assert first.shape == (10, 2) and other.shape == (20, 2)
    assert (np.concatenate([first, other]) == [1, 0]).all()


def test_callbacks_are_refused(runtime: SimulatedRuntime) -> None:
    def circuit() -> Any:
        qj.H(0)
        jax.debug.print("outcome {}", qj.measure(0))
        return qj.expval(qj.Z(0))

    with pytest.raises(UnsupportedError, match="a call of a Python function"):
        on_runtime(circuit)()


def test_circuits_are_drawn_and_counted(runtime: SimulatedRuntime) -> None:
    node = on_runtime(plain)
    assert "IsingXX" in qj.draw(node, level="quantum", width=80)(X, 0.5)
    assert "two-qubit depth" in str(qj.specs(node)(X, 0.5))
    assert runtime.batches == []
