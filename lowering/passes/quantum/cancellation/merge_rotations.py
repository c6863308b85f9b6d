"""The pass `merge-rotations`: U(a) and U(b) are U(a + b)."""

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

from .commuting_walk import GateKind, MetGate, walk


class MergeRotationsPass(ModulePass):
    """Merge gates that add their angles, perhaps after gates that commute.

    Gates with gradient slots stay as they are: a gate has one slot per parameter.
    """

    name = "merge-rotations"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Walk once: a merged gate is met again by the gates after it."""
        merged: dict[MetGate, None] = {}
        for blockwise, earlier, gate in walk(op, _adds_up, _unslotted):
            if earlier is None:
                continue
            gate.angle = earlier.angle + gate.angle
            blockwise.erase(earlier)
            merged.pop(earlier, None)
            if gate.angle.is_zero(gate.kind.record.period):
                blockwise.erase(gate)
            else:
                merged[gate] = None
        for gate in merged:
            _write_angle(gate)


def _adds_up(kind: GateKind) -> bool:
    return kind.record.additive and not kind.num_slots


def _unslotted(earlier: MetGate, gate: MetGate) -> bool:
    return not earlier.kind.num_slots


def _write_angle(gate: MetGate) -> None:
    """Let a gate have another angle than it had."""

    def insert(op: Operation) -> None:
        Rewriter.insert_op(op, InsertPoint.before(gate.op))

    gate.op.operands[0] = gate.angle.shortest().expression().emit(insert)
    gate.op.properties.pop("adjoint", None)
