"""Statistics of measured values: of what `measure` returned, and expressions of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from qjit.errors import MeasurementError, UnsupportedError
from qjit.lowering.jax_internals.tracing import user_line
from qjit.lowering.jaxpr.primitives import (
    integer_dtype,
    mean_p,
    real_dtype,
    record_p,
    variance_p,
)
from qjit.lowering.jaxpr.shot_statistics import tallied
from qjit.lowering.jaxpr.structural_hash import hashed_by_fields
from qjit.tracing.context import TraceContext, current
from qjit.tracing.measured_values import is_logical, kind_of

# Distributions are arrays with one entry for each outcome.
WIDEST = 30
INVALID = np.iinfo(np.int32).min  # a bit of a shot that a postselection refused


def is_value(item: Any) -> bool:
    """Tell whether something is computed when the circuit runs."""
    return isinstance(item, Tracer)


@dataclass(frozen=True)
class Measured:
    """Expressions of measured values, as one array."""

    values: Any
    listed: bool  # whether they came as a list
    logical: bool  # whether each is 0 or 1

    def bits(self, what: str) -> jax.Array:
        """Return them as a vector of bits, for statistics that count them."""
        if not self.logical:
            raise MeasurementError(
                f"{user_line()}: {what} takes outcomes and what logic makes of them, "
                f"which are 0 or 1, but got numbers of type {self.values.dtype}. Take "
                "the probability of one value, as in qjit.expval(m0 + m1 == 2), or, "
                "with shots, qjit.sample(op=m0 + m1)."
            )
        return jnp.ravel(self.values)


def measured_values(items: Any, *, named: bool = False) -> Measured | None:
    """Return expressions of measured values, or None if these are something else.

    Args:
        items: an expression, or a list of them.
        named: whether they were called so, so that integers are no wires.
    """
    if is_value(items):
        if not (named or _is_expression(items)):
            return None
        return Measured(items, False, is_logical(items))
    if not isinstance(items, list | tuple) or not items:
        return None
    known = [is_value(item) and (named or _is_expression(item)) for item in items]
    if any(known) and not all(known):
        raise MeasurementError(
            f"{user_line()}: expected wires or measured values, but got a list of "
            "both. Take one statistic of the wires and one of the measured values."
        )
    if not all(known):
        return None
    shapes = {item.shape for item in items}
    if len(shapes) > 1:
        raise MeasurementError(
            f"{user_line()}: measured values in a list have one shape, but these have "
            f"{', '.join(map(str, sorted(shapes)))}. Take one statistic of each."
        )
    return Measured(jnp.stack(items), True, all(map(is_logical, items)))


def _is_expression(value: Any) -> bool:
    """Tell whether a traced value can be no wire."""
    return kind_of(value) is not None or not np.issubdtype(value.dtype, np.integer)


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


class Statistic:
    """What is made of rows of bits, which count once or as often as is told."""

    def __call__(
        self, rows: jax.Array, *inputs: Any, counts: Any = 1, shots: Any = None
    ) -> jax.Array:
        """Return the statistic; `shots` is the number of rows when left out."""
        raise NotImplementedError

    def of_counts(self, params: Mapping[str, Any]) -> Callable[..., jax.Array]:
        """Return the statistic as a function of how often each outcome occurs."""
        rows = outcome_table(len(params["wires"]))

        def run(counts: jax.Array, *inputs: Any) -> jax.Array:
            table = jnp.asarray(rows, counts.dtype)
            return self(table, *inputs, counts=counts, shots=params["shots"])

        return run


def outcome_table(width: int) -> np.ndarray[Any, Any]:
    """Return the bits of all outcomes, the first most significant."""
    return np.arange(2**width)[:, None] >> np.arange(width)[::-1] & 1


@hashed_by_fields
@dataclass(frozen=True)
class Powers(Statistic):
    """The means of the powers of what was recorded."""

    count: int

    def __call__(
        self, rows: jax.Array, *inputs: Any, counts: Any = 1, shots: Any = None
    ) -> jax.Array:
        """Return the means: (count, *shape of a row)."""
        powers = [rows**k for k in range(1, self.count + 1)]
        if shots is None:
            return jnp.stack([jnp.mean(each, axis=0) for each in powers])
        weights = jnp.asarray(counts, rows.dtype)
        sums = [jnp.tensordot(weights, each, axes=1) for each in powers]
        return jnp.stack(sums) / shots


@hashed_by_fields
@dataclass(frozen=True)
class Tallies(Statistic):
    """How often each outcome occurs."""

    def __call__(
        self, rows: jax.Array, *inputs: Any, counts: Any = 1, shots: Any = None
    ) -> jax.Array:
        """Return the counts: (2**bits,)."""
        return tallied(rows, counts)


@hashed_by_fields
@dataclass(frozen=True)
class Frequencies(Statistic):
    """The share of each outcome among rows of bits, or some of their columns."""

    dtype: Any

    def __call__(
        self, rows: jax.Array, *inputs: Any, counts: Any = 1, shots: Any = None
    ) -> jax.Array:
        """Return the shares: (2**bits,); an input tells the columns."""
        total = rows.shape[0] if shots is None else shots
        columns = rows[:, inputs[0]] if inputs else rows
        return tallied(columns, counts).astype(self.dtype) / total


def recorded(
    value: Any, shots: int, statistic: Callable[[jax.Array], jax.Array] | None = None
) -> jax.Array:
    """Return a statistic of the values in all shots, which have a new first axis."""
    return record_p.bind(value, shots=shots, statistic=statistic)[0]


def samples(values: jax.Array, shots: int, statistic: Any = None) -> jax.Array:
    """Return measured values in each shot, booleans as integers: (shots, ...)."""
    boolean = values.dtype == np.bool_
    rows = values.astype(integer_dtype()) if boolean else values
    return recorded(rows, shots, statistic)


def distribution(bits: jax.Array) -> jax.Array:
    """Return the joint probabilities of measured bits, the first most significant."""
    context = current("probs")
    check_width(len(bits), "probs")
    if context.shots is not None:
        statistic = Frequencies(real_dtype(context.dtype))
        return samples(bits, context.shots, statistic)
    index = sum(bit.astype(np.int32) << n for n, bit in enumerate(reversed(list(bits))))
    hits = jnp.arange(2 ** len(bits), dtype=np.int32) == index
    return mean_p.bind(hits.astype(real_dtype(context.dtype)), dtype=context.dtype)[0]


def tally(bits: jax.Array, what: str) -> tuple[jax.Array, jax.Array]:
    """Return the outcomes of measured values and how often each occurs."""
    context = current(what)
    check_width(len(bits), what)
    found = samples(bits, context.shots or 1, Tallies())
    return jnp.arange(len(found), dtype=found.dtype), found


def check_width(width: int, what: str) -> None:
    """Refuse distributions over too many outcomes."""
    if width > WIDEST:
        raise UnsupportedError(
            f"{user_line()}: {what} of {width} wires would have 2**{width} entries. "
            f"Use {'sample, or ' if what == 'counts' else ''}{what} of fewer wires."
        )
