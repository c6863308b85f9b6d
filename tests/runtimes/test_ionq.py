"""IonQ's interface, against a server of our own that runs circuits on our simulator."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pytest

from qjit.devices.backends.ionq import IonQ, backend
from qjit.devices.backends.protocol import BackendError, PartialResults, Status
from qjit.devices.jobs.batch import Batch
from qjit.devices.jobs.job import Job
from qjit.devices.jobs.runtime import Runtime
from qjit.errors import JobError
from tests.support.loopback import Fault, IonQService, Loopback
from tests.support.runtime_programs import (
    BELL,
    BRANCH,
    CROSSED,
    GHZ,
    RESET,
    Case,
    assert_case,
)

# The server reads programs as qjit does.
pytest.importorskip("openqasm3", reason="the packages of vendors: make runtimes")

SECRET = "a key that nobody may see"


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("QISKIT_IONQ_API_TOKEN", "IONQ_API_TOKEN", "IONQ_API_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("IONQ_API_KEY", SECRET)


@pytest.fixture
def service() -> IonQService:
    return IonQService()


@pytest.fixture
def server(service: IonQService) -> Iterator[Loopback]:
    with Loopback(service) as server:
        yield server


def reached(server: Loopback, name: str = "simulator", timeout: float = 20.0) -> IonQ:
    return backend(name, url=f"{server.url}/v0.4", timeout=timeout)


def wait(runtime: IonQ, token: Mapping[str, Any]) -> Status:
    for _ in range(10):
        status = runtime.status(token)
        if status not in (Status.QUEUED, Status.RUNNING):
            return status
    raise AssertionError("the job does not end")


@pytest.mark.parametrize("name", ["simulator", "qpu.forte-1"])
@pytest.mark.parametrize("case", [BELL, GHZ, CROSSED, RESET])
def test_bits_are_distributed(server: Loopback, case: Case, name: str) -> None:
    runtime = reached(server, name)
    token = runtime.submit([case.payload()], 2000, 11)
    assert wait(runtime, token) is Status.DONE
    (bits,) = runtime.results(token)
    assert len(bits) == 2000
    assert_case(bits, case)


def test_a_job_goes_through_its_states(server: Loopback) -> None:
    runtime = reached(server)
    token = runtime.submit([BELL.payload()], 10, None)
    with pytest.raises(BackendError, match="job-0 is running") as caught:
        runtime.results(token)
    assert caught.value.retry
    assert runtime.status(token) is Status.DONE


def test_what_is_sent(server: Loopback) -> None:
    backend(
        "simulator",
        url=f"{server.url}/v0.4/",
        noise_model="aria-1",
        settings={"error_mitigation": {"debiasing": False}},
        session_id="session-1",
    ).submit([BELL.payload()], 100, 3)
    ((method, path, headers, content),) = server.requests
    assert (method, path) == ("POST", "/v0.4/jobs")
    assert headers["Authorization"] == f"apiKey {SECRET}"
    assert content == {
        "type": "ionq.qasm3.v1",
        "shots": 100,
        "backend": "simulator",
        "input": {"data": BELL.payload().program},
        "noise": {"model": "aria-1", "seed": 3},
        "session_id": "session-1",
        "settings": {
            "error_mitigation": {"debiasing": False},
            "compilation": {"service_version": "v0.4"},
        },
    }


def test_another_process_reads_the_same_results(server: Loopback) -> None:
    token = reached(server).submit([BELL.payload(), GHZ.payload()], 100, None)
    other = reached(server)
    kept = json.loads(json.dumps(token))
    assert SECRET not in json.dumps(token) + repr(other) + str(vars(other))
    assert wait(other, kept) is Status.DONE
    for one, two in zip(other.results(kept), other.results(kept), strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("code", [429, 500, 503])
def test_busy_servers_may_be_asked_again(server: Loopback, code: int) -> None:
    runtime = reached(server)
    server.faults.append(Fault("POST", code, {"Retry-After": "7"}))
    with pytest.raises(BackendError, match=f"{code} not now") as caught:
        runtime.submit([BELL.payload()], 10, None)
    assert caught.value.retry and caught.value.after == 7
    assert runtime.submit([BELL.payload()], 10, None)["jobs"] == ["job-0"]


@pytest.mark.parametrize("code", [400, 401, 404])
def test_refusals_stay(server: Loopback, code: int) -> None:
    server.faults.append(Fault("POST", code, text="<html>no</html>"))
    with pytest.raises(BackendError, match=f"{code} <html>no") as caught:
        reached(server).submit([BELL.payload()], 10, None)
    assert not caught.value.retry and caught.value.after is None


def test_a_server_that_hangs_is_given_up(server: Loopback) -> None:
    runtime = reached(server)
    token = runtime.submit([BELL.payload()], 10, None)
    runtime.timeout = 0.2
    server.faults.append(Fault("GET"))
    with pytest.raises(BackendError, match="does not answer at http") as caught:
        runtime.status(token)
    assert caught.value.retry


def test_what_is_not_answered_is_in_doubt(server: Loopback) -> None:
    """It may be accepted, so that it is not handed in again by itself."""
    runtime = Runtime("ionq", {}, reached(server, timeout=0.2))
    server.faults.append(Fault("POST"))
    job = Job([Batch(runtime, [BELL.payload()], 10)])
    with pytest.raises(JobError, match=r"does not answer.*in doubt"):
        job.submit()
    (chunk,) = job.in_doubt
    job.resubmit()
    assert job.in_doubt == () and len(job.bits()[0][0]) == 10, chunk


def test_no_server_at_all() -> None:
    with Loopback(IonQService()) as server:
        runtime = reached(server)
    with pytest.raises(BackendError, match="does not answer") as caught:
        runtime.submit([BELL.payload()], 10, None)
    assert caught.value.retry and SECRET not in str(caught.value)


def test_jobs_that_fail_leave_the_others(server: Loopback) -> None:
    runtime = reached(server)
    token = runtime.submit([BELL.payload(), BRANCH.payload()], 500, 1)
    assert wait(runtime, token) is Status.DONE
    with pytest.raises(PartialResults, match="UnsupportedConstruct: if") as caught:
        runtime.results(token)
    bits, nothing = caught.value.results
    assert bits is not None and nothing is None and set(caught.value.reasons) == {1}
    assert_case(bits, BELL)


def test_a_failed_job(server: Loopback) -> None:
    runtime = reached(server)
    token = runtime.submit([BRANCH.payload()], 10, None)
    assert runtime.status(token) is Status.FAILED
    with pytest.raises(PartialResults, match="if is not in the subset"):
        runtime.results(token)


def test_cancelled_jobs(server: Loopback, service: IonQService) -> None:
    service.held = True
    runtime = reached(server)
    token = runtime.submit([BELL.payload(), BELL.payload()], 10, None)
    assert runtime.status(token) is Status.QUEUED
    runtime.cancel(token)
    assert runtime.status(token) is Status.CANCELLED
    with pytest.raises(PartialResults, match="job-0 is canceled"):
        runtime.results(token)


def test_a_batch_is_handed_in_whole_or_not(
    server: Loopback, service: IonQService
) -> None:
    service.held = True
    server.faults.append(Fault("POST", 503, after=2))
    with pytest.raises(BackendError, match="503"):
        reached(server).submit([BELL.payload()] * 3, 10, None)
    assert [job["status"] for job in service.jobs] == ["canceled", "canceled"]


def test_a_redirection_does_not_get_the_key(server: Loopback) -> None:
    with Loopback(IonQService()) as other:
        header = {"Location": f"{other.url}/v0.4/jobs/job-0"}
        runtime = reached(server)
        token = runtime.submit([BELL.payload()], 10, None)
        server.faults.append(Fault("GET", 302, header))
        with pytest.raises(BackendError, match="302"):
            runtime.status(token)
        assert other.requests == []


@pytest.mark.parametrize(
    ("artifact", "words"),
    [
        ({"probabilities": {"registers": {"output_all": {"00": 1.0}}}}, "and no c"),
        ({"probabilities": {"registers": {"c": {"0": 1.0}}}}, "of 2 bits"),
        ({"probabilities": {"registers": {"c": {"00": 0.4}}}}, "probabilities of job"),
        ({"probabilities": {}}, "another form"),
        ([], "another form"),
    ],
)
def test_results_that_make_no_sense(
    server: Loopback, service: IonQService, artifact: object, words: str
) -> None:
    runtime = reached(server)
    token = runtime.submit([BELL.payload()], 10, None)
    service.artifacts["job-0-probabilities"] = artifact
    wait(runtime, token)
    with pytest.raises(BackendError, match=words):
        runtime.results(token)


def test_missing_shots(server: Loopback, service: IonQService) -> None:
    runtime = reached(server, "qpu.forte-1")
    token = runtime.submit([BELL.payload()], 10, None)
    service.artifacts["job-0-shots"]["shots"].pop()
    wait(runtime, token)
    with pytest.raises(BackendError, match="9 shots came back of 10"):
        runtime.results(token)


def test_answers_that_are_no_json(server: Loopback) -> None:
    server.faults.append(Fault("POST", 200, text="<html>"))
    with pytest.raises(BackendError, match="no JSON"):
        reached(server).submit([BELL.payload()], 10, None)


def test_without_a_key(server: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("IONQ_API_KEY")
    with pytest.raises(BackendError, match="set the environment variable IONQ_API_KEY"):
        reached(server).submit([BELL.payload()], 10, None)
    assert server.requests == []


def test_wrong_arguments(server: Loopback) -> None:
    with pytest.raises(ValueError, match="must begin with https"):
        backend(url="file:///etc")
    with pytest.raises(ValueError, match="is of the simulator"):
        backend("qpu.forte-1", noise_model="aria-1")
    with pytest.raises(BackendError, match="takes OpenQASM 3, and no openqasm2"):
        reached(server).submit([BELL.payload("openqasm2")], 10, None)
