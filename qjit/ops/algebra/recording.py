"""Which operators a quantum function applies: decided at the end of tracing.

A gate's function applies its gate where it is called. An operator that is then used in
another one, or in a measurement, is withdrawn: an equation says so in the jaxpr, and
both are dropped when the function is traced to its end.
"""

import itertools
from collections.abc import Generator, Hashable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import jax
from jax.extend.core import ClosedJaxpr, Jaxpr, JaxprEqn

from qjit.errors import MeasurementError, UnsupportedError
from qjit.lowering.jax_internals.tracing import user_line
from qjit.lowering.jaxpr.primitives import QuantumEffect, withdraw_p
from qjit.lowering.jaxpr.traversal import inner_jaxprs
from qjit.tracing.context import TraceContext, current, is_tracing

from .operator import UNCHANGED, Modifiers, Operator, implements, is_operator

_numbers = itertools.count(1)


@dataclass(frozen=True, eq=False, repr=False)
class Applied(Operator):
    """An operator that the quantum function under trace applies.

    It holds no arrays, so that branches and loop bodies may return one.
    """

    operator: Operator
    site: int
    context: TraceContext

    @property
    def name(self) -> str:
        """The name of the operator."""
        return self.operator.name

    @property
    def wires(self) -> tuple[Any, ...]:
        """The wires that the operator acts on."""
        return self.operator.wires

    @property
    def parameters(self) -> list[Any]:
        """The numbers that the operator was made with."""
        return self.operator.parameters

    @property
    def is_unitary(self) -> bool:
        """Whether it can be applied."""
        return True

    def bind(self, change: Modifiers = UNCHANGED) -> None:
        """Apply the operator once more."""
        self.operator.bind(change)

    def own_matrix(self) -> Any:
        """Return the matrix of the operator."""
        return self.operator.own_matrix()

    def text(self) -> str:
        """Return the operator as it is written."""
        return self.operator.text()

    def value(self) -> Operator:
        """Return the operator itself."""
        return self.operator

    def tree_flatten_with_keys(self) -> tuple[list[tuple[Any, Any]], Hashable]:
        """Return nothing: what is applied is in the circuit already."""
        return [], ()

    @classmethod
    def tree_unflatten(cls, structure: Any, children: Any) -> None:
        """Return nothing for what is in the circuit already."""


def applied(operator: Operator) -> Applied:
    """Apply an operator in the quantum function under trace."""
    context = current(operator.name)
    site = next(_numbers)
    with _inside(context, site):
        operator.bind()
    return Applied(operator, site, context)


@contextmanager
def _inside(context: TraceContext, site: int) -> Generator[None]:
    """Let all gates that are bound belong to one applied operator."""
    outer = context.sites
    context.sites = (*outer, site)
    try:
        yield
    finally:
        context.sites = outer


def created(operator: Operator) -> Operator:
    """Return an operator that was made of others: applied, if it can be.

    What cannot be applied has to be used; see `check_used`.
    """
    if not is_tracing():
        return operator
    if operator.is_unitary:
        return applied(operator)
    context = current(operator.name)
    context.unused[id(operator)] = (operator, user_line())
    return operator


def expected(results: Any) -> Any:
    """Return results of a branch or loop, whose operators have to be used."""
    if is_tracing():
        for leaf in jax.tree.leaves(results, is_leaf=is_operator):
            if is_operator(leaf) and not leaf.is_unitary:
                current("an operator").unused[id(leaf)] = (leaf, user_line())
    return results


@implements("noticed")
def noticed(operator: Operator) -> None:
    """Note that something is done with an operator."""
    if is_tracing():
        current(operator.name).unused.pop(id(operator), None)


def taken(operator: Operator) -> Operator:
    """Return an operator for use in something else, and withdraw it where it is."""
    return all_taken([operator])[0]


def all_taken(operators: Iterable[Operator]) -> list[Operator]:
    """Return operators for use in something else, withdrawn in one equation."""
    found: list[Operator] = []
    sites: list[int] = []
    context = current("an operator") if is_tracing() else None
    for operator in operators:
        if context is not None:
            context.unused.pop(id(operator), None)
        if isinstance(operator, Applied):
            found.append(operator.operator)
            if operator.context is context:
                sites.append(operator.site)
        else:
            found.append(operator)
    if sites:
        withdraw_p.bind(sites=tuple(sites))
    return found


def check_used(context: TraceContext) -> None:
    """Refuse operators that can only be measured, and were not."""
    for operator, line in context.unused.values():
        raise MeasurementError(
            f"{line}: the operator {operator!r} is neither measured nor part of "
            "another one, and it is not applied, because it is not unitary by its "
            "construction. Measure it, leave it out, or apply it with qjit.apply."
        )


# The end of tracing


def resolved(closed: ClosedJaxpr, *, whole: bool) -> ClosedJaxpr:
    """Return a jaxpr without the operators that were withdrawn.

    Args:
        closed: the jaxpr of a quantum function, or of a function inside of one.
        whole: whether no operator can be outside of it.
    """
    sites = dict(_withdrawals(closed.jaxpr))
    found = _Resolution(frozenset(sites))
    jaxpr = found.jaxpr(closed.jaxpr)
    for site in sorted(sites.keys() - found.dropped):
        if whole:
            raise UnsupportedError(
                f"{user_line(sites[site].source_info)}: an operator that was applied "
                "by an inner function is used outside of it, and cannot be taken back. "
                "Make the operator where it is used."
            )
        withdraw_p.bind(sites=(site,))
    return ClosedJaxpr(jaxpr, closed.consts)


def _withdrawals(jaxpr: Jaxpr) -> Iterator[tuple[int, JaxprEqn]]:
    for eqn in jaxpr.eqns:
        if eqn.primitive is withdraw_p:
            yield from ((site, eqn) for site in eqn.params["sites"])
        elif eqn.effects:
            for inner in inner_jaxprs(eqn):
                yield from _withdrawals(inner)


class _Resolution:
    """Drops what was withdrawn, in a jaxpr and in those inside."""

    def __init__(self, withdrawn: frozenset[int]) -> None:
        self._withdrawn = withdrawn
        self._known: dict[int, tuple[Any, Any]] = {}
        self.dropped: set[int] = set()

    def jaxpr(self, jaxpr: Jaxpr) -> Jaxpr:
        """Return a jaxpr, the same object for the same one."""
        if id(jaxpr) not in self._known:
            eqns = [new for eqn in jaxpr.eqns for new in self._equation(eqn)]
            quantum = _quantum(effect for eqn in eqns for effect in eqn.effects)
            effects = jaxpr.effects - _quantum(jaxpr.effects) | quantum
            # NOTE: the old one is held, so that no other has its identity.
            self._known[id(jaxpr)] = jaxpr, jaxpr.replace(eqns=eqns, effects=effects)
        return self._known[id(jaxpr)][1]

    def _equation(self, eqn: JaxprEqn) -> Iterator[JaxprEqn]:
        if not eqn.effects:
            yield eqn
        elif eqn.primitive is withdraw_p:
            return
        elif "sites" in eqn.params:
            if gone := self._withdrawn.intersection(eqn.params["sites"]):
                self.dropped |= gone
            else:
                yield eqn.replace(params={**eqn.params, "sites": ()})
        elif _quantum(eqn.effects) and inner_jaxprs(eqn):
            yield self._nested(eqn)
        else:
            yield eqn

    def _nested(self, eqn: JaxprEqn) -> JaxprEqn:
        params = {name: self._value(value) for name, value in eqn.params.items()}
        kept = {e for e in eqn.effects if not isinstance(e, QuantumEffect)}
        inner = inner_jaxprs(eqn.replace(params=params))
        quantum = {effect for jaxpr in inner for effect in _quantum(jaxpr.effects)}
        # NOTE: a loop that has lost its gates has nothing to do with the state.
        return eqn.replace(params=params, effects=kept | quantum)

    def _value(self, value: Any) -> Any:
        match value:
            case ClosedJaxpr():
                if id(value) not in self._known:
                    closed = ClosedJaxpr(self.jaxpr(value.jaxpr), value.consts)
                    self._known[id(value)] = value, closed
                return self._known[id(value)][1]
            case Jaxpr():
                return self.jaxpr(value)
            case tuple() | list():
                return type(value)(map(self._value, value)) if _plain(value) else value
            case _:
                return value


def _plain(value: Any) -> bool:
    return type(value) in (tuple, list)


def _quantum(effects: Iterable[Any]) -> set[Any]:
    return {effect for effect in effects if isinstance(effect, QuantumEffect)}
