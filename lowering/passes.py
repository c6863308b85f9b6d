"""The registry of passes, and how they run."""

from collections.abc import Callable, Iterable, Mapping
from functools import cache

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from .cancel_inverses import CancelInversesPass
from .entries_in_lanes import EntriesInLanesPass
from .form_schedules import FormSchedulesPass
from .fuse_loops import FuseLoopsPass
from .merge_rotations import MergeRotationsPass
from .plan_sweeps import PlanSweepsPass
from .results_in_place import ResultsInPlacePass
from .retime_loops import RetimeLoopsPass

PASSES: Mapping[str, type[ModulePass]] = {
    each.name: each
    for each in (
        CancelInversesPass,
        MergeRotationsPass,
        FormSchedulesPass,
        RetimeLoopsPass,
        PlanSweepsPass,
        FuseLoopsPass,
        ResultsInPlacePass,
        EntriesInLanesPass,
    )
}


def find_pass(name: str) -> type[ModulePass]:
    """Return the pass of this name."""
    if name not in PASSES:
        known = ", ".join(sorted(PASSES))
        raise ValueError(f"there is no pass {name!r}. The passes are: {known}.")
    return PASSES[name]


@cache
def _context() -> Context:
    return Context(allow_unregistered=True)


def runners(
    passes: Iterable[str | ModulePass | type[ModulePass]],
) -> list[Callable[[ModuleOp], None]]:
    """Return what runs passes, by name or not, then forms schedules and plans them."""
    last = (FormSchedulesPass(), RetimeLoopsPass(), PlanSweepsPass())
    return [_runner(_pass(each)) for each in (*passes, *last)]


def _pass(item: str | ModulePass | type[ModulePass]) -> ModulePass:
    if isinstance(item, ModulePass):
        return item
    return find_pass(item)() if isinstance(item, str) else item()


def _runner(each: ModulePass) -> Callable[[ModuleOp], None]:
    return lambda module: each.apply(_context(), module)
