"""Static and donated arguments: what `jax.jit` refuses of them, as errors of qjit."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import jax
from jax.core import Tracer

from qjit.errors import DonatedArgumentError, QJitError, StaticArgumentError
from qjit.lowering.jax_internals.tracing import user_line

from .jax_errors import escaped


def jitted(function: Callable[..., Any], options: Mapping[str, Any]) -> Any:
    """Return `jax.jit` of a function, whose options are checked."""
    try:
        return jax.jit(function, **options)
    except (TypeError, ValueError) as error:
        name = getattr(function, "__name__", "the function")
        text = str(error).splitlines()[0].rstrip(".")
        raise StaticArgumentError(
            f"{user_line()}: the options of '{name}' do not fit it: {text}. Name its "
            "parameters: positions count from 0, and an argument is either static or "
            "donated."
        ) from error


def refused(error: Exception, name: str, args: Any, kwargs: Any) -> QJitError | None:
    """Return what is wrong with the arguments of a call; None if it is not known."""
    text = str(error)
    if isinstance(error, jax.errors.UnexpectedTracerError):
        return escaped(error, user_line(), name)
    if "Non-hashable static argument" in text:
        kind = re.search(r"type <class '([\w.]+)'>", text)
        what = f"an object of type {kind[1]}" if kind else "an object"
        return StaticArgumentError(
            f"{user_line()}: a static argument of '{name}' is {what}, which cannot be "
            "hashed. Pass a tuple instead of a list, set or dictionary, or an array as "
            "an argument that is not static."
        )
    if "donate the same buffer twice" in text:
        return DonatedArgumentError(
            f"{user_line()}: '{name}' is given one array twice in this call, and takes "
            "its memory (donate_argnums). Pass a copy, as with jnp.copy(x), or do not "
            "donate it."
        )
    if re.search("deleted|donated", text) and any(map(_is_gone, _leaves(args, kwargs))):
        return DonatedArgumentError(
            f"{user_line()}: '{name}' is given an array that is gone: its memory was "
            "given away in another call (donate_argnums). Use what that call returned, "
            "or do not donate it."
        )
    return None


def _is_gone(leaf: Any) -> bool:
    return (
        isinstance(leaf, jax.Array)
        and not isinstance(leaf, Tracer)
        and leaf.is_deleted()
    )


def _leaves(args: Any, kwargs: Any) -> list[Any]:
    return jax.tree.leaves((args, kwargs))
