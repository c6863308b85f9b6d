"""Outcomes are integers in arithmetic and booleans in logic, on every way there."""

import itertools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import qjit as qj

ANGLES = (0.7, 1.1, 2.0)
CHANCES = [np.sin(angle / 2) ** 2 for angle in ANGLES]
each = pytest.mark.parametrize

# Each expression in JAX, and in Python's integers.
Pair = tuple[Callable[..., Any], Callable[..., Any]]
OPERATORS: list[Pair] = [
    (lambda a, b, c: a + b + c, lambda a, b, c: a + b + c),
    (lambda a, b, c: sum([a, b, c]) >= 2, lambda a, b, c: a + b + c >= 2),
    (lambda a, b, c: a - b, lambda a, b, c: a - b),
    (lambda a, b, c: -a, lambda a, b, c: -a),
    (lambda a, b, c: round(a) + round(b), lambda a, b, c: a + b),
    (lambda a, b, c: (a + 2 * b) % 3 // 2, lambda a, b, c: (a + 2 * b) % 3 // 2),
    (lambda a, b, c: a / (1 + b), lambda a, b, c: a / (1 + b)),
    (lambda a, b, c: (-1) ** (a + b), lambda a, b, c: (-1) ** (a + b)),
    (lambda a, b, c: a**b + (a << b), lambda a, b, c: a**b + (a << b)),
    (lambda a, b, c: ~a + ~b, lambda a, b, c: 2 - a - b),
    (lambda a, b, c: (a & b) + (a | c), lambda a, b, c: (a & b) + (a | c)),
    (lambda a, b, c: (a == b) + (b == c), lambda a, b, c: (a == b) + (b == c)),
    (lambda a, b, c: ~(a ^ b) & c, lambda a, b, c: (1 - (a ^ b)) & c),
    (lambda a, b, c: (a + b == 1) + c, lambda a, b, c: (a + b == 1) + c),
    (lambda a, b, c: True + a + np.bool_(True), lambda a, b, c: a + 2),
    (lambda a, b, c: jnp.stack([a, b, c]).sum(), lambda a, b, c: a + b + c),
    (lambda a, b, c: jnp.where(a, b, c) * 0.5, lambda a, b, c: (b if a else c) * 0.5),
    (lambda a, b, c: (jnp.zeros((), bool) | a) + b, lambda a, b, c: a + b),
]
ARRAYS: list[Pair] = [
    (lambda s: s[0] + s[1], lambda a, b, c: a + b),
    (lambda s: ~s[0] + ~s[2], lambda a, b, c: 2 - a - c),
    (lambda s: jnp.add(s[0], s[1]) - s[2], lambda a, b, c: a + b - c),
    (lambda s: jnp.dot(s, s), lambda a, b, c: a + b + c),
    (lambda s: jnp.diff(s)[0], lambda a, b, c: b - a),
    (lambda s: jnp.array([3, 5])[s[1]], lambda a, b, c: 3 + 2 * b),
    (lambda s: jax.lax.switch(s[0], [lambda: 2, lambda: 7]), lambda a, b, c: 2 + 5 * a),
    (lambda s: jax.vmap(lambda x: x + s[2])(s).sum(), lambda a, b, c: a + b + 4 * c),
    (lambda s: jax.jit(lambda x, y: x + y)(s[0], s[1]), lambda a, b, c: a + b),
    (
        lambda s: jax.lax.cond(s[0], lambda: s[1], lambda: s[2]) + s[1],
        lambda a, b, c: (b if a else c) + b,
    ),
    (lambda s: sum(bit for bit in s), lambda a, b, c: a + b + c),
]


def measured() -> list[Any]:
    """Measure three wires."""
    for wire, angle in enumerate(ANGLES):
        qj.RY(angle, wire)
    return [qj.measure(wire) for wire in range(3)]


def mean(function: Callable[..., Any]) -> Any:
    """The mean of a function of three outcomes."""
    total: Any = 0.0
    for bits in itertools.product((0, 1), repeat=3):
        pairs = zip(CHANCES, bits, strict=True)
        weight = np.prod([p if bit else 1 - p for p, bit in pairs])
        total = total + weight * np.asarray(function(*bits), float)
    return total


def computed(kind: str) -> list[Any]:
    """What a circuit computes from three outcomes."""
    outcomes = measured()
    if kind == "operators":
        return [1.0 * function(*outcomes) for function, _ in OPERATORS]
    return [1.0 * function(jnp.stack(outcomes)) for function, _ in ARRAYS]


def wanted(kind: str) -> list[Callable[..., Any]]:
    """What that is, by Python's integers."""
    return [function for _, function in (OPERATORS if kind == "operators" else ARRAYS)]


@each("kind", ["operators", "arrays"])
def test_exact_means(kind: str) -> None:
    found = qj.qnode(wires=3)(lambda: qj.expval(op=computed(kind)))()
    np.testing.assert_allclose(found, [mean(f) for f in wanted(kind)], atol=1e-10)


@each("kind", ["operators", "arrays"])
def test_every_shot(kind: str) -> None:
    @qj.qnode(wires=3, shots=40, seed=1)
    def circuit() -> Any:
        return jnp.stack(computed(kind)), qj.sample([0, 1, 2])

    values, rows = circuit()
    for found, bits in zip(values, np.asarray(rows).tolist(), strict=True):
        np.testing.assert_allclose(found, [float(f(*bits)) for f in wanted(kind)])


def test_expressions_of_arrays_alone() -> None:
    """Each chooses the type of outcomes anew."""
    either = lambda s: jnp.logical_or(s[0], s[1])  # noqa: E731
    for function, right in [*ARRAYS[:3], (either, lambda a, b, c: a | b)]:
        circuit = qj.qnode(wires=3)(
            lambda f=function: qj.expval(f(jnp.stack(measured())))
        )
        np.testing.assert_allclose(circuit(), mean(right), atol=1e-10)


def test_gates_take_sums() -> None:
    @qj.qnode(wires=4)
    def circuit(x: Any) -> Any:
        a, b, c = measured()
        qj.RX(x * (a + b), 3)
        qj.cond(a + b + c >= 2, qj.X)(3)
        jax.lax.cond((a & ~b) | c, lambda: None, lambda: (qj.Z(3), None)[1])
        return qj.expval(qj.Z(3))

    def wanted(x: float) -> Any:
        sign = mean(lambda a, b, c: (-1 if a + b + c >= 2 else 1) * np.cos(x * (a + b)))
        return sign

    np.testing.assert_allclose(circuit(0.3), wanted(0.3), atol=1e-10)
    slope = (wanted(0.3 + 1e-6) - wanted(0.3 - 1e-6)) / 2e-6
    np.testing.assert_allclose(jax.grad(circuit)(0.3), slope, atol=1e-8)


def test_autograph() -> None:
    def votes(a: Any, b: Any, c: Any) -> Any:
        total = 0
        for bit in (a, b, c):
            total += bit
        if a and not b:
            total = total + 10
        chosen = b
        if a + b == 1:
            chosen = c
        return [total, chosen + a, (not a) + (not b), (a or b) + c, any([a, b]) + c]

    circuit = qj.qnode(wires=3)(lambda: qj.expval(votes(*measured())))
    found = qj.qjit(circuit, autograph=True)()
    np.testing.assert_allclose(found, mean(votes), atol=1e-10)


def rounds(angle: Any, count: int) -> tuple[Any, Any]:
    """Measure again and again: how often was it 1, and what was it each time?"""

    def body(total: Any, _: Any) -> tuple[Any, Any]:
        qj.RY(angle, 0)
        outcome = qj.measure(0, reset=True)
        return total + outcome, ~outcome

    return jax.lax.scan(body, 0, length=count)


@each("count", [0, 1, 3])
def test_loops_of_any_length(count: int) -> None:
    @qj.qnode(wires=1)
    def circuit(angle: Any) -> Any:
        total, zeros = rounds(angle, count)
        return qj.expval(total), qj.expval(jnp.sum(zeros)), qj.var(total)

    chance = np.sin(0.35) ** 2
    found = circuit(0.7)
    wanted = count * chance, count * (1 - chance), count * chance * (1 - chance)
    np.testing.assert_allclose(found, wanted, atol=1e-10)
    batch = jax.vmap(circuit)(jnp.array([0.7, 0.0]))
    np.testing.assert_allclose(np.asarray(batch)[:, 0], wanted, atol=1e-10)


def test_nested_loops_and_unused_outcomes() -> None:
    @qj.qnode(wires=1)
    def circuit(angle: Any) -> Any:
        _, zeros = jax.lax.scan(lambda c, _: (c, rounds(angle, 2)[1]), 0, length=2)
        _ = qj.measure(0) + qj.measure(0)
        return qj.expval(zeros[0, 0] + zeros[1, 1]), qj.expval(qj.Z(0))

    one = np.cos(0.35) ** 2
    np.testing.assert_allclose(circuit(0.7), [2 * one, 1.0], atol=1e-10)
    slope = jax.grad(lambda x: circuit(x)[0])(0.7)
    np.testing.assert_allclose(slope, -np.sin(0.7), atol=1e-10)


@each("start", [False, 0])
def test_loops_carry_booleans_or_integers(start: Any) -> None:
    @qj.qnode(wires=2, shots=50, seed=3)
    def circuit(angle: Any) -> Any:
        def body(state: Any) -> Any:
            qj.RY(angle, 0)
            outcome = qj.measure(0, reset=True)
            return state[0] | outcome, state[1] + (outcome == 0)

        state = jnp.asarray(start), jnp.zeros((), int)
        done, failures = jax.lax.while_loop(lambda s: s[0] == 0, body, state)
        return 1 * done, failures, qj.sample(op=failures + done)

    done, failures, tries = circuit(1.5)
    assert np.all(done == 1)
    assert np.any(failures > 0)
    np.testing.assert_array_equal(tries, failures + 1)


def test_other_booleans_keep_their_sums() -> None:
    @qj.qnode(wires=1)
    def circuit(flags: Any) -> Any:
        qj.RY(1.0, 0)
        return qj.expval(qj.measure(0)), 1.0 * (flags[0] + flags[1])

    assert circuit(jnp.array([True, True]))[1] == 1.0


def test_returned_outcomes_are_one_for_each_shot() -> None:
    @qj.qnode(wires=3, shots=7, seed=1)
    def circuit(x: Any) -> Any:
        a, b, c = measured()
        bits = {"one": a, "sum": a + b, "none": None}
        return bits, [x, 3, x * jnp.ones(2)], a & c, a * x, qj.sample([0, 1, 2])

    bits, classical, both, scaled, rows = circuit(2.5)
    rows = np.asarray(rows)
    assert bits["none"] is None
    assert bits["one"].dtype == rows.dtype
    np.testing.assert_array_equal(bits["one"], rows[:, 0])
    np.testing.assert_array_equal(bits["sum"], rows[:, 0] + rows[:, 1])
    np.testing.assert_array_equal(both, rows[:, 0] & rows[:, 2])
    np.testing.assert_array_equal(scaled, rows[:, 0] * 2.5)
    assert [np.shape(value) for value in classical] == [(), (), (2,)]


@each("shots", [None, 5])
def test_classical_results(shots: int | None) -> None:
    @qj.qnode(wires=1, shots=shots)
    def alone(x: Any) -> Any:
        qj.RX(x, 0)
        qj.measure(0)
        return {"square": x**2, "constant": 3, "nothing": None}

    @qj.qnode(wires=1, shots=shots)
    def beside(x: Any) -> Any:
        qj.RX(x, 0)
        return x**2, 3, qj.expval(qj.Z(0))

    assert jax.tree.map(float, alone(1.5)) == {
        "square": 2.25,
        "constant": 3.0,
        "nothing": None,
    }
    assert jax.grad(lambda x: alone(x)["square"])(1.5) == 3.0
    assert [float(value) for value in beside(1.5)[:2]] == [2.25, 3.0]
    assert jax.jacfwd(beside)(1.5)[0] == 3.0


def test_statistics_by_the_names_of_pennylane() -> None:
    @qj.qnode(wires=3)
    def exact() -> Any:
        a, b, c = measured()
        return qj.probs(op=[a, b]), qj.expval(op=a + 2 * b), qj.var(op=b - c)

    probs, expected, variance = exact()
    joint = [mean(lambda a, b, c, n=n: 2 * a + b == n) for n in range(4)]
    np.testing.assert_allclose(probs, joint)
    np.testing.assert_allclose(expected, mean(lambda a, b, c: a + 2 * b))
    square = mean(lambda a, b, c: (b - c) ** 2)
    np.testing.assert_allclose(variance, square - mean(lambda a, b, c: b - c) ** 2)

    @qj.qnode(wires=3, shots=50, seed=2)
    def sampled() -> Any:
        a, b, c = measured()
        counted = qj.counts(op=[a, b])[1], qj.counts(a & ~b)[1]
        return qj.sample(op=a + b), qj.sample([a, b, a - c]), *counted

    total, rows, both, single = map(np.asarray, sampled())
    np.testing.assert_array_equal(total, rows[:, 0] + rows[:, 1])
    assert rows[:, 2].min() >= -1
    np.testing.assert_array_equal(both, np.bincount(rows[:, :2] @ [2, 1], minlength=4))
    np.testing.assert_array_equal(single, [50 - both[2], both[2]])
