"""Chunks: parts of a batch that a runtime takes at once, and their state machine.

Everything here is a function from states to states. Who submits, asks and waits is the
batch.

    PLANNED --begin--> BEGUN --accept--> ACCEPTED --finish--> DONE
       ^ \\               | \\                | \\
       |  cancel          |  fail            |  fail, cancel
       +----- postpone ---+

A chunk is BEGUN while it is handed in. If the process ends there, nobody but the
runtime knows whether it arrived: it is in doubt then, and not handed in again unasked.
"""

import enum
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from qjit.devices.backends.protocol import Limits


class Phase(enum.Enum):
    """Where a chunk is on its way."""

    PLANNED = "planned"
    BEGUN = "begun"
    ACCEPTED = "accepted"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


OPEN = {Phase.PLANNED, Phase.BEGUN, Phase.ACCEPTED}
NEXT = {
    Phase.PLANNED: {Phase.BEGUN, Phase.CANCELLED},
    Phase.BEGUN: {Phase.PLANNED, Phase.ACCEPTED, Phase.FAILED},
    Phase.ACCEPTED: {Phase.DONE, Phase.FAILED, Phase.CANCELLED},
    Phase.DONE: set[Phase](),
    Phase.FAILED: {Phase.PLANNED},
    Phase.CANCELLED: {Phase.PLANNED},
}


@dataclass(frozen=True, eq=False)
class Chunk:
    """Some circuits of a batch, for some of its shots."""

    id: str
    circuits: tuple[int, ...]
    """Their numbers in the batch."""
    first_shot: int
    shots: int
    seed: int | None
    parent: str | None = None
    """The chunk whose failed circuits these are."""
    phase: Phase = Phase.PLANNED
    token: Any = None
    running: bool = False
    results: Mapping[int, np.ndarray] = field(default_factory=dict[int, np.ndarray])
    """The bits of those circuits that are done, by their numbers."""
    reasons: Mapping[int, str] = field(default_factory=dict[int, str])
    """Why the others are not."""
    failures: int = 0
    """How often in a row the runtime said that something may work later."""
    polls: int = 0
    due: float = 0.0
    """The time from which on something is to be done about it."""

    def to(self, phase: Phase, **changes: Any) -> "Chunk":
        """Return the chunk in another phase, which is one that follows."""
        if phase not in NEXT[self.phase]:
            raise ValueError(f"{self.phase} does not become {phase}")
        return replace(self, phase=phase, failures=0, polls=0, due=0.0, **changes)


def plan(
    name: str, count: int, shots: int, seed: int | None, most: Limits
) -> list[Chunk]:
    """Divide circuits and shots into chunks that a runtime takes.

    Args:
        name: what the names of the chunks begin with.
        count: the number of circuits.
        shots: of each circuit.
        seed: of the whole; each chunk has one of its own then.
        most: how much the runtime takes at once.
    """
    circuits = most.programs or max(count, 1)
    at_once = most.shots or shots
    places = [
        (tuple(range(first, min(first + circuits, count))), shot)
        for shot in range(0, shots, at_once)
        for first in range(0, count, circuits)
    ]
    return [
        Chunk(
            f"{name}-{k}", those, shot, min(at_once, shots - shot), chunk_seed(seed, k)
        )
        for k, (those, shot) in enumerate(places)
    ]


def chunk_seed(seed: int | None, number: int) -> int | None:
    """Return the seed of a chunk: the first has the batch's own."""
    if seed is None or number == 0:
        return seed
    drawn = np.random.SeedSequence(abs(seed), spawn_key=(number,)).generate_state(1)
    return int(drawn[0] >> 1)  # most vendors take 31 bits


def postponed(chunk: Chunk, failures: int, due: float) -> Chunk:
    """Return a chunk that the runtime may take, or answer for, later."""
    phase = Phase.PLANNED if chunk.phase is Phase.BEGUN else chunk.phase
    return replace(chunk, phase=phase, failures=failures, due=due)


def asked(chunk: Chunk, running: bool, due: float) -> Chunk:
    """Return a chunk that is not done yet, and is asked for again then."""
    polls = chunk.polls + 1
    return replace(chunk, running=running, failures=0, polls=polls, due=due)


def failed(chunk: Chunk, reason: str) -> Chunk:
    """Return a chunk none of whose circuits has bits."""
    return chunk.to(Phase.FAILED, reasons=dict.fromkeys(chunk.circuits, reason))


def cancelled(chunk: Chunk) -> Chunk:
    """Return a chunk that is not run."""
    reasons = dict.fromkeys(chunk.circuits, "it was cancelled")
    return chunk.to(Phase.CANCELLED, reasons=reasons)


def again(chunk: Chunk) -> Chunk:
    """Return a chunk that no runtime accepted as it was before it was begun."""
    if chunk.token is not None:
        raise ValueError(f"chunk {chunk.id} was accepted")
    return chunk.to(Phase.PLANNED, reasons={})


def arrived(
    chunk: Chunk, rows: Sequence[np.ndarray | None], reasons: Mapping[int, str]
) -> Chunk:
    """Return a chunk whose bits are there, or those of some of its circuits.

    Args:
        chunk: one that was accepted.
        rows: of each of its circuits, in order, the bits or None.
        reasons: why circuits failed, by their places in the chunk.
    """
    pairs = [*zip(chunk.circuits, rows, strict=True)]
    results = {number: bits for number, bits in pairs if bits is not None}
    missing = {
        number: reasons.get(k, "the runtime gives no reason")
        for k, (number, bits) in enumerate(pairs)
        if bits is None
    }
    phase = Phase.FAILED if missing else Phase.DONE
    return chunk.to(phase, results=results, reasons=missing)


def replacement(
    chunk: Chunk, others: Iterable[Chunk], seed: int | None, most: int
) -> Chunk | None:
    """Return the chunk that tries again what failed in another.

    Returns:
        None if others do so already, or have, or if that was tried often enough.
    """
    others = list(others)
    tried = {
        number
        for other in others
        if other.parent == chunk.id
        for number in other.circuits
    }
    circuits = tuple(number for number in chunk.reasons if number not in tried)
    if not circuits or depth(chunk, others) >= most:
        return None
    siblings = sum(other.parent == chunk.id for other in others)
    return Chunk(
        f"{chunk.id}.{siblings + 1}",
        circuits,
        chunk.first_shot,
        chunk.shots,
        chunk_seed(seed, len(others)),
        parent=chunk.id,
    )


def depth(chunk: Chunk, others: Iterable[Chunk]) -> int:
    """Return how many chunks a chunk stands in for, one behind another."""
    parents = {other.id: other.parent for other in others}
    count, name = 0, chunk.parent
    while name is not None:
        count, name = count + 1, parents.get(name)
    return count


@dataclass(frozen=True)
class Gathered:
    """What the chunks of a batch come to, for each circuit and first shot."""

    bits: Mapping[int, Mapping[int, np.ndarray]]
    """By circuit and first shot."""
    reasons: Mapping[int, str]
    """Why circuits have no bits, by their numbers."""


def gathered(chunks: Iterable[Chunk]) -> Gathered:
    """Take together what chunks have: later ones stand in for earlier ones."""
    bits: dict[int, dict[int, np.ndarray]] = {}
    lacking: dict[tuple[int, int], str] = {}
    for chunk in chunks:
        for number, rows in chunk.results.items():
            bits.setdefault(number, {}).setdefault(chunk.first_shot, rows)
            lacking.pop((number, chunk.first_shot), None)
        for number, reason in chunk.reasons.items():
            if chunk.first_shot not in bits.get(number, {}):
                lacking[number, chunk.first_shot] = reason
    return Gathered(bits, {number: reason for (number, _), reason in lacking.items()})
