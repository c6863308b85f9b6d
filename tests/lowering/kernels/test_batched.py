"""Entries of a batch in the lanes of registers equal one entry after another."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import qjit as qj
from qjit.dialects.statevector import KernelOp
from qjit.lowering.driver.stage_text import parsed
from qjit.lowering.kernels.schedule import tiling
from qjit.lowering.kernels.schedule.planner import plan_schedule
from qjit.lowering.kernels.selection import kernel_ir
from qjit.runtime import settings as switches
from qjit.runtime.settings import STEPS
from qjit.runtime.statevector.executor import composed, forward, fuse_gates
from qjit.runtime.target.cpu import C128
from tests.lowering.kernels.test_kernels import PHASES, layers, steps_on, twice
from tests.support.oracle import Compiled, Reference, apply, derivative, word_matrix

SIZES = [
    *[(1, "complex128"), (2, "complex128"), (3, "complex128"), (5, "complex128")],
    *[(1, "complex64"), (3, "complex64"), (4, "complex64")],
]
# More than two registers of entries, and some that are left.
ENTRIES = 37
POINTS = np.random.default_rng(5).uniform(-2, 2, (ENTRIES, 3))


def is_in_lanes(function: Any, *arguments: Any) -> bool:
    """Whether a batch of a function is taken several entries at a time."""
    return "batch.in_lanes" in qj.qjit(function).stages(*arguments)["vectorize-batches"]


@pytest.mark.parametrize(("num_wires", "dtype"), SIZES)
@settings(max_examples=3, deadline=None, derandomize=True, phases=PHASES)
@given(data=st.data())
def test_generated_circuits(num_wires: int, dtype: str, data: Any) -> None:
    steps = data.draw(steps_on(num_wires))

    @qj.qnode(wires=num_wires, dtype=dtype)
    def circuit(angles: Any) -> Any:
        twice(Compiled(), steps, angles, num_wires)
        return qj.state()

    found = np.asarray(jax.vmap(circuit)(POINTS))
    tolerance = 1e-12 if dtype == "complex128" else 2e-6
    for angles, state in zip(POINTS, found, strict=True):
        m = Reference(np)
        twice(m, steps, angles, num_wires)
        np.testing.assert_allclose(state, m.state(num_wires), atol=tolerance)


@pytest.mark.parametrize(("num_wires", "dtype"), SIZES)
@settings(max_examples=2, deadline=None, derandomize=True, phases=PHASES)
@given(data=st.data())
def test_gradients_of_generated_circuits(num_wires: int, dtype: str, data: Any) -> None:
    steps = data.draw(steps_on(num_wires))
    word = "XYZ"[len(steps) % 3]

    @qj.qnode(wires=num_wires, dtype=dtype)
    def circuit(angles: Any) -> Any:
        twice(Compiled(), steps, angles, num_wires)
        return qj.expval(1.3 * getattr(qj, word)(0))

    def reference(angles: Any) -> Any:
        m = Reference(np)
        twice(m, steps, angles, num_wires)
        state = m.state(num_wires).reshape((2,) * num_wires)
        observed = 1.3 * apply(state, word_matrix(word), [0])
        return np.vdot(state, observed).real

    found = qj.qjit(jax.vmap(jax.grad(circuit)))(POINTS)
    tolerance = 1e-11 if dtype == "complex128" else 3e-5
    directions = np.random.default_rng(6).normal(size=POINTS.shape)
    for point, slope, direction in zip(POINTS, found, directions, strict=True):
        wanted = derivative(reference, point, direction)
        np.testing.assert_allclose(slope @ direction, wanted, atol=tolerance)


@pytest.mark.parametrize("odd", [0.4, np.pi, 1e7], ids=["plain", "tiny", "large"])
@pytest.mark.parametrize("num_wires", [2, 4])
def test_an_entry_whose_angles_are_left_to_the_runtime(
    odd: float, num_wires: int
) -> None:
    """One entry has a half turn, or an angle that is too large for quick sines."""
    angles = np.random.default_rng(3).uniform(0, 6, (ENTRIES, 6, num_wires, 2))
    angles[9, 3, 1, 0] = odd

    @qj.qnode(wires=num_wires)
    def circuit(angles: Any) -> Any:
        layers(qj, angles, num_wires)
        return qj.expval(qj.Y(0) @ qj.Z(1))

    both = jax.value_and_grad(circuit)
    assert is_in_lanes(jax.vmap(both), angles)
    value, slope = jax.vmap(both)(angles)
    tolerance = 1e-8 if odd > 10 else 1e-12
    for entry in (0, 8, 9, 10, ENTRIES - 1):
        expected, expected_slope = both(angles[entry])
        np.testing.assert_allclose(value[entry], expected, atol=tolerance)
        np.testing.assert_allclose(slope[entry], expected_slope, atol=tolerance)


def test_classical_code_two_circuits_and_loops_between() -> None:
    """All but the gates is done for one entry after another."""

    @qj.qnode(wires=3)
    def first(x: Any) -> Any:
        def turn(k: Any, x: Any) -> Any:
            qj.RX(x[k % 3], wires=0)
            qj.CRY(x[1], wires=[0, 1])
            qj.CNOT(wires=[1, 2])
            return x * 1.1

        jax.lax.fori_loop(0, 4, turn, x)
        return qj.expval(qj.X(0)), qj.probs(wires=[1, 2]), qj.var(qj.Z(2))

    @qj.qnode(wires=2)
    def second(y: Any) -> Any:
        qj.RY(y, wires=0)
        qj.IsingXX(y * y, wires=[0, 1])
        return qj.expval(qj.Z(0) @ qj.Z(1))

    def entry(x: Any) -> Any:
        value, probs, variance = first(jnp.sort(x))
        y = jnp.where(value > 0, value, jnp.sum(probs[:2]) + variance)
        return jnp.sin(second(y)) * x

    assert is_in_lanes(jax.vmap(entry), POINTS)
    both = lambda x: (entry(x), jax.jacobian(entry)(x))  # noqa: E731
    alone, together = qj.qjit(both), qj.qjit(jax.vmap(both))
    for point, value, slope in zip(POINTS, *together(POINTS), strict=True):
        expected, expected_slope = alone(point)
        np.testing.assert_allclose(value, expected, atol=1e-12)
        np.testing.assert_allclose(slope, expected_slope, atol=1e-11)


def rotations(x: Any) -> Any:
    qj.RX(x[0], wires=0)
    qj.RY(x[1], wires=1)
    qj.CNOT(wires=[0, 1])
    qj.RZ(x[2], wires=1)
    return qj.expval(qj.Y(1) + qj.Z(0))


small = qj.qnode(rotations, wires=2)


@pytest.mark.parametrize("entries", [1, 3, 4, 5, 31, 32, 33])
def test_any_number_of_entries(entries: int) -> None:
    points = POINTS[:entries]
    expected = [small(point) for point in points]
    np.testing.assert_allclose(jax.vmap(small)(points), expected, atol=1e-12)


def test_a_number_of_entries_that_is_left_open() -> None:
    compiled = qj.qjit(lambda x: jax.vmap(small)(x), abstracted_axes={0: "entries"})
    assert "batch.in_lanes" in compiled.stages(POINTS)["vectorize-batches"]
    for entries in (1, 5, ENTRIES):
        expected = [small(point) for point in POINTS[:entries]]
        np.testing.assert_allclose(compiled(POINTS[:entries]), expected, atol=1e-12)


def test_shifted_circuits_are_in_lanes() -> None:
    """Two for each angle, and so more than the widest registers have lanes."""

    def circuit(x: Any) -> Any:
        qj.RY(x[3], wires=0)
        qj.RX(x[4], wires=1)
        return rotations(x)

    angles = POINTS[:2].ravel()[:5]
    shifted = qj.qnode(circuit, wires=2, diff_method="parameter-shift")
    assert is_in_lanes(jax.grad(shifted), angles)
    expected = jax.grad(qj.qnode(circuit, wires=2))(angles)
    np.testing.assert_allclose(jax.grad(shifted)(angles), expected, atol=1e-12)


@pytest.mark.parametrize("kind", ["large", "shots", "measured", "wire", "matrix"])
def test_entries_that_stay_apart(kind: str) -> None:
    """Those that fill registers on their own, draw, or have gates without code."""

    def circuit(x: Any) -> Any:
        qj.RX(x[0], wires=0)
        if kind == "large":
            for wire in range(9):
                qj.RY(x[1], wires=wire)
        elif kind == "measured":
            qj.cond(qj.measure(0) == 1, lambda: qj.RY(x[1], wires=1))()
        elif kind == "wire":
            qj.RY(x[1], wires=jnp.int32(x[2] > 0))
        elif kind == "matrix":
            qj.QubitUnitary(jnp.eye(4) * jnp.exp(1j * x[1]), wires=[0, 1])
        return qj.expval(qj.Z(0) @ qj.Z(1))

    options: dict[str, Any] = {"shots": 50, "seed": 1} if kind == "shots" else {}
    function = qj.qnode(circuit, wires=9 if kind == "large" else 2, **options)
    assert not is_in_lanes(jax.vmap(function), POINTS)
    if kind != "shots":
        expected = [function(point) for point in POINTS]
        np.testing.assert_allclose(jax.vmap(function)(POINTS), expected, atol=1e-12)


@pytest.mark.parametrize("gradient", [False, True])
def test_an_entry_that_fails(gradient: bool) -> None:
    function = jax.grad(small) if gradient else small
    points = POINTS.copy()
    points[17, 1] = np.nan
    with pytest.raises(ValueError, match="NaN or infinite"):
        jax.vmap(function)(points)
    found = jax.vmap(function)(POINTS)
    np.testing.assert_allclose(found[17], function(POINTS[17]), atol=1e-12)


def code() -> str:
    """The runtime's code, and that of a batch and of a loop over a large state."""

    @qj.qnode(wires=2)
    def small(x: Any) -> Any:
        qj.RX(x, wires=0)
        return qj.expval(qj.Z(0))

    @qj.qnode(wires=24)
    def large(x: Any) -> Any:
        @qj.for_loop(0, 10)
        def ring(_: Any) -> None:
            qj.RY(x, wires=0)
            qj.PauliRot(x, "X" * 10, wires=range(1, 11))
            qj.PauliRot(x, "Y" + "X" * 9, wires=range(1, 11))
            qj.CNOT(wires=[10, 0])

        ring()
        return qj.expval(qj.Z(0))

    plan_schedule.cache_clear()
    texts = [each.module(C128) for each in (forward, composed, fuse_gates)]
    for each, x in ((jax.vmap(small), jnp.ones(64)), (large, 0.3)):
        module = parsed(qj.qjit(each).stages(x)["llvm"])
        kernels = [op for op in module.ops if isinstance(op, KernelOp)]
        for kernel in kernels:
            text = kernel_ir(kernel)
            texts.append(text.replace(kernel.symbol.data, "kernel"))
    return "".join(texts)


def test_each_step_of_scheduling_changes_the_code(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Tiles are then too small for all gates of a repetition, on any machine.
    monkeypatch.setattr(tiling, "second_level_cache", lambda: 1 << 19)
    found = {code()}
    for step in STEPS:
        monkeypatch.setattr(switches, "left_out", lambda step=step: frozenset({step}))
        found.add(code())
    assert len(found) == 1 + len(STEPS)
