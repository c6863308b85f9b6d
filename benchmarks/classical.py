"""Classical loops: they have no quantum part, and JAX itself takes part."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from comparison import Ahead, Case, Framework, Program, Table
from programs import STEPS


def power_iteration(framework: Framework, seed: int) -> Program:
    """Build 100 steps of the power method on a matrix of 200 rows."""
    import jax.numpy as jnp

    random = np.random.default_rng(seed)
    matrix = random.normal(size=(200, 200))

    def iterate(matrix, start):
        def step(vector):
            product = matrix @ vector
            return product / jnp.sqrt(jnp.sum(product**2))

        vector = framework.loop(STEPS, step, start)
        return vector @ (matrix @ vector)

    return framework.jit(iterate), (matrix @ matrix.T, random.normal(size=200))


def recurrence(framework: Framework, seed: int) -> Program:
    """Build a million steps of Newton's method for a root, with a little noise."""

    def iterate(x):
        def step(x):
            return 0.5 * (x + 2.0 / x) + 1e-9

        return framework.loop(1_000_000, step, x)

    return framework.jit(iterate), (np.float64(1 + seed),)


def adam(framework: Framework, seed: int) -> Program:
    """Build optax's Adam on 1,000 parameters."""
    import jax
    import jax.numpy as jnp
    import optax

    optimizer = optax.adam(0.01)

    def train(parameters):
        def step(carry):
            parameters, state = carry
            slope = jax.grad(lambda p: jnp.sum((p**2 - 1) ** 2))(parameters)
            updates, state = optimizer.update(slope, state)
            return optax.apply_updates(parameters, updates), state

        start = (parameters, optimizer.init(parameters))
        return framework.loop(STEPS, step, start)[0]

    start = np.random.default_rng(seed).normal(size=1000)
    return framework.jit(train), (start,)


def _cases() -> Iterator[tuple[str, Case]]:
    shared: dict[str, Any] = {
        "peers": ("jax", "catalyst"),
        "goals": (Ahead(1 / 1.5),),
    }
    for name, title, build, steps in (
        ("power", "power iteration, 200 rows", power_iteration, STEPS),
        ("recurrence", "scalar recurrence", recurrence, 1_000_000),
        ("adam", "optax Adam, 1,000 parameters", adam, STEPS),
    ):
        yield name, Case(title, build, per="step", count=steps, **shared)
        title += ", compiled and run"
        yield (
            f"{name}-compile",
            Case(title, build, action="compile", per="program", **shared),
        )


CLASSICAL = Table(
    "Classical loops",
    "Loops without a quantum part, warm and from the Python function to the first "
    "result. The goal is to be within 1.5 times the fastest peer.",
    dict(_cases()),
)
