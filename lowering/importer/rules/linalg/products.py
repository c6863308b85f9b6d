"""Import rule of products of arrays: by BLAS if they are large, by loops if small."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from xdsl.ir import SSAValue

from qjit.lowering.importer.half_precision import is_small
from qjit.lowering.importer.importer import Importer, rule
from qjit.lowering.importer.rules.arrays.reductions import computed, plus, times
from qjit.lowering.importer.rules.arrays.shapes import moved
from qjit.lowering.importer.rules.scalars.conversions import convert
from qjit.lowering.importer.values import Value, kind_of_dtype
from qjit.lowering.jaxpr.dimensions import Size, at_most, count, larger
from qjit.lowering.native.blas import LETTERS

from .column_major import Aval, Part, batched, converted
from .lapack import call_routine

# Up to how many multiplications loops are faster than calls, as measured.
FEW = 800


@dataclass(frozen=True)
class _Side:
    """One operand of a product and what its axes are for."""

    value: Value
    batch: tuple[int, ...]
    free: tuple[int, ...]
    summed: tuple[int, ...]

    def sizes(self, axes: Sequence[int]) -> list[Size]:
        """Return the sizes of some axes."""
        return [self.value.shape[axis] for axis in axes]

    def indices(self, *parts: Sequence[SSAValue]) -> list[SSAValue]:
        """Return an element's indices by axis, for those by purpose."""
        order = (*self.batch, *self.free, *self.summed)
        given = (index for part in parts for index in part)
        found = dict(zip(order, given, strict=True))
        return [found[axis] for axis in range(len(order))]

    def matrices(self, importer: Importer, dtype: Any) -> tuple[SSAValue, bool]:
        """Return a buffer of matrices, and whether its columns are summed over."""
        value = converted(importer, self.value, dtype)
        axes = tuple(range(len(value.shape)))
        if axes == (*self.batch, *self.summed, *self.free):
            return importer.buffer(value), False
        order = (*self.batch, *self.free, *self.summed)
        if axes != order:
            importer.materialise([value])
            shape = [value.shape[axis] for axis in order]
            split, cut = len(self.batch), len(self.batch) + len(self.free)
            value = moved(
                importer,
                Aval(shape, dtype),
                value,
                lambda i: self.indices(i[:split], i[split:cut], i[cut:]),
            )
        return importer.buffer(value), True


@rule("dot_general")
def _dot_general(importer: Importer, eqn: Any, x: Value, y: Value) -> list[Value]:
    """Multiply; sums of 16-bit floats are rounded once, at the end."""
    aval = eqn.outvars[0].aval
    if not is_small(aval.dtype):
        return [_product(importer, eqn, aval, x, y)]
    wide = np.dtype(np.float32)
    x, y = (
        converted(importer, converted(importer, v, aval.dtype), wide) for v in (x, y)
    )
    found = _product(importer, eqn, Aval(aval.shape, wide), x, y)
    return [converted(importer, found, aval.dtype)]


def _product(importer: Importer, eqn: Any, aval: Any, x: Value, y: Value) -> Value:
    (x_sum, y_sum), (x_batch, y_batch) = eqn.params["dimension_numbers"]

    def side(value: Value, batch: Any, summed: Any) -> _Side:
        used, axes = (*batch, *summed), range(len(value.shape))
        free = tuple(axis for axis in axes if axis not in used)
        return _Side(value, tuple(batch), free, tuple(summed))

    left, right = side(x, x_batch, x_sum), side(y, y_batch, y_sum)
    work = count(left.sizes(left.free)) * count(y.shape)
    work = work if not x_batch else count(x.shape) * count(right.sizes(right.free))
    few = at_most(work, FEW * larger(1, count(left.sizes(left.batch))))
    if few or str(aval.dtype) not in LETTERS:
        return _by_loops(importer, aval, left, right)
    return _by_blas(importer, aval, left, right)


def _by_blas(importer: Importer, aval: Any, left: _Side, right: _Side) -> Value:
    """Multiply the transposed matrices, whose columns are the rows of ours."""
    dtype = aval.dtype
    batch = left.sizes(left.batch)
    m, n = count(left.sizes(left.free)), count(right.sizes(right.free))
    k = count(left.sizes(left.summed))
    (a, a_rows), (b, b_rows) = (
        side.matrices(importer, dtype) for side in (left, right)
    )
    target = importer.allocate(aval.shape, dtype)

    def multiply(part: Part) -> None:
        x, y, result = part(a, (m, k)), part(b, (n, k)), part(target, (m, n))
        if n == 1:
            return _multiply_vector(importer, dtype, (x, m, a_rows), y, k, result)
        if m == 1:
            return _multiply_vector(importer, dtype, (y, n, b_rows), x, k, result)
        letters = {"transa": "NT"[b_rows], "transb": "TN"[a_rows]}
        sizes = {"m": n, "n": m, "k": k, "ldc": n}
        sizes |= {"lda": k if b_rows else n, "ldb": k if a_rows else m}
        matrices = {"a": y, "b": x, "c": result, **_scales(importer, dtype)}
        call_routine(importer, "gemm", dtype, **letters, **sizes, **matrices)
        return None

    batched(importer, batch, multiply)
    return importer.from_buffer(target, aval)


def _scales(importer: Importer, dtype: Any) -> dict[str, SSAValue]:
    """Return how much of the product and of the old result the new one is."""
    numbers = {"alpha": 1, "beta": 0}
    return {
        name: importer.global_buffer(np.array(number, dtype))[0]
        for name, number in numbers.items()
    }


def _multiply_vector(
    importer: Importer,
    dtype: Any,
    matrix: tuple[SSAValue, Size, bool],
    vector: SSAValue,
    k: Size,
    result: SSAValue,
) -> None:
    """Multiply a matrix, of so many rows, and a vector."""
    a, rows, by_rows = matrix
    m, n = (k, rows) if by_rows else (rows, k)
    sizes = {"m": m, "n": n, "lda": m, "incx": 1, "incy": 1}
    buffers = {"a": a, "x": vector, "y": result, **_scales(importer, dtype)}
    call_routine(importer, "gemv", dtype, trans="NT"[by_rows], **sizes, **buffers)


def _by_loops(importer: Importer, aval: Any, left: _Side, right: _Side) -> Value:
    """Add row by row, so that the innermost loop runs along memory."""
    (x, x_batch, x_free, x_sum), (y, _, y_free, _) = (
        (side.value, side.batch, side.free, side.summed) for side in (left, right)
    )
    importer.materialise([x, y])
    kind = kind_of_dtype(aval.dtype)
    zero = importer.scalar_constant(0, aval.dtype)

    def product(
        batch: Sequence[SSAValue],
        rows: Sequence[SSAValue],
        inner: Sequence[SSAValue],
        columns: Sequence[SSAValue],
    ) -> SSAValue:
        a = importer.element(x, left.indices(batch, rows, inner))
        b = importer.element(y, right.indices(batch, columns, inner))
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

        return computed(importer, aval, total)

    return _accumulated(importer, aval, summed, wide, product, split)


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
