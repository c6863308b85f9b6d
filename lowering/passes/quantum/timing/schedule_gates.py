"""The pass `schedule-gates`: gates start at times, and qubits wait in delays.

Gates of a block start as soon, or as late, as those on their wires allow; so do
measurements, resets and delays, and gates whose angles come from outcomes wait for
these. A loop, a branch, a call, a wire that is computed, and the end of a circuit are
moments at which all wires of a register meet that were used since the last one. Bodies
of loops and branches have times of their own.
"""

from collections.abc import Set
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import FloatAttr, IntegerAttr, ModuleOp, StringAttr, f64
from xdsl.dialects.func import FuncOp
from xdsl.ir import Block, Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

from qjit.dialects.quantum import AllocOp, DelayOp, RegisterType
from qjit.lowering.analysis.devices import target_of
from qjit.lowering.passes.circuits.pauli_measurements import expand_pauli_measurements
from qjit.lowering.passes.pipeline import PipelineError
from qjit.lowering.program_attributes import DURATIONS

from .block_times import BlockTimes
from .durations import MODES, PER_SECOND, DurationError, Durations, attoseconds
from .operation_durations import with_durations


@dataclass(frozen=True)
class ScheduleGatesPass(ModulePass):
    """Insert delays so that gates start as soon or as late as they can (ASAP, ALAP).

    Durations are those of the device and those given, which come first. Where there are
    none, there is nothing to do.
    """

    mode: str = "asap"
    durations: str = ""

    name = "schedule-gates"

    def __post_init__(self) -> None:
        """Refuse options that mean nothing."""
        if self.mode not in MODES:
            raise PipelineError(
                f"'{self.name}' takes mode=asap or mode=alap, but got {self.mode!r}."
            )
        try:
            Durations.read(self.durations)
        except DurationError as error:
            raise PipelineError(f"'{self.name}': {error}") from error

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Schedule each block by itself."""
        for each in op.walk():
            if isinstance(each, AllocOp | FuncOp):
                self._mark(each)
        if all(durations is None for _, durations in with_durations(op)):
            return
        expand_pauli_measurements(op)
        for each, durations in list(with_durations(op)):
            for region in each.regions:
                for block in region.blocks:
                    self._schedule(block, durations)

    def _mark(self, op: AllocOp | FuncOp) -> None:
        """Let what begins a circuit, or has gates, say how long operations take."""
        own = target_of(op).durations
        known = Durations.of(own or {}) | Durations.read(self.durations)
        gates = isinstance(op, AllocOp) or any(
            isinstance(arg.type, RegisterType) for arg in op.args
        )
        if known.table and gates:
            op.attributes[DURATIONS] = StringAttr(known.text)

    def _schedule(self, block: Block, durations: Durations | None) -> None:
        times = BlockTimes(block, durations, self.name)
        if self.mode == "asap":
            times.timeline.start_early()
        else:
            times.timeline.start_late()
        delays = [
            _insert_delay(block, qubit, gap)
            for qubit, gap in list(times.timeline.gaps())
        ]
        for delay in times.delays:
            delays += _split(delay) if len(delay.qubits) > 1 else [delay]
        _merge_neighbours(block, set(delays))


def _insert_delay(block: Block, qubit: SSAValue, duration: int) -> DelayOp:
    """Let a qubit idle before it is used."""
    (use,) = qubit.uses
    before: Operation | None = use.operation
    while before is not None and before.parent is not block:
        before = before.parent_op()
    assert before is not None
    line = _line(use.operation) or _line(qubit.owner)
    delay = DelayOp(duration / PER_SECOND, [qubit], line=line)
    Rewriter.insert_op(delay, InsertPoint.before(before))
    use.operation.operands[use.index] = delay.results[0]
    return delay


def _line(op: Operation | Block) -> int | None:
    """Return the number of the user's line, if an operation has one."""
    found = op.properties.get("line") if isinstance(op, Operation) else None
    return found.value.data if isinstance(found, IntegerAttr) else None


def _split(delay: DelayOp) -> list[DelayOp]:
    """Make a delay on several wires one on each: where they begin is known now."""
    line = _line(delay)
    each = [DelayOp(delay.seconds, [qubit], line=line) for qubit in delay.qubits]
    Rewriter.replace_op(delay, each, [found.results[0] for found in each])
    return each


def _merge_neighbours(block: Block, delays: Set[DelayOp]) -> None:
    """Make one of those delays on one wire that follow one another."""
    for op in list(block.ops):
        if not isinstance(op, DelayOp) or op not in delays:
            continue
        before = op.qubits[0].owner
        if isinstance(before, DelayOp) and before in delays:
            total = attoseconds(before.seconds) + attoseconds(op.seconds)
            op.properties["duration"] = FloatAttr(total / PER_SECOND, f64)
            Rewriter.replace_op(before, [], list(before.qubits))
