"""A circuit's value and gradient come from one run, wherever they stand."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import qjit as qj

X = jnp.array([0.3, 0.7])


@qj.qnode(wires=2)
def energy(x: Any) -> Any:
    qj.RX(x[0], wires=0)
    qj.CRY(x[1], wires=[0, 1])
    return qj.expval(qj.Z(0) + 0.5 * qj.X(1))


@qj.qnode(wires=2)
def other(x: Any) -> Any:
    qj.RY(x[0] * x[1], wires=1)
    return qj.expval(qj.X(1)), qj.expval(qj.Z(1))


def slopes(x: Any) -> Any:
    return jax.value_and_grad(energy)(x)


def squared(x: Any) -> Any:
    """Whose cotangent depends on the value."""
    return jax.value_and_grad(lambda x: (energy(x) - 0.5) ** 2)(x)


def descent(x: Any) -> Any:
    def step(x: Any, _: Any) -> Any:
        value, slope = jax.jit(squared)(x)
        return x - 0.1 * slope, value

    return jax.lax.scan(step, x, length=5)


def several(x: Any) -> Any:
    value, pull = jax.vjp(other, x)
    return value, pull((value[1], jnp.sum(jnp.sin(x))))


def between(x: Any) -> Any:
    """Another circuit runs before the gradient is asked for."""
    value, pull = jax.vjp(energy, x)
    return value, pull(other(x * value)[0])


def chained(x: Any) -> Any:
    return jax.value_and_grad(lambda x: energy(jnp.stack(other(x))) + energy(x))(x)


def batched(x: Any) -> Any:
    return jax.vmap(squared)(jnp.stack([x, 2 * x]))


def only_the_gradient(x: Any) -> Any:
    return jax.grad(energy)(x)


PROGRAMS = [
    (slopes, 1),
    (squared, 1),
    (descent, 1),
    (several, 1),
    (between, 3),
    (batched, 2),
    (only_the_gradient, 1),
]


@pytest.mark.parametrize(("program", "runs"), PROGRAMS)
def test_number_of_runs(program: Any, runs: int) -> None:
    text = qj.qjit(program).stages(X)["quantum"]
    assert text.count("quantum.alloc") == runs


@pytest.mark.parametrize("program", [*(p for p, _ in PROGRAMS), chained])
def test_the_same_numbers(program: Any) -> None:
    """As without JAX's compilation, where every equation runs on its own."""
    with jax.disable_jit():
        wanted = jax.tree.leaves(program(X))
    for one, expected in zip(jax.tree.leaves(qj.qjit(program)(X)), wanted, strict=True):
        np.testing.assert_allclose(one, expected, atol=1e-12)
