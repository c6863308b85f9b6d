"""The choice of a layout: where qubits are at the beginning."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace

from .coupling import CouplingGraph
from .dependencies import Dependencies
from .sabre import Heuristic, Routed, Start, route

# Steps of the search for a layout that needs no SWAPs.
MOST_STEPS = 20_000
MOST_PERFECT = 16
# Runs forward from each layout that is tried.
TURNS = 3
HEURISTICS = (
    Heuristic(saving=0.7),
    Heuristic(weight=0.3, saving=0.4),
    Heuristic(lookahead=40, weight=0.8, saving=1.0),
    Heuristic(power=0.5, saving=0.5),
    Heuristic(saving=0.2, in_order=True),
    Heuristic(),
)


def perfect_layout(gates: Dependencies, graph: CouplingGraph) -> list[int] | None:
    """Return the best layout in which all gates stand on edges, if one is found."""
    best = None
    for number, layout in enumerate(_embeddings(gates, graph)):
        cost = gate_cost(gates, graph, layout)
        if best is None or cost < best[0]:
            best = cost, layout
        if not graph.errors or number + 1 == MOST_PERFECT:
            break
    return None if best is None else best[1]


def gate_cost(
    gates: Dependencies, graph: CouplingGraph, layout: Sequence[int]
) -> float:
    """Return the cost of gates at the places of a layout, where all are on edges."""
    if not graph.errors:
        return float(len(gates.pairs))
    costs = graph.costs
    return sum(costs[layout[a], layout[b]] for a, b in gates.pairs)


def _embeddings(gates: Dependencies, graph: CouplingGraph) -> Iterator[list[int]]:
    """Yield layouts of a subgraph isomorphism, by search in depth (VF2)."""
    partners: list[set[int]] = [set() for _ in range(gates.num_qubits)]
    for a, b in gates.pairs:
        partners[a].add(b)
        partners[b].add(a)
    used = [qubit for qubit, each in enumerate(partners) if each]
    degrees = sorted((len(each) for each in graph.neighbours), reverse=True)
    wanted = sorted(map(len, partners), reverse=True)
    if any(a > b for a, b in zip(wanted, degrees, strict=False)):
        return
    order = _connected_order(used, partners)
    neighbours = [set(each) for each in graph.neighbours]
    place: dict[int, int] = {}
    taken: set[int] = set()
    choices: list[Iterator[int]] = []
    steps = 0

    def candidates(qubit: int) -> Iterator[int]:
        near = [neighbours[place[each]] for each in partners[qubit] if each in place]
        among = set[int].intersection(*near) if near else range(graph.num_vertices)
        degree = len(partners[qubit])
        return iter(
            sorted(v for v in among if v not in taken and len(neighbours[v]) >= degree)
        )

    while steps < MOST_STEPS:
        steps += 1
        if len(choices) == len(place):
            if len(place) == len(order):
                yield _completed(place, gates.num_qubits, graph)
            else:
                choices.append(candidates(order[len(place)]))
                continue
        elif (vertex := next(choices[-1], None)) is not None:
            place[order[len(place)]] = vertex
            taken.add(vertex)
            continue
        else:
            choices.pop()
        if not place:
            return
        taken.discard(place.popitem()[1])


def _connected_order(used: Sequence[int], partners: Sequence[set[int]]) -> list[int]:
    """Return qubits such that each is after as many partners as can be."""
    order: list[int] = []
    placed: set[int] = set()
    rest = set(used)
    while rest:
        best = max(rest, key=lambda q: (len(partners[q] & placed), len(partners[q])))
        order.append(best)
        placed.add(best)
        rest.discard(best)
    return order


def _completed(
    place: dict[int, int], num_qubits: int, graph: CouplingGraph
) -> list[int]:
    """Return a layout of all qubits: those without gates come near the others."""
    layout = dict(place)
    free = set(range(graph.num_vertices)) - set(place.values())
    for qubit in range(num_qubits):
        if qubit not in layout:
            near = {
                v for each in layout.values() for v in graph.neighbours[each]
            } & free
            layout[qubit] = min(near or free)
            free.discard(layout[qubit])
    return [layout[qubit] for qubit in range(num_qubits)]


def sabre_layout(
    gates: Dependencies, graph: CouplingGraph, *, trials: int, seed: int
) -> tuple[float, Start]:
    """Return the start from which the gates cost least, of some that are tried.

    Each trial goes forward and backward from a layout, so that the end of one run is
    the beginning of the next. Two begin in order, the others in random layouts.
    """
    generator = random.Random(seed)
    vertices, size = range(graph.num_vertices), gates.num_qubits
    backward = gates.reversed()
    layouts = [list(range(size))] * min(trials, 2)
    layouts += [generator.sample(vertices, size) for _ in range(2, trials)]
    starts = [_start(layout, number, seed) for number, layout in enumerate(layouts)]
    best: list[tuple[float, Start]] = []
    for turn in range(TURNS):
        found = route(gates, graph, starts)
        costs = (each.cost for each in found)
        best += zip(costs, starts, strict=True)
        if turn + 1 < TURNS:
            ends = _moved(starts, found)
            starts = _moved(starts, route(backward, graph, ends))
    return min(best, key=lambda each: each[0])


def _start(layout: Sequence[int], number: int, seed: int) -> Start:
    """Return the start of a trial: heuristics take turns."""
    return Start(tuple(layout), HEURISTICS[number % len(HEURISTICS)], seed + number)


def _moved(starts: Sequence[Start], found: Sequence[Routed]) -> list[Start]:
    return [
        replace(start, layout=tuple(each.layout))
        for start, each in zip(starts, found, strict=True)
    ]


def best_route(
    gates: Dependencies,
    graph: CouplingGraph,
    layout: Sequence[int],
    *,
    trials: int,
    seed: int,
    like: Start | None = None,
    num_done: int | None = None,
) -> Routed:
    """Return the best of some routes from a layout, one of them as another was."""
    starts = [_start(layout, number, seed) for number in range(trials)]
    if like is not None:
        starts.append(replace(like, layout=tuple(layout)))
    found = route(gates, graph, starts, num_done=num_done)
    return min(found, key=lambda each: each.cost)
