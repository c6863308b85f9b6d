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
from qjit.lowering.inner_jaxprs import inner_jaxprs

from . import jax_harnesses as harnesses
from . import primitive_cases as own

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
    """Return the primitives in the first of JAX's cases of each group and dtype kind."""
    found: set[str] = set()
    for group in harnesses.cases().values():
        for case in (group[0], group[-1]):
            try:
                found |= traced(case.dyn_fun, harnesses._arguments(case))
            except Exception:  # some are cases of what JAX refuses
                continue
    return found


def same(found: Any, expected: Any) -> bool:
    """Tell whether arrays are equal up to rounding, NaN and signs of zero included."""
    if jnp.issubdtype(found.dtype, jax.dtypes.prng_key):
        found, expected = map(jax.random.key_data, (found, expected))
    if found.dtype != expected.dtype or found.shape != expected.shape:
        return False
    if not jnp.issubdtype(found.dtype, jnp.inexact):
        return bool(np.array_equal(found, expected))
    tolerance = {2: 1e-2, 4: 1e-4, 8: 1e-4 if found.dtype == "complex64" else 1e-11}
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
