"""Amazon Braket: its simulators here, and its devices with a server in AWS's place."""

import json
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import numpy as np
import pytest

import qjit as qj
from qjit.devices.backends.braket import AwsBraket, LocalBraket, backend
from qjit.devices.backends.local import KEPT_AFTER_READING
from qjit.devices.backends.protocol import (
    BackendError,
    PartialResults,
    Payload,
    Status,
)
from qjit.errors import WireError
from tests.support.aws_server import LIMIT, SIMULATOR, AwsServer, aws_server
from tests.support.distributions import assert_distributed

pytest.importorskip("braket.devices")

HEAD = "OPENQASM 3.0; qubit[3] q; bit[3] c; "
READ = "c[0] = measure q[0]; c[1] = measure q[1]; c[2] = measure q[2];"


def payload(body: str, bits: int = 3) -> Payload:
    return Payload(
        HEAD.replace("bit[3] c", f"bit[{bits}] c") + body, "openqasm3", 3, bits
    )


BELL = payload(f"x q[0]; h q[1]; cnot q[1], q[2]; {READ}")
GHZ = payload(f"h q[0]; cnot q[0], q[1]; cnot q[1], q[2]; {READ}")
SWAPPED = payload(
    "x q[0]; c[2] = measure q[0]; c[0] = measure q[1]; c[1] = measure q[2];"
)


@pytest.fixture(scope="module")
def local() -> LocalBraket:
    found = backend()
    assert isinstance(found, LocalBraket)
    return found


@pytest.mark.filterwarnings("ignore:You are running a noise-free circuit")
@pytest.mark.parametrize("device", ["local", "local:braket_dm"])
def test_batches(device: str) -> None:
    on = backend(device=device)
    token = on.submit([BELL, GHZ, SWAPPED], 2000, None)
    assert json.loads(json.dumps(token)) == token and on.status(token) is Status.DONE
    bell, ghz, swapped = on.results(token)
    assert bell.dtype == np.uint8 and bell.shape == (2000, 3)
    assert_distributed(bell, {"100": 0.5, "111": 0.5})
    assert_distributed(ghz, {"000": 0.5, "111": 0.5})
    assert_distributed(swapped, {"001": 1.0})


@pytest.mark.parametrize(
    "body, expected",
    [
        (
            "h q[0]; c[0] = measure q[0]; if (c[0] == 1) { x q[1]; } else { x q[2]; } "
            "c[1] = measure q[1]; c[2] = measure q[2];",
            {"001": 0.5, "110": 0.5},
        ),
        (
            "x q[0]; c[0] = measure q[0]; x q[0]; c[1] = measure q[0]; h q[0]; "
            "c[2] = measure q[0];",
            {"100": 0.5, "101": 0.5},
        ),
        (
            "x q[0]; c[0] = measure q[0]; reset q[0]; c[2] = measure q[0]; "
            "c[1] = measure q[1];",
            {"100": 1.0},
        ),
        (
            "for int i in [0:1] { h q[i]; } x q[2]; " + READ,
            {"001": 0.25, "011": 0.25, "101": 0.25, "111": 0.25},
        ),
    ],
    ids=["feed-forward", "measured again", "reset", "loop"],
)
def test_dynamic_circuits(
    local: LocalBraket, body: str, expected: dict[str, float]
) -> None:
    (bits,) = local.results(local.submit([payload(body)], 2000, None))
    assert_distributed(bits, expected)


@pytest.mark.parametrize(
    "program",
    [
        payload("while (c[0] == 0) { h q[0]; c[0] = measure q[0]; } " + READ),
        payload(
            "int n = 0; h q[0]; c[0] = measure q[0]; if (c[0] == 1) { n = 1; } " + READ
        ),
        payload("x q[0]; c[0] = measure q[0];"),
        payload(READ, bits=2),
        Payload("", "openqasm3", 3, 3),
        Payload("", "openqasm3", 3, 0),
        Payload(b"OPENQASM 3.0;", "openqasm3", 3, 0),
        Payload(HEAD + READ, "openqasm2", 3, 3),
        Payload(HEAD + READ, "qir-base", 3, 3),
    ],
)
def test_refused_programs(local: LocalBraket, program: Payload) -> None:
    with pytest.raises(BackendError):
        local.submit([program], 10, None)


@pytest.mark.parametrize(
    "program",
    [payload("garbage ( } " + READ), payload(f"nogate q[0]; {READ}")],
)
def test_wrong_programs_are_errors(local: LocalBraket, program: Payload) -> None:
    token = local.submit([program], 10, None)
    assert local.status(token) is Status.FAILED
    with pytest.raises(BackendError, match="Braket's simulator: "):
        local.results(token)


def test_a_failed_program_leaves_the_others(local: LocalBraket) -> None:
    token = local.submit([payload(f"nogate q[0]; {READ}"), BELL], 100, None)
    with pytest.raises(PartialResults, match="nogate") as caught:
        local.results(token)
    found = caught.value.results
    assert found[0] is None and list(caught.value.reasons) == [0]
    assert found[1] is not None and found[1][:, 0].all()


def test_comments_measure_nothing(local: LocalBraket) -> None:
    program = payload(f"x q[1]; // c[0] = measure q[1]; while\n{READ}")
    (bits,) = local.results(local.submit([program], 10, None))
    assert bits.tolist() == [[0, 1, 0]] * 10


def test_no_bits(local: LocalBraket) -> None:
    program = Payload("OPENQASM 3.0; qubit[1] q; x q[0];", "openqasm3", 1, 0)
    (bits,) = local.results(local.submit([program], 10, None))
    assert bits.shape == (10, 0)


def test_results_that_were_read_are_kept_for_a_while(local: LocalBraket) -> None:
    program = Payload("OPENQASM 3.0; qubit[1] q; x q[0];", "openqasm3", 1, 0)
    tokens = [local.submit([program], 1, None) for _ in range(KEPT_AFTER_READING + 1)]
    for token in tokens:
        local.results(token)
    with pytest.raises(BackendError, match="read long ago"):
        local.results(tokens[0])
    assert len(local.results(tokens[1])) == 1


def test_results_of_another_process(local: LocalBraket) -> None:
    token = local.submit([BELL], 10, None)
    local.cancel(token)
    with pytest.raises(BackendError, match="another process"):
        LocalBraket("braket_sv").results(token)


@pytest.mark.parametrize(
    "options, error, words",
    [
        ({"device": "sv1"}, BackendError, "an ARN"),
        ({"device": "local:none"}, BackendError, "'none'"),
        ({"region": "x"}, TypeError, "'region'"),
        ({"s3_destination_folder": ("a", "b")}, TypeError, "at AWS"),
    ],
)
def test_wrong_options(
    options: dict[str, Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        backend(**options)


# AWS.


def simulate(source: str, shots: int) -> tuple[list[int], np.ndarray]:
    """Run a program, and give the columns in the order of qubits, as hardware does."""
    program = import_module("braket.ir.openqasm").Program(source=source)
    simulator = import_module("braket.devices").LocalSimulator()
    result = simulator.run(program, shots=shots).result()
    order = np.argsort(result.measured_qubits)
    qubits = [int(result.measured_qubits[k]) for k in order]
    return qubits, np.asarray(result.measurements)[:, order]


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[AwsServer]:
    with aws_server(simulate) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "an-identity")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a-secret")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
        yield server


def connect() -> AwsBraket:
    found = backend(device=SIMULATOR, s3_destination_folder=("bucket", "folder"))
    assert isinstance(found, AwsBraket)
    return found


def test_tasks_at_aws(aws: AwsServer) -> None:
    on = connect()
    assert on.limits.shots == LIMIT
    aws.polls = 1
    token = on.submit([BELL, SWAPPED], 500, None)
    assert on.status(token) is Status.QUEUED
    bell, swapped = on.results(token)
    assert_distributed(bell, {"100": 0.5, "111": 0.5})
    assert_distributed(swapped, {"001": 1.0})
    assert on.status(token) is Status.DONE
    assert list(aws.tasks) == token["tasks"]
    assert all("an-identity" in signed for _, signed in aws.requests)
    assert "a-secret" not in repr(on) + json.dumps(token)


def test_gates_of_machines(aws: AwsServer) -> None:
    device = qj.device("braket", wires=2, shots=10, device=SIMULATOR)
    assert device.gates == {"H", "X", "CNOT"}
    with pytest.raises(WireError, match="has 34 qubits, but 35 wires"):
        qj.device("braket", wires=35, shots=10, device=SIMULATOR)


def test_tasks_are_found_again(aws: AwsServer) -> None:
    token = connect().submit([SWAPPED], 50, None)
    (bits,) = connect().results(json.loads(json.dumps(token)))
    assert_distributed(bits, {"001": 1.0})


def test_a_task_that_fails(aws: AwsServer) -> None:
    on = connect()
    token = on.submit([payload(f"nogate q[0]; {READ}"), BELL], 50, None)
    with pytest.raises(PartialResults, match="FAILED: Gate nogate") as caught:
        on.results(token)
    assert caught.value.results[1] is not None
    assert on.status(token) is Status.DONE


def test_cancelling(aws: AwsServer) -> None:
    on = connect()
    aws.polls = 100
    token = on.submit([BELL], 50, None)
    on.cancel(token)
    assert on.status(token) is Status.CANCELLED
    with pytest.raises(BackendError, match="CANCELLED"):
        on.results(token)


@pytest.mark.parametrize(
    "code, name, retry",
    [
        (429, "ThrottlingException", True),
        (500, "InternalServiceException", True),
        (400, "ValidationException", False),
        (403, "AccessDeniedException", False),
    ],
)
def test_faults_of_aws(aws: AwsServer, code: int, name: str, retry: bool) -> None:
    on = connect()
    aws.faults.append(("POST", code, name, {"Retry-After": "7"}))
    with pytest.raises(BackendError, match="a fault") as caught:
        on.submit([BELL], 50, None)
    assert caught.value.retry is retry and caught.value.after == 7
    token = on.submit([BELL], 50, None)
    aws.faults.append(("GET", 503, "InternalServiceException", {}))
    with pytest.raises(BackendError) as caught:
        on.status(token)
    assert caught.value.retry and caught.value.after is None
    (bits,) = on.results(token)
    assert bits.shape == (50, 3)


def test_what_was_created_before_a_fault_is_cancelled(aws: AwsServer) -> None:
    on = connect()
    run, calls = aws.answer, 0

    def answer(method: str, path: str, body: str) -> str | None:
        nonlocal calls
        if method == "POST" and (calls := calls + 1) == 1:
            aws.faults.append(("POST", 429, "ThrottlingException", {}))
        return run(method, path, body)

    aws.answer = answer
    with pytest.raises(BackendError):
        on.submit([BELL, GHZ], 50, None)
    (task,) = aws.tasks.values()
    assert task["status"] == "CANCELLED"


def test_no_such_device(aws: AwsServer) -> None:
    with pytest.raises(BackendError, match="not found"):
        backend(device="arn:aws:braket:us-east-1::device/qpu/none/none")


def test_no_server(aws: AwsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(BackendError) as caught:
        connect()
    assert caught.value.retry


def test_measured_twice_at_aws(aws: AwsServer) -> None:
    on = connect()
    token = on.submit(
        [payload("c[0] = measure q[0]; c[1] = measure q[0]; c[2] = measure q[1];")],
        50,
        None,
    )
    aws.run = lambda source, shots: ([0, 1], np.zeros((shots, 2), int))
    with pytest.raises(BackendError, match="more than once"):
        on.results(token)
