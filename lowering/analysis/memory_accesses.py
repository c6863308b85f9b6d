"""Which buffers operations read and write, those of their regions included."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from xdsl.dialects import memref, scf
from xdsl.dialects.builtin import MemRefType, ModuleOp
from xdsl.dialects.cf import AssertOp
from xdsl.dialects.func import CallOp, FuncOp, ReturnOp
from xdsl.ir import Block, Operation, SSAValue
from xdsl.traits import is_side_effect_free

from qjit.dialects.host import FunctionOp
from qjit.dialects.quantum import (
    AllocOp,
    DeallocOp,
    MeasureOp,
    PassThrough,
    ResetOp,
    StatePrepOp,
)
from qjit.dialects.quantum.gates import Controllable
from qjit.dialects.quantum.measurements import Readout, Statistic

Buffers = frozenset[SSAValue]
READERS = (memref.LoadOp, Controllable, StatePrepOp, Statistic)
# What computes numbers, and touches no buffer, whatever xDSL knows of it.
PURE = ("arith", "math", "complex")
SILENT = (
    *(memref.AllocOp, memref.GetGlobalOp, memref.ReinterpretCastOp),
    *(scf.ForOp, scf.IfOp, scf.IndexSwitchOp, scf.WhileOp, scf.YieldOp),
    *(scf.ConditionOp, ReturnOp, AllocOp, DeallocOp, PassThrough, MeasureOp, ResetOp),
    *(FuncOp, FunctionOp, AssertOp),
)


@dataclass(frozen=True)
class Accesses:
    """The buffers that an operation reads, and those that it writes.

    They are not `known` where it does something that nobody told of.
    """

    reads: Buffers = frozenset()
    writes: Buffers = frozenset()
    known: bool = True

    def __or__(self, other: Accesses) -> Accesses:
        known = self.known and other.known
        return Accesses(self.reads | other.reads, self.writes | other.writes, known)


def buffer_of(value: SSAValue) -> SSAValue:
    """Return the buffer that a view is of."""
    while isinstance(view := value.owner, memref.ReinterpretCastOp):
        value = view.source
    return value


def uses_of(buffer: SSAValue) -> Iterator[Operation]:
    """Yield the operations that use a buffer, or views of it."""
    for use in buffer.uses:
        yield use.operation
        if isinstance(use.operation, memref.ReinterpretCastOp):
            yield from uses_of(use.operation.result)


@dataclass
class AccessesOf:
    """The accesses of the operations of a module, by name of those they call."""

    module: ModuleOp
    _called: dict[str, Accesses] = field(default_factory=dict[str, Accesses])

    def __call__(self, op: Operation) -> Accesses:
        """Return the accesses of an operation."""
        found = Accesses()
        for each in op.walk():
            found |= self._own(each)
        return found

    def function(self, name: str) -> FuncOp | None:
        """Return the function of a name."""
        functions = (each for each in self.module.ops if isinstance(each, FuncOp))
        return next((each for each in functions if each.sym_name.data == name), None)

    def _own(self, op: Operation) -> Accesses:
        buffers = [buffer_of(v) for v in op.operands if isinstance(v.type, MemRefType)]
        passed = any(
            isinstance(arg.type, MemRefType)
            for region in op.regions
            for block in region.blocks
            for arg in block.args
        )
        if passed and not isinstance(op, FuncOp):
            return Accesses(known=False)
        match op:
            case CallOp():
                return self._call(op)
            case memref.StoreOp():
                return Accesses(writes=frozenset(buffers))
            case memref.CopyOp():
                return Accesses(frozenset(buffers[:1]), frozenset(buffers[1:]))
            case Readout():
                return Accesses(writes=frozenset(buffers))
            case _ if isinstance(op, READERS):
                return Accesses(reads=frozenset(buffers))
            case _ if isinstance(op, SILENT):
                return Accesses()
            case _ if op.name.partition(".")[0] in PURE:
                return Accesses()
            case _ if not buffers and is_side_effect_free(op):
                return Accesses()
            case _:
                every = frozenset(buffers)
                return Accesses(every, every, known=False)

    def _call(self, op: CallOp) -> Accesses:
        """Return what a function does to the buffers that it is given."""
        name = op.callee.string_value()
        function = self.function(name)
        if function is None or not function.body.blocks:
            return Accesses(known=False)
        if name not in self._called:
            self._called[name] = Accesses(known=False)  # of one that calls itself
            self._called[name] = self(function)
        found, args = self._called[name], function.body.block.args
        given: dict[SSAValue, SSAValue] = dict(zip(args, op.operands, strict=True))
        return Accesses(
            frozenset(buffer_of(given[b]) for b in found.reads if b in given),
            frozenset(buffer_of(given[b]) for b in found.writes if b in given),
            found.known,
        )


def ancestor_in(block: Block, op: Operation) -> Operation | None:
    """Return the operation of a block that another one is, or is within."""
    found: Operation | None = op
    while found is not None and found.parent is not block:
        found = found.parent_op()
    return found
