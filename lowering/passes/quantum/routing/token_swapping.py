"""Token swapping: few SWAPs that bring all qubits from one layout to another.

The 4-approximation of Miltzow et al. (arXiv:1602.05150), the best of some tries.
"""

import random
from collections.abc import Sequence

from .coupling import CouplingGraph, Edge

TRIES = 4


def swaps_between(
    graph: CouplingGraph, start: Sequence[int], end: Sequence[int], seed: int = 0
) -> list[Edge]:
    """Return the SWAPs after which each qubit is at its vertex of `end`."""
    if list(start) == list(end):
        return []
    tries = (_swaps(graph, start, end, seed + number) for number in range(TRIES))
    return min(tries, key=len)


def _swaps(
    graph: CouplingGraph, start: Sequence[int], end: Sequence[int], seed: int
) -> list[Edge]:
    generator = random.Random(seed)
    # The vertex to which what is at each vertex goes; others go wherever they come.
    goal: list[int | None] = [None] * graph.num_vertices
    for here, there in zip(start, end, strict=True):
        goal[here] = there
    free = sorted(set(range(graph.num_vertices)) - set(end))
    for vertex, there in enumerate(goal):
        if there is None:
            nearest = min(free, key=graph.hops[vertex].__getitem__)
            goal[vertex] = nearest
            free.remove(nearest)
    found: list[Edge] = []
    misplaced = {vertex for vertex, there in enumerate(goal) if there != vertex}
    while misplaced:
        first = generator.choice(sorted(misplaced))
        for a, b in _chain(graph, goal, first, generator):
            found.append((a, b))
            goal[a], goal[b] = goal[b], goal[a]
            for vertex in (a, b):
                (misplaced.discard if goal[vertex] == vertex else misplaced.add)(vertex)
    return found


def _chain(
    graph: CouplingGraph,
    goal: Sequence[int | None],
    first: int,
    generator: random.Random,
) -> list[Edge]:
    """Return SWAPs along a cycle in which all come nearer, or one at a walk's end."""
    walk = [first]
    while True:
        here = walk[-1]
        there = goal[here]
        assert there is not None
        if there == here:  # moves what is in place, for the one before it
            return [(walk[-2], here)]
        hops = graph.hops[there]
        near = [v for v in graph.neighbours[here] if hops[v] == hops[here] - 1]
        following = generator.choice(near)
        if following in walk:
            cycle = walk[walk.index(following) :]
            return list(zip(cycle[-2::-1], cycle[:0:-1], strict=True))
        walk.append(following)
