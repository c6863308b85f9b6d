"""The constructors of the `quantum` dialect, and its rules at the size of programs."""

import pytest
from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp, StringAttr, f64
from xdsl.ir import Block, Region
from xdsl.utils.exceptions import VerifyException

import qjit as qj
from qjit.dialects import quantum
from qjit.dialects.gates import GATES
from qjit.dialects.quantum.linearity import verify_linear
from qjit.lowering.passes.pipeline import STEPS, find_step


def test_properties_left_out_are_absent() -> None:
    register = quantum.AllocOp(2).register
    qubit = quantum.ExtractOp(register, 0).qubit
    gate = quantum.GateOp("X", [qubit], control_values=[])
    assert set(gate.properties) == {
        "gate",
        "operandSegmentSizes",
        "resultSegmentSizes",
    }
    gate.verify()


def test_controls_and_targets_keep_their_places() -> None:
    register = quantum.AllocOp(3).register
    a, b, c = (quantum.ExtractOp(register, wire).qubit for wire in range(3))
    gate = quantum.GateOp("SWAP", [a, b], controls=[c], control_values=[0], line=5)
    assert gate.qubits == (a, b, c)
    assert (*gate.out_targets, *gate.out_controls) == tuple(gate.results)
    assert gate.control_pattern == (0,)
    assert gate.line is not None
    assert gate.line.value.data == 5


def test_dynamic_wires() -> None:
    block = Block(arg_types=[quantum.RegisterType(2), quantum.bit])
    register, qubit = block.args
    index = quantum.ExtractOp(register, 1)
    assert index.wire == 1
    with pytest.raises(VerifyException):
        quantum.InsertOp(register, qubit, qubit).verify()


FIXED = [name for name, gate in GATES.items() if gate.num_targets is not None]


@pytest.mark.parametrize("name", FIXED)
def test_every_gate_with_a_fixed_matrix_is_an_operation(name: str) -> None:
    record = GATES[name]
    assert record.num_targets is not None
    count = max(record.num_targets, 1)
    register = quantum.AllocOp(6).register
    qubits = [quantum.ExtractOp(register, wire).qubit for wire in range(6)]
    own = 1 if record.num_controls is None else record.num_controls
    angle = Block(arg_types=[f64]).args[0]
    quantum.GateOp(
        name,
        qubits[:count],
        params=[angle] * record.num_params,
        controls=qubits[count : count + own],
    ).verify()


def test_a_long_circuit_is_linear() -> None:
    block = Block()
    alloc = quantum.AllocOp(1)
    extract = quantum.ExtractOp(alloc.register, 0)
    block.add_ops([alloc, extract])
    qubit = extract.qubit
    for _ in range(2000):
        gate = quantum.GateOp("X", [qubit])
        block.add_op(gate)
        qubit = gate.results[0]
    insert = quantum.InsertOp(alloc.register, 0, qubit)
    block.add_ops([insert, quantum.DeallocOp(insert.out_register), func.ReturnOp()])
    module = ModuleOp([func.FuncOp("main", ((), ()), Region(block))])
    verify_linear(module)
    STEPS["cancel-inverses"].found().apply(None, module)  # pyright: ignore[reportArgumentType]
    verify_linear(module)
    assert len(list(block.ops)) == 5


def test_passes_are_found_by_name() -> None:
    for name, step in STEPS.items():
        assert step.level == "jaxpr" or step.found.name == name
        assert qj.passes[name].meaning.endswith(".")
        assert f"{name} " in repr(qj.passes)
    with pytest.raises(ValueError, match=r"there is no pass '.*passes lists all"):
        find_step("cancel")


def test_terms_print_as_they_are_parsed() -> None:
    term = quantum.TermAttr("XI", [quantum.FactorAttr(0, [1])])
    assert str(term) == '#quantum.term<"XI", [#quantum.factor<0 on [1]>]>'
    assert term == quantum.TermAttr(StringAttr("XI"), term.factors.data)
