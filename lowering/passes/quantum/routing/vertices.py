"""The choice of vertices for the wires of a register, and of the first layout."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace

from qjit.dialects.quantum import AllocOp
from qjit.dialects.quantum.linearity import line_of
from qjit.lowering.passes.pipeline import PassError

from .coupling import CouplingGraph
from .dependencies import Dependencies
from .layout import perfect_layout, sabre_layout
from .sabre import Heuristic, Start, Swap, route

# How many parts of a larger device are tried.
MOST_PARTS = 4
# How many vertices more than qubits are tried, and how many such parts.
MOST_SPARE, MOST_WIDER = 2, 2


@dataclass(frozen=True)
class Placement:
    """The vertices of a register's wires, and the search that was best from there.

    `start` has the wire at which each qubit is at first. There are more vertices than
    qubits where that takes fewer SWAPs.
    """

    vertices: tuple[int, ...]
    start: Start


def place_qubits(
    gates: Dependencies,
    graph: CouplingGraph,
    *,
    trials: int,
    seed: int,
    most: int | None = None,
) -> Placement:
    """Return where the qubits of a register are best.

    A layout that needs no SWAPs is taken if one is found. Otherwise each of several
    connected parts of the graph is tried, by SABRE, and wider ones, of which the
    vertices that are not needed are left out.

    Args:
        gates: the gates.
        graph: the graph of the device.
        trials: how many layouts are tried.
        seed: decides between what is equally good.
        most: how many vertices the register may have, as many as qubits by default.
    """
    layout = perfect_layout(gates, graph)
    if layout is not None:
        vertices = tuple(sorted(layout))
        if graph.within(vertices).is_connected:
            wires = tuple(vertices.index(vertex) for vertex in layout)
            return Placement(vertices, Start(wires, Heuristic(), seed))
    parts = connected_parts(graph, gates.num_qubits)
    each = max(1, trials // len(parts))
    found: list[tuple[float, Placement]] = []
    for vertices in parts:
        part = graph.within(vertices)
        cost, start = sabre_layout(gates, part, trials=each, seed=seed)
        found.append((cost, Placement(vertices, start)))
    widest = min(gates.num_qubits + MOST_SPARE, graph.num_vertices)
    if widest > gates.num_qubits:
        for vertices in connected_parts(graph, widest)[:MOST_WIDER]:
            _, start = sabre_layout(
                gates, graph.within(vertices), trials=each, seed=seed
            )
            trimmed = _trimmed(gates, graph, vertices, start)
            if trimmed and len(trimmed[1].vertices) <= (most or gates.num_qubits):
                found.append(trimmed)
    return min(found, key=lambda one: (one[0], len(one[1].vertices)))[1]


def _trimmed(
    gates: Dependencies,
    graph: CouplingGraph,
    vertices: Sequence[int],
    start: Start,
) -> tuple[float, Placement] | None:
    """Return the cost on those vertices that a search uses; None if they are apart."""
    (routed,) = route(gates, graph.within(vertices), [start])
    used = set(start.layout)
    for move in routed.moves:
        if isinstance(move, Swap):
            used |= {move.a, move.b}
    kept = sorted(used)
    part = graph.within([vertices[number] for number in kept])
    if not part.is_connected:
        return None
    layout = tuple(kept.index(number) for number in start.layout)
    begin = replace(start, layout=layout)
    (again,) = route(gates, part, [begin])
    return again.cost, Placement(tuple(vertices[n] for n in kept), begin)


def connected_parts(graph: CouplingGraph, size: int) -> list[tuple[int, ...]]:
    """Return connected parts of a graph whose vertices are near to one another.

    Without errors, they are of different shapes.
    """
    if size == graph.num_vertices:
        return [tuple(range(size))]
    starts = range(graph.num_vertices)
    parts = {_grown(graph, v, size, near) for v in starts for near in (True, False)}
    shapes: dict[Hashable, tuple[int, ...]] = {}
    for part in sorted((p for p in parts if p), key=lambda p: (_spread(graph, p), p)):
        shapes.setdefault(part if graph.errors else _shape(graph, part), part)
    return list(shapes.values())[:MOST_PARTS]


def _spread(graph: CouplingGraph, part: tuple[int, ...]) -> float:
    """Return how far the vertices of a part are from one another, all ways inside."""
    return sum(map(sum, graph.within(part).distances))


def _shape(graph: CouplingGraph, part: tuple[int, ...]) -> Hashable:
    """Return what parts have in common that look alike."""
    return tuple(sorted(tuple(sorted(row)) for row in graph.within(part).hops))


def _grown(graph: CouplingGraph, start: int, size: int, near: bool) -> tuple[int, ...]:
    """Return a part around a vertex, empty if there is none of that size.

    Vertices are added that have most edges to the part, or are nearest to all of it.
    """
    part = {start}
    costs, distances = graph.costs, graph.distances
    while len(part) < size:
        rim = {v for each in part for v in graph.neighbours[each]} - part
        if not rim:
            return ()

        def far(vertex: int) -> tuple[float, float, int]:
            bonds = -_bonds(graph, costs, vertex, part)
            apart = sum(distances[vertex][other] for other in part)
            return (apart, bonds, vertex) if near else (bonds, apart, vertex)

        part.add(min(rim, key=far))
    return tuple(sorted(part))


def _bonds(
    graph: CouplingGraph,
    costs: dict[tuple[int, int], float],
    vertex: int,
    part: set[int],
) -> float:
    near: Sequence[int] = graph.neighbours[vertex]
    return sum(1 / costs[vertex, other] for other in near if other in part)


def check_graph(graph: CouplingGraph, size: int, op: AllocOp) -> None:
    """Refuse a graph on which a register has no place."""
    line = line_of(op) or "unknown line"
    if graph.num_vertices < size:
        raise PassError(
            f"{line}: a register of {size} wires does not fit a coupling graph of "
            f"{graph.num_vertices} qubits. Choose a larger graph, or wires="
            f"{graph.num_vertices}."
        )
    if not graph.is_connected:
        raise PassError(
            f"{line}: the coupling graph is not connected, so that not all gates can "
            "be routed. Add edges between its parts, or name the edges of one part "
            "only, whose qubits are numbered from 0."
        )
