"""XLA's generators of random bits, Philox-4x32 and Threefry-2x32, as JAX functions."""

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.extend.random import threefry2x32_p

# Of Philox: its multipliers, and how its keys grow by each of ten rounds.
MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
GROWTH = (0x9E3779B9, 0xBB67AE85)

Words = tuple[Array, Array]


def generated_bits(
    state: Array, shape: Sequence[int], dtype: Any, *, threefry: bool = False
) -> tuple[Array, Array]:
    """Return the next state of a generator and an array of random bits.

    A state is a key and a counter of blocks, of 64 bits each.
    """
    key, counter = _unpacked(state)
    make = _threefry_bits if threefry else _philox_bits
    count, bits = make(key, counter, shape, np.dtype(dtype))
    following = jnp.stack([key, counter + np.uint64(count)])
    return _packed(following, state), bits


def _philox_bits(
    key: Array, counter: Array, shape: Sequence[int], dtype: np.dtype[Any]
) -> tuple[int, Array]:
    """Return how many blocks make an array of random bits, and the array."""
    count = int(np.prod(shape, dtype=np.int64)) * (2 if dtype.itemsize == 8 else 1)
    blocks = -(-count // 4)
    counters = counter + jnp.arange(blocks, dtype=np.uint64)
    above = key + (counters < counter).astype(np.uint64)
    words = philox(*map(_halves, (key, counters, above))).reshape(-1)[:count]
    if dtype.itemsize == 8:
        words = _joined(*words.reshape(-1, 2).T)
    return blocks, words.astype(dtype).reshape(shape)


def _threefry_bits(
    key: Array, counter: Array, shape: Sequence[int], dtype: np.dtype[Any]
) -> tuple[int, Array]:
    """Return how many blocks make an array of random bits, and the array.

    The two words of a block stand side by side, along the first axis of even extent,
    or else along the longest one.
    """
    wide, sizes = dtype.itemsize == 8, list(shape) or [1]
    even = [axis for axis, size in enumerate(sizes) if size % 2 == 0]
    axis = even[0] if even else sizes.index(max(sizes))
    if not wide:
        sizes[axis] = -(-sizes[axis] // 2)
    blocks = int(np.prod(sizes, dtype=np.int64))
    numbers = counter + jnp.arange(blocks, dtype=np.uint64).reshape(sizes)
    words = threefry2x32_p.bind(*_halves(key), *_halves(numbers))
    if wide:
        return blocks, _joined(*words).astype(dtype).reshape(shape)
    pairs = jnp.stack(words, axis=axis + 1)
    sizes[axis] *= 2
    length = shape[axis] if shape else 1
    found = lax.slice_in_dim(pairs.reshape(sizes), 0, length, axis=axis)
    return blocks, found.astype(dtype).reshape(shape)


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


def _joined(low: Array, high: Array) -> Array:
    return low.astype(np.uint64) | (high.astype(np.uint64) << np.uint64(32))


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
