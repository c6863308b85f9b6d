"""Generated Python programs, run by Python and compiled, give the same."""

import itertools
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import qjit as qj

NAMES = st.sampled_from(["a", "b", "c"])
numbers = itertools.count()


@st.composite
def values(draw: st.DrawFn) -> str:
    left = draw(NAMES | st.sampled_from(["i", "x"]))
    right = draw(NAMES | st.integers(0, 4).map(str))
    op = draw(st.sampled_from(["+", "-", "*"]))
    return f"({left} {op} {right}) % 13"


@st.composite
def conditions(draw: st.DrawFn) -> str:
    kind = draw(st.integers(0, 4))
    left, right = draw(NAMES), draw(values())
    if kind == 0:
        return f"{left} < {right}"
    if kind == 1:
        return f"1 < {left} <= {right} + 2"
    if kind == 2:
        return f"not {left} or x > {right}"
    if kind == 3:
        return f"{left} > 2 and {right} != 3"
    return f"i % 3 == {draw(st.integers(0, 2))}"


def indented(lines: list[str]) -> list[str]:
    return [f"    {line}" for line in lines]


@st.composite
def blocks(draw: st.DrawFn, depth: int, in_loop: bool) -> list[str]:
    lines: list[str] = []
    for _ in range(draw(st.integers(1, 3))):
        lines += draw(statements(depth, in_loop))
    return lines


@st.composite
def statements(draw: st.DrawFn, depth: int, in_loop: bool) -> list[str]:
    simple = ["assign", "augment", "store"]
    compound = ["if", "else", "range", "traced", "while", "rows", "for else"]
    leaving = ["return", *(["break", "continue"] if in_loop else [])]
    kind = draw(st.sampled_from([*simple, *(compound if depth else []), *leaving]))
    inner = blocks(depth - 1, in_loop)
    turns = blocks(depth - 1, True)
    match kind:
        case "assign":
            return [f"{draw(NAMES)} = {draw(values())}"]
        case "augment":
            return [f"{draw(NAMES)} += {draw(values())}"]
        case "store":
            return [
                f"t[{draw(NAMES)} % 4] += {draw(values())}",
                f"{draw(NAMES)} = t[1]",
            ]
        case "if":
            return [f"if {draw(conditions())}:", *indented(draw(inner))]
        case "else":
            body, other = indented(draw(inner)), indented(draw(inner))
            return [f"if {draw(conditions())}:", *body, "else:", *other]
        case "range":
            length = draw(st.sampled_from([2, 11]))
            return [f"for i in range({length}):", *indented(draw(turns))]
        case "traced":
            return [
                f"for i in range(x, x + {draw(NAMES)} % 4):",
                *indented(draw(turns)),
            ]
        case "rows":
            return ["for i, b in enumerate(table + x):", *indented(draw(turns))]
        case "for else":
            loop = ["for i in range(10):", *indented(draw(turns))]
            return [*loop, "else:", *indented(draw(inner))]
        case "while":
            number = next(numbers)
            body = [f"k{number} += 1", *draw(turns)]
            test = f"while k{number} < {draw(NAMES)} % 5:"
            return [f"k{number} = 0", test, *indented(body)]
        case "return":
            return [f"if {draw(conditions())}:", f"    return {draw(values())}, a, t"]
        case _:
            return [f"if {draw(conditions())}:", f"    {kind}"]


@st.composite
def programs(draw: st.DrawFn) -> str:
    start = ["a, b, c, i = x, 1, 2, 0", "t = np.arange(4) + x"]
    body = [*start, *draw(blocks(3, False)), "return (a + 2 * b - c) % 101, i, t"]
    head = ["import numpy as np", "table = np.arange(9) % 5", "def program(x):"]
    return "\n".join([*head, *indented(body), ""])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("programs")


@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(programs())
def test_generated_program(folder: Path, text: str) -> None:
    path = folder / f"program_{next(numbers)}.py"
    path.write_text(text)
    names: dict[str, Any] = {}
    exec(compile(text, path, "exec"), names)
    compiled = qj.qjit(names["program"], autograph=True)
    for x in (0, 3, 7):
        expected, found = names["program"](x), compiled(x)
        for mine, other in zip(*map(jax.tree.leaves, (found, expected)), strict=True):
            np.testing.assert_array_equal(mine, other)
