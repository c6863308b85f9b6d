"""The executable definition against PennyLane, and the passes against it."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pennylane as qml
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xdsl.context import Context
from xdsl.dialects import arith, func, memref, scf
from xdsl.dialects.builtin import (
    Builtin,
    ComplexType,
    FloatAttr,
    MemRefType,
    ModuleOp,
    f64,
)
from xdsl.ir import Block, Operation, Region, SSAValue
from xdsl.parser import Parser
from xdsl.utils.exceptions import InterpretationError

from qjit.dialects import quantum
from qjit.dialects.gates import GATES
from qjit.dialects.interpreter.quantum import run_module
from qjit.lowering.passes.pipeline import STEPS
from tests.support.pass_meaning import EXACT

WIRES = 3
STATE = "memref<8xcomplex<f64>>"

Gate = tuple[str, bool, tuple[float, ...], tuple[int, ...], int]

NAMES = [
    name
    for name, record in GATES.items()
    if record.num_targets is not None
    and 0 < record.num_targets + (record.num_controls or 1) <= WIRES
    and record.definition is not None
    and not record.static
]


@st.composite
def random_gates(draw: st.DrawFn) -> Gate:
    name = draw(st.sampled_from(NAMES))
    record = GATES[name]
    own = 1 if record.num_controls is None else record.num_controls
    wires = draw(st.permutations(range(WIRES)))
    used = max(own + (record.num_targets or 0), 1)
    angles = st.sampled_from([0.0, 0.5, -0.5, 1.25])
    params = draw(st.tuples(*[angles] * record.num_params))
    return name, draw(st.booleans()), params, tuple(wires[:used]), own


def circuit(gates: Sequence[Gate]) -> ModuleOp:
    """Return a program that writes its final state into its argument."""
    block = Block(arg_types=[MemRefType(ComplexType(f64), [2**WIRES])])

    def add(op: Operation) -> SSAValue:
        block.add_op(op)
        return op.results[0]

    register = add(quantum.AllocOp(WIRES))
    qubits = [add(quantum.ExtractOp(register, wire)) for wire in range(WIRES)]
    for name, adjoint, params, wires, own in gates:
        angles = [add(arith.ConstantOp(FloatAttr(value, f64))) for value in params]
        places = [*wires[own:], *wires[:own]]
        op = quantum.GateOp(
            name,
            [qubits[wire] for wire in wires[own:]],
            params=angles,
            controls=[qubits[wire] for wire in wires[:own]],
            adjoint=adjoint,
        )
        block.add_op(op)
        for wire, result in zip(places, op.results, strict=True):
            qubits[wire] = result
    for wire, qubit in enumerate(qubits):
        register = add(quantum.InsertOp(register, wire, qubit))
    block.add_ops(
        [
            quantum.StateOp(register, block.args[0]),
            quantum.DeallocOp(register),
            func.ReturnOp(),
        ]
    )
    function = func.FuncOp("main", ((block.args[0].type,), ()), Region(block))
    return ModuleOp([function])


def final_state(module: ModuleOp) -> Any:
    state = np.zeros(2**WIRES, np.complex128)
    run_module(module, [state])
    return state


def pennylane_state(gates: Sequence[Gate]) -> Any:
    operations: list[Any] = []
    for name, adjoint, params, wires, own in gates:
        if name == "GlobalPhase":
            gate = qml.GlobalPhase(*params)
        elif GATES[name].num_targets == 0:
            gate = qml.ctrl(qml.GlobalPhase(*params), control=wires[:own])
        elif hasattr(qml, name):
            gate = getattr(qml, name)(*params, wires=list(wires))
        else:
            gate = qml.QubitUnitary(GATES[name].full_matrix(params), list(wires))
        operations.append(qml.adjoint(gate) if adjoint else gate)
    state = np.eye(2**WIRES)[0].astype(complex)
    for operation in operations:
        state = qml.matrix(operation, wire_order=range(WIRES)) @ state
    return state


@settings(max_examples=60, deadline=None)
@given(st.lists(random_gates(), max_size=8))
def test_gates_against_pennylane(gates: list[Gate]) -> None:
    module = circuit(gates)
    module.verify()
    np.testing.assert_allclose(final_state(module), pennylane_state(gates), atol=1e-12)


@st.composite
def random_pairs(draw: st.DrawFn) -> list[Gate]:
    """Two gates of one name, with the same qubits in roles that may differ."""
    first = draw(random_gates())
    name, _, params, wires, own = first
    wires = draw(st.sampled_from([wires, wires[::-1], (*wires[1:], *wires[:1])]))
    signs = st.sampled_from([1, -1, 0.5])
    params = tuple(value * draw(signs) for value in params)
    return [first, (name, draw(st.booleans()), params, wires, own)]


@settings(max_examples=150, deadline=None)
@given(st.lists(random_pairs(), min_size=1, max_size=2), st.sampled_from(EXACT))
def test_passes_keep_the_state(pairs: list[list[Gate]], name: str) -> None:
    entangle: list[Gate] = [
        ("RY", False, (0.3 + wire,), (wire,), 0) for wire in range(WIRES)
    ]
    entangle.append(("Toffoli", False, (), (2, 0, 1), 2))
    entangle.append(("PhaseShift", False, (0.9,), (0,), 0))
    module = circuit([*entangle, *(gate for pair in pairs for gate in pair)])
    expected = final_state(module)
    STEPS[name].found().apply(Context(), module)
    module.verify()
    np.testing.assert_allclose(final_state(module), expected, atol=1e-12)


def test_a_circuit_and_its_inverse_cancel() -> None:
    gates: list[Gate] = [
        ("H", False, (), (0,), 0),
        ("Rot", False, (0.5, 1.25, -0.5), (1,), 0),
        ("CNOT", False, (), (0, 2), 1),
        ("IsingXX", False, (0.5,), (1, 2), 0),
    ]
    inverse = [(n, not adjoint, p, w, own) for n, adjoint, p, w, own in gates[::-1]]
    module = circuit([*gates, *inverse])
    STEPS["cancel-inverses"].found().apply(Context(), module)
    assert not any(isinstance(op, quantum.GateOp) for op in module.walk())


def parse(text: str) -> ModuleOp:
    context = Context()
    for dialect in (
        Builtin,
        arith.Arith,
        func.Func,
        memref.MemRef,
        scf.Scf,
        quantum.Quantum,
    ):
        context.load_dialect(dialect)
    module = Parser(context, text).parse_module()
    module.verify()
    return module


def run(text: str, *inputs: Any, seed: int | None = None) -> tuple[Any, ...]:
    return run_module(parse(text), inputs, seed=seed)


def test_a_loop_over_dynamic_wires() -> None:
    (value,) = run(
        """
        func.func @main(%t: f64, %c: memref<1xf64>) -> f64 {
          %r = quantum.alloc : !quantum.reg<3>
          %lo = arith.constant 0 : index
          %hi = arith.constant 3 : index
          %step = arith.constant 1 : index
          %s = scf.for %i = %lo to %hi step %step iter_args(%a = %r)
              -> (!quantum.reg<3>) {
            %w = arith.index_cast %i : index to i64
            %q = quantum.extract %a[%w] : !quantum.reg<3>
            %p = quantum.gate "RX"(%t) on %q
            %b = quantum.insert %p into %a[%w] : !quantum.reg<3>
            scf.yield %b : !quantum.reg<3>
          }
          %e = quantum.expval %s of %c [
              #quantum.term<"ZZZ", []>
          ] : !quantum.reg<3>, memref<1xf64>
          quantum.dealloc %s : !quantum.reg<3>
          func.return %e : f64
        }
        """,
        0.3,
        np.array([2.0]),
    )
    assert value == pytest.approx(2 * np.cos(0.3) ** 3)


@pytest.mark.parametrize(
    ("spelling", "expected"),
    [
        ('"MultiRZ"(%t)', qml.MultiRZ(0.4, wires=[0, 1])),
        ('"PauliRot"(%t) word "XY"', qml.PauliRot(0.4, "XY", wires=[0, 1])),
        ('"PCPhase"(%t) dim 3', qml.PCPhase(0.4, dim=3, wires=[0, 1])),
    ],
)
def test_gates_of_any_size(spelling: str, expected: Any) -> None:
    out = np.zeros(4, complex)
    run(
        f"""
        func.func @main(%t: f64, %s: memref<4xcomplex<f64>>) {{
          %r = quantum.alloc : !quantum.reg<2>
          %a = quantum.extract %r[0] : !quantum.reg<2>
          %b = quantum.extract %r[1] : !quantum.reg<2>
          %c = quantum.gate "H" on %a
          %d = quantum.gate "H" on %b
          %e, %f = quantum.gate {spelling} on %c, %d
          %g = quantum.insert %e into %r[0] : !quantum.reg<2>
          %h = quantum.insert %f into %g[1] : !quantum.reg<2>
          quantum.state %h into %s : !quantum.reg<2>, memref<4xcomplex<f64>>
          quantum.dealloc %h : !quantum.reg<2>
          func.return
        }}
        """,
        0.4,
        out,
    )
    np.testing.assert_allclose(out, qml.matrix(expected) @ np.full(4, 0.5), atol=1e-12)


READOUTS = """
func.func @main(
    %t: f64, %c: memref<2xf64>, %u: memref<2x2xcomplex<f64>>, %p: memref<4xf64>,
    %d: memref<2x2xcomplex<f64>>, %s: memref<50x2xi64>, %n: memref<4xi64>
) -> (f64, f64) {
  %r = quantum.alloc : !quantum.reg<2>
  %a = quantum.extract %r[0] : !quantum.reg<2>
  %b = quantum.extract %r[1] : !quantum.reg<2>
  %a1 = quantum.gate "RY"(%t) on %a
  %b1, %a2 = quantum.gate "CNOT" on %b ctrl(%a1)
  %b2 = quantum.gate "RX"(%t) on %b1
  %r1 = quantum.insert %a2 into %r[0] : !quantum.reg<2>
  %r2 = quantum.insert %b2 into %r1[1] : !quantum.reg<2>
  %e = quantum.expval %r2 of %c [
    #quantum.term<"XI", [#quantum.factor<0 on [1]>]>, #quantum.term<"ZY", []>
  ] with %u : memref<2x2xcomplex<f64>> : !quantum.reg<2>, memref<2xf64>
  %v = quantum.var %r2 of %c [
              #quantum.term<"XX", []>, #quantum.term<"ZI", []>
          ] : !quantum.reg<2>, memref<2xf64>
  quantum.probs %r2 [1, 0] into %p : !quantum.reg<2>, memref<4xf64>
  quantum.density_matrix %r2 [1] into %d : !quantum.reg<2>, memref<2x2xcomplex<f64>>
  quantum.sample %r2 shots 50 into %s : !quantum.reg<2>, memref<50x2xi64>
  quantum.counts %r2 shots 50 into %n : !quantum.reg<2>, memref<4xi64>
  quantum.dealloc %r2 : !quantum.reg<2>
  func.return %e, %v : f64, f64
}
"""


def test_readouts_against_pennylane() -> None:
    theta, coefficients = 0.9, np.array([0.5, -2.0])
    matrix = np.array([[1, 2 - 1j], [2 + 1j, -3]])
    probs, density = np.zeros(4), np.zeros((2, 2), complex)
    sample, counts = np.full((50, 2), -1), np.zeros(4, int)
    buffers = (probs, density, sample, counts)
    found = run(READOUTS, theta, coefficients, matrix, *buffers, seed=1)

    def expected() -> Any:
        qml.RY(theta, wires=0)
        qml.CNOT(wires=[0, 1])
        qml.RX(theta, wires=1)
        product = qml.X(0) @ qml.Hermitian(matrix, wires=1)
        return (
            qml.expval(0.5 * product - 2.0 * (qml.Z(0) @ qml.Y(1))),
            qml.var(0.5 * (qml.X(0) @ qml.X(1)) - 2.0 * qml.Z(0)),
            qml.probs(wires=[1, 0]),
            qml.density_matrix(wires=1),
        )

    node = qml.QNode(expected, qml.device("default.qubit", wires=2))
    for mine, theirs in zip((*found, probs, density), node(), strict=True):
        np.testing.assert_allclose(mine, theirs, atol=1e-12)
    assert set(sample.ravel()) <= {0, 1}
    assert counts.sum() == 50


MEASURE = """
func.func @main(%t: f64, %c: memref<1xf64>) -> (i1, f64) {{
  %r = quantum.alloc : !quantum.reg<1>
  %q = quantum.extract %r[0] : !quantum.reg<1>
  %q1 = quantum.gate "RX"(%t) on %q
  %m, %q2 = quantum.measure %q1 {how}
  %r1 = quantum.insert %q2 into %r[0] : !quantum.reg<1>
  %e = quantum.expval %r1 of %c [
              #quantum.term<"Z", []>
          ] : !quantum.reg<1>, memref<1xf64>
  quantum.dealloc %r1 : !quantum.reg<1>
  func.return %m, %e : i1, f64
}}
"""


@pytest.mark.parametrize("seed", range(6))
def test_measurement_projects(seed: int) -> None:
    outcome, value = run(MEASURE.format(how=""), 1.5, np.ones(1), seed=seed)
    assert value == pytest.approx(-1 if outcome else 1)
    outcome, value = run(MEASURE.format(how="reset"), 1.5, np.ones(1), seed=seed)
    assert value == pytest.approx(1)


def test_postselection() -> None:
    assert run(MEASURE.format(how="postselect 1"), 0.2, np.ones(1)) == (
        True,
        pytest.approx(-1),
    )
    with pytest.raises(InterpretationError, match="outcome of probability 0"):
        run(MEASURE.format(how="postselect 1"), 0.0, np.ones(1))


def test_preparations() -> None:
    out = np.zeros(8, complex)
    run(
        """
        func.func @main(
            %amplitudes: memref<4xcomplex<f64>>,
            %out: memref<8xcomplex<f64>>
        ) {
          %r = quantum.alloc : !quantum.reg<3>
          %q = quantum.extract %r[1] : !quantum.reg<3>
          %p = quantum.gate "X" on %q
          %r1 = quantum.insert %p into %r[1] : !quantum.reg<3>
          %r2 = quantum.state_prep %r1 [2, 0] from %amplitudes
              : !quantum.reg<3>, memref<4xcomplex<f64>>
          quantum.state %r2 into %out : !quantum.reg<3>, memref<8xcomplex<f64>>
          quantum.dealloc %r2 : !quantum.reg<3>
          func.return
        }
        """,
        np.array([0, 0.6, 0.8j, 0]),
        out,
    )
    expected = np.zeros(8, complex)
    expected[0b110] = 0.6
    expected[0b011] = 0.8j
    np.testing.assert_allclose(out, expected)


def test_a_repeated_dynamic_wire_is_an_error() -> None:
    with pytest.raises(InterpretationError, match="acts on a wire twice"):
        run(
            """
            func.func @main(%i: i64, %j: i64) {
              %r = quantum.alloc : !quantum.reg<2>
              %a = quantum.extract %r[%i] : !quantum.reg<2>
              %b = quantum.extract %r[%j] : !quantum.reg<2>
              %a1, %b1 = quantum.gate "SWAP" on %a, %b
              %r1 = quantum.insert %a1 into %r[%i] : !quantum.reg<2>
              %r2 = quantum.insert %b1 into %r1[%j] : !quantum.reg<2>
              quantum.dealloc %r2 : !quantum.reg<2>
              func.return
            }
            """,
            1,
            1,
        )
