"""State preparations on any wires, against PennyLane, and their derivatives."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pennylane as qml
import pytest

import qjit as qj
from qjit.errors import DifferentiationError

Body = Callable[..., None]


def random_state(seed: int, kind: str, wires: int = 2) -> np.ndarray:
    rng = np.random.default_rng(seed)
    state = rng.normal(size=2**wires) + 1j * rng.normal(size=2**wires)
    if kind == "real":
        state = state.real.astype(complex)
    if kind == "sparse":
        state[rng.random(2**wires) < 0.5] = 0
        state[seed % 2**wires] = 1j
    return state / np.linalg.norm(state)


def twice(m: Any, x: Any, y: Any, t: Any) -> None:
    m.StatePrep(x, wires=[0, 1])
    m.RY(t, wires=0)
    m.CNOT(wires=[0, 2])
    m.StatePrep(y, wires=[1, 2])


def on_superpositions(m: Any, x: Any, y: Any, t: Any) -> None:
    m.Hadamard(0)
    m.RX(t, wires=1)
    m.AmplitudeEmbedding(x, wires=[1, 0])
    m.BasisState(np.array([1, 0]), wires=[1, 2])
    m.AmplitudeEmbedding(y, wires=[0, 2])


def inverted(m: Any, x: Any, y: Any, t: Any) -> None:
    m.StatePrep(x, wires=[0, 1])
    m.RY(t, wires=2)
    m.adjoint(m.StatePrep)(y, wires=[0, 1])
    m.CNOT(wires=[0, 2])


def controlled(m: Any, x: Any, y: Any, t: Any) -> None:
    m.Hadamard(2)
    m.RX(t, wires=0)
    m.ctrl(m.StatePrep, control=2)(x, wires=[0, 1])
    m.RX(t, wires=2)
    m.ctrl(m.StatePrep, control=2, control_values=[0])(y, wires=[1, 0])


BODIES = [twice, on_superpositions, inverted, controlled]


@pytest.mark.parametrize("body", BODIES, ids=lambda body: body.__name__)
def test_prepared_as_pennylane_does(body: Body) -> None:
    @qj.qnode(wires=3)
    def circuit(x: Any, y: Any, t: Any) -> Any:
        body(qj, x, y, t)
        return qj.state()

    @qml.qnode(qml.device("default.qubit", wires=3))
    def peer(x: Any, y: Any, t: Any) -> Any:
        body(qml, x, y, t)
        return qml.state()

    for seed, kind in enumerate(["complex", "real", "sparse", "sparse"]):
        x, y = random_state(seed, kind), random_state(seed + 9, kind)
        found = circuit(x, y, 0.4)
        np.testing.assert_allclose(found, peer(x, y, 0.4), atol=1e-12)


def amplitudes(t: Any) -> Any:
    parts = [1 + t, 0.5 + 1j * t, 0.3 * t**2 + 0.1, 0.7 * jnp.exp(1j * t)]
    return jnp.stack(parts) / jnp.linalg.norm(jnp.stack(parts))


def layers(t: Any) -> None:
    def layer(number: Any, carry: None) -> None:
        qj.StatePrep(amplitudes(t + 0.1 * number), wires=[0, 1])
        qj.CNOT(wires=[1, 2])
        qj.RY(t, wires=1)
        return carry

    jax.lax.fori_loop(0, 3, layer, None)


def everything(t: Any) -> None:
    pair = jnp.stack([jnp.cos(t), 1j * jnp.sin(t)])
    qj.Hadamard(2)
    qj.StatePrep(amplitudes(t), wires=[1, 2])
    qj.adjoint(qj.StatePrep)(pair, wires=[2])
    qj.ctrl(qj.StatePrep, control=2)(pair, wires=[0])


@pytest.mark.parametrize(
    ("body", "derivative"),
    [(everything, jax.grad), (everything, jax.jacfwd), (layers, jax.grad)],
)
def test_derivatives_by_states_prepared_mid_circuit(body: Any, derivative: Any) -> None:
    @qj.qnode(wires=3)
    def circuit(t: Any) -> Any:
        body(t)
        return qj.expval(qj.Z(0) + 0.5 * qj.X(1) @ qj.Y(2) + qj.X(2))

    difference = (circuit(0.4 + 1e-5) - circuit(0.4 - 1e-5)) / 2e-5
    np.testing.assert_allclose(derivative(circuit)(0.4), difference, atol=1e-8)


def test_wires_that_were_reset_are_empty() -> None:
    @qj.qnode(wires=2)
    def circuit(state: Any, t: Any) -> Any:
        qj.H(0)
        qj.CNOT(wires=[0, 1])
        qj.reset(0)
        qj.measure(1, reset=True)
        qj.StatePrep(state, wires=[0, 1])
        qj.RX(t, wires=0)
        return qj.expval(qj.Y(0))

    state = np.array([1.0, 0.0, 0.0, 0.0])
    by_state = jax.grad(circuit)(state, 0.3)
    # -sin(0.3) of |0>, and no derivative by the others but the imaginary part.
    np.testing.assert_allclose(by_state, [-2 * np.sin(0.3), 0, 0, 0], atol=1e-12)


def test_a_branch_that_prepares_leaves_wires_touched() -> None:
    @qj.qnode(wires=1)
    def circuit(first: Any, x: Any, y: Any) -> Any:
        jax.lax.cond(first, lambda: (qj.StatePrep(x, 0), None)[1], lambda: None)
        qj.StatePrep(y, wires=0)
        return qj.probs()

    @qml.qnode(qml.device("default.qubit", wires=1))
    def peer(x: Any, y: Any) -> Any:
        qml.StatePrep(x, wires=0)
        qml.StatePrep(y, wires=0)
        return qml.probs()

    x, y = random_state(0, "complex", 1), random_state(1, "complex", 1)
    np.testing.assert_allclose(circuit(True, x, y), peer(x, y), atol=1e-12)
    np.testing.assert_allclose(circuit(False, x, y), np.abs(y) ** 2, atol=1e-12)


@pytest.mark.parametrize("iterations", [0, 1])
def test_a_loop_that_empties_wires_may_have_no_iteration(iterations: int) -> None:
    def scanned() -> None:
        jax.lax.scan(lambda c, x: (qj.reset(0), (c, x))[1], 0, jnp.zeros(iterations))

    def counted() -> None:
        empties = lambda _: qj.measure(0, postselect=1, reset=True) * 0  # noqa: E731
        qj.for_loop(0, jnp.asarray(iterations))(empties)()

    for empty in (scanned, counted):

        @qj.qnode(wires=1)
        def circuit(empty: Any = empty) -> Any:
            qj.X(0)
            empty()
            qj.StatePrep(np.array([0.6, 0.8]), wires=0)
            return qj.probs()

        wanted = [0.36, 0.64] if iterations else [0.64, 0.36]
        np.testing.assert_allclose(circuit(), wanted, atol=1e-6)


def test_derivative_by_zeros_mid_circuit_is_refused() -> None:
    @qj.qnode(wires=2)
    def circuit(t: Any, angle: Any) -> Any:
        qj.RY(angle, wires=0)
        qj.StatePrep(jnp.stack([jnp.cos(t), jnp.sin(t), 0.0, 0.0]), wires=[0, 1])
        return qj.expval(qj.Z(0))

    with pytest.raises(DifferentiationError, match="amplitudes which are zero"):
        jax.grad(circuit)(0.3, 0.4)
    difference = (circuit(0.3, 0.4 + 1e-5) - circuit(0.3, 0.4 - 1e-5)) / 2e-5
    by_angle = jax.grad(circuit, argnums=1)(0.3, 0.4)
    np.testing.assert_allclose(by_angle, difference, atol=1e-8)


def test_applied_preparations_take_modifiers() -> None:
    state = random_state(3, "complex")

    @qj.qnode(wires=3)
    def circuit() -> Any:
        qj.StatePrep(state, wires=[0, 1])
        qj.X(2)
        qj.ctrl(qj.adjoint(qj.StatePrep(state, wires=[0, 1])), control=2)
        return qj.probs()

    np.testing.assert_allclose(circuit(), np.eye(8)[1], atol=1e-12)


TYPED = np.array([0.7071068, 0.0, 0.7071068, 0.0])
ROUNDED = np.real(random_state(5, "real"))


@pytest.mark.parametrize("known", [True, False], ids=["known", "traced"])
@pytest.mark.parametrize(
    "state",
    [
        TYPED,
        ROUNDED.astype(np.float32),
        random_state(5, "complex").astype(np.complex64),
        jnp.asarray(ROUNDED, jnp.bfloat16),
        np.round(random_state(6, "complex"), 8),
    ],
    ids=["typed", "float32", "complex64", "bfloat16", "printed"],
)
def test_states_are_as_precise_as_their_dtype(state: Any, known: bool) -> None:
    def circuit(given: Any) -> Any:
        qj.StatePrep(given, wires=[0, 1])
        return qj.probs()

    run = qj.qnode(wires=2)(lambda: circuit(state)) if known else None
    found = run() if run else qj.qnode(wires=2)(circuit)(state)
    wide = np.abs(np.asarray(state, complex)) ** 2
    np.testing.assert_allclose(found, wide / wide.sum(), atol=1e-7)
    narrow = np.asarray(state).dtype.itemsize < np.dtype(float).itemsize
    np.testing.assert_allclose(found.sum(), 1, atol=1e-12 if known or narrow else 1e-7)


@pytest.mark.parametrize("known", [True, False], ids=["known", "traced"])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_unitaries_are_as_precise_as_their_dtype(dtype: Any, known: bool) -> None:
    digits = 8 if dtype == np.float64 else 20
    matrix = np.round(np.array([[0.6, 0.8], [0.8, -0.6]]) @ HADAMARD, digits)

    def circuit(given: Any) -> Any:
        qj.QubitUnitary(given, wires=0)
        return qj.expval(qj.Z(0))

    given = matrix.astype(dtype)
    run = qj.qnode(wires=1)(lambda: circuit(given)) if known else None
    found = run() if run else qj.qnode(wires=1)(circuit)(given)
    np.testing.assert_allclose(found, 0.96, atol=max(1e-7, np.finfo(dtype).eps * 4))
    with pytest.raises(qj.errors.MatrixError):
        qj.qnode(wires=1)(circuit)((matrix * 1.01).astype(dtype))


HADAMARD = np.array([[1, 1], [1, -1]]) / np.sqrt(2)


def test_derivative_by_a_narrow_state_is_that_of_its_amplitudes() -> None:
    @qj.qnode(wires=1)
    def circuit(state: Any) -> Any:
        qj.StatePrep(state, wires=0)
        return qj.expval(qj.Z(0))

    found = jax.grad(circuit)(jnp.asarray([0.6, 0.8], np.float32))
    np.testing.assert_allclose(found, [1.2, -1.6], rtol=1e-6)
    angles = jnp.float32(0.3)
    by_angle = jax.grad(lambda t: circuit(jnp.stack([jnp.cos(t), jnp.sin(t)])))(angles)
    np.testing.assert_allclose(by_angle, -2 * np.sin(0.6), rtol=1e-5)


@pytest.mark.parametrize("scale", [1e-300, 1e-160, 1.0, 1e160, 1e300])
def test_normalising_any_size(scale: float) -> None:
    @qj.qnode(wires=1)
    def circuit(state: Any) -> Any:
        qj.StatePrep(state, wires=0, normalize=True)
        return qj.probs()

    found = circuit(np.array([3.0, 4.0]) * scale)
    np.testing.assert_allclose(found, [0.36, 0.64], atol=1e-12)


NO_WIRES: dict[str, tuple[Callable[[Any], Any], Any, complex]] = {
    "a state": (lambda v: qj.StatePrep(v, wires=[]), [1j], 1j),
    "two states": (
        lambda v: (qj.StatePrep(v, wires=[]), qj.StatePrep(v, wires=[])),
        [1j],
        -1,
    ),
    "normalised": (
        lambda v: qj.AmplitudeEmbedding(v, wires=[], normalize=True),
        [-3.0],
        -1,
    ),
}


@pytest.mark.parametrize("name", NO_WIRES)
def test_a_state_of_no_wires_is_a_phase(name: str) -> None:
    prepare, amplitudes, phase = NO_WIRES[name]

    @qj.qnode(wires=1)
    def circuit(amplitudes: Any) -> Any:
        qj.X(0)
        prepare(amplitudes)
        return qj.state()

    found = qj.qjit(circuit)(np.asarray(amplitudes))
    np.testing.assert_allclose(found, [0, phase], atol=1e-7)
