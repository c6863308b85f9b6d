"""Gates as rotations about Pauli words that commute, and a phase.

A gate exp(i a G) is a product of rotations, one for each word of G, if these commute:
G is the generator of the gate under its controls, or the logarithm of its matrix.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import combinations, product
from typing import NamedTuple

import numpy as np

from qjit.dialects.gates import GATES
from qjit.dialects.gates.fourier import ComplexMatrix
from qjit.dialects.gates.record import pauli_matrix
from qjit.lowering.passes.circuits.commutation import GateForm, form_of
from qjit.lowering.passes.circuits.gates import Gate
from qjit.lowering.passes.circuits.parameters import ParameterExpression, parameter
from qjit.lowering.passes.circuits.phases import (
    NOTHING,
    known_eighths,
    scaled,
    total,
)
from qjit.lowering.passes.quantum.decomposition.decompose_gates import gate_set
from qjit.lowering.passes.quantum.decomposition.expansion import expanded
from qjit.runtime.recent import MOST

from .clifford_frame import QuarterTurn
from .pauli_words import Pauli, commute, read_word

# Gates on more wires are decomposed, unless they are rotations about one word.
MOST_WIRES = 4
SIMPLE = (
    *("RX", "RY", "RZ", "PhaseShift", "X", "Y", "Z", "S", "T", "SX"),
    *("CNOT", "CY", "CZ", "SWAP", "IsingXX", "IsingYY", "IsingZZ", "CRX", "CRY"),
    *("CRZ", "ControlledPhaseShift", "MultiRZ"),
)
# The order of all eigenvalues of gates without parameters.
ORDER = 8
SMALL = 1e-13


class Rotation(NamedTuple):
    """exp(-i angle P / 2) for a word P with the sign +."""

    axis: Pauli
    angle: ParameterExpression

    @property
    def eighths(self) -> int | None:
        """The angle modulo 4 pi in units of pi/4, if it is known to be a multiple."""
        return known_eighths(self.angle)


def rotations_of(
    gate: Gate, spare: Sequence[int] = ()
) -> tuple[list[Rotation], ParameterExpression]:
    """Return the rotations of a gate in order, and its phase.

    Args:
        gate: a gate of one circuit, on wires that are numbers.
        spare: other wires of the circuit, which decompositions may use.
    """
    sign = -1.0 if gate.adjoint else 1.0
    if gate.base in ("MultiRZ", "PauliRot") and not gate.all_controls:
        letters = gate.static.get("pauli_word", "Z" * len(gate.targets))
        axis = read_word(str(letters)).on(gate.wires)
        angle = scaled(gate.angle, sign)
        if axis.support:
            return [Rotation(axis, angle)], NOTHING
        return [], scaled(angle, -0.5)
    form = form_of(gate)
    if not gate.params and len(gate.all_wires) < 3:
        known, phase = _known(form, gate.adjoint)
        return [_on(each, gate.all_wires) for each in known], phase
    terms = exponent(form)
    if terms is None:
        return _decomposed(gate, spare)
    angle = gate.angle if gate.params else parameter(1.0)
    found, phase = _product(terms, scaled(angle, sign))
    return [_on(each, gate.all_wires) for each in found], phase


def _product(
    terms: Sequence[tuple[Pauli, float]], angle: ParameterExpression
) -> tuple[list[Rotation], ParameterExpression]:
    """Return the rotations of factors times an angle, and the phase."""
    found: list[Rotation] = []
    phase = NOTHING
    for axis, factor in terms:
        turn = scaled(angle, factor)
        if axis.support:
            found.append(Rotation(axis, turn))
        else:
            phase = total(phase, scaled(turn, -0.5))
    return found, phase


def _on(rotation: Rotation, wires: tuple[int, ...]) -> Rotation:
    return Rotation(rotation.axis.on(wires), rotation.angle)


@lru_cache(MOST)
def _known(form: GateForm, adjoint: bool) -> tuple[list[Rotation], ParameterExpression]:
    """Return the rotations of a gate without parameters on its wires from 0."""
    terms = exponent(form)
    if terms is not None:
        return _product(terms, parameter(-1.0 if adjoint else 1.0))
    values = form.control_values
    gate = Gate(
        form.base,
        range(len(values), len(values) + form.num_targets),
        adjoint=adjoint,
        controls=range(len(values)),
        control_values=values,
    )
    return _decomposed(gate, ())


def _decomposed(
    gate: Gate, spare: Sequence[int]
) -> tuple[list[Rotation], ParameterExpression]:
    made = expanded(gate, gate_set(SIMPLE), spare)
    if made is None:
        raise ValueError(f"{gate.name} is no product of rotations")
    found: list[Rotation] = []
    phase = parameter(-made[1])
    for each in made[0]:
        rotations, more = rotations_of(each)
        found += rotations
        phase = total(phase, more)
    return found, phase


@lru_cache(MOST)
def exponent(form: GateForm) -> tuple[tuple[Pauli, float], ...] | None:
    """Return the words of a gate with factors, None if it is no such product.

    The gate is the product of exp(-i c P / 2) over all words P and factors c, which are
    those of its angle if it has one.
    """
    generator = _generator(form)
    if generator is None:
        return None
    size = len(form.control_values) + form.num_targets
    found: list[tuple[Pauli, float]] = []
    for letters in product("IXYZ", repeat=size):
        word = "".join(letters)
        weight = float(np.vdot(pauli_matrix(word), generator).real) / 2**size
        if abs(weight) > SMALL:
            found.append((read_word(word), -2 * weight))
    if all(commute(a, b) for (a, _), (b, _) in combinations(found, 2)):
        return tuple(found)
    return None


def _generator(form: GateForm) -> ComplexMatrix | None:
    """Return G of a gate exp(i a G), or exp(i G), on the controls, then the targets."""
    record, values = GATES[form.base], form.control_values
    if record.num_params > 1 or len(values) + form.num_targets > MOST_WIRES:
        return None
    if record.num_params:
        table = record.harmonics(**form.static)
        found = np.sum([w[0] * each for w, each in table.items()], axis=0)
        if not record.additive:
            return None
    else:
        found = _logarithm(record.matrix(**form.static))
    if found is None or not values:
        return found
    side = len(found)
    place = sum(value << n for n, value in enumerate(reversed(values))) * side
    whole = np.zeros((side << len(values),) * 2, np.complex128)
    whole[place : place + side, place : place + side] = found
    return whole


def _logarithm(matrix: ComplexMatrix) -> ComplexMatrix | None:
    """Return G where exp(i G) is a matrix whose eigenvalues are roots of 1."""
    powers = [np.eye(len(matrix), dtype=np.complex128)]
    for _ in range(ORDER):
        powers.append(matrix @ powers[-1])
    if np.abs(powers[-1] - powers[0]).max() > SMALL:
        return None
    found = np.zeros_like(matrix)
    for number in range(1 - ORDER // 2, ORDER // 2 + 1):
        angle = 2 * math.pi * number / ORDER
        weights = np.exp(-1j * angle * np.arange(ORDER)) / ORDER
        projector = np.tensordot(weights, powers[:ORDER], 1)
        found += angle * projector
    return found


def clifford_turns(gates: Iterable[Gate]) -> tuple[list[QuarterTurn], float]:
    """Return the turns of Clifford gates, and their phase."""
    found: list[QuarterTurn] = []
    phase = 0.0
    for gate in gates:
        rotations, more = rotations_of(gate)
        phase += more.known or 0.0
        for rotation in rotations:
            eighths = rotation.eighths
            if eighths is None or eighths % 2:
                raise ValueError(f"{gate.name} is no Clifford gate")
            found.append(QuarterTurn(rotation.axis, eighths // 2))
    return found, phase
