"""Rewrites of jaxprs that have something in them, wherever it is."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from jax.extend.core import ClosedJaxpr, Jaxpr, JaxprEqn

from qjit.lowering.jax_internals.tracing import without_dead_code

from .nested import inner_jaxprs


@dataclass
class JaxprRewriting(ABC):
    """One walk through a program; jaxprs that are shared stay so."""

    known: dict[int, bool] = field(default_factory=dict[int, bool])
    made: dict[int, Jaxpr] = field(default_factory=dict[int, Jaxpr])
    closed_made: dict[int, ClosedJaxpr] = field(default_factory=dict[int, ClosedJaxpr])

    @abstractmethod
    def concerns(self, eqn: JaxprEqn) -> bool:
        """Tell whether a jaxpr with this equation is rewritten."""

    @abstractmethod
    def equations(self, eqns: list[JaxprEqn]) -> Sequence[JaxprEqn]:
        """Rewrite the equations of one jaxpr, after those inside of them."""

    def prepared(self, jaxpr: Jaxpr) -> Jaxpr:
        """Return a jaxpr that means the same, whose equations are rewritten."""
        return jaxpr

    def closed(self, closed: ClosedJaxpr) -> ClosedJaxpr:
        """Return the program, rewritten."""
        if not self._is_concerned(closed.jaxpr):
            return closed
        # Values that nobody reads must go first, or they would run for nothing.
        return ClosedJaxpr(self._jaxpr(without_dead_code(closed.jaxpr)), closed.consts)

    def _jaxpr(self, jaxpr: Jaxpr) -> Jaxpr:
        if not self._is_concerned(jaxpr):
            return jaxpr
        if id(jaxpr) not in self.made:
            plain = self.prepared(jaxpr)
            eqns = list(map(self._inside, plain.eqns))
            self.made[id(jaxpr)] = plain.replace(eqns=list(self.equations(eqns)))
        return self.made[id(jaxpr)]

    def _is_concerned(self, jaxpr: Jaxpr) -> bool:
        if id(jaxpr) not in self.known:
            self.known[id(jaxpr)] = any(
                self.concerns(eqn) or any(map(self._is_concerned, inner_jaxprs(eqn)))
                for eqn in jaxpr.eqns
            )
        return self.known[id(jaxpr)]

    def _inside(self, eqn: JaxprEqn) -> JaxprEqn:
        if not any(map(self._is_concerned, inner_jaxprs(eqn))):
            return eqn
        params = {name: self._mapped(value) for name, value in eqn.params.items()}
        return eqn.replace(params=params)

    def _mapped(self, value: Any) -> Any:
        match value:
            case ClosedJaxpr():
                if id(value) not in self.closed_made:
                    made = ClosedJaxpr(self._jaxpr(value.jaxpr), value.consts)
                    self.closed_made[id(value)] = made
                return self.closed_made[id(value)]
            case Jaxpr():
                return self._jaxpr(value)
            case tuple() if any(isinstance(v, ClosedJaxpr | Jaxpr) for v in value):
                return tuple(map(self._mapped, value))
            case _:
                return value
