"""Compiling a function without the front end, and comparing it with `jax.jit`."""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from qjit.lowering.driver.program import Program, compile_program

FLOATS = [np.float32, np.float64]
COMPLEX = [np.complex64, np.complex128]
INTEGERS = [np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint32, np.uint64]
SHAPES: list[tuple[int, ...]] = [(), (3,), (2, 3)]


def compiled(function: Callable[..., Any], *args: Any) -> Program:
    """Compile a function for these arguments."""
    return compile_program(jax.make_jaxpr(function)(*args))


def check(function: Callable[..., Any], *args: Any, native: bool = True) -> Program:
    """Compare a compiled function with what JAX makes of it."""
    flat, tree = jax.tree.flatten(args)

    def on_leaves(*leaves: Any) -> Any:
        return function(*jax.tree.unflatten(tree, leaves))

    program = compiled(on_leaves, *flat)
    found = jax.jit(program.call)(*flat)
    expected = jax.tree.leaves(jax.jit(on_leaves)(*flat))
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        assert one.dtype == other.dtype and one.shape == other.shape
        exact = np.dtype(one.dtype).kind not in "fc"
        loose = str(one.dtype) in ("float32", "complex64")
        tolerance = 0 if exact else 2e-5 if loose else 1e-11
        np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance)
    if native:
        assert program.report["host"] == []
    return program


def sample(dtype: Any, shape: tuple[int, ...], seed: int = 0) -> Any:
    """Return random numbers of any dtype, away from zero and one."""
    generator = np.random.default_rng(seed)
    dtype = np.dtype(dtype)
    if dtype.kind == "b":
        return np.asarray(generator.random(shape) < 0.5)
    if dtype.kind in "iu":
        low = -9 if dtype.kind == "i" else 1
        return np.asarray(generator.integers(low, 9, shape)).astype(dtype)
    values = generator.uniform(0.1, 0.9, shape)
    if dtype.kind == "c":
        values = values + 1j * generator.uniform(0.1, 0.9, shape)
    return np.asarray(values).astype(dtype)
