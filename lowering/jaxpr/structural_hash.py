"""The canonical form of a program: equal forms mean equal native code.

Forms are trees of tuples, lists, numbers, strings and bytes. A tuple stands for a
tuple, and a list for anything else, which its first entry names. What is not known to
have a form has none, and then the program has none: nothing is guessed.
"""

import hashlib
import marshal
from collections.abc import Callable, Sequence
from dataclasses import Field, fields
from enum import Enum
from typing import Any, TypeVar

import jax
import numpy as np
from jax.core import ShapedArray, Tracer
from jax.extend.core import ClosedJaxpr, Jaxpr, Literal

from qjit.dialects.circuit_tree import Branch, Input, Loop, Slot, Step
from qjit.lowering.jax_internals.equations import (
    AXES,
    KNOWN_GENERATORS,
    NO_MESHES,
    SYMBOLIC,
    axes_in_scope,
    dimension_terms,
    is_key,
    key_generator,
    line_of_source,
    scan_counts,
    scope_constraints,
)

Form = Any

PLAIN = frozenset((type(None), bool, int, float, complex, str, bytes))
FORMS: dict[type, Callable[["Canonical", Any], list[Any]]] = {}
# Parameters that no import rule reads: programs run on one device, wherever it is.
PLACING = frozenset(
    (
        *("sharding", "in_shardings", "out_shardings", "ctx_mesh", "devices", "srcs"),
        *("in_layouts", "out_layouts"),
    )
)
# What derivatives and batches are made by, in the parameters of these primitives. Both
# have been made before a program is compiled.
TRANSFORMING = frozenset(
    (
        *("jvp_jaxpr_fun", "jvp_jaxpr_thunk", "fwd_jaxpr_thunk", "bwd", "out_trees"),
        *("rule", "in_tree", "out_tree"),
    )
)
CUSTOM = frozenset(
    ("custom_jvp_call", "custom_vjp_call", "custom_vjp_call_jaxpr", "custom_vmap_call")
)

Kind = TypeVar("Kind")


class FormlessError(TypeError):
    """Something of a program has no canonical form."""


def form(*kinds: type) -> Callable[..., Any]:
    """Declare the canonical form of objects of exactly these types."""

    def register(function: Callable[["Canonical", Any], list[Any]]) -> Any:
        FORMS.update(dict.fromkeys(kinds, function))
        return function

    return register


def _fields(kind: Any) -> Sequence[Field[Any]]:
    return fields(kind)


def hashed_by_fields(kind: type[Kind]) -> type[Kind]:
    """Declare that the objects of a dataclass are what their fields are.

    Where the objects are compared by identity, which of them are the same counts.
    """
    identical = kind.__eq__ is object.__eq__
    names = [each.name for each in _fields(kind) if each.compare or identical]
    FORMS[kind] = _by_identity(names) if identical else _by_fields(names)
    return kind


def _by_fields(names: Sequence[str]) -> Callable[["Canonical", Any], list[Any]]:
    def of(canonical: "Canonical", value: Any) -> list[Any]:
        found = [canonical.value(getattr(value, name)) for name in names]
        return [type(value).__module__, type(value).__qualname__, *found]

    return of


def _by_identity(names: Sequence[str]) -> Callable[["Canonical", Any], list[Any]]:
    plain = _by_fields(names)
    return lambda canonical, value: canonical.once(value, plain)


class Canonical:
    """The forms of one program, and the lines that its equations come from.

    A line stands in a form as a number, which counts the lines in order of appearance:
    programs that were moved in their files have equal forms.
    """

    def __init__(self) -> None:
        self.lines: dict[str, int] = {}
        self._numbers: dict[Any, int] = {}
        self._seen: dict[int, tuple[int, Any]] = {}
        self._avals: dict[Any, Form] = {}
        self._traces: dict[Any, int] = {}

    def value(self, value: Any) -> Form:
        """Return the form of a value."""
        kind = type(value)
        if kind in PLAIN:
            return value
        if kind is tuple:
            return tuple([self.value(each) for each in value])
        found = FORMS.get(kind)
        if found is not None:
            return found(self, value)
        return self._other(value)

    def _other(self, value: Any) -> Form:
        name = type(value).__qualname__
        match value:
            case Tracer():
                raise FormlessError("a value is known only at run time")
            case Enum():
                return ["enum", type(value).__module__, name, value.name]
            case np.dtype():
                return dtype_form(value)
            case np.ndarray() | np.generic() | jax.Array():
                return array_form(value)
            case tuple() if hasattr(value, "_fields"):
                return [name, *map(self.value, value)]
            case type() if issubclass(value, np.generic):
                return ["type", value.__name__]
            case _:
                raise FormlessError(f"there is no canonical form of '{name}'")

    def once(
        self, value: Any, build: Callable[["Canonical", Any], list[Any]]
    ) -> list[Any]:
        """Return a form that tells whether this very object came before."""
        seen = self._seen.get(id(value))
        if seen is not None:
            return ["again", seen[0]]
        self._seen[id(value)] = len(self._seen), value
        return build(self, value)

    def line(self, source: Any) -> int:
        """Return the number of the user's line; -1 where there is none."""
        trace = source.traceback
        found = self._traces.get(trace)
        if found is None:
            line = line_of_source(source)
            found = self.lines.setdefault(line, len(self.lines)) if line else -1
            self._traces[trace] = found
        return found

    def shape(self, shape: Sequence[Any]) -> Form:
        """Return the form of a shape, whose sizes may be symbolic."""
        return tuple([d if type(d) is int else self.value(d) for d in shape])

    def aval(self, aval: Any) -> Form:
        """Return the form of an abstract array."""
        found = self._avals.get(id(aval))
        if found is None:
            if type(aval) is not ShapedArray:
                name = type(aval).__qualname__
                raise FormlessError(f"there is no canonical form of '{name}'")
            kind = dtype_form(aval.dtype)
            shape = self.shape(aval.shape)
            found = (shape, kind, bool(aval.weak_type)), aval
            self._avals[id(aval)] = found
        return found[0]

    def equation(self, eqn: Any) -> Form:
        """Return the form of an equation."""
        name = eqn.primitive.name
        try:
            params = self._params(name, eqn.params)
        except FormlessError as error:
            raise FormlessError(f"{error}, in '{name}'") from error
        numbers, avals = self._numbers, self._avals
        made: list[Any] = []
        for var in eqn.outvars:
            made.append(numbers.setdefault(var, len(numbers)))
            known = avals.get(id(var.aval))
            made.append(self.aval(var.aval) if known is None else known[0])
        given = [self.atom(atom) for atom in eqn.invars]
        return (name, *params, given, made, self.line(eqn.source_info))

    def _params(self, name: str, params: dict[str, Any]) -> Sequence[Any]:
        if name in CUSTOM:
            params = {k: v for k, v in params.items() if k not in TRANSFORMING}
        elif name == "scan" and "ft_in" in params:
            rest = {k: v for k, v in params.items() if k not in ("ft_in", "ft_out")}
            params = {**rest, "counts": scan_counts(params)}
        found: list[Any] = []
        for key, value in params.items():
            if key == "line":  # of a check, which says it where it fails
                found += [key, self.lines.setdefault(value, len(self.lines))]
            elif key not in PLACING:
                found.append(key)
                found.append(value if type(value) in PLAIN else self.value(value))
        return found

    def variable(self, var: Any) -> int:
        """Return the number of a variable."""
        return self._numbers.setdefault(var, len(self._numbers))

    def atom(self, atom: Any) -> Form:
        """Return the form of a variable, or of a number that stands for one."""
        if not isinstance(atom, Literal):
            return self.variable(atom)
        aval: Any = atom.aval
        if is_key(aval.dtype):
            raise FormlessError("there is no canonical form of random keys")
        array = np.asarray(atom.val, aval.dtype)
        return ["literal", array_form(array), bool(aval.weak_type)]


def dtype_form(dtype: Any) -> Form:
    """Return the form of a dtype of numbers, or of JAX's random keys."""
    if isinstance(dtype, np.dtype):
        if dtype.kind in "biufc" or dtype.type.__module__ == "ml_dtypes":
            return dtype.name
        if dtype == jax.dtypes.float0:
            return "float0"
    elif is_key(dtype):
        return ["key", generator_name(key_generator(dtype))]
    raise FormlessError(f"there is no canonical form of dtype '{dtype}'")


def array_form(value: Any) -> Form:
    """Return the form of an array that is known: a digest of its elements."""
    if is_key(value.dtype):
        raise FormlessError("there is no canonical form of random keys")
    array = np.asarray(value)
    kind = dtype_form(array.dtype)
    content = array.tobytes()
    if len(content) > hashlib.sha256().digest_size:
        content = hashlib.sha256(content).digest()
    return ["array", kind, array.shape, content]


def generator_name(generator: Any) -> str:
    """Return the name of one of JAX's own generators of random numbers."""
    if not any(generator is each for each in KNOWN_GENERATORS):
        raise FormlessError("there is no canonical form of a random generator")
    return generator.name


@form(Jaxpr, ClosedJaxpr)
def _jaxpr(canonical: Canonical, jaxpr: Any) -> list[Any]:
    # NOTE: since JAX 0.12 the two are one.
    consts = [canonical.value(const) for const in getattr(jaxpr, "consts", ())]
    return ["closed", canonical.once(getattr(jaxpr, "jaxpr", jaxpr), _open), consts]


def _open(canonical: Canonical, jaxpr: Any) -> list[Any]:
    variables = (*jaxpr.constvars, *jaxpr.invars)
    given = [(canonical.variable(var), canonical.aval(var.aval)) for var in variables]
    eqns = [canonical.equation(eqn) for eqn in jaxpr.eqns]
    outs = [canonical.atom(atom) for atom in jaxpr.outvars]
    return ["jaxpr", given, eqns, outs, bool(jaxpr.effects)]


@form(ShapedArray)
def _aval(canonical: Canonical, aval: Any) -> list[Any]:
    return ["aval", canonical.aval(aval)]


@form(AXES)
def _axes(_: Canonical, axes: Any) -> list[Any]:
    if axes_in_scope(axes):
        raise FormlessError("there is no canonical form of mapped axes")
    return ["no axes"]


@form(frozenset)
def _frozenset(canonical: Canonical, values: Any) -> list[Any]:
    return ["set", *sorted(digest(canonical.value(each)) for each in values)]


@form(dict)
def _dict(canonical: Canonical, value: Any) -> list[Any]:
    items = [(canonical.value(k), canonical.value(v)) for k, v in value.items()]
    return ["dict", *items]


@form(list)
def _list(canonical: Canonical, value: Any) -> list[Any]:
    return ["list", *map(canonical.value, value)]


@form(Step)
def _step(canonical: Canonical, step: Any) -> list[Any]:
    parts = (step.primitive, step.params, step.slots, step.inputs)
    line = -1 if step.source is None else canonical.line(step.source.source_info)
    return ["step", *map(canonical.value, parts), line]


@form(type(KNOWN_GENERATORS[0]))
def _generator(_: Canonical, generator: Any) -> list[Any]:
    return ["generator", generator_name(generator)]


@form(SYMBOLIC)
def _symbolic(canonical: Canonical, size: Any) -> list[Any]:
    terms = [
        (
            scale,
            [
                (v, operation, tuple(map(canonical.value, operands)), power)
                for v, operation, operands, power in factors
            ],
        )
        for scale, factors in dimension_terms(size)
    ]
    return ["size", terms, canonical.once(size.scope, _scope)]


def _scope(canonical: Canonical, scope: Any) -> list[Any]:
    return ["scope", *scope_constraints(scope)]


@form(*NO_MESHES)
def _mesh(_: Canonical, mesh: Any) -> list[Any]:
    if not mesh.empty:
        raise FormlessError("there is no canonical form of a mesh of devices")
    return ["no mesh"]


for kind in (Slot, Input, Loop, Branch):
    hashed_by_fields(kind)


def digest(tree: Form) -> str:
    """Return the digest of a form, as text."""
    try:
        # NOTE: the version of the format that has no references to equal objects.
        text = marshal.dumps(tree, 2)
    except ValueError as error:
        raise FormlessError("it is nested too deeply") from error
    return hashlib.sha256(text).hexdigest()
