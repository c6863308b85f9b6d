"""Jobs that programs wait for where they run a circuit, and those that they do not."""

from collections.abc import Callable
from contextvars import ContextVar

import numpy as np

from .jobs.batch import Batch
from .jobs.job import Job

Answer = Callable[[Batch], list[np.ndarray]]


def _waited_for(batch: Batch) -> list[np.ndarray]:
    """Run a batch, and wait for its bits."""
    (bits,) = Job([batch]).submit().bits()
    return bits


_answer: ContextVar[Answer] = ContextVar("answer", default=_waited_for)


def answers_of(batch: Batch) -> list[np.ndarray]:
    """Return the bits of a batch: of each circuit an array (shots, bits)."""
    return _answer.get()(batch)
