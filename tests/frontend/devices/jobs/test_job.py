"""Jobs against a backend that does what it is told: nothing is lost or run twice."""

import json
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

import qjit as qj
from qjit.devices.backends.protocol import BackendError, Limits, Payload, Status
from qjit.devices.jobs.batch import Batch
from qjit.devices.jobs.job import Job
from qjit.devices.jobs.policy import Policy
from qjit.devices.jobs.runtime import Runtime
from qjit.errors import (
    ArgumentError,
    JobError,
    JobTimeoutError,
    ParameterError,
    UnsupportedError,
)
from tests.support.fake_backend import (
    FakeBackend,
    KnowingBackend,
    Turned,
    Vendor,
    bits_of,
    circuit,
)

BUSY = BackendError("429 Too Many Requests", retry=True, after=17.0)
DOWN = BackendError("502 Bad Gateway", retry=True)
REFUSED = BackendError("circuit too deep")


class Bench:
    """A vendor, a clock, and jobs on them."""

    def __init__(self, knowing: bool = False, **limits: int) -> None:
        self.vendor, self.turned = Vendor(), Turned()
        kind = KnowingBackend if knowing else FakeBackend
        self.runtime = Runtime("fake", {}, kind(self.vendor, Limits(**limits)))

    def batch(self, count: int = 2, shots: int = 4, **settings: Any) -> Batch:
        circuits = [circuit(k + 1) for k in range(count)]
        settings = {"policy": Policy(), "clock": self.turned.clock, **settings}
        return Batch(self.runtime, circuits, shots, **settings)

    def job(self, count: int = 2, shots: int = 4, **settings: Any) -> Job:
        return Job([self.batch(count, shots, **settings)])

    def times(self, call: str) -> int:
        return self.vendor.calls.count(call)


def expected(count: int, shots: int) -> list[np.ndarray]:
    return [bits_of(circuit(k + 1), shots, None) for k in range(count)]


def same(found: Sequence[Any], wanted: Sequence[Any]) -> bool:
    return len(found) == len(wanted) and all(map(np.array_equal, found, wanted))


def test_results_are_those_of_each_circuit() -> None:
    bench = Bench()
    job = bench.job(3, 5).submit()
    (bits,) = job.result()
    assert same(bits, expected(3, 5))
    assert {each.dtype for each in bits} == {np.dtype(np.uint8)}
    assert bench.turned.naps == []
    assert (bench.times("submit"), job.status()) == (1, Status.DONE)


def test_chunks_are_put_together() -> None:
    bench = Bench(shots=4, programs=2)
    bench.vendor.states = [Status.QUEUED]
    job = bench.job(5, 10, seed=11).submit()
    orders = list(bench.vendor.orders.values())
    assert len(orders) == 9
    assert {order.shots for order in orders} == {4, 2}
    assert job.progress() == (0, 50)
    (bits,) = job.result()
    assert [each.shape for each in bits] == [(10, 3)] * 5
    assert [each[:, :2].tolist()[0] for each in bits[:3]] == [[1, 0], [0, 1], [1, 1]]
    seeds = [order.seed for order in orders if order.programs[0] == circuit(1)]
    drawn = [bits_of(circuit(1), n, s) for n, s in zip([4, 4, 2], seeds, strict=True)]
    assert np.array_equal(bits[0], np.concatenate(drawn))
    assert job.progress() == (50, 50)


def test_refusals_are_waited_out_as_the_runtime_wants() -> None:
    bench = Bench()
    bench.vendor.troubles = {
        "submit": [BUSY, DOWN],
        "status": [DOWN],
        "results": [DOWN],
    }
    job = bench.job().submit()
    assert (bench.times("submit"), job.status()) == (1, Status.QUEUED)
    assert bench.times("submit") == 1  # its time has not come
    (bits,) = job.result()
    assert same(bits, expected(2, 4))
    assert bench.turned.naps == [17.0, 2.0, 0.0, 1.0, 2.0]
    assert len(bench.vendor.orders) == 1


def test_waits_have_jitter() -> None:
    bench = Bench()
    bench.turned.chance = 0.5
    bench.vendor.troubles = {"submit": [BUSY]}
    bench.job().submit().result()
    assert bench.turned.naps[0] == 17.0 * 1.125


def test_one_refusal_holds_back_all_chunks() -> None:
    bench = Bench(programs=1)
    bench.vendor.troubles = {"submit": [BUSY]}
    job = bench.job(6).submit()
    assert bench.times("submit") == 1
    job.result()
    assert bench.times("submit") == 7
    assert len(bench.vendor.orders) == 6


def test_questions_are_asked_less_and_less() -> None:
    bench = Bench()
    bench.vendor.states = [Status.QUEUED] * 10 + [Status.RUNNING] * 20
    bench.job().submit().result()
    naps = bench.turned.naps
    assert naps == sorted(naps)
    assert (naps[0], naps[-1]) == (Policy().first_poll, Policy().most_poll)


def test_states_on_the_way() -> None:
    bench = Bench()
    bench.vendor.states = [Status.QUEUED, Status.RUNNING]
    job = bench.job().submit()
    states = [job.status() for _ in range(3)]
    assert states == [Status.QUEUED, Status.RUNNING, Status.DONE]


def test_after_too_many_tries_an_error_and_nothing_lost() -> None:
    bench = Bench()
    bench.vendor.troubles = {"submit": [DOWN] * 7}
    job = bench.job(policy=Policy(tries=6)).submit()
    with pytest.raises(JobError, match=r"502 Bad Gateway.*ask the job again") as caught:
        job.result()
    assert (caught.value.job, bench.times("submit")) == (job.id, 6)
    assert same(job.result()[0], expected(2, 4))
    bench.vendor.troubles = {"status": [DOWN] * 6}
    job = bench.job().submit()
    with pytest.raises(JobError, match="502"):
        job.result()
    assert same(job.result()[0], expected(2, 4))


def test_a_timeout_leaves_the_job_alive() -> None:
    bench = Bench()
    bench.vendor.states = [Status.RUNNING] * 12
    job = bench.job().submit()
    with pytest.raises(JobTimeoutError, match=r"0 of 8 runs.*goes on") as caught:
        job.result(timeout=3)
    assert isinstance(caught.value, TimeoutError)
    assert bench.turned.time == pytest.approx(103)
    assert same(job.result()[0], expected(2, 4))
    assert bench.times("submit") == 1


def test_an_interrupt_leaves_the_job_alive() -> None:
    bench = Bench()
    bench.vendor.states = [Status.RUNNING] * 3
    job = bench.job().submit()

    def interrupt() -> None:
        raise KeyboardInterrupt

    bench.turned.on_sleep = interrupt
    with pytest.raises(KeyboardInterrupt) as caught:
        job.result()
    assert job.id in caught.value.__notes__[0]
    bench.turned.on_sleep = lambda: None
    assert same(job.result()[0], expected(2, 4))
    assert bench.times("submit") == 1
    assert bench.times("cancel") == 0


def test_an_interrupt_while_handing_in_leaves_doubt() -> None:
    bench = Bench(programs=1)
    bench.vendor.troubles = {"submitted": [KeyboardInterrupt()]}
    job = bench.job()
    with pytest.raises(KeyboardInterrupt):
        job.submit()
    with pytest.raises(JobError, match="not known whether") as caught:
        job.result()
    (doubtful,) = job.in_doubt
    assert doubtful in str(caught.value)
    assert job.progress() == (4, 8)
    assert "1 chunks in doubt" in repr(job)
    with pytest.raises(JobError, match="not in doubt"):
        job.adopt("another", 3)
    job.adopt(doubtful, {"job": "order-0"})
    assert same(job.result()[0], expected(2, 4))
    assert len(bench.vendor.orders) == 2


def test_doubt_is_resolved_by_handing_in_again() -> None:
    bench = Bench()
    bench.vendor.troubles = {"submit": [KeyboardInterrupt()]}
    job = bench.job()
    with pytest.raises(KeyboardInterrupt):
        job.submit()
    with pytest.raises(JobError, match="not known whether"):
        job.status()
    job.resubmit()
    assert same(job.result()[0], expected(2, 4))


def test_a_runtime_that_knows_ids_leaves_no_doubt() -> None:
    bench = Bench(knowing=True)
    bench.vendor.troubles = {"submitted": [KeyboardInterrupt()]}
    job = bench.job()
    with pytest.raises(KeyboardInterrupt):
        job.submit()
    assert same(job.result()[0], expected(2, 4))
    assert len(bench.vendor.orders) == 1


def test_a_lost_answer_of_a_runtime_that_knows_ids() -> None:
    bench = Bench(knowing=True)
    bench.vendor.troubles = {"submitted": [BackendError("timed out", retry=True)]}
    assert same(bench.job().submit().result()[0], expected(2, 4))
    assert len(bench.vendor.orders) == 1


def test_failed_circuits_are_handed_in_again() -> None:
    bench = Bench()
    bench.vendor.retry, bench.vendor.failing = True, {"2": [True, True]}
    job = bench.job(3, 4, seed=5).submit()
    assert [each.shape for each in job.result()[0]] == [(4, 3)] * 3
    orders = [[p.program for p in o.programs] for o in bench.vendor.orders.values()]
    assert orders == [["1", "2", "3"], ["2"], ["2"]]
    assert len({order.seed for order in bench.vendor.orders.values()}) == 3
    assert job.progress() == (12, 12)
    assert job.status() is Status.DONE


@pytest.mark.parametrize("retry, orders", [(False, 1), (True, 4)])
def test_what_fails_for_good_is_named(retry: bool, orders: int) -> None:
    bench = Bench()
    bench.vendor.retry, bench.vendor.failing = retry, {"2": [True] * orders}
    job = bench.job(3).submit()
    with pytest.raises(JobError, match=r"1 of 3.*circuit 1: qubit 3 is cold") as caught:
        job.result()
    assert caught.value.reasons == {1: "qubit 3 is cold"}
    assert len(bench.vendor.orders) == orders
    first, second, third = job.available()[0]
    assert second is None
    assert same([first, third], [expected(3, 4)[0], expected(3, 4)[2]])
    assert (job.status(), job.progress()) == (Status.FAILED, (8, 12))
    job.resubmit()
    assert same(job.result()[0], expected(3, 4))
    assert [p.program for p in [*bench.vendor.orders.values()][-1].programs] == ["2"]


def test_what_a_runtime_refuses_is_named() -> None:
    bench = Bench(programs=1)
    bench.vendor.troubles = {"submit": [REFUSED]}
    job = bench.job(2).submit()
    with pytest.raises(JobError, match=r"1 of 2 .* circuit 0: circuit too deep"):
        job.result()
    assert job.available()[0][0] is None
    bench.vendor.troubles = {"submit": [REFUSED]}
    with pytest.raises(JobError, match="circuit too deep"):
        Bench.job(bench, 1).submit()


def test_a_job_that_fails_has_the_words_of_the_runtime() -> None:
    bench = Bench()
    bench.vendor.states = [Status.RUNNING, Status.FAILED]
    bench.vendor.troubles = {"results": [BackendError("the fridge is warm")]}
    with pytest.raises(JobError, match="circuit 0: the fridge is warm; circuit 1"):
        bench.job().submit().result()
    bench.vendor.states = [Status.FAILED]
    with pytest.raises(JobError, match="gives no reason"):
        bench.job().submit().result()


def test_cancelling() -> None:
    bench = Bench(programs=1)
    bench.vendor.states = [Status.QUEUED] * 9
    bench.vendor.troubles = {"submit": [BUSY], "cancel": [DOWN]}
    job = bench.job(3).submit()
    bench.turned.time += 20
    job.status()
    assert bench.times("submitted") == 3
    job.cancel()
    assert bench.times("cancel") == 4
    with pytest.raises(JobError, match="it was cancelled"):
        job.result()
    assert job.status() is Status.CANCELLED


def test_what_waits_here_is_cancelled_without_asking() -> None:
    bench = Bench()
    bench.vendor.troubles = {"submit": [BUSY]}
    job = bench.job().submit()
    job.cancel()
    assert job.status() is Status.CANCELLED
    assert (bench.times("cancel"), bench.times("submit")) == (0, 1)


def test_what_is_done_when_it_is_cancelled_is_kept() -> None:
    bench = Bench()
    bench.vendor.troubles = {"cancel": [BackendError("it is done")]}
    job = bench.job().submit()
    job.cancel()
    assert same(job.result()[0], expected(2, 4))
    bench.vendor.states = [Status.RUNNING] * 3
    bench.vendor.troubles = {"cancel": [BackendError("no such right")]}
    job = bench.job().submit()
    with pytest.raises(JobError, match="no such right"):
        job.cancel()


def test_after_cancelling_nothing_is_handed_in_again() -> None:
    bench = Bench()
    bench.vendor.retry, bench.vendor.failing = True, {"2": [True]}
    bench.vendor.troubles = {"cancel": [BackendError("it is done")]}
    job = bench.job().submit()
    job.cancel()
    with pytest.raises(JobError, match="qubit 3 is cold"):
        job.result()
    assert len(bench.vendor.orders) == 1


class Wrong(FakeBackend):
    """A backend with a mistake in it."""

    returned: Any = None

    def results(self, token: Any) -> Any:
        return self.returned


@pytest.mark.parametrize(
    "returned, words",
    [
        ([np.zeros((4, 3))], "returned 1 results for 2 circuits"),
        ([np.zeros((4, 3)), np.zeros((3, 3))], r"shape \(3, 3\), not \(4, 3\)"),
        ([np.zeros((4, 3)), np.full((4, 3), 2)], "something else than bits"),
        ([np.zeros((4, 3)), [["a"] * 3] * 4], "something else than bits"),
        ([np.zeros((4, 3)), None], "gives no reason"),
        (7, "TypeError"),
    ],
)
def test_what_a_backend_returns_is_checked(returned: Any, words: str) -> None:
    bench = Bench()
    backend = Wrong(bench.vendor)
    backend.returned = returned
    bench.runtime = Runtime("wrong", {}, backend)
    with pytest.raises(JobError, match=words):
        bench.job().submit().result()


@pytest.mark.parametrize("token", [None, object(), {1j: 2}])
def test_a_token_that_cannot_be_kept_is_refused(token: Any) -> None:
    class Odd(FakeBackend):
        def submit(self, programs: Any, shots: int, seed: int | None) -> Any:
            return token

    bench = Bench()
    bench.runtime = Runtime("odd", {}, Odd(bench.vendor))
    with pytest.raises(JobError, match=r"token.*in doubt"):
        bench.job().submit()


def test_a_mistake_of_a_backend_is_ours_to_report() -> None:
    bench = Bench()
    bench.vendor.troubles = {"submit": [ZeroDivisionError("by token=12345678")]}
    job = bench.job()
    with pytest.raises(JobError, match="ZeroDivisionError") as caught:
        job.submit()
    assert "12345678" not in str(caught.value)
    assert len(job.in_doubt) == 1


def test_several_batches_and_what_is_made_of_them() -> None:
    one, other = Bench(), Bench(shots=2)
    job = Job([one.batch(1, 3), other.batch(2, 5)], finish=lambda bits: len(bits[1]))
    assert job.submit().result() == 2
    assert [[rows.shape for rows in each] for each in job.bits()] == [
        [(3, 3)],
        [(5, 3), (5, 3)],
    ]
    assert job.progress() == (13, 13)


def test_no_circuits_are_done() -> None:
    bench = Bench()
    assert bench.job(0).submit().result() == [[]]
    assert Job([]).submit().result() == []
    assert bench.vendor.calls == []


def test_what_a_runtime_tells_besides() -> None:
    bench = Bench(knowing=True)
    bench.vendor.states = [Status.QUEUED] * 2
    (found,) = bench.job().submit().details()
    assert (found["queue_position"], found["cost"]) == (3, 0.25)
    assert found["token"] == {"job": "order-0"}
    (plain,) = Bench().job().submit().details()
    assert set(plain) == {"chunk", "phase", "token"}


def test_two_threads_hand_in_once() -> None:
    bench = Bench(programs=1)
    bench.vendor.troubles = {"submit": [BUSY]}
    job = bench.job(8).submit()
    bench.turned.time += 100
    threads = [threading.Thread(target=job.status) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(bench.vendor.orders) == 8


@pytest.mark.parametrize("shots", [0, -1, True, 1.5, "10", None])
def test_shots_are_a_number(shots: Any) -> None:
    with pytest.raises(ParameterError, match="number of shots of at least 1"):
        Bench().batch(1, shots)


def test_circuits_are_in_a_format_of_the_backend() -> None:
    bench = Bench()
    with pytest.raises(UnsupportedError, match="takes circuits in openqasm3, but got"):
        Batch(bench.runtime, [Payload("", "qir-base", 1, 1)], 3)


def test_a_program_is_a_value_for_json() -> None:
    with pytest.raises(ArgumentError, match="value for JSON"):
        qj.jobs.Job([], program=object())
    kept = json.loads(qj.jobs.Job([], program={"of": [1, 2]}).to_json())
    assert kept["program"] == {"of": [1, 2]}
