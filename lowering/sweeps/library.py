"""The code of runs by name: made once, and kept on disk."""

from __future__ import annotations

import hashlib
import re
from functools import cache
from pathlib import Path

from xdsl.dialects import scf

from qjit.dialects import gates
from qjit.dialects.statevector import ENTRY_WORDS, NO_SLOT, RunOp
from qjit.runtime.library import generated_object
from qjit.runtime.switches import enabled
from qjit.runtime.target import PRECISIONS

from .plan import Plan, plan_run

PREFIX = "__qjit__sweeps_"
LOCATION = ENTRY_WORDS - 1
# How many gates, times the blocks that are held at once, code is made for: more in
# loops, which run it often.
MOST_ONCE, MOST_OFTEN = 300, 1200
_plans: dict[str, tuple[Plan, tuple[bool, ...] | None]] = {}


def sweeps_of(op: RunOp, num_wires: int, suffix: str) -> str | None:
    """Return the symbol of the code of a run's own, or None where there is none."""
    entries = list(op.entries.get_values())
    entries[LOCATION::ENTRY_WORDS] = [0] * (len(entries) // ENTRY_WORDS)
    precision = next(each for each in PRECISIONS if each.suffix == suffix)
    run = tuple(entries), tuple(op.wires.get_values()), num_wires, precision
    wanted = None
    if op.slots is not None:
        wanted = tuple(slot != NO_SLOT for slot in op.slots.get_values()[::2])
    if not enabled("sweeps"):
        return None
    plan = plan_run(*run)
    if plan is None or plan.cost > (MOST_OFTEN if _in_loop(op) else MOST_ONCE):
        return None
    name = PREFIX + hashlib.sha256(repr((run, wanted)).encode()).hexdigest()[:24]
    _plans[name] = plan, wanted
    return name


def sweeps_in(text: str) -> list[str]:
    """Return the symbols that a module of LLVM IR calls."""
    return sorted(set(re.findall(rf'@"({PREFIX}\w+)"', text)))


def _in_loop(op: RunOp) -> bool:
    parent = op.parent_op()
    while parent is not None:
        if isinstance(parent, scf.ForOp | scf.WhileOp):
            return True
        parent = parent.parent_op()
    return False


@cache
def _sources() -> tuple[Path, ...]:
    tables = Path(gates.__file__).parent.glob("gate*.py")
    own = Path(__file__).parent.glob("*.py")
    return (*sorted(tables), *sorted(own))


def sweeps_object(name: str) -> bytes:
    """Return the object code of a run."""

    def build() -> str:
        from .functions import run_ir

        plan, wanted = _plans[name]
        return run_ir(plan, name, wanted)

    return generated_object(name, _sources(), build, is_plain=True)
