"""JAX's random numbers, bit for bit, in compiled programs."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax, random

import qjit as qj
from qjit.lowering.jax_internals.equations import enable_x64


def carried(key: Any) -> Any:
    def step(key: Any, _: Any) -> Any:
        key, sub = random.split(key)
        return key, random.normal(sub, (2,))

    key, drawn = lax.scan(step, key, None, length=4)
    return random.key_data(key), drawn


def chosen(key: Any) -> Any:
    keys = random.split(key, 5)
    moved = jnp.concatenate([keys[4:], keys[::-1]]).reshape(2, -1)[:, 1]
    other = jnp.where(random.bernoulli(key), moved[0], moved[1])
    return random.key_data(moved), random.bits(other, (3,), "uint8")


PROGRAMS: dict[str, Callable[[Any], Any]] = {
    "bits": lambda key: [random.bits(key, (3, 5), f"uint{n}") for n in (8, 16, 32, 64)],
    "uniform": lambda key: [random.uniform(key, (4,), d) for d in ("f2", "f4", "f8")],
    "normal": lambda key: random.normal(key, (7,)),
    "integers": lambda key: random.randint(key, (6,), -5, 1000),
    "folded": lambda key: random.uniform(random.fold_in(key, 12)),
    "mapped": lambda key: jax.vmap(random.uniform)(random.split(key, (2, 3)).ravel()),
    "permuted": lambda key: random.permutation(key, 10),
    "categorical": lambda key: random.categorical(key, jnp.arange(8.0), shape=(4,)),
    "gamma": lambda key: random.gamma(key, jnp.asarray([0.5, 3.0])),
    "carried": carried,
    "chosen": chosen,
}


@pytest.mark.parametrize("wide", [True, False], ids=["wide", "narrow"])
@pytest.mark.parametrize("name", PROGRAMS)
def test_random_numbers_are_those_of_jax(name: str, wide: bool) -> None:
    def program(seed: Any) -> Any:
        return PROGRAMS[name](random.key(seed))

    if not wide and name in ("bits", "uniform"):
        pytest.skip("asks for 64-bit numbers")
    with enable_x64(wide):
        compiled = qj.qjit(program)
        found, expected = compiled(42), jax.jit(program)(42)
        for one, other in zip(*map(jax.tree.leaves, (found, expected)), strict=True):
            assert one.dtype == other.dtype
            if np.issubdtype(one.dtype, np.integer) or name == "uniform":
                np.testing.assert_array_equal(one, other)
            np.testing.assert_allclose(one, other, rtol=1e-5)
        host = compiled.report(42)["host"]
        assert not [n for n in host if n.startswith(("random", "threefry"))]


@pytest.mark.parametrize("seed", [0, -1, 2**31 - 1, 2**63 - 1])
def test_every_seed(seed: int) -> None:
    def program(seed: Any) -> Any:
        return random.key_data(random.split(random.key(seed)))

    np.testing.assert_array_equal(qj.qjit(program)(seed), jax.jit(program)(seed))


def test_keys_of_the_caller() -> None:
    def program(key: Any) -> Any:
        first, second = random.split(key)
        return random.uniform(first), random.wrap_key_data(random.key_data(second))

    key = random.key(3)
    (drawn, kept), (expected, other) = qj.qjit(program)(key), jax.jit(program)(key)
    assert drawn == expected
    assert kept == other


def test_keys_that_are_known_when_tracing() -> None:
    keys = random.split(random.key(3), 2)

    def program(x: Any) -> Any:
        return x + random.uniform(keys[1]), keys

    (drawn, kept), (expected, other) = qj.qjit(program)(0.5), jax.jit(program)(0.5)
    assert drawn == expected
    assert (kept == other).all()


@pytest.mark.parametrize("algorithm", ["default", "philox", "three_fry"])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "uint32", "uint64"])
def test_bit_generators_carry(algorithm: str, dtype: Any) -> None:
    chosen = getattr(lax.RandomAlgorithm, f"RNG_{algorithm.upper()}")

    def program(words: Any, state: Any) -> Any:
        return [
            lax.rng_bit_generator(key, shape, dtype=dtype, algorithm=chosen)
            for key in (words, state)
            for shape in ((), (7,), (3, 5), (5, 4))
        ]

    words = np.array([3, 2**32 - 2, 5, 2**32 - 1], np.uint32)
    compiled, args = qj.qjit(program), (words, np.array([2, 2**64 - 2], np.uint64))
    for found, expected in zip(compiled(*args), jax.jit(program)(*args), strict=True):
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_array_equal(one, other)
    assert compiled.report(*args)["host"] == []
