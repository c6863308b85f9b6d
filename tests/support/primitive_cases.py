"""Cases of primitives that JAX's own test cases leave out, over dtypes and extremes."""

import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax._src.interpreters import mlir
from jax._src.lax import linalg, windowed_reductions
from jax.ad_checkpoint import checkpoint_name
from jax.custom_derivatives import linear_call
from jax.sharding import Mesh, NamedSharding, PartitionSpec

Case = tuple[Callable[..., Any], Sequence[Any]]

FLOATS = ("float16", "bfloat16", "float32", "float64")
SIGNED = ("int8", "int16", "int32", "int64")
UNSIGNED = ("uint8", "uint16", "uint32", "uint64")
INTEGERS = (*SIGNED, *UNSIGNED)
COMPLEX = ("complex64", "complex128")
INEXACT = ("float32", "float64", *COMPLEX)

# Why a primitive has no case: patterns of names.
REASONS: dict[str, str] = {
    r".*_(start|done)|pbroadcast|psend|precv": "needs several devices",
    r"ragged_all_to_all|pgather|mesh_cast|full_to_shard|shard_to_full": "as above",
    r"xla_pmap": "as above",
    r"all_gather_(invariant|reduced)|psum_invariant|pvary|preduced|reshard": "as above",
    r"unreduced_\w+|reduced_vary\w+|vary_unreduced\w+|pcast|pbitcast": "as above",
    r"dot_product_attention\w+|scaled_matmul\w*|cudnn\w+": "runs on GPUs only",
    r"eigh_jacobi": "runs on TPUs only",
    r"bias_(fwd|bwd)": "checks how attention is batched, and computes nothing",
    r"scaled_dot": "runs on CPUs in some versions of JAX only",
    r"ffi_call|tpu_custom_call|custom_partitioning": "is a function of another library",
    r"call|closed_call|core_call|remat2|remat_opt|eval_jaxpr": "no function makes it",
    r"custom_lin|create_linear|pin|unpin|dce_sink|unreachable": "as above",
    r"run_state|stage|to_edtype|from_edtype|broadcast_to|empty2?": "as above",
    r"custom_transpose_call": "as above",
    r"after_all|create_token|opaque_id|consume": "only orders what runs",
    r"dimension_size|shape_assertion": "is made by jax.export when it lowers",
    r"dim_as_value": "is of arrays of open size, which have tests of their own",
    r"core_map|\w+_local_array\w*": "needs several processes, or a GPU",
    r"inspect_sharding|layout_constraint|with_memory_space_constraint|relayout": "tells"
    " of places and layouts, of which compiled programs have one",
    r"check": "is taken out of a program by checkify",
    r"threefry4x32|philox\w+": "belongs to generators that have no name",
    r"(bcoo|bcsr|coo|csr)_\w+|todense|spsolve": "works on jax.experimental.sparse",
}


def primitive(name: str) -> Any:
    """Return a primitive of JAX; None if this version has none of this name."""
    return next((each for each in _lowered() if each.name == name), None)


def _lowered() -> set[Any]:
    tables: Any = mlir
    return {*tables._lowerings, *tables._platform_specific_lowerings["cpu"]}


@cache
def registered() -> set[str]:
    """Return the names of all primitives that this version of JAX lowers on CPUs.

    A process of its own lists them: libraries that other tests import add theirs here.
    """
    listing = (
        "import jax, jax.export, jax.experimental.checkify, jax.experimental.sparse\n"
        "from jax._src.interpreters import mlir\n"
        "cpu = mlir._platform_specific_lowerings['cpu']\n"
        "print(*{each.name for each in [*mlir._lowerings, *cpu]})"
    )
    command = [sys.executable, "-c", listing]
    listed = subprocess.run(command, check=True, capture_output=True, text=True)
    return set(listed.stdout.split())


def extremes(dtype: str) -> Any:
    """Return values of a dtype at its ends, and NaN with signs and payloads."""
    kind: Any = jnp.dtype(dtype)
    if dtype == "bool":
        return np.asarray([False, True])
    if jnp.issubdtype(kind, jnp.integer):
        ends: Any = jnp.iinfo(kind)
        values = [0, 1, 3, ends.min, ends.max, ends.min + 1, ends.max // 2]
        return np.asarray(values, kind)
    if jnp.issubdtype(kind, jnp.complexfloating):
        parts = [0.0, -0.0, 1.5, -2.0, np.inf, np.nan]
        return np.asarray([complex(a, b) for a in parts for b in parts], kind)
    info: Any = jnp.finfo(kind)
    some = [0.0, 1.0, np.inf, float(info.max), float(info.tiny)]
    some += [float(info.smallest_subnormal)]
    numbers = np.asarray([*some, *(-value for value in some)], kind)
    bits = np.dtype(f"uint{8 * kind.itemsize}")
    quiet = int(np.asarray(np.inf, kind).view(bits)) | 1 << (info.nmant - 1)
    sign = 1 << (8 * kind.itemsize - 1)
    missing = np.asarray([quiet, quiet | sign, quiet | 3, quiet | sign | 3], bits)
    return np.concatenate([numbers, missing.view(kind)])


def pairs(dtype: str) -> list[Any]:
    """Return two arrays in which every extreme meets every other."""
    values = extremes(dtype)
    return [each.ravel() for each in np.meshgrid(values, values)]


def matrix(dtype: str, rows: int = 4, columns: int = 4) -> Any:
    """Return a matrix of a dtype."""
    random = np.random.default_rng(3)
    found = random.normal(size=(rows, columns))
    if dtype in COMPLEX:
        found = found + 1j * random.normal(size=(rows, columns))
    return found.astype(dtype)


def _elementwise() -> Iterator[tuple[str, Case]]:
    for name in ("eq_to", "lt_to", "le_to"):
        for dtype in ("bool", *INTEGERS, *FLOATS):
            yield name, (primitive(name).bind, pairs(dtype))
    for dtype in ("bool", *INTEGERS):
        yield "not", (lax.bitwise_not, [extremes(dtype)])
    for dtype in INTEGERS:
        yield "clz", (lax.clz, [extremes(dtype)])
        yield "reduce_xor", (_xor_rows, [extremes(dtype).reshape(1, -1)])
        if primitive("mulhi") is not None and dtype[-2:] in ("32", "64"):
            yield "mulhi", (primitive("mulhi").bind, pairs(dtype))
    for dtype in (*INTEGERS, *FLOATS):
        yield "square", (lax.square, [extremes(dtype)])
        if primitive("one_minus_square") is not None:
            bind = primitive("one_minus_square").bind
            yield "one_minus_square", (bind, [extremes(dtype)])
    for dtype in FLOATS:
        yield "exp2", (lax.exp2, [extremes(dtype)])
    if primitive("polynomial") is not None:
        for dtype in INEXACT:
            coefficients = [*matrix(dtype, 3, 1)]
            yield "polynomial", (_polynomial, [matrix(dtype, 1, 4)[0], *coefficients])


def _polynomial(x: Any, *coefficients: Any) -> Any:
    return primitive("polynomial").bind(
        x, *(jnp.broadcast_to(c, 4) for c in coefficients)
    )


def _xor_rows(x: Any) -> Any:
    return lax.reduce(x, np.zeros((), x.dtype), lax.bitwise_xor, (0, 1))


def _linear_algebra() -> Iterator[tuple[str, Case]]:
    for dtype in INEXACT:
        a = matrix(dtype)
        yield "hessenberg", (lax.linalg.hessenberg, [a])
        yield "schur", (lambda a: lax.linalg.schur(a)[0], [a + a.conj().T])
        yield "tridiagonal", (lax.linalg.tridiagonal, [a + a.conj().T])
        yield "geqrf", (primitive("geqrf").bind, [matrix(dtype, 5, 3)])
        yield "householder_product", (_orthogonal, [matrix(dtype, 5, 3)])
        if primitive("geqp3") is not None:
            yield "geqp3", (_pivoted, [a, np.zeros(4, np.int32)])
        if primitive("ormqr") is not None:
            yield "ormqr", (_multiplied, [matrix(dtype, 5, 3), matrix(dtype, 5, 2)])
    pivots = np.asarray([[2, 1, 4], [0, 4, 3]], np.int32)
    yield "lu_pivots_to_permutation", (_permuted, [pivots])
    for dtype in ("float32", "float64"):
        a = matrix(dtype)
        triangle = np.triu(a) + 3 * np.eye(4, dtype=dtype)
        yield "cholesky_update", (lax.linalg.cholesky_update, [triangle, a[0]])
        yield (
            "symmetric_product",
            (lambda a: lax.linalg.symmetric_product(a, a @ a.T), [a]),
        )


def _orthogonal(a: Any) -> Any:
    return lax.linalg.householder_product(*primitive("geqrf").bind(a))


def _pivoted(a: Any, pivots: Any) -> Any:
    return linalg.geqp3(a, pivots)


def _permuted(pivots: Any) -> Any:
    return lax.linalg.lu_pivots_to_permutation(pivots, 5)


def _multiplied(a: Any, c: Any) -> Any:
    factors, scales = primitive("geqrf").bind(a)
    return lax.linalg.ormqr(factors, scales, c)


def _special_functions() -> Iterator[tuple[str, Case]]:
    for dtype in ("float32", "float64"):
        x = np.asarray([0.3, 1.0, 2.5, 7.0], dtype)
        gamma = jax.scipy.special.gammainc
        slope = jax.vmap(jax.grad(gamma), (0, None))
        yield "igamma_grad_a", (slope, [x, dtype_scalar(1.7, dtype)])
        yield "zeta", (jax.scipy.special.zeta, [x + 1, x])
        yield "polygamma", (_polygamma, [x])


def dtype_scalar(value: float, dtype: str) -> Any:
    """Return a scalar array of a dtype."""
    return np.asarray(value, dtype)


def _polygamma(x: Any) -> Any:
    bind = primitive("polygamma").bind if primitive("polygamma") is not None else None
    order = jnp.ones_like(x)
    return jax.scipy.special.polygamma(1, x) if bind is None else bind(order, x)


def _structure() -> Iterator[tuple[str, Case]]:
    for dtype in ("bool", "int8", "bfloat16", "float64", "complex64"):
        x = np.resize(extremes(dtype), (2, 3))
        yield "stack", (lambda x: jnp.stack([x, x[::-1]], 1), [x])
        yield "unstack", (lambda x: [*jnp.unstack(x, axis=1)], [x])
        yield "tile", (lambda x: jnp.tile(x, (2, 3)), [x])
        yield "optimization_barrier", (lambda x: lax.optimization_barrier((x, x)), [x])
        yield "copy", (jnp.copy, [x])
        yield "split", (lambda x: lax.split(x, (1, 2), axis=1), [x])
        yield "name", (lambda x: checkpoint_name(x, "x"), [x])
        if primitive("tie") is not None:
            yield "tie", (lambda x: primitive("tie").bind(x, x[0]), [x])
    if hasattr(lax, "empty"):
        yield "empty", (lambda x: lax.full_like(lax.empty(x.shape, x.dtype), 2), [x])
    x = np.arange(6.0).reshape(2, 3)
    places = np.asarray([1, 0, 1])
    yield "scatter-sub", (lambda x: x.at[places].subtract(0.5), [x])
    yield "select_and_scatter", (_scattered, [x, x[:, :2] + 1])
    yield "ragged_dot_general", (_ragged, [x])
    yield "platform_index", (_by_platform, [x])
    yield "composite", (lax.composite(lambda x: x * 2, name="test.twice"), [x])
    yield "linear_call", (_linear_call, [x])


def _scattered(x: Any, source: Any) -> Any:
    module: Any = windowed_reductions
    return module._select_and_scatter(
        x, lax.ge, (1, 2), (1, 1), ((0, 0), (0, 0)), source, x[0, 0] * 0, lax.add
    )


def _ragged(x: Any) -> Any:
    return lax.ragged_dot(x, jnp.ones((2, 3, 2)), jnp.asarray([1, 1]))


def _by_platform(x: Any) -> Any:
    return lax.platform_dependent(x, cpu=lambda x: x + 1, default=lambda x: x - 1)


def _linear_call(x: Any) -> Any:
    return linear_call(lambda r, x: x * r, lambda r, t: t * r, 2.0, x)


def _random() -> Iterator[tuple[str, Case]]:
    key = jax.random.key(3)
    yield "random_fold_in", (lambda k: jax.random.bits(jax.random.fold_in(k, 5)), [key])
    yield "random_wrap", (_wrapped, [np.asarray([1, 2], np.uint32)])
    yield "random_clone", (lambda k: jax.random.bits(jax.random.clone(k), (3,)), [key])
    words = [np.asarray([n, n + 7], np.uint32) for n in range(4)]
    yield "threefry2x32", (primitive("threefry2x32").bind, words)
    yield "rng_uniform", (lambda x: lax.rng_uniform(x, x, (3,)), [1.5])


def _wrapped(data: Any) -> Any:
    return jax.random.uniform(jax.random.wrap_key_data(data))


def _control() -> Iterator[tuple[str, Case]]:
    x = np.asarray([0.5, -1.0, 2.0])
    yield "cond", (lambda x: lax.cond(x[0] > 0, jnp.sin, jnp.cos, x), [x])
    yield "while", (_halved, [x])
    yield "scan", (lambda x: lax.scan(lambda c, y: (c + y, c * y), 0.0, x), [x])
    yield "custom_jvp_call", (jax.nn.relu, [x])
    yield "custom_vjp_call", (_custom, [x])
    yield "custom_vmap_call", (_batched, [x])
    yield "checkpoint", (lambda x: jax.checkpoint(jnp.sin)(x), [x])
    exported = jax.export.export(jax.jit(jnp.sin))(x)
    yield "call_exported", (exported.call, [x])


def _halved(x: Any) -> Any:
    return lax.while_loop(lambda x: jnp.sum(x * x) > 0.1, lambda x: x / 2, x)


@jax.custom_batching.custom_vmap
def _batched(x: Any) -> Any:
    return jnp.sin(x)


@_batched.def_vmap
def _(size: int, batched: Sequence[bool], x: Any) -> Any:
    return jnp.sin(x), batched[0]


@jax.custom_vjp
def _custom(x: Any) -> Any:
    return jnp.sin(x)


_custom.defvjp(lambda x: (jnp.sin(x), x), lambda x, bar: (bar * 2,))


def _devices() -> Iterator[tuple[str, Case]]:
    mesh = Mesh(np.asarray(jax.devices()[:1]), ("rows",))
    rows = PartitionSpec("rows")
    placed = NamedSharding(mesh, rows)
    shard_map: Any = jax.shard_map
    x = np.arange(6.0).reshape(2, 3)

    def mapped(function: Callable[[Any], Any]) -> Any:
        specs = {"in_specs": rows, "out_specs": rows}
        return shard_map(function, mesh=mesh, **specs, check_vma=False)

    def permuted(x: Any) -> Any:
        return lax.ppermute(x, "rows", [(0, 0)])

    def scattered(x: Any) -> Any:
        return lax.psum_scatter(x, "rows", scatter_dimension=0, tiled=True)

    def sent(x: Any) -> Any:
        return lax.all_to_all(x[None], "rows", 0, 0)[0]

    functions: dict[str, Callable[[Any], Any]] = {
        "axis_index": lambda x: x + lax.axis_index("rows"),
        "psum": lambda x: lax.psum(x, "rows") + x,
        "pmax": lambda x: lax.pmax(x, "rows") + x,
        "pmin": lambda x: lax.pmin(x, "rows") + x,
        "all_gather": lambda x: lax.all_gather(x, "rows")[0] + x,
        "all_to_all": sent,
        "ppermute": permuted,
        "reduce_scatter": scattered,
        "shard_map": lambda x: 2 * x,
    }
    for name, function in functions.items():
        yield name, (mapped(function), [x])
    constrained = lax.with_sharding_constraint
    yield "sharding_constraint", (lambda x: constrained(x, placed), [x])


def _callbacks() -> Iterator[tuple[str, Case]]:
    x = np.arange(3.0)
    told: list[Any] = []

    def asked(x: Any) -> Any:
        jax.debug.callback(told.append, x)
        jax.debug.print("asked of {}", x)
        return jax.pure_callback(np.sin, x, x)

    yield "pure_callback", (asked, [x])
    yield "io_callback", (lambda x: _io_callback(x), [x])


def _io_callback(x: Any) -> Any:
    from jax.experimental import io_callback

    return io_callback(np.cos, x, x, ordered=True)


def cases() -> Iterator[tuple[str, Case]]:
    """Yield the name of a primitive, a function of arrays that uses it, and these."""
    for group in (
        *(_elementwise, _linear_algebra, _special_functions, _structure, _random),
        *(_control, _devices, _callbacks),
    ):
        yield from group()
