"""Controls that are measured: gates under them are done on outcomes instead.

What is diagonal on a qubit commutes with its measurement. So a qubit that only controls
gates before it is measured may be measured before them (Griffiths and Niu,
quant-ph/9511007; Nielsen and Chuang, section 4.4, the other way round).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from xdsl.dialects import scf
from xdsl.ir import Block, Operation, Region, SSAValue

from qjit.dialects.quantum import ExtractOp, GateOp, InsertOp, MeasureOp
from qjit.lowering.passes.circuits.gates import (
    Gate,
    controlled_gate,
    read_gate,
    write_gate,
)

from .wire_bases import Z

# Gates that do nothing to |0>, so that a control and the target may be exchanged.
SYMMETRIC = ("Z", "S", "T", "PhaseShift")


class OnOutcome(NamedTuple):
    """What is left of a gate on wires where a measurement finds a value."""

    measure: MeasureOp
    value: int
    gate: Gate


def gates_on_outcomes(
    ops: Sequence[Operation],
    wires: Sequence[Mapping[int, int]],
    kept: frozenset[int],
) -> dict[Operation, OnOutcome]:
    """Return which gates may be done on outcomes.

    Args:
        ops: operations in order.
        wires: those of each, with the bases in which it is diagonal.
        kept: wires that live to the end, whose measurements stay where they are.
    """
    found: dict[Operation, OnOutcome] = {}
    before: dict[int, list[int]] = {}  # by wire: what is on it, and may be found
    for number, op in enumerate(ops):
        if isinstance(op, MeasureOp):
            (wire,) = wires[number]
            if wire not in kept:
                earlier = reversed(before.get(wire, []))
                found |= _before(op, wire, [(ops[n], wires[n]) for n in earlier], found)
        for wire in wires[number]:
            before.setdefault(wire, []).append(number)
    return found


def _before(
    measure: MeasureOp,
    wire: int,
    earlier: Sequence[tuple[Operation, Mapping[int, int]]],
    known: Mapping[Operation, OnOutcome],
) -> dict[Operation, OnOutcome]:
    """Return gates under control of a wire before its measurement, the last first."""
    found: dict[Operation, OnOutcome] = {}
    for op, wires in earlier:
        left = None if op in known else _without(op, list(wires), wire)
        if left is not None:
            found[op] = OnOutcome(measure, *left)
        elif measure.reset is not None or not wires[wire] & Z:
            break
    return found


def _without(op: Operation, wires: Sequence[int], wire: int) -> tuple[int, Gate] | None:
    """Return a gate without a control on a wire, and the value that it fires on."""
    if not isinstance(op, GateOp) or op.slots:
        return None
    gate = read_gate(op, dict(zip(op.qubits, wires, strict=True)))
    controls = dict(zip(gate.all_controls, gate.all_control_values, strict=True))
    targets = gate.targets
    if targets == (wire,) and gate.base in SYMMETRIC:
        others = [other for other, value in controls.items() if value]
        targets = tuple(others[-1:])
        controls = {wire: 1} | {k: v for k, v in controls.items() if k not in targets}
    if wire not in controls or not targets:
        return None
    value = controls.pop(wire)
    left = controlled_gate(
        gate.base,
        tuple(controls),
        targets,
        *gate.params,
        control_values=tuple(controls.values()),
        adjoint=gate.adjoint,
        static=gate.static,
        line=gate.line,
    )
    return value, left


def branch_on_outcome(
    on: OnOutcome, register: SSAValue, places: Sequence[int]
) -> scf.IfOp:
    """Return the branch that does a gate on an outcome, to wires that are at places."""
    block = Block()
    wires = on.gate.all_wires
    qubits: dict[int, SSAValue] = {}
    for wire in wires:
        taken = ExtractOp(register, places[wire])
        block.add_op(taken)
        qubits[wire] = taken.qubit
    write_gate(on.gate, qubits, block.add_op)
    changed = register
    for wire in wires:
        back = InsertOp(changed, places[wire], qubits[wire])
        block.add_op(back)
        changed = back.out_register
    block.add_op(scf.YieldOp(changed))
    done, not_done = Region(block), Region(Block([scf.YieldOp(register)]))
    of_one, of_zero = (done, not_done) if on.value else (not_done, done)
    return scf.IfOp(on.measure.outcome, [register.type], of_one, of_zero)
