"""Callbacks in quantum functions run as JAX runs them in classical functions."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.experimental import io_callback

import qjit as qj

Log = list[Any]


def _noted(log: Log, tag: str) -> Callable[..., None]:
    def note(*values: Any) -> None:
        log.append((tag, *(np.round(1.0 * np.asarray(v), 6).tolist() for v in values)))

    return note


def _unnoted(_: Any) -> None:
    """Stand for a gate, which keeps its angle from being left out."""


def _returned(log: Log, tag: str) -> Callable[..., Any]:
    def note(value: Any) -> Any:
        log.append((tag, np.round(np.asarray(value), 6).tolist()))
        return np.asarray(0.5 * value, np.asarray(value).dtype)

    return note


def _float(x: Any) -> Any:
    return jax.ShapeDtypeStruct(jnp.shape(x), jnp.result_type(x))


def _from_host(log: Log, x: Any, **how: Any) -> Any:
    """Halve a number by a callback that has a derivative."""

    @jax.custom_jvp
    def half(x: Any) -> Any:
        note = _returned(log, "half")
        return jax.pure_callback(note, _float(x), x, **how)

    half.defjvp(lambda primals, dots: (half(*primals), 0.5 * dots[0]))
    return half(x)


# Programs take an angle, a gate to apply, and a log.


def _printed(x: Any, gate: Any, log: Log) -> None:
    jax.debug.callback(_noted(log, "in"), x)
    gate(x)
    jax.debug.callback(_noted(log, "out"), 2 * x)


def _unrolled(x: Any, gate: Any, log: Log) -> None:
    for iteration in range(3):
        gate(iteration * x)
        jax.debug.callback(_noted(log, f"iteration {iteration}"), iteration * x)


def _scanned(x: Any, gate: Any, log: Log) -> None:
    def iteration(i: Any, y: Any) -> Any:
        jax.debug.callback(_noted(log, "iteration"), i, y)
        gate(y)
        return jnp.sin(y) + 1

    jax.debug.callback(_noted(log, "end"), jax.lax.fori_loop(0, 3, iteration, x))


def _while_loop(x: Any, gate: Any, log: Log) -> None:
    def iteration(y: Any) -> Any:
        jax.debug.callback(_noted(log, "iteration"), y)
        gate(y)
        return y + 1

    jax.lax.while_loop(lambda y: y < 2, iteration, x)


def _branches(x: Any, gate: Any, log: Log) -> None:
    def small() -> Any:
        gate(x)
        return _from_host(log, x, vmap_method="sequential")

    def large() -> Any:
        jax.debug.callback(_noted(log, "large"), x)
        return x

    gate(jax.lax.cond(x < 0.4, small, large))


def _nested(x: Any, gate: Any, log: Log) -> None:
    @jax.jit
    def inner(y: Any) -> Any:
        gate(y)
        jax.debug.callback(_noted(log, "inner"), y)
        return _from_host(log, y, vmap_method="expand_dims")

    gate(inner(x) + inner(2 * x))


def _rows(x: Any, gate: Any, log: Log) -> None:
    def iteration(y: Any, row: Any) -> Any:
        half = _from_host(log, y + row, vmap_method="sequential")
        gate(half)
        return half, row

    jax.lax.scan(iteration, x, jnp.arange(3.0), reverse=True)


PROGRAMS = (_printed, _unrolled, _scanned, _branches, _nested, _rows)

TRANSFORMATIONS: dict[str, Callable[[Any], Callable[[Any], Any]]] = {
    "call": lambda f: f,
    "jit": jax.jit,
    "qjit": qj.qjit,
    "value_and_grad": jax.value_and_grad,
    "jit grad": lambda f: jax.jit(jax.grad(f)),
    "qjit grad": lambda f: qj.qjit(jax.grad(f)),
    "jvp": lambda f: lambda x: jax.jvp(f, (x,), (x,)),
    "hessian": lambda f: jax.jit(jax.hessian(f)),
    "vmap": lambda f: lambda x: jax.vmap(f)(jnp.stack([x, x + 0.2])),
    "vmap grad": lambda f: lambda x: jax.vmap(jax.grad(f))(jnp.stack([x, x + 0.2])),
    "unused": lambda f: jax.jit(lambda x: (f(x), 2 * x)[1]),
    "in a loop": lambda f: qj.qjit(
        lambda x: jax.lax.fori_loop(0, 2, lambda _, y: y - jax.grad(f)(y), x)
    ),
}


def _both(program: Any, read: Any = lambda log, value: value) -> tuple[Any, Any, Log]:
    """Return a quantum and a classical function of equal callbacks, and their log."""
    log: Log = []

    @qj.qnode(wires=1)
    def quantum(x: Any) -> Any:
        program(x, lambda angle: qj.RX(angle, 0), log)
        return read(log, qj.expval(qj.Z(0)))

    def classical(x: Any) -> Any:
        program(x, lambda angle: jax.debug.callback(_unnoted, angle), log)
        return read(log, jnp.cos(x))

    return quantum, classical, log


def _ran(function: Any, log: Log) -> Log:
    log.clear()
    jax.block_until_ready(function(jnp.asarray(0.3)))
    jax.effects_barrier()
    ordered = any(key == "5" for key, *_ in log)
    return list(log) if ordered else sorted(log, key=repr)


# Each program meets some of the transformations, and each transformation some programs.
CASES = [
    (program, how)
    for place, program in enumerate(PROGRAMS)
    for iteration, how in enumerate(TRANSFORMATIONS)
    if (place + iteration) % 4 == 0
]
# A pure callback whose result nobody needs is dropped, and with it what JAX's own
# derivative of a scan of callbacks refuses.
DROPPED = {("_branches", "unused"), ("_nested", "unused"), ("_rows", "unused")}
REFUSED_BY_JAX = {("_rows", "hessian")}


@pytest.mark.parametrize(("program", "how"), CASES)
def test_callbacks_run_as_in_a_classical_function(program: Any, how: str) -> None:
    if (program.__name__, how) in DROPPED | REFUSED_BY_JAX:
        pytest.skip("JAX drops or refuses these callbacks")
    quantum, classical, log = _both(program)
    transform = TRANSFORMATIONS[how]
    wanted = _ran(transform(classical), log)
    found = _ran(transform(quantum), log)
    if how == "in a loop":  # the angles of later iterations differ
        wanted, found = [len(wanted)], [len(found)]
    assert wanted and found == wanted


@pytest.mark.parametrize("how", ["call", "qjit", "vmap", "unused"])
def test_callbacks_in_while_loops_around_gates(how: str) -> None:
    quantum, classical, log = _both(_while_loop)
    transform = TRANSFORMATIONS[how]
    wanted = _ran(transform(classical), log)
    assert len(wanted) >= 2
    assert _ran(transform(quantum), log) == wanted


@pytest.mark.parametrize("how", ["jit", "qjit grad", "hessian", "vmap", "unused"])
def test_callbacks_that_read_measurements(how: str) -> None:
    def read(log: Log, value: Any) -> Any:
        jax.debug.callback(_noted(log, "value"), value)
        jax.debug.callback(_noted(log, "square"), value**2)
        return value

    quantum, classical, log = _both(lambda x, gate, _: gate(x), read)
    transform = TRANSFORMATIONS[how]
    wanted = _ran(transform(classical), log)
    assert len(wanted) >= 2
    assert _ran(transform(quantum), log) == wanted


@pytest.mark.parametrize("how", ["call", "jit", "qjit"])
def test_ordered_callbacks_run_in_order_and_pass_values_on(how: str) -> None:
    def program(x: Any, gate: Any, log: Log) -> None:
        first = io_callback(_returned(log, "1"), _float(x), x, ordered=True)
        gate(first)
        jax.debug.callback(_noted(log, "2"), first, ordered=True)
        gate(io_callback(_returned(log, "3"), _float(x), first, ordered=True))

    def read(log: Log, value: Any) -> Any:
        half = io_callback(_returned(log, "4"), _float(value), value, ordered=True)
        jax.debug.callback(_noted(log, "5"), half, ordered=True)
        return half

    quantum, _, log = _both(program, read)
    found = _ran(TRANSFORMATIONS[how](lambda x: (quantum(x), quantum(2 * x))), log)
    # JAX keeps the order of callbacks of one kind.
    order = "".join(tag for tag, *_ in found)
    assert [tag for tag in order if tag in "134"] == list("134134")
    assert [tag for tag in order if tag in "25"] == list("2525")
    # The gates take 0.15 and 0.075, and then twice that.
    halves = [values[0] for tag, *values in found if tag == "5"]
    assert np.allclose(halves, 0.5 * np.cos([0.225, 0.45]), atol=1e-6)


def test_pure_callbacks_of_differences_run_at_the_other_arguments() -> None:
    log: Log = []

    @qj.qnode(wires=1, diff_method="finite-diff")
    def circuit(x: Any) -> Any:
        jax.debug.callback(_noted(log, "once"), x)
        qj.RX(jax.pure_callback(_returned(log, "half"), _float(x), x), 0)
        return qj.expval(qj.Z(0))

    x = jnp.asarray(0.6)
    assert np.allclose(jax.grad(circuit)(x), -0.5 * np.sin(0.3), atol=2e-3)
    jax.effects_barrier()
    assert [tag for tag, *_ in log].count("once") == 1
    assert [tag for tag, *_ in log].count("half") == 3


@pytest.mark.parametrize("transform", [qj.qjit, jax.grad, lambda f: jax.jit(f)])
def test_callbacks_beside_and_of_outcomes(transform: Any) -> None:
    """What no outcome decides runs once, and what takes outcomes once for each path."""
    log: Log = []

    @qj.qnode(wires=2)
    def circuit(x: Any) -> Any:
        jax.debug.callback(_noted(log, "angle"), x)
        qj.RX(x, 0)
        outcome = qj.measure(0)
        jax.debug.callback(_noted(log, "outcome"), outcome)
        jax.debug.callback(_noted(log, "again"), x)
        qj.cond(outcome, qj.X)(1)
        return qj.expval(qj.Z(1))

    _ran(transform(circuit), log)
    tags = [tag for tag, *_ in log]
    assert tags.count("angle") == tags.count("again") == 1
    outcomes = [int(value) for tag, value in log if tag == "outcome"]
    assert sorted(outcomes) == [0, 1]


def test_a_pure_callback_decodes_outcomes() -> None:
    def correction(outcome: Any) -> Any:
        return np.asarray(np.pi * outcome, np.float32)

    @qj.qnode(wires=2)
    def circuit(x: Any) -> Any:
        qj.RX(x, 0)
        shape = jax.ShapeDtypeStruct((), np.float32)
        qj.RX(jax.pure_callback(correction, shape, 1.0 * qj.measure(0)), 0)
        return qj.expval(qj.Z(0))

    assert np.allclose(circuit(0.7), 1, atol=1e-6)


def test_collectives_run_across_the_mapped_axis() -> None:
    @qj.qnode(wires=1)
    def circuit(x: Any) -> Any:
        qj.RX(jax.lax.psum(x, "rows"), 0)
        return qj.expval(qj.Z(0))

    def classical(x: Any) -> Any:
        return jnp.cos(jax.lax.psum(x, "rows"))

    rows = jnp.array([0.1, 0.5])
    for change in (lambda f: f, jax.grad):
        found = jax.vmap(change(circuit), axis_name="rows")(rows)
        wanted = jax.vmap(change(classical), axis_name="rows")(rows)
        assert np.allclose(found, wanted, atol=1e-5)
