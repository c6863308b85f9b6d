"""Statistics of measured values: of what `measure` returned, and expressions of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from .context import TraceContext, current
from .errors import MeasurementError, UnsupportedError
from .jax_internals import user_line
from .primitives import integer_dtype, mean_p, real_dtype, record_p, variance_p

# Distributions are arrays with one entry for each outcome.
WIDEST = 30


def is_value(item: Any) -> bool:
    """Tell whether something is computed when the circuit runs."""
    return isinstance(item, Tracer)


def measured_bits(items: Any) -> list[Any] | None:
    """Return measured values as a list, or None if these are no measured values."""
    if is_value(items) and items.dtype == np.bool_:
        return [items] if items.ndim == 0 else [items[n] for n in range(len(items))]
    if not isinstance(items, list | tuple) or not items:
        return None
    bits = [is_value(item) and item.dtype == np.bool_ for item in items]
    if any(bits) and not all(bits):
        raise MeasurementError(
            f"{user_line()}: expected wires or measured values, but got a list of "
            "both. Take one statistic of the wires and one of the measured values."
        )
    return list(items) if all(bits) else None


def _checked(value: Any, what: str, context: TraceContext) -> Any:
    if np.issubdtype(value.dtype, np.complexfloating):
        raise MeasurementError(
            f"{user_line()}: {what} takes a real expression of measured values, but "
            f"got {value.dtype}. Take its real and imaginary parts."
        )
    return jax.lax.convert_element_type(value, real_dtype(context.dtype))


def mean(value: Any) -> jax.Array:
    """Return the mean of an expression of measured values."""
    context = current("expval")
    real = _checked(value, "expval", context)
    if context.shots is not None:
        return recorded(real, context.shots, Powers(1))[0]
    return mean_p.bind(real, dtype=context.dtype)[0]


def variance(value: Any) -> jax.Array:
    """Return the variance of an expression of measured values."""
    context = current("var")
    real = _checked(value, "var", context)
    if context.shots is not None:
        first, second = recorded(real, context.shots, Powers(2))
        return second - first**2
    return variance_p.bind(real, dtype=context.dtype)[0]


@dataclass(frozen=True)
class Powers:
    """The means of the powers of what was recorded."""

    count: int

    def __call__(self, rows: jax.Array) -> jax.Array:
        """Return the means: (count, *shape of a row)."""
        powers = range(1, self.count + 1)
        return jnp.stack([jnp.mean(rows**k, axis=0) for k in powers])


@dataclass(frozen=True)
class Frequencies:
    """The share of each outcome among rows of bits."""

    dtype: Any

    def __call__(self, rows: jax.Array, *, signs: Any = 1) -> jax.Array:
        """Return the shares, in which rows count by their signs: (2**bits,)."""
        return tally(rows, "probs", signs)[1].astype(self.dtype) / rows.shape[0]


def recorded(
    value: Any, shots: int, statistic: Callable[[jax.Array], jax.Array] | None = None
) -> jax.Array:
    """Return a statistic of the values in all shots, which have a new first axis."""
    return record_p.bind(value, shots=shots, statistic=statistic)[0]


def samples(bits: Sequence[Any], shots: int, statistic: Any = None) -> jax.Array:
    """Return measured values in each shot: integers of shape (shots, values)."""
    stacked = jnp.stack([jnp.asarray(bit) for bit in bits])
    return recorded(stacked.astype(integer_dtype()), shots, statistic)


def distribution(bits: Sequence[Any]) -> jax.Array:
    """Return the joint probabilities of measured values, the first most significant."""
    context = current("probs")
    if context.shots is not None:
        check_width(len(bits), "probs")
        statistic = Frequencies(real_dtype(context.dtype))
        return samples(bits, context.shots, statistic)
    check_width(len(bits), "probs")
    index = sum(bit.astype(np.int32) << n for n, bit in enumerate(reversed(bits)))
    hits = jnp.arange(2 ** len(bits), dtype=np.int32) == index
    return mean_p.bind(hits.astype(real_dtype(context.dtype)), dtype=context.dtype)[0]


def tally(rows: jax.Array, what: str, signs: Any = 1) -> tuple[jax.Array, jax.Array]:
    """Return the outcomes of rows of bits and how often each occurs.

    Rows may count with signs.
    """
    width = rows.shape[1]
    check_width(width, what)
    weights = jnp.asarray([2**place for place in reversed(range(width))], rows.dtype)
    outcomes = jnp.arange(2**width, dtype=rows.dtype)
    index = jnp.sum(rows * weights, axis=1)
    counted = jnp.broadcast_to(jnp.asarray(signs, rows.dtype), rows.shape[:1])
    return outcomes, jnp.zeros(2**width, rows.dtype).at[index].add(counted)


def check_width(width: int, what: str) -> None:
    """Refuse distributions over too many outcomes."""
    if width > WIDEST:
        raise UnsupportedError(
            f"{user_line()}: {what} of {width} wires would have 2**{width} entries. "
            f"Use {'sample, or ' if what == 'counts' else ''}{what} of fewer wires."
        )
