"""Gates that leave loops: what is in the body, and how often it runs."""

from typing import Any

import jax
import numpy as np
import pytest

import qjit as qj
from qjit.lowering.passes.pipeline import PipelineError, find_step
from qjit.lowering.passes.quantum.loops import unroll_loops
from tests.support.pass_meaning import Imported, gate_names


def in_loop(module: Any) -> list[str]:
    """Return the gates in loops."""
    loops = (op for op in module.walk() if op.name in ("scf.for", "scf.while"))
    return [name for loop in loops for name in gate_names(loop)]


def layers(trips: Any, x: Any) -> Any:
    """A CNOT ladder between Hadamards, as often as `trips` says."""

    def body(i: Any, s: Any) -> Any:
        qj.H(0)
        qj.CNOT(wires=[0, 1])
        qj.RZ(x * i, wires=1)
        qj.CNOT(wires=[0, 1])
        qj.RX(x, wires=0)
        qj.H(0)
        qj.RY(2 * x, wires=2)
        return s

    jax.lax.fori_loop(0, trips, body, 0)


@pytest.mark.parametrize("static", [True, False])
@pytest.mark.parametrize("trips", [0, 1, 5])
def test_gates_leave_loops(trips: int, static: bool) -> None:
    @qj.qnode(wires=3)
    def circuit(x: Any, bound: Any) -> Any:
        layers(trips if static else bound, x)
        return qj.state()

    imported = Imported(circuit, 0.3, trips)
    rotated = imported.after(["rotate-loops"])
    hoisted = imported.after(["rotate-loops", "hoist-loop-gates"])
    for module in (rotated, hoisted):
        (found,) = imported.results(module)
        np.testing.assert_allclose(found, imported.results()[0], atol=1e-12)
    if not static or trips > 2:
        assert in_loop(rotated) == ["CNOT", "RZ", "CNOT", "RX", "RY"]
    if static and trips > 2:
        assert in_loop(hoisted) == ["CNOT", "RZ", "CNOT", "RX"]


def test_angles_at_both_ends_are_added() -> None:
    @qj.qnode(wires=1)
    def circuit(x: Any) -> Any:
        def body(i: Any, s: Any) -> Any:
            qj.RZ(x, wires=0)
            qj.RX(0.1 * i, wires=0)
            qj.RZ(2 * x, wires=0)
            return s

        jax.lax.fori_loop(0, 100, body, 0)
        return qj.state()

    imported = Imported(circuit, 0.3)
    module = imported.after(["rotate-loops"])
    assert in_loop(module) == ["RX", "RZ"]
    np.testing.assert_allclose(
        imported.results(module)[0], imported.results()[0], atol=1e-10
    )


def test_angles_that_differ_between_iterations_stay() -> None:
    @qj.qnode(wires=1)
    def circuit(x: Any) -> Any:
        def body(i: Any, x: Any) -> Any:
            qj.RZ(x, wires=0)
            qj.RX(0.1, wires=0)
            qj.RZ(-x, wires=0)
            return x + 0.1

        jax.lax.fori_loop(0, 9, body, x)
        return qj.state()

    imported = Imported(circuit, 0.3)
    module = imported.after(["rotate-loops", "hoist-loop-gates"])
    assert in_loop(module) == ["RZ", "RX", "RZ"]


def test_iterations_are_counted() -> None:
    @qj.qnode(wires=1)
    def circuit(x: Any) -> Any:
        qj.for_loop(0, 7, 2)(lambda i: qj.RX(x, wires=0))()
        return qj.state()

    imported = Imported(circuit, 0.3)
    module = imported.after(["hoist-loop-gates"])
    assert in_loop(module) == []
    np.testing.assert_allclose(
        imported.results(module)[0], imported.results()[0], atol=1e-12
    )


@pytest.mark.parametrize("trips", [0, 4, 7])
def test_gates_that_undo_themselves_are_there_once_or_not(trips: int) -> None:
    @qj.qnode(wires=2)
    def circuit() -> Any:
        qj.for_loop(0, trips)(lambda i: qj.CNOT(wires=[0, 1]))()
        return qj.state()

    module = Imported(circuit).after(["hoist-loop-gates"])
    assert gate_names(module) == ["CNOT"] * (trips % 2)


@pytest.mark.parametrize("trips", [0, 1, 2, 5])
def test_the_first_turn_knows_states(trips: int) -> None:
    @qj.qnode(wires=3)
    def circuit(x: Any) -> Any:
        qj.H(0)

        @qj.for_loop(0, trips, 1)
        def turn(number: Any) -> None:
            qj.CNOT([1, 2])
            qj.RX(x + number, 1)
            qj.CNOT([0, 2])

        turn()
        return qj.state()

    imported = Imported(circuit, 0.7)
    peeled = imported.after(("peel-loops", "disentangle-cnot"))
    (found,), (expected,) = imported.results(peeled), imported.results()
    np.testing.assert_allclose(found, expected, atol=1e-12)
    # Of the two in the first turn, one is left; the others are in a loop.
    assert gate_names(peeled).count("CNOT") == (trips > 0) + 2 * (trips > 1)


def test_turns_that_are_written_out_are_one_circuit() -> None:
    @qj.qnode(wires=2)
    def circuit() -> Any:
        qj.for_loop(0, 6, 1)(lambda _: (qj.H(0), qj.T(0), qj.H(0)))()
        return qj.state()

    module = Imported(circuit).after(("unroll-loops", "cancel-inverses"))
    assert gate_names(module).count("H") == 2


def test_branches_take_the_same_wire_as_a_loop_beside_them() -> None:
    @qj.qnode(wires=2)
    def circuit(x: Any) -> Any:
        def turn(i: Any, s: Any) -> Any:
            qj.RY(x, wires=1)
            return s

        def looped() -> None:
            jax.lax.fori_loop(0, 2, turn, 0)

        qj.H(0)
        outcome = qj.measure(0)
        qj.cond(outcome, looped, lambda: qj.CNOT([1, 0]) and None)()
        return qj.probs()

    imported = Imported(circuit, 0.3)
    for passes in (["unroll-loops"], ["rotate-loops", "unroll-loops"]):
        (found,) = imported.results(imported.after(passes))
        np.testing.assert_allclose(found, imported.results()[0], atol=1e-12)


def test_loops_around_circuits_and_huge_nests_stay(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(unroll_loops, "MOST_OPERATIONS", 200)

    @qj.qnode(wires=1)
    def circuit(x: Any) -> Any:
        def body(_: Any) -> None:
            qj.for_loop(0, 9)(lambda i: qj.RX(x * i, 0))()

        qj.for_loop(0, 9)(body)()
        return qj.expval(qj.Z(0))

    def total(x: Any) -> Any:
        return jax.lax.fori_loop(0, 2, lambda _, found: found + circuit(x), 0.0)

    module = Imported(total, 0.3).after(["unroll-loops"])
    assert len([op for op in module.walk() if op.name == "quantum.alloc"]) == 1
    loops = [op for op in module.walk() if op.name == "scf.for"]
    assert 2 < len(loops) < 10
    peeled = Imported(total, 0.3).after(["peel-loops{first=0 last=1}"])
    assert sum(op.name == "quantum.alloc" for op in peeled.walk()) == 1


@pytest.mark.parametrize(
    ("wires", "match"),
    [(lambda i: [i, 0], "repeat a wire"), (lambda i: [i, i + 2], "out of range")],
)
def test_wires_that_cannot_be_stay_errors_of_a_run(wires: Any, match: str) -> None:
    @qj.qjit
    @qj.qnode(wires=3, passes=["unroll-loops"])
    def circuit(x: Any) -> Any:
        qj.for_loop(0, 2)(lambda i: qj.CRX(x, wires(i)))()
        return qj.probs()

    with pytest.raises(qj.errors.WireError, match=match):
        circuit(0.3)


def test_numbers_of_turns_that_cannot_be() -> None:
    for options in ("{first=0}", "{first=-1}", "{last=-2}"):
        with pytest.raises(PipelineError, match="numbers of turns"):
            find_step(f"peel-loops{options}")
