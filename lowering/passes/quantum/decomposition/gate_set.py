"""Gate sets, and the cheapest way from each gate to one.

Gates are the nodes of a graph in which each rule leads from a gate to several. A gate
costs what the gates cost of which it is made; the cheapest ways are found from those of
the set upwards (D. E. Knuth, A generalization of Dijkstra's algorithm, 1977).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count
from typing import Any

from qjit.dialects.gates import GateRecord, are_discrete, find_gate
from qjit.dialects.gates.fourier import Angle, parameters
from qjit.dialects.gates.spelling import read_spelling, spelled

from .gate_kinds import GateKind, KindStep, Rule, substituted
from .rules import Written, rules_of

PHASE = "GlobalPhase"
# What gates of a set cost unless they are given weights, by their numbers of wires.
WEIGHTS = {0: 1e-3, 1: 1.0, 2: 10.0}
WIDE = 100.0


@dataclass(frozen=True)
class Placed:
    """A gate of the set in the place of another: its kind, angles and wires."""

    kind: GateKind
    name: str
    params: tuple[Angle | float, ...]
    wires: tuple[int, ...]


@dataclass(eq=False)
class GateSet:
    """Gates that others are decomposed to.

    `names` has gates, and adjoints as "adjoint(S)". Where gates are `modified`, any
    controls and adjoints of them are in the set too. `whose` is said in errors.
    """

    names: frozenset[str]
    whose: str = "the gate set"
    weights: Mapping[str, float] = field(default_factory=dict[str, float])
    written: Written = field(default_factory=dict[GateKind, tuple[Rule, ...]])
    modified: bool = False
    _costs: dict[GateKind, float] = field(default_factory=dict[GateKind, float])
    _chosen: dict[GateKind, Rule | None] = field(
        default_factory=dict[GateKind, "Rule | None"]
    )
    _hopeless: set[GateKind] = field(default_factory=set[GateKind])
    _placed: dict[GateKind, tuple[Placed, ...]] = field(
        default_factory=dict[GateKind, "tuple[Placed, ...]"]
    )

    def __post_init__(self) -> None:
        self._records = [
            (record, adjoint)
            for name, adjoint in map(read_spelling, sorted(self.names))
            if (record := find_gate(name)) is not None
        ]
        self.discrete = are_discrete(self.names)

    def name_of(self, kind: GateKind) -> str | None:
        """Return the name in the set of the gates of a kind, if they are in it."""
        for record, adjoint in self._records:
            base = record.base or record.name
            if base == kind.base and self._has(record, adjoint, kind):
                return record.name
        return None

    def _has(self, record: GateRecord, adjoint: bool, kind: GateKind) -> bool:
        own = 1 if record.num_controls is None else record.num_controls
        if self.modified:
            return own <= kind.num_controls
        if adjoint != kind.adjoint:
            return False
        if record.num_controls is None:
            return own <= kind.num_controls
        return own == kind.num_controls

    def cost(self, kind: GateKind) -> float | None:
        """Return what the gates cost of which a gate of a kind is made, if it can."""
        self._search(kind)
        return self._costs.get(kind)

    def placed(self, kind: GateKind) -> tuple[Placed, ...] | None:
        """Return the gates of the set of which a gate of a kind is made, if it can."""
        if self.cost(kind) is None:
            return None
        return self._expanded(kind)

    def _expanded(self, kind: GateKind) -> tuple[Placed, ...]:
        if (found := self._placed.get(kind)) is not None:
            return found
        rule = self._chosen[kind]
        if rule is None:
            found = (self._itself(kind),)
        else:
            everything = range(kind.num_wires + kind.spare)
            found = tuple(
                _moved(placed, step, everything)
                for step in rule
                for placed in self._expanded(step.kind)
            )
        self._placed[kind] = found
        return found

    def _itself(self, kind: GateKind) -> Placed:
        name = self.name_of(kind)
        assert name is not None
        angles = parameters(kind.record.num_params)
        return Placed(kind, name, angles, tuple(range(kind.num_wires)))

    def _weight(self, kind: GateKind, name: str) -> float:
        given = self.weights.get(spelled(name, True)) if kind.adjoint else None
        if given is None:
            given = self.weights.get(name)
        return WEIGHTS.get(kind.num_wires, WIDE) if given is None else given

    def _search(self, kind: GateKind) -> None:
        """Find the cheapest way to each kind that a kind may lead to."""
        if kind in self._costs or kind in self._hopeless:
            return
        waiting = _Waiting()
        for each, rules in self._reached(kind).items():
            for rule in rules:
                waiting.add(each, rule, self._costs)
            if (name := self.name_of(each)) is not None:
                waiting.push(self._weight(each, name), each, None)
        while waiting.heap:
            cost, _, each, rule = heappop(waiting.heap)
            if each not in self._costs:
                self._costs[each] = cost
                self._chosen[each] = rule
                waiting.settle(each, self._costs)
        self._hopeless |= waiting.seen - self._costs.keys()
        if kind not in self._costs:
            self._hopeless.add(kind)

    def _reached(self, kind: GateKind) -> dict[GateKind, tuple[Rule, ...]]:
        """Return the kinds that are not known yet, with their rules."""
        found: dict[GateKind, tuple[Rule, ...]] = {}
        front = [kind]
        while front:
            each = front.pop()
            if each in found or each in self._costs or each in self._hopeless:
                continue
            known = self.name_of(each) is not None
            found[each] = () if known else tuple(rules_of(each, self.written))
            front += [step.kind for rule in found[each] for step in rule]
        return found


class _Waiting:
    """Rules of which some gates have no known cost yet."""

    def __init__(self) -> None:
        self.heap: list[tuple[float, int, GateKind, Rule | None]] = []
        self.seen: set[GateKind] = set()
        self._users: dict[GateKind, list[list[Any]]] = {}
        self._pushed = count()

    def push(self, cost: float, kind: GateKind, rule: Rule | None) -> None:
        """Add a way to a kind whose cost is known."""
        heappush(self.heap, (cost, next(self._pushed), kind, rule))

    def add(self, kind: GateKind, rule: Rule, costs: Mapping[GateKind, float]) -> None:
        """Add a rule, which waits for the costs of its steps."""
        self.seen.add(kind)
        missing = {step.kind for step in rule} - costs.keys()
        entry = [len(missing), kind, rule]
        for each in missing:
            self._users.setdefault(each, []).append(entry)
        if not missing:
            self.push(_total(rule, costs), kind, rule)

    def settle(self, kind: GateKind, costs: Mapping[GateKind, float]) -> None:
        """Push the rules that waited for a kind only."""
        for entry in self._users.pop(kind, ()):
            entry[0] -= 1
            if not entry[0]:
                self.push(_total(entry[2], costs), entry[1], entry[2])


def _total(rule: Iterable[KindStep], costs: Mapping[GateKind, float]) -> float:
    return sum(costs[step.kind] for step in rule)


def _moved(placed: Placed, step: KindStep, everything: Iterable[int]) -> Placed:
    """Return a gate that stands for a part of a step where the step stands."""
    spare = [wire for wire in everything if wire not in step.wires]
    wires = [*step.wires, *spare]
    return Placed(
        placed.kind,
        placed.name,
        tuple(substituted(param, step.params) for param in placed.params),
        tuple(wires[wire] for wire in placed.wires),
    )


def unknown_names(names: Iterable[str]) -> list[str]:
    """Return the names that are no gates, nor adjoints of gates."""
    return [name for name in names if find_gate(read_spelling(name)[0]) is None]


def aliases_replaced(names: Iterable[str]) -> frozenset[str]:
    """Return names where each gate has the name of the table."""
    found: set[str] = set()
    for name, adjoint in map(read_spelling, names):
        record = find_gate(name)
        found.add(spelled(name if record is None else record.name, adjoint))
    return frozenset(found)
