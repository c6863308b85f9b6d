"""What a `for` runs over, when its length or its items may be traced."""

import builtins
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from qjit.tracing.ranges import Range, as_integer, make_range


@dataclass(frozen=True)
class Steps:
    """The numbers of a range, any of whose ends may be traced."""

    numbers: Range

    @property
    def length(self) -> Any:
        """How many numbers there are."""
        return self.numbers.length

    def slices(self) -> Any:
        """What a compiled loop slices: nothing."""
        return ()

    def item(self, position: Any, _: Any) -> Any:
        """Return one number."""
        return self.numbers.item(position)

    def __iter__(self) -> Iterator[Any]:
        return map(self.numbers.item, range(self.length))


@dataclass(frozen=True)
class ArraySlices:
    """The slices of an array."""

    array: Any

    @property
    def length(self) -> int:
        """How many slices there are."""
        return self.array.shape[0]

    def slices(self) -> Any:
        """What a compiled loop slices: the array."""
        return jnp.asarray(self.array)

    def item(self, _: Any, part: Any) -> Any:
        """Return one slice."""
        return part

    def __iter__(self) -> Iterator[Any]:
        return iter(self.array)


@dataclass(frozen=True)
class Together:
    """Several sequences, item by item, as `zip` and `enumerate` give them."""

    parts: tuple[Any, ...]
    strict: bool = False

    @property
    def length(self) -> Any:
        """The length of the shortest."""
        lengths = [part.length for part in self.parts]
        if not any(isinstance(each, Tracer) for each in lengths):
            return min(lengths)
        shortest = lengths[0]
        for each in lengths[1:]:
            shortest = jnp.minimum(shortest, each)
        return shortest

    def slices(self) -> Any:
        """What a compiled loop slices."""
        length = self.length
        every = tuple(part.slices() for part in self.parts)
        if isinstance(length, Tracer):
            return every
        return jax.tree.map(lambda array: array[:length], every)

    def item(self, position: Any, slices: Any) -> Any:
        """Return one item of each."""
        pairs = zip(self.parts, slices, strict=True)
        return tuple(part.item(position, row) for part, row in pairs)

    def __iter__(self) -> Iterator[Any]:
        return zip(*self.parts, strict=self.strict)


@dataclass(frozen=True)
class Counted:
    """The numbers that `enumerate` counts, as many as the sequence beside it."""

    start: Any
    beside: Any

    @property
    def length(self) -> Any:
        """As many as the sequence beside it."""
        return self.beside.length

    def slices(self) -> Any:
        """What a compiled loop slices: nothing."""
        return ()

    def item(self, position: Any, _: Any) -> Any:
        """Return one number."""
        return self.start + position

    def __iter__(self) -> Iterator[Any]:
        return iter(range(self.start, self.start + self.length))


@dataclass(frozen=True)
class Backwards:
    """A sequence from its end."""

    sequence: Any

    @property
    def length(self) -> Any:
        """The length of the sequence."""
        return self.sequence.length

    def slices(self) -> Any:
        """What a compiled loop slices."""
        return jax.tree.map(lambda array: array[::-1], self.sequence.slices())

    def item(self, position: Any, row: Any) -> Any:
        """Return one item."""
        return self.sequence.item(self.length - 1 - position, row)

    def __iter__(self) -> Iterator[Any]:
        return reversed(list(self.sequence))


SEQUENCES = (Steps, ArraySlices, Together, Counted, Backwards)


def as_sequence(value: Any) -> Any:
    """Return a sequence that a compiled loop can run over, or None."""
    if isinstance(value, SEQUENCES):
        return value
    if isinstance(value, range):
        return Steps(Range(value.start, value.step, len(value)))
    if isinstance(value, Tracer | jax.Array | np.ndarray) and value.ndim > 0:
        return ArraySlices(value)
    return None


def _range(*args: Any) -> Any:
    if not any(isinstance(arg, Tracer) for arg in args):
        return range(*args)
    start, stop, step = {1: (0, *args, 1), 2: (*args, 1)}.get(len(args), args)
    return Steps(make_range(start, stop, step))


def _enumerate(iterable: Any, start: Any = 0) -> Any:
    sequence = as_sequence(iterable)
    if sequence is None:
        return enumerate(iterable, start)
    return Together((Counted(as_integer(start), sequence), sequence))


def _zip(*iterables: Any, strict: bool = False) -> Any:
    sequences = [as_sequence(each) for each in iterables]
    lengths = [None if each is None else each.length for each in sequences]
    traced = any(isinstance(length, Tracer) for length in lengths)
    if (
        not sequences
        or None in sequences
        or (strict and (traced or len(set(lengths)) > 1))
    ):
        return zip(*iterables, strict=strict)
    return Together(tuple(sequences), strict)


def _reversed(iterable: Any) -> Any:
    sequence = as_sequence(iterable)
    simple = isinstance(sequence, Steps | ArraySlices)
    return Backwards(sequence) if simple else reversed(iterable)


# What stands in a loop's head in the place of a builtin.
ITERATING: dict[Any, Any] = {
    builtins.range: _range,
    builtins.enumerate: _enumerate,
    builtins.zip: _zip,
    builtins.reversed: _reversed,
}
