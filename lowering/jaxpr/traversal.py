"""Tracing Python functions to jaxprs and replaying them, equation by equation."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from jax.extend.core import ClosedJaxpr, Jaxpr, JaxprEqn, Literal, Var

from qjit.lowering.jax_internals.tracing import bind as bind

from .dimensions import is_static
from .nested import inner_jaxprs as inner_jaxprs
from .primitives import STATISTICS, TERMINAL_PRIMITIVES, quantum_effect

CALL_PRIMITIVES = frozenset(
    {"pjit", "jit", "closed_call", "core_call", "checkpoint", "remat", "remat2"}
)
MIDWAY = frozenset(
    f"quantum_{name}" for name in ("measure", "reset", "record", "mean", "variance")
)


@dataclass(frozen=True)
class Traced:
    """A function traced on given arguments."""

    jaxpr: Jaxpr
    consts: tuple[Any, ...]
    out_tree: Any


def trace(function: Callable[..., Any], *args: Any) -> Traced:
    """Trace a function of flat arrays or abstract values."""
    closed, shapes = jax.make_jaxpr(function, return_shape=True)(*args)
    return Traced(closed.jaxpr, tuple(closed.consts), jax.tree.structure(shapes))


def inner_jaxpr(eqn: JaxprEqn) -> ClosedJaxpr:
    """Return the jaxpr that a call-like equation runs."""
    inner = eqn.params["jaxpr"]
    return inner if isinstance(inner, ClosedJaxpr) else ClosedJaxpr(inner, ())


def has_effects(eqn: JaxprEqn) -> bool:
    """Tell whether an equation touches the quantum state."""
    return quantum_effect in eqn.effects


class Environment:
    """Values of the variables of one jaxpr."""

    def __init__(self, jaxpr: Jaxpr, consts: Any, args: Any) -> None:
        self._values: dict[Var, Any] = {}
        self.write(jaxpr.constvars, consts)
        self.write(jaxpr.invars, args)

    def write(self, variables: Any, values: Any) -> None:
        """Bind variables to values."""
        self._values.update(zip(variables, values, strict=True))

    def read(self, atoms: Any) -> list[Any]:
        """Return the values of atoms."""
        return [
            atom.val if isinstance(atom, Literal) else self._values[atom]
            for atom in atoms
        ]


def needed_eqns(
    eqns: Iterable[JaxprEqn],
    outvars: Iterable[Any],
    kept: Callable[[JaxprEqn], bool] = lambda _: False,
    read: Callable[[JaxprEqn], Iterable[Any]] = lambda eqn: eqn.invars,
) -> list[JaxprEqn]:
    """Return the equations that the outputs need, and those kept anyway.

    What an equation reads are its operands, or some of them.
    """
    needed = {var for var in outvars if not isinstance(var, Literal)}
    found: list[JaxprEqn] = []
    for eqn in reversed(list(eqns)):
        if kept(eqn) or needed.intersection(eqn.outvars):
            found.append(eqn)
            needed.update(var for var in read(eqn) if not isinstance(var, Literal))
    return found[::-1]


def quantum_eqns(jaxpr: Jaxpr, inside: tuple[str, ...] = ()) -> Iterator[Any]:
    """Yield each quantum operation, with the names of the equations around it."""
    for eqn in jaxpr.eqns:
        if eqn.primitive.name.startswith("quantum_"):
            yield eqn, inside
        elif has_effects(eqn):
            for inner in inner_jaxprs(eqn):
                yield from quantum_eqns(inner, (*inside, eqn.primitive.name))


def measures_mid_circuit(jaxpr: Jaxpr) -> bool:
    """Tell whether a circuit measures or resets on the way, or asks what it found."""
    names = {eqn.primitive.name for eqn, _ in quantum_eqns(jaxpr)}
    return not names.isdisjoint(MIDWAY)


def has_exact_statistics(jaxpr: Jaxpr) -> bool:
    """Tell whether results of a circuit need statistics that are not made of shots."""
    needed = jaxpr.replace(eqns=needed_eqns(jaxpr.eqns, jaxpr.outvars))
    return any(eqn.primitive in STATISTICS for eqn, _ in quantum_eqns(needed))


def measurements_last(closed: ClosedJaxpr) -> ClosedJaxpr:
    """Let all that no result of a measurement decides come before the measurements.

    Measurements that share their shots then know what all of them are made along.
    """
    jaxpr = closed.jaxpr
    if not any(eqn.params.get("factors") for eqn, _ in quantum_eqns(jaxpr)):
        return closed
    before: list[JaxprEqn] = []
    after: list[JaxprEqn] = []
    found: set[Any] = set()
    for eqn in jaxpr.eqns:
        measures = any(map(is_terminal, _inside(eqn)))
        inputs = [atom for atom in eqn.invars if not isinstance(atom, Literal)]
        if measures or not found.isdisjoint(inputs):
            found.update(eqn.outvars)
            after.append(eqn)
        else:
            before.append(eqn)
    return ClosedJaxpr(jaxpr.replace(eqns=[*before, *after]), closed.consts)


def _inside(eqn: JaxprEqn) -> Iterator[JaxprEqn]:
    yield eqn
    if has_effects(eqn):
        for inner in inner_jaxprs(eqn):
            for each in inner.eqns:
                yield from _inside(each)


def is_terminal(eqn: JaxprEqn) -> bool:
    """Tell whether an equation is a measurement at the end of a circuit."""
    return eqn.primitive in TERMINAL_PRIMITIVES


def element_of(atom: Any, makers: Mapping[Var, JaxprEqn]) -> tuple[Var, int] | None:
    """Return the array that a scalar is an element of, and its place in there."""
    if isinstance(atom, Literal) or atom.aval.shape:
        return None
    eqn = makers.get(atom)
    while eqn is not None and eqn.primitive.name in ("squeeze", "reshape"):
        atom = eqn.invars[0]
        eqn = None if isinstance(atom, Literal) else makers.get(atom)
    if eqn is None or eqn.primitive.name != "slice":
        return None
    root: Any = eqn.invars[0]
    if isinstance(root, Literal) or not is_static(root.aval.shape):
        return None
    starts = eqn.params["start_indices"]
    return root, int(np.ravel_multi_index(starts, root.aval.shape))
