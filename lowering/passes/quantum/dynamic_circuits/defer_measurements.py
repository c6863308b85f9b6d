"""The pass `defer-measurements`: measurements on the way move to the end.

A measurement commutes with all that is diagonal on its qubit. Before a gate that is
not, a CNOT copies the outcome to a fresh wire; a qubit that is reset is left alone, and
a fresh wire takes its place. What is done on an outcome is done under control instead.
"""

from dataclasses import dataclass
from functools import partial

from xdsl.context import Context
from xdsl.dialects import scf
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.traits import is_side_effect_free

from qjit.dialects.quantum import (
    AllocOp,
    ExtractOp,
    GateOp,
    InsertOp,
    MeasureOp,
    PassThrough,
    ResetOp,
    StatePrepOp,
    UnitaryOp,
)
from qjit.dialects.targets import STATEVECTOR
from qjit.lowering.passes.circuits.pauli_measurements import expand_pauli_measurements
from qjit.lowering.passes.pipeline import PipelineError
from qjit.lowering.passes.quantum.loops.needed_turns import unroll_measured_loops

from .deferred_outcomes import DeferredOutcomes
from .feed_forward import ALWAYS, FeedForward, turned
from .register_span import (
    RegisterSpan,
    looks,
    touches_register,
    wires_inside,
)

MOST_WIRES = STATEVECTOR.most_wires


@dataclass(frozen=True)
class DeferMeasurementsPass(ModulePass):
    """Move measurements to the end: feed-forward becomes controlled gates.

    This is the principle of deferred measurement (Nielsen and Chuang, section 4.4). A
    measured qubit that is used on takes a fresh wire; registers grow up to `wires`.
    """

    wires: int | None = None

    name = "defer-measurements"

    def __post_init__(self) -> None:
        """Refuse numbers that mean nothing."""
        if self.wires is not None and self.wires < 1:
            raise PipelineError(
                f"'defer-measurements' takes at least 1 wire, but got {self.wires}."
            )

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Look at each register by itself."""
        expand_pauli_measurements(op)
        for alloc in [each for each in op.walk() if isinstance(each, AllocOp)]:
            span = RegisterSpan.of(alloc)
            if span is not None and span.measures:
                unroll_measured_loops(op, partial(list, span))
                most = MOST_WIRES if self.wires is None else self.wires
                _Deferral(span, min(most, MOST_WIRES)).run()


class _Deferral:
    """A walk along a register that puts measurements off."""

    def __init__(self, span: RegisterSpan, most: int) -> None:
        self.span = span
        self.state = DeferredOutcomes(span, most if span.can_grow else 0)
        self.feed_forward = FeedForward(self.state)
        self.dead: list[Operation] = []
        # Qubits of wires that are computed, and those that are out along with them.
        self.unnamed: set[SSAValue] = set()

    def run(self) -> None:
        """Visit all operations in order."""
        for op in list(self.span):
            self._visit(op)
        for op in reversed(self.dead):
            op.detach()
            op.erase(safe_erase=False)
        self.state.erase_unused()
        size = len(self.state.at)
        if size > self.span.size:
            self.span.grow(size)

    def _visit(self, op: Operation) -> None:
        state = self.state
        match op:
            case ExtractOp() if self.unnamed or not isinstance(op.wire, int):
                self._take_unnamed(op)
            case ExtractOp() if isinstance(op.wire, int):
                state.qubits[op.qubit] = state.contents[op.wire]
                self.dead.append(op)
            case InsertOp() if op.qubit in self.unnamed:
                self.unnamed.remove(op.qubit)
                op.operands[0] = state.register.register
                state.register.register = op.out_register
            case InsertOp() if isinstance(op.wire, int):
                state.contents[op.wire] = state.qubits[op.qubit]
                self.dead.append(op)
            case _ if not self.unnamed.isdisjoint(op.operands):
                self._act_unnamed(op)
            case GateOp() | UnitaryOp():
                self._gate(op)
            case MeasureOp():
                self._measure(op)
            case ResetOp():
                self._reset(op)
            case PassThrough():
                self._stay(op)
            case scf.IfOp() | scf.IndexSwitchOp() if self.feed_forward.can_control(op):
                for each in self.feed_forward.control(op, op):
                    self._classical(each)
                self.dead.append(op)
            case _ if touches_register(op):
                self._whole(op)
            case _:
                self._classical(op)

    def _take_unnamed(self, op: ExtractOp) -> None:
        """Leave a qubit that may be any one where it is: it holds no outcome then."""
        state = self.state
        if not self.unnamed:
            state.make_room(state.contents, op)
            state.fresh.clear()
            state.register.close(op, state.arrange())
        state.settle(state.used(op), op)
        op.operands[0] = state.register.register
        self.unnamed.add(op.qubit)

    def _act_unnamed(self, op: Operation) -> None:
        state = self.state
        state.settle(state.used(op), op)
        first, shift = len(op.operands) - 1, len(op.operands) - len(op.results)
        for index in range(first, -1, -1):
            value = op.operands[index]
            if value in self.unnamed:
                self.unnamed.remove(value)
                self.unnamed.add(op.results[index - shift])
            elif (qubit := state.qubits.get(value)) is not None:
                op.operands[index] = state.value(qubit, op)
                state.put({qubit: op.results[index - shift]})
                state.qubits[op.results[index - shift]] = qubit

    def _gate(self, op: GateOp | UnitaryOp) -> None:
        state = self.state
        qubits = [state.qubits[qubit] for qubit in op.qubits]
        if isinstance(op, UnitaryOp) and op.invertible is not None:
            state.settle(state.pending, op)
        if outcomes := state.used(op):
            if self.feed_forward.can_be_under(op) and state.can_copy(qubits):
                self.feed_forward.under(op, qubits, ALWAYS, op)
                self.dead.append(op)
                return
            state.settle(outcomes, op)
        state.make_room(turned(op, qubits), op)
        state.pass_through(op, qubits)

    def _measure(self, op: MeasureOp) -> None:
        state = self.state
        qubit = state.qubits[op.qubit]
        if op.reset is not None and not state.can_grow():
            self._stay(op)
            return
        state.defer(op, qubit)
        state.rename(op, [qubit])
        if op.reset is not None:
            del op.properties["reset"]
            state.rename(op, [state.grow()])

    def _reset(self, op: ResetOp) -> None:
        state = self.state
        qubit = state.qubits[op.qubit]
        if qubit not in state.fresh and not state.can_grow():
            self._stay(op)
            return
        state.rename(op, [qubit if qubit in state.fresh else state.grow()])
        self.dead.append(op)

    def _stay(self, op: MeasureOp | ResetOp | PassThrough) -> None:
        """Keep an operation where it is, after measurements of its qubits."""
        qubits = [self.state.qubits[v] for v in op.operands]
        self.state.settle(self.state.outcomes_on(qubits), op)
        self.state.pass_through(op, qubits)

    def _whole(self, op: Operation) -> None:
        """Give an operation the register, with the wires of the program in order."""
        state = self.state
        state.settle(state.pending if looks(op) else state.used(op), op)
        inside = wires_inside(op, len(state.contents))
        touched = [state.contents[wire] for wire in sorted(inside)]
        if isinstance(op, StatePrepOp):  # its qubits have to be in |0>
            state.settle(state.outcomes_on(touched), op)
        else:
            state.make_room(touched, op)
        state.fresh.difference_update(touched)
        state.register.hand_over(op, state.arrange())

    def _classical(self, op: Operation) -> None:
        """Let an operation wait for outcomes that it is computed from, if it may."""
        state = self.state
        outcomes = state.used(op)
        if looks(op):
            state.settle(state.pending, op)
        elif outcomes and (op.regions or not is_side_effect_free(op)):
            state.settle(outcomes, op)
        elif outcomes:
            state.wait(op)
