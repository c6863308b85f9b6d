"""The code of runs by name: made once, and kept on disk."""

from __future__ import annotations

import hashlib
import re
from functools import cache
from pathlib import Path

from xdsl.dialects import scf

from qjit.dialects import gates
from qjit.dialects.statevector import ENTRY_WORDS, NO_SLOT, Entry, RunOp
from qjit.runtime.library import generated_object
from qjit.runtime.switches import enabled
from qjit.runtime.target import PRECISIONS

from .segments import Segment, segments_of

PREFIX = "__qjit__sweeps_"
UNDO = "_undo"
# How many gates, times the blocks that are held at once, code is made for: more in
# loops, which run it often. Undoing is twice as much code.
MOST_ONCE, MOST_OFTEN = 400, 1200
Wanted = tuple[bool, ...] | None
_runs: dict[str, tuple[list[Segment], Wanted]] = {}


def sweeps_of(op: RunOp, num_wires: int, suffix: str) -> str | None:
    """Return the symbol of the code of a run's own, or None where there is none.

    What undoes a recorded run has the same symbol with `UNDO` behind it.
    """
    if not enabled("sweeps"):
        return None
    words, wires = op.entries.get_values(), op.wires.get_values()
    starts = range(0, len(words), ENTRY_WORDS)
    entries = [Entry(*words[start : start + ENTRY_WORDS]) for start in starts]
    precision = next(each for each in PRECISIONS if each.suffix == suffix)
    segments = segments_of(entries, wires, num_wires, precision)
    wanted = None
    if op.slots is not None:
        wanted = tuple(slot != NO_SLOT for slot in op.slots.get_values()[::2])
    most = MOST_OFTEN if _in_loop(op) else MOST_ONCE
    if segments is None or sum(segment.plan.cost for segment in segments) > most:
        return None
    identity = repr((segments, wanted, num_wires, suffix)).encode()
    name = PREFIX + hashlib.sha256(identity).hexdigest()[:24]
    _runs[name] = segments, wanted
    return name


def _in_loop(op: RunOp) -> bool:
    parent = op.parent_op()
    while parent is not None:
        if isinstance(parent, scf.ForOp | scf.WhileOp):
            return True
        parent = parent.parent_op()
    return False


def sweeps_in(text: str) -> list[str]:
    """Return the symbols of runs that a module of LLVM IR calls."""
    return sorted(set(re.findall(rf'@"({PREFIX}[0-9a-f]+)"', text)))


@cache
def _sources() -> tuple[Path, ...]:
    tables = Path(gates.__file__).parent.glob("gate*.py")
    own = Path(__file__).parent.glob("*.py")
    return (*sorted(tables), *sorted(own))


def sweeps_object(name: str) -> bytes:
    """Return the object code of a run."""

    def build() -> str:
        from .functions import run_ir

        return run_ir(name, *_runs[name])

    return generated_object(name, _sources(), build, is_plain=True)
