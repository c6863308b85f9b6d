"""Random compositions of JAX's control flow, transformations and custom rules.

A program is a function of an array and an integer, made by composing smaller ones. All
choices are made before it is traced, so that it is the same whenever it is.
"""

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

import qjit as qj

Function = Callable[[Any, Any], Any]
Needs = frozenset[str]  # "forward", "reverse": how a function is differentiated
Combinator = Callable[["Composer", int, Needs], Function]

BOTH: Needs = frozenset({"forward", "reverse"})
FORWARD: Needs = frozenset({"forward"})
REVERSE: Needs = frozenset({"reverse"})


@qj.qnode(wires=2)
def circuit(angle: Any, wire: Any) -> Any:
    """A small circuit with a wire that is computed."""
    qj.RY(angle, wires=0)
    qj.RX(0.3 + angle, wires=wire % 2)
    qj.CNOT(wires=[0, 1])
    return qj.expval(qj.Z(1) + 0.5 * qj.X(0))


def _quantum(x: Any, k: Any) -> Any:
    return x + 0.3 * circuit(jnp.sum(x), k)


LEAVES: Sequence[Function] = (
    lambda x, k: jnp.sin(1.3 * x + 0.2),
    lambda x, k: 0.5 * x + k / 8,
    lambda x, k: jnp.where(x > 0.3, x, 0.25 - x),
    lambda x, k: x * jnp.tanh(x) - 0.1 * jnp.cumsum(x),
    lambda x, k: jnp.roll(x, 1) - 0.4 * x,
    lambda x, k: x[::-1] * 0.9 + 0.05,
    lambda x, k: jax.nn.softmax(x) + x / 3,
    lambda x, k: x.at[k % len(x)].add(0.3).at[0].multiply(0.7),
    lambda x, k: x + lax.dynamic_slice(x, (k,), (1,)) / 4,
    lambda x, k: 0.2 * x + jnp.take(x, jnp.asarray([2, 0, 1]) + k % 2, mode="clip"),
    lambda x, k: jnp.outer(x, x).sum(0) * 0.2 - x,
    lambda x, k: jnp.asarray([[0.1, 0.5, 0.0], [0.4, 0, 0.2], [0, 0.3, 0.3]]) @ x,
    lambda x, k: jnp.sort(x) + 0.1,
    lambda x, k: jnp.real(jnp.fft.fft(x)) / 3,
    lambda x, k: jnp.exp(-x * x) - jax.scipy.special.logsumexp(x) / 5,
    lambda x, k: x - lax.stop_gradient(x) / 2,
)
FIRST_ORDER: Sequence[Function] = (_quantum,)  # compile slowly when differentiated


class Composer:
    """Draws functions of an array of three reals and an integer to such an array."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.used: list[str] = []

    def function(self, depth: int, needs: Needs = frozenset()) -> Function:
        """Draw a function with so many combinators around one another."""
        if not depth:
            leaves = LEAVES if needs else (*LEAVES, *FIRST_ORDER)
            return self.random.choice(leaves)
        names = [n for n, (have, _) in COMBINATORS.items() if needs <= have]
        name = self.random.choice(names)
        self.used.append(name)
        return COMBINATORS[name][1](self, depth - 1, needs)


def _bounded(x: Any) -> Any:
    return x / (1 + jnp.abs(x) / 4)


def _jit(draw: Composer, depth: int, needs: Needs) -> Function:
    return jax.jit(draw.function(depth, needs))


def _chain(draw: Composer, depth: int, needs: Needs) -> Function:
    first, second = draw.function(depth, needs), draw.function(depth // 2, needs)
    return lambda x, k: second(first(x, k), k + 1) + 0.1 * x


def _scan(draw: Composer, depth: int, needs: Needs) -> Function:
    body, out = draw.function(depth, needs), draw.function(0, needs)
    length, reverse = draw.random.choice([0, 1, 3]), draw.random.random() < 0.3
    unroll = draw.random.choice([1, 1, 2])

    def function(x: Any, k: Any) -> Any:
        def step(carry: Any, row: Any) -> Any:
            x, k = carry
            return (_bounded(body(x + row, k)), k + 1), out(x, k)

        rows = jnp.linspace(0.0, 0.5, 3 * length).reshape(length, 3)
        (x, _), outs = lax.scan(step, (x, k), rows, reverse=reverse, unroll=unroll)
        return x + jnp.sum(outs, 0) * 0.2

    return function


def _fori(draw: Composer, depth: int, needs: Needs) -> Function:
    body, turns = draw.function(depth, needs), draw.random.choice([1, 2, 4])
    return lambda x, k: lax.fori_loop(
        0, turns, lambda i, x: _bounded(body(x, k + i)), x
    )


def _dynamic_fori(draw: Composer, depth: int, needs: Needs) -> Function:
    body = draw.function(depth, needs)
    return lambda x, k: lax.fori_loop(
        k % 2, (k * 3) % 5, lambda i, x: _bounded(body(x, i)), x
    )


def _while(draw: Composer, depth: int, needs: Needs) -> Function:
    body, limit = draw.function(depth, needs), draw.random.choice([0.4, 1.1, 2.3])
    most = draw.random.choice([1, 3, 5])

    def function(x: Any, k: Any) -> Any:
        def goes_on(state: Any) -> Any:
            x, _, turn = state
            return (turn < most) & (jnp.sum(jnp.abs(x)) > limit)

        def step(state: Any) -> Any:
            x, k, turn = state
            return 0.7 * _bounded(body(x, k)), k + turn, turn + 1

        return lax.while_loop(goes_on, step, (x, k, 0))[0]

    return function


def _rejection(draw: Composer, depth: int, needs: Needs) -> Function:
    body, limit = draw.function(depth, needs), draw.random.choice([0.3, 0.6, 0.9])

    def function(x: Any, k: Any) -> Any:
        def draw_again(state: Any) -> Any:
            key, _, _ = state
            key, used = jax.random.split(key)
            return key, jax.random.uniform(used, x.shape, x.dtype), state[2] + 1

        start = jax.random.key(k), jnp.full_like(x, 2.0), 0
        _, found, count = lax.while_loop(
            lambda state: jnp.max(state[1]) > limit + 0.05 * state[2], draw_again, start
        )
        return body(x + found, k) + count / 50

    return function


def _cond(draw: Composer, depth: int, needs: Needs) -> Function:
    first, second = draw.function(depth, needs), draw.function(depth // 2, needs)
    limit = draw.random.choice([-0.31, 0.22, 0.77])
    return lambda x, k: lax.cond(jnp.sum(x) > limit, first, second, x, k)


def _switch(draw: Composer, depth: int, needs: Needs) -> Function:
    branches = [draw.function(d, needs) for d in (depth, 0, depth // 2)]
    return lambda x, k: lax.switch(k - 1, branches, x, k)


def _vmap(draw: Composer, depth: int, needs: Needs) -> Function:
    inner = draw.function(depth, needs)
    axes = draw.random.choice([(0, None), (None, 0), (0, 0), (1, 0)])
    out = draw.random.choice([0, 1, -1])

    def function(x: Any, k: Any) -> Any:
        rows = jnp.stack([x, x + 0.4, x[::-1]], axes[0] or 0)
        operands = x if axes[0] is None else rows, k + jnp.asarray([0, 2, 1])
        given = operands[0], operands[1] if axes[1] is not None else k
        return jnp.sum(jax.vmap(inner, axes, out)(*given), out) / 3

    return function


def _collectives(draw: Composer, depth: int, needs: Needs) -> Function:
    inner = draw.function(depth, needs)

    def row(x: Any, k: Any) -> Any:
        k = k + lax.axis_index("rows")
        return inner(x - lax.pmean(x, "rows") / 2, k) + lax.psum(x, "rows") / 9

    return lambda x, k: jax.vmap(row, (0, None), 0, axis_name="rows")(
        jnp.stack([x, x * 0.5 + 0.1]), k
    ).sum(0)


def _map(draw: Composer, depth: int, needs: Needs) -> Function:
    inner, size = draw.function(depth, needs), draw.random.choice([None, 2])

    def function(x: Any, k: Any) -> Any:
        rows = jnp.stack([x, x * 0.3, 0.2 - x]), k + jnp.arange(3)
        found = lax.map(lambda row: inner(*row), rows, batch_size=size)
        return found.mean(0)

    return function


def _associative_scan(draw: Composer, depth: int, needs: Needs) -> Function:
    inner, reverse = draw.function(depth, needs), draw.random.random() < 0.5

    def function(x: Any, k: Any) -> Any:
        def combine(first: Any, second: Any) -> Any:
            return 0.5 * first + jax.vmap(lambda row: _bounded(inner(row, k)))(second)

        rows = jnp.stack([x, x + 0.2, x * 0.5, x - 0.1])
        return lax.associative_scan(combine, rows, reverse=reverse).mean(0)

    return function


def _grad(draw: Composer, depth: int, needs: Needs) -> Function:
    inner = draw.function(depth, needs | REVERSE)
    return lambda x, k: _bounded(jax.grad(lambda x: jnp.sin(inner(x, k)).sum())(x))


def _vjp(draw: Composer, depth: int, needs: Needs) -> Function:
    inner = draw.function(depth, needs | REVERSE)

    def function(x: Any, k: Any) -> Any:
        found, pull = jax.vjp(lambda x: inner(x, k), x)
        return _bounded(found + jax.vmap(pull)(jnp.eye(3))[0].sum(0))

    return function


def _jvp(draw: Composer, depth: int, needs: Needs) -> Function:
    inner = draw.function(depth, needs | FORWARD)

    def function(x: Any, k: Any) -> Any:
        found, dot = jax.jvp(lambda x: inner(x, k), (x,), (jnp.cos(x),))
        return _bounded(found + dot)

    return function


def _linearize(draw: Composer, depth: int, needs: Needs) -> Function:
    inner = draw.function(depth, needs | BOTH)

    def function(x: Any, k: Any) -> Any:
        found, push = jax.linearize(lambda x: inner(x, k), x)
        return _bounded(found + push(x) - push(jnp.ones_like(x)))

    return function


def _jacobian(draw: Composer, depth: int, needs: Needs) -> Function:
    forward = draw.random.random() < 0.5
    inner = draw.function(depth, needs | (FORWARD if forward else REVERSE))
    take = jax.jacfwd if forward else jax.jacrev
    return lambda x, k: _bounded(take(lambda x: inner(x, k))(x) @ jnp.cos(x))


def _checkpoint(draw: Composer, depth: int, needs: Needs) -> Function:
    inner = draw.function(depth, needs)
    policy = draw.random.choice(
        [
            None,
            jax.checkpoint_policies.everything_saveable,
            jax.checkpoint_policies.dots_saveable,
        ]
    )
    return jax.checkpoint(inner, policy=policy)


def _custom_jvp(draw: Composer, depth: int, needs: Needs) -> Function:
    inner, rule = draw.function(depth, needs), draw.function(0, needs | BOTH)

    @jax.custom_jvp
    def function(x: Any, k: Any) -> Any:
        return inner(x, k)

    @function.defjvp
    def _(primals: Any, tangents: Any) -> Any:
        x, k = primals
        scale = 1.5 + 0.1 * jnp.sum(jnp.sin(rule(x, k)))
        return function(x, k), scale * tangents[0]

    return function


def _custom_vjp(draw: Composer, depth: int, needs: Needs) -> Function:
    inner, rule = draw.function(depth, needs), draw.function(0, needs | REVERSE)

    @jax.custom_vjp
    def function(x: Any, k: Any) -> Any:
        return inner(x, k)

    def forward(x: Any, k: Any) -> Any:
        return function(x, k), (x, k)

    def backward(kept: Any, bar: Any) -> Any:
        x, k = kept
        return bar * (0.7 + 0.1 * rule(x, k)), np.zeros(np.shape(k), jax.dtypes.float0)

    function.defvjp(forward, backward)
    return function


def _custom_vmap(draw: Composer, depth: int, needs: Needs) -> Function:
    inner = draw.function(depth, needs)

    @jax.custom_batching.custom_vmap
    def function(x: Any, k: Any) -> Any:
        return inner(x, k)

    @function.def_vmap
    def _(size: int, batched: Sequence[bool], x: Any, k: Any) -> Any:
        axes = [0 if each else None for each in batched]
        return jax.vmap(inner, axes, axis_size=size)(x, k) * 0.5, True

    return function


def _reduce(draw: Composer, depth: int, needs: Needs) -> Function:
    inner = draw.function(depth, needs)

    def function(x: Any, k: Any) -> Any:
        y = inner(x, k)
        zero = jnp.zeros((), y.dtype)
        most = lax.reduce(y, zero, lambda a, b: jnp.maximum(a, b) * 0.9, (0,))
        return y * 0.3 + most

    return function


def _linear_solve(draw: Composer, depth: int, needs: Needs) -> Function:
    inner = draw.function(depth, needs)

    def function(x: Any, k: Any) -> Any:
        scale = 2.0 + jnp.abs(jnp.sin(x))

        def solve(matvec: Any, y: Any) -> Any:
            return lax.fori_loop(0, 40, lambda _, s: s + 0.3 * (y - matvec(s)), y)

        return lax.custom_linear_solve(
            lambda y: scale * y, inner(x, k), solve, symmetric=True
        )

    return function


def _root(draw: Composer, depth: int, needs: Needs) -> Function:
    inner = draw.function(depth, needs)

    def function(x: Any, k: Any) -> Any:
        target = _bounded(inner(x, k))

        def solve(f: Any, start: Any) -> Any:
            return lax.while_loop(
                lambda s: (s[1] < 60) & (jnp.max(jnp.abs(f(s[0]))) > 1e-14),
                lambda s: (s[0] - 0.5 * f(s[0]), s[1] + 1),
                (start, 0),
            )[0]

        return lax.custom_root(
            lambda y: y + 0.2 * jnp.sin(y) - target,
            jnp.zeros_like(x),
            solve,
            lambda g, y: y / g(jnp.ones_like(y)),
        )

    return function


COMBINATORS: dict[str, tuple[Needs, Combinator]] = {
    "jit": (BOTH, _jit),
    "chain": (BOTH, _chain),
    "scan": (BOTH, _scan),
    "fori_loop": (BOTH, _fori),
    "fori_loop, traced": (FORWARD, _dynamic_fori),
    "while_loop": (FORWARD, _while),
    "rejection": (BOTH, _rejection),
    "cond": (BOTH, _cond),
    "switch": (BOTH, _switch),
    "vmap": (BOTH, _vmap),
    "vmap, named": (BOTH, _collectives),
    "map": (BOTH, _map),
    "associative_scan": (BOTH, _associative_scan),
    "grad": (BOTH, _grad),
    "vjp": (BOTH, _vjp),
    "jvp": (BOTH, _jvp),
    "linearize": (BOTH, _linearize),
    "jacobian": (BOTH, _jacobian),
    "checkpoint": (BOTH, _checkpoint),
    "custom_jvp": (BOTH, _custom_jvp),
    "custom_vjp": (REVERSE, _custom_vjp),
    "custom_vmap": (frozenset(), _custom_vmap),
    "reduce": (BOTH, _reduce),
    "custom_linear_solve": (BOTH, _linear_solve),
    "custom_root": (BOTH, _root),
}
