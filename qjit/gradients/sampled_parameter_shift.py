"""Derivatives from shots of circuits that measure on the way, by parameter shift.

An average over outcomes is a trigonometric polynomial in the angle of each gate,
whatever decides that the gate is applied. So the circuit is sampled with the angles
that move given from outside. They must not depend on outcomes themselves, because a
sum of shifted averages has one weight for all shots.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, NoReturn

import jax
import jax.numpy as jnp
from jax.extend.core import ClosedJaxpr, Jaxpr, JaxprEqn, jaxpr_as_fun

from qjit.dialects.circuit_tree import Branch, Loop, Node, Slot, Step
from qjit.errors import DifferentiationError
from qjit.lowering.jax_internals.tracing import partial_eval, scan_counts, user_line
from qjit.lowering.jaxpr.activity import Dependence
from qjit.lowering.jaxpr.primitives import record_p, sample_p
from qjit.lowering.jaxpr.traversal import (
    CALL_PRIMITIVES,
    Environment,
    bind,
    has_effects,
    inner_jaxpr,
    quantum_eqns,
)
from qjit.measurements.outcomes import Tallies
from qjit.tracing.extract_circuit import (
    PROJECTING,
    TERMINAL,
    Path,
    hoist,
    lay_out,
    outcome_count,
)

from .hybrid_split import evaluate_post, shaped
from .qnode_primitives import Circuit, qnode_p
from .shift_rules import Use, slot_uses


@dataclass(frozen=True, eq=False)
class Sampled:
    """A circuit that measures on the way, with the active angles as an operand."""

    angles: ClosedJaxpr
    circuit: Circuit
    consts: tuple[Any, ...]
    uses: tuple[Use, ...]  # of the active angles
    terminals: tuple[JaxprEqn, ...]

    def read(self, angles: Any, rest: Any, key: Any) -> list[Any]:
        """Return the statistics as a function of the angles and the rest."""
        args, operands = rest
        values = *self.consts, angles, *args[:-1], key
        found = qnode_p.bind(*values, circuit=self.circuit, batch=None)
        return [
            eqn.params["statistic"](rows, *each)
            for eqn, rows, each in zip(self.terminals, found, operands, strict=True)
        ]

    def run(self, original: Circuit, read: Any, args: Sequence[Any]) -> list[Any]:
        """Run the function; `read` is `self.read` with derivatives."""
        (angles,) = jaxpr_as_fun(self.angles)(*args)
        jaxpr = original.jaxpr
        taken = self._operands(jaxpr, args)
        rest = [jax.lax.stop_gradient(arg) for arg in args], taken
        found = read(angles, rest, original.key_of(args))
        return evaluate_post(jaxpr, (), args, iter(found))

    def _operands(self, jaxpr: Jaxpr, args: Sequence[Any]) -> list[tuple[Any, ...]]:
        """Return what the statistics take besides samples."""
        found: list[tuple[Any, ...]] = [() for _ in self.terminals]

        def keeps(number: int) -> Callable[..., None]:
            first = len(self.terminals[number].params.get("factors", ()))

            def keep(*values: Any) -> None:
                found[number] = values[first:]

            return keep

        estimates = [e.primitive.name == "quantum_estimate" for e in self.terminals]
        given = [keeps(n) if each else None for n, each in enumerate(estimates)]
        evaluate_post(jaxpr, (), args, iter(given))
        return found


@lru_cache(maxsize=256)
def sampled(circuit: Circuit, active: tuple[bool, ...]) -> Sampled:
    """Return a circuit of shots with the active angles as an operand."""
    jaxpr = circuit.jaxpr
    depends = Dependence()
    depends.walk(jaxpr, active)
    decided = Dependence(lambda eqn: eqn.primitive.name in PROJECTING)
    decided.walk(jaxpr, [False] * len(active))
    eqns = [eqn for eqn, _ in quantum_eqns(jaxpr)]
    for eqn in eqns:
        _check(circuit, eqn, depends.of(eqn), decided.of(eqn))
    prepare, nodes = _hoisted(jaxpr, decided)
    uses = tuple(u for u in slot_uses(nodes) if depends.of(u.step.source)[u.parameter])
    replay = Replay(depends)
    avals = [shaped(var.aval) for var in jaxpr.invars]
    made = jax.make_jaxpr(lambda angles, *args: replay.rows(jaxpr, args, nodes, angles))
    given = [*prepare.out_avals, *avals]
    traced = made(*(jax.ShapeDtypeStruct(a.shape, a.dtype) for a in given))
    terminals = tuple(eqn for eqn in eqns if eqn.primitive.name in TERMINAL)
    whole = partial_eval.convert_constvars_jaxpr(traced.jaxpr)
    shifted = replace(circuit, jaxpr=whole)
    return Sampled(prepare, shifted, tuple(traced.consts), uses, terminals)


def _check(
    circuit: Circuit, eqn: JaxprEqn, moves: Sequence[bool], decided: Sequence[bool]
) -> None:
    name, statistic = eqn.primitive.name, eqn.params.get("statistic")
    if eqn.params.get("postselect") is not None:
        _refuse(circuit, eqn, "postselects from shots, whose share is not known")
    listed = name in ("quantum_sample", "quantum_record") and statistic is None
    if listed or isinstance(statistic, Tallies):
        _refuse(circuit, eqn, "returns samples, which have no derivative")
    if name == "quantum_record" and any(moves):
        _refuse(
            circuit,
            eqn,
            "takes statistics of what depends on both outcomes and "
            "what is differentiated",
        )
    if any(a and b for a, b in zip(moves, decided, strict=True)):
        _refuse(
            circuit,
            eqn,
            "has a parameter that depends on both outcomes and what "
            "is differentiated; qjit.cond on the outcome may take its place",
        )


def _refuse(circuit: Circuit, eqn: JaxprEqn, why: str) -> NoReturn:
    raise DifferentiationError(
        f"{user_line(eqn.source_info)}: parameter shift does not take '{circuit.name}' "
        f"from shots, because it {why}. Leave shots out for the exact derivative, or "
        "use diff_method='spsa' or 'finite-diff'."
    )


def _hoisted(jaxpr: Jaxpr, decided: Dependence) -> tuple[ClosedJaxpr, tuple[Node, ...]]:
    """Return the code that computes all angles, as one vector, and the circuit."""
    nodes: list[tuple[Node, ...]] = []

    def angles(*args: Any) -> jax.Array:
        outcomes = jnp.zeros(outcome_count(jaxpr), bool)
        path = Path(outcomes, undecided=lambda eqn: decided.of(eqn)[0])
        _, hoisted = hoist(jaxpr, (), args, "differentiation", path)
        flags = dict(enumerate(hoisted.angles))
        chosen = [number for number, angle in flags.items() if angle]
        rest = [number for number, angle in flags.items() if not angle]
        layout = lay_out(hoisted, chosen, rest)
        nodes.append(tuple(map(layout.place, hoisted.nodes)))
        return jnp.concatenate([jnp.ravel(hoisted.values[n]) for n in chosen])

    avals = [shaped(var.aval) for var in jaxpr.invars]
    traced = jax.make_jaxpr(angles)(
        *(jax.ShapeDtypeStruct(aval.shape, aval.dtype) for aval in avals)
    )
    return traced, nodes[-1]


@dataclass
class Replay:
    """Applies a circuit again, with angles that are given where they are active."""

    depends: Dependence

    def rows(
        self, jaxpr: Jaxpr, args: Sequence[Any], nodes: Sequence[Node], angles: Any
    ) -> list[Any]:
        """Apply a circuit and return what its measurements sample."""
        found: list[Any] = []
        self._walk(jaxpr, (), args, Place(iter(nodes), angles, ()), found)
        return found

    def _walk(
        self, jaxpr: Jaxpr, consts: Any, args: Any, place: "Place", found: list[Any]
    ) -> list[Any]:
        env = Environment(jaxpr, consts, args)
        for eqn in jaxpr.eqns:
            inputs = env.read(eqn.invars)
            if any(value is None for value in inputs):
                outs: Any = [None] * len(eqn.outvars)
            elif not has_effects(eqn):
                outs = bind(eqn, inputs)
            elif eqn.primitive.name in CALL_PRIMITIVES:
                inner = inner_jaxpr(eqn)
                outs = self._walk(inner.jaxpr, inner.consts, inputs, place, found)
            elif eqn.primitive.name == "scan":
                outs = self._scan(eqn, inputs, place)
            elif eqn.primitive.name == "cond":
                outs = self._cond(eqn, inputs, place)
            else:
                outs = self._step(eqn, inputs, place, found)
            env.write(eqn.outvars, outs)
        return env.read(jaxpr.outvars)

    def _step(
        self, eqn: JaxprEqn, inputs: list[Any], place: "Place", found: list[Any]
    ) -> list[Any]:
        step: Step = place.take()
        params = eqn.params
        match eqn.primitive.name:
            case "quantum_estimate":
                names = "wires", "basis", "factors", "shots", "dtype"
                unitaries = inputs[: len(params["factors"])]
                chosen = {name: params[name] for name in names}
                found.extend(sample_p.bind(*unitaries, **chosen))
                return [None]
            case "quantum_record":
                found.extend(record_p.bind(*inputs, **{**params, "statistic": None}))
                return [None]
            case _:
                given = [
                    place.angle(slot) if moves else value
                    for slot, moves, value in zip(
                        step.slots, self.depends.of(eqn), inputs, strict=False
                    )
                ]
                return bind(eqn, [*given, *inputs[len(given) :]])

    def _cond(self, eqn: JaxprEqn, inputs: list[Any], place: "Place") -> list[Any]:
        node: Branch = place.take()

        def branch(number: int) -> Any:
            body = eqn.params["branches"][number]
            nodes = node.branches[number]
            return lambda *args: self._walk(
                body.jaxpr, body.consts, args, place.inside(nodes), []
            )

        choices = [branch(number) for number in range(len(node.branches))]
        return jax.lax.switch(inputs[0], choices, *inputs[1:])

    def _scan(self, eqn: JaxprEqn, inputs: list[Any], place: "Place") -> list[Any]:
        params = eqn.params
        closed, length = params["jaxpr"], params["length"]
        if not length:
            return bind(eqn, inputs)
        node: Loop = place.take()
        first, count = scan_counts(params)
        consts, last = inputs[:first], first + count

        def body(carry: Any, slices: Any) -> Any:
            counter, carried = carry
            within = place.inside(node.body, counter)
            args = [*consts, *carried, *slices]
            outs = self._walk(closed.jaxpr, closed.consts, args, within, [])
            return (counter + 1, outs[:count]), outs[count:]

        start = jnp.zeros((), int), inputs[first:last]
        reverse = params["reverse"]
        (_, carry), ys = jax.lax.scan(
            body, start, inputs[last:], length=length, reverse=reverse
        )
        return [*carry, *ys]


@dataclass
class Place:
    """Where a replay is in its circuit: the nodes that come next, and the loops."""

    nodes: Iterator[Node]
    angles: Any
    counters: tuple[Any, ...]

    def take(self) -> Any:
        """Return the next node."""
        return next(self.nodes)

    def inside(self, nodes: Sequence[Node], *counter: Any) -> "Place":
        """Return the beginning of a branch, or of the body of a loop."""
        return Place(iter(nodes), self.angles, (*self.counters, *counter))

    def angle(self, slot: Slot) -> Any:
        """Return an angle."""
        pairs = zip(self.counters, slot.strides, strict=True)
        return self.angles[slot.base + sum(c * stride for c, stride in pairs)]
