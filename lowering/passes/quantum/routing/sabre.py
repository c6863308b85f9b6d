"""SABRE: SWAPs that bring the qubits of gates together, found step by step.

Li, Ding and Xie (arXiv:1809.02573), with the extended set, the decay and the release
valve of LightSABRE (arXiv:2409.08368). Gates that commute may be done in any order.
Several searches go on at once, and all their next SWAPs are compared in one go.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .coupling import CouplingGraph, Edge
from .dependencies import Dependencies

DECAY = 0.001
DECAY_RESET = 5
TIE = 1e-7


@dataclass(frozen=True)
class Heuristic:
    """How a SWAP is chosen: by distances to a power, now and in the extended set.

    A SWAP that meets a gate on the same qubits costs less than three CNOTs; `saving` is
    what three CNOTs less are worth, in distances. Where gates are done in order, it
    does not matter whether they commute.
    """

    lookahead: int = 20
    weight: float = 0.5
    power: float = 1.0
    saving: float = 0.0
    in_order: bool = False


@dataclass(frozen=True)
class Start:
    """Where a search begins, and how it decides: what is equal, by the seed."""

    layout: tuple[int, ...]
    heuristic: Heuristic
    seed: int


@dataclass(frozen=True)
class Swap:
    """A SWAP of the qubits at two vertices."""

    a: int
    b: int


# The number of a gate among the pairs, or a SWAP.
Move = int | Swap


@dataclass
class Routed:
    """Gates and SWAPs in the order in which they are done, and where qubits end.

    The cost is how many CNOTs there are more than without SWAPs, weighted by edges.
    """

    moves: list[Move]
    layout: list[int]
    cost: float

    @property
    def num_swaps(self) -> int:
        """How many SWAPs there are."""
        return sum(isinstance(move, Swap) for move in self.moves)


def route(
    gates: Dependencies,
    graph: CouplingGraph,
    starts: Sequence[Start],
    *,
    num_done: int | None = None,
) -> list[Routed]:
    """Return, for each start, the gates with SWAPs between them.

    Args:
        gates: the gates in the order in which they depend on one another.
        graph: the coupling graph.
        starts: where qubits are, and how SWAPs are chosen.
        num_done: how many of the gates are to be done; those after are looked at only.
    """
    searches = [_Search(gates, graph, start, num_done) for start in starts]
    active = [search for search in searches if search.order]
    if active:
        _Comparison(graph, active).run()
    return [
        gathered(search.moves, gates, graph, search.qubit_at, search.at)
        for search in searches
    ]


def gathered(
    moves: Sequence[Move],
    gates: Dependencies,
    graph: CouplingGraph,
    ends: Sequence[int],
    layout: list[int],
) -> Routed:
    """Return moves where gates come to SWAPs of their qubits, and what SWAPs cost.

    Args:
        moves: gates and SWAPs.
        gates: the gates that they are.
        graph: the coupling graph.
        ends: which qubit is at each vertex after all moves.
        layout: the vertex of each qubit then.
    """
    qubit_at = list(ends)
    for move in reversed(moves):
        if isinstance(move, Swap):
            qubit_at[move.a], qubit_at[move.b] = qubit_at[move.b], qubit_at[move.a]
    meetings = Meetings(gates)
    found: list[list[Move]] = []
    place_of: dict[int, int] = {}
    cost = 0.0
    for move in moves:
        if not isinstance(move, Swap):
            swap = meetings.swap_before(move)
            meetings.add(move)
            if swap is None:
                place_of[move] = len(found)
                found.append([move])
            else:
                found[swap].append(move)
                edge = next(each for each in found[swap] if isinstance(each, Swap))
                cost += (gates.extra[move] - 3) * graph.costs[edge.a, edge.b]
            continue
        x, y = qubit_at[move.a], qubit_at[move.b]
        met = meetings.gate_before(x, y)
        moved: list[Move] = [move]
        if met is not None and met in place_of:
            found[place_of.pop(met)].remove(met)
            moved = [met, move]
        extra = gates.extra[met] if len(moved) > 1 and met is not None else 3
        cost += extra * graph.costs[move.a, move.b]
        meetings.swap(x, y, None if len(moved) > 1 else len(found))
        found.append(moved)
        qubit_at[move.a], qubit_at[move.b] = y, x
    return Routed([move for each in found for move in each], layout, cost)


class Meetings:
    """Which gates were the last on their qubits, up to those that they commute with."""

    def __init__(self, gates: Dependencies) -> None:
        self.gates = gates
        # One more qubit is what vertices without one have.
        self.last: list[dict[int, int]] = [{} for _ in range(gates.num_qubits + 1)]
        self.rank = [-1] * (gates.num_qubits + 1)
        self.swapped: list[tuple[int, int] | None] = [None] * (gates.num_qubits + 1)

    def _ranks(self, gate: int) -> Iterator[tuple[int, int, int]]:
        (a, b), (one, other) = self.gates.pairs[gate], self.gates.pair_ranks[gate]
        yield a, b, one
        yield b, a, other

    def add(self, gate: int) -> None:
        """Note that a gate is done."""
        for qubit, partner, rank in self._ranks(gate):
            if self.rank[qubit] != rank:
                if self.last[qubit]:
                    self.swapped[qubit] = None
                    self.last[qubit].clear()
                self.rank[qubit] = rank
            self.last[qubit][partner] = gate

    def gate_before(self, x: int, y: int) -> int | None:
        """Return the gate on two qubits that may be done as the last on both."""
        found = self.last[x].get(y)
        return found if found is not None and self.last[y].get(x) == found else None

    def swap_before(self, gate: int) -> int | None:
        """Return the SWAP of its qubits behind which a gate may be done at once."""
        places: set[int] = set()
        for qubit, partner, rank in self._ranks(gate):
            swap = self.swapped[qubit]
            if swap is None or swap[0] != partner:
                return None
            if self.last[qubit] and self.rank[qubit] != rank:
                return None
            places.add(swap[1])
        if len(places) != 1:
            return None
        for qubit in self.gates.pairs[gate]:
            self.swapped[qubit] = None
        return places.pop()

    def swap(self, x: int, y: int, place: int | None) -> None:
        """Note a SWAP, with its place if a gate may still come to it."""
        for qubit, partner in ((x, y), (y, x)):
            self.last[qubit].clear()
            self.rank[qubit] = -1
            self.swapped[qubit] = None if place is None else (partner, place)


class _Search:
    """The state of a search: where qubits are, and which gates are waiting."""

    def __init__(
        self,
        gates: Dependencies,
        graph: CouplingGraph,
        start: Start,
        num_done: int | None,
    ) -> None:
        self.gates, self.pairs = gates, gates.pairs
        in_order = start.heuristic.in_order
        self.groups = gates.in_order if in_order else gates.groups
        self.heuristic, self.seed = start.heuristic, start.seed
        self.num_done = len(self.pairs) if num_done is None else num_done
        self.graph, self.hops = graph, graph.hops
        self.at = list(start.layout)
        size = gates.num_qubits
        # A vertex without a qubit has one more, which has no gates.
        self.qubit_at = [size] * graph.num_vertices
        for qubit, vertex in enumerate(self.at):
            self.qubit_at[vertex] = qubit
        self.level = [-1] * size
        self.left = [0] * size
        self.need = [2] * len(self.pairs)
        self.waiting: list[dict[int, int]] = [{} for _ in range(size)]
        self.order: dict[int, None] = {}
        self.queue: list[int] = []
        self.moves: list[Move] = []
        self.since: list[Swap] = []
        self.meetings = Meetings(gates)
        for qubit in range(size):
            self._open(qubit)
        self.execute()

    def _open(self, qubit: int) -> None:
        """Let the next group of a qubit be done."""
        self.level[qubit] += 1
        if self.level[qubit] >= len(self.groups[qubit]):
            return
        group = self.groups[qubit][self.level[qubit]]
        self.left[qubit] = len(group)
        for gate in group:
            self.need[gate] -= 1
            if not self.need[gate] and gate < self.num_done:
                self._ready(gate)

    def _ready(self, gate: int) -> None:
        a, b = self.pairs[gate]
        if self.hops[self.at[a]][self.at[b]] == 1:
            self.queue.append(gate)
            return
        self.waiting[a][gate] = b
        self.waiting[b][gate] = a
        self.order[gate] = None

    def execute(self) -> None:
        """Do the gates whose qubits are together."""
        for gate in self.queue:  # which grows
            self.moves.append(gate)
            self.meetings.add(gate)
            for qubit in self.pairs[gate]:
                self.left[qubit] -= 1
                if not self.left[qubit]:
                    self._open(qubit)
        self.queue.clear()
        self.since.clear()

    def extended_set(self) -> list[int]:
        """Return gates that come next, in the order of the groups of qubits."""
        most, need, pairs = self.heuristic.lookahead, self.need, self.pairs
        qubits = list({q: None for g in self.order for q in pairs[g]})
        places = [(self.groups[qubit], self.level[qubit]) for qubit in qubits]
        known, found = set(qubits), dict[int, None]()
        for depth in range(most):
            size = len(found)
            for groups, level in places:  # which grows
                if level + depth >= len(groups):
                    continue
                for gate in groups[level + depth]:
                    if not need[gate] or gate in found:
                        continue
                    found[gate] = None
                    for qubit in pairs[gate]:
                        if qubit not in known:
                            known.add(qubit)
                            places.append((self.groups[qubit], self.level[qubit]))
                if len(found) >= most:
                    return list(found)[:most]
            if depth and len(found) == size:
                break
        return list(found)

    def swap(self, p: int, q: int) -> None:
        """Exchange what is at two vertices."""
        swap = Swap(p, q)
        self.moves.append(swap)
        self.since.append(swap)
        self._exchange(p, q)
        for vertex in (p, q):
            if (qubit := self.qubit_at[vertex]) < len(self.at):
                self._wake(qubit)

    def _exchange(self, p: int, q: int) -> None:
        x, y = self.qubit_at[p], self.qubit_at[q]
        self.qubit_at[p], self.qubit_at[q] = y, x
        self.meetings.swap(x, y, None)
        if x < len(self.at):
            self.at[x] = q
        if y < len(self.at):
            self.at[y] = p

    def _wake(self, qubit: int) -> None:
        """Let the gates of a qubit be done that are possible now."""
        waiting = self.waiting[qubit]
        if not waiting:
            return
        hops = self.hops[self.at[qubit]]
        for gate in [g for g, b in waiting.items() if hops[self.at[b]] == 1]:
            for each in self.pairs[gate]:
                del self.waiting[each][gate]
            del self.order[gate]
            self.queue.append(gate)

    def savings(self) -> Iterator[tuple[Edge, int]]:
        """Yield edges on which a SWAP costs fewer CNOTs, and how many fewer."""
        size = len(self.at)
        for x in range(size):
            for y, gate in self.meetings.last[x].items():
                if x < y and self.meetings.gate_before(x, y) == gate:
                    yield (self.at[x], self.at[y]), 3 - self.gates.extra[gate]

    @property
    def is_stuck(self) -> bool:
        """Whether many SWAPs led to no gate."""
        return len(self.since) >= 10 + 2 * len(self.qubit_at)

    def release(self) -> None:
        """Undo what did not lead to a gate, and go straight to the nearest one."""
        for swap in reversed(self.since):
            self._exchange(swap.a, swap.b)
            self.moves.pop()
        at, hops, pairs = self.at, self.hops, self.pairs
        gate = min(self.order, key=lambda g: hops[at[pairs[g][0]]][at[pairs[g][1]]])
        a, b = (at[qubit] for qubit in pairs[gate])
        path = self.graph.path(a, b)
        for p, q in pairwise(path[:-1]):
            self.swap(p, q)


class _Comparison:
    """What the next SWAPs of several searches are worth, as arrays.

    `weights` say how much a search minds the distance of what is at two vertices, and
    `pulls` is, for what is at a vertex, the sum of these at each other place.
    """

    def __init__(self, graph: CouplingGraph, searches: Sequence[_Search]) -> None:
        self.searches = list(searches)
        edges = np.array(graph.edges)
        self.ends, self.others = edges[:, 0], edges[:, 1]
        count, size = len(searches), graph.num_vertices
        self.size = size
        ends, others = self.ends, self.others
        across = [(ends, others), (others, ends), (ends, ends), (others, others)]
        self.places = np.stack([a * size + b for a, b in across])
        self.incident = np.zeros((size, len(edges)))
        self.incident[ends, range(len(edges))] = DECAY
        self.incident[others, range(len(edges))] = DECAY
        distances = np.array(graph.distances)
        powers = [search.heuristic.power for search in searches]
        self.distances = np.stack([distances**power for power in powers])
        self.twice = 2 * self.distances[:, ends, others]
        # Decides between SWAPs that are equally good.
        self.noise = TIE * np.stack(
            [np.random.default_rng(s.seed).random(len(edges)) for s in searches]
        )
        self.weights = np.zeros((count, size, size))
        self.pulls = np.zeros((count, size, size))
        self.waits = np.zeros((count, size), bool)
        self.penalty = np.zeros((count, len(edges)))
        self.savings = np.zeros((count, len(edges)))
        self.number = {edge: k for k, edge in enumerate(graph.edges)}
        self.turns = np.zeros(count, int)
        self.steps = np.ones(count)
        for index in range(count):
            self._refresh(index)

    def run(self) -> None:
        """Go on until all searches are done."""
        while self.searches:
            done: list[int] = []
            for index, (p, q) in enumerate(self._choose()):
                search = self.searches[index]
                search.swap(p, q)
                if not search.queue:
                    if not search.is_stuck:
                        continue
                    search.release()
                search.execute()
                if search.order:
                    self._refresh(index)
                else:
                    done.append(index)
            if done:
                self._remove(done)

    def _choose(self) -> list[tuple[int, int]]:
        """Return the best SWAP of each search, after which the arrays are."""
        count = len(self.searches)
        pulls = self.pulls.reshape(count, -1)[:, self.places]
        score = pulls[:, 0] + pulls[:, 1] - pulls[:, 2] - pulls[:, 3]
        score += self.weights.reshape(count, -1)[:, self.places[0]] * self.twice
        score += self.penalty
        score -= self.savings
        waits = self.waits[:, self.ends] | self.waits[:, self.others]
        best = np.where(waits, score, np.inf).argmin(axis=1)
        p, q = self.ends[best], self.others[best]
        self._move(p, q)
        return list(zip(p.tolist(), q.tolist(), strict=True))

    def _move(self, p: NDArray[Any], q: NDArray[Any]) -> None:
        """Exchange what is at two vertices of each search, and let it stay a while."""
        rows = np.arange(len(self.searches))
        for each in (self.weights, self.pulls, self.waits):
            each[rows, p], each[rows, q] = each[rows, q], each[rows, p]
        columns = self.weights.transpose(0, 2, 1)
        columns[rows, p], columns[rows, q] = columns[rows, q], columns[rows, p]
        change = self.distances[rows, q] - self.distances[rows, p]
        # What was at p is at q now.
        weights = self.weights[rows, q] - self.weights[rows, p]
        self.pulls += weights[:, :, None] * change[:, None, :]
        marks = np.maximum(self.incident[p], self.incident[q])
        self.penalty += self.steps[:, None] * marks
        self.savings[marks > 0] = 0
        self.turns += 1
        if (over := self.turns == DECAY_RESET).any():
            self.penalty[over] = self.noise[over]
            self.turns[over] = 0

    def _refresh(self, index: int) -> None:
        """Fill the arrays anew after gates were done."""
        search, size = self.searches[index], self.size
        pairs, at = search.pairs, search.at
        waiting = [pairs[gate] for gate in search.order]
        ahead = [pairs[gate] for gate in search.extended_set()]
        later = search.heuristic.weight * len(waiting) / max(1, len(ahead))
        places = [at[a] * size + at[b] for a, b in (*waiting, *ahead)]
        each = [1.0] * len(waiting) + [later] * len(ahead)
        found = np.bincount(places, each, size * size).reshape(size, size)
        self.weights[index] = found + found.T
        self.pulls[index] = self.weights[index] @ self.distances[index]
        self.waits[index] = False
        self.waits[index, [at[qubit] for pair in waiting for qubit in pair]] = True
        self.penalty[index] = self.noise[index]
        self.turns[index] = 0
        self.steps[index] = len(waiting)
        self.savings[index] = 0
        if (saving := search.heuristic.saving / 3) > 0:
            for (a, b), fewer in search.savings():
                self.savings[index, self.number[min(a, b), max(a, b)]] = saving * fewer

    def _remove(self, done: Sequence[int]) -> None:
        """Leave out searches that are done."""
        kept = [i for i in range(len(self.searches)) if i not in done]
        self.searches = [self.searches[index] for index in kept]
        for name in (
            "distances",
            "twice",
            "noise",
            "weights",
            "pulls",
            "waits",
            "penalty",
            "savings",
            "turns",
            "steps",
        ):
            setattr(self, name, getattr(self, name)[kept])
