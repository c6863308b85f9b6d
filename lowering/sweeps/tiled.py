"""The functions of a run on a state of many tiles, which are spread over threads."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager

from qjit.runtime.emit import F64, I64, PTR, VOID, Body, Module, Value
from qjit.runtime.reverse import KEPT_PARAMS, SLOTS, add_to_slot
from qjit.runtime.schedule import NO_MEMORY
from qjit.runtime.state import allocate, allocate_zeroed, data, is_skipped, release
from qjit.runtime.threads import parallel

from .plan import Plan
from .run_code import Forward, RunCode
from .slopes import Target
from .storage import Storage, tile_of
from .undo import Undo

# In how many pieces tiles are undone at most, whose sums are kept apart, whatever the
# number of threads.
PIECES = 16


def tiled_ir(
    name: str, plans: Sequence[Plan], entries: int, wanted: tuple[bool, ...] | None
) -> str:
    """LLVM IR of the function of a run of some entries, and of what undoes it."""
    module = Module(name)
    for number, plan in enumerate(plans):
        _stage(module, f"do_{number}", plan)
    body = module.function(name, I64, PTR, PTR, PTR, PTR)
    state, schedule, wires, params = body.args
    body.leave_if(is_skipped(body, state), 0)
    with body.when(~_fine(body, "do", plans, params)):
        stages = f"__qrt__run_stages_{plans[0].precision.suffix}"
        given = (state, schedule, body.int(entries), wires, params)
        body.exit(body.call(stages, I64, *given))
    first, memory = data(body, state), _buffers(body, plans, 1)
    body.leave_if(~memory.ne_null(), NO_MEMORY)
    for number, plan in enumerate(plans):
        given, count = (first, memory, params), _tiles(plan)
        with parallel(body, module, f"tiles_{number}", count, given) as region:
            inner, own, start, end, worker = region
            buffer = inner.at(own[1], worker * _bytes(plan))
            with inner.loop(end, start) as tile:
                inner.call(f"do_{number}", I64, own[0], buffer, own[2], tile)
    release(body, memory)
    body.finish(0)
    if wanted is not None:
        for number, plan in enumerate(plans):
            _undo_stage(module, f"undo_{number}", plan, wanted)
        _undo(module, f"{name}_undo", plans, wanted)
    return module.text()


def _tiles(plan: Plan) -> int:
    return 1 << (plan.total - plan.size)


def _bytes(plan: Plan) -> int:
    """The size of a tile, with what keeps two from falling into the same places."""
    return (2 * plan.precision.real_bytes << plan.size) + 128


def _buffers(body: Body, plans: Sequence[Plan], states: int) -> Value:
    """Memory for a tile of some states for each worker."""
    size = states * max(map(_bytes, plans))
    return allocate(body, body.call("__qrt__workers", I64) * size)


def _fine(body: Body, kind: str, plans: Sequence[Plan], params: Value) -> Value:
    """Whether the numbers of all stages are fine: they are asked without a state."""
    bad = body.int(0)
    for number in range(len(plans)):
        null = body.null()
        given = (null, null, params, body.int(0))
        bad = bad | body.call(f"{kind}_{number}", I64, *given)
    return bad.eq(0)


@contextmanager
def _code(
    module: Module, body: Body, plan: Plan, given: Sequence[Value]
) -> Generator[RunCode]:
    """Code for a tile, unless the numbers are not fine or there is no state."""
    state, params, tile = given
    code = RunCode(module, body, plan, params)
    body.leave_if(~code.prepare(), 1)
    body.leave_if(~state.ne_null(), 0)
    code.enter(tile)
    yield code
    body.finish(0)


def _stage(module: Module, name: str, plan: Plan) -> None:
    """Run a stage on a tile, with a buffer; 1 if the numbers are not fine."""
    body = module.function(name, I64, PTR, PTR, PTR, I64, private=True)
    state, buffer, params, tile = body.args
    assert plan.tiling is not None
    with _code(module, body, plan, (state, params, tile)) as code:
        own = tile_of(code.blocks, state, plan.tiling, tile)
        Forward(code, own, Storage(code.blocks, buffer)).emit()


def _undo_stage(
    module: Module, name: str, plan: Plan, wanted: tuple[bool, ...]
) -> None:
    """Undo a stage on a tile of ket and bra, adding to the sums of the parameters."""
    body = module.function(name, VOID, *(PTR,) * 5, I64, private=True)
    ket, bra, buffer, params, sums, tile = body.args
    assert plan.tiling is not None
    code = RunCode(module, body, plan, params)
    code.prepare()
    code.enter(tile)
    states = [tile_of(code.blocks, each, plan.tiling, tile) for each in (ket, bra)]
    places = (buffer, body.at(buffer, _bytes(plan)))
    memories = [Storage(code.blocks, place) for place in places]
    Undo(code, states, Target(code, None, sums, wanted), memories).emit()
    body.finish()


def _undo(
    module: Module, name: str, plans: Sequence[Plan], wanted: tuple[bool, ...]
) -> None:
    """Undo a run, the last stage first."""
    body = module.function(name, VOID, PTR, PTR, PTR, PTR)
    record, ket, bra, gradient = body.args
    params, slots = (body.load(PTR, record, word) for word in (KEPT_PARAMS, SLOTS))
    memory = body.var(body.null())
    fine = _fine(body, "do", plans, params)
    with body.when(fine):
        memory.set(_buffers(body, plans, 2))
    with body.when(~memory.get().ne_null()):
        stages = f"__qrt__reverse_stages_{plans[0].precision.suffix}"
        body.call(stages, VOID, *body.args)
        body.exit()
    pieces = min(PIECES, *map(_tiles, plans))
    sums = allocate_zeroed(body, body.int(8 * pieces * len(wanted)))
    states = [data(body, state) for state in (ket, bra)]
    for number, plan in reversed(list(enumerate(plans))):
        given, each = (*states, memory.get(), params, sums), _tiles(plan) // pieces
        with parallel(body, module, f"back_{number}", pieces, given) as region:
            inner, own, start, end, worker = region
            buffer = inner.at(own[2], worker * (2 * _bytes(plan)))
            with inner.loop(end, start) as piece, inner.loop(each) as step:
                total = inner.at(own[4], piece * len(wanted), F64)
                known = (*own[:2], buffer, own[3], total)
                inner.call(f"undo_{number}", VOID, *known, piece * each + step)
    for place in (place for place, needed in enumerate(wanted) if needed):
        parts = (
            body.load(F64, sums, piece * len(wanted) + place) for piece in range(pieces)
        )
        total = body.real(0.0)
        for part in parts:
            total = total + part
        add_to_slot(body, gradient, slots, body.int(place), total)
    release(body, sums)
    release(body, memory.get())
    body.finish()
