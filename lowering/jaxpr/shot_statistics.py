"""How often each outcome occurs among shots, and when shots are counted.

The compiler, with xDSL, is not needed for it.
"""

from typing import Any

import jax.numpy as jnp

MATRIX = "M"  # in place of a letter: the wire is one of those of a matrix


def is_countable(wires: int, shots: int) -> bool:
    """Tell whether outcomes of some wires are counted sooner than they are listed."""
    return 2**wires <= shots


def tallied(rows: Any, weights: Any = 1) -> Any:
    """Return how often each outcome occurs among rows of bits, which have weights."""
    width = rows.shape[1]
    places = jnp.asarray([2**place for place in reversed(range(width))], rows.dtype)
    number = jnp.sum(rows * places, axis=1)
    counted = jnp.broadcast_to(jnp.asarray(weights, rows.dtype), rows.shape[:1])
    return jnp.zeros(2**width, rows.dtype).at[number].add(counted)
