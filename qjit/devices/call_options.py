"""Options of a single call of a quantum function: `circuit(x, shots=..., key=...)`."""

import inspect
from collections.abc import Callable
from functools import lru_cache
from typing import Any

NAMES = ("key", "shots")


@lru_cache(maxsize=4096)
def _own_names(function: Callable[..., Any]) -> frozenset[str]:
    """Return which names of options are parameters of a function itself."""
    parameters = inspect.signature(function).parameters
    if any(each.kind is each.VAR_KEYWORD for each in parameters.values()):
        return frozenset(NAMES)
    return frozenset(NAMES).intersection(parameters)


def taken(function: Callable[..., Any], kwargs: dict[str, Any]) -> dict[str, Any]:
    """Take the options out of keyword arguments; a function's own are its own."""
    names = [name for name in NAMES if name in kwargs]
    if not names:
        return {}
    own = _own_names(function)
    return {name: kwargs.pop(name) for name in names if name not in own}
