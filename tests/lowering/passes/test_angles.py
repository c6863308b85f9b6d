"""Angles as numbers: reduced by all digits of pi, and recognised within their type."""

import math
from fractions import Fraction
from typing import Any

import jax
import numpy as np
import pytest
from xdsl.dialects.arith import ConstantOp, ExtFOp
from xdsl.dialects.builtin import Float32Type, Float64Type, FloatAttr, f32, f64
from xdsl.ir import SSAValue

import qjit as qj
from qjit.lowering.passes.circuits.angles import eighths_of, reduced
from qjit.lowering.passes.circuits.circuit import Circuit
from qjit.lowering.passes.circuits.gates import Gate
from qjit.lowering.passes.circuits.parameters import AffineForm, known_angle
from qjit.lowering.passes.pipeline import find_step

# 60 digits of pi.
PI = Fraction("3.14159265358979323846264338327950288419716939937510582097494")


def exactly(angle: float, period: Fraction) -> tuple[float, int]:
    number = round(Fraction(angle) / period)
    return float(Fraction(angle) - number * period), number


@pytest.mark.parametrize("scale", [1, 2, Fraction(1, 8)])
@pytest.mark.parametrize(
    "angle", [0.3, -2.9, 3.2, 4e3, 1e6 * math.pi, -7.1e8 * math.pi, 1e13, -3.3e20]
)
def test_angles_are_reduced_exactly(angle: float, scale: Fraction) -> None:
    rest, number = reduced(angle, float(scale) * 2 * math.pi)
    expected, periods = exactly(angle, 2 * PI * scale)
    assert rest == pytest.approx(expected, abs=1e-15)
    assert (number - periods) % 2 == 0


def test_small_angles_stay_what_they_are() -> None:
    for angle in (0.0, 1e-300, 0.1, -math.pi, math.pi):
        assert reduced(angle) == (angle, 0)


@pytest.mark.parametrize("angle", [math.inf, -math.inf, math.nan])
def test_no_angle_is_made_of_what_is_not_finite(angle: float) -> None:
    rest, number = reduced(angle)
    assert (rest == angle or math.isnan(angle)) and number == 0
    assert eighths_of(angle) is None
    assert not AffineForm(angle).is_zero(2 * math.pi)


@pytest.mark.parametrize(
    ("angle", "eighths"),
    [
        (math.pi / 4, 1),
        (-math.pi / 2, -2),
        (7 * math.pi / 4, 7),
        (2 * math.pi, -8),
        (1001 * math.pi, 4),
        (math.pi / 4 + 1e-12, None),
        # Off by 1e-7: more than what meaning is kept to.
        (2.0**30 * math.pi, None),
        (1e300, None),
    ],
)
def test_multiples_are_recognised_within_their_rounding(
    angle: float, eighths: int | None
) -> None:
    assert eighths_of(angle) == eighths


def constant(number: float, kind: Float32Type | Float64Type) -> SSAValue:
    value = ConstantOp(FloatAttr(number, kind)).result
    return value if kind == f64 else ExtFOp(value, f64).result


@pytest.mark.parametrize("multiple", [1 / 64, 1 / 4, 1 / 2, -3 / 4, 1, 7 / 4, 6])
def test_multiples_of_single_precision_stand_for_themselves(multiple: float) -> None:
    single = float(np.float32(multiple * math.pi))
    assert known_angle(constant(single, f32)) == multiple * math.pi
    assert known_angle(constant(single, f64)) == single
    beside = float(np.nextafter(np.float32(single), np.float32(9)))
    assert known_angle(constant(beside, f32)) == beside


@pytest.mark.parametrize("number", [0.0, 0.3, -1.5, 1e-30, 3e38, math.inf])
def test_other_numbers_of_single_precision_stay(number: float) -> None:
    single = float(np.float32(number))
    assert known_angle(constant(single, f32)) == single


@pytest.mark.parametrize(
    "name", ["phase-polynomial", "merge-pauli-rotations", "clifford-t"]
)
def test_passes_recognise_multiples_of_single_precision(name: str) -> None:
    @qj.qnode(wires=1, passes=[name])
    def circuit() -> Any:
        qj.H(0)
        qj.RZ(np.pi / 8, wires=0)
        qj.RZ(np.pi / 8, wires=0)
        return qj.expval(qj.X(0))

    with jax.enable_x64(False):
        text = qj.qjit(circuit).stages()["qnode-passes"]
    assert "RZ" not in text
    assert 'gate "T"' in text


NAMES = ("phase-polynomial", "merge-pauli-rotations", "reduce-t-depth")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("angle", [1e6 * math.pi, 2.0**30 * math.pi, 1e12])
def test_large_angles_mean_what_they_are(name: str, angle: float) -> None:
    turns = [Gate("RZ", 0, angle), Gate("RZ", 0, 0.1), Gate("RZ", 0, angle)]
    after = find_step(name).found().rewrite(Circuit(1, (*turns, Gate("H", 0))))
    plus = np.cos(angle), np.sin(angle)
    phase = complex(*plus) * np.exp(0.05j)
    turned = np.diag([phase.conjugate(), phase])
    expected = np.array([[1, 1], [1, -1]]) / np.sqrt(2) @ turned
    np.testing.assert_allclose(after.matrix(), expected, rtol=0, atol=1e-12)
