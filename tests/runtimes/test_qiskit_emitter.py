"""Quantum functions as circuits of Qiskit, compared with themselves."""

import itertools
import os
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

import qjit as qj
from qjit.dialects.gates import GATES, GateRecord
from qjit.lowering.emitters.emit import Emitted
from qjit.lowering.emitters.emitter import AppliedGate, EmissionError
from qjit.lowering.emitters.qiskit_circuits import QiskitEmitter
from tests.support.distributions import assert_distributed
from tests.support.one_shot import emitted
from tests.support.qiskit_programs import (
    aer_bits,
    again,
    dynamic_program,
    operator,
    static_program,
)

pytest.importorskip("qiskit")
# 60 generated programs of each kind, or as many as QJIT_EXAMPLES says.
PROGRAMS = int(os.environ.get("QJIT_EXAMPLES", "60"))
EACH = 10
GROUPS = range(0, PROGRAMS, EACH)
X = np.array([0.3, -1.1, 2.5])
SHOTS = 4000
UNITARY = [
    record
    for record in GATES.values()
    if (record.definition is not None and record.in_library)
    or record.name == "PauliRot"
]


# Gates


def expected_matrix(
    record: GateRecord, pattern: tuple[int, ...], targets: int, adjoint: bool
) -> np.ndarray:
    params = [0.3, -1.2, 2.1][: record.num_params]
    matrix = record.matrix(params, **record.example)
    size = 2 ** (len(pattern) + targets)
    found = np.eye(size, dtype=complex)
    if len(matrix) == 1:
        matrix = np.eye(2**targets) * matrix
    first = int("".join(map(str, pattern)) or "0", 2) * len(matrix)
    block = slice(first, first + len(matrix))
    found[block, block] = matrix.conj().T if adjoint else matrix
    return found


@pytest.mark.parametrize("adjoint", [False, True])
@pytest.mark.parametrize("extra", [(), (0,), (1, 0)])
@pytest.mark.parametrize("record", UNITARY, ids=lambda record: record.name)
def test_a_gate_has_its_matrix(
    record: GateRecord, extra: tuple[int, ...], adjoint: bool
) -> None:
    words = record.example.get("pauli_word", "X")
    targets = record.num_targets
    if targets is None:
        targets = record.example.get("num_targets", len(words))
    own = record.num_controls if record.num_controls is not None else 2
    pattern = extra + (1,) * own
    controls = len(pattern)
    static = {k: v for k, v in record.example.items() if k != "num_targets"}
    emitter = QiskitEmitter()
    emitter.allocate(controls + targets)
    emitter.gate(
        AppliedGate(
            record.name,
            (0.3, -1.2, 2.1)[: record.num_params],
            tuple(range(controls, controls + targets)),
            tuple(range(controls)),
            pattern,
            adjoint,
            static,
        )
    )
    if not controls + targets:
        phase = emitter.finish([]).global_phase % (2 * np.pi)
        np.testing.assert_allclose(phase, (0.3 if adjoint else -0.3) % (2 * np.pi))
        return
    found = operator(emitter.finish([]).reverse_bits())
    expected = expected_matrix(record, pattern, targets, adjoint)
    np.testing.assert_allclose(found, expected, atol=1e-9)


def applied(name: str, *params: Any, wires: int, **options: Any) -> Any:
    emitter = QiskitEmitter()
    emitter.allocate(wires)
    controls = options.pop("controls", 0)
    on = tuple(range(wires))
    emitter.gate(AppliedGate(name, params, on[controls:], on[:controls], **options))
    (instruction,) = emitter.finish([]).data
    return instruction.operation


NAMES: list[tuple[str, tuple[float, ...], int, int, bool, str]] = [
    *(("H", (), 1, 0, False, "h"), ("S", (), 1, 0, True, "sdg")),
    *(("T", (), 1, 0, True, "tdg"), ("SX", (), 1, 0, True, "sxdg")),
    *(("CNOT", (), 2, 1, False, "cx"), ("Toffoli", (), 3, 2, False, "ccx")),
    *(("CRX", (0.1,), 2, 1, False, "crx"), ("PhaseShift", (0.1,), 1, 0, False, "p")),
    *(
        ("ControlledPhaseShift", (0.1,), 2, 1, False, "cp"),
        ("H", (), 2, 1, False, "ch"),
    ),
    *(("IsingZZ", (0.1,), 2, 0, False, "rzz"), ("U3", (1, 2, 3), 1, 0, False, "u")),
    *(("CSWAP", (), 3, 1, False, "cswap"), ("ISWAP", (), 2, 0, False, "iswap")),
    *(("PRX", (0.1, 0.2), 1, 0, False, "r"), ("S", (), 2, 1, True, "csdg")),
    *(("GlobalPhase", (0.1,), 1, 1, False, "p"), ("CCZ", (), 3, 2, False, "ccz")),
]


@pytest.mark.parametrize(("name", "params", "wires", "controls", "inv", "own"), NAMES)
def test_gates_have_qiskits_names(
    name: str, params: Any, wires: int, controls: int, inv: bool, own: str
) -> None:
    found = applied(name, *params, wires=wires, controls=controls, adjoint=inv)
    assert found.name == own


def test_controls_of_zero_are_states_of_controls() -> None:
    found = applied("RX", 0.1, wires=3, controls=2, pattern=(1, 0))
    assert (found.base_gate.name, found.ctrl_state) == ("rx", 1)


def test_parameters_stay_parameters() -> None:
    emitter = QiskitEmitter()
    emitter.allocate(2)
    theta = emitter.parameter("theta")
    for name in ("RX", "Rot", "SingleExcitation", "GlobalPhase"):
        record = GATES[name]
        targets = tuple(range(record.num_targets or 0))
        emitter.gate(AppliedGate(name, (theta,) * record.num_params, targets))
    controlled = AppliedGate("Rot", (theta, 0.2, theta), (1,), (0,), (0,), True)
    emitter.gate(controlled)
    circuit = emitter.finish([])
    (parameter,) = circuit.parameters
    assert parameter.name == "theta"
    numbers = QiskitEmitter()
    numbers.allocate(2)
    for name in ("RX", "Rot", "SingleExcitation", "GlobalPhase"):
        record = GATES[name]
        targets = tuple(range(record.num_targets or 0))
        numbers.gate(AppliedGate(name, (0.7,) * record.num_params, targets))
    numbers.gate(AppliedGate("Rot", (0.7, 0.2, 0.7), (1,), (0,), (0,), True))
    bound = circuit.assign_parameters({parameter: 0.7})
    expected = operator(numbers.finish([]))
    np.testing.assert_allclose(operator(bound), expected, atol=1e-9)


# Programs


def static(x: Any) -> Any:
    qj.RY(x[0], 0)
    qj.Rot(x[0], x[1], x[2], 1)
    qj.CRX(x[1], [0, 2])
    qj.adjoint(qj.T)(1)
    qj.barrier([0, 2])
    qj.delay(1e-7, 1)
    qj.PauliRot(x[2], "XZY", [1, 2, 0])
    qj.ctrl(qj.SWAP, control=1, control_values=0)(wires=[0, 2])


def loops(x: Any) -> Any:
    @qj.for_loop(0, 3, 1)
    def layer(i: Any) -> None:
        qj.RX(x[0] * i, 0)
        qj.CNOT([0, 1])

    layer()

    @qj.for_loop(0, 2, 1)
    def along(i: Any) -> None:
        qj.H(i)
        qj.CNOT([i, i + 1])

    along()
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


def counted(x: Any) -> Any:
    @qj.while_loop(lambda state: state[0] & (state[1] > -4))
    def attempt(state: Any) -> Any:
        qj.RY(x[2], 0)
        return qj.measure(0), state[1] - 1

    _, tries = attempt((True, 1))
    qj.cond(tries < -1, lambda: qj.X(1))()
    qj.cond(tries * tries == 4, lambda: qj.X(2))()
    qj.RY(x[0], 2)


def halved(x: Any) -> Any:
    @qj.while_loop(lambda state: state[0])
    def attempt(state: Any) -> Any:
        qj.RY(x[2], 0)
        return qj.measure(0), -state[1] / 2.0 + 0.125, state[2] - 1.5

    _, small, low = attempt((True, 1.0, 4))
    qj.cond((small > 0.1) & (low < 2.0), lambda: qj.X(1))()
    qj.cond(small * low != -0.9375, lambda: qj.X(2))()
    qj.RY(x[0], 2)


def in_bits(x: Any) -> Any:
    @qj.while_loop(lambda state: state[0])
    def attempt(state: Any) -> Any:
        qj.RY(x[2], 0)
        shifted = (state[1] >> 1) ^ ((state[1] << 2) & 52) | 1
        return qj.measure(0), shifted - 40

    _, number = attempt((True, -77))
    qj.cond((number >> 2) < -13, lambda: qj.X(1))()
    qj.cond(number.astype(float) * 0.5 > -20.25, lambda: qj.X(2))()
    qj.RY(x[0], 2)


def program_of(gates: Callable[[Any], Any]) -> Emitted:
    @qj.qnode(wires=3, shots=10)
    def circuit(x: Any) -> Any:
        gates(x)
        return qj.sample(wires=[0, 1, 2])

    (found,) = emitted(circuit, jnp.asarray(X), emitter=QiskitEmitter)
    return found


def names_in(circuit: Any) -> set[str]:
    found: set[str] = set()
    for instruction in circuit.data:
        found.add(instruction.operation.name)
        for block in getattr(instruction.operation, "blocks", ()):
            found |= names_in(block)
    return found


@pytest.mark.parametrize("gates", [static, loops, branches])
def test_the_distribution_is_the_same(gates: Callable[[Any], Any]) -> None:
    circuit = program_of(gates).program
    read: Any = qj.from_qiskit(circuit)
    assert read.bits["c"] == 3

    @qj.qnode(wires=3)
    def second() -> Any:
        return qj.probs(op=list(read()["c"]))

    @qj.qnode(wires=3)
    def first() -> Any:
        gates(jnp.asarray(X))
        return qj.probs(wires=[0, 1, 2])

    exact = np.asarray(first())
    np.testing.assert_allclose(second(), exact, atol=1e-5)
    pytest.importorskip("qiskit_aer")
    keys = map("".join, itertools.product("01", repeat=3))
    expected = dict(zip(keys, exact.tolist(), strict=True))
    assert_distributed(aer_bits(circuit, SHOTS, 5), expected)


def test_loops_are_loops_and_branches_branches() -> None:
    assert {"for_loop", "rx", "cx"} <= names_in(program_of(loops).program)
    assert {"if_else", "reset"} <= names_in(program_of(branches).program)
    assert {"while_loop", "store"} <= names_in(program_of(repeats).program)
    assert {"barrier", "delay", "cswap_o0"} <= names_in(program_of(static).program)


@pytest.mark.parametrize("gates", [repeats, counted, halved, in_bits])
def test_a_loop_that_outcomes_decide_has_the_same_distribution(
    gates: Callable[[Any], Any],
) -> None:
    read: Any = qj.from_qiskit(program_of(gates).program)
    shots = 20_000

    @qj.qnode(wires=read.num_qubits, shots=shots, seed=1)
    def second() -> Any:
        return qj.sample(read()["c"])

    @qj.qnode(wires=3, shots=shots, seed=2)
    def first() -> Any:
        gates(jnp.asarray(X))
        return qj.sample(wires=[0, 1, 2])

    places = np.array([4, 2, 1])
    a, b = (np.bincount(np.asarray(f()) @ places, minlength=8) for f in (first, second))
    seen = a + b > 0
    statistic = ((a - b)[seen] ** 2 / (a + b)[seen]).sum()
    assert seen.sum() >= 4
    assert statistic < 45  # of 7 degrees of freedom: once in ten million


@pytest.mark.parametrize("first", GROUPS)
def test_generated_gates_come_back_with_their_matrix(first: int) -> None:
    for seed in range(first, first + EACH):
        circuit = static_program(seed)
        found = again(circuit, has_counters=False).program
        gates = found.remove_final_measurements(inplace=False)
        np.testing.assert_allclose(
            operator(gates), operator(circuit), atol=1e-4, err_msg=str(seed)
        )


KEYS = list(itertools.product((0, 1), repeat=3))


def distribution(circuit: Any) -> np.ndarray:
    function: Any = qj.from_qiskit(circuit)

    @qj.qnode(wires=circuit.num_qubits)
    def probabilities() -> Any:
        return qj.probs(op=list(function()["c"]))

    return np.asarray(probabilities())


def results(found: Emitted, chances: np.ndarray) -> np.ndarray:
    """Return the chances of results, of those of bits."""
    rows = np.array(list(itertools.product((0, 1), repeat=found.num_bits)))
    columns = np.stack(found.read(rows), axis=1).astype(int)
    return np.bincount(columns @ np.array([4, 2, 1]), chances, minlength=8)


@pytest.mark.parametrize("first", GROUPS)
def test_generated_programs_come_back_with_their_distribution(first: int) -> None:
    for seed in range(first, first + EACH):
        circuit = dynamic_program(seed)
        exact, found = distribution(circuit), again(circuit)
        second = results(found, distribution(found.program))
        np.testing.assert_allclose(second, exact, atol=1e-4, err_msg=str(seed))
        if seed == first:
            assert_of_aer(found, exact)


def assert_of_aer(found: Emitted, exact: np.ndarray) -> None:
    if found.program.num_vars or "store" in names_in(found.program):
        return  # which Aer does not take
    pytest.importorskip("qiskit_aer")
    columns = found.read(aer_bits(found.program, SHOTS, 3))
    chances = zip(("".join(map(str, k)) for k in KEYS), exact, strict=True)
    expected = {key: float(c) for key, c in chances if c > 1e-6}
    assert_distributed(np.stack(columns, axis=1).astype(int), expected)


# What Qiskit lacks


def angles_of_loops(x: Any) -> Any:
    @qj.while_loop(lambda state: state[0])
    def attempt(state: Any) -> Any:
        qj.RY(x[2], 0)
        qj.RX(state[1], 1)
        return qj.measure(0), state[1] * 0.5

    attempt((True, 1.0))


def divided(x: Any) -> Any:
    @qj.while_loop(lambda state: state[0])
    def attempt(state: Any) -> Any:
        qj.RY(x[2], 0)
        return qj.measure(0), state[1] // 3 + 7

    _, tries = attempt((True, 100))
    qj.cond(tries < 9, lambda: qj.X(1))()


@pytest.mark.parametrize(
    ("gates", "what"),
    [
        (angles_of_loops, "an angle that the device computes"),
        (divided, "of what outcomes decide"),
    ],
)
def test_what_it_lacks_is_named(gates: Callable[[Any], Any], what: str) -> None:
    with pytest.raises(EmissionError, match=what):
        program_of(gates)


def test_options_leave_out_what_a_runtime_lacks() -> None:
    @qj.qnode(wires=3, shots=10)
    def circuit(x: Any) -> Any:
        loops(x)
        return qj.sample(wires=[0, 1, 2])

    (flat,) = emitted(
        circuit, jnp.asarray(X), emitter=lambda: QiskitEmitter(has_counters=False)
    )
    assert "for_loop" not in names_in(flat.program)


def test_the_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from qjit.lowering.emitters import qiskit_gates

    def missing(name: str) -> Any:
        raise ImportError(name)

    qiskit_gates.qiskit.cache_clear()
    monkeypatch.setattr(qiskit_gates, "import_module", missing)
    with pytest.raises(EmissionError, match=r"pip install 'qjit\[qiskit\]'"):
        QiskitEmitter().measure(0)
