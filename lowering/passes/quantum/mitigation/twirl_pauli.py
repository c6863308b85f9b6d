"""The pass `twirl-pauli`: Q U P = U, where Q = U P U† is a Pauli word like P."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from qjit.lowering.passes.circuits.blocks import rewrite_circuits
from qjit.lowering.passes.circuits.circuit import Circuit, Instruction, barrier
from qjit.lowering.passes.circuits.gates import Gate
from qjit.lowering.passes.pipeline import PipelineError

from .pauli_images import WORDS, images_of


@dataclass(frozen=True)
class TwirlPauliPass(ModulePass):
    """Draw Pauli gates around Clifford gates on two qubits (arXiv:1512.01098).

    The circuit stays what it is. On average over the seeds, the errors of these gates
    are Pauli errors, each with a probability. Barriers keep the gates apart.
    """

    seed: int = 0

    name = "twirl-pauli"

    def __post_init__(self) -> None:
        """Refuse options that mean nothing."""
        if self.seed < 0:
            raise PipelineError(
                f"'{self.name}' takes a seed of 0 or more, but got {self.seed}."
            )

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Twirl each circuit of a module, with draws of one generator."""
        generator = np.random.default_rng(self.seed)
        rewrite_circuits(op, lambda circuit: twirled(circuit, generator))


def twirled(circuit: Circuit, generator: np.random.Generator) -> Circuit:
    """Return a circuit whose Clifford gates on two wires are between Pauli gates."""
    new: list[Instruction] = []
    is_negative = False
    for each in circuit:
        images = images_of(each)
        if images is None:
            new.append(each)
            continue
        word = WORDS[generator.integers(len(WORDS))]
        image, flips = images[word]
        is_negative ^= flips
        wires = each.all_wires
        new += [*_paulis(word, wires), barrier(circuit, wires), each]
        new += [barrier(circuit, wires), *_paulis(image, wires)]
    if len(new) == len(circuit):
        return circuit
    return circuit.of([*new, Gate("GlobalPhase", (), math.pi)] if is_negative else new)


def _paulis(word: str, wires: Sequence[int]) -> list[Gate]:
    """Return the gates of a Pauli word."""
    letters = zip(word, wires, strict=True)
    return [Gate(letter, wire) for letter, wire in letters if letter != "I"]
