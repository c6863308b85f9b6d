"""Wires as users write them: integers, sequences, or traced integers."""

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
from jax.core import Tracer

from .context import TraceContext
from .errors import WireError
from .jax_internals import user_line

Wire = Any  # an int, or a traced integer scalar
Wires = Any  # an integer, a traced integer, or a sequence or array of them


def as_wires(
    wires: Wires, context: TraceContext, what: str = "", count: int | None = None
) -> tuple[Wire, ...]:
    """Check wires and return them as a tuple of integers and traced scalars.

    Args:
        wires: as the user wrote them.
        context: the quantum function under trace.
        what: what acts on the wires.
        count: how many it acts on, or None for any number.
    """
    if isinstance(wires, str) or wires is None:
        raise WireError(f"{user_line()}: expected integer wires, but got {wires!r}.")
    items = _items(wires)
    if count is not None and len(items) != count:
        raise WireError(
            f"{user_line()}: {what} acts on {count} wire(s), but got {len(items)}: "
            f"{list(items)}."
        )
    checked = tuple(_as_wire(item) for item in items)
    static = [wire for wire in checked if isinstance(wire, int)]
    if len(set(static)) != len(static):
        raise WireError(
            f"{user_line()}: wires {list(checked)} repeat a wire. "
            "The wires of one operation must be distinct."
        )
    for wire in static:
        context.use(wire)
    return checked


def _items(wires: Wires) -> Sequence[Any]:
    if isinstance(wires, (list, tuple, range, set)):
        return tuple(wires)
    if np.ndim(wires) == 0:
        return (wires,)
    if np.ndim(wires) == 1:
        return tuple(wires)
    raise WireError(
        f"{user_line()}: expected one wire or a list of wires, "
        f"but got an array of shape {np.shape(wires)}."
    )


def _as_wire(wire: Any) -> Wire:
    if isinstance(wire, Tracer):
        if np.ndim(wire) or not np.issubdtype(wire.dtype, np.integer):
            raise WireError(
                f"{user_line()}: expected an integer wire, but got a traced "
                f"{wire.dtype} of shape {np.shape(wire)}."
            )
        return jax.lax.convert_element_type(wire, np.int32)
    if isinstance(wire, (bool, np.bool_)) or not np.issubdtype(
        np.asarray(wire).dtype, np.integer
    ):
        raise WireError(
            f"{user_line()}: expected an integer wire, but got {wire!r}. "
            "Wires are 0, 1, 2, ...; map other labels to them."
        )
    return int(wire)


def static_wires(wires: Wires, context: TraceContext, what: str) -> tuple[int, ...]:
    """Check wires that must be known at trace time."""
    checked = as_wires(wires, context)
    static = tuple(wire for wire in checked if isinstance(wire, int))
    if len(static) != len(checked):
        raise WireError(
            f"{user_line()}: {what} needs wires that are known when tracing, but "
            "got a traced one. Pass Python integers."
        )
    return static
