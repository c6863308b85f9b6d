"""What a program calls several times is compiled once."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import qjit as qj


@qj.qnode(wires=3)
def energy(theta: Any) -> Any:
    for wire in range(3):
        for layer in range(4):
            qj.RX(theta[layer], wires=wire)
            qj.CNOT(wires=[wire, (wire + 1) % 3])
    return qj.expval(qj.Z(0))


@jax.jit
def step(x: Any, y: Any) -> tuple[Any, Any]:
    for _ in range(8):
        x = jnp.sin(x) * 0.5 + y
        y = jnp.tanh(x * y) + x.sum() * 0.1
    return x, y


def steps(x: Any, y: Any) -> Any:
    x, y = step(x, y)
    x, z = step(x * 2.0, y)
    _, x = step(z, x)
    return x, y, z


def energies(x: Any, _: Any) -> Any:
    first = energy(x)
    second = energy(jnp.sin(x) * first)
    third = energy(x[::-1] + second)
    return first, second, third


def gradients(x: Any, _: Any) -> Any:
    x = x - 0.1 * jax.grad(energy)(x)
    x = jnp.sin(x - 0.2 * jax.grad(energy)(x))
    return x, jax.grad(lambda y: energy(y) ** 2 * energy(2 * y))(x)


def in_a_loop(x: Any, y: Any) -> Any:
    def body(_: Any, carry: Any) -> Any:
        x, y = step(*carry)
        return step(y, jnp.cos(x))

    return jax.lax.fori_loop(0, 5, body, (x, y))


def functions(program: Callable[..., Any], *args: Any) -> int:
    return qj.qjit(program).stages(*args)["quantum"].count("func.func")


@pytest.mark.parametrize("program", [steps, energies, gradients, in_a_loop])
def test_calls_change_nothing(program: Callable[..., Any]) -> None:
    x, y = np.linspace(0.1, 0.7, 4), np.linspace(-0.3, 0.4, 4)
    found, expected = qj.qjit(program)(x, y), program(jnp.asarray(x), jnp.asarray(y))
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-12)


@pytest.mark.parametrize("program", [steps, energies, in_a_loop])
def test_one_function_serves_all_calls(program: Callable[..., Any]) -> None:
    assert functions(program, np.ones(4), np.ones(4)) == 2


def test_other_shapes_are_other_functions() -> None:
    def program(x: Any, y: Any) -> Any:
        return step(x, x), step(step(x, x)[0], x), step(y, y), step(step(y, y)[1], y)

    x, y = np.linspace(0, 1, 3), np.linspace(0, 1, 4)
    assert functions(program, x, y) == 3
    found, expected = qj.qjit(program)(x, y), program(x, y)
    for one, other in zip(
        jax.tree.leaves(found), jax.tree.leaves(expected), strict=True
    ):
        np.testing.assert_allclose(one, other, atol=1e-12)


def test_big_workspaces_and_scalars() -> None:
    @jax.jit
    def work(x: Any, scale: Any, on: Any) -> tuple[Any, Any, Any]:
        for _ in range(10):
            x = jnp.where(on, jnp.cumsum(jnp.sin(x)) / 1000, x) * scale
        return x, x.max(), ~on

    def program(x: Any) -> Any:
        x, top, on = work(x, 0.5, True)
        x = x + top
        return work(x, top, on)

    x = np.linspace(0, 1, 20_000)
    for one, other in zip(qj.qjit(program)(x), program(x), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-10)


def test_samples_of_calls_differ() -> None:
    @qj.qnode(wires=12, shots=20, seed=None)
    def draws(angle: Any) -> Any:
        for wire in range(12):
            qj.RX(angle, wires=wire)
            qj.RZ(angle, wires=wire)
            qj.H(wire)
        return qj.sample()

    first, second = qj.qjit(lambda a: (draws(a), draws(a * 1.0)), seed=5)(0.7)
    assert not np.array_equal(first, second)


def test_errors_in_calls() -> None:
    def program(x: Any) -> Any:
        return energy(x) + energy(x / (x - x))

    with pytest.raises(qj.errors.ParameterError, match="NaN or infinite"):
        qj.qjit(program)(np.ones(4))
