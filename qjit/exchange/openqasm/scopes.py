"""What names of an OpenQASM program stand for, and where they are visible."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from .classical_types import Type, Value


@dataclass(eq=False)
class Variable:
    """A classical variable, with the value that it has at the moment."""

    type: Type
    data: Any
    constant: bool = False
    # Declared ahead of its statement, which gives it its value.
    awaited: bool = False

    @property
    def value(self) -> Value:
        """What the variable holds."""
        return Value(self.type, self.data)


@dataclass(frozen=True)
class Qubits:
    """A qubit, or a register of qubits, by their wires."""

    wires: tuple[Any, ...]
    single: bool = False
    physical: bool = False

    def one(self, index: Any) -> "Qubits":
        """Return the qubit of an index, which may be traced and is in range."""
        if not isinstance(index, Tracer):
            return Qubits((self.wires[index],), True)
        first = self.wires[0]
        known = not any(isinstance(wire, Tracer) for wire in self.wires)
        if known and self.wires == tuple(range(first, first + len(self.wires))):
            return Qubits((first + index,), True)
        wires = np.array(self.wires) if known else jnp.stack(self.wires)
        return Qubits((jnp.asarray(wires)[index],), True)


@dataclass(frozen=True)
class Definition:
    """A gate or a subroutine of the program, by its statement."""

    node: Any


@dataclass(eq=False)
class Frame:
    """The scopes of a program, or of one call of a gate or subroutine."""

    scopes: list[dict[str, Any]] = field(default_factory=lambda: [{}])
    returned: Variable | None = None
    callee: str = ""
    in_gate: bool = False
    # In the argument of `pow(...) @`, where integers are divided exactly.
    in_exponent: bool = False

    def find(self, name: str) -> Any:
        """Return what a name stands for in the innermost scope that has it."""
        for scope in reversed(self.scopes):
            if name in scope:
                return scope[name]
        return None


JUMPS = ("BreakStatement", "ContinueStatement")
LEAVING = ("ReturnStatement", "EndStatement")


def nodes_in(tree: Any) -> Iterator[Any]:
    """Return all nodes of a syntax tree, or of a list of trees."""
    pending = [tree]
    while pending:
        node = pending.pop()
        if isinstance(node, list | tuple):
            pending.extend(node)
        elif hasattr(node, "span"):
            yield node
            pending.extend(vars(node).values())


def kind_of(node: Any) -> str:
    """Return the name of the class of a node."""
    return type(node).__name__


def jumps_in(tree: Any) -> bool:
    """Return whether statements leave a loop around them, a subroutine, or all."""
    pending = [(tree, False)]
    while pending:
        node, in_loop = pending.pop()
        if isinstance(node, list | tuple):
            pending.extend((each, in_loop) for each in node)
        elif hasattr(node, "span"):
            kind = kind_of(node)
            if kind in LEAVING or (kind in JUMPS and not in_loop):
                return True
            inner = in_loop or kind in ("WhileLoop", "ForInLoop")
            pending.extend((each, inner) for each in vars(node).values())
    return False


def assigned_names(tree: Any) -> set[str]:
    """Return the names that statements may give values."""
    names: set[str] = set()
    for node in nodes_in(tree):
        kind = kind_of(node)
        if kind == "ClassicalAssignment":
            names |= _names_of((node.lvalue,))
        elif kind == "QuantumMeasurementStatement" and node.target is not None:
            names |= _names_of((node.target,))
        elif kind == "ClassicalDeclaration":  # one that is awaited
            names.add(node.identifier.name)
    return names


def _names_of(nodes: Iterable[Any]) -> set[str]:
    found = (getattr(node, "name", None) for node in nodes)
    names = (getattr(name, "name", name) for name in found)
    return {name for name in names if isinstance(name, str)}


def passed_names(tree: Any) -> set[str]:
    """Return the names that calls of subroutines are given, which may be arrays."""
    calls = (node for node in nodes_in(tree) if kind_of(node) == "FunctionCall")
    return {name for node in calls for name in _names_of(node.arguments)}
