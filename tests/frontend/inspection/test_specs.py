"""Specs count what the device "null" counts, and are formulas where it cannot."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import qjit as qj
from qjit.errors import ParameterTypeError, PipelineError
from qjit.inspection.circuits.expressions import Expression
from qjit.inspection.counting import depths
from qjit.inspection.counting.polynomial import Polynomial, constant, polynomial, summed
from tests.programs.test_programs import (
    WIRES,
    Block,
    Gate,
    Program,
    examples,
    programs,
    run,
)
from tests.support.oracle import Compiled


def is_counted_alike(program: Program) -> bool:
    """Whether nothing but the index decides what runs, and all gates have wires."""
    return all(
        (not isinstance(each, Gate) or each.name != "GlobalPhase")
        and (
            not isinstance(each, Block)
            or (each.kind != "cond" and is_counted_alike((*each.body, *each.other)))
        )
        for each in program
    )


@examples
@given(programs.filter(is_counted_alike), st.integers(0, 3))
def test_specs_are_what_runs(program: Program, index: int) -> None:
    @qj.qnode(qj.device("null", wires=WIRES))
    def circuit(x: Any, index: Any) -> Any:
        run(Compiled(), program, range(WIRES), x, index)
        return qj.resources()

    found = qj.specs(circuit)(0.3, index).at(index=index)
    counts = [found.num_gates, found.depth, found.num_used_wires]
    assert counts == qj.qjit(circuit)(0.3, index).tolist()
    assert sum(found.gates.values()) == found.num_gates
    assert sum(found.arities.values()) == found.num_gates


@qj.qnode(wires=3)
def triangle(x: Any, n: Any) -> Any:
    qj.Hadamard(0)

    @qj.for_loop(0, n, 1)
    def outer(i: Any) -> None:
        @qj.for_loop(0, i, 1)
        def inner(j: Any) -> None:
            qj.CNOT([0, 1])

        inner()
        qj.T(2)
        qj.adjoint(qj.T)(2)
        qj.cond(x > 0.5, lambda: qj.X(2), lambda: qj.CRX(x, [1, 2]))()

    outer()
    return qj.expval(qj.Z(0))


def test_counts_are_formulas() -> None:
    found = qj.specs(triangle, level="quantum")(0.1, 4)
    assert str(found.gates["CNOT"]) == "n^2/2 - n/2"
    assert str(found.t_count) == "2*n"
    assert str(found.num_gates) == "n^2/2 + 5*n/2 + 1"
    assert found.measurements == ["expval(Z(0))"]
    assert any("if x > 0.50: 1 X; else: 1 CRX" in note for note in found.notes)
    for n in range(6):
        assert found.at(n=n).gates.get("CNOT", 0) == n * (n - 1) // 2
        assert found.at(n=n).t_count == 2 * n


def test_branches_are_decided_by_numbers() -> None:
    found = qj.specs(triangle, level="quantum")(0.1, 4)
    assert found.at(n=3, x=0.9).gates["X"] == 3
    assert "CRX" not in found.at(n=3, x=0.9).gates
    assert found.at({"n": 3, "x": 0.1}).gates["CRX"] == 3
    assert found.at(n=2, x=0.1).notes == []


def test_depth_of_loops_is_exact_at_numbers() -> None:
    @qj.qnode(wires=4)
    def staircase(n: Any) -> Any:
        @qj.for_loop(0, n, 1)
        def layer(_: Any) -> None:
            for wire in range(3):
                qj.CNOT([wire, wire + 1])

        layer()
        return qj.probs()

    found = qj.specs(staircase)(3)
    assert str(found.depth) == "3*n"
    assert "depths are the largest that are possible" in found.notes
    assert found.at(n=10).depth == 3 + 2 * 9  # rounds overlap
    assert found.at(n=10).two_qubit_depth == 21


def test_passes_leave_fewer() -> None:
    @qj.qnode(wires=1)
    def circuit(x: Any) -> Any:
        qj.RZ(x, 0)
        qj.RZ(0.1, 0)
        qj.X(0)
        qj.X(0)
        return qj.probs()

    assert qj.specs(circuit, level="quantum")(0.1).gates == {"RZ": 2, "X": 2}
    assert qj.specs(circuit, level="cancel-inverses")(0.1).gates == {"RZ": 2}
    assert qj.specs(circuit)(0.1).gates == {"RZ": 1}
    plain = qj.qjit(circuit, pipeline=())
    assert qj.specs(plain)(0.1).gates == {"RZ": 2, "X": 2}


def test_measurements_controls_and_rounds() -> None:
    @qj.qnode(wires=3, shots=5)
    def circuit(x: Any) -> Any:
        outcome = qj.measure(0)
        qj.reset(1)
        qj.ctrl(qj.RX(x, 2), [0, 1])

        @qj.while_loop(lambda k: k < x)
        def steps(k: Any) -> Any:
            qj.X(0)
            return k + 1

        steps(0)
        return qj.sample(), qj.counts(outcome)

    found = qj.specs(circuit)(0.1)
    assert found["mid_circuit_measurements"] == found["resets"] == 1
    assert found.gates["2C(RX)"] == 1
    assert str(found.gates["X"]) == "rounds_0"
    assert found.at(rounds_0=7).gates["X"] == 7
    assert dict(found)["num_wires"] == 3
    assert "2C(RX)" in repr(found)


def test_several_circuits() -> None:
    @qj.qnode(wires=1)
    def other(x: Any) -> Any:
        qj.RX(x, 0)
        return qj.probs()

    def program(x: Any, n: Any) -> Any:
        return triangle(x, n), other(x), triangle(x, 2 * n)

    found = qj.specs(program, level="quantum")(0.1, 2)
    assert list(found) == ["triangle", "other", "triangle (2)"]
    assert found["other"].gates == {"RX": 1}
    assert str(found["triangle (2)"].t_count) == "4*n"
    assert found.at(n=3)["triangle (2)"].t_count == 12


def test_mistakes() -> None:
    with pytest.raises(PipelineError, match=r"test_specs.py:.*no level 'none'"):
        qj.specs(triangle, level="none")(0.1, 3)
    with pytest.raises(ParameterTypeError, match="at takes numbers by their names"):
        qj.specs(triangle)(0.1, 3).at(3)  # pyright: ignore[reportArgumentType]


NAME = Expression("n")
polynomials = st.lists(st.integers(-3, 3), max_size=4)


def of(factors: list[int]) -> Polynomial:
    found, power = constant(0), constant(1)
    for factor in factors:
        found = found + constant(factor) * power
        power = power * polynomial(Expression("i"))
    return found


@examples
@given(polynomials, st.integers(-2, 2), st.sampled_from([1, 2, -1]), st.integers(0, 5))
def test_sums_are_sums(factors: list[int], start: int, step: int, rounds: int) -> None:
    total = summed(of(factors), "i", constant(start), step, polynomial(NAME))
    values = [start + step * number for number in range(rounds)]
    expected = sum(of(factors).expression().at({"i": value}) for value in values)
    assert total.expression().at({"n": rounds}) == pytest.approx(expected)


def test_powers_of_depths_are_repetitions() -> None:
    generator = np.random.default_rng(1)
    once = depths.identity(5)
    for _ in range(4):
        depths.add_gate(once, generator.permutation(5)[:2].tolist(), 1)
    repeated = depths.identity(5)
    for count in range(7):
        np.testing.assert_array_equal(depths.power(once, count), repeated)
        repeated = depths.after(repeated, once)


def test_passes_of_a_quantum_function_are_looked_at() -> None:
    @qj.qnode(wires=2)
    def circuit() -> Any:
        qj.CNOT(wires=[0, 1])
        return qj.probs()

    made = qj.decompose(circuit, gates={"RZ", "SX", "CZ"})
    assert "┤SX├" in qj.draw(made)()
    assert "┤X├" in qj.draw(made, level="quantum")()
    assert qj.specs(made)().gates["CZ"] == 1
    assert qj.specs(made, level="quantum")().gates == {"CNOT": 1}
