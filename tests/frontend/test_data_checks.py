"""Arrays that are known only at run time are checked as known ones are."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import qjit as qj
from qjit.errors import MatrixError, ParameterError, QJitError, StateError
from qjit.measurements import measurements

NAN, INF = np.nan, np.inf


@qj.qnode(wires=2)
def of_matrix(matrix: Any) -> Any:
    qj.RX(0.3, wires=0)
    return qj.expval(qj.Hermitian(matrix, wires=0)), qj.var(qj.Hermitian(matrix, 0))


@qj.qnode(wires=2)
def of_projector(state: Any) -> Any:
    qj.RX(0.3, wires=0)
    return qj.expval(qj.Projector(state, wires=[0, 1]))


@qj.qnode(wires=2)
def of_bits(bits: Any) -> Any:
    qj.BasisState(bits, wires=[0, 1])
    return qj.probs()


@qj.qnode(wires=2)
def of_coefficients(coefficients: Any) -> Any:
    qj.RX(0.3, wires=0)
    return qj.expval(qj.Hamiltonian(coefficients, [qj.Z(0), qj.X(1)]))


@qj.qnode(wires=2, shots=5)
def of_coefficients_from_shots(coefficients: Any) -> Any:
    qj.RX(0.3, wires=0)
    return qj.expval(qj.Hamiltonian(coefficients, [qj.Z(0), qj.Z(1)]))


@qj.qnode(wires=2)
def of_scale(scale: Any) -> Any:
    qj.RX(0.3, wires=0)
    return qj.var(scale * qj.Z(0) + qj.X(1))


@qj.qnode(wires=2)
def of_evolution(coefficients: Any) -> Any:
    qj.evolve(qj.Hamiltonian(coefficients, [qj.Z(0), qj.X(0)]), 0.5)
    return qj.probs()


WRONG: list[tuple[Any, Any, type[QJitError]]] = [
    (of_matrix, [[1, 2], [0, 1]], MatrixError),
    (of_matrix, [[1, 2j], [2j, 1]], MatrixError),
    (of_matrix, [[1j, 0], [0, 1]], MatrixError),
    (of_matrix, [[NAN, 0], [0, 1]], MatrixError),
    (of_matrix, [[INF, 0], [0, 1]], MatrixError),
    (of_projector, [0, 2], ParameterError),
    (of_projector, [0.5, 1.0], ParameterError),
    (of_projector, [NAN, 1.0], ParameterError),
    (of_projector, [1.0, 1.0, 0.0, 0.0], StateError),
    (of_projector, [NAN, 1.0, 0.0, 0.0], StateError),
    (of_bits, [0, 2], StateError),
    (of_bits, [-1, 0], StateError),
    (of_bits, [0.5, 0.0], StateError),
    (of_bits, [NAN, 0.0], StateError),
    (of_coefficients, [NAN, 1.0], ParameterError),
    (of_coefficients, [1.0, -INF], ParameterError),
    (of_coefficients_from_shots, [NAN, 1.0], ParameterError),
    (of_scale, NAN, ParameterError),
    (of_scale, INF, ParameterError),
    (of_evolution, [NAN, 1.0], ParameterError),
]


@pytest.mark.parametrize(("circuit", "data", "error"), WRONG)
def test_wrong_data(circuit: Any, data: Any, error: type[QJitError]) -> None:
    array = np.asarray(data)
    with pytest.raises(error, match=r"test_data_checks\.py:\d+: "):
        circuit(array)
    with pytest.raises(error, match=r"test_data_checks\.py:\d+: "):
        qj.qnode(wires=2)(lambda: circuit.function(array))()


RIGHT = [
    (of_matrix, [[1.0, 2j], [-2j, 0.5]]),
    (of_projector, [0, 1]),
    (of_projector, [0.6, 0.0, 0.8, 0.0]),
    (of_bits, [True, False]),
    (of_coefficients, [0.5, -2.0]),
]


@pytest.mark.parametrize(("circuit", "data"), RIGHT)
def test_right_data(circuit: Any, data: Any) -> None:
    array = np.asarray(data)
    known = qj.qnode(wires=2)(lambda: circuit.function(array))()
    for found, expected in zip(
        jax.tree.leaves(circuit(array)), jax.tree.leaves(known), strict=True
    ):
        np.testing.assert_allclose(found, expected, atol=1e-12)


def test_checks_go_with_derivatives_and_batches() -> None:
    def energy(matrix: Any) -> Any:
        return of_matrix(matrix)[0] ** 2

    right, wrong = jnp.array([[1.0, 2.0], [2.0, 0.5]]), jnp.array([[1.0, 2.0], [0, 1]])
    chance = (1 + np.cos(0.3)) / 2
    # The derivative of the mean by the entries is the density matrix, transposed.
    slopes = np.diag([chance, 1 - chance]) * 2 * (chance + 0.5 * (1 - chance))
    np.testing.assert_allclose(jax.grad(energy)(right), slopes, atol=1e-12)
    for run in (jax.grad(energy), qj.qjit(jax.grad(energy)), jax.jacfwd(energy)):
        with pytest.raises(MatrixError, match=r"test_data_checks\.py:\d+: "):
            run(wrong)
    with pytest.raises(MatrixError):
        jax.vmap(energy)(jnp.stack([right, wrong]))


@qj.qnode(wires=2)
def evolved(matrix: Any) -> Any:
    qj.exp(qj.Hermitian(matrix, 0), 0.3j)
    return qj.probs()


@pytest.mark.parametrize("outer", [lambda x: x, jnp.sin])
def test_errors_of_programs_that_run_while_others_are_traced(outer: Any) -> None:
    wrong = jnp.array([[1.0, 2.0], [3.0, 1.0]])
    circuit = lambda matrix: outer(evolved(matrix))  # noqa: E731
    calls = (
        lambda: jax.jacfwd(circuit)(wrong),
        lambda: jax.jvp(circuit, (wrong,), (wrong,)),
        lambda: jax.vmap(circuit)(wrong[None]),
        lambda: jax.vjp(circuit, wrong),
    )
    for call in calls:
        with pytest.raises(MatrixError, match=r"test_data_checks\.py:\d+: "):
            call()


def test_checks_in_branches_that_are_not_taken() -> None:
    @qj.qnode(wires=2)
    def circuit(bits: Any) -> Any:
        def prepare() -> None:
            qj.BasisState(bits, wires=[0, 1])

        jax.lax.cond(jnp.all(bits < 2), prepare, lambda: None)
        return qj.probs()

    np.testing.assert_allclose(circuit(np.array([0, 1])), [0, 1, 0, 0])
    np.testing.assert_allclose(circuit(np.array([0, 3])), [1, 0, 0, 0])


@pytest.mark.parametrize("values", [2, -1, 0.5, "2", NAN, [1, 3]])
def test_control_values(values: Any) -> None:
    @qj.qnode(wires=3)
    def circuit() -> Any:
        qj.ctrl(qj.X, control=[0, 1] if np.ndim(values) else 0, control_values=values)(
            2
        )
        return qj.probs()

    with pytest.raises(ParameterError, match="control_values takes 0 or 1"):
        circuit()


@pytest.mark.parametrize("scale", [1e-200, 1.0, 1e154, 1e300])
def test_variance_neither_cancels_nor_clamps(scale: float) -> None:
    @qj.qnode(wires=1)
    def circuit(scale: Any, angle: Any) -> Any:
        qj.RX(angle, wires=0)
        return qj.var(scale * qj.Z(0))

    assert circuit(scale, 0.0) == 0
    with np.errstate(over="ignore"):
        expected = np.float64(scale) ** 2 * np.sin(1e-6) ** 2
    np.testing.assert_allclose(circuit(scale, 1e-6), expected, rtol=1e-6)


def test_nan_is_not_taken_for_zero() -> None:
    broken = jnp.full((2, 2), NAN)
    found = measurements._entropy(broken, None)  # pyright: ignore[reportPrivateUsage]
    assert np.isnan(found)
    information = qj.classical_fisher(lambda x: jnp.stack([x, NAN * x]))
    assert np.isnan(information(0.5))
