"""The registry of passes, and which of them run unless the user says otherwise."""

from collections.abc import Mapping

from xdsl.passes import ModulePass

from .cancel_inverses import CancelInversesPass
from .form_schedules import FormSchedulesPass
from .fuse_loops import FuseLoopsPass
from .merge_rotations import MergeRotationsPass

PASSES: Mapping[str, type[ModulePass]] = {
    each.name: each
    for each in (
        CancelInversesPass,
        MergeRotationsPass,
        FormSchedulesPass,
        FuseLoopsPass,
    )
}

# What the front end does before there is a module; names like those of passes.
FRONT: tuple[str, ...] = ("reroll-loops",)

# Passes that users may leave out or reorder; what follows them is the conversion.
DEFAULT: tuple[str, ...] = (CancelInversesPass.name, MergeRotationsPass.name)


def find_pass(name: str) -> type[ModulePass]:
    """Return the pass of this name."""
    if name not in PASSES:
        known = ", ".join(sorted(PASSES))
        raise ValueError(f"there is no pass {name!r}. The passes are: {known}.")
    return PASSES[name]
