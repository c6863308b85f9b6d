"""Zero-noise extrapolation and twirling, under noise that gates bring along."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pennylane as qml
import pytest
from xdsl.dialects import arith
from xdsl.dialects.builtin import FloatAttr, f64
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

import qjit as qj
from qjit.dialects.quantum import GateOp
from qjit.errors import (
    ArgumentError,
    DifferentiationError,
    MeasurementError,
    ParameterError,
    PipelineError,
)
from qjit.transforms.extrapolation import exponential, polynomial, richardson
from tests.support.pass_meaning import Imported, gate_names

X = 0.4
MEETING = ("cancel-inverses", "merge-rotations")


def over_rotation(delta: float) -> type[ModulePass]:
    """Return a pass that rotates the target of each CNOT after it."""

    class OverRotation(ModulePass):
        """Lets each CNOT rotate its target by a little more."""

        name = "over-rotation"

        def apply(self, ctx: Any, op: Any) -> None:
            gates = [each for each in op.walk() if isinstance(each, GateOp)]
            for gate in gates:
                if gate.gate.data != "CNOT":
                    continue
                angle = arith.ConstantOp(FloatAttr(delta, f64))
                (target, _) = gate.results
                turn = GateOp("RX", [target], params=[angle.result])
                target.replace_uses_with_if(
                    turn.results[0], lambda use, turn=turn: use.operation is not turn
                )
                Rewriter.insert_op([angle, turn], InsertPoint.after(gate))

    return OverRotation


@qj.qnode(wires=2)
def circuit(x: Any) -> Any:
    qj.RY(x, wires=0)
    qj.CNOT(wires=[0, 1])
    qj.RX(0.7 * x, wires=1)
    qj.CNOT(wires=[1, 0])
    return qj.expval(qj.Y(1)), qj.expval(qj.Z(0))


@qj.qnode(wires=2)
def chances(x: Any) -> Any:
    qj.RY(x, wires=0)
    qj.CNOT(wires=[0, 1])
    return qj.expval(qj.Z(1)), qj.probs(wires=[0])


def value(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return what the tests extrapolate, as one number."""

    def total(x: Any) -> Any:
        first, second = function(x)
        return first + second

    return total


def under_noise(function: Callable[..., Any], x: float, delta: float) -> float:
    """Return a value by the definition of the IR, where each CNOT is wrong by delta."""
    imported = Imported(value(function), x)
    noisy = imported.after(["qnode-passes", *MEETING, over_rotation(delta)])
    return float(imported.results(noisy)[0])


@pytest.mark.parametrize("folding", ["global", "local"])
def test_the_error_is_of_higher_order(folding: str) -> None:
    function = qj.mitigate_with_zne(circuit, folding=folding)
    exact = under_noise(circuit, X, 0.0)
    for mitigated, order in ((circuit, 1), (function, 3)):
        errors = [under_noise(mitigated, X, delta) - exact for delta in (0.02, 0.01)]
        assert abs(errors[1]) > 1e-7
        assert errors[0] / errors[1] == pytest.approx(2**order, rel=0.2)


def test_values_and_gradients_without_noise_stay() -> None:
    function = qj.mitigate_with_zne(chances, (1, 2.5), "random")

    def total(x: Any) -> Any:
        mean, (chance, _) = function(x)
        return mean + chance

    found, slope = qj.qjit(jax.vmap(jax.value_and_grad(total)))(np.array([X, -1.3]))
    for index, x in enumerate((X, -1.3)):
        wanted = np.cos(x) + np.cos(x / 2) ** 2
        assert found[index] == pytest.approx(wanted, abs=1e-10)
        assert slope[index] == pytest.approx(-1.5 * np.sin(x), abs=1e-10)


def test_gradients_are_those_of_the_noisy_gates() -> None:
    delta, step = 0.05, 1e-4
    function = qj.mitigate_with_zne(circuit)
    pipeline = (*MEETING, over_rotation(delta))
    compiled = qj.qjit(jax.value_and_grad(value(function)), pipeline=pipeline)
    found, slope = compiled(X)
    near = [under_noise(function, x, delta) for x in (X - step, X, X + step)]
    assert found == pytest.approx(near[1], abs=1e-10)
    assert slope == pytest.approx((near[2] - near[0]) / (2 * step), abs=1e-6)
    plain = [under_noise(circuit, x, 0.0) for x in (X - step, X + step)]
    assert abs(slope - (plain[1] - plain[0]) / (2 * step)) > 1e-5


def test_derivatives_of_other_circuits_are_refused() -> None:
    function = value(qj.mitigate_with_zne(circuit))
    with pytest.raises(DifferentiationError, match=r"test_mitigation.py:\d+: .*shift"):
        qj.qjit(jax.hessian(function))(X)


def test_twirling_makes_errors_of_second_order() -> None:
    delta = 0.1

    @qj.qnode(wires=2)
    def flip(x: Any) -> Any:
        qj.RX(x, wires=1)
        qj.CNOT(wires=[0, 1])
        return qj.expval(qj.Z(1)), qj.expval(qj.Z(0))

    samples = 16
    exact = under_noise(flip, X, 0.0)
    found = under_noise(qj.twirl(flip, samples), X, delta)
    # The word of each sample turns the error around or not.
    shift, spread = np.cos(X + delta) - np.cos(X), np.sin(X) * np.sin(delta)
    assert under_noise(flip, X, delta) - exact == pytest.approx(shift, abs=1e-9)
    mean = (np.cos(delta) - 1) * np.cos(X)
    assert abs(found - exact - mean) < 3 * spread / samples**0.5


def test_folding_may_be_a_function_and_twirl() -> None:
    def both(function: Any, factor: float, samples: int) -> Any:
        return qj.twirl(qj.fold_gates(function, factor, method="local"), samples)

    function = qj.mitigate_with_zne(
        circuit, (1, 2), both, folding_kwargs={"samples": 2}, reps_per_factor=2
    )
    imported = Imported(value(function), X)
    module = imported.after(["qnode-passes", *MEETING])
    found = imported.results(module)[0]
    assert found == pytest.approx(under_noise(circuit, X, 0.0), abs=1e-10)
    assert gate_names(module).count("CNOT") == 2 * 2 * (2 + 4)


def test_shots_are_drawn_for_each_run() -> None:
    function = qj.mitigate_with_zne(
        qj.set_shots(circuit, 50), (1, 2), extrapolate=lambda _, results: results
    )
    one, same, other = (function(X, key=jax.random.key(seed))[0] for seed in (0, 0, 1))
    np.testing.assert_array_equal(one, same)
    assert len({*map(float, one), *map(float, other)}) > 2


@qj.qnode(wires=2, shots=10_000, seed=3)
def flips(x: Any) -> Any:
    qj.RX(x, wires=0)
    qj.CNOT(wires=[0, 1])
    return qj.expval(qj.Z(1))


def drawn_by_runs(function: Any, *folding: Any) -> Any:
    """Return a function of what runs at two factors draw."""
    return qj.mitigate_with_zne(function, (1, 2), *folding, extrapolate=lambda _, r: r)


def unfolded(function: Any, _: float) -> Any:
    return function


FACTORS_OF_FLIPS = drawn_by_runs(flips)
FACTORS_OF_TWIRLED = drawn_by_runs(qj.twirl(flips, samples=2), unfolded)


def differ(results: Any) -> bool:
    return len({*map(float, np.ravel(results))}) == np.size(results)


@pytest.mark.parametrize("function", [FACTORS_OF_FLIPS, FACTORS_OF_TWIRLED])
def test_runs_with_a_seed_draw_by_themselves(function: Any) -> None:
    alone = function(X)
    assert differ(alone)
    np.testing.assert_array_equal(alone, function(X))
    np.testing.assert_array_equal(alone, qj.qjit(function)(X))
    assert differ(jax.vmap(function)(jnp.full(2, X)))


def test_derivatives_of_runs_with_a_seed_draw_by_themselves() -> None:
    assert differ(jax.jvp(FACTORS_OF_FLIPS, (X,), (1.0,))[1])


def test_runs_have_keys_of_their_own() -> None:
    def plain(x: Any, key: Any) -> Any:
        return flips(x, key=key)

    for function in (FACTORS_OF_TWIRLED, drawn_by_runs(plain, unfolded)):
        assert differ(function(X, key=jax.random.key(3)))


# Extrapolation

FACTORS = (1.0, 2.0, 3.5, 5.0)


def test_polynomials_through_all_results() -> None:
    x = np.array(FACTORS)
    results = np.stack([1 + 2 * x - x**2 + 0.3 * x**3, 5 - x], axis=1)
    found = richardson(FACTORS)(jnp.asarray(results))
    np.testing.assert_allclose(found, [1, 5], atol=1e-12)
    theirs = qml.noise.richardson_extrapolate(x, list(results))
    np.testing.assert_allclose(found, theirs, atol=1e-8)


def test_polynomials_of_least_squares() -> None:
    results = jnp.array([0.9, 0.7, 0.55, 0.5])
    for order in range(len(FACTORS)):
        wanted = np.polyfit(FACTORS, results, order)[-1]
        found = polynomial(FACTORS, order)(results)
        assert found == pytest.approx(wanted, abs=1e-10)


@pytest.mark.parametrize("sign", [1, -1])
def test_exponentials(sign: int) -> None:
    x = jnp.array(FACTORS)

    def at_zero(amplitude: Any) -> Any:
        results = sign * amplitude * jnp.exp(-0.3 * x) + 0.5
        return exponential(FACTORS, asymptote=0.5)(results)

    found, slope = jax.jit(jax.value_and_grad(at_zero))(0.7)
    assert found == pytest.approx(sign * 0.7 + 0.5)
    assert slope == pytest.approx(sign)
    across = jnp.array([0.2, 0.1, -0.1, -0.2])
    line = np.polyfit(FACTORS, across, 1)[-1]
    scaled = jax.value_and_grad(lambda x: exponential(FACTORS)(x * across))
    found, slope = jax.jit(scaled)(1.0)
    assert (found, slope) == (pytest.approx(line), pytest.approx(line))


WRONG: list[tuple[Callable[[], Any], type[Exception], str]] = [
    (lambda: qj.fold_gates(max, 3), ArgumentError, "takes a quantum function"),
    (lambda: qj.fold_gates(circuit, 0.5), PipelineError, "factor from 1"),
    (lambda: qj.twirl(max), ArgumentError, "takes a quantum function"),
    (
        lambda: qj.twirl(circuit, 0),
        ParameterError,
        "an integer from 1 to 1000 as samples",
    ),
    (lambda: qj.mitigate_with_zne(max), ArgumentError, "takes a quantum function"),
    (lambda: qj.mitigate_with_zne(circuit, (1,)), ParameterError, "at least two"),
    (lambda: qj.mitigate_with_zne(circuit, (1, 1)), ParameterError, "different"),
    (lambda: qj.mitigate_with_zne(circuit, folding="all"), ParameterError, "'local'"),
    (
        lambda: qj.mitigate_with_zne(circuit, folding_kwargs={"order": 1}),
        ArgumentError,
        "takes seed",
    ),
    (
        lambda: qj.mitigate_with_zne(circuit, extrapolate="linear"),
        ParameterError,
        "'polynomial'",
    ),
    (
        lambda: qj.mitigate_with_zne(
            circuit, extrapolate="polynomial", extrapolate_kwargs={"order": 3}
        ),
        ParameterError,
        "order from 0 to 2",
    ),
    (
        lambda: qj.mitigate_with_zne(circuit, extrapolate_kwargs={"order": 3}),
        ArgumentError,
        "order",
    ),
    (
        lambda: qj.mitigate_with_zne(_sampled)(),
        MeasurementError,
        "whose mean is no result",
    ),
]


@qj.qnode(wires=1, shots=5)
def _sampled() -> Any:
    qj.H(0)
    return qj.sample()


@pytest.mark.parametrize("case", range(len(WRONG)))
def test_what_cannot_be_is_refused(case: int) -> None:
    call, kind, text = WRONG[case]
    with pytest.raises(kind, match=rf"test_mitigation.py:\d+: .*{text}"):
        call()
