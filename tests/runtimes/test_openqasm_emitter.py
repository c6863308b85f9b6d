"""Quantum functions as OpenQASM, read again and compared with themselves."""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

import qjit as qj
from qjit.lowering.emitters.openqasm import QasmDialect
from tests.support.one_shot import emitted

pytest.importorskip("openqasm3")

GATES = ("RZ", "RX", "RY", "H", "S", "adjoint(S)", "X", "CNOT", "CZ", "CRX", "SWAP")
OLD = QasmDialect(2, includes=("qelib1.inc",), has_counters=False)
X = np.array([0.3, -1.1, 2.5])


def static(x: Any) -> Any:
    qj.RY(x[0], 0)
    qj.Rot(x[0], x[1], x[2], 1)
    qj.CRX(x[1], [0, 2])
    qj.adjoint(qj.T)(1)
    qj.IsingXX(x[2], [1, 2])
    qj.Toffoli([0, 1, 2])


def loops(x: Any) -> Any:
    @qj.for_loop(0, 2, 1)
    def layer(i: Any) -> None:
        qj.H(i)
        qj.CNOT([i, i + 1])
        qj.RX(x[0], i)

    layer()
    qj.RZ(x[1], 2)
    qj.H(2)


def branches(x: Any) -> Any:
    qj.RY(x[0], 0)
    qj.RY(x[2], 1)
    first, second = qj.measure(0), qj.measure(1, reset=True)
    qj.cond(first & ~second, lambda: qj.RY(x[1], 2), lambda: qj.H(2))()
    qj.RX(x[1] * first + x[2] * second, 1)
    qj.GPI2(x[0] * second, 0)


def repeats(x: Any) -> Any:
    @qj.while_loop(lambda failed: failed)
    def attempt(failed: Any) -> Any:
        qj.RY(x[2], 0)
        outcome = qj.measure(0)
        qj.cond(outcome, lambda: qj.RX(x[1], 1))()
        return outcome

    attempt(True)
    qj.RY(x[0], 2)


def device(**options: Any) -> Any:
    return qj.device(wires=3, gates=GATES, pipeline="hardware:0", **options)


def text_of(gates: Callable[[Any], Any], dialect: QasmDialect | None) -> str:
    @qj.qnode(device(shots=10))
    def circuit(x: Any) -> Any:
        gates(x)
        return qj.sample(wires=[0, 1, 2])

    (found,) = emitted(circuit, jnp.asarray(X), dialect=dialect)
    assert isinstance(found.program, str)
    return found.program


@pytest.mark.parametrize(
    ("gates", "dialect"),
    [(static, None), (static, OLD), (loops, None), (loops, OLD), (branches, None)],
)
def test_the_distribution_is_the_same(
    gates: Callable[[Any], Any], dialect: QasmDialect | None
) -> None:
    circuit: Any = qj.from_qasm(text_of(gates, dialect))

    @qj.qnode(wires=circuit.num_qubits)
    def again() -> Any:
        return qj.probs(op=list(circuit()["c"]))

    @qj.qnode(wires=3)
    def exact() -> Any:
        gates(jnp.asarray(X))
        return qj.probs(wires=[0, 1, 2])

    np.testing.assert_allclose(again(), exact(), atol=1e-5)


def test_a_loop_that_outcomes_decide_has_the_same_distribution() -> None:
    circuit: Any = qj.from_qasm(text_of(repeats, None))
    shots = 20_000

    @qj.qnode(wires=circuit.num_qubits, shots=shots, seed=1)
    def again() -> Any:
        return qj.sample(circuit()["c"])

    @qj.qnode(wires=3, shots=shots, seed=2)
    def own() -> Any:
        repeats(jnp.asarray(X))
        return qj.sample(wires=[0, 1, 2])

    places = np.array([4, 2, 1])
    first, second = (
        np.bincount(np.asarray(f()) @ places, minlength=8) for f in (again, own)
    )
    both = first + second
    seen = both > 0
    statistic = ((first - second)[seen] ** 2 / both[seen]).sum()
    assert seen.sum() >= 4
    assert statistic < 45  # of 7 degrees of freedom: once in ten million
