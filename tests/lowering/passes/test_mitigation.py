"""Passes for the mitigation of errors: how many gates there are, and what they do."""

import itertools
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import pytest
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, StringAttr
from xdsl.passes import ModulePass

import qjit as qj
from qjit.dialects.gates import GATES
from qjit.dialects.quantum import GateOp
from qjit.errors import DifferentiationError, UnsupportedError
from qjit.lowering.passes.circuits.circuit import product
from qjit.lowering.passes.circuits.gates import Gate
from qjit.lowering.passes.pipeline import PipelineError, find_step
from qjit.lowering.passes.quantum.mitigation.pauli_images import WORDS, images_of
from tests.support.pass_meaning import Imported, gate_names

MEETING = ("cancel-inverses", "merge-rotations")


def five_gates(x: Any) -> Any:
    qj.RY(x, wires=0)
    qj.CNOT(wires=[0, 1])
    qj.adjoint(qj.S)(1)
    qj.GlobalPhase(x)
    qj.CRX(2 * x, wires=[1, 0])
    qj.Rot(x, 0.2, x, wires=1)


@qj.qnode(wires=2)
def five(x: Any) -> Any:
    five_gates(x)
    return qj.state()


def names(circuit: Callable[..., Any], *passes: str) -> list[str]:
    """Return the names of gates but phases, after a check of what they do."""
    imported = Imported(circuit, 0.4)
    module = imported.after([*passes, *MEETING])
    found, expected = imported.results(module), imported.results()
    for result, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(result, other, atol=1e-12)
    return [name for name in gate_names(module) if name != "GlobalPhase"]


@pytest.mark.parametrize("method", ["global", "local", "random"])
@pytest.mark.parametrize(
    ("factor", "count"), [(1, 5), (1.3, 7), (2, 11), (2.9, 15), (3, 15), (7, 35)]
)
def test_gates_are_as_many_as_the_factor_says(
    method: str, factor: float, count: int
) -> None:
    step = f"fold-gates{{factor={factor} method={method}}}"
    assert len(names(five, step)) == count


def test_the_last_gates_are_folded_together() -> None:
    found = names(five, "fold-gates{factor=1.8}")
    assert found == ["RY", "CNOT", "S", "CRX", "Rot", "Rot", "CRX", "CRX", "Rot"]


def test_seeds_choose_gates() -> None:
    steps = [f"fold-gates{{factor=1.4 method=random seed={n}}}" for n in (0, 0, 1, 2)]
    one, same, *others = (names(five, step) for step in steps)
    assert one == same
    assert any(one != other for other in others)


@qj.qnode(wires=2)
def measured(x: Any) -> Any:
    five_gates(x)
    outcome = qj.measure(0)
    qj.cond(outcome, lambda: qj.RX(x, wires=1))()

    def body(turn: Any, _: int) -> int:
        qj.RX(x * turn, wires=0)
        qj.CNOT(wires=[0, 1])
        return 0

    jax.lax.fori_loop(0, 3, body, 0)
    qj.reset(1)
    return qj.probs()


def test_loops_branches_and_what_is_around_outcomes_are_folded() -> None:
    before = len(names(measured))
    for method in ("global", "local", "random"):
        found = names(measured, f"fold-gates{{factor=5 method={method}}}")
        assert len(found) == 5 * before
    module = Imported(measured, 0.4).after(["fold-gates"])
    assert sum(op.name == "quantum.measure" for op in module.walk()) == 1


def test_projections_are_not_folded() -> None:
    gradient = Imported(jax.grad(lambda x: measured(x)[0]), 0.4)
    before = [op.name for op in gradient.module.walk()]
    after = [op.name for op in gradient.after(["fold-gates"]).walk()]
    assert after.count("quantum.gate") > before.count("quantum.gate")
    assert after.count("quantum.unitary") == before.count("quantum.unitary") > 0


CLIFFORD = {"CNOT", "CY", "CZ", "SWAP", "ISWAP", "ECR"}


def fixed_gates() -> list[Gate]:
    """Return the gates on two wires that have no angles."""
    records = [r for r in GATES.values() if r.num_wires == 2 and not r.num_params]
    return [Gate(record.name, (0, 1)) for record in records if not record.static]


def test_words_around_gates_leave_them_as_they_are() -> None:
    gates = fixed_gates()
    found = [gate for gate in gates if images_of(gate) is not None]
    assert {gate.name for gate in gates} > {gate.name for gate in found} >= CLIFFORD
    rotation = Gate("IsingXX", (0, 1), np.pi / 2)
    flipped = Gate("X", (1,), controls=(0,), control_values=(0,))
    for gate in (*found, rotation, flipped, Gate("ISWAP", (0, 1), adjoint=True)):
        images = images_of(gate)
        assert images is not None
        for word in WORDS:
            image, is_negative = images[word]
            twirled = product([*paulis(word), gate, *paulis(image)], [0, 1], {})
            wanted = -gate.matrix({}) if is_negative else gate.matrix({})
            np.testing.assert_allclose(twirled, wanted, atol=1e-14)
    assert images_of(Gate("IsingXX", (0, 1), np.pi / 2 + 1e-9)) is None


def paulis(word: str) -> list[Gate]:
    return [Gate(letter, wire) for wire, letter in enumerate(word)]


@qj.qnode(wires=2)
def flips(x: Any) -> Any:
    qj.RY(x, wires=0)
    qj.CNOT(wires=[0, 1])
    qj.CNOT(wires=[0, 1])
    qj.IsingXX(x, wires=[0, 1])
    qj.ISWAP(wires=[0, 1])
    return qj.state()


def test_twirled_gates_stay_and_so_does_the_state() -> None:
    found = [names(flips, f"twirl-pauli{{seed={seed}}}") for seed in range(4)]
    assert all(each.count("CNOT") == 2 and each.count("ISWAP") == 1 for each in found)
    assert any(one != other for one, other in itertools.pairwise(found))
    assert set(itertools.chain(*found)) >= {"X", "Y", "Z"}


@pytest.mark.parametrize(
    "step",
    [
        "fold-gates{factor=0.5}",
        "fold-gates{factor=1e9}",
        "fold-gates{factor=nan}",
        "fold-gates{method=all}",
        "fold-gates{seed=-1}",
        "twirl-pauli{seed=-1}",
        "twirl-pauli{seed=x}",
    ],
)
def test_options_that_cannot_be(step: str) -> None:
    with pytest.raises(PipelineError, match=r"fold-gates|twirl-pauli"):
        find_step(step)


class Noise(ModulePass):
    """Turns by another angle than RX."""

    name = "noise"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Make RY of each RX."""
        for gate in [each for each in op.walk() if isinstance(each, GateOp)]:
            if gate.gate.data == "RX":
                gate.properties["gate"] = StringAttr("RY")


class Nothing(ModulePass):
    """Leaves programs as they are."""

    name = "nothing"
    exact = True

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Do nothing."""


def angles(x: Any) -> Any:
    qj.RX(x, 0)
    return qj.expval(qj.Z(0))


INEXACT = ("fold-gates", "twirl-pauli", "clifford-t{each=1e-2}", Noise)


@pytest.mark.parametrize("step", INEXACT)
@pytest.mark.parametrize("transform", [jax.jacfwd, jax.hessian])
def test_no_effect_on_a_derivative_is_refused(transform: Any, step: Any) -> None:
    adjoint, shifted = (
        qj.qnode(wires=1, diff_method=method)(angles)
        for method in ("adjoint", "parameter-shift")
    )
    words = r"test_mitigation\.py:\d+: derivatives of second order .* does not have its"
    with pytest.raises(UnsupportedError, match=words):
        qj.qjit(transform(adjoint), pipeline=(step,))(0.3)
    own = adjoint.with_passes([step])
    with pytest.raises(DifferentiationError, match=words):
        transform(own)(0.3)
    found = qj.qjit(transform(shifted), pipeline=(step,))(0.3)
    wanted = -np.sin(0.3) if transform is jax.jacfwd else -np.cos(0.3)
    assert found == pytest.approx(wanted, abs=0.1)


def test_passes_that_are_exact_are_under_all_derivatives() -> None:
    node = qj.qnode(wires=1, passes=[Nothing])(angles)
    found = qj.qjit(jax.hessian(node), pipeline=(Nothing, "cancel-inverses"))(0.3)
    assert found == pytest.approx(-np.cos(0.3), abs=1e-9)
