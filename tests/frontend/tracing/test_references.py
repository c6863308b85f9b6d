"""Mutable arrays that a program makes are values; those of others are refused."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import qjit as qj

X = np.arange(1.0, 7.0).reshape(2, 3)

if not hasattr(jax, "new_ref"):
    pytest.skip("this version of JAX has no mutable arrays", allow_module_level=True)


def written(x: Any) -> Any:
    kept = jax.new_ref(x)
    kept[0, 0] = 5.0
    kept[1] = kept[1] + x[0]
    return kept[...] + jax.freeze(kept)


def in_loops(x: Any) -> Any:
    kept = jax.new_ref(jnp.zeros(3))

    def step(i: Any, count: Any) -> Any:
        kept[i] = x[0, i] * 2
        jax.lax.cond(x[0, i] > 1, lambda: kept.__setitem__(0, 7.0), lambda: None)
        return count + 1

    count = jax.lax.fori_loop(0, 3, step, 0)
    return kept[...], count


@qj.qnode(wires=1)
def circuit(angle: Any) -> Any:
    kept = jax.new_ref(jnp.zeros(2))
    kept[0], kept[1] = angle, 2 * angle
    qj.RX(kept[0] + kept[1], wires=0)
    return qj.expval(qj.Z(0))


def of_circuits(x: Any) -> Any:
    total = jax.new_ref(jnp.zeros(()))

    def step(i: Any, state: Any) -> Any:
        total[...] = total[...] + circuit(x[0, i])
        return state

    jax.lax.fori_loop(0, 3, step, 0)
    return total[...]


@pytest.mark.parametrize("function", [written, in_loops, of_circuits])
def test_programs(function: Any) -> None:
    found, expected = qj.qjit(function)(X), jax.jit(function)(X)
    jax.tree.map(np.testing.assert_allclose, found, expected)


def test_circuits_and_their_gradients() -> None:
    assert float(circuit(0.3)) == pytest.approx(np.cos(0.9))
    assert float(jax.grad(circuit)(0.3)) == pytest.approx(-3 * np.sin(0.9))


def test_those_from_outside_are_refused() -> None:
    kept: Any = jax.new_ref(jnp.zeros(3))

    def closed_over(x: Any) -> Any:
        kept[0] = x
        return x

    calls = [
        lambda: qj.qjit(lambda given: given[0])(kept),
        lambda: qj.qjit(closed_over)(1.0),
    ]
    for call in calls:
        with pytest.raises(qj.errors.UnsupportedError, match=r"\.py:\d+: .*outside"):
            call()
    np.testing.assert_array_equal(kept[...], np.zeros(3))
