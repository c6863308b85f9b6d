"""This version of qjit and an earlier one, on cases of the other tables."""

from collections.abc import Iterator
from dataclasses import replace

from classical import CLASSICAL
from comparison import Ahead, Case, Table
from compiling import COMPILING, SECOND
from states import CALLS, SINGLE, SMALL, STATES
from trainings import GRADIENTS, TRAININGS

TABLES = (
    CALLS,
    SMALL,
    STATES,
    SINGLE,
    GRADIENTS,
    TRAININGS,
    CLASSICAL,
    COMPILING,
    SECOND,
)
SHORT = 3  # rounds of a case that is compiled in each


def _earlier() -> Iterator[tuple[str, Case]]:
    for name, case in ((n, c) for table in TABLES for n, c in table.cases.items()):
        if "-24" in name or "-9990" in name:
            continue
        yield (
            f"earlier-{name}",
            replace(
                case,
                peers=("earlier",),
                goals=(Ahead(1 / 1.03, "earlier"),),
                rounds=max(case.rounds, SHORT),
                unlike=(),
                curve="",
                describe=False,
            ),
        )


VERSIONS = Table(
    "This version and an earlier one",
    "The same cases with an earlier version of qjit in the place of other frameworks, "
    "whose folder QJIT_EARLIER names. The goal is not to be slower by more than 3 %. "
    "A difference that is not in both directions across cases of a kind is one of the "
    "code; single ones are of the machine.",
    dict(_earlier()),
)
