"""The states of single wires, as far as they are known while a circuit runs.

A wire that comes in |0> has a known pure state until a gate entangles it. A gate that
acts on known states is worth less than it is in general (Liu, Bello and Zhou, "Relaxed
peephole optimization", arXiv:2012.07711).
"""

from __future__ import annotations

import cmath
import math

import numpy as np

from qjit.dialects.gates.fourier import ComplexMatrix
from qjit.dialects.gates.record import PAULIS
from qjit.lowering.passes.circuits.circuit import (
    Circuit,
    Instruction,
    has_known_matrix,
)
from qjit.lowering.passes.circuits.gates import Gate
from qjit.lowering.passes.circuits.parameters import ParameterExpression
from qjit.lowering.passes.unitaries.single_qubit import (
    NAMED,
    TOLERANCE,
    single_qubit_gates,
)

ROTATIONS = {"RX": "X", "RY": "Y", "RZ": "Z"}
PHASES = ("PhaseShift", "U1")


class WireStates:
    """The state of each wire, None where it is not known, up to a phase."""

    def __init__(self, circuit: Circuit):
        self._states: list[ComplexMatrix | None] = [None] * circuit.num_wires
        for wire in circuit.fresh:
            self._states[wire] = np.array([1, 0], np.complex128)

    def __getitem__(self, wire: int) -> ComplexMatrix | None:
        """The state of a wire."""
        return self._states[wire]

    def bit(self, wire: int) -> int | None:
        """Return the bit that a wire is in, if it is in one."""
        return self.eigenvalue(wire, "Z", {1: 0, -1: 1})

    def eigenvalue(
        self, wire: int, pauli: str, names: dict[int, int] | None = None
    ) -> int | None:
        """Return of which eigenvalue of a Pauli matrix the state of a wire is."""
        state = self._states[wire]
        if state is None:
            return None
        turned = PAULIS[pauli] @ state
        for value in (1, -1):
            if np.abs(turned - value * state).max() < TOLERANCE:
                return value if names is None else names[value]
        return None

    def apply(self, each: Instruction) -> None:
        """Change the states as an instruction does."""
        wires = each.all_wires
        if isinstance(each, Gate) and has_known_matrix(each):
            if len(wires) == 1:
                state = self._states[wires[0]]
                if state is not None:
                    self._states[wires[0]] = each.matrix({}) @ state
                return
            if each.name == "SWAP":
                first, second = wires
                found = self._states
                found[first], found[second] = found[second], found[first]
                return
        if isinstance(each, Gate) and self._keeps(each):
            return
        for wire in wires:
            self._states[wire] = None

    def _keeps(self, each: Gate) -> bool:
        """Return whether a gate on one wire changes no more than the phase."""
        if len(each.all_wires) != 1:
            return False
        (wire,) = each.all_wires
        axis = "Z" if each.name in PHASES else ROTATIONS.get(each.name)
        return axis is not None and self.eigenvalue(wire, axis) is not None

    def simplified(self, gate: Gate) -> list[Gate]:
        """Return gates that do the same to these states; the gate itself, if none do.

        A control that is known is dropped, or the gate is; a known target of an
        eigenstate leaves a phase; and a gate on two wires that leaves one of them in a
        known state acts on the other alone.
        """
        gate = self._without_controls(gate) or Gate("I", gate.all_wires)
        if gate.name == "I":
            return []
        if has_known_matrix(gate):
            return self._known(gate)
        return self._symbolic(gate)

    def _without_controls(self, gate: Gate) -> Gate | None:
        """Return a gate without the controls that are known, None if one keeps it."""
        controls: list[int] = []
        values: list[int] = []
        pairs = zip(gate.all_controls, gate.all_control_values, strict=True)
        for wire, value in pairs:
            bit = self.bit(wire)
            if bit is None:
                controls.append(wire)
                values.append(value)
            elif bit != value:
                return None
        if len(controls) == len(gate.all_controls):
            return gate
        return gate.under(controls, values)

    def _known(self, gate: Gate) -> list[Gate]:
        matrix = gate.matrix({})
        if len(gate.all_wires) == 1:
            return self._on_one(gate, matrix)
        if gate.name == "SWAP":
            return [gate]
        tensor = matrix.reshape(2, 2, 2, 2)
        for place in (0, 1):
            wire, other = gate.all_wires[place], gate.all_wires[1 - place]
            axes = tensor if place == 0 else tensor.transpose(1, 0, 3, 2)
            found = self._on_other(axes, wire, other)
            if found is not None:
                return found
        return [gate]

    def _on_one(self, gate: Gate, matrix: ComplexMatrix) -> list[Gate]:
        """Return a phase in the place of a gate, if the state is an eigenstate."""
        state = self._states[gate.all_wires[0]]
        if state is None:
            return [gate]
        turned = matrix @ state
        value = complex(np.vdot(state, turned))
        if np.abs(turned - value * state).max() > TOLERANCE:
            return [gate]
        return global_phase(cmath.phase(value))

    def _on_other(
        self, tensor: ComplexMatrix, wire: int, other: int
    ) -> list[Gate] | None:
        """Return gates that do not join a wire of known state with the other."""
        state = self._states[wire]
        if state is None:
            return None
        found = np.einsum("abij,i->abj", tensor, state).reshape(2, 4)
        row = int(np.argmax(np.abs(found).sum(axis=1)))
        rest = found[row].reshape(2, 2)
        rest = rest / math.sqrt(abs(np.vdot(rest, rest)) / 2)
        after = found @ rest.conj().reshape(4) / 2
        if np.abs(np.outer(after, rest.reshape(4)) - found).max() > TOLERANCE:
            return None
        there, phase = gates_between(state, after, wire)
        on_other, more = single_qubit_gates(rest, other)
        return [*there, *on_other, *global_phase(phase + more)]

    def _symbolic(self, gate: Gate) -> list[Gate]:
        """Return what a rotation by an angle that is not known leaves."""
        if gate.name == "IsingZZ" and not gate.controls:
            for wire, other in (gate.wires, gate.wires[::-1]):
                if (sign := self.eigenvalue(wire, "Z")) is not None:
                    return [Gate("RZ", other, _signed(gate.angle, sign, gate))]
        phase = self._symbolic_phase(gate)
        controls, values = gate.all_controls, gate.all_control_values
        if phase is None or not all(values) or len(controls) > 2:
            return [gate]
        if phase.known == 0:
            return []
        if not controls:
            return [Gate("GlobalPhase", (), -phase)]
        name = "PhaseShift" if len(controls) == 1 else "ControlledPhaseShift"
        return [Gate(name, controls, phase)]

    def _symbolic_phase(self, gate: Gate) -> ParameterExpression | None:
        """Return by what phase a gate turns its target, if it is an eigenstate."""
        if len(gate.targets) != 1:
            return None
        (target,) = gate.targets
        if gate.base in PHASES and (bit := self.bit(target)) is not None:
            return _signed(gate.angle, bit, gate)
        axis = ROTATIONS.get(gate.base)
        sign = None if axis is None else self.eigenvalue(target, axis)
        return None if sign is None else _signed(gate.angle, -sign, gate) * 0.5


def _signed(angle: ParameterExpression, sign: int, gate: Gate) -> ParameterExpression:
    factor = -sign if gate.adjoint else sign
    return angle if factor == 1 else angle * float(factor)


def global_phase(angle: float) -> list[Gate]:
    """Return the gate of the phase e^(i angle), none for 1."""
    angle = math.remainder(angle, 2 * math.pi)
    return [] if abs(angle) < 1e-15 else [Gate("GlobalPhase", (), -angle)]


def gates_between(
    before: ComplexMatrix, after: ComplexMatrix, wire: int
) -> tuple[list[Gate], float]:
    """Return a gate that takes one state to another, none if it is the same, a phase.

    The states have length 1.
    """
    for gates, matrix in NAMED:
        turned = matrix @ before
        value = complex(np.vdot(turned, after))
        if np.abs(value * turned - after).max() < TOLERANCE:
            return [gate.on({0: wire}) for gate in gates], cmath.phase(value)
    turn = np.outer(after, before.conj())
    turn = turn + np.outer(_orthogonal(after), _orthogonal(before).conj())
    return single_qubit_gates(turn, wire)


def _orthogonal(state: ComplexMatrix) -> ComplexMatrix:
    return np.array([-state[1].conj(), state[0].conj()])
