"""What a quantum function returns: arrays, and of outcomes one for each shot."""

from collections.abc import Callable, Iterable
from typing import Any

import jax
from jax.extend.core import ClosedJaxpr, JaxprEqn, Var

from qjit.diagnostics.translation import definition_line, function_name, is_array
from qjit.errors import MeasurementError
from qjit.lowering.jax_internals.tracing import user_line
from qjit.lowering.jaxpr.primitives import integer_dtype
from qjit.lowering.jaxpr.traversal import measures_mid_circuit
from qjit.ops.algebra.operator import is_operator
from qjit.tracing.context import TraceContext

from .outcome_flow import Flow
from .outcome_types import is_terminal, outcomes_in
from .outcomes import recorded


def with_rows(closed: ClosedJaxpr, context: TraceContext, line: str) -> ClosedJaxpr:
    """Return a circuit that returns the outcomes of all shots where it returned one.

    Args:
        closed: the circuit.
        context: the quantum function that it was traced from.
        line: where that is defined.
    """
    if not measures_mid_circuit(closed.jaxpr):
        return closed
    flow = Flow.of(closed.jaxpr)
    varying = flow.reached(outcomes_in(flow), lambda eqn: not is_terminal(eqn))
    returned = [var for var in _variables(closed.jaxpr.outvars) if var in varying]
    if not returned:
        return closed
    place = _line(flow, returned[0], line)
    if context.shots is None:
        raise MeasurementError(
            f"{place}: '{context.name}' returns a measured outcome, or what is made of "
            "one. Without shots, results are exact averages over all outcomes, "
            "and no single outcome is one. Return its mean, qjit.expval(m), or "
            "qjit.var(m) or qjit.probs(m), or give shots to qnode(shots=...), for one "
            "outcome per shot."
        )
    statistics = (v for e in flow.equations if is_terminal(e) for v in e.outvars)
    mixed = flow.reached(statistics).intersection(returned)
    if mixed:
        raise MeasurementError(
            f"{_line(flow, mixed.pop(), line)}: '{context.name}' returns what is "
            "computed from both a measured outcome, which differs from shot to shot, "
            "and a measurement at the end, which is of all shots. Return the two, and "
            "compute with them where the quantum function is called."
        )
    return _recording(closed, dict.fromkeys(returned), context.shots)


def _variables(atoms: Iterable[Any]) -> list[Var]:
    return [atom for atom in atoms if isinstance(atom, Var)]


def _line(flow: Flow, var: Var, default: str) -> str:
    maker = flow.makers.get(var)
    return default if maker is None else user_line(maker.source_info)


def _recording(closed: ClosedJaxpr, returned: Iterable[Var], shots: int) -> ClosedJaxpr:
    """Record values in every shot and return the records instead."""

    def rows(*values: Any) -> list[Any]:
        return [recorded(_integer(value), shots) for value in values]

    values = list(returned)
    avals: list[Any] = [value.aval for value in values]
    shapes = [jax.ShapeDtypeStruct(aval.shape, aval.dtype) for aval in avals]
    records = jax.make_jaxpr(rows)(*shapes).jaxpr
    names = dict(zip(records.invars, values, strict=True))
    renamed = [_renamed(eqn, names) for eqn in records.eqns]
    found = dict(zip(values, records.outvars, strict=True))
    jaxpr = closed.jaxpr
    outvars = [found.get(v, v) if isinstance(v, Var) else v for v in jaxpr.outvars]
    whole = jaxpr.replace(eqns=[*jaxpr.eqns, *renamed], outvars=outvars)
    return ClosedJaxpr(whole, closed.consts)


def _renamed(eqn: JaxprEqn, names: dict[Var, Var]) -> JaxprEqn:
    atoms = [names.get(v, v) if isinstance(v, Var) else v for v in eqn.invars]
    return eqn.replace(invars=atoms)


def _integer(value: Any) -> Any:
    return value.astype(integer_dtype()) if value.dtype == bool else value


def check_outputs(outs: Any, function: Callable[..., Any]) -> None:
    """Refuse outputs that are no arrays, such as a gate."""
    for leaf in jax.tree.leaves(outs, is_leaf=is_operator):
        if is_operator(leaf):
            raise MeasurementError(
                f"{definition_line(function)}: the quantum function "
                f"'{function.__name__}' returns the operator {leaf!r}. Return a "
                "measurement of it, such as qjit.expval(...)."
            )
        if not is_array(leaf):
            raise MeasurementError(
                f"{definition_line(function)}: the quantum function "
                f"'{function_name(function)}' returns an object of type "
                f"{type(leaf).__name__}. Return measurements, such as "
                "qjit.expval(qjit.Z(0))."
            )
