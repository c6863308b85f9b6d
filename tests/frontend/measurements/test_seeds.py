"""Random numbers: every execution draws by itself, and the same call draws the same."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import qjit as qj

each = pytest.mark.parametrize
RUNS = 12


def identity(function: Callable[..., Any]) -> Callable[..., Any]:
    """Call a function without compiling it as a whole."""
    return function


def coin(**options: Any) -> Any:
    """A circuit whose 40 fair bits are one number."""

    @qj.qnode(wires=1, shots=40, **options)
    def circuit(angle: Any) -> Any:
        qj.RX(angle, 0)
        return qj.sample()[:, 0]

    def number(angle: Any, **given: Any) -> Any:
        return circuit(angle, **given) @ (2 ** jnp.arange(40))

    return number


def in_map(circuit: Any, angle: Any) -> Any:
    """Run in the body of a map."""
    return jax.lax.map(lambda _: circuit(angle), jnp.arange(RUNS))


def in_rows(circuit: Any, angle: Any) -> Any:
    """Run in rows of a batch of arguments."""
    return jax.vmap(circuit)(jnp.full(RUNS, angle))


def in_rows_that_share(circuit: Any, angle: Any) -> Any:
    """Run in rows of a batch that share the argument."""
    return jax.vmap(lambda _: circuit(angle))(jnp.arange(RUNS))


def in_loop(circuit: Any, angle: Any) -> Any:
    """Run in a loop, nested, in a branch."""

    def iteration(place: Any, found: Any) -> Any:
        value = jax.lax.cond(place % 2 == 0, circuit, lambda a: circuit(a), angle)
        return found.at[place].set(value)

    return jax.lax.fori_loop(0, RUNS, iteration, jnp.zeros(RUNS, int))


def in_while(circuit: Any, angle: Any) -> Any:
    """Run in a loop that does not know its length."""

    def iteration(state: Any) -> Any:
        place, found = state
        return place + 1, found.at[place].set(circuit(angle))

    start = jnp.zeros((), int), jnp.zeros(RUNS, int)
    return jax.lax.while_loop(lambda s: s[0] < RUNS, iteration, start)[1]


def one_by_one(circuit: Any, angle: Any) -> Any:
    """Run several times in a row, some of them under a `jax.jit` of their own."""
    inner = jax.jit(circuit)
    return jnp.stack([circuit(angle), inner(angle), inner(angle), circuit(angle)])


PROGRAMS = (in_map, in_rows, in_rows_that_share, in_loop, in_while, one_by_one)


@each("seed", [None, 7])
@each("compiled", [jax.jit, qj.qjit])
@each("program", PROGRAMS)
def test_executions_of_one_call_draw_independently(
    program: Any, compiled: Any, seed: int | None
) -> None:
    run = compiled(lambda angle: program(coin(seed=seed), angle))
    first, second = (np.asarray(run(jnp.pi / 2)).tolist() for _ in range(2))
    assert len(set(first)) == len(first)
    assert (first == second) == (seed is not None)


def test_mean_of_runs_is_that_of_all_shots() -> None:
    @qj.qnode(wires=1, shots=50, seed=7)
    def circuit(angle: Any) -> Any:
        qj.RX(angle, 0)
        return qj.expval(qj.Z(0))

    def mean(angle: Any) -> Any:
        return jnp.mean(jax.vmap(circuit)(jnp.full(400, angle)))

    error = np.sin(1.2) / np.sqrt(400 * 50)
    assert abs(qj.qjit(mean)(1.2) - np.cos(1.2)) < 5 * error
    # The shifted circuits of the rows as well.
    slope = qj.qjit(jax.grad(mean))(1.2)
    assert abs(slope + np.sin(1.2)) < 5 / np.sqrt(400 * 50)


def test_circuits_of_equal_seeds_draw_independently() -> None:
    first, second = coin(seed=3), coin(seed=3)
    assert first(1.0) == second(1.0)
    one, other = qj.qjit(lambda angle: (first(angle), second(angle)))(1.0)
    assert one != other
    assert coin(seed=4)(1.0) != first(1.0)


def test_an_unseeded_circuit_stays_so_beside_a_seeded_one() -> None:
    seeded, free = coin(seed=3), coin()
    run = qj.qjit(lambda angle: (seeded(angle), free(angle)))
    (first, one), (second, other) = run(1.0), run(1.0)
    assert first == second
    assert one != other


@each("seed", [11, 2**70, -5, np.int32(11), jax.random.key(4), jax.random.PRNGKey(4)])
def test_seeds_of_programs(seed: Any) -> None:
    circuit = coin()
    runs = [qj.qjit(lambda a: in_map(circuit, a), seed=seed) for _ in range(2)]
    first, second = (np.asarray(run(1.0)) for run in runs)
    np.testing.assert_array_equal(first, second)
    assert coin(seed=seed)(1.0) == coin(seed=seed)(1.0)


def test_results_do_not_depend_on_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    @qj.qnode(wires=6, shots=1000, seed=5)
    def circuit(angle: Any) -> Any:
        for wire in range(6):
            qj.RX(angle, wire)
        return qj.counts([0, 1, 2])[1], qj.sample([4])

    run = qj.qjit(lambda angles: jax.vmap(circuit)(angles))
    angles = jnp.linspace(0.1, 2.0, 64)
    wanted = jax.tree.map(np.asarray, run(angles))
    alone = jax.tree.map(np.asarray, qj.qjit(lambda a: jax.vmap(circuit)(a))(angles))
    jax.tree.map(np.testing.assert_array_equal, wanted, alone)


@each("compiled", [identity, jax.jit, qj.qjit])
def test_keys(compiled: Any) -> None:
    circuit = coin(seed=1)
    keys = jax.random.split(jax.random.key(0), RUNS)

    def all_of(keys: Any) -> Any:
        rows = jax.vmap(lambda key: circuit(1.0, key=key))(keys)
        iterations = jax.lax.map(lambda key: circuit(1.0, key=key), keys)
        return rows, iterations, circuit(1.0, key=keys[0])

    rows, iterations, single = map(np.asarray, compiled(all_of)(keys))
    np.testing.assert_array_equal(rows, iterations)
    assert rows[0] == single == circuit(1.0, key=keys[0])
    assert len(set(rows.tolist())) == RUNS


def test_keys_of_functions_are_their_own() -> None:
    @qj.qnode(wires=1)
    def circuit(angle: Any, key: Any, shots: Any) -> Any:
        qj.RX(angle + key + shots, 0)
        return qj.expval(qj.Z(0))

    assert circuit(0.1, key=0.2, shots=0.3) == pytest.approx(np.cos(0.6))


def slope(**options: Any) -> Any:
    """The derivative of a circuit at an angle where both shifts are alike."""

    @qj.qnode(wires=1, shots=100, seed=2, **options)
    def circuit(angle: Any) -> Any:
        qj.RX(angle, 0)
        return qj.expval(qj.Y(0))

    return jax.grad(circuit)


def test_shifted_circuits_draw_independently_unless_told() -> None:
    # NOTE: at pi/2 both shifted values are of fair coins of equal chances.
    apart = [float(slope()(jnp.pi / 2 + n * 1e-9)) for n in range(2)]
    assert apart[0] == apart[1] != 0.0
    common = slope(gradient_kwargs={"common_random_numbers": True})
    assert common(jnp.pi / 2) == 0.0
    key = jax.random.key(8)
    circuit = qj.qnode(wires=1, shots=100)(
        lambda a: (qj.RX(a, 0), qj.expval(qj.Y(0)))[1]
    )
    keyed = jax.grad(lambda a, key: circuit(a, key=key))
    assert keyed(jnp.pi / 2, key) == keyed(jnp.pi / 2, key) != 0.0


@each("other", [jax.grad, jax.jacfwd])
def test_second_derivatives_from_shots(other: Any) -> None:
    def energy(**options: Any) -> Any:
        @qj.qnode(wires=2, **options)
        def circuit(angles: Any, scale: Any) -> Any:
            qj.RX(angles[0], 0)
            qj.CNOT([0, 1])
            qj.RY(angles[1], 1)
            return qj.expval(scale * qj.Z(0) @ qj.Z(1) + qj.X(1))

        return lambda angles, scale: circuit(angles, scale) ** 2

    x, scale = jnp.array([0.7, 0.3]), 1.3
    for first, second in ((0, 0), (0, 1), (1, 0)):
        exact = jax.jacfwd(jax.grad(energy(), first), second)(x, scale)
        drawn = energy(shots=200_000, seed=3)
        found = qj.qjit(jax.jacfwd(jax.grad(drawn, first), second))(x, scale)
        np.testing.assert_allclose(found, exact, atol=0.05)
    total = qj.qjit(other(lambda a: jnp.sum(jax.grad(drawn)(a, scale))))(x)
    exact = other(lambda a: jnp.sum(jax.grad(energy())(a, scale)))(x)
    np.testing.assert_allclose(total, exact, atol=0.1)


@each(
    "wrong",
    [
        lambda: qj.qnode(seed=1.5),
        lambda: qj.qnode(seed=True),
        lambda: qj.qjit(identity, seed="a"),
        lambda: coin()(1.0, key=3),
        lambda: coin()(1.0, key=jax.random.split(jax.random.key(0))),
        lambda: coin()(1.0, shots=0),
        lambda: coin()(1.0, shots=[3, "a"]),
        lambda: qj.set_shots(identity, shots=3),
        lambda: qj.qnode(postselect_mode="other"),
        lambda: qj.qnode(gradient_kwargs={"common_random_numbers": 1}),
    ],
)
def test_what_is_refused(wrong: Any) -> None:
    with pytest.raises(qj.errors.QJitError, match=r"test_seeds\.py"):
        wrong()
