"""The one place of the lowering that reaches below JAX's public interface."""

from typing import Any

# Removing dead equations: public in spirit (jax.interpreters), not documented.
from jax._src.interpreters.partial_eval import dce_jaxpr

# Asking for 64-bit types for a while: the public name moved between versions.
from jax._src.config import enable_x64 as enable_x64

# Source lines of equations, to name the user's line in errors.
from jax._src.source_info_util import summarize

# Outputs that an equation drops, which need no value.
from jax._src.core import DropVar as DropVar

# Closing a jaxpr over constants, to hand one equation back to JAX.
from jax._src.core import eval_jaxpr as eval_jaxpr


def without_dead_code(jaxpr: Any) -> Any:
    """Return an open jaxpr with the equations that its outputs and effects need."""
    live, _ = dce_jaxpr(jaxpr, [True] * len(jaxpr.outvars), instantiate=True)
    return live


def user_line(eqn: Any) -> str:
    """Return `file:line` of the user's code that an equation comes from."""
    return summarize(eqn.source_info)

