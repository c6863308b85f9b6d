"""Checks that the equations of a program fit the sizes of one call.

JAX traces arrays of open size once, and takes some operations on them to fit without
knowing it. Before a program runs on other sizes, the shape rules of its equations are
asked again, with the sizes of the call.
"""

from collections.abc import Callable, Hashable, Mapping
from typing import Any

from jax.extend.core import ClosedJaxpr, Jaxpr

from qjit.errors import DimensionError
from qjit.lowering.jax_internals.equations import user_line as line_of_equation
from qjit.lowering.jax_internals.tracing import scan_counts, user_line
from qjit.lowering.jaxpr.dimensions import (
    Size,
    count,
    is_static,
    is_symbolic,
    names,
    number,
    numbers,
)
from qjit.lowering.jaxpr.nested import hashable, inner_jaxprs
from qjit.lowering.jaxpr.specialize import concrete_params

Shape = tuple[Size, ...]


class ShapeChecks:
    """The equations of a jaxpr whose shapes depend on the sizes of a call."""

    def __init__(self, closed: ClosedJaxpr, name: str) -> None:
        self.name = name
        self._equations: dict[Hashable, tuple[Any, str]] = {}
        if names(var.aval.shape for var in closed.jaxpr.invars):
            self._collect(closed.jaxpr, "")

    def _collect(self, jaxpr: Jaxpr, outer: str) -> None:
        for eqn in jaxpr.eqns:
            line = line_of_equation(eqn) or outer
            if _is_open(eqn):
                self._equations.setdefault(_key(eqn), (eqn, line))
            for inner in inner_jaxprs(eqn):
                self._collect(inner, line)

    def check(self, sizes: Mapping[str, int]) -> None:
        """Refuse sizes for which an operation of the program has no meaning.

        Raises:
            DimensionError: naming the line of the operation.
        """
        for eqn, line in self._equations.values():
            reason = _misfit(eqn, sizes)
            if reason:
                given = ", ".join(f"{name} = {n}" for name, n in sizes.items())
                raise DimensionError(
                    f"{line or user_line()}: '{self.name}' is compiled for any size, "
                    f"but for {given}, {reason}. Call it with arrays that fit."
                )


def _shapes(variables: Any) -> list[Shape]:
    return [tuple(getattr(var.aval, "shape", ())) for var in variables]


def _is_open(eqn: Any) -> bool:
    """Tell whether an equation has a size that is known only when a call is made."""
    shapes = _shapes((*eqn.invars, *eqn.outvars))
    return not all(map(is_static, shapes)) or any(map(_mentions, eqn.params.values()))


def _mentions(parameter: Any) -> bool:
    if isinstance(parameter, tuple | list):
        return any(map(_mentions, parameter))
    return is_symbolic(parameter)


def _key(eqn: Any) -> Hashable:
    params = tuple((name, hashable(value)) for name, value in eqn.params.items())
    kinds = tuple(
        (tuple(getattr(var.aval, "shape", ())), str(getattr(var.aval, "dtype", "")))
        for var in (*eqn.invars, *eqn.outvars)
    )
    return eqn.primitive.name, params, kinds


def _misfit(eqn: Any, sizes: Mapping[str, int]) -> str:
    """Return why an equation has no meaning for these sizes; empty if it has one."""
    try:
        given, made = (
            [numbers(shape, sizes) for shape in _shapes(variables)]
            for variables in (eqn.invars, eqn.outvars)
        )
    except ZeroDivisionError:
        return "a size is divided by zero"
    negative = next(
        (shape for shape in (*given, *made) if min(shape, default=0) < 0), None
    )
    if negative is not None:
        return f"an array would have the shape {negative}"
    rule = SPECIAL.get(eqn.primitive.name)
    if rule is not None:
        return rule(eqn, given, made, sizes)
    return _shape_rule(eqn, given, made, sizes)


def _shape_rule(eqn: Any, given: Any, made: Any, sizes: Mapping[str, int]) -> str:
    """Ask the primitive's own rule for the shapes of the results."""
    if inner_jaxprs(eqn) or not hasattr(eqn.primitive, "abstract_eval"):
        return ""
    avals = [
        var.aval.update(shape=shape) if hasattr(var.aval, "update") else var.aval
        for var, shape in zip(eqn.invars, given, strict=True)
    ]
    try:
        params = concrete_params(eqn, sizes)
        found, _ = eqn.primitive.abstract_eval(*avals, **params)
    except (TypeError, ValueError, IndexError) as error:
        return f"'{eqn.primitive.name}' says: {str(error).splitlines()[0].rstrip('.')}"
    outs = found if eqn.primitive.multiple_results else [found]
    shapes = [numbers(getattr(out, "shape", ()), sizes) for out in outs]
    if shapes != made:
        return f"'{eqn.primitive.name}' makes the shapes {shapes}, not {made}"
    return ""


def _reshape(eqn: Any, given: Any, made: Any, sizes: Mapping[str, int]) -> str:
    """Compare the numbers of elements, which JAX's rule takes to be equal."""
    if count(given[0]) == count(made[0]):
        return ""
    before, after = (
        f"{shape} ({count(shape)} elements)" for shape in (given[0], made[0])
    )
    return f"an array of shape {before} is reshaped to {after}"


def _scan(eqn: Any, given: Any, made: Any, sizes: Mapping[str, int]) -> str:
    """Compare the length with those of the arrays that are scanned and made."""
    first, carried = scan_counts(eqn.params)
    length = number(eqn.params["length"], sizes)
    lengths = {shape[0] for shape in (*given[first + carried :], *made[carried:])}
    if lengths <= {length}:
        return ""
    return f"a scan of length {length} runs over arrays of lengths {sorted(lengths)}"


SPECIAL: dict[str, Callable[[Any, Any, Any, Mapping[str, int]], str]] = {
    "reshape": _reshape,
    "scan": _scan,
    # It has no operands, and its parameter is the size.
    "dim_as_value": lambda *_: "",
}
