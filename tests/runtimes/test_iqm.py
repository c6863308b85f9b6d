"""IQM's client, on its simulations of machines."""

import json
from collections.abc import Iterator

import pytest

from qjit.devices.backends.iqm import backend
from qjit.devices.backends.protocol import BackendError, Status
from qjit.devices.backends.qiskit_backend import QiskitRuntime
from tests.support.loopback import Fault, Loopback
from tests.support.runtime_programs import (
    BELL,
    BRANCH,
    CROSSED,
    GHZ,
    RESET,
    Case,
    assert_case,
    assert_noisy,
)
from tests.support.vendor_services import IQMService

pytest.importorskip("iqm.qiskit_iqm")

MEASURED_TWICE = Case(
    "ry(1.0471975511965976) q[0];\nc[0] = measure q[0];\nx q[0];\n"
    "c[1] = measure q[0];\n",
    2,
    {"01": 0.75, "10": 0.25},
)


@pytest.fixture(scope="module")
def adonis() -> QiskitRuntime:
    return backend("fake_adonis")


@pytest.mark.parametrize("case", [BELL, GHZ, CROSSED, MEASURED_TWICE])
def test_bits_are_distributed(adonis: QiskitRuntime, case: Case) -> None:
    token = adonis.submit([case.payload()], 2000, None)
    (bits,) = adonis.results(token)
    assert adonis.status(token) is Status.DONE
    assert len(bits) == 2000
    assert_noisy(bits, case, 0.25)


def test_a_machine_that_moves_qubits() -> None:
    runtime = backend("fake_deneb")
    bits = runtime.results(runtime.submit([BELL.payload(), CROSSED.payload()], 500, 1))
    assert_noisy(bits[0], BELL, 0.25)
    assert_noisy(bits[1], CROSSED, 0.25)


@pytest.mark.parametrize("case", [BRANCH, RESET])
def test_what_machines_do_not_have(adonis: QiskitRuntime, case: Case) -> None:
    with pytest.raises(BackendError, match=r"if_else|reset") as caught:
        adonis.submit([case.payload()], 10, None)
    assert not caught.value.retry


def test_unknown_names() -> None:
    with pytest.raises(BackendError, match=r"simulates fake_adonis, .* and no 'moon'"):
        backend("moon")


@pytest.fixture
def service() -> IQMService:
    return IQMService(backend("fake_adonis").runner.target.architecture)


@pytest.fixture
def server(service: IQMService, monkeypatch: pytest.MonkeyPatch) -> Iterator[Loopback]:
    for name in ("IQM_TOKEN", "IQM_TOKENS_FILE", "IQM_QUANTUM_COMPUTER"):
        monkeypatch.delenv(name, raising=False)
    with Loopback(service) as server:
        yield server


# The client reads back what it sent with a class that it deprecates.
@pytest.mark.filterwarnings("ignore:.*models.circuit:DeprecationWarning")
@pytest.mark.parametrize("case", [BELL, GHZ, CROSSED])
def test_a_server(server: Loopback, case: Case) -> None:
    runtime = backend(url=server.url)
    token = json.loads(json.dumps(runtime.submit([case.payload()], 2000, None)))
    for process in (runtime, backend(url=server.url)):
        assert process.status(token) is Status.DONE
        assert_case(process.results(token)[0], case)


def test_jobs_of_a_server(server: Loopback, service: IQMService) -> None:
    service.status = "waiting"
    runtime = backend(url=server.url)
    token = runtime.submit([BELL.payload()], 10, None)
    assert runtime.status(token) is Status.QUEUED
    service.status = "processing"
    assert runtime.status(token) is Status.RUNNING
    runtime.cancel(token)
    assert runtime.status(token) is Status.CANCELLED
    with pytest.raises(BackendError, match="CANCELLED"):
        runtime.results(token)


def test_a_failed_job_of_a_server(server: Loopback, service: IQMService) -> None:
    service.status = "failed"
    runtime = backend(url=server.url)
    token = runtime.submit([BELL.payload()], 10, None)
    assert runtime.status(token) is Status.FAILED
    with pytest.raises(BackendError, match="the machine was warm"):
        runtime.results(token)


@pytest.mark.parametrize(("code", "retry"), [(429, True), (503, True), (403, False)])
def test_a_server_that_refuses(server: Loopback, code: int, retry: bool) -> None:
    runtime = backend(url=server.url)
    server.faults.append(Fault("POST", code))
    with pytest.raises(BackendError, match="not now") as caught:
        runtime.submit([BELL.payload()], 10, None)
    assert caught.value.retry is retry


def test_a_server_that_hangs(
    server: Loopback, service: IQMService, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.status = "waiting"
    runtime = backend(url=server.url)
    token = runtime.submit([BELL.payload()], 10, None)
    client = runtime.runner.target.client
    monkeypatch.setattr(client._executor.client, "_timeout", 0.2)
    server.faults.append(Fault("GET"))
    with pytest.raises(BackendError, match="timeout reached") as caught:
        runtime.status(token)
    assert caught.value.retry


def test_a_server_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("IQM_TOKEN", "IQM_TOKENS_FILE", "IQM_QUANTUM_COMPUTER"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(BackendError) as caught:
        backend(url="http://127.0.0.1:9")
    assert caught.value.retry
