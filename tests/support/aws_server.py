"""A server on this machine in the place of AWS: Braket's devices and tasks, and S3."""

import json
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote, urlsplit

import numpy as np

from .local_server import TextHandler, served

Run = Callable[[str, int], tuple[list[int], np.ndarray]]
SIMULATOR = "arn:aws:braket:::device/quantum-simulator/amazon/sv1"
TASK = "arn:aws:braket:us-east-1:123456789012:quantum-task/"
LIMIT = 1000


class AwsServer:
    """Braket's tasks, what S3 has, and the faults to answer with.

    Args:
        run: returns which qubits a program measures, and the bits, given it in OpenQASM
            and the number of shots.
    """

    def __init__(self, run: Run) -> None:
        self.run = run
        self.url = ""
        self.tasks: dict[str, dict[str, Any]] = {}
        self.files: dict[str, str] = {}
        self.requests: list[tuple[str, str]] = []
        self.faults: list[tuple[str, int, str, dict[str, str]]] = []
        """Method, code of HTTP, name and headers of errors for the next requests."""
        self.polls = 0
        """How often the state of a task is asked for before it is completed."""

    def answer(self, method: str, path: str, body: str) -> str | None:
        """Return what a request is answered with."""
        parts = [unquote(part) for part in urlsplit(path).path.strip("/").split("/")]
        match method, parts:
            case "GET", ["device", arn] if arn == SIMULATOR:
                return json.dumps(_device())
            case "POST", ["quantum-task"]:
                return json.dumps({"quantumTaskArn": self._create(json.loads(body))})
            case "GET", ["quantum-task", arn] if arn in self.tasks:
                return json.dumps(self._look(self.tasks[arn]))
            case "PUT", ["quantum-task", arn, "cancel"] if arn in self.tasks:
                self.tasks[arn]["status"] = "CANCELLED"
                found = {"quantumTaskArn": arn, "cancellationStatus": "CANCELLING"}
                return json.dumps(found)
            case "GET", [*file]:
                return self.files.get("/".join(file))
            case _:
                return None

    def _create(self, request: dict[str, Any]) -> str:
        arn = f"{TASK}{len(self.tasks)}"
        folder = f"{request['outputS3KeyPrefix']}/{len(self.tasks)}"
        self.tasks[arn] = {
            "quantumTaskArn": arn,
            "status": "QUEUED",
            "deviceArn": request["deviceArn"],
            "deviceParameters": "{}",
            "shots": request["shots"],
            "outputS3Bucket": request["outputS3Bucket"],
            "outputS3Directory": folder,
            "createdAt": "2026-01-01T00:00:00Z",
            "request": request,
            "actionMetadata": {"actionType": "braket.ir.openqasm.program"},
            "asked": 0,
        }
        return arn

    def _look(self, task: dict[str, Any]) -> dict[str, Any]:
        task["asked"] += 1
        if task["status"] == "QUEUED" and task["asked"] > self.polls:
            self._finish(task)
        return {name: task[name] for name in task if name not in ("request", "asked")}

    def _finish(self, task: dict[str, Any]) -> None:
        action = json.loads(task["request"]["action"])
        try:
            qubits, bits = self.run(action["source"], task["shots"])
        except Exception as error:
            task |= {"status": "FAILED", "failureReason": f"{error}"}
            return
        task["status"] = "COMPLETED"
        name = f"{task['outputS3Bucket']}/{task['outputS3Directory']}/results.json"
        self.files[name] = json.dumps(
            {
                "braketSchemaHeader": _header("task_result.gate_model_task_result"),
                "measurements": bits.tolist(),
                "measuredQubits": qubits,
                "taskMetadata": {
                    "braketSchemaHeader": _header("task_result.task_metadata"),
                    "id": task["quantumTaskArn"],
                    "shots": task["shots"],
                    "deviceId": task["deviceArn"],
                },
                "additionalMetadata": {"action": action},
            }
        )


def _header(name: str) -> dict[str, str]:
    return {"name": f"braket.{name}", "version": "1"}


def _device() -> dict[str, Any]:
    simulators = "device_schema.simulators.gate_model_simulator"
    capabilities = {
        "braketSchemaHeader": _header(f"{simulators}_device_capabilities"),
        "service": {
            "braketSchemaHeader": _header("device_schema.device_service_properties"),
            "executionWindows": [
                {
                    "executionDay": "Everyday",
                    "windowStartHour": "00:00",
                    "windowEndHour": "23:59",
                }
            ],
            "shotsRange": [1, LIMIT],
        },
        "action": {
            "braket.ir.openqasm.program": {
                "actionType": "braket.ir.openqasm.program",
                "version": ["1"],
                "supportedOperations": ["h", "x", "cnot"],
            }
        },
        "paradigm": {
            "braketSchemaHeader": _header(f"{simulators}_paradigm_properties"),
            "qubitCount": 34,
        },
        "deviceParameters": {},
    }
    return {
        "deviceArn": SIMULATOR,
        "deviceName": "SV1",
        "deviceStatus": "ONLINE",
        "deviceType": "SIMULATOR",
        "providerName": "Amazon Braket",
        "deviceCapabilities": json.dumps(capabilities),
    }


@contextmanager
def aws_server(run: Run) -> Generator[AwsServer]:
    """Serve on a port of this machine while the context is open."""
    aws = AwsServer(run)

    class Handler(TextHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            text = self.body().decode()
            signed = self.headers.get("Authorization") or ""
            aws.requests.append((f"{self.command} {self.path}", signed))
            if aws.faults and aws.faults[0][0] == self.command:
                _, code, name, headers = aws.faults.pop(0)
                self.refuse(code, name, "a fault", headers)
            elif (found := aws.answer(self.command, self.path, text)) is None:
                self.refuse(404, "ResourceNotFoundException", "there is none", {})
            else:
                self.reply(200, found, {})

        do_POST = do_PUT = do_GET

        def refuse(
            self, code: int, name: str, why: str, headers: Mapping[str, str]
        ) -> None:
            found = json.dumps({"message": why, "__type": name})
            self.reply(code, found, {"x-amzn-ErrorType": name, **headers})

    with served(Handler) as aws.url:
        yield aws
