"""Partial evaluation of a quantum function: callbacks apart from gates.

One walk evaluates the callbacks that do not depend on the quantum state, with the
classical code that they need; the other evaluates the rest, given their results. The
first leaves a list of sites that tells the second what became of each callback.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
from jax.extend.core import Jaxpr, JaxprEqn

from qjit.lowering.jax_internals.tracing import (
    bind_at_line,
    scan_counts,
    source_line,
    user_line,
)
from qjit.lowering.jaxpr.activity import Dependence
from qjit.lowering.jaxpr.traversal import (
    CALL_PRIMITIVES,
    Environment,
    has_effects,
    inner_jaxpr,
    inner_jaxprs,
)
from qjit.lowering.native.host_calls import Located

Values = Sequence[Any]  # None for what depends on the quantum state


@dataclass(frozen=True)
class Moved:
    """An equation that was moved, with the number of its results."""

    count: int


@dataclass(frozen=True)
class Stays:
    """An equation that depends on the quantum state."""


@dataclass(frozen=True)
class Inside:
    """Control flow around gates: the sites in each body, and their results."""

    bodies: tuple[tuple["Site", ...], ...]
    counts: tuple[int, ...]


Site = Moved | Stays | Inside


@dataclass(frozen=True)
class Outward:
    """Which equations are to be moved: those with effects, and pure callbacks."""

    pure: bool

    def __call__(self, eqn: JaxprEqn) -> bool:
        """Tell whether an equation calls out, by itself or in a function of its own."""
        if self.has_effect(eqn) or (self.pure and "callback" in eqn.params):
            return True
        return any(any(map(self, inner.eqns)) for inner in inner_jaxprs(eqn))

    @staticmethod
    def has_effect(eqn: JaxprEqn) -> bool:
        """Tell whether an equation has an effect that is not on the quantum state."""
        return len(eqn.effects) > has_effects(eqn)


@dataclass
class Before:
    """Evaluates callbacks without gates; `results` are what the moved ones return."""

    outward: Outward
    sites: list[Site] = field(default_factory=list[Site])
    results: list[Any] = field(default_factory=list[Any])

    def walk(self, jaxpr: Jaxpr, consts: Values, args: Values) -> list[Any]:
        """Evaluate a jaxpr; return its results."""
        env = Environment(jaxpr, consts, args)
        for eqn in jaxpr.eqns:
            env.write(eqn.outvars, self._evaluated(eqn, env.read(eqn.invars)))
        return env.read(jaxpr.outvars)

    def _evaluated(self, eqn: JaxprEqn, inputs: list[Any]) -> list[Any]:
        outward, unknown = self.outward(eqn), [None] * len(eqn.outvars)
        if has_effects(eqn) or (outward and any(_marks(inputs))):
            rule = self._rules.get(eqn.primitive.name)
            found = None if rule is None else rule(self, eqn, inputs)
            if found is None and outward:
                self.sites.append(Stays())
            return unknown if found is None else found
        if any(_marks(inputs)):
            return unknown
        outs = bind_at_line(located(eqn), inputs)
        if outward:
            self.sites.append(Moved(len(outs)))
            self.results.extend(outs)
        return outs

    def _inside(self, eqn: JaxprEqn, bodies: Sequence["Before"]) -> None:
        if self.outward(eqn):
            sites = tuple(tuple(body.sites) for body in bodies)
            self.sites.append(Inside(sites, tuple(len(b.results) for b in bodies)))

    def _call(self, eqn: JaxprEqn, inputs: list[Any]) -> list[Any]:
        inner, body = inner_jaxpr(eqn), Before(self.outward)
        outs = body.walk(inner.jaxpr, inner.consts, inputs)
        self._inside(eqn, [body])
        self.results.extend(body.results)
        return outs

    def _scan(self, eqn: JaxprEqn, inputs: list[Any]) -> list[Any]:
        closed, params = eqn.params["jaxpr"], eqn.params
        first, count = scan_counts(params)
        consts, xs = inputs[:first], inputs[first + count :]
        marks = _dependence().carried(closed.jaxpr, _marks(inputs), first, count)
        init = _known(inputs[first : first + count], marks)
        bodies: list[Before] = []

        def body(carry: Any, slices: Any) -> Any:
            inner = Before(self.outward)
            outs = inner.walk(closed.jaxpr, closed.consts, [*consts, *carry, *slices])
            bodies.append(inner)
            return _known(outs[:count], marks), (outs[count:], inner.results)

        length = None if _leaves(xs) else params["length"]
        with source_line(eqn):
            carry, (ys, results) = jax.lax.scan(
                body, init, xs, length=length, reverse=params["reverse"]
            )
        self._inside(eqn, bodies[-1:])
        self.results.extend(results)
        return [*carry, *ys]

    def _while(self, eqn: JaxprEqn, inputs: list[Any]) -> list[Any] | None:
        """Evaluate a loop of unknown length, whose callbacks return nothing."""
        params = eqn.params
        condition, closed = params["cond_jaxpr"], params["body_jaxpr"]
        first, second = params["cond_nconsts"], params["body_nconsts"]
        start, count = first + second, len(eqn.outvars)
        asked, consts = inputs[:first], inputs[first:start]
        marks = _dependence().carried(
            closed.jaxpr, _marks(inputs)[first:], second, count
        )
        decided = _dependence().walk(condition.jaxpr, [*_marks(asked), *marks])
        if any(decided) or any(map(self._returns, closed.jaxpr.eqns)):
            return None
        sites: list[list[Site]] = [[], []]

        def go_on(carry: Any) -> Any:
            inner = Before(self.outward)
            outs = inner.walk(condition.jaxpr, condition.consts, [*asked, *carry])
            sites[0] = inner.sites
            return outs[0]

        def body(carry: Any) -> Any:
            inner = Before(self.outward)
            outs = inner.walk(closed.jaxpr, closed.consts, [*consts, *carry])
            sites[1] = inner.sites
            return _known(outs, marks)

        with source_line(eqn):
            outs = jax.lax.while_loop(go_on, body, _known(inputs[start:], marks))
        if self.outward(eqn):
            self.sites.append(Inside(tuple(map(tuple, sites)), (0, 0)))
        return outs

    def _returns(self, eqn: JaxprEqn) -> bool:
        """Tell whether there is a callback whose results a loop cannot pass out."""
        inner = [each for jaxpr in inner_jaxprs(eqn) for each in jaxpr.eqns]
        if has_effects(eqn) or inner:
            return any(map(self._returns, inner))
        return bool(self.outward(eqn) and eqn.outvars)

    def _cond(self, eqn: JaxprEqn, inputs: list[Any]) -> list[Any] | None:
        index, operands = inputs[0], inputs[1:]
        if index is None:
            return None
        branches = eqn.params["branches"]
        bodies: dict[int, Before] = {}
        marks = _dependence().branches(branches, _marks(operands))

        def run(number: int, *args: Any) -> tuple[list[Any], list[Any]]:
            bodies[number] = inner = Before(self.outward)
            branch = branches[number]
            outs = inner.walk(branch.jaxpr, branch.consts, args)
            return _known(outs, marks), inner.results

        shapes = [
            jax.eval_shape(lambda *args, n=n: run(n, *args)[1], *operands)
            for n in range(len(branches))
        ]

        def padded(number: int) -> Callable[..., Any]:
            def function(*args: Any) -> Any:
                outs, results = run(number, *args)
                groups = [[jnp.zeros(s.shape, s.dtype) for s in g] for g in shapes]
                groups[number] = results
                return outs, groups

            return function

        with source_line(eqn):
            outs, groups = jax.lax.switch(
                index, [padded(n) for n in range(len(branches))], *operands
            )
        self._inside(eqn, [bodies[n] for n in range(len(branches))])
        self.results.extend(result for group in groups for result in group)
        return outs

    _rules: ClassVar[dict[str, Callable[..., Any]]] = {
        **dict.fromkeys(CALL_PRIMITIVES, _call),
        "scan": _scan,
        "while": _while,
        "cond": _cond,
    }


@dataclass
class Rest:
    """Evaluates a quantum function without the callbacks that were moved."""

    outward: Outward
    sites: Iterator[Site]
    results: Iterator[Any]

    def walk(self, jaxpr: Jaxpr, consts: Values, args: Values) -> list[Any]:
        """Evaluate a jaxpr; return its results."""
        env = Environment(jaxpr, consts, args)
        for eqn in jaxpr.eqns:
            inputs = env.read(eqn.invars)
            if self.outward(eqn):
                env.write(eqn.outvars, self._outward(eqn, inputs, next(self.sites)))
            else:
                env.write(eqn.outvars, bind_at_line(eqn, inputs))
        return env.read(jaxpr.outvars)

    def _outward(self, eqn: JaxprEqn, inputs: list[Any], site: Site) -> list[Any]:
        match site:
            case Moved(count):
                return [next(self.results) for _ in range(count)]
            case Stays():
                return bind_at_line(eqn, inputs)
            case Inside():
                with source_line(eqn):
                    return self._rules[eqn.primitive.name](self, eqn, inputs, site)

    def _taken(self, site: Inside) -> list[list[Any]]:
        """Take the results of all bodies."""
        return [[next(self.results) for _ in range(n)] for n in site.counts]

    def _body(self, site: Inside, number: int, results: Values) -> "Rest":
        return Rest(self.outward, iter(site.bodies[number]), iter(results))

    def _call(self, eqn: JaxprEqn, inputs: list[Any], site: Inside) -> list[Any]:
        inner, (results,) = inner_jaxpr(eqn), self._taken(site)
        return self._body(site, 0, results).walk(inner.jaxpr, inner.consts, inputs)

    def _scan(self, eqn: JaxprEqn, inputs: list[Any], site: Inside) -> list[Any]:
        closed, params = eqn.params["jaxpr"], eqn.params
        first, count = scan_counts(params)
        consts, xs = inputs[:first], inputs[first + count :]
        (results,) = self._taken(site)

        def body(carry: Any, slices: Any) -> Any:
            mine, given = slices
            inner = self._body(site, 0, given)
            outs = inner.walk(closed.jaxpr, closed.consts, [*consts, *carry, *mine])
            return outs[:count], outs[count:]

        length = None if xs or results else params["length"]
        carry, ys = jax.lax.scan(
            body,
            inputs[first : first + count],
            (xs, results),
            length=length,
            reverse=params["reverse"],
            unroll=params["unroll"],
        )
        return [*carry, *ys]

    def _while(self, eqn: JaxprEqn, inputs: list[Any], site: Inside) -> list[Any]:
        params = eqn.params
        condition, closed = params["cond_jaxpr"], params["body_jaxpr"]
        first, second = params["cond_nconsts"], params["body_nconsts"]
        asked, consts = inputs[:first], inputs[first : first + second]

        def go_on(carry: Any) -> Any:
            inner = self._body(site, 0, ())
            return inner.walk(condition.jaxpr, condition.consts, [*asked, *carry])[0]

        def body(carry: Any) -> Any:
            inner = self._body(site, 1, ())
            return inner.walk(closed.jaxpr, closed.consts, [*consts, *carry])

        return jax.lax.while_loop(go_on, body, inputs[first + second :])

    def _cond(self, eqn: JaxprEqn, inputs: list[Any], site: Inside) -> list[Any]:
        groups = self._taken(site)

        def branch(number: int) -> Callable[..., Any]:
            closed = eqn.params["branches"][number]

            def function(*args: Any) -> Any:
                inner = self._body(site, number, groups[number])
                return inner.walk(closed.jaxpr, closed.consts, args)

            return function

        return jax.lax.switch(
            inputs[0], [branch(n) for n in range(len(groups))], *inputs[1:]
        )

    _rules: ClassVar[dict[str, Callable[..., Any]]] = {
        **dict.fromkeys(CALL_PRIMITIVES, _call),
        "scan": _scan,
        "while": _while,
        "cond": _cond,
    }


def located(eqn: JaxprEqn) -> JaxprEqn:
    """Let a callback say its line when it raises."""
    callback = eqn.params.get("callback")
    if callback is None:
        return eqn
    line = user_line(eqn.source_info)
    located = Located(callback, eqn.primitive.name, line)
    return eqn.replace(params={**eqn.params, "callback": located})


def silencing(outward: Outward, jaxpr: Jaxpr) -> tuple[Site, ...]:
    """Return the sites of a jaxpr for which callbacks that return nothing are gone."""

    def site(eqn: JaxprEqn) -> Site:
        if eqn.primitive.name in _BODIES:
            closed = _BODIES[eqn.primitive.name](eqn)
            bodies = tuple(silencing(outward, each.jaxpr) for each in closed)
            return Inside(bodies, (0,) * len(bodies))
        return Stays() if eqn.outvars else Moved(0)

    return tuple(map(site, filter(outward, jaxpr.eqns)))


_BODIES: dict[str, Callable[[JaxprEqn], Sequence[Any]]] = {
    **dict.fromkeys(CALL_PRIMITIVES, lambda eqn: [inner_jaxpr(eqn)]),
    "scan": lambda eqn: [eqn.params["jaxpr"]],
    "while": lambda eqn: [eqn.params["cond_jaxpr"], eqn.params["body_jaxpr"]],
    "cond": lambda eqn: eqn.params["branches"],
}


def _marks(values: Values) -> list[bool]:
    return [value is None for value in values]


def _known(values: Values, marks: Sequence[bool]) -> list[Any]:
    pairs = zip(values, marks, strict=True)
    return [None if mark else value for value, mark in pairs]


def _leaves(values: Values) -> bool:
    return any(value is not None for value in values)


def _dependence() -> Dependence:
    """Find what depends on the quantum state."""
    return Dependence(lambda eqn: eqn.primitive.name.startswith("quantum_"))
