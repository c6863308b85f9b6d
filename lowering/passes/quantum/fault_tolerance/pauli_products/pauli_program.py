"""Circuits as rotations and measurements of Pauli words, and Clifford gates after them.

A rotation about P after a Clifford circuit C is one about C^-1 P C before it, and so is
a measurement. So the Clifford gates of a circuit go to its end, and change the words of
what they pass (Litinski, arXiv:1808.02892).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from qjit.lowering.passes.circuits.circuit import (
    Circuit,
    Instruction,
    Measurement,
    Opaque,
)
from qjit.lowering.passes.circuits.gates import Gate
from qjit.lowering.passes.circuits.parameters import ParameterExpression, parameter
from qjit.lowering.passes.circuits.phases import (
    NOTHING,
    phase_gates,
    scaled,
    total,
)

from .clifford_frame import CliffordFrame, QuarterTurn
from .clifford_phase import phase_between
from .gate_rotations import Rotation, rotations_of
from .paulis import Pauli, bits, read_word


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

    def end(self, gates: Sequence[Gate], output: Sequence[int]) -> list[Gate]:
        """Return the gate of the phase that is missing at the end, none for 1.

        Args:
            gates: what stands for the turns, up to a phase.
            output: on which wire each wire's qubit is after them.
        """
        between = phase_between(self.turns, gates, output)
        return phase_gates(total(self.phase, parameter(between)))


def _split(rotation: Rotation) -> tuple[Rotation | None, QuarterTurn | None, float]:
    """Return a rotation without Clifford gates, what is one of it, and the phase.

    Odd multiples of pi/4 are pi/4 or -pi/4, and a Pauli.
    """
    eighths = rotation.eighths
    if eighths is None:
        return rotation, None, 0.0
    rest = 0 if eighths % 2 == 0 else 1 if eighths % 4 == 1 else -1
    turns, quarters = divmod((eighths - rest) // 2, 4)
    left = Rotation(rotation.axis, parameter(rest * math.pi / 4)) if rest else None
    turn = QuarterTurn(rotation.axis, quarters) if quarters else None
    return left, turn, math.pi * turns


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


Segment = Sequence[Gate | Measurement]
Write = Callable[[Segment, int], tuple[Segment, list[int]] | None]


def rewrite_gates(circuit: Circuit, write: Write) -> Circuit:
    """Rewrite all gates and measurements between operations that stay as they are.

    Args:
        circuit: a circuit.
        write: returns other gates on as many wires, and on which wire each wire's qubit
            is after them, or None where gates stay.
    """
    place = list(range(circuit.num_wires))
    new: list[Instruction] = []
    changed = False
    for each in _segments(circuit):
        if isinstance(each, Opaque):
            new.append(each.on(dict(enumerate(place))))
            continue
        wires = sorted({wire for gate in each for wire in gate.all_wires})
        at = {wire: k for k, wire in enumerate(wires)}
        found = write([gate.on(at) for gate in each], len(wires))
        if found is None:
            new += [gate.on(dict(enumerate(place))) for gate in each]
            continue
        changed = True
        before = [place[wire] for wire in wires]
        new += [gate.on(dict(enumerate(before))) for gate in found[0]]
        for wire, moved in zip(wires, found[1], strict=True):
            place[wire] = before[moved]
    if not changed:
        return circuit
    return circuit.of(new, [place[wire] for wire in circuit.output])


def _segments(circuit: Circuit) -> Iterator[list[Gate | Measurement] | Opaque]:
    """Yield the gates between operations that stay, and these, in a valid order."""
    level = [0] * circuit.num_wires
    gates: dict[int, list[Gate | Measurement]] = {}
    between: dict[int, list[Opaque]] = {}
    for each in circuit:
        highest = max((level[wire] for wire in each.all_wires), default=0)
        if isinstance(each, Gate | Measurement):
            gates.setdefault(highest, []).append(each)
        else:
            between.setdefault(highest, []).append(each)
            highest += 1
        for wire in each.all_wires:
            level[wire] = highest
    for number in range(max(level, default=0) + 1):
        if number in gates:
            yield gates[number]
        yield from between.get(number, ())
