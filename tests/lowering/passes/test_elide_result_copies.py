"""Arrays are written in place where they die, and only there."""

import re
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import qjit as qj

X = jnp.array([0.3, -1.2, 0.7, 2.0, -0.4])
SHIFTED = jnp.array([1.0, 2.0, -3.0, 0.5, 0.1])


def check(function: Callable[..., Any], *args: Any) -> None:
    ours, theirs = qj.qjit(function)(*args), jax.jit(function)(*args)
    for x, y in zip(jax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-10, atol=1e-10)


def copies_in_loops(function: Callable[..., Any], *args: Any) -> int:
    """Count the arrays that are copied inside loops."""
    depth = found = 0
    for line in qj.qjit(function).stages(*args)["quantum"].splitlines():
        depth += line.count("{") - line.count("}")
        found += depth > 2 and "memref.copy" in line
    return found


def repeat(body: Callable[[Any], Any], count: int = 3) -> Callable[..., Any]:
    def function(*args: Any) -> Any:
        return jax.lax.fori_loop(0, count, lambda _, carry: body(carry), args)

    return function


def momentum(x: Any, velocity: Any) -> Any:
    velocity = 0.9 * velocity + x
    return x - 0.1 * velocity, velocity


BODIES: dict[str, Callable[[Any], Any]] = {
    "update": lambda c: (c[0].at[2].set(c[1][0]), c[1] * 0.5),
    "momentum": lambda c: momentum(*c),
    "coupled": lambda c: (c[0] - 0.1 * c[1], 0.9 * c[1] + c[0]),
    "shift": lambda c: (jnp.roll(c[0], 1), c[1] + c[0]),
    "swap": lambda c: (c[1], c[0]),
    "fibonacci": lambda c: (c[1], 0.3 * c[0] + c[1]),
    "reverse": lambda c: (c[0][::-1] * 0.5, c[1] - c[0][::-1]),
    "mixed": lambda c: (jnp.sin(c[1]), jnp.cos(c[0]) + c[1][::-1]),
    "twice": lambda c: (c[0] + c[1], c[0] + c[1]),
    "kept": lambda c: (c[0], c[1] + c[0].at[0].add(c[1][1])),
    "sum": lambda c: (c[0] / jnp.sum(c[0] ** 2), c[1] * c[0][3]),
    "branch": lambda c: jax.lax.cond(
        c[0][0] > c[1][0], lambda: (c[1] * 2, c[0]), lambda: (c[0] + c[1], c[0][::-1])
    ),
}


@pytest.mark.parametrize("name", BODIES)
def test_carried_arrays(name: str) -> None:
    body = BODIES[name]

    def function(x: Any, y: Any) -> Any:
        """Keep what a loop starts from, and what it makes on the way."""
        twice = repeat(lambda c: repeat(body, 2)(*c))(x * 2, y + x)
        (a, b), rows = jax.lax.scan(lambda c, _: (body(c), c), (x, y), length=3)
        return a, b, rows, x * y, twice

    check(function, X, SHIFTED)


@pytest.mark.parametrize("name", ["update", "momentum", "kept", "sum"])
def test_nothing_is_copied_in_a_loop(name: str) -> None:
    assert copies_in_loops(repeat(BODIES[name]), X, SHIFTED) == (name == "kept")


def test_neighbouring_loops_become_one() -> None:
    def step(x: Any, velocity: Any, scale: Any) -> Any:
        slope = (x * x - 1) * x
        velocity = 0.9 * velocity + slope
        scale = 0.99 * scale + slope * slope
        return x - 0.1 * velocity / (1 + jnp.sqrt(scale)), velocity, scale

    function = repeat(lambda c: step(*c))
    check(function, X, SHIFTED, X * X)
    stages = qj.qjit(function).stages(X, SHIFTED, X * X)
    texts = stages["quantum"], stages["vectorize-batches"]
    counts = [text.count("scf.for") for text in texts]
    assert counts == [5, 2]


def test_nested_loops_share_their_arrays() -> None:
    def inner(x: Any) -> Any:
        return jax.lax.fori_loop(0, 5, lambda i, x: x.at[i].add(1.0), x)

    function = repeat(lambda c: (inner(c[0]),))
    check(function, X)
    assert copies_in_loops(function, X) == 0


def test_a_sum_of_floats_may_be_reordered() -> None:
    text = qj.qjit(lambda x: jnp.sum(x) + x[0])(X)
    np.testing.assert_allclose(text, jnp.sum(X) + X[0])
    ir = qj.qjit(lambda x: jnp.sum(x) + x[0]).stages(X)["ir"]
    assert len(re.findall("fadd reassoc", ir)) == 1


UNARY: list[Callable[[Any], Any]] = [
    lambda x: x * 0.5,
    lambda x: x[::-1],
    lambda x: jnp.sin(x),
    lambda x: jnp.roll(x, 2),
    lambda x: x.at[1].set(0.25),
    lambda x: x.at[jnp.array([0, 3])].add(x[:2]),
    lambda x: jnp.broadcast_to(jnp.sum(x), x.shape),
    lambda x: jnp.cumsum(x) * 0.1,
    lambda x: jax.lax.dynamic_update_slice(x, x[3:] + 1, (0,)),
    lambda x: x.reshape(5, 1)[:, 0],
    lambda x: jnp.stack([x, -x])[1],
]
BINARY: list[Callable[[Any, Any], Any]] = [
    lambda x, y: x + y,
    lambda x, y: x * y[::-1],
    lambda x, y: jnp.where(x > y, x, y),
    lambda x, y: x.at[2].set(y[1]),
]
step = st.one_of(
    st.tuples(st.just(1), st.integers(0, len(UNARY) - 1), *[st.integers(0, 9)] * 2),
    st.tuples(st.just(2), st.integers(0, len(BINARY) - 1), *[st.integers(0, 9)] * 2),
)


@settings(max_examples=12, deadline=None)
@given(
    st.lists(step, min_size=1, max_size=7),
    st.lists(st.integers(0, 9), min_size=2, max_size=2),
    st.integers(0, 2),
)
def test_random_programs(steps: Any, kept: Any, loops: int) -> None:
    def body(carry: Any) -> Any:
        values = list(carry)
        for arity, rule, first, second in steps:
            x, y = values[first % len(values)], values[second % len(values)]
            values.append(UNARY[rule](x) if arity == 1 else BINARY[rule](x, y))
        return tuple(jnp.tanh(values[len(values) - 1 - k % len(values)]) for k in kept)

    function = body
    for _ in range(loops):
        function = (lambda inner: lambda carry: repeat(inner, 2)(*carry))(function)
    check(lambda x, y: function((x, y)), X, SHIFTED)


def workspace_bytes(function: Callable[..., Any], *args: Any) -> int:
    text = qj.qjit(function).stages(*args)["ir"]
    found = re.findall(
        r"alloca \[(\d+) x i8\]|@\"aligned_alloc\"\(i64 64, i64 (\d+)", text
    )
    return sum(int(size) for pair in found for size in pair if size)


def test_buffers_that_do_not_live_together_share_memory() -> None:
    def stages(count: int) -> Callable[[Any], Any]:
        def function(x: Any) -> Any:
            for _ in range(count):
                x = jnp.cumsum(jnp.sin(x)) / x.size
            return x

        return function

    x = jnp.linspace(0.0, 1.0, 1000)
    check(stages(6), x)
    assert workspace_bytes(stages(2), x) == workspace_bytes(stages(6), x) <= 16384

    def repeated(x: Any) -> Any:
        return repeat(lambda c: (stages(6)(c[0]), c[1] + stages(4)(c[0])))(x, x)

    check(repeated, x)
    assert workspace_bytes(repeated, x) <= 6 * 8192
