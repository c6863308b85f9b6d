"""Every pass on gates leaves programs as they are: the state, or the outcomes."""

import os
from collections.abc import Sequence

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qjit.lowering.passes.pipeline import TABLE
from tests.programs.test_programs import Program
from tests.support.pass_meaning import (
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
# What these leave is random: tests/lowering/passes/test_measurement_passes.py.
RANDOM = ("measurement-from-samples",)
NAMES = [s.name for s in TABLE if s.level == "quantum" and s.name not in RANDOM]
PASSES = [*NAMES, *SETS]
EACH = [(name,) for name in PASSES]
examples = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize="QJIT_EXAMPLES" not in os.environ,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
numbers = st.floats(-2, 2), st.integers(0, 3)
pipelines = st.lists(st.sampled_from(PASSES), min_size=2, max_size=5)


@examples
@given(dense_programs, *numbers, st.lists(pipelines, min_size=2, max_size=2))
def test_states_stay(
    program: Program, x: float, index: int, random: Sequence[Sequence[str]]
) -> None:
    circuit = unitary_circuit(program)
    assert_meaning_is_kept(circuit, (x, index), [*EACH, *random])


@examples
@given(dense_programs, dense_programs, dense_programs, *numbers, pipelines)
def test_outcomes_stay(
    before: Program,
    then: Program,
    after: Program,
    x: float,
    index: int,
    random: Sequence[str],
) -> None:
    circuit = measured_circuit(before, then, after)
    assert_meaning_is_kept(circuit, (x, index), [*EACH, random])
