"""The pass `cancel-inverses`: a gate followed by its inverse is nothing."""

from xdsl.context import Context
from xdsl.dialects import arith
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import SSAValue
from xdsl.passes import ModulePass

from qjit.dialects.quantum import GateOp
from qjit.lowering.analysis.constants import known_float

from .gate_pairs import base_record, gates, previous_gate, replace_pair


class CancelInversesPass(ModulePass):
    """Remove pairs of gates that undo one another on the same qubits."""

    name = "cancel-inverses"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Walk once: a pair that comes together when another goes is met later."""
        for gate in gates(op):
            earlier = previous_gate(gate)
            if earlier is not None and _undoes(gate, earlier):
                replace_pair(earlier, gate, None)


def _undoes(gate: GateOp, earlier: GateOp) -> bool:
    if not all(map(_equal, gate.slots, earlier.slots)):
        return False
    if len(gate.slots) != len(earlier.slots):
        return False
    flipped = (gate.adjoint is None) != (earlier.adjoint is None)
    if flipped and all(map(_equal, gate.params, earlier.params)):
        return True
    record = base_record(gate)
    if record.self_adjoint:
        return True
    return (
        not flipped and record.additive and _opposite(gate.params[0], earlier.params[0])
    )


def _equal(a: SSAValue, b: SSAValue) -> bool:
    known = known_float(a)
    return a is b or (known is not None and known == known_float(b))


def _opposite(a: SSAValue, b: SSAValue) -> bool:
    known, other = known_float(a), known_float(b)
    if known is not None and other is not None:
        return known == -other
    return _negates(a, b) or _negates(b, a)


def _negates(a: SSAValue, b: SSAValue) -> bool:
    return isinstance(a.owner, arith.NegfOp) and a.owner.operand is b
