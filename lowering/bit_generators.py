"""XLA's generator of random bits, Philox-4x32, as a JAX function."""

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

# Of Philox: its multipliers, and how its keys grow by each of ten rounds.
MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
GROWTH = (0x9E3779B9, 0xBB67AE85)

Words = tuple[Array, Array]


def generated_bits(
    state: Array, shape: Sequence[int], dtype: Any
) -> tuple[Array, Array]:
    """Return the next state of the generator and an array of random bits.

    A state is a key and a counter of blocks, of 64 bits each.
    """
    dtype = np.dtype(dtype)
    count = int(np.prod(shape, dtype=np.int64)) * (2 if dtype.itemsize == 8 else 1)
    key, counter = _unpacked(state)
    blocks = -(-count // 4)
    counters = counter + jnp.arange(blocks, dtype=np.uint64)
    above = key + (counters < counter).astype(np.uint64)
    words = philox(*map(_halves, (key, counters, above))).reshape(-1)[:count]
    if dtype.itemsize == 8:
        pairs = words.reshape(-1, 2).astype(np.uint64)
        words = pairs[:, 0] | (pairs[:, 1] << np.uint64(32))
    following = jnp.stack([key, counter + np.uint64(blocks)])
    return _packed(following, state), words.astype(dtype).reshape(shape)


def philox(key: Words, counter: Words, above: Words) -> Array:
    """Encrypt counters of 128 bits to blocks of four words."""
    growing = [*key]
    c = [*counter, *above]
    for _ in range(10):
        (high0, low0), (high1, low1) = (
            _product(np.uint64(m), word)
            for m, word in zip(MULTIPLIERS, (c[0], c[2]), strict=True)
        )
        c = [high1 ^ c[1] ^ growing[0], low1, high0 ^ c[3] ^ growing[1], low0]
        growing = [k + np.uint32(g) for k, g in zip(growing, GROWTH, strict=True)]
    return jnp.stack(c, axis=-1)


def _halves(numbers: Array) -> Words:
    high = lax.shift_right_logical(numbers, jnp.full_like(numbers, 32))
    return numbers.astype(np.uint32), high.astype(np.uint32)


def _product(multiplier: Any, word: Array) -> Words:
    low, high = _halves(multiplier * word.astype(np.uint64))
    return high, low


def _unpacked(state: Array) -> Array:
    if state.dtype == np.uint64:
        return state
    return lax.bitcast_convert_type(state.reshape(2, 2), np.uint64)


def _packed(numbers: Array, like: Array) -> Array:
    if like.dtype == np.uint64:
        return numbers
    return lax.bitcast_convert_type(numbers, np.uint32).reshape(4)
