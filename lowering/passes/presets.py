"""Pipelines that have names: what pays on simulators, and what pays on hardware.

On a simulator a gate costs little more than what it moves in memory, and compile time
counts; on hardware it is two-qubit gates that count.
"""

MEETING = ("cancel-inverses", "merge-rotations")
# What takes gates away, and leaves the others as they are.
REMOVING = (
    "undo-swaps",
    "remove-dead-gates",
    "disentangle-swap",
    "disentangle-cnot",
    *MEETING,
)
RESYNTHESIS = ("cnot-peephole", "consolidate-blocks", *MEETING)
ROUNDS = {
    0: (),
    1: ("undo-swaps", *MEETING),
    2: (*REMOVING, *RESYNTHESIS),
    3: (
        "rotate-loops",
        "hoist-loop-gates",
        "single-qubit-fusion",
        *REMOVING,
        "phase-polynomial",
        *RESYNTHESIS,
        "phase-polynomial",
        *RESYNTHESIS,
        "single-qubit-fusion",
        "decompose-gates",
        "phase-polynomial",
        *RESYNTHESIS,
        "pauli-network",
        *RESYNTHESIS,
        "phase-polynomial",
        *RESYNTHESIS,
    ),
}


def _hardware(level: int) -> tuple[str, ...]:
    """Return the passes of an optimisation level, gates of the device before and after.

    What passes make may be outside of the device's gates again.
    """
    rounds = ROUNDS[level]
    last = ("single-qubit-fusion", "combine-global-phases") if level else ()
    if not rounds:
        return ("decompose-gates",)
    return ("decompose-gates", *rounds, *last, "decompose-gates", *MEETING)


PRESETS: dict[str, tuple[str, ...]] = {
    "simulate": ("reroll-loops", "share-forward-runs", *MEETING),
    **{f"hardware:{level}": _hardware(level) for level in ROUNDS},
}
