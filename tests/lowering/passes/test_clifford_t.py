"""Rotations become few Clifford gates and T, and the error is what was asked for."""

import math
from collections.abc import Sequence
from itertools import product
from random import Random
from typing import Any

import numpy as np
import pytest

from qjit.lowering.passes.circuits.circuit import product as matrix_of
from qjit.lowering.passes.circuits.gates import Gate
from qjit.lowering.passes.unitaries.clifford_t.gridsynth import approximate_rz
from qjit.lowering.passes.unitaries.clifford_t.norm_equations import (
    solve_norm_equation,
)
from qjit.lowering.passes.unitaries.clifford_t.normal_forms import (
    normal_form,
    product_of,
)
from qjit.lowering.passes.unitaries.clifford_t.rings import Cyclotomic, RootTwo

NAMES: list[str] = ["H", "S", "T", "X", "adjoint(T)", "SX"]


def gate(name: str) -> Gate:
    adjoint = name.startswith("adjoint(")
    return Gate(name[8:-1] if adjoint else name, 0, adjoint=adjoint)


def matrix(names: Sequence[str]) -> Any:
    return matrix_of(map(gate, names), [0], {})


def phase_between(first: Any, second: Any) -> float:
    """The phase by which the first matrix is to be multiplied."""
    return float(np.angle(np.vdot(first, second)))


@pytest.mark.parametrize("exponent", [1, 2, 4, 6, 8, 10])
def test_rotations(exponent: int) -> None:
    """About 3 log2(1 / epsilon) T gates: Ross and Selinger."""
    epsilon, generator = 10.0**-exponent, Random(exponent)
    angles = [generator.uniform(-7, 7) for _ in range(6)]
    counts: list[int] = []
    for angle in angles:
        found = approximate_rz(angle, epsilon)
        names = normal_form(found.bloch)
        made, expected = matrix(names), Gate("RZ", 0, angle).matrix({})
        phase = phase_between(made, found.matrix)
        assert abs(math.remainder(phase, math.pi / 8)) < 1e-8
        made = made * np.exp(1j * phase)
        np.testing.assert_allclose(made, found.matrix, atol=1e-12)
        assert np.linalg.norm(made - expected, 2) <= epsilon * (1 + 1e-4)
        assert names.count("T") == found.num_t
        counts.append(found.num_t)
    assert np.mean(counts) <= 3 * math.log2(1 / epsilon) + 2


def test_multiples_of_a_quarter_of_pi_are_exact() -> None:
    for turns in range(-8, 17):
        found = approximate_rz(turns * math.pi / 4, 1e-10)
        assert found.num_t == turns % 2
        expected = Gate("RZ", 0, turns * math.pi / 4).matrix({})
        np.testing.assert_allclose(found.matrix, expected, atol=1e-14)


def test_large_angles() -> None:
    for angle in (1e3, -1e6, 1e15):
        found = approximate_rz(angle, 1e-8)
        expected = Gate("RZ", 0, angle).matrix({})
        assert np.linalg.norm(found.matrix - expected, 2) <= 1.01e-8


@pytest.mark.parametrize(("angle", "epsilon"), [(0.39, 0.16), (0.5, 0.12)])
def test_no_fewer_t_gates_are_enough(angle: float, epsilon: float) -> None:
    """No product of fewer T gates is close, among all of the normal form."""
    target = Gate("RZ", 0, angle).matrix({})
    found = approximate_rz(angle, epsilon).num_t
    assert 2 < found < 9
    words = (w for size in range(7) for w in product("HS", repeat=size))
    cliffords = np.array([matrix(word) for word in words])
    syllables = [matrix("T"), matrix("TH"), matrix("THS")]
    front: list[Any] = [np.eye(2)]
    for _ in range(found):
        made = np.array(front)[:, None] @ cliffords
        overlaps = np.abs(np.trace(made.conj().mT @ target, axis1=-2, axis2=-1))
        # The distance d of U and V up to a phase: |tr(U* V)| = 2 - d^2.
        assert overlaps.max() < 2 - epsilon**2
        front = [left @ each for left in syllables for each in front]


def test_normal_forms() -> None:
    generator = Random(1)
    for size in range(12):
        names = generator.choices(NAMES, k=3 * size)
        found = normal_form(product_of(names))
        assert found.count("T") <= sum("T" in name for name in names)
        made, expected = matrix(found), matrix(names)
        phase = phase_between(made, expected)
        np.testing.assert_allclose(made * np.exp(1j * phase), expected, atol=1e-12)


def test_norm_equations() -> None:
    generator, solved = Random(2), 0
    for _ in range(40):
        numbers = [generator.randint(-30, 30) for _ in range(4)]
        xi = Cyclotomic(*numbers).square
        found = solve_norm_equation(xi)
        assert found is not None
        assert found.square == xi
    for a, b in product(range(1, 40), range(-20, 20)):
        xi = RootTwo(a, b)
        if not xi.is_negative and not xi.conjugate.is_negative:
            found = solve_norm_equation(xi)
            solved += found is not None
            assert found is None or found.square == xi
    assert solved > 100
    assert solve_norm_equation(RootTwo(7)) is None
    assert solve_norm_equation(RootTwo(3, 1)) is None  # of norm 7
