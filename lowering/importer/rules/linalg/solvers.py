"""Import rules of solvers and of matrix factorizations, by LAPACK's routines."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from xdsl.dialects import arith, complex
from xdsl.dialects.builtin import i32
from xdsl.ir import SSAValue

from qjit.lowering.importer.half_precision import is_small
from qjit.lowering.importer.importer import Importer, index, rule
from qjit.lowering.importer.rules.scalars.conversions import convert
from qjit.lowering.importer.values import Value
from qjit.lowering.jax_internals.equations import enable_x64
from qjit.lowering.jaxpr.dimensions import Size, larger

from .column_major import (
    Aval,
    Part,
    batched,
    columns,
    converted,
    copied,
    from_columns,
    lapack_rule,
    spoil,
)
from .lapack import call_routine


def leading(size: Size) -> Size:
    """Return a leading dimension, which is never zero."""
    return larger(1, size)


@lapack_rule("cholesky")
def _cholesky(importer: Importer, eqn: Any, x: Value) -> list[Value]:
    shape = x.shape[-2:]
    target = columns(importer, x)

    def one(part: Part) -> None:
        a, n = part(target, shape), shape[0]
        info = call_routine(
            importer, "potrf", x.dtype, uplo="L", n=n, a=a, lda=leading(n)
        )
        spoil(importer, info, [(a, shape, x.dtype)])

    batched(importer, x.shape[:-2], one)
    return [from_columns(importer, target, eqn.outvars[0].aval)]


@rule("triangular_solve")
def _triangular_solve(importer: Importer, eqn: Any, a: Value, b: Value) -> list[Value]:
    """Solve the transposed system, whose column-major matrices are those by rows."""
    if is_small(b.dtype):
        wide = np.dtype(np.float32)
        a, b = (converted(importer, value, wide) for value in (a, b))
    params = eqn.params
    if params["conjugate_a"] and not params["transpose_a"]:
        a = importer.map(
            Aval(a.shape, a.dtype), [a], lambda v: importer.emit(complex.ConjOp(v))
        )
    given, target = importer.buffer(a), copied(importer, b)
    n, m = b.shape[-2:]
    letters = {
        "side": "R" if params["left_side"] else "L",
        "uplo": "U" if params["lower"] else "L",
        "trans": ("NT" if not params["conjugate_a"] else "NC")[params["transpose_a"]],
        "diag": "NU"[params["unit_diagonal"]],
    }
    unit = importer.global_buffer(np.ones((), b.dtype))[0]

    def one(part: Part) -> None:
        order = a.shape[-1]
        sides = {"lda": leading(order), "ldb": leading(m)}
        matrices = {"a": part(given, a.shape[-2:]), "b": part(target, b.shape[-2:])}
        call_routine(
            importer,
            "trsm",
            b.dtype,
            m=m,
            n=n,
            alpha=unit,
            **letters,
            **sides,
            **matrices,
        )

    batched(importer, b.shape[:-2], one)
    found = importer.from_buffer(target, Aval(b.shape, b.dtype))
    return [converted(importer, found, eqn.outvars[0].aval.dtype)]


@lapack_rule("lu")
def _lu(importer: Importer, eqn: Any, x: Value) -> list[Value]:
    lu, pivots, permutation = (var.aval for var in eqn.outvars)
    m, n = x.shape[-2:]
    target = columns(importer, x)
    swaps = importer.allocate(pivots.shape, np.int32)

    def one(part: Part) -> None:
        a, ipiv = part(target, (n, m)), part(swaps, pivots.shape[-1:])
        info = call_routine(
            importer, "getrf", x.dtype, m=m, n=n, a=a, lda=leading(m), ipiv=ipiv
        )
        spoil(importer, info, [(a, (n, m), x.dtype)], "slt")

    batched(importer, x.shape[:-2], one)
    counted = from_one(importer, importer.from_buffer(swaps, pivots))
    importer.materialise([counted])
    return [
        from_columns(importer, target, lu),
        counted,
        permuted(importer, permutation, counted),
    ]


def from_one(importer: Importer, numbers: Value) -> Value:
    """Return numbers that count from zero for those that count from one."""
    one = importer.scalar_constant(1, np.int32)
    return importer.map(
        numbers, [numbers], lambda x: importer.emit(arith.SubiOp(x, one))
    )


@rule("lu_pivots_to_permutation")
def _pivots_to_permutation(importer: Importer, eqn: Any, x: Value) -> list[Value]:
    return [permuted(importer, eqn.outvars[0].aval, x)]


def permuted(importer: Importer, aval: Any, swaps: Value) -> Value:
    """Return the permutations that rows make which are swapped one by one."""
    importer.materialise([swaps])
    target = importer.allocate(aval.shape, np.int32)

    def start(indices: list[SSAValue], _: Any) -> list[SSAValue]:
        number = importer.emit(arith.IndexCastOp(indices[-1], i32))
        importer.store(number, target, indices, np.int32)
        return []

    def exchange(indices: list[SSAValue], _: Any) -> list[SSAValue]:
        *batch, row = indices
        wide = convert(
            importer, importer.element(swaps, indices), swaps.dtype, np.int64
        )
        other = importer.emit(arith.IndexCastOp(wide, index))
        places = [[*batch, row], [*batch, other]]
        first, second = (importer.load(target, place, np.int32) for place in places)
        importer.store(second, target, places[0], np.int32)
        importer.store(first, target, places[1], np.int32)
        return []

    importer.loop(aval.shape, start)
    importer.loop(swaps.shape, exchange)
    return importer.from_buffer(target, aval)


@lapack_rule("tridiagonal_solve")
def _tridiagonal_solve(
    importer: Importer, eqn: Any, dl: Value, d: Value, du: Value, b: Value
) -> list[Value]:
    """Eliminate, on copies; the lower diagonal starts with an element out of use."""
    if eqn.params.get("perturb_singular"):
        return NotImplemented
    diagonals = [copied(importer, value) for value in (dl, d, du)]
    n, right = b.shape[-2:]
    target, one_place = columns(importer, b), importer.index_constant(1)

    def one(part: Part) -> None:
        low, middle, high = (part(diagonal, (n,)) for diagonal in diagonals)
        low = importer.view(low, one_place, (larger(n - 1, 0),))
        solution = part(target, (right, n))
        bands = {"dl": low, "d": middle, "du": high, "b": solution}
        info = call_routine(
            importer, "gtsv", b.dtype, n=n, nrhs=right, ldb=leading(n), **bands
        )
        spoil(importer, info, [(solution, (right, n), b.dtype)])

    batched(importer, b.shape[:-2], one)
    return [from_columns(importer, target, eqn.outvars[0].aval)]


@rule("custom_linear_solve")
def _custom_linear_solve(importer: Importer, eqn: Any, *inputs: Value) -> list[Value]:
    """Run the solver, on its own constants and the right-hand sides."""
    lengths, solve = eqn.params["const_lengths"], eqn.params["jaxprs"].solve
    first = lengths.matvec + lengths.vecmat
    own = inputs[first : first + lengths.solve]
    return importer.inline(solve, [*own, *inputs[sum(lengths) :]])


def traced(
    importer: Importer, function: Callable[..., Any], *inputs: Value
) -> list[Value]:
    """Import a function of arrays that is written in JAX."""
    shapes = [jax.ShapeDtypeStruct(value.shape, value.dtype) for value in inputs]
    with enable_x64(True):
        closed = jax.make_jaxpr(function)(*shapes)
    return importer.inline(closed, inputs)


@rule("symmetric_product")
def _symmetric_product(importer: Importer, eqn: Any, a: Value, c: Value) -> list[Value]:
    alpha, beta = (np.asarray(eqn.params[k], a.dtype) for k in ("alpha", "beta"))

    def product(a: Any, c: Any) -> Any:
        return alpha * (a @ jnp.swapaxes(a, -1, -2)) + beta * c

    return traced(importer, product, a, c)


@rule("cholesky_update")
def _cholesky_update(
    importer: Importer, eqn: Any, factor: Value, vector: Value
) -> list[Value]:
    """Rotate a vector into an upper factor, row by row."""

    def update(factor: Any, vector: Any) -> Any:
        def rotate(row: Any, carried: Any) -> Any:
            factor, vector = carried
            x, y = factor[row, row], vector[row]
            length = jnp.hypot(x, y)
            cosine, sine = (
                jnp.where(y == 0, exact, part / jnp.where(y == 0, 1, length))
                for part, exact in ((x, 1), (y, 0))
            )
            rotated = cosine * factor[row] + sine * vector
            rest = cosine * vector - sine * factor[row]
            return factor.at[row].set(rotated), rest

        return jax.lax.fori_loop(0, vector.shape[0], rotate, (factor, vector))[0]

    return traced(importer, update, factor, vector)
