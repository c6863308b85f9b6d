"""Classical code on the results of measurements, as it is inserted into programs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from xdsl.dialects import arith, memref, scf
from xdsl.dialects.builtin import FloatAttr, IndexType, IntegerAttr, f64, i64
from xdsl.dialects.func import FuncOp
from xdsl.ir import Block, Operation, SSAValue
from xdsl.rewriter import InsertPoint, Rewriter

from qjit.dialects.quantum.measurements import Statistic

# Which coefficient of an observable, and by what it is multiplied.
Weight = tuple[int, float]


class Code:
    """Operations that are inserted before another one."""

    def __init__(self, place: Operation) -> None:
        self.place = place

    def insert(self, op: Operation) -> Any:
        """Insert an operation, and return its first result."""
        Rewriter.insert_op(op, InsertPoint.before(self.place))
        return op.results[0] if op.results else None

    def index(self, value: int) -> SSAValue:
        """Return a constant index."""
        return self.insert(arith.ConstantOp(IntegerAttr(value, IndexType())))

    def integer(self, value: int) -> SSAValue:
        """Return a constant integer."""
        return self.insert(arith.ConstantOp(IntegerAttr(value, i64)))

    def number(self, value: float) -> SSAValue:
        """Return a constant in double precision."""
        return self.insert(arith.ConstantOp(FloatAttr(value, f64)))

    def load(self, buffer: SSAValue, *places: SSAValue) -> SSAValue:
        """Return an element of a buffer."""
        return self.insert(memref.LoadOp.get(buffer, list(places)))

    def store(self, value: SSAValue, buffer: SSAValue, *places: SSAValue) -> None:
        """Store an element into a buffer."""
        self.insert(memref.StoreOp.get(value, buffer, list(places)))

    def scaled(self, value: SSAValue, factor: float) -> SSAValue:
        """Return a number times one that is known."""
        if factor == 1.0:
            return value
        if factor == -1.0:
            return self.insert(arith.NegfOp(value))
        return self.insert(arith.MulfOp(value, self.number(factor)))

    def summed(self, values: Sequence[SSAValue]) -> SSAValue:
        """Return a sum, zero of none."""
        if not values:
            return self.number(0.0)
        total, *rest = values
        for value in rest:
            total = self.insert(arith.AddfOp(total, value))
        return total

    def allocated(self, kind: Any, shape: Sequence[int]) -> SSAValue:
        """Return a new buffer, which the function has from its start."""
        op = memref.AllocOp.get(kind, 64, list(shape))
        Rewriter.insert_op(op, InsertPoint.at_start(self._entry()))
        return op.memref

    def _entry(self) -> Block:
        found = self.place.parent_op()
        while not isinstance(found, FuncOp):
            assert found is not None
            found = found.parent_op()
        return found.body.block

    def weights(self, op: Statistic, chosen: Sequence[Weight]) -> SSAValue:
        """Return a buffer with coefficients of an observable, times known factors."""
        if list(chosen) == [(n, 1.0) for n in range(len(op.terms))]:
            return op.coefficients
        return self.stored(
            [
                self.scaled(self.load(op.coefficients, self.index(number)), factor)
                for number, factor in chosen
            ]
        )

    def stored(self, values: Sequence[SSAValue]) -> SSAValue:
        """Return a new buffer with some numbers."""
        target = self.allocated(f64, (len(values),))
        for place, value in enumerate(values):
            self.store(value, target, self.index(place))
        return target

    def loop(self, count: int, body: Body, carried: Sequence[SSAValue] = ()) -> Any:
        """Repeat code, and return what it carries from turn to turn."""
        kinds = [IndexType(), *(value.type for value in carried)]
        block = Block(arg_types=kinds)
        bounds = self.index(0), self.index(count), self.index(1)
        op = scf.ForOp(*bounds, carried, block)
        self.insert(op)
        place, *values = block.args
        found = body(_BlockCode(op, block), place, values)
        block.add_op(scf.YieldOp(*found))
        return op.results


class _BlockCode(Code):
    """Operations at the end of a block within an operation."""

    def __init__(self, around: Operation, block: Block) -> None:
        super().__init__(around)
        self.block = block

    def insert(self, op: Operation) -> Any:
        """Insert an operation, and return its first result."""
        self.block.add_op(op)
        return op.results[0] if op.results else None


# What is done in a turn of a loop: it takes the number of the turn and what is carried.
Body = Callable[[Code, SSAValue, Sequence[SSAValue]], Sequence[SSAValue]]
