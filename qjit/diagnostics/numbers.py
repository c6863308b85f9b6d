"""Numbers that users give as options, which may be none."""

import operator
from typing import Any

import numpy as np

from qjit.errors import ParameterError
from qjit.lowering.jax_internals.tracing import user_line


def checked_integer(
    whose: str, name: str, given: Any, least: int, most: int | None = None
) -> int:
    """Return an option that is an integer within bounds.

    Args:
        whose: the function that has the option.
        name: the option.
        given: its value.
        least, most: its bounds.

    Raises:
        ParameterError: for anything else, truth values too.
    """
    try:
        found = None if _is_bool(given) else operator.index(given)
    except TypeError:
        found = None
    if found is None or found < least or (most is not None and found > most):
        bounds = f"from {least}" + ("" if most is None else f" to {most}")
        raise ParameterError(
            f"{user_line()}: {whose} takes an integer {bounds} as {name}, but got "
            f"{given!r}."
        )
    return found


def checked_real(whose: str, name: str, given: Any) -> float:
    """Return an option that is a real number.

    Args:
        whose: the function that has the option.
        name: the option.
        given: its value.

    Raises:
        ParameterError: for anything else: truth values, texts, and arrays.
    """
    if (found := real_number(given)) is None:
        raise ParameterError(
            f"{user_line()}: {whose} takes a number as {name}, but got {given!r}."
        )
    return found


def real_number(given: Any) -> float | None:
    """Return a real number that is known, and None for anything else."""
    try:
        known = np.asarray(given)
    except (TypeError, ValueError):
        return None
    return float(known) if not known.ndim and known.dtype.kind in "iuf" else None


def _is_bool(given: Any) -> bool:
    return isinstance(given, bool | np.bool_)
