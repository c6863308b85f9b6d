"""IBM's sampler, on its simulations of machines."""

import json
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from qjit.devices.backends.ibm import backend
from qjit.devices.backends.protocol import BackendError, Status
from qjit.devices.backends.qiskit_backend import QiskitRuntime
from tests.support.runtime_programs import (
    BELL,
    BRANCH,
    CROSSED,
    GHZ,
    RESET,
    Case,
    assert_noisy,
)

ibm_fakes = pytest.importorskip("qiskit_ibm_runtime.fake_provider")


@pytest.fixture(scope="module")
def manila() -> QiskitRuntime:
    return backend("fake_manila")


@pytest.mark.parametrize("case", [BELL, GHZ, CROSSED, BRANCH, RESET])
def test_bits_are_distributed(manila: QiskitRuntime, case: Case) -> None:
    token = json.loads(json.dumps(manila.submit([case.payload()], 2000, 3)))
    assert manila.status(token) in (Status.QUEUED, Status.RUNNING, Status.DONE)
    (bits,) = manila.results(token)
    assert manila.status(token) is Status.DONE
    assert len(bits) == 2000
    assert_noisy(bits, case, 0.15)


def test_seeds(manila: QiskitRuntime) -> None:
    programs = [BELL.payload(), GHZ.payload()]
    one, two = (manila.results(manila.submit(programs, 50, 3)) for _ in range(2))
    for k in range(2):
        np.testing.assert_array_equal(one[k], two[k])


@pytest.mark.parametrize("mode", ["session", "batch"])
def test_sessions(mode: str) -> None:
    runtime = backend("fake_manila", mode=mode)
    (bits,) = runtime.results(runtime.submit([BELL.payload()], 500, 3))
    assert_noisy(bits, BELL, 0.2)
    runtime.close()


def test_wrong_arguments() -> None:
    with pytest.raises(BackendError, match="no simulation of the name 'fake_moon'"):
        backend("fake_moon")
    with pytest.raises(ValueError, match="mode must be one of"):
        backend("fake_manila", mode="fast")


def test_without_an_account() -> None:
    with pytest.raises(BackendError, match="nobody"):
        backend("ibm_fez", name="nobody")


def test_another_process_finds_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    kept: dict[str, Any] = {}
    service = SimpleNamespace(
        backend=lambda _: ibm_fakes.FakeManilaV2(), job=kept.__getitem__
    )
    module = import_module("qjit.devices.backends.ibm")
    monkeypatch.setattr(module, "_service", lambda **_: service)
    one, two = backend("ibm_manila"), backend("ibm_manila")
    token = one.submit([BELL.payload()], 100, 3)
    with pytest.raises(BackendError):
        two.status(token)
    kept[token["job"]] = one.__dict__["_jobs"][token["job"]]
    np.testing.assert_array_equal(two.results(token)[0], one.results(token)[0])
    assert two.status(token) is Status.DONE


def test_too_many_qubits(manila: QiskitRuntime) -> None:
    wide = Case("x q[0];\nc[0] = measure q[0];\n", 6, {"100000": 1.0})
    with pytest.raises(BackendError, match="6"):
        manila.submit([wide.payload()], 10, 1)
