"""AQT's provider, on its simulators."""

import importlib
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from qjit.devices.backends.aqt import backend
from qjit.devices.backends.protocol import BackendError, Limits, Status
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
from tests.support.vendor_services import AQTService

pytest.importorskip("qiskit_aqt_provider")


@pytest.fixture(scope="module")
def ideal() -> QiskitRuntime:
    return backend()


@pytest.mark.parametrize("case", [BELL, GHZ, CROSSED])
def test_bits_are_distributed(ideal: QiskitRuntime, case: Case) -> None:
    token = ideal.submit([case.payload()], 2000, 3)
    (bits,) = ideal.results(token)
    assert ideal.status(token) is Status.DONE
    assert len(bits) == 2000
    assert_case(bits, case)


def test_noise_and_seeds() -> None:
    runtime = backend("offline_simulator_noise")
    one, two = (runtime.results(runtime.submit([GHZ.payload()], 500, 3)) for _ in "ab")
    np.testing.assert_array_equal(one[0], two[0])
    assert_noisy(one[0], GHZ, 0.15)


@pytest.mark.parametrize("case", [BRANCH, RESET])
def test_what_machines_do_not_have(ideal: QiskitRuntime, case: Case) -> None:
    with pytest.raises(BackendError, match=r"if_else|reset"):
        ideal.submit([case.payload()], 10, None)


def test_limits(ideal: QiskitRuntime) -> None:
    assert ideal.limits == Limits(2000, 50)
    with pytest.raises(BackendError, match="Shots must be in the range"):
        ideal.submit([BELL.payload()], 2001, None)


def test_simulators_do_not_cancel(ideal: QiskitRuntime) -> None:
    token = ideal.submit([BELL.payload()], 10, None)
    with pytest.raises(BackendError, match="does not cancel jobs"):
        ideal.cancel(token)
    assert len(ideal.results(token)[0]) == 10


@pytest.fixture
def service() -> AQTService:
    return AQTService()


@pytest.fixture
def server(
    service: AQTService, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Loopback]:
    authentication = importlib.import_module("aqt_connector._domain.auth_service")
    monkeypatch.setattr(
        authentication.AuthService,
        "get_or_refresh_access_token",
        lambda *_, **__: "an access token",
    )
    for name in ("AQT_CLIENT_ID", "AQT_CLIENT_SECRET"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    with Loopback(service) as server:
        monkeypatch.setenv("AQT_ARNICA_URL", server.url)
        yield server


@pytest.mark.usefixtures("server")
def test_a_machine_of_the_cloud() -> None:
    runtime = backend("ibex")
    cases = [BELL, GHZ, CROSSED]
    token = runtime.submit([case.payload() for case in cases], 2000, None)
    for process in (runtime, backend("ibex", workspace="lab")):
        kept = json.loads(json.dumps(token))
        assert process.status(kept) is Status.DONE
        for bits, case in zip(process.results(kept), cases, strict=True):
            assert_case(bits, case)


@pytest.mark.usefixtures("server")
def test_jobs_of_the_cloud(service: AQTService) -> None:
    runtime = backend("ibex")
    token = runtime.submit([BELL.payload()], 10, None)
    service.state = {"status": "queued"}
    assert runtime.status(token) is Status.QUEUED
    service.state = {"status": "ongoing", "finished_count": 0}
    assert runtime.status(token) is Status.RUNNING
    with pytest.raises(BackendError, match="does not cancel jobs"):
        runtime.cancel(token)
    service.state = {"status": "error", "message": "an ion is lost"}
    assert runtime.status(token) is Status.FAILED
    with pytest.raises(BackendError, match="an ion is lost"):
        runtime.results(token)


@pytest.mark.parametrize(
    ("code", "retry", "after"), [(429, True, 7), (500, True, 7), (422, False, 7)]
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_cloud_that_refuses(
    server: Loopback, method: str, code: int, retry: bool, after: float
) -> None:
    runtime = backend("ibex")
    token = runtime.submit([BELL.payload()], 10, None)
    server.faults.append(Fault(method, code, {"Retry-After": "7"}))
    with pytest.raises(BackendError) as caught:
        if method == "GET":
            runtime.status(token)
        else:
            runtime.submit([BELL.payload()], 10, None)
    assert (caught.value.retry, caught.value.after) == (retry, after)


@pytest.mark.usefixtures("server")
def test_names_that_the_account_does_not_have() -> None:
    with pytest.raises(BackendError, match=r"workspaces \['lab'\], and no 'shed'"):
        backend("ibex", workspace="shed")
    with pytest.raises(BackendError, match="'marmot' not found"):
        backend("marmot")


@pytest.mark.usefixtures("server")
def test_mid_circuit_measurements_are_refused_by_the_cloud() -> None:
    again = Case("x q[0];\nc[0] = measure q[0];\nx q[0];\n", 1, {"1": 1.0})
    with pytest.raises(BackendError, match="only occur at the end"):
        backend("ibex").submit([again.payload()], 10, None)
