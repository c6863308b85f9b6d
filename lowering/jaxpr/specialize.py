"""Equations with the sizes of one call in place of symbolic dimensions."""

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import numpy as np
from jax.extend.core import ClosedJaxpr, Jaxpr, Literal

from .dimensions import is_symbolic, number, numbers


def bind(eqn: Any, params: Mapping[str, Any], args: Sequence[Any]) -> list[Any]:
    """Apply an equation's primitive to arguments, with these parameters."""
    bound = eqn.primitive.get_bind_params(params)
    # NOTE: older versions of JAX return functions apart from the parameters.
    functions, rest = bound if isinstance(bound, tuple) else ((), bound)
    found = eqn.primitive.bind(*functions, *args, **rest)
    return list(found) if eqn.primitive.multiple_results else [found]


def concrete(value: Any, sizes: Mapping[str, int]) -> Any:
    """Return a parameter with numbers for symbolic dimensions."""
    if isinstance(value, ClosedJaxpr):
        return _concrete_jaxpr(value, sizes)
    if isinstance(value, Jaxpr):
        return _concrete_jaxpr(ClosedJaxpr(value, ()), sizes).jaxpr
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(concrete(item, sizes) for item in value))
    if isinstance(value, tuple | list):
        return type(value)(concrete(item, sizes) for item in value)
    if isinstance(value, dict):
        return {key: concrete(item, sizes) for key, item in value.items()}
    return number(value, sizes) if is_symbolic(value) else value


def concrete_params(eqn: Any, sizes: Mapping[str, int]) -> dict[str, Any]:
    """Return an equation's parameters with numbers for symbolic dimensions."""
    return {name: concrete(value, sizes) for name, value in eqn.params.items()}


def _concrete_jaxpr(closed: ClosedJaxpr, sizes: Mapping[str, int]) -> ClosedJaxpr:
    jaxpr = closed.jaxpr

    def run(*args: Any) -> list[Any]:
        env = dict(zip(jaxpr.constvars, closed.consts, strict=True))
        env.update(zip(jaxpr.invars, args, strict=True))

        def read(atom: Any) -> Any:
            return atom.val if isinstance(atom, Literal) else env[atom]

        for eqn in jaxpr.eqns:
            params = concrete_params(eqn, sizes)
            if eqn.primitive.name == "dim_as_value":
                aval: Any = eqn.outvars[0].aval
                outs = [np.asarray(params["dim"], aval.dtype)]
            else:
                outs = bind(eqn, params, [read(atom) for atom in eqn.invars])
            env.update(zip(eqn.outvars, outs, strict=True))
        return [read(atom) for atom in jaxpr.outvars]

    avals: list[Any] = [var.aval for var in jaxpr.invars]
    return jax.make_jaxpr(run)(
        *(jax.ShapeDtypeStruct(numbers(a.shape, sizes), a.dtype) for a in avals)
    )
