"""The events of a block: what its operations on qubits follow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from xdsl.ir import Block, Operation, SSAValue
from xdsl.traits import MemoryEffectKind, is_side_effect_free, only_has_effect

from qjit.dialects.gates import GATES
from qjit.dialects.quantum import (
    AllocOp,
    DelayOp,
    ExtractOp,
    GateOp,
    InsertOp,
    MeasureOp,
    RegisterType,
    ResetOp,
    UnitaryOp,
)

from .durations import Durations
from .operation_durations import OnQubits, duration_of, durations_of, wires_meet
from .timeline import Event, Timeline, WireTime

NONE: frozenset[Event] = frozenset()


@dataclass(eq=False)
class RegisterTimes:
    """The wires of a register that were used since all of them met.

    They have no times where it is not known how long operations take.
    """

    durations: Durations | None
    met: Event
    used: dict[WireTime, None] = field(default_factory=dict[WireTime, None])
    at: dict[int | SSAValue, WireTime] = field(
        default_factory=dict[int | SSAValue, WireTime]
    )


class BlockTimes:
    """Reads the operations of a block into a timeline."""

    def __init__(self, block: Block, durations: Durations | None, needed_by: str):
        """Read a block, whose arguments are of circuits with these durations."""
        self.timeline = Timeline()
        self.delays: list[DelayOp] = []
        self._durations, self._needed_by = durations, needed_by
        self._registers: dict[SSAValue, RegisterTimes] = {}
        self._wires: dict[SSAValue, tuple[WireTime, RegisterTimes]] = {}
        # The measurements that values depend on, and on which register each is.
        self._outcomes: dict[SSAValue, frozenset[Event]] = {}
        self._written = NONE
        self._measured: dict[Event, RegisterTimes] = {}
        for op in block.ops:
            self._visit(op)

    def _visit(self, op: Operation) -> None:
        match op:
            case _ if isinstance(op, OnQubits):
                self._act(op)
            case ExtractOp():
                self._take_out(op)
            case InsertOp():
                self._put_back(op)
            case AllocOp():
                self._registers[op.register] = self._new_register(durations_of(op))
            case _:
                self._other(op)

    def _new_register(self, durations: Durations | None) -> RegisterTimes:
        return RegisterTimes(durations, self.timeline.add(0, [], fixed=True))

    def _register(self, value: SSAValue) -> RegisterTimes:
        if value not in self._registers:
            self._registers[value] = self._new_register(self._durations)
        return self._registers[value]

    def _wire(self, qubit: SSAValue) -> tuple[WireTime, RegisterTimes]:
        if qubit not in self._wires:
            register = self._new_register(self._durations)
            self._wires[qubit] = WireTime(qubit, register.met), register
        return self._wires[qubit]

    def _take_out(self, op: ExtractOp) -> None:
        register = self._register(op.register)
        if wires_meet(op):
            self._meet(register)
        wire = register.at.get(op.wire) or WireTime(op.qubit, register.met)
        register.at[op.wire] = wire
        wire.qubit, wire.out = op.qubit, True
        self._wires[op.qubit] = wire, register

    def _put_back(self, op: InsertOp) -> None:
        register = self._register(op.register)
        wire, _ = self._wire(op.qubit)
        wire.out = False
        register.at[op.wire] = wire
        if wires_meet(op):
            self._meet(register)
        self._registers[op.out_register] = register

    def _act(self, op: OnQubits) -> None:
        event = self._event(op)
        for qubit, result in _pairs(op):
            wire, register = self._wire(qubit)
            wire.qubit = result
            self._wires[result] = wire, register
        if isinstance(op, MeasureOp) and event is not None:
            self._outcomes[op.outcome] = frozenset({event})

    def _event(self, op: OnQubits) -> Event | None:
        """Add what an operation does to qubits, if it takes its place in time."""
        found = [self._wire(qubit) for qubit in _acted_on(op)]
        if not found:
            return None
        _, register = found[0]
        if register.durations is None:
            return None
        duration = duration_of(op, register.durations, self._needed_by)
        others = [
            each for each in self._awaited(op) if self._measured[each] is register
        ]
        event = self.timeline.add(duration, [wire for wire, _ in found], others)
        for wire, own in found:
            own.used[wire] = None
        if isinstance(op, MeasureOp):
            self._measured[event] = register
        if isinstance(op, DelayOp):
            self.delays.append(op)
        return event

    def _other(self, op: Operation) -> None:
        """Let wires meet before what takes registers; other results have outcomes."""
        used = list(_used(op))
        registers = [self._registers[each] for each in used if each in self._registers]
        registers += [self._wires[each][1] for each in used if each in self._wires]
        for register in dict.fromkeys(registers):
            self._meet(register)
        for result in op.results:
            if isinstance(result.type, RegisterType) and registers:
                known = registers[0].durations
                self._registers[result] = self._new_register(known)
        if self._measured and not registers:
            self._follow(op)

    def _meet(self, register: RegisterTimes) -> None:
        """Let all wires that were used wait for one another."""
        wires = list(register.used)
        if wires:
            register.met = self.timeline.add(0, wires, [register.met], fixed=True)
        register.at = {key: wire for key, wire in register.at.items() if wire.out}
        register.used = {}
        for wire in register.at.values():
            wire.last = register.met

    def _awaited(self, op: OnQubits) -> frozenset[Event]:
        """Return the measurements whose outcomes an operation on qubits reads."""
        if not self._measured:
            return NONE
        found = self._outcomes_of(op.operands)
        return found | self._written if isinstance(op, UnitaryOp) else found

    def _follow(self, op: Operation) -> None:
        """Note on which outcomes the results of an operation depend, by memory too."""
        found = self._outcomes_of(_used(op))
        if not is_side_effect_free(op):
            if not only_has_effect(op, MemoryEffectKind.READ):
                self._written |= found
            found |= self._written
        self._outcomes |= dict.fromkeys(op.results, found)

    def _outcomes_of(self, values: Iterable[SSAValue]) -> frozenset[Event]:
        return NONE.union(*(self._outcomes.get(each, NONE) for each in values))


def _pairs(op: OnQubits) -> Iterator[tuple[SSAValue, SSAValue]]:
    """Yield the qubits that an operation takes, and what it returns for each."""
    if isinstance(op, MeasureOp | ResetOp):
        yield op.qubit, op.out_qubit
    else:
        yield from zip(op.qubits, op.results, strict=True)


def _acted_on(op: OnQubits) -> list[SSAValue]:
    """Return the qubits that an operation acts on, and does not only pass through."""
    if isinstance(op, GateOp) and GATES[op.gate.data].num_targets == 0:
        return list(op.controls)
    return [qubit for qubit, _ in _pairs(op)]


def _used(op: Operation) -> Iterator[SSAValue]:
    """Yield the operands of an operation and of those below it."""
    for each in op.walk():
        yield from each.operands
