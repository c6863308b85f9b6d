"""IonQ's machines and simulators, by version 0.4 of its HTTP interface.

A circuit is a job, handed in as OpenQASM 3. IonQ's compiler takes the part of the
language that has measurements and resets, and neither branches nor loops: other
programs fail, with its reason.
"""

import json
import os
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from http.client import HTTPException
from socket import gaierror
from ssl import SSLError
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote, urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

import numpy as np

from .protocol import (
    BackendError,
    Limits,
    PartialResults,
    Payload,
    Status,
    UnansweredError,
)

URL = "https://api.ionq.co/v0.4"
KEYS = ("QISKIT_IONQ_API_TOKEN", "IONQ_API_KEY", "IONQ_API_TOKEN")
# Why nothing reached the server.
NOT_SENT = ConnectionRefusedError, gaierror, SSLError
REGISTER = "c"
SHOTS = "ionq.result.shots.json.v2"
PROBABILITIES = "ionq.result.probabilities.json.v2"
STATUSES = {
    "submitted": Status.QUEUED,
    "ready": Status.QUEUED,
    "started": Status.RUNNING,
    "running": Status.RUNNING,
    "completed": Status.DONE,
    "failed": Status.FAILED,
    "canceled": Status.CANCELLED,
}


def backend(
    backend: str = "simulator",
    *,
    url: str | None = None,
    noise_model: str | None = None,
    settings: Mapping[str, Any] | None = None,
    session_id: str | None = None,
    timeout: float = 30.0,
) -> "IonQ":
    """Return a machine or a simulator of IonQ.

    The key is read from the environment variable `IONQ_API_KEY`, at each request.

    Args:
        backend: its name, such as "simulator" or "qpu.forte-1".
        url: the address of the interface, by default `IONQ_API_URL` or IonQ's own.
        noise_model: of the simulator, such as "aria-1"; none is ideal.
        settings: of the job, such as `{"error_mitigation": {"debiasing": False}}`.
        session_id: the session that jobs are in.
        timeout: seconds until a request that nobody answers is given up.
    """
    address = url or os.environ.get("IONQ_API_URL") or URL
    if urlsplit(address).scheme not in ("http", "https"):
        raise ValueError(f"url must begin with https://, and is {address!r}")
    fields: dict[str, Any] = {"backend": backend, "settings": _settings(settings)}
    if session_id is not None:
        fields["session_id"] = session_id
    if backend == "simulator":
        fields["noise"] = {"model": noise_model or "ideal"}
    elif noise_model is not None:
        raise ValueError(f"a noise_model is of the simulator, and not of {backend!r}")
    return IonQ(address.rstrip("/"), fields, timeout)


class IonQ:
    """A machine or a simulator of IonQ.

    Args:
        url: the address of the interface.
        fields: what each job has besides its program.
        timeout: seconds until a request that nobody answers is given up.
    """

    formats = ("openqasm3",)
    limits = Limits()

    def __init__(self, url: str, fields: Mapping[str, Any], timeout: float) -> None:
        self.url = url
        self.fields = dict(fields)
        self.timeout = timeout

    def submit(
        self, programs: Sequence[Payload], shots: int, seed: int | None
    ) -> dict[str, Any]:
        """Hand in a job for each program, all or none, and return their ids."""
        jobs = [self._job(program, shots, seed) for program in programs]
        if seed is None:
            seed = int(np.random.default_rng().integers(2**31))
        names: list[str] = []
        try:
            for job in jobs:
                with _understood():
                    names.append(str(self._request("POST", ["jobs"], job)["id"]))
        except BaseException:
            for name in names:
                with suppress(BackendError):
                    self._cancel(name)
            raise
        widths = [program.num_bits for program in programs]
        return {"jobs": names, "bits": widths, "shots": shots, "seed": seed}

    def status(self, token: Mapping[str, Any]) -> Status:
        """Return the state of a batch, done once all ended and one has results."""
        with _understood():
            states = {self._state(self._get(name)) for name in token["jobs"]}
        for state in (Status.RUNNING, Status.QUEUED, Status.DONE, Status.FAILED):
            if state in states:
                both = state is Status.QUEUED and len(states) > 1
                return Status.RUNNING if both else state
        return Status.CANCELLED if states else Status.DONE

    def results(self, token: Mapping[str, Any]) -> list[np.ndarray]:
        """Return the bits of each circuit, once its job has ended."""
        seeds = np.random.SeedSequence(token["seed"]).spawn(len(token["jobs"]))
        found: list[np.ndarray | None] = []
        reasons: dict[int, str] = {}
        for k, name in enumerate(token["jobs"]):
            job = self._get(name)
            with _understood():
                state = self._state(job)
            if state in (Status.QUEUED, Status.RUNNING):
                raise BackendError(f"job {name} is {state.value}", retry=True)
            if state is not Status.DONE:
                reasons[k] = _reason(job)
            rng = np.random.default_rng(seeds[k])
            bits = token["bits"][k]
            done = state is Status.DONE
            with _understood():
                rows = self._bits(job, bits, token["shots"], rng) if done else None
            found.append(rows)
        if reasons:
            raise PartialResults(found, reasons)
        return [each for each in found if each is not None]

    def cancel(self, token: Mapping[str, Any]) -> None:
        """Ask that a batch is not run."""
        failures: list[BackendError] = []
        for name in token["jobs"]:
            try:
                self._cancel(name)
            except BackendError as error:
                failures.append(error)
        if failures:
            raise failures[0]

    def _job(self, program: Payload, shots: int, seed: int | None) -> dict[str, Any]:
        if program.format != "openqasm3" or isinstance(program.program, bytes):
            raise BackendError(f"IonQ takes OpenQASM 3, and no {program.format}")
        fields = dict(self.fields)
        if seed is not None and "noise" in fields:
            fields["noise"] = {**fields["noise"], "seed": seed % 2**31}
        return {
            "type": "ionq.qasm3.v1",
            "shots": shots,
            "input": {"data": program.program},
            **fields,
        }

    def _bits(
        self, job: Mapping[str, Any], bits: int, shots: int, rng: np.random.Generator
    ) -> np.ndarray:
        """Return the shots of a job, drawn from probabilities if it has no shots."""
        kinds: Mapping[str, Any] = job.get("results") or {}
        for kind in (SHOTS, PROBABILITIES):
            if kind in kinds:
                break
        else:
            raise BackendError(f"job {job['id']} has results {sorted(kinds)} only")
        content = self._request(
            "GET", ["jobs", job["id"], "artifacts", kinds[kind]["id"]]
        )
        if kind == SHOTS:
            rows = [_row(shot["registers"], bits) for shot in content["shots"]]
            if len(rows) != shots:
                raise BackendError(f"{len(rows)} shots came back of {shots}")
            return np.array(rows, np.uint8).reshape(shots, bits)
        registers = content["probabilities"]["registers"]
        table = _register(registers)
        rows = [_row({REGISTER: text}, bits) for text in table]
        weights = np.array(list(table.values()), float)
        if weights.size == 0 or abs(weights.sum() - 1) > 1e-3 or weights.min() < 0:
            raise BackendError(f"probabilities of job {job['id']} are {dict(table)}")
        drawn = rng.choice(len(rows), shots, p=weights / weights.sum())
        return np.array(rows, np.uint8)[drawn]

    def _state(self, job: Mapping[str, Any]) -> Status:
        if job["status"] not in STATUSES:
            raise BackendError(f"job {job['id']} has the status {job['status']!r}")
        return STATUSES[job["status"]]

    def _get(self, name: str) -> Any:
        return self._request("GET", ["jobs", name])

    def _cancel(self, name: str) -> None:
        self._request("PUT", ["jobs", name, "status", "cancel"])

    def _request(self, method: str, path: Sequence[str], content: Any = None) -> Any:
        request = Request(
            f"{self.url}/{'/'.join(quote(part, safe='') for part in path)}",
            method=method,
            data=None if method == "GET" else json.dumps(content or {}).encode(),
            headers={"Authorization": f"apiKey {_key()}"},
        )
        request.add_header("Content-Type", "application/json")
        try:
            with build_opener(_NoRedirect).open(request, timeout=self.timeout) as reply:
                return json.load(reply)
        except HTTPError as error:
            raise _refusal(error) from None
        except ValueError as error:
            raise BackendError(f"IonQ's answer is no JSON: {error}") from None
        except (OSError, HTTPException) as error:
            reason = getattr(error, "reason", error)
            text = f"IonQ does not answer at {self.url}: {reason}"
            # What was handed in twice would be paid twice.
            if path == ["jobs"] and not isinstance(reason, NOT_SENT):
                raise UnansweredError(text) from None
            raise BackendError(text, retry=True) from None


class _NoRedirect(HTTPRedirectHandler):
    """Follows no redirection, which would hand the key to another server."""

    def redirect_request(self, *args: Any, **fields: Any) -> None:
        """Return no request to go on with."""


@contextmanager
def _understood() -> Generator[None]:
    """Refuse answers that have not the fields that they should."""
    try:
        yield
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise BackendError(f"IonQ's answer has another form: {error!r}") from error


def _key() -> str:
    for name in KEYS:
        if key := os.environ.get(name):
            return key
    raise BackendError("IonQ needs a key: set the environment variable IONQ_API_KEY")


def _settings(given: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return settings with the compiler that returns the registers of OpenQASM 3."""
    settings = dict(given or {})
    compilation = {"service_version": "v0.4", **settings.get("compilation", {})}
    return {**settings, "compilation": compilation}


def _refusal(error: HTTPError) -> BackendError:
    text = error.read().decode(errors="replace")
    with suppress(ValueError, AttributeError):
        content = json.loads(text)
        text = content.get("message") or content.get("error") or text
    retry = error.code in (408, 429) or error.code >= 500
    after = None
    with suppress(TypeError, ValueError):
        after = max(0.0, float(error.headers.get("Retry-After", "")))
    return BackendError(
        f"{error.code} {text or error.reason}", retry=retry, after=after
    )


def _reason(job: Mapping[str, Any]) -> str:
    failure: Mapping[str, Any] = job.get("failure") or {}
    words = [str(failure[key]) for key in ("code", "error") if failure.get(key)]
    return ": ".join(words) or f"job {job['id']} is {job['status']}"


def _register(registers: Mapping[str, Any]) -> Any:
    if REGISTER not in registers:
        raise BackendError(
            f"registers {sorted(registers)} came back, and no {REGISTER}"
        )
    return registers[REGISTER]


def _row(registers: Mapping[str, Any], bits: int) -> list[int]:
    """Return a register, whose first bit is the left one, as numbers."""
    row = [int(bit) for bit in _register(registers)]
    if len(row) != bits or not {*row} <= {0, 1}:
        raise BackendError(f"register {REGISTER} came back as {row}, of {bits} bits")
    return row
