"""Traced wires where the register takes known ones: in observables, probs, StatePrep.

An observable on a traced wire is the sum of it on every wire, of which one has weight
one; distributions are marginals of that of all wires; preparations are conjugated by
swaps.
"""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp

from qjit.errors import WireError
from qjit.tracing.checks import checked
from qjit.tracing.context import TraceContext, current
from qjit.tracing.wires import Label, Wire, as_index, is_traced, rank

from .linear_form import LinearForm as Observable
from .linear_form import Term

OUT_OF_RANGE = (
    "a wire that was computed is out of range. Wires count from 0 to wires - 1."
)
REPEATED = (
    "wires that were computed repeat a wire. The wires of one operation must be "
    "distinct."
)


def indices(wires: Sequence[Wire], context: TraceContext) -> list[jax.Array]:
    """Return the positions of wires, checked to be in range and distinct."""
    count = len(context.order.all())
    found: list[jax.Array] = []
    for wire in wires:
        if not is_traced(wire):
            found.append(jnp.asarray(context.order.position(wire), jnp.int32))
            continue
        index = as_index(wire)
        index = checked(index, (index >= 0) & (index < count), WireError, OUT_OF_RANGE)
        found.append(jax.lax.convert_element_type(index, jnp.int32))
    for later, wire in enumerate(wires):
        for earlier, other in enumerate(wires[:later]):
            if is_traced(wire) or is_traced(other):
                apart = found[later] != found[earlier]
                found[later] = checked(found[later], apart, WireError, REPEATED)
    return found


@dataclass(frozen=True)
class Unknown:
    """Stands for a traced wire in the terms of an observable."""

    place: int


def on_traced_wires(
    wires: Sequence[Wire], make: Callable[[tuple[Label, ...]], Observable]
) -> Observable:
    """Return an observable on wires of which some are traced."""
    context = current("an observable")
    labels = context.order.all()
    traced = [place for place, wire in enumerate(wires) if is_traced(wire)]
    known = {wire for wire in wires if not is_traced(wire)}
    found = make(
        tuple(Unknown(n) if is_traced(wire) else wire for n, wire in enumerate(wires))
    )
    places = indices(wires, context)
    choices = [
        chosen
        for chosen in itertools.permutations(range(len(labels)), len(traced))
        if known.isdisjoint(labels[n] for n in chosen)
    ]
    hits = jnp.stack([places[n] for n in traced]) == jnp.asarray(choices, jnp.int32)
    weights = jnp.all(hits, axis=1).astype(float)
    terms = [
        _substituted(term, dict(zip(traced, (labels[n] for n in chosen), strict=True)))
        for chosen in choices
        for term in found.terms
    ]
    coefficients = jnp.ravel(jnp.outer(weights, found.coefficients))
    return replace(found, coefficients=coefficients, terms=tuple(terms))


def _substituted(term: Term, labels: dict[int, Label]) -> Term:
    def known(wire: Label) -> Label:
        return labels[wire.place] if isinstance(wire, Unknown) else wire

    word = ((known(wire), letter) for wire, letter in term.word)
    factors = ((n, tuple(map(known, wires))) for n, wires in term.factors)
    ordered = sorted(word, key=lambda item: rank(item[0]))
    return replace(term, word=tuple(ordered), factors=tuple(factors))


def marginal(distribution: jax.Array, places: Sequence[jax.Array]) -> jax.Array:
    """Return the distribution of some wires, given that of all."""
    count = distribution.shape[0].bit_length() - 1
    states = jnp.arange(2**count, dtype=jnp.int32)
    outcomes = jnp.zeros_like(states)
    for place in places:
        outcomes = 2 * outcomes + ((states >> (count - 1 - place)) & 1)
    zeros = jnp.zeros(2 ** len(places), distribution.dtype)
    return zeros.at[outcomes].add(distribution)
