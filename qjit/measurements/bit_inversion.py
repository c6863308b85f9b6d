"""Inversion of bits that are integers: 1 - x, which JAX traces as ~x."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import jax
from jax.extend.core import ClosedJaxpr, Jaxpr, JaxprEqn


def inverting_bits(closed: ClosedJaxpr, inversions: Sequence[JaxprEqn]) -> ClosedJaxpr:
    """Return a jaxpr in which these equations, inversions, act on bits."""
    if not inversions:
        return closed
    replacement = _Replacement({id(eqn) for eqn in inversions})
    return ClosedJaxpr(replacement.jaxpr(closed.jaxpr), closed.consts)


@dataclass
class _Replacement:
    """Replaces equations in a jaxpr, and in those inside of it."""

    replaced: set[int]
    done: dict[int, Jaxpr] = field(default_factory=dict[int, Jaxpr])

    def jaxpr(self, jaxpr: Jaxpr) -> Jaxpr:
        """Return a jaxpr with equations replaced; the same one if it has none."""
        if id(jaxpr) not in self.done:
            eqns = [self._equation(eqn) for eqn in jaxpr.eqns]
            same = all(a is b for a, b in zip(eqns, jaxpr.eqns, strict=True))
            self.done[id(jaxpr)] = jaxpr if same else jaxpr.replace(eqns=eqns)
        return self.done[id(jaxpr)]

    def _equation(self, eqn: JaxprEqn) -> JaxprEqn:
        if id(eqn) in self.replaced:
            return _inverted(eqn)
        params = {name: self._parameter(value) for name, value in eqn.params.items()}
        same = all(params[name] is value for name, value in eqn.params.items())
        return eqn if same else eqn.replace(params=params)

    def _parameter(self, value: Any) -> Any:
        if isinstance(value, Jaxpr):
            return self.jaxpr(value)
        if isinstance(value, ClosedJaxpr):
            new = self.jaxpr(value.jaxpr)
            return value if new is value.jaxpr else ClosedJaxpr(new, value.consts)
        if isinstance(value, tuple) and any(isinstance(v, ClosedJaxpr) for v in value):
            new = tuple(map(self._parameter, value))
            same = all(a is b for a, b in zip(new, value, strict=True))
            return value if same else new
        return value


def _inverted(eqn: JaxprEqn) -> JaxprEqn:
    aval: Any = eqn.invars[0].aval
    shape = jax.ShapeDtypeStruct(aval.shape, aval.dtype)
    made = jax.make_jaxpr(jax.jit(lambda x: 1 - x))(shape).eqns[0]
    return made.replace(
        invars=eqn.invars, outvars=eqn.outvars, source_info=eqn.source_info
    )
