"""Mutable arrays: those of a program become values, those of others are refused."""

from typing import Any

import jax
from jax.extend.core import ClosedJaxpr

from qjit.diagnostics.jax_errors import escaped
from qjit.errors import UnsupportedError
from qjit.lowering.jax_internals.equations import is_reference, without_references
from qjit.lowering.jax_internals.equations import user_line as line_of
from qjit.lowering.jax_internals.tracing import is_escaped, user_line


def check_reference(aval: Any, name: str) -> None:
    """Refuse a mutable array that a function does not make itself."""
    if is_reference(aval):
        raise UnsupportedError(
            f"{user_line()}: '{name}' takes a mutable array (jax.new_ref) from "
            "outside, which compiled code cannot change. Make it inside, or pass an "
            "array and return the new one."
        )


def _check_escaped(closed: ClosedJaxpr, name: str) -> None:
    """Refuse traced values of other functions, which a program cannot hold."""
    for var, const in zip(closed.jaxpr.constvars, closed.consts, strict=True):
        if is_escaped(const):
            lines = (line_of(e) for e in closed.jaxpr.eqns if var in e.invars)
            raise escaped(None, next(lines, "") or user_line(), name)


def discharged(closed: ClosedJaxpr, name: str) -> ClosedJaxpr:
    """Return a jaxpr whose mutable arrays are values that equations pass on."""
    _check_escaped(closed, name)
    for const in closed.consts:
        if hasattr(const, "dtype"):
            check_reference(jax.typeof(const), name)
    return without_references(closed)
