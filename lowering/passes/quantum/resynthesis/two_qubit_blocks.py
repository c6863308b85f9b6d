"""Blocks of a circuit: neighbouring gates on the same two wires, as large as can be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from qjit.dialects.gates.fourier import ComplexMatrix
from qjit.lowering.passes.circuits.circuit import Circuit, Instruction, has_known_matrix
from qjit.lowering.passes.circuits.gates import Gate
from qjit.lowering.passes.unitaries.two_qubit_synthesis import (
    on_two_wires,
)


@dataclass
class Block:
    """Gates that are known on one or two wires, in order."""

    wires: tuple[int, ...]
    gates: list[Gate] = field(default_factory=list[Gate])

    def matrix(self) -> ComplexMatrix:
        """Return the unitary on both wires, the first most significant."""
        found = np.eye(4, dtype=np.complex128)
        for gate in self.gates:
            places = [self.wires.index(wire) for wire in gate.all_wires]
            found = on_two_wires(gate.matrix({}), places) @ found
        return found


def two_qubit_blocks(circuit: Circuit) -> Iterator[Block | Instruction]:
    """Yield the blocks of a circuit and what is between them, in a valid order.

    A block ends where an instruction joins one of its wires with others.
    """
    open_blocks: dict[int, Block] = {}

    def closed(wires: tuple[int, ...]) -> Iterator[Block]:
        for wire in wires:
            block = open_blocks.pop(wire, None)
            if block is not None:
                for other in block.wires:
                    open_blocks.pop(other, None)
                yield block

    for each in circuit:
        wires = each.all_wires
        if not isinstance(each, Gate) or not has_known_matrix(each):
            yield from closed(wires)
            yield each
            continue
        blocks = [open_blocks.get(wire) for wire in wires]
        first = blocks[0]
        if first is None or any(block is not first for block in blocks):
            first = Block(wires)
            for wire, block in zip(wires, blocks, strict=True):
                if block is not None and len(block.wires) == 1:
                    first.gates += block.gates
                    del open_blocks[wire]
            yield from closed(wires)
            open_blocks |= dict.fromkeys(wires, first)
        first.gates.append(each)
    yield from closed(tuple(open_blocks))
