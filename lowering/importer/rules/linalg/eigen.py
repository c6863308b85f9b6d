"""Import rules of eigenvalues, singular values and the forms that lead to them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from xdsl.dialects import arith, complex
from xdsl.ir import SSAValue

from qjit.lowering.importer.importer import Importer
from qjit.lowering.importer.rules.arrays.reductions import computed
from qjit.lowering.importer.rules.scalars.elementwise import complex_type
from qjit.lowering.importer.values import Value
from qjit.lowering.jaxpr.dimensions import larger, smaller

from .column_major import (
    Aval,
    Part,
    batched,
    columns,
    from_columns,
    is_complex,
    lapack_rule,
    spoil,
    where,
)
from .lapack import call_routine

# How JAX names algorithms, and the routine with the names of its job letters.
SVD_ROUTINES = {
    "DEFAULT": ("gesdd", ("jobz",)),
    "DIVIDE_AND_CONQUER": ("gesdd", ("jobz",)),
    "QR": ("gesvd", ("jobu", "jobvt")),
}


@lapack_rule("eigh")
def _eigh(importer: Importer, eqn: Any, x: Value) -> list[Value]:
    params, (vectors, values) = eqn.params, (var.aval for var in eqn.outvars)
    n = x.shape[-1]
    if params.get("subset_by_index") not in (None, (0, n)) or params.get("algorithm"):
        return NotImplemented
    target, found = columns(importer, x), importer.allocate(values.shape, values.dtype)
    uplo = "L" if params["lower"] else "U"

    def one(part: Part) -> None:
        a, w = part(target, (n, n)), part(found, (n,))
        info = call_routine(
            importer,
            "syevd",
            x.dtype,
            jobz="V",
            uplo=uplo,
            n=n,
            a=a,
            lda=larger(1, n),
            w=w,
        )
        spoil(importer, info, [(a, (n, n), x.dtype), (w, (n,), values.dtype)])

    batched(importer, x.shape[:-2], one)
    return [
        from_columns(importer, target, vectors),
        importer.from_buffer(found, values),
    ]


@lapack_rule("eig")
def _eig(importer: Importer, eqn: Any, x: Value) -> list[Value]:
    """Find eigenvalues; those of real matrices as two real arrays."""
    n, params = x.shape[-1], eqn.params
    sides = {
        "l": params["compute_left_eigenvectors"],
        "r": params["compute_right_eigenvectors"],
    }
    parts = ("w",) if is_complex(x) else ("wr", "wi")
    target = columns(importer, x)
    values = {name: importer.allocate(x.shape[:-1], x.dtype) for name in parts}
    vectors = {
        f"v{side}": importer.allocate(x.shape if wanted else (1, 1), x.dtype)
        for side, wanted in sides.items()
    }
    jobs = {f"jobv{side}": "NV"[wanted] for side, wanted in sides.items()}
    kept = [f"v{side}" for side, wanted in sides.items() if wanted]

    def one(part: Part) -> None:
        given = {name: part(values[name], (n,)) for name in parts}
        given |= {
            name: part(buffer, (n, n)) if name in kept else buffer
            for name, buffer in vectors.items()
        }
        given["a"] = part(target, (n, n))
        sizes = {name: larger(1, n) for name in ("lda", "ldvl", "ldvr")}
        info = call_routine(importer, "geev", x.dtype, n=n, **jobs, **sizes, **given)
        outputs = [(given[name], (n,), x.dtype) for name in parts]
        outputs += [(given[name], (n, n), x.dtype) for name in kept]
        spoil(importer, info, outputs)

    batched(importer, x.shape[:-2], one)
    return _eigen_values(importer, eqn, x, values, [vectors[name] for name in kept])


def _eigen_values(
    importer: Importer,
    eqn: Any,
    x: Value,
    values: dict[str, SSAValue],
    vectors: Sequence[SSAValue],
) -> list[Value]:
    first, *rest = (var.aval for var in eqn.outvars)
    stored = Aval(x.shape[:-1], x.dtype)
    found = [importer.from_buffer(buffer, stored) for buffer in values.values()]
    matrices = [
        from_columns(importer, buffer, Aval(x.shape, x.dtype)) for buffer in vectors
    ]
    if is_complex(x):
        return [*found, *matrices]
    kind = complex_type(first.dtype)

    def join(real: SSAValue, imaginary: SSAValue) -> SSAValue:
        return importer.emit(complex.CreateOp(real, imaginary, kind))

    def pair(matrix: Value, aval: Any) -> Value:
        def element(indices: Sequence[SSAValue]) -> SSAValue:
            return join(*_packed(importer, found[1], matrix, indices))

        return computed(importer, aval, element)

    return [
        importer.map(first, found, join),
        *(pair(matrix, aval) for matrix, aval in zip(matrices, rest, strict=True)),
    ]


def _packed(
    importer: Importer, sizes: Value, matrix: Value, indices: Sequence[SSAValue]
) -> tuple[SSAValue, SSAValue]:
    """Return both parts of an eigenvector, which conjugate pairs share.

    A pair's first column holds the real part and its second the imaginary part, which
    is that of the vector whose eigenvalue has the positive imaginary part.
    """
    *batch, row, column = indices
    zero = importer.scalar_constant(0, matrix.dtype)
    size = importer.element(sizes, [*batch, column])
    is_first, is_second = (
        importer.emit(arith.CmpfOp(size, zero, order)) for order in ("ogt", "olt")
    )
    none, one = (importer.index_constant(number) for number in (0, 1))
    back = importer.emit(arith.SelectOp(is_second, one, none))
    ahead = importer.emit(arith.SelectOp(is_first, one, none))
    before = importer.emit(arith.SubiOp(column, back))
    after = importer.emit(arith.AddiOp(column, ahead))
    real = importer.element(matrix, [*batch, row, before])
    other = importer.element(matrix, [*batch, row, after])
    opposite = importer.emit(arith.NegfOp(other))
    imaginary = importer.emit(arith.SelectOp(is_second, opposite, zero))
    return real, importer.emit(arith.SelectOp(is_first, other, imaginary))


@lapack_rule("svd")
def _svd(importer: Importer, eqn: Any, x: Value) -> list[Value]:
    params, (values, *sides) = eqn.params, (var.aval for var in eqn.outvars)
    m, n = x.shape[-2:]
    few, dtype = smaller(m, n), x.dtype
    algorithm = getattr(params.get("algorithm"), "name", None) or "DEFAULT"
    routine = SVD_ROUTINES.get(algorithm)
    if params["subset_by_index"] not in (None, (0, few)) or routine is None:
        return NotImplemented
    if m == 0 or n == 0:
        empty = importer.lazy(
            values, [], lambda _: importer.scalar_constant(0, values.dtype)
        )
        return [empty, *(where(importer, aval, "eq", 1) for aval in sides)]
    job = "N" if not sides else "A" if params["full_matrices"] else "S"
    jobs = {name: job for name in routine[1]}
    target, found = columns(importer, x), importer.allocate(values.shape, values.dtype)
    shapes = [aval.shape[-2:][::-1] for aval in sides] or [(1, m), (n, 1)]
    bases = [
        importer.allocate((*(x.shape[:-2] if sides else ()), *shape), dtype)
        for shape in shapes
    ]

    def one(part: Part) -> None:
        a, s = part(target, (n, m)), part(found, (few,))
        u, vt = (
            part(base, shape) if sides else base
            for base, shape in zip(bases, shapes, strict=True)
        )
        sizes = {"m": m, "n": n, "lda": m, "ldu": m, "ldvt": shapes[1][-1]}
        info = call_routine(
            importer, routine[0], dtype, **jobs, **sizes, a=a, s=s, u=u, vt=vt
        )
        vectors = zip((u, vt), shapes, strict=True) if sides else ()
        outputs = [(s, (few,), values.dtype), *((v, k, dtype) for v, k in vectors)]
        spoil(importer, info, outputs)

    batched(importer, x.shape[:-2], one)
    return [
        importer.from_buffer(found, values),
        *(
            from_columns(importer, b, aval)
            for b, aval in zip(bases, sides, strict=False)
        ),
    ]


@lapack_rule("schur")
def _schur(importer: Importer, eqn: Any, x: Value) -> list[Value]:
    params, n, dtype = eqn.params, x.shape[-1], x.dtype
    if params["sort_eig_vals"]:
        return NotImplemented
    wanted = params["compute_schur_vectors"]
    target = columns(importer, x)
    vectors = importer.allocate(x.shape if wanted else (1, 1), dtype)
    parts = ("w",) if is_complex(x) else ("wr", "wi")
    values = {name: importer.allocate((larger(1, n),), dtype) for name in parts}
    # NOTE: nothing is sorted, so the function that selects is never called.
    unused = importer.allocate((1,), np.int64)
    counted = importer.allocate((), np.int32)

    def one(part: Part) -> None:
        a, vs = part(target, (n, n)), vectors
        if wanted:
            vs = part(vectors, (n, n))
        given = {"a": a, "vs": vs, "select": unused, "sdim": counted, **values}
        sizes = {"n": n, "lda": larger(1, n), "ldvs": larger(1, n)}
        info = call_routine(
            importer, "gees", dtype, jobvs="NV"[wanted], sort="N", **sizes, **given
        )
        outputs = [a, vs] if wanted else [a]
        spoil(importer, info, [(buffer, (n, n), dtype) for buffer in outputs])

    batched(importer, x.shape[:-2], one)
    return [
        from_columns(importer, buffer, var.aval)
        for buffer, var in zip((target, vectors), eqn.outvars, strict=False)
    ]


@lapack_rule("hessenberg")
def _hessenberg(importer: Importer, eqn: Any, x: Value) -> list[Value]:
    form, taus = (var.aval for var in eqn.outvars)
    n, dtype = x.shape[-1], x.dtype
    target, scales = columns(importer, x), importer.allocate(taus.shape, dtype)

    def one(part: Part) -> None:
        a, tau = part(target, (n, n)), part(scales, taus.shape[-1:])
        info = call_routine(
            importer, "gehrd", dtype, n=n, ilo=1, ihi=n, a=a, lda=larger(1, n), tau=tau
        )
        outputs = [(a, (n, n), dtype), (tau, taus.shape[-1:], dtype)]
        spoil(importer, info, outputs)

    batched(importer, x.shape[:-2], one)
    return [from_columns(importer, target, form), importer.from_buffer(scales, taus)]


@lapack_rule("tridiagonal")
def _tridiagonal(importer: Importer, eqn: Any, x: Value) -> list[Value]:
    form, *rest = (var.aval for var in eqn.outvars)
    n, dtype = x.shape[-1], x.dtype
    uplo = "L" if eqn.params["lower"] else "U"
    target = columns(importer, x)
    made = [importer.allocate(aval.shape, aval.dtype) for aval in rest]

    def one(part: Part) -> None:
        a = part(target, (n, n))
        bands = [
            part(buffer, aval.shape[-1:])
            for buffer, aval in zip(made, rest, strict=True)
        ]
        named = dict(zip(("d", "e", "tau"), bands, strict=True))
        info = call_routine(
            importer, "sytrd", dtype, uplo=uplo, n=n, a=a, lda=larger(1, n), **named
        )
        outputs = [(a, (n, n), dtype)]
        outputs += [
            (band, aval.shape[-1:], aval.dtype)
            for band, aval in zip(bands, rest, strict=True)
        ]
        spoil(importer, info, outputs)

    batched(importer, x.shape[:-2], one)
    return [
        from_columns(importer, target, form),
        *(importer.from_buffer(b, aval) for b, aval in zip(made, rest, strict=True)),
    ]
