"""One run of a circuit serves both its value and its gradient.

JAX asks for them by two equations of equal operands. Where nothing else runs in
between, the state and the tape of the first are kept for the second.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from jax.extend.core import ClosedJaxpr, Jaxpr, JaxprEqn, Literal

from qjit.lowering.jax_internals.tracing import without_dead_code

from .nested import CIRCUITS, inner_jaxprs


def share_forward_runs(closed: ClosedJaxpr) -> ClosedJaxpr:
    """Let the value and the gradient of a circuit share one run of it."""
    return Sharing().closed(closed)


@dataclass
class Sharing:
    """One walk through a program; jaxprs that are shared stay so."""

    runs: Iterator[int] = field(default_factory=itertools.count)
    known: dict[int, bool] = field(default_factory=dict[int, bool])
    made: dict[int, Jaxpr] = field(default_factory=dict[int, Jaxpr])
    closed_made: dict[int, ClosedJaxpr] = field(default_factory=dict[int, ClosedJaxpr])

    def closed(self, closed: ClosedJaxpr) -> ClosedJaxpr:
        """Return a program whose gradients share the runs of their values."""
        if not self._has_gradients(closed.jaxpr):
            return closed
        # Values that nobody reads must go first, or they would run for nothing.
        return ClosedJaxpr(self.jaxpr(without_dead_code(closed.jaxpr)), closed.consts)

    def jaxpr(self, jaxpr: Jaxpr) -> Jaxpr:
        """Return a jaxpr whose gradients share the runs of their values."""
        if not self._has_gradients(jaxpr):
            return jaxpr
        if id(jaxpr) not in self.made:
            eqns = list(map(self._inside, jaxpr.eqns))
            for value, gradient in _pairs(eqns):
                run = next(self.runs)
                for place in (value, gradient):
                    params = {**eqns[place].params, "run": run}
                    eqns[place] = eqns[place].replace(params=params)
            self.made[id(jaxpr)] = jaxpr.replace(eqns=eqns)
        return self.made[id(jaxpr)]

    def _has_gradients(self, jaxpr: Jaxpr) -> bool:
        if id(jaxpr) not in self.known:
            self.known[id(jaxpr)] = any(
                eqn.primitive.name == "circuit_vjp"
                or any(map(self._has_gradients, inner_jaxprs(eqn)))
                for eqn in jaxpr.eqns
            )
        return self.known[id(jaxpr)]

    def _inside(self, eqn: JaxprEqn) -> JaxprEqn:
        if not any(map(self._has_gradients, inner_jaxprs(eqn))):
            return eqn
        params = {name: self._mapped(value) for name, value in eqn.params.items()}
        return eqn.replace(params=params)

    def _mapped(self, value: Any) -> Any:
        match value:
            case ClosedJaxpr():
                if id(value) not in self.closed_made:
                    made = ClosedJaxpr(self.jaxpr(value.jaxpr), value.consts)
                    self.closed_made[id(value)] = made
                return self.closed_made[id(value)]
            case Jaxpr():
                return self.jaxpr(value)
            case tuple() if any(isinstance(v, ClosedJaxpr | Jaxpr) for v in value):
                return tuple(map(self._mapped, value))
            case _:
                return value


def _pairs(eqns: list[JaxprEqn]) -> Iterator[tuple[int, int]]:
    """Yield where a value and its gradient stand, with no run in between."""
    last: int | None = None
    for place, eqn in enumerate(eqns):
        if not _runs(eqn):
            continue
        if last is not None and _is_gradient_of(eqn, eqns[last]):
            yield last, place
        plain = eqn.primitive.name == "circuit" and eqn.params["batch"] is None
        last = place if plain else None


def _runs(eqn: JaxprEqn) -> bool:
    """Tell whether an equation may run a circuit."""
    if eqn.primitive.name in CIRCUITS:
        return True
    return any(any(map(_runs, inner.eqns)) for inner in inner_jaxprs(eqn))


def _is_gradient_of(gradient: JaxprEqn, value: JaxprEqn) -> bool:
    if gradient.primitive.name != "circuit_vjp":
        return False
    params = gradient.params
    if params["directions"] or params["batch"] is not None:
        return False
    program = params["program"]
    operands = gradient.invars[len(program.results) :]
    return program is value.params["program"] and all(
        one is other and not isinstance(one, Literal)
        for one, other in zip(operands, value.invars, strict=True)
    )
