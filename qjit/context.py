"""What the quantum function being traced knows about itself."""

import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from .errors import OutsideQNodeError, WireError
from .jax_internals import user_line


@dataclass
class TraceContext:
    """One quantum function under trace."""

    name: str
    num_wires: int | None
    dtype: np.dtype[Any]
    shots: int | None
    used_wires: int = 0

    @property
    def wire_count(self) -> int:
        """The declared number of wires, or the number used so far."""
        return self.used_wires if self.num_wires is None else self.num_wires

    def use(self, wire: int) -> None:
        """Count a static wire in, refusing one outside the declared range."""
        if wire < 0 or (self.num_wires is not None and wire >= self.num_wires):
            raise WireError(
                f"{user_line()}: wire {wire} is out of range: "
                f"'{self.name}' has wires 0 to {self.wire_count - 1}. "
                "Declare more with qnode(wires=...)."
            )
        self.used_wires = max(self.used_wires, wire + 1)


class _Stack(threading.local):
    contexts: tuple[TraceContext, ...] = ()


_stack = _Stack()


@contextmanager
def tracing(context: TraceContext) -> Generator[TraceContext]:
    """Make a context the current one while its quantum function is traced."""
    _stack.contexts = (*_stack.contexts, context)
    try:
        yield context
    finally:
        _stack.contexts = _stack.contexts[:-1]


def current(what: str) -> TraceContext:
    """Return the context of the quantum function under trace."""
    if not _stack.contexts:
        raise OutsideQNodeError(
            f"{user_line()}: {what} was called outside a quantum function. "
            "Call it inside a function decorated with @qjit.qnode(...)."
        )
    return _stack.contexts[-1]


def is_tracing() -> bool:
    """Tell whether a quantum function is being traced."""
    return bool(_stack.contexts)
