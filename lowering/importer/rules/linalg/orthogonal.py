"""Import rules of orthogonal factors, kept as reflectors or multiplied out."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from xdsl.dialects import arith
from xdsl.ir import SSAValue

from qjit.lowering.importer.importer import Importer
from qjit.lowering.importer.rules.arrays.shapes import cheap
from qjit.lowering.importer.values import Value
from qjit.lowering.jaxpr.dimensions import Size, larger, smaller

from .column_major import (
    Aval,
    Part,
    batched,
    columns,
    copied,
    from_columns,
    is_complex,
    lapack_rule,
    where,
)
from .lapack import call_routine
from .solvers import from_one, leading


@lapack_rule("geqrf")
def _geqrf(importer: Importer, eqn: Any, x: Value) -> list[Value]:
    a, taus = (var.aval for var in eqn.outvars)
    factors, scales, _ = _reflectors(importer, x, pivots=None)
    return [
        from_columns(importer, factors, a),
        importer.from_buffer(scales, taus),
    ]


@lapack_rule("geqp3")
def _geqp3(importer: Importer, eqn: Any, x: Value, pivots: Value) -> list[Value]:
    a, order, taus = (var.aval for var in eqn.outvars)
    factors, scales, found = _reflectors(importer, x, pivots=pivots)
    assert found is not None
    return [
        from_columns(importer, factors, a),
        importer.from_buffer(found, order),
        importer.from_buffer(scales, taus),
    ]


def _reflectors(
    importer: Importer, x: Value, *, pivots: Value | None
) -> tuple[SSAValue, SSAValue, SSAValue | None]:
    """Return factors by columns, the scales of their reflectors, and the order."""
    *batch, m, n = x.shape
    target, few = columns(importer, x), smaller(m, n)
    scales = importer.allocate((*batch, few), x.dtype)
    order = None if pivots is None else copied(importer, pivots)

    def one(part: Part) -> None:
        sizes: dict[str, Size] = {"m": m, "n": n, "lda": leading(m)}
        sizes |= {"a": part(target, (n, m)), "tau": part(scales, (few,))}
        if order is None:
            call_routine(importer, "geqrf", x.dtype, **sizes)
        else:
            jpvt = part(order, (n,))
            call_routine(importer, "geqp3", x.dtype, jpvt=jpvt, **sizes)

    batched(importer, batch, one)
    return target, scales, order


@lapack_rule("householder_product")
def _householder_product(
    importer: Importer, eqn: Any, a: Value, taus: Value
) -> list[Value]:
    target = columns(importer, a)
    _orthogonal(importer, target, a.shape, importer.buffer(taus), taus, a.dtype)
    return [from_columns(importer, target, eqn.outvars[0].aval)]


def _orthogonal(
    importer: Importer,
    target: SSAValue,
    shape: Sequence[Size],
    scales: SSAValue,
    taus: Any,
    dtype: Any,
) -> None:
    """Multiply reflectors out, in place."""
    *batch, m, n = shape
    few = taus.shape[-1]

    def one(part: Part) -> None:
        a, tau = part(target, (n, m)), part(scales, (few,))
        call_routine(
            importer, "orgqr", dtype, m=m, n=n, k=few, a=a, lda=leading(m), tau=tau
        )

    batched(importer, batch, one)


@lapack_rule("ormqr")
def _multiply_orthogonal(
    importer: Importer, eqn: Any, a: Value, taus: Value, c: Value
) -> list[Value]:
    factors, scales = columns(importer, a), importer.buffer(taus)
    target, few = columns(importer, c), taus.shape[-1]
    *batch, m, n = c.shape
    flipped = "C" if is_complex(c) else "T"
    letters = {
        "side": "L" if eqn.params["left"] else "R",
        "trans": flipped if eqn.params["transpose"] else "N",
    }
    rows, others = a.shape[-2:]

    def one(part: Part) -> None:
        sizes = {"m": m, "n": n, "k": few, "lda": leading(rows), "ldc": leading(m)}
        matrices = {
            "a": part(factors, (others, rows)),
            "tau": part(scales, (few,)),
            "c": part(target, (n, m)),
        }
        call_routine(importer, "ormqr", c.dtype, **letters, **sizes, **matrices)

    batched(importer, batch, one)
    return [from_columns(importer, target, eqn.outvars[0].aval)]


@lapack_rule("qr")
def _qr(importer: Importer, eqn: Any, x: Value) -> list[Value]:
    q, r, *order = (var.aval for var in eqn.outvars)
    *batch, m, n = x.shape
    zeros = importer.constant(np.zeros((), np.int32))
    given = None
    if order:
        given = importer.lazy(
            order[0], [], lambda _: importer.scalar(zeros), cheap=True
        )
    if m == 0 or n == 0:
        empty = where(importer, r, "eq", 1)
        return [where(importer, q, "eq", 1), empty, *([given] if given else [])]
    factors, scales, swaps = _reflectors(importer, x, pivots=given)
    whole = from_columns(importer, factors, Aval(x.shape, x.dtype))
    few = Aval((*batch, smaller(m, n)), x.dtype)
    target = columns(importer, _widened(importer, q, whole))
    _orthogonal(importer, target, q.shape, scales, few, x.dtype)
    found = [from_columns(importer, target, q), where(importer, r, "ule", whole)]
    if swaps is not None:
        found.append(from_one(importer, importer.from_buffer(swaps, order[0])))
    return found


def _widened(importer: Importer, aval: Any, x: Value) -> Value:
    """Return the first columns of matrices, or more with zeros after them."""
    zero = importer.scalar_constant(0, aval.dtype)
    last = importer.index_constant(larger(x.shape[-1] - 1, 0))
    bound = importer.index_constant(x.shape[-1])

    def element(indices: Sequence[SSAValue]) -> SSAValue:
        column = importer.emit(arith.MinUIOp(indices[-1], last))
        found = importer.element(x, [*indices[:-1], column])
        inside = importer.emit(arith.CmpiOp(indices[-1], bound, "ult"))
        return importer.emit(arith.SelectOp(inside, found, zero))

    return importer.lazy(aval, [cheap(importer, x)], element, cheap=True)
