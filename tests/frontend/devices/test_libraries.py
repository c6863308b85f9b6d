"""Libraries of devices: compiled programs call them as they call the simulator."""

import ctypes
import os
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import qjit as qj
from qjit.dialects.targets import find_target, text_of
from qjit.errors import (
    DeviceError,
    DifferentiationError,
    ParameterError,
    PostselectionError,
    UnsupportedError,
    WireError,
)
from qjit.runtime.abi.device_api import ABI_VERSION, DeviceApi, Gate, GateKind
from tests.programs.test_programs import WIRES, Program, differentiable, programs, run
from tests.support.device_libraries import EXAMPLES, built, clifford, faulty, toy
from tests.support.distributions import assert_distributed
from tests.support.oracle import Compiled
from tests.support.outcome_programs import WIRES as OUTCOME_WIRES
from tests.support.outcome_programs import programs as outcome_programs
from tests.support.paths import ROOT

examples = settings(
    max_examples=10,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def on(device: Any, function: Any, wires: int = 3, **options: Any) -> Any:
    """Return a quantum function on a device, compiled."""
    return qj.qjit(qj.qnode(qj.device(device, wires=wires, **options))(function))


def agree(function: Any, *args: Any, wires: int = 3, **options: Any) -> None:
    """Compare the results of the simulator and of the library."""
    found, expected = (
        jax.tree.leaves(on(*given)(*args))
        for given in ((device, function, wires) for device in (toy(), "statevector"))
    )
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-12)


@examples
@given(programs.map(differentiable), st.floats(-2, 2), st.integers(0, 3))
def test_generated_programs_agree(program: Program, x: float, index: int) -> None:
    def circuit(x: Any, index: Any) -> Any:
        final = run(Compiled(), program, range(WIRES), x, index)
        return qj.state(), final

    agree(circuit, x, index, wires=WIRES)


def entangled(x: Any) -> None:
    qj.RX(x, 0)
    qj.CNOT([0, 1])
    qj.ctrl(qj.Rot, control=2, control_values=[0])(x, 0.2, 0.3, wires=1)
    qj.adjoint(qj.T)(1)
    qj.ctrl(qj.GlobalPhase, control=[0, 1])(0.3)
    qj.SWAP([1, 2])
    qj.GlobalPhase(0.7)
    qj.H(2)


MEASURED = {
    "state": qj.state,
    "probs": lambda: qj.probs([2, 0]),
    "expval": lambda: qj.expval(qj.Z(0) @ qj.Y(1) + 0.5 * qj.X(2)),
    "var": lambda: qj.var(qj.X(2)),
    "matrix": lambda: qj.expval(qj.Hermitian(np.array([[1, 2.0], [2, -1]]), 1)),
    "density_matrix": lambda: qj.density_matrix([1, 2]),
    "several": lambda: (qj.expval(qj.Y(0)), qj.state(), qj.probs([1])),
}


@pytest.mark.parametrize("name", MEASURED)
def test_what_is_measured_without_shots(name: str) -> None:
    def circuit(x: Any) -> Any:
        entangled(x)
        return MEASURED[name]()

    agree(circuit, 0.7)


def test_single_precision() -> None:
    def circuit(x: Any) -> Any:
        entangled(x)
        return qj.state()

    found = on(toy(), circuit, dtype="complex64")(0.7)
    assert found.dtype == np.complex64
    np.testing.assert_allclose(found, on("statevector", circuit)(0.7), atol=1e-6)


def test_wires_that_are_computed() -> None:
    def circuit(x: Any, count: Any) -> Any:
        @qj.for_loop(0, count, 1)
        def turn(wire: Any) -> None:
            qj.RY(x * (wire + 1), wire)
            qj.CNOT([wire, (wire + 1) % 3])

        turn()
        return qj.state()

    agree(circuit, 0.4, 3)
    with pytest.raises(WireError, match="iteration 3 of the loop"):
        on(toy(), circuit)(0.4, 5)


def test_swaps_that_a_device_lacks_are_of_wires() -> None:
    def circuit(x: Any) -> Any:
        qj.RX(x, 0)
        qj.CNOT([0, 1])
        qj.SWAP([0, 2])
        qj.RY(x, 2)
        return qj.state(), qj.probs([2])

    plain = on("statevector", circuit)(0.6)
    swapped = qj.qjit(
        qj.qnode(qj.device(toy(), wires=3))(circuit),
        pipeline=("undo-swaps", "decompose-gates"),
    )
    for one, other in zip(swapped(0.6), plain, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-12)


def dynamic(x: Any) -> Any:
    qj.RX(x, 0)
    qj.H(1)
    outcome = qj.measure(0)
    qj.cond(outcome, lambda: qj.RY(2 * x, 1), lambda: qj.CNOT([0, 1]))()
    qj.measure(1, reset=True)
    qj.CRY(0.8, wires=[0, 1])
    return outcome


def test_shots_that_measure_on_the_way_have_the_distribution() -> None:
    def sampled(x: Any) -> Any:
        dynamic(x)
        return qj.sample(wires=[0, 1])

    def exact(x: Any) -> Any:
        dynamic(x)
        return qj.probs([0, 1])

    chances = on("statevector", exact, 2)(0.9)
    expected = {f"{n:02b}": float(chance) for n, chance in enumerate(chances)}
    rows = on(toy(), sampled, 2, shots=3000, seed=5)(0.9)
    assert_distributed(np.asarray(rows), expected)


@pytest.mark.parametrize("seed", range(6))
def test_generated_outcomes_have_the_distribution(seed: int) -> None:
    (program,) = outcome_programs(seed, 1)

    def exact(angle: Any) -> Any:
        outcomes = program.run(angle)
        return qj.probs(op=[outcomes[name] for name in program.names])

    def sampled(angle: Any) -> Any:
        outcomes = program.run(angle)
        return qj.sample([outcomes[name] for name in program.names])

    chances = on("statevector", exact, OUTCOME_WIRES)(0.9)
    width = len(program.names)
    expected = {f"{n:0{width}b}": float(p) for n, p in enumerate(chances) if p > 1e-9}
    rows = on(toy(), sampled, OUTCOME_WIRES, shots=1500, seed=seed)(0.9)
    assert_distributed(np.asarray(rows).reshape(-1, width), expected)


def test_outcomes_and_samples_are_of_the_same_shots() -> None:
    def circuit(x: Any) -> Any:
        outcome = dynamic(x)
        return qj.sample(outcome), qj.sample(wires=0), qj.counts(wires=[0])

    taken, rows, (_, counts) = on(toy(), circuit, 2, shots=400, seed=1)(0.9)
    assert (np.asarray(taken) == np.asarray(rows).ravel()).all()
    assert counts.tolist() == [(taken == 0).sum(), (taken == 1).sum()]


@pytest.mark.parametrize("mode", ["fill-shots", "hw-like"])
def test_postselection(mode: str) -> None:
    def circuit(x: Any) -> Any:
        qj.RX(x, 0)
        qj.measure(0, postselect=1)
        qj.CNOT([0, 1])
        return qj.expval(qj.Z(1)), qj.sample(wires=1)

    device = qj.device(toy(), wires=2, shots=200, seed=3)
    function = qj.qjit(qj.qnode(device, postselect_mode=mode)(circuit))
    mean, rows = function(1.1)
    assert mean == -1
    kept = np.asarray(rows).ravel() == 1
    assert kept.all() if mode == "fill-shots" else 20 < kept.sum() < 150


def test_what_never_occurs_cannot_be_postselected() -> None:
    def circuit() -> Any:
        qj.measure(0, postselect=1)
        return qj.sample(wires=0)

    with pytest.raises(PostselectionError, match="did not occur in 65536 shots"):
        on(faulty(), circuit, 1, shots=2)()


def test_shots_of_gates_are_those_of_the_distribution() -> None:
    def sampled(x: Any) -> Any:
        entangled(x)
        return qj.sample(wires=[2, 0]), qj.expval(qj.X(1))

    def exact(x: Any) -> Any:
        entangled(x)
        return qj.probs([2, 0]), qj.expval(qj.X(1))

    chances, mean = on("statevector", exact)(0.7)
    rows, found = on(toy(), sampled, shots=4000, seed=2)(0.7)
    expected = {f"{n:02b}": float(chance) for n, chance in enumerate(chances)}
    assert_distributed(np.asarray(rows), expected)
    assert abs(found - mean) < 6 / np.sqrt(4000)


def test_seeds_repeat_shots_and_differ() -> None:
    def circuit(x: Any) -> Any:
        qj.RX(x, 0)
        return qj.sample(wires=0)

    one, again, other = (
        np.asarray(on(toy(), circuit, 1, shots=64, seed=seed)(1.2))
        for seed in (1, 1, 2)
    )
    assert (one == again).all()
    assert (one != other).any()


def observed(x: Any) -> Any:
    qj.RX(x, 0)
    qj.CRY(x * 0.5, wires=[0, 1])
    return qj.expval(qj.Z(1) @ qj.Z(0))


def test_derivatives() -> None:
    device = qj.device(toy(), wires=2)
    expected = jax.grad(qj.qnode(wires=2)(observed))(0.7)
    exact = qj.qjit(jax.grad(qj.qnode(device)(observed)))(0.7)
    np.testing.assert_allclose(exact, expected, atol=1e-10)
    shots = qj.qnode(device, shots=20000)(observed)
    assert abs(qj.qjit(jax.grad(shots))(0.7) - expected) < 0.05
    with pytest.raises(DifferentiationError, match="parameter-shift"):
        jax.grad(qj.qnode(device, diff_method="adjoint")(observed))(0.7)


def test_training_is_one_program() -> None:
    def trained(device: Any) -> Any:
        quantum = qj.qnode(device, diff_method="parameter-shift")(observed)

        def train(x: Any) -> Any:
            def step(_: Any, x: Any) -> Any:
                return x - 0.4 * jax.grad(quantum)(x)

            return jax.lax.fori_loop(0, 30, step, x)

        return qj.qjit(train)

    found, expected = (
        trained(qj.device(name, wires=2)) for name in (toy(), "statevector")
    )
    np.testing.assert_allclose(found(0.5), expected(0.5), atol=1e-9)
    assert found.report(0.5)["host"] == []


def test_batches() -> None:
    quantum = qj.qnode(qj.device(toy(), wires=2))(observed)
    x = jnp.linspace(0, 1, 50)
    expected = jax.vmap(qj.qnode(wires=2)(observed))(x)
    np.testing.assert_allclose(qj.qjit(jax.vmap(quantum))(x), expected, atol=1e-12)


def test_several_devices_in_one_program() -> None:
    first, second, third = (
        qj.qnode(qj.device(device, wires=2, shots=shots))(observed)
        for device, shots in ((toy(), None), ("statevector", None), (toy(), 400))
    )
    one, other, drawn = qj.qjit(lambda x: (first(x), second(x), third(x)))(0.4)
    np.testing.assert_allclose(one, other, atol=1e-12)
    assert abs(drawn - one) < 0.3


def test_clifford_circuits_on_many_qubits() -> None:
    def circuit() -> Any:
        qj.H(0)

        @qj.for_loop(0, 199, 1)
        def entangle(wire: Any) -> None:
            qj.CNOT([wire, wire + 1])

        entangle()
        outcome = qj.measure(100)
        qj.cond(outcome, lambda: qj.X(7))()
        return qj.sample(wires=[0, 7, 199])

    rows = np.asarray(on(clifford(), circuit, 200, shots=40, seed=3)())
    assert {tuple(row) for row in rows.tolist()} == {(0, 0, 0), (1, 0, 1)}


def test_clifford_gates_are_decomposed() -> None:
    def prepared() -> None:
        qj.H(0)
        qj.ISWAP([0, 1])
        qj.CZ([1, 2])
        qj.adjoint(qj.S)(2)
        qj.SX(2)
        qj.CY([2, 0])

    def sampled() -> Any:
        prepared()
        return qj.sample()

    def exact() -> Any:
        prepared()
        return qj.probs()

    chances = on("statevector", exact)()
    expected = {f"{n:03b}": float(p) for n, p in enumerate(chances) if p > 1e-9}
    rows = on(clifford(), sampled, shots=2000, seed=3)()
    assert_distributed(np.asarray(rows), expected)


def test_gates_that_there_are_no_rules_for_are_refused() -> None:
    def circuit() -> Any:
        qj.T(0)
        return qj.sample()

    with pytest.raises(UnsupportedError, match=r"'library.clifford' has no gate T"):
        on(clifford(), circuit, shots=2)()


@pytest.mark.parametrize(
    ("device", "circuit", "shots", "text"),
    [
        (clifford, lambda: qj.probs([0]), None, "has no amplitudes, and"),
        (clifford, lambda: qj.state(), 10, "measures estimate, record, sample only"),
        (toy, lambda: (qj.measure(0), qj.probs([0]))[1], None, "only with shots"),
    ],
)
def test_what_devices_cannot_is_refused(
    device: Any, circuit: Any, shots: int | None, text: str
) -> None:
    with pytest.raises(UnsupportedError, match=rf"test_libraries\.py:\d+: .*{text}"):
        on(device(), circuit, shots=shots)()


def counter(library: str, name: str) -> int:
    """Return a number that the library for tests counts."""
    return ctypes.c_int.in_dll(ctypes.CDLL(library), name).value


def failing(kind: str) -> Any:
    def circuit(x: Any) -> Any:
        qj.RX(x, 0)
        if kind in ("measure", "reset"):
            qj.measure(0)
        qj.CNOT([0, 1])
        return qj.state() if kind == "amplitudes" else qj.sample(wires=0)

    return circuit


@pytest.mark.parametrize("kind", ["gate", "sample", "measure", "amplitudes"])
def test_failures_end_the_program_and_destroy_devices(kind: str) -> None:
    library = faulty()
    shots = None if kind == "amplitudes" else 5
    function = on(library, failing(kind), 2, fails=kind, shots=shots)
    where = r"test_libraries\.py:\d+: device 'library\.faulty\d+'"
    text = f"{where} failed: no {kind} today"
    for _ in range(2):
        with pytest.raises(DeviceError, match=text):
            function(0.3)
    assert counter(library, "created") > 0
    assert counter(library, "live") == 0


def test_devices_that_are_not_created() -> None:
    function = on(faulty(), failing(""), 2, fails="create", shots=5)
    with pytest.raises(DeviceError, match="failed: the cryostat is warm"):
        function(0.3)


def test_failures_of_batches() -> None:
    library = faulty()
    device = qj.device(library, wires=2, shots=4, fails="gate")
    function = qj.qjit(jax.vmap(qj.qnode(device)(failing("gate"))))
    with pytest.raises(DeviceError, match="no gate today"):
        function(jnp.ones(200))
    assert counter(library, "live") == 0


def test_angles_and_wires_are_checked_before_the_device_has_them() -> None:
    function = on(faulty(), failing(""), 2, fails="gate", shots=5)
    with pytest.raises(ParameterError, match="NaN or infinite"):
        function(np.nan)

    def repeated(wire: Any) -> Any:
        qj.CNOT([0, wire])
        return qj.sample()

    with pytest.raises(WireError, match="repeat a wire"):
        on(faulty(), repeated, 2, fails="gate", shots=5)(0)


REFUSED = {
    "-DVERSION=2": "has version 2 of the interface",
    "-DUNKNOWN": "does not know version 1",
    "-DSIZE=16": "table of 16 bytes",
    "-DSAMPLE=0": "has no function sample",
    "-DMEASURE=0": "has one of measure and reset",
    '-DGATE={"RX",2,1}': "lists RX with 2 parameters on 1 qubits",
    '-DGATE={"WARP",1,1}': "lists a gate 'WARP'",
    "-DFLAGS=1": "lists CNOT, but not X",
    '-DFLAGS=1 -DGATE={"X",0,1}': "does not list GlobalPhase",
}


@pytest.mark.parametrize("options", REFUSED)
def test_tables_that_are_refused(options: str) -> None:
    text = rf"test_libraries\.py:\d+: .*{REFUSED[options]}"
    with pytest.raises(DeviceError, match=text):
        qj.device(faulty(*options.split()), wires=2)


def test_files_that_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match="cannot be read: No such file"):
        qj.device(str(tmp_path / "libmissing.so"), wires=2)
    text = tmp_path / "libtext.so"
    text.write_text("no library")
    with pytest.raises(DeviceError, match="cannot be loaded"):
        qj.device(text, wires=2)
    other = tmp_path / "other.c"
    other.write_text("int nothing = 0;\n")
    with pytest.raises(DeviceError, match="has no function qjit_device_table"):
        qj.device(built(other, "other", within=tmp_path), wires=2)


def test_libraries_that_change_are_refused(tmp_path: Path) -> None:
    library = tmp_path / "libchanging.so"
    shutil.copy(toy(), library)
    function = on(library, observed, 2)
    os.unlink(library)
    shutil.copy(faulty(), library)
    with pytest.raises(DeviceError, match="changed after it was loaded"):
        function(0.3)
    with pytest.raises(DeviceError, match="changed after it was loaded"):
        qj.device(library, wires=2)
    os.unlink(library)
    with pytest.raises(DeviceError, match="cannot be read"):
        function(0.3)


def test_names_of_libraries_in_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        folder.mkdir()
        shutil.copy(toy(), folder / "libsearched.so")
    shutil.copy(clifford(), second / "libfurther.so")
    (first / "notes.txt").write_text("")
    paths = os.pathsep.join(map(str, (tmp_path / "none", first, second)))
    monkeypatch.setenv("QJIT_DEVICE_PATH", paths)
    assert {"searched", "further"} <= set(qj.devices())
    made = qj.device("searched", wires=2)
    assert str(first) in made.target.options
    assert made.name == "library.searched"
    assert qj.device("library.further", wires=2).target.most_wires == 1 << 14
    monkeypatch.delenv("QJIT_DEVICE_PATH")
    with pytest.raises(UnsupportedError, match="unknown device 'searched'"):
        qj.device("searched", wires=2)


def test_gates_may_be_fewer() -> None:
    device = qj.device(toy(), wires=2, gates={"RZ", "RX", "RY"})
    with pytest.raises(UnsupportedError, match="has no gate"):
        qj.qjit(qj.qnode(device)(observed))(0.3)
    with pytest.raises(ParameterError, match=r"'library\.toy' has no gate CNOT"):
        qj.device(toy(), wires=2, gates={"CNOT"})


def test_coupled_devices_are_routed() -> None:
    def circuit(x: Any) -> Any:
        qj.RX(x, 0)
        qj.CNOT([0, 3])
        qj.CRY(x, wires=[3, 1])
        return qj.probs([1, 3])

    found = on(toy(), circuit, 4, coupling="line")(0.8)
    np.testing.assert_allclose(found, on("statevector", circuit, 4)(0.8), atol=1e-12)


def test_targets_are_known_by_their_texts() -> None:
    for device in (toy(), clifford()):
        target = qj.device(device, wires=2, noise=0.5).target
        assert find_target(text_of(target)) == target


def test_stages_are_gone_on_with() -> None:
    function = on(toy(), observed, 2)
    for name in ("quantum", "build-schedules"):
        resumed = qj.compile_stage(function.stages(0.3)[name])
        (found,) = resumed(0.3)
        assert found == function(0.3)


def test_functions_that_a_library_lacks_are_not_called() -> None:
    @qj.qnode(qj.device(clifford(), wires=1, shots=5))
    def circuit() -> Any:
        qj.H(0)
        qj.Snapshot("here")
        return qj.sample()

    with pytest.raises(DeviceError, match="has no function for what the circuit asks"):
        qj.snapshots(circuit)()


def test_snapshots() -> None:
    @qj.qnode(qj.device(toy(), wires=1))
    def circuit(x: Any) -> Any:
        qj.RX(x, 0)
        qj.Snapshot("here")
        qj.RX(-x, 0)
        return qj.probs()

    found = qj.snapshots(circuit)(0.6)
    np.testing.assert_allclose(found["here"], [np.cos(0.3), -1j * np.sin(0.3)])
    np.testing.assert_allclose(found["execution_results"], [1, 0], atol=1e-12)


def test_threads() -> None:
    function = on(toy(), observed, 2)
    expected, found = function(0.3), [0.0] * 4

    def work(number: int) -> None:
        for _ in range(20):
            found[number] = function(0.3)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * 4


CACHED = """
import sys
import qjit as qj

@qj.qjit
@qj.qnode(qj.device(sys.argv[1], wires=2, shots=50, seed=4))
def circuit(x):
    qj.RX(x, 0)
    qj.measure(0)
    qj.CNOT([0, 1])
    return qj.sample()

print(circuit(0.7).tolist(), circuit.report(0.7)["cache"])
"""


def test_other_processes_find_programs_and_libraries(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(CACHED)
    library = tmp_path / "libcached.so"
    shutil.copy(toy(), library)
    environment = {**os.environ, "QJIT_CACHE_DIR": str(tmp_path / "cache")}

    def output() -> str:
        command = [sys.executable, str(program), str(library)]
        found = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=True
        )
        return found.stdout

    first, second = output(), output()
    assert first.endswith("miss\n")
    assert second == first.replace("miss", "hit")
    os.unlink(library)
    shutil.copy(built(EXAMPLES / "toy_simulator.c", "toy0", "-O0"), library)
    assert output() == first


def test_the_page_on_devices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (ROOT / "docs" / "devices.md").read_text()
    blocks = re.findall(r"```(\w+)\n(.*?)```", page, re.S)
    (source,) = (text for language, text in blocks if language == "c")
    (tmp_path / "bits.c").write_text(source)
    built(tmp_path / "bits.c", "bits", within=tmp_path)
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    for language, text in blocks:
        if language == "python":
            exec(compile(text, "devices.md", "exec"), names)
    assert names["recorded"](0.2).tolist() == [[1, 1]] * 3


def test_headers_and_tables_are_alike(tmp_path: Path) -> None:
    (tmp_path / "offsets.c").write_text(
        '#include "qjit_device.h"\n#include <stddef.h>\n'
        "size_t offsets[] = {sizeof(qjit_device_api), sizeof(qjit_gate),\n"
        "    sizeof(qjit_gate_kind), QJIT_DEVICE_ABI_VERSION,\n"
        + "".join(
            f"    offsetof({kind}, {name}),\n" for kind, name in fields_of_structs()
        )
        + "};\n"
    )
    library = ctypes.CDLL(built(tmp_path / "offsets.c", "offsets", within=tmp_path))
    table: Any = DeviceApi, Gate, GateKind
    expected = [*map(ctypes.sizeof, table), ABI_VERSION]
    expected += [
        getattr(STRUCTS[kind], name).offset for kind, name in fields_of_structs()
    ]
    found = (ctypes.c_size_t * len(expected)).in_dll(library, "offsets")
    assert list(found) == expected


STRUCTS: dict[str, Any] = {
    "qjit_device_api": DeviceApi,
    "qjit_gate": Gate,
    "qjit_gate_kind": GateKind,
}


def fields_of_structs() -> list[tuple[str, str]]:
    """Return the fields of the interface, with their structs."""
    return [
        (kind, name) for kind, struct in STRUCTS.items() for name, _ in struct._fields_
    ]
