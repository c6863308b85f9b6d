"""Passes on time: when gates start, what fills delays, and what keeps them in place."""

import math
import os
from dataclasses import replace
from typing import Any

import jax
import numpy as np
import pytest
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation, SSAValue

import qjit as qj
from qjit.dialects.quantum import (
    BarrierOp,
    DelayOp,
    ExtractOp,
    GateOp,
    InsertOp,
    MeasureOp,
    ResetOp,
)
from qjit.dialects.targets import STATEVECTOR, TARGETS
from qjit.errors import ArgumentError, ParameterError, PipelineError, UnsupportedError
from qjit.lowering.driver.stage_text import parsed
from qjit.lowering.passes.pipeline import find_step
from qjit.lowering.passes.quantum.timing.pulse_sequences import SEQUENCES
from tests.support.pass_meaning import EXACT, Imported

SEEDS = int(os.environ.get("QJIT_EXAMPLES", "20"))
TIMES = {"RZ": 0, "CNOT": 300, "1": 30, "2": 410, "3": 970, "measure": 1010, "reset": 7}
TEXT = ",".join(f"{key}:{time}e-9" for key, time in TIMES.items())
SECONDS = {key: time * 1e-9 for key, time in TIMES.items()}


def scheduled(mode: str, times: str = TEXT) -> str:
    return f'schedule-gates{{mode={mode} durations="{times}"}}'


def after(module: ModuleOp, *passes: str) -> ModuleOp:
    found = module.clone()
    for name in passes:
        find_step(name).found().apply(Context(), found)
    found.verify()
    return found


# Programs without control flow, as texts


def straight_line(seed: int) -> str:
    """Return a random circuit with delays, barriers, measurements and feed-forward."""
    random = np.random.default_rng(seed)
    wires = int(random.integers(2, 6))
    lines = ["%x = arith.constant 0.3 : f64", f"%r = quantum.alloc : {register(wires)}"]
    qubits = [f"%q{wire}" for wire in range(wires)]
    lines += [
        f"{name} = quantum.extract %r[{wire}] : {register(wires)}"
        for wire, name in enumerate(qubits)
    ]
    angle = "%x"
    for number in range(int(random.integers(1, 25))):
        on = [int(each) for each in random.permutation(wires)]
        new = [f"%v{number}_{n}" for n in range(3)]
        size, what = 1, ""
        match int(random.integers(9)):
            case 0:
                what = f'quantum.gate "H" on {qubits[on[0]]}'
            case 1:
                what = f'quantum.gate "RZ"({angle}) on {qubits[on[0]]}'
            case 2:
                what = f'quantum.gate "RX"({angle}) on {qubits[on[0]]}'
            case 3 | 4:
                size = 2
                what = f'quantum.gate "CNOT" on {qubits[on[0]]} ctrl({qubits[on[1]]})'
            case 5:
                size = 2
                what = f'quantum.gate "SWAP" on {qubits[on[0]]}, {qubits[on[1]]}'
            case 6:
                size = 2
                both = f"{qubits[on[0]]}, {qubits[on[1]]}"
                what = f"quantum.delay 5.0e-08 on {both}"
                if number % 2:
                    what = f"quantum.barrier {both}"
            case 7:
                what = f"quantum.reset {qubits[on[0]]}"
            case _:
                lines += [
                    f"%m{number}, {new[0]} = quantum.measure {qubits[on[0]]}",
                    f"%y{number} = arith.uitofp %m{number} : i1 to f64",
                ]
                angle = f"%y{number}"
        if what:
            lines.append(f"{', '.join(new[:size])} = {what}")
        for name, wire in zip(new[:size], on, strict=False):
            qubits[wire] = name
    before = "%r"
    for wire, name in enumerate(qubits):
        kind = register(wires)
        lines.append(f"%r{wire} = quantum.insert {name} into {before}[{wire}] : {kind}")
        before = f"%r{wire}"
    lines.append(f"quantum.dealloc {before} : {register(wires)}")
    return "\n".join(["func.func @f() {", *lines, "func.return", "}"])


def register(wires: int) -> str:
    return f"!quantum.reg<{wires}>"


def attoseconds(op: Operation) -> int:
    """Return how long an operation takes, by the table at the top."""
    match op:
        case DelayOp():
            return round(op.seconds * 10**18)
        case BarrierOp():
            return 0
        case GateOp() if op.gate.data == "GlobalPhase":
            return 0
        case GateOp():
            time = TIMES.get(op.gate.data, TIMES[str(len(op.qubits))])
        case _:
            time = TIMES[op.name.removeprefix("quantum.")]
    return time * 10**9


def start_times(module: ModuleOp, *, wait: bool = False) -> tuple[list[int], int]:
    """Return when gates and measurements start, and when all qubits are put back.

    Without waiting, all qubits of an operation have to be there at the same time.
    """
    times: dict[SSAValue, int] = {}
    known: dict[SSAValue, int] = {}
    starts: list[int] = []
    ends: set[int] = set()
    for op in module.walk():
        if isinstance(op, ExtractOp):
            times[op.qubit] = 0
        elif isinstance(op, InsertOp):
            if not isinstance(op.qubit.owner, ExtractOp):  # some are not used
                ends.add(times[op.qubit])
        elif isinstance(op, GateOp | DelayOp | BarrierOp | MeasureOp | ResetOp):
            qubits = [each for each in op.operands if each in times]
            here = {times[each] for each in qubits}
            asked = [known[each] for each in op.operands if each in known]
            assert wait or len(here) == 1
            assert wait or max(asked, default=0) <= max(here)
            start = max(*here, *asked, 0)
            if not isinstance(op, DelayOp | BarrierOp):
                starts.append(start)
            times |= dict.fromkeys(op.results, start + attoseconds(op))
            if isinstance(op, MeasureOp):
                known[op.outcome] = start + attoseconds(op)
        elif any(each in known for each in op.operands):
            known |= dict.fromkeys(op.results, known[op.operands[0]])
    assert wait or len(ends) == 1
    return starts, max(ends, default=0)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_schedules_are_those_of_the_definition(seed: int) -> None:
    module = parsed(straight_line(seed))
    early, late = (after(module, scheduled(mode)) for mode in ("asap", "alap"))
    soonest, total = start_times(module, wait=True)
    assert start_times(early) == (soonest, total)
    latest, end = start_times(late)
    assert end == total
    assert all(first <= last for first, last in zip(soonest, latest, strict=True))
    for each, mode in ((early, "asap"), (late, "alap")):
        delays = [op for op in each.walk() if isinstance(op, DelayOp)]
        assert all(len(op.qubits) == 1 and op.seconds > 0 for op in delays)
        assert after(each, scheduled(mode)).is_structurally_equivalent(each)


@pytest.mark.parametrize("sequence", SEQUENCES)
def test_pulses_take_the_time_of_delays(sequence: str) -> None:
    filled = f"dynamical-decoupling{{sequence={sequence} spacing=5e-8}}"
    for seed in range(3):
        module = after(parsed(straight_line(seed)), scheduled("alap"))
        pulsed = after(module, filled)
        assert start_times(pulsed)[1] == start_times(module)[1]


def test_pulses_are_not_too_many() -> None:
    @qj.qnode(
        wires=1, passes=['dynamical-decoupling{spacing=1e-9 durations="X:0,Y:0"}']
    )
    def circuit() -> Any:
        qj.H(0)
        qj.delay(1e-3, wires=0)
        return qj.expval(qj.Z(0))

    with pytest.raises(UnsupportedError, match=r"timing\.py:\d+: .*more than 100000"):
        circuit()


def test_nothing_is_scheduled_without_durations() -> None:
    kind = "!quantum.reg<2>"
    module = parsed(
        f"""
        func.func @f() {{
          %r = quantum.alloc : {kind}
          %q = quantum.extract %r[0] : {kind}
          %o = quantum.extract %r[1] : {kind}
          %a = quantum.delay 1.0e-07 on %q
          %b = quantum.delay 2.0e-07 on %a
          %m, %c, %d = quantum.pauli_measure "XZ" on %b, %o
          %s = quantum.insert %c into %r[0] : {kind}
          %t = quantum.insert %d into %s[1] : {kind}
          quantum.dealloc %t : {kind}
          func.return
        }}"""
    )
    assert after(module, "schedule-gates").is_structurally_equivalent(module)
    found = str(after(module, scheduled("asap")))
    assert "quantum.delay 3.000000e-07" in found


# Programs


@qj.qnode(wires=3)
def idle(x: Any, n: Any) -> Any:
    """Delays everywhere: of the program, beside gates, in loops, before outcomes."""
    qj.Hadamard(0)
    qj.delay(1e-6, wires=[0, 1])
    qj.CNOT([0, 1])

    @qj.for_loop(0, n)
    def turn(i: Any) -> None:
        qj.RX(x, i % 3)
        qj.RY(x, 0)
        qj.CNOT([1, 2])
        qj.RZ(x, 1)

    turn()
    outcome = qj.measure(0)
    qj.RZ(x * outcome, 1)
    qj.cond(outcome, lambda: qj.IsingXX(x, [0, 2]))()
    qj.reset(2)
    qj.Hadamard(1)
    return qj.probs(), qj.expval(outcome)


def test_pulses_stay_where_they_are() -> None:
    imported = Imported(idle, 0.3, 4)
    expected = imported.results()
    fill = [scheduled("alap"), "dynamical-decoupling{sequence=XY4}"]
    pulsed = imported.after(fill)
    before = _pulses(pulsed)
    assert before.count("X") == before.count("Y") == 6
    more = ("unroll-loops", "fold-gates", "to-pauli-products")  # these write gates anew
    for name in EXACT:
        if name not in ("remove-delays", "dynamical-decoupling", *more):
            assert _pulses(after(pulsed, name)) == before, name
    for passes in ([], ["remove-delays", "cancel-inverses"]):
        module = after(pulsed, *passes)
        for found, wanted in zip(imported.results(module), expected, strict=True):
            np.testing.assert_allclose(found, wanted, atol=1e-6)


def _pulses(module: ModuleOp) -> list[str]:
    """Return the gates that are between two delays."""

    def is_delay(value: SSAValue) -> bool:
        users = (use.operation for use in value.uses)
        return isinstance(value.owner, DelayOp) or any(
            isinstance(user, DelayOp) for user in users
        )

    gates = [op for op in module.walk() if isinstance(op, GateOp)]
    return [
        op.gate.data
        for op in gates
        if len(op.qubits) == 1 and is_delay(op.qubits[0]) and is_delay(op.results[0])
    ]


def test_derivatives_have_times_too() -> None:
    @qj.qnode(wires=2)
    def circuit(x: Any) -> Any:
        qj.RX(x, 0)
        qj.delay(1e-7, 0)
        qj.CNOT([0, 1])
        return qj.expval(qj.Z(1))

    timed = qj.schedule(circuit, durations=SECONDS, mode="alap")
    gradient = qj.qjit(jax.grad(qj.dynamical_decoupling(timed, sequence="XY8")))
    module = gradient.stages(0.3)["qnode-passes"]
    assert "slots" in module
    assert "quantum.delay 3.000000e-08" in module
    np.testing.assert_allclose(gradient(0.3), -np.sin(0.3), atol=1e-6)


@pytest.mark.parametrize("modified", ["adjoint", "ctrl", "both"])
def test_delays_stay_when_inverted_and_controlled(modified: str) -> None:
    def inner() -> None:
        qj.S(0)
        qj.delay(1e-7, wires=[0, 1])
        qj.S(0)

    function = inner if modified == "ctrl" else qj.adjoint(inner)
    if modified != "adjoint":
        function = qj.ctrl(function, 2)

    @qj.qnode(wires=3)
    def circuit() -> Any:
        function()
        return qj.state()

    text = str(Imported(circuit).after(["merge-rotations", "cancel-inverses"]))
    assert text.count("quantum.gate") == 2
    assert text.count("quantum.delay 1.000000e-07") == 1


def test_repeated_delays_are_loops() -> None:
    @qj.qnode(wires=2)
    def circuit(wire: Any) -> Any:
        for _ in range(100):
            qj.RX(0.1, wires=0)
            qj.delay(1e-7)
            qj.CNOT([0, 1])
        qj.delay(2e-7, wires=wire)
        return qj.expval(qj.Z(0))

    compiled = qj.qjit(circuit)
    text = compiled.stages(1)["quantum"]
    assert text.count("quantum.delay") < 60
    assert "scf.for" in text
    assert "quantum.delay" not in compiled.stages(1)["build-schedules"]
    found = qj.specs(circuit, level="quantum")(1)
    assert (found.idle_time, found.duration) == (pytest.approx(202e-7), None)
    assert "idle, all wires together  20.2 µs" in repr(found)


# Times of whole circuits


@qj.schedule(durations=SECONDS)
@qj.qnode(wires=3)
def timed_loop(x: Any, n: Any) -> Any:
    qj.Hadamard(2)

    @qj.for_loop(0, n)
    def turn(i: Any) -> None:
        qj.RX(x, 0)
        qj.CNOT([0, 1])

    turn()
    qj.SWAP([0, 2])
    return qj.expval(qj.Z(0))


def test_wires_meet_at_loops() -> None:
    found = qj.specs(timed_loop)(0.3, 4)
    assert str(found.duration) == "33*n/100000000 + 11/25000000"
    assert "(330*n + 440) ns" in repr(found)
    assert found.at(n=5).duration == pytest.approx(30e-9 + 5 * 330e-9 + 410e-9)
    assert found.at(n=5).idle_time == pytest.approx(5 * 30e-9)
    assert found["gates"] == qj.specs(timed_loop, level="quantum")(0.3, 4)["gates"]


def test_gates_without_a_duration_are_noted() -> None:
    @qj.qnode(wires=2, passes=[scheduled("asap", "CNOT:3e-7,H:3e-8")])
    def circuit() -> Any:
        qj.Hadamard(1)
        qj.CNOT([0, 1])
        qj.Hadamard(1)
        return qj.probs()

    assert qj.specs(circuit)().duration == 36e-8
    later = qj.qjit(circuit, pipeline=("cnot-peephole", "decompose-gates{gates=H,CZ}"))
    found = qj.specs(later)()
    assert found.duration is None
    assert "CZ: no duration is known" in found.notes


@pytest.mark.parametrize(
    ("body", "times", "seconds"),
    [
        (lambda: qj.MultiControlledX(range(4)), {"MultiControlledX": 2e-7}, 2e-7),
        (
            lambda: qj.MultiControlledX([0, 1], control_values=[0]),
            {2: 1e-8, "MultiControlledX": 2e-7},
            2e-7,
        ),
        (lambda: qj.CNOT([0, 1]), {2: 1e-8, "MultiControlledX": 2e-7}, 1e-8),
        (
            lambda: qj.ControlledQubitUnitary(np.eye(2)[::-1], [0, 1]),
            {"QubitUnitary": 1e-8, "ControlledQubitUnitary": 2e-7},
            2e-7,
        ),
    ],
)
def test_gates_under_controls_have_durations_by_their_names(
    body: Any, times: Any, seconds: float
) -> None:
    @qj.schedule(durations=times)
    @qj.qnode(wires=4)
    def circuit() -> Any:
        body()
        return qj.expval(qj.Z(0))

    assert qj.specs(circuit)().duration == seconds


def test_devices_know_durations(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = replace(STATEVECTOR, name="machine", durations={"1": 1e-8, "CZ": 5e-8})
    monkeypatch.setitem(TARGETS, "machine", machine)

    @qj.qnode(qj.device("machine", wires=2))
    def circuit() -> Any:
        qj.Hadamard(0)
        qj.Hadamard(0)
        qj.CZ([0, 1])
        return qj.probs()

    assert qj.specs(qj.schedule(circuit))().duration == 7e-8
    other = qj.schedule(circuit, durations={"Hadamard": 4e-8})
    assert qj.specs(other)().duration == 13e-8
    few = replace(machine, gates=frozenset({"X", "H", "CZ"}))
    monkeypatch.setitem(TARGETS, "machine", few)

    @qj.qnode(qj.device("machine", wires=2))
    def others() -> Any:
        qj.Hadamard(0)
        qj.X(0)
        qj.CZ([0, 1])
        return qj.probs()

    text = qj.draw(qj.dynamical_decoupling(qj.schedule(others)), width=99)()
    assert "Delay[20 ns]" in text
    # What the program takes away takes no time.
    assert qj.specs(qj.schedule(circuit))().duration == 5e-8

    @qj.qnode(qj.device("machine", wires=1))
    def waiting() -> Any:
        qj.Hadamard(0)
        qj.delay(1e-6)
        return qj.probs()

    with pytest.raises(UnsupportedError, match=r"timing\.py:\d+: .* has no gate Y"):
        qj.draw(qj.dynamical_decoupling(waiting, sequence="XY4"))()


# What is refused


def test_operations_without_a_duration() -> None:
    words = r"test_timing\.py:\d+: {} has no duration, which 'schedule-gates' needs\."
    for body, what in (
        (lambda: qj.CNOT([0, 1]), "CNOT"),
        (lambda: qj.adjoint(qj.S)(0), r"adjoint\(S\)"),
        (lambda: qj.ctrl(qj.S(2), [0, 1]), "a gate on 3 wires"),
        (lambda: qj.measure(0), "measure"),
        (lambda: qj.reset(0), "reset"),
        (lambda: qj.QubitUnitary(np.eye(4), [0, 1]), "QubitUnitary"),
    ):

        @qj.schedule(durations={"X": 1e-8})
        @qj.qnode(wires=3)
        def circuit(body: Any = body) -> Any:
            body()
            return qj.expval(qj.Z(0))

        with pytest.raises(UnsupportedError, match=words.format(what)):
            qj.draw(circuit)()

    pulsed = qj.dynamical_decoupling(idle, sequence="XX")
    with pytest.raises(UnsupportedError, match="X has no duration, which 'dynamical"):
        qj.draw(pulsed)(0.3, 4)


@pytest.mark.parametrize(
    ("options", "cause"),
    [
        ("schedule-gates{mode=soon}", "mode=asap or mode=alap"),
        ('schedule-gates{durations="CNOT"}', "'CNOT' is no duration"),
        ('schedule-gates{durations="CNOTT:1"}', "no gate 'CNOTT'"),
        ('schedule-gates{durations="X:-1"}', "from 0, but got -1.0"),
        ('schedule-gates{durations="0:1"}', "no gate '0'"),
        ("dynamical-decoupling{sequence=XZ}", "no sequence 'XZ'"),
        ('dynamical-decoupling{durations="X"}', "'X' is no duration"),
        ("dynamical-decoupling{spacing=0}", "more than 0 seconds apart"),
        ('dynamical-decoupling{spacing="near"}', "could not convert"),
    ],
)
def test_options_that_mean_nothing(options: str, cause: str) -> None:
    with pytest.raises(PipelineError, match=cause):
        idle.with_passes([options])


@pytest.mark.parametrize(
    ("change", "options", "cause"),
    [
        (qj.schedule, {}, "device 'statevector' does not say"),
        (qj.schedule, {"durations": [1]}, "dictionary"),
        (qj.schedule, {"durations": {1: "long"}}, "a number as the duration of 1"),
        (qj.schedule, {"durations": {1: math.inf}}, "from 0, but got inf"),
        (qj.schedule, {"durations": {"GlobalPhase": 1}}, "GlobalPhase takes no time"),
        (qj.schedule, {"durations": {"StatePrep": 1}}, "StatePrep takes no time"),
        (qj.schedule, {"durations": {"adjoint(H)": 1}}, "H is its own adjoint"),
        (qj.schedule, {"durations": {1: 1}, "mode": "late"}, "'asap' or 'alap'"),
        (qj.dynamical_decoupling, {"sequence": "ZZ"}, "'XX', 'YY'"),
        (qj.dynamical_decoupling, {"spacing": 0}, "more than 0 seconds"),
    ],
)
def test_wrong_calls(change: Any, options: dict[str, Any], cause: str) -> None:
    with pytest.raises(ParameterError, match=rf"test_timing\.py:\d+: .*{cause}"):
        change(idle, **options)
    with pytest.raises(ArgumentError, match="takes a quantum function"):
        change(durations=SECONDS)(lambda: None)


@pytest.mark.parametrize("duration", [-1e-9, math.nan, "1 ns", 1j, [1e-9], None])
def test_delays_are_seconds(duration: Any) -> None:
    @qj.qnode(wires=1)
    def circuit() -> Any:
        qj.delay(duration)
        return qj.probs()

    with pytest.raises(ParameterError, match=r"timing\.py:\d+: delay takes a number"):
        circuit()


def test_delays_are_known_when_tracing() -> None:
    @qj.qnode(wires=1)
    def circuit(seconds: Any) -> Any:
        qj.delay(seconds)
        return qj.probs()

    with pytest.raises(ParameterError, match="known when tracing"):
        qj.qjit(circuit)(1e-9)
