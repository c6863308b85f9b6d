"""What of Qiskit's circuits is refused, with its position."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest

import qjit as qj
from qjit.errors import ArgumentError, QiskitCircuitError

pytest.importorskip("qiskit")
circuits: Any = import_module("qiskit.circuit")
expr: Any = import_module("qiskit.circuit.classical.expr")
types: Any = import_module("qiskit.circuit.classical.types")
Circuit: Any = circuits.QuantumCircuit


def opaque(circuit: Any) -> None:
    circuit.h(0)
    circuit.append(circuits.Gate("secret", 2, []), [0, 1])


def nested(circuit: Any) -> None:
    with circuit.for_loop(range(2)):
        with circuit.if_test((circuit.clbits[0], 1)) as other:
            circuit.x(0)
        with other:
            circuit.x(1)
            circuit.append(circuits.Gate("secret", 1, []), [1])


def defined(circuit: Any) -> None:
    inner = Circuit(2)
    inner.x(0)
    opaque(inner)
    circuit.append(inner.to_gate(), [0, 1])


def stretched(circuit: Any) -> None:
    circuit.delay(circuit.add_stretch("gap"), 0)


def in_ticks(circuit: Any) -> None:
    circuit.delay(100, 0)


def long_box(circuit: Any) -> None:
    with circuit.box(duration=100, unit="ns"):
        circuit.x(0)


def durations(circuit: Any) -> None:
    longer = expr.less(circuits.Duration.ns(1), circuits.Duration.ns(2))
    with circuit.if_test(longer):
        circuit.x(0)


def measured_under_control(circuit: Any) -> None:
    inner = Circuit(1, global_phase=0.1)
    inner.reset(0)
    base = inner.to_instruction()
    circuit.append(circuits.AnnotatedOperation(base, [circuits.InverseModifier()]), [0])


def fraction_of_parameters(circuit: Any) -> None:
    gate = circuits.library.RXGate(circuits.Parameter("a"))
    modifiers = [circuits.PowerModifier(0.5)]
    circuit.append(circuits.AnnotatedOperation(gate, modifiers), [0])


def divided_by_zero(circuit: Any) -> None:
    value = circuit.add_var("value", expr.lift(3, types.Uint(4)))
    circuit.store(value, expr.div(value, expr.lift(0, types.Uint(4))))


def beyond(circuit: Any) -> None:
    bit = expr.index(circuit.cregs[0], expr.lift(7, types.Uint(4)))
    circuit.store(circuit.clbits[0], bit)


def wide(circuit: Any) -> None:
    register = circuits.ClassicalRegister(70, "w")
    circuit.add_register(register)
    circuit.measure(0, register[0])
    with circuit.if_test(expr.less(register, 3)):
        circuit.x(0)


CASES: dict[Callable[[Any], None], str] = {
    opaque: r"instruction 1 \(secret\) of the Qiskit circuit: secret has neither",
    nested: r"instruction 0 \(for_loop\), block 0, instruction 0 \(if_else\), block 1, "
    r"instruction 1 \(secret\) of the Qiskit circuit",
    defined: r"instruction 0 \(circuit.*\), its definition, instruction 2 \(secret\)",
    stretched: r"instruction 0 \(delay\) .*: a delay in expr has no length",
    in_ticks: r'instruction 0 \(delay\) .*: a delay in dt .* unit="ns"',
    long_box: r"instruction 0 \(box\) .*: a box with a duration",
    durations: r"instruction 0 \(if_else\) .*Duration.*not supported",
    measured_under_control: r"instruction 0 \(annotated\) .*reset",
    fraction_of_parameters: r"instruction 0 \(annotated\) .*Assign its parameters",
    divided_by_zero: r"instruction 1 \(store\) .*: it divides by zero",
    beyond: r"instruction 0 \(store\) .*has no bit 7",
    wide: r"instruction 1 \(if_else\) .*64 bits at most",
}


@pytest.mark.parametrize("make", CASES)
def test_what_has_no_meaning_is_refused(make: Callable[[Any], None]) -> None:
    circuit = Circuit(2, 2)
    make(circuit)
    with pytest.raises(QiskitCircuitError, match=CASES[make]) as found:
        qj.from_qiskit(circuit)
    assert "test_qiskit_errors.py:" in str(found.value)


def test_the_length_of_a_delay_must_be_known() -> None:
    length = circuits.Parameter("length")
    circuit = Circuit(1)
    circuit.delay(length, 0, unit="us")
    function: Any = qj.from_qiskit(circuit)

    @qj.qnode(wires=1)
    def known() -> Any:
        function(length=3)
        return qj.expval(qj.Z(0))

    @qj.qnode(wires=1)
    def traced(length: Any) -> Any:
        function(length)
        return qj.expval(qj.Z(0))

    assert known() == 1
    with pytest.raises(QiskitCircuitError, match="the length of a delay must be known"):
        traced(3.0)


def test_a_division_by_a_measured_zero_stops_the_program() -> None:
    circuit = Circuit(1, 2)
    circuit.measure(0, 0)
    value = circuit.add_var("value", expr.lift(3, types.Uint(2)))
    circuit.store(value, expr.div(value, circuit.cregs[0]))
    circuit.store(circuit.cregs[0], value)
    function: Any = qj.from_qiskit(circuit)

    @qj.qnode(wires=1, shots=1)
    def sampled() -> Any:
        return qj.sample(function()["c"])

    with pytest.raises(Exception, match="a Qiskit circuit divides an integer by zero"):
        sampled()


def test_arguments_are_all_given() -> None:
    circuit = Circuit(1)
    circuit.rx(circuits.Parameter("a"), 0)
    circuit.rx(circuits.ParameterVector("v", 2)[1], 0)
    function: Any = qj.from_qiskit(circuit)
    for args, given in [((), {}), ((1, 2, 3), {}), ((1,), {"a": 1}), ((1,), {"b": 1})]:
        with pytest.raises(ArgumentError, match="the Qiskit circuit takes a, v, but"):
            qj.matrix(lambda a=args, g=given: function(*a, **g), wire_order=[0])()
    with pytest.raises(ArgumentError, match=r"input v .* has the shape \(2,\)"):
        qj.matrix(lambda: function(0.1, 0.2), wire_order=[0])()


def test_two_inputs_of_one_name_are_refused() -> None:
    circuit = Circuit(1)
    circuit.rx(circuits.Parameter("v"), 0)
    circuit.ry(circuits.ParameterVector("v", 2)[0], 0)
    with pytest.raises(ArgumentError, match="two inputs that are called 'v'"):
        qj.from_qiskit(circuit)
