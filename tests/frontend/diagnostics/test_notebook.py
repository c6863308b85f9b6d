"""Notebooks show HTML in which nothing of the user is markup."""

from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest

import qjit as qj


class Reader(HTMLParser):
    """Reads texts, and the elements that they are in."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.text = ""
        self.feed(html)
        self.close()
        assert not self.open, "all elements are closed"

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        assert not attrs
        self.open.append(tag)
        self.tags.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def shown(value: Any) -> Reader:
    return Reader(value._repr_html_())


@qj.qnode(wires=["<b>", 1], passes=["cancel-inverses"])
def circuit(x: float, scale: float = 3) -> Any:
    """Do <i>nothing</i> & return.

    More.
    """
    qj.RX(x * scale, 1)
    return qj.expval(qj.Z("<b>"))


class Model:
    """What has a quantum function."""

    @qj.qnode(wires=1)
    def run(self) -> Any:
        return qj.probs()


def test_operators_are_code() -> None:
    operator = 0.5 * qj.X(0) @ qj.Z("<b>") + qj.Y("a&b")
    found = shown(operator)
    assert (found.text, found.tags) == (repr(operator), {"code"})


def test_functions_say_what_they_are() -> None:
    found = shown(circuit)
    assert found.tags == {"div", "code", "table", "tr", "th", "td"}
    title = "circuit(x: float, scale: float = 3) -> Any"
    assert found.text.replace("'", "").startswith(title)
    for text in ("Do <i>nothing</i> & return.", "('<b>', 1)", "cancel-inverses"):
        assert text in found.text
    assert "More." not in found.text and "shots" not in found.text
    assert "shots100" in shown(qj.set_shots(circuit, shots=100)).text
    compiled = shown(qj.qjit(circuit))
    assert "merge-rotations" in compiled.text
    assert compiled.tags == found.tags
    assert "<lambda>(x)" in shown(qj.qjit(lambda x: x)).text
    assert "run(self)" in shown(Model().run).text


def test_showing_traces_and_runs_nothing() -> None:
    def refused(_: Any) -> Any:
        raise AssertionError("it runs")

    for function in (qj.qnode(wires=1)(refused), qj.qjit(refused)):
        assert "refused(" in shown(function).text


@pytest.mark.parametrize("stage", ["trace", "lower", "compile"])
def test_stages_ahead_of_time(stage: str) -> None:
    compiled = qj.qjit(circuit)
    x = np.float32(0.1)
    found = compiled.trace(x) if stage == "trace" else compiled.lower(x)
    found = found.compile() if stage == "compile" else found
    html = shown(found)
    assert html.text.startswith("circuit") and "float32[]" in html.text
    assert ("details" in html.tags) == (stage == "trace")


def test_texts_of_stages_are_folded() -> None:
    stages = qj.qjit(circuit).stages(np.float32(0.1))
    found = shown(stages)
    assert found.tags == {"details", "summary", "pre"}
    for name, text in stages.items():
        assert name + text in found.text
    assert dict(stages) == stages
    program = shown(qj.compile_stage(stages["quantum"]))
    assert "circuit" in program.text and "float32[]" in program.text
