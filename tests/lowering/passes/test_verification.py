"""Incremental verification finds what the verification of a whole module finds."""

import random
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import pytest
from xdsl.dialects.builtin import ModuleOp, i8
from xdsl.ir import Operation, SSAValue
from xdsl.rewriter import Rewriter

import qjit as qj
from qjit.lowering.driver.stage_text import parsed
from qjit.lowering.passes.verification import Verifier


@qj.qnode(wires=3)
def circuit(x: Any) -> Any:
    for wire in range(3):
        qj.RX(x[wire], wires=wire)
    qj.CNOT(wires=[0, 1])
    outcome = qj.measure(1)
    qj.cond(outcome, lambda: qj.RY(x[0], wires=2))()
    return qj.expval(qj.Z(2))


def gradient(x: Any) -> Any:
    return jax.grad(qj.qnode(wires=1)(lambda y: (qj.RX(y, 0), qj.expval(qj.Z(0)))[1]))(
        x[0] * x[1]
    )


def swap_operands(op: Operation, chosen: random.Random) -> None:
    numbers = chosen.sample(range(len(op.operands)), 2)
    one, other = (op.operands[number] for number in numbers)
    op.operands[numbers[0]], op.operands[numbers[1]] = other, one


def retype_result(op: Operation, chosen: random.Random) -> None:
    Rewriter.replace_value_with_new_type(chosen.choice(op.results), i8)


def use_an_earlier_value(op: Operation, chosen: random.Random) -> None:
    block = op.parent_block()
    assert block is not None
    values: list[SSAValue] = [*block.args]
    for each in block.ops:
        if each is op:
            break
        values.extend(each.results)
    op.operands[chosen.randrange(len(op.operands))] = chosen.choice(values)


def drop_property(op: Operation, chosen: random.Random) -> None:
    del op.properties[chosen.choice(list(op.properties))]


def move_to_the_end(op: Operation, _: random.Random) -> None:
    block = op.parent_block()
    assert block is not None
    op.detach()
    block.add_op(op)


def use_a_value_from_anywhere(op: Operation, chosen: random.Random) -> None:
    values = [result for each in _module(op).walk() for result in each.results]
    op.operands[chosen.randrange(len(op.operands))] = chosen.choice(values)


def move_elsewhere(op: Operation, chosen: random.Random) -> None:
    blocks = [
        block for each in _module(op).walk() for r in each.regions for block in r.blocks
    ]
    block = chosen.choice([block for block in blocks if not op.is_ancestor(block)])
    op.detach()
    block.insert_ops_before([op], chosen.choice([*block.ops]))


def _module(op: Operation) -> ModuleOp:
    while (parent := op.parent_op()) is not None:
        op = parent
    assert isinstance(op, ModuleOp)
    return op


MUTATIONS = (
    swap_operands,
    retype_result,
    use_an_earlier_value,
    drop_property,
    move_to_the_end,
    use_a_value_from_anywhere,
    move_elsewhere,
)


def refusal(verify: Callable[[], None]) -> str | None:
    try:
        verify()
    except Exception as error:
        return type(error).__name__
    return None


@pytest.mark.parametrize("stage", ["quantum", "build-schedules", "fuse-loops", "llvm"])
@pytest.mark.parametrize("function", [circuit, gradient])
def test_the_same_is_refused(function: Any, stage: str) -> None:
    text = qj.qjit(function).stages(jax.numpy.ones(3))[stage]
    chosen, refused, original = random.Random(1), 0, parsed(text)
    for _ in range(60):
        module = original.clone()
        verifier = Verifier(enabled=True)
        verifier.check(module)
        mutate(module, chosen)
        expected = refusal(module.verify)
        assert (refusal(partial(verifier.check, module)) is None) == (expected is None)
        refused += expected is not None
    assert 10 < refused < 60


def mutate(module: ModuleOp, chosen: random.Random) -> None:
    """Change one operation, which may be wrong afterwards."""
    while True:
        mutation = chosen.choice(MUTATIONS)
        op = chosen.choice([op for op in module.walk() if op is not module])
        try:
            mutation(op, chosen)
        except (ValueError, IndexError):
            continue
        return


def test_unchanged_operations_are_not_verified_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    module = parsed(qj.qjit(circuit).stages(jax.numpy.ones(3))["llvm"])
    verifier = Verifier(enabled=True)
    verifier.check(module)
    verified: list[str] = []
    monkeypatch.setattr(
        Operation, "verify", lambda self, **_: verified.append(self.name)
    )
    verifier.check(module)
    assert verified == []
    changed = next(op for op in module.walk() if op.name == "llvm.add")
    changed.attributes["note"] = i8
    verifier.check(module)
    assert verified.count("llvm.add") == 1
