"""The jaxprs inside of equations, and how much there is in them."""

from typing import Any

from jax.extend.core import Jaxpr

from qjit.dialects.circuit_tree import steps

# Primitives that run a circuit, and its derivatives.
CIRCUITS = ("qnode", "circuit", "circuit_jvp", "circuit_vjp")
# Types of parameters seen, and whether their values may hold equations or gates.
_holding: dict[type, bool] = {}


def _holders(eqn: Any) -> list[Any]:
    """Return the parameters, and members of sequences of these, that may hold some."""
    found: list[Any] = []
    if eqn.primitive.name.startswith("quantum_"):  # most equations; they hold none
        return found
    for value in eqn.params.values():
        for item in value if type(value) in (tuple, list) else (value,):
            kind = type(item)
            if kind not in _holding:
                names = ("jaxpr", "nodes", "eqns")
                _holding[kind] = any(hasattr(item, name) for name in names)
            if _holding[kind]:
                found.append(item)
    return found


def inner_jaxprs(eqn: Any) -> list[Jaxpr]:
    """Return every jaxpr among an equation's parameters."""
    found = [getattr(item, "jaxpr", item) for item in _holders(eqn)]
    return [each for each in found if isinstance(each, Jaxpr)]


def weight(eqn: Any) -> int:
    """Return the number of equations and gates in an equation."""
    total = 1
    for item in _holders(eqn):
        jaxpr = getattr(item, "jaxpr", item)
        if isinstance(jaxpr, Jaxpr):
            total += sum(map(weight, jaxpr.eqns))
        total += sum(1 for _ in steps(getattr(item, "nodes", ())))
    return total


def hashable(value: Any) -> Any:
    """Return a value that is equal for parameters known to be the same."""
    try:
        hash(value)
    except TypeError:
        return id(value)
    return value
