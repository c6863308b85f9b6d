"""Long programs: sums of thousands of angles, and passes whose time is linear."""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
from xdsl.builder import Builder
from xdsl.context import Context
from xdsl.dialects import func, scf, test
from xdsl.dialects.arith import ConstantOp
from xdsl.dialects.builtin import IndexType, IntegerAttr, ModuleOp, f64
from xdsl.ir import Block, Operation, Region, SSAValue
from xdsl.rewriter import InsertPoint

from qjit.dialects.quantum import AllocOp, DeallocOp, ExtractOp, InsertOp, MeasureOp
from qjit.lowering.passes.circuits.gates import Gate, write_gate
from qjit.lowering.passes.circuits.parameters import ParameterExpression, parameter
from qjit.lowering.passes.pipeline import find_step

# More than Python allows calls in one another.
MANY = 3000
PASSES = (
    *("merge-rotations", "phase-polynomial", "single-qubit-fusion"),
    *("merge-pauli-rotations", "reduce-t-depth", "clifford-t"),
)


def values(count: int) -> list[SSAValue]:
    """Return values that are known when a program runs."""
    return list(test.TestOp(result_types=[f64] * count).results)


def total(leaves: list[SSAValue]) -> ParameterExpression:
    """Return a sum, one by one."""
    found = parameter(leaves[0])
    for each in leaves[1:]:
        found = found + each
    return found


def program(
    num_wires: int, num_angles: int, gates: Callable[[Any], Iterable[Gate]]
) -> ModuleOp:
    """Return a program of gates, which are told the values of its angles."""
    block = Block(arg_types=[f64] * num_angles)
    builder = Builder(InsertPoint.at_end(block))
    register = builder.insert(AllocOp(num_wires)).results[0]
    qubits: dict[Any, SSAValue] = {
        wire: builder.insert(ExtractOp(register, wire)).qubit
        for wire in range(num_wires)
    }
    for gate in gates(block.args):
        write_gate(gate, qubits, builder.insert)
    for wire, qubit in qubits.items():
        register = builder.insert(InsertOp(register, wire, qubit)).out_register
    builder.insert(DeallocOp(register))
    builder.insert(func.ReturnOp())
    kinds = [f64] * num_angles
    return ModuleOp([func.FuncOp("main", (kinds, []), Region(block))])


def rotations(count: int) -> ModuleOp:
    """Return a program with as many rotations by run-time angles on one qubit."""
    return program(1, count, lambda angles: [Gate("RZ", 0, each) for each in angles])


def on_wires(count: int) -> ModuleOp:
    """Return a program with a rotation by a run-time angle on each of its wires."""

    def gates(angles: Sequence[SSAValue]) -> Iterator[Gate]:
        for wire in range(count):
            yield Gate("H", wire)
        for wire, angle in enumerate(angles):
            yield Gate("RZ", wire, angle)
            yield Gate("H", wire)

    return program(count, count, gates)


def loops(count: int) -> ModuleOp:
    """Return a program with as many loops, each with another one inside."""
    block = Block()
    builder = Builder(InsertPoint.at_end(block))
    start, stop, step = (
        builder.insert(ConstantOp(IntegerAttr(number, IndexType()))).result
        for number in (0, 2, 1)
    )
    register = builder.insert(AllocOp(1)).results[0]
    for _ in range(count):
        outer, inner = (Block(arg_types=[IndexType(), register.type]) for _ in "12")
        inside = Builder(InsertPoint.at_end(inner))
        qubits: dict[Any, SSAValue] = {
            0: inside.insert(ExtractOp(inner.args[1], 0)).qubit
        }
        write_gate(Gate("H", 0), qubits, inside.insert)
        back = inside.insert(InsertOp(inner.args[1], 0, qubits[0]))
        inside.insert(scf.YieldOp(back.out_register))
        loop = scf.ForOp(start, stop, step, [outer.args[1]], Region(inner))
        outer.add_ops((loop, scf.YieldOp(*loop.results)))
        loop = builder.insert(scf.ForOp(start, stop, step, [register], Region(outer)))
        register = loop.results[0]
    builder.insert(DeallocOp(register))
    builder.insert(func.ReturnOp())
    return ModuleOp([func.FuncOp("main", ([], []), Region(block))])


def measured(count: int) -> ModuleOp:
    """Return a program with a gate and a measurement, again and again."""
    block = Block()
    builder = Builder(InsertPoint.at_end(block))
    register = builder.insert(AllocOp(2)).results[0]
    qubits: dict[Any, SSAValue] = {
        wire: builder.insert(ExtractOp(register, wire)).qubit for wire in (0, 1)
    }
    write_gate(Gate("CNOT", (0, 1)), qubits, builder.insert)
    for number in range(count):
        write_gate(Gate("H", number % 2), qubits, builder.insert)
        qubits[number % 2] = builder.insert(MeasureOp(qubits[number % 2])).out_qubit
    for wire, qubit in qubits.items():
        register = builder.insert(InsertOp(register, wire, qubit)).out_register
    builder.insert(DeallocOp(register))
    builder.insert(func.ReturnOp())
    return ModuleOp([func.FuncOp("main", ([], []), Region(block))])


def run(name: str, module: ModuleOp) -> None:
    """Let a pass change a module."""
    base, brace, options = name.partition("{")
    replace(find_step(base), options=brace + options).found().apply(Context(), module)


def test_sums_are_deeper_than_calls_may_be() -> None:
    leaves = values(2 * MANY)
    found, other = total(leaves), total(leaves)
    numbers = {each: 0.5 for each in leaves}
    assert found.known is None
    assert found.at(numbers) == (-found).at(numbers) * -1 == MANY
    assert list(found.leaves()) == leaves
    assert found == other and hash(found) == hash(other) and found != -found
    assert found.text(dict.fromkeys(leaves, "x")).count("x") == 2 * MANY
    form = found.affine
    assert form is not None and len(form) == 2 * MANY
    assert (found - other).affine == (form - form)
    assert found.simplified() == found
    inserted: list[Operation] = []
    assert found.emit(inserted.append).owner is inserted[-1]
    assert len(inserted) == 2 * MANY - 1


def test_sums_of_numbers_are_known() -> None:
    found = parameter(0.5)
    for _ in range(MANY):
        found = found + 0.5
    assert found.known == (MANY + 1) / 2


@pytest.mark.parametrize("name", ["merge-rotations", "phase-polynomial"])
def test_thousands_of_rotations_are_merged(name: str) -> None:
    module = rotations(MANY)
    run(name, module)
    names = [each.name for each in module.walk()]
    assert names.count("quantum.gate") == 1
    assert names.count("arith.addf") == MANY - 1


def calls(task: Callable[[], None]) -> int:
    """Return how many functions are called."""
    count = 0

    def count_calls(frame: Any, event: str, _: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count_calls)
    try:
        task()
    finally:
        sys.setprofile(before)
    return count


GROWING: list[tuple[str, Callable[[int], ModuleOp], int]] = [
    *((name, rotations, 100) for name in PASSES),
    ("clifford-t", on_wires, 20),
    ("unroll-loops", loops, 10),
    ("peel-loops", loops, 10),
    ('route-qubits{coupling="line"}', measured, 100),
]


@pytest.mark.parametrize(("name", "programs", "size"), GROWING)
def test_twice_as_long_programs_take_twice_as_long(
    name: str, programs: Callable[[int], ModuleOp], size: int
) -> None:
    run(name, programs(2))  # what is kept is made
    small, large = programs(size), programs(2 * size)
    one, two = calls(lambda: run(name, small)), calls(lambda: run(name, large))
    assert two < 2.3 * one


def test_what_loops_become() -> None:
    module = loops(3)
    run("unroll-loops", module)
    names = [each.name for each in module.walk()]
    assert names.count("quantum.gate") == 12 and "scf.for" not in names


def test_qubits_are_put_back_once_and_taken_out_where_they_are_used() -> None:
    module = on_wires(10)
    run("clifford-t", module)
    module.verify()
    main = next(each for each in module.walk() if isinstance(each, func.FuncOp))
    names = [each.name for each in main.body.block.ops]
    # At the beginning, after each rotation, and at the end all but the last again.
    assert names.count("quantum.extract") == names.count("quantum.insert") == 29
