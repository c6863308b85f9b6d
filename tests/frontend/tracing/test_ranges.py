"""Loops over ranges of integers of every type count as Python's `range` does."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import qjit as qj

MOST = 6  # how many numbers are kept
MISSING = -99


def kept(count: Any, numbers: Any, number: Any) -> Any:
    place = jnp.minimum(count, MOST)
    return count + 1, numbers.at[place].set(number)


def start() -> Any:
    return 0, jnp.full(MOST + 1, MISSING)


def looped(first: Any, last: Any, step: Any) -> Any:
    body = lambda i, count, numbers: kept(count, numbers, i)  # noqa: E731
    return qj.for_loop(first, last, step)(body)(*start())


def iterated(first: Any, last: Any, step: Any) -> Any:
    count, numbers = start()
    for i in range(first, last, step):
        count, numbers = kept(count, numbers, i)
    return count, numbers


def both(first: Any, last: Any, step: Any) -> Any:
    return looped(first, last, step), iterated(first, last, step)


COMPILED = qj.qjit(both, autograph=True)


def assert_counts(found: Any, ends: Any) -> None:
    numbers = range(*map(int, ends))
    count, items = found
    assert int(count) == len(numbers), ends
    wanted = [numbers[n] for n in range(min(len(numbers), MOST))]
    np.testing.assert_array_equal(items[: len(wanted)], wanted, err_msg=str(ends))
    if len(numbers) < MOST:
        assert np.all(items[len(wanted) : MOST] == MISSING)


TYPED = [
    (np.int32, [(3, 0, -1), (0, 2**31 - 1, 2**30), (-(2**31), 2**31 - 1, 2**30)]),
    (np.int32, [(2**31 - 1, -(2**31), -(2**30)), (5, 5, -1), (5, 4, 1), (0, 9, 4)]),
    (np.int8, [(0, 127, 100), (127, -128, -100), (-128, 127, 127), (3, 0, -1)]),
    (np.uint8, [(0, 255, 200), (250, 255, 2), (5, 3, 1), (255, 0, 255)]),
    (np.int64, [(0, 2**63 - 1, 2**62), (-(2**63), 2**63 - 1, 2**62), (7, -1, -3)]),
    (np.uint64, [(3, 2**63 - 1, 2**62), (5, 3, 1)]),
    (np.bool_, [(False, True, True), (True, False, True)]),
]


@pytest.mark.parametrize("dtype, ranges", TYPED, ids=lambda each: str(each)[:24])
def test_traced_ends(dtype: Any, ranges: Any) -> None:
    for ends in ranges:
        for found in COMPILED(*(dtype(end) for end in ends)):
            assert_counts(found, ends)


def test_mixed_types() -> None:
    # Drawn once from all types; the numbers are small, or the largest there are.
    types = (np.int8, np.uint64, np.int32), (np.uint16, np.int8, np.int64)
    for mixed, ends in [
        (types[0], [(3, 9, 2), (-128, 2**63 - 1, 2**31 - 1)]),
        (types[1], [(9, -3, -5), (65535, -128, -(2**63))]),
    ]:
        for each in ends:
            if len(range(*each)) > 100:
                continue
            given = (dtype(end) for dtype, end in zip(mixed, each, strict=True))
            for found in COMPILED(*given):
                assert_counts(found, each)


@pytest.mark.parametrize(
    "ends",
    [
        (np.int32(3), np.int32(0), np.int32(-1)),
        (np.int8(0), 127, np.int8(100)),
        (np.uint8(5), jnp.int16(-5), np.int8(-3)),
        (True, np.uint64(3), np.True_),
        (0, 2**63 - 1, 2**62),
    ],
    ids=str,
)
def test_known_ends(ends: Any) -> None:
    assert_counts(looped(*ends), ends)


def test_one_end() -> None:
    @qj.qnode(wires=3)
    def circuit(count: Any) -> Any:
        qj.for_loop(count)(lambda i: qj.X(i))()
        qj.for_loop(np.uint8(2), 0, np.int8(-1))(lambda i: qj.X(i))()
        return qj.probs()

    # X on 0 and 1, then on 2 and 1.
    assert np.argmax(circuit(np.int8(2))) == 0b101


def test_what_is_no_range_is_refused() -> None:
    wrong_type, wrong_value = qj.errors.ParameterTypeError, qj.errors.ParameterError
    for ends, error in [
        ((0, 3, 0), wrong_value),
        ((0, 2**64, 2**63), wrong_value),
        ((0.0, 3, 1), wrong_type),
        ((0, jnp.float32(3), 1), wrong_type),
        ((0, jnp.arange(3), 1), wrong_type),
        (("a", 3, 1), wrong_type),
    ]:
        with pytest.raises(error, match=r"test_ranges\.py:\d+"):
            looped(*ends)
    for ends, error in [
        ((0, 3, 0), wrong_value),
        ((np.uint8(4), np.int8(0), np.int16(0)), wrong_value),
        ((0, np.uint64(2**63), 1), wrong_value),
        ((0, 2.5, 1), wrong_type),
        ((0, np.array([3]), 1), wrong_type),
    ]:
        with pytest.raises(error, match=r"test_ranges\.py:\d+"):
            COMPILED(*ends)


def test_narrow_integers_of_jax() -> None:
    with jax.enable_x64(False):
        for ends in [(0, 2**31 - 1, 2**30), (-(2**31), 2**31 - 1, 2**30), (3, 0, -1)]:
            for found in COMPILED(*map(np.int32, ends)):
                assert_counts(found, ends)
        with pytest.raises(qj.errors.ParameterError, match="jax_enable_x64"):
            COMPILED(0, np.uint32(2**31), 1)
        with pytest.raises(qj.errors.ParameterError, match="jax_enable_x64"):
            looped(0, 2**32, 2**30)
