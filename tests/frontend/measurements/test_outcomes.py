"""Mid-circuit measurements: what is averaged, what is sampled, and what is shared."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import qjit as qj
from qjit.lowering.conversion import branching
from tests.programs.test_hybrid import assert_drawn_from

SHOTS = 20_000
each = pytest.mark.parametrize


def gate(function: Any, *args: Any) -> None:
    """Apply a gate in a branch, which returns nothing."""
    function(*args)


def chain(angle: Any) -> list[Any]:
    """Measure three times, each time on what was found before."""
    qj.RY(angle, 0)
    first = qj.measure(0)
    qj.CRX(0.4 + first, wires=[0, 1])
    qj.RX(0.8 * (1 + first), 1)
    second = qj.measure(1, reset=True)
    jax.lax.cond(second, lambda: gate(qj.H, 1), lambda: gate(qj.RY, 0.3, 1))
    return [first, second, qj.measure(1)]


def test_measured_values_have_statistics() -> None:
    @qj.qnode(wires=2)
    def exact(angle: Any) -> Any:
        bits = chain(angle)
        total = bits[0] + 2.0 * bits[1] * bits[2]
        return qj.probs(bits), qj.expval(total), qj.var(total), qj.probs(bits[:1])

    joint, mean, variance, first = exact(1.1)
    outcomes = np.arange(8)
    totals = outcomes // 4 + 2.0 * (outcomes % 4 == 3)
    np.testing.assert_allclose(joint.sum(), 1.0)
    np.testing.assert_allclose(joint[4:].sum(), np.sin(0.55) ** 2)
    np.testing.assert_allclose(first, [joint[:4].sum(), joint[4:].sum()])
    np.testing.assert_allclose(mean, joint @ totals)
    np.testing.assert_allclose(variance, joint @ totals**2 - mean**2)


def test_shots_belong_together() -> None:
    @qj.qnode(wires=2, shots=SHOTS, seed=1)
    def circuit(angle: Any) -> Any:
        bits = chain(angle)
        sampled = qj.sample(bits), qj.sample(bits[0]), qj.sample(1), qj.sample([1, 0])
        return (
            *sampled,
            qj.counts(bits)[1],
            qj.probs(bits),
            qj.expval(bits[0] * 1.0),
            qj.var(bits[0]),
        )

    rows, first, wire, wires, counts, probs, mean, variance = map(
        np.asarray, circuit(1.1)
    )
    assert rows.shape == (SHOTS, 3)
    assert first.shape == (SHOTS,)
    np.testing.assert_array_equal(first, rows[:, 0])
    np.testing.assert_array_equal(wire[:, 0], rows[:, 2])
    np.testing.assert_array_equal(wires, rows[:, [2, 0]])
    joint = np.bincount(rows @ [4, 2, 1], minlength=8)
    np.testing.assert_array_equal(counts, joint)
    np.testing.assert_allclose(probs, joint / SHOTS)
    np.testing.assert_allclose(mean, first.mean())
    np.testing.assert_allclose(variance, first.var())
    exact = qj.qnode(wires=2)(lambda angle: qj.probs(chain(angle)))
    assert_drawn_from(joint, exact(1.1))


def test_the_order_of_shots_says_nothing() -> None:
    @qj.qnode(wires=1, shots=SHOTS, seed=2)
    def circuit() -> Any:
        qj.H(0)
        return qj.sample(qj.measure(0))

    found = np.asarray(circuit())
    halves = np.sum(found[: SHOTS // 2]), np.sum(found[SHOTS // 2 :])
    assert abs(int(halves[0]) - int(halves[1])) < 6 * np.sqrt(SHOTS) / 2
    changes = np.sum(found[1:] != found[:-1])
    assert abs(int(changes) - SHOTS / 2) < 6 * np.sqrt(SHOTS) / 2


def test_seeds_decide_the_paths() -> None:
    def run(**options: Any) -> Any:
        circuit = qj.qnode(wires=2, shots=100, **options)(
            lambda angle: qj.sample(chain(angle))
        )
        return np.asarray(circuit(1.1))

    np.testing.assert_array_equal(run(seed=1), run(seed=1))
    assert np.any(run(seed=1) != run(seed=2))
    assert np.any(run() != run())


def test_repeat_until_success() -> None:
    @qj.qnode(wires=1, shots=SHOTS, seed=3)
    def circuit(angle: Any) -> Any:
        def body(state: Any) -> Any:
            qj.RY(angle, 0)
            return qj.measure(0, reset=True), state[1] + 1

        start = jnp.zeros((), bool), jnp.zeros((), int)
        _, tries = jax.lax.while_loop(lambda state: ~state[0], body, start)
        return qj.expval(tries), qj.probs([tries == 1]), qj.probs([tries > 2])

    chance = np.sin(0.5) ** 2
    mean, once, more = map(np.asarray, circuit(1.0))
    assert mean == pytest.approx(1 / chance, rel=0.05)
    assert_drawn_from(once * SHOTS, [1 - chance, chance])
    assert_drawn_from(more * SHOTS, [1 - (1 - chance) ** 2, (1 - chance) ** 2])


@each("angle", [1.2, 0.05])
@each("dtype", ["complex64", "complex128"])
def test_postselection_conditions_what_came_before(dtype: str, angle: float) -> None:
    def body() -> Any:
        qj.RY(1.1, 0)
        first = qj.measure(0)
        qj.RY(angle * (1 + first), 1)
        qj.measure(1, postselect=1)
        qj.RX(0.7, 1)
        return qj.probs([first, qj.measure(1)]), qj.expval(1.0 * first)

    exact, share = qj.qnode(wires=2, dtype=dtype)(body)()
    one = np.sin(0.55) ** 2
    weights = np.array([(1 - one) * np.sin(angle / 2) ** 2, one * np.sin(angle) ** 2])
    np.testing.assert_allclose(share, weights[1] / weights.sum(), rtol=1e-4)
    shots = 500
    found, _ = qj.qnode(wires=2, shots=shots, seed=4, dtype=dtype)(body)()
    assert_drawn_from(np.asarray(found) * shots, exact)


def test_postselection_before_any_branch_loses_no_shot() -> None:
    @qj.qnode(wires=2, shots=50, seed=5)
    def circuit() -> Any:
        qj.RY(1e-4, 0)
        qj.measure(0, postselect=1)
        qj.CNOT([0, 1])
        return qj.sample()

    np.testing.assert_array_equal(circuit(), np.ones((50, 2)))


@each("shots", [None, 2000])
def test_states_that_do_not_fit_are_simulated_again(
    shots: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run() -> Any:
        @qj.qnode(wires=2, shots=shots, seed=6)
        def circuit(angle: Any) -> Any:
            return qj.probs([*chain(angle), *chain(angle)]), qj.probs([0, 1])

        return circuit(1.1)

    kept = run()
    monkeypatch.setenv("QJIT_CACHE_SIZE", "0")
    for size in (0, 400):
        monkeypatch.setattr(branching, "KEPT_BYTES", size)
        for found, wanted in zip(run(), kept, strict=True):
            np.testing.assert_allclose(found, wanted, atol=1e-12)


@each("shots", [None, 300])
def test_every_way_of_calling(shots: int | None) -> None:
    @qj.qnode(wires=2, shots=shots, seed=7)
    def circuit(angle: Any) -> Any:
        bits = chain(angle)
        return qj.expval(bits[1]), qj.probs(bits)

    angles = jnp.array([0.4, 1.1, 2.0])
    single = [circuit(angle) for angle in angles]

    def loop(angles: Any) -> Any:
        return jax.lax.map(circuit, angles)

    for run in (
        jax.vmap(circuit),
        jax.jit(jax.vmap(circuit)),
        qj.qjit(jax.vmap(circuit)),
        qj.qjit(loop),
    ):
        mean, joint = run(angles)
        # Each row has shots of its own.
        tolerance = 1e-12 if shots is None else 0.25
        for number, (one, other) in enumerate(single):
            np.testing.assert_allclose(mean[number], one, atol=tolerance)
            np.testing.assert_allclose(joint[number], other, atol=tolerance)
        for again, found in zip(run(angles), (mean, joint), strict=True):
            np.testing.assert_array_equal(again, found)


def test_a_nested_function_may_end_the_circuit() -> None:
    @jax.jit
    def tail(bit: Any) -> Any:
        jax.lax.cond(bit, lambda: gate(qj.X, 1), lambda: gate(qj.H, 1))
        return qj.expval(qj.Z(1)), qj.expval(bit)

    @qj.qnode(wires=2)
    def circuit() -> Any:
        qj.RY(1.1, 0)
        return tail(qj.measure(0)), qj.expval(qj.Z(0)) * 2.0

    one = np.sin(0.55) ** 2
    (first, bit), last = circuit()
    np.testing.assert_allclose([first, bit, last], [-one, one, 2 - 4 * one])


@each("shots", [None, SHOTS])
def test_the_number_of_wires_may_be_an_argument(shots: int | None) -> None:
    """A chain of copies, on as many of the declared wires as the caller wants."""

    @qj.qnode(wires=6, shots=shots, seed=8)
    def circuit(count: Any) -> Any:
        def copy(wire: Any, carry: Any) -> Any:
            qj.CNOT(wires=[wire - 1, wire])
            return carry

        qj.RY(1.1, 0)
        jax.lax.fori_loop(1, count, copy, 0)
        last = qj.measure(count - 1)
        return qj.expval(last), qj.probs([0, 1, 2, 3, 4, 5])

    one = np.sin(0.55) ** 2
    for count in range(1, 7):
        mean, probs = circuit(count)
        wanted = np.zeros(64)
        wanted[0], wanted[64 - 2 ** (6 - count)] = 1 - one, one
        if shots is None:
            np.testing.assert_allclose(mean, one)
            np.testing.assert_allclose(probs, wanted, atol=1e-12)
        else:
            assert_drawn_from(np.asarray(probs) * SHOTS, wanted)
    with pytest.raises(qj.errors.WireError, match=r"test_outcomes\.py:\d+"):
        circuit(7)


def hamiltonian() -> Any:
    """Words that do not all commute, and one that is constant."""
    rest = -0.7 * qj.Z(2) + 0.5 * qj.Y(0) @ qj.Y(2) + 0.3 * qj.H(1)
    return 2.0 + qj.X(0) @ qj.Z(1) + rest


@each("mid_circuit", [False, True])
def test_observables_are_estimated_from_shots(mid_circuit: bool) -> None:
    def body() -> Any:
        for wire, angle in enumerate((1.1, 0.7, 0.4)):
            qj.RY(angle, wire)
            qj.RX(0.3 + angle, wire)
        qj.CNOT([0, 1])
        qj.CRY(0.9, wires=[1, 2])
        if mid_circuit:
            outcome = qj.measure(1)
            jax.lax.cond(outcome, lambda: gate(qj.H, 2), lambda: gate(qj.S, 0))
        together = qj.X(0) @ qj.Y(2) + 0.5 * qj.X(0)
        return (
            qj.expval(hamiltonian()),
            qj.expval(together),
            qj.var(together),
            qj.var(qj.Y(1)),
            qj.expval(qj.I(0) * 3.0),
        )

    exact = qj.qnode(wires=3)(body)()
    found = qj.qnode(wires=3, shots=SHOTS, seed=9)(body)()
    np.testing.assert_allclose(found, exact, atol=6 * 2 / np.sqrt(SHOTS))


def test_commuting_words_share_their_shots() -> None:
    @qj.qnode(wires=2, shots=SHOTS, seed=10)
    def bell() -> Any:
        qj.H(0)
        qj.CNOT([0, 1])
        return (
            qj.expval(qj.X(0) @ qj.X(1)),
            qj.expval(qj.X(0)) - qj.expval(qj.X(1)),
            qj.expval(qj.Y(0) @ qj.Y(1)),
            qj.expval(qj.Z(0) - qj.Z(1)),
            qj.sample(0) - qj.sample(1),
        )

    together, difference, signs, zero, bits = bell()
    assert (together, difference, signs, zero) == (1.0, 0.0, -1.0, 0.0)
    assert not np.any(bits)


def test_what_shots_cannot_estimate_is_refused() -> None:
    mistakes: list[Callable[[], Any]] = [
        lambda: qj.expval(qj.S(0)),
        lambda: qj.var(qj.X(0) @ qj.Z(0)),
        lambda: qj.expval(1j * qj.X(0)),
    ]
    for mistake in mistakes:
        with pytest.raises(qj.errors.QJitError, match=r"test_outcomes\.py:\d+"):
            qj.qnode(wires=1, shots=10)(mistake)()


def measured_by(ops: Any) -> Callable[[Any], Any]:
    """A circuit with feed-forward, spelled for PennyLane and for qjit."""

    def circuit(angle: Any) -> Any:
        ops.RY(angle, wires=0)
        first = ops.measure(0)
        ops.cond(first, ops.RX)(0.7, wires=1)
        ops.CNOT(wires=[1, 2])
        second = ops.measure(1, reset=True)
        ops.cond(second, ops.Hadamard)(wires=2)
        ops.RY(0.3, wires=1)
        third = ops.measure(2, postselect=0)
        ops.CRY(0.9, wires=[2, 1])
        many = {"op": [first, second]} if ops is not qj else {"wires": [first, second]}
        return (
            ops.expval(ops.Z(1) @ ops.X(2)),
            ops.var(ops.Y(0) @ ops.Z(1)),
            ops.expval(first * second),
            ops.var(first + 2 * second),
            ops.expval(third),
            ops.probs(**many),
            ops.probs(wires=[1, 2]),
            ops.density_matrix([0, 2]),
        )

    return circuit


def test_pennylane_agrees() -> None:
    pennylane = pytest.importorskip("pennylane")
    device = pennylane.device("default.qubit", wires=6)
    wanted = pennylane.qnode(device, mcm_method="deferred")(measured_by(pennylane))(1.1)
    found = qj.qnode(wires=3)(measured_by(qj))(1.1)
    for mine, theirs in zip(found, wanted, strict=True):
        np.testing.assert_allclose(mine, theirs, atol=1e-10)
