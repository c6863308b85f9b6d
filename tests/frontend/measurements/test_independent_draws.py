"""Random numbers in nested transformations: every execution draws by itself."""

import itertools
import random
from collections.abc import Callable
from functools import cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

import qjit as qj

each = pytest.mark.parametrize
ROWS = 3
X = 0.7
# Of a vector of draws.
Function = Callable[[Any], Any]


@cache
def circuit() -> Any:
    """A circuit whose estimates are one number, which hardly occurs twice."""

    @qj.qnode(wires=2, shots=100_000, seed=5)
    def spins(angle: Any) -> Any:
        for wire in range(2):
            qj.RX(angle, wire)
        return [qj.expval(qj.Z(wire)) for wire in range(2)]

    weights = np.sqrt([2.0, 3.0])
    return lambda angle, **key: jnp.stack(spins(angle, **key)) @ weights


def draw(angle: Any) -> Any:
    return circuit()(angle)[None]


def of_jit(draws: Function) -> Function:
    return lambda angle: jax.jit(draws)(angle)


def of_closed_jit(draws: Function) -> Function:
    return lambda _: jax.jit(lambda: draws(X))()


def of_scan(draws: Function) -> Function:
    def iteration(angle: Any, carry: Any, _: Any) -> Any:
        return carry, draws(angle)

    return lambda a: lax.scan(partial(iteration, a), (), None, length=ROWS)[1].ravel()


def of_moving_scan(draws: Function) -> Function:
    def iteration(angle: Any, carry: Any, _: Any) -> Any:
        found = draws(X)
        return carry * angle + jnp.sum(found), found

    return lambda a: lax.scan(partial(iteration, a), 1.3, None, length=ROWS)[1].ravel()


def of_fori(draws: Function) -> Function:
    def run(angle: Any) -> Any:
        start = jnp.zeros((ROWS, *jax.eval_shape(draws, angle).shape))
        iteration = lambda n, found: found.at[n].set(draws(angle))  # noqa: E731
        return lax.fori_loop(0, ROWS, iteration, start).ravel()

    return run


def of_while(draws: Function) -> Function:
    def run(angle: Any) -> Any:
        start = jnp.zeros((ROWS, *jax.eval_shape(draws, angle).shape))
        iteration = lambda s: (s[0] + 1, s[1].at[s[0]].set(draws(angle)))  # noqa: E731
        return lax.while_loop(lambda s: s[0] < ROWS, iteration, (0, start))[1].ravel()

    return run


def of_cond(draws: Function) -> Function:
    return lambda angle: lax.cond(angle > 0, draws, lambda a: draws(a + 0.1), angle)


def of_rows(draws: Function) -> Function:
    return lambda a: jax.vmap(draws)(jnp.full(ROWS, a)).ravel()


def of_rows_that_share(draws: Function) -> Function:
    return lambda a: jax.vmap(lambda _: draws(a))(jnp.arange(ROWS)).ravel()


def of_map(draws: Function) -> Function:
    return lambda a: lax.map(lambda _: draws(a), jnp.arange(ROWS)).ravel()


def of_grad(draws: Function) -> Function:
    def total(angle: Any) -> Any:
        found = draws(angle)
        return found @ jnp.arange(1.0, len(found) + 1), found

    def run(angle: Any) -> Any:
        slope, found = jax.grad(total, has_aux=True)(angle)
        return jnp.append(found, slope)

    return run


def of_jacfwd(draws: Function) -> Function:
    def twice(angle: Any) -> Any:
        found = draws(angle)
        return found, found

    return lambda a: jnp.concatenate(jax.jacfwd(twice, has_aux=True)(a))


def of_jvp(draws: Function) -> Function:
    return lambda angle: jnp.concatenate(jax.jvp(draws, (angle,), (1.0,)))


def of_checkpoint(draws: Function) -> Function:
    return lambda angle: jax.checkpoint(draws)(angle)


def of_custom_jvp(draws: Function) -> Function:
    def run(angle: Any) -> Any:
        custom = jax.custom_jvp(draws)
        custom.defjvp(lambda primals, dots: jax.jvp(draws, primals, dots))
        return custom(angle)

    return run


def of_custom_vjp(draws: Function) -> Function:
    def run(angle: Any) -> Any:
        custom = jax.custom_vjp(draws)
        custom.defvjp(lambda a: jax.vjp(draws, a), lambda pull, dot: pull(dot))
        return custom(angle)

    return run


REVERSE, FORWARD = {of_grad}, {of_jacfwd, of_jvp}
STILL = {of_closed_jit, of_moving_scan}  # what they draw does not move
NESTS = [
    *(of_jit, of_closed_jit, of_scan, of_moving_scan, of_fori, of_while, of_cond),
    *(of_rows, of_rows_that_share, of_map, of_grad, of_jacfwd, of_jvp),
    *(of_checkpoint, of_custom_jvp, of_custom_vjp),
]


def has_meaning(nest: Any) -> bool:
    """Tell whether JAX takes a nest, and differentiates it at most once."""
    first = next((n for n, of in enumerate(nest) if of in REVERSE | FORWARD), None)
    if first is None:
        return True
    inside, still = set(nest[first + 1 :]), STILL & set(nest)
    excluded = of_while if nest[first] in REVERSE else of_custom_vjp
    return not (inside & (REVERSE | FORWARD) or excluded in inside or still)


def chosen(depth: int, number: int) -> list[Any]:
    """Return some of the nests, which are generated."""
    every = filter(has_meaning, itertools.product(NESTS, repeat=depth))
    return random.Random(depth).sample(list(every), number)


# Where rows or iterations shared their draws once.
KNOWN = [
    (of_rows_that_share, of_closed_jit),
    (of_rows_that_share, of_scan),
    (of_rows_that_share, of_while),
    (of_rows_that_share, of_grad),
    (of_rows_that_share, of_jvp),
    (of_rows_that_share, of_checkpoint),
    (of_grad, of_scan),
    (of_grad, of_fori, of_jit),
    (of_grad, of_checkpoint, of_scan),
]


def name(nest: Any) -> str:
    return "-".join(of.__name__[3:] for of in nest)


@each("nest", [*KNOWN, *chosen(2, 6), *chosen(3, 4)], ids=name)
def test_nested_executions_draw_independently(nest: Any) -> None:
    draws: Function = draw
    for of in reversed(nest):
        draws = of(draws)
    run = qj.qjit(draws)
    first, second = np.asarray(run(X)), np.asarray(run(X))
    np.testing.assert_array_equal(first, second)
    assert len(set(first.round(9).tolist())) == len(first)


@each("compiled", [qj.qjit, jax.jit])
def test_loops_that_do_not_move_draw_in_each_iteration(compiled: Any) -> None:
    """JAX evaluates before a differentiated loop what is the same in all iterations."""

    def loop(angle: Any) -> Any:
        inner = of_scan(jax.jit(draw))

        def iteration(carry: Any, _: Any) -> Any:
            found = jnp.concatenate([draw(X), inner(X)])
            return carry * angle + jnp.sum(found), found

        return lax.scan(iteration, 1.0, None, length=ROWS)

    slope, found = compiled(jax.grad(loop, has_aux=True))(X)
    assert len(set(np.ravel(found).tolist())) == ROWS * (1 + ROWS)
    totals = np.sum(found, axis=1)
    carried = [1.0, X + totals[0], (X + totals[0]) * X + totals[1]]
    wanted = (carried[0] * X + carried[1]) * X + carried[2]
    np.testing.assert_allclose(slope, wanted)


@each("compiled", [qj.qjit, jax.jit])
def test_statistics_of_rows_iterations_and_derivatives(compiled: Any) -> None:
    shots, iterations = 50, 400

    @qj.qnode(wires=1, shots=shots, seed=7)
    def spin(angle: Any) -> Any:
        qj.RX(angle, 0)
        return qj.expval(qj.Z(0))

    def iteration(angle: Any, carry: Any, _: Any) -> Any:
        row = lambda _: jnp.stack(  # noqa: E731
            [jax.jit(spin)(angle), *jax.value_and_grad(spin)(angle)]
        )
        return carry, jax.vmap(row)(jnp.arange(2)).ravel()

    run = compiled(
        lambda a: lax.scan(partial(iteration, a), (), None, length=iterations)[1]
    )
    found = np.asarray(run(1.2))
    exact = np.tile([np.cos(1.2), np.cos(1.2), -np.sin(1.2)], 2)
    spread = np.tile([np.sin(1.2), np.sin(1.2), np.cos(1.2) / np.sqrt(2)], 2)
    spread /= np.sqrt(shots)
    assert np.all(abs(found.mean(0) - exact) < 5 * spread / np.sqrt(iterations))
    np.testing.assert_allclose(found.std(0), spread, rtol=0.2)
    # Also with the iteration before.
    columns = np.concatenate([found[1:], found[:-1]], axis=1)
    correlations = np.corrcoef(columns.T) - np.eye(12)
    assert abs(correlations).max() < 5 / np.sqrt(iterations)


def test_rows_of_given_keys() -> None:
    def keyed(key: Any) -> Any:
        return jax.jit(lambda: circuit()(X, key=key))()

    def all_of(keys: Any) -> Any:
        rows = jax.vmap(keyed)(keys)
        iterations = lax.scan(lambda c, key: (c, keyed(key)), (), keys)[1]
        return rows, iterations, jax.vmap(lambda _: keyed(keys[0]))(jnp.arange(ROWS))

    keys = jax.random.split(jax.random.key(0), ROWS)
    rows, iterations, shared = map(np.asarray, qj.qjit(all_of)(keys))
    np.testing.assert_array_equal(rows, iterations)
    assert len(set(rows.tolist())) == ROWS
    assert set(shared.tolist()) == {rows[0]}


@each(
    "inner",
    [lambda f: f, jax.jit, lambda f: lambda a: lax.map(f, a[None])[0]],
    ids=["alone", "jit", "map"],
)
def test_checkpoints_draw_the_same_again(inner: Any) -> None:
    @jax.checkpoint
    def run(angle: Any) -> Any:
        found = inner(circuit())(jnp.asarray(X))
        return jnp.sin(angle * found), found

    slope, found = qj.qjit(jax.grad(run, has_aux=True))(X)
    assert slope == pytest.approx(found * np.cos(X * found))


def test_directions_of_a_derivative_are_of_one_execution() -> None:
    still = jax.jit(lambda: circuit()(X))

    def run(angles: Any) -> Any:
        found = jax.jit(circuit())(angles[0])
        return angles[1] * still() + found, found

    slopes, found = qj.qjit(jax.jacfwd(run, has_aux=True))(jnp.array([X, X, X]))
    assert slopes.shape == (3,)
    assert found.shape == ()
    # What was batched for directions is not taken for other rows.
    rows = qj.qjit(lambda: jax.vmap(lambda _: still())(jnp.arange(3)))()
    assert len(set(rows.tolist())) == 3


def in_checkpoint(loop: Any) -> Any:
    return jax.checkpoint(lambda angle: jnp.sin(angle * loop()))


def in_scan(loop: Any) -> Any:
    def iteration(angle: Any, carry: Any, _: Any) -> Any:
        return carry * angle + loop(), None

    return lambda a: lax.scan(partial(iteration, a), 1.0, None, length=2)[0]


@each("around", [in_checkpoint, in_scan])
def test_loops_whose_draws_cannot_be_kept(around: Any) -> None:
    def loop() -> Any:
        step = lambda state: (state[0] + 1, state[1] + circuit()(X))  # noqa: E731
        return lax.while_loop(lambda state: state[0] < 2, step, (0, 0.0))[1]

    with pytest.raises(
        qj.errors.UnsupportedError, match=r"draws\.py:\d+: a while_loop"
    ):
        qj.qjit(jax.grad(around(loop)))(X)
