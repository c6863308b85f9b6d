"""Environment variables that change how programs are compiled, to look into it."""

from __future__ import annotations

import os
from functools import cache

# Steps of scheduling, each of which may be left out to see what it is worth.
STEPS = (
    "kernels",
    "lanes",
    "tiles",
    "retiming",
    "prefetching",
    "reordering",
    "merging",
    "diagonals",
    "registers",
    "permutations",
)


@cache
def left_out() -> frozenset[str]:
    """The steps that the environment variable QJIT_WITHOUT names, between commas."""
    named = os.environ.get("QJIT_WITHOUT", "").split(",")
    steps = frozenset(name.strip() for name in named) - {""}
    unknown = steps.difference(STEPS)
    if unknown:
        raise ValueError(
            f"QJIT_WITHOUT names {', '.join(sorted(unknown))}. Steps of scheduling "
            f"are {', '.join(STEPS)}."
        )
    return steps


def enabled(step: str) -> bool:
    """Whether a step of scheduling is taken."""
    return step not in left_out()


def verifies() -> bool:
    """Whether the IR is verified after every pass, as QJIT_VERIFY=1 asks for."""
    return os.environ.get("QJIT_VERIFY", "0") not in ("", "0")


def optimises() -> bool:
    """Whether LLVM optimises programs, which QJIT_OPTIMIZE=0 saves the time of."""
    return os.environ.get("QJIT_OPTIMIZE", "1") != "0"
