"""Which values of a program depend on some others."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from jax.extend.core import Jaxpr, JaxprEqn, Literal, Var

from .jax_internals import scan_counts
from .jaxprs import CALL_PRIMITIVES, inner_jaxpr

Marks = list[bool]


@dataclass
class Dependence:
    """What depends on marked inputs and on the results of marked equations."""

    starts: Callable[[JaxprEqn], bool] = lambda _: False
    inputs: dict[int, Marks] = field(default_factory=dict[int, Marks])

    def of(self, eqn: JaxprEqn) -> Marks:
        """Return which inputs of an equation depend on what is marked."""
        return self.inputs.get(id(eqn), [False] * len(eqn.invars))

    def walk(self, jaxpr: Jaxpr, marked: Sequence[bool]) -> Marks:
        """Return which outputs depend on marked inputs."""
        found = {var for var, mark in zip(jaxpr.invars, marked, strict=True) if mark}

        def read(atoms: Sequence[Var | Literal]) -> Marks:
            return [not isinstance(a, Literal) and a in found for a in atoms]

        for eqn in jaxpr.eqns:
            marks = read(eqn.invars)
            before = self.of(eqn)
            both = [a or b for a, b in zip(marks, before, strict=True)]
            self.inputs[id(eqn)] = both
            outs = self._through(eqn, marks)
            found.update(v for v, mark in zip(eqn.outvars, outs, strict=True) if mark)
        return read(jaxpr.outvars)

    def _through(self, eqn: JaxprEqn, marks: Marks) -> Marks:
        name, params = eqn.primitive.name, eqn.params
        if name in CALL_PRIMITIVES:
            return self.walk(inner_jaxpr(eqn).jaxpr, marks)
        if name == "cond":
            each = [self.walk(b.jaxpr, marks[1:]) for b in params["branches"]]
            return [marks[0] or any(outs) for outs in zip(*each, strict=True)]
        if name == "scan":
            first, count = scan_counts(params)
            return self._loop(params["jaxpr"].jaxpr, marks, first, count)
        if name == "while":
            return self._while(eqn, marks)
        return [self.starts(eqn) or any(marks)] * len(eqn.outvars)

    def _loop(self, body: Jaxpr, marks: Marks, first: int, count: int) -> Marks:
        """Walk through a loop until what it carries no longer changes."""
        marks, last = list(marks), first + count
        while True:
            outs = self.walk(body, marks)
            carried = [a or b for a, b in zip(marks[first:last], outs, strict=False)]
            if carried == marks[first:last]:
                return outs
            marks[first:last] = carried

    def _while(self, eqn: JaxprEqn, marks: Marks) -> Marks:
        params = eqn.params
        first, second = params["cond_nconsts"], params["body_nconsts"]
        condition, body = params["cond_jaxpr"].jaxpr, params["body_jaxpr"].jaxpr
        carried = len(eqn.outvars)
        outs = self._loop(body, marks[first:], second, carried)
        decided = self.walk(condition, [*marks[:first], *outs])
        return [True] * carried if any(decided) else outs
