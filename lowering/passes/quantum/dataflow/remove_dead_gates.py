"""The pass `remove-dead-gates`: gates that no measurement sees.

Backward along the qubits it is known what is asked of each: nothing, the probabilities
of |0> and |1>, or its state. Diagonal gates do not change probabilities; those on
qubits of which nothing is asked are outside of the light cone of all measurements.
"""

from enum import IntEnum

import numpy as np
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import Rewriter

from qjit.dialects.gates import GATES, GateRecord
from qjit.dialects.quantum import DeallocOp, ExtractOp, GateOp, InsertOp
from qjit.dialects.quantum.measurements import (
    CountsOp,
    DensityMatrixOp,
    ProbsOp,
    SampleOp,
    Statistic,
)
from qjit.dialects.quantum.types import RegisterType, register_size
from qjit.runtime.abi.layout import Kernel


class Demand(IntEnum):
    """What is asked of a qubit."""

    NOTHING = 0
    PROBABILITIES = 1
    STATE = 2


class RemoveDeadGatesPass(ModulePass):
    """Remove gates that do not change what is measured: light cones, last diagonals."""

    name = "remove-dead-gates"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Look at each block by itself, from its end."""
        for each in list(op.walk()):
            for region in each.regions:
                for block in region.blocks:
                    _Liveness(block).remove()


class _Liveness:
    """What is asked of the qubits of a block and, by wire, of its registers."""

    def __init__(self, block: Block) -> None:
        self.block = block
        self.qubits: dict[SSAValue, Demand] = {}
        self.registers: dict[SSAValue, list[Demand]] = {}

    def remove(self) -> None:
        """Remove dead gates."""
        op = self.block.last_op
        while op is not None:
            before = op.prev_op
            if isinstance(op, GateOp):
                self._gate(op)
            elif isinstance(op, InsertOp):
                self._insert(op)
            elif isinstance(op, ExtractOp):
                self._extract(op)
            else:
                self._other(op)
            op = before

    def _gate(self, op: GateOp) -> None:
        demands = [self.qubits.get(result, Demand.STATE) for result in op.results]
        most = max(demands)
        record = GATES[op.gate.data]
        if not op.slots and (
            most is Demand.NOTHING
            or (most is Demand.PROBABILITIES and _is_diagonal(record))
        ):
            for qubit, result, demand in zip(
                op.qubits, op.results, demands, strict=True
            ):
                result.replace_all_uses_with(qubit)
                self.qubits[qubit] = demand
            Rewriter.erase_op(op)
            return
        permutes = most is Demand.PROBABILITIES and _is_permutation(record)
        demand = Demand.PROBABILITIES if permutes else Demand.STATE
        self.qubits |= dict.fromkeys(op.qubits, demand)

    def _insert(self, op: InsertOp) -> None:
        wanted = list(self._of_register(op.out_register))
        if isinstance(op.wire, int):
            self.qubits[op.qubit] = wanted[op.wire]
            wanted[op.wire] = Demand.NOTHING  # of the qubit that is out
            self._ask(op.register, wanted)
        else:
            self.qubits[op.qubit] = max(wanted)
            self._ask(op.register, [max(wanted)] * len(wanted))

    def _extract(self, op: ExtractOp) -> None:
        """Ask of the register what is asked of the qubit, at its wire."""
        demand = self.qubits.get(op.qubit, Demand.STATE)
        size = register_size(op.register)
        wanted = self.registers.setdefault(op.register, [Demand.NOTHING] * size)
        if isinstance(op.wire, int):
            wanted[op.wire] = max(wanted[op.wire], demand)
        else:
            wanted[:] = [Demand.STATE] * size

    def _other(self, op: Operation) -> None:
        for value in op.operands:
            if isinstance(value.type, RegisterType):
                self._ask(value, _asked(op, register_size(value)))
        for value in (each for inner in op.walk() for each in inner.operands):
            if isinstance(value.type, RegisterType) and value not in op.operands:
                self._ask(value, [Demand.STATE] * register_size(value))

    def _of_register(self, register: SSAValue) -> list[Demand]:
        size = register_size(register)
        return self.registers.get(register, [Demand.NOTHING] * size)

    def _ask(self, register: SSAValue, wanted: list[Demand]) -> None:
        before = self._of_register(register)
        self.registers[register] = [max(p) for p in zip(before, wanted, strict=True)]


def _asked(op: Operation, size: int) -> list[Demand]:
    """Return what an operation asks of the wires of its register."""
    wanted = [Demand.NOTHING] * size
    if isinstance(op, DeallocOp):
        return wanted
    if isinstance(op, ProbsOp | SampleOp | CountsOp):
        for wire in op.measured:
            wanted[wire] = Demand.PROBABILITIES
    elif isinstance(op, DensityMatrixOp):
        for wire in op.measured:
            wanted[wire] = Demand.STATE
    elif isinstance(op, Statistic):
        for term in op.terms:
            for wire, letter in enumerate(term.word.data):
                known = {"I": Demand.NOTHING, "Z": Demand.PROBABILITIES}
                wanted[wire] = max(wanted[wire], known.get(letter, Demand.STATE))
            for factor in term.factors:
                for wire in factor.wires.get_values():
                    wanted[wire] = Demand.STATE
    else:
        wanted = [Demand.STATE] * size
    return wanted


def _is_diagonal(record: GateRecord) -> bool:
    return record.kernel is Kernel.DIAGONAL


def _is_permutation(record: GateRecord) -> bool:
    """Tell whether a gate exchanges basis states, up to phases."""
    if record.num_params or record.static:
        return record.kernel is Kernel.DIAGONAL
    matrix = np.abs(record.matrix())
    return bool(np.all((matrix < 1e-12) | (np.abs(matrix - 1) < 1e-12)))
