"""Operations on the structure of arrays agree with `jax.jit`, and are native."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from jax import lax

import qjit as qj

jax.config.update("jax_enable_x64", True)

FLOATS = [np.float32, np.float64]
SIGNED = [np.int8, np.int16, np.int32, np.int64]
UNSIGNED = [np.uint8, np.uint16, np.uint32, np.uint64]
REAL = [*FLOATS, *SIGNED, *UNSIGNED, np.bool_]
ALL = [*REAL, np.complex64, np.complex128]
SPECIAL = [0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan, 2.0]

some = settings(max_examples=15, deadline=None)


def check(function: Callable[..., Any], *args: Any, exact: bool = False) -> None:
    """Compare a compiled function with what JAX makes of it."""
    compiled = qj.qjit(function)
    found = jax.tree.leaves(compiled(*args))
    expected = jax.tree.leaves(jax.jit(function)(*args))
    assert len(found) == len(expected)
    for one, other in zip(
        map(np.asarray, found), map(np.asarray, expected), strict=True
    ):
        assert one.dtype == other.dtype and one.shape == other.shape
        if exact or one.dtype.kind in "biu":
            np.testing.assert_array_equal(one, other)
            if one.dtype.kind == "f":
                np.testing.assert_array_equal(np.signbit(one), np.signbit(other))
        else:
            scale = np.max(np.abs(other), initial=1, where=np.isfinite(other))
            tolerance = scale * 100 * np.finfo(one.dtype).eps
            np.testing.assert_allclose(one, other, rtol=0, atol=tolerance)
    assert compiled.report(*args)["host"] == []


def sample(dtype: Any, shape: tuple[int, ...], seed: int = 0, wide: int = 9) -> Any:
    """Return small random numbers of any dtype, many of them equal."""
    generator = np.random.default_rng(seed)
    dtype = np.dtype(dtype)
    low = 0 if dtype.kind in "bu" else -wide
    values = generator.integers(low, 2 if dtype.kind == "b" else wide, shape)
    if dtype.kind == "c":
        return (values + 1j * generator.integers(-2, 2, shape)).astype(dtype)
    return np.asarray(values / 4 if dtype.kind == "f" else values).astype(dtype)


def special(dtype: Any, size: int, seed: int = 0) -> Any:
    """Return infinities, NaN and zeros of both signs, in random order."""
    values = np.random.default_rng(seed).choice(SPECIAL, size)
    if np.dtype(dtype).kind != "c":
        return values.astype(dtype)
    parts = values, np.random.default_rng(seed + 1).choice(SPECIAL, size)
    made = np.empty(size, dtype)
    made.real, made.imag = parts
    return made


# Sorting


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_sort(axis: int) -> None:
    xs = [sample(dtype, (3, 17, 5)) for dtype in ALL]
    check(lambda xs: [lax.sort(x, dimension=axis) for x in xs], xs, exact=True)


@pytest.mark.parametrize("dtype", [*FLOATS, np.complex64, np.complex128])
def test_sort_of_special_values_is_stable(dtype: Any) -> None:
    x = special(dtype, 50)
    check(lambda x: lax.sort((x, jnp.arange(50)), num_keys=1), x, exact=True)
    check(jnp.argsort, x)


@some
@given(
    length=st.integers(0, 70),
    keys=st.integers(1, 3),
    dtypes=st.lists(st.sampled_from(ALL), min_size=3, max_size=3),
    seed=st.integers(0, 99),
)
def test_sort_by_several_keys(
    length: int, keys: int, dtypes: list[Any], seed: int
) -> None:
    operands = [sample(d, (length, 2), seed + n, 3) for n, d in enumerate(dtypes)]

    def sort(*operands: Any) -> Any:
        places = lax.broadcasted_iota(np.int32, (length, 2), 0)
        return lax.sort((*operands, places), dimension=0, num_keys=keys)

    check(sort, *operands, exact=True)


def test_sort_that_may_swap_equals() -> None:
    x, y = sample(np.int32, (200,)), np.arange(200)

    @qj.qjit
    def sort(x: Any, y: Any) -> Any:
        return lax.sort((x, y), num_keys=1, is_stable=False)

    keys, places = sort(x, y)
    np.testing.assert_array_equal(keys, np.sort(x))
    np.testing.assert_array_equal(x[np.asarray(places)], keys)
    np.testing.assert_array_equal(np.sort(places), y)


def test_sort_of_many() -> None:
    x = np.random.default_rng(0).normal(size=10**5)
    check(lambda x: (jnp.sort(x), jnp.argsort(-x), jnp.median(x)), x)


@pytest.mark.parametrize("k", [0, 1, 5, 12])
def test_top_k(k: int) -> None:
    xs = [sample(dtype, (3, 12), wide=4) for dtype in REAL]
    check(lambda xs: [lax.top_k(x, k) for x in xs], xs, exact=True)


@pytest.mark.parametrize("dtype", FLOATS)
def test_top_k_of_special_values(dtype: Any) -> None:
    """JAX orders negative NaN, ..., -0, 0, ..., NaN."""
    x = np.concatenate([special(dtype, 30), -special(dtype, 30)])
    check(lambda x: lax.top_k(x, 60), x, exact=True)


@pytest.mark.parametrize("dtype", FLOATS)
def test_approximate_top_k(dtype: Any) -> None:
    x = np.random.default_rng(0).permutation(600).astype(dtype).reshape(4, 150)
    for find in (lax.approx_max_k, lax.approx_min_k):
        check(functools.partial(find, k=7), x)
        check(functools.partial(find, k=3, reduction_dimension=0), x)
        check(functools.partial(find, k=7, aggregate_to_topk=False), x)


# Reductions

NAMED = {
    "sum": jnp.sum,
    "prod": jnp.prod,
    "max": jnp.max,
    "min": jnp.min,
    "all": jnp.all,
    "any": jnp.any,
}
AXES = [None, (), 0, 1, 2, (0, 1), (0, 2), (1, 2)]


@pytest.mark.parametrize("name", NAMED)
def test_named_reductions(name: str) -> None:
    function = NAMED[name]
    xs = [sample(dtype, (3, 4, 5), wide=3) for dtype in ALL]
    check(lambda xs: [function(x, axis=axis) for x in xs for axis in (0, (1, 2))], xs)
    check(lambda x: [function(x, axis=axis) for axis in AXES], xs[1])


@pytest.mark.parametrize("name", ["bitwise_and", "bitwise_or", "bitwise_xor"])
def test_bitwise_reductions(name: str) -> None:
    xs = [sample(dtype, (3, 4)) for dtype in (*SIGNED, *UNSIGNED, np.bool_)]

    def reduce(xs: Any) -> Any:
        return [
            lax.reduce(x, np.array(first).astype(x.dtype), getattr(lax, name), axes)
            for x in xs
            for first in (0, -1)
            for axes in ((0,), (1,), (0, 1))
        ]

    check(reduce, xs)


def test_reductions_of_nothing() -> None:
    x = np.zeros((3, 0, 2))
    check(lambda x: (jnp.sum(x), jnp.prod(x, 1), jnp.sum(x, 0), jnp.all(x, 2)), x)
    check(lambda x: lax.reduce(x, 2.0, lax.max, (1,)), x)


@pytest.mark.parametrize("dtype", [np.float64, np.int32, np.complex64])
def test_reduction_of_several_arrays(dtype: Any) -> None:
    """Find sums and the last elements together, which is associative."""

    def combine(old: Any, new: Any) -> Any:
        return old[0] + new[0], lax.max(old[1], new[1]), old[2] * new[2]

    def reduce(x: Any, y: Any) -> Any:
        start = np.ones((), dtype), np.int32(3), np.array(2, dtype)
        return [
            lax.reduce((x, y, x), start, combine, axes)
            for axes in ((0,), (1,), (0, 1), ())
        ]

    x, y = sample(dtype, (4, 6)), sample(np.int32, (4, 6), 1)
    check(reduce, x, y)


def places(xs: Any) -> Any:
    """Find the largest and smallest elements along the first and last axes."""
    return [
        find(x, axis, index)
        for number, x in enumerate(xs)
        for index in [[np.int8, np.uint8, np.int32, np.int64][number % 4]]
        for find in (lax.argmax, lax.argmin)
        for axis in (0, x.ndim - 1)
    ]


def test_places_of_extremes() -> None:
    check(places, [sample(dtype, (3, 4, 5), wide=2) for dtype in REAL])


@pytest.mark.parametrize("dtype", FLOATS)
def test_places_of_special_extremes(dtype: Any) -> None:
    rows = [[-np.inf], [np.inf], [1, np.nan, -np.inf], SPECIAL]
    check(places, [np.array(row * 2, dtype) for row in rows])


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize(
    "function", [lax.cumsum, lax.cumprod, lax.cummax, lax.cummin, lax.cumlogsumexp]
)
def test_cumulative(function: Any, reverse: bool) -> None:
    dtypes = [d for d in ALL if d != np.bool_ and np.dtype(d).kind != "c"]
    if function is lax.cumlogsumexp:
        dtypes = FLOATS
    if function in (lax.cumsum, lax.cumprod):
        dtypes = [*dtypes, np.complex64, np.complex128]
    args = [sample(dtype, (3, 4, 5), wide=3) for dtype in dtypes]
    check(
        lambda *args: [
            function(x, axis=axis, reverse=reverse) for x in args for axis in (0, 2)
        ],
        *args,
    )


def test_cumulative_of_nothing_and_of_special_values() -> None:
    check(lambda x: (lax.cumsum(x), lax.cummax(x, 1)), np.zeros((0, 3)))
    check(lambda x: (lax.cummax(x), lax.cummin(x)), special(np.float64, 20))


# Windows

COMBINATIONS: dict[str, Any] = {
    "sum": (lax.add, np.add),
    "max": (lax.max, np.maximum),
    "min": (lax.min, np.minimum),
    "product": (lax.mul, np.multiply),
    "shifted": (lambda x, y: x + y * 1, np.add),
}


@st.composite
def axis_windows(draw: Any) -> tuple[int, ...]:
    """Draw an axis: extent, size, stride, low, high, base and window dilation."""
    numbers = [(0, 6), (1, 3), (1, 3), (-1, 3), (-1, 3), (1, 3), (1, 3)]
    return tuple(draw(st.integers(*bounds)) for bounds in numbers)


@some
@given(
    axes=st.lists(axis_windows(), min_size=1, max_size=3),
    name=st.sampled_from(list(COMBINATIONS)),
    dtype=st.sampled_from([np.float64, np.float32, np.int32, np.uint8]),
    first=st.sampled_from([0, 1, 2]),
    seed=st.integers(0, 99),
)
def test_reduce_window(
    axes: list[tuple[int, ...]], name: str, dtype: Any, first: int, seed: int
) -> None:
    extents, sizes, strides, low, high, base, dilation = zip(*axes, strict=True)
    traced, combine = COMBINATIONS[name]

    @qj.qjit
    def reduce(x: Any) -> Any:
        pads = tuple(zip(low, high, strict=True))
        start = np.asarray(first, dtype)
        return lax.reduce_window(x, start, traced, sizes, strides, pads, base, dilation)

    # NOTE: not compared with JAX, because XLA of JAX 0.7.1 crashes on some of these.
    x = sample(dtype, extents, seed, 4)
    found = np.asarray(reduce(x))
    expected = np.full(found.shape, first, dtype)
    for place in np.ndindex(found.shape):
        for offset in np.ndindex(sizes):
            raw = np.multiply(place, strides) + np.multiply(offset, dilation) - low
            source = raw // base
            if np.all(source * base == raw) and np.all(
                (source >= 0) & (source < extents)
            ):
                expected[place] = combine(expected[place], x[tuple(source)])
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert reduce.report(x)["host"] == []


@pytest.mark.parametrize("padding", ["VALID", "SAME", [(1, 2), (0, 3)]])
@pytest.mark.parametrize("combine", [lax.max, lax.min])
def test_derivatives_of_extremes_in_windows(padding: Any, combine: Any) -> None:
    first = -np.inf if combine is lax.max else np.inf

    def pooled(x: Any) -> Any:
        return lax.reduce_window(x, first, combine, (2, 3), (1, 2), padding)

    def loss(x: Any) -> Any:
        return jnp.sum(jnp.sin(pooled(x)) ** 2)

    x, t = sample(np.float64, (6, 7)), sample(np.float64, (6, 7), 1)
    check(jax.grad(loss), x)
    check(lambda x, t: jax.jvp(pooled, (x,), (t,)), x, t)
    check(lambda x, t: jax.jvp(jax.grad(loss), (x,), (t,)), x, t)
    check(jax.vmap(jax.grad(loss)), np.stack([x, t]))


@st.composite
def convolutions(draw: Any) -> tuple[Any, ...]:
    """Draw the shapes and parameters of a convolution with a result."""
    rank = draw(st.integers(0, 2))
    # NOTE: the XLA of JAX 0.7 mixes up groups where there is no spatial axis.
    groups = draw(st.integers(1, 3 if rank else 1))
    kind = draw(st.sampled_from(["feature_group_count", "batch_group_count"]))
    batch, inputs, outputs = (draw(st.integers(1, 3)) for _ in range(3))
    left = [batch * groups, inputs] if kind[0] == "b" else [batch, inputs * groups]
    right = [outputs * groups, inputs]
    spatial = [[draw(st.integers(1, 3)) for _ in range(rank)] for _ in range(3)]
    sizes = [draw(st.integers(1, 3)) for _ in range(rank)]
    extents = [draw(st.integers(3, 7)) for _ in range(rank)]
    pads = [(draw(st.integers(-1, 3)), draw(st.integers(2, 3))) for _ in range(rank)]
    orders = [draw(st.permutations(range(rank + 2))) for _ in range(3)]

    def placed(shape: list[int], order: list[int]) -> tuple[int, ...]:
        return tuple(shape[order.index(axis)] for axis in range(rank + 2))

    options: dict[str, Any] = {
        "window_strides": spatial[0],
        "padding": pads,
        "lhs_dilation": spatial[1],
        "rhs_dilation": spatial[2],
        "dimension_numbers": lax.ConvDimensionNumbers(*map(tuple, orders)),
        kind: groups,
    }
    shapes = placed(left + extents, orders[0]), placed(right + sizes, orders[1])
    return *shapes, options


@some
@given(
    case=convolutions(),
    dtype=st.sampled_from([np.float32, np.float64, np.complex128, np.int32]),
    seed=st.integers(0, 99),
)
def test_convolution(case: tuple[Any, ...], dtype: Any, seed: int) -> None:
    left, right, options = case
    check(
        lambda x, y: lax.conv_general_dilated(x, y, **options),
        sample(dtype, left, seed),
        sample(dtype, right, seed + 1),
    )


def test_convolution_of_narrow_integers() -> None:
    x, y = sample(np.int8, (1, 2, 5, 5)), sample(np.int8, (3, 2, 2, 2), 1)
    x, y = x * 10, y * 10
    for wide in (None, np.int16, np.int32, np.float32):
        check(
            lambda x, y, wide=wide: lax.conv_general_dilated(
                x, y, (1, 1), "SAME", preferred_element_type=wide
            ),
            x,
            y,
        )


def test_derivatives_of_convolution() -> None:
    def loss(x: Any, y: Any) -> Any:
        found = lax.conv_general_dilated(
            *(x, y, (2, 1), "SAME"),
            rhs_dilation=(1, 2),
            dimension_numbers=("NHWC", "HWIO", "NHWC"),
        )
        return jnp.sum(jnp.tanh(found))

    x, y = sample(np.float64, (2, 7, 6, 3)), sample(np.float64, (3, 2, 3, 8), 1)
    check(jax.grad(loss, (0, 1)), x, y)


# Gather and scatter

INDICES = [*SIGNED, *UNSIGNED]
MODES = ["clip", "fill", "promise_in_bounds"]


@st.composite
def windows_into(draw: Any) -> dict[str, Any]:
    """Draw an array's shape, and which windows of it indices lead to."""
    rank = draw(st.integers(1, 3))
    shape = [draw(st.integers(1, 4)) for _ in range(rank)]
    roles = [draw(st.sampled_from(["batch", "dropped", "kept"])) for _ in shape]
    axes = {
        role: [axis for axis, found in enumerate(roles) if found == role]
        for role in ("batch", "dropped", "kept")
    }
    sizes = [
        draw(st.integers(1, extent)) if role == "kept" else 1
        for extent, role in zip(shape, roles, strict=True)
    ]
    free = draw(st.permutations([*axes["dropped"], *axes["kept"]]))
    mapped = free[: draw(st.integers(0, len(free)))]
    extra = [draw(st.integers(1, 3)) for _ in range(draw(st.integers(0, 2)))]
    order = draw(st.permutations(range(len(axes["batch"]) + len(extra))))
    rows = [shape[axis] for axis in axes["batch"]] + extra
    rank_out = len(rows) + len(axes["kept"])
    windows = sorted(draw(st.permutations(range(rank_out)))[: len(axes["kept"])])
    return {
        "shape": tuple(shape),
        "sizes": tuple(sizes),
        "dropped": tuple(axes["dropped"]),
        "kept": tuple(axes["kept"]),
        "mapped": tuple(mapped),
        "batch": tuple(axes["batch"]),
        "batch_rows": tuple(order.index(n) for n in range(len(axes["batch"]))),
        "rows": tuple(rows[number] for number in order),
        "windows": tuple(windows),
    }


def _indices(case: dict[str, Any], dtype: Any, seed: int, *, inside: bool) -> Any:
    """Return random starts of windows, some of them out of bounds."""
    generator = np.random.default_rng(seed)
    low = 0 if inside or np.dtype(dtype).kind == "u" else -3
    columns = [
        generator.integers(
            low, case["shape"][axis] - case["sizes"][axis] + (1 if inside else 4), rows
        )
        for axis in case["mapped"]
        for rows in [case["rows"]]
    ]
    if not columns:
        return np.zeros((*case["rows"], 0), dtype)
    return np.stack(columns, -1).astype(dtype)


@some
@given(
    case=windows_into(),
    dtype=st.sampled_from(ALL),
    index=st.sampled_from(INDICES),
    mode=st.sampled_from(MODES),
    seed=st.integers(0, 99),
)
def test_gather(
    case: dict[str, Any], dtype: Any, index: Any, mode: str, seed: int
) -> None:
    numbers = lax.GatherDimensionNumbers(
        offset_dims=case["windows"],
        collapsed_slice_dims=case["dropped"],
        start_index_map=case["mapped"],
        operand_batching_dims=case["batch"],
        start_indices_batching_dims=case["batch_rows"],
    )
    starts = _indices(case, index, seed, inside=mode == "promise_in_bounds")
    check(
        lambda x, i: lax.gather(x, i, numbers, case["sizes"], mode=mode),
        sample(dtype, case["shape"], seed),
        starts,
    )


SCATTERS = [
    *(lax.scatter, lax.scatter_add, lax.scatter_mul, lax.scatter_min),
    *(lax.scatter_max, lax.scatter_sub),
]


@some
@given(
    case=windows_into(),
    scatter=st.sampled_from(SCATTERS),
    dtype=st.sampled_from([*FLOATS, *SIGNED, *UNSIGNED, np.complex128]),
    index=st.sampled_from(INDICES),
    mode=st.sampled_from(MODES),
    seed=st.integers(0, 99),
)
def test_scatter(
    case: dict[str, Any], scatter: Any, dtype: Any, index: Any, mode: str, seed: int
) -> None:
    # XLA does not agree with itself whether a scatter without any index does anything.
    assume(case["mapped"] or case["batch"])
    numbers = lax.ScatterDimensionNumbers(
        update_window_dims=case["windows"],
        inserted_window_dims=case["dropped"],
        scatter_dims_to_operand_dims=case["mapped"],
        operand_batching_dims=case["batch"],
        scatter_indices_batching_dims=case["batch_rows"],
    )
    starts = _indices(case, index, seed, inside=mode == "promise_in_bounds")
    rows, kept = iter(case["rows"]), iter(case["kept"])
    rank = len(case["rows"]) + len(case["kept"])
    shape = tuple(
        case["sizes"][next(kept)] if axis in case["windows"] else next(rows)
        for axis in range(rank)
    )
    if scatter is lax.scatter:  # which of two updates of an element wins is left open
        nothing, once = np.zeros(case["shape"]), np.ones(shape)
        assume(lax.scatter_add(nothing, starts, once, numbers, mode=mode).max() <= 1)
    check(
        lambda x, i, u: scatter(x, i, u, numbers, mode=mode),
        sample(dtype, case["shape"], seed),
        starts,
        sample(dtype, shape, seed + 1),
    )


def test_scatter_applies_a_function() -> None:
    x, i = np.arange(6.0), np.array([1, 1, 4, 9])
    check(lambda x, i: x.at[i].apply(jnp.sin), x, i)
    check(lambda x, i: x.at[i].divide(2.0), x, i)
    check(lambda x, i: x.at[i].power(2.0), x, i)


def test_extreme_indices_are_clamped() -> None:
    gathers = lax.GatherDimensionNumbers((), (0,), (0,))
    scatters = lax.ScatterDimensionNumbers((), (0,), (0,))

    @qj.qjit
    def move(x: Any, i: Any) -> Any:
        return (
            lax.gather(x, i, gathers, (1,), mode="clip"),
            lax.scatter_add(x, i, jnp.ones(3), scatters, mode="clip"),
        )

    for dtype in (np.int8, np.int64, np.uint8, np.uint64):
        limits = np.iinfo(dtype)
        i = np.array([[limits.min], [3], [limits.max]], dtype)
        gathered, scattered = move(np.arange(5.0), i)
        np.testing.assert_array_equal(gathered, [0, 3, 4])
        np.testing.assert_array_equal(scattered, [1, 1, 2, 4, 5])


def test_fill_values() -> None:
    xs, i = [sample(dtype, (4,)) for dtype in ALL], np.array([-9, 0, 3, 4])
    check(lambda xs, i: [x.at[i].get(mode="fill") for x in xs], xs, i)
    check(lambda xs, i: [x.at[i].get(mode="fill", fill_value=1) for x in xs], xs, i)


@pytest.mark.parametrize("dtype", [*SIGNED, *UNSIGNED])
def test_dynamic_slices_are_clamped(dtype: Any) -> None:
    limits = np.iinfo(dtype)
    starts = [np.asarray(i, dtype) for i in (0, 3, 4, 100, limits.min, limits.max)]
    x, u = np.arange(24.0).reshape(6, 4), np.ones((3, 2))

    def slices(x: Any, u: Any, i: Any) -> Any:
        return (
            lax.dynamic_slice(x, (i, i), (3, 2)),
            lax.dynamic_update_slice(x, u, (i, i)),
            lax.dynamic_slice(x, (i, i), (0, 4)),
            lax.dynamic_update_slice(x, u[:0], (i, i)),
        )

    check(lambda starts: [slices(x, u, i) for i in starts], starts)


# Shapes


@st.composite
def paddings(draw: Any) -> tuple[int, int, int, int]:
    """Draw an extent and a (low, high, interior) padding that leaves something."""
    extent, inner = draw(st.integers(0, 5)), draw(st.integers(0, 2))
    length = extent + max(0, extent - 1) * inner
    low = draw(st.integers(-length, 3))
    return extent, low, draw(st.integers(-(length + low), 3)), inner


@some
@given(
    axes=st.lists(paddings(), min_size=0, max_size=3),
    dtype=st.sampled_from(ALL),
)
def test_pad(axes: list[tuple[int, int, int, int]], dtype: Any) -> None:
    shape = tuple(axis[0] for axis in axes)
    config = [(low, high, inner) for _, low, high, inner in axes]
    first = np.ones((), dtype)
    check(lambda x, f: lax.pad(x, f, config), sample(dtype, shape), first)


@pytest.mark.parametrize("dtype", ALL)
def test_moves(dtype: Any) -> None:
    x, y = sample(dtype, (2, 3, 4)), sample(dtype, (2, 1, 4), 1)

    def moves(x: Any, y: Any) -> Any:
        return [
            lax.reshape(x, (4, 6), (2, 0, 1)),
            lax.reshape(x, (24,), (1, 2, 0)),
            lax.rev(x, (0, 2)),
            lax.transpose(x, (2, 0, 1)),
            lax.concatenate([x, y, x], 1),
            lax.expand_dims(lax.squeeze(y, (1,)), (0, 3)),
            jnp.tile(x, (2, 1, 1, 3)),
            jnp.split(x, [1, 1, 3], 2),
            lax.broadcast_in_dim(y, (5, 2, 3, 4), (1, 2, 3)),
            lax.select_n(np.int32(1), x, x[::-1], x[:, ::-1]),
            lax.slice(x, (0, 1, 0), (2, 3, 4), (1, 1, 3)),
            jnp.stack([x, x], 1),
            jnp.repeat(x, 2, 1),
        ]

    check(moves, x, y, exact=True)


@pytest.mark.parametrize("dtype", REAL[:-1])
def test_counting_and_clamping(dtype: Any) -> None:
    x, one = sample(dtype, (2, 3)), np.ones((), dtype)
    check(lambda x: (lax.clamp(one, x, one), lax.clamp(x, x, x), lax.iota(dtype, 5)), x)


@pytest.mark.parametrize("shape", [(), (0,), (0, 3), (3, 0), (1, 1)])
def test_degenerate_shapes(shape: tuple[int, ...]) -> None:
    x = sample(np.float64, shape)

    def moves(x: Any) -> Any:
        return [
            jnp.reshape(x, (-1,)) if x.size else x,
            x.T,
            jnp.stack([x, x]),
            jnp.concatenate([jnp.ravel(x), jnp.ones(2)]),
            jnp.pad(x, 1),
            jnp.cumsum(x),
            jnp.sort(jnp.ravel(x)),
            jnp.broadcast_to(x, (2, *x.shape)),
            jnp.flip(x),
            x[None].at[0].add(1.0),
            jnp.where(x > 0, x, -x),
            lax.reduce_window(x, 0.0, lax.add, (1,) * x.ndim, (1,) * x.ndim, "SAME"),
        ]

    check(moves, x)


def test_constants_of_several_sizes_are_copied() -> None:
    """All calls of an intrinsic on pointers have one declaration."""

    def chosen(x: Any) -> Any:
        return lax.cond(
            x[0] > 0,
            lambda: (jnp.array([1, 2, 3]), jnp.array([4.0, 5.0]), jnp.array([True])),
            lambda: (jnp.array([6, 7, 8]), jnp.array([9.0, 0.5]), jnp.array([False])),
        )

    check(chosen, sample(np.float64, (2,)), exact=True)
