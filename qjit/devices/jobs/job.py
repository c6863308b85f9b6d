"""A job: the batches of one call of a program, and what is made of their bits."""

import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from qjit.devices.backends.protocol import Status
from qjit.errors import ArgumentError, JobError, JobTimeoutError
from qjit.lowering.jax_internals.tracing import user_line

from .batch import Batch, Progress
from .handle import FORMAT, line
from .journal import Journal, default_path
from .ledger import BatchLedger, JobLedger

Bits = list[list[np.ndarray]]
Finish = Callable[[Bits], Any]
# Where each state of a batch comes when a job has several: the first decides.
PRECEDENCE = Status.RUNNING, Status.QUEUED, Status.FAILED, Status.CANCELLED, Status.DONE


class Job:
    """Batches of circuits that runtimes are asked to run, and a function of their bits.

    Nothing happens behind the scenes: runtimes are asked, and what they refused for now
    is handed in again, whenever the job is. Interrupting it leaves it alive.

    Args:
        batches: the circuits.
        finish: what makes the result of the bits, a list of an array of shape
            (shots, bits) for each circuit, for each batch; the bits themselves if left
            out.
        program: a value for JSON, kept with the job, of which another process can make
            `finish` again.
        id: what it is called; a new name when left out.
        path: the file of its journal; a file of the folder that the environment
            variable QJIT_JOBS names, if any, when left out.
    """

    def __init__(
        self,
        batches: Sequence[Batch],
        finish: Finish | None = None,
        *,
        program: Any = None,
        id: str | None = None,
        path: str | Path | None = None,
    ) -> None:
        self.id = id or uuid.uuid4().hex
        self.batches, self.program = tuple(batches), _checked_program(program)
        self._finish, self._stopped = finish, False
        chosen = default_path(self.id) if path is None else Path(path)
        self._ledger = None if chosen is None else JobLedger(Journal(chosen))

    def __repr__(self) -> str:
        names = " and ".join(dict.fromkeys(repr(b.runtime.name) for b in self.batches))
        done, total = self.progress()
        doubt = f", {len(self.in_doubt)} chunks in doubt" if self.in_doubt else ""
        return f"<Job {self.id} on {names or 'nothing'}: {done} of {total} runs{doubt}>"

    def submit(self) -> "Job":
        """Hand in the circuits, and return the job.

        What a runtime refuses for now is handed in whenever the job is asked later.

        Raises:
            JobError: if a runtime refused all, or the journal cannot be written.
        """
        if self._ledger is not None:
            self._ledger.journal.create(self._record())
        self._attach()
        self._raise_first(self._advance())
        if self.batches and not any(
            b.waiting or b.progress().done for b in self.batches
        ):
            self._check()
        return self

    def status(self) -> Status:
        """Ask the runtimes, and return the state of the whole.

        Raises:
            JobError: if a runtime does not answer, or nothing is left but chunks in
                doubt.
        """
        self._raise_first(self._advance(ask_all=True))
        if self.in_doubt and not self._waiting:
            self._check()
        found = {batch.status() for batch in self.batches}
        return next((each for each in PRECEDENCE if each in found), Status.DONE)

    def progress(self) -> Progress:
        """Return how many runs of circuits are known to be done, of how many."""
        each = [batch.progress() for batch in self.batches]
        return Progress(sum(p.done for p in each), sum(p.total for p in each))

    def result(self, timeout: float | None = None) -> Any:
        """Wait for the bits, and return what is made of them.

        Args:
            timeout: the most seconds to wait; any number when left out.

        Raises:
            JobTimeoutError: if it takes longer. The job goes on.
            JobError: if circuits failed, were cancelled or are in doubt, or a runtime
                does not answer. What is there is kept.
        """
        if self._finish is None and self.program is not None:
            raise self._error(
                f"job {self.id} belongs to a program, and it is not known here what "
                "that makes of the bits. Take job.bits(), or pass finish to load"
            )
        bits = self.bits(timeout)
        return bits if self._finish is None else self._finish(bits)

    def bits(self, timeout: float | None = None) -> Bits:
        """Wait for the bits of each circuit of each batch, and return them.

        Args:
            timeout: as in `result`.

        Raises:
            JobTimeoutError, JobError: as `result` does.
        """
        try:
            self._wait(timeout)
        except KeyboardInterrupt as error:
            error.add_note(
                f"Job {self.id} goes on: job.result() waits again, job.cancel() ends "
                "it, and job.to_json() keeps it."
            )
            raise
        self._check()
        return [
            [rows for rows in batch.available() if rows is not None]
            for batch in self.batches
        ]

    def available(self) -> list[list[np.ndarray | None]]:
        """Return the bits that are there already, without asking, and None elsewhere.

        Of a circuit whose shots are divided, there are as many rows as are done.
        """
        return [batch.available() for batch in self.batches]

    def cancel(self) -> None:
        """Ask the runtimes to run nothing more of it.

        Raises:
            JobError: if a runtime does not do so. What is done by then is kept.
        """
        self._stopped = True
        if self._ledger is not None:
            self._ledger.stop(True)
        errors = [error for batch in self.batches for error in batch.cancel()]
        self._raise_first(errors)

    @property
    def in_doubt(self) -> tuple[str, ...]:
        """The chunks of which it is not known whether the runtime has them."""
        return tuple(name for batch in self.batches for name in batch.in_doubt)

    def adopt(self, chunk: str, token: Any) -> None:
        """Say what the runtime calls a chunk that is in doubt.

        Args:
            chunk: one of `job.in_doubt`.
            token: what its backend returns for it, such as the vendor's job id.

        Raises:
            JobError: if the chunk is not in doubt.
        """
        if not any(batch.adopt(chunk, token) for batch in self.batches):
            names = ", ".join(self.in_doubt) or "none"
            raise self._error(
                f"chunk {chunk!r} is not in doubt. Those that are: {names}"
            )

    def resubmit(self) -> None:
        """Hand in again what failed, was cancelled, or is in doubt.

        Make sure before that the runtime does not have what is in doubt, or it may run
        twice.

        Raises:
            JobError: as `submit` does.
        """
        self._stopped = False
        if self._ledger is not None:
            self._ledger.stop(False)
        for batch in self.batches:
            batch.resubmit()
        self._raise_first(self._advance())

    def details(self) -> list[dict[str, Any]]:
        """Return what is known of each chunk: its token, and what its backend tells.

        That is by the vendor's names, such as a cost or a place in a queue.
        """
        return [each for batch in self.batches for each in batch.details()]

    def to_json(self) -> str:
        """Return the job as text, with which another process can go on.

        It has the circuits, what the runtime calls them, and the bits that are there;
        no credentials.
        """
        return line(self._record())

    def __str__(self) -> str:
        return self.to_json()

    def resume(self, stopped: bool) -> "Job":
        """Go on with a job that was read from its text, and with what its journal has.

        Args:
            stopped: whether the text says that it was cancelled.
        """
        self._stopped, ledger = stopped, self._ledger
        if ledger is not None and ledger.journal.path.exists():
            ledger.stopped = stopped
            ledger.take(ledger.journal.news())
            self._stopped = ledger.stopped
        elif ledger is not None:
            ledger.journal.create(self._record())
            ledger.stopped = stopped
        self._attach()
        for batch in self.batches if self._stopped else ():
            batch.stop()
        return self

    def _attach(self) -> None:
        """Let batches write to the journal from now on, having read what it has."""
        if self._ledger is not None:
            for number, batch in enumerate(self.batches):
                batch.take(self._ledger.taken(number))
                batch.ledger = BatchLedger(self._ledger, number)

    def _record(self) -> Mapping[str, Any]:
        batches = [batch.record() for batch in self.batches]
        head = {"qjit_job": FORMAT, "id": self.id, "stopped": self._stopped}
        return {**head, "program": self.program, "batches": batches}

    @property
    def _waiting(self) -> bool:
        return any(batch.waiting for batch in self.batches)

    def _advance(self, ask_all: bool = False) -> list[JobError]:
        return [e for batch in self.batches for e in batch.advance(ask_all)]

    def _wait(self, timeout: float | None) -> None:
        if not self.batches:
            return
        clock = self.batches[0].clock
        deadline = None if timeout is None else clock.now() + timeout
        while True:
            self._raise_first(self._advance())
            if not self._waiting:
                return
            now = clock.now()
            due = min(batch.due for batch in self.batches if batch.waiting)
            if deadline is not None and now >= deadline:
                raise self._error(
                    f"job {self.id} is not done after {timeout:g} seconds "
                    f"({self.progress().done} of {self.progress().total} runs are). It "
                    "goes on: wait longer, keep it with job.to_json(), or end it with "
                    "job.cancel()",
                    JobTimeoutError,
                )
            clock.sleep(
                max(0.0, (due if deadline is None else min(due, deadline)) - now)
            )

    def _check(self) -> None:
        """Raise an error for circuits that have no bits and will not get any."""
        self._check_doubt()
        for batch in self.batches:
            reasons = batch.lacking()
            if not reasons:
                continue
            listed = "; ".join(
                f"circuit {k}: {why}" for k, why in sorted(reasons.items())
            )
            raise JobError(
                f"{user_line()}: {len(reasons)} of {len(batch.payloads)} circuits of "
                f"job {self.id} have no results on {batch.runtime.name!r}: {listed}. "
                "job.available() has the results of the others, and job.resubmit() "
                "hands these in again.",
                job=self.id,
                reasons=reasons,
            )

    def _check_doubt(self) -> None:
        if not self.in_doubt:
            return
        raise self._error(
            f"it is not known whether the runtime has the chunks "
            f"{', '.join(self.in_doubt)} of job {self.id}: they were being handed in "
            "when a process ended or failed, or another is handing them in now. Look "
            "for them at the vendor: job.adopt(chunk, token) says what it calls one, "
            "and job.resubmit() hands them in again"
        )

    def _error(self, text: str, kind: type[JobError] = JobError) -> JobError:
        return kind(f"{user_line()}: {text}.", job=self.id)

    def _raise_first(self, errors: list[JobError]) -> None:
        if errors:
            errors[0].job = self.id
            raise errors[0]


def _checked_program(program: Any) -> Any:
    try:
        return json.loads(json.dumps(program))
    except (TypeError, ValueError) as error:
        raise ArgumentError(
            f"{user_line()}: what is kept with a job is a value for JSON, but {error}."
        ) from error
