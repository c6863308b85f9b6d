"""Where gate parameters come from: tables instead of code for what is only read."""

from xdsl.dialects import arith, memref
from xdsl.dialects.builtin import DYNAMIC_INDEX, FloatAttr, MemRefType
from xdsl.ir import Operation, SSAValue
from xdsl.rewriter import Rewriter

from qjit.dialects.quantum import AllocOp, ExtractOp, GateOp, InsertOp, UnitaryOp
from qjit.dialects.statevector.schedule import Element, GradientSlot, Parameter
from qjit.lowering.analysis.constants import known_integer

_PURE_DIALECTS = {"arith", "math", "complex"}
_HARMLESS = {
    memref.LoadOp,
    memref.AllocOp,
    memref.GetGlobalOp,
    memref.ReinterpretCastOp,
    AllocOp,
    ExtractOp,
    GateOp,
    InsertOp,
    UnitaryOp,
}


class ParameterReads:
    """The loads of one block that a schedule may do itself, later.

    A load may be put off until the memory changes.
    """

    def __init__(self) -> None:
        self._fresh: set[Operation] = set()
        self._unused: dict[Operation, None] = {}

    def visit(self, op: Operation) -> bool:
        """Take note of an operation; tell whether it may change memory."""
        if isinstance(op, memref.LoadOp):
            self._fresh.add(op)
        elif type(op) not in _HARMLESS and not _is_pure(op):
            self._fresh.clear()
            return True
        return False

    def parameter(self, value: SSAValue) -> Parameter:
        """Return where a scalar comes from."""
        owner = value.owner
        if isinstance(owner, arith.ConstantOp) and isinstance(owner.value, FloatAttr):
            self._unused[owner] = None
            return owner.value.value.data
        wide = owner if isinstance(owner, arith.ExtFOp) else None
        load = owner if wide is None else wide.input.owner
        if not isinstance(load, memref.LoadOp) or load not in self._fresh:
            return value
        index = _flat_index(load)
        if index is None:
            return value
        if wide is not None:
            self._unused[wide] = None
        self._unused[load] = None
        return Element(load.memref, index)

    def gradient_slot(self, slot: SSAValue) -> GradientSlot:
        """Return a gradient's slot: a number, a run-time one, or their sum."""
        owner, known = slot.owner, known_integer(slot)
        if known is not None:
            if isinstance(owner, arith.ConstantOp):
                self._unused[owner] = None
            return GradientSlot(known)
        if isinstance(owner, arith.AddiOp):
            base = known_integer(owner.rhs)
            if base is not None:
                self._unused[owner] = None
                return GradientSlot(base, owner.lhs)
        return GradientSlot(0, slot)

    def erase_unused(self) -> None:
        """Erase the loads and numbers that only gates used."""
        indices: dict[Operation, None] = {}
        for op in self._unused:
            if any(result.uses for result in op.results):
                continue
            for operand in op.operands:
                if isinstance(operand.owner, arith.ConstantOp):
                    indices[operand.owner] = None
            Rewriter.erase_op(op)
        for op in indices:
            if op.parent is not None and not op.results[0].uses:
                Rewriter.erase_op(op)
        self._unused.clear()


def _is_pure(op: Operation) -> bool:
    return op.name.partition(".")[0] in _PURE_DIALECTS


def _flat_index(load: memref.LoadOp) -> int | None:
    """Return the place of an element in its buffer, if that is known."""
    kind, place = load.memref.type, 0
    assert isinstance(kind, MemRefType)
    for extent, index in zip(kind.get_shape(), load.indices, strict=True):
        known = known_integer(index)
        if known is None or (place and extent == DYNAMIC_INDEX):
            return None
        place = place * extent + known
    return place
