"""Names of the ways in which observables are grouped that are measured together."""

from collections.abc import Sequence

QUBIT_WISE, COMMUTING = "qubit-wise", "commuting"
ANTICOMMUTING, SINGLE = "anticommuting", "none"
# In how a circuit is measured.
RUNS = (QUBIT_WISE, COMMUTING, SINGLE)
# Among words by themselves.
WORDS = (QUBIT_WISE, COMMUTING, ANTICOMMUTING)
# Other names, which are taken wherever these are.
ALIASES = {"qwc": QUBIT_WISE}


def grouping_named(name: object, known: Sequence[str]) -> str | None:
    """Return the grouping of a name, by its first name; None if it is unknown."""
    if not isinstance(name, str):
        return None
    found = ALIASES.get(name, name)
    return found if found in known else None


def names_of(known: Sequence[str]) -> list[str]:
    """Return all names of groupings."""
    return [*known, *(alias for alias, name in ALIASES.items() if name in known)]
