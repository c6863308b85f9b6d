"""Batches of circuits are spread over threads, and nothing shows but the time."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import qjit as qj
from tests.support.oracle import Reference
from tests.support.paths import ROOT

WIRES = 4
POINTS = np.random.default_rng(5).normal(size=(120, 2, WIRES))


def layers(on: Any, x: Any) -> None:
    for layer in range(2):
        for wire in range(WIRES):
            on.RY(x[layer, wire], wires=wire)
            on.RZ(x[layer, wire] * 0.7, wires=wire)
        for wire in range(WIRES):
            on.CNOT(wires=[wire, (wire + 1) % WIRES])


@qj.qnode(wires=WIRES)
def energy(x: Any) -> Any:
    layers(qj, x)
    return qj.expval(qj.Z(0) + 0.5 * qj.X(1) @ qj.Y(2))


@qj.qnode(wires=WIRES)
def readings(x: Any) -> Any:
    layers(qj, x)
    return qj.probs(wires=[0, 2]), qj.state(), qj.var(qj.Y(3))


@qj.qnode(wires=WIRES)
def corrected(x: Any) -> Any:
    layers(qj, x)
    outcome = qj.measure(0)
    jax.lax.cond(outcome, lambda: _quiet(qj.RX(x[0, 0], wires=1)), lambda: None)
    return qj.expval(qj.Z(1))


def _quiet(_: Any) -> None:
    return None


def shot_energy(seed: int | None = None, shots: int = 50, **options: Any) -> Any:
    @qj.qnode(wires=WIRES, shots=shots, seed=seed, **options)
    def circuit(x: Any) -> Any:
        layers(qj, x)
        return qj.expval(qj.Z(0) + 0.5 * qj.X(1) @ qj.Y(2))

    return circuit


def measured_shots(seed: int | None = None) -> Any:
    @qj.qnode(wires=WIRES, shots=30, seed=seed)
    def circuit(x: Any) -> Any:
        layers(qj, x)
        outcome = qj.measure(0)
        jax.lax.cond(outcome, lambda: _quiet(qj.RX(x[0, 0], wires=1)), lambda: None)
        return qj.sample(wires=range(WIRES))

    return circuit


def entry_by_entry(function: Callable[..., Any], points: Any) -> Any:
    single = qj.qjit(function)
    found = [single(point) for point in points]
    return jax.tree.map(lambda *parts: np.stack(parts), *found)


def check(function: Callable[..., Any], points: Any = POINTS) -> None:
    found = qj.qjit(lambda x: jax.vmap(function)(x))(points)
    wanted = entry_by_entry(function, points)
    for one, other in zip(*map(jax.tree.leaves, (found, wanted)), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-12)


def in_process(threads: int, script: str) -> str:
    environment = os.environ | {"QJIT_NUM_THREADS": str(threads)}
    command = [sys.executable, "-c", script]
    found = subprocess.run(
        command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=300
    )
    assert found.returncode == 0, found.stderr
    return found.stdout


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "values": energy,
    "readings": readings,
    "measured on the way": corrected,
    "gradients": jax.grad(energy),
    "values and gradients": jax.value_and_grad(energy),
    "gradients of measured": jax.grad(corrected),
    "derivatives along": lambda x: jax.jvp(energy, (x,), (jnp.cos(x),)),
    "classical code": lambda x: jnp.sin(energy(jnp.tanh(x) * 2)) * x.sum(),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_entries_are_those_of_a_loop(name: str) -> None:
    check(FUNCTIONS[name])


def test_second_derivatives() -> None:
    check(jax.hessian(energy), POINTS[:9])


def test_entries_are_those_of_a_plain_simulator() -> None:
    found = qj.qjit(lambda x: jax.vmap(energy)(x))(POINTS)
    for point, value in zip(POINTS, found, strict=True):
        reference = Reference(np)
        layers(reference, point)
        wanted = reference.expval([1.0, 0.5], ["ZIII", "IXYI"])
        np.testing.assert_allclose(value, wanted, atol=1e-12)


@pytest.mark.parametrize("method", ["parameter-shift", "hadamard", "finite-diff"])
def test_derivatives_from_batches(method: str) -> None:
    @qj.qnode(wires=WIRES, diff_method=method)
    def circuit(x: Any) -> Any:
        layers(qj, x)
        return qj.expval(qj.Z(0))

    @qj.qnode(wires=WIRES)
    def exact(x: Any) -> Any:
        layers(qj, x)
        return qj.expval(qj.Z(0))

    compiled = qj.qjit(jax.grad(circuit))
    assert "batch.for_each" in compiled.stages(POINTS[0])["quantum"]
    wanted = jax.grad(exact)(POINTS[0])
    np.testing.assert_allclose(compiled(POINTS[0]), wanted, atol=1e-6)


def test_nested_batches_and_operands_that_all_share() -> None:
    def both(x: Any, scale: Any) -> Any:
        return jax.vmap(jax.vmap(lambda x, s: energy(x * s), (None, 0)), (0, None))(
            x, scale
        )

    points, scales = POINTS[:8], np.linspace(0.2, 1.0, 5)
    wanted = [[energy(x * s) for s in scales] for x in points]
    np.testing.assert_allclose(qj.qjit(both)(points, scales), wanted, atol=1e-12)
    np.testing.assert_allclose(both(points, jnp.asarray(scales)), wanted, atol=1e-12)


def test_rows_of_a_jacobian() -> None:
    def probabilities(x: Any) -> Any:
        return readings(x)[0]

    one = jax.jacrev(probabilities)(POINTS[0])
    other = qj.qjit(lambda x: jax.jacfwd(probabilities)(x))(POINTS[0])
    np.testing.assert_allclose(one, other, atol=1e-12)


def test_loops_of_the_user() -> None:
    """A loop without a carry is a batch; `reverse` and a carry make it none."""
    mapped = qj.qjit(lambda x: jax.lax.map(energy, x))
    assert "batch.for_each" in mapped.stages(POINTS)["quantum"]
    wanted = entry_by_entry(energy, POINTS)
    np.testing.assert_allclose(mapped(POINTS), wanted, atol=1e-12)

    def summed(x: Any) -> Any:
        return jax.lax.scan(lambda total, x: (total + energy(x), total), 0.0, x)

    def backwards(x: Any) -> Any:
        return jax.lax.scan(lambda _, x: (None, energy(x)), None, x, reverse=True)[1]

    for function in (summed, backwards):
        assert "batch.for_each" not in qj.qjit(function).stages(POINTS)["quantum"]
    np.testing.assert_allclose(qj.qjit(summed)(POINTS)[0], wanted.sum(), atol=1e-11)
    np.testing.assert_allclose(qj.qjit(backwards)(POINTS), wanted, atol=1e-12)


def test_batches_in_compiled_training() -> None:
    def cost(x: Any) -> Any:
        return jnp.sum(jax.vmap(energy)(x))

    def train(x: Any) -> Any:
        return jax.lax.fori_loop(0, 20, lambda _, x: x - 0.1 * jax.grad(cost)(x), x)

    x = jnp.asarray(POINTS[:30])
    wanted = x
    for _ in range(20):
        wanted = wanted - 0.1 * jax.grad(cost)(wanted)
    np.testing.assert_allclose(qj.qjit(train)(x), wanted, atol=1e-10)


def test_sizes_left_open() -> None:
    compiled = qj.qjit(lambda x: jax.vmap(energy)(x), abstracted_axes={0: "entries"})
    for count in (1, 7, 120):
        wanted = entry_by_entry(energy, POINTS[:count])
        np.testing.assert_allclose(compiled(POINTS[:count]), wanted, atol=1e-12)


def test_large_arrays_in_entries() -> None:
    """Every worker has a workspace of its own."""

    @qj.qnode(wires=2)
    def circuit(x: Any) -> Any:
        angles = jnp.cumsum(jnp.sin(jnp.arange(20_000) * x))
        qj.RX(angles[-1], wires=0)
        qj.RY(jnp.sort(angles)[7], wires=1)
        return qj.expval(qj.Z(0) @ qj.Z(1))

    check(circuit, np.linspace(0.1, 2.0, 40))


def test_python_is_called_in_order() -> None:
    seen: list[float] = []

    def note(x: Any) -> Any:
        seen.append(float(x))
        return np.float64(x)

    @qj.qnode(wires=2)
    def circuit(x: Any) -> Any:
        kind = jax.ShapeDtypeStruct((), x.dtype)
        qj.RX(jax.pure_callback(note, kind, x), wires=0)
        return qj.expval(qj.Z(0))

    points = np.linspace(0.0, 3.0, 200)
    found = qj.qjit(lambda x: jax.lax.map(circuit, x))(points)
    np.testing.assert_allclose(found, np.cos(points), atol=1e-12)
    assert seen == list(points)


@settings(deadline=None, max_examples=15)
@given(
    st.integers(1, 300),
    st.sampled_from(["first", "second", "both"]),
    st.integers(0, 100),
    st.booleans(),
)
def test_any_batch(count: int, mapped: str, seed: int, gradient: bool) -> None:
    random = np.random.default_rng(seed)
    first, second = random.normal(size=(count, WIRES)), random.normal(size=(count, 3))

    @qj.qnode(wires=WIRES)
    def circuit(a: Any, b: Any) -> Any:
        for _ in range(3):
            for wire in range(WIRES):
                qj.RY(a[wire], wires=wire)
            for number in range(3):
                qj.CRX(b[number], wires=[number, number + 1])
        return qj.expval(qj.Z(3) @ qj.X(1))

    function = jax.grad(circuit, argnums=(0, 1)) if gradient else circuit
    on = {"first": (0, None), "second": (None, 0), "both": (0, 0)}[mapped]
    given = [
        x if axis == 0 else x[0] for x, axis in zip((first, second), on, strict=True)
    ]
    found = qj.qjit(lambda a, b: jax.vmap(function, on)(a, b))(*given)
    single = qj.qjit(function)
    for number in {0, count // 2, count - 1}:
        here = [
            x[number] if axis == 0 else x for x, axis in zip(given, on, strict=True)
        ]
        parts = zip(jax.tree.leaves(found), jax.tree.leaves(single(*here)), strict=True)
        for one, other in parts:
            np.testing.assert_allclose(one[number], other, atol=1e-12)


# Random numbers


def test_samples_of_an_entry_depend_on_its_number_alone() -> None:
    circuit = measured_shots()
    compiled = qj.qjit(lambda x: jax.vmap(circuit)(x), seed=11)
    found = np.asarray(compiled(POINTS))
    np.testing.assert_array_equal(compiled(POINTS[:9]), found[:9])
    same = np.asarray(compiled(np.stack([POINTS[0]] * 40)))
    assert len({rows.tobytes() for rows in same}) == 40


# Threads

SCRIPT = """
import jax, numpy as np
jax.config.update("jax_enable_x64", True)
import jax.numpy as jnp
import qjit as qj
from tests.runtime.test_parallel_for import *

x = jnp.asarray(POINTS)
exact = [FUNCTIONS[name] for name in FUNCTIONS] + [jax.hessian(energy)]
for function in exact:
    print(*(np.asarray(p).tobytes().hex() for p in jax.tree.leaves(
        qj.qjit(lambda x: jax.vmap(function)(x))(x))))
for circuit in (shot_energy(), measured_shots(), shot_energy(3), measured_shots(3)):
    samples = qj.qjit(lambda x: jax.vmap(circuit)(x), seed=2)(x)
    print(np.asarray(samples).tobytes().hex())
for method in ("parameter-shift", "hadamard", "finite-diff", "spsa"):
    gradient = jax.grad(shot_energy(shots=10, diff_method=method))
    print(np.asarray(qj.qjit(gradient, seed=2)(x[0])).tobytes().hex())
print(np.asarray(jax.vmap(jax.grad(energy))(x)).tobytes().hex())
"""

FAILING = """
import numpy as np
import qjit as qj
import jax

@qj.qnode(wires=6)
def circuit(x, wire):
    for _ in range(4):
        for w in range(6):
            qj.RY(x, wires=w)
    qj.RX(x, wires=wire)
    return qj.expval(qj.Z(0))

x, wires = np.linspace(0, 1, 300), np.zeros(300, int)
compiled = qj.qjit(lambda x, w: jax.vmap(circuit)(x, w))
failing = ((170, 171, 299), ()), ((230,), (101, 290)), ((0,), (1,))
for numbers, wide in failing * 5:
    points, places = x.copy(), wires.copy()
    points[list(numbers)] = np.nan
    places[list(wide)] = 9
    try:
        compiled(points, places)
    except Exception as error:
        print(type(error).__name__, error)
assert np.isfinite(compiled(x, wires)).all()
"""

FORKED = """
import os, warnings
import numpy as np
from tests.runtime.test_parallel_for import *

compiled = qj.qjit(lambda x: jax.vmap(energy)(x))
before = np.asarray(compiled(POINTS))
warnings.simplefilter("ignore")
child = os.fork()
if child == 0:
    os._exit(0 if (np.asarray(compiled(POINTS)) == before).all() else 1)
print(os.waitpid(child, 0)[1], (np.asarray(compiled(POINTS)) == before).all())
"""

STARTED = """
import os
from tests.runtime.test_parallel_for import *

def threads():
    return len(os.listdir("/proc/self/task"))

energy(POINTS[0])
before = threads()
compiled = qj.qjit(lambda x: jax.vmap(energy)(x))
compiled(POINTS[:1]), compiled(POINTS[:2])
few = threads() - before
compiled(np.concatenate([POINTS] * 4))
print(few, threads() - before)
"""


def test_results_for_any_number_of_threads() -> None:
    wanted = in_process(1, SCRIPT)
    assert wanted.count("\n") == len(FUNCTIONS) + 10
    assert in_process(3, SCRIPT) == wanted


def test_the_lowest_entry_that_fails_is_named() -> None:
    wanted = in_process(1, FAILING)
    nan, wire, first, *again = wanted.splitlines()
    assert again == [nan, wire, first] * 4
    assert "NaN or infinite" in nan and "<string>:10" in nan
    assert "out of range" in wire and "<string>:11" in wire
    assert "NaN or infinite" in first
    assert in_process(3, FAILING) == wanted


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_process_has_its_own_threads() -> None:
    assert in_process(3, FORKED).split() == ["0", "True"]


@pytest.mark.skipif(sys.platform != "linux", reason="threads are counted in /proc")
def test_small_batches_stay_on_one_thread() -> None:
    assert in_process(3, STARTED).split() == ["0", "2"]


def test_control_c() -> None:
    """Of many entries, and of one that takes long."""

    @qj.qnode(wires=2)
    def slow(x: Any) -> Any:
        def body(_: Any, x: Any) -> Any:
            return 3.7 * x * (1 - x)

        qj.RX(jax.lax.fori_loop(0, 10**12, body, x), wires=0)
        return qj.expval(qj.Z(0))

    def again_and_again(entry: Any) -> Any:
        def repeated(x: Any) -> Any:
            def step(_: Any, total: Any) -> Any:
                return total + jnp.sum(jax.vmap(entry)(x + total))

            return jax.lax.fori_loop(0, 10**9, step, 0.0)

        return repeated

    for function, points in (
        (again_and_again(energy), np.concatenate([POINTS] * 10_000)),
        (again_and_again(jax.grad(energy)), POINTS),
        (lambda x: jax.vmap(slow)(x), np.linspace(0.1, 0.3, 10)),
    ):
        # NOTE: where inputs are on their way, XLA runs programs on a thread of its own.
        points = jax.block_until_ready(jnp.asarray(points))
        compiled = qj.qjit(function)
        compiled.lower(points)
        timer = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT))
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            jax.block_until_ready(compiled(points))
        timer.join()
    check(energy)
