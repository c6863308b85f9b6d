"""Angles that are sums of thousands of run-time values."""

import sys
from collections.abc import Callable
from typing import Any

import pytest
from xdsl.builder import Builder
from xdsl.context import Context
from xdsl.dialects import func, test
from xdsl.dialects.builtin import ModuleOp, f64
from xdsl.ir import Block, Operation, Region, SSAValue
from xdsl.rewriter import InsertPoint

from qjit.dialects.quantum import AllocOp, DeallocOp, ExtractOp, InsertOp
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


def rotations(count: int) -> ModuleOp:
    """Return a program with as many rotations by run-time angles on one qubit."""
    block = Block(arg_types=[f64] * count)
    builder = Builder(InsertPoint.at_end(block))
    register = builder.insert(AllocOp(1)).results[0]
    qubits: dict[Any, SSAValue] = {0: builder.insert(ExtractOp(register, 0)).qubit}
    for angle in block.args:
        write_gate(Gate("RZ", 0, angle), qubits, builder.insert)
    register = builder.insert(InsertOp(register, 0, qubits[0])).out_register
    builder.insert(DeallocOp(register))
    builder.insert(func.ReturnOp())
    return ModuleOp([func.FuncOp("main", ([f64] * count, []), Region(block))])


def run(name: str, module: ModuleOp) -> None:
    """Let a pass change a module."""
    find_step(name).found().apply(Context(), module)


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


@pytest.mark.parametrize("name", PASSES)
def test_twice_as_many_rotations_take_twice_as_long(name: str) -> None:
    run(name, rotations(2))  # what is kept is made
    small, large = rotations(100), rotations(200)
    one, two = calls(lambda: run(name, small)), calls(lambda: run(name, large))
    assert two < 2.3 * one
