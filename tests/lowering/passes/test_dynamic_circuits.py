"""Measurements at the end, and wires used again, leave the outcomes as they are."""

import operator
from collections import Counter
from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from xdsl.dialects import scf
from xdsl.dialects.builtin import ModuleOp

import qjit as qj
from qjit.dialects.quantum import (
    AllocOp,
    BarrierOp,
    DelayOp,
    GateOp,
    MeasureOp,
    ResetOp,
)
from qjit.dialects.statevector.branching import PathsBeginOp
from qjit.lowering.conversion.branching import state_bytes
from qjit.lowering.passes.pipeline import PipelineError, find_step
from qjit.lowering.passes.quantum.dynamic_circuits.causal_cones import (
    CausalCones,
    Item,
    plan_wires,
)
from tests.support.outcome_programs import JAX, Program, programs, value
from tests.support.pass_meaning import TOLERANCE, Imported, gate_names

DEFER, REUSE = "defer-measurements", "reuse-qubits"


def num_wires(module: ModuleOp) -> int:
    (alloc,) = (op for op in module.walk() if isinstance(op, AllocOp))
    return alloc.register.type.size.data


def measured_late(module: ModuleOp) -> bool:
    """Whether no gate, branch or reset follows a measurement."""
    kinds = (GateOp, MeasureOp, ResetOp, scf.IfOp)
    found = [type(op) for op in module.walk() if isinstance(op, kinds)]
    return MeasureOp not in found[: len(found) - found.count(MeasureOp)]


def after(name: str, circuit: Callable[..., Any], *args: Any) -> ModuleOp:
    """What a pass makes of a circuit, whose results stay as they are."""
    imported = Imported(circuit, *args)
    module = imported.after([name])
    pairs = zip(imported.results(module), imported.results(), strict=True)
    for found, expected in pairs:
        np.testing.assert_allclose(found, expected, atol=TOLERANCE)
    return module


@qj.qnode(wires=3)
def teleported(x: Any) -> Any:
    qj.Rot(x, 0.4, 2 * x, wires=0)
    qj.H(1)
    qj.CNOT([1, 2])
    qj.CNOT([0, 1])
    qj.H(0)
    phase, flip = qj.measure(0), qj.measure(1)
    qj.cond(flip, qj.X)(2)
    qj.cond(phase, qj.Z)(2)
    return qj.density_matrix(wires=[2]), qj.probs(op=[phase, flip])


def test_teleportation() -> None:
    module = after(DEFER, teleported, 0.3)
    assert gate_names(module) == ["Rot", "H", "CNOT", "CNOT", "H", "CNOT", "CZ"]
    assert measured_late(module)
    assert num_wires(module) == 3


PHASE, BITS = 0.34375, 5  # 0.01011 in binary


def phase_estimation(counting: Sequence[int]) -> Callable[[], Any]:
    """Phase estimation of one bit after another, on these wires.

    Those that are used again are reset (Griffiths and Niu, quant-ph/9511007).
    """

    @qj.qnode(wires=1 + len(set(counting)))
    def circuit() -> Any:
        bits: list[Any] = []
        target = len(set(counting))
        qj.X(target)
        for step, wire in enumerate(counting):
            qj.H(wire)
            power = 2 ** (BITS - 1 - step)
            qj.CPhase(2 * np.pi * PHASE * power, wires=[wire, target])
            for number, bit in enumerate(bits):
                angle = -np.pi / 2 ** (step - number)
                qj.cond(bit, qj.PhaseShift)(angle, wires=wire)
            qj.H(wire)
            bits.append(qj.measure(wire, reset=wire in counting[step + 1 :]))
        return qj.probs(op=bits[::-1])

    return circuit


def test_iterative_phase_estimation_becomes_the_textbook_circuit() -> None:
    module = after(DEFER, phase_estimation([0] * BITS))
    assert num_wires(module) == BITS + 1
    assert measured_late(module)
    kinds = Counter(len(op.results) for op in module.walk() if isinstance(op, GateOp))
    assert kinds == {1: 1 + 2 * BITS, 2: BITS + BITS * (BITS - 1) // 2}
    outcome = np.argmax(Imported(phase_estimation([0] * BITS)).results(module)[0])
    assert outcome / 2**BITS == PHASE


@qj.qnode(wires=7)
def cascaded_ghz() -> Any:
    """Four qubits are fused into a GHZ state by measurements of parities."""
    for wire in range(4):
        qj.H(wire)
    parities: list[Any] = []
    for wire in range(3):
        qj.CNOT([wire, 4 + wire])
        qj.CNOT([wire + 1, 4 + wire])
        parities.append(qj.measure(4 + wire))
    for wire in range(3):
        flip = reduce(operator.xor, parities[: wire + 1])
        qj.cond(flip, qj.X)(wire + 1)
    return qj.density_matrix(wires=[0, 1, 2, 3])


def test_fused_ghz_state() -> None:
    module = after(DEFER, cascaded_ghz)
    assert measured_late(module)
    # Of the parity of n outcomes, 2^(n-1) cases flip a qubit.
    assert len(gate_names(module)) == 4 + 6 + 1 + 2 + 4
    state = np.zeros(16)
    state[[0, 15]] = np.sqrt(0.5)
    (found,) = Imported(cascaded_ghz).results(module)
    np.testing.assert_allclose(found, np.outer(state, state), atol=1e-6)


def test_reset_by_a_gate() -> None:
    @qj.qnode(wires=1)
    def circuit(x: Any) -> Any:
        qj.RY(x, wires=0)
        outcome = qj.measure(0)
        qj.cond(outcome, qj.X)(0)
        return qj.expval(qj.Z(0)), qj.expval(outcome)

    module = after(DEFER, circuit, 0.7)
    assert gate_names(module) == ["RY", "CNOT", "CNOT"]
    assert measured_late(module)
    limited = Imported(circuit, 0.7).after([DEFER + "{wires=1}"])
    assert num_wires(limited) == 1
    assert gate_names(limited) == ["RY", "X"]


def test_angles_by_cases() -> None:
    @qj.qnode(wires=3)
    def circuit(x: Any) -> Any:
        qj.H(0)
        qj.H(1)
        a, b = qj.measure(0), qj.measure(1)
        qj.RY(x * a - 0.5 * b + 0.1, wires=2)
        qj.RX(jnp.where(a & b, x, 2 * x), wires=2)
        qj.Rot(x * a, 0.1, 0.2, wires=2)
        return qj.probs(wires=2)

    module = after(DEFER, circuit, 0.7)
    assert measured_late(module)
    names = Counter(gate_names(module))
    assert sum(names[each] for each in ("RX", "CRX")) == 2
    assert sum(names[each] for each in ("Rot", "CRot")) == 2


def test_measured_loops_are_unrolled() -> None:
    @qj.qnode(wires=2)
    def circuit(x: Any) -> Any:
        def body(_: Any, total: Any) -> Any:
            qj.RY(x, wires=0)
            qj.CNOT([0, 1])
            return total + qj.measure(1, reset=True)

        total = qj.for_loop(0, 3, 1)(body)(0)
        return qj.probs(wires=0), qj.expval(total)

    module = after(DEFER, circuit, 0.7)
    assert measured_late(module)
    assert num_wires(module) == 5


def test_functions_of_outcomes_that_exceed_their_width() -> None:
    @qj.qnode(wires=2)
    def circuit(x: Any) -> Any:
        qj.RX(x, wires=0)
        first = qj.measure(0)
        qj.RX(x, wires=0)
        second = qj.measure(0)
        total = jnp.int8(100) * first + jnp.int8(100) * second  # -56 if both are 1
        qj.RX(0.01 * total, wires=1)
        qj.cond(total < 0, qj.RY)(x, wires=1)
        return qj.density_matrix(wires=1)

    after(DEFER, circuit, 0.7)


def test_booleans_that_are_known() -> None:
    @qj.qnode(wires=2)
    def circuit(x: Any) -> Any:
        qj.RX(x, wires=0)
        outcome = qj.measure(0)
        qj.cond(~outcome, qj.RX)(x, wires=1)
        qj.RY(x * jnp.where(outcome, True, False), wires=1)
        return qj.density_matrix(wires=1)

    assert measured_late(after(DEFER, circuit, 0.7))


def test_branches_in_branches_see_wires_exchanged() -> None:
    @qj.qnode(wires=4)
    def circuit(x: Any) -> Any:
        outcomes: list[Any] = []
        for wire in (0, 1):
            qj.RX(x, wires=wire)
            outcomes.append(qj.measure(wire))

        def branch() -> None:
            qj.SWAP([2, 3])
            qj.cond(outcomes[1], lambda: qj.RX(x, wires=2))()
            qj.SWAP([2, 3])

        qj.cond(outcomes[0], branch)()
        return qj.probs(wires=[2, 3])

    imported = Imported(circuit, 0.7)
    module = imported.after(["undo-swaps", DEFER])
    assert measured_late(module)
    (found,), (expected,) = imported.results(module), imported.results()
    np.testing.assert_allclose(found, expected, atol=TOLERANCE)


@pytest.mark.parametrize(
    "pause", [lambda: qj.barrier([1, 2]), lambda: qj.delay(1e-8, wires=1)]
)
def test_branches_with_barriers_stay(pause: Callable[[], Any]) -> None:
    @qj.qnode(wires=3)
    def circuit(x: Any) -> Any:
        qj.RX(x, wires=0)

        def branch() -> None:
            qj.X(1)
            pause()

        qj.cond(qj.measure(0), branch)()
        return qj.probs(wires=[1, 2])

    module = after(DEFER, circuit, 0.7)
    assert [op for op in module.walk() if isinstance(op, BarrierOp | DelayOp)]
    assert not measured_late(module)


def test_states_are_prepared_where_something_was_measured() -> None:
    @qj.qnode(wires=2)
    def circuit(x: Any) -> Any:
        qj.RX(x, wires=0)
        outcome = qj.measure(0, postselect=0)
        qj.StatePrep(jnp.array([jnp.cos(x), jnp.sin(x)]), wires=0)
        qj.CNOT([0, 1])
        return qj.probs(wires=[0, 1]), qj.expval(outcome)

    after(DEFER, circuit, 0.7)


def test_paths_know_how_large_grown_states_are() -> None:
    @qj.qnode(wires=1)
    def circuit(x: Any) -> Any:
        qj.RX(x, wires=0)
        first = qj.measure(0)
        qj.RX(x, wires=0)
        second = qj.measure(0)
        return qj.expval(first), qj.expval(second)

    imported = Imported(circuit, 0.7)
    for module, size in ((imported.module, 2), (imported.after([DEFER]), 4)):
        (begin,) = (op for op in module.walk() if isinstance(op, PathsBeginOp))
        assert state_bytes(begin) == 16 * size


def loops(module: ModuleOp) -> int:
    return sum(isinstance(op, scf.ForOp) for op in module.walk())


@pytest.mark.parametrize("name", [DEFER, REUSE])
def test_loops_around_circuits_and_in_others_stay(name: str) -> None:
    @qj.qnode(wires=2)
    def plain(x: Any) -> Any:
        qj.for_loop(0, 2)(lambda i: qj.RX(x, wires=i))()
        return qj.expval(qj.Z(0))

    @qj.qnode(wires=2)
    def measured(x: Any) -> Any:
        qj.for_loop(0, 2)(lambda i: qj.RX(x, wires=i))()
        return qj.expval(qj.measure(0))

    def total(x: Any) -> Any:
        def turn(_: Any, found: Any) -> Any:
            return found + measured(x) + plain(x)

        return jax.lax.fori_loop(0, 3, turn, 0.0)

    left = {DEFER: 3, REUSE: 2}  # wires matter where they are used again only
    assert loops(after(name, total, 0.7)) == left[name]


def test_long_loops_that_measure_stay() -> None:
    @qj.qnode(wires=1)
    def circuit(x: Any) -> Any:
        def body(_: Any, total: Any) -> Any:
            qj.RY(x, wires=0)
            return total + qj.measure(0)

        return qj.expval(qj.for_loop(0, 100_000)(body)(0))

    assert loops(Imported(circuit, 0.7).after([DEFER])) == 1


def statistics_of(program: Program) -> Callable[[Any], Any]:
    """A circuit that returns all that can be known of a program."""

    @qj.qnode(wires=2)
    def circuit(angle: Any) -> Any:
        outcomes = program.run(angle)
        numbers = [value(each, outcomes, JAX) for each in program.numbers]
        means = [qj.expval(each) for each in numbers]
        joint = qj.probs(op=[outcomes[name] for name in program.names])
        return qj.probs(), qj.expval(qj.X(0) @ qj.Y(1)), joint, *means

    return circuit


@pytest.mark.parametrize("functions", [False, True])
def test_functions_of_outcomes(functions: bool) -> None:
    for program in programs(3, 3, functions=functions):
        module = after(DEFER, statistics_of(program), 0.8)
        assert functions or measured_late(module)  # those of JAX may use arrays


def test_wires_below_one_are_refused() -> None:
    with pytest.raises(PipelineError, match="at least 1 wire, but got 0"):
        find_step(DEFER + "{wires=0}").found()


def bernstein_vazirani(secret: Sequence[int]) -> Callable[[], Any]:
    """The circuit that finds a bit string by one question."""
    size = len(secret)

    @qj.qnode(wires=size + 1)
    def circuit() -> Any:
        qj.X(size)
        for wire in range(size + 1):
            qj.H(wire)
        for wire, bit in enumerate(secret):
            if bit:
                qj.CNOT([wire, size])
        for wire in range(size):
            qj.H(wire)
        return qj.probs(op=[qj.measure(wire) for wire in range(size)])

    return circuit


def test_bernstein_vazirani_takes_two_wires() -> None:
    secret = (1, 0, 1, 1, 0, 1)
    module = after(REUSE, bernstein_vazirani(secret))
    assert num_wires(module) == 2
    (found,) = Imported(bernstein_vazirani(secret)).results(module)
    assert np.argmax(found) == int("".join(map(str, secret)), 2)
    assert max(found) == pytest.approx(1)


@qj.qnode(wires=6)
def measured_ghz(x: Any) -> Any:
    qj.RX(x, wires=0)
    for wire in range(5):
        qj.CNOT([wire, wire + 1])
    return qj.probs(op=[qj.measure(wire) for wire in reversed(range(6))])


@qj.qnode(wires=6)
def measured_in_a_loop(x: Any) -> Any:
    qj.RX(x, wires=5)

    def body(wire: Any, total: Any) -> Any:
        qj.RY(x + wire, wires=wire)
        qj.CNOT([wire, 5])
        return total + qj.measure(wire)

    return qj.expval(qj.for_loop(0, 5, 1)(body)(0)), qj.expval(qj.Z(5))


@qj.qnode(wires=4)
def fed_forward(x: Any) -> Any:
    """Wires in branches live as long as these."""
    qj.RX(x, wires=0)
    first = qj.measure(0)
    qj.cond(first, lambda: qj.RY(x, wires=1), lambda: qj.H(1))()
    second = qj.measure(1)
    qj.RZ(second * x, wires=2)
    qj.cond(first & second, qj.CNOT)([2, 3])
    return qj.density_matrix(wires=[3, 2]), qj.expval(first + 2 * second)


@pytest.mark.parametrize(
    ("circuit", "wires"), [(measured_ghz, 1), (measured_in_a_loop, 1), (fed_forward, 2)]
)
def test_wires_that_are_needed(circuit: Callable[..., Any], wires: int) -> None:
    assert num_wires(after(REUSE, circuit, 0.7)) == wires


def ring(size: int, layers: int) -> Callable[[Any], Any]:
    """QAOA on a ring, whose outcomes are measured."""

    @qj.qnode(wires=size)
    def circuit(x: Any) -> Any:
        for wire in range(size):
            qj.H(wire)
        for _ in range(layers):
            for wire in range(size):
                qj.IsingZZ(x, wires=[wire, (wire + 1) % size])
            for wire in range(size):
                qj.RX(x, wires=wire)
        outcomes = [qj.measure(wire) for wire in range(size)]
        return qj.probs(op=outcomes[:3])

    return circuit


@pytest.mark.parametrize(("size", "layers"), [(6, 1), (8, 2), (20, 3)])
def test_rings_take_the_wires_of_a_light_cone(size: int, layers: int) -> None:
    circuit = ring(size, layers)
    small = size < 8
    module = (
        after(REUSE, circuit, 0.4) if small else Imported(circuit, 0.4).after([REUSE])
    )
    assert num_wires(module) == 2 * layers + 1


def test_parallel_phase_estimation_takes_two_wires() -> None:
    module = after(REUSE, phase_estimation(range(BITS)))
    assert num_wires(module) == 2


def test_wires_that_are_looked_at_stay() -> None:
    @qj.qnode(wires=3)
    def circuit(x: Any) -> Any:
        qj.RX(x, wires=0)
        outcome = qj.measure(0)
        qj.CNOT([1, 2])
        return qj.probs(), qj.expval(outcome)

    assert num_wires(after(REUSE, circuit, 0.3)) == 3


def test_circuits_without_measurements_stay() -> None:
    @qj.qnode(wires=3)
    def circuit(x: Any) -> Any:
        qj.RX(x, wires=0)
        qj.CNOT([0, 1])
        qj.CNOT([1, 2])
        return qj.expval(qj.Z(2))

    imported = Imported(circuit, 0.3)
    assert imported.after([REUSE]).is_structurally_equivalent(imported.module)


def test_wires_that_are_computed_stay() -> None:
    @qj.qnode(wires=4)
    def circuit(wire: Any) -> Any:
        outcomes = [qj.measure(wire), qj.measure((wire + 1) % 4)]
        return qj.probs(op=outcomes)

    assert num_wires(after(REUSE, circuit, 1)) == 4


def test_order_of_causal_cones() -> None:
    def items(*wires: tuple[int, ...]) -> list[Item]:
        cones = CausalCones()
        for on in wires:
            cones.add(dict.fromkeys(on, 0))
        return cones.items

    ladder = items((2, 3), (1, 2), (0, 1))
    plan = plan_wires(ladder, 4, frozenset())
    assert (plan.num_places, plan.order) == (2, (0, 1, 2))
    star = items((0, 4), (1, 4), (2, 4), (3, 4), (0,), (1,), (2,), (3,))
    plan = plan_wires(star, 5, frozenset())
    assert (plan.num_places, plan.order) == (2, (0, 4, 1, 5, 2, 6, 3, 7))
    assert plan_wires(star, 6, frozenset({0, 5})).num_places == 3
    assert plan_wires(items((0, 1), (1, 2), (2, 0)), 3, frozenset()).num_places == 3
    every = items((0, 1), (1, 2), (2, 0), (0, 1), (1, 2))
    assert plan_wires(every, 3, frozenset()).num_places == 3


def test_both_passes_are_inverse() -> None:
    circuit = phase_estimation(range(BITS))
    imported = Imported(circuit)
    reused = imported.after([REUSE])
    again = imported.after([REUSE, DEFER])
    assert (num_wires(reused), num_wires(again)) == (2, BITS + 1)
    assert measured_late(again)
    np.testing.assert_allclose(imported.results(again), imported.results(), atol=1e-6)
