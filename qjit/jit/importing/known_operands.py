"""Circuits for operands that are known: what is computed of them is a constant."""

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jax.extend.core import Jaxpr, JaxprEqn

from qjit.lowering.jax_internals.equations import physical_aval
from qjit.lowering.jax_internals.tracing import partial_eval, without_dead_code
from qjit.lowering.jaxpr.activity import Dependence
from qjit.lowering.jaxpr.traversal import (
    CALL_PRIMITIVES,
    Environment,
    bind,
    inner_jaxpr,
    quantum_eqns,
)


def matrix_operands(jaxpr: Jaxpr) -> list[int]:
    """Return which operands of a circuit matrices are made of, by their positions."""
    count = len(jaxpr.invars)
    return [place for place in range(count) if _makes_matrices(jaxpr, place)]


def _makes_matrices(jaxpr: Jaxpr, place: int) -> bool:
    depends = Dependence()
    depends.walk(jaxpr, [k == place for k in range(len(jaxpr.invars))])
    return any(
        mark and var.aval.ndim and jnp.iscomplexobj(var.aval)
        for eqn, _ in quantum_eqns(jaxpr)
        for mark, var in zip(depends.of(eqn), eqn.invars, strict=True)
    )


def folded(
    jaxpr: Jaxpr, known: Mapping[int, np.ndarray]
) -> tuple[Jaxpr, Sequence[Any]]:
    """Return a circuit whose leading operands are constants, and those.

    Args:
        jaxpr: the circuit; only its gates and measurements are kept.
        known: operands by their positions. Those of the result are the constants, and
            then all operands as before.
    """
    count = len(jaxpr.invars)

    def run(*args: Any) -> tuple[()]:
        given = [known.get(place, args[place]) for place in range(count)]
        _walk(jaxpr, (), given)
        return ()

    avals: list[Any] = [physical_aval(var.aval) for var in jaxpr.invars]
    made = jax.make_jaxpr(run)(*(jax.ShapeDtypeStruct(a.shape, a.dtype) for a in avals))
    live = without_dead_code(made.jaxpr)
    return partial_eval.convert_constvars_jaxpr(live), made.consts


def _walk(jaxpr: Jaxpr, consts: Sequence[Any], args: Sequence[Any]) -> list[Any]:
    env = Environment(jaxpr, consts, args)
    for eqn in jaxpr.eqns:
        inputs = env.read(eqn.invars)
        if eqn.effects and eqn.primitive.name in CALL_PRIMITIVES:
            inner = inner_jaxpr(eqn)
            outs = _walk(inner.jaxpr, inner.consts, inputs)
        else:
            outs = _computed(eqn, inputs)
        env.write(eqn.outvars, outs)
    return env.read(jaxpr.outvars)


def _computed(eqn: JaxprEqn, inputs: list[Any]) -> Sequence[Any]:
    if eqn.effects or any(isinstance(value, Tracer) for value in inputs):
        return bind(eqn, inputs)
    with jax.ensure_compile_time_eval():
        return bind(eqn, inputs)
