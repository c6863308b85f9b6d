"""JAX's own test cases of its primitives, compiled and compared with `jax.jit`."""

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import jax
import numpy as np

# NOTE: JAX keeps the cases and their tolerances among its internal test modules; there
# is no public list of what its primitives must do.
from jax._src.internal_test_util import test_harnesses
from jax._src.public_test_util import default_tolerance

import qjit as qj
from qjit.lowering.importer.program import import_program

# How many cases are compiled as one program.
BATCH = 12
# Looser tolerances than JAX's default of a few units in the last place.
TOLERANCES: dict[str, dict[str, float]] = {
    # XLA's own log1p and pow err by as much, and so does what is made of them.
    "atanh": {"float64": 2e-14},
    "igammac": {"float64": 2e-14},
    "lgamma": {"float64": 2e-14},
    "log1p": {"float64": 2e-14, "complex128": 2e-14},
    "pow": {"complex64": 1e-5, "complex128": 2e-14},
    # JAX multiplies by a logarithm that it rounds to the operand's type.
    "exp2": {"bfloat16": 3e-2, "float16": 5e-3},
    # XLA rounds partial sums in another order.
    "cumsum": {"bfloat16": 5e-2, "float16": 5e-3},
    "cumprod": {"bfloat16": 5e-2, "float16": 5e-3},
    "dot_general": {
        **{"float32": 1e-5, "float64": 1e-14},
        **{"float16": 1e-2, "bfloat16": 5e-2},
    },
    # XLA rounds every step to 16 bits.
    "triangular_solve": {"bfloat16": 5e-2, "float16": 1e-2},
    "conv_general_dilated": {
        **{"float32": 1e-4, "complex64": 1e-4, "float64": 1e-12, "complex128": 1e-12},
        # JAX 0.7 adds 16-bit terms with 16 bits.
        **{"float16": 1e-1, "bfloat16": 5e-2},
    },
    "reduce_window_add": {"bfloat16": 5e-2, "float16": 5e-3, "float32": 1e-5},
}


@dataclass(frozen=True)
class Outcome:
    """What became of a case: `native`, `host`, `fails`, or `refused` by JAX itself."""

    status: str
    detail: str = ""


@cache
def cases() -> dict[str, list[Any]]:
    """Return the cases that JAX says run on CPUs, by group."""
    found: dict[str, list[Any]] = {}
    for case in test_harnesses.all_harnesses:
        if case.filter("cpu"):
            found.setdefault(case.group_name, []).append(case)
    return found


def dtype_of(case: Any) -> str:
    """Return the name of the dtype that a case is about."""
    return str(np.dtype(case.dtype))


def sampled(group: Sequence[Any]) -> list[Any]:
    """Return one case of each dtype."""
    return list({dtype_of(case): case for case in reversed(group)}.values())


def narrow(group: Sequence[Any]) -> list[Any]:
    """Return the cases that need no 64-bit types."""
    wide = {"int64", "uint64", "float64", "complex128"}
    return [case for case in group if dtype_of(case) not in wide]


def run(group: Sequence[Any]) -> list[Outcome]:
    """Run cases compiled and under `jax.jit`, as few programs as possible."""
    found: list[Outcome] = []
    for start in range(0, len(group), BATCH):
        found += _run(group[start : start + BATCH])
    return found


def _run(batch: Sequence[Any]) -> list[Outcome]:
    """Run cases as one program, and those of a program that is not fine apart."""
    try:
        outcomes = _run_together(batch)
    except Exception as error:
        text = f"{type(error).__name__}: {error}".split("\n")[0][:300]
        outcomes = [Outcome("fails", text)] * len(batch)
    if len(batch) == 1 or all(o.status in ("native", "host") for o in outcomes):
        return outcomes
    middle = len(batch) // 2
    return [*_run(batch[:middle]), *_run(batch[middle:])]


def _run_together(batch: Sequence[Any]) -> list[Outcome]:
    args = [arguments(case) for case in batch]

    def together(args: Any) -> list[Any]:
        return [case.dyn_fun(*a) for case, a in zip(batch, args, strict=True)]

    try:
        expected = jax.jit(together)(args)
    except Exception as error:
        return [Outcome("refused", str(error))] * len(batch)
    compiled = qj.qjit(together)
    found = compiled(args)
    native = not compiled.report(args)["host"]
    return [
        _difference(case, *values) or (Outcome("native") if native else _host(case))
        for case, *values in zip(batch, args, found, expected, strict=True)
    ]


def _host(case: Any) -> Outcome:
    imported = import_program(jax.make_jaxpr(case.dyn_fun)(*arguments(case)))
    names = ", ".join(imported.host)
    return Outcome("host", names) if names else Outcome("native")


def arguments(case: Any) -> Any:
    seed = zlib.adler32(case.fullname.encode())
    return list(case.dyn_args_maker(np.random.RandomState(seed)))


def _difference(case: Any, args: Any, found: Any, expected: Any) -> Outcome | None:
    compare = COMPARISONS.get(case.group_name)
    try:
        assert jax.tree.structure(found) == jax.tree.structure(expected)
        if compare is not None:
            compare(args, found, expected)
        else:
            leaves = map(jax.tree.leaves, (found, expected))
            for one, other in zip(*leaves, strict=True):
                _assert_close(case, one, other)
    except AssertionError as error:
        return Outcome("fails", " ".join(str(error).split())[:300])
    return None


def _assert_close(case: Any, found: Any, expected: Any) -> None:
    assert found.dtype == expected.dtype and found.shape == expected.shape
    if jax.numpy.issubdtype(found.dtype, jax.dtypes.prng_key):
        found, expected = map(jax.random.key_data, (found, expected))
    tolerance = _tolerance(case, found.dtype)
    found, expected = map(_plain, (found, expected))
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)


def _near_the_largest(_: Any, found: Any, expected: Any) -> None:
    """Compare sums of all elements of an array, whose errors are alike in size."""
    assert found.dtype == expected.dtype and found.shape == expected.shape
    tolerance = 5 * np.finfo(found.dtype).eps * np.max(np.abs(expected), initial=0)
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance)


def _same_rows(_: Any, found: Any, expected: Any) -> None:
    """Compare sorted arrays, where JAX's unstable sorts may swap equal keys."""
    ours, theirs = ([*map(_plain, jax.tree.leaves(each))] for each in (found, expected))
    np.testing.assert_array_equal(ours[0], theirs[0])
    if len(ours) > 1:
        for one, other in zip(
            *(_ordered(each) for each in (ours, theirs)), strict=True
        ):
            np.testing.assert_array_equal(one, other)


def _ordered(arrays: Sequence[Any]) -> list[Any]:
    """Return arrays of one axis with their rows in lexicographic order."""
    order = np.lexsort(arrays[::-1])
    return [array[order] for array in arrays]


def _same_extremes(arguments: Any, found: Any, expected: Any) -> None:
    """Compare extremes and where they stand, which need not be the first place."""
    np.testing.assert_array_equal(_plain(found[0]), _plain(expected[0]))
    assert found[1].dtype == expected[1].dtype
    chosen = np.take_along_axis(_plain(arguments[0]), np.asarray(found[1]), -1)
    np.testing.assert_array_equal(chosen, _plain(found[0]))
    places = np.sort(found[1], -1)
    assert np.all(places[..., 1:] != places[..., :-1])


def _tolerance(case: Any, dtype: Any) -> float:
    """Return the tolerance of a result: that of the operands, if they are coarser."""
    if not jax.numpy.issubdtype(dtype, np.inexact):
        return 0.0
    loose = TOLERANCES.get(case.group_name, {})
    kinds = np.dtype(dtype), np.dtype(case.dtype)
    return max(loose.get(str(kind), default_tolerance()[kind]) for kind in kinds)


def _plain(array: Any) -> Any:
    small = jax.numpy.issubdtype(array.dtype, np.floating) and array.dtype.itemsize < 4
    return np.asarray(array, np.float32 if small else None)


# How to compare results that may differ, by group: (arguments, found, expected).
COMPARISONS: dict[str, Callable[..., None]] = {
    "approx_top_k": _same_extremes,
    "fft": _near_the_largest,
    "sort": _same_rows,
}
