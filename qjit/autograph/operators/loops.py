"""Loops: run by Python, or one iteration compiled and repeated.

A loop of known length is compiled as a loop if it is longer than SHORT, if an iteration
can be traced without knowing which, and if that gains something; else it is unrolled.
"""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax.core import Tracer
from jax.extend.core import Jaxpr

from qjit.errors import UnsupportedError
from qjit.lowering.jax_internals.tracing import user_line
from qjit.lowering.jaxpr.traversal import inner_jaxprs

from .pytrees import type_of
from .sequences import as_sequence
from .staging import Loop, TracedLoop, branch, trace_loop
from .truth import none
from .variables import Slots, read_all

SHORT = 8
"""Loops of at most so many iterations are unrolled."""
WIRED = 64
"""So are loops of at most so many iterations, if their gates act on computed wires."""
LONGEST = 10_000
"""Loops of more iterations than that are never unrolled."""


def for_loop(
    items: Any,
    body: Callable[[Any], Any],
    slots: Slots,
    flags: tuple[str, ...],
) -> None:
    """Run a function for each item, until a flag is set."""
    sequence = as_sequence(items)
    if sequence is None:
        _unrolled(items, body, slots, flags)
        return
    length = sequence.length
    if isinstance(length, Tracer):
        _counted(sequence, length, body, slots, flags)
    elif length <= SHORT or not _rolled(sequence, body, slots, flags):
        _unrolled(sequence, body, slots, flags)


def _unrolled(
    items: Any, body: Callable[[Any], Any], slots: Slots, flags: tuple[str, ...]
) -> None:
    guarded = 0
    for item in items:
        go = _goes_on(slots, flags)
        if isinstance(go, Tracer):
            guarded += 1
            branch(go, functools.partial(body, item), _nothing, slots)
        else:
            body(item)
            go = _goes_on(slots, flags)
        if not isinstance(go, Tracer) and not go:
            return
        if guarded > LONGEST:
            raise UnsupportedError(
                f"{user_line()}: this loop ends when a traced value says so, and what "
                "it runs over has no known length. Loop over a range or an array."
            )


def _nothing() -> None:
    return None


def _goes_on(slots: Slots, flags: tuple[str, ...]) -> Any:
    return none(*(slots[flag].read() for flag in flags))


def _position() -> jax.ShapeDtypeStruct:
    return type_of(0).struct()


def _slice_structs(slices: Any) -> Any:
    return jax.tree.map(
        lambda array: jax.ShapeDtypeStruct(array.shape[1:], array.dtype), slices
    )


def _rolled(
    sequence: Any,
    body: Callable[[Any], Any],
    slots: Slots,
    flags: tuple[str, ...],
) -> bool:
    """Compile a loop of known length as a loop, if that works and gains something."""
    slices, length = sequence.slices(), sequence.length

    def run(position: Any, row: Any) -> None:
        body(sequence.item(position, row))

    loop = Loop(run, slots, flags, definite=True)
    try:
        traced = trace_loop(loop, _position(), _slice_structs(slices))
    except Exception:
        if length > LONGEST:
            raise
        return False
    if length <= LONGEST and not _gains(traced, slices, length):
        return False

    def iteration(carry: Any, item: Any) -> Any:
        if not flags:
            return traced.iteration(carry, *item)[0], None
        return jax.lax.cond(
            traced.stopped(carry),
            lambda carry: carry,
            lambda carry: traced.iteration(carry, *item)[0],
            carry,
        ), None

    xs = (jnp.arange(length), slices)
    traced.finish(jax.lax.scan(iteration, traced.start(), xs)[0])
    return True


def _gains(traced: TracedLoop, slices: Any, length: int) -> bool:
    closed = traced.end.closed
    entering = list(read_all(traced.loop.slots).values())
    values = [*closed.consts, *jax.tree.leaves((entering, slices))]
    if not closed.effects and not any(isinstance(value, Tracer) for value in values):
        return False
    return length > WIRED or not _has_computed_wires(closed.jaxpr)


def _has_computed_wires(jaxpr: Jaxpr) -> bool:
    return any(
        None in (eqn.params.get("wires") or ())
        or any(_has_computed_wires(inner) for inner in inner_jaxprs(eqn))
        for eqn in jaxpr.eqns
    )


def _counted(
    sequence: Any,
    length: Any,
    body: Callable[[Any], Any],
    slots: Slots,
    flags: tuple[str, ...],
) -> None:
    """Compile a loop of traced length."""
    slices = sequence.slices()

    def run(position: Any, row: Any) -> None:
        body(sequence.item(position, row))

    loop = Loop(run, slots, flags, definite=False)
    traced = trace_loop(loop, _position(), _slice_structs(slices))

    def iteration(position: Any, carry: Any) -> Any:
        row = jax.tree.map(lambda array: array[position], slices)
        return traced.iteration(carry, position, row)[0]

    if not flags:
        traced.finish(jax.lax.fori_loop(0, length, iteration, traced.start()))
        return
    zero = jnp.zeros((), length.dtype)
    found = jax.lax.while_loop(
        lambda state: (state[0] < length) & ~traced.stopped(state[1]),
        lambda state: (state[0] + 1, iteration(*state)),
        (zero, traced.start()),
    )
    traced.finish(found[1])


def while_loop(
    goes_on: Callable[[], Any],
    body: Callable[[Any], Any],
    slots: Slots,
    flags: tuple[str, ...],
) -> None:
    """Run a function while a test holds: in Python until the test is traced."""
    go = goes_on()
    while not isinstance(go, Tracer):
        if not go:
            return
        body(None)
        go = goes_on()

    def run() -> Any:
        body(None)
        return goes_on()

    traced = trace_loop(Loop(run, slots, flags, definite=False))

    def iteration(state: Any) -> Any:
        carry, (go,) = traced.iteration(state[1])
        return jnp.asarray(go), carry

    start = (go, traced.start())
    traced.finish(jax.lax.while_loop(lambda state: state[0], iteration, start)[1])
