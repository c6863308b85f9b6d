"""A vendor behind HTTP on this machine: a server that simulates, and its backend.

The server does what vendors do, badly where it is told so: it queues, refuses with a
status code, keeps one waiting, and loses circuits. What it is told is a list of faults,
each used up by one request that it is for.
"""

import json
import re
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np

import qjit as qj
from qjit.devices.backends.protocol import (
    BackendError,
    Limits,
    PartialResults,
    Payload,
    Status,
)

from .local_server import TextHandler, served

AGAIN = {408, 429, 500, 502, 503, 504}


@dataclass
class Fault:
    """What goes wrong with one request."""

    request: str
    """Its method and the beginning of its path."""
    code: int = 0
    text: str = ""
    after: float | None = None
    hang: float = 0.0
    done: bool = False
    """Whether the request is carried out nevertheless."""


@dataclass
class Site:
    """The state of a vendor."""

    faults: list[Fault] = field(default_factory=list[Fault])
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    requests: list[str] = field(default_factory=list[str])
    polls: int = 1
    """How often a job is asked for until it is done."""
    cold: int = 0
    """How many circuits, of those that end with a comment, fail."""
    failing: str = ""
    """Why jobs fail, if they do."""

    def handle(self, method: str, path: str, body: Any) -> Any:
        """Answer a request."""
        name = path.rpartition("/")[2]
        if method == "POST":
            key = f"job-{len(self.jobs)}"
            self.jobs[key] = {**body, "asked": 0, "state": "queued"}
            return {"id": key}
        job = self.jobs[name]
        if method == "DELETE":
            job["state"] = "cancelled"
        elif path.startswith("/jobs/"):
            self.advance(job)
            return {"state": job["state"], "queue_position": self.polls - job["asked"]}
        elif path.startswith("/results/"):
            return self.results(job)
        return {}

    def advance(self, job: dict[str, Any]) -> None:
        """Let time pass."""
        job["asked"] += 1
        if job["asked"] > self.polls and job["state"] in ("queued", "running"):
            job["state"] = "failed" if self.failing else "done"
        elif job["state"] == "queued":
            job["state"] = "running"

    def results(self, job: dict[str, Any]) -> Any:
        """Simulate a job, circuit by circuit."""
        if job["state"] == "failed":
            return {"error": self.failing}
        found: list[Any] = []
        for k, text in enumerate(job["programs"]):
            if self.cold and "// cold" in text:
                self.cold -= 1
                found.append({"error": "the qubit is cold"})
            else:
                found.append({"bits": simulated(text, job["shots"], job["seed"] + k)})
        return {"results": found}


@cache
def circuit_of(text: str) -> Any:
    """Return a circuit of the few things of OpenQASM that are known here."""
    (wires,) = map(int, re.findall(r"qubit\[(\d+)\]", text))
    found = re.findall(r"^(\w+)(?:\(([^)]*)\))? ([^=;]*);$", text, re.M)
    gates = [
        (name, float(angle or 0), [*map(int, re.findall(r"\d+", where))])
        for name, angle, where in found
        if name in ("h", "x", "ry", "cx")
    ]

    def circuit(key: Any) -> Any:
        for name, angle, where in gates:
            if name == "ry":
                qj.RY(angle, where[0])
            else:
                {"h": qj.H, "x": qj.X, "cx": qj.CNOT}[name](where)
        return qj.sample(wires=range(wires))

    return circuit, wires


def simulated(text: str, shots: int, seed: int) -> list[list[int]]:
    """Return the bits of a circuit, by our own simulator."""
    circuit, wires = circuit_of(text)
    device = qj.device(wires=wires, shots=shots, seed=seed)
    bits = qj.qjit(qj.qnode(device)(circuit))(0)
    return np.asarray(bits).reshape(shots, wires).tolist()


def _handler(site: Site) -> type[TextHandler]:
    lock = threading.Lock()

    class Handler(TextHandler):
        def do_POST(self) -> None:
            self.answer()

        def do_GET(self) -> None:
            self.answer()

        def do_DELETE(self) -> None:
            self.answer()

        def answer(self) -> None:
            body = json.loads(self.body() or b"null")
            asked = f"{self.command} {self.path}"
            with lock:
                site.requests.append(asked)
                each = (f for f in site.faults if asked.startswith(f.request))
                if (fault := next(each, None)) is not None:
                    site.faults.remove(fault)
                reply: Any = {}
                if fault is None or fault.done:
                    reply = site.handle(self.command, self.path, body)
            if fault is not None:
                time.sleep(fault.hang)
                reply = {"error": fault.text}
            self.send(fault, json.dumps(reply))

        def send(self, fault: Fault | None, text: str) -> None:
            after = fault.after if fault else None
            headers = {} if after is None else {"Retry-After": f"{after:g}"}
            with suppress(BrokenPipeError, ConnectionResetError):  # it waits no longer
                self.reply(fault.code if fault and fault.code else 200, text, headers)

    return Handler


def serving(site: Site) -> AbstractContextManager[str]:
    """Serve a vendor on this machine, and give its address."""
    return served(_handler(site))


class RestBackend:
    """The backend of that vendor."""

    formats: tuple[str, ...] = ("openqasm3",)

    def __init__(self, url: str, limits: Limits, patience: float):
        self.url, self.limits, self.patience = url, limits, patience

    def submit(self, programs: Sequence[Payload], shots: int, seed: int | None) -> Any:
        texts = [str(payload.program) for payload in programs]
        body = {"programs": texts, "shots": shots, "seed": seed or 0}
        return self.ask("POST", "/jobs", body)["id"]

    def status(self, token: Any) -> Status:
        return Status(self.ask("GET", f"/jobs/{token}")["state"])

    def results(self, token: Any) -> list[np.ndarray]:
        reply = self.ask("GET", f"/results/{token}")
        if "error" in reply:
            raise BackendError(reply["error"])
        rows = [
            np.array(each["bits"], np.uint8) if "bits" in each else None
            for each in reply["results"]
        ]
        reasons = {
            k: each["error"]
            for k, each in enumerate(reply["results"])
            if "error" in each
        }
        if reasons:
            raise PartialResults(rows, reasons, retry=True)
        return [each for each in rows if each is not None]

    def cancel(self, token: Any) -> None:
        self.ask("DELETE", f"/jobs/{token}")

    def details(self, token: Any) -> dict[str, Any]:
        place = self.ask("GET", f"/jobs/{token}")["queue_position"]
        return {"queue_position": place}

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Send a request, and return the answer."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, method=method)
        try:
            with urllib.request.urlopen(request, timeout=self.patience) as reply:
                return json.load(reply)
        except urllib.error.HTTPError as error:
            with error:
                text = f"{error.code}: {json.load(error)['error']}"
            after = error.headers.get("Retry-After")
            raise BackendError(
                text, retry=error.code in AGAIN, after=float(after) if after else None
            ) from error
        except (TimeoutError, urllib.error.URLError) as error:
            raise BackendError(f"no answer: {error}", retry=True) from error


def backend(
    url: str,
    shots: int | None = None,
    programs: int | None = None,
    patience: float = 30.0,
) -> RestBackend:
    """Return the backend of the vendor at an address."""
    return RestBackend(url, Limits(shots, programs), patience)
