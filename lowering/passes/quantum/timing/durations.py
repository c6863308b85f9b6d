"""How long operations take, as texts of options and as tables.

Times in tables are whole numbers of attoseconds, so that their sums are exact.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from qjit.dialects.gates import CONTROLLED, GATES, MULTI_CONTROLLED, find_gate
from qjit.dialects.gates.spelling import read_spelling, spelled

PER_SECOND = 10**18
UNITS = (("s", 1), ("ms", 10**3), ("µs", 10**6), ("ns", 10**9), ("ps", 10**12))
MEASURE, RESET = "measure", "reset"
# When gates start: as soon, or as late, as they can.
MODES = ("asap", "alap")
# By what a duration is found: the first that is known counts.
Keys = tuple[str, ...]


class DurationError(ValueError):
    """A text or a table that does not say how long operations take."""


def attoseconds(seconds: float) -> int:
    """Return a time as a whole number."""
    return round(seconds * PER_SECOND)


def seconds_text(seconds: float) -> str:
    """Return a time as one reads it, such as "300 ns"."""
    for unit, per_second in UNITS:
        if round(seconds * per_second, 9) >= 1:
            return f"{seconds * per_second:.6g} {unit}"
    return f"{seconds:.6g} s"


@dataclass(frozen=True)
class Durations:
    """How long operations take: by name, or by the number of wires of a gate."""

    table: Mapping[str, int] = field(default_factory=dict[str, int])

    @staticmethod
    def of(seconds: Mapping[str, float]) -> Durations:
        """Return the durations that a table says in seconds.

        Keys are names of gates, "adjoint(S)", "measure", "reset", or a number of wires:
        "2" is for all gates on two wires that are not named. "MultiControlledX" is X
        under controls for which no other gate has a name.

        Raises:
            DurationError: for other keys, and for times that are none.
        """
        found: dict[str, int] = {}
        for key, value in seconds.items():
            if not 0 <= value < math.inf:
                raise DurationError(
                    f"the duration of {key} is a number of seconds from 0, but got "
                    f"{value}."
                )
            found[_checked(key)] = attoseconds(value)
        return Durations(found)

    @staticmethod
    def read(text: str) -> Durations:
        """Return the durations of a text, such as "CNOT:3e-7,1:3e-8,measure:1e-6"."""
        found: dict[str, float] = {}
        for part in filter(None, map(str.strip, text.split(","))):
            key, _, number = part.rpartition(":")
            try:
                found[key] = float(number)
            except ValueError:
                raise DurationError(
                    f"{part!r} is no duration. Write what takes how many seconds, as "
                    'in "CNOT:3e-7,1:3e-8,measure:1e-6": gates by name, or by their '
                    "number of wires."
                ) from None
        return Durations.of(found)

    @property
    def text(self) -> str:
        """The durations as `read` takes them."""
        pairs = self.table.items()
        return ",".join(f"{key}:{time / PER_SECOND!r}" for key, time in pairs)

    def __or__(self, other: Durations) -> Durations:
        """Return these with others, which count first."""
        return Durations({**self.table, **other.table})

    def first(self, keys: Keys) -> int | None:
        """Return a duration by the first of some keys that has one, None without."""
        return next((self.table[key] for key in keys if key in self.table), None)


def gate_keys(
    name: str, values: Sequence[int], num_wires: int, adjoint: bool = False
) -> Keys:
    """Return by what the duration of a gate is found.

    Args:
        name: its name, with its controls or without.
        values: those on which its controls fire.
        num_wires: the number of its wires.
        adjoint: whether it is the adjoint, which takes as long unless it is said.
    """
    by_wires = (str(num_wires),)
    found = _name_under(GATES[name].base or name, values)
    if found is None:
        return by_wires
    return (spelled(found, True), found, *by_wires) if adjoint else (found, *by_wires)


def _name_under(base: str, values: Sequence[int]) -> str | None:
    """Return the name of a gate under controls, if it has one."""
    if not values:
        return base
    named = CONTROLLED.get((base, len(values))) if all(values) else None
    return named or MULTI_CONTROLLED.get(base)


def _checked(key: str) -> str:
    """Return a key by the name that operations have."""
    if key in (MEASURE, RESET):
        return key
    if key.isdecimal() and int(key):
        return str(int(key))
    name, adjoint = read_spelling(key)
    record = find_gate(name)
    if record is None:
        raise DurationError(
            f"there is no gate {key!r} that could take time. Durations are of gates by "
            "name, of 'measure' and 'reset', and of gates by their number of wires, "
            "such as '2'."
        )
    if record.definition is None or record.num_targets == 0:
        raise DurationError(
            f"{record.name} takes no time. Durations are of gates on wires; states "
            "that 'decompose-gates' makes of gates take as long as these."
        )
    if adjoint and record.self_adjoint:
        raise DurationError(
            f"{record.name} is its own adjoint. Say how long {record.name!r} takes."
        )
    return spelled(record.name, adjoint)
