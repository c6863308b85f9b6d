"""Loops that passes write out because they have to know what is done in each turn."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

from xdsl.dialects import scf
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, BlockArgument, Operation, OpResult, SSAValue
from xdsl.rewriter import Rewriter

from qjit.dialects.quantum import ExtractOp, InsertOp, MeasureOp, ResetOp
from qjit.lowering.analysis.constants import known_integer
from qjit.lowering.analysis.integer_folding import IntegerFolding, is_integer

from .written_turns import (
    MOST_OPERATIONS,
    at_known_wire,
    iterations_of,
    num_written,
    write_out,
)

# Returns the loops within operations that are to be written out.
Needed = Callable[[Iterable[Operation]], Collection[scf.ForOp]]


def unroll_computed_wires(
    module: ModuleOp, within: Callable[[], Iterable[Operation]]
) -> scf.ForOp | None:
    """Write out loops on whose turns wires depend, where these are numbers then.

    Args:
        module: the program.
        within: returns the operations in which wires are to be known.

    Returns:
        A loop that would take more than `MOST_OPERATIONS`, if there is one: it stays.
    """
    wires = _ComputedWires(module)
    left = _write_out(module, within, wires.loops)
    wires.fold(within())
    return left


def unroll_measured_loops(
    module: ModuleOp, within: Callable[[], Iterable[Operation]]
) -> scf.ForOp | None:
    """Write out loops of known length in which qubits are measured or reset.

    The arguments and the result are those of `unroll_computed_wires`.
    """
    return _write_out(module, within, _measured_loops)


def _write_out(
    module: ModuleOp, within: Callable[[], Iterable[Operation]], needed: Needed
) -> scf.ForOp | None:
    """Write out outer loops first, since inner ones may depend on them."""
    written = 0
    while True:
        loops = needed(within())
        outer = [
            (loop, turns)
            for loop in loops
            if not any(each in loops for each in _around(loop))
            and (turns := iterations_of(loop)) is not None
        ]
        if not outer:
            return None
        for loop, turns in outer:
            written += num_written(loop, len(turns))
            if written > MOST_OPERATIONS:
                return loop
            write_out(module, loop, len(turns))


def _around(loop: scf.ForOp) -> Iterator[Operation]:
    op = loop.parent_op()
    while op is not None:
        yield op
        op = op.parent_op()


def _loops(ops: Iterable[Operation]) -> Iterator[scf.ForOp]:
    for op in ops:
        yield from (each for each in op.walk() if isinstance(each, scf.ForOp))


def _measured_loops(ops: Iterable[Operation]) -> list[scf.ForOp]:
    return [
        loop
        for loop in _loops(ops)
        if iterations_of(loop) is not None
        and any(isinstance(each, MeasureOp | ResetOp) for each in loop.walk())
    ]


class _ComputedWires:
    """What wires are computed from."""

    def __init__(self, module: ModuleOp) -> None:
        self.folding = IntegerFolding(module)

    def loops(self, ops: Iterable[Operation]) -> dict[scf.ForOp, None]:
        """Return the loops whose turns decide on wires, together with numbers only."""
        roots = list(ops)
        allowed = dict.fromkeys(_loops(roots))
        found: dict[scf.ForOp, None] = {}
        for op in _computing(roots):
            assert isinstance(op.wire, SSAValue)
            sources = self._sources(op.wire, allowed)
            found |= dict.fromkeys(sources or ())
        return found

    def _sources(
        self, wire: SSAValue, allowed: Collection[scf.ForOp]
    ) -> set[scf.ForOp] | None:
        """Return the loops that a value depends on; None if also on other things."""
        found: set[scf.ForOp] = set()
        waiting, seen = [wire], {wire}
        while waiting:
            more = self._taken(waiting.pop(), found)
            if more is None or not found.issubset(allowed):
                return None
            waiting += [value for value in more if value not in seen]
            seen.update(more)
        return found

    def _taken(
        self, value: SSAValue, found: set[scf.ForOp]
    ) -> Sequence[SSAValue] | None:
        """Return what a value is computed from, and note the loop that it is of."""
        if known_integer(value) is not None:
            return ()
        owner = value.owner
        loop = owner.parent_op() if isinstance(owner, Block) else owner
        if not isinstance(loop, scf.ForOp):
            if isinstance(owner, Operation) and self.folding.folds(owner):
                return [v for v in owner.operands if is_integer(v)]
            return None
        found.add(loop)
        assert isinstance(value, BlockArgument | OpResult)
        bounds = loop.lb, loop.ub, loop.step
        place = value.index - isinstance(owner, Block)
        if place < 0:
            return bounds
        end = loop.body.block.last_op
        assert end is not None
        return *bounds, loop.iter_args[place], end.operands[place]

    def fold(self, ops: Iterable[Operation]) -> None:
        """Let wires be numbers that are computed from numbers."""
        known: dict[SSAValue, int | None] = {}
        for op in list(_computing(ops)):
            assert isinstance(op.wire, SSAValue)
            made = at_known_wire(op.clone(), self._number(op.wire, known), op.parent)
            if isinstance(made.wire, int):
                Rewriter.replace_op(op, made)
            else:
                made.erase()

    def _number(self, value: SSAValue, known: dict[SSAValue, int | None]) -> int | None:
        if value not in known:
            op = value.owner
            known[value] = known_integer(value)
            if isinstance(op, Operation) and self.folding.folds(op):
                operands = [self._number(each, known) for each in op.operands]
                known[value] = self.folding.result(op, operands)
        return known[value]


def _computing(ops: Iterable[Operation]) -> Iterator[ExtractOp | InsertOp]:
    """Yield the operations at wires that are computed."""
    for op in ops:
        for each in op.walk():
            if isinstance(each, ExtractOp | InsertOp) and not isinstance(
                each.wire, int
            ):
                yield each
