"""IQM's client, on its simulations of machines."""

import pytest

from qjit.devices.backends.iqm import backend
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


def test_a_server_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("IQM_TOKEN", "IQM_TOKENS_FILE", "IQM_QUANTUM_COMPUTER"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(BackendError) as caught:
        backend(url="http://127.0.0.1:9")
    assert caught.value.retry
