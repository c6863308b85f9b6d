"""Calls whose circuits are handed in, here and in another process."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import qjit as qj
from qjit.devices.backends.protocol import Status
from qjit.errors import JobError, UnsupportedError
from tests.support.simulated_runtime import SimulatedRuntime, simulated

SHOTS = 4000
X = jnp.array([0.3, 0.7])
NEAR = 5 / SHOTS**0.5


def gates(x: Any) -> Any:
    qj.RX(x[0], 0)
    qj.CRY(x[1], [0, 1])
    return {"z": qj.expval(qj.Z(1)), "x": qj.expval(qj.X(0) @ qj.X(1))}


exact = qj.qnode(wires=2)(gates)


@pytest.fixture
def runtime(monkeypatch: pytest.MonkeyPatch) -> SimulatedRuntime:
    return simulated(monkeypatch)


def on_runtime() -> Any:
    return qj.qnode(qj.device("simulated", wires=2, shots=SHOTS, seed=1))(gates)


def test_quantum_functions(runtime: SimulatedRuntime) -> None:
    job = on_runtime().submit(X)
    assert job.status() is Status.DONE and runtime.batches == [2]
    found, wanted = job.result(), exact(X)
    assert found.keys() == wanted.keys()
    for name in found:
        np.testing.assert_allclose(found[name], wanted[name], atol=NEAR)
    assert runtime.batches == [2]


def program(circuit: Any) -> Any:
    @qj.qjit
    def run(x: Any, scale: Any, *, shift: Any) -> Any:
        value, slope = jax.value_and_grad(lambda x: circuit(x)["z"])(jnp.sin(x))
        return {"value": scale * value + shift, "slope": scale * slope, "x": x}

    return run


def test_programs_with_gradients_are_one_batch(runtime: SimulatedRuntime) -> None:
    job = program(on_runtime()).submit(X, 2.0, shift=1)
    assert len(runtime.batches) == 1
    wanted = program(exact)(X, 2.0, shift=1)
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, atol=6 * NEAR),
        job.result(),
        wanted,
    )


def test_batches(runtime: SimulatedRuntime) -> None:
    rows = jnp.stack([X, 2 * X, 3 * X])
    job = qj.qjit(jax.vmap(on_runtime())).submit(rows)
    assert runtime.batches == [6]
    wanted = jax.vmap(exact)(rows)
    np.testing.assert_allclose(job.result()["z"], wanted["z"], atol=NEAR)


# A module of its own, as users have it: the other process imports it by its name.
MODULE = """
import jax.numpy as jnp
import numpy as np
import pytest
import qjit as qj
from tests.support.simulated_runtime import simulated

patch = pytest.MonkeyPatch()
simulated(patch)

@qj.qnode(qj.device("simulated", wires=1, shots=500, seed=3))
def flipped(options, times):
    for angle in options["angles"]:
        qj.RX(angle, 0)
    qj.RX(np.pi * times, 0)
    return qj.expval(qj.Z(0)), options["angles"]

@qj.qjit
def doubled(options, times):
    value, angles = flipped(options, times)
    return 2 * value
"""
BEGIN = """
import program, numpy as np
options = {"angles": [0.25, np.float32(0.5)], "name": None}
job = program.doubled.submit(options, 1)
job.bits()  # which simulators keep in their process
print(job.to_json())
"""
GO_ON = """
import sys, program, qjit as qj
text = sys.stdin.read()
for function in (None, program.doubled):
    print(float(qj.jobs.load(text, function).result()))
"""


def run(folder: Path, code: str, given: str = "") -> str:
    (folder / "program.py").write_text(MODULE)
    path = os.pathsep.join([str(folder), *filter(None, sys.path)])
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=given,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_other_processes_finish(tmp_path: Path) -> None:
    text = run(tmp_path, BEGIN)
    assert json.loads(text)["program"]["function"] == "program:doubled"
    first, second = map(float, run(tmp_path, GO_ON, text).split())
    assert first == second
    assert abs(first - 2 * np.cos(0.75 + np.pi)) < 2 * 5 / 500**0.5


def test_functions_that_are_not_found(runtime: SimulatedRuntime) -> None:
    node = on_runtime()
    node.__qualname__ = "gone"
    text = node.submit(X).to_json()
    with pytest.raises(JobError, match=r"cannot import.*jobs\.load\(text, function\)"):
        qj.jobs.load(text).result()
    found = qj.jobs.load(text, node).result()
    np.testing.assert_allclose(found["z"], exact(X)["z"], atol=NEAR)


def test_arguments_that_are_not_kept(runtime: SimulatedRuntime) -> None:
    class Static:
        pass

    def circuit(x: Any, static: Any) -> Any:
        assert isinstance(static, Static)
        return gates(x)

    device = qj.device("simulated", wires=2, shots=SHOTS)
    job = qj.qnode(device)(circuit).submit(X, Static())
    np.testing.assert_allclose(job.result()["z"], exact(X)["z"], atol=NEAR)
    with pytest.raises(JobError, match="arguments of this job are not kept"):
        qj.jobs.load(job.to_json()).result()


def test_circuits_that_wait_for_others(runtime: SimulatedRuntime) -> None:
    node = on_runtime()

    @qj.qjit
    def sequential(x: Any) -> Any:
        return node(x * node(x)["z"])["z"]

    @qj.qjit
    def looping(x: Any) -> Any:
        return jax.lax.fori_loop(0, 3, lambda _, y: node(x)["z"] + y, 0.0)

    for function in (sequential, looping):
        with pytest.raises(UnsupportedError, match="wait for others, or that are in"):
            function.submit(X)
    with pytest.raises(UnsupportedError, match="runs no circuit on a runtime"):
        exact.submit(X)
    assert runtime.batches == []
