"""Phases between rotations: put off to later passes, or apart from their scales."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import qjit as qj
from qjit.lowering.kernels.schedule import planner
from tests.lowering.kernels.test_kernels import PHASES
from tests.lowering.kernels.test_tiled import set_tiles, small_tiles
from tests.support.oracle import Compiled, Reference, derivative

SMALL_TILES = small_tiles  # a fixture
GATES = ["RX", "RY", "RZ", "RZ", "H", "T", "PhaseShift"]
# Qubits, and those of a tile: one group of blocks, many, and many tiles.
SIZES = [(5, 5), (8, 8), (9, 6)]
ANGLES = np.array([0.3, 1.1, 2.2, 3.1, -0.7, 4.0, 0.9])


@pytest.fixture(autouse=True)
def few_scales(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let only few scales wait, and so both wait and be applied."""
    monkeypatch.setattr(planner, "MOST_SCALES", {8: 3, 4: 3})


def bricks(m: Any, gates: Any, angles: Any, num_wires: int) -> None:
    """Layers of gates on all wires, then of CZ or IsingZZ gates on pairs of them."""
    for layer, names in enumerate(gates):
        for wire in range(num_wires):
            name = names[wire % len(names)]
            given = () if name in "HT" else (angles[layer] + 0.3 * wire,)
            getattr(m, name)(*given, wires=wire)
        for wire in range(layer % 2, num_wires - 1, 2):
            if layer % 3 == 2:
                m.IsingZZ(angles[layer] - wire, wires=[wire, wire + 1])
            else:
                m.CZ(wires=[wire, wire + 1])


LAYERS = st.lists(
    st.lists(st.sampled_from(GATES), min_size=3, max_size=7),
    min_size=len(ANGLES),
    max_size=len(ANGLES),
)


@pytest.mark.parametrize(("num_wires", "tile"), SIZES)
@settings(max_examples=3, deadline=None, derandomize=True, phases=PHASES)
@given(gates=LAYERS)
def test_states(num_wires: int, tile: int, gates: Any) -> None:
    set_tiles("complex128", tile)

    @qj.qnode(wires=num_wires)
    def circuit(angles: Any) -> Any:
        bricks(Compiled(), gates, angles, num_wires)
        return qj.state()

    m = Reference(np)
    bricks(m, gates, ANGLES, num_wires)
    found = qj.qjit(circuit)(ANGLES)
    np.testing.assert_allclose(found, m.state(num_wires), atol=1e-13)


@pytest.mark.parametrize(("num_wires", "tile"), SIZES)
@settings(max_examples=2, deadline=None, derandomize=True, phases=PHASES)
@given(gates=LAYERS)
def test_gradients(num_wires: int, tile: int, gates: Any) -> None:
    set_tiles("complex128", tile)
    word = "XY" + "I" * (num_wires - 3) + "Z"

    @qj.qnode(wires=num_wires)
    def circuit(angles: Any) -> Any:
        bricks(Compiled(), gates, angles, num_wires)
        return qj.expval(qj.X(0) @ qj.Y(1) @ qj.Z(num_wires - 1))

    def reference(angles: Any) -> Any:
        m = Reference(np)
        bricks(m, gates, angles, num_wires)
        return m.expval([1.0], [word])

    found = jax.grad(circuit)(jnp.asarray(ANGLES))
    expected = [derivative(reference, ANGLES, row) for row in np.eye(len(ANGLES))]
    np.testing.assert_allclose(found, expected, atol=1e-9)


@pytest.mark.parametrize("dtype", ["complex128", "complex64"])
def test_scales_near_zero_are_left_to_the_runtime(dtype: str) -> None:
    """Tangents of quarter turns would not fit into numbers of single precision."""
    set_tiles(dtype, 8)

    def gates(m: Any, angle: Any) -> None:
        for wire in range(8):
            m.RY(0.4, wires=wire)
            m.CZ(wires=[wire, (wire + 1) % 8])
            m.RZ(angle, wires=wire)
            m.RX(0.3, wires=wire)

    @qj.qnode(wires=8, dtype=dtype)
    def circuit(angle: Any) -> Any:
        gates(Compiled(), angle)
        return qj.expval(qj.X(3))

    def energy(angle: float) -> Any:
        m = Reference(np)
        gates(m, angle)
        return m.expval([1.0], ["IIIXIIII"])

    compiled = qj.qjit(jax.value_and_grad(circuit))
    for angle in (np.pi, 3 * np.pi, 0.5):
        value, slope = compiled(angle)
        tolerance = 1e-9 if dtype == "complex128" else 2e-6
        np.testing.assert_allclose(value, energy(angle), atol=tolerance)
        np.testing.assert_allclose(slope, derivative(energy, angle), atol=tolerance)
