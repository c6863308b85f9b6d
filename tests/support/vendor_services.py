"""What the servers of IQM and AQT answer, from our own simulator."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

import qjit as qj

from .loopback import Answer

MACHINE = "00000000-0000-0000-0000-000000000001"
JOB = "00000000-0000-0000-0000-000000000002"


class IQMService:
    """A server with one machine, and one job.

    Args:
        architecture: that of the machine, of IQM's client.
    """

    def __init__(self, architecture: Any) -> None:
        self.architecture = json.loads(architecture.model_dump_json())
        self.status = "completed"
        self.payload: Any = None

    def __call__(self, method: str, path: list[str], content: Any) -> Answer:
        path = path[2:]
        if path == ["quantum-computers"]:
            machine = {"id": MACHINE, "alias": "adonis", "display_name": "Adonis"}
            return 200, {"quantum_computers": [machine]}
        if path[-1] == "dynamic-quantum-architecture":
            return 200, self.architecture
        if method == "POST" and path == ["jobs", "adonis", "circuit"]:
            self.payload = content
            return 200, self.job
        if path[:2] != ["jobs", JOB]:
            return 404, {"message": f"no such thing: {path}", "source": "server"}
        if path[2:] == ["cancel"]:
            self.status = "cancelled"
        if path[2:] == ["payload"]:
            return 200, self.payload
        if path[2:] == ["artifacts", "measurements"]:
            shots = self.payload["shots"]
            return 200, [
                measured(each["instructions"], shots)
                for each in self.payload["circuits"]
            ]
        return 200, self.job

    @property
    def job(self) -> dict[str, Any]:
        """The state of the job."""
        failed = {"message": "the machine was warm", "source": "cryostat"}
        errors = [failed] if self.status == "failed" else []
        known = {"id": JOB, "type": "circuit", "status": self.status}
        return {**known, "errors": errors}


def turn(angle: float, phase: float, wire: int) -> None:
    """Rotate a qubit about an axis between X and Y."""
    qj.RZ(-phase, wires=wire)
    qj.RX(angle, wires=wire)
    qj.RZ(phase, wires=wire)


def drawn(circuit: Callable[[], Any], bits: int, shots: int) -> list[list[int]]:
    """Return shots of what a circuit returns the probabilities of."""
    table = np.asarray(circuit()).reshape(-1)
    rows = np.random.default_rng(7).choice(len(table), shots, p=table / table.sum())
    return [[int(k) >> (bits - 1 - place) & 1 for place in range(bits)] for k in rows]


def measured(
    instructions: Sequence[Mapping[str, Any]], shots: int
) -> dict[str, list[list[int]]]:
    """Run a circuit of gates `prx` and `cz`, and return bits by the keys of IQM."""
    keys: list[str] = []

    @qj.qjit
    @qj.qnode(wires=5)
    def circuit() -> Any:
        outcomes: list[Any] = []
        for each in instructions:
            wires = [int(name.removeprefix("QB")) - 1 for name in each["locus"]]
            given = each["args"]
            if each["name"] == "measure":
                keys.append(given["key"])
                outcomes.append(qj.measure(wires[0]))
            elif each["name"] == "cz":
                qj.CZ(wires=wires)
            elif each["name"] == "prx":
                turn(given["angle"], given["phase"], wires[0])
            elif each["name"] != "barrier":
                raise ValueError(f"no such instruction: {each}")
        return qj.probs(op=outcomes)

    circuit()
    rows = drawn(circuit, len(keys), shots)
    return {key: [[row[k]] for row in rows] for k, key in enumerate(keys)}


class AQTService:
    """AQT's cloud with one machine, and one job."""

    def __init__(self) -> None:
        self.state: dict[str, Any] = {"status": "finished"}
        self.circuits: list[Any] = []

    def __call__(self, method: str, path: list[str], content: Any) -> Answer:
        machine = {"id": "ibex", "name": "IBEX", "type": "device"}
        job = {"job_id": JOB, "resource_id": "ibex", "workspace_id": "lab"}
        job |= {"job_type": "quantum_circuit", "label": "qiskit"}
        match method, path[1:]:
            case "GET", ["workspaces"]:
                return 200, [{"id": "lab", **ACCEPTING, "resources": [machine]}]
            case "GET", ["resources", "ibex"]:
                return 200, {**machine, **ONLINE}
            case "POST", ["submit", "lab", "ibex"]:
                self.circuits = content["payload"]["circuits"]
                return 200, {"job": job, "response": {"status": "queued"}}
            case "GET", ["result", found] if found == JOB:
                return 200, {"job": job, "response": self.response}
            case _:
                return 404, {"detail": f"no such thing: {path}"}

    @property
    def response(self) -> dict[str, Any]:
        """The state of the job, with its shots if it has ended."""
        if self.state["status"] != "finished":
            return self.state
        return {**self.state, "result": dict(enumerate(map(sampled, self.circuits)))}


ACCEPTING = {"accepting_job_submissions": True, "jobs_being_processed": True}
ONLINE = {
    "status": "online",
    "available_qubits": 12,
    "status_updated_at": "2026-01-01T00:00:00Z",
}


def sampled(circuit: Mapping[str, Any]) -> list[list[int]]:
    """Run a circuit of AQT's gates, and return shots of all qubits."""

    @qj.qjit
    @qj.qnode(wires=circuit["number_of_qubits"])
    def run() -> Any:
        for each in circuit["quantum_circuit"]:
            match each["operation"]:
                case "R":
                    turn(np.pi * each["theta"], np.pi * each["phi"], each["qubit"])
                case "RZ":
                    qj.RZ(np.pi * each["phi"], wires=each["qubit"])
                case "RXX":
                    qj.IsingXX(np.pi * each["theta"], wires=each["qubits"])
                case other:
                    assert other == "MEASURE"
        return qj.probs()

    return drawn(run, circuit["number_of_qubits"], circuit["repetitions"])
