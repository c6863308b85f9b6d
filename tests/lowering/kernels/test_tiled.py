"""Code for circuits of many qubits, on tiles, equals one gate after another."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import qjit as qj
from qjit.lowering.kernels import selection
from qjit.lowering.kernels.schedule import tiling
from tests.lowering.kernels.test_kernels import (
    PHASES,
    check_gradient,
    check_slopes,
    check_state,
    layers,
    steps_on,
)
from tests.support.oracle import Compiled, Reference, jacobian

# Qubits, precision, and qubits of a tile: a group of blocks, more, and all of a state.
SIZES = [
    *[(8, "complex128", 5), (10, "complex128", 8)],
    *[(9, "complex64", 7), (8, "complex64", 9)],
]
CHUNK_BYTES = 128  # a block of the widest registers


@pytest.fixture(autouse=True)
def small_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make code for every circuit, on tiles where a test makes these small."""
    monkeypatch.setattr(selection, "MOST_BYTES", 1)
    monkeypatch.setattr(selection, "MOST_TILED", 1 << 30)
    for limit in ("MOST_ONCE", "LEAST_PASSED"):
        monkeypatch.setattr(selection, limit, 1 << 30)
    monkeypatch.setattr(tiling, "CHUNK_BYTES", CHUNK_BYTES)
    monkeypatch.setattr(tiling, "tile_sizes", tiling.tile_sizes)


def set_tiles(dtype: str, *qubits: int) -> None:
    sizes = [np.dtype(dtype).itemsize << count for count in qubits]
    tiling.tile_sizes = lambda **_: sizes


def tiles_of(circuit: Any, *arguments: Any) -> int:
    """How many stages a program has on tiles."""
    return qj.qjit(circuit).stages(*arguments)["vectorize-batches"].count('"tiles of ')


def relabelled(steps: Any, num_wires: int) -> Any:
    """Steps of another program than those that tests of small circuits compile."""
    return [(name, [*wires[1:], wires[0]], how) for name, wires, how in steps]


@pytest.mark.parametrize(("num_wires", "dtype", "tile"), SIZES)
@settings(max_examples=4, deadline=None, derandomize=True, phases=PHASES)
@given(data=st.data())
def test_generated_circuits(num_wires: int, dtype: str, tile: int, data: Any) -> None:
    steps = relabelled(data.draw(steps_on(num_wires)), num_wires)
    set_tiles(dtype, tile)
    check_state(steps, num_wires, dtype)


@pytest.mark.parametrize(("num_wires", "dtype", "tile"), SIZES)
@settings(max_examples=4, deadline=None, derandomize=True, phases=PHASES)
@given(data=st.data())
def test_gradients_of_generated_circuits(
    num_wires: int, dtype: str, tile: int, data: Any
) -> None:
    steps = relabelled(data.draw(steps_on(num_wires)), num_wires)
    set_tiles(dtype, tile)
    check_gradient(steps, num_wires, dtype, 1.7)


@pytest.mark.parametrize("odd", [0.4, np.pi, 1e7], ids=["plain", "tiny", "large"])
def test_angles_left_to_the_runtime(odd: float) -> None:
    """One angle has a half turn, or is too large for quick sines."""
    num_wires = 7
    angles = np.random.default_rng(4).uniform(0, 6, (6, num_wires, 2))
    angles[3, 1, 0] = odd
    set_tiles("complex128", 6)

    @qj.qnode(wires=num_wires)
    def circuit(angles: Any) -> Any:
        layers(qj, angles, num_wires)
        return qj.expval(qj.Y(0) @ qj.X(1))

    def reference(angles: Any) -> Any:
        m = Reference(np)
        layers(m, angles, num_wires)
        return m.expval([1.0], ["YX" + "I" * (num_wires - 2)])

    assert tiles_of(circuit, angles) > 1
    value, slope = qj.qjit(jax.value_and_grad(circuit))(angles)
    tolerance = 1e-8 if odd > 10 else 1e-13
    np.testing.assert_allclose(value, reference(angles), atol=tolerance)
    check_slopes(slope, reference, angles, max(tolerance, 1e-12))


@pytest.mark.parametrize("gate", ["word", "matrix", "wire"])
def test_gates_between_stages_are_left_to_the_runtime(gate: str) -> None:
    """One that flips more than a tile has, a matrix, and one on a computed wire."""
    set_tiles("complex128", 4)
    rng = np.random.default_rng(1)
    matrix, _ = np.linalg.qr(rng.normal(size=(4, 4)) + 1j * rng.normal(size=(4, 4)))

    def gates(m: Any, angles: Any, wire: Any) -> None:
        for number in range(7):
            m.RY(angles[number], wires=number)
            m.CNOT(wires=[number, (number + 1) % 7])
        if gate == "word":
            m.PauliRot(angles[7], "XYXYX", wires=[0, 1, 2, 3, 4])
        elif gate == "matrix":
            m.QubitUnitary(matrix, wires=[5, 1])
        else:
            m.RX(angles[7], wires=wire)
        for number in range(7):
            m.RX(angles[8 + number], wires=number)
            m.CZ(wires=[number, (number + 2) % 7])

    @qj.qnode(wires=7)
    def circuit(angles: Any, wire: Any) -> Any:
        gates(Compiled(), angles, wire)
        return qj.expval(qj.X(0) @ qj.Y(6))

    def reference(angles: Any) -> Any:
        m = Reference(np)
        gates(m, angles, 2)
        return m.expval([1.0], ["XIIIIIY"])

    angles = rng.uniform(0, 6, 15)
    text = qj.qjit(circuit).stages(angles, 2)["vectorize-batches"]
    assert '"1 by the runtime", "tiles of ' in text
    value, slope = qj.qjit(jax.value_and_grad(circuit))(angles, 2)
    np.testing.assert_allclose(value, reference(angles), atol=1e-13)
    np.testing.assert_allclose(slope, jacobian(reference)(angles), atol=1e-12)


def test_tiles_are_larger_where_that_saves_stages() -> None:
    angles = jnp.linspace(0.2, 1.7, 8)

    def ring(m: Any, angles: Any, odd: float) -> None:
        for wire in range(8):
            m.RY(angles[wire], wires=wire)
        for wire in range(8):
            m.CNOT(wires=[wire, (wire + 1) % 8])
        m.RX(odd, wires=3)  # so that no program is the same

    def stages(*qubits: int) -> int:
        odd = 0.1 * sum(qubits)
        set_tiles("complex128", *qubits)

        @qj.qnode(wires=8)
        def circuit(angles: Any) -> Any:
            ring(Compiled(), angles, odd)
            return qj.state()

        m = Reference(np)
        ring(m, np.asarray(angles), odd)
        np.testing.assert_allclose(circuit(angles), m.state(8), atol=1e-13)
        return tiles_of(circuit, angles)

    small, middle, large = stages(5), stages(6), stages(7)
    assert stages(5, 6) == min(small, middle)
    assert stages(5, 6, 7) == min(small, middle, large) < small
