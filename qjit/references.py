"""Mutable arrays: those of a program become values, those of others are refused."""

from typing import Any

import jax
from jax.extend.core import ClosedJaxpr

from qjit.lowering.jax_internals import is_reference, without_references

from .errors import UnsupportedError
from .jax_internals import user_line


def check_reference(aval: Any, name: str) -> None:
    """Refuse a mutable array that a function does not make itself."""
    if is_reference(aval):
        raise UnsupportedError(
            f"{user_line()}: '{name}' takes a mutable array (jax.new_ref) from outside, "
            "which compiled code cannot change. Make it inside, or pass an array and "
            "return the new one."
        )


def discharged(closed: ClosedJaxpr, name: str) -> ClosedJaxpr:
    """Return a jaxpr whose mutable arrays are values that equations pass on."""
    for const in closed.consts:
        if hasattr(const, "dtype"):
            check_reference(jax.typeof(const), name)
    return without_references(closed)
