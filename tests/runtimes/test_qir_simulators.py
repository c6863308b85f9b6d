"""Programs in QIR, written by hand, on the simulators of others."""

import gc
import json
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qjit.devices.backends.protocol import (
    Backend,
    BackendError,
    PartialResults,
    Payload,
    Status,
)
from tests.support.distributions import assert_distributed

pytest.importorskip("pyqir", reason="the packages of vendors: make runtimes")

PROGRAMS = Path(__file__).with_name("programs")
# Our modules of backends, and the packages that they need.
SIMULATORS = {
    "qir_runner": ["qirrunner"],
    "qdk": ["qdk", "pyqir"],
    "selene": ["selene_sim", "qir_qis"],
}
SHOTS = 2000
# The chances of 0, 1, 2 and more failures, and of 1 after so many turns by pi/3.
FAILED = {0: (1 / 2, 0.0), 1: (1 / 4, 0.25), 2: (1 / 8, 0.75), 3: (1 / 8, 0.0)}
ONE = sum(chance * one for chance, one in FAILED.values())
EXPECTED = {
    "bell": {"00": 0.5, "11": 0.5},
    "order": {"110": 0.25, "010": 0.75},
    "repeat": {"10": 1 - ONE, "11": ONE},
}
PAYLOADS = {
    "bell": ("qir-base", 2, 2),
    "order": ("qir-base", 3, 3),
    "repeat": ("qir-adaptive", 2, 2),
}


def payload(name: str) -> Payload:
    return Payload((PROGRAMS / f"{name}.ll").read_text(), *PAYLOADS[name])


@cache
def simulator(name: str) -> Backend:
    for package in SIMULATORS[name]:
        pytest.importorskip(package)
    return import_module(f"qjit.devices.backends.{name}").backend()


@pytest.fixture(params=SIMULATORS)
def backend(request: pytest.FixtureRequest) -> Backend:
    return simulator(request.param)


@pytest.mark.parametrize("name", PAYLOADS)
def test_distributions(backend: Backend, name: str) -> None:
    token = backend.submit([payload(name)], SHOTS, 11)
    assert backend.status(token) is Status.DONE
    (bits,) = backend.results(token)
    assert bits.dtype == np.uint8 and bits.shape == (SHOTS, payload(name).num_bits)
    assert_distributed(bits, EXPECTED[name])


def test_batches_and_seeds(backend: Backend) -> None:
    programs = [payload("bell"), payload("bell"), payload("order")]

    def run(seed: int | None) -> list[np.ndarray]:
        token = json.loads(json.dumps(backend.submit(programs, 40, seed)))
        backend.cancel(token)  # too late
        return backend.results(token)

    first, second, other = run(5)
    assert first.shape == second.shape == (40, 2) and other.shape == (40, 3)
    assert (first != second).any()
    for one, again in zip([first, second, other], run(5), strict=True):
        np.testing.assert_array_equal(one, again)
    assert (run(6)[0] != first).any()
    assert (run(None)[0] != run(None)[0]).any()


def test_bitcode(backend: Backend) -> None:
    pyqir = pytest.importorskip("pyqir")
    text = payload("repeat").program
    code = pyqir.Module.from_ir(pyqir.Context(), text).bitcode
    bitcode = Payload(code, "qir-adaptive", 2, 2)
    (bits,) = backend.results(backend.submit([bitcode], SHOTS, 3))
    assert_distributed(bits, EXPECTED["repeat"])


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("define", "defined", "expected top-level entity"),
        ("qis__h__body", "qis__nope__body", "nope"),
        ('"entry_point"', "", "entry (point|function)"),
    ],
)
def test_bad_programs(backend: Backend, old: str, new: str, words: str) -> None:
    good = payload("bell")
    text = str(good.program).replace(old, new)
    token = backend.submit([good, Payload(text, "qir-base", 2, 2)], 10, 1)
    assert backend.status(token) is Status.DONE
    with pytest.raises(PartialResults, match=words) as caught:
        backend.results(token)
    found, missing = caught.value.results
    assert found is not None and found.shape == (10, 2) and missing is None
    assert list(caught.value.reasons) == [1]
    alone = backend.submit([Payload(text, "qir-base", 2, 2)], 10, 1)
    assert backend.status(alone) is Status.FAILED


def test_results_that_lack(backend: Backend) -> None:
    program = Payload(payload("bell").program, "qir-base", 2, 3)
    with pytest.raises(BackendError, match="recorded 2 results in a shot, and 3"):
        backend.results(backend.submit([program], 4, None))


def test_threads(backend: Backend) -> None:
    def run(seed: int) -> np.ndarray:
        return backend.results(backend.submit([payload("order")], 200, seed))[0]

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(run, range(8)))
    assert_distributed(np.concatenate(results), EXPECTED["order"])


def test_functions_that_are_not_given_to_the_runner() -> None:
    runner, text = simulator("qir_runner"), str(payload("bell").program)
    call = "call void @__quantum__rt__fail(ptr @0)\n  ret i64 0"
    text = text.replace("ret i64 0", call) + "declare void @__quantum__rt__fail(ptr)\n"
    with pytest.raises(BackendError, match="is not given __quantum__rt__fail"):
        runner.results(runner.submit([Payload(text, "qir-base", 2, 2)], 3, None))


@pytest.mark.parametrize("name", ["qdk", "selene"])
def test_states_that_do_not_fit(name: str) -> None:
    text = str(payload("bell").program).replace('qubits"="2"', 'qubits"="50"')
    many, backend = Payload(text, "qir-base", 50, 2), simulator(name)
    with pytest.raises(BackendError, match=r"of 50 qubits take 1.*, and .* available"):
        backend.results(backend.submit([many], 1, None))
    clifford = "stim" if name == "selene" else "clifford"
    option = {"simulator" if name == "selene" else "type": clifford}
    backend = import_module(f"qjit.devices.backends.{name}").backend(**option)
    assert len(backend.results(backend.submit([many], 10, None))[0]) == 10


def test_selene_parts() -> None:
    for package in SIMULATORS["selene"]:
        pytest.importorskip(package)
    selene = import_module("qjit.devices.backends.selene")
    ideal = selene.backend(simulator="stim", runtime="soft_rz", n_processes=2)
    (bits,) = ideal.results(ideal.submit([payload("bell")], 400, 1))
    assert_distributed(bits, EXPECTED["bell"])
    noisy = selene.backend(error_model="DepolarizingErrorModel", p_meas=0.5)
    (bits,) = noisy.results(noisy.submit([payload("bell")], 400, 1))
    assert len({tuple(row) for row in bits.tolist()}) == 4
    with pytest.raises(BackendError, match="'queste' is none of Selene's: stim, quest"):
        selene.backend(simulator="queste")
    with pytest.raises(TypeError, match="p_9q"):
        selene.backend(error_model="depolarizing", p_9q=1.0)
    with pytest.raises(TypeError, match="p_1q"):
        selene.backend(p_1q=1.0)


def test_selene_builds(monkeypatch: pytest.MonkeyPatch) -> None:
    package = pytest.importorskip("selene_sim")
    selene = import_module("qjit.devices.backends.selene")
    folders: list[Path] = []
    build = package.build

    def counted(code: bytes, *, build_dir: Path) -> Any:
        folders.append(build_dir)
        return build(code, build_dir=build_dir)

    monkeypatch.setattr(package, "build", counted)
    monkeypatch.setattr(selene, "MOST_BUILDS", 1)
    backend = selene.backend()
    bell, other = payload("bell"), payload("order")
    backend.submit([bell, bell], 2, None)
    assert len(folders) == 1 and folders[0].exists()
    assert not any((folders[0] / "runs").iterdir())
    backend.submit([other], 2, None)
    assert [folder.exists() for folder in folders] == [False, True]
    del backend
    gc.collect()
    assert not folders[1].parent.exists()


def test_qdk_clifford_noise_and_loss() -> None:
    simulation = pytest.importorskip("qdk.simulation")
    qdk = import_module("qjit.devices.backends.qdk")
    clifford = qdk.backend(type="clifford")
    (bits,) = clifford.results(clifford.submit([payload("bell")], SHOTS, 1))
    assert_distributed(bits, EXPECTED["bell"])
    noise = simulation.NoiseConfig()
    noise.x.x = 1.0
    flipped = qdk.backend(noise=noise)
    (bits,) = flipped.results(flipped.submit([payload("order")], 10, 1))
    assert not bits[:, 1].any()  # X twice
    noise = simulation.NoiseConfig()
    noise.h.loss = 1.0
    lossy = qdk.backend(noise=noise)
    with pytest.raises(BackendError, match="Loss, which is neither 0 nor 1"):
        lossy.results(lossy.submit([payload("bell")], 10, 1))


OPENQASM = """\
OPENQASM 3.0;
include "stdgates.inc";
qubit[3] q;
bit[2] d;
bit[3] c;
x q[0];
int n = 0;
d[1] = measure q[0];
do_not_use
c[0] = measure q[0];
c[1] = measure q[1];
h q[2];
c[2] = measure q[2];
while (!c[2]) { h q[2]; c[2] = measure q[2]; n += 1; }
if (n == 0) { x q[1]; c[1] = measure q[1]; }
"""


def test_qdk_openqasm() -> None:
    qdk = simulator("qdk")
    text = OPENQASM.replace("do_not_use\n", "")
    good, bad = Payload(text, "openqasm3", 3, 3), Payload(OPENQASM, "openqasm3", 3, 3)
    (bits,) = qdk.results(qdk.submit([good], SHOTS, 4))
    assert_distributed(bits, {"111": 0.5, "101": 0.5})
    with pytest.raises(BackendError, match="do_not_use"):
        qdk.results(qdk.submit([bad], 5, None))
    nothing = Payload("OPENQASM 3.0; qubit q;", "openqasm3", 1, 0)
    with pytest.raises(BackendError, match="no register c"):
        qdk.results(qdk.submit([nothing], 5, None))
