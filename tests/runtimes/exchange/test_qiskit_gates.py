"""Circuits of Qiskit without measurements: matrices are Qiskit's, and derivatives."""

from importlib import import_module
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import qjit as qj
from tests.support.qiskit_programs import (
    circuit_with,
    operator,
    standard_gates,
    unitary,
)

pytest.importorskip("qiskit")
circuits: Any = import_module("qiskit.circuit")
library: Any = import_module("qiskit.circuit.library")
info: Any = import_module("qiskit.quantum_info")
Circuit: Any = circuits.QuantumCircuit
STANDARD = standard_gates()
SMALL = [name for name, gate in STANDARD.items() if gate.num_qubits <= 2]


def assert_same(circuit: Any) -> None:
    np.testing.assert_allclose(unitary(circuit), operator(circuit), atol=2e-5)


def test_all_standard_gates_are_tried() -> None:
    assert len(STANDARD) >= 50


@pytest.mark.parametrize("name", STANDARD)
def test_a_standard_gate_has_its_matrix(name: str) -> None:
    assert_same(circuit_with(STANDARD[name]))


@pytest.mark.parametrize("name", SMALL)
def test_a_gate_under_controls_that_are_one_and_zero(name: str) -> None:
    gate = STANDARD[name].control(2, ctrl_state=1, annotated=False)
    assert_same(circuit_with(gate, list(range(gate.num_qubits))[::-1]))


@pytest.mark.parametrize("name", SMALL)
def test_an_annotated_gate(name: str) -> None:
    modifiers = [
        circuits.InverseModifier(),
        circuits.ControlModifier(1, ctrl_state=0),
        circuits.PowerModifier(2),
    ]
    assert_same(circuit_with(circuits.AnnotatedOperation(STANDARD[name], modifiers)))


@pytest.mark.parametrize("name", ["x", "rx", "iswap", "cu", "p"])
def test_a_fractional_power_is_qiskits(name: str) -> None:
    modifiers = [circuits.PowerModifier(0.3), circuits.ControlModifier(1)]
    assert_same(circuit_with(circuits.AnnotatedOperation(STANDARD[name], modifiers)))


@pytest.mark.parametrize("name", ["cx", "cu", "csx", "cswap", "ccx", "cp", "ch"])
def test_a_controlled_gate_of_zeros(name: str) -> None:
    gate = STANDARD[name].to_mutable()
    gate.ctrl_state = 0
    assert_same(circuit_with(gate))


def composite() -> Any:
    inner = Circuit(2, global_phase=0.4)
    inner.rx(0.3, 0)
    inner.cx(1, 0)
    return inner.to_gate()


OTHERS: dict[str, Any] = {
    "QFT": lambda: library.QFTGate(3),
    "evolution": lambda: library.PauliEvolutionGate(
        info.SparsePauliOp(["XX", "ZZ"], [0.5, 1.5]), 0.3
    ),
    "permutation": lambda: library.PermutationGate([2, 0, 3, 1]),
    "Pauli": lambda: library.PauliGate("XYZ"),
    "unitary": lambda: library.UnitaryGate(info.random_unitary(4, seed=1)),
    "controlled unitary": lambda: library.UnitaryGate(
        info.random_unitary(4, seed=2)
    ).control(1, ctrl_state=0, annotated=False),
    "Clifford": lambda: info.random_clifford(2, seed=1),
    "MCX": lambda: library.XGate().control(4, ctrl_state=6, annotated=False),
    "diagonal": lambda: library.DiagonalGate([1, -1, 1j, -1j]),
    "MCPhase": lambda: library.MCPhaseGate(0.3, 2),
    "linear": lambda: library.LinearFunction([[1, 1], [0, 1]]),
    "own": composite,
    "own, controlled": lambda: composite().control(1, ctrl_state=0, annotated=False),
    "own, inverse": lambda: composite().inverse(),
}


@pytest.mark.filterwarnings("ignore:spl", "ignore:spsolve")  # in Qiskit's evolution
@pytest.mark.parametrize("name", OTHERS)
def test_other_gates_are_what_they_are_defined_as(name: str) -> None:
    circuit = circuit_with(OTHERS[name]())
    circuit.global_phase = 0.7
    assert_same(circuit)


def test_states_are_prepared() -> None:
    amplitudes = np.array([0.1, 0.5j, -0.7, 0.5])
    circuit = Circuit(3)
    circuit.x(1)
    circuit.initialize(amplitudes, [2, 1])
    circuit.append(library.StatePreparation("1"), [0])
    function: Any = qj.from_qiskit(circuit)

    @qj.qnode(wires=3)
    def density() -> Any:
        function()
        return qj.density_matrix(wires=[0, 1, 2])

    expected = np.zeros((2, 2, 2), complex)
    for number, amplitude in enumerate(amplitudes):  # qubit 2 is the lowest bit
        expected[1, number >> 1, number & 1] = amplitude
    state = expected.ravel()
    np.testing.assert_allclose(density(), np.outer(state, state.conj()), atol=1e-5)


# Parameters

a, b = circuits.Parameter("a"), circuits.Parameter("b")
v = circuits.ParameterVector("v", 3)
EXPRESSIONS: list[Any] = [
    *(a, -a, 2 * a - 1, 1 - a / 3, 2 / (a + 4), a**2 * b - b, 2**a, (a * b) ** 3),
    *(a.sin() + b.cos() * a.tan(), (a / 9).arcsin(), (b / 9).arccos(), a.arctan()),
    *(a.exp() / 9, (a + 2).log(), abs(b) * a, a.conjugate() * b.sign(), a * 0 + b),
    (a + b * 2).subs({b: a - 1}),
    (a + b).bind({b: 0.3}).sin(),
    *(v[0] * a + v[2], 3 - (a - b), b / a, (a + 1) * (a - 1) - a * (b - 2)),
]


@pytest.mark.parametrize("number", range(len(EXPRESSIONS)))
def test_an_expression_of_parameters_and_its_gradient(number: int) -> None:
    expression = EXPRESSIONS[number]
    circuit = Circuit(1, global_phase=a)
    circuit.rx(expression, 0)
    circuit.ry(v[0] + 0.3, 0)
    function: Any = qj.from_qiskit(circuit)
    names = tuple(n for n in "abv" if n in function.inputs)
    given = {"a": 0.37, "b": -0.81, "v": np.array([0.2, 0.5, -0.4])}

    @qj.qnode(wires=1)
    def energy(given: Any) -> Any:
        function(**given)
        return qj.expval(qj.Z(0))

    def theirs(given: dict[str, Any]) -> float:
        values = {"a": given["a"], "b": given["b"]}
        values |= {f"v[{k}]": x for k, x in enumerate(given["v"])}
        bound = circuit.assign_parameters(
            {p: float(values[p.name]) for p in circuit.parameters}
        )
        state = info.Statevector(bound)
        return float(np.real(state.expectation_value(info.Pauli("Z"))))

    mine = {name: jnp.asarray(given[name]) for name in names}
    np.testing.assert_allclose(energy(mine), theirs(given), atol=1e-5)
    found = jax.grad(energy)(mine)
    for name in names:
        places = [()] if name != "v" else [(k,) for k in range(3)]
        for place in places:
            sides = []
            for step in (1e-5, -1e-5):
                moved: dict[str, Any] = {**given, name: np.array(given[name], float)}
                moved[name][place] += step
                sides.append(theirs(moved))
            slope = (sides[0] - sides[1]) / 2e-5
            np.testing.assert_allclose(found[name][place], slope, atol=5e-4)


def test_arguments_come_in_the_order_of_parameters() -> None:
    circuit = Circuit(1)
    circuit.rx(b, 0)
    circuit.ry(a, 0)
    circuit.rz(v[1], 0)
    function: Any = qj.from_qiskit(circuit)
    assert function.inputs == ("a", "b", "v")
    assert (function.num_qubits, function.bits) == (1, {})
    bound = circuit.assign_parameters({a: 0.1, b: 0.2, v[1]: 0.4})
    found = unitary(circuit, 0.1, 0.2, [0.3, 0.4, 0.5])
    np.testing.assert_allclose(found, operator(bound), atol=1e-5)


@pytest.mark.parametrize("annotated", [False, True])
def test_parameters_that_were_assigned_reach_gates_of_gates(annotated: bool) -> None:
    inner = Circuit(2, global_phase=a)
    inner.rx(a, 0)
    inner.cx(0, 1)
    inner.rz(b, 1)
    circuit = Circuit(3)
    circuit.append(inner.to_gate().control(1, annotated=annotated), [2, 0, 1])
    circuit.append(inner.to_gate(), [0, 1])
    bound = circuit.assign_parameters({a: 0.3, b: 0.4})
    np.testing.assert_allclose(unitary(bound), operator(bound), atol=1e-5)
    np.testing.assert_allclose(unitary(circuit, 0.3, 0.4), operator(bound), atol=1e-5)
    exchanged = circuit.assign_parameters({a: b, b: a})
    np.testing.assert_allclose(unitary(exchanged, 0.4, 0.3), operator(bound), atol=1e-5)
