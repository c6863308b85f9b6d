"""The choices of `diff_method` agree, and say what they cannot do."""

import itertools
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import qjit as qj
from qjit.gradients.shift_rules import difference_rule, shift_rule

ANGLES = jnp.array([0.3, 0.5, 0.7])
EXACT = ["parameter-shift", "hadamard", "finite-diff"]
TOLERANCE = {
    "parameter-shift": 1e-11,
    "hadamard": 1e-11,
    "finite-diff": 1e-8,
    "spsa": 0.2,
}


def layers(x: Any) -> None:
    """Share angles between gates, in every kind of control flow."""
    qj.RX(x[0], wires=0)
    qj.CRY(x[1], wires=[0, 1])
    qj.IsingXY(x[2] * x[0], wires=[1, 2])

    def turn(wire: Any, angle: Any) -> Any:
        qj.RZ(angle, wires=wire)
        qj.CRX(angle, wires=[wire, (wire + 1) % 3])
        qj.RY(x[wire] ** 2, wires=wire)
        return angle + 0.1

    jax.lax.fori_loop(0, 3, turn, x[0])
    jax.lax.scan(lambda _, angle: (qj.RX(angle, wires=0), (None, None))[1], None, x)
    jax.lax.cond(
        x[0] > 0.1,
        lambda: (qj.PhaseShift(x[1], wires=1), None)[1],
        lambda: (qj.RX(x[2], wires=1), None)[1],
    )
    qj.ctrl(qj.U3, control=2, control_values=[0])(*x, wires=0)
    qj.adjoint(lambda: qj.PauliRot(x[0], "XZ", wires=[2, 1]))()


def measured(method: str | None, **options: Any) -> Any:
    @qj.qnode(wires=3, diff_method=method, **options)
    def circuit(x: Any, weight: Any) -> Any:
        layers(x)
        mixed = qj.Hamiltonian([weight, 2.0], [qj.Z(0) @ qj.X(1), qj.Y(2)])
        spread = qj.var(weight * qj.Z(0))
        return qj.expval(mixed), spread, qj.probs([0, 2]), qj.purity(1)

    return circuit


def difference(one: Any, other: Any) -> float:
    pairs = zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True)
    return max(float(jnp.max(jnp.abs(a - b))) for a, b in pairs)


ARGUMENTS = ANGLES, jnp.array(1.3)


@cache
def exact() -> Any:
    """All derivatives by the adjoint method."""
    return qj.qjit(jax.jacrev(measured("adjoint"), argnums=(0, 1)))(*ARGUMENTS)


@pytest.mark.parametrize("method", EXACT)
@pytest.mark.parametrize("mode", [jax.jacfwd, jax.jacrev])
def test_agrees_with_the_adjoint_method(mode: Any, method: str) -> None:
    found = qj.qjit(mode(measured(method), argnums=(0, 1)))(*ARGUMENTS)
    assert difference(found, exact()) < TOLERANCE[method]


ON_CIRCUITS = ["parameter-shift", "hadamard"]


@cache
def curvature(method: str) -> Any:
    @qj.qnode(wires=2, diff_method=method)
    def circuit(x: Any) -> Any:
        qj.RX(x[0], wires=0)
        qj.CRY(x[1], wires=[0, 1])
        qj.RZ(x[0] * x[1], wires=1)
        qj.CRX(x[1], wires=[1, 0])
        return qj.expval(qj.X(1)), qj.var(qj.Z(0))

    return qj.qjit(jax.hessian(circuit))(ANGLES[:2])


@pytest.mark.parametrize("method", ON_CIRCUITS)
def test_second_derivatives(method: str) -> None:
    assert difference(curvature(method), curvature("adjoint")) < 1e-11


@cache
def slopes_of_batch(method: str) -> Any:
    one = jax.grad(lambda x: measured(method)(x, 0.4)[0])
    return qj.qjit(jax.vmap(one))(jnp.stack([ANGLES, ANGLES[::-1]]))


@pytest.mark.parametrize("method", EXACT)
def test_over_a_batch(method: str) -> None:
    found, wanted = slopes_of_batch(method), slopes_of_batch("adjoint")
    assert difference(found, wanted) < TOLERANCE[method]


@pytest.mark.parametrize("method", ON_CIRCUITS)
def test_wide_gates_and_phases(method: str) -> None:
    def slopes(method: str) -> Any:
        @qj.qnode(wires=9, diff_method=method)
        def circuit(x: Any, wire: Any) -> Any:
            for each in range(9):
                qj.RY(0.3 + 0.2 * each, wires=each)
            qj.PauliRot(x[0], "XYZXIYZX", wires=list(range(8)))
            qj.MultiRZ(x[1], wires=list(range(1, 9)))
            qj.ctrl(qj.GlobalPhase, control=[wire, 1], control_values=[1, 0])(x[2])
            qj.adjoint(qj.CRot)(*x, wires=[1, wire])
            return qj.expval(qj.X(0) @ qj.Y(2)), qj.probs([2, 3])

        return jax.jacrev(circuit)(ANGLES, 3)

    assert difference(slopes(method), slopes("adjoint")) < 1e-11


@pytest.mark.parametrize("method", ON_CIRCUITS)
def test_through_measurement(method: str) -> None:
    def slopes(method: str) -> Any:
        @qj.qnode(wires=2, diff_method=method)
        def circuit(x: Any) -> Any:
            qj.RX(x[0], wires=0)
            first = qj.measure(0)
            qj.CRY(x[1] + first, wires=[0, 1])
            qj.measure(1, postselect=1)
            qj.RX(x[2], wires=1)
            return qj.expval(qj.Y(1)), qj.expval(first), qj.var(qj.Z(1))

        return qj.qjit(jax.jacrev(circuit))(ANGLES)

    assert difference(slopes(method), slopes("adjoint")) < 1e-11


@pytest.mark.parametrize("method", ON_CIRCUITS)
def test_nothing_moves(method: str) -> None:
    @qj.qnode(wires=1, diff_method=method)
    def circuit(x: Any) -> Any:
        qj.RX(0.3, wires=0)
        return qj.expval(x * qj.Z(0))

    np.testing.assert_allclose(qj.qjit(jax.grad(circuit))(2.0), np.cos(0.3))


@given(
    st.lists(
        st.floats(0.2, 4.0), min_size=1, max_size=5, unique_by=lambda f: round(f, 1)
    ),
    st.integers(0, 2**32 - 1),
)
@settings(deadline=None, max_examples=100)
def test_shift_rules_of_any_spectrum(found: list[float], seed: int) -> None:
    frequencies = np.sort(found)
    a, b = np.random.default_rng(seed).normal(size=(2, len(frequencies)))
    rule = shift_rule(tuple(frequencies.tolist()))
    turns = np.outer(np.asarray(rule.shifts), frequencies)
    values = np.cos(turns) @ a + np.sin(turns) @ b
    size = np.abs(rule.coefficients).sum()
    np.testing.assert_allclose(
        np.dot(rule.coefficients, values), frequencies @ b, atol=1e-12 * (1 + size)
    )


def test_two_and_four_term_rules() -> None:
    two, four = shift_rule((1.0,)), shift_rule((0.5, 1.0))
    np.testing.assert_allclose(two.shifts, [np.pi / 2, -np.pi / 2])
    np.testing.assert_allclose(two.coefficients, [0.5, -0.5])
    large, small = (np.sqrt(2) + 1) / (4 * np.sqrt(2)), (np.sqrt(2) - 1) / 4 / 2**0.5
    np.testing.assert_allclose(four.shifts[:2], [np.pi / 2, 3 * np.pi / 2])
    np.testing.assert_allclose(four.coefficients[:2], [large, -small])


@pytest.mark.parametrize(
    ("strategy", "order"),
    [("center", 2), ("center", 4), ("forward", 1), ("forward", 3), ("backward", 2)],
)
def test_orders_of_accuracy(strategy: str, order: int) -> None:
    """Polynomials of the order's degree are exact, the next are not."""
    rule = difference_rule(strategy, order)
    shifts, coefficients = map(np.asarray, (rule.shifts, rule.coefficients))
    for degree in range(order + 1):
        slope = coefficients @ (0.7 + shifts) ** degree
        wanted = degree * 0.7 ** max(degree - 1, 0)
        np.testing.assert_allclose(slope, wanted, atol=1e-12)
    assert abs(coefficients @ shifts ** (order + 1)) > 0.1


@pytest.mark.parametrize("strategy", ["forward", "backward"])
def test_one_sided_differences(strategy: str) -> None:
    options = {"strategy": strategy, "approx_order": 1, "h": 1e-7}
    circuit = measured("finite-diff", gradient_kwargs=options)
    found = qj.qjit(jax.jacrev(circuit, argnums=(0, 1)))(*ARGUMENTS)
    assert 1e-9 < difference(found, exact()) < 1e-5


def test_spsa_is_unbiased_and_every_call_draws_again() -> None:
    circuit = measured("spsa", gradient_kwargs={"num_directions": 500}, seed=None)
    slopes = qj.qjit(jax.grad(lambda x: circuit(x, 1.3)[0]))
    wanted = exact()[0][0]
    one, other = slopes(ANGLES), slopes(ANGLES)
    assert difference(one, other) > 0
    assert difference(one, wanted) < 5 * float(jnp.linalg.norm(wanted)) / 500**0.5


def test_differences_take_what_no_other_method_does() -> None:
    """A measurement in the middle, a matrix, and complex arguments."""

    @qj.qnode(wires=2, diff_method="finite-diff")
    def circuit(x: Any, turn: Any) -> Any:
        qj.RX(x, wires=0)
        qj.cond(qj.measure(0), lambda: (qj.RY(2 * x, wires=1), None)[1])()
        qj.DiagonalQubitUnitary(jnp.exp(1j * jnp.stack([turn.real, turn.imag])), 1)
        qj.H(1)
        return qj.expval(qj.Z(1))

    def expected(x: Any, turn: Any) -> Any:
        phase = jnp.cos(turn.imag - turn.real)
        return jnp.sin(x / 2) ** 2 * jnp.sin(2 * x) * phase

    args = jnp.array(0.4), jnp.array(0.3 + 0.8j)
    np.testing.assert_allclose(circuit(*args), expected(*args), atol=1e-12)
    found, wanted = (jax.grad(f, argnums=(0, 1))(*args) for f in (circuit, expected))
    np.testing.assert_allclose(found, wanted, atol=1e-9)


# With shots


def sampled(shots: int, seed: int | None = 7, method: str = "best") -> Any:
    @qj.qnode(wires=3, shots=shots, seed=seed, diff_method=method)
    def circuit(x: Any, weight: Any) -> Any:
        layers(x)
        mixed = qj.Hamiltonian([weight, 2.0], [qj.Z(0) @ qj.X(1), qj.Y(2)])
        return qj.expval(mixed), qj.var(weight * qj.Z(0)), qj.probs([0, 2])

    return circuit


@pytest.mark.parametrize("method", ON_CIRCUITS)
def test_gradients_from_shots_are_unbiased(method: str) -> None:
    """Of four shots each, so that the bias of a product of means would show."""
    repeats, circuit = 4000, sampled(4, None, method)
    batch = jax.vmap(
        lambda x, weight: jax.jacrev(circuit, argnums=(0, 1))(x, weight),
        in_axes=(0, None),
    )
    key = jnp.broadcast_to(ANGLES, (repeats, 3))
    found = qj.qjit(batch, seed=11)(key, ARGUMENTS[1])
    wanted = exact()[:3]
    unbiased = [found[0], (found[1][0], None), found[2]]
    for mine, theirs in zip(unbiased, wanted, strict=True):
        for one, other in zip(mine, theirs, strict=True):
            if one is not None:
                error = jnp.std(one, axis=0) / repeats**0.5 + 1e-12
                assert (
                    float(jnp.max(jnp.abs(jnp.mean(one, axis=0) - other) / error)) < 5
                )


def test_equal_seeds_give_equal_gradients() -> None:
    slopes = [qj.qjit(jax.jacrev(sampled(50, seed)))(*ARGUMENTS) for seed in (3, 3, 4)]
    assert difference(slopes[0], slopes[1]) == 0
    assert difference(slopes[0], slopes[2]) > 0


def test_training_from_shots() -> None:
    @qj.qnode(wires=1, shots=200, seed=None)
    def circuit(x: Any) -> Any:
        qj.RX(x, wires=0)
        return qj.expval(qj.Z(0))

    def train(x: Any) -> Any:
        step = lambda _, x: x - 0.3 * jax.grad(circuit)(x)  # noqa: E731
        return jax.lax.fori_loop(0, 40, step, x)

    assert abs(float(qj.qjit(train, seed=1)(0.5)) - np.pi) < 0.3


# The choice


@pytest.mark.parametrize(
    ("options", "method"),
    [
        ({}, "adjoint"),
        ({"shots": 10}, "parameter-shift"),
        ({"diff_method": "finite-diff"}, "finite-diff"),
        ({"diff_method": "spsa", "shots": 10}, "spsa"),
    ],
)
def test_the_report_tells_the_method(options: Any, method: str) -> None:
    @qj.qnode(wires=1, **options)
    def circuit(x: Any) -> Any:
        qj.RX(x, wires=0)
        return qj.expval(qj.Z(0))

    for function in (circuit, jax.grad(circuit)):
        report = qj.qjit(function).report(0.3)
        assert report["diff_method"] == {"circuit": method}


def test_only_what_moves_is_refused() -> None:
    @qj.qnode(wires=1, diff_method="parameter-shift")
    def circuit(x: Any, matrix: Any) -> Any:
        qj.RX(x, wires=0)
        qj.QubitUnitary(matrix, wires=0)
        return qj.expval(qj.Z(0))

    flip = jnp.array([[0.0, 1.0], [1.0, 0.0]]) + 0j
    np.testing.assert_allclose(jax.grad(circuit)(0.3, flip), np.sin(0.3), atol=1e-12)
    with pytest.raises(qj.errors.DifferentiationError, match="this unitary depends"):
        jax.grad(circuit, argnums=1, holomorphic=False)(0.3, flip)


@pytest.mark.parametrize(
    ("method", "options"),
    [
        *itertools.product(
            ["finite-diff", "spsa"],
            [{"h": -1.0}, {"approx_order": 3}, {"strategy": "left"}, {"step": 1}],
        ),
        ("adjoint", {"h": 0.1}),
        ("finite-diff", {"num_directions": 3}),
    ],
)
def test_options_are_checked(method: str, options: Any) -> None:
    with pytest.raises(qj.errors.ParameterError, match=r"test_diff_methods\.py:\d+"):
        qj.qnode(wires=1, diff_method=method, gradient_kwargs=options)


# Shots, and measurement on the way


def feedback(shots: int | None, seed: int | None = None) -> Any:
    @qj.qnode(wires=2, shots=shots, seed=seed)
    def circuit(x: Any, weight: Any) -> Any:
        qj.RX(x[0], wires=0)
        first = qj.measure(0)
        qj.cond(
            first,
            lambda: (qj.RY(x[1] * x[0], wires=1), None)[1],
            lambda: (qj.CRX(x[1], wires=[0, 1]), None)[1],
        )()

        def turn(_: Any, angle: Any) -> Any:
            qj.RX(angle, wires=1)
            bit = qj.measure(1, reset=True)
            jax.lax.cond(
                bit, lambda: (qj.RY(angle * x[1], wires=1), None)[1], lambda: None
            )
            qj.CRY(jnp.where(first, 0.3, 0.1), wires=[1, 0])
            return angle + 0.2

        jax.lax.fori_loop(0, 2, turn, x[2])

        def after(_: Any, angle: Any) -> Any:
            apply = qj.cond(first, lambda: (qj.RX(2 * angle, wires=1), None)[1])
            return apply(), None

        jax.lax.scan(after, None, x[:2])
        # Only one branch is smooth, and only it is taken.
        jax.lax.cond(
            x[2] > 1.0,
            lambda: (qj.RX(jnp.sqrt(x[2] - 1.0), wires=0), None)[1],
            lambda: (qj.RX(x[2], wires=0), None)[1],
        )
        mixed = weight * qj.expval(weight * qj.Z(0) + qj.X(1))
        both = jnp.stack([first, ~first]) * 2.0
        return mixed, qj.var(qj.Z(1)), qj.expval(both), qj.probs([first]), qj.var(both)

    return circuit


@pytest.mark.parametrize("shots", [3, 40])
def test_unbiased_through_measurement(shots: int) -> None:
    repeats = 12_000 // shots

    def total(circuit: Any, x: Any, weight: Any) -> Any:
        mixed, spread, mean, shares, more = circuit(x, weight)
        return jnp.array([mixed, spread, *mean, *shares, *more])

    def slopes(circuit: Any) -> Any:
        return jax.jacrev(lambda *args: total(circuit, *args), argnums=(0, 1))

    many = jax.vmap(slopes(feedback(shots)), in_axes=(0, None))
    found = qj.qjit(many, seed=5)(jnp.tile(ANGLES, (repeats, 1)), ARGUMENTS[1])
    exact = qj.qjit(slopes(feedback(None)))(*ARGUMENTS)
    for mine, wanted in zip(found, exact, strict=True):
        error = jnp.std(mine, axis=0) / repeats**0.5 + 1e-12
        assert float(jnp.max(jnp.abs(jnp.mean(mine, axis=0) - wanted) / error)) < 5


def test_seeds_through_measurement() -> None:
    def slope(seed: int) -> Any:
        return qj.qjit(jax.grad(lambda x: feedback(20, seed)(x, 1.0)[0]))(ANGLES)

    assert difference(slope(3), slope(3)) == 0
    assert difference(slope(3), slope(4)) > 0


def test_training_through_measurement() -> None:
    """Prepare |1> on one wire by correcting it, from shots."""

    @qj.qnode(wires=2, shots=100)
    def circuit(x: Any) -> Any:
        qj.RX(x[0], wires=0)
        qj.H(1)
        bit = qj.measure(1)
        qj.cond(bit, qj.RX)(x[1], wires=0)
        return qj.expval(qj.Z(0))

    def train(x: Any) -> Any:
        step = lambda _, x: x - 0.4 * jax.grad(circuit)(x)  # noqa: E731
        return jax.lax.fori_loop(0, 60, step, x)

    found = qj.qjit(train, seed=1)(jnp.array([0.8, 0.4]))
    np.testing.assert_allclose(np.cos(found), [-1.0, 1.0], atol=0.1)
