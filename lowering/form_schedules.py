"""The pass `form-schedules`: runs of gates become gate schedules."""

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, UnitAttr
from xdsl.ir import Block, Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter
from xdsl.utils.exceptions import VerifyException

from qjit.dialects import statevector
from qjit.dialects.gates import GATES
from qjit.dialects.quantum import (
    AllocOp,
    ExtractOp,
    GateOp,
    InsertOp,
    MeasureOp,
    ResetOp,
    UnitaryOp,
)
from qjit.dialects.quantum_types import RegisterType, control_pattern
from qjit.dialects.schedule import (
    Place,
    Schedule,
    ScheduledGate,
    ScheduledMatrix,
)
from qjit.dialects.statevector import RunOp

from .gate_parameters import ParameterReads

Wire = int | SSAValue


class FormSchedulesPass(ModulePass):
    """Replace gates on qubit values by schedules on the register."""

    name = "form-schedules"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Walk every block once, in program order."""
        for function in op.ops:
            for region in function.regions:
                for block in region.blocks:
                    BlockWalk(block, {}).run()


class BlockWalk:
    """Collects the gates of one block; other quantum operations end a schedule."""

    def __init__(self, block: Block, wires: dict[SSAValue, Wire]) -> None:
        self.block = block
        self.wires = wires
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
        if self.reads.visit(op) and self.schedule.reads_memory():
            self._finish(op)
        match op:
            case GateOp():  # most are
                self._gate(op)
            case AllocOp():
                self.recorded = "recorded" in op.attributes
                self.register = op.register
            case ExtractOp():
                self.register = op.register
                self.wires[op.qubit] = op.wire
                self.dead.append(op)
            case InsertOp():
                self._check_wire(op)
                op.out_register.replace_all_uses_with(op.register)
                self.dead.append(op)
            case UnitaryOp():
                self._unitary(op)
            case MeasureOp() | ResetOp():
                self._finish(op)
                self._measure(op)
            case _ if _touches_qubits(op):
                self._finish(op)
                self._descend(op)
            case _:
                pass

    def _check_wire(self, op: InsertOp) -> None:
        """Refuse to put a qubit back elsewhere, which a schedule cannot express."""
        taken = self.wires.get(op.qubit, op.wire)
        if isinstance(taken, int) and isinstance(op.wire, int) and taken != op.wire:
            raise VerifyException(
                f"Expected the qubit of wire {taken} back at its wire, but it is "
                f"inserted at wire {op.wire}. Use a SWAP gate to exchange qubits."
            )

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
        measured = statevector.MeasureOp(
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
                list(map(self.reads.place, slots)),
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
                Place() if op.slot is None else self.reads.place(op.slot),
                [self.wires[bit] for bit in op.targets],
                [self.wires[bit] for bit in op.controls],
                _bitmask(op.control_pattern),
                op.adjoint is not None,
                op.diagonal is not None,
                op.invertible is not None,
                _location(op),
            )
        )

    def _follow(self, op: GateOp | UnitaryOp) -> None:
        for before, after in zip(op.qubits, op.results, strict=True):
            self.wires[after] = self.wires[before]
        self.dead.append(op)

    def _finish(self, before: Operation) -> None:
        """Put the schedule collected so far before an operation."""
        schedule = self.schedule
        if not schedule.entries:
            return
        assert self.register is not None
        run = RunOp(self.register, schedule, recorded=self.recorded)
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
