"""Global and closure variables that change are seen by functions that do not."""

import functools
import sys
import textwrap
from types import ModuleType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jupyter_client.manager import KernelManager

import qjit as qj

scale: Any = 2.0
repeats = 1
traces = 0


def rotate(angle: Any) -> None:
    qj.RX(scale * angle, 0)


@qj.qnode(wires=1)
def energy(angle: Any) -> Any:
    for _ in range(repeats):
        rotate(angle)
    return qj.expval(qj.Z(0))


@qj.qjit
def slope(angle: Any) -> Any:
    return jax.grad(energy)(angle)


def check(factor: float) -> None:
    """Compare with the right values, also of functions that are new."""
    angle = 0.3
    cosine, sine = np.cos(factor * angle), -factor * np.sin(factor * angle)
    found = [energy(angle), jax.jit(lambda x: energy(x))(angle), slope(angle)]
    assert np.allclose(found, [cosine, cosine, sine], atol=1e-5)


def test_globals_of_a_function_and_of_what_it_calls() -> None:
    global scale, repeats, rotate
    check(2.0)
    scale = jnp.asarray(3.0)
    check(3.0)
    repeats, given = 2, rotate
    check(6.0)
    rotate = lambda angle: qj.RX(angle, 0)  # noqa: E731 (as in a cell that runs again)
    check(2.0)
    rotate, repeats, scale = given, 1, 2.0
    check(2.0)


def test_closures() -> None:
    weight = 2.0

    @qj.qnode(wires=1)
    def closed(angle: Any) -> Any:
        qj.RX(weight * angle, 0)
        return qj.expval(qj.Z(0))

    @qj.qjit(autograph=True)
    def chosen(angle: Any) -> Any:
        return closed(angle) if angle > 0 else 0.0

    assert np.allclose([closed(0.3), chosen(0.3)], np.cos(0.6), atol=1e-6)
    weight = 3.0
    assert np.allclose([closed(0.3), chosen(0.3)], np.cos(0.9), atol=1e-6)


def test_equal_values_and_what_a_function_writes_itself_trace_nothing_again() -> None:
    global scale

    @qj.qnode(wires=1)
    def counted(angle: Any) -> Any:
        global traces
        traces += 1
        rotate(angle)
        return qj.expval(qj.Z(0))

    counted(0.3)
    scale = float("2.0")
    counted(0.4)
    assert traces == 1


def scaled(angle: Any) -> Any:
    return scale * angle


class Scaling:
    @property
    def factor(self) -> Any:
        return scale

    def of(self, angle: Any) -> Any:
        return self.factor * angle

    def __call__(self, angle: Any) -> Any:
        return self.of(angle)

    @qj.qnode(wires=1)
    def cosine(self, angle: Any) -> Any:
        qj.RX(self.of(angle), 0)
        return qj.expval(qj.Z(0))


scaling, table, listed = Scaling(), {"rule": scaled}, [scaled]
applied = functools.partial(lambda rule, angle: rule(angle), scaled)
bound = scaling.of
custom = jax.custom_jvp(scaled)
custom.defjvps(lambda t, value, x: scale * t)
module = ModuleType("module")
vars(module)["scaled"] = scaled


def by_default(angle: Any, rule: Any = scaled) -> Any:
    return rule(angle)


HELD: dict[str, Any] = {
    "an object": lambda x: scaling.of(x),
    "an object that is called": lambda x: scaling(x),
    "a class": lambda x: Scaling.of(scaling, x),
    "a dictionary": lambda x: table["rule"](x),
    "a list": lambda x: listed[0](x),
    "an argument of a partial": lambda x: applied(x),
    "a bound method": lambda x: bound(x),
    "a custom rule": lambda x: custom(x),
    "a module": lambda x: module.scaled(x),
    "a default": lambda x: by_default(x),
}


@pytest.mark.parametrize("holder", HELD)
def test_functions_that_are_reached_through(holder: str) -> None:
    global scale
    compiled = qj.qjit(HELD[holder])
    assert compiled(0.25) == 0.5
    scale = 3.0
    try:
        assert compiled(0.25) == 0.75
    finally:
        scale = 2.0


def test_methods_that_a_method_calls() -> None:
    global scale
    np.testing.assert_allclose(scaling.cosine(0.3), np.cos(0.6), rtol=1e-5)
    scale = 3.0
    try:
        np.testing.assert_allclose(scaling.cosine(0.3), np.cos(0.9), rtol=1e-5)
    finally:
        scale = 2.0


def test_equal_values_of_another_sign_or_type() -> None:
    global scale
    reciprocal = qj.qjit(lambda x: x / scale)
    quotient = qj.qjit(lambda x: jnp.asarray(scale[0] // 2) + 0 * x)
    try:
        scale = 0.0
        assert reciprocal(1.0) == np.inf
        scale = -0.0
        assert reciprocal(1.0) == -np.inf
        scale = (3,)
        assert quotient(1).dtype.kind == "i"
        scale = (3.0,)
        assert quotient(1).dtype.kind == "f"
    finally:
        scale = 2.0


def test_a_variable_in_place_of_a_builtin() -> None:
    largest = qj.qjit(lambda x: abs(x))
    assert largest(-1.0) == 1.0
    globals()["abs"] = jnp.exp
    try:
        assert largest(0.0) == 1.0
    finally:
        del globals()["abs"]
    assert largest(0.0) == 0.0


CELLS = [
    """
    import jax, qjit as qj
    weight = 2.0
    @qj.qnode(wires=1)
    def energy(angle):
        qj.RX(weight * angle, 0)
        return qj.expval(qj.Z(0))
    """,
    """
    @qj.qjit
    def train(angle):
        return jax.grad(energy)(angle)
    print(f"{energy(0.3):.4f} {train(0.3):.4f}")
    """,
    "weight = 3.0",
]


def test_cells_of_a_notebook() -> None:
    manager = KernelManager()
    manager.start_kernel(env={"PYTHONPATH": ":".join(sys.path)})
    client = manager.client()
    printed: list[str] = []
    client.start_channels()
    try:
        client.wait_for_ready(timeout=120)
        for cell in (*CELLS, CELLS[1]):
            reply = client.execute_interactive(
                textwrap.dedent(cell),
                timeout=120,
                output_hook=lambda m: printed.append(m["content"].get("text", "")),
            )
            assert reply["content"]["status"] == "ok", printed
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    assert "".join(printed).split("\n")[:2] == ["0.8253 -1.1293", "0.6216 -2.3500"]
