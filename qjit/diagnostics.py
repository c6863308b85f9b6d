"""Turning errors of JAX into errors that name the user's line and a remedy."""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jax
import numpy as np

from .errors import BranchError, MeasuredValueError

_LIBRARIES = tuple(
    str(Path(module.__file__ or "").parent) for module in (jax, np)
) + (str(Path(__file__).parent),)

_MISMATCH = ("cond branch", "branch_fun", "true_fun", "scan body", "body_fun", "carry")


def line_of(error: BaseException) -> str:
    """Return `file:line` of the innermost frame of the user's own code."""
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith((*_LIBRARIES, "<"))
        and "/qjit/" not in frame.filename
        and "contextlib" not in frame.filename
        and "functools" not in frame.filename
    ]
    return f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "<unknown>"


@contextmanager
def explained(name: str) -> Iterator[Any]:
    """Explain what JAX refuses while a function is traced."""
    try:
        yield
    except (
        jax.errors.ConcretizationTypeError,
        jax.errors.TracerIntegerConversionError,
        jax.errors.TracerArrayConversionError,
    ) as error:
        raise MeasuredValueError(
            f"{line_of(error)}: '{name}' uses a traced value (an argument or a measured "
            "outcome) where Python needs a concrete one. Use jax.lax.cond or jnp.where "
            "to branch on it, jax.lax.fori_loop to loop on it, or make the argument "
            "static with qjit(static_argnums=...)."
        ) from error
    except TypeError as error:
        if any(word in str(error) for word in _MISMATCH):
            raise BranchError(
                f"{line_of(error)}: in '{name}', {error}"
            ) from error
        raise
