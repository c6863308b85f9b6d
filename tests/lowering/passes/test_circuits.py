"""Circuits between boundaries: read from blocks, and put back in other ways."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from xdsl.ir import SSAValue

import qjit as qj
from qjit.lowering.passes.circuits.blocks import blocks_with_gates, circuits
from qjit.lowering.passes.circuits.circuit import Circuit, Opaque
from qjit.lowering.passes.circuits.circuit_pass import CircuitPass
from qjit.lowering.passes.circuits.gates import Gate
from tests.lowering.passes.test_pass_meaning import examples, numbers
from tests.programs.test_programs import Program
from tests.support.pass_meaning import (
    Imported,
    assert_meaning_is_kept,
    dense_programs,
    gate_names,
    measured_circuit,
    unitary_circuit,
)


class Rewritten(CircuitPass):
    """Writes every circuit anew, SWAPs as other wires."""

    name = "rewritten"

    def rewrite(self, circuit: Circuit) -> Circuit:
        at = {wire: wire for wire in range(circuit.num_wires)}
        new = []
        for each in circuit:
            if isinstance(each, Gate) and each.name == "SWAP" and not each.controls:
                a, b = each.wires
                at[a], at[b] = at[b], at[a]
            else:
                new.append(each.on(at))
        return circuit.of(new, [at[wire] for wire in circuit.output])


@examples
@given(dense_programs, *numbers)
def test_circuits_are_put_back(program: Program, x: float, index: int) -> None:
    assert_meaning_is_kept(unitary_circuit(program), (x, index), [[Rewritten]])


@examples
@given(dense_programs, dense_programs, *numbers)
def test_circuits_around_outcomes_are_put_back(
    program: Program, other: Program, x: float, index: int
) -> None:
    circuit = measured_circuit(program, other, program)
    assert_meaning_is_kept(circuit, (x, index), [[Rewritten]])


def test_a_state_that_is_kept_is_kept_before_the_gates_after_it() -> None:
    @qj.qnode(wires=2)
    def circuit(x: Any) -> Any:
        qj.RX(x, wires=0)
        qj.measure(0)
        qj.RY(x, wires=1)
        qj.RX(x, wires=0)
        return qj.expval(qj.Z(0))

    module = Imported(jax.grad(circuit), 0.3).after([Rewritten])
    assert sum(op.name == "gradient.checkpoint" for op in module.walk()) == 1


@pytest.mark.parametrize("values", [(1, 1), (0, 1), (0, 0)])
def test_gates_are_read_with_their_controls(values: tuple[int, int]) -> None:
    @qj.qnode(wires=3)
    def circuit(x: Any) -> Any:
        qj.ctrl(qj.adjoint(qj.RX(x, wires=0)), [1, 2], control_values=values)
        qj.ctrl(qj.X(0), [1, 2], control_values=values)
        qj.ctrl(qj.adjoint(qj.S(0)), 1, control_values=values[:1])
        qj.GlobalPhase(x)
        return qj.state()

    imported = Imported(circuit, 0.3)
    (block,) = blocks_with_gates(imported.module)
    (found,) = circuits(block)
    assert found.places == (0, 1, 2)
    gates = [each for each in found if isinstance(each, Gate)]
    leaves = {leaf for gate in gates for p in gate.params for leaf in p.leaves()}
    values_of = {leaf: 0.3 for leaf in leaves if isinstance(leaf, SSAValue)}
    unitary = found.matrix(values_of)
    np.testing.assert_allclose(unitary[:, 0], imported.results()[0], atol=1e-12)
    assert [gate.all_control_values for gate in gates][:2] == [values, values]


def test_gates_between_measurements_are_one_circuit_where_they_can_be() -> None:
    @qj.qnode(wires=3)
    def circuit(x: Any) -> Any:
        qj.H(0)
        qj.measure(0)
        qj.RX(x, wires=1)
        qj.measure(2)
        qj.CNOT(wires=[0, 1])
        qj.QubitUnitary(np.eye(2), wires=1)
        return qj.probs()

    module = Imported(circuit, 0.3).module
    (block,) = blocks_with_gates(module)
    first, second = circuits(block)
    assert [each.name for each in first if isinstance(each, Gate)] == ["H", "RX"]
    assert isinstance(second.instructions[1], Opaque)


def test_a_pass_that_loses_an_operation_is_refused() -> None:
    class Nothing(CircuitPass):
        name = "nothing"

        def rewrite(self, circuit: Circuit) -> Circuit:
            return circuit.of([])

    @qj.qnode(wires=1)
    def circuit() -> Any:
        qj.QubitUnitary(np.eye(2), wires=0)
        return qj.state()

    with pytest.raises(qj.errors.UnsupportedError, match=r"loses .*quantum\.unitary"):
        qj.qjit(circuit, pipeline=(Nothing,))()


@given(st.permutations(range(3)))
def test_wires_are_permuted_at_the_end(order: list[int]) -> None:
    class Permuted(CircuitPass):
        name = "permuted"

        def rewrite(self, circuit: Circuit) -> Circuit:
            return circuit.of(circuit, order)

    @qj.qnode(wires=3)
    def circuit() -> Any:
        for wire, angle in enumerate((0.3, 0.7, 1.1)):
            qj.RY(angle, wires=wire)
        return qj.state()

    imported = Imported(circuit)
    module = imported.after([Permuted])
    assert gate_names(module) == ["RY"] * 3
    (found,) = imported.results(module)
    tensor = imported.results()[0].reshape(2, 2, 2)
    np.testing.assert_allclose(found, tensor.transpose(order).ravel(), atol=1e-12)


def test_matrices_stay_behind_what_computes_them() -> None:
    class Turned(CircuitPass):
        name = "turned"

        def rewrite(self, circuit: Circuit) -> Circuit:
            return circuit.of([*circuit, Gate("X", 0), Gate("X", 0)])

    @qj.qnode(wires=2)
    def circuit(x: Any) -> Any:
        qj.H(0)
        sine, cosine = jnp.sin(x), jnp.cos(x)
        rows = [jnp.stack([cosine, -sine]), jnp.stack([sine, cosine])]
        qj.QubitUnitary(jnp.stack(rows), wires=0)
        qj.CNOT(wires=[0, 1])
        return qj.state()

    assert_meaning_is_kept(circuit, (0.3,), [[Turned]])
