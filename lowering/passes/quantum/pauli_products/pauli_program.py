"""Circuits as rotations about Pauli words, and a Clifford circuit after them.

A rotation about P after a Clifford circuit C is one about C^-1 P C before it. So the
Clifford gates of a circuit go to its end, and change the words of what they pass
(Litinski, arXiv:1808.02892).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from qjit.lowering.passes.circuits.circuit import Circuit, Instruction, Opaque
from qjit.lowering.passes.circuits.gates import Gate
from qjit.lowering.passes.circuits.parameters import ParameterExpression, parameter
from qjit.lowering.passes.quantum.resynthesis.phase_folding import (
    NOTHING,
    phase_gates,
    total,
)

from .clifford_frame import CliffordFrame, QuarterTurn
from .clifford_phase import phase_between
from .gate_rotations import Rotation, rotations_of, scaled
from .paulis import bits


@dataclass
class PauliProgram:
    """Rotations one after another, then turns that are Clifford gates, and a phase."""

    num_wires: int
    rotations: list[Rotation]
    turns: list[QuarterTurn]
    phase: ParameterExpression = NOTHING

    @classmethod
    def of(cls, rotations: Iterable[Rotation], num_wires: int) -> PauliProgram:
        """Move rotations that are Clifford gates to the end."""
        frame = CliffordFrame(num_wires)
        program = cls(num_wires, [], [])
        for each in rotations:
            rotation, turn, phase = _split(each)
            program.phase = total(program.phase, parameter(phase))
            if rotation is not None:
                axis = frame(rotation.axis)
                angle = scaled(rotation.angle, float(axis.sign))
                program.rotations.append(Rotation(axis.positive, angle))
            if turn is not None:
                frame.append(turn)
                program.turns.append(turn)
        return program

    def replaced(self, rotations: Iterable[Rotation]) -> PauliProgram:
        """Return the program with other rotations, some of which are Clifford gates."""
        found = PauliProgram.of(rotations, self.num_wires)
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


def read_gates(gates: Sequence[Gate], num_wires: int) -> PauliProgram:
    """Return gates as a program."""
    phase = NOTHING
    rotations: list[Rotation] = []
    for gate in gates:
        taken = set(gate.all_wires)
        spare = (
            [w for w in range(num_wires) if w not in taken] if len(taken) > 2 else ()
        )
        found, more = rotations_of(gate, spare)
        rotations += found
        phase = total(phase, more)
    program = PauliProgram.of(rotations, num_wires)
    program.phase = total(program.phase, phase)
    return program


def pauli_rotation(rotation: Rotation) -> Gate:
    """Return the gate of a rotation."""
    wires = list(bits(rotation.axis.support))
    word = "".join(map(rotation.axis.letter, wires))
    return Gate("PauliRot", wires, rotation.angle, static={"pauli_word": word})


Write = Callable[[list[Gate], int], tuple[list[Gate], list[int]] | None]


def rewrite_gates(circuit: Circuit, write: Write) -> Circuit:
    """Rewrite all gates between operations that stay as they are.

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


def _segments(circuit: Circuit) -> Iterator[list[Gate] | Opaque]:
    """Yield the gates between operations that stay, and these, in a valid order."""
    level = [0] * circuit.num_wires
    gates: dict[int, list[Gate]] = {}
    between: dict[int, list[Opaque]] = {}
    for each in circuit:
        highest = max((level[wire] for wire in each.all_wires), default=0)
        if isinstance(each, Gate):
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
