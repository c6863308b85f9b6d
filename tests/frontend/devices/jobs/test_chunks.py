"""Chunks: how circuits and shots are divided, and what may follow what."""

import itertools

import numpy as np
import pytest

from qjit.devices.backends.protocol import Limits
from qjit.devices.jobs import chunks
from qjit.devices.jobs.chunks import NEXT, Chunk, Phase
from qjit.devices.jobs.policy import Policy


@pytest.mark.parametrize("most_shots", [None, 1, 7, 10, 100])
@pytest.mark.parametrize("most_programs", [None, 1, 2, 5])
def test_each_circuit_has_each_shot_once(
    most_shots: int | None, most_programs: int | None
) -> None:
    limits = Limits(most_shots, most_programs)
    plan = chunks.plan("job", 5, 21, 3, limits)
    runs = [
        (circuit, shot)
        for chunk in plan
        for circuit in chunk.circuits
        for shot in range(chunk.first_shot, chunk.first_shot + chunk.shots)
    ]
    assert sorted(runs) == [*itertools.product(range(5), range(21))]
    assert all(chunk.shots <= (most_shots or 21) for chunk in plan)
    assert all(len(chunk.circuits) <= (most_programs or 5) for chunk in plan)
    assert len({chunk.id for chunk in plan}) == len(plan)
    assert plan[0].seed == 3
    assert len({chunk.seed for chunk in plan}) == len(plan)
    assert all(0 <= (chunk.seed or 0) < 2**31 for chunk in plan)


def test_no_circuits_are_no_chunks() -> None:
    assert chunks.plan("job", 0, 10, None, Limits()) == []


def test_without_a_seed_chunks_have_none() -> None:
    plan = chunks.plan("job", 2, 10, None, Limits(shots=3))
    assert {chunk.seed for chunk in plan} == {None}


@pytest.mark.parametrize("before, after", [*itertools.product(Phase, Phase)])
def test_only_what_follows_may_follow(before: Phase, after: Phase) -> None:
    chunk = Chunk("a", (0,), 0, 10, None, phase=before, failures=2, due=7.0)
    if after in NEXT[before]:
        moved = chunk.to(after)
        assert (moved.phase, moved.failures, moved.due) == (after, 0, 0.0)
    else:
        with pytest.raises(ValueError, match="does not become"):
            chunk.to(after)


def test_what_was_accepted_is_never_planned_again() -> None:
    accepted = Chunk("a", (0,), 0, 1, None, phase=Phase.FAILED, token=4)
    with pytest.raises(ValueError, match="accepted"):
        chunks.again(accepted)


def accepted(*circuits: int) -> Chunk:
    return Chunk("a", circuits, 0, 1, 5, phase=Phase.ACCEPTED, token=1)


def test_failed_circuits_are_replaced_once() -> None:
    bits = np.zeros((1, 2), np.uint8)
    half = chunks.arrived(accepted(4, 6, 8), [bits, None, None], {1: "cold"})
    assert half.phase is Phase.FAILED
    assert half.reasons == {6: "cold", 8: "the runtime gives no reason"}
    child = chunks.replacement(half, [half], 5, most=2)
    assert child is not None
    assert (child.circuits, child.parent) == ((6, 8), "a")
    assert child.seed not in (None, half.seed)
    assert chunks.replacement(half, [half, child], 5, most=2) is None


def test_replacements_end() -> None:
    first = chunks.failed(accepted(0), "cold")
    known = [first]
    while (child := chunks.replacement(known[-1], known, 5, most=3)) is not None:
        child = child.to(Phase.BEGUN).to(Phase.ACCEPTED, token=len(known))
        known.append(chunks.failed(child, "cold"))
    assert len(known) == 4
    assert len({chunk.id for chunk in known}) == 4
    assert len({chunk.seed for chunk in known}) == 4


def test_waits_grow_up_to_a_bound_and_honour_the_runtime() -> None:
    policy = Policy(first_wait=1, most_wait=10, jitter=0.5)
    assert [policy.wait(k, None, 0.0) for k in range(1, 7)] == [1, 2, 4, 8, 10, 10]
    assert policy.wait(1, None, 0.5) == 1.25
    assert policy.wait(1, 30.0, 0.0) == 30
    assert policy.wait(1, 30.0, 0.9) >= 30
    assert policy.wait(10_000, None, 0.0) == 10
    polls = [policy.interval(k) for k in range(1_000)]
    assert polls == sorted(polls)
    assert (polls[0], polls[-1]) == (policy.first_poll, policy.most_poll)
