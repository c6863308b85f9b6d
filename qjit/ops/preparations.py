"""State preparations: isometries from |0>, and what they do on other states.

Wires that nothing acted on before are in |0>: they are given the amplitudes as they
are. On others the preparation is the unitary of M. Mottonen, J. J. Vartiainen,
V. Bergholm and M. M. Salomaa, Transformation of quantum states using uniformly
controlled rotations (2005): multiplexed Y rotations from the first wire to the last,
and the phases of the amplitudes. The same goes for its inverse and under control.
"""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jax.extend.core import ClosedJaxpr, Jaxpr, JaxprEqn

from qjit.errors import StateError
from qjit.lowering.jax_internals.tracing import user_line, wide_types
from qjit.lowering.jaxpr.primitives import (
    GATE_PRIMITIVES,
    gate_p,
    state_prep_p,
    unitary_p,
)
from qjit.lowering.jaxpr.traversal import CALL_PRIMITIVES, has_effects, quantum_eqns
from qjit.ops.algebra.traced_wires import indices
from qjit.tracing.checks import checked, differentiable
from qjit.tracing.context import TraceContext
from qjit.tracing.validation import normalised, precision, tolerance, weights_of
from qjit.tracing.wires import Label, Wire, is_traced

from .operations import FIXED_ARITY_GATES, batch_remedy

PREPARATION = state_prep_p.name
_GATES = {primitive.name for primitive in GATE_PRIMITIVES}

# Wires that may be in another state than |0>; None stands for all of them.
Touched = frozenset[int | None]
EVERY: Touched = frozenset({None})


def state_vector(state: Any, count: int, normalize: bool) -> tuple[Any, bool]:
    """Check a state of some wires; tell whether its norm needs no more check."""
    size = 2**count
    if state.shape != (size,):
        raise StateError(
            f"{user_line()}: a state of {count} wire(s) has {size} amplitudes, but got "
            f"shape {state.shape}.{batch_remedy(state.shape, (size,))}"
        )
    wide = np.dtype(np.complex128 if wide_types() else np.complex64)
    accepted, traced = tolerance(state.dtype), isinstance(state, Tracer)
    narrow = precision(state.dtype) > precision(wide)
    vector = state.astype(wide if traced else np.complex128)
    if normalize:
        return jnp.asarray(_divided(vector), wide), True
    if traced and not narrow:
        return vector, False  # checked where it is prepared
    vector = normalised(vector, accepted)
    # NOTE: derivatives take the norm for the constant that it is meant to be.
    norm = jax.lax.stop_gradient(_norm(vector)) if traced else _norm(vector)
    return jnp.asarray(vector / norm, wide), True


def _divided(vector: Any) -> Any:
    """Return a vector divided by its norm, whatever its size is."""
    xp: Any = jnp if isinstance(vector, Tracer) else np
    largest = xp.max(xp.maximum(xp.abs(vector.real), xp.abs(vector.imag)))
    if xp is jnp:
        largest = jax.lax.stop_gradient(largest)
    message = (
        "a vector that is zero, or holds NaN or infinity, cannot be normalised. Check "
        "what its amplitudes are computed from."
    )
    holds = (largest > 0) & (largest < np.inf)
    vector = checked(vector, holds, StateError, message) / largest
    return vector / _norm(vector)


def _norm(vector: Any) -> Any:
    return weights_of(vector)[0][0] ** 0.5


def _complete(amplitudes: Any, params: dict[str, Any], line: str) -> None:
    """Apply the unitary that takes |0> to a state, on wires of known positions."""
    wires, single = params["wires"], params["single"]
    if not params["unchecked"]:
        amplitudes = normalised(amplitudes, tolerance(amplitudes.dtype), line)
    for diagonal, turned in _factors(amplitudes, line):
        on = wires[: int(diagonal.size).bit_length() - 1]
        # NOTE: so turned, rotations about Z are rotations about Y.
        if turned:
            _rotate(on[-1], np.pi / 2)
        how = {"diagonal": True, "exponential": False, "single": single}
        unitary_p.bind(diagonal, wires=on, **_PLAIN, **how)
        if turned:
            _rotate(on[-1], -np.pi / 2)


_PLAIN = {"num_controls": 0, "control_values": (), "adjoint": False, "sites": ()}


def _rotate(wire: int, angle: float) -> None:
    number = np.asarray(angle, np.float64 if wide_types() else np.float32)
    gate_p.bind(number, gate="RX", wires=(wire,), word=None, dim=None, **_PLAIN)


def _factors(amplitudes: Any, line: str) -> list[tuple[Any, bool]]:
    """Return diagonals on the first wires, and whether their last wire is turned.

    That wire is turned such that rotations about Z become rotations about Y.
    """
    message = (
        "the derivative by a state that has amplitudes which are zero, prepared on "
        "wires that are not in |0>, inverted or controlled, is not defined. Prepare "
        "it first, or use jax.lax.stop_gradient on it."
    )
    # NOTE: below this, numbers have too few digits for a derivative.
    limits = jnp.finfo(amplitudes.dtype)
    least = float(limits.tiny) / float(limits.eps)
    holds = jnp.all(weights_of(amplitudes)[-1] >= least)
    amplitudes = differentiable(amplitudes, holds, message, line)
    angles: list[Any] = []
    for weights in weights_of(amplitudes)[1:]:
        sizes = jnp.sqrt(weights).reshape(-1, 2)
        half = jnp.arctan2(sizes[:, 1], sizes[:, 0])
        angles.append(jnp.stack([-half, half], axis=1).ravel())
    angles.append(jnp.angle(amplitudes))
    together = jnp.concatenate(angles)
    waves = jax.lax.complex(jnp.cos(together), jnp.sin(together))
    ends = np.cumsum([each.size for each in angles])
    diagonals = [waves[end - a.size : end] for a, end in zip(angles, ends, strict=True)]
    return [(d, n < len(angles) - 1) for n, d in enumerate(diagonals)]


def with_preparations(
    closed: ClosedJaxpr, touched: Touched = frozenset()
) -> ClosedJaxpr:
    """Complete the preparations of wires that may be in another state than |0>.

    Args:
        closed: the jaxpr of a quantum function, or of a function inside of one.
        touched: the wires that may be so at its beginning.
    """
    names = {eqn.primitive.name for eqn, _ in quantum_eqns(closed.jaxpr)}
    if PREPARATION not in names:
        return closed
    return closed.replace(jaxpr=_with_preparations(closed.jaxpr, touched)[0])


def _with_preparations(jaxpr: Jaxpr, touched: Touched) -> tuple[Jaxpr, Touched]:
    eqns: list[JaxprEqn] = []
    for eqn in jaxpr.eqns:
        more = [eqn]
        if has_effects(eqn):
            more, touched = _equation(eqn, touched)
        eqns.extend(more)
    return jaxpr.replace(eqns=eqns), touched


def _equation(eqn: JaxprEqn, touched: Touched) -> tuple[list[JaxprEqn], Touched]:
    name, params = eqn.primitive.name, eqn.params
    if name == PREPARATION:
        wires = frozenset(params["wires"])
        # NOTE: on no wires, what is prepared is a phase.
        clean = wires and None not in touched and not touched & wires
        return [eqn] if clean else _completed(eqn), touched | wires
    if name in _GATES:
        return [eqn], touched | frozenset(params["wires"])
    if name in ("quantum_measure", "quantum_reset"):
        emptied = params.get("reset", True) or params.get("postselect") == 0
        known = {wire for wire in params["wires"] if emptied and wire is not None}
        return [eqn], touched - known
    if name.startswith("quantum_"):
        return [eqn], touched
    if name == "cond":
        found = [_closed(branch, touched) for branch in params["branches"]]
        after = frozenset[int | None]().union(*(more for _, more in found))
        branches = tuple(branch for branch, _ in found)
        return [eqn.replace(params={**params, "branches": branches})], after
    return _around(eqn, touched, repeats=name not in CALL_PRIMITIVES)


def _around(
    eqn: JaxprEqn, touched: Touched, *, repeats: bool
) -> tuple[list[JaxprEqn], Touched]:
    """Settle what an equation runs, once or, as far as is known, again and again."""
    while True:
        params, after = dict(eqn.params), touched
        for name, inner in eqn.params.items():
            if isinstance(inner, ClosedJaxpr | Jaxpr):
                params[name], after = _closed(inner, after)
        if not repeats:
            return [eqn.replace(params=params)], after
        if after <= touched:  # there may be no iteration
            return [eqn.replace(params=params)], touched
        touched |= after


def _closed(inner: Any, touched: Touched) -> tuple[Any, Touched]:
    if isinstance(inner, Jaxpr):
        return _with_preparations(inner, touched)
    jaxpr, touched = _with_preparations(inner.jaxpr, touched)
    return inner.replace(jaxpr=jaxpr), touched


def _completed(eqn: JaxprEqn) -> list[JaxprEqn]:
    """Return what a preparation does on any state."""

    line = user_line(eqn.source_info)

    def unitary_of(amplitudes: Any) -> None:
        _complete(amplitudes, eqn.params, line)

    (operand,) = eqn.invars
    aval: Any = operand.aval
    shaped = jax.ShapeDtypeStruct(aval.shape, aval.dtype)
    closed = jax.make_jaxpr(unitary_of)(shaped)
    assert not closed.consts
    (var,) = closed.jaxpr.invars
    return [
        each.replace(
            invars=[operand if atom is var else atom for atom in each.invars],
            source_info=eqn.source_info,
        )
        for each in closed.jaxpr.eqns
    ]


@contextmanager
def in_front(
    wires: Sequence[Wire], context: TraceContext
) -> Generator[tuple[Label, ...]]:
    """Swap wires with the first ones, whose labels are given, and back again."""
    labels = tuple(context.order.all())
    places, swaps = indices(wires, context), list[tuple[int, jax.Array]]()
    for first in range(len(wires)):
        place = places[first]
        swaps.append((first, place))
        places = [jnp.where(other == first, place, other) for other in places]
    for swap in swaps:
        _swap(labels, *swap)
    yield labels[: len(wires)]
    for swap in reversed(swaps):
        _swap(labels, *swap)


def _swap(labels: Sequence[Label], first: int, place: jax.Array) -> None:
    other = place if is_traced(place) else labels[int(place)]

    def swapped() -> None:
        FIXED_ARITY_GATES["SWAP"](wires=[labels[first], other])

    jax.lax.cond(place != first, swapped, lambda: None)
