"""The choice of vertices for the wires of a register, and of the first layout."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from qjit.dialects.quantum import AllocOp
from qjit.dialects.quantum.linearity import line_of
from qjit.lowering.passes.pipeline import PassError

from .coupling import CouplingGraph
from .dependencies import Dependencies
from .layout import perfect_layout, sabre_layout
from .sabre import Heuristic, Start

# How many parts of a larger device are tried.
MOST_PARTS = 4


@dataclass(frozen=True)
class Placement:
    """The vertices of a register's wires, and the search that was best from there.

    `start` has the wire at which each qubit is at first.
    """

    vertices: tuple[int, ...]
    start: Start


def place_qubits(
    gates: Dependencies, graph: CouplingGraph, *, trials: int, seed: int
) -> Placement:
    """Return where the qubits of a register are best.

    A layout that needs no SWAPs is taken if one is found. Otherwise each of several
    connected parts of the graph is tried, by SABRE.
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
    return min(found, key=lambda one: one[0])[1]


def connected_parts(graph: CouplingGraph, size: int) -> list[tuple[int, ...]]:
    """Return connected parts of a graph with many edges of little error."""
    if size == graph.num_vertices:
        return [tuple(range(size))]
    parts = {_grown(graph, vertex, size) for vertex in range(graph.num_vertices)}

    def worth(part: tuple[int, ...]) -> tuple[float, tuple[int, ...]]:
        inside = set(part)
        edges = (e for e in graph.edges if e[0] in inside and e[1] in inside)
        return -sum(1 / graph.costs[edge] for edge in edges), part

    return sorted((part for part in parts if part), key=worth)[:MOST_PARTS]


def _grown(graph: CouplingGraph, start: int, size: int) -> tuple[int, ...]:
    """Return a part around a vertex, empty if there is none of that size."""
    part = {start}
    costs = graph.costs
    while len(part) < size:
        rim = {v for each in part for v in graph.neighbours[each]} - part
        if not rim:
            return ()
        part.add(max(rim, key=lambda v: (_bonds(graph, costs, v, part), -v)))
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
