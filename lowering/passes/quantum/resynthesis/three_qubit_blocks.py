"""Blocks of neighbouring gates on three wires, written anew with fewer CNOTs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import permutations

from qjit.lowering.passes.circuits.circuit import (
    Circuit,
    Instruction,
    has_known_matrix,
    product,
)
from qjit.lowering.passes.circuits.gates import Gate
from qjit.lowering.passes.unitaries.shannon_decomposition import unitary

from .two_qubit_blocks import Block

MOST_WIRES = 3
# Blocks with fewer CNOTs are not tried: most have no better circuit of this kind.
LEAST_CNOTS = 9


def rewrite_blocks(circuit: Circuit, num_cnots: Callable[[Gate], int]) -> Circuit:
    """Return a circuit whose blocks on three wires have as few CNOTs as are found.

    Args:
        circuit: the circuit.
        num_cnots: returns how many CNOTs a gate on two wires is worth.
    """
    new: list[Instruction] = []
    changed = False
    for each in blocks(circuit):
        if not isinstance(each, Block):
            new.append(each)
            continue
        found = _cheaper(each, num_cnots)
        changed |= found is not None
        new += each.gates if found is None else found
    return circuit.of(new) if changed else circuit


def blocks(circuit: Circuit) -> Iterator[Block | Instruction]:
    """Yield the blocks of a circuit and what is between them, in a valid order.

    A block is closed where a gate would add a fourth wire to it.
    """
    open_blocks: dict[int, Block] = {}

    def closed(found: list[Block]) -> Iterator[Block]:
        for block in found:
            for wire in block.wires:
                del open_blocks[wire]
            yield block

    for each in circuit:
        wires = each.all_wires
        touched = {id(b): b for w in wires if (b := open_blocks.get(w)) is not None}
        if not isinstance(each, Gate) or not has_known_matrix(each):
            yield from closed([*touched.values()])
            yield each
            continue
        joined = list(touched.values())
        if len({*wires, *(w for block in joined for w in block.wires)}) > MOST_WIRES:
            yield from closed([block for block in joined if len(block.wires) > 1])
            joined = [block for block in joined if len(block.wires) == 1]
        gates = [gate for block in joined for gate in block.gates]
        all_wires = dict.fromkeys([*(w for b in joined for w in b.wires), *wires])
        one = Block(tuple(all_wires), [*gates, each])
        open_blocks |= dict.fromkeys(one.wires, one)
    yield from closed([*{id(block): block for block in open_blocks.values()}.values()])


def _cheaper(block: Block, num_cnots: Callable[[Gate], int]) -> list[Gate] | None:
    """Return gates with fewer CNOTs, the best by choice of the first wire, or none."""
    pairs = [gate for gate in block.gates if len(gate.all_wires) == 2]
    if len(block.wires) != MOST_WIRES or len(pairs) < LEAST_CNOTS:
        return None
    cost = sum(map(num_cnots, pairs))
    found: list[Gate] | None = None
    for first, second, third in list(permutations(block.wires))[::2]:
        wires = first, second, third
        made = unitary(product(block.gates, wires, {}), wires)
        count = sum(len(gate.wires) == 2 for gate in made)
        if count < cost:
            found, cost = made, count
    return found
