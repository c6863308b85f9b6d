"""How long to wait: after a refusal, between questions, and by which clock."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Clock:
    """The time, sleep, and chance, which tests replace."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    random: Callable[[], float] = random.random
    """A number in [0, 1)."""


@dataclass(frozen=True)
class Policy:
    """How often things are tried, and how long it is waited in between, in seconds."""

    tries: int = 6
    """How often a question or a submission is tried before an error is raised."""
    resubmissions: int = 3
    """How often circuits that failed are handed in again, where that may help."""
    first_wait: float = 1.0
    most_wait: float = 60.0
    first_poll: float = 0.25
    most_poll: float = 30.0
    poll_growth: float = 1.5
    jitter: float = 0.25
    """Waits are longer by up to this part, so that not all clients come at once."""

    def wait(self, failures: int, after: float | None, chance: float) -> float:
        """Return how long to wait after so many failures in a row.

        Args:
            failures: their number, at least 1.
            after: how long the runtime wants to be left alone, if it says so.
            chance: a number in [0, 1).
        """
        grown = min(self.first_wait * 2.0 ** min(failures - 1, 60), self.most_wait)
        return max(grown, after or 0.0) * (1 + self.jitter * chance)

    def interval(self, polls: int) -> float:
        """Return how long to wait before asking again, having asked so often."""
        # NOTE: the power overflows before the bound is applied.
        grown = self.first_poll * self.poll_growth ** min(polls, 100)
        return min(grown, self.most_poll)
