"""Gates under control of qubits that are measured, which are done on outcomes."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from xdsl.dialects import scf

import qjit as qj
from tests.lowering.passes.test_dynamic_circuits import (
    BITS,
    DEFER,
    PHASE,
    REUSE,
    after,
    measured_late,
    num_wires,
)
from tests.support.pass_meaning import Imported


@qj.qnode(wires=BITS + 1)
def textbook_phase_estimation() -> Any:
    """Phase estimation by the inverse Fourier transform, controls and all."""
    qj.X(BITS)
    for wire in range(BITS):
        qj.H(wire)
        qj.CPhase(2 * np.pi * PHASE * 2 ** (BITS - 1 - wire), wires=[wire, BITS])
    for wire in range(BITS):
        for control in range(wire):
            qj.CPhase(-np.pi / 2 ** (wire - control), wires=[control, wire])
        qj.H(wire)
    return qj.probs(op=[qj.measure(wire) for wire in reversed(range(BITS))])


def test_controls_that_are_measured_are_outcomes() -> None:
    module = after(REUSE, textbook_phase_estimation)
    assert num_wires(module) == 2
    branches = [op for op in module.walk() if isinstance(op, scf.IfOp)]
    assert len(branches) == BITS * (BITS - 1) // 2
    unfed = Imported(textbook_phase_estimation).after([REUSE + "{feed_forward=false}"])
    assert num_wires(unfed) == BITS + 1
    again = Imported(textbook_phase_estimation).after([REUSE, DEFER])
    assert (num_wires(again), measured_late(again)) == (BITS + 1, True)
    reused = textbook_phase_estimation.with_passes([REUSE])
    assert np.argmax(reused()) / 2**BITS == PHASE


def test_controls_stay_where_outcomes_save_no_wires() -> None:
    @qj.qnode(wires=2)
    def circuit(x: Any) -> Any:
        qj.RX(x, wires=1)
        qj.CNOT([1, 0])
        qj.H(0)
        qj.CNOT([0, 1])
        return qj.expval(qj.measure(0)), qj.density_matrix(wires=1)

    imported = Imported(circuit, 0.3)
    assert imported.after([REUSE]).is_structurally_equivalent(imported.module)


CONTROLLED: dict[str, Callable[[Sequence[int], Any], Any]] = {
    "Rot": lambda wires, x: qj.Rot(x, 0.4, 2 * x, wires=wires[0]),
    "CNOT": lambda wires, _: qj.CNOT(wires[:2]),
    "CZ": lambda wires, _: qj.CZ(wires[:2]),
    "CPhase": lambda wires, x: qj.CPhase(x, wires=wires[:2]),
    "Toffoli": lambda wires, _: qj.Toffoli(wires),
    "zero": lambda wires, x: qj.ctrl(qj.PhaseShift(x, wires[0]), wires[1:], [0, 1]),
    "IsingZZ": lambda wires, x: qj.IsingZZ(x, wires=wires[:2]),
    "matrix": lambda wires, _: qj.ctrl(qj.QubitUnitary(TURN, wires[0]), wires[1]),
    "S": lambda wires, _: qj.adjoint(qj.S(wires[0])),
}
TURN = np.array([[0, 1], [1j, 0]])


def controlled_program(seed: int) -> Callable[[Any], Any]:
    """A circuit of gates under control, whose wires are all measured."""
    random = np.random.default_rng(seed)
    gates = [
        (str(name), random.permutation(4)[:3].tolist(), random.uniform(0, 3))
        for name in random.choice([*CONTROLLED, "measure"], 12)
    ]
    last = [(wire, bool(random.integers(2))) for wire in random.permutation(4).tolist()]

    @qj.qnode(wires=4)
    def circuit(x: Any) -> Any:
        outcomes: list[Any] = []
        for wire in range(4):
            qj.RY(0.4 + 0.3 * wire, wires=wire)
        for name, wires, angle in gates:
            if name == "measure":
                outcomes.append(qj.measure(wires[0], reset=angle > 1.5))
            else:
                CONTROLLED[name](wires, angle * x)
        outcomes += [qj.measure(wire, reset=reset) for wire, reset in last]
        return qj.probs(op=outcomes[-5:]), qj.expval(outcomes[0])

    return circuit


@pytest.mark.parametrize("always", [False, True])
def test_controlled_programs(always: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if always:  # not only where that saves wires
        place = "qjit.lowering.passes.quantum.dynamic_circuits.reuse_qubits._best"
        monkeypatch.setattr(place, lambda reading: reading.fed_forward())
    for seed in range(4):
        _ = after(REUSE, controlled_program(seed), 0.7)
