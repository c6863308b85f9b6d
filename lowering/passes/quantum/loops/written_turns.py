"""Turns of loops, written out: copies of their bodies, with integers that are known."""

from collections.abc import Sequence
from typing import Any

from xdsl.dialects import arith, scf
from xdsl.dialects.builtin import IndexType, IntegerAttr, ModuleOp, i64
from xdsl.ir import Block, Operation, SSAValue
from xdsl.rewriter import InsertPoint, Rewriter
from xdsl.traits import IsTerminator

from qjit.dialects.interpreter.classical import of_width
from qjit.dialects.quantum import ExtractOp, InsertOp
from qjit.dialects.quantum.types import register_size
from qjit.lowering.analysis.constants import known_integer
from qjit.lowering.analysis.integer_folding import IntegerFolding

# How many operations a pass may write.
MOST_OPERATIONS = 200_000


def num_written(loop: scf.ForOp, turns: int) -> int:
    """Return how many operations the turns of a loop are, written out."""
    return turns * sum(1 for _ in loop.body.walk())


def iterations_of(loop: scf.ForOp) -> range | None:
    """Return the numbers of the iterations, if they are known."""
    low, high, step = map(known_integer, (loop.lb, loop.ub, loop.step))
    if low is None or high is None or not step:
        return None
    return range(low, high, step)


def write_out(module: ModuleOp, loop: scf.ForOp, first: int, last: int = 0) -> None:
    """Write out turns of a loop before it, and behind it; all, if there are no more."""
    turns = iterations_of(loop)
    assert turns is not None
    first = min(first, len(turns))
    last = min(last, len(turns) - first)
    before = _Copies(module, loop)
    values = before.turns(loop, turns[:first], list(loop.iter_args))
    if first + last == len(turns):
        values = before.turns(loop, turns[first:], values)
        for result, value in zip(loop.results, values, strict=True):
            result.replace_all_uses_with(value)
        Rewriter.erase_op(loop, safe_erase=False)
        return
    kept = turns[first : len(turns) - last]
    loop.operands = [
        before.constant(kept.start, IndexType()),
        before.constant(kept.stop, IndexType()),
        loop.step,
        *values,
    ]
    if not last:
        return
    following = loop.next_op
    assert following is not None
    uses = [list(result.uses) for result in loop.results]
    behind = _Copies(module, following)
    values = behind.turns(loop, turns[len(turns) - last :], list(loop.results))
    for each, value in zip(uses, values, strict=True):
        for use in each:
            use.operation.operands[use.index] = value


class _Copies:
    """Copies of operations before another one.

    Integers that are known are numbers, and become constants where they are used.
    """

    def __init__(self, module: ModuleOp, before: Operation) -> None:
        self.before = before
        self.folding = IntegerFolding(module)
        self.constants: dict[tuple[int, Any], SSAValue] = {}

    def turns(
        self, loop: scf.ForOp, numbers: range, values: Sequence[SSAValue]
    ) -> Sequence[SSAValue]:
        """Copy a loop's body for numbers of turns; return what the last one yields."""
        counter, *arguments = loop.body.block.args
        carried: list[SSAValue | int] = list(values)
        for number in numbers:
            known: dict[SSAValue, SSAValue | int] = {counter: number}
            known |= zip(arguments, carried, strict=True)
            for op in loop.body.block.ops:
                if op.has_trait(IsTerminator):
                    carried = [known.get(value, value) for value in op.operands]
                else:
                    self.copy(op, known)
        pairs = zip(carried, values, strict=True)
        return [self._value(each, value.type) for each, value in pairs]

    def constant(self, number: int, kind: Any) -> SSAValue:
        """Return a constant, which is inserted where it is new."""
        if (number, kind) not in self.constants:
            made = arith.ConstantOp(IntegerAttr(number, kind))
            self._insert(made)
            self.constants[number, kind] = made.result
        return self.constants[number, kind]

    def copy(self, op: Operation, known: dict[SSAValue, SSAValue | int]) -> None:
        """Copy an operation, given what its values are, and note its results."""
        operands = [known.get(each, each) for each in op.operands]
        integers = [
            each if isinstance(each, int) else known_integer(each) for each in operands
        ]
        number = self.folding.result(op, integers)
        if number is None and isinstance(op, arith.ConstantOp):
            number = known_integer(op.result)
        if number is not None:
            known[op.results[0]] = of_width(number, op.results[0].type)
            return
        used = {v: known[v] for each in op.walk() for v in each.operands if v in known}
        copy = op.clone({v: self._value(each, v.type) for v, each in used.items()})
        known |= zip(op.results, copy.results, strict=True)
        if isinstance(copy, ExtractOp | InsertOp):
            copy = self._at_wire(copy, integers[1:])
            known[op.results[0]] = copy.results[0]
        self._insert(copy)

    def _at_wire(
        self, op: ExtractOp | InsertOp, integers: Sequence[int | None]
    ) -> ExtractOp | InsertOp:
        """Return an operation at a number, or at a value where the number cannot be."""
        if not isinstance(op.wire, int):
            return at_known_wire(op, integers[0], self.before.parent)
        if not repeats(op, op.wire, self.before.parent):
            return op
        return at(op, self.constant(op.wire, i64))

    def _value(self, known: SSAValue | int, kind: Any) -> SSAValue:
        return self.constant(known, kind) if isinstance(known, int) else known

    def _insert(self, op: Operation) -> None:
        Rewriter.insert_op(op, InsertPoint.before(self.before))


def at_known_wire(
    op: ExtractOp | InsertOp, wire: int | None, block: Block | None
) -> ExtractOp | InsertOp:
    """Return an operation at a wire that is a number, if it can be in a block.

    Others fail when the program runs, as they did before.
    """
    size = register_size(op.register)
    if wire is None or not 0 <= wire < size or repeats(op, wire, block):
        return op
    return at(op, wire)


def at(op: ExtractOp | InsertOp, wire: int | SSAValue) -> ExtractOp | InsertOp:
    """Return an operation at another wire, in place of this one."""
    line = None if op.line is None else op.line.value.data
    if isinstance(op, ExtractOp):
        made: ExtractOp | InsertOp = ExtractOp(op.register, wire, line=line)
    else:
        made = InsertOp(op.register, wire, op.qubit, line=line)
    op.drop_all_references()
    return made


def repeats(op: ExtractOp | InsertOp, wire: int, block: Block | None) -> bool:
    """Tell whether an operation takes a wire that is out, or puts it back again.

    It is, or will be, in this block; branches beside it may take the wire, too.
    """
    register = op.register
    while True:
        users = [use.operation for use in register.uses if use.operation is not op]
        taken = [e for e in users if isinstance(e, ExtractOp) and e.wire == wire]
        if isinstance(op, ExtractOp):
            return any(each.parent is block for each in taken)
        if taken or not isinstance(register.owner, InsertOp):
            return False
        if register.owner.wire == wire:
            return True
        register = register.owner.register
