"""The one place of the front end that reaches below JAX's public interface."""

from typing import Any

# Effects: JAX offers no public way to let a new effect pass through control flow.
from jax._src import core as core
from jax._src import effects as effects

# Source lines of equations, to name the user's line in errors.
from jax._src import source_info_util as source_info_util

# Rules of new primitives: documented, but not re-exported.
from jax._src.interpreters import ad as ad
from jax._src.interpreters import batching as batching
from jax._src.interpreters import mlir as mlir
from jax._src.interpreters import partial_eval as partial_eval

# `jax.jit` dispatch needs to know whether a transformation is in progress.
from jax._src.core import trace_state_clean as trace_state_clean


def allow_effect(effect: type[Any]) -> None:
    """Let an effect pass through control flow, `jax.jit` and custom derivatives."""
    for allowed in (
        effects.control_flow_allowed_effects,
        effects.lowerable_effects,
        effects.custom_derivatives_allowed_effects,
        effects.remat_allowed_effects,
    ):
        allowed.add_type(effect)


def user_line(source_info: Any = None) -> str:
    """Return `file:line` of the user's code that an equation comes from."""
    if source_info is None:
        source_info = source_info_util.current()
    return line_of_source(source_info) or "unknown line"


def bind(eqn: Any, args: Any) -> list[Any]:
    """Apply an equation's primitive to new arguments."""
    found = eqn.primitive.get_bind_params(eqn.params)
    # NOTE: until JAX 0.8 this was a pair of functions and parameters.
    subfuns, params = found if isinstance(found, tuple) else ((), found)
    result = eqn.primitive.bind(*subfuns, *args, **params)
    return list(result) if eqn.primitive.multiple_results else [result]
