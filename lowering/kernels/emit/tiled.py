"""The functions of a run on a state of many tiles, which are spread over threads."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager

from qjit.lowering.kernels.schedule.planner import Plan, Rest, Stage
from qjit.runtime.abi.layout import ENTRY_WORDS
from qjit.runtime.abi.status import NO_MEMORY
from qjit.runtime.codegen.builder import F64, I32, I64, PTR, VOID, Body, Module, Value
from qjit.runtime.statevector.executor.adjoint import (
    ENTRIES,
    KEPT_PARAMS,
    SLOTS,
    add_to_slot,
)
from qjit.runtime.statevector.state import allocate, data, is_skipped, release
from qjit.runtime.system.thread_pool import parallel

from .addressing import Storage, tile_of
from .adjoint import AdjointPass
from .adjoint_gradients import Target
from .forward import Forward
from .kernel_context import KernelContext
from .small import part_of

# In how many chunks tiles are undone at most, whose sums are kept apart, whatever the
# number of threads.
CHUNKS = 16


def tiled_ir(
    name: str, stages: Sequence[Stage], entries: int, wanted: tuple[bool, ...] | None
) -> str:
    """LLVM IR of the function of a run of some entries, and of what undoes it."""
    module, plans = Module(name), _plans(stages)
    for number, plan in plans.items():
        _stage(module, f"do_{number}", plan)
    body = module.function(name, I64, PTR, PTR, PTR, PTR)
    state, schedule, wires, params = body.args
    body.leave_if(is_skipped(body, state), 0)
    runtime = f"__qrt__run_stages_{_suffix(plans)}"
    with body.when(~_are_accurate(body, plans, params)):
        given = (state, schedule, body.int(entries), wires, params)
        body.exit(body.call(runtime, I64, *given))
    first, memory = data(body, state), _buffers(body, plans, 1)
    body.leave_if(~memory.ne_null(), NO_MEMORY)
    for number, stage in enumerate(stages):
        if isinstance(stage, Rest):
            here = body.at(schedule, stage.start * ENTRY_WORDS, I32)
            given = (state, here, body.int(stage.count), wires, params)
            status = body.call(runtime, I64, *given)
            with body.when(status.ne(0)):
                release(body, memory)
                body.exit(status)
            continue
        given, count = (first, memory, params), _tiles(stage)
        with parallel(body, module, f"tiles_{number}", count, given) as region:
            inner, own, start, end, worker = region
            buffer = inner.at(own[1], worker * _bytes(stage))
            with inner.loop(end, start) as tile:
                inner.call(f"do_{number}", I64, own[0], buffer, own[2], tile)
    release(body, memory)
    body.finish(0)
    if wanted is not None:
        for number, plan in plans.items():
            _adjoint_stage(module, f"adjoint_{number}", plan, wanted)
        _adjoint(module, f"{name}_adjoint", stages, wanted)
    return module.text()


def _plans(stages: Sequence[Stage]) -> dict[int, Plan]:
    """The stages on tiles, by number."""
    return {n: stage for n, stage in enumerate(stages) if isinstance(stage, Plan)}


def _suffix(plans: Mapping[int, Plan]) -> str:
    return next(iter(plans.values())).precision.suffix


def _tiles(plan: Plan) -> int:
    return 1 << (plan.total - plan.size)


def _bytes(plan: Plan) -> int:
    """The size of a tile, with what keeps two from the same sets of a cache."""
    return (2 * plan.precision.real_bytes << plan.size) + 128


def _buffers(
    body: Body, plans: Mapping[int, Plan], states: int, before: int = 0
) -> Value:
    """Memory for a tile of some states for each worker, behind other bytes."""
    size = states * max(map(_bytes, plans.values()))
    return allocate(body, body.call("__qrt__workers", I64) * size + before)


def _are_accurate(body: Body, plans: Mapping[int, Plan], params: Value) -> Value:
    """Whether the numbers of all stages are accurate, asked without a state."""
    bad = body.int(0)
    for number in plans:
        given = (body.null(), body.null(), params, body.int(0))
        bad = bad | body.call(f"do_{number}", I64, *given)
    return bad.eq(0)


@contextmanager
def _code(
    module: Module, body: Body, plan: Plan, given: Sequence[Value]
) -> Generator[KernelContext]:
    """Code for a tile, unless the numbers are not accurate or there is no state."""
    state, params, tile = given
    code = KernelContext(module, body, plan, [params])
    body.leave_if(~code.prepare(), 1)
    body.leave_if(~state.ne_null(), 0)
    code.enter(tile)
    yield code
    body.finish(0)


def _stage(module: Module, name: str, plan: Plan) -> None:
    """Run a stage on a tile, with a buffer; 1 if the numbers are not accurate."""
    body = module.function(name, I64, PTR, PTR, PTR, I64, private=True)
    state, buffer, params, tile = body.args
    assert plan.tiling is not None
    with _code(module, body, plan, (state, params, tile)) as code:
        own = tile_of(code.blocks, state, plan.tiling, tile)
        Forward(code, own, Storage(code.blocks, buffer)).emit()


def _adjoint_stage(
    module: Module, name: str, plan: Plan, wanted: tuple[bool, ...]
) -> None:
    """Undo a stage on a tile of ket and bra, adding to the sums of the parameters."""
    body = module.function(name, VOID, *(PTR,) * 5, I64, private=True)
    ket, bra, buffer, params, sums, tile = body.args
    assert plan.tiling is not None
    code = KernelContext(module, body, plan, [params])
    code.prepare()
    code.enter(tile)
    states = [tile_of(code.blocks, each, plan.tiling, tile) for each in (ket, bra)]
    addresses = (buffer, body.at(buffer, _bytes(plan)))
    memories = [Storage(code.blocks, address) for address in addresses]
    AdjointPass(code, states, Target(code, None, [sums], wanted), memories).emit()
    body.finish()


def _adjoint(
    module: Module, name: str, stages: Sequence[Stage], wanted: tuple[bool, ...]
) -> None:
    """Undo a run, the last stage first."""
    plans = _plans(stages)
    runtime = f"__qrt__adjoint_stages_{_suffix(plans)}"
    body = module.function(name, VOID, PTR, PTR, PTR, PTR)
    record, ket, bra, gradient = body.args
    params, slots = (body.load(PTR, record, word) for word in (KEPT_PARAMS, SLOTS))
    chunks = min(CHUNKS, *map(_tiles, plans.values()))
    sums_bytes = (8 * chunks * len(wanted) + 127) & -128
    memory = body.var(body.null())
    with body.when(_are_accurate(body, plans, params)):
        memory.set(_buffers(body, plans, 2, sums_bytes))
    with body.when(~memory.get().ne_null()):
        body.call(runtime, VOID, *body.args)
        body.exit()
    sums = memory.get()
    buffers = body.at(sums, sums_bytes)
    body.call("memset", PTR, sums, body.coerce(0, I32), body.int(sums_bytes))
    states = [data(body, state) for state in (ket, bra)]
    for number, stage in reversed(list(enumerate(stages))):
        if isinstance(stage, Rest):
            schedule = body.load(PTR, record, ENTRIES)
            here = body.at(schedule, stage.start * ENTRY_WORDS, I32)
            part = part_of(body, record, here, stage.count)
            body.call(runtime, VOID, part, ket, bra, gradient)
            continue
        given, each = (*states, buffers, params, sums), _tiles(stage) // chunks
        with parallel(body, module, f"back_{number}", chunks, given) as region:
            inner, own, start, end, worker = region
            buffer = inner.at(own[2], worker * (2 * _bytes(stage)))
            with inner.loop(end, start) as chunk, inner.loop(each) as step:
                total = inner.at(own[4], chunk * len(wanted), F64)
                known = (*own[:2], buffer, own[3], total)
                inner.call(f"adjoint_{number}", VOID, *known, chunk * each + step)
    for place in (place for place, needed in enumerate(wanted) if needed):
        parts = (
            body.load(F64, sums, chunk * len(wanted) + place) for chunk in range(chunks)
        )
        total = body.real(0.0)
        for part in parts:
            total = total + part
        add_to_slot(body, gradient, slots, body.int(place), total)
    release(body, sums)
    body.finish()
