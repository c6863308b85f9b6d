"""The text of a job, and its journal: what another process goes on with."""

import json
import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import qjit as qj
from qjit.devices.backends import registry
from qjit.devices.backends.protocol import BackendError, Limits, Payload, Status
from qjit.devices.jobs.batch import Batch
from qjit.devices.jobs.job import Job
from qjit.devices.jobs.loading import loaded
from qjit.devices.jobs.runtime import Runtime
from qjit.errors import JobError
from tests.support.fake_backend import (
    FakeBackend,
    KnowingBackend,
    Turned,
    Vendor,
    bits_of,
    circuit,
)

BUSY = BackendError("429 Too Many Requests", retry=True, after=17.0)
DIED = KeyboardInterrupt


class Site:
    """A vendor whom every process reaches by name, and a clock for all."""

    def __init__(self, patch: pytest.MonkeyPatch, knowing: bool, limits: Limits):
        self.vendor, self.turned = Vendor(), Turned()
        self.made: list[dict[str, Any]] = []
        kind = KnowingBackend if knowing else FakeBackend

        def create(name: str, options: dict[str, Any]) -> FakeBackend:
            assert name == "far"
            self.made.append(options)
            return kind(self.vendor, limits)

        patch.setattr(registry, "create", create)

    def job(self, count: int = 4, shots: int = 3, **settings: Any) -> Job:
        circuits = [circuit(k + 1) for k in range(count)]
        runtime = Runtime("far", {"machine": "garnet"})
        clock = self.turned.clock
        return Job([Batch(runtime, circuits, shots, 7, clock=clock)], **settings)

    def load(self, source: str | Path, **settings: Any) -> Job:
        return loaded(source, clock=self.turned.clock, **settings)

    @property
    def orders(self) -> list[list[str | bytes]]:
        return [[p.program for p in o.programs] for o in self.vendor.orders.values()]


@pytest.fixture(name="site")
def a_site(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Site]:
    monkeypatch.delenv("QJIT_JOBS", raising=False)

    def site(knowing: bool = False, **limits: int) -> Site:
        return Site(monkeypatch, knowing, Limits(**limits))

    return site


def right(job: Job, count: int = 4) -> bool:
    (bits,) = job.bits()
    return len(bits) == count and all(
        np.array_equal(rows[:, :2], bits_of(circuit(k + 1), 3, None)[:, :2])
        for k, rows in enumerate(bits)
    )


def test_another_process_goes_on(site: Callable[..., Site]) -> None:
    here = site(programs=1)
    here.vendor.states = [Status.RUNNING]
    text = here.job(program={"kind": "sum"}).submit().to_json()
    there = here.load(text, finish=lambda program: lambda bits: (program, len(bits)))
    assert there.status() is Status.RUNNING
    assert right(there)
    assert there.result() == ({"kind": "sum"}, 1)
    assert here.made[-1] == {"machine": "garnet"}
    assert here.orders == [["1"], ["2"], ["3"], ["4"]]
    assert str(there) == there.to_json()
    assert there.id in repr(there)
    assert "garnet" not in repr(there)


def test_what_was_not_handed_in_is_then(site: Callable[..., Site]) -> None:
    here = site(programs=1)
    here.vendor.troubles = {"submit": [BUSY]}
    there = here.load(here.job().submit().to_json())
    assert right(there)
    assert len(here.orders) == 4


def test_another_process_cancels(site: Callable[..., Site]) -> None:
    here = site()
    here.vendor.states = [Status.QUEUED] * 5
    there = here.load(here.job().submit().to_json())
    there.cancel()
    assert there.status() is Status.CANCELLED
    assert here.load(there.to_json()).status() is Status.CANCELLED


def test_bits_that_are_there_are_in_the_text(site: Callable[..., Site]) -> None:
    here = site(programs=1)
    job = here.job().submit()
    wanted = job.bits()
    here.vendor.orders.clear()  # as vendors do after some weeks
    there = here.load(job.to_json())
    assert there.status() is Status.DONE
    for found, bits in zip(there.bits()[0], wanted[0], strict=True):
        assert np.array_equal(found, bits)


def test_parts_that_are_there_are_in_the_text(site: Callable[..., Site]) -> None:
    here = site()
    here.vendor.failing = {"2": [True, False]}
    job = here.job().submit()
    with pytest.raises(JobError, match="qubit 3 is cold"):
        job.result()
    there = here.load(job.to_json())
    assert [bits is None for bits in there.available()[0]] == [
        False,
        True,
        False,
        False,
    ]
    assert right(there)  # the runtime was asked again, and had it by now


def test_replacements_are_not_made_twice(site: Callable[..., Site]) -> None:
    here = site()
    here.vendor.retry, here.vendor.failing = True, {"2": [True, True, False]}
    job = here.job().submit()
    assert job.status() is Status.RUNNING
    there = here.load(job.to_json())
    assert right(there)
    assert here.orders == [["1", "2", "3", "4"], ["2"]]


def test_programs_in_bitcode(site: Callable[..., Site]) -> None:
    here = site()
    payload = Payload(bytes(range(256)), "openqasm3", 2, 1)
    job = Job([Batch(Runtime("far"), [payload], 3)])
    assert here.load(job.to_json()).batches[0].payloads == (payload,)


def test_a_program_needs_what_finishes_it(site: Callable[..., Site]) -> None:
    job = site().job(program={"kind": "sum"}).submit()
    with pytest.raises(JobError, match=r"Take job\.bits"):
        qj.jobs.load(job.to_json()).result()


@pytest.mark.parametrize(
    "text, words",
    [
        ("{", "no job that can be gone on with"),
        ("{}", "something else"),
        ('{"qjit_job": 2}', "format 2, and this version of qjit reads format 1"),
        ('{"qjit_job": 1, "batches": []}', "program"),
        ('{"qjit_job": 1, "id": "a", "program": 0, "batches": 1}', "not iterable"),
        ("/nowhere/at/all", "No such file"),
        ("a\0b", "null byte"),
    ],
)
def test_what_is_no_job(text: str, words: str) -> None:
    with pytest.raises(JobError, match=words):
        qj.jobs.load(text)


@pytest.mark.parametrize("source", [None, 3, b"{}", ["{"]])
def test_what_is_no_text(source: Any) -> None:
    with pytest.raises(JobError, match="no job that can be gone on with"):
        qj.jobs.load(source)


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(each) for each in path.read_text().splitlines()]


def test_the_journal_has_each_token_at_once(
    site: Callable[..., Site], tmp_path: Path
) -> None:
    here, path = site(programs=1), tmp_path / "jobs" / "mine.jsonl"
    here.vendor.troubles = {"submit": [BUSY]}
    job = here.job(path=path).submit()
    job.result()
    head, *steps = lines(path)
    assert (head["qjit_job"], head["id"]) == (1, job.id)
    phases = [step["chunk"]["phase"] for step in steps]
    assert phases == ["begun", "planned"] + ["begun", "accepted"] * 4
    tokens = [s["chunk"]["token"] for s in steps if s["chunk"]["phase"] == "accepted"]
    assert tokens == [{"job": f"order-{k}"} for k in range(4)]
    assert path.stat().st_mode & 0o077 == 0


def test_a_process_that_died_loses_no_token(
    site: Callable[..., Site], tmp_path: Path
) -> None:
    here, path = site(programs=1), tmp_path / "a.jsonl"
    here.vendor.troubles = {"submitted": [BackendError("lost", retry=True)]}
    here.vendor.troubles = {"submit": []}
    job = here.job(path=path)

    def die() -> None:
        raise DIED

    here.turned.on_sleep = die
    here.vendor.states = [Status.QUEUED] * 3
    with pytest.raises(KeyboardInterrupt):
        job.submit().result()
    here.turned.on_sleep = lambda: None
    there = here.load(path)
    assert (there.id, there.in_doubt) == (job.id, ())
    assert right(there)
    assert len(here.orders) == 4


@pytest.mark.parametrize("when, arrived", [("submit", False), ("submitted", True)])
def test_a_process_that_died_while_handing_in_leaves_doubt(
    site: Callable[..., Site], tmp_path: Path, when: str, arrived: bool
) -> None:
    here, path = site(), tmp_path / "a.jsonl"
    here.vendor.troubles = {when: [DIED()]}
    with pytest.raises(KeyboardInterrupt):
        here.job(path=path).submit()
    there = here.load(path)
    with pytest.raises(JobError, match="not known whether the runtime has") as caught:
        there.result()
    (name,) = there.in_doubt
    assert name in str(caught.value)
    if arrived:
        there.adopt(name, {"job": "order-0"})
    else:
        there.resubmit()
    last = here.load(path)
    assert last.in_doubt == ()
    assert right(last)
    assert right(there)
    assert len(here.orders) == 1


def test_ids_leave_no_doubt(site: Callable[..., Site], tmp_path: Path) -> None:
    here, path = site(knowing=True), tmp_path / "a.jsonl"
    here.vendor.troubles = {"submitted": [DIED()]}
    with pytest.raises(KeyboardInterrupt):
        here.job(path=path).submit()
    assert right(here.load(path))
    assert len(here.orders) == 1


@pytest.mark.parametrize("cut", [1, 30])
def test_a_line_half_written_does_not_count(
    site: Callable[..., Site], tmp_path: Path, cut: int
) -> None:
    here, path = site(), tmp_path / "a.jsonl"
    here.job(path=path).submit()
    path.write_bytes(path.read_bytes()[:-cut])  # the token of the only chunk
    there = here.load(path)
    (name,) = there.in_doubt
    there.adopt(name, {"job": "order-0"})
    assert right(there)
    assert [step["chunk"]["phase"] for step in lines(path)[1:]] == ["begun", "accepted"]


def test_a_journal_that_never_began(site: Callable[..., Site], tmp_path: Path) -> None:
    here, path = site(), tmp_path / "a.jsonl"
    here.job(path=path).submit()
    path.write_text(path.read_text().splitlines()[0][:-9])
    with pytest.raises(JobError, match="before anything was handed in"):
        qj.jobs.load(path)


def test_a_journal_with_a_line_of_others(
    site: Callable[..., Site], tmp_path: Path
) -> None:
    here, path = site(), tmp_path / "a.jsonl"
    here.job(path=path).submit()
    path.write_text(path.read_text() + "hello\n")
    with pytest.raises(JobError, match="a line that is no JSON"):
        here.load(path)


def test_a_journal_is_of_one_job(site: Callable[..., Site], tmp_path: Path) -> None:
    here, path = site(), tmp_path / "a.jsonl"
    here.job(path=path).submit()
    with pytest.raises(JobError, match="exists already"):
        here.job(path=path).submit()
    assert len(here.orders) == 1


def test_without_a_journal_nothing_is_handed_in(
    site: Callable[..., Site], tmp_path: Path
) -> None:
    here = site()
    (tmp_path / "file").write_text("")
    with pytest.raises(JobError, match="cannot be written"):
        here.job(path=tmp_path / "file" / "a.jsonl").submit()
    assert here.orders == []


def test_a_journal_that_is_gone_stops_what_would_be_lost(
    site: Callable[..., Site], tmp_path: Path
) -> None:
    here, path = site(programs=1), tmp_path / "a.jsonl"
    here.vendor.troubles = {"submit": [BUSY]}
    job = here.job(path=path).submit()
    path.unlink()
    here.turned.time += 100
    with pytest.raises(JobError, match=r"a\.jsonl cannot be read"):
        job.status()
    assert here.orders == []


def test_two_processes_hand_in_once(site: Callable[..., Site], tmp_path: Path) -> None:
    here, path = site(programs=1), tmp_path / "a.jsonl"
    here.vendor.troubles = {"submit": [BUSY]}
    one = here.job(path=path).submit()
    other = here.load(path)
    here.turned.time += 100
    other.status()
    assert right(one)
    assert right(other)
    assert len(here.orders) == 4


def test_two_processes_replace_failed_circuits_once(
    site: Callable[..., Site], tmp_path: Path
) -> None:
    here, path = site(), tmp_path / "a.jsonl"
    here.vendor.retry, here.vendor.failing = True, {"2": [True, True, False]}
    one = here.job(path=path).submit()
    other = here.load(path)
    assert one.status() is other.status() is Status.RUNNING
    assert right(other)
    assert right(one)
    assert here.orders == [["1", "2", "3", "4"], ["2"]]


def test_what_another_process_cancelled_is(
    site: Callable[..., Site], tmp_path: Path
) -> None:
    here, path = site(programs=1), tmp_path / "a.jsonl"
    here.vendor.troubles = {"submit": [BUSY]}
    one = here.job(path=path).submit()
    here.load(path).cancel()
    here.turned.time += 100
    assert one.status() is Status.CANCELLED
    assert here.orders == []
    one.resubmit()
    assert right(one)
    assert right(here.load(path))
    assert len(here.orders) == 4


def test_a_folder_of_journals(
    site: Callable[..., Site], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QJIT_JOBS", str(tmp_path / "jobs"))
    here = site(programs=1)
    here.vendor.troubles = {"submit": [BUSY]}
    job = here.job().submit()
    early = job.to_json()
    assert os.listdir(tmp_path / "jobs") == [f"{job.id}.jsonl"]
    here.turned.time += 100
    job.status()
    assert len(here.orders) == 4
    there = here.load(early)  # which does not know of them, but the journal does
    assert right(there)
    assert len(here.orders) == 4
    monkeypatch.setenv("QJIT_JOBS", str(tmp_path / "others"))
    assert right(here.load(early.replace(job.id, "b")))
    assert len(here.orders) == 8  # another job
    assert os.listdir(tmp_path / "others") == ["b.jsonl"]


def test_what_was_refused_stays_refused_until_it_is_handed_in_again(
    site: Callable[..., Site], tmp_path: Path
) -> None:
    here, path = site(programs=2), tmp_path / "a.jsonl"
    here.vendor.troubles = {"submit": [BackendError("too deep")]}
    job = here.job(path=path).submit()
    for source in (path, job.to_json()):
        with pytest.raises(JobError, match="circuit 0: too deep; circuit 1: too deep"):
            here.load(source).result()
    assert here.orders == [["3", "4"]]
    there = here.load(path)
    there.resubmit()
    assert right(there)
    assert right(here.load(path))
    assert here.orders == [["3", "4"], ["1", "2"]]


@pytest.mark.parametrize("seed", range(40))
def test_whatever_happens_nothing_is_lost_or_run_twice(
    site: Callable[..., Site], tmp_path: Path, seed: int
) -> None:
    """Requests fail and processes die at random; each goes on from the journal."""
    draw, path = random.Random(seed), tmp_path / "a.jsonl"
    here = site(knowing=True, programs=2, shots=2)
    troubles: list[Any] = [BUSY, BackendError("502", retry=True), DIED()]
    here.vendor.troubles = {
        call: [draw.choice(troubles) for _ in range(draw.randrange(4))]
        for call in ("submit", "submitted", "status", "results")
    }
    here.vendor.states = [Status.QUEUED] * draw.randrange(3)
    here.vendor.retry = True
    fails = [draw.random() < 0.4 for _ in range(4)]
    here.vendor.failing = {str(k + 1): [each] for k, each in enumerate(fails)}
    job = here.job(path=path)
    alive, deaths = job.submit, 0
    while True:
        try:
            alive()
            assert right(job)
            break
        except KeyboardInterrupt:
            deaths += 1
            job = here.load(path)
            alive = job.status
    assert deaths <= 12
    ids = [order.id for order in here.vendor.orders.values()]
    assert None not in ids
    assert len(set(ids)) == len(ids)
    assert sum(map(len, here.orders)) <= 8 + sum(fails)
    assert job.progress() == (12, 12)
