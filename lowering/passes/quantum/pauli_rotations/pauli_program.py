"""Circuits as rotations and measurements of Pauli words, and Clifford gates after them.

A rotation about P after a Clifford circuit C is one about C^-1 P C before it, and so is
a measurement. So the Clifford gates of a circuit go to its end, and change the words of
what they pass (Litinski, arXiv:1808.02892).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeGuard

from qjit.lowering.passes.circuits.angles import reduced
from qjit.lowering.passes.circuits.circuit import Instruction, Measurement
from qjit.lowering.passes.circuits.gates import Gate
from qjit.lowering.passes.circuits.parameters import ParameterExpression, parameter
from qjit.lowering.passes.circuits.phases import (
    NOTHING,
    scaled,
    total,
)

from .clifford_frame import CliffordFrame, QuarterTurn
from .clifford_phase import phase_between
from .gate_rotations import Rotation, rotations_of
from .pauli_words import Pauli, bits, read_word


class Measured(NamedTuple):
    """A measurement of a word, and the one of the circuit that it was."""

    axis: Pauli
    was: Measurement


Step = Rotation | Measured


@dataclass
class PauliProgram:
    """Steps one after another, then turns that are Clifford gates, and a phase."""

    num_wires: int
    steps: list[Step]
    turns: list[QuarterTurn]
    phase: ParameterExpression = NOTHING

    @classmethod
    def of(cls, steps: Iterable[Step], num_wires: int) -> PauliProgram:
        """Move rotations that are Clifford gates to the end."""
        frame = CliffordFrame(num_wires)
        program = cls(num_wires, [], [])
        for each in steps:
            if isinstance(each, Measured):
                program.steps.append(each._replace(axis=frame(each.axis)))
                continue
            rotation, turn, phase = _split(each)
            program.phase = total(program.phase, parameter(phase))
            if rotation is not None:
                axis = frame(rotation.axis)
                angle = scaled(rotation.angle, float(axis.sign))
                program.steps.append(Rotation(axis.positive, angle))
            if turn is not None:
                frame.append(turn)
                program.turns.append(turn)
        return program

    @property
    def rotations(self) -> list[Rotation]:
        """The steps that are rotations."""
        return [each for each in self.steps if isinstance(each, Rotation)]

    def replaced(self, steps: Iterable[Step]) -> PauliProgram:
        """Return the program with other steps, some of which are Clifford gates."""
        found = PauliProgram.of(steps, self.num_wires)
        found.turns += self.turns
        found.phase = total(self.phase, found.phase)
        return found

    @property
    def frame(self) -> CliffordFrame:
        """The frame of the Clifford circuit at the end."""
        return CliffordFrame(self.num_wires, self.turns)

    def phase_with(
        self, gates: Sequence[Gate], output: Sequence[int]
    ) -> ParameterExpression:
        """Return the phase of the program, where gates stand for its turns.

        Args:
            gates: what is the turns up to a phase.
            output: on which wire each wire's qubit is after them.
        """
        return total(self.phase, parameter(phase_between(self.turns, gates, output)))


def _split(rotation: Rotation) -> tuple[Rotation | None, QuarterTurn | None, float]:
    """Return a rotation without Clifford gates, what is one of it, and the phase.

    Odd multiples of pi/4 are pi/4 or -pi/4, and a Clifford gate; other angles are from
    -pi to pi.
    """
    eighths, known = rotation.eighths, rotation.angle.known
    if known is None:
        return rotation, None, 0.0
    if eighths is None:
        less, turns = reduced(known)
        return Rotation(rotation.axis, parameter(less)), None, math.pi * (turns % 2)
    rest = 0 if eighths % 2 == 0 else 1 if eighths % 4 == 1 else -1
    turns, quarters = divmod((eighths - rest) // 2, 4)
    left = Rotation(rotation.axis, parameter(rest * math.pi / 4)) if rest else None
    turn = QuarterTurn(rotation.axis, quarters) if quarters else None
    return left, turn, math.pi * turns


def is_step(each: Instruction) -> TypeGuard[Gate | Measurement]:
    """Tell whether an instruction can be read."""
    return isinstance(each, Gate | Measurement)


def read_gates(gates: Sequence[Gate | Measurement], num_wires: int) -> PauliProgram:
    """Return gates and measurements as a program."""
    phase = NOTHING
    steps: list[Step] = []
    for gate in gates:
        if isinstance(gate, Measurement):
            x, z, turns = read_word(gate.word).on(gate.wires)
            steps.append(Measured(Pauli(x, z, turns + 2 * gate.negative & 3), gate))
            continue
        taken = set(gate.all_wires)
        spare = (
            [w for w in range(num_wires) if w not in taken] if len(taken) > 2 else ()
        )
        found, more = rotations_of(gate, spare)
        steps += found
        phase = total(phase, more)
    program = PauliProgram.of(steps, num_wires)
    program.phase = total(program.phase, phase)
    return program


def written(step: Step) -> Gate | Measurement:
    """Return the gate of a rotation, or a measurement, of a circuit."""
    axis = step.axis
    wires = tuple(bits(axis.support))
    word = "".join(map(axis.letter, wires))
    if isinstance(step, Rotation):
        return Gate("PauliRot", wires, step.angle, static={"pauli_word": word})
    return replace(step.was, wires=wires, word=word, negative=axis.sign < 0)
