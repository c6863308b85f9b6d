"""SABRE: SWAPs that bring the qubits of gates together, found step by step.

Li, Ding and Xie (arXiv:1809.02573), with the extended set, the decay and the release
valve of LightSABRE (arXiv:2409.08368). Gates that commute may be done in any order.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from .coupling import CouplingGraph
from .dependencies import Dependencies

DECAY = 0.001
DECAY_RESET = 5


@dataclass(frozen=True)
class Heuristic:
    """How a SWAP is chosen: by distances to a power, now and in the extended set."""

    lookahead: int = 20
    weight: float = 0.5
    power: float = 1.0


@dataclass(frozen=True)
class Swap:
    """A SWAP of the qubits at two vertices."""

    a: int
    b: int


# The number of a gate among the pairs, or a SWAP.
Move = int | Swap


@dataclass
class Routed:
    """Gates and SWAPs in the order in which they are done, and where qubits end."""

    moves: list[Move]
    layout: list[int]

    @property
    def num_swaps(self) -> int:
        """How many SWAPs there are."""
        return sum(isinstance(move, Swap) for move in self.moves)

    def cost(self, graph: CouplingGraph) -> float:
        """The cost of the SWAPs, three gates each."""
        costs = graph.costs
        return sum(3 * costs[m.a, m.b] for m in self.moves if isinstance(m, Swap))


def route(
    gates: Dependencies,
    graph: CouplingGraph,
    layout: Sequence[int],
    *,
    num_done: int | None = None,
    heuristic: Heuristic = Heuristic(),
    seed: int = 0,
) -> Routed:
    """Return the gates with SWAPs between them.

    Args:
        gates: the gates in the order in which they depend on one another.
        graph: the coupling graph.
        layout: the vertex of each qubit.
        num_done: how many of the gates are to be done; those after are looked at only.
        heuristic: how SWAPs are chosen.
        seed: decides between SWAPs that are equally good.
    """
    search = _Search(gates, graph, layout, num_done, heuristic, seed)
    search.run()
    return Routed(search.moves, search.at)


class _Search:
    """The state of a search: where qubits are, and which gates are waiting."""

    def __init__(
        self,
        gates: Dependencies,
        graph: CouplingGraph,
        layout: Sequence[int],
        num_done: int | None,
        heuristic: Heuristic,
        seed: int,
    ) -> None:
        self.pairs, self.groups = gates.pairs, gates.groups
        self.graph, self.heuristic = graph, heuristic
        self.num_done = len(self.pairs) if num_done is None else num_done
        self.hops = graph.hops
        self.distance = _powers(graph, heuristic.power)
        self.at = list(layout)
        self.qubit_at: list[int | None] = [None] * graph.num_vertices
        for qubit, vertex in enumerate(self.at):
            self.qubit_at[vertex] = qubit
        size = gates.num_qubits
        self.level = [-1] * size
        self.left = [0] * size
        self.need = [2] * len(self.pairs)
        self.waiting: list[dict[int, int]] = [{} for _ in range(size)]
        self.num_waiting = 0
        self.queue: list[int] = []
        self.moves: list[Move] = []
        self.since: list[Swap] = []
        self.decay = [0] * graph.num_vertices
        self.random = random.Random(seed)
        self.ahead: list[list[int]] = []
        self.ahead_scale = 0.0
        self.order: dict[int, None] = {}

    def run(self) -> None:
        """Do all gates."""
        for qubit in range(len(self.level)):
            self._open(qubit)
        self._execute()
        while self.num_waiting:
            if len(self.since) >= 10 + 2 * len(self.qubit_at):
                self._release()
            else:
                self._swap(*self._best())
            if self.queue:
                self._execute()

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
        self.num_waiting += 1

    def _execute(self) -> None:
        """Do the gates whose qubits are together, and look for those to come."""
        for gate in self.queue:  # which grows
            self.moves.append(gate)
            for qubit in self.pairs[gate]:
                self.left[qubit] -= 1
                if not self.left[qubit]:
                    self._open(qubit)
        self.queue.clear()
        self.since.clear()
        self.decay = [0] * len(self.decay)
        self._look_ahead()

    def _look_ahead(self) -> None:
        """Collect the gates that come next, in the order of the groups of qubits."""
        most = self.heuristic.lookahead
        found: dict[int, None] = {}
        qubits = list(dict.fromkeys(q for g in self.order for q in self.pairs[g]))
        for depth in range(most):
            some = False
            for qubit in qubits:
                groups, level = self.groups[qubit], self.level[qubit] + depth
                if level >= len(groups):
                    continue
                some = True
                for gate in groups[level]:
                    if self.need[gate] and gate not in found:
                        found[gate] = None
                        qubits.extend(q for q in self.pairs[gate] if q not in qubits)
            if not some or len(found) >= most:
                break
        ahead: list[list[int]] = [[] for _ in self.waiting]
        for gate in list(found)[:most]:
            a, b = self.pairs[gate]
            ahead[a].append(b)
            ahead[b].append(a)
        self.ahead = ahead
        count = min(len(found), most)
        self.ahead_scale = self.heuristic.weight / count if count else 0.0

    def _best(self) -> tuple[int, int]:
        """Return the ends of the best SWAP."""
        at, qubit_at, distance = self.at, self.qubit_at, self.distance
        waiting, ahead, decay = self.waiting, self.ahead, self.decay
        scale = self.ahead_scale * self.num_waiting
        step = DECAY * self.num_waiting
        best, found = float("inf"), [(0, 0)]
        seen: set[tuple[int, int]] = set()
        neighbours = self.graph.neighbours
        for qubit, gates in enumerate(waiting):
            if not gates:
                continue
            p = at[qubit]
            for q in neighbours[p]:
                if ((p, q) if p < q else (q, p)) in seen:
                    continue
                seen.add((p, q) if p < q else (q, p))
                from_p, from_q, other = distance[p], distance[q], qubit_at[q]
                gain = later = 0.0
                for each in gates.values():
                    if each != other:
                        place = at[each]
                        gain += from_q[place] - from_p[place]
                for each in ahead[qubit]:
                    if each != other:
                        place = at[each]
                        later += from_q[place] - from_p[place]
                if other is not None:
                    for each in waiting[other].values():
                        if each != qubit:
                            place = at[each]
                            gain += from_p[place] - from_q[place]
                    for each in ahead[other]:
                        if each != qubit:
                            place = at[each]
                            later += from_p[place] - from_q[place]
                score = gain + scale * later + step * max(decay[p], decay[q])
                if score < best - 1e-10:
                    best, found = score, [(p, q)]
                elif score < best + 1e-10:
                    found.append((p, q))
        return found[0] if len(found) == 1 else self.random.choice(found)

    def _swap(self, p: int, q: int) -> None:
        """Exchange what is at two vertices."""
        swap = Swap(p, q)
        self.moves.append(swap)
        self.since.append(swap)
        if len(self.since) % DECAY_RESET:
            self.decay[p] += 1
            self.decay[q] += 1
        else:
            self.decay = [0] * len(self.decay)
        self._exchange(p, q)
        for vertex in (p, q):
            if (qubit := self.qubit_at[vertex]) is not None:
                self._wake(qubit)

    def _exchange(self, p: int, q: int) -> None:
        x, y = self.qubit_at[p], self.qubit_at[q]
        self.qubit_at[p], self.qubit_at[q] = y, x
        if x is not None:
            self.at[x] = q
        if y is not None:
            self.at[y] = p

    def _wake(self, qubit: int) -> None:
        """Let the gates of a qubit be done that are possible now."""
        hops = self.hops[self.at[qubit]]
        ready = [g for g, b in self.waiting[qubit].items() if hops[self.at[b]] == 1]
        for gate in ready:
            for each in self.pairs[gate]:
                del self.waiting[each][gate]
            del self.order[gate]
            self.num_waiting -= 1
            self.queue.append(gate)

    def _release(self) -> None:
        """Undo what did not lead to a gate, and go straight to the nearest one."""
        for swap in reversed(self.since):
            self._exchange(swap.a, swap.b)
            self.moves.pop()
        self.since.clear()
        at, hops = self.at, self.hops
        gate = min(
            self.order, key=lambda g: hops[at[self.pairs[g][0]]][at[self.pairs[g][1]]]
        )
        a, b = (at[qubit] for qubit in self.pairs[gate])
        path = self.graph.path(a, b)
        for p, q in zip(path[:-2], path[1:-1], strict=True):
            self._swap(p, q)


def _powers(graph: CouplingGraph, power: float) -> list[list[float]]:
    if power == 1.0:
        return graph.distances
    return [[each**power for each in row] for row in graph.distances]
