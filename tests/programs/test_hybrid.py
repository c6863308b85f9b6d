"""Random hybrid programs equal the exact tree of their measurement outcomes."""

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from scipy.stats import chi2

import qjit as qj
from tests.support.hybrid import WIRES, Traced, paths, programs, run, untils
from tests.support.oracle import embed, reduced

SHOTS = 4000
START = (0.2, 0, np.array([0.1, -0.3, 0.5]), False)
FEW = settings(max_examples=25, deadline=None, derandomize=True)

Z0 = embed(np.diag([1.0, -1.0]), [0], WIRES)
X1Z2 = embed(np.kron([[0, 1], [1, 0]], np.diag([1.0, -1.0])), [1, 2], WIRES)
OBSERVABLE = Z0 + 0.5 * X1Z2


def traced(program: Any, start: Any = START) -> tuple[Any, Any]:
    """Run a program in a quantum function; return a real and the last outcome."""
    carry: Any = tuple(map(jnp.asarray, start))
    x, k, v, m = run(Traced(), program, carry)
    return x + k + v.sum(), m


def exact(program: Any, least: float = 1e-14, start: Any = START) -> dict[str, Any]:
    """The statistics of a program, summed over its paths."""
    rho, values, bits, total = 0.0, [], np.zeros((2, 2)), 0.0
    for path, (x, k, v, m) in paths(program, start, least):
        state = path.state.reshape(-1)
        rho = rho + path.weight * np.outer(state, state.conj())
        values.append((path.weight, x + k + v.sum()))
        wire = np.real(np.diag(reduced(state, [2], WIRES)))
        bits[int(m)] += path.weight * wire
        total += path.weight
    weights, numbers = np.asarray(values).T
    mean = weights @ numbers
    energy = np.trace(rho @ OBSERVABLE).real
    return {
        "density": rho,
        "energy": energy,
        "spread": np.trace(rho @ OBSERVABLE @ OBSERVABLE).real - energy**2,
        "mean": mean,
        "variance": weights @ numbers**2 - mean**2,
        "outcome": bits.sum(axis=1),
        "joint": bits.reshape(-1),
        "total": total,
    }


@FEW
@given(program=programs())
@pytest.mark.parametrize("dtype", ["complex128", "complex64"])
def test_exact_statistics(dtype: str, program: Any) -> None:
    @qj.qnode(wires=WIRES, dtype=dtype)
    def circuit() -> Any:
        value, outcome = traced(program)
        energy = qj.Z(0) + 0.5 * qj.X(1) @ qj.Z(2)
        return {
            "density": qj.density_matrix(),
            "energy": qj.expval(energy),
            "spread": qj.var(energy),
            "mean": qj.expval(value),
            "variance": qj.var(value),
            "outcome": qj.probs([outcome]),
        }

    wanted = exact(program)
    assert wanted["total"] == pytest.approx(1.0)
    for name, found in circuit().items():
        np.testing.assert_allclose(
            found,
            wanted[name],
            atol=1e-10 if dtype == "complex128" else 1e-4,
            err_msg=name,
        )


@FEW
@given(program=programs(untils))
def test_samples(program: Any) -> None:
    @qj.qnode(wires=WIRES, shots=SHOTS, seed=5)
    def circuit() -> Any:
        value, outcome = traced(program)
        return qj.sample(outcome), qj.sample([2]), qj.expval(value), qj.var(value)

    outcomes, bits, mean, variance = map(np.asarray, circuit())
    wanted = exact(program, least=1e-7)
    joint = np.bincount(2 * outcomes + bits[:, 0], minlength=4)
    assert_drawn_from(joint, wanted["joint"])
    spread = np.sqrt(max(wanted["variance"], 0) / SHOTS)
    assert abs(mean - wanted["mean"]) < 6 * spread + 1e-9
    if wanted["variance"] > 1e-6:
        assert variance == pytest.approx(wanted["variance"], rel=0.5)


def assert_drawn_from(counts: Any, probabilities: Any) -> None:
    """Check counts by a chi-square test that a right sampler fails once in 10^6."""
    expected = np.sum(counts) * np.asarray(probabilities)
    likely = expected > 5
    statistic = np.sum((counts - expected)[likely] ** 2 / expected[likely])
    assert statistic <= chi2.ppf(1 - 1e-6, max(likely.sum() - 1, 1))
    assert np.sum(np.asarray(counts)[expected < 1e-3]) == 0
