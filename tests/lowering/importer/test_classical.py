"""Imported and compiled classical programs agree with `jax.jit`."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax import lax

from tests.support.native import COMPLEX, FLOATS, INTEGERS, check, sample

UNARY: dict[Any, list[Any]] = {
    **{
        f: FLOATS + COMPLEX
        for f in (
            *(lax.sin, lax.cos, lax.tan, lax.asin, lax.acos, lax.atan, lax.sinh),
            *(lax.cosh, lax.tanh, lax.asinh, lax.atanh, lax.exp, lax.exp2, lax.expm1),
            *(lax.log, lax.log1p, jnp.log2, lax.sqrt, lax.rsqrt, lax.logistic),
        )
    },
    **{
        f: FLOATS
        for f in (
            *(lax.cbrt, lax.erf, lax.erfc, lax.floor, lax.ceil, lax.is_finite),
            *(lax.lgamma, lax.round),
        )
    },
    lax.neg: FLOATS + COMPLEX + INTEGERS,
    lax.sign: FLOATS + COMPLEX + INTEGERS,
    lax.abs: FLOATS + COMPLEX + INTEGERS[:4],
    lax.square: FLOATS + COMPLEX + INTEGERS,
    lax.real: COMPLEX,
    lax.imag: COMPLEX,
    lax.conj: COMPLEX,
    lax.bitwise_not: [*INTEGERS, np.bool_],
    lax.population_count: INTEGERS,
    lax.clz: INTEGERS,
}
BINARY: dict[Any, list[Any]] = {
    lax.add: FLOATS + COMPLEX + INTEGERS,
    lax.sub: FLOATS + COMPLEX + INTEGERS,
    lax.mul: FLOATS + COMPLEX + INTEGERS,
    lax.div: FLOATS + COMPLEX + INTEGERS,
    lax.rem: FLOATS + INTEGERS,
    lax.max: FLOATS + INTEGERS + [np.bool_],
    lax.min: FLOATS + INTEGERS + [np.bool_],
    lax.pow: FLOATS + COMPLEX,
    lax.atan2: FLOATS,
    lax.nextafter: FLOATS,
    lax.complex: FLOATS,
    lax.bitwise_and: [*INTEGERS, np.bool_],
    lax.bitwise_or: [*INTEGERS, np.bool_],
    lax.bitwise_xor: [*INTEGERS, np.bool_],
    lax.shift_left: INTEGERS,
    lax.shift_right_logical: INTEGERS,
    lax.shift_right_arithmetic: INTEGERS,
    lax.eq: FLOATS + COMPLEX + INTEGERS + [np.bool_],
    lax.ne: FLOATS + COMPLEX + INTEGERS + [np.bool_],
    lax.lt: FLOATS + INTEGERS,
    lax.le: FLOATS + INTEGERS,
    lax.gt: FLOATS + INTEGERS,
    lax.ge: FLOATS + INTEGERS,
}


def _named(table: dict[Any, list[Any]]) -> list[Any]:
    return [pytest.param(f, kinds, id=f.__name__) for f, kinds in table.items()]


@pytest.mark.parametrize(("function", "dtypes"), _named(UNARY))
def test_unary(function: Any, dtypes: list[Any]) -> None:
    args = [sample(dtype, shape) for dtype in dtypes for shape in ((), (2, 3))]
    check(lambda *xs: [function(x) for x in xs], *args)


@pytest.mark.parametrize(("function", "dtypes"), _named(BINARY))
def test_binary(function: Any, dtypes: list[Any]) -> None:
    left = [sample(dtype, shape) for dtype in dtypes for shape in ((), (2, 3))]
    right = [sample(x.dtype, x.shape, 1) for x in left]
    check(
        lambda xs, ys: [function(x, y) for x, y in zip(xs, ys, strict=True)],
        left,
        right,
    )


@pytest.mark.parametrize("exponent", [-3, -1, 0, 1, 2, 5])
def test_integer_power(exponent: int) -> None:
    check(lambda x, y: (x**exponent, y**exponent), 1.7, np.float32(0.3))


def test_integer_base_and_exponent() -> None:
    check(lambda x, y: (x**y, lax.pow(x * 1.5, y)), np.arange(-3, 4), np.arange(7))


def test_special_floats() -> None:
    x = np.array([0.0, -0.0, 1.0, -1.5, np.inf, -np.inf, np.nan, 2.5, 1e300, -0.5])
    check(
        lambda x: (
            *(lax.sign(x), lax.is_finite(x), lax.max(x, x[::-1]), lax.abs(x)),
            *(lax.min(x, x[::-1]), lax.round(x), jnp.round(x), lax.floor(x), x == x),
            *(jnp.argmax(x), jnp.argmin(x), lax.clamp(-1.0, x, 1.0), jnp.isnan(x)),
            *(x != x[::-1], x < x[::-1], lax.sqrt(x), lax.log(x), lax.exp(x)),
        ),
        x,
    )


def test_integer_corners() -> None:
    for dtype in (np.int32, np.int64, np.int8):
        low, high = np.iinfo(dtype).min, np.iinfo(dtype).max
        x = np.array([low, high, 7, -7, 0, low], dtype)
        y = np.array([-1, 0, 0, -2, 0, 1], dtype)
        check(lambda x, y: (lax.div(x, y), lax.rem(x, y), lax.abs(x), -x), x, y)
    u = np.array([0, 7, 2**32 - 1], np.uint32)
    check(lambda u: (u // jnp.uint32(0), -u, u << jnp.uint32(40), u + u), u)


@pytest.mark.parametrize("source", [*FLOATS, *COMPLEX, *INTEGERS, np.bool_])
def test_conversions(source: Any) -> None:
    targets = [*FLOATS, *COMPLEX, *INTEGERS, np.bool_]
    x = sample(source, (4,)) * (3 if source != np.bool_ else True)
    x = np.asarray(x, source)
    if np.dtype(source).kind == "c":
        targets = COMPLEX
    check(lambda x: [lax.convert_element_type(x, t) for t in targets], x)


def test_large_unsigned_to_float() -> None:
    x = np.array([0, 1, 2**63, 2**64 - 1, 2**53 + 1], np.uint64)
    check(lambda x: x.astype(np.float64), x)


def test_bitcast() -> None:
    check(lambda x: lax.bitcast_convert_type(x, np.int64), sample(np.float64, (3,)))


def test_selection() -> None:
    x, y = sample(np.float64, (5,)), sample(np.float64, (5,), 1)
    check(lambda x, y: (jnp.where(x > y, x, y), jnp.where(x[0] > 0, x, y)), x, y)
    which = np.array([0, 2, 1, 2, 0], np.int32)
    check(lambda w, x, y: lax.select_n(w, x, y, x * y), which, x, y)


MATRIX = sample(np.float64, (4, 6))
SHAPE_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "broadcast": lambda a: a + a[0] + a[:, :1],
    "broadcast_to": lambda a: jnp.broadcast_to(jnp.sin(a), (3, 4, 6)),
    "reshape": lambda a: (jnp.sin(a).reshape(2, 12), a.reshape(-1), a.reshape(4, 1, 6)),
    "scalar_reshape": lambda a: (a[0, 0].reshape(1, 1), a[:1, :1].reshape(())),
    "transpose": lambda a: (
        jnp.sin(a).T @ a,
        jnp.transpose(a.reshape(2, 2, 6), (2, 0, 1)),
    ),
    "slices": lambda a: (a[1:3, ::2], a[::-1], a[-1], a[..., 1:]),
    "concatenate": lambda a: jnp.concatenate([a, a * 2, a[:1]], 0),
    "stack": lambda a: jnp.stack([a, -a], 1),
    "split": lambda a: jnp.split(jnp.cos(a), 3, 1),
    "pad": lambda a: jnp.pad(a, ((1, 2), (0, 3))),
    "lax_pad": lambda a: lax.pad(a, 9.0, ((-1, 2, 1), (2, -3, 0))),
    "negative_pad": lambda a: lax.pad(a, 9.0, ((-1, -1, 2), (-4, 1, 1))),
    "iota": lambda a: a + jnp.arange(6) + lax.broadcasted_iota(np.int32, (4, 6), 0),
    "roll": lambda a: jnp.roll(a, 2, 1),
    "tile": lambda a: jnp.tile(a, (2, 1)),
    "triangle": lambda a: (jnp.tril(a), jnp.eye(4) @ a),
    "diagonal": lambda a: (jnp.diag(a[:, :4]), jnp.trace(a), jnp.diag(a[0])),
}
REDUCTIONS: dict[str, Callable[..., Any]] = {
    "sum": lambda a: (a.sum(), a.sum(0), a.sum(1), jnp.sin(a).sum((0, 1))),
    "product": lambda a: (a.prod(), a.prod(0)),
    "extremes": lambda a: (a.max(), a.min(0), (a > 0.5).any(), (a > 0.1).all(1)),
    "arguments": lambda a: (a.argmax(), a.argmax(0), a.argmin(1)),
    "cumulative": lambda a: (jnp.cumsum(a, 1), jnp.cumprod(a, 0), lax.cummax(a, 1)),
    "reversed": lambda a: (lax.cumsum(a, 0, reverse=True), lax.cummin(a)),
    "mean": lambda a: (a.mean(), a.var(0), jnp.linalg.norm(a)),
    "matmul": lambda a: (a @ a.T, a @ a[0], a[:, 0] @ a, a[0] @ a[1]),
    "batched": lambda a: jnp.einsum(
        "bij,bkj->bik", a.reshape(2, 2, 6), a.reshape(2, 2, 6)
    ),
    "outer": lambda a: (jnp.outer(a[0], a[1]), jnp.kron(a[:2, :2], a[:2, :2])),
    "tensordot": lambda a: jnp.tensordot(a, a, ((0, 1), (0, 1))),
    "softmax": lambda a: jax.nn.softmax(a),
}


def _total_slope(function: Callable[..., Any]) -> Callable[..., Any]:
    return jax.grad(lambda a: jnp.sum(function(a)))


@jax.custom_batching.custom_vmap
def _batched_in_a_way(a: Any) -> Any:
    return jnp.sin(a)


@_batched_in_a_way.def_vmap
def _(size: int, batched: Any, a: Any) -> Any:
    return jnp.cos(a), batched[0]


def _root(a: Any) -> Any:
    def refined(residual: Any, start: Any) -> Any:
        return lax.fori_loop(0, 9, lambda _, x: x - residual(x) / (2 * x), start)

    return lax.custom_root(
        lambda x: x * x - a,
        jnp.ones_like(a),
        refined,
        lambda f, y: y / f(jnp.ones_like(y)),
    )


# Functions that JAX makes of primitives that wrap others, from some version on.
WRAPPED: dict[str, Callable[..., Any]] = {
    "batched_in_a_way": jax.vmap(_batched_in_a_way),
    "composite": lambda a: lax.composite(jnp.sin, "tests.sine")(a),
    "exponential": _total_slope(jax.scipy.linalg.expm),
    "mantissas": lambda a: (jnp.frexp(a), jnp.ldexp(a, 3)),
    "nonzero": lambda a: jnp.nonzero(a > 0.5, size=30, fill_value=-1),
    "polynomial": lambda a: jnp.polyval(a[0], a),
    "root": lambda a: (_root(a), _total_slope(_root)(a)),
    "searches": lambda a: jnp.searchsorted(jnp.sort(a[0]), a),
    "slopes": lambda a: [
        _total_slope(f)(a - 0.5) for f in (jnp.tanh, jnp.arcsin, jnp.arctanh)
    ],
    "unpacked": lambda a: [row * place for place, row in enumerate(a)],
}


@pytest.mark.parametrize("name", WRAPPED)
def test_wrapped_primitives(name: str) -> None:
    check(WRAPPED[name], MATRIX[:, :4])


@pytest.mark.parametrize("name", SHAPE_FUNCTIONS)
def test_shapes(name: str) -> None:
    check(SHAPE_FUNCTIONS[name], MATRIX)


@pytest.mark.parametrize("name", REDUCTIONS)
def test_reductions(name: str) -> None:
    check(REDUCTIONS[name], MATRIX)
    if name not in ("arguments", "extremes", "cumulative", "reversed", "softmax"):
        check(REDUCTIONS[name], MATRIX + 1j * MATRIX[::-1])


@pytest.mark.parametrize("dtype", [*INTEGERS, np.float32])
def test_reductions_over_dtypes(dtype: Any) -> None:
    x = sample(dtype, (3, 4))
    check(lambda x: (x.sum(1), x.max(), x.argmin(0), jnp.cumsum(x, 0), x @ x.T), x)


@pytest.mark.parametrize("index", [-9, -1, 0, 2, 3, 99])
def test_dynamic_indices(index: int) -> None:
    check(
        lambda a, i: (
            *(a[i], a[1, i], a[:, i], a.at[i].set(2.0), a.at[i, 1].add(3.0)),
            *(a.at[i].get(mode="fill", fill_value=5.0), a.at[i].get(mode="clip")),
            lax.dynamic_slice(a, (i, 1), (2, 3)),
            lax.dynamic_update_slice(a, a[:2, :2] * 9, (i, i)),
            a.at[i].set(7.0, mode="clip"),
        ),
        MATRIX,
        index,
    )


def test_index_arrays() -> None:
    rows = np.array([1, 1, 3, 0])
    check(
        lambda a, r: (
            *(a[r], a[r, r], a[:, r], a.at[r].add(2.0), a.at[r, r].mul(3.0)),
            *(a.at[r].max(0.5), a.at[r].min(a[r] * 2), a.at[:, r].set(1.0)),
            *(jnp.take(a, r, 1), jnp.take_along_axis(a, r[:, None], 1)),
            jnp.zeros(5).at[r].add(1.0),
        ),
        MATRIX,
        rows,
    )


def test_batched_gather() -> None:
    rows = np.array([[1, 2], [0, 3], [4, 5], [1, 1]])
    check(lambda a, r: jax.vmap(lambda x, i: x[i])(a, r), MATRIX, rows)
    check(lambda a, r: jax.vmap(lambda x, i: x.at[i].add(1.0))(a, r), MATRIX, rows)


CONTROL: dict[str, Callable[..., Any]] = {
    "cond": lambda a: lax.cond(
        a[0, 0] > 0.5, lambda x: (x, x[0, 0]), lambda x: (-x, 1.0), a
    ),
    "switch": lambda a: [
        lax.switch(i, [lambda x: x, lambda x: x * 2, lambda x: -x], a)
        for i in (-1, 1, 5)
    ],
    "dynamic_switch": lambda a: lax.switch(
        (a[0, 0] * 9).astype(int) - 3, [lambda x: x, lambda x: x * 2, lambda x: -x], a
    ),
    "while": lambda a: lax.while_loop(
        lambda c: c[0] < 50, lambda c: (c[0] * 2, c[1] + c[0]), (a[0, 0] + 1, a)
    ),
    "array_condition": lambda a: lax.while_loop(
        lambda x: x.sum() < 99, lambda x: x * 2, a
    ),
    "fori": lambda a: lax.fori_loop(0, 4, lambda i, x: x * 1.5 + i, a),
    "dynamic_bound": lambda a: lax.fori_loop(0, a.argmax(), lambda i, x: x + i, a),
    "scan": lambda a: lax.scan(lambda c, x: (c + jnp.sin(x), c * x), a[0], a),
    "scan_reverse": lambda a: lax.scan(
        lambda c, x: (c + x, (c * x).sum()), a[0], a, reverse=True
    ),
    "scan_scalars": lambda a: lax.scan(lambda c, x: (c * x, c + x), 1.0, a[0]),
    "nested": lambda a: lax.fori_loop(
        0, 3, lambda i, x: lax.fori_loop(0, i, lambda j, y: y + x[0, 0] * j, x), a
    ),
    "gradient": jax.grad(
        lambda a: lax.scan(lambda c, x: (c * jnp.sin(x), c * x), a[0], a)[1].sum()
    ),
    "associative": lambda a: lax.associative_scan(jnp.add, a),
    "map": lambda a: lax.map(lambda x: jnp.sin(x).sum(), a),
    "empty_scan": lambda a: lax.scan(lambda c, x: (c + x, c), a[0], a[:0]),
    "jit": lambda a: jax.jit(lambda x: jax.jit(jnp.sin)(x) + x)(a),
    "custom_jvp": lambda a: jax.nn.relu(a - 0.5) + jax.nn.silu(a),
    "remat": jax.grad(lambda a: jax.checkpoint(lambda x: jnp.sin(jnp.sin(x)))(a).sum()),
}


@pytest.mark.parametrize("name", CONTROL)
def test_control_flow(name: str) -> None:
    check(CONTROL[name], MATRIX)


ALIASING: dict[str, Callable[..., Any]] = {
    "swap": lambda a: lax.fori_loop(0, 3, lambda i, c: (c[1], c[0] + 1), (a, a * 2)),
    "rotate": lambda a: lax.fori_loop(
        0, 4, lambda i, c: (c[1], c[2], c[0].at[i].set(i * 1.0)), (a, a * 2, a * 3)
    ),
    "update_in_loop": lambda a: lax.fori_loop(
        0, 4, lambda i, x: x.at[i, i].set(i * 2.0), a
    ),
    "read_after_update": lambda a: (a.at[0].set(1.0), a),
    "read_old_elements": lambda a: lax.fori_loop(
        0, 3, lambda i, x: x.at[1:].set(x[:-1] * 2), a
    ),
    "lazy_reader": lambda a: lax.fori_loop(
        0,
        3,
        lambda i, c: (c[0].at[i].set(7.0), c[1] + jnp.sin(c[0])),
        (a, a),
    ),
    "view_of_updated": lambda a: lax.fori_loop(
        0, 3, lambda i, c: (c[0].at[i].set(7.0), c[0].reshape(24)), (a, a.reshape(24))
    ),
    "transposed_carry": lambda a: lax.fori_loop(0, 3, lambda i, x: x.T + 0, a[:, :4]),
    "reversed_carry": lambda a: lax.fori_loop(0, 3, lambda i, x: x[::-1], a),
    "same_twice": lambda a: lax.fori_loop(0, 3, lambda i, c: (c[0], c[0]), (a, a * 2)),
    "carry_and_row": lambda a: lax.scan(lambda c, x: (x, c), a[0], a),
    "constant_update": lambda a: lax.fori_loop(
        0, 3, lambda i, x: x + jnp.zeros((4, 6)).at[i].set(1.0), a
    ),
    "outer_array_updated_inside": lambda a: lax.fori_loop(
        0, 3, lambda i, s: s + (2 * a).at[i].set(0.0).sum(), 0.0
    ),
    "cond_update": lambda a: lax.fori_loop(
        0,
        4,
        lambda i, x: lax.cond(
            i % 2 == 0, lambda y: y.at[i].set(0.0), lambda y: y * 2, x
        ),
        a,
    ),
    "while_condition_reads": lambda a: lax.while_loop(
        lambda c: (c[0][c[1]].sum() > 0) & (c[1] < 3),
        lambda c: (c[0].at[c[1]].set(-1.0), c[1] + 1),
        (a, 0),
    ),
}


@pytest.mark.parametrize("name", ALIASING)
def test_aliasing(name: str) -> None:
    check(ALIASING[name], MATRIX)


# Continuous, or compared with no sum: the order of adding decides near ties.
STEPS: list[Callable[[Any, Any], Any]] = [
    lambda x, y: x + y,
    lambda x, y: jnp.sin(x) * y,
    lambda x, y: x[::-1] - y,
    lambda x, y: x.at[1].set(y[0, 0]),
    lambda x, y: x.at[0].add(y[1]),
    lambda x, y: jnp.cumsum(x, 0) + y.mean(),
    lambda x, y: x.reshape(3, 2).T + y,
    lambda x, y: jnp.where(x > y, x, y),
    lambda x, y: lax.fori_loop(0, 2, lambda i, z: z.at[i, i].set(x[i, 0]), y),
    lambda x, y: lax.cond(
        x[0, 0] > 0.0123, lambda a, b: a, lambda a, b: b.at[0].set(1.0), x, y
    ),
    lambda x, y: jnp.concatenate([x[:, :1], y[:, 1:]], 1),
    lambda x, y: (x @ y.T) @ y,
    lambda x, y: lax.scan(lambda c, r: (c * 0.5 + r, c), x[0], y)[1],
]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, len(STEPS) - 1), st.integers(0, 99), st.integers(0, 99)
        ),
        min_size=1,
        max_size=8,
    ),
    st.booleans(),
)
def test_random_programs(steps: list[tuple[int, int, int]], looped: bool) -> None:
    def program(x: Any, y: Any) -> Any:
        values = [x, y]
        for which, left, right in steps:
            made = STEPS[which](values[left % len(values)], values[right % len(values)])
            values.append(made / (1 + jnp.abs(made).max()))
        return values[-1], values[len(values) // 2]

    def repeated(x: Any, y: Any) -> Any:
        return lax.fori_loop(0, 3, lambda _, c: program(*c), (x, y))

    x, y = sample(np.float64, (2, 3)), sample(np.float64, (2, 3), 1)
    check(repeated if looped else program, x, y)
