"""Circuits as trees: gates, loops and branches over arrays of parameters.

A circuit has no classical code left in it. Gate parameters stand in one flat array,
addressed by slots; everything else that is known at run time (traced wires, branch
choices, matrices) stands in arrays with one leading axis per enclosing loop.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Size = Any  # an integer, or a symbolic dimension of JAX


@dataclass(frozen=True)
class Slot:
    """A place in the flat parameter array: base plus the loop counters by strides.

    Before places are assigned, the base is the number of a value, and `element` tells
    which element of its last axis is meant.
    """

    base: Size
    strides: tuple[Size, ...] = ()
    element: int | None = None


@dataclass(frozen=True)
class Input:
    """A run-time value: an input array, indexed by the enclosing loops' counters."""

    number: int
    depth: int = 0


@dataclass(frozen=True)
class Step:
    """One quantum operation: a gate, a unitary, a preparation, or a measurement."""

    primitive: str
    params: Mapping[str, Any]
    slots: tuple[Slot, ...] = ()
    inputs: tuple[Input, ...] = ()
    source: Any = field(default=None, compare=False)


def gate_step(
    gate: str,
    wires: tuple[int | None, ...],
    *,
    num_controls: int = 0,
    control_values: tuple[bool, ...] = (),
    word: str | None = None,
    slots: tuple[Slot, ...] = (),
    inputs: tuple[Input, ...] = (),
    source: Any = None,
) -> Step:
    """Make a step of a gate of the table; wires that are inputs are None."""
    params = {
        "gate": gate,
        "wires": wires,
        "num_controls": num_controls,
        "control_values": control_values,
        "adjoint": False,
        "word": word,
        "dim": None,
    }
    return Step("quantum_gate", params, slots, inputs, source)


@dataclass(frozen=True)
class Loop:
    """Steps repeated a number of times that is known when the circuit begins."""

    length: Size
    body: tuple["Node", ...]


@dataclass(frozen=True)
class Branch:
    """One of several circuits, chosen by an integer input."""

    index: Input
    branches: tuple[tuple["Node", ...], ...]


Node = Step | Loop | Branch


def steps(nodes: tuple[Node, ...]) -> Iterator[Step]:
    """Yield every step of a circuit once, in program order."""
    for node in nodes:
        match node:
            case Step():
                yield node
            case Loop():
                yield from steps(node.body)
            case Branch():
                for branch in node.branches:
                    yield from steps(branch)
