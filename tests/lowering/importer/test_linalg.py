"""Linear algebra by LAPACK: the same as under `jax.jit`, wherever it stands."""

import ctypes
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.lax import linalg

import qjit as qj
from qjit.lowering.importer.rules.linalg.lapack import ROUTINES
from qjit.lowering.jax_internals.equations import enable_x64
from qjit.lowering.native.blas import routine_address

DTYPES = ["float32", "float64", "complex64", "complex128"]
Function = Callable[..., Any]
# Primitives of these programs that are not about linear algebra.
ELSEWHERE = {"sort", "device_put"}
Shapes = list[tuple[int, ...]]


def draw(shape: tuple[int, ...], dtype: str, seed: int = 0) -> Any:
    random = np.random.default_rng(seed)
    found = random.normal(size=shape)
    if np.dtype(dtype).kind == "c":
        found = found + 1j * random.normal(size=shape)
    return jnp.asarray(found.astype(dtype))


def assert_same(function: Function, *args: Any, tolerance: float = 1e-10) -> None:
    compiled = qj.qjit(function)
    found, expected = compiled(*args), jax.jit(function)(*args)
    assert set(compiled.report(*args)["host"]) <= ELSEWHERE
    leaves = map(jax.tree.leaves, (found, expected))
    for one, other in zip(*leaves, strict=True):
        assert one.dtype == other.dtype and one.shape == other.shape
        np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance)


def hermitian(a: Any) -> Any:
    return a + jnp.conj(jnp.swapaxes(a, -1, -2))


FUNCTIONS: dict[str, tuple[Function, Shapes]] = {
    "schur": (linalg.schur, [(2, 5, 5)]),
    "schur_values": (
        lambda a: linalg.schur(a, compute_schur_vectors=False),
        [(2, 3, 4, 4)],
    ),
    "hessenberg": (linalg.hessenberg, [(2, 5, 5)]),
    "tridiagonal": (lambda a: linalg.tridiagonal(hermitian(a)), [(3, 4, 4)]),
    "tridiagonal_upper": (
        lambda a: linalg.tridiagonal(hermitian(a), lower=False),
        [(4, 4)],
    ),
    "qr_pivoted": (lambda a: jax.scipy.linalg.qr(a, pivoting=True), [(4, 6)]),
    "qr_complete": (lambda a: jnp.linalg.qr(a, mode="complete"), [(2, 6, 4)]),
    "qr_empty": (lambda a: jnp.linalg.qr(a, mode="complete"), [(3, 0)]),
    "householder_product": (linalg.householder_product, [(2, 6, 4), (2, 3)]),
    "svd": (lambda a: linalg.svd(a, full_matrices=False), [(2, 40, 7)]),
    "svd_full": (linalg.svd, [(3, 30)]),
    "svd_by_qr": (
        lambda a: linalg.svd(a, algorithm=linalg.SvdAlgorithm.QR),
        [(6, 3)],
    ),
    "svd_empty": (linalg.svd, [(3, 0)]),
    "singular_values": (lambda a: linalg.svd(a, compute_uv=False), [(2, 3, 6)]),
    "eigenvectors_of_both_sides": (
        lambda a: linalg.eig(a, compute_left_eigenvectors=True),
        [(2, 6, 6)],
    ),
    "eigenvalues": (jnp.linalg.eigvals, [(6, 6)]),
    "hermitian_eigenvectors": (jnp.linalg.eigh, [(2, 5, 5)]),
    "solve": (jnp.linalg.solve, [(7, 7), (7, 2)]),
    "inverse": (jnp.linalg.inv, [(3, 7, 7)]),
    "determinant": (jnp.linalg.slogdet, [(3, 5, 5)]),
    "not_positive": (jnp.linalg.cholesky, [(2, 3, 3)]),
    "triangular_conjugate": (
        lambda a, b: linalg.triangular_solve(a, b, left_side=True, conjugate_a=True),
        [(3, 3), (3, 2)],
    ),
    "tridiagonal_solve": (
        linalg.tridiagonal_solve,
        [(3, 7), (3, 7), (3, 7), (3, 7, 2)],
    ),
    "tridiagonal_solve_one": (linalg.tridiagonal_solve, [(1,), (1,), (1,), (1, 2)]),
    "least_squares": (jnp.linalg.lstsq, [(6, 4), (6,)]),
    "exponential": (jax.scipy.linalg.expm, [(4, 4)]),
}

REAL_FUNCTIONS: dict[str, tuple[Function, Shapes]] = {
    "cholesky_update": (linalg.cholesky_update, [(4, 4), (4,)]),
    "cholesky_update_by_zero": (
        lambda a, b: linalg.cholesky_update(a, 0 * b),
        [(4, 4), (4,)],
    ),
    "symmetric_product": (
        lambda a, c: linalg.symmetric_product(a, c, alpha=2.0, beta=3.0),
        [(3, 4, 5), (3, 4, 4)],
    ),
    "gradient_of_cholesky": (
        jax.grad(lambda a: jnp.linalg.cholesky(a @ a.T + jnp.eye(4)).sum()),
        [(4, 4)],
    ),
    "gradient_of_svd": (
        jax.grad(lambda a: jnp.linalg.svd(a, full_matrices=False)[0][0].sum()),
        [(4, 4)],
    ),
    "gradient_of_eigh": (
        jax.grad(lambda a: jnp.linalg.eigh(a + a.T)[1][0].sum()),
        [(4, 4)],
    ),
    "gradient_of_qr": (jax.grad(lambda a: jnp.linalg.qr(a)[1].sum()), [(5, 4)]),
    "gradient_of_solve": (
        jax.grad(lambda a, b: jnp.linalg.solve(a, b).sum(), (0, 1)),
        [(4, 4), (4,)],
    ),
    "gradient_of_inverse": (
        jax.vmap(jax.grad(lambda a: jnp.linalg.inv(a).sum())),
        [(2, 3, 3)],
    ),
}


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("dtype", ["float32", "complex128"])
def test_factorizations(name: str, dtype: str) -> None:
    function, shapes = FUNCTIONS[name]
    with enable_x64(dtype == "complex128"):
        args = [draw(shape, dtype, seed) for seed, shape in enumerate(shapes)]
        tolerance = 2e-4 if dtype == "float32" else 1e-10
        assert_same(function, *args, tolerance=tolerance)


@pytest.mark.parametrize("name", REAL_FUNCTIONS)
def test_functions_of_real_matrices(name: str) -> None:
    function, shapes = REAL_FUNCTIONS[name]
    with enable_x64(True):
        args = [draw(shape, "float64", seed) for seed, shape in enumerate(shapes)]
        assert_same(function, *args)


def test_factorizations_in_loops() -> None:
    def program(a: Any, b: Any) -> Any:
        def step(carried: Any, row: Any) -> Any:
            matrix, total = carried
            q, r = jnp.linalg.qr(matrix)
            x = jnp.linalg.solve(matrix, row)
            return (r @ q, total + x), jnp.linalg.eigvalsh(matrix + matrix.T)

        (matrix, total), values = jax.lax.scan(step, (a, jnp.zeros(4)), b)

        def rooted(m: Any) -> Any:
            return jnp.linalg.cholesky(m @ m.T)

        def more(carried: Any) -> Any:
            return carried[0] < 3

        def shrink(carried: Any) -> Any:
            count, m = carried
            even = count % 2 == 0
            return count + 1, jax.lax.cond(even, jnp.linalg.inv, rooted, m)

        return matrix, total, values, jax.lax.while_loop(more, shrink, (0, a))

    with enable_x64(True):
        assert_same(program, draw((4, 4), "float64"), draw((6, 4), "float64", 1))


def test_vmapped_over_either_operand() -> None:
    def solve(a: Any, b: Any) -> Any:
        return linalg.triangular_solve(a, b, left_side=True, lower=True)

    def program(a: Any, b: Any) -> Any:
        left, right = (jax.vmap(solve, axes) for axes in ((None, 0), (0, None)))
        return left(a[0], b), right(a, b[0]), jax.vmap(jnp.linalg.svd)(a)

    with enable_x64(True):
        assert_same(program, draw((5, 3, 3), "float64"), draw((5, 3, 2), "float64", 1))


def test_custom_linear_solve_and_its_derivative() -> None:
    def solve(a: Any, b: Any) -> Any:
        return jax.lax.custom_linear_solve(
            lambda x: a @ x,
            b,
            lambda _, y: jnp.linalg.inv(a) @ y,
            lambda _, y: jnp.linalg.inv(a).T @ y,
        )

    def program(a: Any, b: Any) -> Any:
        gradient = jax.grad(lambda a, b: jnp.sum(solve(a, b) ** 2), (0, 1))
        return (
            solve(a, b),
            gradient(a, b),
            jax.scipy.sparse.linalg.cg(lambda x: a @ (a.T @ x), b, maxiter=3),
        )

    with enable_x64(True):
        assert_same(program, draw((4, 4), "float64"), draw((4,), "float64", 1))


def test_around_circuits() -> None:
    @qj.qnode(wires=2)
    def circuit(angles: Any, unitary: Any) -> Any:
        qj.RY(angles[0], 0)
        qj.CNOT([0, 1])
        qj.QubitUnitary(unitary, wires=1)
        return qj.expval(qj.Z(1))

    def program(a: Any) -> Any:
        values, vectors = jnp.linalg.eigh(a + a.T)
        q, _ = jnp.linalg.qr(vectors + 0j)
        return circuit(values, q) * jnp.linalg.det(a)

    def plain(a: Any) -> Any:
        values, vectors = np.linalg.eigh(a + a.T)
        first = np.array([np.cos(values[0] / 2), 0, 0, np.sin(values[0] / 2)])
        state = first.reshape(2, 2) @ np.linalg.qr(vectors + 0j)[0].T
        weights = np.abs(state) ** 2
        return (weights[:, 0].sum() - weights[:, 1].sum()) * np.linalg.det(a)

    with enable_x64(True):
        a = draw((2, 2), "float64")
        compiled = qj.qjit(program)
        np.testing.assert_allclose(compiled(a), plain(np.asarray(a)), atol=1e-10)
        assert compiled.report(a)["host"] == []


def _asked(name: str, dtype: str, sizes: dict[str, int]) -> int:
    """Return the workspace that a routine itself asks for."""
    routine, letter = ROUTINES[name], {"float64": "d", "complex128": "z"}[dtype]
    full, arguments = letter + name, routine.arguments
    if letter == "z":
        full = letter + (routine.complex_name or name)
        arguments = routine.complex_arguments or arguments
    letters = {"jobz": "A", "jobu": "A", "jobvt": "A", "side": "R", "trans": "N"}
    letters |= {"uplo": "L", "jobvl": "V", "jobvr": "V", "jobvs": "V", "sort": "N"}
    if name == "syevd":
        letters["jobz"] = "V"
    given: dict[str, Any] = {}
    for argument in arguments.split():
        if argument in letters:
            given[argument] = ctypes.c_char(letters[argument].encode())
        elif argument in ("lwork", "liwork", "lrwork"):
            given[argument] = ctypes.c_int(-1)
        elif argument in sizes or argument.startswith(("ld", "ilo", "ihi")):
            least = {"ilo": 1, "ihi": sizes["n"]}.get(argument, max(sizes.values()))
            given[argument] = ctypes.c_int(sizes.get(argument, least))
        else:
            given[argument] = (ctypes.c_double * 4)()
    kind: Any = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * len(given))
    kind(routine_address(full))(*(ctypes.addressof(value) for value in given.values()))
    return int(given["work"][0])


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
@pytest.mark.parametrize("name", [k for k, r in ROUTINES.items() if "work" in r.work])
def test_routines_have_the_workspace_they_ask_for(name: str, dtype: str) -> None:
    square = "m" not in ROUTINES[name].arguments.split()
    for m, n in ((1, 1), (2, 5), (40, 7), (7, 40), (300, 300), (700, 90), (90, 700)):
        if name == "orgqr" and n > m:
            continue
        sizes = {"n": n} if square else {"m": m, "n": n}
        if name in ("orgqr", "ormqr"):
            sizes["k"] = min(m, n)
        assert ROUTINES[name].work["work"](sizes) >= _asked(name, dtype, sizes)


# Axes that are summed over, and axes that are paired, of each operand.
PRODUCTS: dict[str, tuple[Shapes, Any]] = {
    "rows_by_columns": ([(30, 40), (40, 50)], (((1,), (0,)), ((), ()))),
    "columns_by_rows": ([(40, 30), (50, 40)], (((0,), (1,)), ((), ()))),
    "matrix_by_vector": ([(60, 70), (70,)], (((1,), (0,)), ((), ()))),
    "vector_by_matrix": ([(60,), (60, 70)], (((0,), (0,)), ((), ()))),
    "turned_by_vector": ([(60, 70), (60,)], (((0,), (0,)), ((), ()))),
    "batch": ([(3, 20, 25), (3, 25, 10)], (((2,), (1,)), ((0,), (0,)))),
    "batch_of_vectors": ([(3, 40, 50), (3, 50)], (((2,), (1,)), ((0,), (0,)))),
    "axes_out_of_order": (
        [(5, 4, 6, 12), (12, 7, 5, 4)],
        (((3, 0), (0, 2)), ((1,), (3,))),
    ),
    "small": ([(3, 4), (4, 2)], (((1,), (0,)), ((), ()))),
    "nothing_to_add": ([(30, 0), (0, 50)], (((1,), (0,)), ((), ()))),
}


@pytest.mark.parametrize("name", PRODUCTS)
@pytest.mark.parametrize("dtype", [*DTYPES, "int32"])
def test_products(name: str, dtype: str) -> None:
    shapes, numbers = PRODUCTS[name]

    def program(x: Any, y: Any) -> Any:
        scaled = jax.lax.dot_general(2 * x, y, numbers)
        return scaled, jax.lax.dot_general(x, y, numbers)

    with enable_x64(True):
        x, y = (10 * draw(shape, dtype, seed) for seed, shape in enumerate(shapes))
        small = dtype in ("float32", "complex64")
        assert_same(program, x, y, tolerance=1e-2 if small else 1e-10)


def test_products_of_narrow_numbers_added_in_wide_ones() -> None:
    def program(x: Any, y: Any) -> Any:
        wide = jnp.matmul(x, y, preferred_element_type=jnp.float32)
        return wide, x @ y

    args = [draw(shape, "float32").astype("bfloat16") for shape in ((30, 40), (40, 20))]
    compiled = qj.qjit(program)
    for found, expected in zip(compiled(*args), jax.jit(program)(*args), strict=True):
        assert found.dtype == expected.dtype
        found, expected = (np.asarray(v, np.float32) for v in (found, expected))
        np.testing.assert_allclose(found, expected, rtol=1e-2, atol=1e-4)


def test_power_iteration_in_a_loop() -> None:
    def program(a: Any, v: Any) -> Any:
        def step(_: Any, v: Any) -> Any:
            w = a @ v
            return w / jnp.linalg.norm(w)

        return jax.lax.fori_loop(0, 50, step, v)

    with enable_x64(True):
        a = hermitian(draw((60, 60), "float64")) + 40 * jnp.eye(60)
        assert_same(program, a, jnp.ones(60), tolerance=1e-8)


# How the axes of two operands may lie in memory: what is summed is last, or first.
ORDERS = [("ij,jk->ik", (420, 300), (300, 410)), ("ji,kj->ik", (330, 321), (345, 330))]


@pytest.mark.parametrize(("axes", "first", "second"), ORDERS)
@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
def test_large_products(axes: str, first: Any, second: Any, dtype: str) -> None:
    with enable_x64(True):
        x, y = draw(first, dtype, 0), draw(second, dtype, 1)
        tolerance = 1e-3 if dtype in ("float32", "complex64") else 1e-10
        assert_same(partial(jnp.einsum, axes), x, y, tolerance=tolerance)


def test_large_products_at_once() -> None:
    with enable_x64(True):
        x = draw((400, 400), "float64", 0)
        multiply, expected = qj.qjit(lambda x: x @ x), x @ x
        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(lambda _: multiply(x), range(12)))
    for each in found:
        np.testing.assert_allclose(each, expected, rtol=1e-10, atol=1e-10)
