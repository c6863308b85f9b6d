"""The pass `unroll-loops`: each iteration of a loop is written out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from xdsl.context import Context
from xdsl.dialects import arith, scf
from xdsl.dialects.builtin import IndexType, IntegerAttr, IntegerType, ModuleOp
from xdsl.interpreter import Interpreter
from xdsl.interpreters.arith import ArithFunctions
from xdsl.ir import Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter
from xdsl.traits import IsTerminator

from qjit.dialects.interpreter.classical import ElementwiseFunctions, NumberFunctions
from qjit.dialects.quantum import ExtractOp, InsertOp, MeasureOp, ResetOp
from qjit.dialects.quantum.gates import Controllable
from qjit.lowering.analysis.constants import known_integer

from .forward_qubits import forward_qubits


@dataclass(frozen=True)
class UnrollLoopsPass(ModulePass):
    """Write out the iterations of loops of gates whose number is known, up to `most`.

    Other passes see gates of several iterations together then, and wires that were
    computed from the number of the iteration are known.
    """

    most: int = 1000

    name = "unroll-loops"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Unroll outer loops first, since inner ones may depend on them."""
        for loop in loops_with(op, lambda each: isinstance(each, Controllable)):
            turns = iterations_of(loop) or ()
            if len(turns) <= self.most:
                write_out(op, loop, len(turns))
        forward_qubits(op)


def unroll_computed_wires(module: ModuleOp) -> None:
    """Write out loops of known length in which wires are computed."""
    _write_out_all(module, _computes_wire)


def unroll_measured_loops(module: ModuleOp) -> None:
    """Write out loops of known length in which qubits are measured or reset."""
    _write_out_all(module, lambda op: isinstance(op, MeasureOp | ResetOp))


def _write_out_all(module: ModuleOp, found: Any) -> None:
    for loop in loops_with(module, found):
        write_out(module, loop, len(iterations_of(loop) or ()))


def loops_with(module: ModuleOp, found: Any) -> Iterator[scf.ForOp]:
    """Yield loops of known length with operations of a kind, until none is left.

    Outer loops come first, and may be written out before the next one is asked for. A
    loop that is still there when the next one is asked for is not yielded again.
    """
    seen: set[scf.ForOp] = set()
    blocks = [block for region in module.regions for block in region.blocks]
    while blocks:
        block, before = blocks.pop(), None
        while (op := block.first_op if before is None else before.next_op) is not None:
            if isinstance(op, scf.ForOp) and op not in seen and _has(op, found):
                seen.add(op)
                yield op
                continue  # with what may stand before it, or in its place
            blocks += [inner for region in op.regions for inner in region.blocks]
            before = op


def _has(loop: scf.ForOp, found: Any) -> bool:
    """Tell whether a loop has a known length and operations of a kind."""
    return iterations_of(loop) is not None and any(map(found, loop.walk()))


def _computes_wire(op: Operation) -> bool:
    return isinstance(op, ExtractOp | InsertOp) and not isinstance(op.wire, int)


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
    before = _Folding(module, loop)
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
    behind = _Folding(module, following)
    values = behind.turns(loop, turns[len(turns) - last :], list(loop.results))
    for each, value in zip(uses, values, strict=True):
        for use in each:
            use.operation.operands[use.index] = value


class _Folding:
    """Copies operations before another one, integers as the constants that they are."""

    def __init__(self, module: ModuleOp, before: Operation) -> None:
        self.before = before
        self.interpreter = Interpreter(module)
        self.interpreter.register_implementations(ArithFunctions())
        for functions in (ElementwiseFunctions(), NumberFunctions()):
            self.interpreter.register_implementations(functions, override=True)

    def turns(
        self, loop: scf.ForOp, numbers: range, values: Sequence[SSAValue]
    ) -> Sequence[SSAValue]:
        """Copy a loop's body for numbers of turns; return what the last one yields."""
        counter, *arguments = loop.body.block.args
        for number in numbers:
            known: dict[SSAValue, SSAValue] = {
                counter: self.constant(number, IndexType())
            }
            known |= zip(arguments, values, strict=True)
            for op in loop.body.block.ops:
                if op.has_trait(IsTerminator):
                    values = [known.get(value, value) for value in op.operands]
                else:
                    self.copy(op, known)
        return values

    def constant(self, number: int, kind: Any) -> SSAValue:
        """Insert a constant."""
        made = arith.ConstantOp(IntegerAttr(number, kind))
        self._insert(made)
        return made.result

    def copy(self, op: Operation, known: dict[SSAValue, SSAValue]) -> None:
        """Copy an operation, given what its values are, and note its results."""
        integers = [known_integer(known.get(each, each)) for each in op.operands]
        number = self._folded(op, integers)
        if number is not None:
            known[op.results[0]] = self.constant(number, op.results[0].type)
            return
        copy = op.clone(known)
        wire = integers[1] if _computes_wire(op) else None
        if isinstance(copy, ExtractOp | InsertOp) and wire is not None:
            copy = _at_wire(copy, wire)
            known[op.results[0]] = copy.results[0]
        self._insert(copy)

    def _folded(self, op: Operation, integers: list[int | None]) -> int | None:
        """Return the integer that arithmetic on constants gives."""
        if not op.name.startswith("arith.") or len(op.results) != 1 or not integers:
            return None
        kind = op.results[0].type
        if not isinstance(kind, IntegerType | IndexType) or None in integers:
            return None
        (number,) = self.interpreter.run_op(op, tuple(integers))
        return int(number)

    def _insert(self, op: Operation) -> None:
        Rewriter.insert_op(op, InsertPoint.before(self.before))


def _at_wire(op: ExtractOp | InsertOp, wire: int) -> ExtractOp | InsertOp:
    """Return the same operation at a wire that is a number."""
    line = None if op.line is None else op.line.value.data
    if isinstance(op, ExtractOp):
        made: ExtractOp | InsertOp = ExtractOp(op.register, wire, line=line)
    else:
        made = InsertOp(op.register, wire, op.qubit, line=line)
    op.drop_all_references()
    return made
