"""The pass `hoist-loop-gates`: a gate that is alone on its wires leaves its loop.

U(a) in each of n iterations is U(n a), where U is additive and its angle is the same in
all of them; a gate that is its own inverse is itself, or nothing.
"""

from xdsl.context import Context
from xdsl.dialects import arith, scf
from xdsl.dialects.builtin import IndexType, IntegerAttr, ModuleOp, f64, i64
from xdsl.ir import Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

from qjit.lowering.analysis.cost_model import trip_count
from qjit.lowering.passes.circuits.gates import Gate
from qjit.lowering.passes.circuits.parameters import ParameterExpression, parameter

from .forward_qubits import forward_qubits
from .loop_gates import GateLoop, loops_inside_out, remove_gate


class HoistLoopGatesPass(ModulePass):
    """Replace gates that are repeated alone on their wires: U(a) n times is U(n a)."""

    name = "hoist-loop-gates"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Empty inner loops first: what comes out of them may be moved on."""
        for loop in loops_inside_out(op):
            while (found := GateLoop.of(loop)) is not None and _hoist(found):
                pass
        forward_qubits(op)


def _hoist(loop: GateLoop) -> bool:
    """Move one gate; tell whether there was one."""
    for op, gate in loop.first_gates():
        found = loop.last_gate(gate)
        if found is None or found[0] is not op or found[1] != gate:
            continue
        repeated = _repeated(loop, gate)
        if repeated is not None:
            remove_gate(op)
            for each in repeated:
                loop.apply_after(each)
            return True
    return False


def _repeated(loop: GateLoop, gate: Gate) -> list[Gate] | None:
    """Return what a gate is in all iterations together, if it is one gate."""
    trips = trip_count(loop.loop)
    if gate.inverse() == gate and trips is not None:
        return [gate] * (trips % 2)
    if trips is None and not isinstance(loop.loop, scf.ForOp):
        return None
    if not gate.record.additive or not loop.hoist_parameters(gate):
        return None
    if trips is not None:
        return [gate.at(trips * gate.angle)] if trips else []
    assert isinstance(loop.loop, scf.ForOp)
    return [gate.at(_computed_trips(loop.loop) * gate.angle)]


def _computed_trips(loop: scf.ForOp) -> ParameterExpression:
    """Insert what computes the number of iterations, and return it."""
    ops: list[Operation] = []

    def add(op: Operation) -> SSAValue:
        ops.append(op)
        return op.results[0]

    zero = add(arith.ConstantOp(IntegerAttr(0, IndexType())))
    length = add(arith.SubiOp(loop.ub, loop.lb))
    number = add(arith.CeilDivSIOp(length, loop.step))
    number = add(arith.MaxSIOp(number, zero))
    integer = add(arith.IndexCastOp(number, i64))
    real = add(arith.SIToFPOp(integer, f64))
    Rewriter.insert_op(ops, InsertPoint.before(loop))
    return parameter(real)
