"""Gates that end an iteration of a loop, done at the beginning of the next instead."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import qjit as qj
from tests.lowering.kernels.test_kernels import PHASES, add
from tests.lowering.kernels.test_tiled import set_tiles, small_tiles
from tests.support.oracle import Compiled, Reference, derivative

SMALL_TILES = small_tiles  # a fixture
WIRES, TILE = 9, 6  # in complex128, three wires are in all tiles, others by three
FIXED = ["CNOT", "SWAP", "S", "SX", "CY", "H", "ISWAP", "X"]


def ring(m: Any, angles: Any, iteration: Any) -> None:
    """A layer on as many wires as there are angles in a row."""
    num_wires = angles.shape[1]
    for wire in range(num_wires):
        m.RY(angles[iteration, wire], wires=wire)
        m.RZ(0.3 * wire, wires=wire)
    for wire in range(num_wires):
        m.CNOT(wires=[wire, (wire + 1) % num_wires])


def in_loop(m: Any, angles: Any, iterations: Any, body: Any, first: Any = None) -> None:
    """The body again and again, after a gate that leaves the first basis state."""
    if first is not None:
        m.RX(first, wires=angles.shape[1] - 1)

    def iteration(index: Any, angles: Any) -> Any:
        body(m, angles, index)
        return angles

    m.loop(iterations, iteration, angles)


def runs_of(function: Any, *arguments: Any) -> int:
    """How many runs of gates a program has, in loops and out of them."""
    text = qj.qjit(function).stages(*arguments)["vectorize-batches"]
    return text.count("statevector.schedule ")


def angles_for(num_wires: int) -> Any:
    return np.random.default_rng(8).uniform(0, 6, (5, num_wires))


ANGLES = jnp.asarray(angles_for(WIRES))


@pytest.mark.parametrize("first", [None, 0.7], ids=["fresh", "other"])
@pytest.mark.parametrize(
    ("dtype", "num_wires", "tile"),
    [("complex128", WIRES, TILE), ("complex64", WIRES + 1, TILE + 1)],
)
def test_ring(dtype: str, num_wires: int, tile: int, first: float | None) -> None:
    """Any number of iterations, or none; the gate that closes the ring is moved."""
    set_tiles(dtype, tile)
    angles = angles_for(num_wires)

    @qj.qnode(wires=num_wires, dtype=dtype)
    def circuit(angles: Any, iterations: Any) -> Any:
        in_loop(Compiled(), angles, iterations, ring, first)
        return qj.state()

    # In the loop and behind it; on a fresh register, its inverse would do nothing.
    assert runs_of(circuit, angles, 5) == 2 + 2 * (first is not None)
    compiled = qj.qjit(circuit)
    for iterations in (0, 1, 2, 5):
        m = Reference(np)
        in_loop(m, angles, iterations, ring, first)
        tolerance = 1e-13 if dtype == "complex128" else 1e-6
        found = compiled(angles, iterations)
        np.testing.assert_allclose(found, m.state(num_wires), atol=tolerance)


def test_gradient_of_a_ring() -> None:
    set_tiles("complex128", TILE)
    direction = np.random.default_rng(9).normal(size=ANGLES.shape)

    @qj.qnode(wires=WIRES)
    def circuit(angles: Any) -> Any:
        in_loop(Compiled(), angles, 5, ring, 0.7)
        return qj.expval(qj.X(0) @ qj.Y(3))

    def reference(angles: Any) -> Any:
        m = Reference(np)
        in_loop(m, angles, 5, ring, 0.7)
        return m.expval([1.0], ["XIIY" + "I" * (WIRES - 4)])

    gradient = jax.grad(circuit)
    assert runs_of(gradient, ANGLES) == 4
    expected = derivative(reference, np.asarray(ANGLES), direction)
    found = np.vdot(gradient(ANGLES), direction)
    np.testing.assert_allclose(found, expected, atol=1e-9)


@settings(max_examples=8, deadline=None, derandomize=True, phases=PHASES)
@given(
    closing=st.tuples(st.sampled_from([3, 4, 5]), st.sampled_from([0, 1, 2])),
    later=st.lists(
        st.tuples(st.sampled_from(FIXED), st.permutations([0, 1, 2, 6, 7, 8])),
        max_size=4,
    ),
    first=st.sampled_from([None, 0.7]),
)
def test_generated_loops(closing: Any, later: Any, first: Any) -> None:
    """Gates of the first tile, then of the other one, and fixed ones of the first."""
    set_tiles("complex128", TILE)

    def body(m: Any, angles: Any, iteration: Any) -> None:
        for wire in range(WIRES):
            m.RY(angles[iteration, wire], wires=wire)
        for wire in range(5):
            m.CNOT(wires=[wire, wire + 1])
            m.RX(0.4 * wire, wires=wire + 1)
        m.CY(wires=closing)
        m.SX(wires=closing[1])
        m.S(wires=closing[1])
        for number, (name, wires) in enumerate(later):
            gate = partial(add, m, name, 0.0, 0, wires)
            m.adjoint(gate) if number % 2 else gate()

    @qj.qnode(wires=WIRES)
    def circuit(angles: Any) -> Any:
        in_loop(Compiled(), angles, 4, body, first)
        return qj.state()

    assert runs_of(circuit, ANGLES) > 1 + (first is not None)
    m = Reference(np)
    in_loop(m, np.asarray(ANGLES), 4, body, first)
    found = qj.qjit(circuit)(ANGLES)
    np.testing.assert_allclose(found, m.state(WIRES), atol=1e-13)


def test_where_nothing_is_moved() -> None:
    """Few iterations, and iterations that also measure."""
    set_tiles("complex128", TILE)

    def measuring(m: Any, angles: Any, iteration: Any) -> None:
        ring(m, angles, iteration)
        qj.measure(2)

    def runs(iterations: int, body: Any) -> int:
        @qj.qnode(wires=WIRES)
        def circuit(angles: Any) -> Any:
            in_loop(Compiled(), angles, iterations, body)
            return qj.expval(qj.Z(0))

        return runs_of(circuit, ANGLES)

    assert runs(3, ring) == 2
    assert runs(2, ring) == runs(4, measuring) == 1
