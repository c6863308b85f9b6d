"""A batch: circuits that a runtime runs with the same number of shots."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import replace
from threading import RLock
from typing import Any, NamedTuple

import numpy as np

from qjit.devices.backends.protocol import (
    Backend,
    BackendError,
    PartialResults,
    Payload,
    Status,
)
from qjit.errors import JobError, ParameterError
from qjit.lowering.jax_internals.tracing import user_line

from . import chunks as states
from .answers import checked_rows, checked_token, partial_rows, text_of
from .chunks import OPEN, Chunk, Phase
from .handle import written_chunk, written_payload
from .ledger import Ledger, NoLedger
from .policy import Clock, Policy
from .runtime import Runtime, check_formats

# How to go on after errors.
LATER = "Nothing is lost: ask the job again later."
DOUBT = "What was being handed in is in doubt (job.in_doubt); all else goes on."


class Progress(NamedTuple):
    """How much is done, in runs of circuits: circuits times shots."""

    done: int
    total: int


class Batch:
    """Circuits on their way through one runtime, which is asked only when this is.

    Args:
        runtime: where they run.
        payloads: the circuits.
        shots: of each of them.
        seed: of their random numbers, where the runtime takes one.
        most_shots: how many the runtime takes at once, where it does not say.
        chunks: how they are divided; by what the runtime takes at once when left out.
        policy: how often things are tried.
        clock: the time.
    """

    def __init__(
        self,
        runtime: Runtime,
        payloads: Sequence[Payload],
        shots: int,
        seed: int | None = None,
        *,
        most_shots: int | None = None,
        chunks: Iterable[Chunk] | None = None,
        policy: Policy | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.runtime, self.payloads = runtime, tuple(payloads)
        self.shots, self.seed = _checked_shots(shots), seed
        self.policy, self.clock = policy or Policy(), clock or Clock()
        self.ledger: Ledger = NoLedger()
        if chunks is None:
            check_formats(runtime, self.payloads)
            count, limits = len(self.payloads), runtime.backend.limits
            limits = replace(limits, shots=limits.shots or most_shots)
            chunks = states.plan(uuid.uuid4().hex, count, self.shots, seed, limits)
        self._chunks = {chunk.id: chunk for chunk in chunks}
        self._stopped = False
        self._refused_until = 0.0
        self._lock = RLock()

    def __repr__(self) -> str:
        name, progress = self.runtime.name, self.progress()
        return f"<Batch of {len(self.payloads)} circuits on {name!r}: {progress}>"

    @property
    def chunks(self) -> tuple[Chunk, ...]:
        """The parts, as they are now."""
        return tuple(self._chunks.values())

    @property
    def waiting(self) -> bool:
        """Whether there is anything to wait for."""
        return any(
            each.phase in (Phase.PLANNED, Phase.ACCEPTED) for each in self.chunks
        )

    @property
    def in_doubt(self) -> tuple[str, ...]:
        """The chunks that were handed in, perhaps: nobody here knows."""
        return tuple(each.id for each in self.chunks if each.phase is Phase.BEGUN)

    @property
    def due(self) -> float:
        """The time at which something is to be done next."""
        times = [
            max(each.due, self._refused_until if each.phase is Phase.PLANNED else 0.0)
            for each in self.chunks
            if each.phase in (Phase.PLANNED, Phase.ACCEPTED)
        ]
        return min(times, default=self.clock.now())

    def advance(self, ask_all: bool = False) -> list[JobError]:
        """Do what is to be done by now, without waiting: hand in, ask, and fetch.

        Args:
            ask_all: ask also for chunks whose time has not come, unless the runtime
                wants to be left alone.

        Returns:
            What could not be done, though it was tried often enough.
        """
        errors: list[JobError] = []
        with self._lock:
            self._read_ledger()
            self._clear_doubt()
            for name in tuple(self._chunks):
                try:
                    self._advance(self._chunks[name], ask_all)
                except JobError as error:
                    errors.append(error)
        return errors

    def status(self) -> Status:
        """Return the state of the whole, as far as it is known."""
        if any(each.phase in OPEN for each in self.chunks):
            begun = any(each.running or each.results for each in self.chunks)
            return Status.RUNNING if begun else Status.QUEUED
        if not self._lacking():
            return Status.DONE
        stopped = all(each.phase is not Phase.FAILED for each in self.chunks)
        return Status.CANCELLED if stopped or self._stopped else Status.FAILED

    def progress(self) -> Progress:
        """Return how many runs of circuits are done, of how many."""
        found = states.gathered(self.chunks).bits.values()
        done = sum(len(rows) for parts in found for rows in parts.values())
        return Progress(done, len(self.payloads) * self.shots)

    def available(self) -> list[np.ndarray | None]:
        """Return the bits of each circuit as far as they are there, or None."""
        bits = states.gathered(self.chunks).bits
        return [
            np.concatenate([rows for _, rows in sorted(bits[k].items())])
            if k in bits
            else None
            for k in range(len(self.payloads))
        ]

    def lacking(self) -> dict[int, str]:
        """Return why circuits failed, by their numbers, once nothing is waited for."""
        return {} if self.waiting else self._lacking()

    def cancel(self) -> list[JobError]:
        """Ask that nothing of it is run any more; return what could not be asked."""
        errors: list[JobError] = []
        with self._lock:
            self._stopped = True
            self._read_ledger()
            for chunk in self.chunks:
                try:
                    if chunk.phase is Phase.PLANNED:
                        self._put(states.cancelled(chunk))
                    elif chunk.phase is Phase.ACCEPTED:
                        self._cancel(chunk)
                except JobError as error:
                    errors.append(error)
        return errors

    def resubmit(self) -> None:
        """Plan again what failed, was cancelled, or is in doubt."""
        with self._lock:
            self._stopped = False
            for chunk in self.chunks:
                if chunk.phase in (Phase.PLANNED, Phase.ACCEPTED, Phase.DONE):
                    continue
                if chunk.token is None:
                    self._write(states.again(chunk))
                else:
                    self._replace(chunk, most=len(self._chunks) + 1)

    def adopt(self, chunk: str, token: Any) -> bool:
        """Say what the runtime calls a chunk that is in doubt; tell if it is one."""
        with self._lock:
            if chunk not in self.in_doubt:
                return False
            self._write(self._chunks[chunk].to(Phase.ACCEPTED, token=token))
            return True

    def details(self) -> list[dict[str, Any]]:
        """Return what is known of each chunk, such as its cost or place in a queue."""
        return [self._details(chunk) for chunk in self.chunks]

    def take(self, others: Iterable[Chunk]) -> None:
        """Take over what others know of chunks, unless it is known better here."""
        for other in others:
            mine = self._chunks.get(other.id)
            if mine is None or (mine.token is None and mine.phase is not Phase.DONE):
                self._chunks[other.id] = other

    def stop(self) -> None:
        """Hand in nothing from now on."""
        self._stopped = True

    def record(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {
            "backend": self.runtime.name,
            "options": self.runtime.options,
            "shots": self.shots,
            "seed": self.seed,
            "payloads": [written_payload(payload) for payload in self.payloads],
            "chunks": [written_chunk(chunk) for chunk in self.chunks],
        }

    def _lacking(self) -> dict[int, str]:
        return dict(states.gathered(self.chunks).reasons)

    def _read_ledger(self) -> None:
        self.take(self.ledger.news())
        self._stopped |= self.ledger.stopped()

    def _clear_doubt(self) -> None:
        """Plan chunks in doubt again, where the runtime takes each of them once."""
        doubt = self.in_doubt and not self._stopped
        if doubt and _takes_id(self.runtime.backend):
            for name in self.in_doubt:
                self._put(states.again(self._chunks[name]))

    def _put(self, chunk: Chunk) -> None:
        self._chunks[chunk.id] = chunk

    def _write(self, chunk: Chunk) -> None:
        self._put(chunk)
        self.ledger.write(chunk)

    def _advance(self, chunk: Chunk, ask_all: bool) -> None:
        late = chunk.due <= self.clock.now()
        if chunk.phase is Phase.PLANNED:
            if self._stopped:
                self._put(states.cancelled(chunk))
            elif late and self._refused_until <= self.clock.now():
                self._submit(chunk)
        elif chunk.phase is Phase.ACCEPTED and (
            late or (ask_all and not chunk.failures)
        ):
            self._ask(chunk)

    def _submit(self, chunk: Chunk) -> None:
        backend, begun = self.runtime.backend, chunk.to(Phase.BEGUN)
        if not self.ledger.claim(begun):
            self._read_ledger()
            return
        self._put(begun)
        programs = [self.payloads[number] for number in chunk.circuits]
        # NOTE: a runtime that knows ids takes a chunk once, however often it comes.
        named = {"id": chunk.id} if _takes_id(backend) else {}
        try:
            token = backend.submit(programs, chunk.shots, chunk.seed, **named)
            accepted = begun.to(Phase.ACCEPTED, token=checked_token(token))
        except BackendError as error:
            self._refused(chunk, begun, error)
        except Exception as error:
            raise self._failure("handing in circuits", error, DOUBT) from error
        else:
            self._write(accepted)

    def _refused(self, chunk: Chunk, begun: Chunk, error: BackendError) -> None:
        if not error.retry:
            self._write(states.failed(begun, text_of(error)))
            return
        failures, due = self._wait(chunk, error)
        self._refused_until = due
        self._write(states.postponed(begun, failures, due))
        if failures == 0:
            raise self._failure("handing in circuits", error) from error

    def _ask(self, chunk: Chunk) -> None:
        backend = self.runtime.backend
        try:
            status = backend.status(chunk.token)
            if status is Status.CANCELLED:
                self._put(states.cancelled(chunk))
            elif status in (Status.DONE, Status.FAILED):
                self._fetch(chunk, status)
            else:
                due = self.clock.now() + self.policy.interval(chunk.polls)
                running = status is Status.RUNNING
                self._put(states.asked(chunk, running, due))
        except BackendError as error:
            self._unanswered(chunk, error)
        except JobError:
            raise
        except Exception as error:
            raise self._failure("asking for results", error) from error

    def _fetch(self, chunk: Chunk, status: Status) -> None:
        try:
            rows = self.runtime.backend.results(chunk.token)
        except PartialResults as error:
            part = states.arrived(chunk, *partial_rows(chunk, self.payloads, error))
            self._put(part)
            if error.retry and not self._stopped:
                self._refused_until = self._wait(chunk, error)[1]
                self._replace(part, self.policy.resubmissions)
            return
        if status is Status.FAILED:
            self._put(states.failed(chunk, "the runtime gives no reason"))
        else:
            self._put(states.arrived(chunk, *checked_rows(chunk, self.payloads, rows)))

    def _unanswered(self, chunk: Chunk, error: BackendError) -> None:
        if not error.retry:
            self._put(states.failed(chunk, text_of(error)))
            return
        failures, due = self._wait(chunk, error)
        self._put(states.postponed(chunk, failures, due))
        if failures == 0:
            raise self._failure("asking for results", error) from error

    def _replace(self, chunk: Chunk, most: int) -> None:
        child = states.replacement(chunk, self.chunks, self.seed, most)
        if child is None:
            return
        if self.ledger.claim(child):
            self._put(child)
        else:
            self._read_ledger()

    def _cancel(self, chunk: Chunk) -> None:
        for _ in range(self.policy.tries):
            try:
                self.runtime.backend.cancel(chunk.token)
                return self._put(states.postponed(chunk, 0, self.clock.now()))
            except BackendError as error:
                if not error.retry:
                    return self._not_cancelled(chunk, error)
                failures, due = self._wait(chunk, error)
                chunk = states.postponed(chunk, failures, due)
                if failures == 0:
                    raise self._failure("cancelling", error) from error
                self.clock.sleep(due - self.clock.now())
            except Exception as error:
                raise self._failure("cancelling", error) from error

    def _not_cancelled(self, chunk: Chunk, error: BackendError) -> None:
        """Ask for a chunk that cannot be cancelled: perhaps it is done already."""
        self._ask(chunk)
        if self._chunks[chunk.id].phase is Phase.ACCEPTED:
            raise self._failure("cancelling", error) from error

    def _wait(self, chunk: Chunk, error: BackendError) -> tuple[int, float]:
        """Return the failures in a row, 0 if they are too many, and when to go on."""
        failures = chunk.failures + 1
        chance = self.clock.random()
        due = self.clock.now() + self.policy.wait(failures, error.after, chance)
        return (0 if failures >= self.policy.tries else failures), due

    def _failure(self, doing: str, error: Exception, then: str = LATER) -> JobError:
        return JobError(
            f"{user_line()}: {doing} did not work on {self.runtime.name!r}: "
            f"{text_of(error)}. {then}"
        )

    def _details(self, chunk: Chunk) -> dict[str, Any]:
        known = {"chunk": chunk.id, "phase": chunk.phase.value, "token": chunk.token}
        ask = getattr(self.runtime.backend, "details", None)
        if ask is None or chunk.token is None:
            return known
        try:
            return {**known, **ask(chunk.token)}
        except Exception as error:
            return {**known, "error": text_of(error)}


def _takes_id(backend: Backend) -> bool:
    return bool(getattr(backend, "takes_id", False))


def _checked_shots(shots: Any) -> int:
    if isinstance(shots, bool) or not isinstance(shots, int | np.integer) or shots < 1:
        raise ParameterError(
            f"{user_line()}: a batch takes a number of shots of at least 1, but got "
            f"{shots!r}."
        )
    return int(shots)
