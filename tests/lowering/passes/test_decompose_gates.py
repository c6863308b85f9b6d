"""Gates that a device lacks become gates that it has, and mean the same."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jax
import numpy as np
import pytest

import qjit as qj
from qjit.dialects.gates import GATES, GateRecord
from qjit.dialects.targets import STATEVECTOR, TARGETS
from qjit.errors import UnsupportedError
from tests.support.oracle import random_state

NATIVE = frozenset({"RY", "RZ", "CNOT", "GlobalPhase", "X"})
FEW = replace(STATEVECTOR, name="few", gates=NATIVE, kernels=False)
DECOMPOSED = [r for r in GATES.values() if r.decomposition and r.num_wires]


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TARGETS, "few", FEW)


def both(function: Callable[..., Any], *args: Any) -> tuple[Any, Any]:
    """Run a quantum function on the simulator, and with few gates."""
    devices = (qj.device(name, wires=5) for name in ("statevector", "few"))
    first, second = (qj.qjit(qj.qnode(each)(function))(*args) for each in devices)
    return first, second


@pytest.mark.parametrize("record", DECOMPOSED, ids=lambda r: r.name)
def test_every_gate(record: GateRecord) -> None:
    angles = np.random.default_rng(1).uniform(-2, 2, record.num_params)
    gate, start = getattr(qj, record.name), random_state(5, seed=2)
    wires = [3, 0, 2, 1][: record.num_wires]
    static = {k: v for k, v in record.example.items() if k == "dim"}

    def circuit(angles: Any) -> Any:
        qj.StatePrep(start, wires=range(5))
        gate(*angles, *static.values(), wires=wires)
        qj.adjoint(gate)(*angles, *static.values(), wires=wires[::-1])
        qj.ctrl(gate, 4, control_values=[0])(*angles, *static.values(), wires=wires)
        return qj.state()

    found, expected = both(circuit, list(angles))
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_nothing_else_is_left() -> None:
    def circuit(x: Any) -> Any:
        qj.Toffoli([0, 1, 2])
        qj.CRX(x, [1, 2])
        qj.MultiControlledX([0, 1, 2, 3], control_values=[0, 1, 0])
        return qj.expval(qj.Z(0))

    device = qj.device("few", wires=5)
    text = qj.qjit(qj.qnode(device)(circuit)).stages(0.3)["decompose-gates"]
    names = {line.split('"')[1] for line in text.splitlines() if "quantum.gate" in line}
    assert names <= NATIVE


def test_gates_made_of_no_simpler_ones_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(TARGETS, "few", replace(FEW, gates=frozenset({"RY", "CNOT"})))

    def circuit(x: Any) -> Any:
        qj.CNOT([0, 1])
        qj.IsingZZ(x, [0, 1])
        return qj.state()

    node = qj.qnode(qj.device("few", wires=2))(circuit)
    words = (
        r"test_decompose_gates\.py:\d+: device 'few' has no gate IsingZZ, .* CNOT, RY\."
    )
    for function in (node, qj.qjit(node)):
        with pytest.raises(UnsupportedError, match=words):
            function(0.3)


def test_derivatives() -> None:
    def circuit(x: Any) -> Any:
        qj.IsingXY(x, [0, 1])
        qj.CRot(x, 2 * x, x, [1, 2])
        return qj.expval(qj.Z(1) @ qj.X(2))

    devices = (qj.device(name, wires=5) for name in ("statevector", "few"))
    nodes = [qj.qnode(each, diff_method="finite-diff")(circuit) for each in devices]
    first, second = (qj.qjit(jax.grad(node))(0.4) for node in nodes)
    np.testing.assert_allclose(first, second, atol=1e-9)


@pytest.mark.parametrize("method", ["adjoint", "parameter-shift"])
def test_gradients_are_right_or_refused(method: str) -> None:
    @qj.qnode(wires=2, diff_method=method)
    def circuit(x: Any) -> Any:
        qj.RY(0.3, 0)
        qj.CRX(x, [0, 1])
        return qj.expval(qj.Z(1))

    text = "decompose-gates{gates=RZ,RY,CNOT,GlobalPhase}"
    gradient = qj.qjit(jax.grad(circuit), pipeline=(text,))
    if method == "adjoint":
        words = r"gates\.py:\d+: CRX cannot be decomposed for the gate set"
        with pytest.raises(UnsupportedError, match=words):
            gradient(0.4)
    else:
        np.testing.assert_allclose(gradient(0.4), jax.grad(circuit)(0.4), atol=1e-12)
