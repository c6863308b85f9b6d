"""A quantum function split for differentiation: classical, circuit, classical."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import ShapedArray
from jax.extend.core import ClosedJaxpr, Jaxpr, JaxprEqn, jaxpr_as_fun

from qjit.dialects.circuit import Node, steps
from qjit.lowering.dimensions import Size, count

from .errors import MeasurementError
from .hoist import TERMINAL, Hoisted, hoist, lay_out, without_gates
from .jax_internals import user_line, wide_types
from .jaxprs import (
    CALL_PRIMITIVES,
    Environment,
    bind,
    element_of,
    has_effects,
    inner_jaxpr,
    inner_jaxprs,
    live_eqns,
    measures_midway,
    needed_eqns,
)


@dataclass(frozen=True, eq=False)
class Core:
    """The circuit of a quantum function: operands are angles, then inputs."""

    nodes: tuple[Node, ...]
    num_wires: int
    dtype: np.dtype[Any]
    num_slots: Size
    results: tuple[ShapedArray, ...]
    coefficients: tuple[int, ...]  # inputs that hold observable coefficients
    name: str


@dataclass(frozen=True)
class Split:
    """How a quantum function runs in three parts."""

    core: Core
    prepare: ClosedJaxpr
    gathers: tuple[tuple[int, ...] | None, ...]
    post: Jaxpr
    post_consts: tuple[Any, ...]

    def operands(self, args: Sequence[Any]) -> list[Any]:
        """Compute the circuit's operands: the flat angles and the other inputs."""
        values = jaxpr_as_fun(self.prepare)(*args)
        pieces = [
            _gathered(value, indices)
            for value, indices in zip(values, self.gathers, strict=False)
        ]
        angle_dtype = np.float64 if wide_types() else np.float32
        angles = (
            jnp.concatenate(pieces)
            if len(pieces) > 1
            else (pieces[0] if pieces else jnp.zeros(0, angle_dtype))
        )
        return [angles, *values[len(self.gathers) :]]

    def finish(self, results: Sequence[Any], args: Sequence[Any]) -> list[Any]:
        """Compute the function's outputs from the measured results."""
        return evaluate_post(self.post, self.post_consts, args, iter(results))


def shaped(aval: Any) -> ShapedArray:
    """Return an abstract value as one of an array."""
    return ShapedArray(aval.shape, aval.dtype)


def _gathered(value: Any, indices: tuple[int, ...] | None) -> Any:
    flat = jnp.ravel(value)
    if indices is None or indices == tuple(range(flat.size)):
        return flat
    return flat[np.asarray(indices)]


def split(
    jaxpr: Jaxpr, num_wires: int, dtype: np.dtype[Any], name: str, purpose: str
) -> Split:
    """Split a closed-over jaxpr (no constants) of a quantum function."""
    captured: list[Hoisted] = []

    def values(*args: Any) -> tuple[Any, ...]:
        _, hoisted = hoist(jaxpr, (), args, purpose)
        captured.append(hoisted)
        return hoisted.values

    avals = [shaped(variable.aval) for variable in jaxpr.invars]
    traced = jax.make_jaxpr(values)(
        *(jax.ShapeDtypeStruct(aval.shape, aval.dtype) for aval in avals)
    )
    hoisted = captured[-1]
    angles = [n for n, angle in enumerate(hoisted.angles) if angle]
    rest = [n for n, angle in enumerate(hoisted.angles) if not angle]
    roots, loose = _roots(traced.jaxpr, angles)
    order = [number for _, members in roots for number, _ in members] + loose
    layout = lay_out(hoisted, order)
    nodes = tuple(map(layout.place, hoisted.nodes))
    outvars = [traced.jaxpr.outvars[number] for number in (*loose, *rest)]
    root_vars = [root for root, _ in roots]
    outvars = [*root_vars, *outvars]
    prepare = traced.jaxpr.replace(
        outvars=outvars, eqns=needed_eqns(traced.jaxpr.eqns, outvars)
    )
    gathers = (
        *(tuple(place for _, place in members) for _, members in roots),
        *(None for _ in loose),
    )
    core = Core(
        nodes,
        num_wires,
        dtype,
        sum(count(np.shape(hoisted.values[n])) for n in angles),
        tuple(_results(jaxpr)),
        tuple(
            step.inputs[0].number
            for step in steps(nodes)
            if step.primitive == "quantum_expval"
        ),
        name,
    )
    post = _without_gates(jaxpr)
    return Split(core, ClosedJaxpr(prepare, traced.consts), gathers, post, ())


def _without_gates(jaxpr: Jaxpr) -> Jaxpr:
    """Keep the equations that the outputs need, and every measurement."""

    def measures(eqn: JaxprEqn) -> bool:
        calls = has_effects(eqn) and eqn.primitive.name in CALL_PRIMITIVES
        return calls or eqn.primitive.name in TERMINAL

    eqns = needed_eqns(live_eqns(jaxpr), jaxpr.outvars, measures)
    return jaxpr.replace(eqns=eqns)


def _roots(
    jaxpr: Jaxpr, angles: Sequence[int]
) -> tuple[list[tuple[Any, list[tuple[int, int]]]], list[int]]:
    """Group the angles that are plain elements of one array.

    One gather then replaces many slices, and its transpose is one scatter.
    """
    makers = {var: eqn for eqn in jaxpr.eqns for var in eqn.outvars}
    groups: dict[Any, list[tuple[int, int]]] = {}
    loose: list[int] = []
    for number in angles:
        found = element_of(jaxpr.outvars[number], makers)
        if found is None:
            loose.append(number)
        else:
            groups.setdefault(found[0], []).append((number, found[1]))
    return list(groups.items()), loose


def _results(jaxpr: Jaxpr) -> list[ShapedArray]:
    """Return the results of the terminal measurements, in program order."""
    found: list[ShapedArray] = []
    for eqn in live_eqns(jaxpr):
        if eqn.primitive.name in TERMINAL:
            found.extend(shaped(var.aval) for var in eqn.outvars)
        elif has_effects(eqn) and eqn.primitive.name in CALL_PRIMITIVES:
            found.extend(_results(inner_jaxpr(eqn).jaxpr))
    return found


def evaluate_post(
    jaxpr: Jaxpr, consts: Sequence[Any], args: Sequence[Any], results: Any
) -> list[Any]:
    """Evaluate a jaxpr with its measurements replaced by given results."""
    env = Environment(jaxpr, consts, args)
    for eqn in live_eqns(jaxpr):
        if eqn.primitive.name in TERMINAL:
            env.write(eqn.outvars, [next(results)])
            continue
        inputs = env.read(eqn.invars)
        if has_effects(eqn) and eqn.primitive.name in CALL_PRIMITIVES:
            inner = inner_jaxpr(eqn)
            outs = evaluate_post(inner.jaxpr, inner.consts, inputs, results)
        elif any(value is None for value in inputs):
            outs = [None] * len(eqn.outvars)
        elif not has_effects(eqn):
            outs = bind(eqn, inputs)
        elif _is_classical(eqn):
            outs = without_gates(eqn, inputs, "differentiation")
        else:
            outs = [None] * len(eqn.outvars)
        env.write(eqn.outvars, outs)
    return env.read(jaxpr.outvars)


def _is_classical(eqn: JaxprEqn) -> bool:
    """Tell whether a loop or branch has results that no measurement decides."""
    if not eqn.outvars or eqn.primitive.name not in ("scan", "cond"):
        return False
    return not any(map(measures_midway, inner_jaxprs(eqn)))


def check_measurements(jaxpr: Jaxpr, name: str, line: str) -> None:
    """Refuse gates after a measurement, measurements in loops, and none at all."""
    if not _check(jaxpr, measured=False, top=True):
        raise MeasurementError(
            f"{line}: the quantum function '{name}' returns no measurement. "
            "Return expval, var, probs, state, sample, counts or density_matrix."
        )


def _check(jaxpr: Jaxpr, measured: bool, top: bool) -> bool:
    for eqn in live_eqns(jaxpr):
        if not has_effects(eqn):
            continue
        name = eqn.primitive.name
        if name in TERMINAL:
            if not top:
                raise MeasurementError(
                    f"{user_line(eqn.source_info)}: {name[8:]} stands inside a loop "
                    "or branch. Measure at the end of the quantum function."
                )
            measured = True
        elif name in CALL_PRIMITIVES:
            measured = _check(inner_jaxpr(eqn).jaxpr, measured, top)
        else:
            if measured:
                raise MeasurementError(
                    f"{user_line(eqn.source_info)}: an operation follows a "
                    "measurement. Measure at the end of the quantum function; "
                    "qjit.measure is the mid-circuit measurement."
                )
            for inner in inner_jaxprs(eqn):
                _check(inner, measured=False, top=False)
    return measured
