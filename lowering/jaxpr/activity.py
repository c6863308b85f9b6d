"""Which values of a program depend on some others."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from jax.extend.core import ClosedJaxpr, Jaxpr, JaxprEqn, Literal, Var

from qjit.lowering.jax_internals.tracing import scan_counts

from .traversal import CALL_PRIMITIVES, inner_jaxpr

Marks = list[bool]


@dataclass
class Dependence:
    """What depends on marked inputs and on the results of marked equations."""

    starts: Callable[[JaxprEqn], bool] = lambda _: False
    ends: Callable[[JaxprEqn], bool] = lambda _: False  # whose results do not depend
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
            outs = self.branches(params["branches"], marks[1:])
            return [marks[0] or mark for mark in outs]
        if name == "scan":
            first, count = scan_counts(params)
            return self._loop(params["jaxpr"].jaxpr, marks, first, count)
        if name == "while":
            return self._while(eqn, marks)
        depends = self.starts(eqn) or (any(marks) and not self.ends(eqn))
        return [depends] * len(eqn.outvars)

    def _loop(self, body: Jaxpr, marks: Marks, first: int, count: int) -> Marks:
        """Walk through a loop until what it carries no longer changes."""
        marks, last = list(marks), first + count
        while True:
            outs = self.walk(body, marks)
            carried = [a or b for a, b in zip(marks[first:last], outs, strict=False)]
            if carried == marks[first:last]:
                return outs
            marks[first:last] = carried

    def carried(self, body: Jaxpr, marks: Marks, first: int, count: int) -> Marks:
        """Return which values that a loop carries depend on what is marked."""
        outs = self._loop(body, marks, first, count)
        initial = marks[first : first + count]
        return [a or b for a, b in zip(initial, outs, strict=False)]

    def branches(self, closed: Sequence[ClosedJaxpr], marks: Marks) -> Marks:
        """Return which results of branches depend on what is marked."""
        each = [self.walk(branch.jaxpr, marks) for branch in closed]
        return [any(outs) for outs in zip(*each, strict=True)]

    def _while(self, eqn: JaxprEqn, marks: Marks) -> Marks:
        params = eqn.params
        first, second = params["cond_nconsts"], params["body_nconsts"]
        condition, body = params["cond_jaxpr"].jaxpr, params["body_jaxpr"].jaxpr
        carried = len(eqn.outvars)
        outs = self._loop(body, marks[first:], second, carried)
        decided = self.walk(condition, [*marks[:first], *outs])
        return [True] * carried if any(decided) else outs
