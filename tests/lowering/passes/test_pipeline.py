"""The pipeline: its order, its levels, and passes that users bring."""

from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

import qjit as qj
from qjit.lowering.passes.pipeline import DEFAULT, LEVELS, STEPS, TABLE

X = jnp.asarray([0.3, -0.6, 0.9])


@qj.qnode(wires=3)
def energy(x: Any) -> Any:
    for wire in range(3):
        qj.RX(x[wire], wires=wire)
        qj.RX(2 * x[wire], wires=wire)
    for _ in range(2):
        qj.CNOT(wires=[0, 1])
    qj.CNOT(wires=[1, 2])
    return qj.expval(qj.Z(0) @ qj.Z(2))


def both(x: Any) -> Any:
    return jax.value_and_grad(energy)(x), jax.vmap(energy)(jnp.outer(x, x))


@pytest.mark.parametrize("name", DEFAULT)
def test_every_step_may_be_left_out(name: str) -> None:
    without = qj.qjit(both, pipeline=lambda default: [n for n in default if n != name])
    for found, expected in zip(
        jax.tree.leaves(without(X)), jax.tree.leaves(both(X)), strict=True
    ):
        np.testing.assert_allclose(found, expected, atol=1e-12)
    assert name not in without.stages(X)


def test_stages_are_those_of_the_pipeline() -> None:
    found = list(qj.qjit(energy).stages(X))
    steps = [step for step in TABLE if step.default or step.needed]
    passes = [step.name for step in steps if step.level not in ("jaxpr", "llvm")]
    assert found == ["jaxpr", "quantum", *passes, "llvm", "ir"]


def test_names_choose_levels() -> None:
    given = qj.qjit(energy, pipeline=("merge-rotations", "fuse-loops"))
    names = [name for name in given.stages(X) if name in STEPS]
    assert names == [
        *("decompose-gates", "merge-rotations", "build-schedules", "retime-loops"),
        *("select-kernels", "fuse-loops"),
    ]
    nothing = qj.qjit(energy, pipeline=lambda _: ())
    names = [name for name in nothing.stages(X) if name in STEPS]
    assert names == ["decompose-gates", "build-schedules"]
    np.testing.assert_allclose(nothing(X), energy(X), atol=1e-14)


class Seen(ModulePass):
    """Notes the operations that it sees."""

    name = "seen"
    operations: ClassVar[list[set[str]]] = []

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        self.operations.append({each.name for each in op.walk()})


class SeenLate(Seen):
    """The same, of the level at which there are schedules."""

    name = "seen-late"
    level = "schedule"


def test_passes_of_users() -> None:
    Seen.operations.clear()
    program = qj.qjit(energy, pipeline=(Seen, "cancel-inverses", SeenLate()))
    np.testing.assert_allclose(program(X), energy(X), atol=1e-14)
    early, late = Seen.operations
    assert "quantum.gate" in early
    assert "statevector.schedule" in late
    assert "quantum.gate" not in late
    assert program.report(X)["cache"].startswith("not kept")


@pytest.mark.parametrize(
    ("pipeline", "cause"),
    [
        (
            ("select-kernels", "cancel-inverses"),
            "'cancel-inverses', of level 'quantum'",
        ),
        (("select-kernels", "build-schedules"), "cannot follow 'select-kernels'"),
        (("select-kernels", "retime-loops"), "leaves nothing for it to do"),
        (("cancel-inverses", "reroll-loops"), "of level 'jaxpr'"),
        ((SeenLate, "merge-rotations"), "cannot follow 'seen-late'"),
        (("cancel-inverse",), "there is no pass 'cancel-inverse'. Did you mean"),
        ((3,), "but got 3"),
        (lambda _: ["convert-to-llvm", "fuse-loops"], "cannot follow"),
    ],
)
def test_orders_that_cannot_work(pipeline: Any, cause: str) -> None:
    with pytest.raises(qj.errors.PipelineError, match=cause) as caught:
        qj.qjit(energy, pipeline=pipeline)
    assert "test_pipeline.py:" in str(caught.value)


def test_the_table() -> None:
    levels = [LEVELS.index(step.level) for step in STEPS.values()]
    assert levels == sorted(levels)
    assert list(qj.passes) == list(STEPS)


@pytest.mark.parametrize("level", range(4))
def test_levels_for_hardware_leave_fewer_gates(level: int) -> None:
    @qj.qnode(wires=3, passes=f"hardware:{level}")
    def circuit(x: Any) -> Any:
        qj.RX(x, wires=0)
        for _ in range(2):
            qj.CNOT(wires=[0, 1])
            qj.SWAP(wires=[1, 2])
            qj.CNOT(wires=[0, 2])
            qj.H(1)
        return qj.expval(qj.Z(0)), qj.expval(qj.Y(1))

    plain = qj.qnode(wires=3)(circuit.function)
    np.testing.assert_allclose(circuit(0.3), plain(0.3), atol=1e-12)
    text = qj.qjit(circuit, pipeline=()).stages(0.3)["qnode-passes"]
    counts = [text.count(f'"{name}"') for name in ("CNOT", "SWAP")]
    assert counts == ([4, 2] if level == 0 else [0, 0])


def test_a_pipeline_without_such_a_name_is_refused() -> None:
    with pytest.raises(qj.errors.PipelineError, match="There are simulate, hardware:0"):
        qj.qjit(lambda x: x, pipeline="hardware:4")
