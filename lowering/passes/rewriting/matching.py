"""Sequences of gates that a rewrite rule looks for, along the qubits of a block."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import permutations
from typing import Any, cast

import numpy as np
from xdsl.ir import Operation, SSAValue

from qjit.dialects.gates import GATES, GateRecord, find_gate
from qjit.dialects.gates.spelling import read_spelling
from qjit.dialects.quantum import GateOp
from qjit.lowering.passes.circuits.gates import Gate
from qjit.lowering.passes.circuits.parameters import ParameterExpression, parameter
from qjit.lowering.passes.quantum.cancellation.gate_pairs import base_record

SPELLING = re.compile(r"(adjoint\(\w+\)|\w+)(?:\(([\w, ]+)\))?")


@dataclass(frozen=True)
class Spelling:
    """A gate in the pattern of a rule; without wires, it is on those of the others."""

    record: GateRecord
    adjoint: bool
    wires: tuple[str, ...] | None

    @property
    def base(self) -> GateRecord:
        """The record without controls of its own."""
        return self.record if self.record.base is None else GATES[self.record.base]


def spelling(text: str) -> Spelling:
    """Read a gate such as "RZ", "CNOT(a, b)" or "adjoint(S)(a)".

    Raises:
        ValueError: if it is no gate, or on another number of wires.
    """
    found = SPELLING.fullmatch(text.strip())
    name, adjoint = read_spelling(found[1] if found else "")
    record = find_gate(name)
    if found is None or record is None or record.definition is None:
        raise ValueError(f"{text!r} is not a gate, such as 'RZ' or 'CNOT(a, b)'")
    wires = found[2] and tuple(wire.strip() for wire in found[2].split(","))
    if wires and record.num_wires not in (None, len(wires)):
        raise ValueError(f"{record.name} acts on {record.num_wires} wires, in {text!r}")
    if wires and len(set(wires)) != len(wires):
        raise ValueError(f"{text!r} has a wire twice")
    if adjoint and record.adjoint((0.0,) * record.num_params) is not None:
        raise ValueError(
            f"{record.name} has its adjoint at other parameters, and is matched as "
            f"such: write {record.name!r} instead of {text!r}"
        )
    return Spelling(record, adjoint, wires or None)


def check_connected(pattern: Sequence[Spelling]) -> None:
    """Raise a ValueError unless each gate shares a wire with those before it."""
    if not pattern:
        raise ValueError("there is no gate")
    if len({spelled.wires is None for spelled in pattern}) > 1:
        raise ValueError("either all gates have wires, or none has")
    known = set(pattern[0].wires or ())
    for spelled in pattern[1:]:
        wires = set(spelled.wires or ())
        if wires and not wires & known:
            raise ValueError(
                f"{spelled.record.name} on {', '.join(sorted(wires))} shares no wire "
                "with the gates before it"
            )
        known |= wires


@dataclass(frozen=True)
class Match:
    """Gates that follow one another, and their qubits before and after, by wire."""

    ops: tuple[GateOp, ...]
    gates: tuple[Gate, ...]
    before: dict[str, SSAValue]
    after: dict[str, SSAValue]

    @cached_property
    def place(self) -> Operation | None:
        """An operation before which all gates may stand at once, if there is one."""
        block = self.ops[0].parent
        assert block is not None
        own, place = set[Operation](self.ops), cast(Operation, self.ops[0])
        for op in self.ops[1:]:
            place = op if place.is_before_in_block(op) else place
        for use in [use for qubit in self.after.values() for use in qubit.uses]:
            user = block.find_ancestor_op_in_block(use.operation)
            if user is not None and user not in own:
                place = place if place.is_before_in_block(user) else user
        taken = {*place.operands} if place in own else set[SSAValue]()
        given = {*self.before.values(), *(p for op in self.ops for p in op.params)}
        late = any(
            isinstance(value.owner, Operation)
            and value.owner.parent is block
            and value.owner not in own
            and not value.owner.is_before_in_block(place)
            for value in given - taken
        )
        return None if late else place


def matches(pattern: Sequence[Spelling], first: GateOp) -> Iterator[Match]:
    """Yield the ways in which a pattern begins with a gate."""
    yield from _extended(pattern, Match((), (), {}, {}), first)


def _extended(pattern: Sequence[Spelling], match: Match, op: GateOp) -> Iterator[Match]:
    """Yield complete matches where `op` is the next gate of the pattern."""
    number = len(match.ops)
    for gate in _readings(pattern[number], op, match):
        longer = _joined(match, op, gate)
        if longer is None:
            continue
        if number + 1 == len(pattern):
            if longer.place is not None:
                yield longer
            continue
        for following in _following(longer):
            yield from _extended(pattern, longer, following)


def _readings(spelled: Spelling, op: GateOp, match: Match) -> Iterator[Gate]:
    """Yield the gate that an operation is in a pattern, with names of its wires."""
    record = base_record(op)
    if op.slots or record is not spelled.base or not all(op.control_pattern):
        return
    count = spelled.record.num_controls
    if count is not None and len(op.controls) != count:
        return
    params, adjoint = _without_adjoint(op, record)
    if adjoint != spelled.adjoint:
        return
    names = spelled.wires or _names(match, len(op.qubits))
    if len(names) != len(op.qubits):
        return
    name, static = spelled.record.name, _static(op)
    for order in symmetries(name, len(names), tuple(static.items())):
        wires = [names[place] for place in order]
        yield Gate(name, wires, *params, adjoint=adjoint, static=static)


def _without_adjoint(
    op: GateOp, record: GateRecord
) -> tuple[Sequence[ParameterExpression], bool]:
    """Return parameters without the adjoint flag, if there are such."""
    params = [parameter(value) for value in op.params]
    if op.adjoint is None:
        return params, False
    inverse = record.adjoint(params)
    return (params, True) if inverse is None else ([*map(parameter, inverse)], False)


def _static(op: GateOp) -> dict[str, Any]:
    return {k: v for k, v in op.static.items() if k != "num_targets"}


def _names(match: Match, count: int) -> tuple[str, ...]:
    """Return the wires of the first gate, or names for them."""
    if match.gates:
        return match.gates[0].wires
    return tuple(f"w{number}" for number in range(count))


@cache
def symmetries(
    name: str, count: int, static: tuple[tuple[str, Any], ...]
) -> list[tuple[int, ...]]:
    """Return the orders of its wires in which a gate is the same."""
    identity = tuple(range(count))
    if count > 3:
        return [identity]
    names = [f"w{number}" for number in identity]
    generator = np.random.default_rng(0)
    record = GATES[name]
    angles = generator.uniform(-np.pi, np.pi, record.num_params)
    matrix = Gate(name, names, *angles, static=dict(static)).matrix({})
    tensor = matrix.reshape((2,) * (2 * count))
    return [
        order
        for order in permutations(identity)
        if np.allclose(
            tensor, tensor.transpose(*order, *(place + count for place in order))
        )
    ]


def qubits_by_place(op: GateOp, results: bool = False) -> list[SSAValue]:
    """Return the qubits of a gate, its controls first."""
    values = list(op.results if results else op.qubits)
    split = len(op.targets)
    return values[split:] + values[:split]


def _joined(match: Match, op: GateOp, gate: Gate) -> Match | None:
    """Return a match with one more gate; None if its qubits are others."""
    taken = dict(zip(gate.wires, qubits_by_place(op), strict=True))
    if any(match.after.get(wire, qubit) is not qubit for wire, qubit in taken.items()):
        return None
    new = {wire: qubit for wire, qubit in taken.items() if wire not in match.before}
    if set(new.values()) & set(match.after.values()):
        return None  # a wire of the pattern by another name
    results = dict(zip(gate.wires, qubits_by_place(op, results=True), strict=True))
    return Match(
        (*match.ops, op),
        (*match.gates, gate),
        match.before | new,
        match.after | results,
    )


def _following(match: Match) -> list[GateOp]:
    """Return the gates that take qubits of a match next."""
    block, found = match.ops[0].parent, dict[GateOp, None]()
    for qubit in match.after.values():
        for use in qubit.uses:
            op = use.operation
            if isinstance(op, GateOp) and op.parent is block:
                found[op] = None
    return list(found)
