"""Quantum functions as OpenQASM: what is written for each construct."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import qjit as qj
from qjit.lowering.emitters.emitter import EmissionError
from qjit.lowering.emitters.openqasm import QasmDialect
from tests.support.one_shot import emitted

GATES = {"RZ", "RX", "H", "X", "CNOT"}


def body(text: str | bytes) -> list[str]:
    """Return the lines of a program after its declarations."""
    assert isinstance(text, str)
    heads = "OPENQASM", "include", "qubit", "qreg", "bit", "creg"
    return [line for line in text.splitlines() if not line.startswith(heads)]


def shot(function: Any, wires: int = 3) -> Any:
    return qj.qnode(qj.device(wires=wires, shots=10, gates=GATES))(function)


def test_known_numbers_are_computed_and_loops_count() -> None:
    @shot
    def circuit(theta: Any) -> Any:
        @qj.for_loop(0, 3, 1)
        def layer(i: Any) -> None:
            qj.H(i)

        layer()
        qj.RX(2 * theta[1], 0)
        return qj.sample(wires=[0, 1])

    (found,) = emitted(circuit, jnp.asarray([0.5, 0.25]))
    assert body(found.program) == [
        *("for int i0 in [0:2] {", "  h q[i0];", "}"),
        "rx(0.5) q[0];",
        *("c[0] = measure q[0];", "c[1] = measure q[1];"),
    ]
    assert (found.num_qubits, found.num_bits) == (3, 2)


def test_bits_that_are_zero_are_compared_where_nothing_is_computed() -> None:
    @shot
    def circuit() -> Any:
        qj.cond(~qj.measure(0), lambda: qj.X(1))()
        return qj.sample(wires=1)

    for has_numbers, condition in ((True, "!m[0]"), (False, "m[0] == false")):
        dialect = QasmDialect(has_numbers=has_numbers)
        (found,) = emitted(circuit, dialect=dialect)
        assert f"if ({condition}) {{" in body(found.program)


def test_outcomes_decide_branches_and_angles() -> None:
    @shot
    def circuit(x: Any) -> Any:
        first = qj.measure(0)
        qj.cond(first, lambda: qj.X(1), lambda: qj.H(1))()
        qj.RZ(x * first, 2)
        return qj.sample(wires=2), qj.sample(first)

    (found,) = emitted(circuit, 0.5)
    assert body(found.program) == [
        "c[1] = measure q[0];",
        *("if (c[1]) {", "  x q[1];", "} else {", "  h q[1];", "}"),
        *("if (c[1]) {", "  rz(0.5) q[2];", "}"),
        "c[0] = measure q[2];",
    ]
    bits = np.asarray([[0, 1], [1, 0]])
    assert [column.tolist() for column in found.read(bits)] == [[0, 1], [1, 0]]


def test_repeat_until_success_is_a_while_loop() -> None:
    @shot
    def circuit() -> Any:
        @qj.while_loop(lambda failed: failed)
        def attempt(failed: Any) -> Any:
            qj.H(0)
            return qj.measure(0)

        attempt(True)
        return qj.sample(wires=0)

    (found,) = emitted(circuit)
    assert body(found.program) == [
        "bool v0;",
        *("h q[0];", "m[0] = measure q[0];", "v0 = m[0];"),
        *("while (v0) {", "  h q[0];", "  m[1] = measure q[0];", "  v0 = m[1];", "}"),
        "c[0] = measure q[0];",
    ]


def test_observables_that_do_not_commute_are_measured_apart() -> None:
    @shot
    def circuit() -> Any:
        qj.H(0)
        return qj.expval(qj.Z(0)), qj.expval(qj.X(0))

    found = [body(each.program) for each in emitted(circuit)]
    assert found == [["h q[0];", "c[0] = measure q[0];"], ["c[0] = measure q[0];"]]


def test_version_2_has_static_programs_only() -> None:
    old = QasmDialect(2, includes=("qelib1.inc",), has_counters=False)

    @shot
    def static() -> Any:
        qj.H(0)
        qj.CNOT([0, 1])
        return qj.sample(wires=1)

    (found,) = emitted(static, dialect=old)
    assert found.program == (
        'OPENQASM 2.0;\ninclude "qelib1.inc";\nqreg q[3];\ncreg c[1];\n'
        "h q[0];\ncx q[0], q[1];\nmeasure q[1] -> c[0];\n"
    )

    @shot
    def dynamic() -> Any:
        qj.cond(qj.measure(0), lambda: qj.X(1))()
        return qj.sample(wires=1)

    with pytest.raises(EmissionError, match="a branch"):
        emitted(dynamic, dialect=old)


def test_gates_that_do_something_at_angle_zero_are_kept() -> None:
    """Where an outcome chooses the angle, also the one that is zero."""
    device = qj.device(
        wires=2, shots=10, gates={"GPI", "GPI2", "IsingXX"}, pipeline="hardware:0"
    )

    @qj.qnode(device)
    def circuit(x: Any) -> Any:
        outcome = qj.measure(0)
        qj.GPI(x * outcome, 1)
        return qj.sample(wires=1)

    names = {"GPI": "gpi", "GPI2": "gpi2", "IsingXX": "rxx"}
    (found,) = emitted(circuit, 0.5, dialect=QasmDialect(names=names))
    assert body(found.program) == [
        "m[0] = measure q[0];",
        *("if (m[0]) {", "  gpi(0.5) q[1];", "} else {", "  gpi(0.0) q[1];", "}"),
        "c[0] = measure q[1];",
    ]


def counting(physical: bool = False) -> list[str]:
    """Return the program of a loop over wires, which no pass writes out."""
    device = qj.device(wires=4, shots=10, gates=GATES, pipeline="hardware:0")

    @qj.qnode(device)
    def circuit() -> Any:
        @qj.for_loop(0, 3, 1)
        def layer(i: Any) -> None:
            qj.CNOT([i, i + 1])

        layer()
        return qj.sample(wires=3)

    dialect = QasmDialect(physical=physical)
    return body(emitted(circuit, dialect=dialect)[0].program)


def test_loops_over_wires_are_for_loops() -> None:
    assert counting() == [
        *("for int i0 in [0:2] {", "  cx q[i0], q[(i0 + 1)];", "}"),
        "c[0] = measure q[3];",
    ]


def test_loops_over_qubits_of_a_device_are_written_out() -> None:
    """They have names of their own, which nothing computes."""
    assert counting(physical=True) == [
        *("cx $0, $1;", "cx $1, $2;", "cx $2, $3;"),
        "c[0] = measure $3;",
    ]


def test_a_loop_that_is_written_out_leaves_no_trace() -> None:
    """Arrays may be filled after a loop that the language could not count."""
    device = qj.device(wires=3, shots=10, gates=GATES, pipeline="hardware:0")

    @qj.qnode(device)
    def circuit(theta: Any) -> Any:
        @qj.for_loop(0, 3, 1)
        def layer(i: Any) -> None:
            qj.RX(theta[i], i)

        layer()
        outcomes = jnp.stack([qj.measure(0), qj.measure(1)])
        qj.RZ(jnp.cumsum(theta)[1], 2)
        return qj.sample(outcomes), qj.sample(wires=2)

    (found,) = emitted(circuit, jnp.asarray([0.5, 0.25, 0.125]))
    assert body(found.program) == [
        *("rx(0.5) q[0];", "rx(0.25) q[1];", "rx(0.125) q[2];"),
        *("c[0] = measure q[0];", "c[1] = measure q[1];"),
        *("rz(0.75) q[2];", "c[2] = measure q[2];"),
    ]


def test_what_is_called_several_times_is_a_subroutine() -> None:
    def layer(angle: Any) -> None:
        for wire in range(30):
            qj.RX(angle * (wire + 1), wire)

    @qj.qnode(qj.device("openqasm3", wires=30, shots=10))
    def circuit(x: Any) -> Any:
        for number in range(1, 5):
            layer(number * x)
            qj.H(0)
        return qj.sample(wires=1)

    text = qj.to_qasm(circuit)(0.5)
    lines = text.splitlines()
    calls = [line for line in lines if line.startswith("subroutine0(")]
    assert calls == [f"subroutine0(q, {float(k)}, 0.5);" for k in range(1, 5)]
    first = next(n for n, line in enumerate(lines) if line.startswith("def "))
    assert lines[first].startswith("def subroutine0(qubit[30] q, float[")
    assert lines[first + 3] == "  rx(((v0 * v1) * 3.0)) q[2];"
    assert len([line for line in lines if "rx(" in line]) == 30
    assert "subroutine" not in qj.to_qasm(circuit, device="braket.local")(0.5)


def test_long_expressions_are_variables() -> None:
    @shot
    def circuit(x: Any) -> Any:
        for _ in range(40):
            x = x * x + 1
        qj.RX(x, 0)
        return qj.sample(wires=0)

    text = qj.to_qasm(circuit)(jax.ShapeDtypeStruct((), np.float32))
    assert len(text) < 10_000 and "v1 = " in text
