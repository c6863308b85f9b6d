"""The pass `reuse-qubits`: a measured qubit is reset and stands for a later wire.

It is the inverse of `defer-measurements`: what is measured at the end is measured as
early as what it depends on allows, so that fewer wires are needed at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial

from xdsl.context import Context
from xdsl.dialects.builtin import (
    DenseArrayBase,
    IntegerAttr,
    ModuleOp,
    UnitAttr,
    i64,
)
from xdsl.dialects.memref import GetGlobalOp
from xdsl.ir import Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter
from xdsl.traits import IsTerminator, is_side_effect_free

from qjit.dialects.quantum import (
    AllocOp,
    ExtractOp,
    GateOp,
    InsertOp,
    MeasureOp,
    ResetOp,
    StatePrepOp,
    UnitaryOp,
)
from qjit.dialects.quantum.measurements import Readout, Statistic
from qjit.dialects.quantum.types import BitType, RegisterType
from qjit.lowering.passes.circuits.pauli_measurements import expand_pauli_measurements
from qjit.lowering.passes.quantum.loops.needed_turns import unroll_computed_wires
from qjit.lowering.program_attributes import LABELS

from .causal_cones import CausalCones, Item, WirePlan, plan_wires
from .measured_controls import OnOutcome, branch_on_outcome, gates_on_outcomes
from .register_span import (
    CONTROL_FLOW,
    QUBIT_OPERATIONS,
    OpenRegister,
    RegisterSpan,
    looks,
    rename_readout,
    touches_register,
    values_used,
    wires_inside,
)
from .wire_bases import Z, wire_bases


@dataclass(frozen=True)
class ReuseQubitsPass(ModulePass):
    """Reset measured qubits and use them as other wires, so that there are fewer.

    Gates are done in the order of causal cones (DeCross et al., arXiv:2210.08039), and
    gates under control of qubits that are measured then on outcomes, where that saves
    wires, if there may be `feed_forward`. Wires that measurements at the end look at
    stay.
    """

    feed_forward: bool = True

    name = "reuse-qubits"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Look at each register by itself."""
        expand_pauli_measurements(op)
        for alloc in [each for each in op.walk() if isinstance(each, AllocOp)]:
            span = RegisterSpan.of(alloc)
            # Exact results of circuits without measurements have no place for resets.
            if span is None or not span.measures:
                continue
            unroll_computed_wires(op, partial(list, span))
            if not span.computes_wires:
                reading = _Reading.of(span)
                if self.feed_forward:
                    reading = _best(reading)
                if reading.plan.num_places < span.size:
                    _Writing(span, reading).run()


@dataclass
class _Reading:
    """What the operations of a register depend on, up to the first that looks.

    `wires` are those of each operation, with the bases in which it is diagonal.
    `contents` says of operations that take the whole register which wire is at each
    place of it; `moves` take qubits out and put them back. The operations from number
    `look` on stay in order, and so do their wires stay to the end. Some gates may be
    done `on_outcomes`, after the measurements of these.
    """

    span: RegisterSpan
    ops: list[Operation] = field(default_factory=list[Operation])
    wires: list[dict[int, int]] = field(default_factory=list[dict[int, int]])
    contents: dict[Operation, list[int]] = field(
        default_factory=dict[Operation, list[int]]
    )
    moves: list[Operation] = field(default_factory=list[Operation])
    look: int | None = None
    on_outcomes: Mapping[Operation, OnOutcome] = field(
        default_factory=dict[Operation, OnOutcome]
    )

    @staticmethod
    def of(span: RegisterSpan) -> _Reading:
        """Read a register."""
        found = _Reading(span)
        present, qubits = list(range(span.size)), dict[SSAValue, int]()
        for op in span:
            if found.look is None and looks(op):
                found.look = len(found.ops)
            found._read(op, present, qubits)
        return found

    @cached_property
    def kept(self) -> frozenset[int]:
        """The wires that stay to the end."""
        return frozenset[int]().union(*self.wires[self.look :])

    @cached_property
    def plan(self) -> WirePlan:
        """In which order the operations need few places."""
        return plan_wires(self._items(), self.span.size, self.kept)

    def fed_forward(self) -> _Reading:
        """Return the same with gates on outcomes, behind their measurements."""
        found = gates_on_outcomes(self.ops[: self.look], self.wires, self.kept)
        if not found:
            return self
        wires = dict(zip(self.ops, self.wires, strict=True))
        order: dict[Operation, None] = {}
        for op in self.ops:
            if op in found:
                order[found[op].measure] = None
                wires[op] = dict.fromkeys(found[op].gate.all_wires, 0)
            order[op] = None
        ops = list(order)
        return replace(
            self, ops=ops, wires=[wires[op] for op in ops], on_outcomes=found
        )

    def _read(
        self, op: Operation, present: list[int], qubits: dict[SSAValue, int]
    ) -> None:
        match op:
            case ExtractOp() if isinstance(op.wire, int):
                qubits[op.qubit] = present[op.wire]
                self.moves.append(op)
                return
            case InsertOp() if isinstance(op.wire, int):
                present[op.wire] = qubits[op.qubit]
                self.moves.append(op)
                return
            case _ if isinstance(op, QUBIT_OPERATIONS):
                count = len(op.results) - isinstance(op, MeasureOp)
                on = [qubits[v] for v in op.operands[len(op.operands) - count :]]
                qubits |= zip(op.results[len(op.results) - count :], on, strict=True)
                wires = _bases(op, on)
            case _ if touches_register(op):
                inside = sorted(wires_inside(op, self.span.size))
                self.contents[op] = list(present)
                wires = {present[place]: 0 for place in inside}
            case _:
                wires = {}
        self.ops.append(op)
        self.wires.append(wires)

    def _items(self) -> list[Item]:
        """Return the operations before the look with what they depend on."""
        cones, numbers = CausalCones(), dict[Operation, int]()
        memory: list[int] = []
        for op, bases in zip(self.ops[: self.look], self.wires, strict=False):
            makers = set(_makers(op))
            if op in self.on_outcomes:
                makers.add(self.on_outcomes[op].measure)
            after = {numbers[made] for made in makers if made in numbers}
            ordered = _is_in_order(op)
            cones.add(bases, after.union(memory) if ordered else after)
            numbers[op] = len(numbers)
            if ordered:
                memory = [numbers[op]]
        return cones.items


def _best(reading: _Reading) -> _Reading:
    """Return a reading with gates on outcomes, if that needs fewer places."""
    other = reading.fed_forward()
    return min(reading, other, key=lambda each: each.plan.num_places)


def _bases(op: Operation, qubits: Sequence[int]) -> dict[int, int]:
    """Return the bases in which an operation is diagonal on each qubit, as bits."""
    if isinstance(op, GateOp | UnitaryOp):
        return wire_bases(op, qubits)
    projects = isinstance(op, MeasureOp) and op.reset is None
    return dict.fromkeys(qubits, Z if projects else 0)


def _makers(op: Operation) -> Iterator[Operation]:
    """Yield the operations that compute what an operation takes besides qubits."""
    for value in values_used(op):
        if isinstance(value.owner, Operation) and not isinstance(
            value.type, BitType | RegisterType
        ):
            yield value.owner


def _is_in_order(op: Operation) -> bool:
    """Tell whether an operation reads or writes memory."""
    free = (*CONTROL_FLOW, MeasureOp, ResetOp)
    for each in op.walk():
        if isinstance(each, UnitaryOp):
            if not isinstance(each.matrix.owner, GetGlobalOp):
                return True
        elif not (
            isinstance(each, free)
            or each.has_trait(IsTerminator)
            or is_side_effect_free(each)
        ):
            return True
    return False


class _Writing:
    """Puts the operations of a register in the order of a plan, on its places."""

    def __init__(self, span: RegisterSpan, reading: _Reading) -> None:
        self.span, self.reading, self.plan = span, reading, reading.plan
        self.register = OpenRegister(span.alloc.register)
        self.begun = set[int]()
        self.last: dict[int, Operation] = {}  # what was last at each place

    def run(self) -> None:
        """Write everything again, in the order of the plan up to the first look."""
        reading, order = self.reading, self.plan.order
        look = reading.ops[len(order)]
        for op in reading.ops[: len(order)]:
            op.detach()
        for number in order:
            Rewriter.insert_op(reading.ops[number], InsertPoint.before(look))
            self._write(reading.ops[number], reading.wires[number])
        for number in range(len(order), len(reading.ops)):
            self._write(reading.ops[number], reading.wires[number])
        for op in (*reversed(reading.moves), *reading.on_outcomes):
            Rewriter.erase_op(op, safe_erase=False)
        self.span.alloc.attributes.pop(LABELS, None)
        self.span.set_size(self.plan.num_places)

    def _write(self, op: Operation, wires: Iterable[int]) -> None:
        for wire in wires:
            if wire not in self.begun:
                self._begin(wire, op)
        places = [self.plan.places[wire] for wire in wires]
        self.last |= dict.fromkeys(places, op)
        if op in self.reading.on_outcomes:
            self._on_outcome(op)
        elif op in self.reading.contents:
            self._whole(op, self.reading.contents[op])
        elif places:
            self.register.pass_through(op, places, op)

    def _begin(self, wire: int, before: Operation) -> None:
        """Let a wire begin in |0>, where another one may have ended."""
        self.begun.add(wire)
        place = self.plan.places[wire]
        match self.last.get(place):
            case None | ResetOp():
                pass
            case MeasureOp() as op:
                op.properties["reset"] = UnitAttr()
            case _:
                reset = ResetOp(self.register.qubit(place, before))
                Rewriter.insert_op(reset, InsertPoint.before(before))
                self.register.out[place] = reset.out_qubit

    def _on_outcome(self, op: Operation) -> None:
        """Do a gate in a branch."""
        register = self.register.close(op)
        on = self.reading.on_outcomes[op]
        branch = branch_on_outcome(on, register, self.plan.places)
        Rewriter.insert_op(branch, InsertPoint.before(op))
        (self.register.register,) = branch.results

    def _whole(self, op: Operation, contents: Sequence[int]) -> None:
        """Give an operation the register, and the places of its wires."""
        names = {n: self.plan.places[wire] for n, wire in enumerate(contents)}
        for each in op.walk():
            _rename(each, names, self.plan.num_places)
        self.register.hand_over(op)


def _rename(op: Operation, names: Mapping[int, int], size: int) -> None:
    """Let an operation name other wires, of a register of a size."""
    match op:
        case ExtractOp() | InsertOp() if isinstance(op.wire, int):
            op.index = IntegerAttr(names[op.wire], i64)
        case StatePrepOp() if op.wires is not None:
            places = [names[wire] for wire in op.wires.get_values()]
            op.wires = DenseArrayBase.from_list(i64, places)
        case Readout() | Statistic():
            rename_readout(op, names, size)
        case _:
            pass
