"""Circuits on hardware: their gates are its own, on its edges, and mean the same."""

from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from xdsl.dialects.builtin import ModuleOp

import qjit as qj
from qjit.dialects.targets import STATEVECTOR, find_target, text_of
from qjit.errors import ParameterError, UnsupportedError
from qjit.lowering.passes.quantum.routing.adjacency import distant_gates
from qjit.lowering.passes.quantum.routing.coupling import parse_coupling
from tests.support.pass_meaning import Imported, gate_names

NATIVE = {"RZ", "SX", "X", "CZ"}
WIRES = 4


def hardware(level: int, **options: Any) -> qj.Device:
    """Return a line of qubits with few gates."""
    settings: dict[str, Any] = {"gates": NATIVE, "coupling": "line", **options}
    return qj.device(wires=WIRES, pipeline=f"hardware:{level}", **settings)


def structured(x: Any) -> Any:
    qj.H(0)
    qj.CRX(x, [0, 3])
    qj.CNOT([3, 1])
    qj.SWAP([0, 1])
    qj.CNOT([3, 0])
    qj.QubitUnitary(np.array([[0, 1j], [1, 0]]), wires=2)

    @qj.for_loop(0, 3, 1)
    def layer(number: Any) -> None:
        qj.IsingXY(0.3 * x + 0.1 * number, [3, 1])
        qj.adjoint(qj.S)(3)
        qj.CNOT([0, 2])

    layer()
    qj.ctrl(qj.RY, [0, 1], control_values=[0, 1])(0.4, wires=3)
    return qj.state()


def is_native(name: str) -> bool:
    return name in {*NATIVE, "GlobalPhase"}


def rotated(x: Any) -> Any:
    qj.H(0)
    qj.CRX(x, [0, 3])
    return qj.expval(qj.Z(3))


@cache
def compiled(level: int) -> tuple[Imported, ModuleOp]:
    """Return a circuit, and what the default pipeline makes of it."""
    imported = Imported(qj.qnode(hardware(level))(structured), 0.7)
    passes = ("device-passes", "decompose-gates", "cancel-inverses", "merge-rotations")
    return imported, imported.after(passes)


@pytest.mark.parametrize("level", range(4))
def test_gates_are_native_and_on_edges(level: int) -> None:
    imported, module = compiled(level)
    assert all(map(is_native, gate_names(module)))
    assert not distant_gates(module, parse_coupling("line", WIRES))
    (found,), (expected,) = imported.results(module), imported.results()
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_levels_leave_fewer_gates_on_two_qubits() -> None:
    counts = [gate_names(compiled(level)[1]).count("CZ") for level in range(4)]
    assert counts == sorted(counts, reverse=True)
    assert counts[3] < counts[0]


def test_a_circuit_has_the_passes_of_its_own_device() -> None:
    plain = qj.qnode(wires=WIRES)(rotated)
    routed = qj.qnode(hardware(2))(rotated)

    def both(x: Any) -> Any:
        return plain(x) + routed(x)

    np.testing.assert_allclose(qj.qjit(both)(0.7), 2 * plain(0.7), atol=1e-12)
    stages = qj.qjit(both).stages(0.7)
    assert stages["device-passes"].count('"CRX"') == 1
    assert stages["device-passes"].count('"CZ"') == 1
    own = qj.qjit(routed, pipeline=("merge-rotations",)).stages(0.7)
    assert "device-passes" not in own
    assert "final_layout" not in own["decompose-gates"]
    assert '"CRX"' not in own["decompose-gates"]


def test_stages_as_text_go_on() -> None:
    text = qj.qjit(qj.qnode(hardware(1))(rotated)).stages(0.7)["quantum"]
    assert text_of(hardware(1).target) in text
    (value,) = qj.compile_stage(text)(0.7)
    np.testing.assert_allclose(value, qj.qnode(wires=WIRES)(rotated)(0.7), atol=1e-12)


def test_derivatives_are_by_circuits_of_its_gates() -> None:
    def correlated(x: Any) -> Any:
        qj.RY(0.3, 0)
        qj.IsingXY(x, [0, 3])
        return qj.expval(qj.Z(3))

    node = qj.qnode(hardware(2))(correlated)
    gradient = qj.qjit(jax.grad(node))
    expected = jax.grad(qj.qnode(wires=WIRES)(correlated))(0.4)
    np.testing.assert_allclose(gradient(0.4), expected, atol=1e-9)
    assert gradient.report(0.4)["diff_method"] == {"correlated": "parameter-shift"}
    text = gradient.stages(0.4)["device-passes"]
    names = {line.split('"')[1] for line in text.splitlines() if "quantum.gate" in line}
    assert all(map(is_native, names))


def test_other_devices_stand_for_hardware() -> None:
    options: dict[str, Any] = {"gates": NATIVE, "coupling": "line"}
    node = qj.qnode(qj.device("reference", wires=WIRES, **options))(rotated)
    np.testing.assert_allclose(qj.qjit(node)(0.7), (1 + np.cos(0.7)) / 2, atol=1e-12)

    @qj.qnode(qj.device("null", wires=WIRES, **options))
    def counted() -> Any:
        qj.CRX(0.3, [0, 3])
        return qj.resources()

    gates, _, _ = qj.qjit(counted)()
    assert gates > 1


def test_passes_of_functions_come_before_those_of_devices() -> None:
    def circuit(x: Any) -> Any:
        qj.RX(x, 0)
        qj.RX(x, 0)
        qj.CNOT([0, 3])
        return qj.expval(qj.Z(3))

    node = qj.qnode(hardware(0), passes=["merge-rotations"])(circuit)
    np.testing.assert_allclose(qj.qjit(node)(0.2), np.cos(0.4), atol=1e-12)


def test_constants_are_known_in_direct_calls() -> None:
    table = np.array([1, 0])

    def body(x: Any) -> Any:
        qj.QubitUnitary(np.array([[0, 1j], [1, 0]]), wires=2)
        qj.for_loop(0, 2)(lambda i: qj.CRY(x, [2, jnp.asarray(table)[i]]))()
        return qj.expval(qj.Hermitian(np.diag([1.0, 2.0]), wires=1))

    expected = qj.qnode(wires=WIRES)(body)(0.3)
    by_device = qj.qnode(hardware(1))(body)
    by_passes = qj.qnode(wires=WIRES, passes=["diagonalize-measurements"])(body)
    for circuit in (by_device, by_passes):
        np.testing.assert_allclose(circuit(0.3), expected, atol=1e-12)
    with pytest.raises(UnsupportedError, match=r"with qjit around jax\.jit"):
        jax.jit(by_device)(0.3)
    np.testing.assert_allclose(qj.qjit(jax.jit(by_device))(0.3), expected, atol=1e-12)


def test_circuits_with_constant_matrices_are_differentiated() -> None:
    def body(x: Any) -> Any:
        qj.RX(x, wires=0)
        qj.QubitUnitary(np.array([[0, 1j], [1, 0]]), wires=0)
        return qj.expval(qj.Y(0))

    shifted = qj.qnode(hardware(1))(body)
    with pytest.raises(UnsupportedError, match="diff_method='finite-diff'"):
        qj.qjit(jax.grad(shifted))(0.3)
    found = qj.qjit(jax.grad(qj.qnode(hardware(1), diff_method="finite-diff")(body)))
    expected = jax.grad(qj.qnode(wires=WIRES)(body))(0.3)
    np.testing.assert_allclose(found(0.3), expected, atol=1e-6)


@pytest.mark.parametrize(
    ("options", "cause"),
    [
        ({"gates": {"RZ", "CY2"}}, r"\.py:\d+: device takes gates .*but got 'CY2'"),
        ({"gates": 3}, "but got '3'"),
        ({"coupling": "triangle"}, r"\.py:\d+: .*names no coupling graph"),
        ({"coupling": [(0, 1, 2)]}, "a coupling graph is"),
        ({"pipeline": "hardware:9"}, "hardware:3, but got 'hardware:9'"),
        ({"coupling": "line", "pipeline": "simulate"}, "does not route"),
    ],
)
def test_what_no_device_has_is_refused(options: dict[str, Any], cause: str) -> None:
    with pytest.raises(ParameterError, match=cause):
        qj.device(wires=2, **options)


def test_adjoint_derivatives_are_refused() -> None:
    @qj.qnode(hardware(0), diff_method="adjoint")
    def circuit(x: Any) -> Any:
        qj.RX(x, 0)
        return qj.expval(qj.Z(0))

    with pytest.raises(qj.errors.DifferentiationError, match="by parameter-shift"):
        jax.grad(circuit)(0.3)


def test_too_few_vertices_are_refused() -> None:
    @qj.qnode(hardware(0, coupling="0-1,1-2"))
    def circuit() -> Any:
        qj.CNOT([0, 3])
        return qj.state()

    with pytest.raises(UnsupportedError, match=r"test_device_passes\.py:\d+: "):
        qj.qjit(circuit)()


def test_texts_of_devices() -> None:
    for device in (hardware(1), qj.device(wires=2), hardware(3, coupling="grid:2x2")):
        assert find_target(text_of(device.target)) == device.target
    assert find_target("statevector") == STATEVECTOR


# Passes of functions that depend on the gates that run in the end

TIMES = {1: 3e-8, "RZ": 0, 2: 3e-7}


def gate_times(text: str) -> dict[str, int]:
    """Return how many gates on one wire but RZ, and on two, the text of a stage has."""
    names = [line.split('"')[1] for line in text.splitlines() if "quantum.gate" in line]
    pairs = [name for name in names if name == "CZ"]
    pulses = [name for name in names if name in ("SX", "X")]
    return {"pulses": len(pulses), "pairs": len(pairs)}


@pytest.mark.parametrize("pipeline", ["simulate", "hardware:0", "hardware:2"])
def test_times_are_those_of_the_gates_that_run(pipeline: str) -> None:
    line = "line" if pipeline.startswith("hardware") else None
    few = qj.device(wires=WIRES, gates=NATIVE, coupling=line, pipeline=pipeline)
    timed = qj.schedule(qj.qnode(few)(rotated), durations=TIMES)
    compiled = qj.qjit(timed)
    stages = compiled.stages(0.7)
    assert "quantum.delay" not in stages["merge-rotations"]
    text = stages["final-qnode-passes"]
    delayed = [line for line in text.splitlines() if "quantum.delay" in line]
    assert delayed
    assert list(stages).index("final-qnode-passes") > list(stages).index(
        "merge-rotations"
    )
    # All wires that are used take equally long.
    found, count = qj.specs(compiled)(0.7), gate_times(text)
    assert found.duration is not None
    total = found.duration * 2 - found.idle_time
    assert total == pytest.approx(3e-8 * count["pulses"] + 6e-7 * count["pairs"])
    np.testing.assert_allclose(compiled(0.7), (1 + np.cos(0.7)) / 2, atol=1e-12)


def test_what_looks_at_circuits_sees_them_on_the_device() -> None:
    timed = qj.schedule(qj.qnode(hardware(1))(rotated), durations=TIMES)
    drawn = qj.draw(timed, width=300)(0.7)
    assert "Delay" in drawn
    assert "RX" not in drawn
    assert qj.specs(qj.decompose(qj.qnode(hardware(1))(rotated), gates=NATIVE))(0.7)
    stages = qj.qjit(timed).stages(0.7)
    (value,) = qj.compile_stage(stages["quantum"])(0.7)
    np.testing.assert_allclose(value, (1 + np.cos(0.7)) / 2, atol=1e-12)


@pytest.mark.parametrize("device", ["statevector", "reference"])
def test_gates_that_final_passes_add_are_native(device: str) -> None:
    few = qj.device(device, wires=WIRES, gates=NATIVE)
    changes: list[Any] = [
        lambda f: qj.route(f, coupling="line"),
        lambda f: qj.fold_gates(f, 3),
        lambda f: qj.twirl(f, 1),
        lambda f: qj.dynamical_decoupling(qj.schedule(f, durations=TIMES)),
        lambda f: qj.reuse_qubits(qj.schedule(f, durations=TIMES)),
    ]
    for change in changes:
        node = change(qj.qnode(few)(rotated))
        np.testing.assert_allclose(qj.qjit(node)(0.7), (1 + np.cos(0.7)) / 2, atol=1e-9)
        if device == "statevector":
            text = qj.qjit(node).stages(0.7)["final-qnode-passes"]
            lines = [line for line in text.splitlines() if "quantum.gate" in line]
            assert all(is_native(line.split('"')[1]) for line in lines)


def test_final_passes_stand_between_ours_and_those_of_the_user() -> None:
    @qj.passes.rewrite("X(a)")
    def noise(flip: Any) -> Any:
        return [flip]

    folded = qj.fold_gates(qj.qnode(hardware(0))(rotated), 3)
    steps = ("merge-rotations", noise, 'schedule-gates{durations="1:1e-8,2:1e-7"}')
    stages = list(qj.qjit(folded, pipeline=steps).stages(0.7))
    wanted = ["decompose-gates", "merge-rotations", "final-qnode-passes", "noise"]
    assert [name for name in stages if name in wanted] == wanted
    waiting = qj.qnode(hardware(0), passes=["fold-gates", noise])(rotated)
    text = qj.qjit(waiting).stages(0.7)["quantum"]
    assert "final_passes" not in text
    np.testing.assert_allclose(qj.qjit(waiting)(0.7), (1 + np.cos(0.7)) / 2, atol=1e-9)


def test_routing_twice_is_refused() -> None:
    twice = qj.route(qj.qnode(hardware(0))(rotated), coupling="star")
    words = r"test_device_passes\.py:\d+: this circuit is routed already"
    with pytest.raises(UnsupportedError, match=words):
        qj.qjit(twice)(0.7)
    once = qj.qjit(twice, pipeline=("merge-rotations",))
    np.testing.assert_allclose(once(0.7), (1 + np.cos(0.7)) / 2, atol=1e-12)


def test_final_passes_are_under_derivatives_too() -> None:
    plain = jax.grad(qj.qnode(wires=WIRES)(rotated))(0.4)
    for options in ({}, {"gates": None}):
        node = qj.schedule(qj.qnode(hardware(1, **options))(rotated), durations=TIMES)
        gradient = qj.qjit(jax.grad(node))
        np.testing.assert_allclose(gradient(0.4), plain, atol=1e-9)
        assert "quantum.delay" in gradient.stages(0.4)["final-qnode-passes"]


@pytest.mark.parametrize("level", [1, 2, 3])
def test_gates_without_angles_stay_so(level: int) -> None:
    gates = {"H", "S", "T", "CNOT", "X", "adjoint(S)", "adjoint(T)"}

    def circuit() -> Any:
        for angle in (0.3, 0.7):
            qj.RX(angle, 0)
            qj.CNOT([0, 1])
        return qj.expval(qj.Z(0))

    device = qj.device(wires=2, gates=gates, pipeline=f"hardware:{level}")
    few_t = qj.clifford_t_decomposition(qj.qnode(device)(circuit), epsilon=1e-2)
    compiled = qj.qjit(few_t)
    text = compiled.stages()["device-passes"]
    names = {line.split('"')[1] for line in text.splitlines() if "quantum.gate" in line}
    assert names <= {"H", "S", "T", "CNOT", "X", "GlobalPhase"}
    np.testing.assert_allclose(compiled(), qj.qnode(wires=2)(circuit)(), atol=2e-2)


@pytest.mark.parametrize("step", ["fold-gates", "single-qubit-fusion", "clifford-t"])
def test_pipelines_that_leave_other_gates_are_refused(step: str) -> None:
    few = qj.device(wires=2, gates=NATIVE)

    @qj.qnode(few)
    def circuit() -> Any:
        qj.H(0)
        qj.CNOT([0, 1])
        return qj.expval(qj.Z(0) @ qj.Z(1))

    words = r"_passes\.py:\d+: the passes .* leave .*, which device .*'decompose-gates'"
    with pytest.raises(UnsupportedError, match=words):
        qj.qjit(circuit, pipeline=(step,))()
    settled = qj.qjit(circuit, pipeline=(step, "decompose-gates"))
    np.testing.assert_allclose(settled(), 1, atol=1e-12)
