"""Passes on single quantum functions: `qnode(passes=...)`."""

from typing import Any

import jax
import numpy as np
import pytest
from xdsl.passes import ModulePass

import qjit as qj
from qjit.dialects.quantum import GateOp


def gates(x: Any) -> None:
    qj.H(0)
    qj.RZ(x, wires=0)
    qj.RZ(0.2, wires=0)
    qj.H(0)
    qj.CNOT(wires=[0, 1])
    qj.CNOT(wires=[0, 1])


@qj.qnode(wires=2, passes=["merge-rotations", "cancel-inverses"])
def short(x: Any) -> Any:
    gates(x)
    return qj.expval(qj.Z(0))


@qj.qnode(wires=2)
def long(x: Any) -> Any:
    gates(x)
    return qj.expval(qj.Z(0))


def count(text: str) -> int:
    return text.count("quantum.gate")


def test_passes_are_on_one_circuit_only() -> None:
    both = qj.qjit(lambda x: (short(x), long(x)), pipeline=())
    stages = both.stages(0.3)
    assert count(stages["quantum"]) == 12
    assert count(stages["qnode-passes"]) == 9
    np.testing.assert_allclose(*both(0.3), atol=1e-6)


@pytest.mark.parametrize(
    "transform", [jax.grad, jax.jit, jax.value_and_grad, jax.hessian]
)
def test_transformed_functions_go_through_them_too(transform: Any) -> None:
    found = qj.qjit(transform(short), pipeline=())(0.3)
    np.testing.assert_allclose(found, transform(long)(0.3), atol=1e-5)


def test_batches_outcomes_and_shots() -> None:
    @qj.qnode(wires=2, passes=["cancel-inverses"], shots=20, seed=1)
    def circuit(x: Any) -> Any:
        qj.X(0)
        qj.RX(x, wires=1)
        qj.RX(-x, wires=1)
        outcome = qj.measure(0)
        qj.cond(outcome, lambda: gates(0.0))()
        qj.H(1)
        qj.H(1)
        return qj.counts(all_outcomes=True), qj.sample(outcome)

    stages = qj.qjit(circuit, pipeline=()).stages(0.3)
    assert count(stages["quantum"]) - count(stages["qnode-passes"]) == 6
    counts, sample = qj.qjit(circuit)(0.3)
    assert np.all(sample)
    assert np.sum(counts[1]) == 20
    batch = qj.qjit(jax.vmap(short))(np.linspace(0, 1, 5))
    np.testing.assert_allclose(batch, jax.vmap(long)(np.linspace(0, 1, 5)), atol=1e-5)


class CountGates(ModulePass):
    """Counts the gates that it sees."""

    name = "count-gates"

    def __init__(self) -> None:
        object.__setattr__(self, "seen", [])

    def apply(self, ctx: Any, op: Any) -> None:
        seen: list[int] = getattr(self, "seen")  # noqa: B009
        seen.append(sum(isinstance(each, GateOp) for each in op.walk()))


def test_passes_of_users_see_their_circuit_only() -> None:
    @qj.passes.rewrite("H", "H")
    def no_hadamards(first: Any, second: Any) -> Any:
        """H H = 1."""
        return []

    counter = CountGates()

    @qj.qnode(wires=2, passes=[no_hadamards, counter])
    def circuit() -> Any:
        qj.H(0)
        qj.H(0)
        qj.X(1)
        return qj.probs()

    compiled = qj.qjit(lambda: (circuit(), long(0.1)))
    np.testing.assert_allclose(compiled()[0], [0, 1, 0, 0], atol=1e-6)
    assert getattr(counter, "seen") == [1]  # noqa: B009


def test_functions_that_circuits_share_are_changed_for_one() -> None:
    @jax.jit
    def layer(x: Any) -> Any:
        qj.H(0)
        qj.H(0)
        qj.RX(x, wires=0)
        return x

    def circuit(x: Any) -> Any:
        for _ in range(3):
            x = layer(x) + 0.1
        return qj.expval(qj.Z(0))

    plain = qj.qnode(wires=1)(circuit)
    passed = qj.qnode(wires=1, passes=["cancel-inverses"])(circuit)
    both = qj.qjit(lambda x: (plain(x), passed(x)), pipeline=())
    stages = both.stages(0.3)
    assert count(stages["qnode-passes"]) < count(stages["quantum"])
    np.testing.assert_allclose(*both(0.3), atol=1e-6)


def test_the_text_of_a_stage_goes_on_with_them() -> None:
    stages = qj.qjit(short).stages(0.3)
    (value,) = qj.compile_stage(stages["quantum"])(np.float32(0.3))
    np.testing.assert_array_equal(value, qj.qjit(short)(np.float32(0.3)))


def test_other_devices_run_them() -> None:
    @qj.qnode("reference", wires=2, passes=["cancel-inverses"])
    def circuit() -> Any:
        gates(0.3)
        return qj.expval(qj.Z(0))

    np.testing.assert_allclose(circuit(), long(0.3), atol=1e-6)


@pytest.mark.parametrize(
    ("passes", "text"),
    [
        (["cancel-inverse"], "there is no pass 'cancel-inverse'"),
        (["fuse-loops"], "'fuse-loops', of level 'classical', is no pass on single"),
        (["qnode-passes"], "'qnode-passes', of level 'quantum', is no pass"),
        ([3], "but got 3"),
    ],
)
def test_what_is_no_pass_is_refused(passes: Any, text: str) -> None:
    with pytest.raises(qj.errors.PipelineError, match=text) as caught:
        qj.qnode(wires=1, passes=passes)(gates)
    assert __file__ in str(caught.value)


@pytest.mark.parametrize("name", ["simulate", "hardware:0"])
def test_names_of_pipelines_stand_for_their_passes_on_gates(name: str) -> None:
    named = qj.qnode(wires=2, passes=name)(long.function)
    assert set(named.passes) <= {
        "cancel-inverses",
        "merge-rotations",
        "decompose-gates",
    }
    np.testing.assert_allclose(named(0.3), long(0.3), atol=1e-6)


def test_functions_that_call_changed_ones_are_changed_too() -> None:
    @jax.jit
    def layer(x: Any) -> Any:
        for _ in range(8):
            qj.RX(x, wires=0)
            x = x * 0.9 + 0.1
        qj.CNOT(wires=[0, 2])
        qj.CNOT(wires=[2, 1])
        return x

    @jax.jit
    def block(x: Any) -> Any:
        return layer(x) + layer(2 * x)

    def circuit(x: Any) -> Any:
        x = block(x)
        qj.H(1)
        block(x + 1)
        return qj.probs()

    plain = qj.qjit(qj.qnode(wires=3)(circuit), pipeline=())
    assert plain.stages(0.3)["quantum"].count("call @") == 4
    line = qj.device(wires=3, coupling="line", pipeline="hardware:0")
    passes = ["decompose-gates{gates=RZ,SX,X,CZ}"]
    for changed in (qj.qnode(line), qj.qnode(wires=3, passes=passes)):
        np.testing.assert_allclose(
            qj.qjit(changed(circuit))(0.3), plain(0.3), atol=1e-6
        )
    text = qj.qjit(qj.qnode(wires=3, passes=passes)(circuit), pipeline=()).stages(0.3)
    assert '"CNOT"' not in text["qnode-passes"]
