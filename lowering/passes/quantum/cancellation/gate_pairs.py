"""Pairs of gates that follow one another on the same qubits."""

from collections.abc import Iterator
from functools import cache

import numpy as np
from xdsl.ir import Block, Operation, SSAValue
from xdsl.rewriter import Rewriter

from qjit.dialects.gates import GATES, GateRecord
from qjit.dialects.quantum import GateOp


def gates(op: Operation) -> Iterator[GateOp]:
    """Yield the gates below an operation in order; the last one may be erased."""
    blocks: list[Block] = [block for region in op.regions for block in region.blocks]
    while blocks:
        inner = blocks.pop().first_op
        while inner is not None:
            following = inner.next_op
            for region in inner.regions:
                blocks.extend(region.blocks)
            if isinstance(inner, GateOp):
                yield inner
            inner = following


def base_record(op: GateOp) -> GateRecord:
    """Return the record of a gate without the controls of its own."""
    record = GATES[op.gate.data]
    return record if record.base is None else GATES[record.base]


def previous_gate(op: GateOp) -> GateOp | None:
    """Return the gate before this one, if it is the same up to parameters.

    It stands in the same block, acts on the same qubits in the same roles, and
    has the same name, Pauli word and dimension.
    """
    earlier = op.operands[-1].owner
    if not isinstance(earlier, GateOp) or earlier.parent is not op.parent:
        return None
    same = (
        base_record(earlier) is base_record(op)
        and set(earlier.results) == set(op.qubits)
        and earlier.word == op.word
        and earlier.dim == op.dim
        and _same_roles(earlier, op)
    )
    return earlier if same else None


def replace_pair(earlier: GateOp, op: GateOp, by: GateOp | None) -> None:
    """Put one gate, or none, on the qubits of `earlier` in the place of both."""
    last = earlier.qubits if by is None else by.results
    after: dict[SSAValue, SSAValue] = dict(zip(earlier.results, last, strict=True))
    for qubit, result in zip(op.qubits, op.results, strict=True):
        result.replace_all_uses_with(after[qubit])
    Rewriter.erase_op(op, safe_erase=False)
    Rewriter.erase_op(earlier, safe_erase=False)


def _same_roles(earlier: GateOp, op: GateOp) -> bool:
    sizes = "resultSegmentSizes"
    if len(op.results) == 1 and earlier.control_values == op.control_values:
        return earlier.properties[sizes] == op.properties[sizes]
    before = dict(zip(earlier.out_controls, earlier.control_pattern, strict=True))
    after = dict(zip(op.controls, op.control_pattern, strict=True))
    if before == after and tuple(earlier.out_targets) == tuple(op.targets):
        return True
    record = base_record(op)
    if before == after:
        return not record.static and len(op.targets) == 2 and _swappable(record)
    return all((*before.values(), *after.values())) and _phase_on_ones(record)


@cache
def _swappable(record: GateRecord) -> bool:
    """Whether the two targets may be exchanged."""
    exchanged = [0, 2, 1, 3]
    return all(
        np.allclose(matrix, matrix[np.ix_(exchanged, exchanged)])
        for matrix in record.harmonics().values()
    )


@cache
def _phase_on_ones(record: GateRecord) -> bool:
    """Whether the gate is a phase on |1>, so that targets are as good as controls."""
    if record.num_targets != 1:
        return False
    total = np.zeros((2, 2), np.complex128)
    for frequencies, matrix in record.harmonics().items():
        total += matrix
        others = np.abs(matrix - np.diag([0, matrix[1, 1]])).max()
        if any(frequencies) and others > 0:
            return False
    off_diagonal = abs(total[0, 1]) + abs(total[1, 0])
    return bool(off_diagonal == 0 and np.isclose(total[0, 0], 1))
