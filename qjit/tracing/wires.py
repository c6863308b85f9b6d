"""Wires as users write them, and the qubits of the register that they stand for.

A wire is a label: any hashable value, such as an integer or a string. Or it is a traced
integer, which is an index into the order of the labels. Everything below tracing knows
qubits by their positions in that order only.
"""

import enum
from collections.abc import Iterable, Iterator, KeysView, Sequence, Set, ValuesView
from dataclasses import dataclass, field
from typing import Any, Protocol

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from qjit.errors import QJitError, WireError
from qjit.lowering.jax_internals.tracing import user_line, wide_types

Label = Any  # any hashable value
Wire = Any  # a label, or a traced integer scalar
Wires = Any  # a label, a traced integer, or a sequence or array of them

MOST = 62
# What can be a wire that no one declared: anything else is likely to be a mistake.
PLAIN_LABELS = (int, str, bytes, tuple, enum.Enum)


class WireIndex(int):
    """An index into the order of the wires that a compiled function computed.

    Of an operator that went through a pytree, it stands where a traced wire was.
    """

    given: Any

    @staticmethod
    def of(given: Any) -> "WireIndex | CarriedWire":
        """Return the index that a leaf of a pytree is, if it is one."""
        known = isinstance(given, int | np.generic | np.ndarray | jax.Array)
        if not known or isinstance(given, bool) or np.ndim(given):
            return CarriedWire(given)
        if not jnp.issubdtype(jnp.result_type(given), np.integer):
            return CarriedWire(given)
        found = WireIndex(given)
        found.given = given
        return found


@dataclass(frozen=True, eq=False)
class CarriedWire:
    """Anything that stands for a traced wire in a pytree, such as a batch of them."""

    given: Any

    def __repr__(self) -> str:
        return repr(self.given)


@dataclass
class WireOrder:
    """The wires of a quantum function: declared, or collected while it is traced.

    Wires that are not declared are 0 to the largest if all are integers, and the
    labels in order of first use otherwise.
    """

    name: str
    declared: int | tuple[Label, ...] | None
    # NOTE: by type too, because 1, 1.0 and True are equal but different labels.
    places: dict[tuple[type, Label], int] = field(
        default_factory=dict[tuple[type, Label], int]
    )
    whole: int | None = None  # how many wires there were when all were asked for

    def __post_init__(self) -> None:
        if self.declared is not None:
            labels = self.declared
            labels = range(labels) if isinstance(labels, int) else labels
            self.places = {(type(each), each): n for n, each in enumerate(labels)}

    def __len__(self) -> int:
        """Return the declared number of wires, or the number used so far."""
        if self.declared is None and self.are_integers:
            numbers = (label for _, label in self.places if isinstance(label, int))
            return max(numbers, default=-1) + 1
        return len(self.places)

    def __iter__(self) -> Iterator[Label]:
        """Yield the labels in order."""
        if self.declared is None and self.are_integers:
            return iter(range(len(self)))
        return (label for _, label in tuple(self.places))

    @property
    def are_integers(self) -> bool:
        """Whether all labels are integers."""
        return all(kind is int for kind, _ in self.places)

    @property
    def names(self) -> tuple[str, ...]:
        """What the wires are called, if not by their numbers."""
        labels = tuple(self)
        plain = labels == tuple(range(len(labels)))
        return () if plain else tuple(map(str, labels))

    @property
    def is_complete(self) -> bool:
        """Whether what was asked of all wires, and their positions, still hold."""
        grown = self.whole is not None and self.whole != len(self)
        mixed = not self.are_integers and any(kind is int for kind, _ in self.places)
        return self.declared is not None or not (grown or mixed)

    def completed(self) -> "WireOrder":
        """Return the order of all wires that were found."""
        return WireOrder(self.name, len(self) if self.are_integers else tuple(self))

    def all(self) -> tuple[Label, ...]:
        """Return the labels of all wires so far."""
        self.whole = len(self) if self.whole is None else min(self.whole, len(self))
        return tuple(self)

    def has(self, label: Label) -> bool:
        """Tell whether a wire has this label."""
        label = self._label(label)
        return (type(label), label) in self.places

    def use(self, label: Label) -> None:
        """Count a wire in, refusing one that is not declared."""
        label = self._label(label)
        if self.has(label):
            return
        negative = isinstance(label, int) and label < 0
        if self.declared is not None or negative or not _is_plain(label):
            raise WireError(self._missing(label))
        self.places[type(label), label] = len(self.places)

    def position(self, label: Label) -> int:
        """Return the position of a wire in the register."""
        label = self._label(label)
        self.use(label)
        if self.declared is None and isinstance(label, int):
            return label
        return self.places[type(label), label]

    def _label(self, wire: Label) -> Label:
        """Return the label of a wire that may be an index into the order."""
        if type(wire) is not WireIndex:
            return wire
        self.check_index()
        if self.declared is None:
            return int(wire)
        labels = tuple(self)
        if not 0 <= wire < len(labels):
            raise WireError(
                f"{user_line()}: wire {wire}, an index that was computed, is out of "
                f"range: '{self.name}' has {len(labels)} wire(s)."
            )
        return labels[wire]

    def check_index(self) -> None:
        """Refuse a traced wire where the order of the labels is not declared."""
        if self.declared is None and not self.are_integers:
            raise WireError(
                f"{user_line()}: a traced wire is an index into the order of the "
                f"wires, which '{self.name}' does not declare. Declare it with "
                f"qnode(wires={list(self)})."
            )

    def _missing(self, label: Label) -> str:
        if not _is_plain(label):
            return (
                f"{user_line()}: expected a wire, which is an integer or a string, but "
                f"got {label!r}. Declare other labels with qnode(wires=[...])."
            )
        labels = tuple(self)
        if isinstance(label, int) and labels == tuple(range(len(labels))):
            return (
                f"{user_line()}: wire {label} is out of range: '{self.name}' has wires "
                f"0 to {len(labels) - 1}. Declare more with qnode(wires=...)."
            )
        return (
            f"{user_line()}: '{self.name}' has no wire {label!r}, but "
            f"{', '.join(map(repr, labels))}. Declare it with qnode(wires=[...])."
        )


def _is_plain(label: Label) -> bool:
    return isinstance(label, PLAIN_LABELS) and not isinstance(label, bool)


def rank(label: Any) -> tuple[Any, ...]:
    """Return a key that sorts labels of any types: integers, then the others."""
    if isinstance(label, int):
        return (0, label, "")
    return (1, 0, f"{type(label).__name__} {label!r}")


def declared_wires(wires: Any, most: int = MOST) -> int | tuple[Label, ...] | None:
    """Check the wires of a device: their number, or their labels in order."""
    if wires is None:
        return None
    single = isinstance(wires, int | float | complex | np.generic | jax.Array)
    if single and np.ndim(wires) == 0 and not isinstance(wires, np.str_):
        whole = jnp.issubdtype(np.result_type(wires), np.integer)
        number: Any = wires
        labels = count = int(number) if whole and not is_traced(wires) else 0
    else:
        labels = as_labels(wires)
        count = 0 if any(map(is_traced, labels)) else len(labels)
    if not 1 <= count <= most:
        raise WireError(
            f"{user_line()}: wires takes a number from 1 to {most}, or as many "
            f"different labels, but got {wires!r}."
        )
    return labels


def is_traced(wire: Wire) -> bool:
    """Tell whether a wire is known only when the program runs."""
    return isinstance(wire, Tracer)


def as_labels(
    wires: Wires, what: str = "", count: int | None = None
) -> tuple[Wire, ...]:
    """Check wires and return them as a tuple of labels and traced integers.

    Args:
        wires: as the user wrote them.
        what: what acts on the wires.
        count: how many it acts on, or None for any number.
    """
    labels = tuple([_as_label(item) for item in _items(wires)])
    if count is not None and len(labels) != count:
        raise WireError(
            f"{user_line()}: {what} acts on {count} wire(s), but got {len(labels)}: "
            f"{list(labels)}."
        )
    if len(labels) > 1:
        check_distinct(labels, "wires", labels)
    return labels


class HasOrder(Protocol):
    """What has an order of wires: the context of a quantum function under trace."""

    @property
    def order(self) -> WireOrder: ...  # noqa: D102


def as_wires(
    wires: Wires, context: HasOrder, what: str = "", count: int | None = None
) -> tuple[Wire, ...]:
    """Check wires of the quantum function under trace, and count them in."""
    order = context.order
    if isinstance(wires, tuple | frozenset) and _is_one_label(wires, order, count):
        wires = [wires]
    labels = as_labels(wires, what, count)
    for label in labels:
        if is_traced(label):
            order.check_index()
        else:
            order.use(label)
    return labels


def _is_one_label(wires: Any, order: WireOrder, count: int | None) -> bool:
    """Tell whether a tuple or set is itself a label rather than several."""
    if not _is_hashable(wires) or not order.has(wires):
        return False
    return count == 1 or not all(_is_hashable(w) and order.has(w) for w in wires)


def check_distinct(
    wires: Iterable[Wire], what: str, shown: Sequence[Wire] | None = None
) -> None:
    """Refuse an operation that names a static wire twice."""
    static = [wire for wire in wires if not is_traced(wire)]
    if len(set(static)) != len(static):
        raise WireError(
            f"{user_line()}: {what} {list(static if shown is None else shown)} repeat "
            "a wire. The wires of one operation must be distinct."
        )


def _items(wires: Wires) -> Sequence[Any]:
    if type(wires) is int:  # the usual case
        return (wires,)
    if isinstance(wires, Set) and not isinstance(wires, KeysView):
        raise WireError(f"{user_line()}: {wires!r} has no order. Give wires as a list.")
    several = isinstance(wires, Sequence | KeysView | ValuesView)
    if several and not isinstance(wires, str | bytes):
        return tuple(wires)
    dimensions = np.ndim(wires) if hasattr(wires, "dtype") else 0
    if dimensions == 0:
        return (wires,)
    if dimensions == 1:
        return tuple(wires)
    raise WireError(
        f"{user_line()}: expected one wire or a list of wires, "
        f"but got an array of shape {np.shape(wires)}."
    )


def _as_label(wire: Any) -> Wire:
    if type(wire) is int or type(wire) is WireIndex:  # the usual case
        return wire
    if isinstance(wire, Tracer):
        _check_integer(wire)
        return wire
    if isinstance(wire, int) and not isinstance(wire, bool):
        return int(wire)
    if hasattr(wire, "dtype") and np.ndim(wire) == 0:
        return np.asarray(wire).item()
    if wire is None or not _is_hashable(wire):
        found = "None" if wire is None else f"an object of type {type(wire).__name__}"
        raise WireError(
            f"{user_line()}: expected a wire, which is an integer or a string, but got "
            f"{found}. Several wires are a list of them."
        )
    return wire


def _check_integer(wire: Any) -> None:
    """Refuse a traced wire that is no integer."""
    if np.ndim(wire) or not jnp.issubdtype(wire.dtype, np.integer):
        raise WireError(
            f"{user_line()}: expected an integer wire, but got a traced {wire.dtype} "
            f"of shape {np.shape(wire)}."
        )


def as_bit(value: Any, what: str, error: type[QJitError]) -> int:
    """Check a bit that is known when tracing: 0, 1, a boolean, or a letter."""
    given = {"0": 0, "1": 1}.get(value, value) if isinstance(value, str) else value
    if isinstance(given, Tracer):
        raise error(
            f"{user_line()}: {what} takes 0 or 1 known when tracing, but got a traced "
            "value. Choose with jax.lax.cond."
        )
    known = isinstance(given, int | np.generic | np.ndarray | jax.Array)
    if not known or np.ndim(given) or given not in (0, 1):
        raise error(f"{user_line()}: {what} takes 0 or 1, but got {value!r}.")
    return int(given)


def _is_hashable(label: Any) -> bool:
    try:
        hash(label)
    except TypeError:
        return False
    return True


def positions(
    wires: Sequence[Wire], context: HasOrder
) -> tuple[tuple[int | None, ...], tuple[Any, ...]]:
    """Return the positions of wires, None for traced ones, and these as integers."""
    if any(map(is_traced, wires)):
        context.order.check_index()
    position = context.order.position
    known = tuple(
        [None if isinstance(wire, Tracer) else position(wire) for wire in wires]
    )
    if None not in known:
        return known, ()
    return known, tuple(as_index(wire) for wire in wires if is_traced(wire))


def static_positions(wires: Sequence[Label], context: HasOrder) -> tuple[int, ...]:
    """Return the positions of wires that are known when tracing."""
    return tuple(map(context.order.position, wires))


def as_index(wire: Any) -> jax.Array:
    """Return a traced wire as a signed index, out of range if it was before."""
    _check_integer(wire)
    wide = np.dtype(np.int64 if wide_types() else np.int32)
    if wire.dtype in (np.int32, wide):
        return wire
    largest = jnp.iinfo(wide).max
    if jnp.iinfo(wire.dtype).max > largest:  # which would wrap around
        wire = jnp.minimum(wire, wire.dtype.type(largest))
    dtype = np.int32 if jnp.iinfo(wire.dtype).bits < 32 else wide
    return jax.lax.convert_element_type(wire, dtype)


def static_wires(wires: Wires, context: HasOrder, what: str) -> tuple[Label, ...]:
    """Check wires that must be known at trace time."""
    checked = as_wires(wires, context)
    if any(map(is_traced, checked)):
        raise WireError(
            f"{user_line()}: {what} needs wires that are known when tracing, but "
            "got a traced one. Pass Python integers."
        )
    return checked
