"""Quantum functions under JAX's leak checks, `shard_map` and `jax.export`."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import pytest

import qjit as qj


def plain(x: Any) -> Any:
    qj.RX(x, 0)
    qj.CNOT([0, 1])
    return qj.expval(qj.Z(1))


def mid_circuit(x: Any) -> Any:
    qj.RX(x, 0)
    qj.cond(qj.measure(0), qj.RY)(x, 1)
    return qj.expval(2.5 * qj.Z(1) + qj.X(0))


def looping(x: Any) -> Any:
    def body(_: Any, y: Any) -> Any:
        qj.RX(y, 0)
        return jnp.sin(y)

    y = jax.lax.fori_loop(0, 3, body, x)
    jax.lax.cond(x > 0, lambda: qj.RX(x, 1), lambda: qj.RY(2 * x, 1))
    qj.RY(y, 1)
    return qj.var(qj.Z(1))


def calling(x: Any) -> Any:
    jax.debug.callback(lambda _: None, x)
    qj.RX(x, 0)
    value = qj.expval(qj.Z(0))
    jax.debug.callback(lambda _: None, value)
    return value


@pytest.mark.parametrize("function", [plain, mid_circuit, looping, calling])
def test_derivatives_leak_no_tracers(function: Any) -> None:
    circuit = qj.qnode(wires=2)(function)
    with jax.checking_leaks():
        jax.value_and_grad(circuit)(0.3)
        if function is plain:
            qj.qjit(jax.hessian(circuit))(0.3)


@pytest.mark.parametrize("method", ["parameter-shift", "spsa"])
def test_derivatives_from_shots_leak_no_tracers(method: str) -> None:
    circuit = qj.qnode(wires=2, shots=10, seed=1, diff_method=method)(plain)
    with jax.checking_leaks():
        jax.grad(circuit)(0.3)


SHARDED = """
import jax, jax.numpy as jnp, numpy as np
import qjit as qj
from jax.sharding import Mesh, PartitionSpec as P

@qj.qnode(wires=2)
def quantum(x):
    qj.RX(x, 0)
    qj.CNOT([0, 1])
    return qj.expval(qj.Z(1))

mesh = Mesh(np.array(jax.devices()), ("i",))
rows = 0.1 * jnp.arange(1.0, 3.0)

def sharded(function, specs, out):
    return jax.shard_map(function, mesh=mesh, in_specs=specs, out_specs=out)

def results(f):
    one = sharded(lambda x: f(x[0])[None], P("i"), P("i"))
    yield jax.grad(lambda x: one(x).sum())(rows)
    total = sharded(lambda w, x: jax.lax.psum(f(w * x[0]), "i"), (P(), P("i")), P())
    yield from jax.jit(jax.grad(total, (0, 1)))(0.7, rows)
    inner = lambda w, x: jax.vmap(jax.grad(lambda y: f(w * y)))(x)
    yield sharded(inner, (P(), P("i")), P("i"))(0.7, rows)

for wanted, found in zip(results(jnp.cos), results(quantum), strict=True):
    assert np.allclose(wanted, found, atol=1e-5), (wanted, found)
print("done")
"""


def test_gradients_through_shard_map(tmp_path: Path) -> None:
    """In a process of its own, which has several devices."""
    (tmp_path / "script.py").write_text(SHARDED)
    flags = "--xla_force_host_platform_device_count=2"
    done = subprocess.run(
        [sys.executable, str(tmp_path / "script.py")],
        capture_output=True,
        text=True,
        env={**os.environ, "XLA_FLAGS": flags, "PYTHONPATH": ":".join(sys.path)},
    )
    assert (done.stdout, done.returncode) == ("done\n", 0), done.stderr


def test_export_takes_classical_programs() -> None:
    exported = jax.export.export(qj.qjit(jnp.sin))(0.3)
    assert exported.call(0.3) == jnp.sin(0.3)
