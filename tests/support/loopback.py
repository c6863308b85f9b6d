"""Servers on this machine that stand for a vendor's, and do wrong when told to."""

import json
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import qjit as qj

from .local_server import TextHandler, served

Answer = tuple[int, Any]


@dataclass
class Fault:
    """What the next request of a method meets in the place of an answer."""

    method: str
    code: int = 0
    """The status that is answered; 0 for no answer at all."""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    text: str = '{"message": "not now"}'
    after: int = 0
    """How many requests of the method are answered before."""


class Loopback:
    """A server that answers by a function of the method, the path and the content."""

    def __init__(self, answer: Callable[[str, list[str], Any], Answer]) -> None:
        self.answer = answer
        self.faults: list[Fault] = []
        self.requests: list[tuple[str, str, Mapping[str, str], Any]] = []
        self._closing = threading.Event()
        self._server = served(self._handler())

    def __enter__(self) -> "Loopback":
        self.url = self._server.__enter__()
        return self

    def __exit__(self, *raised: Any) -> None:
        self._closing.set()
        self._server.__exit__(*raised)

    def fault(self, method: str) -> Fault | None:
        """Return the fault that a request meets, if it does."""
        for each in self.faults:
            if each.method == method:
                if each.after == 0:
                    self.faults.remove(each)
                    return each
                each.after -= 1
        return None

    def _handler(self) -> type[TextHandler]:
        loopback = self

        class Handler(TextHandler):
            def handle_any(self) -> None:
                content = json.loads(self.body() or b"null")
                heard = (self.command, self.path, dict(self.headers), content)
                loopback.requests.append(heard)
                if (fault := loopback.fault(self.command)) is None:
                    parts = self.path.partition("?")[0].strip("/").split("/")
                    code, answer = loopback.answer(self.command, parts, content)
                    self.reply(code, json.dumps(answer), {})
                elif fault.code == 0:
                    loopback._closing.wait(60)
                else:
                    self.reply(fault.code, fault.text, fault.headers)

            do_GET = do_POST = do_PUT = handle_any

        return Handler


class IonQService:
    """What IonQ's interface of version 0.4 answers, from our own simulator.

    Args:
        held: keep jobs from running.
    """

    def __init__(self, held: bool = False) -> None:
        self.held = held
        self.jobs: list[dict[str, Any]] = []
        self.artifacts: dict[str, Any] = {}

    def __call__(self, method: str, path: list[str], content: Any) -> Answer:
        if method == "POST" and path == ["v0.4", "jobs"]:
            return self.create(content)
        known = {job["id"]: job for job in self.jobs}
        if path[:2] != ["v0.4", "jobs"] or path[2] not in known:
            return 404, {"message": f"no such thing: {path}"}
        job = known[path[2]]
        if method == "PUT" and path[3:] == ["status", "cancel"]:
            job["status"] = "canceled"
        elif path[3:4] == ["artifacts"]:
            return 200, self.artifacts[path[4]]
        elif path[3:] == [] and not self.held:
            following = {"submitted": "started", "started": "completed"}
            job["status"] = following.get(job["status"], job["status"])
        hidden = job["status"] != "completed"
        return 200, {k: v for k, v in job.items() if not (hidden and k == "results")}

    def create(self, content: Mapping[str, Any]) -> Answer:
        """Take a job, and run it at once."""
        name = f"job-{len(self.jobs)}"
        job: dict[str, Any] = {"id": name, "status": "submitted", **content}
        self.jobs.append(job)
        text = content["input"]["data"]
        if found := re.search(r"\b(if|for|while)\b", text):
            job["status"] = "failed"
            reason = f"{found[0]} is not in the subset"
            job["failure"] = {"code": "UnsupportedConstruct", "error": reason}
            return 200, {"id": name, "status": "submitted"}
        table = distribution(text)
        ideal = content.get("noise", {}).get("model") == "ideal"
        kind = "probabilities" if ideal else "shots"
        self.artifacts[f"{name}-{kind}"] = (
            {"probabilities": {"registers": {"c": table}}}
            if ideal
            else {"shots": drawn(table, content["shots"])}
        )
        job["results"] = {f"ionq.result.{kind}.json.v2": {"id": f"{name}-{kind}"}}
        return 200, {"id": name, "status": "submitted"}


def drawn(table: Mapping[str, float], shots: int) -> list[dict[str, Any]]:
    """Return shots of a distribution as IonQ's machines do."""
    weights = np.array(list(table.values()))
    rng = np.random.default_rng(7)
    texts = rng.choice(list(table), shots, p=weights / weights.sum())
    return [{"registers": {"c": [int(bit) for bit in text]}} for text in texts]


def distribution(text: str) -> dict[str, float]:
    """Return the probabilities of the register `c` of a program without branches."""
    read: Any = qj.from_qasm(text)

    @qj.qjit
    @qj.qnode(wires=read.num_qubits)
    def circuit() -> Any:
        return qj.probs(op=list(read()["c"]))

    chances = np.asarray(circuit())
    size = read.bits["c"]
    return {
        format(k, f"0{size}b"): float(p) for k, p in enumerate(chances) if p > 1e-12
    }
