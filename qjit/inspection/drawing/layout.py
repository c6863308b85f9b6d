"""Where the parts of a circuit stand: in columns, as far left as they can be."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from qjit.inspection.circuits.tree import (
    Branch,
    Circuit,
    Gate,
    Loop,
    Measure,
    Node,
    Terminal,
    bodies,
    own_expressions,
    walk,
    wires_of,
)

Shown = Node | Terminal


@dataclass(frozen=True)
class Measures:
    """How much room a renderer needs: for gates, for labels, at sides and between."""

    node: Callable[[Shown], float]
    label: Callable[[str], float]
    side: float
    between: float


@dataclass
class Placed:
    """A part of a circuit where it is drawn.

    It is on lines `low` to `high`; `links` are the lines of outcomes that it reads or
    writes. Frames around a loop or branch rise above the first line and sink below the
    last by a number of steps.
    """

    node: Shown
    low: int
    high: int
    links: tuple[int, ...]
    width: float
    x: float = 0
    panes: tuple[Pane, ...] = ()
    rise: int = 0
    sink: int = 0

    @property
    def last(self) -> int:
        """The last line that it crosses."""
        return max((self.high, *self.links))


@dataclass(frozen=True)
class Pane:
    """One side of a branch, or the body of a loop, in its frame."""

    label: str
    x: float
    width: float
    inside: float  # where its first column begins
    columns: Columns


@dataclass
class Columns:
    """Parts in columns, from x = 0, and where columns begin."""

    items: list[Placed]
    width: float
    starts: list[float] = field(default_factory=list[float])

    def walk(self, x: float = 0) -> Iterator[tuple[float, Placed]]:
        """Yield all parts with the x at which each begins, outer ones first."""
        for item in self.items:
            yield x + item.x, item
            for pane in item.panes:
                yield from pane.columns.walk(x + item.x + pane.inside)

    def cuts(self, x: float = 0) -> Iterator[float]:
        """Yield where a drawing may be cut: where columns begin."""
        yield from (x + start for start in self.starts)
        for item in self.items:
            for pane in item.panes:
                yield from pane.columns.cuts(x + item.x + pane.inside)


def pieces(
    cuts: Iterable[float], first: float, end: float, room: float
) -> Iterator[tuple[float, float]]:
    """Yield where the pieces of a drawing begin and end, none wider than the room.

    Args:
        cuts: where it may be cut; elsewhere only where a part is wider than the room.
        first: where the drawing begins.
        end: where it ends.
        room: how wide a piece may be.
    """
    places = sorted({first, *cuts})
    while end - first > room:
        last = places[bisect_right(places, first + room) - 1]
        last = last if last > first else first + room
        yield first, last
        first = last
    yield first, end


class Layout:
    """The parts of a circuit on lines: its wires, and then the outcomes on the way."""

    def __init__(self, circuit: Circuit, measures: Measures) -> None:
        self.circuit, self._measures = circuit, measures
        nodes = [*walk(circuit.body)]
        self.outcomes = [each.outcome for each in nodes if isinstance(each, Measure)]
        self._lines = {
            name: circuit.num_wires + n for n, name in enumerate(self.outcomes)
        }
        self.gates = self._columns(circuit.body)
        self.terminals = self._columns(circuit.terminals)

    @property
    def lines(self) -> int:
        """How many lines there are."""
        return self.circuit.num_wires + len(self.outcomes)

    def gaps(self) -> list[tuple[int, int]]:
        """Return how many frames begin above each wire, and end below it, at most."""
        found = [(0, 0)] * self.lines
        for _, item in self.gates.walk():
            if item.panes:
                above, below = found[item.low]
                found[item.low] = max(above, item.rise), below
                above, below = found[item.high]
                found[item.high] = above, max(below, item.sink)
        return found

    def _columns(self, nodes: Sequence[Shown]) -> Columns:
        free = [0] * self.lines
        columns: list[list[Placed]] = []
        for node in nodes:
            item = self._placed(node)
            if item is None:
                continue
            crossed = slice(item.low, item.last + 1)
            number = max(free[crossed])
            free[crossed] = [number + 1] * (item.last + 1 - item.low)
            columns.extend([] for _ in range(number + 1 - len(columns)))
            columns[number].append(item)
        found = Columns([], 0)
        for column in columns:
            found.starts.append(found.width)
            width = max(item.width for item in column)
            for item in column:
                item.x = found.width
                if not item.panes:
                    item.x += (width - item.width) / 2
                found.items.append(item)
            found.width += width + self._measures.between
        return found

    def _placed(self, node: Shown) -> Placed | None:
        wires = node.wires if isinstance(node, Terminal) else self._wires(node)
        if not wires:
            return None
        low, high = min(wires), max(wires)
        links = () if isinstance(node, Terminal) else tuple(self._links(node))
        if not isinstance(node, Loop | Branch):
            return Placed(node, low, high, links, self._measures.node(node))
        panes = tuple(self._panes(node))
        width = panes[-1].x + panes[-1].width + self._measures.side
        inner = [item for pane in panes for item in pane.columns.items if item.panes]
        rise = 1 + max((i.rise for i in inner if i.low == low), default=0)
        sink = 1 + max((i.sink for i in inner if i.high == high), default=0)
        return Placed(node, low, high, links, width, 0, panes, rise, sink)

    def _panes(self, node: Loop | Branch) -> Iterator[Pane]:
        x, between = self._measures.side, self._measures.between
        labels = (
            [node.label]
            if isinstance(node, Loop)
            else [case.label for case in node.cases]
        )
        for label, body in zip(labels, bodies(node), strict=True):
            columns = self._columns(body)
            inner = max(between + columns.width, self._measures.label(label))
            yield Pane(label, x, inner, x + between, columns)
            x += inner + self._measures.side

    def _wires(self, node: Node) -> set[int]:
        return wires_of(node, self.circuit.num_wires)

    def _links(self, node: Node) -> Iterator[int]:
        """Yield the lines of the outcomes that a part reads, or writes."""
        if isinstance(node, Measure):
            yield self._lines[node.outcome]
        read = [*own_expressions(node)]
        if isinstance(node, Gate):
            read += node.params
        names = {name for expression in read for name in expression.names()}
        yield from sorted(self._lines[name] for name in names & self._lines.keys())
