"""Passes that cancel and merge gates: how few are left, and what barriers keep."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from xdsl.dialects import arith
from xdsl.dialects.builtin import f64
from xdsl.ir import Block, Operation, SSAValue

import qjit as qj
from qjit.dialects.gates import GATES
from qjit.lowering.passes.circuits.circuit import product
from qjit.lowering.passes.circuits.commutation import GateForm, commute
from qjit.lowering.passes.circuits.gates import Gate
from qjit.lowering.passes.circuits.parameters import ParameterExpression, parameter
from qjit.lowering.passes.quantum.cancellation.single_qubit_matrices import shortest
from tests.support.pass_meaning import Imported, gate_names

X = 0.37


def left(body: Callable[[Any], None], passes: Sequence[str], wires: int = 3) -> Any:
    """Return the names of the gates that are left, after a check of what they do."""

    @qj.qnode(wires=wires)
    def circuit(x: Any) -> Any:
        for wire in range(wires):
            qj.StatePrep([0.6, 0.8j], wires=wire)
        body(x)
        return qj.state()

    imported = Imported(circuit, X)
    module = imported.after(passes)
    (found,), (expected,) = imported.results(module), imported.results()
    np.testing.assert_allclose(found, expected, atol=1e-6)
    return gate_names(module)


def through_cnots(x: Any) -> None:
    qj.RZ(x, wires=0)
    qj.RX(x, wires=1)
    qj.CNOT(wires=[0, 1])
    qj.Toffoli(wires=[0, 2, 1])
    qj.IsingZZ(x, wires=[0, 2])
    qj.CNOT(wires=[0, 1])
    qj.adjoint(qj.RX)(x, wires=1)
    qj.RZ(-x, wires=0)


def test_inverses_cancel_through_gates_that_commute() -> None:
    assert left(through_cnots, ["cancel-inverses"]) == ["Toffoli", "IsingZZ"]


def test_rotations_merge_through_gates_that_commute() -> None:
    def body(x: Any) -> None:
        for layer in range(5):
            qj.IsingZZ(x, wires=[0, 1])
            qj.IsingZZ(x, wires=[1, 2])
            qj.CRZ(0.1 * layer, wires=[2, 0])
            qj.RZ(x, wires=1)

    names = left(body, ["merge-rotations"])
    assert sorted(names) == ["CRZ", "IsingZZ", "IsingZZ", "RZ"]


def test_gates_that_do_not_commute_stay() -> None:
    def body(x: Any) -> None:
        qj.RZ(x, wires=1)
        qj.CNOT(wires=[0, 1])
        qj.RZ(-x, wires=1)
        qj.ctrl(qj.X(1), 0, control_values=0)
        qj.RX(x, wires=0)
        qj.ctrl(qj.X(1), 0, control_values=0)

    names = left(body, ["cancel-inverses", "merge-rotations"])
    assert len(names) == 6


def test_sums_at_run_time_are_zero() -> None:
    def body(x: Any) -> None:
        y = 2.0 * x
        qj.RX(x, wires=0)
        qj.RX(y, wires=0)
        qj.RX(-x, wires=0)
        qj.RX(-y, wires=0)
        qj.Rot(x, y, 0.1, wires=1)
        qj.Rot(-0.1, -y, -x, wires=1)

    assert left(body, ["merge-rotations", "cancel-inverses"]) == []


@pytest.mark.parametrize(
    "name", ["RX", "PhaseShift", "IsingXX", "CRZ", "ControlledPhaseShift"]
)
def test_full_turns_are_nothing(name: str) -> None:
    record = GATES[name]
    period = record.period
    assert period is not None
    wires = range(record.num_wires or 1)
    make: Any = getattr(qj, name)

    def body(_: Any) -> None:
        make(period / 4 * 3, wires=wires)
        make(period / 4, wires=wires)

    assert left(body, ["merge-rotations"]) == []
    half = record.matrix([period / 2])
    assert not np.allclose(half, np.eye(len(half)))


def test_commuting_is_for_all_angles() -> None:
    cnot, z = GateForm("X", 1, (1,)), GateForm("RZ", 1)
    assert commute(cnot, (0, 1), z, (0,))
    assert not commute(cnot, (0, 1), z, (1,))
    assert commute(cnot, (0, 1), GateForm("RX", 1), (1,))
    assert commute(GateForm("IsingXX", 2), (0, 1), GateForm("IsingZZ", 2), (1, 0))
    assert not commute(GateForm("IsingXX", 2), (0, 1), GateForm("IsingZZ", 2), (1, 2))
    closed = GateForm("X", 1, (0,))
    assert commute(closed, (0, 1), cnot, (2, 1))
    assert commute(closed, (0, 1), cnot, (0, 1))
    assert not commute(cnot, (0, 1), cnot, (1, 0))


def test_commuting_agrees_with_matrices() -> None:
    generator = np.random.default_rng(3)
    names = [
        "X",
        "Y",
        "H",
        "S",
        "RX",
        "RZ",
        "Rot",
        "SWAP",
        "IsingXY",
        "IsingZZ",
        "ISWAP",
    ]
    for _ in range(300):
        gates, forms = list[Gate](), list[GateForm]()
        for name in generator.choice(names, 2):
            record = GATES[str(name)]
            assert record.num_targets is not None
            controls = int(generator.integers(0, 2))
            values = tuple(map(int, generator.integers(0, 2, controls)))
            wires = generator.permutation(4)[: controls + record.num_targets].tolist()
            angles = generator.uniform(0, 6, record.num_params)
            on: Any = {"controls": wires[:controls], "control_values": values}
            gates.append(Gate(record.name, wires[controls:], *angles, **on))
            forms.append(GateForm(record.name, record.num_targets, values))
        one, other = gates
        matrices = [qubits(order) for order in ((one, other), (other, one))]
        found = commute(forms[0], one.all_wires, forms[1], other.all_wires)
        assert found == np.allclose(*matrices), (one, other)


def qubits(order: Sequence[Gate]) -> Any:
    return product(order, range(4), {})


def values_of(count: int) -> Sequence[SSAValue]:
    return Block(arg_types=[f64] * count).args


def emitted(expression: ParameterExpression) -> list[str]:
    ops: list[Operation] = []
    expression.emit(ops.append)
    return [op.name for op in ops]


def test_affine_forms_see_through_arithmetic() -> None:
    x, y = values_of(2)
    negative = arith.NegfOp(x).result
    total = arith.AddfOp(x, y).result
    assert (parameter(x) + y - x).simplified() == parameter(y)
    assert (parameter(negative) + x).simplified().known == 0
    assert (parameter(total) - y).simplified() == parameter(x)
    assert (parameter(total) + 1.0).simplified() == parameter(total) + 1.0
    assert (2 * parameter(x) - x - x).simplified().known == 0
    assert (parameter(x) / 2 + parameter(x) * 0.5).simplified() == parameter(x)
    assert (parameter(x) * y).affine is None
    assert emitted((parameter(x) - y).simplified()) == ["arith.subf"]
    assert emitted((parameter(y) * -1).simplified())[-1] == "arith.subf"
    form = (parameter(x) * 3 + 0.5 - y).affine
    assert form is not None
    numbers = {x: 0.7, y: -0.2}
    assert form.expression().at(numbers) == pytest.approx(0.7 * 3 + 0.5 + 0.2)


def test_known_gates_on_a_qubit_are_one() -> None:
    def body(_: Any) -> None:
        for _ in range(4):
            qj.H(0)
            qj.T(0)
            qj.RX(0.3, wires=0)
        qj.H(1)
        qj.X(1)
        qj.H(1)
        qj.Z(1)

    assert left(body, ["single-qubit-fusion"]) == ["Rot", "GlobalPhase"]


def test_cliffords_move_out_of_the_way_of_rotations() -> None:
    def body(x: Any) -> None:
        qj.H(0)
        qj.RZ(x, wires=0)
        qj.H(0)
        qj.RX(x, wires=0)
        qj.X(0)
        qj.RZ(x, wires=0)
        qj.Y(0)
        qj.RZ(x, wires=0)

    names = left(body, ["single-qubit-fusion"])
    assert names[0] == "RX"
    assert len(names) <= 4


def test_euler_angles_at_run_time() -> None:
    def body(x: Any) -> None:
        qj.RZ(x, wires=0)
        qj.RY(x, wires=0)
        qj.PhaseShift(x, wires=0)
        qj.S(0)
        qj.adjoint(qj.Rot)(x, 0.1, x, wires=1)
        qj.T(1)
        qj.RZ(x, wires=1)

    assert left(body, ["single-qubit-fusion"]) == ["Rot", "Rot", "GlobalPhase"]


def test_shortest_gates_have_the_matrix() -> None:
    generator = np.random.default_rng(5)
    names = ["H", "S", "T", "X", "Y", "SX", "RX", "RY", "RZ", "PhaseShift"]
    for count in range(200):
        matrix = np.eye(2, dtype=np.complex128)
        for name in generator.choice(names, 1 + count % 4):
            record = GATES[str(name)]
            angle = generator.choice([np.pi, -np.pi / 2, 0.3, 2 * np.pi, 0.0])
            matrix = record.matrix([angle] * record.num_params) @ matrix
        known, phase = shortest(matrix)
        found = np.eye(2) if known is None else GATES[known[0]].matrix(known[1])
        np.testing.assert_allclose(np.exp(1j * phase) * found, matrix, atol=1e-13)
    assert shortest(GATES["RX"].matrix([2 * math.pi])) == (None, math.pi)


def test_gates_pass_controls_and_meet() -> None:
    def body(x: Any) -> None:
        for _ in range(3):
            qj.T(0)
            qj.SX(1)
            qj.CNOT(wires=[0, 1])

    for direction in ("left", "right"):
        first = f"commute-controlled{{direction={direction}}}"
        assert len(left(body, [first, "single-qubit-fusion"])) == 6


def test_a_direction_that_is_none_is_refused() -> None:
    with pytest.raises(
        qj.errors.PipelineError, match=r"test_cancellation.py:.* but got"
    ):
        qj.qjit(lambda x: x, pipeline=("commute-controlled{direction=up}",))


def test_phases_are_one() -> None:
    def body(x: Any) -> None:
        for _ in range(3):
            qj.GlobalPhase(x)
            qj.H(0)
            qj.ctrl(qj.GlobalPhase(x), [0, 1], control_values=[0, 1])
            qj.T(0)
            qj.CNOT(wires=[1, 2])
            qj.ctrl(qj.GlobalPhase(0.1), [1, 0], control_values=[1, 0])

    names = left(body, ["combine-global-phases"])
    assert names.count("GlobalPhase") == 4


def test_swaps_are_undone() -> None:
    def body(x: Any) -> None:
        for wire in (0, 1, 0):
            qj.SWAP(wires=[wire, wire + 1])
            qj.CRX(x, wires=[wire, wire + 1])
        qj.CSWAP(wires=[0, 1, 2])

    assert left(body, ["undo-swaps"]) == ["CRX"] * 3 + ["CSWAP"]


# Barriers


def mirrored(x: Any) -> None:
    qj.RX(x, wires=0)
    qj.CNOT(wires=[0, 1])
    qj.T(2)
    qj.barrier(wires=[0, 1])
    qj.CNOT(wires=[0, 1])
    qj.RX(-x, wires=0)
    qj.adjoint(qj.T)(2)


OPTIMISING = ("cancel-inverses", "merge-rotations", "single-qubit-fusion")


def test_a_barrier_keeps_gates_on_its_wires() -> None:
    assert left(mirrored, OPTIMISING) == ["RX", "CNOT", "CNOT", "RX"]
    assert left(mirrored, ["remove-barrier", *OPTIMISING]) == []


@pytest.mark.parametrize("modified", ["adjoint", "ctrl", "both"])
def test_barriers_stay_when_inverted_and_controlled(modified: str) -> None:
    def body(x: Any) -> None:
        def inner() -> None:
            mirrored(x)

        function = inner if modified == "ctrl" else qj.adjoint(inner)
        if modified != "adjoint":
            function = qj.ctrl(function, 3)
        function()

    assert len(left(body, ["cancel-inverses"], 4)) == 4
    assert left(body, ["remove-barrier", "cancel-inverses"], 4) == []


def test_a_barrier_that_is_only_drawn_keeps_nothing() -> None:
    def body(_: Any) -> None:
        qj.H(0)
        qj.barrier(only_visual=True)
        qj.H(0)

    assert left(body, ["cancel-inverses"]) == []


def circuit_with_barriers(x: Any, wire: Any) -> Any:
    for angle in np.linspace(0, 1, 60):
        qj.RX(x * angle, wires=0)
        qj.barrier()
        qj.CNOT(wires=[0, 1])
        qj.barrier(wires=1)
        qj.RX(0.1, wires=0)
    qj.RX(x, wires=wire)
    qj.barrier(wires=[wire])
    return qj.expval(qj.Z(1))


def test_programs_with_barriers_run_as_loops() -> None:
    circuit = qj.qnode(wires=2)(circuit_with_barriers)
    compiled = qj.qjit(circuit)
    stages = compiled.stages(0.4, 1)
    assert stages["quantum"].count("quantum.barrier") <= 60
    assert "scf.for" in stages["quantum"]
    assert "quantum.barrier" not in stages["build-schedules"]
    plain = qj.qjit(circuit, pipeline=("remove-barrier",))
    value = float(compiled(0.4, 1))
    assert value == pytest.approx(float(plain(0.4, 1)), abs=1e-6)
    gradient = float(qj.qjit(qj.grad(circuit))(0.4, 1))
    near = float(compiled(0.41, 1) - compiled(0.39, 1)) / 0.02
    assert gradient == pytest.approx(near, rel=1e-2)
