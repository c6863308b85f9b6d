"""Circuits as trees, from which drawings and counts are made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from qjit.lowering.passes.quantum.timing.durations import Durations, Keys

from .expressions import Expression

# A number, or what the number is when the program runs.
Wire = int | Expression
# By what the durations of the parts of an operation are found, if it is scheduled.
Timed = tuple[Keys, ...]


@dataclass(frozen=True)
class Gate:
    """A gate on targets under controls, each of which fires on its value.

    `base` is its name without the controls that its own name stands for, and `extra`
    how many controls it has besides these.
    """

    name: str
    base: str
    targets: tuple[Wire, ...]
    controls: tuple[Wire, ...] = ()
    values: tuple[int, ...] = ()
    params: tuple[Expression, ...] = ()
    adjoint: bool = False
    extra: int = 0
    note: str = ""  # what else there is to know, such as a Pauli word
    timed: Timed = ()

    @property
    def wires(self) -> tuple[Wire, ...]:
        """Controls, then targets."""
        return self.controls + self.targets


@dataclass(frozen=True)
class Delay(Gate):
    """A number of seconds in which wires idle, drawn as gates are."""

    seconds: float = 0.0


@dataclass(frozen=True)
class Measure:
    """A measurement on the way, whose outcome has a name."""

    wire: Wire
    outcome: str
    postselect: int | None = None
    reset: bool = False
    timed: Timed = ()


@dataclass(frozen=True)
class Reset:
    """A qubit is put into |0>."""

    wire: Wire
    timed: Timed = ()


@dataclass(frozen=True)
class Meeting:
    """All wires wait for one another, in a circuit that is scheduled."""


@dataclass(frozen=True)
class Permutation:
    """Qubits change places at no cost: each of these goes to the wire of its place."""

    sources: tuple[int, ...]
    targets: tuple[int, ...]


@dataclass(frozen=True)
class Loop:
    """A body that is repeated, with a counter, or while a condition holds."""

    counter: str
    start: Expression
    stop: Expression | None
    step: Expression
    body: tuple[Node, ...]
    condition: Expression | None = None
    shown: str = ""  # its stop or condition, or a name for it

    @property
    def label(self) -> str:
        """How often it is repeated, in words."""
        if self.stop is None:
            return f"while {self.shown}"
        step = "" if self.step.number == 1 else f" step {self.step.text()}"
        return f"for {self.counter} in {self.start.text()}..{self.shown}{step}"


@dataclass(frozen=True)
class Case:
    """One side of a branch, and when it is taken."""

    label: str
    condition: Expression
    body: tuple[Node, ...]


@dataclass(frozen=True)
class Branch:
    """The first case whose condition holds is done."""

    cases: tuple[Case, ...]


@dataclass(frozen=True)
class Terminal:
    """A measurement at the end, of wires or of an observable in words.

    `letters` are the Paulis and matrices of an observable that is one product.
    """

    kind: str
    wires: tuple[int, ...]
    letters: tuple[str, ...] = ()
    observable: str = ""


Node = Gate | Measure | Reset | Meeting | Permutation | Loop | Branch


@dataclass(frozen=True)
class Circuit:
    """A quantum function: its wires, its gates, and what it measures in the end."""

    name: str
    num_wires: int
    body: tuple[Node, ...]
    terminals: tuple[Terminal, ...]
    labels: tuple[str, ...] = ()
    legend: Mapping[str, str] = field(default_factory=dict[str, str])
    tables: Mapping[str, Any] = field(default_factory=dict[str, Any])  # named constants
    durations: Durations | None = None  # of gates, if these are scheduled

    @property
    def wire_labels(self) -> tuple[str, ...]:
        """What each wire is called."""
        return self.labels or tuple(map(str, range(self.num_wires)))


def bodies(node: Node) -> list[tuple[Node, ...]]:
    """Return what is inside a loop or a branch."""
    if isinstance(node, Loop):
        return [node.body]
    return [case.body for case in node.cases] if isinstance(node, Branch) else []


def walk(nodes: Sequence[Node]) -> Iterator[Node]:
    """Yield all nodes in order, those around others before them."""
    for node in nodes:
        yield node
        for body in bodies(node):
            yield from walk(body)


def own_wires(node: Node) -> tuple[Wire, ...]:
    """Return the wires of a node that is no loop or branch."""
    match node:
        case Gate():
            return node.wires
        case Measure() | Reset():
            return (node.wire,)
        case Permutation():
            return node.targets
        case _:
            return ()


def wires_of(node: Node, num_wires: int) -> set[int]:
    """Return the wires that a node touches: all, where that is known at run time."""
    found: set[int] = set()
    for each in walk([node]):
        for wire in own_wires(each):
            found |= {wire} if isinstance(wire, int) else set(range(num_wires))
    return found


def own_expressions(node: Node) -> Iterator[Expression]:
    """Yield the expressions that decide what a node does, without its parameters."""
    for wire in own_wires(node):
        if isinstance(wire, Expression):
            yield wire
    if isinstance(node, Branch):
        yield from (case.condition for case in node.cases)
    if isinstance(node, Loop):
        parts = node.start, node.stop, node.step, node.condition
        yield from (part for part in parts if part is not None)


def shown_texts(node: Node) -> Iterator[str]:
    """Yield what is written at a node, without what is in it."""
    match node:
        case Loop():
            yield node.label
        case Branch():
            yield from (case.label for case in node.cases)
        case _:
            params = node.params if isinstance(node, Gate) else ()
            yield from (each.text() for each in (*params, *own_expressions(node)))
