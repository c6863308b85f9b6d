"""The pass `merge-rotations`: U(a) followed by U(b) is U(a + b)."""

from xdsl.context import Context
from xdsl.dialects import arith
from xdsl.dialects.builtin import FloatAttr, ModuleOp, f64
from xdsl.ir import Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

from qjit.dialects.quantum import GateOp
from qjit.lowering.analysis.constants import known_float

from .gate_pairs import base_record, gates, previous_gate, replace_pair


class MergeRotationsPass(ModulePass):
    """Merge gates that add their angles on the same qubits.

    Gates with gradient slots stay as they are: a gate has one slot per parameter.
    """

    name = "merge-rotations"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Walk once: a merged gate is met again by the gate after it."""
        for gate in gates(op):
            if gate.slots or not base_record(gate).additive:
                continue
            earlier = previous_gate(gate)
            if earlier is not None and not earlier.slots:
                _merge(earlier, gate)


def _merge(earlier: GateOp, gate: GateOp) -> None:
    total = _sum(earlier, gate)
    if isinstance(total, arith.ConstantOp) and known_float(total.result) == 0:
        replace_pair(earlier, gate, None)
        return
    merged = GateOp(
        earlier.gate.data,
        earlier.targets,
        params=[SSAValue.get(total)],
        controls=earlier.controls,
        control_values=earlier.control_pattern,
        adjoint=earlier.adjoint is not None,
        word=None if earlier.word is None else earlier.word.data,
        dim=None if earlier.dim is None else earlier.dim.value.data,
        line=None if earlier.line is None else earlier.line.value.data,
    )
    Rewriter.insert_op([total, merged], InsertPoint.before(gate))
    replace_pair(earlier, gate, merged)


def _sum(earlier: GateOp, gate: GateOp) -> Operation:
    """Return the angle of the merged gate, in the sense of the earlier one."""
    first, second = earlier.params[0], gate.params[0]
    flipped = (gate.adjoint is None) != (earlier.adjoint is None)
    a, b = known_float(first), known_float(second)
    if a is not None and b is not None:
        return arith.ConstantOp(FloatAttr(a - b if flipped else a + b, f64))
    make = arith.SubfOp if flipped else arith.AddfOp
    return make(first, second)
