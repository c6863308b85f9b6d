"""The pass `build-schedules`: runs of gates become gate schedules.

Qubits may be put back at other wires than they were taken from. Gates then act where
the qubits are, and a schedule ends with swaps that bring them where they belong, before
anything else looks at the register. Kernels rename amplitudes instead.
"""

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, UnitAttr
from xdsl.ir import Block, Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter
from xdsl.utils.exceptions import VerifyException

from qjit.dialects.gates import GATES
from qjit.dialects.quantum import (
    AllocOp,
    ExtractOp,
    GateOp,
    InsertOp,
    MeasureOp,
    PassThrough,
    ResetOp,
    UnitaryOp,
)
from qjit.dialects.quantum.types import RegisterType, control_pattern
from qjit.dialects.statevector import ScheduleOp, dialect
from qjit.dialects.statevector.schedule import (
    GradientSlot,
    Schedule,
    ScheduledGate,
    ScheduledMatrix,
)
from qjit.lowering.passes.circuits.pauli_measurements import expand_pauli_measurements

from .gate_parameters import ParameterReads

Wire = int | SSAValue


class BuildSchedulesPass(ModulePass):
    """Replace gates on qubit values by schedules on the register."""

    name = "build-schedules"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Walk every block once, in program order."""
        expand_pauli_measurements(op)
        for function in op.ops:
            for region in function.regions:
                for block in region.blocks:
                    BlockWalk(block, {}).run()


class BlockWalk:
    """Collects the gates of one block; other quantum operations end a schedule."""

    def __init__(self, block: Block, wires: dict[SSAValue, Wire]) -> None:
        self.block = block
        self.wires = wires  # where each qubit is
        # Where the qubits of some wires of registers are.
        self.displaced: dict[SSAValue, dict[Wire, Wire]] = {}
        self.schedule = Schedule()
        self.reads = ParameterReads()
        # NOTE: a function of gates has its register as an argument.
        given = (arg for arg in block.args if isinstance(arg.type, RegisterType))
        self.register: SSAValue | None = next(given, None)
        self.dead: list[Operation] = []
        self.recorded = False

    def run(self) -> None:
        """Rewrite the block."""
        for op in list(self.block.ops):
            self._visit(op)
        for op in reversed(self.dead):
            Rewriter.erase_op(op, safe_erase=False)
        self.reads.erase_unused()

    def _visit(self, op: Operation) -> None:
        if any(self.displaced.values()) and not isinstance(op, ExtractOp | InsertOp):
            self._restore_wires(op)
        if self.reads.visit(op) and self.schedule.reads_memory():
            self._finish(op)
        match op:
            case GateOp():  # most are
                self._gate(op)
            case AllocOp():
                self._take(op.register, op)
                self.recorded = "recorded" in op.attributes
            case ExtractOp():
                self._take_out(op)
                self.dead.append(op)
            case InsertOp():
                self._put_back(op)
                op.out_register.replace_all_uses_with(op.register)
                self.dead.append(op)
            case UnitaryOp():
                self._unitary(op)
            case PassThrough():
                self._follow(op)
            case MeasureOp() | ResetOp():
                self._finish(op)
                self._measure(op)
            case _ if _touches_qubits(op):
                self._finish(op)
                self._descend(op)
            case _:
                pass

    def _take(self, register: SSAValue, before: Operation) -> None:
        """Let the gates to come be of a register."""
        if self.register is not None and register is not self.register:
            self._finish(before)
        self.register = register

    def _take_out(self, op: ExtractOp) -> None:
        """Note where a qubit is: at its wire, or where another one was put."""
        self._take(op.register, op)
        where = self.displaced.get(op.register, {})
        if op.wire not in where and not all(
            isinstance(wire, int) for wire in (op.wire, *where)
        ):
            # A wire that is computed may be one of those that are displaced.
            self._restore(op.register, op)
        self.wires[op.qubit] = where.pop(op.wire, op.wire)

    def _put_back(self, op: InsertOp) -> None:
        """Note where the qubit of a wire is, if not there."""
        place = self.wires.get(op.qubit, op.wire)
        if place != op.wire:
            self.displaced.setdefault(op.register, {})[op.wire] = place

    def _restore_wires(self, op: Operation) -> None:
        """Swap the qubits of registers to their wires, before they are looked at."""
        operands = (value for each in op.walk() for value in each.operands)
        for register in dict.fromkeys(operands):
            self._restore(register, op)

    def _restore(self, register: SSAValue, before: Operation) -> None:
        """Swap the qubits of a register to their wires."""
        where = self.displaced.get(register, {})
        if where.keys() != set(where.values()):
            raise VerifyException(
                f"Expected all qubits back before {before.name}, but got some at other "
                "wires while the qubits of these wires are out."
            )
        if where:
            self._take(register, before)
        for wire in list(where):
            place = where[wire]
            if place != wire:
                self._swap(wire, place)
                # What was at the wire is now where its own qubit was.
                other = next(each for each, at in where.items() if at == wire)
                where[other] = place
            del where[wire]

    def _swap(self, one: Wire, other: Wire) -> None:
        gate = ScheduledGate("SWAP", [], [], [one, other], [], 0, adjoint=False)
        self.schedule.add(gate)

    def _descend(self, op: Operation) -> None:
        for region in op.regions:
            for block in region.blocks:
                inner = BlockWalk(block, self.wires)
                inner.recorded = self.recorded
                inner.register = self.register
                inner.run()

    def _measure(self, op: MeasureOp | ResetOp) -> None:
        """Let a measured qubit keep its wire."""
        assert self.register is not None
        is_reset = isinstance(op, ResetOp)
        measured = dialect.MeasureOp(
            self.register,
            self.wires[op.qubit],
            None if is_reset else op.postselect,
            UnitAttr() if is_reset else op.reset,
            op.line,
        )
        Rewriter.insert_op(measured, InsertPoint.before(op))
        if isinstance(op, MeasureOp):
            op.outcome.replace_all_uses_with(measured.outcome)
        self.wires[op.out_qubit] = self.wires[op.qubit]
        self.dead.append(op)

    def _gate(self, op: GateOp) -> None:
        self._follow(op)
        name = op.gate.data
        if name == "I":
            return
        record = GATES[name]
        params, slots, targets, controls = op.groups
        self.schedule.add(
            ScheduledGate(
                name,
                list(map(self.reads.parameter, params)),
                list(map(self.reads.gradient_slot, slots)),
                [self.wires[bit] for bit in targets] if record.num_targets != 0 else [],
                [self.wires[bit] for bit in controls],
                _bitmask(control_pattern(op.control_values, len(controls))),
                op.adjoint is not None,
                op.word.data if op.word is not None else None,
                op.dim.value.data if op.dim is not None else 0,
                _location(op),
            )
        )

    def _unitary(self, op: UnitaryOp) -> None:
        self._follow(op)
        self.schedule.add(
            ScheduledMatrix(
                op.matrix,
                GradientSlot()
                if op.slot is None
                else self.reads.gradient_slot(op.slot),
                [self.wires[bit] for bit in op.targets],
                [self.wires[bit] for bit in op.controls],
                _bitmask(op.control_pattern),
                op.adjoint is not None,
                op.diagonal is not None,
                op.invertible is not None,
                _location(op),
            )
        )

    def _follow(self, op: GateOp | UnitaryOp | PassThrough) -> None:
        for before, after in zip(op.qubits, op.results, strict=True):
            self.wires[after] = self.wires[before]
        self.dead.append(op)

    def _finish(self, before: Operation) -> None:
        """Put the schedule collected so far before an operation."""
        schedule = self.schedule
        if not schedule.entries:
            return
        assert self.register is not None
        run = ScheduleOp(self.register, schedule, recorded=self.recorded)
        Rewriter.insert_op(run, InsertPoint.before(before))
        self.schedule = Schedule()


def _bitmask(values: tuple[int, ...]) -> int:
    return sum(value << place for place, value in enumerate(values))


def _location(op: GateOp | UnitaryOp) -> int:
    return 0 if op.line is None else op.line.value.data


def _touches_qubits(op: Operation) -> bool:
    """Tell whether an operation needs the state as all gates before it left it."""
    if any(isinstance(v.type, RegisterType) for v in (*op.operands, *op.results)):
        return True
    return any(True for region in op.regions for _ in region.blocks)
