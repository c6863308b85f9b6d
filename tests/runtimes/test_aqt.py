"""AQT's provider, on its simulators."""

import numpy as np
import pytest

from qjit.devices.backends.aqt import backend
from qjit.devices.backends.protocol import BackendError, Limits, Status
from qjit.devices.backends.qiskit_backend import QiskitRuntime
from tests.support.runtime_programs import (
    BELL,
    BRANCH,
    CROSSED,
    GHZ,
    RESET,
    Case,
    assert_distributed,
    assert_noisy,
)

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
    assert_distributed(bits, case)


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
