"""Which gates at the end of an iteration of a loop are better done in the next one."""

from __future__ import annotations

from collections.abc import Sequence

from qjit.dialects.statevector.schedule import Entry

from .planner import Rest, divided, pass_count
from .tiling import Tiles


def late_gates(
    entries: Sequence[Entry], wires: Sequence[int], kinds: Sequence[Tiles]
) -> list[Entry]:
    """Return gates that save a stage if they are done first; none if there are none.

    They are those of the last stage, so all others may be done before them. They have
    no parameters, as these are of the iteration that they end.
    """
    stages = [divided(entries, wires, tiles) for tiles in kinds]
    fewest = min(map(pass_count, stages))
    chosen: list[Entry] = []
    for tiles, found in zip(kinds, stages, strict=True):
        last = found[-1]
        if len(found) < 2 or isinstance(last, Rest) or not all(map(_is_fixed, last[1])):
            continue
        count = pass_count(divided(put_first(last[1], entries), wires, tiles))
        if count < fewest:
            fewest, chosen = count, last[1]
    return chosen


def put_first(chosen: Sequence[Entry], entries: Sequence[Entry]) -> list[Entry]:
    """Return entries in another order, some of them before the others."""
    those = {id(entry) for entry in chosen}
    return [*chosen, *(entry for entry in entries if id(entry) not in those)]


def _is_fixed(entry: Entry) -> bool:
    """Whether a gate has neither parameters nor a matrix."""
    return entry.gate >= 0 and entry.num_params == 0
