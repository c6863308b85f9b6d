"""Numbers of shots: one number, or a shot vector, whose entries are run one by one."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from qjit.errors import ParameterError
from qjit.lowering.jax_internals.tracing import user_line

MOST_SHOTS = 2**31 - 1

# A number of shots, numbers of several runs, or none for exact results.
Shots = int | tuple[int, ...] | None


def checked_shots(shots: Any) -> Shots:
    """Return numbers of shots as the devices take them.

    A pair (shots, copies) in a sequence stands for several runs of equal shots.
    """
    if shots is None:
        return None
    if _is_count(shots):
        return int(shots)
    if not _is_sequence(shots) or not len(shots):
        raise _refused(shots)
    found: list[int] = []
    for each in shots:
        if _is_sequence(each) and len(each) == 2 and all(map(_is_count, each)):
            found.extend([int(each[0])] * int(each[1]))
        elif _is_count(each):
            found.append(int(each))
        else:
            raise _refused(each)
    return found[0] if len(found) == 1 else tuple(found)


def _is_count(value: Any) -> bool:
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    return whole and 1 <= int(value) <= MOST_SHOTS


def _is_sequence(value: Any) -> bool:
    return isinstance(value, Sequence | np.ndarray) and not isinstance(value, str)


def _refused(value: Any) -> ParameterError:
    return ParameterError(
        f"{user_line()}: shots takes a positive integer, None for exact results, or a "
        f"shot vector such as [10, 100, (5, 3)], but got {value!r}."
    )
