"""Unitary folding of gates: T. Giurgola-Tiron et al., arXiv:2005.10921."""

import math
from collections.abc import Callable, Sequence
from itertools import groupby

from qjit.dialects.gates import GATES
from qjit.dialects.quantum import GateOp, UnitaryOp
from qjit.lowering.passes.circuits.circuit import (
    Circuit,
    Instruction,
    Opaque,
    barrier,
)

Fold = Callable[[Sequence[Instruction]], Sequence[Instruction]]


def num_folds(count: int, factor: float) -> int:
    """Return the n for which a number of gates plus 2 n is nearest to its multiple."""
    return math.floor((factor - 1) * count / 2 + 0.5)


def folded(circuit: Circuit, fold: Fold) -> Circuit:
    """Return a circuit whose gates are folded, the circuit itself if none is.

    Phases of the whole state are no gates of a machine: they come first, and once. So
    do delays stay, and matrices that need not be unitary, such as projections; what is
    between two of them is folded by itself.
    """
    phases = [each for each in circuit if _is_phase(each)]
    gates = [each for each in circuit if not _is_phase(each)]
    new = list(phases)
    for is_unitary, group in groupby(gates, _is_unitary):
        each = list(group)
        new += fold(each) if is_unitary else each
    return circuit if len(new) == len(circuit) else circuit.of(new)


def fold_whole(
    circuit: Circuit, gates: Sequence[Instruction], times: int, last: int
) -> list[Instruction]:
    """Return G (G† G)^times L† L, where L are the last gates of G, so many."""
    wires = range(circuit.num_wires)
    new = list(gates)
    for part in [*[gates] * times, *([gates[-last:]] if last else [])]:
        new.append(barrier(circuit, wires))
        new += [each.inverse() for each in reversed(part)]
        new.append(barrier(circuit, wires))
        new += [each.copy() for each in part]
    return new


def fold_each(
    circuit: Circuit, gates: Sequence[Instruction], times: Sequence[int]
) -> list[Instruction]:
    """Return gates, each of which is folded so many times, between barriers."""
    new: list[Instruction] = []
    closed: set[int] = set()  # wires on which a barrier is the last
    for gate, number in zip(gates, times, strict=True):
        wires = gate.all_wires
        if not number:
            new.append(gate)
            closed.difference_update(wires)
            continue
        if not closed.issuperset(wires):
            new.append(barrier(circuit, wires))
        new.append(gate)
        for _ in range(number):
            new += [barrier(circuit, wires), gate.inverse()]
            new += [barrier(circuit, wires), gate.copy()]
        new.append(barrier(circuit, wires))
        closed.update(wires)
    return new


def _is_phase(each: Instruction) -> bool:
    """Tell whether an instruction is a phase of the whole state."""
    if not isinstance(each, Opaque):
        return not each.all_wires
    op = each.op
    if not isinstance(op, GateOp) or op.controls:
        return False
    return GATES[op.gate.data].num_targets == 0


def _is_unitary(each: Instruction) -> bool:
    """Tell whether the adjoint of an instruction undoes it."""
    if not isinstance(each, Opaque):
        return True
    if isinstance(each.op, UnitaryOp):
        return each.op.invertible is None
    return isinstance(each.op, GateOp)
