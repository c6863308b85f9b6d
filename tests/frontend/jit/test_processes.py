"""Compiled functions go to other processes, and processes end cleanly."""

import copy
import os
import pickle
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import cloudpickle
import jax
import numpy as np
import pytest

import qjit as qj

MODULE = """
import jax, numpy as np
import qjit as qj

scale = 2.0

@qj.qnode(wires=1)
def energy(angle):
    qj.RX(scale * angle, 0)
    return qj.expval(qj.Z(0))

@qj.qjit
def slope(angle):
    return jax.grad(energy)(angle)

@qj.qjit(autograph=True)
@qj.qnode(wires=1)
def chosen(angle):
    if angle > 0.2:
        qj.RX(angle, 0)
    return qj.expval(qj.Z(0))

class Model:
    @qj.qnode(wires=1)
    def energy(angle):
        qj.RY(angle, 0)
        return qj.expval(qj.Z(0))

EXPECTED = {"energy": np.cos(0.6), "slope": -2 * np.sin(0.6), "chosen": np.cos(0.3)}
"""


def run(code: str, folder: Path, *, module: str = "", timeout: float = 120) -> str:
    """Run a script in a process of its own, which must exit in silence."""
    (folder / "module.py").write_text(module)
    (folder / "script.py").write_text(module + textwrap.dedent(code))
    path = os.pathsep.join(filter(None, [str(folder), *sys.path]))
    done = subprocess.run(
        [sys.executable, str(folder / "script.py")],
        capture_output=True,
        text=True,
        timeout=timeout,
        env={**os.environ, "PYTHONPATH": path},
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_functions_go_to_spawned_processes(tmp_path: Path) -> None:
    """From `__main__` and from a module, with the standard library's pickle."""
    code = """
    import module
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    def call(function):
        return float(function(0.3))

    if __name__ == "__main__":
        with ProcessPoolExecutor(1, get_context("spawn")) as pool:
            for name, wanted in EXPECTED.items():
                given = globals()[name], getattr(module, name)
                assert np.allclose(list(pool.map(call, given)), wanted, atol=1e-6)
            method = pool.submit(call, module.Model.energy).result()
            assert np.allclose(method, np.cos(0.3), atol=1e-6)
        print("done")
    """
    assert run(code, tmp_path, module=MODULE) == "done\n"


def test_functions_go_by_value_where_their_names_are_unknown(tmp_path: Path) -> None:
    path = tmp_path / "functions"
    code = """
    import cloudpickle, sys
    functions = [energy, slope, qj.qnode(wires=1)(lambda x: energy.function(x))]
    with open("PATH", "wb") as file:
        cloudpickle.dump(functions, file)
    """
    run(code.replace("PATH", str(path)), tmp_path, module=MODULE)
    functions = pickle.loads(path.read_bytes())
    found = [function(0.3) for function in functions]
    cosine, sine = np.cos(0.6), np.sin(0.6)
    assert np.allclose(found, [cosine, -2 * sine, cosine], atol=1e-6)


@qj.qnode(wires=1)
def energy(angle: Any) -> Any:
    qj.RX(angle, 0)
    return qj.expval(qj.Z(0))


compiled = qj.qjit(energy)
slope = qj.qjit(jax.grad(energy))


def test_a_pickled_name_is_the_same_object() -> None:
    assert energy(0.3) == compiled(0.3)
    for way in (copy.copy, copy.deepcopy):
        assert [way(f) for f in (energy, compiled)] == [energy, compiled]
    assert pickle.loads(pickle.dumps(energy)) is energy
    again = pickle.loads(cloudpickle.dumps([energy, compiled, slope]))
    assert [f(0.3) for f in again] == [f(0.3) for f in (energy, compiled, slope)]


sampled = qj.set_shots(energy, 100)


def test_another_function_made_from_what_has_the_name() -> None:
    for pickler in (pickle, cloudpickle):
        again = pickle.loads(pickler.dumps([sampled, qj.qjit(sampled)]))
        assert again[0] is not energy
        means = np.asarray([f(0.3) for f in again]) * 50
        np.testing.assert_allclose(means, np.round(means), atol=1e-3)


PROGRAMS = """
import os, sys, threading, time
import jax, jax.numpy as jnp, numpy as np
import qjit as qj

@qj.qnode(wires=2)
def energy(angle):
    qj.RX(angle, wires=0)
    qj.CNOT(wires=[0, 1])
    return qj.expval(qj.Z(1))

def looping(x):
    return jax.lax.fori_loop(0, 10**9, lambda _, x: x - jax.grad(energy)(x), x)

reached = threading.Event()

def calling(x):
    def back(x):
        reached.set()
        return np.asarray(x)
    return jax.lax.fori_loop(0, 10**9, lambda _, x: jax.pure_callback(back, x, x), x)

def busy(x):
    def back(x):
        reached.set()
        while True:
            sum(range(100))
    return jax.pure_callback(back, x, x)

def asleep(x):
    def back(x):
        reached.set()
        time.sleep(60)
        return x
    return jax.pure_callback(back, x, x)

def compiling(x):
    for k in range(1000):
        x = jnp.sin(x) * k + jnp.cos(x + k) * jnp.arange(k + 1.0).sum()
        reached.set()
    return x

def start(function, *args):
    threading.Thread(target=function, args=args, daemon=True).start()
    reached.wait()
"""

STATES = """
compiled = qj.qjit(looping)
compiled.lower(0.3)
reached.set()
start(compiled, 0.3)
for function in (calling, busy, asleep):
    reached.clear()
    start(qj.qjit(function), 0.3)
value = qj.qjit(energy)
value(0.3)
start(lambda: [value(0.3) for _ in iter(int, 1)])
"""

COMPILING = """
start(qj.qjit(compiling), 0.3)
start(lambda: [jax.grad(energy)(0.1 * k) for k in range(10**6)])
sys.exit()
"""


@pytest.mark.parametrize("code", [STATES, COMPILING], ids=["running", "compiling"])
def test_exit_is_clean(code: str, tmp_path: Path) -> None:
    """While programs run, call back, stay in callbacks, and are traced and compiled."""
    run(code, tmp_path, module=PROGRAMS)


def test_exit_while_threads_are_started(tmp_path: Path) -> None:
    """One that is asked to end while another begins does end, with its locks."""
    code = """
    import os, threading, time
    import qjit as qj
    from qjit.jit.shutdown import leave
    from qjit.lowering.native.python_callbacks import release_threads

    if hasattr(os, "sched_setaffinity"):  # a new thread then does not run at once
        os.sched_setaffinity(0, list(os.sched_getaffinity(0))[:1])

    @qj.qjit
    def starts():
        with lock:
            reached.set()
            while True:
                threading.Thread(target=int).start()

    for k in range(100):
        lock, reached = threading.Lock(), threading.Event()
        threading.Thread(target=starts, daemon=True).start()
        reached.wait()
        time.sleep(0.0001 * k)
        leave()
        release_threads()
        assert lock.acquire(timeout=5), k
    """
    run(code, tmp_path)


def test_exit_waits_for_what_threads_drop(tmp_path: Path) -> None:
    """Exceptions in finalizers are ignored, and what a thread drops may take long."""
    code = """
    import threading, time
    import qjit as qj
    from qjit.jit.shutdown import leave

    class Slow:
        def __init__(self, name):
            self.name = name

        def __del__(self):
            reached.set()
            try:
                for _ in range(20):  # at two places, so that it does not look blocked
                    time.sleep(0.01)
                    time.sleep(0.01)
            finally:  # whatever asks it to end once more
                ended.append(self.name)

    @qj.qjit
    def starts():
        held = Slow("last")
        Slow("first")
        while True:
            sum(range(100))

    ended, reached = [], threading.Event()
    thread = threading.Thread(target=starts, daemon=True)
    thread.start()
    reached.wait()
    leave()
    assert "last" in ended, ended
    """
    run(code, tmp_path)


def test_exit_of_forked_processes_is_clean(tmp_path: Path) -> None:
    code = """
    import warnings
    warnings.simplefilter("ignore")
    start(qj.qjit(calling), 0.3)
    child = os.fork()
    if child:
        assert os.waitpid(child, 0)[1] == 0
    """
    run(code, tmp_path, module=PROGRAMS)


@pytest.mark.parametrize("pickler", [pickle, cloudpickle])
def test_stages_stay_in_their_process(pickler: Any) -> None:
    (size,) = jax.export.symbolic_shape("n")
    for argument in (0.5, jax.ShapeDtypeStruct((size,), float)):
        traced = qj.qjit(double).trace(argument)
        lowered = traced.lower()
        for stage in (traced, lowered, lowered.compile()):
            with pytest.raises(qj.errors.UnsupportedError, match="stage of 'double'"):
                pickler.dumps(stage)
            assert copy.copy(stage) is stage
            assert copy.deepcopy(stage) is stage


def double(x: Any) -> Any:
    return 2 * x
