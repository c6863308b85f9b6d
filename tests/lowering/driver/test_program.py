"""Compiled programs as wholes: memory, host calls, errors, transformations, threads."""

import gc
import threading
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from qjit.lowering.driver.program import compile_program
from tests.support.native import check, compiled, sample

MATRIX = sample(np.float64, (4, 6))


def test_update_in_place_copies_nothing() -> None:
    program = compile_program(
        jax.make_jaxpr(lambda a: lax.fori_loop(0, 4, lambda i, x: x.at[i].set(0.0), a))(
            jnp.zeros(100)
        ),
        keep_stages=True,
    )
    body = program.stages["quantum"].split("scf.for")[1].split("scf.yield")[0]
    assert "memref.copy" not in body


def test_elementwise_chains_share_one_loop() -> None:
    program = compile_program(
        jax.make_jaxpr(lambda a: jnp.sum(jnp.sin(a) * 2 + jnp.cos(a)))(jnp.zeros(100)),
        keep_stages=True,
    )
    assert program.stages["quantum"].count("scf.for") == 1
    assert "memref.alloc" not in program.stages["quantum"]


def on_host(matrix: Any) -> Any:
    """A factorisation that Python does."""
    shape = jax.ShapeDtypeStruct(matrix.shape, matrix.dtype)
    return jax.pure_callback(np.linalg.cholesky, shape, matrix)


@pytest.mark.parametrize("jitted", [False, True])
def test_host_calls(jitted: bool) -> None:
    square = MATRIX @ MATRIX.T + 4 * np.eye(4)
    program = check(
        lambda a: (on_host(a), jnp.linalg.inv(a), jnp.sort(a), jnp.sin(a)),
        square,
        native=False,
    )
    assert "pure_callback" in program.report["host"]
    call = jax.jit(lambda a: program.call(a * 2)[0] + 1) if jitted else program.call
    for _ in range(20):
        jax.block_until_ready(call(square))


def test_host_call_in_a_loop() -> None:
    square = MATRIX @ MATRIX.T + 4 * np.eye(4)
    check(
        lambda a: lax.fori_loop(0, 30, lambda i, x: on_host(x) + a, a),
        square,
        native=False,
    )


def test_single_precision_stays_single() -> None:
    check(lambda x: jnp.sort(jnp.sin(x)), sample(np.float32, (5,)), native=False)


def test_pure_callback() -> None:
    def host(x: Any) -> Any:
        return np.sin(x)

    shape = jax.ShapeDtypeStruct((3,), np.float64)
    check(
        lambda x: jax.pure_callback(host, shape, x) * 2,
        sample(np.float64, (3,)),
        native=False,
    )


def test_exception_in_host_call() -> None:
    def host(x: Any) -> Any:
        raise RuntimeError("no such number")

    shape = jax.ShapeDtypeStruct((), np.float64)
    program = compiled(lambda x: jax.pure_callback(host, shape, x), 1.0)
    with pytest.raises(
        Exception, match=r"\[QJIT:255\](?=.*no such number)(?=.*test_program)"
    ):
        jax.block_until_ready(program.call(jnp.float64(1.0)))


def test_half_precision_falls_back() -> None:
    x = np.array([1.5, 2.5], np.float16)
    check(lambda x: (x * 2).astype(np.float32) + 1, x, native=False)


def test_large_workspace() -> None:
    a = sample(np.float64, (300, 300))
    check(lambda a: (a @ a).sum() + (jnp.sin(a) @ a)[0, 0], a)


def test_transformations_of_a_call() -> None:
    program = compiled(lambda x: jnp.sin(x) * 2, jnp.zeros(3))
    rows = jnp.ones((4, 3))
    found = jax.lax.map(lambda x: program.call(x)[0], rows)
    np.testing.assert_allclose(found, np.sin(rows) * 2)


def test_random_keys() -> None:
    def draw(seed: Any) -> Any:
        first, second = jax.random.split(jax.random.key(seed))
        total = lax.fori_loop(
            0, 3, lambda i, s: s + jax.random.normal(jax.random.fold_in(first, i)), 0.0
        )
        return total, jax.random.uniform(second, (3,))

    check(draw, 7, native=False)


def test_long_chains() -> None:
    def chain(x: Any) -> Any:
        for _ in range(300):
            x = jnp.sin(x) + 1
        return x

    check(chain, sample(np.float64, (5,)))


def test_signed_zeros() -> None:
    check(lambda x: 1 / (x * np.array([0.0, -0.0])) + 1 / (x * -0.0), np.ones(2))
    check(lambda x: (jnp.copysign(1.0, x * -0.0), x * 0.0, jnp.signbit(-0.0 * x)), 1.0)


def test_side_effects_run_without_results() -> None:
    seen: list[Any] = []

    def report(x: Any) -> Any:
        jax.debug.callback(lambda value: seen.append(float(value)), x)
        return ()

    program = compile_program(jax.make_jaxpr(report)(1.0))
    jax.jit(program.call)(jnp.float64(2.0))
    jax.effects_barrier()
    assert seen == [2.0]


def test_batched_call() -> None:
    program = compiled(lambda x: jnp.sin(x).sum(), jnp.zeros(3))
    rows = jnp.arange(6.0).reshape(2, 3)
    found = jax.vmap(program.call)(rows)[0]
    np.testing.assert_allclose(found, np.sin(rows).sum(1))


def test_threads() -> None:
    program = compiled(lambda a: (a @ a.T).sum(0), MATRIX)
    expected = (MATRIX @ MATRIX.T).sum(0)
    wrong: list[Any] = []

    def work() -> None:
        for _ in range(50):
            found = program.call(jnp.asarray(MATRIX))[0]
            if not np.allclose(found, expected):
                wrong.append(found)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_garbage_collected_programs_stay_callable() -> None:
    call = jax.jit(compiled(lambda x: x + 1, 1.0).call)
    gc.collect()
    assert call(jnp.float64(1.0))[0] == 2.0
