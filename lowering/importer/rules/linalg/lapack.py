"""BLAS and LAPACK, called from native code: one table of routines and their arguments.

The routines are those that SciPy ships, see blas.py. Every argument is the address
of a buffer, also numbers and letters; matrices are column-major.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

import numpy as np
from xdsl.dialects import arith
from xdsl.dialects.builtin import i32
from xdsl.ir import SSAValue

from qjit.dialects.host import RoutineOp
from qjit.lowering.importer.importer import Importer
from qjit.lowering.jaxpr.dimensions import (
    Size,
    at_most,
    count,
    is_symbolic,
    larger,
    smaller,
)
from qjit.lowering.native.blas import LETTERS

# From how many multiplications on, or cubes of a matrix's size, threads are worth it.
MANY = 1 << 25
# The widest blocks that LAPACK works in, and the size of their triangular factors.
BLOCK = 64
FACTORS = (BLOCK + 1) * BLOCK

Formula = Callable[[dict[str, Size]], Size]


@dataclass(frozen=True)
class Routine:
    """A routine: the names of its arguments, and the sizes of its workspaces.

    Where the complex routine differs, its name and its arguments follow.
    """

    arguments: str
    work: dict[str, Formula] = field(default_factory=dict[str, Formula])
    complex_name: str = ""
    complex_arguments: str = ""
    complex_work: dict[str, Formula] = field(default_factory=dict[str, Formula])


def _blocks(name: str, plain: int = 0, more: int = 0) -> dict[str, Formula]:
    """Return the workspace of a blocked routine: columns as long as a dimension."""
    return {"work": lambda of: (BLOCK + plain) * larger(1, of[name]) + more}


def _long(of: dict[str, Size]) -> Size:
    return larger(of["m"], of["n"])


def _short(of: dict[str, Size]) -> Size:
    return smaller(of["m"], of["n"])


def _svd_work(of: dict[str, Size]) -> Size:
    return _short(of) * (4 * _short(of) + 7) + (BLOCK + 3) * (of["m"] + of["n"])


def _svd_rwork(of: dict[str, Size]) -> Size:
    return _short(of) * (7 * _short(of) + 2 * _long(of) + 7)


def _rotations(of: dict[str, Size]) -> Size:
    return 5 * _short(of)


def _three(of: dict[str, Size]) -> Size:
    return 3 + 5 * of["n"]


def _eigh_work(of: dict[str, Size]) -> Size:
    return 1 + (BLOCK + 6) * of["n"] + 2 * of["n"] * of["n"]


def _eigh_rwork(of: dict[str, Size]) -> Size:
    return 1 + 5 * of["n"] + 2 * of["n"] * of["n"]


def _double(of: dict[str, Size]) -> Size:
    return larger(1, 2 * of["n"])


def _order(of: dict[str, Size]) -> Size:
    return larger(1, of["n"])


def _multiply_work(of: dict[str, Size]) -> Size:
    return BLOCK * larger(1, larger(of["m"], of["n"])) + FACTORS


ROUTINES = {
    "gemm": Routine("transa transb m n k alpha a lda b ldb beta c ldc"),
    "gemv": Routine("trans m n alpha a lda x incx beta y incy"),
    "trsm": Routine("side uplo trans diag m n alpha a lda b ldb"),
    "potrf": Routine("uplo n a lda info"),
    "getrf": Routine("m n a lda ipiv info"),
    "gtsv": Routine("n nrhs dl d du b ldb info"),
    "geqrf": Routine("m n a lda tau work lwork info", _blocks("n")),
    "geqp3": Routine(
        "m n a lda jpvt tau work lwork info",
        _blocks("n", 3, BLOCK),
        complex_arguments="m n a lda jpvt tau work lwork rwork info",
        complex_work={"rwork": _double},
    ),
    "orgqr": Routine("m n k a lda tau work lwork info", _blocks("n"), "ungqr"),
    "ormqr": Routine(
        "side trans m n k a lda tau c ldc work lwork info",
        {"work": _multiply_work},
        "unmqr",
    ),
    "gehrd": Routine("n ilo ihi a lda tau work lwork info", _blocks("n", 0, FACTORS)),
    "sytrd": Routine("uplo n a lda d e tau work lwork info", _blocks("n"), "hetrd"),
    "syevd": Routine(
        "jobz uplo n a lda w work lwork iwork liwork info",
        {"work": _eigh_work, "iwork": _three},
        "heevd",
        "jobz uplo n a lda w work lwork rwork lrwork iwork liwork info",
        {"rwork": _eigh_rwork},
    ),
    "geev": Routine(
        "jobvl jobvr n a lda wr wi vl ldvl vr ldvr work lwork info",
        _blocks("n", 2 * BLOCK + 6),
        complex_arguments="jobvl jobvr n a lda w vl ldvl vr ldvr work lwork rwork info",
        complex_work={"rwork": _double},
    ),
    "gees": Routine(
        "jobvs sort select n a lda sdim wr wi vs ldvs work lwork bwork info",
        {**_blocks("n", 6, FACTORS), "bwork": _order},
        complex_arguments=(
            "jobvs sort select n a lda sdim w vs ldvs work lwork rwork bwork info"
        ),
        complex_work={"rwork": _order},
    ),
    "gesdd": Routine(
        "jobz m n a lda s u ldu vt ldvt work lwork iwork info",
        {"work": _svd_work, "iwork": lambda of: 8 * _short(of)},
        complex_arguments=(
            "jobz m n a lda s u ldu vt ldvt work lwork rwork iwork info"
        ),
        complex_work={"rwork": _svd_rwork},
    ),
    "gesvd": Routine(
        "jobu jobvt m n a lda s u ldu vt ldvt work lwork info",
        {"work": _svd_work},
        complex_arguments="jobu jobvt m n a lda s u ldu vt ldvt work lwork rwork info",
        complex_work={"rwork": _rotations},
    ),
}


def call_routine(
    importer: Importer, name: str, dtype: Any, **given: Size | str | SSAValue
) -> SSAValue:
    """Call a routine on numbers, letters and buffers, and return its `info`.

    Its workspace, `info` and leading dimensions not given are made here.
    """
    symbol, arguments, work = _variant(name, dtype)
    sizes = {k: v for k, v in given.items() if not isinstance(v, str | SSAValue)}
    lengths = {name: formula(sizes) for name, formula in work.items()}
    made: dict[str, SSAValue] = {}
    for argument in arguments.split():
        value: Any = given.get(argument)
        if argument in lengths:
            value = importer.allocate((lengths[argument],), _work_type(argument, dtype))
        elif argument[1:] in lengths and argument.startswith("l"):
            value = lengths[argument[1:]]
        elif argument == "info":
            value = importer.allocate((), np.int32)
        assert value is not None, f"{name} needs {argument}"
        made[argument] = argument_buffer(importer, value)
    large = not at_most(_multiplications(sizes), MANY)
    importer.insert(RoutineOp(symbol, list(made.values()), large=large))
    importer.invalidate()
    return made.get("info", next(iter(made.values())))


def _multiplications(sizes: dict[str, Size]) -> Size:
    """Return about how many multiplications a routine makes on matrices of sizes."""
    found = [sizes[name] for name in ("m", "n", "k") if name in sizes]
    return count((*found, *[reduce(larger, found)] * (3 - len(found))))


def _variant(name: str, dtype: Any) -> tuple[str, str, dict[str, Formula]]:
    routine, letter = ROUTINES[name], LETTERS[str(dtype)]
    if letter in "sd":
        return letter + name, routine.arguments, routine.work
    return (
        letter + (routine.complex_name or name),
        routine.complex_arguments or routine.arguments,
        {**routine.work, **routine.complex_work},
    )


def _work_type(name: str, dtype: Any) -> Any:
    if name in ("iwork", "bwork"):
        return np.int32
    return dtype if name == "work" else np.zeros((), dtype).real.dtype


def argument_buffer(importer: Importer, value: Size | str | SSAValue) -> SSAValue:
    """Return a buffer that holds an argument of a routine."""
    if isinstance(value, SSAValue):
        return value
    if isinstance(value, str):
        return importer.global_buffer(np.array(ord(value), np.uint8))[0]
    if not is_symbolic(value):
        return importer.global_buffer(np.array(value, np.int32))[0]
    buffer = importer.allocate((), np.int32)
    number = importer.emit(arith.IndexCastOp(importer.index_constant(value), i32))
    importer.store(number, buffer, (), np.int32)
    return buffer
