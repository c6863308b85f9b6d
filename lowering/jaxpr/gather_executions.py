"""Circuits that do not depend on one another go to their runtimes together.

Where a program asks for the value and the gradient of a circuit, or for several
circuits, each would be a job, and the next one would wait for it.
"""

from collections.abc import Sequence
from itertools import chain, groupby
from typing import Any

import jax
from jax.extend.core import ClosedJaxpr, Jaxpr, JaxprEqn, Literal, Primitive, Var

from qjit.dialects.targets import find_target

from .nested import inner_jaxprs
from .rewriting import JaxprRewriting
from .traversal import CALL_PRIMITIVES, Environment, bind, inner_jaxpr

# Runs of several quantum functions, with their operands and results one after another.
qnodes_p = Primitive("qnodes")
qnodes_p.multiple_results = True


def gather_executions(closed: ClosedJaxpr) -> ClosedJaxpr:
    """Send circuits to runtimes of others together where they are independent."""
    return Gathering().closed(closed)


class Gathering(JaxprRewriting):
    """Moves runs of quantum functions together."""

    def concerns(self, eqn: JaxprEqn) -> bool:
        """Tell whether an equation is a run of a circuit by a runtime of others."""
        if eqn.primitive.name != "qnode":
            return False
        return find_target(eqn.params["circuit"].device).state == "remote"

    def prepared(self, jaxpr: Jaxpr) -> Jaxpr:
        """Return a jaxpr without calls of what has runs inside."""
        if not any(self._is_call(eqn) for eqn in jaxpr.eqns):
            return jaxpr
        count = len(jaxpr.constvars)

        def run(*args: Any) -> list[Any]:
            return self._evaluated(jaxpr, args[:count], args[count:])

        avals: list[Any] = [v.aval for v in (*jaxpr.constvars, *jaxpr.invars)]
        shapes = [jax.ShapeDtypeStruct(aval.shape, aval.dtype) for aval in avals]
        found = jax.make_jaxpr(run)(*shapes)
        if found.consts:
            return jaxpr
        given = found.jaxpr.invars
        return found.jaxpr.replace(constvars=given[:count], invars=given[count:])

    def _is_call(self, eqn: JaxprEqn) -> bool:
        called = eqn.primitive.name in CALL_PRIMITIVES or "call_jaxpr" in eqn.params
        return called and self._waits(eqn)

    def _evaluated(self, jaxpr: Jaxpr, consts: Any, args: Any) -> list[Any]:
        env = Environment(jaxpr, consts, args)
        for eqn in jaxpr.eqns:
            inputs = env.read(eqn.invars)
            if self._is_call(eqn):
                # What has a rule for its derivative is differentiated by now.
                inner = eqn.params.get("call_jaxpr") or inner_jaxpr(eqn)
                outs = self._evaluated(inner.jaxpr, inner.consts, inputs)
            else:
                outs = bind(eqn, inputs)
            env.write(eqn.outvars, outs)
        return env.read(jaxpr.outvars)

    def equations(self, eqns: list[JaxprEqn]) -> Sequence[JaxprEqn]:
        """Put together what is independent, and keep the order of effects."""
        parts = groupby(eqns, key=lambda eqn: bool(eqn.effects))
        return list(
            chain.from_iterable(
                eqns if effects else self._gathered(list(eqns))
                for effects, eqns in parts
            )
        )

    def _gathered(self, eqns: list[JaxprEqn]) -> list[JaxprEqn]:
        """Return equations by how many runs, one after another, they wait for."""
        stages: dict[Var, int] = {}
        staged: dict[tuple[int, bool], list[JaxprEqn]] = {}
        for eqn in eqns:
            read = (v for v in eqn.invars if not isinstance(v, Literal))
            stage = max((stages.get(var, 0) for var in read), default=0)
            runs = self.concerns(eqn)
            after = stage + (runs or self._waits(eqn))
            stages.update(dict.fromkeys(eqn.outvars, after))
            staged.setdefault((stage, runs), []).append(eqn)
        if not any(runs and len(found) > 1 for (_, runs), found in staged.items()):
            return eqns
        made: list[JaxprEqn] = []
        for (_, runs), found in sorted(staged.items(), key=lambda item: item[0]):
            made += [_together(found)] if runs and len(found) > 1 else found
        return made

    def _waits(self, eqn: JaxprEqn) -> bool:
        """Tell whether a loop, a branch or a call waits for runs inside of it."""
        return any(map(self._is_concerned, inner_jaxprs(eqn)))


def _together(eqns: Sequence[JaxprEqn]) -> JaxprEqn:
    """Return one equation that runs several quantum functions."""
    calls: Any = tuple(
        (eqn.params["circuit"], eqn.params["batch"], len(eqn.invars)) for eqn in eqns
    )
    return eqns[0].replace(
        primitive=qnodes_p,
        invars=[var for eqn in eqns for var in eqn.invars],
        outvars=[var for eqn in eqns for var in eqn.outvars],
        params={"calls": calls},
    )
