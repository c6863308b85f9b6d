"""A server on this machine with the interface of IQM's, whose computer is simulated."""

import json
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import numpy as np

from .local_server import TextHandler, served

Run = Callable[[str, int], np.ndarray]
CALIBRATION = "11111111-2222-4333-8444-555555555555"
QUBITS = ("QB1", "QB2", "QB3")
COUPLING = (("QB1", "QB2"), ("QB2", "QB3"))


class IQMServer:
    """A computer of three qubits in a row, its jobs, and the faults to answer with.

    Args:
        run: returns the bits of a program in QIR, given it and the number of shots.
    """

    def __init__(self, run: Run) -> None:
        self.run = run
        self.url = ""
        self.jobs: dict[str, dict[str, Any]] = {}
        self.requests: list[tuple[str, str | None]] = []
        self.faults: list[int] = []
        """Codes of HTTP that the next requests about jobs are answered with."""
        self.polls = 0
        """How often the status of a job is asked for before it is completed."""

    def get(self, path: str) -> Any:
        """Return what is at a path, or None."""
        parts = path.strip("/").split("/")
        match parts:
            case ["api", "v1", "quantum-computers"]:
                return {"quantum_computers": [{"id": "qc", "alias": "garnet"}]}
            case [*_, "static-quantum-architectures"]:
                return [
                    {
                        "qubits": QUBITS,
                        "computational_resonators": [],
                        "connectivity": COUPLING,
                    }
                ]
            case [*_, "dynamic-quantum-architecture"]:
                return _calibrated()
            case [*_, "metrics"]:
                return {"observations": _observations()}
            case ["api", "v1", "jobs", job, *rest] if job in self.jobs:
                return self._job(self.jobs[job], rest)
            case _:
                return None

    def post(self, path: str, body: Any) -> Any:
        """Take a job, or cancel one; return None for other paths."""
        match path.strip("/").split("/"):
            case ["api", "v1", "jobs", "garnet", "circuit"]:
                name = str(uuid4())
                self.jobs[name] = {"status": "waiting", "request": body, "asked": 0}
                return {"id": name}
            case ["api", "v1", "jobs", job, "cancel"] if job in self.jobs:
                self.jobs[job]["status"] = "cancelled"
                return {}
            case _:
                return None

    def _job(self, job: dict[str, Any], rest: list[str]) -> Any:
        if rest == ["payload"]:
            return job["request"]
        if rest == ["artifacts", "measurement_counts"]:
            return [
                _counts(self.run(circuit, job["request"]["shots"]))
                for circuit in job["request"]["circuits"]
            ]
        job["asked"] += 1
        if job["status"] == "waiting" and job["asked"] > self.polls:
            wrong = any("@__quantum__" not in c for c in job["request"]["circuits"])
            job["status"] = "failed" if wrong else "completed"
        errors = [{"message": "no circuit", "error_code": "compilation"}]
        return {
            "status": job["status"],
            "errors": errors if job["status"] == "failed" else [],
        }


def _counts(bits: np.ndarray) -> dict[str, Any]:
    counts = Counter("".join(map(str, row)) for row in bits.tolist())
    keys = [f"r{k}" for k in range(bits.shape[1])]
    return {"measurement_keys": keys, "counts": dict(counts)}


def _calibrated() -> dict[str, Any]:
    single = [[qubit] for qubit in QUBITS]
    loci = {"prx": single, "cz": [list(pair) for pair in COUPLING], "measure": single}
    gates = {
        name: {
            "implementations": {"tested": {"loci": places}},
            "default_implementation": "tested",
            "override_default_implementation": {},
        }
        for name, places in loci.items()
    }
    return {
        "calibration_set_id": CALIBRATION,
        "qubits": QUBITS,
        "computational_resonators": [],
        "gates": gates,
    }


def _observations() -> list[dict[str, Any]]:
    values = {
        "metrics.rb.prx.tested.QB1.fidelity:par=d2": 0.999,
        "metrics.irb.cz.tested.QB1__QB2.fidelity:par=d2": 0.99,
        "characterization.model.QB1.t1_time": 3e-5,
    }
    return [
        {"dut_field": field, "value": value, "invalid": False}
        for field, value in values.items()
    ]


@contextmanager
def iqm_server(run: Run) -> Generator[IQMServer]:
    """Serve on a port of this machine while the context is open."""
    iqm = IQMServer(run)

    class Handler(TextHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.answer(lambda: iqm.get(self.path))

        def do_POST(self) -> None:
            content = json.loads(self.body() or b"{}")
            self.answer(lambda: iqm.post(self.path, content))

        def answer(self, find: Callable[[], Any]) -> None:
            iqm.requests.append((self.path, self.headers.get("Authorization")))
            if "/jobs/" in self.path and iqm.faults:
                code, found = iqm.faults.pop(0), {"errors": []}
            else:
                found = find()
                code = 404 if found is None else 200
            self.reply(code, json.dumps(found), {})

    with served(Handler) as iqm.url:
        yield iqm
