"""Circuits of Qiskit that measure, branch and loop, against Aer and by hand."""

import itertools
from collections.abc import Callable
from importlib import import_module
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import qjit as qj
from qjit.errors import ArgumentError
from tests.support.distributions import assert_distributed
from tests.support.qiskit_programs import aer_bits, dynamic_program

pytest.importorskip("qiskit")
circuits: Any = import_module("qiskit.circuit")
expr: Any = import_module("qiskit.circuit.classical.expr")
types: Any = import_module("qiskit.circuit.classical.types")
Circuit: Any = circuits.QuantumCircuit
Register: Any = circuits.ClassicalRegister
SHOTS = 4000


def bits_of(circuit: Any, name: str = "c", **given: Any) -> np.ndarray:
    """Return a register in one shot of a circuit that is certain."""
    function: Any = qj.from_qiskit(circuit)

    @qj.qnode(wires=max(circuit.num_qubits, 1), shots=3, seed=1)
    def sampled() -> Any:
        return qj.sample(function(**given)[name])

    rows = np.asarray(sampled())
    assert (rows == rows[0]).all()
    return rows[0]


def exact(circuit: Any) -> dict[str, float]:
    """Return the probability of each value of c, c[0] first."""
    function: Any = qj.from_qiskit(circuit)
    size = function.bits["c"]

    @qj.qnode(wires=circuit.num_qubits)
    def probabilities() -> Any:
        return qj.probs(op=list(function()["c"]))

    keys = ("".join(map(str, bits)) for bits in itertools.product((0, 1), repeat=size))
    found = zip(keys, np.asarray(probabilities()).tolist(), strict=True)
    return {key: chance for key, chance in found if chance > 1e-6}


@pytest.mark.parametrize("seed", range(8))
def test_generated_programs_have_aers_distribution(seed: int) -> None:
    pytest.importorskip("qiskit_aer")
    circuit = dynamic_program(seed)
    assert_distributed(aer_bits(circuit, SHOTS, seed), exact(circuit))


def test_registers_and_loose_bits_have_names() -> None:
    circuit = Circuit([circuits.Qubit()], [circuits.Clbit(), circuits.Clbit()])
    circuit.add_register(Register(2, "a"), Register(1, "clbits"))
    circuit.x(0)
    circuit.measure(0, 1)
    circuit.measure(0, 3)
    function: Any = qj.from_qiskit(circuit)
    assert function.bits == {"a": 2, "clbits": 1, "clbits_": 2}
    assert bits_of(circuit, "a").tolist() == [0, 1]
    assert bits_of(circuit, "clbits_").tolist() == [0, 1]


def test_registers_may_share_bits() -> None:
    shared = [circuits.Clbit() for _ in range(3)]
    circuit = Circuit(1)
    circuit.add_register(Register(bits=shared, name="c"))
    circuit.add_register(Register(bits=shared[1:], name="d"))
    circuit.x(0)
    circuit.measure(0, shared[2])
    assert bits_of(circuit).tolist() == [0, 0, 1]
    assert bits_of(circuit, "d").tolist() == [0, 1]


def test_conditions_of_both_forms() -> None:
    circuit = Circuit(2, 4)
    circuit.x(0)
    circuit.measure(0, 1)
    with circuit.if_test((circuit.cregs[0], 2)):
        circuit.x(1)
    circuit.measure(1, 0)
    with circuit.if_test(expr.less(circuit.cregs[0], 3)) as other:
        circuit.measure(0, 2)
    with other:
        circuit.measure(0, 3)
    assert bits_of(circuit).tolist() == [1, 1, 0, 1]


def test_the_blocks_of_an_instruction_have_bits_of_their_own() -> None:
    body = Circuit([circuits.Qubit()], [circuits.Clbit(), circuits.Clbit()])
    body.x(0)
    body.measure(0, 0)
    with body.if_test((body.clbits[0], 1)):
        body.measure(0, 1)
    circuit = Circuit(2, 3)
    condition = (circuit.clbits[0], 0)
    circuit.if_test(condition, body, [1], [2, 1])
    assert bits_of(circuit).tolist() == [0, 1, 1]


def test_instructions_that_measure_are_applied_by_their_definition() -> None:
    inner = Circuit(1, 2)
    inner.x(0)
    inner.measure(0, 1)
    circuit = Circuit(2, 3)
    circuit.append(inner.to_instruction(), [1], [0, 2])
    assert bits_of(circuit).tolist() == [0, 0, 1]


def repeated_until(failing: float) -> Any:
    """Return a circuit that tries until it measures 0, and counts in c[1] and c[2]."""
    circuit = Circuit(1, 3)
    tries = circuit.add_var("tries", expr.lift(0, types.Uint(8)))
    with circuit.while_loop(expr.less(tries, 3)):
        circuit.reset(0)
        circuit.ry(2 * np.arcsin(failing**0.5), 0)
        circuit.measure(0, 0)
        with circuit.if_test((circuit.clbits[0], 0)):
            circuit.break_loop()
        circuit.store(tries, expr.add(tries, 1))
    circuit.store(circuit.clbits[1], expr.cast(expr.bit_and(tries, 1), types.Bool()))
    circuit.store(circuit.clbits[2], expr.greater_equal(tries, 2))
    return circuit


def test_a_while_loop_with_a_variable_that_is_left() -> None:
    function: Any = qj.from_qiskit(repeated_until(0.25))

    @qj.qnode(wires=1, shots=20_000, seed=3)
    def sampled() -> Any:
        return qj.sample(function()["c"])

    expected = {"000": 0.75, "010": 0.1875, "001": 0.046875, "111": 0.015625}
    assert_distributed(np.asarray(sampled()), expected)


@pytest.mark.parametrize("numbers", [range(5), range(7, 0, -3), (4, 0, 2, 2), (3,)])
def test_a_for_loop_turns_by_its_numbers(numbers: Any) -> None:
    index = circuits.Parameter("index")
    circuit = Circuit(1)
    with circuit.for_loop(numbers, index):
        circuit.rx(index * 0.3 + 0.1, 0)
    assert list(circuit.parameters) == []
    function: Any = qj.from_qiskit(circuit)

    @qj.qnode(wires=1)
    def energy() -> Any:
        function()
        return qj.expval(qj.Z(0))

    total = sum(0.3 * number + 0.1 for number in numbers)
    np.testing.assert_allclose(energy(), np.cos(total), atol=1e-5)


def test_loops_go_on_and_end_early() -> None:
    circuit = Circuit(3, 3)
    with circuit.for_loop(range(6)) as index:
        circuit.ry(index * np.pi, 0)
        circuit.measure(0, 0)  # 0, 1, 1, 0, 0, 1
        with circuit.if_test((circuit.clbits[0], 1)):
            circuit.continue_loop()
        circuit.x(1)
        circuit.measure(1, 1)  # 1, then 0, then 1
        with circuit.for_loop(range(4)):
            with circuit.if_test((circuit.clbits[1], 0)):
                circuit.break_loop()
            circuit.x(2)
            circuit.measure(2, 2)
        with circuit.if_test((circuit.clbits[1], 0)):
            circuit.break_loop()
        circuit.x(2)
    assert bits_of(circuit).tolist() == [0, 0, 0]


def test_a_switch_takes_the_first_case() -> None:
    for value, expected in enumerate([1, 2, 1, 3]):
        circuit = Circuit(2, 4)
        for bit in range(2):
            if value >> bit & 1:
                circuit.x(bit)
            circuit.measure(bit, bit)
        target = expr.bit_and(circuit.cregs[0], 3)
        with circuit.switch(target) as case:
            with case(0, 2):
                circuit.store(circuit.clbits[2], expr.lift(True))
            with case(1):
                circuit.store(circuit.clbits[3], expr.lift(True))
            with case(case.DEFAULT):
                circuit.store(circuit.clbits[2], expr.lift(True))
                circuit.store(circuit.clbits[3], expr.lift(True))
        assert bits_of(circuit)[2:].tolist() == [expected & 1, expected >> 1]


def uint(value: int, width: int = 8) -> Any:
    return expr.lift(value, types.Uint(width))


def of_floats() -> Any:
    half = expr.div(expr.lift(1.5), expr.lift(3.0))
    return expr.less(expr.negate(half), expr.mul(half, expr.lift(-0.5)))


ARITHMETIC: dict[str, tuple[Callable[[Any], Any], int]] = {
    "add": (lambda x: expr.add(x, uint(250)), (200 + 250) % 256),
    "sub": (lambda x: expr.sub(x, uint(201)), 255),
    "mul": (lambda x: expr.mul(x, uint(3)), 600 % 256),
    "div": (lambda x: expr.div(x, uint(7)), 28),
    "and": (lambda x: expr.bit_and(x, uint(0x3C)), 200 & 0x3C),
    "or": (lambda x: expr.bit_or(x, uint(3)), 203),
    "xor": (lambda x: expr.bit_xor(x, uint(0xFF)), 55),
    "not": (lambda x: expr.bit_not(x), 55),
    "left": (lambda x: expr.shift_left(x, 2), 800 % 256),
    "right": (lambda x: expr.shift_right(x, 3), 25),
    "far": (lambda x: expr.shift_right(x, expr.lift(9, types.Uint(8))), 0),
    "narrow": (lambda x: expr.cast(expr.cast(x, types.Uint(4)), types.Uint(8)), 8),
    "less": (lambda x: expr.cast(expr.less(x, 200), types.Uint(8)), 0),
    "equal": (lambda x: expr.cast(expr.equal(x, 200), types.Uint(8)), 1),
    "index": (lambda x: expr.cast(expr.index(x, 3), types.Uint(8)), 1),
    "bool": (lambda x: expr.cast(expr.logic_not(x), types.Uint(8)), 0),
    "float": (
        lambda x: expr.cast(
            expr.div(expr.cast(x, types.Float()), expr.lift(16.0)), types.Uint(8)
        ),
        12,
    ),
    "floats": (lambda x: expr.cast(of_floats(), types.Uint(8)), 1),
}


@pytest.mark.parametrize("measured", [False, True])
@pytest.mark.parametrize("name", ARITHMETIC)
def test_arithmetic(name: str, measured: bool) -> None:
    function, expected = ARITHMETIC[name]
    circuit = Circuit(1, 8)
    if measured:
        circuit.x(0)
        for bit in (3, 6, 7):
            circuit.measure(0, bit)
        value: Any = expr.lift(circuit.cregs[0])
    else:
        value = circuit.add_var("value", uint(200))
    circuit.store(circuit.cregs[0], function(value))
    found = bits_of(circuit)
    assert sum(int(bit) << place for place, bit in enumerate(found)) == expected


def test_stores_into_bits_and_parts_of_registers() -> None:
    circuit = Circuit(1, 4)
    circuit.x(0)
    circuit.measure(0, 0)
    where = circuit.add_var("where", uint(1, 2))
    circuit.store(expr.index(circuit.cregs[0], where), expr.lift(True))
    circuit.store(where, expr.add(where, expr.cast(circuit.cregs[0], types.Uint(2))))
    circuit.store(expr.index(circuit.cregs[0], where), expr.lift(False))
    circuit.store(circuit.clbits[3], expr.lift(circuit.clbits[1]))
    assert bits_of(circuit).tolist() == [0, 1, 0, 1]  # where is 1 + 3 mod 4, 0


def test_variables_are_of_their_block() -> None:
    circuit = Circuit(1, 2)
    circuit.x(0)
    circuit.measure(0, 0)
    count = circuit.add_var("count", uint(1))
    with circuit.while_loop(expr.less(count, 4)):
        inner = circuit.add_var("inner", expr.lift(False))
        circuit.store(inner, expr.logic_not(inner))
        circuit.store(circuit.clbits[1], inner)
        circuit.store(count, expr.add(count, expr.cast(inner, types.Uint(8))))
    assert bits_of(circuit).tolist() == [1, 1]


def test_input_variables_are_arguments() -> None:
    size, flag = expr.Var.new("size", types.Uint(4)), expr.Var.new("flag", types.Bool())
    angle = circuits.Parameter("angle")
    circuit = Circuit(1, 4, inputs=[size, flag])
    circuit.rx(angle, 0)
    with circuit.if_test(flag):
        circuit.store(circuit.cregs[0], expr.add(size, 3))
    function: Any = qj.from_qiskit(circuit)
    assert function.inputs == ("angle", "size", "flag")
    given: dict[str, Any] = {"angle": 0.1, "size": 11, "flag": True}
    assert bits_of(circuit, **given).tolist() == [0, 1, 1, 1]
    given = {"angle": 0.1, "size": np.uint8(14), "flag": jnp.asarray(True)}
    assert bits_of(circuit, **given).tolist() == [1, 0, 0, 0]
    mistakes: list[dict[str, Any]] = [{"size": 1.5}, {"flag": 2}, {"size": [1]}]
    for wrong in mistakes:
        with pytest.raises(ArgumentError, match=r"the input (size|flag) of the Qiskit"):
            bits_of(circuit, **{**given, **wrong})


def test_gradients_through_branches_and_loops() -> None:
    theta = circuits.Parameter("theta")
    circuit = Circuit(2, 2)
    circuit.rx(theta, 0)
    circuit.measure(0, 0)
    with circuit.if_test((circuit.clbits[0], 1)) as other:
        circuit.ry(theta * 2, 1)
    with other, circuit.for_loop(range(3)) as index:
        circuit.ry(theta * index, 1)
    function: Any = qj.from_qiskit(circuit)

    @qj.qnode(wires=2)
    def energy(theta: Any) -> Any:
        function(theta)
        return qj.expval(qj.Z(1))

    def by_hand(x: Any) -> Any:
        one = jnp.sin(x / 2) ** 2
        return one * jnp.cos(2 * x) + (1 - one) * jnp.cos(3 * x)

    np.testing.assert_allclose(energy(0.7), by_hand(0.7), atol=1e-5)
    gradient = jax.grad(by_hand)(0.7)
    np.testing.assert_allclose(jax.grad(energy)(0.7), gradient, atol=1e-4)


def test_boxes_barriers_and_delays_change_nothing() -> None:
    circuit = Circuit(2, 2)
    circuit.x(0)
    circuit.barrier()
    with circuit.box():
        circuit.cx(0, 1)
        circuit.delay(20, 1, unit="ns")
    circuit.delay(1e-7, 0, unit="s")
    circuit.measure([0, 1], [0, 1])
    assert bits_of(circuit).tolist() == [1, 1]
