"""The pass `retime-loops`: some gates that end an iteration begin the next one.

A loop of A, then B, is B's inverse, a loop of B, then A, and B at the end. Where B has
its targets in a tile with the first gates of A, but not with the last, a pass over
memory is saved in every iteration: as for the gate that closes a ring.
"""

from dataclasses import dataclass, replace

from xdsl.context import Context
from xdsl.dialects import scf
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import BlockArgument, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

from qjit.dialects.quantum import AllocOp
from qjit.dialects.statevector import ScheduleOp
from qjit.dialects.statevector.schedule import Entry
from qjit.lowering.analysis.cost_model import trip_count
from qjit.lowering.kernels.schedule.retiming import late_gates, put_first
from qjit.lowering.kernels.schedule.tiling import Tiles
from qjit.lowering.kernels.selection import is_tiled, schedules_in
from qjit.runtime.settings import enabled
from qjit.runtime.target.cpu import Precision

FEWEST_TURNS = 3  # what is before and behind the loop takes as long as two


class RetimeLoopsPass(ModulePass):
    """Let last gates of an iteration begin the next one where that is better."""

    name = "retime-loops"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Look at every run that is all that a loop does to a state."""
        if not enabled("retiming"):
            return
        for run, num_wires, precision in schedules_in(op):
            iteration = _iteration_of(run)
            if iteration is not None and is_tiled(num_wires, precision):
                _retime(iteration, num_wires, precision)


@dataclass(frozen=True)
class Iteration:
    """A run that is all that a loop does to a state, which the loop carries."""

    loop: scf.ForOp | scf.WhileOp
    run: ScheduleOp
    before: SSAValue  # the register before the loop
    after: SSAValue


def _iteration_of(run: ScheduleOp) -> Iteration | None:
    register, loop = run.register, run.parent_op()
    if not isinstance(register, BlockArgument):
        return None
    number = register.index
    if isinstance(loop, scf.ForOp) and _iterates_often(loop):
        place = number - 1  # behind the number of the iteration
        iteration = Iteration(loop, run, loop.iter_args[place], loop.results[place])
    elif isinstance(loop, scf.WhileOp):
        given = _given(loop, number)
        if given is None:
            return None
        place = given.index
        iteration = Iteration(loop, run, loop.arguments[place], loop.results[number])
    else:
        return None
    ends = [use for use in register.uses if use.operation is not run]
    carried = [isinstance(u.operation, scf.YieldOp) and u.index == place for u in ends]
    return iteration if carried == [True] else None


def _iterates_often(loop: scf.ForOp) -> bool:
    count = trip_count(loop)
    return count is None or count >= FEWEST_TURNS


def _given(loop: scf.WhileOp, number: int) -> BlockArgument | None:
    """What an iteration of a loop begins with, if the loop does not change it first."""
    decision = loop.before_region.block.last_op
    assert isinstance(decision, scf.ConditionOp)
    given = decision.args[number]
    if not isinstance(given, BlockArgument) or len(list(given.uses)) != 1:
        return None
    return given if given.owner is loop.before_region.block else None


def _retime(iteration: Iteration, num_wires: int, precision: Precision) -> None:
    run = iteration.run
    entries, wires = run.schedule, run.wires.get_values()
    kinds = Tiles.of(num_wires, precision, in_pairs=run.slots is not None)
    chosen = late_gates(entries, wires, kinds)
    if not chosen:
        return
    Rewriter.replace_op(run, run.of(run.register, put_first(chosen, entries)))
    if not (_is_fresh(iteration.before) and all(map(_is_idle_at_first, chosen))):
        inverse = [replace(e, adjoint=1 - e.adjoint) for e in reversed(chosen)]
        undo = run.of(iteration.before, inverse)
        Rewriter.insert_op(undo, InsertPoint.before(iteration.loop))
    close = run.of(iteration.after, chosen)
    Rewriter.insert_op(close, InsertPoint.after(iteration.loop))


def _is_fresh(register: SSAValue) -> bool:
    """Whether a register that a loop begins with is in the first basis state."""
    return isinstance(register.owner, AllocOp) and len(list(register.uses)) == 1


def _is_idle_at_first(entry: Entry) -> bool:
    """Whether a gate does nothing to the first basis state: a control is not set."""
    return entry.control_values != 0
