"""The pass `rotate-loops`: gates at the ends of a loop's body meet.

The gate at the end of an iteration meets the one at the start of the next: where both
are one gate, or none, a loop over `g ... h` is `g`, a loop over `... h g`, and the
inverse of `g`. This holds for loops that do not run at all, too.
"""

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from qjit.dialects.quantum import GateOp
from qjit.lowering.analysis.cost_model import trip_count
from qjit.lowering.passes.circuits.gates import Gate

from .forward_qubits import forward_qubits
from .loop_gates import GateLoop, loops_inside_out, remove_gate, replace_gate

# A loop of fewer iterations has no fewer gates afterwards.
LEAST_ITERATIONS = 3


class RotateLoopsPass(ModulePass):
    """Merge the gates at the end of a loop's body with those at its start."""

    name = "rotate-loops"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Rotate inner loops first: what comes out of them may be moved on."""
        for loop in loops_inside_out(op):
            trips = trip_count(loop)
            if trips is None or trips >= LEAST_ITERATIONS:
                while (found := GateLoop.of(loop)) is not None and _rotate(found):
                    pass
        forward_qubits(op)


def _rotate(loop: GateLoop) -> bool:
    """Move one gate; tell whether there was one."""
    for op, gate in loop.first_gates():
        found = loop.last_gate(gate)
        if found is None or found[0] is op:
            continue
        merged = _merged(found[1], gate)
        if merged is not None and loop.hoist_parameters(gate):
            _move(loop, op, gate, found[0], merged)
            return True
    return False


def _move(
    loop: GateLoop, first: GateOp, gate: Gate, last: GateOp, merged: list[Gate]
) -> None:
    if merged:
        replace_gate(last, merged[0], loop.last)
    else:
        remove_gate(last)
    remove_gate(first)
    loop.apply_before(gate)
    loop.apply_after(gate.inverse())


def _merged(last: Gate, first: Gate) -> list[Gate] | None:
    """Return the gate, or none, that two gates in a row are; None if they are two."""
    if last == first.inverse():
        return []
    same = (
        last.base == first.base
        and last.all_controls == first.all_controls
        and last.all_control_values == first.all_control_values
        and last.targets == first.targets
        and last.static == first.static
    )
    if not same or not first.record.additive:
        return None
    angles = [-gate.angle if gate.adjoint else gate.angle for gate in (last, first)]
    total = angles[0] + angles[1]
    if last.adjoint:
        total = -total
    return [] if total.known == 0 else [last.at(total)]
