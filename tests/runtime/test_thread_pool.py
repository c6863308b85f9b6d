"""Results do not depend on the number of threads, nor on who calls."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import qjit as qj
from qjit.runtime.system.thread_pool import thread_count

SCRIPT = """
import jax, numpy as np
jax.config.update("jax_enable_x64", True)
import jax.numpy as jnp
import qjit as qj

N = 17
def energy():
    return qj.Hamiltonian(
        [0.3 + 0.1 * w for w in range(2 * N)],
        [qj.Z(w) @ qj.Z((w + 1) % N) for w in range(N)] + [qj.X(w) for w in range(N)])

def layers(x):
    for wire in range(N):
        qj.RY(x[wire], wires=wire)
        qj.RZ(x[wire] * 0.3, wires=wire)
    for wire in range(N):
        qj.CNOT(wires=[wire, (wire + 1) % N])
        qj.CRX(x[wire], wires=[wire, (wire + 3) % N])

@qj.qnode(wires=N)
def expectations(x):
    layers(x)
    few, many = qj.probs(wires=[0, 9, 16]), qj.probs(wires=[2, *range(12, 3, -1)])
    return qj.expval(energy()), qj.var(energy()), few, many, qj.probs()

@qj.qnode(wires=N)
def cost(x):
    layers(x)
    return qj.expval(energy())

@qj.qnode(wires=N)
def overlap(x):
    layers(x)
    state = qj.state()
    return jnp.vdot(state, jnp.roll(state, 5)).real

@qj.qjit(seed=3)
@qj.qnode(wires=N, shots=200)
def samples(x):
    layers(x)
    return qj.sample(wires=range(N))

x = jnp.linspace(0.1, 2.0, N)
for f in (expectations, jax.grad(cost), jax.grad(overlap), samples):
    for part in jax.tree.leaves(f(x)):
        print(np.asarray(part).tobytes().hex())
"""

FORKED = """
import os, warnings
import jax.numpy as jnp
import qjit as qj

@qj.qnode(wires=16)
def circuit(x):
    for wire in range(16):
        qj.RY(x, wires=wire)
        qj.CNOT(wires=[wire, (wire + 1) % 16])
    return qj.expval(qj.Z(0))

f = qj.qjit(circuit)
before = float(f(0.3))
warnings.simplefilter("ignore")
child = os.fork()
if child == 0:
    os._exit(0 if float(f(0.3)) == before else 1)
print(os.waitpid(child, 0)[1], float(f(0.3)) == before)
"""


STARTED = """
import os, qjit as qj

def circuit_on(wires):
    @qj.qjit
    @qj.qnode(wires=wires)
    def circuit(x):
        for wire in range(wires):
            qj.RY(x, wires=wire)
        return qj.expval(qj.Z(0))
    return circuit

def threads():
    return len(os.listdir("/proc/self/task"))

float(circuit_on(2)(0.3))
small = threads()
float(circuit_on(16)(0.3))
print(threads() - small)
"""


def outcome(script: str, threads: str) -> Any:
    environment = os.environ | {"QJIT_NUM_THREADS": threads}
    command = [sys.executable, "-W", "error", "-c", script]
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=300
    )


def test_results_for_any_number_of_threads() -> None:
    wanted = outcome(SCRIPT, "1")
    assert wanted.stdout, wanted.stderr
    for threads in ("2", "7"):
        assert outcome(SCRIPT, threads).stdout == wanted.stdout


@pytest.mark.skipif(sys.platform != "linux", reason="threads are counted in /proc")
def test_threads_are_started_for_large_states_only() -> None:
    for threads in (1, 5):
        found = outcome(STARTED, str(threads))
        assert int(found.stdout) == threads - 1, found.stderr


@pytest.mark.parametrize("text", ["", "5"])
def test_default_is_the_processors(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QJIT_NUM_THREADS", text)
    found = thread_count.__wrapped__()
    assert found == 5 if text else found >= 1


@pytest.mark.parametrize("text", ["0", "many", "-2", "1.5"])
def test_what_is_no_number_of_threads(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QJIT_NUM_THREADS", text)
    with pytest.warns(UserWarning, match="Give a number from 1 to"):
        thread_count.__wrapped__()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_process_has_its_own_threads() -> None:
    found = outcome(FORKED, "3")
    assert found.stdout.split() == ["0", "True"], found.stderr


FIRST = """
from concurrent.futures import ThreadPoolExecutor
import qjit as qj

def first(number):
    @qj.qjit
    @qj.qnode(wires=1)
    def circuit(angle):
        qj.RX(number * angle, 0)
        return qj.probs(wires=0)
    return float(circuit(0.0)[0])

with ThreadPoolExecutor(3) as pool:
    print(sum(pool.map(first, range(6))))
"""


def test_first_compilations_from_several_threads() -> None:
    """Libraries that all programs share are linked once."""
    found = outcome(FIRST, "1")
    assert found.stdout == "6.0\n", found.stderr


def test_calls_from_several_threads() -> None:
    """Regions that find the pool at work run where they are called."""

    @qj.qjit
    @qj.qnode(wires=16)
    def circuit(x: Any) -> Any:
        for wire in range(16):
            qj.RY(x + wire, wires=wire)
            qj.CNOT(wires=[wire, (wire + 1) % 16])
        return qj.expval(qj.Z(3) @ qj.X(5))

    angles = jnp.linspace(0.0, 1.0, 12)
    wanted = [float(circuit(x)) for x in angles]
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda x: float(circuit(x)), np.asarray(angles)))
    assert found == wanted
    np.testing.assert_array_equal(jax.vmap(circuit)(angles), wanted)
