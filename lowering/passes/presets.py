"""Pipelines that have names: what pays on simulators, and what pays on hardware.

On a simulator a gate costs little more than what it moves in memory, and compile time
counts; on hardware it is two-qubit gates that count.
"""

from collections.abc import Collection

from qjit.dialects.gates import are_discrete
from qjit.dialects.targets import ALL_PAIRS, SIMULATE, Target

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
# What writes gates anew by angles that gates without angles do not have.
BY_ANGLES = ("single-qubit-fusion", "consolidate-blocks")
# From this level on, blocks on two qubits are written anew after routing.
WRITES_ANEW = 2


def _hardware(level: int) -> tuple[str, ...]:
    """Return the passes of an optimisation level, gates of the device before and after.

    What passes make may be outside of the device's gates again.
    """
    rounds = ROUNDS[level]
    if not rounds:
        return ("decompose-gates",)
    fused = ("decompose-gates", "single-qubit-fusion", "combine-global-phases")
    return ("decompose-gates", *rounds, *fused, "decompose-gates", *MEETING)


PRESETS: dict[str, tuple[str, ...]] = {
    SIMULATE: ("reroll-loops", "share-forward-runs", "gather-executions", *MEETING),
    **{f"hardware:{level}": _hardware(level) for level in ROUNDS},
}


def has_own_passes(target: Target) -> bool:
    """Tell whether circuits are compiled to the gates or the pipeline of a device."""
    return target.gates is not None or target.pipeline != SIMULATE


def circuit_passes(target: Target) -> tuple[str, ...]:
    """Return the passes of a device's pipeline that are on single circuits.

    Where two-qubit gates act on neighbours only, those come last that route, and what
    keeps gates where they are.
    """
    if target.pipeline == SIMULATE:
        return ()
    names = PRESETS[target.pipeline]
    gates = target.gates or ()
    if target.coupling != ALL_PAIRS:
        level = int(target.pipeline.partition(":")[2])
        names = (*names, *_routing(level, target.coupling, gates))
    if not gates or not are_discrete(gates):
        return names
    return tuple(name for name in names if name.partition("{")[0] not in BY_ANGLES)


def _routing(level: int, coupling: str, gates: Collection[str]) -> tuple[str, ...]:
    """Return the passes that route, and make gates of the device of SWAPs."""
    route = f'route-qubits{{coupling="{coupling}"}}'
    if not level:
        return route, "decompose-gates"
    basis = "CZ" if "CZ" in gates and "CNOT" not in gates else "CNOT"
    blocks = f"consolidate-blocks{{basis={basis} exchange=false}}"
    anew = (blocks, *MEETING) if level >= WRITES_ANEW else ()
    fused = ("decompose-gates", "single-qubit-fusion", "decompose-gates", *MEETING)
    return (route, *anew, *fused)
