"""Primitives outside of compiled programs: they are compiled by themselves."""

from collections.abc import Callable, Sequence
from typing import Any

import jax

from qjit.diagnostics.translation import check_result_size, reraised
from qjit.lowering.driver.program import compile_program

from .references import check_reference


def abstract(leaf: Any, name: str) -> jax.ShapeDtypeStruct:
    """Return the type that a function is traced with, of an argument by its name."""
    aval = jax.typeof(leaf)
    check_reference(aval, name)
    return jax.ShapeDtypeStruct(aval.shape, aval.dtype, weak_type=aval.weak_type)


def native_call(function: Callable[..., Any], args: Sequence[Any], name: str) -> Any:
    """Compile a function of arrays and call it, inside a JAX trace."""
    closed = jax.make_jaxpr(function)(*(abstract(arg, name) for arg in args))
    check_result_size(closed.out_avals, name)
    with reraised():
        program = compile_program(closed, name=name)
    return program.call(*args)
