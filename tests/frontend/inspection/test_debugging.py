"""Assertions of running programs, and states between gates."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import qjit as qj
from qjit.errors import DebugAssertionError, QJitError, UnsupportedError


def doubled(x: Any) -> Any:
    qj.debug_assert(x > 0, "x is not positive")
    return 2 * x


def in_a_loop(x: Any) -> Any:
    return jax.lax.fori_loop(0, 3, lambda i, c: doubled(c) - c - 0.25, x)


def in_a_branch(x: Any) -> Any:
    def refused() -> Any:
        qj.debug_assert(False, "x is not positive")
        return x

    return jax.lax.cond(x > 0, lambda: x, refused)


@qj.qnode(wires=1)
def circuit(x: Any) -> Any:
    qj.debug_assert(x > 0, "x is not positive")
    qj.RX(x, wires=0)
    return qj.expval(qj.Z(0))


@qj.qnode(wires=1)
def of_outcomes(x: Any) -> Any:
    qj.X(0)
    outcome = qj.measure(0)
    qj.debug_assert(jnp.array([x, 1]) * outcome > 0, "x is not positive")
    return qj.expval(qj.Z(0))


PROGRAMS: dict[str, Callable[[Any], Any]] = {
    "plain": doubled,
    "gradient": jax.grad(doubled),
    "batch": lambda x: jax.vmap(doubled)(jnp.array([1.0, x])),
    "loop": in_a_loop,
    "branch": in_a_branch,
    "circuit": circuit,
    "outcomes": of_outcomes,
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_assertions(name: str) -> None:
    program = qj.qjit(PROGRAMS[name])
    program(1.0)
    with pytest.raises(AssertionError, match=r"test_debugging\.py:\d+: x is not pos"):
        program(-1.0)
    program(1.0)


def test_assertions_without_qjit() -> None:
    assert doubled(1.0) == 2
    for run in (doubled, circuit, jax.grad(doubled)):
        with pytest.raises(DebugAssertionError, match=r"test_debugging\.py:\d+"):
            run(-1.0)
    with pytest.raises(RuntimeError, match=r"test_debugging\.py:\d+: x is not pos"):
        jax.block_until_ready(jax.jit(doubled)(-1.0))
    for condition, message in [("no", "a"), (object(), "a"), (True, 3)]:
        with pytest.raises(QJitError, match=r"test_debugging\.py:\d+"):
            qj.debug_assert(condition, message)


@qj.qnode(wires=["a", "b"])
def looked_into(x: Any) -> Any:
    qj.RX(x, "a")
    qj.Snapshot()
    observable = qj.X("a")  # no gate, since it is measured
    qj.CNOT(["a", "b"])
    qj.Snapshot("entangled")
    qj.H("b")
    qj.Snapshot()
    return qj.expval(observable), qj.probs("a")


def test_snapshots() -> None:
    found = qj.snapshots(looked_into)(0.6)
    assert list(found) == [0, "entangled", 1, "execution_results"]
    cosine, sine = np.cos(0.3), -1j * np.sin(0.3)
    np.testing.assert_allclose(found[0], [cosine, 0, sine, 0], atol=1e-12)
    np.testing.assert_allclose(found["entangled"], [cosine, 0, 0, sine], atol=1e-12)
    last = np.array([cosine, cosine, sine, -sine]) / np.sqrt(2)
    np.testing.assert_allclose(found[1], last, atol=1e-12)
    mean, probs = found["execution_results"]
    np.testing.assert_allclose(probs, [cosine**2, abs(sine) ** 2], atol=1e-12)
    np.testing.assert_allclose(
        [mean, *probs], [looked_into(0.6)[0], *looked_into(0.6)[1]]
    )
    compiled = qj.qjit(lambda x: qj.snapshots(looked_into)(x)["entangled"])
    np.testing.assert_allclose(compiled(0.6), found["entangled"], atol=1e-12)


def test_snapshots_that_are_refused() -> None:
    def snapshot_in_loop() -> Any:
        qj.for_loop(3)(lambda i: qj.Snapshot("a"))()
        return qj.probs()

    def twice() -> Any:
        qj.Snapshot("a")
        qj.Snapshot("a")
        return qj.probs()

    def mid_circuit() -> Any:
        qj.measure(0)
        qj.Snapshot("a")
        return qj.probs()

    def late() -> Any:
        found = qj.probs()
        qj.Snapshot("a")
        return found

    def number() -> Any:
        qj.Snapshot(3)  # type: ignore
        return qj.probs()

    for function in (snapshot_in_loop, twice, mid_circuit, late, number):
        with pytest.raises(QJitError, match=r"test_debugging\.py:\d+"):
            qj.snapshots(qj.qnode(function, wires=1))()
    with pytest.raises(UnsupportedError, match="after a measurement"):
        qj.snapshots(qj.qnode(mid_circuit, wires=1))()
    for function in (snapshot_in_loop, twice, mid_circuit, late):
        np.testing.assert_allclose(qj.qnode(function, wires=1)(), [1, 0])
    with pytest.raises(QJitError, match=r"test_debugging\.py:\d+"):
        qj.snapshots(late)
