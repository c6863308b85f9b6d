"""What `if` makes of a value."""

from typing import Any

import jax.numpy as jnp
from jax.core import Tracer

from qjit.errors import BranchError
from qjit.lowering.jax_internals.tracing import user_line


def truth(value: Any) -> Any:
    """Return whether a value is true: a bool, or a traced one."""
    if not hasattr(value, "dtype"):
        return bool(value)
    if value.size != 1:
        raise BranchError(
            f"{user_line()}: a condition is one bool, but got {value.dtype.name}"
            f"{list(value.shape)}. Use jnp.any or jnp.all, or jnp.where to choose "
            "element by element."
        )
    if not isinstance(value, Tracer):
        return bool(value)
    return jnp.reshape(value, ()).astype(bool)


def none(*flags: Any) -> Any:
    """Return whether no flag is set."""
    traced = [flag for flag in flags if isinstance(flag, Tracer)]
    if any(flag for flag in flags if not isinstance(flag, Tracer)):
        return False
    if not traced:
        return True
    found = traced[0]
    for flag in traced[1:]:
        found = found | flag
    return jnp.logical_not(found)
