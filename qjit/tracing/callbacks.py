"""Callbacks and other classical effects, moved from a quantum function to its caller.

A quantum function is one equation of the program around it, which JAX may evaluate
often, or not at all. Its callbacks become equations of that program, where JAX's own
rules apply: those before the measurements run before the circuit and pass their results
in, and those that read measurements run after it. What depends on the outcomes of
mid-circuit measurements stays.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import jax
from jax.extend.core import ClosedJaxpr, Jaxpr, JaxprEqn, Literal, Var, jaxpr_as_fun

from qjit.diagnostics.translation import reraised
from qjit.errors import UnsupportedError
from qjit.lowering.jax_internals.tracing import (
    bind_at_line,
    is_debugging,
    is_ordered,
    user_line,
    without_dead_code,
)
from qjit.lowering.jaxpr.activity import Dependence
from qjit.lowering.jaxpr.primitives import TERMINAL_PRIMITIVES, QuantumEffect
from qjit.lowering.jaxpr.traversal import (
    Environment,
    has_effects,
    inner_jaxprs,
    measures_mid_circuit,
)

from .partial_evaluation import Before, Outward, Rest, located, silencing

TERMINAL = frozenset(primitive.name for primitive in TERMINAL_PRIMITIVES)


@dataclass(frozen=True)
class Parts:
    """A quantum function without its callbacks, and the code on both sides of it.

    `before` takes the arguments, the circuit also the results of that, and `after` also
    the results of the circuit.
    """

    circuit: ClosedJaxpr
    before: ClosedJaxpr | None = None
    after: ClosedJaxpr | None = None

    @property
    def is_circuit(self) -> bool:
        """Whether there is nothing but the circuit."""
        return self.before is None and self.after is None

    @property
    def consts(self) -> list[Any]:
        """The constants of all parts."""
        parts = filter(None, (self.before, self.circuit, self.after))
        return [const for part in parts for const in part.consts]

    @cached_property
    def run_before(self) -> Callable[..., list[Any]]:
        """Evaluate what precedes the circuit."""
        assert self.before is not None
        return jax.jit(jaxpr_as_fun(self.before))

    @cached_property
    def run_after(self) -> Callable[..., list[Any]] | None:
        """Evaluate what follows the circuit."""
        return None if self.after is None else jax.jit(jaxpr_as_fun(self.after))

    def run(self, bind: Callable[..., list[Any]], args: Sequence[Any]) -> list[Any]:
        """Evaluate the quantum function, given how its circuit is."""
        if self.before is None:
            return bind(*args)
        with reraised():
            values = [*args, *self.run_before(*args)]
            results = bind(*values)
            if self.run_after is None:
                return results
            return self.run_after(*values, *results)


def classical_effects(jaxpr: Jaxpr) -> frozenset[Any]:
    """Return the effects of a jaxpr that are not on the quantum state."""
    return frozenset().union(*map(classical_effects_of, jaxpr.eqns))


def classical_effects_of(eqn: JaxprEqn) -> frozenset[Any]:
    """Return the effects of an equation that are not on the quantum state."""
    effects: Any = eqn.effects
    return frozenset(each for each in effects if not isinstance(each, QuantumEffect))


def move_callbacks(closed: ClosedJaxpr, name: str, *, pure: bool) -> Parts:
    """Move the callbacks of a quantum function to its caller.

    Args:
        closed: the function.
        name: its name, for errors.
        pure: whether callbacks without effects are moved as well.
    """
    outward = Outward(pure)
    if not any(map(outward, closed.jaxpr.eqns)):
        return Parts(closed)
    avals = _shapes(var.aval for var in closed.jaxpr.invars)
    first = Before(outward)

    def before(*args: Any) -> list[Any]:
        first.walk(closed.jaxpr, closed.consts, args)
        return first.results

    early = jax.make_jaxpr(before)(*avals)

    def rest(args: Sequence[Any], results: Sequence[Any]) -> list[Any]:
        walk = Rest(outward, iter(first.sites), iter(results))
        return walk.walk(closed.jaxpr, closed.consts, args)

    whole = jax.make_jaxpr(rest)(avals, _shapes(early.out_avals))
    circuit, after = _cut(outward, whole, name)
    _check_effects(circuit.jaxpr, name)
    live = ClosedJaxpr(without_dead_code(early.jaxpr), early.consts)
    return Parts(circuit, live, after)


def without_callbacks(jaxpr: Jaxpr) -> Jaxpr:
    """Return a jaxpr without the callbacks that return nothing."""
    outward = Outward(pure=False)

    def silent(*args: Any) -> list[Any]:
        sites = silencing(outward, jaxpr)
        return Rest(outward, iter(sites), iter(())).walk(jaxpr, (), args)

    return jax.make_jaxpr(silent)(*_shapes(var.aval for var in jaxpr.invars)).jaxpr


def _shapes(avals: Iterable[Any]) -> list[jax.ShapeDtypeStruct]:
    return [jax.ShapeDtypeStruct(aval.shape, aval.dtype) for aval in avals]


def _cut(
    outward: Outward, whole: ClosedJaxpr, name: str
) -> tuple[ClosedJaxpr, ClosedJaxpr | None]:
    """Cut off the callbacks that read measurements, and what depends on them.

    What is cut off takes the arguments, and then the results of the circuit.
    """
    jaxpr = whole.jaxpr
    late = _late(outward, jaxpr, name)
    if not late:
        return whole, None
    made = {var for eqn in late for var in eqn.outvars}
    made.update(jaxpr.invars, jaxpr.constvars)
    read = [*(atom for eqn in late for atom in eqn.invars), *jaxpr.outvars]
    passed = [var for var in dict.fromkeys(_variables(read)) if var not in made]
    _check_outcomes(jaxpr, late, name)
    inputs = [*jaxpr.invars, *passed]

    def after(*values: Any) -> list[Any]:
        env = Environment(jaxpr.replace(invars=inputs), whole.consts, values)
        for eqn in late:
            env.write(eqn.outvars, bind_at_line(located(eqn), env.read(eqn.invars)))
        return env.read(jaxpr.outvars)

    places = set(map(id, late))
    rest = [eqn for eqn in jaxpr.eqns if id(eqn) not in places]
    circuit = ClosedJaxpr(jaxpr.replace(eqns=rest, outvars=passed), whole.consts)
    return circuit, jax.make_jaxpr(after)(*_shapes(var.aval for var in inputs))


def _variables(atoms: Iterable[Any]) -> list[Var]:
    return [atom for atom in atoms if not isinstance(atom, Literal)]


def _late(outward: Outward, jaxpr: Jaxpr, name: str) -> list[JaxprEqn]:
    """Return the callbacks that read measurements, and what reads their results."""
    measured = Dependence(lambda eqn: eqn.primitive.name in TERMINAL)
    measured.walk(jaxpr, [False] * len(jaxpr.invars))
    late, made = list[JaxprEqn](), set[Var]()
    for eqn in jaxpr.eqns:
        reads = not made.isdisjoint(_variables(eqn.invars))
        calls = outward(eqn) and not has_effects(eqn) and any(measured.of(eqn))
        if reads and has_effects(eqn):
            if any(map(outward.has_effect, late)):
                raise UnsupportedError(
                    f"{user_line(eqn.source_info)}: in '{name}', a measurement depends "
                    "on a callback that takes the result of another measurement. Use "
                    "two quantum functions, and the callback in between."
                )
            return []
        if reads or calls:
            late.append(eqn)
            made.update(eqn.outvars)
    return late


def _check_outcomes(jaxpr: Jaxpr, late: Sequence[JaxprEqn], name: str) -> None:
    """Refuse callbacks that take outcomes together with final measurements."""
    outcomes = Dependence(
        lambda eqn: eqn.primitive.name == "quantum_measure",
        lambda eqn: eqn.primitive.name in TERMINAL,
    )
    outcomes.walk(jaxpr, [False] * len(jaxpr.invars))
    for eqn in late:
        if any(outcomes.of(eqn)):
            raise UnsupportedError(
                f"{user_line(eqn.source_info)}: in '{name}', a callback takes an "
                "outcome of a mid-circuit measurement together with the result of a "
                "measurement at the end, which has no single outcome. Use two "
                "callbacks."
            )


def _check_effects(jaxpr: Jaxpr, name: str) -> None:
    """Refuse callbacks that would run once for each path through the outcomes."""
    mid_circuit = measures_mid_circuit(jaxpr)

    def check(jaxpr: Jaxpr) -> None:
        for eqn in jaxpr.eqns:
            for effect in classical_effects_of(eqn):
                if is_ordered(effect) or (mid_circuit and not is_debugging(effect)):
                    _refuse(eqn, name)
            for inner in inner_jaxprs(eqn):
                check(inner)

    check(jaxpr)


def _refuse(eqn: JaxprEqn, name: str) -> None:
    inner = [each for jaxpr in inner_jaxprs(eqn) for each in jaxpr.eqns]
    for each in inner:
        if classical_effects_of(each):
            _refuse(each, name)
    raise UnsupportedError(
        f"{user_line(eqn.source_info)}: in '{name}', a callback depends on the "
        "outcomes of mid-circuit measurements, or returns a value in a while loop "
        "around gates. The circuit runs once for each path through its outcomes, and "
        "not in their order. Return qjit.sample of the outcomes and call back with "
        "these, use jax.pure_callback for values that gates need, or "
        "jax.debug.callback (ordered=False), which shows every path."
    )
