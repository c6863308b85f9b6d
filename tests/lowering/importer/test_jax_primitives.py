"""JAX's own cases of its primitives mean the same compiled as under `jax.jit`.

A run tries one case of every primitive and dtype. With QJIT_ALL_HARNESSES=1 it tries
all, and writes what became of them into docs/jax_primitives.md.
"""

import os
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest

from qjit.lowering.jax_internals.equations import enable_x64
from tests.support import jax_harnesses as harnesses
from tests.support import primitives_page as page

ALL = bool(os.environ.get("QJIT_ALL_HARNESSES"))
GROUPS = sorted(harnesses.cases())

# NOTE: the cases overflow, divide by zero and name what JAX is about to rename.
pytestmark = pytest.mark.filterwarnings("ignore")


def counted(cases: Sequence[Any], outcomes: Sequence[Any]) -> page.Cells:
    cells: page.Cells = {}
    for case, outcome in zip(cases, outcomes, strict=True):
        if outcome.status != "refused":
            counts = cells.setdefault(harnesses.dtype_of(case), Counter())
            counts[outcome.status] += 1
    return cells


def failures(cases: Sequence[Any], outcomes: Sequence[Any]) -> list[str]:
    return [
        f"{case.fullname}: {outcome.detail}"
        for case, outcome in zip(cases, outcomes, strict=True)
        if outcome.status == "fails"
    ]


@pytest.mark.parametrize("group", GROUPS)
def test_primitive(group: str) -> None:
    every = harnesses.cases()[group]
    cases = every if ALL else harnesses.sampled(every)
    outcomes = harnesses.run(cases)
    cells = counted(cases, outcomes)
    if ALL:
        page.update(group, cells)
    assert not failures(cases, outcomes)
    known = page.read().get(group, {})  # other versions of JAX have other cases
    for dtype, counts in cells.items():
        allowed = page.STATUSES.index(page.worst(known.get(dtype, counts)))
        assert page.STATUSES.index(page.worst(counts)) >= allowed, dtype


@pytest.mark.parametrize("group", GROUPS)
def test_primitive_without_wide_types(group: str) -> None:
    every = harnesses.narrow(harnesses.cases()[group])
    cases = every if ALL else harnesses.sampled(every)[:1]
    with enable_x64(False):
        outcomes = harnesses.run(cases)
    assert not failures(cases, outcomes)
    assert {outcome.status for outcome in outcomes} <= {"native", "refused"}


def test_the_page_tells_of_every_primitive() -> None:
    rows = page.read()
    assert len(rows) >= 132 and set(rows) <= set(GROUPS)
    assert not [
        name for name, cells in rows.items() for c in cells.values() if c["fails"]
    ]
    assert page.text(rows) == page.PAGE.read_text()
