"""Whole programs mean under qjit what they mean under jax.jit."""

import contextlib
import io
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.experimental import checkify, io_callback

import qjit as qj
from qjit.errors import HostCallError
from qjit.lowering.jax_internals.equations import enable_x64


def numbers(leaf: Any) -> Any:
    is_key = jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)
    return np.asarray(jax.random.key_data(leaf) if is_key else leaf)


def check(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Compare with jax.jit: tree, dtypes, weak types, values."""
    ours, theirs = (
        qj.qjit(function)(*args, **kwargs),
        jax.jit(function)(*args, **kwargs),
    )
    assert jax.tree.structure(ours) == jax.tree.structure(theirs)
    for x, y in zip(jax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True):
        assert jax.typeof(x) == jax.typeof(y)
        assert jax.typeof(x).weak_type == jax.typeof(y).weak_type
        if x.dtype != jax.dtypes.float0:
            np.testing.assert_allclose(numbers(x), numbers(y), rtol=1e-9, atol=1e-12)
    return ours


def test_pytrees() -> None:
    check(
        lambda d: {"a": d["x"] + 1, "n": None, "z": (d["y"], [d["x"]])},
        {"x": jnp.arange(3.0), "y": 2},
    )
    check(lambda x, *, y=3.0: x + y, jnp.ones(2), y=jnp.ones(2))
    check(lambda x: (x > 1, x.astype("int8"), jnp.zeros((0, 3)), 3, True), jnp.ones(3))


def test_weak_types() -> None:
    check(lambda x: (x, x + 1, x * jnp.float32(2), 1), 2.0)
    check(lambda x: (x * 2, x + 1j, x / 2), 3)
    with enable_x64(False):
        check(lambda x: (x * 2, jnp.arange(3), x + jnp.int32(1)), jnp.arange(3.0))
        check(
            lambda x: jax.lax.fori_loop(0, 5, lambda i, s: s + jnp.sin(i * s), x), 1.0
        )


def test_static_arguments() -> None:
    def scale(x: Any, n: Any) -> Any:
        return x * n if n == "a" or n > 2 else x

    by_number = qj.qjit(scale, static_argnums=1)
    assert [by_number(2.0, 3), by_number(2.0, 1), by_number(2.0, n=1)] == [6, 2, 2]
    by_name = qj.qjit(scale, static_argnames="n")
    assert [by_name(2.0, n=3), by_name(2.0, 1)] == [6, 2]
    assert by_name.report(2.0, n=3)["native"] == {"mul": 1}
    assert "mul" in by_name.stages(2.0, n=3)["jaxpr"]
    assert not by_name.jaxpr(2.0, n=1).eqns


def test_donated_arguments() -> None:
    x = jnp.arange(1000.0)
    y = qj.qjit(lambda x: x.at[0].set(1.0) * 2, donate_argnums=0)(x)
    assert x.is_deleted()
    assert y[0] == 2


def test_float0() -> None:
    check(lambda x: jax.grad(lambda i, y: y * 2.0, (0, 1), allow_int=True)(3, x), 2.0)
    nothing = np.zeros((3,), jax.dtypes.float0)
    check(lambda x, tangent: (x * 2, tangent), jnp.ones(3), nothing)


def test_arrays_without_elements() -> None:
    check(lambda x: (x * 2, jnp.sum(x), jnp.concatenate([x, x])), jnp.zeros((0, 2)))
    check(lambda x: jax.lax.scan(lambda c, r: (c + 1, r), 0, x), jnp.zeros((0, 2)))


def test_random_keys() -> None:
    key = jax.random.key(3)
    check(lambda k: (jax.random.split(k, 3), jax.random.normal(k, (3,))), key)
    check(lambda k: jax.vmap(jax.random.uniform)(jax.random.split(k, 3)), key)
    check(
        lambda k: jax.lax.cond(k is key, lambda: k, lambda: jax.random.split(k)[0]), key
    )

    def step(carry: Any, key: Any) -> Any:
        own, total = carry
        own, used = jax.random.split(own)
        return (own, total + jax.random.normal(used)), (key, jax.random.uniform(key))

    check(lambda k: jax.lax.scan(step, (k, 0.0), jax.random.split(k, 4)), key)


def test_nested_functions() -> None:
    array = jnp.arange(4.0)
    inner = qj.qjit(lambda x: jnp.sin(x) * array)
    other = jax.jit(lambda x: jnp.cos(x))
    check(lambda x: inner(x) + other(x) + inner(other(x)).sum(), 0.3)


def test_closures_over_tracers() -> None:
    def outer(y: Any) -> Any:
        return qj.qjit(lambda x: x * y)(3.0)

    assert jax.jit(outer)(2.0) == qj.qjit(outer)(2.0) == 6
    assert jax.grad(outer)(2.0) == 3
    np.testing.assert_array_equal(jax.vmap(outer)(jnp.arange(3.0)), [0, 3, 6])


def test_transformations_of_a_compiled_function() -> None:
    def plain(x: Any) -> Any:
        return jnp.sum(jnp.sin(x) ** 3)

    compiled, x = qj.qjit(plain), jnp.arange(3.0)
    for transform in (
        jax.grad,
        jax.hessian,
        jax.jacfwd,
        jax.jit,
        jax.checkpoint,
        lambda f: lambda x: jax.vmap(jax.grad(f))(jnp.stack([x, 2 * x])),
        lambda f: lambda x: jax.jvp(f, (x,), (x,)),
        lambda f: lambda x: jax.vjp(f, x)[1](1.0),
        lambda f: lambda x: jax.linearize(f, x)[1](x),
    ):
        for ours, theirs in zip(
            jax.tree.leaves(transform(compiled)(x)),
            jax.tree.leaves(transform(plain)(x)),
            strict=True,
        ):
            np.testing.assert_allclose(ours, theirs, rtol=1e-12)
    assert jax.eval_shape(compiled, x).shape == ()
    assert len(jax.make_jaxpr(compiled)(x).eqns) == 1
    assert compiled.lower(x).compile()(x) == compiled.trace(x).lower().compile()(x)


def test_ahead_of_time() -> None:
    def power(x: Any, n: int, *, scale: Any = 1.0) -> Any:
        return jnp.sin(x) ** n * scale

    program, x = qj.qjit(power, static_argnums=1), jnp.arange(3.0)
    traced = program.trace(x, 3, scale=2.0)
    assert "sin" in traced.as_text() and traced.out_info.shape == (3,)
    lowered = traced.lower()
    assert "memref<3xf64>" in lowered.as_text()
    assert "stablehlo" in lowered.as_text(dialect="stablehlo")
    compiled = lowered.compile()
    assert "define i64" in compiled.as_text()
    np.testing.assert_allclose(compiled(x, scale=2.0), 2 * np.sin(x) ** 3, rtol=1e-12)
    with pytest.raises(qj.errors.ArgumentError, match=r"float64\[4\].*again"):
        compiled(jnp.arange(4.0), scale=2.0)


def test_errors_of_programs_compiled_ahead_of_time() -> None:
    @qj.qjit
    @qj.qnode(wires=1)
    def circuit(matrix: Any) -> Any:
        qj.QubitUnitary(matrix, wires=0)
        return qj.expval(qj.Z(0))

    compiled = circuit.lower(np.eye(2)).compile()
    assert compiled(np.eye(2)) == 1.0
    with pytest.raises(qj.errors.MatrixError, match="not unitary"):
        compiled(2 * np.eye(2))


def test_derivative_rules_of_users() -> None:
    @jax.custom_jvp
    def forward(x: Any) -> Any:
        return jnp.sin(x)

    forward.defjvp(lambda primals, tangents: (forward(*primals), 7 * tangents[0]))

    @jax.custom_vjp
    def backward(x: Any) -> Any:
        return jnp.sin(x)

    backward.defvjp(lambda x: (jnp.sin(x), x), lambda x, g: (g * 5 * x,))
    for function in (forward, backward, jax.checkpoint(jnp.sin)):
        check(jax.value_and_grad(function), 2.0)
        check(jax.grad(lambda x, f=function: jnp.sum(f(f(x)))), jnp.arange(3.0))


def test_linear_solves() -> None:
    def divide(a: Any, b: Any) -> Any:
        def solve(_: Any, b: Any) -> Any:
            return b / a

        return jax.lax.custom_linear_solve(lambda x: a * x, b, solve, solve)

    a, b = jnp.array([1.0, 2.0]), jnp.array([3.0, 4.0])
    check(divide, a, b)
    check(jax.grad(lambda a, b: jnp.sum(divide(a, b)), (0, 1)), a, b)
    assert not qj.qjit(divide).report(a, b)["host"]
    matrix = jnp.array([[2.0, 0.5], [0.5, 1.0]])
    check(lambda m, b: jax.scipy.sparse.linalg.cg(lambda x: m @ x, b)[0], matrix, b)


def test_maps_and_scans() -> None:
    check(lambda x: jax.lax.map(lambda r: jnp.cumsum(r) * 2, x), jnp.ones((4, 3)))
    check(lambda x: jax.lax.map(jnp.sum, x, batch_size=2), jnp.ones((5, 3)))
    check(lambda x: jax.lax.associative_scan(jnp.maximum, x), jnp.array([3.0, 1, 4, 1]))
    check(lambda x: jax.lax.associative_scan(jnp.matmul, x), jnp.ones((7, 2, 2)))


def test_named_scopes() -> None:
    def function(x: Any) -> Any:
        with jax.named_scope("scope"):
            return x * 2

    check(function, 2.0)


def test_pure_callbacks() -> None:
    kind = jax.ShapeDtypeStruct((), np.float64)

    def double(tree: Any) -> Any:
        return {"a": np.asarray(tree["q"]) * 2}

    check(lambda x: jax.pure_callback(double, {"a": kind}, {"q": x}), 2.0)

    def each(x: Any) -> Any:
        return jax.pure_callback(np.sin, kind, x, vmap_method="sequential")

    check(jax.vmap(each), jnp.arange(3.0))


@pytest.mark.parametrize("ordered", [False, True])
def test_callbacks_with_effects(ordered: bool) -> None:
    seen: list[int] = []

    def body(i: Any, total: Any) -> Any:
        kind = jax.ShapeDtypeStruct((), np.float64)

        def note(i: Any) -> Any:
            seen.append(int(i))
            return np.float64(2.0)

        return total + io_callback(note, kind, i, ordered=ordered)

    def twice(x: Any) -> Any:
        x = jax.lax.fori_loop(0, 3, body, x)
        return jax.lax.cond(x > 0, lambda: body(7, x), lambda: x)

    assert qj.qjit(twice)(1.0) == 9
    jax.effects_barrier()
    assert seen == [0, 1, 2, 7]


def printed(function: Callable[..., Any], *args: Any) -> str:
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        function(*args)
        jax.effects_barrier()
    return out.getvalue()


@pytest.mark.parametrize("ordered", [False, True])
def test_debug_prints(ordered: bool) -> None:
    def function(x: Any) -> Any:
        def body(i: Any, s: Any) -> Any:
            jax.debug.print("{} {s}", i, s=s, ordered=ordered)
            return s + 1

        def big() -> Any:
            jax.debug.print("big {tree}", tree={"a": x}, ordered=ordered)
            return y

        y = jax.lax.fori_loop(0, 2, body, x)
        return jax.lax.cond(y > 2, big, lambda: y)

    text = printed(qj.qjit(function), 1.0)
    assert text.splitlines()[:2] == ["0 1.0", "1 2.0"]
    assert text == printed(jax.jit(function), 1.0)


def test_debugging_inside_a_quantum_function() -> None:
    seen: list[float] = []

    @qj.qjit
    @qj.qnode(wires=1)
    def circuit(x: Any) -> Any:
        jax.debug.callback(lambda v: seen.append(float(v)), x)
        qj.RX(x, wires=0)
        jax.debug.print("angle {}", x, ordered=True)
        return qj.expval(qj.Z(0))

    assert printed(circuit, 0.5) == "angle 0.5\n"
    assert seen == [0.5]


def must_be_positive(x: Any) -> Any:
    checkify.check(x > 0, "must be positive: {x}", x=x)
    return jnp.log(x)


def test_checkify() -> None:
    for checked in (
        checkify.checkify(qj.qjit(must_be_positive)),
        qj.qjit(checkify.checkify(must_be_positive)),
    ):
        assert "must be positive: -1" in str(checked(-1.0)[0].get())
        error, found = checked(1.0)
        assert error.get() is None
        assert found == 0

    def loop(x: Any) -> Any:
        def body(i: Any, total: Any) -> Any:
            checkify.check(total < 3, "too large at {i}", i=i)
            return total + x[i]

        return jax.lax.fori_loop(0, 5, body, 0.0)

    def report(x: Any) -> str:
        function = qj.qjit(checkify.checkify(loop, errors=checkify.all_checks))
        return function(x)[0].get()

    assert "too large at 3" in report(jnp.ones(5))
    assert "out-of-bounds" in report(jnp.full(3, 0.5))


def test_checks_that_raise() -> None:
    with pytest.raises(
        HostCallError, match=r"test_whole_programs.py:.*must be positive"
    ):
        qj.qjit(must_be_positive)(-1.0)
    eqx = pytest.importorskip("equinox")

    @qj.qjit
    def function(x: Any) -> Any:
        return eqx.error_if(x, x < 0, "negative x") * 2

    assert function(1.0) == 2
    with pytest.raises(HostCallError, match=r"test_whole_programs.py:.*negative x"):
        function(-1.0)
