"""What a runtime of others is to us: it takes batches of circuits, and returns bits."""

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np


@dataclass(frozen=True)
class Payload:
    """A circuit in the form in which a runtime takes it."""

    program: str | bytes
    format: str
    """ "openqasm3", "openqasm2", "qir-base" or "qir-adaptive"; bitcode if bytes."""
    num_qubits: int
    num_bits: int
    """Bits of one shot: the register `c` of OpenQASM, or what QIR records, in order."""


@dataclass(frozen=True)
class Limits:
    """How much a runtime takes at once; None where it does not say."""

    shots: int | None = None
    programs: int | None = None


@dataclass(frozen=True)
class Properties:
    """What a runtime tells of its machine, as far as it does."""

    num_qubits: int | None = None
    gates: frozenset[str] | None = None
    edges: tuple[tuple[int, int], ...] | None = None
    errors: Mapping[tuple[int, int], float] = field(
        default_factory=dict[tuple[int, int], float]
    )
    durations: Mapping[str, float] | None = None
    """Seconds, by the names of gates, and "measure" and "reset"."""


class Status(enum.Enum):
    """The state of a job."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class BackendError(Exception):
    """What a runtime answered where it could not do what it was asked for.

    Args:
        text: its own words.
        retry: whether the same may succeed later.
        after: how many seconds later, if it says so.
    """

    def __init__(
        self, text: str, *, retry: bool = False, after: float | None = None
    ) -> None:
        super().__init__(text)
        self.retry = retry
        self.after = after


class UnansweredError(Exception):
    """A runtime did not answer, and may have what was handed in: it is in doubt."""


class PartialResults(BackendError):
    """The results of a batch of which some circuits failed.

    Args:
        results: of each circuit its bits, or None if it failed.
        reasons: why circuits failed, by their numbers.
        retry: whether those may succeed if they are handed in again.
        after: how many seconds later, if it says so.
    """

    def __init__(
        self,
        results: Sequence[np.ndarray | None],
        reasons: Mapping[int, str],
        *,
        retry: bool = False,
        after: float | None = None,
    ) -> None:
        texts = "; ".join(f"circuit {k}: {why}" for k, why in reasons.items())
        super().__init__(texts, retry=retry, after=after)
        self.results = list(results)
        self.reasons = dict(reasons)


class Backend(Protocol):
    """A runtime that takes batches of circuits and returns their bits."""

    limits: Limits

    @property
    def formats(self) -> tuple[str, ...]:
        """The formats that it takes, the best first."""
        ...

    limits: Limits

    def submit(self, programs: Sequence[Payload], shots: int, seed: int | None) -> Any:
        """Hand in a batch, and return what it is known by: a value for JSON."""
        ...

    def status(self, token: Any) -> Status:
        """Return the state of a batch."""
        ...

    def results(self, token: Any) -> list[np.ndarray]:
        """Return the bits of each circuit, (shots, num_bits) of uint8."""
        ...

    def cancel(self, token: Any) -> None:
        """Ask that a batch is not run."""
        ...
