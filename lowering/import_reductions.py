"""Import rules of reductions, cumulative operations and matrix products."""

from builtins import complex as complex_number
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from xdsl.dialects import arith, complex
from xdsl.dialects.builtin import i64
from xdsl.ir import SSAValue

from .arrays import Value, kind_of_dtype
from .dimensions import Size, at_most, count
from .import_conversions import convert
from .import_elementwise import extremum
from .importer import Importer, rule

Combine = Callable[[Importer, str, SSAValue, SSAValue], SSAValue]


def plus(importer: Importer, kind: str, x: SSAValue, y: SSAValue) -> SSAValue:
    """Add two scalars."""
    table = {"f": arith.AddfOp, "c": complex.AddOp, "b": arith.OrIOp}
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
        return complex_infinity(-np.inf)
    if kind_of_dtype(dtype) == "f":
        return -np.inf
    return False if kind_of_dtype(dtype) == "b" else np.iinfo(dtype).min


def highest(dtype: Any) -> Any:
    """Return the largest value of a real dtype."""
    dtype = np.dtype(dtype)
    if kind_of_dtype(dtype) == "c":
        return complex_infinity(np.inf)
    if kind_of_dtype(dtype) == "f":
        return np.inf
    return True if kind_of_dtype(dtype) == "b" else np.iinfo(dtype).max


def complex_infinity(part: float) -> Any:
    """Return the extreme of the lexicographic order of complex numbers."""
    return complex_number(part, part)


REDUCTIONS: dict[str, tuple[Combine, Callable[[Any], Any]]] = {
    "sum": (plus, lambda _: 0),
    "prod": (times, lambda _: 1),
    "max": (_largest, lowest),
    "min": (_smallest, highest),
    "and": (_and, lambda dtype: True if dtype == np.bool_ else -1),
    "or": (_or, lambda _: 0),
    "xor": (_xor, lambda _: 0),
}


def fold(
    importer: Importer,
    shape: Sequence[Size],
    axes: Sequence[int],
    outer: Sequence[SSAValue],
    initial: Sequence[SSAValue],
    step: Callable[[list[SSAValue], Sequence[SSAValue]], Sequence[SSAValue]],
) -> Sequence[SSAValue]:
    """Run over some axes of an array, with the other axes' indices given."""

    def body(inner: list[SSAValue], carried: Any) -> Sequence[SSAValue]:
        rest, own = iter(outer), iter(inner)
        indices = [next(own if a in axes else rest) for a in range(len(shape))]
        return step(indices, carried)

    return importer.loop([shape[axis] for axis in sorted(axes)], body, initial)


def _reduction(name: str, combine: Combine, start: Callable[[Any], Any]) -> None:
    @rule(f"reduce_{name}")
    def _(importer: Importer, eqn: Any, x: Value) -> list[Value]:
        aval, axes = eqn.outvars[0].aval, tuple(eqn.params["axes"])
        kind = kind_of_dtype(x.dtype)
        first = importer.scalar_constant(start(x.dtype), x.dtype)

        def reduce(outer: Sequence[SSAValue]) -> SSAValue:
            def step(indices: list[SSAValue], carried: Any) -> list[SSAValue]:
                element = importer.element(x, indices)
                return [combine(importer, kind, carried[0], element)]

            return fold(importer, x.shape, axes, outer, [first], step)[0]

        return [computed(importer, aval, reduce)]


for _name, (_combine, _start) in REDUCTIONS.items():
    _reduction(_name, _combine, _start)


def computed(
    importer: Importer, aval: Any, element: Callable[[list[SSAValue]], SSAValue]
) -> Value:
    """Return a value whose elements are computed here and now."""
    if not aval.shape:
        return importer.from_scalar(element([]), aval)
    target = importer.allocate(aval.shape, aval.dtype)

    def body(indices: list[SSAValue], _: Any) -> list[SSAValue]:
        importer.store(element(indices), target, indices, aval.dtype)
        return []

    importer.loop(aval.shape, body)
    return importer.from_buffer(target, aval)


def _argument(name: str, order: str) -> None:
    @rule(name)
    def _(importer: Importer, eqn: Any, x: Value) -> list[Value]:
        (axis,), aval = eqn.params["axes"], eqn.outvars[0].aval
        if kind_of_dtype(x.dtype) == "c":
            return NotImplemented
        zero = importer.index_constant(0)

        def find(outer: Sequence[SSAValue]) -> SSAValue:
            start = [*outer[:axis], zero, *outer[axis:]]
            first = importer.element(x, start)

            def step(indices: list[SSAValue], carried: Any) -> list[SSAValue]:
                best, place = carried
                element = importer.element(x, indices)
                better = _better(importer, x.dtype, element, best, order)
                return [
                    importer.emit(arith.SelectOp(better, element, best)),
                    importer.emit(arith.SelectOp(better, indices[axis], place)),
                ]

            found = fold(importer, x.shape, [axis], outer, [first, zero], step)[1]
            number = importer.emit(arith.IndexCastOp(found, i64))
            return convert(importer, number, np.int64, aval.dtype)

        return [computed(importer, aval, find)]


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


_argument("argmax", "gt")
_argument("argmin", "lt")


def _cumulative(name: str, combine: Combine, start: Callable[[Any], Any]) -> None:
    @rule(name)
    def _(importer: Importer, eqn: Any, x: Value) -> list[Value]:
        aval, axis = eqn.outvars[0].aval, eqn.params["axis"]
        kind, extent = kind_of_dtype(x.dtype), x.shape[axis]
        target = importer.allocate(aval.shape, aval.dtype)
        others = [n for a, n in enumerate(x.shape) if a != axis]
        first = importer.scalar_constant(start(x.dtype), x.dtype)

        def row(outer: list[SSAValue], _: Any) -> list[SSAValue]:
            def step(inner: list[SSAValue], carried: Any) -> list[SSAValue]:
                place = inner[0]
                if eqn.params["reverse"]:
                    last = importer.index_constant(extent - 1)
                    place = importer.emit(arith.SubiOp(last, place))
                indices = [*outer[:axis], place, *outer[axis:]]
                element = importer.element(x, indices)
                total = combine(importer, kind, carried[0], element)
                importer.store(total, target, indices, x.dtype)
                return [total]

            importer.loop([extent], step, [first])
            return []

        importer.loop(others, row)
        return [importer.from_buffer(target, aval)]


for _name in ("sum", "prod", "max", "min"):
    _cumulative(f"cum{_name}", *REDUCTIONS[_name])


@rule("dot_general")
def _dot_general(importer: Importer, eqn: Any, x: Value, y: Value) -> list[Value]:
    """Add row by row, so that the innermost loop runs along memory."""
    aval = eqn.outvars[0].aval
    (x_sum, y_sum), (x_batch, y_batch) = eqn.params["dimension_numbers"]
    importer.settle([x, y])
    x_free = [a for a in range(len(x.shape)) if a not in (*x_sum, *x_batch)]
    y_free = [a for a in range(len(y.shape)) if a not in (*y_sum, *y_batch)]
    kind = kind_of_dtype(aval.dtype)
    zero = importer.scalar_constant(0, aval.dtype)

    def product(
        batch: Sequence[SSAValue],
        rows: Sequence[SSAValue],
        inner: Sequence[SSAValue],
        columns: Sequence[SSAValue],
    ) -> SSAValue:
        left: dict[int, SSAValue] = dict(zip(x_batch, batch, strict=True))
        left |= dict(zip(x_free, rows, strict=True)) | dict(
            zip(x_sum, inner, strict=True)
        )
        right: dict[int, SSAValue] = dict(zip(y_batch, batch, strict=True))
        right |= dict(zip(y_free, columns, strict=True))
        right |= dict(zip(y_sum, inner, strict=True))
        a = importer.element(x, [left[axis] for axis in range(len(x.shape))])
        b = importer.element(y, [right[axis] for axis in range(len(y.shape))])
        a = convert(importer, a, x.dtype, aval.dtype)
        b = convert(importer, b, y.dtype, aval.dtype)
        return times(importer, kind, a, b)

    summed = [x.shape[axis] for axis in x_sum]
    wide = [y.shape[axis] for axis in y_free]
    split = len(x_batch)
    cut = split + len(x_free)
    if at_most(count(wide), 3):

        def total(outer: list[SSAValue]) -> SSAValue:
            def step(inner: list[SSAValue], carried: Any) -> list[SSAValue]:
                term = product(outer[:split], outer[split:cut], inner, outer[cut:])
                return [plus(importer, kind, carried[0], term)]

            return importer.loop(summed, step, [zero])[0]

        return [computed(importer, aval, total)]

    return [_accumulated(importer, aval, summed, wide, product, split)]


Product = Callable[
    [Sequence[SSAValue], Sequence[SSAValue], Sequence[SSAValue], Sequence[SSAValue]],
    SSAValue,
]


def _accumulated(
    importer: Importer,
    aval: Any,
    summed: list[Size],
    wide: list[Size],
    product: Product,
    split: int,
) -> Value:
    """Add products row by row, along the last axes of the result."""
    kind = kind_of_dtype(aval.dtype)
    zero = importer.scalar_constant(0, aval.dtype)
    cut = len(aval.shape) - len(wide)
    target = importer.allocate(aval.shape, aval.dtype)
    importer.copy_into(importer.lazy(aval, [], lambda _: zero), target)

    def row(outer: list[SSAValue], _: Any) -> list[SSAValue]:
        def along(inner: list[SSAValue], _: Any) -> list[SSAValue]:
            def step(columns: list[SSAValue], _: Any) -> list[SSAValue]:
                place = [*outer, *columns]
                term = product(outer[:split], outer[split:], inner, columns)
                old = importer.load(target, place, aval.dtype)
                new = plus(importer, kind, old, term)
                importer.store(new, target, place, aval.dtype)
                return []

            importer.loop(wide, step)
            return []

        importer.loop(summed, along)
        return []

    importer.loop(aval.shape[:cut], row)
    return importer.from_buffer(target, aval)
