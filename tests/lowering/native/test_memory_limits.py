"""Programs whose states do not fit into memory end with an error of ours."""

import subprocess
import sys

import pytest

# The limit is 64 MiB short of two states of 512 MiB: one, and much to compile with.
SCRIPT = """
import resource
from pathlib import Path
import jax
jax.config.update("jax_enable_x64", True)
import jax.numpy as jnp
import qjit as qj

@qj.qnode(wires=25)
def mean(x):
    qj.RX(x, wires=0)
    return qj.expval(qj.Z(0))

@qj.qnode(wires=25)
def spread(x):
    qj.RX(x, wires=0)
    return qj.var(qj.Z(0))

@qj.qnode(wires=25)
def product(x):
    qj.RX(x, wires=0)
    return qj.expval(qj.Hermitian(jnp.eye(2), 0))

qj.qjit(lambda x: x + 1)(0.3)
pages = int(Path("/proc/self/statm").read_text().split()[0])
limit = pages * resource.getpagesize() + (15 << 26)
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
for function in (mean, spread, product, jax.grad(mean)):
    try:
        print(round(float(qj.qjit(function)(0.3)), 3))
    except qj.errors.SimulatorMemoryError as error:
        print(str(error).partition(", but")[0].partition(": ")[2])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limits are of Linux")
def test_states_that_do_not_fit() -> None:
    found = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=300
    )
    refused = "simulating 25 wires needs 1 GiB"
    assert found.stdout.splitlines() == ["0.955", *[refused] * 3], found.stderr
