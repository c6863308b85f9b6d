"""Devices with a QDMI driver, as backends."""

import ctypes as c
import threading
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from qjit.devices.backends.protocol import (
    BackendError,
    Limits,
    PartialResults,
    Payload,
    Status,
)

from . import library as library_of
from .description import Description, describe, program_formats
from .drivers import DRIVERS, Driver, Order, find, known
from .library import CodeError, Job, Session
from .programs import FORMATS, probe, read_bits

STATUSES = {
    "created": Status.QUEUED,
    "submitted": Status.QUEUED,
    "queued": Status.QUEUED,
    "running": Status.RUNNING,
    "done": Status.DONE,
    "canceled": Status.CANCELLED,
    "failed": Status.FAILED,
}
ENDED = frozenset({Status.DONE, Status.CANCELLED, Status.FAILED})
KEPT_AFTER_READING = 64


class QDMIBackend:
    """A device with a QDMI driver.

    Args:
        session: a session with it.
        driver: what is known of it.
    """

    def __init__(self, session: Session, driver: Driver) -> None:
        self._session, self._driver = session, driver
        self._forms = [f for f in FORMATS if f in program_formats(session)]
        self.formats = tuple(dict.fromkeys(FORMATS[form][0] for form in self._forms))
        self.limits = Limits()
        self._jobs: dict[str, Job] = {}
        self._read: dict[str, None] = {}
        self._orders: dict[int, Order] = {}
        # Drivers need not bear calls of several threads at once.
        self._lock = threading.RLock()

    def __repr__(self) -> str:
        return f"<QDMI device of prefix {self._driver.prefix!r}>"

    def describe(self) -> Description:
        """Return qubits, coupling and operations of the device, as it tells them."""
        with self._lock:
            return describe(self._session)

    def submit(self, programs: Sequence[Payload], shots: int, seed: int | None) -> Any:
        """Hand in a batch: as one job if the device takes lists of programs.

        A seed gives each program another one, in a job of its own. It is for
        simulators: a driver that knows none runs as without.

        Returns:
            The IDs of the jobs, and how their results are read.

        Raises:
            BackendError: if the driver refuses.
        """
        if not programs or shots < 1:
            raise BackendError("A QDMI job has at least one program and one shot")
        forms, texts = zip(*map(self._encode, programs), strict=True)
        with self._lock:
            orders = [self._order(form) for form in forms]
            seeds = _seeds(seed, len(programs), self._driver.seed)
            together = seeds[0] is None and len(set(forms)) == 1
            if together and self._session.new_job().takes(forms[0], len(programs)):
                groups = [list(range(len(programs)))]
            else:
                groups = [[k] for k in range(len(programs))]
            jobs: list[dict[str, Any]] = []
            try:
                for group in groups:
                    job, first = self._session.new_job(), group[0]
                    job.set_programs(forms[first], [texts[k] for k in group])
                    identity = self._start(job, shots, seeds[first])
                    jobs.append({"id": identity, "programs": group})
            except BaseException:
                self._give_up(jobs)
                raise
        bits = [program.num_bits for program in programs]
        return {"jobs": jobs, "shots": shots, "bits": bits, "orders": orders}

    def status(self, token: Any) -> Status:
        """Return the state of a batch: done when all jobs ended, and a circuit is."""
        found = {self._status(job["id"]) for job in token["jobs"]}
        if not found <= ENDED:
            return Status.QUEUED if found == {Status.QUEUED} else Status.RUNNING
        if Status.DONE in found or any(map(self._has_results, token["jobs"])):
            return Status.DONE
        return Status.FAILED if Status.FAILED in found else Status.CANCELLED

    def results(self, token: Any) -> list[np.ndarray]:
        """Return the bits of each circuit, after its end.

        Results that were read are kept of the latest jobs only.

        Raises:
            BackendError: if the driver does not give them, or all circuits failed.
            PartialResults: if some circuits failed.
        """
        found: list[np.ndarray | None] = [None] * len(token["bits"])
        reasons: dict[int, str] = {}
        for listed in token["jobs"]:
            self._wait(listed["id"])
            for index, place in enumerate(listed["programs"]):
                try:
                    found[place] = self._bits(listed["id"], index, token, place)
                except BackendError as error:
                    if error.retry:
                        raise
                    reasons[place] = str(error)
        self._were_read([listed["id"] for listed in token["jobs"]])
        if not reasons:
            return [bits for bits in found if bits is not None]
        if len(reasons) == len(found):
            raise BackendError("; ".join(dict.fromkeys(reasons.values())))
        raise PartialResults(found, reasons)

    def cancel(self, token: Any) -> None:
        """Ask that the jobs of a batch are not run; those that ended stay so."""
        for listed in token["jobs"]:
            with self._lock:
                if self._status(listed["id"]) not in ENDED:
                    self._job(listed["id"]).cancel()

    def _encode(self, payload: Payload) -> tuple[int, bytes]:
        """Return the number of a format that the device has, and a payload in it."""
        is_text = isinstance(payload.program, str)
        if payload.format not in self.formats:
            raise BackendError(
                f"The QDMI device takes no programs in {payload.format!r}, only in "
                f"{', '.join(self.formats)}"
            )
        wanted = (payload.format, is_text)
        form = next((form for form in self._forms if FORMATS[form] == wanted), None)
        if form is None:
            kinds = ("bitcode", "text") if is_text else ("text", "bitcode")
            raise BackendError(
                f"The QDMI device takes programs in {payload.format!r} as {kinds[0]}, "
                f"and no {kinds[1]}"
            )
        program = payload.program
        data = program.encode() if isinstance(program, str) else program
        if not data.strip() or (is_text and b"\0" in data):
            raise BackendError(
                "A program of a QDMI job is empty, or has a zero byte in it"
            )
        return form, data + b"\0" * is_text

    def _start(self, job: Job, shots: int, seed: int | None) -> str:
        job.set_parameter(
            library_of.SHOTS_NUMBER, c.c_size_t(shots), f"{shots} shots of a job"
        )
        if seed is not None and self._driver.seed is not None:
            job.set_parameter(self._driver.seed, c.c_int(seed), "The seed of a job")
        identity = job.submit()
        self._jobs[identity] = job
        return identity

    def _give_up(self, jobs: Sequence[Mapping[str, Any]]) -> None:
        """Cancel what was submitted of a batch that cannot be submitted as a whole."""
        for listed in jobs:
            try:
                self._jobs.pop(listed["id"]).cancel()
            except CodeError:
                continue

    def _job(self, identity: str) -> Job:
        if identity not in self._jobs:
            if not self._driver.keeps_jobs:
                raise BackendError(
                    f"The QDMI job {identity!r} was run by another process, or read "
                    "long ago, and its results are gone"
                )
            self._jobs[identity] = self._session.find_job(identity)
        return self._jobs[identity]

    @contextmanager
    def _reading(self, identity: str) -> Generator[Job]:
        """Give a job to read from, and forget it if a fault leaves it in doubt.

        A driver tells a server's fault from none that lasts, and may take the job for
        failed from then on. Where jobs are kept elsewhere, it is found again.
        """
        with self._lock:
            try:
                yield self._job(identity)
            except CodeError as error:
                if error.code != library_of.FATAL or not self._driver.keeps_jobs:
                    raise
                self._jobs.pop(identity, None)
                raise BackendError(str(error), retry=True) from error

    def _status(self, identity: str) -> Status:
        with self._reading(identity) as job:
            return STATUSES[job.status()]

    def _has_results(self, listed: Mapping[str, Any]) -> bool:
        """Return whether a program of a job that did not succeed is done."""
        with self._reading(listed["id"]) as job:
            return any(
                job.program_status(index) == "done"
                for index in range(len(listed["programs"]))
            )

    def _were_read(self, identities: Sequence[str]) -> None:
        with self._lock:
            for identity in identities:
                self._read.pop(identity, None)
                self._read[identity] = None
            while len(self._read) > KEPT_AFTER_READING:
                oldest = next(iter(self._read))
                del self._read[oldest]
                self._jobs.pop(oldest, None)

    def _wait(self, identity: str) -> None:
        pause = 0.001
        while self._status(identity) not in ENDED:
            time.sleep(pause)
            pause = min(1.25 * pause, 1.0 if self._driver.keeps_jobs else 0.02)

    def _bits(self, identity: str, index: int, token: Any, place: int) -> np.ndarray:
        with self._reading(identity) as job:
            state = job.program_status(index) or job.status()
            if state != "done":
                raise BackendError(
                    f"the QDMI job {identity!r} {state}; its driver may have written "
                    "why to the standard error stream"
                )
            return read_bits(
                job,
                index,
                (token["shots"], token["bits"][place]),
                token["orders"][place],
            )

    def _order(self, form: int) -> Order:
        """Return which bit stands first in keys, if need be by an x on one of two."""
        if self._driver.order is not None:
            return self._driver.order
        if form not in self._orders:
            job = self._session.new_job()
            as_text, program = self._encode(probe(form))
            job.set_programs(as_text, [program])
            identity = self._start(job, 1, None)
            self._wait(identity)
            found = read_bits(self._jobs.pop(identity), 0, (1, 2), "first")
            seen: dict[tuple[int, ...], Order] = {(1, 0): "first", (0, 1): "last"}
            if (key := tuple(found[0])) not in seen:
                raise BackendError(f"The QDMI device measures {key} after x on a qubit")
            self._orders[form] = seen[key]
        return self._orders[form]


def backend(
    *,
    device: str = "ddsim",
    library: str | None = None,
    prefix: str | None = None,
    order: Order | None = None,
    **session: str,
) -> QDMIBackend:
    """Return a device with a QDMI driver.

    Args:
        device: "ddsim" (MQT Core's simulator) or "iqm", whose drivers are found in the
            packages that bring them.
        library: the path of another driver.
        prefix: what the symbols of that one begin with, in front of `_QDMI_device_`.
        order: which bit stands first in the keys of its results, "first" (bit 0) or
            "last". QDMI leaves it open, so that of other drivers has to be read up.
        session: parameters of the session, by QDMI's names in small letters: `baseurl`,
            `token`, `authfile`, `authurl`, `username`, `password`, `custom1` to
            `custom5`. They go to the driver, and are not kept. IQM's driver has
            defaults in `IQM_BASE_URL`, `IQM_TOKEN` and `IQM_TOKENS_FILE`, and takes the
            computer's ID and alias as `custom1` and `custom2`.

    Raises:
        MissingPackageError: if the package of a driver is not installed.
        BackendError: if the driver cannot be loaded, or refuses the session.
    """
    if unknown := [
        name for name in session if name not in library_of.SESSION_PARAMETERS
    ]:
        raise TypeError(f"unexpected session parameter {unknown[0]!r}")
    if library is None:
        if device not in DRIVERS:
            raise BackendError(
                f"Unknown QDMI device {device!r}: expected {' or '.join(DRIVERS)}, or "
                "library= and prefix="
            )
        driver = DRIVERS[device]
        library = find(driver)
    else:
        driver = known(library, prefix, order)
    loaded = library_of.load(str(library), prefix or driver.prefix)
    return QDMIBackend(
        Session(loaded, session, jobs_outlive_it=driver.keeps_jobs), driver
    )


def _seeds(seed: int | None, count: int, parameter: int | None) -> list[int | None]:
    if seed is None or parameter is None:
        return [None] * count
    drawn = np.random.SeedSequence(seed).generate_state(count)
    return [int(value) % (2**31 - 1) + 1 for value in drawn]
