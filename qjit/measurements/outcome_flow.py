"""Where the values of a traced function go, through its calls, branches and loops."""

import itertools
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from jax.extend.core import Jaxpr, JaxprEqn, Var

from qjit.lowering.jax_internals.tracing import scan_counts
from qjit.lowering.jaxpr.traversal import inner_jaxprs

# A value, and the variable that it is known by elsewhere.
Renamed = tuple[Any, Var]


def _lists() -> dict[Any, list[Any]]:
    return defaultdict(list)


@dataclass
class Flow:
    """The equations that read each value, and its names in inner jaxprs.

    Equations with inner jaxprs do not count: what they read has other names inside.
    """

    readers: dict[Var, list[JaxprEqn]] = field(default_factory=_lists)
    makers: dict[Var, JaxprEqn] = field(default_factory=dict[Var, JaxprEqn])
    names: dict[Var, list[Var]] = field(default_factory=_lists)
    sources: dict[Var, list[Any]] = field(default_factory=_lists)  # `names` backward
    decided: dict[Var, list[Var]] = field(default_factory=_lists)  # by predicates
    equations: list[JaxprEqn] = field(default_factory=list[JaxprEqn])
    calls: list[JaxprEqn] = field(default_factory=list[JaxprEqn])
    _seen: set[int] = field(default_factory=set[int])

    @classmethod
    def of(cls, jaxpr: Jaxpr) -> "Flow":
        """Return the flow of values in a jaxpr."""
        flow = cls()
        flow._enter(jaxpr)
        return flow

    def reached(
        self,
        starts: Iterable[Var],
        passes: Callable[[JaxprEqn], bool] = lambda _: True,
    ) -> set[Var]:
        """Return what depends on some values, through the equations that pass it on."""
        found: set[Var] = set()
        waiting = list(starts)
        while waiting:
            var = waiting.pop()
            if var in found:
                continue
            found.add(var)
            waiting += [*self.names[var], *self.decided[var]]
            for eqn in filter(passes, self.readers[var]):
                waiting += eqn.outvars
        return found

    def _enter(self, jaxpr: Jaxpr) -> None:
        if id(jaxpr) in self._seen:
            return
        self._seen.add(id(jaxpr))
        for eqn in jaxpr.eqns:
            inner = inner_jaxprs(eqn)
            if inner:
                self._enter_inner(eqn, inner)
                continue
            self.equations.append(eqn)
            self.makers.update((var, eqn) for var in eqn.outvars)
            for var in _variables(eqn.invars):
                self.readers[var].append(eqn)

    def _enter_inner(self, eqn: JaxprEqn, inner: Sequence[Jaxpr]) -> None:
        self.calls.append(eqn)
        for each in inner:
            self._enter(each)
        for source, target in _renamed(eqn, inner):
            self.sources[target].append(source)
            for var in _variables([source]):
                self.names[var].append(target)
        for source, target in _decided(eqn):
            for var in _variables([source]):
                self.decided[var].append(target)


def _variables(atoms: Iterable[Any]) -> Iterator[Var]:
    return (atom for atom in atoms if isinstance(atom, Var))


def _renamed(eqn: JaxprEqn, inner: Sequence[Jaxpr]) -> Iterator[Renamed]:
    """Yield what goes into the jaxprs of an equation, around in them, and out."""
    rule = _RULES.get(eqn.primitive.name)
    if rule is not None:
        yield from rule(eqn)
        return
    for each in inner:
        if len(each.invars) == len(eqn.invars):
            yield from zip(eqn.invars, each.invars, strict=True)
        else:
            yield from itertools.product(eqn.invars, each.invars)
        if len(each.outvars) == len(eqn.outvars):
            yield from zip(each.outvars, eqn.outvars, strict=True)
        else:
            yield from itertools.product(each.outvars, eqn.outvars)


def _through_cond(eqn: JaxprEqn) -> Iterator[Renamed]:
    for branch in eqn.params["branches"]:
        yield from zip(eqn.invars[1:], branch.jaxpr.invars, strict=True)
        yield from zip(branch.jaxpr.outvars, eqn.outvars, strict=True)


def _through_scan(eqn: JaxprEqn) -> Iterator[Renamed]:
    body = eqn.params["jaxpr"].jaxpr
    first, count = scan_counts(eqn.params)
    carried = body.invars[first : first + count]
    yield from zip(eqn.invars, body.invars, strict=True)
    yield from zip(body.outvars[:count], carried, strict=True)
    yield from zip(eqn.invars[first : first + count], eqn.outvars, strict=False)
    yield from zip(body.outvars, eqn.outvars, strict=True)


def _through_while(eqn: JaxprEqn) -> Iterator[Renamed]:
    condition, body = (eqn.params[f"{name}_jaxpr"].jaxpr for name in ("cond", "body"))
    first, second = (eqn.params[f"{name}_nconsts"] for name in ("cond", "body"))
    start = eqn.invars[first + second :]
    yield from zip(eqn.invars[:first], condition.invars, strict=False)
    yield from zip(eqn.invars[first : first + second], body.invars, strict=False)
    for values in (start, body.outvars):
        yield from zip(values, condition.invars[first:], strict=True)
        yield from zip(values, body.invars[second:], strict=True)
        yield from zip(values, eqn.outvars, strict=True)


_RULES: dict[str, Callable[[JaxprEqn], Iterator[Renamed]]] = {
    "cond": _through_cond,
    "scan": _through_scan,
    "while": _through_while,
}


def _decided(eqn: JaxprEqn) -> Iterator[Renamed]:
    """Yield the predicate of a branch or loop with each of its results."""
    if eqn.primitive.name == "cond":
        yield from zip(itertools.repeat(eqn.invars[0]), eqn.outvars, strict=False)
    if eqn.primitive.name == "while":
        (predicate,) = eqn.params["cond_jaxpr"].jaxpr.outvars
        yield from zip(itertools.repeat(predicate), eqn.outvars, strict=False)
