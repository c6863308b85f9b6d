"""One compilation serves arrays of all sizes, and means what `jax.jit` means."""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax import export

import qjit as qj
from qjit.errors import UnsupportedError
from qjit.jit import function as jit_function
from qjit.lowering.importer import program as program  # has all rules
from qjit.lowering.importer.importer import RULES
from qjit.lowering.jaxpr.dimensions import count, evaluate, number, numbers
from tests.support.paths import ROOT

Shapes = tuple[str, ...]
SIZES = ({"n": 2, "m": 3}, {"n": 1, "m": 1}, {"n": 13, "m": 4})

# What is computed, and the shapes of its arguments: letters are any size.
CASES: dict[str, tuple[Callable[..., Any], Shapes]] = {
    "chain": (lambda a: jnp.sin(a) * 2 + a.T.sum(), ("n,m",)),
    "mean by rows": (lambda a: (a.mean(0), a.var(1)), ("n,m",)),
    "largest": (lambda a: (a.max(1), a.argmax(1), a.argmin(0)), ("n,m",)),
    "size as value": (lambda x: x.sum() / x.shape[0], ("n",)),
    "size compared": (lambda x: jnp.where(jnp.asarray(x.shape[0]) > 2, x, -x), ("n",)),
    "arange": (lambda x: jnp.arange(x.shape[0]), ("n",)),
    "ravel": (lambda a: jnp.cos(a).reshape(-1) + 1, ("n,m",)),
    "reshape": (lambda a: a.reshape(a.shape[0] * 2, -1), ("n,6",)),
    "matrix product": (lambda a: a @ a.T, ("n,m",)),
    "matrix and vector": (lambda a, x: a @ x, ("n,m", "m")),
    "einsum": (lambda a, b: jnp.einsum("ij,kj->ik", a, b), ("n,m", "3,m")),
    "batched product": (
        lambda a, b: jnp.einsum("bij,bjk->bik", a, b),
        ("n,2,m", "n,m,n"),
    ),
    "broadcast": (lambda a, x, y: a + x - y[:, None], ("n,m", "m", "n")),
    "repeat an axis of one": (lambda a: a * a[:, :1], ("n,m",)),
    "outer": (lambda x, y: jnp.outer(x, y), ("n", "m")),
    "concatenate": (lambda x, y: jnp.concatenate([x, y, x[:1]]), ("n", "m")),
    "stack": (lambda x: (jnp.stack([x, 2 * x]), jnp.stack([x, x], 1)), ("n",)),
    "slices": (lambda x: (x[1:], x[3:], x[:-1], x[::2], x[:2]), ("n",)),
    "half": (lambda x: x[: x.shape[0] // 2], ("n",)),
    "reverse": (lambda x: (x[::-1], x[-1], jnp.flip(x)), ("n",)),
    "roll": (lambda a: jnp.roll(a, 1, 0), ("n,m",)),
    "pad": (lambda x: (jnp.pad(x, 2), jax.lax.pad(x, x[0] * 0, [(-1, 3, 1)])), ("n",)),
    "tile": (lambda x: (jnp.tile(x, 3), jnp.repeat(x, 2)), ("n",)),
    "cumulative": (lambda a: (jnp.cumsum(a, 0), jax.lax.cummax(a, 1, True)), ("n,m",)),
    "scan": (
        lambda a: jax.lax.scan(lambda c, y: (c + y, c * y), 0 * a[0], a),
        ("n,m",),
    ),
    "scan backwards": (
        lambda x: jax.lax.scan(lambda c, y: (c + y, c * y), 0.0, x, reverse=True),
        ("n",),
    ),
    "fori_loop": (
        lambda x: jax.lax.fori_loop(0, x.shape[0], lambda i, c: c + x[i] * i, 0.0),
        ("n",),
    ),
    "for_loop": (
        lambda x: qj.for_loop(x.shape[0] - 1, -1, -1)(lambda i, c: 2 * c + x[i])(0.0),
        ("n",),
    ),
    "while": (
        lambda x: jax.lax.while_loop(
            lambda c: c[0] < x.shape[0], lambda c: (c[0] + 1, c[1] + x[c[0]]), (0, 0.0)
        ),
        ("n",),
    ),
    "loop that writes": (
        lambda x: jax.lax.fori_loop(
            0, x.shape[0], lambda i, c: c.at[i].add(x[-i]), jnp.zeros_like(x)
        ),
        ("n",),
    ),
    "cond": (
        lambda x: jax.lax.cond(x.sum() > 0, lambda x: x * 2, lambda x: x[::-1], x),
        ("n",),
    ),
    "map": (lambda a: jax.lax.map(lambda row: row * row.sum(), a), ("n,m",)),
    "vmap": (lambda a: jax.vmap(lambda row: row / jnp.abs(row).sum())(a), ("n,m",)),
    "write": (lambda x: (x.at[0].set(3.0), x.at[1:].add(2.0), x.at[-1].mul(2)), ("n",)),
    "gather": (lambda a: a[(jnp.arange(a.shape[0]) * 3) % a.shape[0]], ("n,m",)),
    "gather out of bounds": (lambda x: x[jnp.array([0, 2, 30])], ("n",)),
    "dynamic slice": (
        lambda a: jax.lax.dynamic_slice(a, (a.shape[0] // 2, 0), (1, a.shape[1])),
        ("n,m",),
    ),
    "dynamic update": (
        lambda a: jax.lax.dynamic_update_slice(a, a[:1] * 0, (a.shape[0] // 2, 0)),
        ("n,m",),
    ),
    "triangles": (lambda a: (jnp.tril(a), jnp.triu(a)), ("n,m",)),
    "identity": (lambda a: (jnp.eye(a.shape[0]), jnp.trace(a), jnp.diag(a)), ("n,n",)),
    "softmax": (lambda a: jax.nn.softmax(a, axis=-1), ("n,m",)),
    "one hot": (lambda x: jax.nn.one_hot(jnp.arange(3), x.shape[0]), ("n",)),
    "gradient": (
        lambda a: jax.grad(lambda a: (jnp.sin(a) @ a.T).sum())(a),
        ("n,m",),
    ),
    "gradient of scan": (
        jax.grad(
            lambda a: jax.lax.scan(lambda c, y: (c + jnp.sin(y * c), y), a[0], a)[0][0]
        ),
        ("n,m",),
    ),
    "jvp": (lambda x: jax.jvp(lambda x: jnp.cumsum(x * x), (x,), (x,)), ("n",)),
    "checkpoint": (
        lambda x: jax.grad(jax.checkpoint(lambda x: jnp.sin(jnp.sin(x)).sum()))(x),
        ("n",),
    ),
    "sort": (lambda a: (jnp.sort(a, 0), jnp.argsort(a, 1)), ("n,m",)),
    "random": (lambda x: jax.random.uniform(jax.random.key(0), x.shape), ("n",)),
    "kron": (lambda x, y: jnp.kron(x, y), ("n", "m")),
    "complex": (lambda x: (x * 1j + 1).conj().imag.sum(), ("n",)),
    "constants": (
        lambda x: x[:, None] * np.arange(4.0),
        ("n",),
    ),
    "nested jit": (lambda x: jax.jit(lambda x: x * x.shape[0])(x) + 1, ("n",)),
    "custom derivative": (jax.grad(lambda x: jax.nn.relu(x).sum()), ("n",)),
}
# Primitives that call back into JAX, which sees the sizes of each call.
HOST_CASES: dict[str, tuple[Callable[..., Any], Shapes]] = {
    "callback": (
        lambda x: jax.pure_callback(
            lambda x: np.asarray(x) * 2, jax.ShapeDtypeStruct(x.shape, x.dtype), x
        ),
        ("n",),
    ),
    "fft": (lambda x: jnp.abs(jnp.fft.fft(x)), ("n",)),
    "inverse": (lambda a: jnp.linalg.inv(a + 9 * jnp.eye(a.shape[0])), ("n,n",)),
    "singular values": (lambda a: jnp.linalg.svd(a, compute_uv=False), ("n,m",)),
    "inverse error function": (lambda x: jax.scipy.special.erfinv(x / 9), ("n",)),
}


@qj.qnode(wires=3)
def layered(angles: jax.Array) -> Any:
    """Rotate by each angle in turn, on wires that the loop computes."""

    def layer(i: jax.Array, _: Any) -> Any:
        qj.RX(angles[i], wires=i % 3)
        qj.CNOT(wires=[i % 3, (i + 1) % 3])
        return 0

    jax.lax.fori_loop(0, angles.shape[0], layer, 0)
    return qj.expval(qj.Z(0) + 0.5 * qj.Z(1) @ qj.X(2))


@qj.qnode(wires=2)
def scanned(angles: jax.Array) -> Any:
    """Rotate by each angle in turn, and by what the loop carries."""

    def layer(carry: jax.Array, angle: jax.Array) -> Any:
        qj.RX(angle, wires=0)
        qj.CRY(angle * carry, wires=[0, 1])
        return carry + angle, None

    jax.lax.scan(layer, angles[0] * 0 + 1, angles)
    return qj.expval(qj.Z(0) + qj.Z(1) @ qj.X(0))


@qj.qnode(wires=2)
def nested(rows: jax.Array) -> Any:
    """Loop over rows and over their elements."""

    def row(carry: jax.Array, angles: jax.Array) -> Any:
        def step(total: jax.Array, angle: jax.Array) -> Any:
            qj.RX(angle, wires=0)
            qj.CRY(angle + total, wires=[0, 1])
            return total + angle, None

        return jax.lax.scan(step, carry, angles)[0], None

    jax.lax.scan(row, rows[0, 0] * 0, rows)
    return qj.expval(qj.Z(1))


@qj.qnode(wires=2)
def branching(angles: jax.Array) -> Any:
    """Choose a gate by the sign of each angle, and use the last one again."""

    def step(carry: int, angle: jax.Array) -> Any:
        jax.lax.cond(
            angle > 0, lambda: _none(qj.RX(angle, 0)), lambda: _none(qj.RY(angle, 1))
        )
        return carry, None

    jax.lax.scan(step, 0, angles)
    qj.RY(angles[-1], wires=0)
    qj.CNOT(wires=[0, 1])
    return qj.expval(qj.Z(0)), qj.expval(qj.Z(1))


def _none(_: Any) -> None:
    return None


@qj.qnode(wires=2)
def measured(angles: jax.Array) -> Any:
    """Measure mid-circuit, and rotate by what was measured."""

    def step(carry: int, angle: jax.Array) -> Any:
        qj.RX(angle, wires=0)
        outcome = qj.measure(0, reset=True)
        qj.RY(angle * outcome, wires=1)
        return carry, None

    jax.lax.scan(step, 0, angles[:3])
    return qj.expval(qj.Z(1))


@qj.qnode(wires=2)
def unitaries(angles: jax.Array) -> Any:
    """Apply a matrix made of each angle."""

    def step(carry: int, angle: jax.Array) -> Any:
        c, s = jnp.cos(angle), jnp.sin(angle)
        qj.QubitUnitary(jnp.array([[c, -s], [s, c]]), wires=0)
        qj.CNOT(wires=[0, 1])
        return carry, None

    jax.lax.scan(step, 0, angles)
    return qj.probs()


@qj.qnode(wires=2)
def small(x: jax.Array) -> Any:
    """Run on two features, one of a batch."""
    qj.RX(x[0], wires=0)
    qj.RY(x[1], wires=1)
    qj.CNOT(wires=[0, 1])
    return qj.expval(qj.Z(1))


def loss(weight: jax.Array, batch: jax.Array) -> jax.Array:
    """Return the mean of a quantum function over a batch of any size."""
    return jnp.mean(jax.vmap(lambda row: small(weight * row))(batch) ** 2)


QUANTUM_CASES: dict[str, tuple[Callable[..., Any], Shapes]] = {
    "layers": (lambda x: layered(x), ("n",)),
    "scan over gates": (lambda x: scanned(x), ("n",)),
    "gradient of scanned gates": (jax.value_and_grad(scanned), ("n",)),
    "jvp of scanned gates": (lambda x: jax.jvp(scanned, (x,), (x,)), ("n",)),
    "nested loops of gates": (lambda a: nested(a), ("n,m",)),
    "gradient of nested loops": (jax.grad(nested), ("n,m",)),
    "branches": (lambda x: branching(x), ("n",)),
    "gradient of branches": (jax.grad(lambda x: sum(branching(x))), ("n",)),
    "mid-circuit measurements": (lambda x: measured(x), ("n",)),
    "matrices": (lambda x: unitaries(x), ("n",)),
    "batch": (lambda a: jax.vmap(small)(a), ("n,2",)),
    "gradients of a batch": (jax.vmap(jax.grad(small)), ("n,2",)),
    "batch of batches": (lambda a: jax.vmap(jax.vmap(small))(a), ("n,m,2",)),
    "training": (
        lambda batch: jax.lax.fori_loop(
            0, 3, lambda _, w: w - 0.1 * jax.grad(loss)(w, batch), batch[0] * 0 + 1
        ),
        ("n,2",),
    ),
}


def axes_of(shapes: Shapes) -> tuple[Any, ...]:
    return tuple(
        {axis: size for axis, size in enumerate(shape.split(",")) if size.isalpha()}
        for shape in shapes
    )


def arrays_of(shapes: Shapes, sizes: dict[str, int]) -> list[jax.Array]:
    generator = np.random.default_rng(count(sizes.values()))
    made = [[int(sizes.get(n, n)) for n in shape.split(",")] for shape in shapes]
    return [jnp.asarray(generator.normal(size=shape)) for shape in made]


def assert_same(found: Any, expected: Any) -> None:
    assert jax.tree.structure(found) == jax.tree.structure(expected)
    for one, other in zip(
        jax.tree.leaves(found), jax.tree.leaves(expected), strict=True
    ):
        assert (one.shape, one.dtype) == (other.shape, other.dtype)
        np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-7)


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The names of the programs that were compiled."""
    names: list[str] = []
    real = jit_function.compile_program

    def compile_program(*args: Any, **kwargs: Any) -> Any:
        names.append(kwargs["name"])
        return real(*args, **kwargs)

    monkeypatch.setattr(jit_function, "compile_program", compile_program)
    yield names


@pytest.mark.parametrize("name", [*CASES, *QUANTUM_CASES, *HOST_CASES])
def test_all_sizes_from_one_compilation(name: str, compiled: list[str]) -> None:
    function, shapes = (CASES | QUANTUM_CASES | HOST_CASES)[name]
    program = qj.qjit(function, abstracted_axes=axes_of(shapes))
    calls = [arrays_of(shapes, sizes) for sizes in SIZES]
    found = [program(*args) for args in calls]
    assert len(compiled) == 1
    for args, one in zip(calls, found, strict=True):
        assert_same(one, jax.jit(function)(*args))


@pytest.mark.parametrize("name", ["chain", "scan backwards", "batch"])
def test_empty_arrays_are_compiled_apart(name: str, compiled: list[str]) -> None:
    function, shapes = (CASES | QUANTUM_CASES)[name]
    program = qj.qjit(function, abstracted_axes=axes_of(shapes))
    calls = [arrays_of(shapes, {"n": size, "m": 2}) for size in (3, 0, 2)]
    found = [program(*args) for args in calls]
    assert len(compiled) == 2
    for args, one in zip(calls, found, strict=True):
        assert_same(one, jax.jit(function)(*args))


@settings(max_examples=25, deadline=None)
@given(n=st.integers(1, 60), m=st.integers(1, 20), seed=st.integers(0, 9))
def test_any_sizes(n: int, m: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    a, x = generator.normal(size=(n, m)), generator.normal(size=m)
    total, product, parts = MIXED(jnp.asarray(a), jnp.asarray(x))
    np.testing.assert_allclose(total, np.cumsum(a, 0)[::2].sum() / n, atol=1e-9)
    np.testing.assert_allclose(product, a @ (x + m) @ a, atol=1e-9)
    np.testing.assert_array_equal(parts, np.concatenate([a.T.ravel(), x[1:]]))


@qj.qjit(abstracted_axes=(("n", "m"), ("m",)))
def MIXED(a: jax.Array, x: jax.Array) -> Any:
    """Do a little of everything with two sizes."""
    total = jnp.cumsum(a, 0)[::2].sum() / a.shape[0]
    product = a @ (x + a.shape[1]) @ a
    return total, product, jnp.concatenate([a.T.ravel(), x[1:]])


@given(n=st.integers(1, 50), m=st.integers(1, 50))
def test_sizes_are_evaluated_as_in_python(n: int, m: int) -> None:
    sizes = {"n": n, "m": m}
    first, second = export.symbolic_shape("n, m")
    for make in (
        lambda n, m: 3 * n * n * m - 2 * m + 7,
        lambda n, m: (n - 3 * m) // 4 + (5 - n) % 3,
        lambda n, m: (n * m + 1) // (m + 2) * n,
    ):
        size = make(first, second)
        assert number(size, sizes) == make(n, m)
        text = evaluate(size, str, lambda name, x, y: f"{name}({x}, {y})")
        assert eval(text, OPERATIONS | sizes) == make(n, m)
    bounds = export.symbolic_shape("max(n, 2*m), min(n, m + 3)")
    assert numbers(bounds, sizes) == (max(n, 2 * m), min(n, m + 3))


OPERATIONS: dict[str, Any] = {
    "add": lambda x, y: x + y,
    "mul": lambda x, y: x * y,
    "floordiv": lambda x, y: x // y,
    "mod": lambda x, y: x % y,
}


@pytest.mark.parametrize("size", ["floordiv(n - 5, 3)", "mod(2 - n, 4)", "max(n, 4)"])
def test_native_code_evaluates_sizes(size: str) -> None:
    scope = export.SymbolicScope()
    n, value = export.symbolic_shape(f"n, {size}", scope=scope)
    program = qj.qjit(lambda x: jnp.asarray(value) + 0 * x.shape[0])
    every = program.lower(jax.ShapeDtypeStruct((n,), jnp.float64)).compile()
    for each in range(1, 9):
        assert every(jnp.zeros(each)) == number(value, {"n": each})


def test_ahead_of_time(compiled: list[str]) -> None:
    n, m = export.symbolic_shape("n, m")
    wide = jnp.float64
    args = jax.ShapeDtypeStruct((n, m), wide), {"b": jax.ShapeDtypeStruct((m,), wide)}

    def affine(a: jax.Array, weights: dict[str, jax.Array], scale: int = 2) -> Any:
        return {"out": scale * a @ weights["b"]}

    traced = qj.qjit(affine, static_argnums=2).trace(*args, 3)
    assert traced.out_info["out"].shape == (n,)
    assert "f64[n,m]" in traced.as_text()
    lowered = traced.lower()
    assert "memref<?x?xf64>" in lowered.as_text()
    program = lowered.compile()
    assert "define i64" in program.as_text()
    for rows, columns in ((2, 5), (7, 1)):
        a, b = np.full((rows, columns), 2.0), np.arange(columns, dtype=float)
        assert_same(program(a, {"b": b}), {"out": jnp.asarray(3 * a @ b)})
    assert len(compiled) == 1


def test_sizes_that_are_expressions() -> None:
    n, m = export.symbolic_shape("n, m")
    args = [jax.ShapeDtypeStruct(shape, jnp.float64) for shape in ((2 * n + m,), (m,))]
    program = qj.qjit(lambda x, y: jnp.zeros(n) + x.sum() + y.sum()).lower(*args)
    found = program.compile()(jnp.ones(7), jnp.ones(3))
    np.testing.assert_array_equal(found, np.full(2, 10.0))


def test_inside_other_transformations() -> None:
    program = qj.qjit(lambda x: jnp.sin(x).sum(), abstracted_axes={0: "n"})
    x = jnp.arange(3.0)
    np.testing.assert_allclose(jax.grad(program)(x), jnp.cos(x))
    np.testing.assert_allclose(jax.jit(program)(x), jnp.sin(x).sum())


def test_static_arguments_are_compiled_apart(compiled: list[str]) -> None:
    program = qj.qjit(
        lambda x, kind: x.sum() if kind == "sum" else x.prod(),
        static_argnums=1,
        abstracted_axes=({0: "n"}, None),
    )
    for size in (2, 3):
        assert program(jnp.full(size, 3.0), "sum") == 3 * size
        assert program(jnp.full(size, 3.0), "prod") == 3**size
    assert len(compiled) == 2


def test_report_and_stages(compiled: list[str]) -> None:
    program = qj.qjit(lambda x: jnp.sin(x) + 1, abstracted_axes=("n",))
    program(jnp.zeros(3))
    assert program.report(jnp.zeros(4))["native"]["sin"] == 1
    assert len(compiled) == 1
    assert "f64[n]" in program.stages(jnp.zeros(5))["jaxpr"]


def _needing_size(_: Any, eqn: Any, x: Any, *__: Any) -> Any:
    return [int(x.shape[0])]


def test_rules_that_need_sizes_become_host_calls(monkeypatch: Any) -> None:
    monkeypatch.setitem(RULES, "sin", _needing_size)
    monkeypatch.setenv("QJIT_CACHE_SIZE", "0")
    program = qj.qjit(lambda x: jnp.cos(jnp.sin(x)), abstracted_axes=("n",))
    for size in (1, 4):
        x = jnp.arange(1.0, 1.0 + size)
        np.testing.assert_allclose(program(x), np.cos(np.sin(x)))
    assert program.report(x)["host"] == ["sin"]


def test_rules_of_loops_that_need_sizes_are_errors(monkeypatch: Any) -> None:
    monkeypatch.setitem(RULES, "scan", _needing_size)
    monkeypatch.setenv("QJIT_CACHE_SIZE", "0")
    program = qj.qjit(lambda x: jax.lax.map(jnp.sin, x), abstracted_axes=("n",))
    with pytest.raises(UnsupportedError, match=r"test_abst.*:\d+: .*'scan' cannot"):
        program(jnp.zeros(3))


def test_the_page_runs(compiled: list[str]) -> None:
    page = ROOT / "docs" / "dynamic_shapes.md"
    blocks = re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL)
    exec("".join(blocks), {})
    assert compiled == ["gradient", "<lambda>"]


def test_memory_is_given_back() -> None:
    program = qj.qjit(
        lambda x: jnp.cumsum(jnp.sin(x))[::-1].sum(), abstracted_axes=("n",)
    )
    x = jnp.zeros(1 << 20)
    program(x)
    before = resident_bytes()
    for _ in range(50):
        program(x)
    assert resident_bytes() - before < 20 * x.nbytes


def resident_bytes() -> int:
    status = Path("/proc/self/status").read_text()
    found = re.search(r"VmRSS:\s*(\d+) kB", status)
    assert found is not None
    return int(found[1]) << 10


def test_programs_do_not_read_past_their_arguments() -> None:
    """Run a few of the programs of open_sizes.py before memory that ends."""
    script = ROOT / "tests/support/open_sizes.py"
    found = subprocess.run(
        [sys.executable, str(script), "0", "8"], capture_output=True, text=True
    )
    assert found.returncode == 0, found.stdout + found.stderr[-2000:]
    agree, refused = map(
        int, re.findall(r"(\d+) (?:calls agree|are refused)", found.stdout)
    )
    assert agree > 10 and refused > 10


@pytest.mark.parametrize(
    ("shape", "fits", "misfits"),
    [
        (lambda x: (x.shape[0] // 2, 2), (2, 4, 6), (3, 5)),
        (lambda x: (3, 5), (15,), (3, 16, 1)),
        (lambda x: (x.shape[0] - 1, 2), (2,), (1, 3)),
        (lambda x: (x.shape[0] * x.shape[0],), (1,), (2, 3)),
    ],
)
@pytest.mark.parametrize("place", ["alone", "branch", "loop", "circuit", "gradient"])
def test_reshapes_are_checked_for_every_size(
    shape: Any, fits: Any, misfits: Any, place: str, compiled: list[str]
) -> None:
    program = qj.qjit(_reshaping(shape, place), abstracted_axes={0: "n"})
    try:
        for size in fits:
            program(np.ones(size))
    except qj.errors.DimensionError as error:
        assert "reshape" in str(error)  # JAX 0.7 refuses what fits for some sizes only
        return
    for size in misfits:
        with pytest.raises(qj.errors.DimensionError, match=r"\.py:\d+: .*reshaped"):
            program(np.ones(size))
    assert len(compiled) == 1


def _reshaping(shape: Any, place: str) -> Callable[..., Any]:
    def alone(x: Any) -> Any:
        return x.reshape(shape(x)).sum()

    @qj.qnode(wires=1)
    def circuit(x: Any) -> Any:
        qj.RX(alone(x), wires=0)
        return qj.expval(qj.Z(0))

    def branch(x: Any) -> Any:
        return jax.lax.cond(x[0] > 2, alone, jnp.sum, x)

    def loop(x: Any) -> Any:
        return jax.lax.fori_loop(0, 2, lambda _, s: s + alone(x), 0.0)

    return {
        "alone": alone,
        "branch": branch,
        "loop": loop,
        "circuit": circuit,
        "gradient": jax.grad(alone),
    }[place]


def _by_number(x: Any, y: Any) -> Any:
    return 2 * x if x.shape[0] == 3 else x


def _by_another(x: Any, y: Any) -> Any:
    return x + 1 if x.shape != y.shape else x - y


def _by_half(x: Any, y: Any) -> Any:
    return x if x.shape[0] // 2 in (1, 4) else x[:1]


@pytest.mark.parametrize("function", [_by_number, _by_another, _by_half])
def test_sizes_that_python_compares(function: Any, compiled: list[str]) -> None:
    program = qj.qjit(function, abstracted_axes=({0: "n"}, {0: "m"}))
    sizes = [(5, 4), (3, 4), (5, 5), (3, 2), (8, 7), (3, 4), (6, 2)]
    for n, m in sizes:
        args = np.arange(1.0, n + 1), np.arange(2.0, m + 2)
        assert_same(program(*args), jax.jit(function)(*args))
    assert len(compiled) <= 4
