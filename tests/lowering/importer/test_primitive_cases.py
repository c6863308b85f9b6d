"""Every primitive that JAX registers has a case: JAX's own, one here, or a reason."""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import qjit as qj
from qjit.lowering.jaxpr.nested import inner_jaxprs
from tests.support import jax_harnesses as harnesses
from tests.support import primitive_cases as own

# NOTE: extremes overflow and divide by zero, and JAX deprecates some of its names.
pytestmark = pytest.mark.filterwarnings("ignore")

# What calls back into JAX, as docs/jax_primitives.md tells of others.
HOSTED = {
    *("shard_map", "ragged_dot_general", "linear_call", "random_clone", "rng_uniform"),
    *("call_exported", "pure_callback", "io_callback", "debug_callback"),
    "debug_print",
}
CASES = list(own.cases())
BATCH = 24


def names_in(jaxpr: Any) -> Iterator[str]:
    for eqn in jaxpr.eqns:
        yield eqn.primitive.name
        for inner in inner_jaxprs(eqn):
            yield from names_in(inner)


def traced(function: Any, args: Sequence[Any]) -> set[str]:
    return set(names_in(jax.make_jaxpr(function)(*args).jaxpr))


@cache
def of_harnesses() -> set[str]:
    """Return the primitives in some of JAX's own cases."""
    found: set[str] = set()
    for group in harnesses.cases().values():
        for case in (group[0], group[-1]):
            try:
                found |= traced(case.dyn_fun, harnesses.arguments(case))
            except Exception:  # some are cases of what JAX refuses
                continue
    return found


def same(found: Any, expected: Any) -> bool:
    """Tell whether arrays are equal up to rounding; NaN is equal to NaN."""
    if jnp.issubdtype(found.dtype, jax.dtypes.prng_key):
        found, expected = map(jax.random.key_data, (found, expected))
    if found.dtype != expected.dtype or found.shape != expected.shape:
        return False
    if not jnp.issubdtype(found.dtype, jnp.inexact):
        return bool(np.array_equal(found, expected))
    tolerance = {
        2: 1e-2,
        4: 1e-4,
        8: 1e-4 if str(found.dtype) == "complex64" else 1e-11,
    }
    rtol = tolerance.get(found.dtype.itemsize, 1e-11)
    wide = np.complex128 if jnp.issubdtype(found.dtype, jnp.complexfloating) else float
    one, other = (np.asarray(each).astype(wide) for each in (found, expected))
    # NOTE: XLA takes the smallest numbers for zero in some functions.
    close = np.allclose(one, other, rtol=rtol, atol=rtol / 10, equal_nan=True)
    return bool(close)


@pytest.mark.parametrize("start", range(0, len(CASES), BATCH))
def test_cases(start: int) -> None:
    batch = CASES[start : start + BATCH]
    args = [list(case[1]) for _, case in batch]

    def together(args: Any) -> Any:
        return [f(*a) for (_, (f, _)), a in zip(batch, args, strict=True)]

    expected = jax.jit(together)(args)
    compiled = qj.qjit(together)
    found = compiled(args)
    for (name, (_, given)), one, other in zip(batch, found, expected, strict=True):
        assert jax.tree.structure(one) == jax.tree.structure(other), name
        for x, y in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True):
            assert same(x, y), f"{name} of {[np.asarray(g).dtype for g in given[:1]]}"
    assert set(compiled.report(args)["host"]) <= HOSTED


def test_every_case_uses_its_primitive() -> None:
    for name, (function, args) in CASES:
        if name in own.registered() and name not in of_harnesses():
            assert name in traced(function, args), name


def test_every_primitive_has_a_case() -> None:
    covered = of_harnesses() | {name for name, _ in CASES}
    for function, args in {name: case for name, case in CASES}.values():
        covered |= traced(function, args)
    missing = own.registered() - covered
    explained = {n for n in missing if any(re.fullmatch(p, n) for p in own.REASONS)}
    assert not missing - explained, "write a case in primitive_cases.py, or a reason"
    assert all(own.REASONS.values())


@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16"])
@pytest.mark.parametrize("side", ["left", "right"])
def test_searchsorted_in_padded_tables(dtype: str, side: str) -> None:
    table = np.asarray([-np.inf, -0.0, 0.0, 1.0, np.nan, np.nan]).astype(dtype)
    values = np.asarray([0.0, -0.0, np.nan, 2.0, -np.inf, 0.5]).astype(dtype)

    def found(method: str) -> Any:
        return jnp.searchsorted(table, values, side=side, method=method)

    for method in ("scan", "scan_unrolled", "sort", "compare_all"):
        compiled = qj.qjit(lambda: found(method))  # noqa: B023 (called here)
        np.testing.assert_array_equal(compiled(), found(method), err_msg=method)


def test_complex_division_by_zero_and_powers() -> None:
    numbers = np.asarray([0, 1, -1, 2j, -1 - 1j, 1.5 + 0.5j], np.complex128)
    x, y = (each.ravel() for each in np.meshgrid(numbers, numbers))

    def values(x: Any, y: Any) -> Any:
        return jax.lax.div(x, y), jax.lax.pow(x, y), jax.lax.rsqrt(x)

    for one, other in zip(qj.qjit(values)(x, y), jax.jit(values)(x, y), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
def test_atan2_of_complex_numbers(dtype: str) -> None:
    random = np.random.default_rng(2)
    parts = random.normal(size=(4, 8))
    y, x = ((a + 1j * b).astype(dtype) for a, b in (parts[:2], parts[2:]))
    found = qj.qjit(jax.lax.atan2)(y, x)
    tolerance = 1e-5 if dtype == "complex64" else 1e-12
    np.testing.assert_allclose(found, jax.jit(jax.lax.atan2)(y, x), rtol=tolerance)
    wide = np.arctan2(y.real, x.real)
    real = qj.qjit(jax.lax.atan2)(y.real.astype(dtype), x.real.astype(dtype))
    np.testing.assert_allclose(np.real(real), wide, rtol=1e-5)
