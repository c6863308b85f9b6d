"""What IQM's server answers, from our own simulator."""

import json
from collections.abc import Mapping, Sequence
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
                qj.RZ(-given["phase"], wires=wires)
                qj.RX(given["angle"], wires=wires)
                qj.RZ(given["phase"], wires=wires)
            elif each["name"] != "barrier":
                raise ValueError(f"no such instruction: {each}")
        return qj.probs(op=outcomes)

    table = np.asarray(circuit()).reshape(-1)
    drawn = np.random.default_rng(7).choice(len(table), shots, p=table / table.sum())
    return {
        key: [[int(k) >> (len(keys) - 1 - place) & 1] for k in drawn]
        for place, key in enumerate(keys)
    }
