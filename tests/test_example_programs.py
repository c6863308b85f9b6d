"""The programs of docs/examples compute what theory, or a reference, says."""

import importlib.util
import itertools
import math
from types import ModuleType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.support.paths import ROOT

EXAMPLES = ROOT / "docs" / "examples"


def program(name: str) -> ModuleType:
    """The module of an example."""
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


NAMES = sorted(path.stem for path in EXAMPLES.glob("*.py") if path.stem != "vqe")


@pytest.mark.parametrize("name", NAMES)
def test_runs_and_prints(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    program(name).main()
    captured = capsys.readouterr()
    assert captured.out.count("\n") >= 1
    assert captured.err == ""


def test_teleportation() -> None:
    module = program("teleportation")
    for angles in np.random.default_rng(0).uniform(-4, 4, (5, 3)):
        before, after = module.both(angles)
        np.testing.assert_allclose(after, before, atol=1e-12)
        np.testing.assert_allclose(np.linalg.norm(before), 1)


def test_repeat_until_success() -> None:
    tries, first, target = program("repeat_until_success").v3()
    assert not np.any(target)
    shots, chance = len(target), 5 / 8
    spread = math.sqrt(1 - chance) / chance / math.sqrt(shots)
    np.testing.assert_allclose(tries, 1 / chance, atol=5 * spread)
    np.testing.assert_allclose(first, chance, atol=5 * math.sqrt(0.25 / shots))


@pytest.mark.parametrize("phase", [0.0, 11 / 32, 0.3, 0.77])
def test_phase_estimation(phase: float) -> None:
    module = program("phase_estimation")
    size = 2**module.BITS
    angles = 2 * np.pi * (phase - np.arange(size) / size)
    amplitudes = [np.mean(np.exp(1j * a * np.arange(size))) for a in angles]
    wanted = np.abs(amplitudes) ** 2
    np.testing.assert_allclose(module.estimate(phase), wanted, atol=1e-12)


def test_quantum_walk() -> None:
    module = program("quantum_walk")
    data = np.array([0.4, 1.2, 2.0])
    size = module.SIZE

    def moved(state: Any, angle: float) -> Any:
        c, s = np.cos(angle / 2), np.sin(angle / 2)
        state = np.array([[c, -s], [s, c]]) @ state
        return np.stack([np.roll(state[0], -1), np.roll(state[1], 1)])

    start = np.zeros((2, size))
    start[0, 8] = 1
    branches: list[tuple[Any, float]] = [(start, np.pi / 2)]
    for datum in data:
        following: list[tuple[Any, float]] = []
        for state, angle in branches:
            after = moved(moved(state, angle), angle)
            for coin, turn in ((0, np.pi / 2), (1, datum)):
                kept = np.zeros_like(after)
                kept[coin] = after[coin]
                following.append((kept, turn))
        branches = following
    wanted = sum(np.sum(state**2, axis=0) for state, _ in branches)
    np.testing.assert_allclose(module.walk(data), wanted, atol=1e-12)


@pytest.mark.parametrize("iterations", [0, 1, 4, 9])
def test_grover(iterations: int) -> None:
    module = program("grover")
    angle = math.asin(2 ** (-module.WIRES / 2))
    for item in (0, 21, 63):
        chances = module.search(item, iterations)
        wanted = math.sin((2 * iterations + 1) * angle) ** 2
        np.testing.assert_allclose(chances[item], wanted, atol=1e-12)


@pytest.mark.parametrize("base, modulus, bits, order", [(7, 15, 8, 4), (2, 21, 9, 6)])
def test_order_finding(base: int, modulus: int, bits: int, order: int) -> None:
    module = program("order_finding")
    chances = np.asarray(module.order_finding(base, modulus, bits)())
    readings, size = np.arange(2**bits), 2**bits
    offsets = readings[:, None] / size - np.arange(order) / order
    ks = np.arange(size)
    waves = np.exp(2j * np.pi * offsets[..., None] * ks).mean(axis=-1)
    np.testing.assert_allclose(chances, np.mean(np.abs(waves) ** 2, axis=1), atol=1e-10)
    assert module.order_of(int(np.argmax(chances[1:])) + 1, bits, base, modulus) in (
        order,
        None,
    )
    assert sorted(module.factors(order, base, modulus)) in ([3, 5], [3, 7])


def test_magic_states() -> None:
    module = program("magic_states")
    for error in (0.03, 0.15):
        np.testing.assert_allclose(module.round_of(error), module.expected(error))


def test_bit_flip_code() -> None:
    module = program("bit_flip_code")
    bits, flips = module.memory(0.02)
    lost = np.mean(np.sum(bits, axis=1) > 1)
    wanted = module.failure(0.02)
    assert abs(lost - wanted) < 5 * math.sqrt(wanted / module.SHOTS)
    decoded = 1 - 0.98**3 - 0.02**3  # the decoder acts unless all bits agree
    mean = module.ROUNDS * decoded
    assert abs(float(flips) - mean) < 5 * math.sqrt(mean / module.SHOTS)


def test_qaoa() -> None:
    module = program("qaoa")
    angles = jnp.full((module.LAYERS, 2), 0.3)
    final, cuts = module.optimize(angles)
    np.testing.assert_allclose(module.expected_cut(angles), cuts[0])
    assert cuts[-1] > cuts[0]
    assert module.expected_cut(final) <= module.largest_cut()
    sides = np.array(list(itertools.product((0, 1), repeat=module.WIRES)))
    weights = sum(sides[:, a] != sides[:, b] for a, b in module.EDGES)
    nothing = module.expected_cut(jnp.zeros_like(angles))
    np.testing.assert_allclose(nothing, np.mean(weights))


def test_kernel_matrix() -> None:
    module = program("kernel_matrix")
    points = jax.random.uniform(jax.random.key(2), (4, 2))
    gram = module.kernel(points, points)
    np.testing.assert_allclose(np.diag(gram), 1, atol=1e-10)
    np.testing.assert_allclose(gram, gram.T, atol=1e-10)
    assert np.linalg.eigvalsh(gram).min() > -1e-10
