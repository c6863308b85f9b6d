"""Compositions of JAX's control flow and transformations mean what `jax.jit` means.

`python -m tests.programs.test_compositions FIRST COUNT` tries so many programs.
"""

import sys
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

import qjit as qj
from tests.support.compositions import Composer, circuit

X = np.asarray([0.3, -0.6, 0.9])


def counted(k: Any) -> Any:
    return lax.fori_loop(0, k, lambda i, x: x + 1.0, 0.0)


def drawn(key: Any) -> Any:
    """Draw a point of the unit disc, and count the attempts."""

    def again(state: Any) -> Any:
        key, used = jax.random.split(state[0])
        return key, jax.random.uniform(used, (2,), minval=-1.0), state[2] + 1

    start = key, jnp.full(2, 9.0), 0
    return lax.while_loop(lambda s: jnp.sum(s[1] ** 2) > 1, again, start)[1:]


def swapped(k: Any, x: Any) -> Any:
    """Carry arrays that change places, beside one that stays."""

    def step(state: Any) -> Any:
        turn, a, b, kept = state
        return turn + 1, b, a + kept, kept

    return lax.while_loop(lambda s: s[0] < k, step, (0, x, 2 * x, x + 1))


def measured(k: Any, angle: Any) -> Any:
    """Add up circuits, as many as a row has."""
    return lax.fori_loop(0, k, lambda i, x: x + circuit(angle + x, i), 0.0)


def nested(k: Any, x: Any) -> Any:
    """Loop as long as a row says, in a loop that is as long as the row says."""

    def outer(i: Any, x: Any) -> Any:
        return lax.fori_loop(0, i + k % 2, lambda j, y: jnp.sin(y) + j, x)

    return lax.fori_loop(0, k, outer, x)


def slope(k: Any, x: Any) -> Any:
    return jax.jvp(lambda x: nested(k, x), (x,), (jnp.ones_like(x),))


COUNTS = np.asarray([0, 3, 1, 5])
ROWS = np.linspace(-1.0, 1.0, 12).reshape(4, 3)
LOOPS: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
    "counts": (jax.vmap(counted), (COUNTS,)),
    "rows of rows": (jax.vmap(jax.vmap(counted)), (COUNTS.reshape(2, 2),)),
    "no rows": (jax.vmap(counted), (np.zeros(0, int),)),
    "arrays": (jax.vmap(swapped), (COUNTS, ROWS)),
    "rejection": (jax.vmap(drawn), (np.arange(8, dtype=np.uint32).reshape(4, 2),)),
    "loops in loops": (jax.vmap(nested), (COUNTS, ROWS)),
    "slopes": (jax.vmap(slope, (0, None)), (COUNTS, X)),
    "circuits": (jax.vmap(measured), (COUNTS, ROWS[:, 0])),
    "in a scan": (
        lambda ks, x: lax.scan(lambda c, k: (c, jax.vmap(nested)(ks + k, x)), 0, ks),
        (COUNTS, ROWS),
    ),
    "in branches": (
        lambda ks, x: lax.cond(x[0, 0] < 0, jax.vmap(nested), lambda k, x: x, ks, x),
        (COUNTS, ROWS),
    ),
}


def assert_same(found: Any, expected: Any) -> None:
    assert jax.tree.structure(found) == jax.tree.structure(expected)
    for one, other in zip(*map(jax.tree.leaves, (found, expected)), strict=True):
        assert one.dtype == other.dtype and one.shape == other.shape
        np.testing.assert_allclose(one, other, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("name", LOOPS)
def test_rows_that_loop_for_different_times(name: str) -> None:
    function, args = LOOPS[name]
    assert_same(qj.qjit(function)(*args), jax.jit(function)(*args))


def test_loops_of_rows_of_open_number() -> None:
    compiled = qj.qjit(jax.vmap(counted), abstracted_axes={0: "n"})
    for size in (4, 1, 7):
        counts = np.arange(size) * 2 % 5
        np.testing.assert_array_equal(compiled(counts), counts.astype(float))


def generated(seed: int) -> tuple[Callable[..., Any], list[str]]:
    """Return a random function of an array and an integer, and what is in it."""
    composer = Composer(seed)
    function = composer.function(2 + seed % 3)
    if seed % 3:
        return function, composer.used

    def rows(x: Any, k: Any) -> Any:
        stacked = jnp.stack([x, x / 2, x + 1]), k + jnp.arange(3)
        return jax.vmap(function)(*stacked)

    return rows, composer.used


def arguments(seed: int) -> tuple[Any, Any]:
    return jnp.asarray(X), jnp.asarray((2, 1, 3, 4)[seed % 4])


@pytest.mark.parametrize("seed", range(12))
def test_generated_compositions(seed: int) -> None:
    function, _ = generated(seed)
    expected = jax.jit(function)(*arguments(seed))
    assert_same(qj.qjit(function)(*arguments(seed)), expected)


def main(first: int, count: int) -> int:
    """Try generated programs; return how many are wrong."""
    jax.config.update("jax_enable_x64", True)
    jax.config.update("jax_disable_most_optimizations", True)
    wrong = refused = 0
    for seed in range(first, first + count):
        function, used = generated(seed)
        try:
            expected = jax.jit(function)(*arguments(seed))
        except Exception:
            refused += 1
            continue
        try:
            assert_same(qj.qjit(function)(*arguments(seed)), expected)
        except Exception as error:
            wrong += 1
            print(seed, used, type(error).__name__, str(error)[:500], flush=True)
        if seed % 50 == 49:
            jax.clear_caches()
    print(f"{count - wrong - refused} right, {wrong} wrong, {refused} refused by JAX")
    return wrong


if __name__ == "__main__":
    sys.exit(bool(main(int(sys.argv[1]), int(sys.argv[2]))))
