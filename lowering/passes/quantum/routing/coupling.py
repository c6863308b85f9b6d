"""Coupling graphs: which physical qubits two-qubit gates can act on."""

from __future__ import annotations

import math
import re
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

Edge = tuple[int, int]
KINDS = (
    '"0-1,1-2" (edges), "0-1:0.01,1-2:0.02" (edges with errors), "line", "ring", '
    '"star", "grid:3x4", "heavy-hex:3" and "all"'
)


class CouplingError(ValueError):
    """A text or a graph that is no coupling graph, or one that does not fit."""


@dataclass(frozen=True)
class CouplingGraph:
    """Vertices from 0, edges between them, and the error of a gate on each edge.

    Without errors every edge is as good as another.
    """

    num_vertices: int
    edges: tuple[Edge, ...]
    errors: Mapping[Edge, float] = field(default_factory=dict[Edge, float])

    @cached_property
    def neighbours(self) -> tuple[tuple[int, ...], ...]:
        """The vertices next to each vertex."""
        found: list[set[int]] = [set() for _ in range(self.num_vertices)]
        for a, b in self.edges:
            found[a].add(b)
            found[b].add(a)
        return tuple(tuple(sorted(each)) for each in found)

    @cached_property
    def hops(self) -> list[list[int]]:
        """The number of edges between each pair of vertices, -1 where none lead."""
        return [self._hops(vertex) for vertex in range(self.num_vertices)]

    def _hops(self, start: int) -> list[int]:
        found = [-1] * self.num_vertices
        found[start] = 0
        waiting = deque([start])
        while waiting:
            vertex = waiting.popleft()
            for other in self.neighbours[vertex]:
                if found[other] < 0:
                    found[other] = found[vertex] + 1
                    waiting.append(other)
        return found

    @property
    def is_connected(self) -> bool:
        """Whether edges lead from each vertex to all others."""
        return self.num_vertices == 0 or min(self._hops(0)) >= 0

    @cached_property
    def costs(self) -> dict[Edge, float]:
        """The cost of a gate on each edge, 1 on the average, in both directions."""
        logs = {edge: -math.log1p(-self.errors.get(edge, 0.0)) for edge in self.edges}
        mean = sum(logs.values()) / max(1, len(logs))
        found = {
            edge: 0.1 + 0.9 * log / mean if mean else 1.0 for edge, log in logs.items()
        }
        return found | {(b, a): cost for (a, b), cost in found.items()}

    @cached_property
    def distances(self) -> list[list[float]]:
        """The cost of the best way between each pair of vertices (Floyd, Warshall)."""
        size = self.num_vertices
        found = np.full((size, size), np.inf)
        np.fill_diagonal(found, 0)
        for (a, b), cost in self.costs.items():
            found[a, b] = cost
        for middle in range(size):
            through = found[:, middle, None] + found[None, middle, :]
            np.minimum(found, through, out=found)
        rows: list[list[float]] = found.tolist()
        return rows

    def within(self, vertices: Sequence[int]) -> CouplingGraph:
        """Return the graph of some vertices, which are numbered anew in this order."""
        number = {vertex: index for index, vertex in enumerate(vertices)}
        kept = {
            (number[a], number[b]): self.errors.get((a, b), 0.0)
            for a, b in self.edges
            if a in number and b in number
        }
        errors = kept if self.errors else {}
        return CouplingGraph(len(vertices), tuple(kept), errors)

    def path(self, start: int, end: int) -> list[int]:
        """Return the vertices on a shortest way."""
        found = [start]
        to_end = self.hops[end]
        while found[-1] != end:
            here = found[-1]
            found.append(min(self.neighbours[here], key=to_end.__getitem__))
        return found


def graph_of(
    pairs: Iterable[Edge],
    num_vertices: int = 0,
    errors: Mapping[Edge, float] | None = None,
) -> CouplingGraph:
    """Return the graph of edges, in either direction and in any order."""
    edges = {(min(a, b), max(a, b)) for a, b in pairs}
    if any(a == b or a < 0 for a, b in edges):
        raise CouplingError("an edge of a coupling graph has two ends, which differ.")
    size = max(num_vertices, 1 + max((b for _, b in edges), default=-1))
    given = {
        (min(a, b), max(a, b)): error for (a, b), error in dict(errors or {}).items()
    }
    return CouplingGraph(size, tuple(sorted(edges)), given)


def parse_coupling(text: str, num_wires: int) -> CouplingGraph:
    """Return the graph that a text names; a line, ring or star is as long as needed."""
    name, _, size = text.strip().partition(":")
    makers = {
        "line": lambda: [(i, i + 1) for i in range(num_wires - 1)],
        "ring": lambda: _ring(num_wires),
        "star": lambda: [(0, i) for i in range(1, num_wires)],
        "all": lambda: [(a, b) for b in range(num_wires) for a in range(b)],
    }
    if name in makers and not size:
        return graph_of(makers[name](), num_wires)
    if name == "grid" and (found := re.fullmatch(r"(\d+)x(\d+)", size)):
        return grid(int(found[1]), int(found[2]))
    if name == "heavy-hex" and size.isdecimal() and int(size) % 2:
        return heavy_hex(int(size))
    return _edges(text)


def _ring(size: int) -> list[Edge]:
    return [(i, (i + 1) % size) for i in range(size if size > 2 else size - 1)]


def _edges(text: str) -> CouplingGraph:
    errors: dict[Edge, float] = {}
    pairs: list[Edge] = []
    for each in text.split(","):
        found = re.fullmatch(r"\s*(\d+)-(\d+)(?::([0-9.eE+-]+))?\s*", each)
        if not found:
            raise CouplingError(
                f"{text!r} names no coupling graph, because of {each!r}. There are "
                f"{KINDS}; the distance of a heavy-hex lattice is odd."
            )
        pairs.append((int(found[1]), int(found[2])))
        if found[3]:
            errors[pairs[-1]] = _error(found[3], each)
    return graph_of(pairs, errors=errors)


def _error(text: str, edge: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < 1:
        raise CouplingError(f"the error in {edge!r} is not a number from 0 to below 1.")
    return value


def grid(rows: int, columns: int) -> CouplingGraph:
    """Return a lattice of squares, whose vertices are numbered row by row."""
    pairs: list[Edge] = []
    for row in range(rows):
        for column in range(columns):
            vertex = row * columns + column
            if column + 1 < columns:
                pairs.append((vertex, vertex + 1))
            if row + 1 < rows:
                pairs.append((vertex, vertex + columns))
    return graph_of(pairs, rows * columns)


def heavy_hex(distance: int) -> CouplingGraph:
    """Return a lattice of hexagons whose edges have vertices, too.

    There are as many rows as the distance, of vertices in a line; every fourth one is
    connected to the next row by a vertex between, those of odd rows two further on.
    """
    width = 2 * distance - 1
    pairs = [
        (row * width + place, row * width + place + 1)
        for row in range(distance)
        for place in range(width - 1)
    ]
    following = distance * width
    for row in range(distance - 1):
        for place in range(2 * (row % 2), width, 4):
            pairs.append((row * width + place, following))
            pairs.append((following, (row + 1) * width + place))
            following += 1
    return graph_of(pairs)
