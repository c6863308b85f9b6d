"""What the quantum function being traced knows about itself."""

import functools
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import jax
import numpy as np

from qjit.errors import OutsideQNodeError
from qjit.lowering.jax_internals.tracing import user_line

from .wires import WireOrder


@dataclass
class Snapshots:
    """The states at the snapshots of a quantum function, where they are asked for."""

    trace: Any  # what its own equations belong to, not those of a loop or branch
    states: dict[str | int, Any] = field(default_factory=dict[str | int, Any])


def _states(snapshots: Snapshots) -> tuple[tuple[Any, ...], tuple[str | int, ...]]:
    return tuple(snapshots.states.values()), tuple(snapshots.states)


def _snapshots(tags: tuple[str | int, ...], states: Any) -> Snapshots:
    return Snapshots(None, dict(zip(tags, states, strict=True)))


# NOTE: dictionaries of JAX take keys that can be sorted.
jax.tree_util.register_pytree_node(Snapshots, _states, _snapshots)


@dataclass
class TraceContext:
    """One quantum function under trace."""

    name: str
    order: WireOrder
    dtype: np.dtype[Any]
    shots: int | None
    snapshots: Snapshots | None = None
    # The applied operators that gates bound now belong to, and the operators that were
    # made and have to be used, with the lines where they were made.
    sites: tuple[int, ...] = ()
    unused: dict[int, tuple[Any, str]] = field(default_factory=dict[int, Any])
    # Matrices of measurements by their content: of equal ones, one array.
    unitaries: dict[Any, Any] = field(default_factory=dict[Any, Any])
    measures: bool = False  # whether a wire was measured on the way
    integers: bool = False  # whether outcomes are integers, rather than booleans
    masks_shots: bool = False

    @property
    def wire_count(self) -> int:
        """The declared number of wires, or the number used so far."""
        return len(self.order)

    def trace_again(self, *, integers: bool) -> None:
        """Forget what was noted of a trace that is not used, before another one."""
        self.integers = integers
        self.unused.clear()
        if self.snapshots is not None:
            self.snapshots.states.clear()


@dataclass(frozen=True)
class Estimates:
    """How passes estimate exact statistics: from how many samples, with which seed."""

    shots: int
    seed: int | None


@dataclass(frozen=True)
class ProgramContext:
    """One compiled function under trace."""

    rerolls: bool  # whether repetitions in its quantum functions become loops
    estimates: Estimates | None = None


class _Stack(threading.local):
    contexts: tuple[TraceContext, ...] = ()
    programs: tuple[ProgramContext, ...] = ()


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
        raise _outside(what)
    return _stack.contexts[-1]


def _outside(what: str) -> OutsideQNodeError:
    return OutsideQNodeError(
        f"{user_line()}: {what} was called outside a quantum function. "
        "Call it inside a function decorated with @qjit.qnode(...)."
    )


def is_tracing() -> bool:
    """Tell whether a quantum function is being traced."""
    return bool(_stack.contexts)


def compiled(
    function: Callable[..., Any], program: ProgramContext
) -> Callable[..., Any]:
    """Let a function know, while it is traced, that it is compiled, and how."""

    @functools.wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        _stack.programs = (*_stack.programs, program)
        try:
            return function(*args, **kwargs)
        finally:
            _stack.programs = _stack.programs[:-1]

    return run


def rerolls() -> bool:
    """Tell whether repetitions in a quantum function become loops where it is traced.

    The innermost compiled function decides. Elsewhere they do, as by default.
    """
    return not _stack.programs or _stack.programs[-1].rerolls


def estimates_of_program() -> Estimates | None:
    """Return how the program that is traced estimates statistics, if it does.

    The outermost compiled function decides.
    """
    return _stack.programs[0].estimates if _stack.programs else None


def check_place(what: str, has_numbers: bool) -> None:
    """Refuse a gate with angles in a compiled function, outside quantum functions.

    Gates without angles are often observables there.
    """
    if has_numbers and _stack.programs and not _stack.contexts:
        raise _outside(what)
