"""Drawings are what drawings/ has; QJIT_UPDATE_GOLDEN=1 writes those again."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import matplotlib
import numpy as np
import pytest
from matplotlib import pyplot

import qjit as qj
from qjit.errors import MissingPackageError, ParameterError, PipelineError
from qjit.inspection.circuits.read_circuits import read_circuits
from qjit.inspection.circuits.read_values import Names
from qjit.inspection.drawing.layout import pieces
from qjit.inspection.drawing.text import draw_texts
from qjit.lowering.driver.stage_text import parsed

matplotlib.use("Agg")
FOLDER = Path(__file__).parent / "drawings"
UPDATE = "QJIT_UPDATE_GOLDEN" in os.environ
THETA = jnp.arange(4.0)
teleport_labels = ["alice", "channel", "bob", "m0", "m1"]


@qj.qnode(wires=4)
def gates(x: Any, theta: Any) -> Any:
    """Boxes, controls of both values, gates on several wires, and parameters."""
    qj.Hadamard(0)
    qj.CNOT([0, 1])
    qj.RX(2 * x, 0)
    qj.Rot(x, theta[0], 3 * theta[1] + 1, 1)
    qj.ctrl(qj.RY(0.123456, 3), control=[0, 2], control_values=[0, 1])
    qj.adjoint(qj.T(2))
    qj.SWAP([1, 3])
    qj.IsingXX(x / 3, [2, 0])
    qj.PauliRot(jnp.sin(x) * jnp.cos(3 * x) + theta[2], "XYZ", [0, 1, 3])
    qj.QubitUnitary(jnp.eye(4), [1, 2])
    qj.RZ(jnp.sum(theta * theta), 3)
    return qj.expval(qj.Z(0) @ qj.X(2)), qj.probs(wires=[1, 3])


@qj.qnode(wires=3)
def loops(x: Any, theta: Any, n: Any) -> Any:
    """Loops within loops, with bounds and wires known at run time."""

    @qj.for_loop(0, n, 1)
    def outer(i: Any) -> None:
        qj.RX(theta[i], i)

        @qj.for_loop(0, i, 2)
        def inner(j: Any) -> None:
            qj.CRZ(x * j, [0, 1])

        inner()

    outer()

    @qj.while_loop(lambda k: k * k < x)
    def steps(k: Any) -> Any:
        qj.X(2)
        return k + 1

    steps(0)
    qj.for_loop(0, 4, 1)(lambda i: qj.RY(i * x, 2))()
    return qj.state()


@qj.qnode(wires=3)
def branches(x: Any) -> Any:
    """Branches on arguments, one of them in a loop."""
    qj.cond(x > 0.5, lambda: qj.X(0), lambda: qj.CZ([0, 2]))()

    @qj.for_loop(0, 3, 1)
    def repeat(i: Any) -> None:
        qj.Hadamard(1)
        qj.cond(i == 1, lambda: qj.S(1))()

    repeat()
    return qj.var(qj.Y(1))


@qj.qnode(wires=["alice", "channel", "bob"])
def teleport(angle: Any) -> Any:
    """Feed-forward: outcomes on double lines, on wires with labels."""
    qj.RY(angle, "alice")
    qj.Hadamard("channel")
    qj.CNOT(["channel", "bob"])
    qj.CNOT(["alice", "channel"])
    qj.Hadamard("alice")
    first, second = qj.measure("alice"), qj.measure("channel", reset=True)
    qj.cond(second, qj.X)("bob")
    qj.cond(first, qj.Z)("bob")
    qj.reset("alice")
    qj.cond((first & second) == 1, lambda: qj.X("alice"))()
    qj.RX(first * angle, "bob")
    return qj.expval(qj.Z("bob"))


@qj.qnode(wires=2)
def energy(x: Any) -> Any:
    """A sum of observables, and gates that are repeated in Python."""
    for number in range(6):
        qj.RX(number * x, 0)
        qj.CNOT([0, 1])
    terms = [qj.Z(0), qj.X(0) @ qj.Z(1), qj.Hermitian(jnp.eye(2), 1)]
    return qj.expval(qj.Hamiltonian([1.0, 0.5, -2.0], terms))


def several(x: Any) -> Any:
    """Return what several quantum functions do."""
    return energy(x), branches(x + 1)


@qj.qnode(wires=1)
def pairs(flag: Any) -> Any:
    """Gates of which passes leave fewer."""
    if flag:
        qj.X(0)
    qj.X(0)
    qj.RZ(0.1, 0)
    qj.RZ(0.2, 0)
    return qj.probs()


@qj.schedule(durations={1: 30e-9, 2: 3e-7, "measure": 1e-6})
@qj.qnode(wires=3)
def waiting(wire: Any) -> Any:
    """Delays, some on several wires, and a barrier, which is not drawn."""
    qj.Hadamard(0)
    qj.CNOT([0, 1])
    qj.barrier()
    qj.delay(1.25e-7, [1, 2])
    qj.measure(0)
    qj.CNOT([1, 2])
    qj.delay(1e-3, wire)
    return qj.probs()


DRAWINGS: dict[str, Callable[[], str]] = {
    "gates": lambda: qj.draw(gates, width=200)(0.1, THETA),
    "gates_folded": lambda: qj.draw(gates, width=70, decimals=3)(0.1, THETA),
    "gates_without_parameters": lambda: qj.draw(gates, width=90, decimals=None)(
        0.1, THETA
    ),
    "loops": lambda: qj.draw(loops, width=200)(0.1, THETA, 3),
    "branches": lambda: qj.draw(branches, width=200)(0.1),
    "teleport": lambda: qj.draw(teleport, width=200)(0.1),
    "teleport_folded": lambda: qj.draw(teleport, width=60)(0.1),
    "energy": lambda: qj.draw(qj.qjit(energy), width=150)(0.1),
    "several": lambda: qj.draw(several, width=150)(0.1),
    "waiting": lambda: qj.draw(waiting, width=150)(1),
    "pairs": lambda: qj.draw(pairs, width=80)(True),
    "pairs_cancelled": lambda: qj.draw(pairs, level="cancel-inverses", width=80)(True),
    "pairs_merged": lambda: qj.draw(pairs, level="merge-rotations", width=80)(True),
}


@pytest.mark.parametrize("name", DRAWINGS)
def test_drawing(name: str) -> None:
    expected = FOLDER / f"{name}.txt"
    found = DRAWINGS[name]() + "\n"
    if UPDATE:
        expected.write_text(found)
    assert found == expected.read_text()


def test_drawings_are_no_wider_than_asked() -> None:
    for width in (24, 40, 61):
        text = qj.draw(teleport, width=width)(0.1)
        assert max(map(len, text.split("\n"))) <= width


def test_methods_and_keywords() -> None:
    class Model:
        def __init__(self) -> None:
            self.weight = jnp.ones(2)

        @qj.qnode(wires=1)
        def run(self, x: Any) -> Any:
            qj.RX(x["angle"], 0)
            return qj.probs()

    text = qj.draw(Model().run, width=80)({"angle": 0.1})
    assert "RX(x['angle'])" in text
    other = qj.draw(energy, width=200)(x=0.1)
    assert other == qj.draw(energy, width=200)(0.1)


def test_qubits_that_change_places() -> None:
    module = parsed(
        """
        func.func @main(%out: memref<4xf64>) {
          %0 = quantum.alloc : !quantum.reg<2>
          %1 = quantum.extract %0[0] : !quantum.reg<2>
          %2 = quantum.extract %0[1] : !quantum.reg<2>
          %3 = quantum.gate "H" on %1
          %4 = quantum.insert %3 into %0[1] : !quantum.reg<2>
          %5 = quantum.insert %2 into %4[0] : !quantum.reg<2>
          %6 = quantum.extract %5[0] : !quantum.reg<2>
          %7 = quantum.gate "X" on %6
          %8 = quantum.insert %7 into %5[0] : !quantum.reg<2>
          quantum.probs %8 into %out : !quantum.reg<2>, memref<4xf64>
          quantum.dealloc %8 : !quantum.reg<2>
          func.return
        }
        """
    )
    text = draw_texts(read_circuits(module, ["out"]), 80, 2)
    assert text.split("\n") == [
        "0: ─┤H├─┤←1├─┤ ╭probs",
        "        │  │   │",
        "1: ─┤X├─┤←0├─┤ ╰probs",
    ]


def test_mistakes() -> None:
    with pytest.raises(
        PipelineError, match=r"test_draw.py:.*no level 'merge'.*'merge-"
    ):
        qj.draw(energy, level="merge")(0.1)
    with pytest.raises(ParameterError, match="at least 24"):
        qj.draw(energy, width=3)
    with pytest.raises(ParameterError, match="at least 4, but got 3"):
        qj.draw_mpl(energy, width=3)
    with pytest.raises(ParameterError, match="'color', 'black' and 'dark'"):
        qj.draw_mpl(energy, style="sketch")
    with pytest.raises(ParameterError, match="calls no quantum function"):
        qj.draw(jnp.sin)(0.1)


@pytest.mark.parametrize("style", ["color", "black", "dark"])
def test_figures_hold_what_drawings_hold(style: str) -> None:
    figure, axes = qj.draw_mpl(teleport, style=style)(0.1)
    texts = [each.get_text() for each in axes.texts]
    assert texts.count("H") == 2
    assert {"alice", "bob", "m0", "M→0", "if m1", "RX(m0*angle)"} <= set(texts)
    figure.canvas.draw()
    box = axes.get_window_extent()
    for each in axes.texts:
        place = each.get_window_extent()
        assert box.x0 <= place.x0 and place.x1 <= box.x1, each.get_text()
    pyplot.close(figure)


def test_texts_fit_their_boxes() -> None:
    figure, axes = qj.draw_mpl(gates)(0.1, THETA)
    figure.canvas.draw()
    boxes = [patch.get_window_extent() for patch in axes.patches]
    labels = [
        each for each in axes.texts if each.get_text().startswith(("R", "Is", "P"))
    ]
    assert len(labels) >= 5
    for each in labels:
        place = each.get_window_extent()
        assert any(box.x0 <= place.x0 and place.x1 <= box.x1 for box in boxes), each
    pyplot.close(figure)


def test_several_circuits_are_several_axes() -> None:
    figure, axes = qj.draw_mpl(several)(0.1)
    assert [each.get_title(loc="left") for each in np.ravel(axes)] == [
        "energy",
        "branches",
    ]
    pyplot.close(figure)


@pytest.mark.parametrize("name", ["gates", "loops", "teleport"])
def test_figures_are_folded_into_rows(name: str) -> None:
    function, args = {
        "gates": (gates, (0.1, THETA)),
        "loops": (loops, (0.1, THETA, 3)),
        "teleport": (teleport, (0.1,)),
    }[name]
    whole, axes = qj.draw_mpl(function)(*args)
    expected = [each.get_text() for each in axes.texts]
    labels = teleport_labels if name == "teleport" else [*map(str, range(4))]
    folded, rows = qj.draw_mpl(function, width=5)(*args)
    assert len(rows) > 1 and folded.get_size_inches()[0] <= 5
    found = [each.get_text() for row in rows for each in row.texts]
    for text in {*expected} - {*labels}:
        assert found.count(text) == expected.count(text), text
    folded.canvas.draw()
    for row in rows:
        box = row.get_window_extent()
        assert {each.get_text() for each in row.texts} >= {*labels[:3]}
        for patch in row.patches:
            if patch.get_clip_path() is None or not hasattr(patch, "get_boxstyle"):
                place = patch.get_window_extent()
                assert box.x0 <= place.x0 + 1 and place.x1 <= box.x1 + 1
    pyplot.close(whole)
    pyplot.close(folded)


def test_long_expressions_have_names() -> None:
    @qj.qnode(wires=1)
    def circuit(x: Any) -> Any:
        for _ in range(1500):
            x = x * 1.01 + 0.1
        qj.RX(x, 0)
        for _ in range(40):  # 2**40 parts, if what is shared were written out
            x = jnp.sin(x) * jnp.cos(x)
        qj.RX(x, 0)
        return qj.probs()

    lines = qj.draw(circuit, width=80)(0.1).split("\n")
    assert lines[0].count("RX(") == 2
    assert max(map(len, lines)) < 4000


def test_names_are_in_order() -> None:
    names = Names({"b", "x"})
    found = [names.fresh() for _ in range(40)]
    assert found[:3] == ["a", "c", "d"]
    assert found[16:19] == ["w", "a1", "b1"]
    assert names.fresh("ijk") == "i"
    names.taken.discard("i")
    assert (names.fresh("ijk"), names.fresh()) == ("i", "f2")


def test_pieces_end_at_cuts() -> None:
    cuts = [0, 3, 4, 9, 10, 30, 31]
    assert [*pieces(cuts, 0, 33, 6)] == [
        *((0, 4), (4, 10), (10, 16), (16, 22), (22, 28)),
        (28, 33),
    ]
    assert [*pieces(cuts, 0, 33, 100)] == [(0, 33)]


def test_figures_need_matplotlib(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(MissingPackageError, match=r"pip install 'qjit\[draw\]'"):
        qj.draw_mpl(energy)(0.1)


def test_looking_needs_no_package_before_it_looks() -> None:
    code = "import sys, qjit; print({'xdsl', 'matplotlib'} & {*sys.modules})"
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "set()"


def test_nothing_is_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: Any, **__: Any) -> None:
        raise AssertionError("it compiles")

    monkeypatch.setattr("qjit.lowering.driver.stages.compile_object", refused)
    gradient = jax.grad(lambda x: energy(x) + 1.0)
    assert "RX" in qj.draw(gradient, width=100)(0.1)


def test_arguments_that_are_objects() -> None:
    """What is hashable and no array is static, as it is where the function is called."""

    class Model:
        wire = 1

    @qj.qnode(wires=2)
    def circuit(x: Any, model: Any) -> Any:
        qj.RX(x, model.wire)
        return qj.expval(qj.Z(model.wire))

    assert "RX(x)" in qj.draw(circuit, width=80)(0.3, Model())
    assert "expval(Z(1))" in str(qj.specs(qj.qjit(circuit))(0.3, Model()))
