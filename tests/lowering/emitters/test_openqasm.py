"""Quantum functions as OpenQASM: what is written for each construct."""

from typing import Any

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


def test_known_numbers_are_computed_and_loops_written_out() -> None:
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
        *("h q[0];", "h q[1];", "h q[2];"),
        "rx(0.5) q[0];",
        *("c[0] = measure q[0];", "c[1] = measure q[1];"),
    ]
    assert (found.num_qubits, found.num_bits) == (3, 2)


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
    assert sorted(found) == [
        ["h q[0];", "c[0] = measure q[0];"],
        ["h q[0];", "h q[0];", "c[0] = measure q[0];"],
    ] or sorted(found) == [
        ["c[0] = measure q[0];"],
        ["h q[0];", "c[0] = measure q[0];"],
    ]


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
