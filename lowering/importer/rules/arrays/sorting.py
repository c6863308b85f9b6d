"""Import rules of sort and top_k: one merge sort, told by a comparator."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from xdsl.dialects import arith, complex, scf
from xdsl.dialects.builtin import i64
from xdsl.ir import Region, SSAValue

from qjit.lowering.importer.importer import Importer, index, rule
from qjit.lowering.importer.rules.scalars.conversions import convert
from qjit.lowering.importer.rules.scalars.elementwise import total_order_key
from qjit.lowering.importer.values import Value, kind_of_dtype
from qjit.lowering.jaxpr.dimensions import Size, larger

Scalars = Sequence[SSAValue]
Less = Callable[[Scalars, Scalars], SSAValue]
# Whether one key is before another, and whether they are equal.
Order = tuple[SSAValue, SSAValue]


def _parts(importer: Importer, dtype: Any, key: SSAValue) -> list[tuple[str, SSAValue]]:
    """Return a key as the real keys that it is compared by, with their kinds."""
    kind = kind_of_dtype(dtype)
    if kind != "c":
        return [(kind, key)]
    ops = (complex.ReOp(key), complex.ImOp(key))
    return [("f", importer.emit(op)) for op in ops]


def _order(
    importer: Importer, kind: str, x: SSAValue, y: SSAValue, direction: str
) -> Order:
    """Compare real keys: NaN is last, and neither NaN nor zero has a sign."""

    def compare(name: str, a: SSAValue, b: SSAValue) -> SSAValue:
        op = arith.CmpfOp if kind == "f" else arith.CmpiOp
        return importer.emit(op(a, b, name))

    if kind != "f":
        sign = "s" if kind == "i" else "u"
        return compare(sign + direction, x, y), compare("eq", x, y)
    missing = [compare("uno", key, key) for key in (x, y)]
    last = importer.emit(arith.CmpiOp(missing[0], missing[1], "ult"))
    both = importer.emit(arith.AndIOp(missing[0], missing[1]))
    less = importer.emit(arith.OrIOp(compare("o" + direction, x, y), last))
    return less, importer.emit(arith.OrIOp(compare("oeq", x, y), both))


def _before(importer: Importer, dtypes: Sequence[Any], direction: str = "lt") -> Less:
    """Return the lexicographic order of the first operands, as JAX defines it."""

    def less(left: Scalars, right: Scalars) -> SSAValue:
        found: SSAValue | None = None
        for dtype, x, y in reversed(list(zip(dtypes, left, right, strict=False))):
            halves = zip(
                _parts(importer, dtype, x), _parts(importer, dtype, y), strict=True
            )
            for (kind, a), (_, b) in reversed(list(halves)):
                before, same = _order(importer, kind, a, b, direction)
                if found is not None:
                    found = importer.emit(arith.AndIOp(same, found))
                    before = importer.emit(arith.OrIOp(before, found))
                found = before
        assert found is not None
        return found

    return less


def _after(importer: Importer, dtype: Any) -> Less:
    """Return the descending total order of the first operand."""

    def less(left: Scalars, right: Scalars) -> SSAValue:
        kind, x = total_order_key(importer, dtype, left[0])
        _, y = total_order_key(importer, dtype, right[0])
        return importer.emit(arith.CmpiOp(x, y, "sgt" if kind == "i" else "ugt"))

    return less


class _Rows:
    """Two halves of scratch memory per operand, between which rows are merged."""

    def __init__(
        self, importer: Importer, dtypes: Sequence[Any], length: Size, less: Less
    ) -> None:
        self.importer = importer
        self.dtypes = dtypes
        self.length = importer.index_constant(length)
        self.last = importer.index_constant(larger(0, length - 1))
        self.less = less
        self.buffers = [importer.allocate((2, length), dtype) for dtype in dtypes]

    def load(self, half: SSAValue, place: SSAValue) -> list[SSAValue]:
        """Return the elements of all operands at one place."""
        return [
            self.importer.load(buffer, [half, place], dtype)
            for buffer, dtype in zip(self.buffers, self.dtypes, strict=True)
        ]

    def store(self, half: SSAValue, place: SSAValue, elements: Scalars) -> None:
        """Write the elements of all operands at one place."""
        for buffer, dtype, element in zip(
            self.buffers, self.dtypes, elements, strict=True
        ):
            self.importer.store(element, buffer, [half, place], dtype)

    def _bounded(self, place: SSAValue, bound: SSAValue) -> SSAValue:
        return self.importer.emit(arith.MinSIOp(place, bound))

    def _merge_one(
        self, half: SSAValue, ends: Scalars, place: SSAValue, heads: Scalars
    ) -> Scalars:
        """Write the smaller head of two runs, and advance in its run."""
        emit = self.importer.emit
        one = self.importer.index_constant(1)
        other = emit(arith.SubiOp(one, half))
        left, right = (self.load(half, self._bounded(h, self.last)) for h in heads)
        first, second = (
            emit(arith.CmpiOp(head, end, "slt"))
            for head, end in zip(heads, ends, strict=True)
        )
        smaller = emit(arith.AndIOp(second, self.less(right, left)))
        all_left = emit(
            arith.XOrIOp(first, self.importer.scalar_constant(True, np.bool_))
        )
        chosen = emit(arith.OrIOp(smaller, all_left))
        elements = [
            emit(arith.SelectOp(chosen, y, x)) for x, y in zip(left, right, strict=True)
        ]
        self.store(other, place, elements)
        advanced = [emit(arith.AddiOp(head, one)) for head in heads]
        return [
            emit(arith.SelectOp(chosen, heads[0], advanced[0])),
            emit(arith.SelectOp(chosen, advanced[1], heads[1])),
        ]

    def _merge_runs(self, width: SSAValue, half: SSAValue) -> None:
        """Merge all pairs of neighbouring runs into the other half."""
        importer = self.importer
        pair = importer.emit(arith.AddiOp(width, width))

        def merge(start: SSAValue, _: Scalars) -> Scalars:
            middle = importer.emit(arith.AddiOp(start, width))
            end = importer.emit(arith.AddiOp(start, pair))
            middle, end = (self._bounded(v, self.length) for v in (middle, end))
            one = importer.index_constant(1)
            importer.steps(
                (start, end, one),
                lambda place, heads: self._merge_one(half, (middle, end), place, heads),
                [start, middle],
            )
            return []

        importer.steps((importer.index_constant(0), self.length, pair), merge)

    def sort(self) -> SSAValue:
        """Sort the first halves, and return which half has the result."""
        importer = self.importer
        zero, one = importer.index_constant(0), importer.index_constant(1)
        with importer.region([index, index]) as before:
            width, half = before.args
            proceed = importer.emit(arith.CmpiOp(width, self.length, "slt"))
            importer.insert(scf.ConditionOp(proceed, width, half))
        with importer.region([index, index]) as after:
            width, half = after.args
            self._merge_runs(width, half)
            wider = importer.emit(arith.AddiOp(width, width))
            other = importer.emit(arith.SubiOp(one, half))
            importer.insert(scf.YieldOp(wider, other))
        regions = Region(before), Region(after)
        op = importer.insert(scf.WhileOp([one, zero], [index, index], *regions))
        return op.results[1]


def sorted_along(
    importer: Importer,
    inputs: Sequence[Value],
    axis: int,
    less: Less,
    avals: Sequence[Any],
) -> list[Value]:
    """Return arrays sorted together along an axis, up to the length of the results."""
    shape, dtypes = inputs[0].shape, [value.dtype for value in inputs]
    targets = [importer.allocate(aval.shape, aval.dtype) for aval in avals]
    rows = _Rows(importer, dtypes, shape[axis], less)
    zero = importer.index_constant(0)

    def along(outer: Scalars, place: SSAValue) -> list[SSAValue]:
        return [*outer[:axis], place, *outer[axis:]]

    def sort_row(outer: list[SSAValue], _: Any) -> list[SSAValue]:
        def read(place: list[SSAValue], _: Any) -> list[SSAValue]:
            here = along(outer, place[0])
            elements = [importer.element(value, here) for value in inputs]
            rows.store(zero, place[0], elements)
            return []

        def write(place: list[SSAValue], _: Any) -> list[SSAValue]:
            here = along(outer, place[0])
            found = rows.load(half, place[0])
            for element, target, dtype in zip(found, targets, dtypes, strict=True):
                importer.store(element, target, here, dtype)
            return []

        importer.loop([shape[axis]], read)
        half = rows.sort()
        importer.loop([avals[0].shape[axis]], write)
        return []

    others = [extent for a, extent in enumerate(shape) if a != axis]
    importer.loop(others, sort_row)
    return [
        importer.from_buffer(target, aval)
        for target, aval in zip(targets, avals, strict=True)
    ]


@rule("sort")
def _sort(importer: Importer, eqn: Any, *inputs: Value) -> list[Value]:
    axis, keys = eqn.params["dimension"], inputs[: eqn.params["num_keys"]]
    less = _before(importer, [key.dtype for key in keys])
    avals = [var.aval for var in eqn.outvars]
    return sorted_along(importer, inputs, axis, less, avals)


def _places(importer: Importer, x: Value, axis: int, dtype: Any) -> Value:
    """Return the place of each element along an axis."""

    def element(indices: Scalars) -> SSAValue:
        place = importer.emit(arith.IndexCastOp(indices[axis], i64))
        return convert(importer, place, np.int64, dtype)

    return importer.lazy(Value(x.shape, dtype), [], element, cheap=True)


def _extremes(
    importer: Importer, eqn: Any, x: Value, axis: int, less: Less
) -> list[Value]:
    avals = [var.aval for var in eqn.outvars]
    places = _places(importer, x, axis, avals[1].dtype)
    return sorted_along(importer, [x, places], axis, less, avals)


@rule("top_k")
def _top_k(importer: Importer, eqn: Any, x: Value) -> list[Value]:
    axis = eqn.params.get("axis", len(x.shape) - 1)
    return _extremes(importer, eqn, x, axis, _after(importer, x.dtype))


@rule("approx_top_k")
def _approx_top_k(importer: Importer, eqn: Any, x: Value) -> list[Value]:
    """Find the exact extremes, NaN last."""
    axis = eqn.params["reduction_dimension"] % len(x.shape)
    direction = "gt" if eqn.params["is_max_k"] else "lt"
    less = _before(importer, [x.dtype], direction)
    return _extremes(importer, eqn, x, axis, less)
