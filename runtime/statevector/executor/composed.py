"""The forward run of a schedule on a state that is not small.

A stage takes entries that act on few enough bits for a tile, in the order of the
program or past others that they commute with. What it does to each tile is composed
once.
"""

from __future__ import annotations

from qjit.runtime.abi.layout import ENTRY_WORDS
from qjit.runtime.abi.status import NO_MEMORY
from qjit.runtime.codegen.builder import I32, I64, PTR, VOID, Body, Module, Value
from qjit.runtime.settings import enabled
from qjit.runtime.statevector.state import allocate, block_count, data, qubits, release
from qjit.runtime.system.thread_pool import parallel
from qjit.runtime.target.cpu import Precision

from .execute import (
    CONTROLS,
    TARGETS,
    decoded,
    makes_large_matrix,
)
from .forward import FEW, decode_slot, define_run, ready_slot, run_alone
from .tile_ops import STEP_WORDS, step_of
from .tiles import (
    SLOT_WORDS,
    TILE_BYTES,
    WHOLE,
    Tiling,
    each_tile,
    fill,
    is_diagonal,
    nearest_bits,
    slot_of,
    tile_bits,
    tile_count,
    tiled_from,
)

MOST = 96  # entries of a stage on a large state
WINDOW = 1024  # entries among which those of a stage are looked for


def module(precision: Precision) -> str:
    """IR of the composed run."""
    result = Module(f"qrt.composed.{precision.suffix}")
    _gather(result, precision)
    _tiles(result, precision)
    _run_composed(result, precision)
    define_run(result, precision, "run_large", "run_composed")
    return result.text()


class Passed:
    """The bits that entries act on, and read, which were passed by."""

    def __init__(self, body: Body) -> None:
        self.body = body
        self.acted, self.read = body.var(0), body.var(0)

    def lets(self, acts: Value, reads: Value) -> Value:
        """Whether a gate commutes with all that were passed by."""
        passed = self.acted.get()
        return (acts & (passed | self.read.get()) | reads & passed).eq(0)

    def add(self, acts: Value, reads: Value) -> None:
        """Pass a gate by."""
        self.acted.set(self.acted.get() | acts)
        self.read.set(self.read.get() | reads)


def _gather(module: Module, precision: Precision) -> None:
    """Make ready what fits into one stage of at most `limit` bits, from `start` on.

    Returns the number of slots, or a negative error; to `out` go the bits of the stage
    and the first entry that is not taken. Entries are noted in `taken`.
    """
    arguments = (PTR, I64, I64, PTR, PTR, PTR, I64, PTR, I64, PTR)
    body = module.function("gather", I64, *arguments, private=True)
    entries, count, start, taken, wires, params, n, workspace, limit, out = body.args
    tiled = limit < n
    every = (body.int(1) << n) - 1
    bits = body.var(body.select(tiled, nearest_bits(precision), 0))
    passed = Passed(body)
    slots, number = body.var(0), body.var(start)
    most = body.select(tiled, MOST, FEW)
    near = start + WINDOW < count
    end = body.var(body.select(near, start + WINDOW, count))

    def more_left() -> Value:
        return (number.get() < end.get()) & (slots.get() < most)

    with body.repeat_while(more_left):
        entry = body.at(entries, number.get() * ENTRY_WORDS, I32)
        large = makes_large_matrix(body, entry)
        fresh = body.load(I64, taken, number.get()).eq(0)
        with body.when(large):
            end.set(number.get())
        with body.when(~large & fresh):
            slot = slot_of(body, workspace, slots.get())
            decode_slot(body, precision, entry, wires, n, slot)
            needed, acts, reads = _needs(body, entry, slot)
            union = bits.get() | needed
            fits = (body.count_ones(union) <= limit) & passed.lets(acts, reads)
            with body.when(fits):
                ready_slot(body, precision, entry, params, slot)
                body.store(body.int(1), taken, number.get())
                bits.set(union)
                slots.add(1)
            with body.when(~fits):
                passed.add(acts, reads)
                full = passed.acted.get().eq(every)
                with body.when(full if enabled("reordering") else ~fits):
                    end.set(number.get())
        number.add(1)
    with body.when(tiled):
        fill(body, bits, limit)
    body.store(body.select(tiled, bits.get(), WHOLE), out, 0)
    body.store(_first_left(body, taken, start, count), out, 1)
    body.finish(slots.get())


def _needs(body: Body, entry: Value, slot: Value) -> tuple[Value, Value, Value]:
    """The bits that a gate needs in a tile, those it acts on, and those it reads."""
    targets, controls = (decoded(body, slot, word) for word in (TARGETS, CONTROLS))
    touched = targets | controls
    acts = body.select(is_diagonal(body, entry, slot), 0, targets)
    needed = targets
    if enabled("diagonals"):
        # Of such a gate, a tile sees two factors at most.
        varies = acts.eq(0) & (body.count_ones(touched) <= 2)
        needed = body.select(varies, 0, targets)
    return needed, acts, touched ^ acts


def _first_left(body: Body, taken: Value, start: Value, count: Value) -> Value:
    """The first entry from `start` on that is not taken."""
    first = body.var(start)

    def is_taken() -> Value:
        inside = first.get() < count
        place = body.select(inside, first.get(), 0)
        return inside & body.load(I64, taken, place).ne(0)

    with body.repeat_while(is_taken):
        first.add(1)
    return first.get()


def _tiles(module: Module, precision: Precision) -> None:
    """Run the steps of a stage on all tiles."""
    arguments = (PTR, I64, PTR, I64, PTR, I64, PTR)
    body = module.function("run_tiles", VOID, *arguments, private=True)
    tiles = tile_count(body, precision, body.args[1])
    with parallel(body, module, "tile_range", tiles, body.args) as region:
        inner, given, first, last, worker = region
        state, n, steps, count, params, bits, buffers = given
        buffer = inner.at(buffers, worker * TILE_BYTES)
        tiling = Tiling(n, bits, [(state, buffer)])
        with each_tile(inner, precision, tiling, first, last) as tile:
            base, places, blocks = tile
            with inner.loop(count) as number:
                step = step_of(inner, steps, number)
                name = f"__qrt__run_step_{precision.suffix}"
                inner.call(name, VOID, *places, blocks, step, params, base)
    body.finish()


def _run_composed(module: Module, precision: Precision) -> None:
    """Run entries in stages whose gates are composed; 0 or an error."""
    suffix = precision.suffix
    body = module.function(
        f"__qrt__run_composed_{suffix}", I64, PTR, PTR, I64, PTR, PTR
    )
    state, entries, count, wires, params = body.args
    n, first = qubits(body, state), data(body, state)
    large = n >= tiled_from(precision)
    if not enabled("tiles"):
        large = large & ~large
    limit = body.select(large, tile_bits(precision), 64)
    most = body.select(large, MOST, FEW)
    buffers = body.call("__qrt__workers", I64) * TILE_BYTES
    tables = MOST * TILE_BYTES if enabled("diagonals") else 0
    steps_bytes, workspace_bytes = most * STEP_WORDS * 8, most * SLOT_WORDS * 8
    tiles_bytes = body.select(large, buffers + tables, 0)
    size = tiles_bytes + steps_bytes + workspace_bytes + count * 8
    memory = allocate(body, size)
    body.leave_if(~memory.ne_null(), NO_MEMORY)
    steps = body.at(memory, tiles_bytes)
    workspace = body.at(steps, steps_bytes)
    taken = body.at(workspace, workspace_bytes)
    body.call("memset", PTR, taken, body.coerce(0, I32), count * 8)
    folded = body.at(memory, buffers)
    if not enabled("diagonals"):
        folded = body.null()
    folded = body.select(large, folded, body.null())
    blocks = block_count(body, state)
    size = body.int(1 << (tile_bits(precision) - precision.lane_bits))
    size = body.select(large, size, blocks)
    found, status, number = body.stack(I64, 2), body.var(0), body.var(0)
    with body.repeat_while(lambda: (number.get() < count) & status.get().eq(0)):
        schedule = (entries, count, number.get(), taken, wires, params, n)
        given = (*schedule, workspace, limit)
        slots = body.call("gather", I64, *given, found)
        with body.when(slots < 0):
            status.set(-slots)
        with body.when(slots.eq(0)):
            here = body.at(entries, number.get() * ENTRY_WORDS, I32)
            status.set(run_alone(body, precision, state, here, wires, params))
            number.add(1)
        with body.when(slots > 0):
            bits = body.load(I64, found)
            number.set(body.load(I64, found, 1))
            name = f"__qrt__compose_{suffix}"
            given = (workspace, slots, bits, size, params, steps, folded)
            made = body.call(name, I64, *given)
            with body.when(large):
                given = (first, n, steps, made, params, bits, memory)
                body.call("run_tiles", VOID, *given)
            with body.when(~large), body.loop(made) as place:
                given = (size, step_of(body, steps, place), params, body.int(0))
                body.call(f"__qrt__run_step_{suffix}", VOID, first, *given)
    release(body, memory)
    body.finish(status.get())
