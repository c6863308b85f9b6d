"""One run of a circuit serves both its value and its gradient.

JAX asks for them by two equations of equal operands. Where nothing else runs in
between, the state and the tape of the first are kept for the second.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field

from jax.extend.core import ClosedJaxpr, JaxprEqn, Literal

from .nested import CIRCUITS, inner_jaxprs
from .rewriting import JaxprRewriting


def share_forward_runs(closed: ClosedJaxpr) -> ClosedJaxpr:
    """Let the value and the gradient of a circuit share one run of it."""
    return Sharing().closed(closed)


@dataclass
class Sharing(JaxprRewriting):
    """Numbers the runs that values and gradients share."""

    runs: Iterator[int] = field(default_factory=itertools.count)

    def concerns(self, eqn: JaxprEqn) -> bool:
        """Tell whether an equation is a gradient."""
        return eqn.primitive.name == "circuit_vjp"

    def equations(self, eqns: list[JaxprEqn]) -> list[JaxprEqn]:
        """Let gradients share the runs of their values."""
        for value, gradient in _pairs(eqns):
            run = next(self.runs)
            for place in (value, gradient):
                params = {**eqns[place].params, "run": run}
                eqns[place] = eqns[place].replace(params=params)
        return eqns


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
