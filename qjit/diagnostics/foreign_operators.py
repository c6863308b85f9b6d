"""Operators of PennyLane inside quantum functions, where they would be lost."""

import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from qjit.errors import UnsupportedError


@contextmanager
def foreign_operators_refused(name: str, line: str) -> Generator[None]:
    """Refuse operators that PennyLane's functions leave in its queue meanwhile."""
    # NOTE: who has not imported PennyLane uses none of its operators.
    queuing: Any = sys.modules.get("pennylane.queuing")
    if queuing is None:
        yield
        return
    with queuing.AnnotatedQueue() as queue:
        yield
    for item in queue.queue:
        raise UnsupportedError(
            f"{line}: the quantum function '{name}' uses {item!r} of PennyLane, which "
            "would be lost. Use qjit's functions, which have the same names."
        )
