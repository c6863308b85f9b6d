"""Devices in Python: classes that compiled programs call by the same table."""

import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import qjit as qj
from qjit.devices import plugins
from qjit.devices.gate_device import GateDevice
from qjit.errors import DeviceError, ParameterError, UnsupportedError
from tests.programs.test_programs import WIRES, Program, differentiable, programs, run
from tests.support.device_libraries import toy
from tests.support.distributions import assert_distributed
from tests.support.oracle import Compiled
from tests.support.python_device import Numpy


def on(device: Any, function: Any, wires: int = 2, **options: Any) -> Any:
    """Return a quantum function on a device, compiled."""
    return qj.qjit(qj.qnode(qj.device(device, wires=wires, **options))(function))


def prepared(x: Any) -> None:
    qj.RX(x, 0)
    qj.CRot(x, 0.2, 0.3, wires=[0, 1])
    qj.adjoint(qj.S)(1)
    qj.ISWAP([1, 0])
    qj.GlobalPhase(0.4)


def test_the_protocol() -> None:
    device: GateDevice = Numpy(2, seed=1)
    device.apply("RX", [np.pi], [1])
    device.apply("CNOT", [], [1, 0])
    assert device.sample(3, [0, 1]).tolist() == [[1, 1]] * 3


def test_values() -> None:
    def circuit(x: Any) -> Any:
        prepared(x)
        return qj.state(), qj.expval(qj.X(1) @ qj.Y(0)), qj.var(qj.Z(1))

    expected = on("statevector", circuit)(0.7)
    for one, other in zip(on(Numpy, circuit)(0.7), expected, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-12)


@settings(
    max_examples=5,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(programs.map(differentiable), st.floats(-2, 2), st.integers(0, 3))
def test_generated_programs_agree(program: Program, x: float, index: int) -> None:
    def circuit(x: Any, index: Any) -> Any:
        run(Compiled(), program, range(WIRES), x, index)
        return qj.state()

    found, expected = (on(d, circuit, WIRES)(x, index) for d in (Numpy, "statevector"))
    np.testing.assert_allclose(found, expected, atol=1e-10)


def test_modifiers() -> None:
    class Modified(Numpy):
        gates = ("GlobalPhase", "RX", "RZ", "X")
        modifiers = True

    def circuit(x: Any) -> Any:
        prepared(x)
        qj.ctrl(qj.RX, control=0, control_values=[0])(x, wires=1)
        qj.ctrl(qj.adjoint(qj.RZ(x, 1)), control=0)
        return qj.state()

    expected = on("statevector", circuit)(0.7)
    np.testing.assert_allclose(on(Modified, circuit)(0.7), expected, atol=1e-12)


def test_shots_and_outcomes() -> None:
    def circuit(x: Any, measured: Any) -> Any:
        prepared(x)
        outcome = qj.measure(0, reset=True)
        qj.cond(outcome, lambda: qj.RX(0.5, 1))()
        return measured()

    chances = on("statevector", lambda x: circuit(x, qj.probs))(0.9)
    expected = {f"{n:02b}": float(p) for n, p in enumerate(chances) if p > 1e-9}
    rows = on(Numpy, lambda x: circuit(x, qj.sample), shots=500, seed=1)(0.9)
    assert_distributed(np.asarray(rows), expected)


def observed(x: Any) -> Any:
    qj.RX(x, 0)
    qj.CNOT([0, 1])
    return qj.expval(qj.Z(1))


def test_derivatives_and_batches() -> None:
    quantum = qj.qnode(qj.device(Numpy, wires=2))(observed)
    x = jnp.linspace(0, 1, 7)
    found = qj.qjit(jax.vmap(jax.value_and_grad(quantum)))(x)
    np.testing.assert_allclose(found[0], np.cos(x), atol=1e-12)
    np.testing.assert_allclose(found[1], -np.sin(x), atol=1e-10)


def test_threads() -> None:
    function = on(Numpy, observed)
    found: list[Any] = []

    def work() -> None:
        found.extend(float(function(0.3)) for _ in range(10))

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    np.testing.assert_allclose(found, [np.cos(0.3)] * 30, atol=1e-12)


def test_options_are_keywords() -> None:
    device = qj.device(Numpy, wires=1, shots=6, outcome=1)
    rows = qj.qjit(qj.qnode(device)(lambda: qj.sample()))()
    assert rows.tolist() == [[1]] * 6
    with pytest.raises(ParameterError, match="options of a device of others become"):
        qj.device(Numpy, wires=1, outcome=object())
    with pytest.raises(DeviceError, match=r"'python.Numpy' failed: TypeError: .*noise"):
        on(Numpy, observed, noise=1)(0.3)


class Failing(Numpy):
    """A device of which a method raises, or returns what has no meaning."""

    def apply(
        self, name: str, parameters: Sequence[float], wires: Sequence[int], **_: Any
    ) -> None:
        if name == "CNOT":
            raise ValueError("no entanglement today")

    def sample(self, shots: int, wires: Sequence[int]) -> Any:
        return np.full((shots, len(wires)), 2)

    def amplitudes(self) -> Any:
        return np.zeros(3)

    def measure(self, wire: int) -> int:
        return 5


FAILURES = {
    r"ValueError: no entanglement today \(.*test_python_devices.py:\d+, in apply\)": (
        lambda: (qj.CNOT([0, 1]), qj.sample())[1],
        5,
    ),
    "sample returned numbers other than 0 and 1": (qj.sample, 5),
    r"amplitudes returned an array of shape \(3,\), not \(4,\)": (qj.state, None),
    "measure returned 5, but outcomes are 0 or 1": (
        lambda: (qj.measure(0), qj.sample())[1],
        5,
    ),
}


@pytest.mark.parametrize("text", FAILURES)
def test_failures(text: str) -> None:
    circuit, shots = FAILURES[text]
    function = on(Failing, lambda: circuit(), shots=shots)
    place = r"test_python_devices\.py:\d+: device 'python.Failing' failed: "
    with pytest.raises(DeviceError, match=f"{place}.*{text}"):
        function()


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_what_is_no_error_is_raised_again(error: type[BaseException]) -> None:
    class Ending(Numpy):
        def apply(self, *_: Any, **__: Any) -> None:
            raise error("enough")

    with pytest.raises(error, match="enough"):
        on(Ending, observed)(0.3)


def test_signals_end_loops_of_shots() -> None:
    def circuit() -> Any:
        qj.RX(0.3, 0)
        qj.measure(0)
        return qj.sample()

    begun = threading.Event()

    class Running(Numpy):
        def measure(self, wire: int) -> int:
            begun.set()
            return super().measure(wire)

    def interrupt() -> None:
        begun.wait(60)
        time.sleep(0.1)
        os.kill(os.getpid(), signal.SIGINT)

    function = on(Running, circuit, shots=10**6)
    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        function()
    thread.join()


class Plain:
    """No device."""

    gates = ("RX",)


class Nameless(Numpy):
    """A device without gates."""

    gates = "RX"


class Unknown(Numpy):
    """A device with a gate that there is none of."""

    gates = ("RX", "QFT")


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (Plain, "class Plain has no method apply"),
        (Nameless, "Nameless has no attribute `gates`"),
        (Unknown, "lists a gate 'QFT'"),
    ],
)
def test_classes_that_are_refused(kind: type, text: str) -> None:
    with pytest.raises(DeviceError, match=rf"test_python_devices\.py:\d+: .*{text}"):
        qj.device(kind, wires=1)


def test_what_a_class_cannot_is_refused() -> None:
    class Shots:
        gates = ("RX", "RZ", "CNOT")

        def __init__(self, num_qubits: int, seed: int) -> None:
            pass

        def apply(self, *_: Any) -> None:
            pass

        def sample(self, shots: int, wires: Sequence[int]) -> Any:
            return np.zeros((shots, len(wires)))

    assert on(Shots, qj.sample, shots=2)().tolist() == [[0, 0]] * 2
    with pytest.raises(UnsupportedError, match="has no amplitudes"):
        on(Shots, observed)(0.3)
    with pytest.raises(UnsupportedError, match="takes no measurements between gates"):
        on(Shots, lambda: (qj.measure(0), qj.sample())[1], shots=2)()


def test_entry_points(monkeypatch: pytest.MonkeyPatch) -> None:
    group = plugins.ENTRY_POINTS
    values = {
        "in-python": "tests.support.python_device:Numpy",
        "in-c": "tests.support.device_libraries:toy",
        "wrong": "math:pi",
        "missing": "tests.support.no_such_module:toy",
    }
    found = [EntryPoint(name, value, group) for name, value in values.items()]
    monkeypatch.setattr(plugins, "entry_points", lambda **_: found)
    assert set(values) <= set(qj.devices())
    for name in ("in-python", "in-c"):
        np.testing.assert_allclose(on(name, observed)(0.3), np.cos(0.3), atol=1e-12)
    assert qj.device("in-c", wires=2) == qj.device(toy(), wires=2)
    with pytest.raises(DeviceError, match="gives float"):
        qj.device("wrong", wires=2)
    with pytest.raises(DeviceError, match="raised ModuleNotFoundError"):
        qj.device("missing", wires=2)


def test_other_processes_import_classes(tmp_path: Path) -> None:
    path = tmp_path / "function.pickle"
    path.write_bytes(pickle.dumps(qj.device(Numpy, wires=2)))
    program = tmp_path / "program.py"
    program.write_text(
        "import pickle, sys\nimport qjit as qj\n"
        "device = pickle.load(open(sys.argv[1], 'rb'))\n"
        "@qj.qjit\n@qj.qnode(device)\ndef circuit(x):\n"
        "    qj.RX(x, 0)\n    return qj.expval(qj.Z(0))\n"
        "print(float(circuit(0.3)))\n"
    )
    root = str(Path(__file__).parents[3])
    environment = {**os.environ, "PYTHONPATH": root}
    command = [sys.executable, str(program), str(path)]
    found = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=True
    )
    np.testing.assert_allclose(float(found.stdout), np.cos(0.3), atol=1e-6)


def test_classes_of_other_processes_are_refused() -> None:
    class Local(Numpy):
        pass

    made = qj.device(Local, wires=2)
    renamed = made.options.replace("#", "#0")
    other = made.override(options=renamed)
    with pytest.raises(DeviceError, match="this process has no device"):
        qj.qjit(qj.qnode(other)(observed))(0.3)
