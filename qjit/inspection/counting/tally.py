"""Counts of what a circuit does, from its tree."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from qjit.inspection.circuits.expressions import (
    Expression,
    UnknownNameError,
    operation,
)
from qjit.inspection.circuits.tree import (
    Branch,
    Circuit,
    Delay,
    Gate,
    Loop,
    Measure,
    Meeting,
    Node,
    Permutation,
    Reset,
    Timed,
    Wire,
    own_expressions,
    walk,
)
from qjit.lowering.passes.quantum.timing.durations import (
    Keys,
    attoseconds,
)

from . import depths
from .polynomial import Polynomial, constant, least_upper, polynomial, summed

# What is counted: a kind, such as "gate", and which one of it.
Key = tuple[str, str | int]


@dataclass
class Tally:
    """Counts, and depths: of all gates, and of those on two wires or more.

    A third depth, of circuits that are scheduled, is their time in attoseconds. A depth
    is that of the map, if there is one, and at most that of the bound.
    """

    counts: dict[Key, Polynomial]
    maps: list[depths.Depths] | None
    bounds: list[Polynomial]

    def depth(self, number: int) -> Polynomial:
        """Return one of the depths, or what it is at most."""
        if self.maps is None:
            return self.bounds[number]
        return constant(depths.total(self.maps[number]))


@dataclass
class Counter:
    """Counts the parts of one circuit, where some names have values."""

    circuit: Circuit
    values: Mapping[str, Any]
    notes: dict[str, None] = field(default_factory=dict[str, None])
    used: set[int] = field(default_factory=set[int])
    at_most: bool = False  # whether the depth may be less than it says
    untimed: dict[str, None] = field(default_factory=dict[str, None])
    _whiles: dict[int, int] = field(default_factory=dict[int, int])

    @property
    def num_depths(self) -> int:
        """How many depths there are: scheduled circuits have times too."""
        return 2 if self.circuit.durations is None else 3

    def tally(self, nodes: Sequence[Node]) -> Tally:
        """Return the counts of nodes, one after another."""
        found = self._empty()
        segment = self._empty()
        for node in nodes:
            if isinstance(node, Loop | Branch):
                self._append(found, segment)
                segment = self._empty()
                each = (
                    self._loop(node) if isinstance(node, Loop) else self._branch(node)
                )
                self._append(found, each)
            else:
                self._count(segment, node)
        self._append(found, segment)
        return found

    def _empty(self) -> Tally:
        maps = [depths.identity(self.circuit.num_wires) for _ in range(self.num_depths)]
        return Tally({}, maps, [constant(0) for _ in maps])

    def _append(self, found: Tally, more: Tally) -> None:
        for key, count in more.counts.items():
            found.counts[key] = found.counts.get(key, constant(0)) + count
        found.bounds = [
            bound + more.depth(number) for number, bound in enumerate(found.bounds)
        ]
        if found.maps is None or more.maps is None:
            found.maps = None
        else:
            pairs = zip(found.maps, more.maps, strict=True)
            found.maps = [depths.after(*pair) for pair in pairs]

    def _count(self, found: Tally, node: Node) -> None:
        def add(kind: str, which: str | int = "", number: int = 1) -> None:
            key = kind, which
            found.counts[key] = found.counts.get(key, constant(0)) + constant(number)

        def takes(wires: Sequence[Wire], timed: Timed) -> None:
            self._pass(found, wires, sum(map(self._time, timed)))

        match node:
            case Delay():
                time = attoseconds(node.seconds)
                add("idle", number=time * len(node.wires))
                self._pass(found, node.wires, time)
            case Gate():
                add("gates")
                add("gate", _name(node))
                on = node.controls if node.base == "GlobalPhase" else node.wires
                add("arity", len(on))
                add("parameters", number=len(node.params))
                wires = self._wires(on)
                self.used |= set(wires)
                for number, depth in enumerate((found.maps or [])[:2]):
                    depths.add_gate(depth, wires, number == 0 or len(on) > 1)
                takes(on, node.timed)
            case Measure():
                add("measurement")
                takes((node.wire,), node.timed)
            case Reset():
                add("reset")
                takes((node.wire,), node.timed)
            case Meeting():
                self._pass(found, range(self.circuit.num_wires), 0)
            case Permutation():
                for depth in found.maps or ():
                    depth[list(node.targets)] = depth[list(node.sources)]
            case _:
                pass

    def _time(self, keys: Keys) -> int:
        """Return how long something takes; 0, with a note, where that is not known."""
        known = self.circuit.durations
        found = 0 if known is None else known.first(keys)
        if found is None:
            self.untimed[keys[0]] = None
        return found or 0

    def _pass(self, found: Tally, wires: Sequence[Wire], time: int) -> None:
        """Let time pass on wires, if there are times."""
        for depth in (found.maps or [])[2:]:
            depths.add_gate(depth, self._wires(wires), time)

    def _wires(self, wires: Sequence[Wire]) -> list[int]:
        """Return the wires; all of them, if one is not known."""
        found: list[int] = []
        for wire in wires:
            value = wire if isinstance(wire, int) else self._at(wire)
            if value is None:
                self.at_most = True
                return [*range(self.circuit.num_wires)]
            found.append(int(value) % self.circuit.num_wires)
        return found

    def _at(self, expression: Expression) -> Any:
        """Return the value of an expression, or None if it is not known."""
        try:
            return expression.at(self.values)
        except (UnknownNameError, ArithmeticError, ValueError, KeyError, IndexError):
            return None

    # Loops

    def _loop(self, node: Loop) -> Tally:
        name = self._rounds_name(node)
        if node.stop is None:
            rounds = self.values.get(name)
            if rounds is not None:
                return self._iterated(node, range(int(rounds)))
            self.notes[f"{name} is how often '{node.label}' is repeated"] = None
            return self._symbolic(node, Expression(0), 1, Expression(name))
        start, stop, step = map(self._known, (node.start, node.stop, node.step))
        numbers = [each.number for each in (start, stop, step)]
        if None not in numbers and step.number:
            span = range(*(math.ceil(number or 0) for number in numbers))
            return self._iterated(node, span)
        whole = int(step.number or 1)
        rounds = operation("-", stop, start)
        if whole != 1 or step.number is None:
            rounds = Expression("ceil", (operation("/", rounds, step),))
        return self._symbolic(node, start, whole, rounds)

    def _rounds_name(self, node: Loop) -> str:
        if node.stop is not None:
            return ""
        return f"rounds_{self._whiles.setdefault(id(node), len(self._whiles))}"

    def _iterated(self, node: Loop, span: range) -> Tally:
        if not _depends(node.body, node.counter):
            return self._repeated(self.tally(node.body), len(span))
        found, outer = self._empty(), self.values
        for number in span:
            self.values = {**outer, node.counter: number}
            self._append(found, self.tally(node.body))
        self.values = outer
        return found

    def _repeated(self, once: Tally, rounds: int) -> Tally:
        times = constant(rounds)
        maps = once.maps and [depths.power(each, rounds) for each in once.maps]
        counts = {key: count * times for key, count in once.counts.items()}
        return Tally(
            counts, maps, [times * once.depth(n) for n in range(self.num_depths)]
        )

    def _symbolic(
        self, node: Loop, start: Expression, step: int, rounds: Expression
    ) -> Tally:
        """Count a loop of which it is not known how often it is repeated."""
        once = self.tally(node.body)
        self.at_most = True

        def over(count: Polynomial) -> Polynomial:
            first, times = polynomial(start), polynomial(rounds)
            return summed(count, node.counter, first, step, times)

        counts = {key: over(count) for key, count in once.counts.items()}
        return Tally(
            counts, None, [over(once.depth(n)) for n in range(self.num_depths)]
        )

    def _known(self, expression: Expression) -> Expression:
        value = self._at(expression)
        return expression if value is None else Expression(float(value))

    # Branches

    def _branch(self, node: Branch) -> Tally:
        open_cases: list[Tally] = []
        labels: list[str] = []
        for case in node.cases:
            holds = self._at(case.condition)
            if holds is not None and not holds:
                continue
            open_cases.append(self.tally(case.body))
            labels.append(f"{case.label}: {_sizes(open_cases[-1])}")
            if holds:
                break
        else:
            open_cases.append(self._empty())
        if len(open_cases) == 1:
            return open_cases[0]
        self.notes["the larger of " + "; ".join(labels)] = None
        self.at_most = True
        return _larger(open_cases)


def _larger(cases: Sequence[Tally]) -> Tally:
    keys = dict.fromkeys(key for case in cases for key in case.counts)
    counts = {
        key: least_upper([case.counts.get(key, constant(0)) for case in cases])
        for key in keys
    }
    count = len(cases[0].bounds)
    bounds = [least_upper([case.depth(n) for case in cases]) for n in range(count)]
    known = [case.maps for case in cases if case.maps is not None]
    if len(known) < len(cases):
        return Tally(counts, None, bounds)
    first, *rest = known
    for maps in rest:
        first = [_maximum(*pair) for pair in zip(first, maps, strict=True)]
    return Tally(counts, first, bounds)


def _maximum(one: depths.Depths, two: depths.Depths) -> depths.Depths:
    return np.maximum(one, two)


def _name(gate: Gate) -> str:
    """Return what a gate is counted as: its name, and controls besides its own."""
    found = f"Adjoint({gate.name})" if gate.adjoint else gate.name
    if not gate.extra:
        return found
    return f"{gate.extra if gate.extra > 1 else ''}C({found})"


def _sizes(found: Tally) -> str:
    gates = [
        f"{count} {key[1]}" for key, count in found.counts.items() if key[0] == "gate"
    ]
    return ", ".join(gates) or "no gates"


def _depends(nodes: Sequence[Node], name: str) -> bool:
    return any(
        name in set(expression.names())
        for node in walk(nodes)
        for expression in own_expressions(node)
    )
