"""Import rules of reductions, cumulative operations and matrix products."""

from builtins import complex as complex_number
from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np
from jax.extend.core import ClosedJaxpr
from xdsl.dialects import arith, complex
from xdsl.dialects.builtin import i64
from xdsl.dialects.utils.fast_math import FastMathFlag
from xdsl.ir import SSAValue

from qjit.lowering.importer.importer import Importer, rule
from qjit.lowering.importer.rules.scalars.conversions import convert
from qjit.lowering.importer.rules.scalars.elementwise import extremum
from qjit.lowering.importer.values import Value, kind_of_dtype
from qjit.lowering.jax_internals.equations import enable_x64
from qjit.lowering.jaxpr.dimensions import Size, at_most

from .shapes import reshaped

ANY_ORDER = arith.FastMathFlagsAttr([FastMathFlag.REASSOC])
Scalars = Sequence[SSAValue]
# A function of two scalars, for numbers of some kind.
Operation = Callable[[Importer, str, SSAValue, SSAValue], SSAValue]
# A function of what was combined so far and of the next elements.
Combine = Callable[[Scalars, Scalars], Scalars]


def plus(importer: Importer, kind: str, x: SSAValue, y: SSAValue) -> SSAValue:
    """Add two scalars, as a part of a sum whose order is free."""
    if kind == "f":
        return importer.emit(arith.AddfOp(x, y, ANY_ORDER))
    table = {"c": complex.AddOp, "b": arith.OrIOp}
    return importer.emit(table.get(kind, arith.AddiOp)(x, y))


def times(importer: Importer, kind: str, x: SSAValue, y: SSAValue) -> SSAValue:
    """Multiply two scalars."""
    table = {"f": arith.MulfOp, "c": complex.MulOp, "b": arith.AndIOp}
    return importer.emit(table.get(kind, arith.MuliOp)(x, y))


def _largest(importer: Importer, kind: str, x: SSAValue, y: SSAValue) -> SSAValue:
    return extremum(importer, kind, x, y, largest=True)


def _smallest(importer: Importer, kind: str, x: SSAValue, y: SSAValue) -> SSAValue:
    return extremum(importer, kind, x, y, largest=False)


def _and(importer: Importer, _: str, x: SSAValue, y: SSAValue) -> SSAValue:
    return importer.emit(arith.AndIOp(x, y))


def _or(importer: Importer, _: str, x: SSAValue, y: SSAValue) -> SSAValue:
    return importer.emit(arith.OrIOp(x, y))


def _xor(importer: Importer, _: str, x: SSAValue, y: SSAValue) -> SSAValue:
    return importer.emit(arith.XOrIOp(x, y))


def lowest(dtype: Any) -> Any:
    """Return the smallest value of a real dtype."""
    dtype = np.dtype(dtype)
    if kind_of_dtype(dtype) == "c":
        return complex_number(-np.inf)
    if kind_of_dtype(dtype) == "f":
        return -np.inf
    return False if kind_of_dtype(dtype) == "b" else np.iinfo(dtype).min


def highest(dtype: Any) -> Any:
    """Return the largest value of a real dtype."""
    dtype = np.dtype(dtype)
    if kind_of_dtype(dtype) == "c":
        return complex_number(np.inf)
    if kind_of_dtype(dtype) == "f":
        return np.inf
    return True if kind_of_dtype(dtype) == "b" else np.iinfo(dtype).max


REDUCTIONS: dict[str, tuple[Operation, Callable[[Any], Any]]] = {
    "sum": (plus, lambda _: 0),
    "prod": (times, lambda _: 1),
    "max": (_largest, lowest),
    "min": (_smallest, highest),
    "and": (_and, lambda dtype: True if dtype == np.bool_ else -1),
    "or": (_or, lambda _: 0),
    "xor": (_xor, lambda _: 0),
}


def combine_by_name(importer: Importer, name: str, dtype: Any) -> Combine:
    """Return the combination of two scalars that a reduction is named for."""
    operation, kind = REDUCTIONS[name][0], kind_of_dtype(dtype)
    return lambda old, new: [operation(importer, kind, old[0], new[0])]


def identity(importer: Importer, name: str, dtype: Any) -> SSAValue:
    """Return the scalar that a named reduction starts from."""
    return importer.scalar_constant(REDUCTIONS[name][1](dtype), dtype)


def combine_by_jaxpr(
    importer: Importer, body: Any, consts: Sequence[Any] = ()
) -> Combine:
    """Return the combination of scalars that a jaxpr computes."""
    closed = body if isinstance(body, ClosedJaxpr) else None
    jaxpr = body if closed is None else closed.jaxpr
    consts = consts if closed is None else closed.consts

    def combine(old: Scalars, new: Scalars) -> Scalars:
        given = zip((*old, *new), jaxpr.invars, strict=True)
        values = [importer.from_scalar(scalar, var.aval) for scalar, var in given]
        found = importer.evaluate(jaxpr, consts, values)
        return [importer.scalar(value) for value in found]

    return combine


def combine_by_function(
    importer: Importer, function: Callable[..., Any], dtype: Any
) -> Combine:
    """Return the combination of two scalars that JAX traces in a function."""
    scalar = jax.ShapeDtypeStruct((), dtype)
    with enable_x64(True):
        return combine_by_jaxpr(importer, jax.make_jaxpr(function)(scalar, scalar))


def reduce_axes(
    importer: Importer,
    avals: Sequence[Any],
    shape: Sequence[Size],
    axes: Sequence[int],
    initial: Scalars,
    step: Callable[[list[SSAValue], Scalars], Scalars],
) -> list[Value]:
    """Fold an array along some of its axes, reading it in the order of memory."""
    kept = [axis for axis in range(len(shape)) if axis not in axes]
    if kept and kept[-1] == len(shape) - 1 and not at_most(shape[-1], 1):
        return _reduce_in_memory(importer, avals, shape, kept, initial, step)

    def reduce(outer: list[SSAValue]) -> Scalars:
        def visit(inner: list[SSAValue], carried: Scalars) -> Scalars:
            rest, own = iter(outer), iter(inner)
            places = [next(own if a in axes else rest) for a in range(len(shape))]
            return step(places, carried)

        extents = [shape[axis] for axis in sorted(axes)]
        return importer.loop(extents, visit, initial)

    return computed_together(importer, avals, reduce)


def _reduce_in_memory(
    importer: Importer,
    avals: Sequence[Any],
    shape: Sequence[Size],
    kept: Sequence[int],
    initial: Scalars,
    step: Callable[[list[SSAValue], Scalars], Scalars],
) -> list[Value]:
    made = computed_together(importer, avals, lambda _: initial)
    targets = [importer.buffer(value) for value in made]

    def visit(places: list[SSAValue], _: Any) -> Scalars:
        here = [places[axis] for axis in kept]
        old = [
            importer.load(target, here, aval.dtype)
            for target, aval in zip(targets, avals, strict=True)
        ]
        new = step(places, old)
        for scalar, target, aval in zip(new, targets, avals, strict=True):
            importer.store(scalar, target, here, aval.dtype)
        return []

    importer.loop(shape, visit)
    return made


def _reduce(
    importer: Importer,
    eqn: Any,
    inputs: Sequence[Value],
    axes: Sequence[int],
    initial: Scalars,
    combine: Combine,
) -> list[Value]:
    def step(places: list[SSAValue], carried: Scalars) -> Scalars:
        return combine(carried, [importer.element(value, places) for value in inputs])

    avals, shape = [var.aval for var in eqn.outvars], inputs[0].shape
    if all(shape[axis] == 1 for axis in axes):
        # NOTE: as XLA, which takes it that the initial values are neutral.
        pairs = zip(avals, inputs, strict=True)
        return [reshaped(importer, aval, value) for aval, value in pairs]
    return reduce_axes(importer, avals, shape, tuple(axes), initial, step)


def _reduction(name: str) -> None:
    @rule(f"reduce_{name}")
    def _(importer: Importer, eqn: Any, x: Value) -> list[Value]:
        initial = [identity(importer, name, x.dtype)]
        combine = combine_by_name(importer, name, x.dtype)
        return _reduce(importer, eqn, [x], eqn.params["axes"], initial, combine)


for _name in REDUCTIONS:
    _reduction(_name)


@rule("reduce")
def _reduce_by_jaxpr(importer: Importer, eqn: Any, *inputs: Value) -> list[Value]:
    count, params = len(eqn.outvars), eqn.params
    combine = combine_by_jaxpr(importer, params["jaxpr"], params.get("consts", ()))
    initial = [importer.scalar(value) for value in inputs[count:]]
    return _reduce(
        importer, eqn, inputs[:count], params["dimensions"], initial, combine
    )


def computed(
    importer: Importer, aval: Any, element: Callable[[list[SSAValue]], SSAValue]
) -> Value:
    """Return a value whose elements are computed here and now."""
    return computed_together(importer, [aval], lambda place: [element(place)])[0]


def computed_together(
    importer: Importer,
    avals: Sequence[Any],
    elements: Callable[[list[SSAValue]], Scalars],
) -> list[Value]:
    """Return values of one shape, whose elements are computed here and now."""
    shape = avals[0].shape
    if not shape:
        return [
            importer.from_scalar(scalar, aval)
            for scalar, aval in zip(elements([]), avals, strict=True)
        ]
    targets = [importer.allocate(aval.shape, aval.dtype) for aval in avals]

    def body(indices: list[SSAValue], _: Any) -> list[SSAValue]:
        found = elements(indices)
        for scalar, target, aval in zip(found, targets, avals, strict=True):
            importer.store(scalar, target, indices, aval.dtype)
        return []

    importer.loop(shape, body)
    return [
        importer.from_buffer(target, aval)
        for target, aval in zip(targets, avals, strict=True)
    ]


def _argument(name: str, order: str, start: Callable[[Any], Any]) -> None:
    @rule(name)
    def _(importer: Importer, eqn: Any, x: Value) -> list[Value]:
        (axis,), aval = eqn.params["axes"], eqn.outvars[0].aval
        initial = [
            importer.scalar_constant(start(x.dtype), x.dtype),
            importer.scalar_constant(0, aval.dtype),
        ]

        def step(places: list[SSAValue], carried: Scalars) -> Scalars:
            element = importer.element(x, places)
            better = _better(importer, x.dtype, element, carried[0], order)
            wide = importer.emit(arith.IndexCastOp(places[axis], i64))
            place = convert(importer, wide, np.int64, aval.dtype)
            return [
                importer.emit(arith.SelectOp(better, new, old))
                for new, old in zip((element, place), carried, strict=True)
            ]

        best = jax.ShapeDtypeStruct(aval.shape, x.dtype)
        return reduce_axes(importer, [best, aval], x.shape, [axis], initial, step)[1:]


def _better(
    importer: Importer, dtype: Any, element: SSAValue, best: SSAValue, order: str
) -> SSAValue:
    """Return whether an element beats the best so far; the first NaN beats all."""
    kind = kind_of_dtype(dtype)
    if kind != "f":
        sign = "s" if kind == "i" else "u"
        return importer.emit(arith.CmpiOp(element, best, sign + order))
    beats = importer.emit(arith.CmpfOp(element, best, "u" + order))
    sound = importer.emit(arith.CmpfOp(best, best, "oeq"))
    return importer.emit(arith.AndIOp(beats, sound))


_argument("argmax", "gt", lowest)
_argument("argmin", "lt", highest)


def _accumulate(
    importer: Importer, eqn: Any, x: Value, first: SSAValue, combine: Combine
) -> list[Value]:
    """Combine along an axis, keeping what came before of each row behind it."""
    aval, axis, shape = eqn.outvars[0].aval, eqn.params["axis"], x.shape
    behind = shape[axis + 1 :]
    last = importer.index_constant(shape[axis] - 1)
    target = importer.allocate(shape, x.dtype)
    state = importer.allocate(behind, x.dtype)

    def row(outer: list[SSAValue], _: Any) -> Scalars:
        def advance(place: list[SSAValue], carried: Scalars) -> Scalars:
            here = place[0]
            if eqn.params["reverse"]:
                here = importer.emit(arith.SubiOp(last, here))

            def element(inner: list[SSAValue], carried: Scalars) -> Scalars:
                places = [*outer, here, *inner]
                old = carried or [importer.load(state, inner, x.dtype)]
                (new,) = combine(old, [importer.element(x, places)])
                importer.store(new, target, places, x.dtype)
                if not carried:
                    importer.store(new, state, inner, x.dtype)
                return [new] if carried else []

            return importer.loop(behind, element, carried)

        if not behind:
            return importer.loop([shape[axis]], advance, [first]) and []
        importer.copy_into(spread(importer, behind, x.dtype, first), state)
        return importer.loop([shape[axis]], advance)

    importer.loop(shape[:axis], row)
    return [importer.from_buffer(target, aval)]


def spread(
    importer: Importer, shape: tuple[Size, ...], dtype: Any, scalar: SSAValue
) -> Value:
    """Return an array with one scalar everywhere."""
    aval = jax.ShapeDtypeStruct(shape, dtype)
    return importer.lazy(aval, [], lambda _: scalar, cheap=True)


def _cumulative(name: str) -> None:
    @rule(f"cum{name}")
    def _(importer: Importer, eqn: Any, x: Value) -> list[Value]:
        first = identity(importer, name, x.dtype)
        combine = combine_by_name(importer, name, x.dtype)
        return _accumulate(importer, eqn, x, first, combine)


for _name in ("sum", "prod", "max", "min"):
    _cumulative(_name)


@rule("cumlogsumexp")
def _cumlogsumexp(importer: Importer, eqn: Any, x: Value) -> list[Value]:
    first = importer.scalar_constant(-np.inf, x.dtype)
    combine = combine_by_function(importer, jax.numpy.logaddexp, x.dtype)
    return _accumulate(importer, eqn, x, first, combine)
