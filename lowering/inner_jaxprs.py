"""The jaxprs inside of equations, and how much there is in them."""

from typing import Any

from jax.extend.core import Jaxpr

from qjit.dialects.circuit import steps

# Types of most parameters, in which there is no jaxpr.
PLAIN = frozenset({int, float, bool, str, type(None)})


def inner_jaxprs(eqn: Any) -> list[Jaxpr]:
    """Return every jaxpr among an equation's parameters."""
    found: list[Jaxpr] = []
    for value in eqn.params.values():
        if type(value) in PLAIN:
            continue
        for item in value if isinstance(value, (tuple, list)) else (value,):
            if type(item) in PLAIN:
                continue
            jaxpr = getattr(item, "jaxpr", item)
            if isinstance(jaxpr, Jaxpr):
                found.append(jaxpr)
    return found


def weight(eqn: Any) -> int:
    """Return the number of equations and gates in an equation."""
    within = sum(weight(each) for jaxpr in inner_jaxprs(eqn) for each in jaxpr.eqns)
    values = [value for value in eqn.params.values() if type(value) not in PLAIN]
    cores = [value for value in values if hasattr(value, "nodes")]
    return 1 + within + sum(1 for core in cores for _ in steps(core.nodes))


def hashable(value: Any) -> Any:
    """Return a value that is equal for parameters known to be the same."""
    try:
        hash(value)
    except TypeError:
        return id(value)
    return value
