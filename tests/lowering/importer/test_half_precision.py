"""16-bit floats: every value and every rounding agrees with NumPy."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

import qjit as qj

DTYPES = [jnp.float16, jnp.bfloat16]
# NOTE: among the values are infinities and NaNs, and what overflows 16 bits.
pytestmark = pytest.mark.filterwarnings("ignore:.*encountered in.*:RuntimeWarning")


def every_value(dtype: Any) -> np.ndarray[Any, Any]:
    return np.arange(2**16, dtype=np.uint16).view(np.dtype(dtype))


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_value_widens(dtype: Any) -> None:
    values = every_value(dtype)
    found = qj.qjit(lambda x: x.astype(jnp.float32))(values)
    np.testing.assert_array_equal(found, values.astype(np.float32))


@pytest.mark.parametrize("dtype", DTYPES)
def test_narrowing_rounds_to_nearest_even(dtype: Any) -> None:
    values = every_value(dtype).astype(np.float32)
    between = (values[:-1] + values[1:]) / 2
    above = np.nextafter(between, np.float32(np.inf))
    bits = np.random.default_rng(0).integers(0, 2**32, 10**5, dtype=np.uint32)
    given = np.concatenate([values, between, above, bits.view(np.float32)])
    found = qj.qjit(lambda x: x.astype(dtype))(given)
    expected = given.astype(np.dtype(dtype))
    np.testing.assert_array_equal(
        np.asarray(found, np.float32), expected.astype(np.float32)
    )


@pytest.mark.parametrize("dtype", [*DTYPES, jnp.float32, jnp.float64])
@pytest.mark.parametrize(
    "function",
    [
        lambda x: lax.nextafter(x, -x),
        lambda x: lax.nextafter(x, jnp.ones_like(x)),
        lambda x: lax.reduce_precision(x, 5, 3),
        lambda x: lax.reduce_precision(x, 8, 4),
        lambda x: lax.bitcast_convert_type(x, np.int8),
        lambda x: lax.bitcast_convert_type(lax.bitcast_convert_type(x, "i1"), x.dtype),
    ],
    ids=["outwards", "to_one", "few_exponents", "many_exponents", "apart", "together"],
)
def test_bits_agree_with_jax(function: Any, dtype: Any) -> None:
    size = np.dtype(dtype).itemsize
    bits = np.random.default_rng(1).integers(0, 256, 2**14 * size, dtype=np.uint8)
    given = every_value(dtype) if size == 2 else bits.view(dtype)
    found, expected = qj.qjit(function)(given), jax.jit(function)(given)
    if found.dtype != np.int8:
        found, expected = (np.asarray(each, np.float64) for each in (found, expected))
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_operation_rounds(dtype: Any) -> None:
    x = jnp.asarray(1.0, dtype)
    tiny = jnp.asarray(2.0**-12, dtype)
    compiled = qj.qjit(lambda x, y: (x + y) - x)
    assert compiled(x, tiny) == 0
    assert (compiled(jnp.full(3, x), jnp.full(3, tiny)) == 0).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_loops_and_constants_of_small_floats(dtype: Any) -> None:
    table = np.arange(6).astype(np.dtype(dtype)).reshape(2, 3)

    def function(x: Any) -> Any:
        def step(carry: Any, row: Any) -> Any:
            return carry + row, carry

        total, rows = lax.scan(step, x, jnp.asarray(table))
        return total, rows, lax.cond(total[0] > 2, lambda t: t * 2, lambda t: t, total)

    compiled = qj.qjit(function)
    x = jnp.ones(3, dtype)
    for found, expected in zip(compiled(x), jax.jit(function)(x), strict=True):
        assert found.dtype == np.dtype(dtype)
        np.testing.assert_array_equal(
            np.asarray(found, np.float32), np.asarray(expected, np.float32)
        )
    assert compiled.report(x)["host"] == []
