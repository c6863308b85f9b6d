"""Every pass on gates leaves programs as they are: the state, or the outcomes."""

import os
from collections.abc import Sequence

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.programs.test_programs import Program
from tests.support.pass_meaning import (
    APPROXIMATE,
    EXACT,
    assert_meaning_is_kept,
    dense_programs,
    measured_circuit,
    unitary_circuit,
)

EXAMPLES = int(os.environ.get("QJIT_EXAMPLES", "25"))
# No rule decomposes the matrices that the circuits compute when they run.
SETS = tuple(
    f"decompose-gates{{gates={names},QubitUnitary}}"
    for names in ("RZ,SX,X,CZ", "IsingXX,GPI,GPI2")
)
TIMES = "1:3e-8,2:3e-7,3:1e-6,4:2e-6,RZ:0,measure:1e-6,reset:1e-6"
SCHEDULES = (
    f'schedule-gates{{durations="{TIMES}"}}',
    f'schedule-gates{{mode=alap durations="{TIMES}"}}',
    f'dynamical-decoupling{{sequence=XY4 durations="{TIMES}"}}',
)
CLOSE_ENOUGH, TOLERANCE = ("clifford-t{each=1e-4}",), 1e-2
PASSES = [*EXACT, *SETS, *SCHEDULES]
SHARES = 4  # a program goes through every fourth pass, which one begins is drawn
examples = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize="QJIT_EXAMPLES" not in os.environ,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
fewer = settings(examples, max_examples=max(EXAMPLES // 10, 1))
numbers = st.floats(-2, 2), st.integers(0, 3)
shares = st.integers(0, SHARES - 1).map(
    lambda first: [(name,) for name in PASSES[first::SHARES]]
)
pipelines = st.lists(st.sampled_from(PASSES), min_size=2, max_size=5)


@examples
@given(dense_programs, *numbers, shares, pipelines)
def test_states_stay(
    program: Program,
    x: float,
    index: int,
    share: Sequence[Sequence[str]],
    random: Sequence[str],
) -> None:
    circuit = unitary_circuit(program)
    assert_meaning_is_kept(circuit, (x, index), [*share, random])


@settings(examples, max_examples=max(EXAMPLES * 2 // 5, 1))
@given(dense_programs, dense_programs, dense_programs, *numbers, shares, pipelines)
def test_outcomes_stay(
    before: Program,
    then: Program,
    after: Program,
    x: float,
    index: int,
    share: Sequence[Sequence[str]],
    random: Sequence[str],
) -> None:
    circuit = measured_circuit(before, then, after)
    assert_meaning_is_kept(circuit, (x, index), [*share, random])


@fewer
@given(dense_programs, *numbers)
def test_states_stay_close(program: Program, x: float, index: int) -> None:
    assert {text.partition("{")[0] for text in CLOSE_ENOUGH} == APPROXIMATE
    circuit = unitary_circuit(program, matrices=False)
    each = [(text,) for text in CLOSE_ENOUGH]
    assert_meaning_is_kept(circuit, (x, index), each, TOLERANCE)
