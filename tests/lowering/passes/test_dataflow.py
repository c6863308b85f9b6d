"""Gates that no measurement sees."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import qjit as qj
from tests.lowering.passes.test_pass_meaning import examples, numbers
from tests.programs.test_programs import WIRES, Program, run
from tests.support.oracle import Compiled
from tests.support.pass_meaning import (
    Imported,
    assert_meaning_is_kept,
    dense_programs,
    gate_names,
)

PASS = ("remove-dead-gates",)
MEASUREMENTS = {
    "z": lambda: qj.expval(qj.Z(1)),
    "zz": lambda: qj.expval(qj.Z(0) @ qj.Z(2)),
    "xz": lambda: qj.var(qj.X(0) @ qj.Z(3)),
    "sum": lambda: qj.expval(qj.Hamiltonian([0.3, 0.7], [qj.Z(2), qj.Y(1)])),
    "probs": lambda: qj.probs(wires=[2, 0]),
    "two": lambda: (qj.probs(wires=[1]), qj.expval(qj.X(1))),
    "matrix": lambda: qj.density_matrix(wires=[3]),
    "projector": lambda: qj.expval(qj.Projector([0, 1], wires=[0, 1])),
}


@examples
@given(dense_programs, *numbers, st.sampled_from(sorted(MEASUREMENTS)))
def test_what_is_measured_stays(
    program: Program, x: float, index: int, name: str
) -> None:
    @qj.qnode(wires=WIRES)
    def circuit(x: Any, index: Any) -> Any:
        run(Compiled(), program, range(WIRES), x, index)
        return MEASUREMENTS[name]()

    assert_meaning_is_kept(circuit, (x, index), [PASS])


def left(circuit: Any, *args: Any) -> list[str]:
    return gate_names(Imported(circuit, *args).after(PASS))


def test_gates_outside_of_the_light_cone_go() -> None:
    @qj.qnode(wires=4)
    def circuit() -> Any:
        qj.H(0)
        qj.CNOT(wires=[0, 1])
        qj.RX(0.3, wires=2)
        qj.CNOT(wires=[2, 3])
        return qj.expval(qj.X(1))

    assert left(circuit) == ["H", "CNOT"]


@pytest.mark.parametrize("measured", ["probs", "sample", "expval"])
def test_last_diagonal_gates_go(measured: str) -> None:
    @qj.qnode(wires=2, shots=10 if measured == "sample" else None)
    def circuit(x: Any) -> Any:
        qj.RX(x, wires=0)
        qj.CRZ(x, wires=[0, 1])
        qj.CNOT(wires=[0, 1])
        qj.T(0)
        qj.IsingZZ(x, wires=[0, 1])
        qj.GlobalPhase(x)
        if measured == "expval":
            return qj.expval(qj.Z(0) @ qj.Z(1))
        return getattr(qj, measured)()

    # A CNOT keeps basis states, so that what is diagonal before it goes, too.
    assert left(circuit, 0.3) == ["RX", "CNOT"]


def test_gates_stay_where_states_are_seen() -> None:
    @qj.qnode(wires=2)
    def fed_forward() -> Any:
        qj.H(0)
        qj.H(1)
        outcome = qj.measure(0)
        qj.cond(outcome, lambda: qj.T(1))()
        return qj.expval(qj.X(1))

    assert left(fed_forward) == ["H", "H", "T"]
