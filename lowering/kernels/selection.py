"""Kernels of schedules: which have one, and their code, which is kept on disk."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from xdsl.dialects import scf
from xdsl.dialects.builtin import ModuleOp, StringAttr
from xdsl.dialects.func import FuncOp
from xdsl.ir import Operation
from xdsl.utils.exceptions import VerifyException

from qjit.dialects.quantum import AllocOp
from qjit.dialects.quantum.types import RegisterType
from qjit.dialects.statevector import ScheduleOp
from qjit.dialects.statevector.kernels import Kernel, KernelAttr, KernelOp
from qjit.dialects.statevector.schedule import NO_SLOT, Entry
from qjit.dialects.targets import STATEVECTOR
from qjit.lowering.analysis.cost_model import trip_count
from qjit.lowering.analysis.devices import target_of
from qjit.lowering.kernels.schedule.planner import (
    Plan,
    RegisterBudget,
    Stage,
    plan_stages,
)
from qjit.lowering.kernels.schedule.segments import Segment, segments_of
from qjit.runtime.library import generated_object
from qjit.runtime.settings import enabled, left_out
from qjit.runtime.target.cpu import C64, C128, Precision, second_level_cache

# What the code of a kernel is made by, besides the runtime and its schedule.
MADE_BY = (
    "dialects/gates",
    "dialects/statevector/schedule.py",
    "lowering/kernels",
    "lowering/native/gate_matrices.py",
)
PREFIX = "__qjit__kernel_"
ADJOINT_SUFFIX = "_adjoint"
# How many gates, times the blocks that are held at once, code is made for: so many for
# every time that it runs, up to a limit. A thousand take about a third of a second.
MOST_ONCE, MOST_OFTEN, MOST_TILED = 400, 4500, 16_000
MOST_BYTES = 1 << 16  # of a state that is not taken tile by tile
LEAST_PASSED = 1 << 14  # bytes of a state that is larger than what waits for it
LARGE = 12  # qubits; with each more, twice as much code is worth its while
UNKNOWN = 100  # how often a loop is taken to turn, or a function to be called


@dataclass(frozen=True)
class GateSchedule:
    """A run that has code, and which of its parameters have a gradient.

    That of a small state has segments; that of a large one has stages on tiles.
    """

    segments: tuple[Segment, ...]
    stages: tuple[Stage, ...]
    entries: int
    wanted: tuple[bool, ...] | None  # of a recorded run
    precision: Precision

    def describe(self) -> list[str]:
        """Its passes in words."""
        parts = (*self.segments, *self.stages)
        return [line for part in parts for line in part.describe()]


def precision_of(op: Operation) -> Precision:
    """Return the precision of the states that an operation makes, or a function has."""
    return C64 if "single" in op.attributes else C128


def schedules_in(module: ModuleOp) -> list[tuple[ScheduleOp, int, Precision]]:
    """Return schedules that may have kernels, with qubit numbers and precisions."""
    found: list[tuple[ScheduleOp, int, Precision]] = []
    precision, target = C128, STATEVECTOR
    for each in module.walk():
        if isinstance(each, AllocOp | FuncOp):
            precision, target = precision_of(each), target_of(each)
        if isinstance(each, ScheduleOp) and target.kernels:
            assert isinstance(each.register.type, RegisterType)
            found.append((each, each.register.type.size.data, precision))
    return found


def is_tiled(num_wires: int, precision: Precision) -> bool:
    """Whether a state is taken tile by tile."""
    large = 2 * precision.real_bytes << num_wires > MOST_BYTES
    return large and enabled("kernels") and enabled("tiles")


def schedule_of(
    op: ScheduleOp, num_wires: int, precision: Precision, *, batched: bool = False
) -> GateSchedule | None:
    """Return the code that a run is to have of its own, or None.

    It may be that of as many entries of a batch as a register has lanes.
    """
    wanted = _wanted(op)
    # There is twice as much code of what is undone, at least.
    most = MOST_ONCE * _times(op) >> (wanted is not None)
    given = op.schedule, op.wires.get_values(), wanted, num_wires, precision
    return _planned(*given, batched=batched, most=most)


def _wanted(op: ScheduleOp) -> tuple[bool, ...] | None:
    """Return which parameters of a recorded run have a gradient."""
    if op.slots is None:
        return None
    return tuple(slot != NO_SLOT for slot in op.slots.get_values()[::2])


def _planned(
    entries: Sequence[Entry],
    wires: Sequence[int],
    wanted: tuple[bool, ...] | None,
    num_wires: int,
    precision: Precision,
    *,
    batched: bool,
    most: int = MOST_TILED,
) -> GateSchedule | None:
    """Return the code of gates, unless there would be too much of it."""
    if not enabled("kernels"):
        return None
    recorded = wanted is not None
    budget = RegisterBudget.of(precision, recorded=recorded, batched=batched)
    num_wires += precision.lane_bits if batched else 0
    given = (entries, wires, num_wires, budget)
    segments, stages = list[Segment](), list[Stage]()
    if 2 * precision.real_bytes << num_wires <= MOST_BYTES:
        segments = segments_of(*given, min(MOST_OFTEN, most)) or []
    elif is_tiled(num_wires, precision) and not batched:
        limit = min(MOST_TILED, most << max(0, num_wires - LARGE))
        stages = plan_stages(*given, limit, in_pairs=recorded)
    plans = [(each.plan, each.count) for each in segments]
    plans += [(each, 1) for each in stages if isinstance(each, Plan)]
    if not plans or (
        _is_between_caches(num_wires, precision) and not _saves_passes(plans)
    ):
        return None
    return GateSchedule(tuple(segments), tuple(stages), len(entries), wanted, precision)


def _is_between_caches(num_wires: int, precision: Precision) -> bool:
    """Whether passes over a state decide, and not what comes before or memory."""
    size = 2 * precision.real_bytes << num_wires
    return LEAST_PASSED <= size <= second_level_cache()


def _saves_passes(plans: Sequence[tuple[Plan, int]]) -> bool:
    """Whether plans, each so often, take fewer passes than gates one by one.

    They do not where conditions leave most amplitudes as they are: a double
    excitation changes an eighth of them, and a pass reads all.
    """
    together = sum(len(plan.passes) * count for plan, count in plans)
    return together < sum(plan.separately * count for plan, count in plans)


def kernel_of(run: GateSchedule) -> KernelAttr:
    """Return the attribute of a run that has code: what that does, in words."""
    return KernelAttr(Kernel(tuple(run.describe()), run))


def kernel_op(
    op: ScheduleOp, precision: Precision, *, batched: bool = False
) -> KernelOp:
    """Return the code of a run that has some, with its symbol.

    What undoes a recorded run has the same symbol with `ADJOINT_SUFFIX` behind it.
    """
    assert isinstance(op.register.type, RegisterType)
    assert op.kernel is not None
    made = KernelOp(
        "",
        op.register.type,
        op.entries,
        op.wires,
        _wanted(op),
        op.kernel,
        single=precision is C64,
        batched=batched,
    )
    text = repr((schedule_of_kernel(made), sorted(left_out())))
    symbol = PREFIX + hashlib.sha256(text.encode()).hexdigest()[:24]
    made.properties["symbol"] = StringAttr(symbol)
    return made


def schedule_of_kernel(op: KernelOp) -> GateSchedule:
    """Return how the code of a kernel is made, which was planned or is planned now."""
    known = op.kernel.data.plan
    if isinstance(known, GateSchedule):
        return known
    wanted = None
    if op.wanted is not None:
        wanted = tuple(map(bool, op.wanted.get_values()))
    run = _planned(
        op.schedule,
        op.wires.get_values(),
        wanted,
        op.register_type.size.data,
        C128 if op.single is None else C64,
        batched=op.batched is not None,
    )
    if run is None or kernel_of(run) != op.kernel:
        raise VerifyException(
            "Expected what the kernel of these gates does here, "
            f"{[] if run is None else run.describe()}, but got "
            f"{list(op.kernel.data.lines)}. After gates are edited, their kernel is "
            "left out, and chosen again by the pass select-kernels."
        )
    op.properties["kernel"] = kernel_of(run)
    return run


def _times(op: ScheduleOp) -> int:
    """How often a run is carried out, as far as loops tell."""
    times, parent = 1, op.parent_op()
    while parent is not None:
        if isinstance(parent, scf.ForOp):
            count = trip_count(parent)
            times *= UNKNOWN if count is None else count
        elif isinstance(parent, scf.WhileOp):
            times *= UNKNOWN
        elif isinstance(parent, FuncOp) and isinstance(parent.prev_op, FuncOp):
            times *= UNKNOWN  # it stands behind those that call it
        parent = parent.parent_op()
    return times


def kernel_object(op: KernelOp) -> bytes:
    """Return the object code of a kernel."""
    return generated_object(op.symbol.data, MADE_BY, lambda: kernel_ir(op))


def kernel_ir(op: KernelOp) -> str:
    """Return the LLVM IR of a kernel."""
    from qjit.lowering.kernels.emit.batched import batched_ir
    from qjit.lowering.kernels.emit.small import run_ir
    from qjit.lowering.kernels.emit.tiled import tiled_ir

    run, name = schedule_of_kernel(op), op.symbol.data
    if run.stages:
        return tiled_ir(name, run.stages, run.entries, run.wanted)
    batched = run.segments[0].plan.budget.batched
    return (batched_ir if batched else run_ir)(name, run.segments, run.wanted)
