"""Measurements of Pauli words: what they mean, and the gates that they become."""

from typing import Any

import numpy as np
import pytest
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation

import qjit as qj
from qjit.dialects.gates.record import pauli_matrix
from qjit.dialects.interpreter.quantum import run_module
from qjit.dialects.quantum import GateOp, MeasureOp, PauliMeasureOp
from qjit.lowering.driver.stage_text import parsed
from qjit.lowering.passes.circuits.pauli_measurements import expand_pauli_measurements
from tests.support.pass_meaning import (
    EXACT,
    Imported,
    assert_meaning_is_kept,
    gate_names,
)

WORDS = ("X", "Y", "Z", "XY", "ZIX", "YYZ")
SETS = ("RZ,SX,X,CZ", "IsingXX,GPI,GPI2", "PRX,CZ", "H,S,T,CNOT")


def prepared() -> None:
    qj.RX(0.3, 0)
    qj.RY(0.5, 1)
    qj.CNOT([0, 1])
    qj.RX(1.1, 2)
    qj.CNOT([1, 2])


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("bit", [0, 1])
def test_states_are_projected(word: str, bit: int) -> None:
    """Against (1 + P) / 2 and (1 - P) / 2 as matrices."""

    @qj.qnode(wires=3)
    def before() -> Any:
        prepared()
        return qj.state()

    @qj.qnode(wires=3)
    def projected() -> Any:
        prepared()
        qj.pauli_measure(word, range(len(word)), postselect=bit)
        return qj.density_matrix([0, 1, 2])

    (state,) = Imported(before).results()
    product = np.kron(pauli_matrix(word), np.eye(2 ** (3 - len(word))))
    expected = state + (1 - 2 * bit) * product @ state
    expected /= np.linalg.norm(expected)
    (found,) = Imported(projected).results()
    np.testing.assert_allclose(found, np.outer(expected, expected.conj()), atol=1e-6)


def test_outcomes_repeat_and_are_averaged() -> None:
    @qj.qnode(wires=2)
    def circuit(x: Any) -> Any:
        qj.RX(x, wires=0)
        first = qj.pauli_measure("ZX", [0, 1])
        second = qj.pauli_measure("XZ", [0, 1])
        again = qj.pauli_measure("ZX", [0, 1])
        return qj.expval(first ^ again), qj.expval(second), qj.expval(qj.Y(0) @ qj.Y(1))

    same, fair, product = circuit(0.4)
    np.testing.assert_allclose([same, fair, product], [0, 0.5, 0], atol=1e-6)


TEXT = """
func.func @main(%out: memref<8xcomplex<f64>>) -> (i1, i1) {
  %r = quantum.alloc : !quantum.reg<3>
  %q0 = quantum.extract %r[0] : !quantum.reg<3>
  %q1 = quantum.extract %r[1] : !quantum.reg<3>
  %q2 = quantum.extract %r[2] : !quantum.reg<3>
  %x = arith.constant 0.7 : f64
  %a = quantum.gate "RX"(%x) on %q0
  %b = quantum.gate "RY"(%x) on %q1
  %c, %d = quantum.gate "CNOT" on %q2 ctrl(%a)
  %m, %e, %f, %g = quantum.pauli_measure SIGN "YIX" on %c, %b, %d
  %n, %h, %i = quantum.pauli_measure "XZ" on %f, %e
  %r1 = quantum.insert %g into %r[0] : !quantum.reg<3>
  %r2 = quantum.insert %h into %r1[1] : !quantum.reg<3>
  %r3 = quantum.insert %i into %r2[2] : !quantum.reg<3>
  quantum.state %r3 into %out : !quantum.reg<3>, memref<8xcomplex<f64>>
  quantum.dealloc %r3 : !quantum.reg<3>
  func.return %m, %n : i1, i1
}
"""


def _run(module: ModuleOp, seed: int) -> tuple[Any, Any]:
    out = np.zeros(8, np.complex128)
    return run_module(module, [out], seed=seed), out


@pytest.mark.parametrize("sign", ["", "negative"])
def test_gates_in_their_place_mean_the_same(sign: str) -> None:
    """The definition of the operation in numpy, with the same random numbers."""
    module = parsed(TEXT.replace("SIGN", sign))
    expanded = module.clone()
    expand_pauli_measurements(expanded)
    expanded.verify()
    assert _count(expanded, PauliMeasureOp) == 0
    assert _count(expanded, MeasureOp) == 2
    seen: set[Any] = set()
    for seed in range(8):
        outcomes, state = _run(module, seed)
        others, other = _run(expanded, seed)
        assert outcomes == others
        np.testing.assert_allclose(state, other, atol=1e-12)
        seen.add(outcomes)
    assert len(seen) > 2


def _count(module: ModuleOp, kind: type[Operation]) -> int:
    return sum(isinstance(op, kind) for op in module.walk())


def measuring(x: Any) -> Any:
    """Clifford gates, rotations and measurements, none of which depends on another."""
    qj.H(0)
    qj.CNOT([0, 1])
    qj.RZ(x, wires=1)
    qj.S(1)
    qj.CNOT([1, 2])
    first = qj.measure(2)
    qj.H(1)
    qj.T(0)
    qj.CZ([0, 1])
    second = qj.measure(1, postselect=1)
    qj.ISWAP([0, 2])
    third = qj.measure(0)
    return first, second, third


def test_clifford_gates_pass_measurements() -> None:
    @qj.qnode(wires=3)
    def circuit(x: Any) -> Any:
        first, _, third = measuring(x)
        both = qj.expval(first), qj.expval(third), qj.expval(first ^ third)
        return *both, qj.probs(), qj.expval(qj.Y(1) @ qj.X(2))

    imported = Imported(circuit, 0.3)
    module = imported.after(["to-pauli-products"])
    words = [op.word.data for op in module.walk() if isinstance(op, PauliMeasureOp)]
    assert len(words) == 3
    assert max(map(len, words)) > 1
    lines = [
        type(op) for op in module.walk() if isinstance(op, GateOp | PauliMeasureOp)
    ]
    last = len(lines) - 1 - lines[::-1].index(PauliMeasureOp)
    names = gate_names(module)
    assert set(names[: last - 2]) == {"PauliRot"}
    for found, expected in zip(
        imported.results(module), imported.results(), strict=True
    ):
        np.testing.assert_allclose(found, expected, atol=1e-6)


def test_clifford_gates_before_measurements_that_are_last_are_none() -> None:
    @qj.qnode(wires=3)
    def circuit(x: Any) -> Any:
        first, _, third = measuring(x)
        return qj.expval(first), qj.expval(third)

    imported = Imported(circuit, 0.3)
    module = imported.after(["to-pauli-products", "remove-dead-gates"])
    assert set(gate_names(module)) == {"PauliRot"}
    np.testing.assert_allclose(imported.results(module), imported.results(), atol=1e-6)


def test_feedback_stays_behind_its_measurement() -> None:
    @qj.qnode(wires=2)
    def circuit(x: Any) -> Any:
        qj.H(0)
        qj.CNOT([0, 1])
        outcome = qj.measure(0)
        qj.RX(x * outcome, wires=1)
        qj.CNOT([1, 0])
        other = qj.measure(1)
        qj.cond(other, qj.X)(0)
        return qj.probs(), qj.expval(outcome & other)

    imported = Imported(circuit, 0.3)
    module = imported.after(["to-pauli-products"])
    assert _count(module, PauliMeasureOp)
    for found, expected in zip(
        imported.results(module), imported.results(), strict=True
    ):
        np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("names", SETS)
def test_words_become_gates_of_every_set(names: str) -> None:
    """PauliRot and measurements; of Clifford gates and T at multiples of pi/4."""
    exact = "T" in names.split(",")

    @qj.qnode(wires=3)
    def circuit(x: Any) -> Any:
        prepare = (qj.H, qj.S) if exact else (lambda w: qj.RX(x, w), qj.T)
        for wire in range(3):
            prepare[wire % 2](wire)
        qj.PauliRot(np.pi / 4 if exact else x, "XYZ", wires=[0, 1, 2])
        qj.PauliRot(-np.pi / 4 if exact else 0.3, "YX", wires=[2, 0])
        outcome = qj.pauli_measure("YXZ", [0, 1, 2])
        return qj.expval(outcome), qj.probs()

    imported = Imported(circuit, 0.3)
    passes = ["to-pauli-products", f"decompose-gates{{gates={names}}}"]
    module = imported.after(passes)
    assert _count(module, PauliMeasureOp) == 0
    assert set(gate_names(module)) <= {*names.split(","), "GlobalPhase"}
    for found, expected in zip(
        imported.results(module), imported.results(), strict=True
    ):
        np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("word", ["XQ", "X", "II"])
def test_words_that_cannot_be_are_refused(word: str) -> None:
    @qj.qnode(wires=2)
    def circuit() -> Any:
        qj.pauli_measure(word, [0, 1])
        return qj.state()

    with pytest.raises(ValueError, match=r"\.py:\d+: .*2 of the letters I, X, Y, Z"):
        circuit()


def test_every_pass_takes_measurements_of_words() -> None:
    @qj.qnode(wires=4)
    def circuit(x: Any) -> Any:
        qj.delay(1e-7, wires=[0])
        qj.barrier([0, 1])
        qj.RX(x, wires=0)
        qj.CNOT([0, 1])
        outcome = qj.measure(1)
        qj.delay(1e-7, wires=[2])
        qj.cond(outcome, lambda: qj.RY(0.7, wires=2))()
        qj.T(2)
        qj.H(2)
        return qj.probs(wires=[0, 2]), qj.expval(outcome)

    times = "1:3e-8,2:3e-7,3:1e-6,measure:1e-6,reset:1e-6"
    options = {"schedule-gates": f'{{durations="{times}"}}'}
    passes = [name + options.get(name, "") for name in EXACT]
    assert "quantum.pauli_measure" in str(
        Imported(circuit, 0.4).after(["to-pauli-products"])
    )
    pipelines = [("to-pauli-products", each) for each in passes]
    assert_meaning_is_kept(circuit, (0.4,), pipelines)
