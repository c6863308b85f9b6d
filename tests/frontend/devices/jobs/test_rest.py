"""Jobs over HTTP, with a vendor on this machine, and processes that are killed."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qjit.devices.backends.protocol import Payload, Status
from qjit.devices.jobs.batch import Batch
from qjit.devices.jobs.job import Job
from qjit.devices.jobs.policy import Policy
from qjit.devices.jobs.runtime import Runtime
from qjit.errors import JobError
from tests.support.fake_backend import Turned
from tests.support.paths import ROOT
from tests.support.rest_vendor import Fault, Site, backend, serving

HEAD = "OPENQASM 3.0;\nqubit[2] q;\nbit[2] c;\n"
BELL = Payload(f"{HEAD}h q[0];\ncx q[0], q[1];\nc = measure q;\n", "openqasm3", 2, 2)
FLIP = Payload(f"{HEAD}x q[1];\nc = measure q; // cold\n", "openqasm3", 2, 2)


@pytest.fixture(name="site")
def a_site() -> Site:
    return Site()


@pytest.fixture(name="url")
def an_address(site: Site) -> Iterator[str]:
    with serving(site) as url:
        yield url


def job(url: str, turned: Turned, **options: Any) -> Job:
    runtime = Runtime("rest", {"url": url}, backend(url, **options))
    batch = Batch(runtime, [BELL, FLIP], 20, 3, policy=Policy(), clock=turned.clock)
    return Job([batch])


def check(bits: list[np.ndarray]) -> None:
    """Check the bits of a Bell state, and of a flipped second qubit."""
    bell, flip = bits
    assert bell.shape == flip.shape == (20, 2)
    assert np.array_equal(bell[:, 0], bell[:, 1])
    assert 0 < bell[:, 0].sum() < 20
    assert np.array_equal(flip, np.tile([0, 1], (20, 1)))


def asked(site: Site, begin: str) -> int:
    return sum(each.startswith(begin) for each in site.requests)


@pytest.mark.parametrize("options", [{}, {"shots": 8}, {"shots": 15, "programs": 1}])
def test_bits_come_from_the_simulator(
    site: Site, url: str, options: dict[str, Any]
) -> None:
    turned = Turned()
    site.polls = 3
    run = job(url, turned, **options).submit()
    assert run.status() is Status.RUNNING
    assert {each["queue_position"] for each in run.details()} == {1}
    (bits,) = run.result()
    check(bits)
    shots = sum(len(each["programs"]) * each["shots"] for each in site.jobs.values())
    assert shots == 40


def test_faults_on_the_way(site: Site, url: str) -> None:
    turned = Turned()
    site.faults = [
        Fault("POST", 429, "slow down", after=40),
        Fault("POST", 500, "oh"),
        Fault("GET /jobs", 503, "maintenance", after=600),
        Fault("GET /results", 500, "oh"),
    ]
    (bits,) = job(url, turned).submit().result()
    check(bits)
    assert [nap for nap in turned.naps if nap >= 1] == [40, 2, 600, 1]
    assert (len(site.jobs), asked(site, "POST")) == (1, 3)


def test_no_answer_in_time(site: Site, url: str) -> None:
    turned, rest = Turned(), backend(url, patience=0.02)
    site.faults = [Fault("POST", hang=0.05)]
    runtime = Runtime("rest", {"url": url}, rest)
    run = Job([Batch(runtime, [BELL, FLIP], 20, 3, clock=turned.clock)]).submit()
    assert site.jobs == {}
    rest.patience, turned.time = 30, turned.time + 9
    assert (run.status(), len(site.jobs)) == (Status.QUEUED, 1)
    rest.patience, site.faults = 0.02, [Fault("GET /jobs", hang=0.05)]
    assert run.status() is Status.QUEUED
    rest.patience = 30
    (bits,) = run.result()
    check(bits)
    assert len(site.jobs) == 1


def test_no_server() -> None:
    turned = Turned()
    run = job("http://127.0.0.1:9", turned).submit()
    with pytest.raises(JobError, match=r"no answer: .*refused"):
        run.result()
    assert len(turned.naps) == Policy().tries - 1


def test_a_circuit_that_fails_is_run_again(site: Site, url: str) -> None:
    site.cold = 2
    (bits,) = job(url, Turned()).submit().result()
    check(bits)
    assert [len(each["programs"]) for each in site.jobs.values()] == [2, 1, 1]


def test_a_circuit_that_always_fails(site: Site, url: str) -> None:
    site.cold = 99
    run = job(url, Turned()).submit()
    with pytest.raises(JobError, match=r"1 of 2.*circuit 1: the qubit is cold"):
        run.result()
    bell, flip = run.available()[0]
    assert bell is not None and bell.shape == (20, 2)
    assert flip is None


def test_a_failed_job_and_a_bad_request(site: Site, url: str) -> None:
    site.failing = "calibration is due"
    with pytest.raises(JobError, match="circuit 0: calibration is due"):
        job(url, Turned()).submit().result()
    site.faults = [Fault("POST", 403, "no more credits")]
    with pytest.raises(JobError, match="403: no more credits"):
        job(url, Turned()).submit()


def test_cancelling(site: Site, url: str) -> None:
    site.polls, site.faults = 9, [Fault("DELETE", 500, "oh")]
    run = job(url, Turned(), programs=1).submit()
    run.cancel()
    assert run.status() is Status.CANCELLED
    assert {each["state"] for each in site.jobs.values()} == {"cancelled"}


BEGIN = """
import os, signal, sys
from qjit.devices.jobs.batch import Batch
from qjit.devices.jobs.job import Job
from qjit.devices.jobs.runtime import Runtime
from tests.frontend.devices.jobs.test_rest import BELL, FLIP

url, path, when = sys.argv[1:]
runtime = Runtime("rest", {"url": url, "programs": 1})
if when == "answered":
    submit = runtime.backend.submit
    def killed(*args):
        submit(*args)
        os.kill(os.getpid(), signal.SIGKILL)
    runtime.backend.submit = killed
Job([Batch(runtime, [BELL, FLIP], 20, 3)], program={"n": 5}, path=path).submit()
os.kill(os.getpid(), signal.SIGKILL)
"""
GO_ON = """
import json, sys
import qjit as qj
from qjit.errors import JobError

job = qj.jobs.load(sys.argv[1], finish=lambda p: lambda bits: [p, bits[0]])
for chunk in job.in_doubt:
    try:
        job.result()
    except JobError as error:
        assert chunk in str(error)
    job.adopt(chunk, sys.argv[2])
program, bits = job.result(timeout=60)
print(json.dumps([program, [rows.tolist() for rows in bits]]))
"""


@pytest.fixture(name="environment")
def an_environment(tmp_path: Path) -> dict[str, str]:
    """Return the environment of processes that know the vendor's backend by name."""
    import os

    info = tmp_path / "site" / "rest-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: rest\nVersion: 1.0\n")
    points = "[qjit.backends]\nrest = tests.support.rest_vendor:backend\n"
    (info / "entry_points.txt").write_text(points)
    paths = os.pathsep.join([str(ROOT), str(tmp_path / "site")])
    return {**os.environ, "PYTHONPATH": paths}


def run(code: str, environment: dict[str, str], *arguments: Any) -> Any:
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.mark.parametrize("when, begun", [("accepted", 2), ("answered", 1)])
def test_a_killed_process_loses_nothing(
    site: Site,
    url: str,
    tmp_path: Path,
    environment: dict[str, str],
    when: str,
    begun: int,
) -> None:
    path = tmp_path / "killed.jsonl"
    killed = run(BEGIN, environment, url, path, when)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert len(site.jobs) == begun
    later = run(GO_ON, environment, path, "job-0")
    assert later.returncode == 0, later.stderr
    program, bits = json.loads(later.stdout)
    assert program == {"n": 5}
    check([np.array(rows) for rows in bits])
    assert (len(site.jobs), asked(site, "POST")) == (2, 2)
