"""Fourier transforms of every length and kind, against numpy's."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import qjit as qj
from qjit.lowering.importer.rules.linalg.fft import factors, roots
from qjit.lowering.jax_internals.equations import enable_x64
from tests.lowering.importer.test_linalg import assert_same, draw


def transforms(xp: Any, x: Any, n: int) -> list[Any]:
    return [
        xp.fft.fft(x),
        xp.fft.ifft(x),
        xp.fft.rfft(x.real),
        xp.fft.irfft(x, n=max(1, 2 * n - 2)),
        xp.fft.irfft(x, n=2 * n - 1),
    ]


@pytest.mark.parametrize("n", [1, 2, 6, 13, 16, 29, 34, 49, 360, 1009])
def test_lengths(n: int) -> None:
    with enable_x64(True):
        x = draw((2, n), "complex128")
        compiled = qj.qjit(lambda x: transforms(jnp, x, n))
        found, expected = compiled(x), transforms(np, np.asarray(x), n)
        assert compiled.report(x)["host"] == []
    for one, other in zip(found, expected, strict=True):
        scale = np.abs(other).max()
        np.testing.assert_allclose(one, other, rtol=0, atol=2e-15 * scale)


def test_single_precision() -> None:
    with enable_x64(False):
        x = draw((3, 60), "complex64")
        found = qj.qjit(lambda x: transforms(jnp, x, 60))(x)
    expected = transforms(np, np.asarray(x, np.complex128), 60)
    for one, other in zip(found, expected, strict=True):
        assert one.dtype.itemsize == other.dtype.itemsize // 2
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-6 * np.abs(other).max())


def test_several_axes() -> None:
    def program(x: Any) -> Any:
        axes = (1, 2, 3)
        complex_x = x + 1j * x[::-1]
        return (
            jnp.fft.fftn(x, axes=axes),
            jnp.fft.rfftn(x, axes=axes),
            jnp.fft.irfftn(complex_x, axes=axes),
            jnp.fft.ifft2(x),
            jnp.fft.fft(x, axis=0),
            jnp.fft.hfft(complex_x[0, 0]),
        )

    with enable_x64(True):
        assert_same(program, draw((2, 3, 4, 5), "float64"), tolerance=1e-13)


def test_in_loops_batches_and_derivatives() -> None:
    def filtered(x: Any) -> Any:
        def step(x: Any, _: Any) -> Any:
            spectrum = jnp.fft.rfft(x)
            return jnp.fft.irfft(spectrum / (1 + jnp.arange(6)), n=10), None

        return jax.lax.scan(step, x, None, length=3)[0]

    def program(x: Any) -> Any:
        gradient = jax.grad(lambda x: jnp.sum(filtered(x) ** 2))
        return jax.vmap(filtered)(x), jax.vmap(gradient)(x)

    with enable_x64(True):
        assert_same(program, draw((4, 10), "float64"), tolerance=1e-13)


def test_factors_and_roots() -> None:
    assert factors(1) == [] and factors(2 * 29) is None
    for n in range(1, 200):
        assert np.prod(factors(n) or [n]) == n
        exact = np.exp(2j * np.pi * np.arange(n, dtype=np.longdouble) / n)
        np.testing.assert_allclose(roots(np.arange(n), n, 1), exact, atol=3e-16)
