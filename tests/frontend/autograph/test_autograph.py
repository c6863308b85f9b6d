"""Converted Python means what Python means: the same programs, run by both."""

import doctest
import importlib.util
import inspect
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import qjit as qj
from qjit.errors import SourceError
from tests.support.paths import ROOT


def load(path: Path) -> dict[str, Any]:
    """Return what a file of Python defines."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return vars(module)


PROGRAMS: list[Callable[..., Any]] = [
    function
    for name, function in load(ROOT / "tests/support/autograph_programs.py").items()
    if inspect.isfunction(function) and name not in ("outer_helper", "power")
]


def assert_equal(found: Any, expected: Any) -> None:
    assert jax.tree.structure(found) == jax.tree.structure(expected)
    pairs = zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True)
    for mine, other in pairs:
        np.testing.assert_allclose(mine, other, rtol=1e-9)


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda f: f.__name__)
def test_program(program: Callable[..., Any]) -> None:
    compiled = qj.qjit(program, autograph=True)
    for value in (0, 1, 2, 3, 5, 14):
        assert_equal(compiled(value), program(value))


@pytest.mark.parametrize("value", [0.2, 0.7, -0.4])
def test_gates_in_branches_and_loops(value: float) -> None:
    def gates(angle: Any, count: Any) -> None:
        for wire in range(3):
            qj.H(wire)
        for i in range(count):
            qj.RX(angle * i, wires=i % 3)
            if i == 2:
                continue
            qj.CNOT(wires=[i % 3, (i + 1) % 3])
        if angle > 0.5:
            qj.RY(angle, wires=0)
        elif angle > 0:
            qj.RZ(angle, wires=0)
        else:
            qj.RX(angle, wires=1)
        for _ in range(100):
            qj.RZ(angle / 50, wires=1)
        while angle < 0.6:
            qj.RY(angle, wires=2)
            angle = angle + 0.15

    @qj.qnode(wires=3)
    def circuit(angle: Any, count: Any) -> Any:
        gates(angle, count)
        return qj.state()

    @qj.qnode(wires=3)
    def plain() -> Any:
        gates(value, 5)
        return qj.state()

    @qj.qjit(autograph=True)
    def program(angle: Any, count: Any) -> Any:
        return circuit(angle, count)

    np.testing.assert_allclose(program(value, 5), plain(), atol=1e-12)


def test_measured_values_decide() -> None:
    @qj.qjit(autograph=True)
    @qj.qnode(wires=3)
    def circuit(angle: Any) -> Any:
        qj.RX(angle, wires=0)
        flips = 0
        for _ in range(2):
            if qj.measure(0):
                qj.X(1)
                flips += 1
            elif qj.measure(1) and not qj.measure(2):
                qj.X(2)
            qj.RX(angle, wires=0)
        qj.RY(0.3 * flips, wires=2)
        return qj.expval(qj.Z(1)), qj.expval(qj.Z(2))

    @qj.qnode(wires=3)
    def explicit(angle: Any) -> Any:
        qj.RX(angle, wires=0)
        first = qj.measure(0)
        qj.cond(first, lambda: qj.X(1))()
        qj.RX(angle, wires=0)
        second = qj.measure(0)

        def otherwise() -> None:
            ready = qj.measure(1)
            jax.lax.cond(
                ready, lambda: jnp.logical_not(qj.measure(2)), lambda: jnp.array(False)
            )
            qj.cond(ready, lambda: qj.X(2))()

        jax.lax.cond(second, lambda: (qj.X(1), None)[1], otherwise)
        qj.RY(0.3 * (first.astype(float) + second), wires=2)
        return qj.expval(qj.Z(1)), qj.expval(qj.Z(2))

    np.testing.assert_allclose(circuit(0.7), explicit(0.7), atol=1e-12)


def test_repeat_until_success() -> None:
    @qj.qjit(autograph=True)
    @qj.qnode(wires=1, shots=200, seed=3)
    def circuit() -> Any:
        qj.H(0)
        while qj.measure(0):
            qj.H(0)
        return qj.sample(wires=[0])

    assert not np.any(circuit())


def repeated(angle: Any, count: int) -> None:
    for i in range(count):
        if angle > 0:
            qj.RX(angle * (i + 1), wires=i % 2)
        qj.CNOT(wires=[0, 1])


def test_adjoint_and_ctrl_of_converted_functions() -> None:
    @qj.qjit(autograph=True)
    @qj.qnode(wires=3)
    def inverted(angle: Any) -> Any:
        qj.H(0)
        repeated(angle, 12)
        qj.adjoint(repeated)(angle, 12)
        return qj.probs(wires=[0, 1])

    @qj.qjit(autograph=True)
    @qj.qnode(wires=3)
    def controlled(angle: Any) -> Any:
        qj.X(2)
        qj.ctrl(repeated, control=2)(angle, 12)
        return qj.probs(wires=[0, 1])

    @qj.qnode(wires=3)
    def plain() -> Any:
        repeated(0.4, 12)
        return qj.probs(wires=[0, 1])

    np.testing.assert_allclose(inverted(0.4), [0.5, 0, 0.5, 0], atol=1e-12)
    np.testing.assert_allclose(controlled(0.4), plain(), atol=1e-12)


def test_gradients_through_converted_loops() -> None:
    @qj.qnode(wires=2)
    def circuit(angle: Any) -> Any:
        for i in range(30):
            if i > 20:
                qj.RY(angle / 9, wires=0)
            qj.RX(angle / 30, wires=i % 2)
        return qj.expval(qj.Z(0))

    def cost(angle: Any) -> Any:
        total = 0.0
        for i in range(20):
            if i * angle > 8:
                break
            total += circuit(angle) * i
        return total

    slope = qj.qjit(lambda angle: jax.grad(cost)(angle), autograph=True)
    value = qj.qjit(cost, autograph=True)
    step = 1e-5
    expected = (value(0.7 + step) - value(0.7 - step)) / (2 * step)
    np.testing.assert_allclose(slope(0.7), expected, rtol=1e-6)


def test_long_loops_stay_loops() -> None:
    def program(x: Any, turns: int) -> Any:
        for i in range(turns):
            x = jnp.sin(x) + i
            if x > 3:
                x = x - 3
        return x

    def size(turns: int) -> int:
        compiled = qj.qjit(program, autograph=True, static_argnums=1)
        return len(str(compiled.jaxpr(0.5, turns)))

    assert size(100) == size(900)
    assert size(8) > size(100)


def test_conversion_is_kept() -> None:
    from qjit.autograph import converted

    assert converted(repeated) is converted(repeated)
    assert converted(converted(repeated)) is converted(repeated)


def test_functions_left_alone() -> None:
    @qj.disable_autograph
    def parity(n: int) -> str:
        return "odd" if n % 2 else "even"

    @qj.qjit(autograph=True)
    def program(x: Any) -> Any:
        return x * len(parity(3))

    assert program(2) == 6


def test_lambdas_of_one_line() -> None:
    pair = (lambda x: 1 if x > 0 else 2), (lambda x: 3 if x > 0 else 4)
    first, second = (qj.qjit(each, autograph=True) for each in pair)
    assert [first(1), first(-1), second(1), second(-1)] == [1, 2, 3, 4]


def test_source_is_needed() -> None:
    names: dict[str, Any] = {}
    exec("def f(x):\n    return x if x > 0 else -x", names)
    with pytest.raises(SourceError, match="its source is not available"):
        qj.qjit(names["f"], autograph=True)


def test_exceptions_name_the_users_line() -> None:
    def program(x: Any) -> Any:
        for _ in range(20):
            if x > 0:
                x = x + jnp.zeros(3)[{}]  # this line
        return x

    with pytest.raises(IndexError, match=r"test_autograph.py:(\d+): ") as caught:
        qj.qjit(program, autograph=True)(1.0)
    found = re.search(r"test_autograph.py:(\d+): ", str(caught.value))
    assert found is not None
    lines = Path(__file__).read_text().splitlines()
    assert "# this line" in lines[int(found[1]) - 1]


def test_page() -> None:
    page = ROOT / "docs" / "autograph.md"
    assert doctest.testfile(str(page), module_relative=False).failed == 0
