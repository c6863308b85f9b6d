"""Rewrite rules that users write: they find gates everywhere and change no meaning."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xdsl.context import Context
from xdsl.dialects import arith
from xdsl.dialects.builtin import FloatAttr, ModuleOp, f64
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import (
    PatternRewriter,
    RewritePattern,
    op_type_rewrite_pattern,
)

import qjit as qj
from qjit.dialects.quantum import GateOp
from qjit.dialects.targets import STATEVECTOR, TARGETS
from qjit.errors import (
    ParameterError,
    ParameterTypeError,
    PipelineError,
    UnsupportedError,
)
from tests.programs.test_programs import (
    OBSERVABLE,
    WIRES,
    Program,
    differentiable,
    examples,
    programs,
    run,
)
from tests.support.oracle import Compiled
from tests.support.pass_meaning import Imported, gate_names

Gate = qj.passes.Gate


@qj.passes.rewrite("RZ", "RZ")
def add_angles(first: Any, second: Any) -> Any:
    """RZ(a) RZ(b) = RZ(a + b)."""
    return [first.at(first.angle + second.angle)]


@qj.passes.rewrite("Hadamard(t)", "CNOT(c, t)", "Hadamard(t)")
def flip_to_phase(first: Any, flip: Any, last: Any) -> Any:
    """H CNOT H = CZ."""
    return [Gate("CZ", flip.wires)]


@qj.passes.rewrite("CNOT(c, t)", "RZ(c)")
def phases_first(flip: Any, phase: Any) -> Any:
    """A phase of the control commutes with CNOT."""
    return [phase, flip]


@qj.passes.rewrite("CZ(a, b)", "CZ(a, b)")
def twice(first: Any, second: Any) -> Any:
    """CZ is its own inverse."""
    return []


@qj.passes.rewrite("adjoint(T)")
def as_phase(gate: Any) -> Any:
    """The adjoint of T, written as a phase."""
    return [Gate("PhaseShift", gate.wires, -np.pi / 4)]


@qj.passes.rewrite("SX", "RX")
def one_rotation(root: Any, turn: Any) -> Any:
    """The square root of X is a rotation and a global phase."""
    rotated = turn.at(turn.angle + np.pi / 2)
    return [rotated, Gate("GlobalPhase", root.wires, -np.pi / 4)]


@qj.passes.rewrite("SWAP(a, b)", "CNOT(b, c)")
def swap_behind(swap: Any, flip: Any) -> Any:
    """A gate before a swap is on the other wire."""
    return [Gate("CNOT", ("a", "c")), swap]


RULES = (
    add_angles,
    flip_to_phase,
    phases_first,
    twice,
    as_phase,
    one_rotation,
    swap_behind,
)


@settings(examples, max_examples=examples.max_examples // 2)
@given(programs.map(differentiable), st.floats(-2, 2), st.integers(0, 3))
def test_generated_programs_mean_the_same(
    program: Program, x: float, index: int
) -> None:
    @qj.qnode(wires=WIRES)
    def circuit(x: Any, index: Any) -> Any:
        final = run(Compiled(), program, range(WIRES), x, index)
        return qj.state(), final

    @qj.qnode(wires=WIRES)
    def energy(x: Any, index: Any) -> Any:
        run(Compiled(), program, range(WIRES), x, index)
        return qj.expval(qj.pauli_sum(*OBSERVABLE))

    def both(x: Any) -> Any:
        return circuit(x, index), jax.value_and_grad(energy)(x, index)

    found, expected = (
        jax.tree.leaves(qj.qjit(both, pipeline=pipeline)(x)) for pipeline in (RULES, ())
    )
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-10)


def gate_lines(circuit: Any, rules: Any, *args: Any) -> list[str]:
    """The gates that are left, as they are printed."""
    stages = qj.qjit(qj.qnode(wires=3)(circuit), pipeline=rules).stages(*args)
    text = stages[rules[-1].name]
    return [line.split('"')[1] for line in text.splitlines() if "quantum.gate" in line]


def test_symbolic_angles_in_loops() -> None:
    def circuit(x: Any) -> Any:
        def body(i: Any, y: Any) -> Any:
            qj.RZ(y, 0)
            qj.adjoint(qj.RZ)(0.5 * y, 0)
            qj.RZ(0.1, 0)
            return y + 1.0

        qj.for_loop(0, 5, 1)(body)(x)
        return qj.state()

    assert gate_lines(circuit, (add_angles,), 0.3) == ["RZ"]


def test_gates_between_on_other_wires_do_not_matter() -> None:
    def circuit(x: Any) -> Any:
        qj.Hadamard(1)
        qj.RX(x, 2)
        qj.CNOT([0, 1])
        qj.CNOT([0, 2])
        qj.Hadamard(1)
        qj.CZ([1, 0])
        return qj.state()

    assert gate_lines(circuit, (flip_to_phase,), 0.3) == ["RX", "CZ", "CNOT", "CZ"]
    # Between the two, CNOT of the control's wire: they are no pair.
    assert gate_lines(circuit, (flip_to_phase, twice), 0.3).count("CZ") == 2


def test_symmetric_gates_are_found_in_any_order_of_wires() -> None:
    def circuit() -> Any:
        qj.CZ([0, 1])
        qj.CZ([1, 0])
        qj.ctrl(qj.Z, 1)(2)
        qj.ctrl(qj.Z, 2)(1)
        return qj.state()

    assert gate_lines(circuit, (twice,)) == []


def test_gates_whose_qubits_pass_through_others_are_left() -> None:
    """Between the two, the qubit c depends on the first gate and on what follows it."""

    @qj.passes.rewrite("CNOT(a, b)", "CNOT(a, c)")
    def exchange(first: Any, second: Any) -> Any:
        """CNOTs of one control commute."""
        exchanged.append((first, second))
        return None

    exchanged = list[Any]()

    def circuit() -> Any:
        qj.CNOT([0, 1])
        qj.CNOT([1, 2])
        qj.CNOT([0, 2])
        return qj.state()

    gate_lines(circuit, (exchange,))
    assert exchanged == []


def compile_with(rule: Any) -> Any:
    @qj.qnode(wires=2)
    def circuit(x: Any) -> Any:
        qj.RX(x, 0)
        qj.S(0)
        qj.CNOT([0, 1])
        return qj.state()

    return qj.qjit(circuit, pipeline=(rule,))(0.3)


@pytest.mark.parametrize(
    ("pattern", "function", "cause"),
    [
        (("RX", "S"), lambda r, s: [s, r], "the matrices differ by up to"),
        (("S",), lambda s: [Gate("RZ", s.wires, np.pi / 2)], "phase .* angle -0.7854"),
        (("S",), lambda s: [Gate("CNOT", ("w0", "w1"))], "wires w1, which the gates"),
        (("S",), lambda s: [Gate("RZ", s.wires)], "takes 1 parameters, but got 0"),
        (("S",), lambda s: [Gate("RQ", s.wires)], "there is no gate 'RQ'"),
        (("S",), lambda s: ["S"], "returns 'S'. Return gates, or None"),
        (("S",), lambda s: [s], "finds its own results again and again"),
    ],
)
def test_wrong_rules_are_refused(pattern: Any, function: Any, cause: str) -> None:
    rule = qj.passes.rewrite(*pattern)(function)
    with pytest.raises(UnsupportedError, match=cause) as caught:
        compile_with(rule)
    assert "test_rewrite_rules.py:" in str(caught.value)
    assert "the rule '<lambda>'" in str(caught.value)


@pytest.mark.parametrize(
    ("pattern", "cause"),
    [
        (("RQ",), "'RQ' is not a gate"),
        (("CNOT(a)",), "acts on 2 wires"),
        (("CNOT(a, a)",), "has a wire twice"),
        (("X(a)", "Y(b)"), "shares no wire"),
        (("X(a)", "Y"), "either all gates have wires, or none has"),
        (("adjoint(RZ)",), "write 'RZ' instead"),
        ((), "there is no gate"),
    ],
)
def test_wrong_patterns_are_refused(pattern: Any, cause: str) -> None:
    with pytest.raises(ParameterError, match=cause) as caught:
        qj.passes.rewrite(*pattern)
    assert "test_rewrite_rules.py:" in str(caught.value)


def test_patterns_are_texts() -> None:
    with pytest.raises(ParameterTypeError, match="takes gates as texts"):
        qj.passes.rewrite(qj.CNOT)  # pyright: ignore[reportArgumentType]


class HalveAngles(RewritePattern):
    """Halves constants: a pattern of xDSL."""

    @op_type_rewrite_pattern
    def match_and_rewrite(
        self, op: arith.ConstantOp, rewriter: PatternRewriter, /
    ) -> None:
        if isinstance(op.value, FloatAttr) and op.value.value.data == 0.8:
            qj.passes.replace_op(rewriter, op, arith.ConstantOp(FloatAttr(0.4, f64)))


@pytest.mark.parametrize("pattern", [HalveAngles, HalveAngles()])
def test_patterns_of_xdsl_are_passes(pattern: Any) -> None:
    @qj.qnode(wires=1)
    def circuit() -> Any:
        qj.RX(0.8, 0)
        return qj.expval(qj.Z(0))

    found = qj.qjit(circuit, pipeline=(pattern,))
    np.testing.assert_allclose(found(), np.cos(0.4), atol=1e-12)
    assert "HalveAngles" in found.stages()


class Duplicates(ModulePass):
    """Uses a qubit twice."""

    name = "duplicates"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        gate = next(each for each in op.walk() if isinstance(each, GateOp))
        block = gate.parent
        assert block is not None
        block.insert_op_after(gate.clone(), gate)


def test_passes_that_break_the_program_are_named() -> None:
    words = r"test_rewrite_rules\.py:\d+: the pass 'duplicates' leaves a program that"
    with pytest.raises(UnsupportedError, match=words):
        compile_with(Duplicates)


def test_gates_that_a_device_lacks_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    few = replace(
        STATEVECTOR, name="few", gates=frozenset({"H", "CNOT"}), kernels=False
    )
    monkeypatch.setitem(TARGETS, "few", few)

    @qj.qnode(qj.device("few", wires=2))
    def circuit() -> Any:
        qj.Hadamard(1)
        qj.CNOT([0, 1])
        qj.Hadamard(1)
        return qj.state()

    words = r"_rules\.py:\d+: the pass 'flip-to-phase' leaves CZ, which device 'few'"
    with pytest.raises(UnsupportedError, match=words):
        qj.qjit(circuit, pipeline=(flip_to_phase,))()


@qj.passes.rewrite("S(a)", "S(a)", "S(a)")
def turn_back(first: Any, *_: Any) -> Any:
    return [qj.passes.Gate("S", first.wires, adjoint=True)]


@qj.passes.rewrite("CZ(a, b)")
def in_halves(gate: Any) -> Any:
    control, target = gate.wires
    return [qj.passes.Gate("S", target, controls=(control,))] * 2


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (turn_back, r"leaves adjoint\(S\), which device"),
        (in_halves, "leaves S under further controls, which device"),
    ],
)
def test_modified_gates_that_a_device_lacks_are_refused(rule: Any, words: str) -> None:
    gates = {"S", "CZ", "H"}

    @qj.qnode(qj.device(wires=2, gates=gates, pipeline="simulate"))
    def circuit() -> Any:
        qj.H(0)
        for _ in range(3):
            qj.S(0)
        qj.CZ([0, 1])
        return qj.state()

    with pytest.raises(UnsupportedError, match=rf"_rules\.py:\d+: .* {words}"):
        qj.qjit(circuit, pipeline=(rule,))()


@pytest.mark.parametrize(
    ("angle", "most"), [(np.pi / 2, 3), (-np.pi / 2, 3), (np.pi, 2), (0.3, 5)]
)
def test_turns_by_quarters_take_one_gate_with_a_pulse(angle: float, most: int) -> None:
    @qj.qnode(wires=1)
    def circuit(x: Any) -> Any:
        qj.RX(x, 0)
        qj.Barrier(0)
        qj.Rot(0.0, angle, 0.4, wires=0)
        return qj.state()

    imported = Imported(circuit, 0.7)
    module = imported.after(("decompose-gates{gates=RZ,SX,X,CNOT}",))
    np.testing.assert_allclose(
        imported.results(module)[0], imported.results()[0], atol=1e-12
    )
    names = [name for name in gate_names(module) if name != "GlobalPhase"]
    assert len(names) - 5 <= most


def test_options_stand_in_braces() -> None:
    @qj.qnode(wires=2)
    def circuit(x: Any) -> Any:
        qj.CRX(x, [0, 1])
        return qj.state()

    text = "decompose-gates{gates=RZ,RY,CNOT,GlobalPhase}"
    function = qj.qjit(circuit, pipeline=(text,))
    gates = function.stages(0.3)["decompose-gates"]
    assert "CRX" not in gates
    np.testing.assert_allclose(function(0.3), circuit(0.3), atol=1e-12)
    assert qj.passes[text].level == "quantum"


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("decompose-gates{gate=RZ}", "'decompose-gates{gate=RZ}' cannot be read"),
        ("decompose-gates{", "cannot be read"),
        ("reroll-loops{a=1}", "'reroll-loops' takes no options"),
    ],
)
def test_wrong_options(text: str, cause: str) -> None:
    with pytest.raises(PipelineError, match=cause) as caught:
        qj.qjit(compile_with, pipeline=(text,))
    assert "test_rewrite_rules.py:" in str(caught.value)


def test_passes_of_other_packages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "more_passes.py").write_text(
        "import qjit as qj\n\n"
        '@qj.passes.rewrite("Z", "Z")\n'
        "def no_phases(first, second):\n"
        '    """Z Z is nothing."""\n'
        "    return []\n"
    )
    info = tmp_path / "more_passes-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Name: more-passes\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[qjit.passes]\nno-phases = more_passes:no_phases\n"
    )
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    assert "no-phases" in list(qj.passes)
    assert "Z Z is nothing." in repr(qj.passes)

    @qj.qnode(wires=1)
    def circuit() -> Any:
        qj.Z(0)
        qj.Z(0)
        return qj.state()

    function = qj.qjit(circuit, pipeline=("no-phases",))
    assert "quantum.gate" not in function.stages()["no-phases"]
    with pytest.raises(PipelineError, match="'no-phases' is of another package"):
        qj.qjit(circuit, pipeline=("no-phases{a=1}",))
