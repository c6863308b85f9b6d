"""Runtimes by QDMI 1.4: simulators and quantum computers, as libraries of their vendors.

A driver is a shared library: MQT Core's simulator of decision diagrams (DDSIM), IQM's,
and those of others. It runs in this process, as any library does; DDSIM runs programs in
processes of its own, so that a wrong one ends a job and nothing else. What a library
says beyond the code that it returns, it writes to the standard error stream.
"""

import ctypes as c
import struct
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import numpy as np
from llvmlite import binding

from qjit.errors import MissingPackageError

from . import qdmi_library as library_of
from .protocol import BackendError, Limits, PartialResults, Payload, Status
from .qdmi_description import Description, describe, program_formats
from .qdmi_library import CodeError, Job, Session

# Formats by number, the best first: which one, and whether it is a text.
FORMATS = {
    4: ("qir-adaptive", True),
    5: ("qir-adaptive", False),
    1: ("openqasm3", True),
    2: ("qir-base", True),
    3: ("qir-base", False),
    0: ("openqasm2", True),
}
Order = Literal["first", "last"]


@dataclass(frozen=True)
class Driver:
    """What is known of a vendor's driver that QDMI does not ask drivers to tell.

    Args:
        package: the package that brings it.
        pattern: where it is in there.
        prefix: what its symbols begin with.
        order: which bit stands first in a key of its histograms; None if that depends
            on its version, and is found out by running a circuit, which costs nothing.
        seed: the parameter of a job that sets the seed, if it has one.
        keeps_jobs: whether jobs are kept elsewhere, and found again by their IDs.
    """

    package: str
    pattern: str
    prefix: str
    order: Order | None
    seed: int | None
    keeps_jobs: bool


DRIVERS = {
    "ddsim": Driver(
        package="mqt.core",
        pattern="*/*mqt-core-qdmi-ddsim-device.*",
        prefix="MQT_DDSIM",
        order=None,
        seed=999999995,
        keeps_jobs=False,
    ),
    "iqm": Driver(
        package="iqm.qdmi",
        pattern="data/*/*iqm-qdmi-device.*",
        prefix="IQM",
        order="first",
        seed=None,
        keeps_jobs=True,
    ),
}
DISTRIBUTIONS = {"mqt.core": "mqt-core", "iqm.qdmi": "iqm-qdmi"}
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

        A seed gives each program another one, in a job of its own. It is for simulators:
        a driver that knows none runs as without.

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
            except BackendError:
                self._give_up(jobs)
                raise
        bits = [program.num_bits for program in programs]
        return {"jobs": jobs, "shots": shots, "bits": bits, "orders": orders}

    def status(self, token: Any) -> Status:
        """Return the state of a batch, which ends when all of its jobs have."""
        found = {self._status(job["id"]) for job in token["jobs"]}
        if found <= ENDED:
            for state in (Status.FAILED, Status.CANCELLED):
                if state in found:
                    return state
            return Status.DONE
        return Status.QUEUED if found == {Status.QUEUED} else Status.RUNNING

    def results(self, token: Any) -> list[np.ndarray]:
        """Return the bits of each circuit, after its end.

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
                except _ProgramFailed as failure:
                    reasons[place] = str(failure)
        if not reasons:
            return [bits for bits in found if bits is not None]
        if len(reasons) == len(found):
            raise BackendError("; ".join(dict.fromkeys(reasons.values())))
        raise PartialResults(found, reasons)

    def cancel(self, token: Any) -> None:
        """Ask that the jobs of a batch are not run; those that ended stay as they are."""
        for listed in token["jobs"]:
            with self._lock:
                if self._status(listed["id"]) not in ENDED:
                    self._job(listed["id"]).cancel()

    def _encode(self, payload: Payload) -> tuple[int, bytes]:
        """Return the number of a payload's format that the device has, and its bytes."""
        is_text = isinstance(payload.program, str)
        usable = [f for f in self._forms if FORMATS[f][0] == payload.format]
        if not usable:
            raise BackendError(
                f"The QDMI device takes no programs in {payload.format!r}, only in "
                f"{', '.join(self.formats)}"
            )
        form = next((f for f in usable if FORMATS[f][1] == is_text), usable[0])
        program = payload.program
        if FORMATS[form][1] != is_text:
            program = _translate(program)
        data = program.encode() if isinstance(program, str) else program
        if not data.strip() or (FORMATS[form][1] and b"\0" in data):
            raise BackendError(
                "A program of a QDMI job is empty, or has a zero byte in it"
            )
        return form, data + b"\0" * FORMATS[form][1]

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
                    f"The QDMI job {identity!r} was run by another process, and its "
                    "results were in there"
                )
            self._jobs[identity] = self._session.find_job(identity)
        return self._jobs[identity]

    def _status(self, identity: str) -> Status:
        with self._lock:
            return STATUSES[self._job(identity).status()]

    def _wait(self, identity: str) -> None:
        pause = 0.001
        while self._status(identity) not in ENDED:
            time.sleep(pause)
            pause = min(2 * pause, 1.0)

    def _bits(self, identity: str, index: int, token: Any, place: int) -> np.ndarray:
        with self._lock:
            job = self._job(identity)
            state = job.program_status(index) or job.status()
            if state != "done":
                raise _ProgramFailed(
                    f"the QDMI job {identity!r} {state}; the driver may have written why "
                    "to the standard error stream"
                )
            return read_bits(
                job,
                index,
                (token["shots"], token["bits"][place]),
                token["orders"][place],
            )

    def _order(self, form: int) -> Order:
        """Return which bit stands first in keys of results, by running x on one of two."""
        if self._driver.order is not None:
            return self._driver.order
        if form not in self._orders:
            job = self._session.new_job()
            _, program = self._encode(_probe(form))
            job.set_programs(form, [program])
            identity = self._start(job, 1, None)
            self._wait(identity)
            found = read_bits(self._jobs.pop(identity), 0, (1, 2), "first")
            self._orders[form] = "first" if found.tolist() == [[1, 0]] else "last"
        return self._orders[form]


class _ProgramFailed(BackendError):
    """A program of a job has no results."""


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
        order: which bit stands first in the keys of its results: "first" (bit 0, as QDMI
            1.4 has it) or "last". QDMI 1.2 left it open, so a driver that is not known
            here has to be read about.
        session: parameters of the session, by QDMI's names in small letters: `baseurl`,
            `token`, `authfile`, `authurl`, `username`, `password`, `custom1` to
            `custom5`. They go to the driver, and are not kept. IQM's driver takes `token`
            from `IQM_TOKEN` and a file from `IQM_TOKENS_FILE`, and the computer's ID and
            alias as `custom1` and `custom2`.

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
        library = _find(driver)
    else:
        driver = _known(library, prefix, order)
    loaded = library_of.load(str(library), prefix or driver.prefix)
    return QDMIBackend(
        Session(loaded, session, jobs_outlive_it=driver.keeps_jobs), driver
    )


def _find(driver: Driver) -> str:
    """Return the path of a known driver, without importing the package that brings it."""
    try:
        spec = find_spec(driver.package)
    except ModuleNotFoundError:
        spec = None
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        for found in sorted(Path(folder).glob(driver.pattern)):
            if found.suffix in (".so", ".dylib", ".dll"):
                return str(found)
    name = DISTRIBUTIONS[driver.package]
    raise MissingPackageError(
        f"the QDMI driver of prefix {driver.prefix!r} comes with the package {name!r}, "
        f"which is not installed. Use pip install {name}, or pip install 'qjit[qdmi]'."
    )


def _known(library: str, prefix: str | None, order: Order | None) -> Driver:
    """Return what is known of a driver that the user has a path of."""
    if prefix is None:
        raise BackendError(
            f"QDMI library {library!r}: give the prefix of its symbols as prefix="
        )
    if order not in (None, "first", "last"):
        raise BackendError(f"order={order!r}: expected 'first' or 'last'")
    for driver in DRIVERS.values():
        if driver.prefix == prefix and order in (None, driver.order):
            return driver
    if order is None:
        raise BackendError(
            f"QDMI library {library!r}: give order='first' if bit 0 stands first in the "
            "keys of its results, or order='last'"
        )
    return Driver("", "", prefix, order, seed=None, keeps_jobs=True)


def _seeds(seed: int | None, count: int, parameter: int | None) -> list[int | None]:
    if seed is None or parameter is None:
        return [None] * count
    drawn = np.random.SeedSequence(seed).generate_state(count)
    return [int(value) % (2**31 - 1) + 1 for value in drawn]


def _translate(program: str | bytes) -> str | bytes:
    """Return the bitcode of a text of LLVM, or the other way around."""
    try:
        if isinstance(program, str):
            return binding.parse_assembly(program).as_bitcode()
        return str(binding.parse_bitcode(program))
    except RuntimeError as error:
        raise BackendError(f"A program of a QDMI job is no LLVM: {error}") from error


def read_bits(job: Job, index: int, shape: tuple[int, int], order: Order) -> np.ndarray:
    """Return the bits of a program that is done.

    Args:
        job: the job that it is in.
        index: which program of it.
        shape: the number of shots, and of bits of each.
        order: which bit stands first in keys.

    Raises:
        BackendError: if these are not the results of so many shots and bits.
    """
    shots, num_bits = shape
    if num_bits == 0:
        return np.zeros((shots, 0), np.uint8)
    try:
        keys = library_of.text(job.results(index, library_of.HISTOGRAM_KEYS)).split(",")
        values = job.results(index, library_of.HISTOGRAM_VALUES)
        counts = list(struct.unpack(f"{len(values) // 8}Q", values))
    except CodeError as error:
        if error.code not in (library_of.NOT_SUPPORTED, library_of.NOT_IMPLEMENTED):
            raise
        keys = library_of.text(job.results(index, library_of.SHOTS)).split(",")
        counts = [1] * len(keys)
    if len(keys) != len(counts) or sum(counts) != shots:
        raise BackendError(f"A QDMI job has {sum(counts)} results of {shots} shots")
    if any(len(key) != num_bits or set(key) - set("01") for key in keys):
        raise BackendError(
            f"A QDMI job has results such as {keys[0]!r}, where {num_bits} bits of 0 and 1 "
            "were expected"
        )
    bits = np.frombuffer("".join(keys).encode(), np.uint8).reshape(-1, num_bits) - ord(
        "0"
    )
    return np.repeat(bits if order == "first" else bits[:, ::-1], counts, axis=0)


def _probe(form: int) -> Payload:
    """Return a circuit of two bits, the first of which is 1."""
    name, _ = FORMATS[form]
    return Payload(_PROBES.get(name, _QIR_PROBE), name, 2, 2)


_PROBES = {
    "openqasm3": 'OPENQASM 3.0; include "stdgates.inc"; qubit[2] q; bit[2] c; x q[0]; '
    "c[0] = measure q[0]; c[1] = measure q[1];",
    "openqasm2": 'OPENQASM 2.0; include "qelib1.inc"; qreg q[2]; creg c[2]; x q[0]; '
    "measure q[0] -> c[0]; measure q[1] -> c[1];",
}
_QIR_PROBE = """
@r0 = internal constant [3 x i8] c"r0\\00"
@r1 = internal constant [3 x i8] c"r1\\00"
define i64 @main() #0 {
  call void @__quantum__rt__initialize(ptr null)
  call void @__quantum__qis__x__body(ptr null)
  call void @__quantum__qis__mz__body(ptr null, ptr null)
  call void @__quantum__qis__mz__body(ptr inttoptr (i64 1 to ptr), \
ptr inttoptr (i64 1 to ptr))
  call void @__quantum__rt__result_record_output(ptr null, ptr @r0)
  call void @__quantum__rt__result_record_output(ptr inttoptr (i64 1 to ptr), ptr @r1)
  ret i64 0
}
declare void @__quantum__rt__initialize(ptr)
declare void @__quantum__qis__x__body(ptr)
declare void @__quantum__qis__mz__body(ptr, ptr writeonly)
declare void @__quantum__rt__result_record_output(ptr, ptr)
attributes #0 = { "entry_point" "qir_profiles"="base_profile" \
"output_labeling_schema"="labeled" "required_num_qubits"="2" "required_num_results"="2" }
!llvm.module.flags = !{!0, !1, !2, !3}
!0 = !{i32 1, !"qir_major_version", i32 2}
!1 = !{i32 7, !"qir_minor_version", i32 0}
!2 = !{i32 1, !"dynamic_qubit_management", i1 false}
!3 = !{i32 1, !"dynamic_result_management", i1 false}
"""
