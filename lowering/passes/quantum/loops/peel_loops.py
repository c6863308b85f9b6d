"""The pass `peel-loops`: the first or the last turns of a loop are written out."""

from collections.abc import Iterator
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects import scf
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation, SSAValue
from xdsl.passes import ModulePass

from qjit.dialects.quantum import AllocOp, ExtractOp, GateOp, InsertOp, ResetOp
from qjit.dialects.quantum.gates import Controllable
from qjit.dialects.quantum.types import RegisterType
from qjit.lowering.analysis.constants import known_float
from qjit.lowering.passes.pipeline import PipelineError

from .forward_qubits import forward_qubits
from .unroll_loops import gate_loops
from .written_turns import iterations_of, write_out


@dataclass(frozen=True)
class PeelLoopsPass(ModulePass):
    """Write out the first turns of loops on qubits in known states, and the last ones.

    Known states are worth something in the first turn only: `first` turns, by default
    one, of loops that have a qubit which is |0>, or turned from there by known angles.
    `last` turns are those of all loops. Loops of unknown length stay, and so do those
    whose bodies have more than `most` gates.
    """

    first: int = 1
    last: int = 0
    most: int = 100

    name = "peel-loops"

    def __post_init__(self) -> None:
        if min(self.first, self.last) < 0 or not self.first + self.last:
            raise PipelineError(
                f"'peel-loops' takes numbers of turns, but got first={self.first} and "
                f"last={self.last}. Choose first=1, or last=1."
            )

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Peel outer loops first: in a turn that is written out, inner ones begin."""
        for loop in gate_loops(op):
            turns = iterations_of(loop)
            gates = sum(isinstance(each, Controllable) for each in loop.walk())
            if not turns or gates > self.most:
                continue
            first = self.first if begins_in_known_state(loop) else 0
            if first or self.last:
                write_out(op, loop, first, self.last)
        forward_qubits(op)


def begins_in_known_state(loop: scf.ForOp) -> bool:
    """Tell whether a qubit that the body takes is in a known state before the loop."""
    for value, argument in zip(loop.iter_args, loop.body.block.args[1:], strict=True):
        if isinstance(value.type, RegisterType):
            return any(_is_known(_qubit(value, w)) for w in _wires(argument))
    return False


def _wires(register: SSAValue) -> Iterator[int | SSAValue]:
    """Yield the wires at which qubits are taken out of a register."""
    for use in register.uses:
        if isinstance(use.operation, ExtractOp):
            yield use.operation.wire


def _qubit(register: SSAValue, wire: int | SSAValue) -> SSAValue | None:
    """Return what was put into a register at a wire; the register, if nothing was.

    None is returned where that is not known.
    """
    while isinstance(op := register.owner, InsertOp):
        if not isinstance(wire, int) or not isinstance(op.wire, int):
            return None
        if op.wire == wire:
            return op.qubit
        register = op.register
    return register if isinstance(op, AllocOp) else None


def _is_known(value: SSAValue | None) -> bool:
    """Tell whether a qubit is in a known state: it met no other since it was |0>."""
    while value is not None:
        match value.owner:
            case AllocOp() | ResetOp():
                return True
            case GateOp() as op if len(op.qubits) == 1 and _has_known_angles(op):
                value = op.qubits[0]
            case ExtractOp() as op:
                value = _qubit(op.register, op.wire)
            case _:
                return False
    return False


def _has_known_angles(op: Operation) -> bool:
    assert isinstance(op, GateOp)
    return all(known_float(param) is not None for param in op.params)
