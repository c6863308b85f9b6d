"""The forward run of a schedule, stage by stage.

A stage takes entries that act on few enough bits for a tile, in the order of the
program or past others that they commute with. What it does to each tile is composed
once. On small states, where making steps takes longer than they save, entries run one
by one.
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
    TARGET_BITS,
    TARGETS,
    decoded,
    located,
    makes_large_matrix,
)
from .tile_ops import STEP_WORDS, step_of
from .tiles import (
    ENTRY_WORD,
    MADE_WORD,
    MATRIX_WORD,
    OUTSIDE_WORD,
    SLOT_WORDS,
    TILE_BYTES,
    WHOLE,
    Tiling,
    each_tile,
    fill,
    forget,
    is_diagonal,
    is_single,
    nearest_bits,
    slot_of,
    tile_bits,
    tile_count,
    tiled_from,
)

COMPOSED_FROM = 11  # qubits
MOST, FEW = 96, 24  # entries of a stage on a large and on a small state
WINDOW = 1024  # entries among which those of a stage are looked for


def module(precision: Precision) -> str:
    """IR of the forward run."""
    result = Module(f"qrt.forward.{precision.suffix}")
    _keep(result, precision)
    _collect(result, precision)
    _gather(result, precision)
    _tiles(result, precision)
    _run_small(result, precision)
    _run_composed(result, precision)
    _run_stages(result, precision)
    return result.text()


def _decode_slot(
    body: Body, precision: Precision, entry: Value, wires: Value, n: Value, slot: Value
) -> None:
    """Decode an entry into a slot, or leave with its error, negated."""
    name = f"__qrt__decode_{precision.suffix}"
    code = body.call(name, I64, entry, wires, n, slot)
    body.leave_if(code.ne(0), -located(body, entry, code))


def _ready_slot(
    body: Body, precision: Precision, entry: Value, params: Value, slot: Value
) -> None:
    """Make the gate of a decoded slot ready, or leave with its error, negated."""
    own = body.at(slot, MATRIX_WORD, I64)
    made = body.at(slot, MADE_WORD, I64)
    body.store(entry, slot, ENTRY_WORD)
    for word in range(2):
        body.store(body.int(0), slot, OUTSIDE_WORD + word)
    name = f"__qrt__made_{precision.suffix}"
    status = body.call(name, I64, entry, params, own, made)
    body.leave_if(status.ne(0), -status)


def _keep(module: Module, precision: Precision) -> None:
    """Merge an entry into an earlier slot (0), or keep the slot it has (1)."""
    body = module.function("keep", I64, PTR, PTR, PTR, I64, PTR, private=True)
    entry, slot, room, number, latest = body.args
    simple = is_single(body, entry)
    if enabled("merging"):
        with body.when(simple):
            bit = body.load(I64, slot, TARGET_BITS)
            before = body.load(I64, latest, bit)
            with body.when(before.ne(0)):
                earlier = slot_of(body, room, before - 1)
                matrix = body.load(PTR, slot, MADE_WORD)
                name = f"__qrt__merge_{precision.suffix}"
                body.call(name, VOID, earlier, entry, matrix)
                body.exit(0)
            body.store(number + 1, latest, bit)
            body.exit(1)
    forget(body, slot, latest)
    body.finish(1)


def _collect(module: Module, precision: Precision) -> None:
    """Make some entries ready, one after another.

    Returns how many, or a negative error; to `out` goes the number of slots, which is
    smaller where gates were merged.
    """
    arguments = (PTR, I64, PTR, PTR, I64, PTR, PTR)
    body = module.function("collect", I64, *arguments, private=True)
    entries, count, wires, params, n, room, out = body.args
    number, slots = body.var(0), body.var(0)
    latest = body.stack(I64, 64)  # the slot of one qubit that touched a bit last, + 1
    body.call("memset", PTR, latest, body.coerce(0, I32), n * 8)
    more = body.var(1)

    def more_left() -> Value:
        return more.get().ne(0) & (number.get() < count) & (slots.get() < FEW)

    with body.repeat_while(more_left):
        more.set(0)
        entry = body.at(entries, number.get() * ENTRY_WORDS, I32)
        with body.when(~makes_large_matrix(body, entry)):
            slot = slot_of(body, room, slots.get())
            _decode_slot(body, precision, entry, wires, n, slot)
            _ready_slot(body, precision, entry, params, slot)
            kept = body.call("keep", I64, entry, slot, room, slots.get(), latest)
            slots.add(kept)
            number.add(1)
            more.set(1)
    body.store(slots.get(), out)
    body.finish(number.get())


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
    entries, count, start, taken, wires, params, n, room, limit, out = body.args
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
            slot = slot_of(body, room, slots.get())
            _decode_slot(body, precision, entry, wires, n, slot)
            needed, acts, reads = _needs(body, entry, slot)
            union = bits.get() | needed
            fits = (body.count_ones(union) <= limit) & passed.lets(acts, reads)
            with body.when(fits):
                _ready_slot(body, precision, entry, params, slot)
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


def _run_alone(
    body: Body, precision: Precision, state: Value, entry: Value, *given: Value
) -> Value:
    return body.call(f"__qrt__run_one_{precision.suffix}", I64, state, entry, *given)


def _run_small(module: Module, precision: Precision) -> None:
    """Run entries on a small state; 0 or an error."""
    suffix = precision.suffix
    body = module.function("run_small", I64, PTR, PTR, I64, PTR, PTR, private=True)
    state, entries, count, wires, params = body.args
    room = body.stack(I64, FEW * SLOT_WORDS)
    found, number = body.stack(I64), body.var(0)
    blocks, first = block_count(body, state), data(body, state)
    with body.repeat_while(lambda: number.get() < count):
        here = body.at(entries, number.get() * ENTRY_WORDS, I32)
        given = (here, count - number.get(), wires, params, qubits(body, state))
        taken = body.call("collect", I64, *given, room, found)
        body.leave_if(taken < 0, -taken)
        with body.when(taken.eq(0)):
            status = _run_alone(body, precision, state, here, wires, params)
            body.leave_if(status.ne(0), status)
        number.add(body.select(taken.eq(0), 1, taken))
        slots = body.select(taken.eq(0), 0, body.load(I64, found))
        with body.loop(slots) as place:
            slot = slot_of(body, room, place)
            body.call(f"__qrt__run_slot_{suffix}", VOID, first, blocks, slot, params)
    body.finish(0)


def _run_composed(module: Module, precision: Precision) -> None:
    """Run entries in stages whose gates are composed; 0 or an error."""
    suffix = precision.suffix
    body = module.function("run_composed", I64, PTR, PTR, I64, PTR, PTR, private=True)
    state, entries, count, wires, params = body.args
    n, first = qubits(body, state), data(body, state)
    large = n >= tiled_from(precision)
    if not enabled("tiles"):
        large = large & ~large
    limit = body.select(large, tile_bits(precision), 64)
    most = body.select(large, MOST, FEW)
    buffers = body.call("__qrt__workers", I64) * TILE_BYTES
    tables = MOST * TILE_BYTES if enabled("diagonals") else 0
    steps_bytes, room_bytes = most * STEP_WORDS * 8, most * SLOT_WORDS * 8
    tiles_bytes = body.select(large, buffers + tables, 0)
    size = tiles_bytes + steps_bytes + room_bytes + count * 8
    memory = allocate(body, size)
    body.leave_if(~memory.ne_null(), NO_MEMORY)
    steps = body.at(memory, tiles_bytes)
    room = body.at(steps, steps_bytes)
    taken = body.at(room, room_bytes)
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
        given = (entries, count, number.get(), taken, wires, params, n, room, limit)
        slots = body.call("gather", I64, *given, found)
        with body.when(slots < 0):
            status.set(-slots)
        with body.when(slots.eq(0)):
            here = body.at(entries, number.get() * ENTRY_WORDS, I32)
            status.set(_run_alone(body, precision, state, here, wires, params))
            number.add(1)
        with body.when(slots > 0):
            bits = body.load(I64, found)
            number.set(body.load(I64, found, 1))
            name = f"__qrt__compose_{suffix}"
            given = (room, slots, bits, size, params, steps, folded)
            made = body.call(name, I64, *given)
            with body.when(large):
                given = (first, n, steps, made, params, bits, memory)
                body.call("run_tiles", VOID, *given)
            with body.when(~large), body.loop(made) as place:
                given = (size, step_of(body, steps, place), params, body.int(0))
                body.call(f"__qrt__run_step_{suffix}", VOID, first, *given)
    release(body, memory)
    body.finish(status.get())


def _run_stages(module: Module, precision: Precision) -> None:
    """Run entries; 0 or an error."""
    arguments = (PTR, PTR, I64, PTR, PTR)
    name = f"__qrt__run_stages_{precision.suffix}"
    body = module.function(name, I64, *arguments)
    small = qubits(body, body.args[0]) < COMPOSED_FROM
    with body.when(small):
        body.exit(body.call("run_small", I64, *body.args))
    body.finish(body.call("run_composed", I64, *body.args))
