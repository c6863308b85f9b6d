"""The layouts in which loops are entered and branches meet, and the way to them."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects import scf
from xdsl.ir import Operation

from qjit.lowering.analysis.constants import known_integer

from .coupling import CouplingGraph
from .dependencies import Dependencies
from .layout import best_route, perfect_layout
from .register_state import RegisterState
from .token_swapping import swaps_between

# How often a loop is taken to run whose length is not known.
TURNS = 4


def move_to(state: RegisterState, target: Sequence[int], before: Operation) -> None:
    """Swap the qubits of a register until the program's wires are at these places."""
    for edge in swaps_between(state.graph, state.layout, target):
        state.swap(edge, before)


def loop_layout(
    gates: Dependencies,
    graph: CouplingGraph,
    layout: Sequence[int],
    turns: int,
    seed: int,
) -> list[int]:
    """Return the layout in which a loop of these gates needs fewest SWAPs.

    It is the one that there is, one that is found going through the loop and back, or
    one in which the gates need none. Each turn ends as it began.
    """
    here = list(layout)
    if not gates.pairs:
        return here
    candidates = [here]
    backward = gates.reversed()
    for _ in range(2):
        end = best_route(gates, graph, candidates[-1], trials=1, seed=seed).layout
        found = best_route(backward, graph, end, trials=1, seed=seed).layout
        candidates.append(found)
    if (perfect := perfect_layout(gates, graph)) is not None:
        candidates.append(perfect)

    def total(start: list[int]) -> int:
        routed = best_route(gates, graph, start, trials=1, seed=seed)
        back = len(swaps_between(graph, routed.layout, start))
        return len(swaps_between(graph, here, start)) + turns * (
            routed.num_swaps + back
        )

    return min(candidates, key=total)


def turns_of(op: scf.ForOp) -> int:
    """Return how often a loop runs, or a guess."""
    low, high, step = map(known_integer, (op.lb, op.ub, op.step))
    if low is None or high is None or not step:
        return TURNS
    return max(1, (high - low) // step)


def meeting_layout(states: Sequence[RegisterState]) -> list[int]:
    """Return the layout to which the ends of branches come with fewest SWAPs."""

    def total(target: list[int]) -> int:
        return sum(
            len(swaps_between(state.graph, state.layout, target)) for state in states
        )

    return min((state.layout for state in states), key=total)
