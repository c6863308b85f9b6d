"""The functions of a run of small states side by side: the entries of a batch in lanes.

As many states as a register has lanes are brought into one memory, whose blocks have an
amplitude of each. Gates act on all of them at once, and lanes never mix.
"""

from __future__ import annotations

from collections.abc import Sequence

from qjit.lowering.kernels.schedule.segments import Segment
from qjit.runtime.codegen.builder import I32, I64, PTR, VOID, Body, Module, Value
from qjit.runtime.codegen.simd_blocks import Blocks
from qjit.runtime.codegen.types import Type
from qjit.runtime.statevector.executor.adjoint import ENTRIES, KEPT_PARAMS, SLOTS
from qjit.runtime.statevector.state import data

from .addressing import Storage
from .adjoint import AdjointPass
from .adjoint_gradients import Target
from .forward import Forward
from .kernel_context import KernelContext
from .small import entries_of, first_param, own_wanted, part_of


def batched_ir(
    name: str, segments: Sequence[Segment], wanted: tuple[bool, ...] | None
) -> str:
    """LLVM IR of a run of a batch's entries.

    Its function, of the states of some entries, of the schedule, its wires, and the
    parameters of every entry, returns 0 or an error. Another one undoes the run, given
    the records, kets, bras and gradients of the entries, where parameters are `wanted`.
    """
    module = Module(name)
    _transfers(module, segments[0])
    for number, segment in enumerate(segments):
        _once(module, f"do_{number}", segment)
        if wanted is not None:
            _adjoint_once(module, f"adjoint_{number}", segment, wanted)
    body = module.function(name, I64, *(PTR,) * 4)
    states, entries, wires, params = body.args
    memory = _memory(body, segments[0])
    body.call("gather", VOID, states, memory)
    for number, segment in enumerate(segments):
        with body.loop(segment.count) as iteration:
            here = entries_of(body, segment, iteration, entries)
            own = _own(body, segment, iteration, params, I64)
            given = (states, memory, here, wires, params, own)
            status = body.call(f"do_{number}", I64, *given)
            body.leave_if(status.ne(0), status)
    body.call("scatter", VOID, states, memory)
    body.finish(0)
    if wanted is not None:
        _adjoint(module, f"{name}_adjoint", segments)
    return module.text()


def _lanes(segment: Segment) -> int:
    return segment.plan.precision.lanes


def _memory(body: Body, segment: Segment) -> Value:
    """Memory for the states of all lanes."""
    blocks = Blocks(body, segment.plan.precision)
    return body.stack(blocks.vector, 2 << segment.plan.block_bits, align=64)


def _own(
    body: Body, segment: Segment, iteration: Value, tables: Value, kind: Type
) -> Value:
    """Where each lane has what belongs to the parameters of a segment's iteration."""
    first = first_param(segment, iteration)
    own = body.stack(PTR, _lanes(segment))
    for lane in range(_lanes(segment)):
        table = body.load(PTR, tables, lane)
        body.store(body.at(table, first, kind), own, lane)
    return own


def _each(body: Body, segment: Segment, table: Value) -> list[Value]:
    """The addresses in a table, one of each lane."""
    return [body.load(PTR, table, lane) for lane in range(_lanes(segment))]


def _transfers(module: Module, segment: Segment) -> None:
    """Bring the states of all lanes into one memory, and back."""
    plan = segment.plan
    blocks_of_each = max(1, 1 << plan.block_bits >> plan.precision.lane_bits)
    for name in ("gather", "scatter"):
        body = module.function(name, VOID, PTR, PTR, private=True)
        states, memory = body.args
        blocks = Blocks(body, plan.precision)
        own = [data(body, state) for state in _each(body, segment, states)]
        used = range(min(blocks.lanes, 1 << plan.block_bits))
        with body.loop(blocks_of_each) as number:
            there = [blocks.address(state, number) for state in own]
            first = number << blocks.lane_bits
            here = [blocks.address(memory, first + number) for number in used]
            sources, targets = (there, here) if name == "gather" else (here, there)
            for part in (0, 1):
                rows = [body.load(blocks.vector, address, part) for address in sources]
                rows += [blocks.zero().re] * (blocks.lanes - len(rows))
                columns = _transposed(blocks, rows)
                for value, address in zip(columns, targets, strict=False):
                    body.store(value, address, part)
        body.finish()


def _transposed(blocks: Blocks, rows: Sequence[Value]) -> list[Value]:
    """Registers whose lanes are those of one lane of others."""
    found, count, lanes = list(rows), blocks.lanes, range(blocks.lanes)
    for step in (1 << bit for bit in range(blocks.lane_bits)):
        low = [count + lane - step if lane & step else lane for lane in lanes]
        high = [count + lane if lane & step else lane + step for lane in lanes]
        for row in (row for row in lanes if not row & step):
            pair = found[row], found[row | step]
            found[row] = blocks.body.shuffle(*pair, low)
            found[row | step] = blocks.body.shuffle(*pair, high)
    return found


def _once(module: Module, name: str, segment: Segment) -> None:
    """Run a segment once; the runtime does it where the numbers are not accurate."""
    body = module.function(name, I64, *(PTR,) * 6, private=True)
    states, memory, entries, wires, params, own = body.args
    code = KernelContext(module, body, segment.plan, _each(body, segment, own))
    with body.when(~code.prepare()):
        body.call("scatter", VOID, states, memory)
        stages = f"__qrt__run_stages_{segment.plan.precision.suffix}"
        for lane in range(_lanes(segment)):
            state, given = (body.load(PTR, table, lane) for table in (states, params))
            length = body.int(segment.length)
            status = body.call(stages, I64, state, entries, length, wires, given)
            body.leave_if(status.ne(0), status)
        body.call("gather", VOID, states, memory)
        body.exit(0)
    Forward(code, Storage(code.blocks, memory)).emit()
    body.finish(0)


def _adjoint(module: Module, name: str, segments: Sequence[Segment]) -> None:
    """Undo a run, the last segment first."""
    body = module.function(name, VOID, *(PTR,) * 4)
    records, kets, bras, _ = body.args
    every = _each(body, segments[0], records)
    entries = body.load(PTR, every[0], ENTRIES)
    params, slots = (body.stack(PTR, len(every)) for _ in range(2))
    for lane, record in enumerate(every):
        body.store(body.load(PTR, record, KEPT_PARAMS), params, lane)
        body.store(body.load(PTR, record, SLOTS), slots, lane)
    memories = [_memory(body, segments[0]) for _ in range(2)]
    for states, memory in zip((kets, bras), memories, strict=True):
        body.call("gather", VOID, states, memory)
    for number, segment in reversed(list(enumerate(segments))):
        with body.loop(segment.count) as iteration:
            back = -iteration + (segment.count - 1)
            here = entries_of(body, segment, back, entries)
            own = _own(body, segment, back, params, I64)
            own_slots = _own(body, segment, back, slots, I32)
            given = (*body.args, *memories, here, own, own_slots)
            body.call(f"adjoint_{number}", VOID, *given)
    for states, memory in zip((kets, bras), memories, strict=True):
        body.call("scatter", VOID, states, memory)
    body.finish()


def _adjoint_once(
    module: Module, name: str, segment: Segment, wanted: tuple[bool, ...]
) -> None:
    body = module.function(name, VOID, *(PTR,) * 9, private=True)
    records, kets, bras, gradients, ket, bra, entries, own, slots = body.args
    code = KernelContext(module, body, segment.plan, _each(body, segment, own))
    with body.when(~code.prepare()):
        pairs = ((kets, ket), (bras, bra))
        for states, memory in pairs:
            body.call("scatter", VOID, states, memory)
        stages = f"__qrt__adjoint_stages_{segment.plan.precision.suffix}"
        tables = (records, kets, bras, gradients)
        each = (_each(body, segment, table) for table in tables)
        for record, *given in zip(*each, strict=True):
            part = part_of(body, record, entries, segment.length)
            body.call(stages, VOID, part, *given)
        for states, memory in pairs:
            body.call("gather", VOID, states, memory)
        body.exit()
    each_slots, each_gradient = (_each(body, segment, t) for t in (slots, gradients))
    target = Target(code, each_slots, each_gradient, own_wanted(segment, wanted))
    AdjointPass(
        code, [Storage(code.blocks, memory) for memory in (ket, bra)], target
    ).emit()
    body.finish()
