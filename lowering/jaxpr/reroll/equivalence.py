"""Equations in sequence: what they have in common, and how they are wired."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import jax
import numpy as np
from jax.core import Tracer
from jax.extend.core import ClosedJaxpr, Jaxpr, JaxprEqn, Literal, Var

from qjit.lowering.jax_internals.equations import line_of_source
from qjit.lowering.jaxpr.dimensions import is_static
from qjit.lowering.jaxpr.nested import CIRCUITS, hashable, weight
from qjit.lowering.jaxpr.traversal import inner_jaxprs

# Operations with an effect that may stand in a loop or a function.
REPEATABLE = ("quantum_gate", "quantum_unitary", "quantum_barrier", "quantum_delay")
# Operations that only rename elements.
RENAMINGS = ("slice", "squeeze", "reshape", "broadcast_in_dim", "expand_dims")
# What stands for the same however often it is called.
SHARED = ("jit", "pjit", *CIRCUITS)


class StructuralKeys:
    """What two equations must have in common to be one in a loop or a function.

    These are all but the operands, the numbers among them, and where slices start.
    """

    def __init__(self) -> None:
        self._lines: dict[Any, str] = {}
        self._jaxprs: dict[int, tuple[Any, int]] = {}
        self._forms: dict[Hashable, int] = {}

    def __call__(self, eqn: JaxprEqn) -> Hashable:
        """Return the key of an equation."""
        kinds = [_kind(atom.aval) for atom in (*eqn.invars, *eqn.outvars)]
        if not all(is_static(shape) for shape, _ in kinds) or not _repeatable(eqn):
            return object()
        name, params = eqn.primitive.name, eqn.params
        if name == "slice":
            sizes = np.subtract(params["limit_indices"], params["start_indices"])
            params = {"sizes": tuple(sizes.tolist()), "strides": params["strides"]}
        place = self._line(eqn.source_info) if eqn.effects else None
        values = [self._value(value) for value in params.values()]
        return name, place, len(eqn.invars), *kinds, *values

    def _line(self, source: Any) -> str:
        """Return the user's line, which errors at run time name."""
        trace = source.traceback
        if trace not in self._lines:
            self._lines[trace] = line_of_source(source)
        return self._lines[trace]

    def _value(self, value: Any) -> Hashable:
        match value:
            case ClosedJaxpr():
                return self._jaxpr(value, value.jaxpr, value.consts)
            case Jaxpr():
                return self._jaxpr(value, value, ())
            case tuple() if any(isinstance(each, ClosedJaxpr) for each in value):
                return tuple(map(self._value, value))
            case _:
                return hashable(value)

    def _jaxpr(self, value: Any, jaxpr: Jaxpr, consts: Sequence[Any]) -> int:
        """Return a number that jaxprs which do the same have in common."""
        if id(value) not in self._jaxprs:
            form = self._form(jaxpr, consts)
            number = self._forms.setdefault(form, len(self._forms))
            self._jaxprs[id(value)] = value, number
        return self._jaxprs[id(value)][1]

    def _form(self, jaxpr: Jaxpr, consts: Sequence[Any]) -> Hashable:
        numbers: dict[Any, int] = {}

        def named(atom: Any) -> Hashable:
            if isinstance(atom, Literal):
                return content(atom.val, atom.aval)
            return numbers.setdefault(atom, len(numbers))

        given = [(named(v), _kind(v.aval)) for v in (*jaxpr.invars, *jaxpr.constvars)]
        values = [
            content(const, var.aval)
            for var, const in zip(jaxpr.constvars, consts, strict=False)
        ]
        eqns = [
            (
                self(eqn),
                eqn.params.get("start_indices"),
                *map(named, eqn.invars),
                *map(named, eqn.outvars),
            )
            for eqn in jaxpr.eqns
        ]
        return *given, *values, *eqns, *map(named, jaxpr.outvars)


def _kind(aval: Any) -> tuple[Any, Any]:
    return getattr(aval, "shape", ()), getattr(aval, "dtype", aval)


def _repeatable(eqn: JaxprEqn) -> bool:
    if not eqn.effects or eqn.primitive.name in REPEATABLE:
        return True
    inner = inner_jaxprs(eqn)
    return bool(inner) and all(_repeatable(e) for jaxpr in inner for e in jaxpr.eqns)


def _own_weight(eqn: JaxprEqn, weight: int) -> int:
    """Return how much of an equation's weight is no function of its own."""
    name = eqn.primitive.name
    return 0 if name in RENAMINGS else 1 if name in SHARED else weight


def is_plain(atom: Any) -> bool:
    """Tell whether an atom is an array of numbers."""
    return isinstance(atom.aval.dtype, np.dtype)


def content(value: Any, aval: Any) -> Hashable:
    """Return what constants that are equal have in common."""
    if isinstance(value, Tracer) or not isinstance(
        getattr(aval, "dtype", None), np.dtype
    ):
        return hashable(value)
    array = np.asarray(value, aval.dtype)
    return array.shape, array.dtype, array.tobytes()


class Program:
    """Equations, and where their variables are made and used."""

    def __init__(
        self, eqns: Sequence[JaxprEqn], outvars: Sequence[Any], known: Mapping[Var, Any]
    ) -> None:
        self.eqns = eqns
        self.known = known
        self.made: dict[Var, tuple[int, int]] = {}
        self.last_use: dict[Var, int] = {}
        weights = list(map(weight, eqns))
        self.weights = np.cumsum([0, *weights])
        self.own_weights = np.cumsum([0, *map(_own_weight, eqns, weights)])
        for position, eqn in enumerate(eqns):
            for number, var in enumerate(eqn.outvars):
                self.made[var] = position, number
            for atom in eqn.invars:
                if not isinstance(atom, Literal):
                    self.last_use[atom] = position
        for atom in outvars:
            if not isinstance(atom, Literal):
                self.last_use[atom] = len(eqns)

    def weight(self, start: int, end: int) -> int:
        """Return how many equations there are between two positions."""
        return int(self.weights[end] - self.weights[start])

    def maker(self, atom: Any, since: int) -> tuple[int, int] | None:
        """Return the equation that made an atom, and as which result."""
        if isinstance(atom, Literal):
            return None
        made = self.made.get(atom)
        return None if made is None or made[0] < since else made

    def number(self, atom: Any) -> np.ndarray | None:
        """Return a scalar that is known when tracing."""
        if getattr(atom.aval, "shape", None) != () or not is_plain(atom):
            return None
        if isinstance(atom, Literal):
            return np.asarray(atom.val, getattr(atom.aval, "dtype", None))
        value: Any = self.known.get(atom)
        if not isinstance(value, (np.ndarray, np.generic, int, float, complex)):
            return None
        return np.asarray(value, getattr(atom.aval, "dtype", None))

    def constant(self, atom: Any) -> Any:
        """Return an array that is known when tracing."""
        if isinstance(atom, Literal) or isinstance(self.known.get(atom), Tracer):
            return None
        value = self.known.get(atom)
        return value if isinstance(value, (np.ndarray, jax.Array)) else None
