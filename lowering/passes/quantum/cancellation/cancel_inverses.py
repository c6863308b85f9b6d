"""The pass `cancel-inverses`: a gate and its inverse are nothing."""

import operator
from collections.abc import Iterable

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import SSAValue
from xdsl.passes import ModulePass

from qjit.lowering.passes.circuits.parameters import affine, parameter

from .commuting_walk import MetGate, walk


class CancelInversesPass(ModulePass):
    """Remove pairs of gates that undo one another, perhaps after gates that commute.

    Gates with gradient slots are removed if both have the same.
    """

    name = "cancel-inverses"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Walk once: a pair that comes together when another goes is met later."""
        for blockwise, earlier, gate in walk(op, lambda _: True, _undoes):
            if earlier is not None:
                blockwise.erase(earlier)
                blockwise.erase(gate)


def _undoes(earlier: MetGate, gate: MetGate) -> bool:
    kind, record = gate.kind, gate.kind.record
    if kind.num_slots != earlier.kind.num_slots:
        return False
    if any(map(operator.is_not, earlier.slots, gate.slots)):
        return False
    if record.self_adjoint:
        return True
    flipped = (gate.op.adjoint is None) != (earlier.op.adjoint is None)
    if flipped and _all_equal(gate.params, earlier.params):
        return True
    if kind.num_slots or not kind.num_params:
        return False
    if record.additive:
        return (earlier.angle + gate.angle).is_zero(record.period)
    params = list(map(parameter, gate.params))
    inverse = params if flipped else record.adjoint(params)
    if inverse is None:
        return False
    pairs = zip(inverse, map(affine, earlier.params), strict=True)
    return all(
        one.affine is not None and (one.affine - other).is_zero()
        for one, other in pairs
    )


def _all_equal(ones: Iterable[SSAValue], others: Iterable[SSAValue]) -> bool:
    return all(map(_equal, ones, others))


def _equal(one: SSAValue, other: SSAValue) -> bool:
    return one is other or (affine(one) - affine(other)).is_zero()
