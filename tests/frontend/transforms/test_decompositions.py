"""Quantum functions of the gates of a set, and rules of users."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import qjit as qj
from qjit.errors import ArgumentError, ParameterError, PipelineError, UnsupportedError

GATES = {"RZ", "SX", "X", "CZ"}


@qj.decomposition("CRX")
def by_phases(phi: Any, wires: Any) -> None:
    qj.H(wires[1])
    qj.CRZ(phi, wires=wires)
    qj.adjoint(qj.H)(wires[1])


@qj.decomposition("IsingXX")
def by_parity(phi: Any, wires: Any) -> None:
    for wire in wires:
        qj.H(wire)
    qj.CNOT(wires)
    qj.RZ(jnp.asarray(phi) / 2 + jnp.pi / 3, wires[1])
    qj.ctrl(qj.RZ, wires[0], control_values=[0])(0.2, wires[1])
    qj.ctrl(qj.RZ, wires[0], control_values=[0])(-0.2, wires[1])
    qj.RZ(phi / 2 - jnp.pi / 3, wires[1])
    qj.CNOT(wires)
    for wire in wires:
        qj.H(wire)


@qj.qnode(wires=3)
def circuit(x: Any) -> Any:
    qj.H(0)
    qj.CRX(x, wires=[0, 1])
    qj.IsingXX(2 * x, [1, 2])
    outcome = qj.measure(0)
    qj.cond(outcome, lambda: qj.CRot(x, 0.1, 0.2, wires=[2, 1]))()
    return qj.expval(qj.Z(1) @ qj.X(2))


def names(function: Any, stage: str = "qnode-passes") -> list[str]:
    text = qj.qjit(function, pipeline=()).stages(0.3)[stage]
    return [line.split('"')[1] for line in text.splitlines() if "quantum.gate" in line]


def test_results_stay() -> None:
    few = qj.decompose(circuit, gates=GATES)
    assert {*names(few)} <= {*GATES, "GlobalPhase"}
    for transform in (qj.qjit, jax.jit, lambda f: f, jax.vmap):
        x = np.linspace(0, 1, 3) if transform is jax.vmap else 0.3
        found = transform(few)(x)
        np.testing.assert_allclose(found, transform(circuit)(x), atol=1e-6)


def test_decorators_and_weights() -> None:
    @qj.decompose(gates={"RZ", "H", "CZ", "IsingZZ"}, weights={"IsingZZ": 3, "CZ": 90})
    @qj.qnode(wires=2)
    def few(x: Any) -> Any:
        qj.CRX(x, wires=[0, 1])
        return qj.state()

    assert names(few).count("IsingZZ") == 1
    assert "CZ" not in names(few)


def test_rules_of_users() -> None:
    chosen: dict[str, Any] = {"gates": {"RZ", "H", "CRZ", "CNOT"}}
    plain = qj.decompose(circuit, **chosen, weights={"CRZ": 3})
    ruled = qj.decompose(plain, **chosen, rules=[by_phases, by_parity])
    ruled = qj.decompose(circuit, **chosen, weights={"CRZ": 3}, rules=[by_phases])
    assert names(ruled).count("CRZ") >= 1
    np.testing.assert_allclose(ruled(0.3), circuit(0.3), atol=1e-6)
    other = qj.decompose(
        circuit, gates={"RZ", "H", "CNOT"}, rules=[by_phases, by_parity]
    )
    np.testing.assert_allclose(other(0.3), circuit(0.3), atol=1e-6)
    assert ruled.passes != plain.passes  # so that programs are told apart


def test_rules_make_what_no_other_does() -> None:
    @qj.decomposition("S")
    def square(wires: Any) -> None:
        qj.U1(np.pi / 2, wires)

    @qj.qnode(wires=1)
    def phased(x: Any) -> Any:
        qj.adjoint(qj.S)(0)
        return qj.state()

    few = qj.decompose(phased, gates={"U1"}, rules=[square])
    assert names(few) == ["U1"]
    np.testing.assert_allclose(few(0.1), phased(0.1), atol=1e-6)


def test_the_text_of_a_stage_has_the_rules() -> None:
    few = qj.decompose(circuit, gates={"RZ", "H", "CRZ", "CNOT"}, rules=[by_phases])
    stages = qj.qjit(few).stages(0.3)
    assert by_phases.text in stages["quantum"]
    (value,) = qj.compile_stage(stages["quantum"])(np.float32(0.3))
    np.testing.assert_allclose(value, circuit(0.3), atol=1e-6)


def test_rules_are_read_as_texts() -> None:
    assert by_phases.text == "CRX(a0) = H on 1; RZ(a0) on 1 ctrl 0; H on 1"
    assert "RZ(0.5*a0 + -1.0471975511965976) on 1" in by_parity.text
    assert by_phases.gate == "CRX"


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda phi, wires: qj.RX(phi, wires[1]), "'<lambda>' is no .* up to .*change"),
        (
            lambda phi, wires: (qj.CRX(phi, wires), qj.GlobalPhase(0.2)),
            r"phase differs: .* here with angle -0\.2",
        ),
        (lambda phi, wires: qj.CRX(phi**2, wires), "no sums of those"),
        (lambda phi, wires: qj.CRX(phi, wires) if phi > 1 else None, "other gates at"),
        (lambda phi, wires: qj.QubitUnitary(np.eye(2), 0), "quantum.unitary"),
    ],
)
def test_wrong_rules_are_refused(function: Callable[..., Any], words: str) -> None:
    with pytest.raises(ParameterError, match=rf"decompositions\.py:\d+: .*{words}"):
        qj.decomposition("CRX")(function)


@pytest.mark.parametrize("name", ["Q", "MultiRZ", "QubitUnitary", "StatePrep"])
def test_rules_are_for_gates_of_fixed_size(name: str) -> None:
    with pytest.raises(ParameterError, match="decomposition"):
        qj.decomposition(name)(lambda *args, wires: None)


def test_what_cannot_be_decomposed_is_refused() -> None:
    with pytest.raises(PipelineError, match="'Q' is no gate"):
        qj.decompose(circuit, gates={"Q"})
    with pytest.raises(ArgumentError, match="takes a quantum function"):
        qj.decompose(lambda: None, gates=GATES)
    with pytest.raises(ArgumentError, match="rules that"):
        rules: Any = [3]
        qj.decompose(circuit, gates=GATES, rules=rules)
    with pytest.raises(UnsupportedError, match=r"\.py:\d+: .* has no gate H, .*Add H"):
        qj.decompose(circuit, gates={"RZ", "CNOT"})(0.3)
    with pytest.raises(UnsupportedError, match=r"multiples of pi/4, .* Add RZ"):
        qj.decompose(circuit, gates={"H", "S", "T", "CNOT"})(0.3)
