"""Known matrices and states become gates that mean the same."""

from collections import Counter
from importlib import import_module
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

import qjit as qj
from qjit.errors import UnsupportedError
from qjit.lowering.passes.circuits.circuit import product
from qjit.lowering.passes.unitaries.shannon_decomposition import (
    controlled_unitary,
    state,
    unitary,
)
from tests.support.oracle import random_state

unitary_group: Any = import_module("scipy.stats").unitary_group
GATES = "RZ", "SX", "X", "CZ"


def random_unitary(size: int, seed: int = 1) -> Any:
    return unitary_group.rvs(2**size, random_state=seed)


@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_matrices(size: int) -> None:
    generator = np.random.default_rng(size)
    diagonal = np.diag(np.exp(1j * generator.uniform(-3, 3, 2**size)))
    permutation = np.eye(2**size)[generator.permutation(2**size)].astype(complex)
    first = np.kron(random_unitary(1), random_unitary(size - 1)) if size > 1 else None
    for matrix in (random_unitary(size), diagonal, permutation, first):
        if matrix is not None:
            found = product(unitary(matrix, range(size)), range(size), {})
            np.testing.assert_allclose(found, matrix, atol=1e-12)


@pytest.mark.parametrize("small", [3e-13, 2e-11, 1e-10])
def test_matrices_that_are_nearly_simpler_are_kept(small: float) -> None:
    near = np.array([[np.cos(small), -np.sin(small)], [np.sin(small), np.cos(small)]])
    halves = np.kron(np.eye(2), random_unitary(2)), np.kron(near, np.eye(4))
    # Nearly diagonal, and nearly the same whatever the first qubit is.
    diagonal = np.kron(near, np.diag([1, 1j]))
    for each in (diagonal, halves[0] @ halves[1]):
        matrix = each.astype(np.complex128)
        size = len(matrix).bit_length() - 1
        found = product(unitary(matrix, range(size)), range(size), {})
        np.testing.assert_allclose(found, matrix, rtol=0, atol=5e-12)
    amplitudes = (np.exp(1j * small * np.arange(4)) / 2).astype(np.complex128)
    found = product(state(amplitudes, range(2)), range(2), {})[:, 0]
    np.testing.assert_allclose(found, amplitudes, rtol=0, atol=5e-12)


@pytest.mark.parametrize(("size", "most"), [(1, 0), (2, 3), (3, 20), (4, 100)])
def test_counts_are_those_of_the_paper(size: int, most: int) -> None:
    """23/48 4^n - 3/2 2^n + 4/3; diagonals and states have 2^n - 2."""
    gates = unitary(random_unitary(size), range(size))
    assert sum(len(gate.wires) == 2 for gate in gates) == most
    phases = np.exp(1j * np.arange(2**size) ** 2)
    gates = unitary(np.diag(phases), range(size))
    assert Counter(gate.name for gate in gates)["CNOT"] <= 2**size - 2
    real = np.arange(1.0, 1 + 2**size).astype(complex)
    gates = state((real / np.linalg.norm(real)).astype(complex), range(size))
    assert Counter(gate.name for gate in gates)["CNOT"] <= 2**size - 2


@pytest.mark.parametrize("size", [1, 2])
@pytest.mark.parametrize("values", [(1,), (0, 1)])
def test_controlled_matrices(size: int, values: tuple[int, ...]) -> None:
    count, matrix = len(values), random_unitary(size)
    wires = range(count + size)
    gates = controlled_unitary(matrix, wires[:count], values, wires[count:])
    expected = np.eye(2 ** len(wires), dtype=complex)
    start = int("".join(map(str, values)), 2) << size
    place = slice(start, start + 2**size)
    expected[place, place] = matrix
    np.testing.assert_allclose(product(gates, wires, {}), expected, atol=1e-12)


@pytest.mark.parametrize("size", [1, 3])
def test_states(size: int) -> None:
    real = np.array([1.0, -2, 0, 0, 3, 0, 0, -1])[: 2**size].astype(complex)
    for amplitudes in (
        random_state(size, seed=3),
        (real / np.linalg.norm(real)).astype(complex),
    ):
        found = product(state(amplitudes, range(size)), range(size), {})[:, 0]
        np.testing.assert_allclose(found, amplitudes, atol=1e-12)


def test_programs() -> None:
    @qj.qnode(wires=4)
    def circuit(x: Any) -> Any:
        qj.StatePrep(random_state(2, seed=1), wires=[2, 0])
        qj.QubitUnitary(random_unitary(2), wires=[0, 3])
        qj.RX(x, wires=0)
        qj.DiagonalQubitUnitary(np.array([1, 1j, -1, 1]), wires=[1, 0])
        qj.adjoint(qj.QubitUnitary)(random_unitary(1), wires=1)
        qj.ctrl(qj.QubitUnitary, [2, 3], control_values=[0, 1])(
            random_unitary(1), wires=1
        )
        return qj.state()

    few = qj.qjit(qj.decompose(circuit, gates=GATES), pipeline=())
    np.testing.assert_allclose(few(0.3), circuit(0.3), atol=1e-6)
    text = few.stages(0.3)["qnode-passes"]
    assert "quantum.unitary" not in text and "state_prep" not in text


def test_numbers_that_are_not_known_are_refused() -> None:
    @qj.qnode(wires=1)
    def matrix(x: Any) -> Any:
        qj.QubitUnitary(jnp.diag(jnp.exp(1j * jnp.stack([x, -x]))), wires=0)
        return qj.state()

    @qj.qnode(wires=1)
    def prepared(x: Any) -> Any:
        qj.StatePrep(jnp.stack([jnp.cos(x), jnp.sin(x)]), wires=0)
        return qj.state()

    for function, words in ((matrix, "a matrix whose"), (prepared, "a state whose")):
        with pytest.raises(UnsupportedError, match=rf"\.py:\d+: {words} .*known"):
            qj.decompose(function, gates=GATES)(0.3)
    kept = qj.decompose(matrix, gates={*GATES, "RX"})
    with pytest.raises(UnsupportedError, match="QubitUnitary"):
        qj.qjit(kept)(0.3)
