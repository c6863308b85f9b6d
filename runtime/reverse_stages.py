"""Stages of the reverse pass: gates are undone on tiles of ket and bra together."""

from __future__ import annotations

from collections.abc import Sequence

from .emit import I32, I64, PTR, VOID, Body, Module, Value
from .reverse import COUNT, ENTRIES, KEPT_PARAMS, SLOTS, WIRES
from .schedule import (
    ENTRY_WORDS,
    KERNEL,
    NUM_PARAMS,
    PARAMS,
    PAULI_ROT,
    STACK_ENTRIES,
    TARGETS,
    decoded,
    field,
    matrix_words,
)
from .stages import (
    ENTRY_WORD,
    MADE_WORD,
    MATRIX_WORD,
    MOST,
    OUTSIDE_WORD,
    SLOT_WORDS,
    SUMS_WORD,
    TILE_BYTES,
    WANTED_WORD,
    fill,
    nearest_bits,
    next_subset,
    slot_of,
    tile_bits,
)
from .state import allocate, allocate_zeroed, block_count, data, qubits, release
from .target import Precision

# Up to how many qubits more than a tile has, states are undone whole: the sums that
# gradients need cost more than the way to the second-level cache.
FEWER = 12
UNTILED = 6


def module(precision: Precision) -> str:
    """IR of the stages of the reverse pass."""
    result = Module(f"qrt.reverse_stages.{precision.suffix}")
    _wanted(result)
    _collect(result, precision)
    _undo(result, precision)
    _finish(result, precision)
    _alone(result, precision)
    _tiles(result, precision)
    _reverse_stages(result, precision)
    return result.text()


def _wanted(module: Module) -> None:
    """Whether a parameter of an entry has a gradient."""
    body = module.function("wanted", I64, PTR, PTR, private=True)
    entry, slots = body.args
    body.leave_if(~slots.ne_null(), 0)
    first = field(body, entry, PARAMS)
    with body.loop(field(body, entry, NUM_PARAMS)) as number:
        body.leave_if(body.load(I32, slots, first + number) >= 0, 1)
    body.finish(0)


def _collect(module: Module, precision: Precision) -> None:
    """Make the last entries ready that fit into a stage of `limit` bits; how many."""
    suffix = precision.suffix
    arguments = (PTR, I64, PTR, PTR, PTR, I64, PTR, I64, PTR)
    body = module.function("collect", I64, *arguments, private=True)
    entries, count, wires, params, slots, n, room, limit, out = body.args
    tiled = limit < n
    bits = body.var(body.select(tiled, nearest_bits(precision), 0))
    number, more = body.var(0), body.var(1)
    last = body.select(tiled, MOST, FEWER)

    def more_left() -> Value:
        found = number.get()
        return more.get().ne(0) & (found < count) & (found < last)

    with body.repeat_while(more_left):
        more.set(0)
        entry = body.at(entries, (count - 1 - number.get()) * ENTRY_WORDS, I32)
        slot = slot_of(body, room, number.get())
        body.call(f"__qrt__decode_{suffix}", I64, entry, wires, n, slot)
        body.store(entry, slot, ENTRY_WORD)
        gate = field(body, entry, KERNEL) <= PAULI_ROT
        small = ~needs_room(body, entry)
        union = bits.get() | decoded(body, slot, TARGETS)
        fits = body.count_ones(union) <= limit
        with body.when(gate & small & fits):
            own = body.at(slot, MATRIX_WORD, I64)
            prepare(body, precision, slot, params, slots, own)
            sums = body.at(slot, SUMS_WORD, I64)
            size = matrix_words(body, entry) * 8
            body.call("memset", PTR, sums, body.coerce(0, I32), size)
            bits.set(union)
            number.add(1)
            more.set(1)
    with body.when(tiled):
        fill(body, bits, limit)
    body.store(bits.get(), out)
    body.finish(number.get())


def needs_room(body: Body, entry: Value) -> Value:
    """Whether the matrix of a gate, or its sums, are no small ones."""
    mixed = field(body, entry, KERNEL).ne(PAULI_ROT)
    return mixed & (matrix_words(body, entry) > STACK_ENTRIES)


def prepare(
    body: Body,
    precision: Precision,
    slot: Value,
    params: Value,
    slots: Value,
    room: Value,
) -> None:
    """Make the matrix of a gate ready, which acts wherever the stage does."""
    entry = body.load(PTR, slot, ENTRY_WORD)
    body.store(room, slot, MADE_WORD)
    with body.when(field(body, entry, KERNEL).ne(PAULI_ROT)):
        name = f"__qrt__matrix_of_{precision.suffix}"
        body.store(body.call(name, PTR, entry, params, room), slot, MADE_WORD)
    for word in range(2):
        body.store(body.int(0), slot, OUTSIDE_WORD + word)
    wanted = body.call("wanted", I64, entry, slots)
    body.store(wanted, slot, WANTED_WORD)


def undo_one(
    body: Body,
    precision: Precision,
    places: Sequence[Value],
    slot: Value,
    params: Value,
    sums: Value,
) -> None:
    """Undo a gate on blocks of ket and bra."""
    entry = body.load(PTR, slot, ENTRY_WORD)
    matrix = body.load(PTR, slot, MADE_WORD)
    given = (entry, slot, params, matrix, sums, body.load(I64, slot, WANTED_WORD))
    body.call(f"__qrt__reverse_gate_{precision.suffix}", VOID, *places, *given)


def _undo(module: Module, precision: Precision) -> None:
    """Undo the gates of a stage whose outside controls fire at `base`."""
    arguments = (PTR, PTR, I64, PTR, I64, PTR, I64)
    body = module.function("undo", VOID, *arguments, private=True)
    ket, bra, blocks, room, count, params, base = body.args
    with body.loop(count) as number:
        slot = slot_of(body, room, number)
        controls = body.load(I64, slot, OUTSIDE_WORD)
        values = body.load(I64, slot, OUTSIDE_WORD + 1)
        with body.when((base & controls).eq(values)):
            sums = body.at(slot, SUMS_WORD, I64)
            undo_one(body, precision, (ket, bra, blocks), slot, params, sums)
    body.finish()


def _finish(module: Module, precision: Precision) -> None:
    """Add what the gates of a stage have summed up to their gradients."""
    arguments = (PTR, I64, PTR, PTR, PTR)
    body = module.function("finish", VOID, *arguments, private=True)
    room, count, params, slots, grads = body.args
    with body.loop(count) as number:
        slot = slot_of(body, room, number)
        with body.when(body.load(I64, slot, WANTED_WORD).ne(0)):
            entry = body.load(PTR, slot, ENTRY_WORD)
            sums = body.at(slot, SUMS_WORD, I64)
            name = f"__qrt__add_gradients_{precision.suffix}"
            body.call(name, VOID, entry, params, slots, sums, grads)
    body.finish()


def _alone(module: Module, precision: Precision) -> None:
    """Undo an entry that fits into no stage."""
    suffix = precision.suffix
    body = module.function("alone", VOID, *(PTR,) * 6, private=True)
    ket, bra, slot, params, slots, grads = body.args
    entry = body.load(PTR, slot, ENTRY_WORD)
    gate = field(body, entry, KERNEL) <= PAULI_ROT
    with body.when(gate):
        size = matrix_words(body, entry) * 8
        room = allocate_zeroed(body, size * 2)
        sums = body.at(room, size)
        prepare(body, precision, slot, params, slots, room)
        places = (data(body, ket), data(body, bra), block_count(body, ket))
        undo_one(body, precision, places, slot, params, sums)
        with body.when(body.load(I64, slot, WANTED_WORD).ne(0)):
            name = f"__qrt__add_gradients_{suffix}"
            body.call(name, VOID, entry, params, slots, sums, grads)
        release(body, room)
    with body.when(~gate):
        given = (entry, slot, params, slots, grads)
        body.call(f"__qrt__step_back_{suffix}", VOID, ket, bra, *given)
    body.finish()


def _tiles(module: Module, precision: Precision) -> None:
    """Undo the gates of a stage on one tile after another."""
    suffix, tile = precision.suffix, tile_bits(precision)
    arguments = (PTR, PTR, I64, PTR, I64, PTR, I64, PTR)
    body = module.function("undo_tiles", VOID, *arguments, private=True)
    ket, bra, n, room, count, params, bits, buffer = body.args
    body.call(f"__qrt__stage_enter_{suffix}", VOID, room, count, bits)
    scattered = bits.ne((1 << tile) - 1)
    rest = ((body.int(1) << n) - 1) & ~bits
    blocks = body.int(1 << (tile - precision.lane_bits))
    tiles = [(ket, buffer), (bra, body.at(buffer, TILE_BYTES))]
    base = body.var(0)

    def move(back: int) -> None:
        with body.when(scattered):
            for state, copied in tiles:
                given = (state, copied, base.get(), bits, body.int(back))
                body.call(f"__qrt__stage_move_{suffix}", VOID, *given)

    with body.loop(body.int(1) << (n - tile)):
        offset = base.get() * (2 * precision.real_bytes)
        places = [
            body.select(scattered, copied, body.at(state, offset))
            for state, copied in tiles
        ]
        move(0)
        given = (room, count, params, base.get())
        body.call("undo", VOID, *places, blocks, *given)
        move(1)
        base.set(next_subset(base.get(), rest))
    body.finish()


def _reverse_stages(module: Module, precision: Precision) -> None:
    """Undo the entries of a record, the last first, and collect their gradients."""
    suffix = precision.suffix
    name = f"__qrt__reverse_stages_{suffix}"
    body = module.function(name, VOID, PTR, PTR, PTR, PTR)
    record, ket, bra, grads = body.args
    entries, wires = body.load(PTR, record, ENTRIES), body.load(PTR, record, WIRES)
    params, slots = body.load(PTR, record, KEPT_PARAMS), body.load(PTR, record, SLOTS)
    n = qubits(body, ket)
    large = body.var(body.convert(n >= tile_bits(precision) + UNTILED, I64))
    room, memory = body.var(body.stack(I64, FEWER * SLOT_WORDS)), body.var(body.null())
    with body.when(large.get().ne(0)):
        memory.set(allocate(body, body.int(2 * TILE_BYTES + MOST * SLOT_WORDS * 8)))
        # Without room for tiles, entries are undone one by one.
        large.set(body.convert(memory.get().ne_null(), I64))
        with body.when(large.get().ne(0)):
            room.set(body.at(memory.get(), 2 * TILE_BYTES))
    limit = body.select(large.get().ne(0), tile_bits(precision), 64)
    bits = body.stack(I64)
    states = (data(body, ket), data(body, bra))
    left = body.var(body.load(I64, record, COUNT))
    with body.repeat_while(lambda: left.get() > 0):
        given = (entries, left.get(), wires, params, slots, n, room.get(), limit, bits)
        found = body.call("collect", I64, *given)
        with body.when(found.eq(0)):
            given = (room.get(), params, slots, grads)
            body.call("alone", VOID, ket, bra, *given)
            left.add(-1)
        tiled = large.get().ne(0) & (found > 1)
        with body.when(tiled):
            given = (room.get(), found, params, body.load(I64, bits), memory.get())
            body.call("undo_tiles", VOID, *states, n, *given)
        with body.when((found > 0) & ~tiled):
            given = (room.get(), found, params, body.int(0))
            body.call("undo", VOID, *states, block_count(body, ket), *given)
        with body.when(found > 0):
            body.call("finish", VOID, room.get(), found, params, slots, grads)
            left.set(left.get() - found)
    release(body, memory.get())
    body.finish()
