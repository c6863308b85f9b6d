"""Stages of the adjoint pass: gates are undone on tiles of ket and bra together."""

from __future__ import annotations

from collections.abc import Sequence

from qjit.runtime.abi.layout import (
    DIAGONAL,
    ENTRY_WORDS,
    KERNEL,
    NUM_PARAMS,
    PARAMS,
    PAULI_ROT,
)
from qjit.runtime.codegen.builder import F64, I32, I64, PTR, VOID, Body, Module, Value
from qjit.runtime.statevector.state import (
    allocate,
    allocate_zeroed,
    block_count,
    data,
    qubits,
    release,
)
from qjit.runtime.system.thread_pool import Region, parallel
from qjit.runtime.target.cpu import Precision

from .adjoint import COUNT, ENTRIES, KEPT_PARAMS, SLOTS, WIRES
from .execute import STACK_ENTRIES, TARGET_BITS, TARGETS, decoded, field, matrix_words
from .tiles import (
    ENTRY_WORD,
    FOLLOWS_WORD,
    LAST_WORD,
    MADE_WORD,
    MATRIX_WORD,
    NEXT_WORD,
    OUTSIDE_WORD,
    RUN_ENTRY_WORD,
    RUN_MADE_WORD,
    RUN_WANTED_WORD,
    SLOT_WORDS,
    SUMS_WORD,
    TILE_BYTES,
    TOGETHER_WORD,
    WANTED_WORD,
    Tiling,
    each_tile,
    fill,
    forget,
    identity,
    is_single,
    merged_entry,
    mixes_one_bit,
    nearest_bits,
    slot_of,
    tile_bits,
    tile_count,
)

MOST, FEWER = 64, 12  # entries of a stage on a large and on a small state
# From how many qubits on gates are undone together: on fewer, a pass over the states
# costs less than telling the sums of the gates apart.
JOINED_FROM = 7
# Up to how many qubits more than a tile has, states are undone whole: their sums take
# more time than the way to the second-level cache.
UNTILED = 6
# In how many chunks tiles are undone, whose sums are kept apart: as many as the fewest
# tiles allow, whatever the number of threads.
CHUNKS = 16
NONE = -1


def module(precision: Precision) -> str:
    """IR of the stages of the adjoint pass."""
    result = Module(f"qrt.adjoint_stages.{precision.suffix}")
    _wanted(result)
    _collect(result, precision)
    _adjoint(result, precision)
    _join(result, precision)
    _share(result, precision)
    _finish(result, precision)
    _alone(result, precision)
    _tiles(result, precision)
    _adjoint_stages(result, precision)
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
    entries, count, wires, params, slots, n, workspace, limit, out = body.args
    tiled = limit < n
    bits = body.var(body.select(tiled, nearest_bits(precision), 0))
    number, more = body.var(0), body.var(1)
    last = body.select(tiled, MOST, FEWER)
    latest = body.stack(I64, 64)  # the slot of one qubit that touched a bit last, + 1
    body.call("memset", PTR, latest, body.coerce(0, I32), n * 8)

    def more_left() -> Value:
        found = number.get()
        return more.get().ne(0) & (found < count) & (found < last)

    with body.repeat_while(more_left):
        more.set(0)
        entry = body.at(entries, (count - 1 - number.get()) * ENTRY_WORDS, I32)
        slot = slot_of(body, workspace, number.get())
        body.call(f"__qrt__decode_{suffix}", I64, entry, wires, n, slot)
        body.store(entry, slot, ENTRY_WORD)
        gate = field(body, entry, KERNEL) <= PAULI_ROT
        small = ~needs_buffer(body, entry)
        union = bits.get() | decoded(body, slot, TARGETS)
        fits = body.count_ones(union) <= limit
        with body.when(gate & small & fits):
            own = body.at(slot, MATRIX_WORD, I64)
            prepare(body, precision, slot, params, slots, own)
            sums = body.at(slot, SUMS_WORD, I64)
            used = matrix_words(body, entry)
            size = body.select(used < 8, 8, used) * 8  # of a 2x2 at least
            body.call("memset", PTR, sums, body.coerce(0, I32), size)
            with body.when(n >= JOINED_FROM):
                body.call("join", VOID, slot, workspace, number.get(), latest)
            bits.set(union)
            number.add(1)
            more.set(1)
    with body.when(tiled):
        fill(body, bits, limit)
    body.store(bits.get(), out)
    body.finish(number.get())


def needs_buffer(body: Body, entry: Value) -> Value:
    """Whether the matrix of a gate, or its sums, are no small ones."""
    mixed = field(body, entry, KERNEL).ne(PAULI_ROT)
    return mixed & (matrix_words(body, entry) > STACK_ENTRIES)


def prepare(
    body: Body,
    precision: Precision,
    slot: Value,
    params: Value,
    slots: Value,
    buffer: Value,
) -> None:
    """Make the matrix of a gate ready, which acts wherever the stage does."""
    entry = body.load(PTR, slot, ENTRY_WORD)
    body.store(buffer, slot, MADE_WORD)
    with body.when(field(body, entry, KERNEL).ne(PAULI_ROT)):
        name = f"__qrt__matrix_of_{precision.suffix}"
        body.store(body.call(name, PTR, entry, params, buffer), slot, MADE_WORD)
    for word in range(2):
        body.store(body.int(0), slot, OUTSIDE_WORD + word)
    wanted = body.call("wanted", I64, entry, slots)
    body.store(wanted, slot, WANTED_WORD)
    body.store(entry, slot, RUN_ENTRY_WORD)
    body.store(body.load(PTR, slot, MADE_WORD), slot, RUN_MADE_WORD)
    body.store(wanted, slot, RUN_WANTED_WORD)
    body.store(body.int(0), slot, FOLLOWS_WORD)
    body.store(body.int(NONE), slot, NEXT_WORD)


def adjoint_gate(
    body: Body,
    precision: Precision,
    places: Sequence[Value],
    slot: Value,
    params: Value,
    sums: Value,
) -> None:
    """Undo a gate on blocks of ket and bra."""
    entry = body.load(PTR, slot, RUN_ENTRY_WORD)
    matrix = body.load(PTR, slot, RUN_MADE_WORD)
    given = (entry, slot, params, matrix, sums, body.load(I64, slot, RUN_WANTED_WORD))
    body.call(f"__qrt__adjoint_gate_{precision.suffix}", VOID, *places, *given)


def _adjoint(module: Module, precision: Precision) -> None:
    """Undo the gates of a stage whose outside controls fire at `base`."""
    arguments = (PTR, PTR, I64, PTR, I64, PTR, I64, PTR, I64)
    body = module.function("adjoint", VOID, *arguments, private=True)
    ket, bra, blocks, workspace, count, params, base, first_sums, stride = body.args
    with body.loop(count) as number:
        slot = slot_of(body, workspace, number)
        controls = body.load(I64, slot, OUTSIDE_WORD)
        values = body.load(I64, slot, OUTSIDE_WORD + 1)
        leads = body.load(I64, slot, FOLLOWS_WORD).eq(0)
        with body.when(leads & (base & controls).eq(values)):
            sums = body.at(first_sums, number * stride, F64)
            adjoint_gate(body, precision, (ket, bra, blocks), slot, params, sums)
    body.finish()


def _join(module: Module, precision: Precision) -> None:
    """Let a gate of one qubit be undone with those that follow it in the circuit."""
    body = module.function("join", VOID, PTR, PTR, I64, PTR, private=True)
    slot, workspace, number, latest = body.args
    entry = body.load(PTR, slot, ENTRY_WORD)
    merged = merged_entry(module)
    with body.when(~is_single(body, entry)):
        forget(body, slot, latest)
        body.exit()
    bit = body.load(I64, slot, TARGET_BITS)
    before = body.load(I64, latest, bit)
    with body.when(before.eq(0)):
        body.store(number, slot, LAST_WORD)
        body.store(number + 1, latest, bit)
        body.exit()
    leader = slot_of(body, workspace, before - 1)
    body.store(body.int(1), slot, FOLLOWS_WORD)
    end = slot_of(body, workspace, body.load(I64, leader, LAST_WORD))
    body.store(number, end, NEXT_WORD)
    body.store(number, leader, LAST_WORD)
    own, together = body.stack(F64, 8), body.at(leader, TOGETHER_WORD, I64)
    expand = f"__qrt__two_by_two_{precision.suffix}"
    product = f"__qrt__product_{precision.suffix}"
    run_entry = body.address(merged)
    with body.when(body.load(PTR, leader, RUN_ENTRY_WORD).ne(run_entry)):
        given = (body.load(PTR, leader, part) for part in (ENTRY_WORD, MADE_WORD))
        body.call(expand, VOID, *given, together)
    body.call(expand, VOID, entry, body.load(PTR, slot, MADE_WORD), own)
    body.call(product, VOID, together, own, together)
    body.store(run_entry, leader, RUN_ENTRY_WORD)
    body.store(together, leader, RUN_MADE_WORD)
    wanted = [body.load(I64, s, WANTED_WORD) for s in (leader, slot)]
    any_wanted = body.load(I64, leader, RUN_WANTED_WORD) | wanted[0] | wanted[1]
    body.store(any_wanted, leader, RUN_WANTED_WORD)
    mixes_one_bit(body, leader)
    body.finish()


def _share(module: Module, precision: Precision) -> None:
    """Tell the gates that were undone together their parts of the sums.

    Of U = L M R, the derivative by M is that by U between L and R, transposed.
    """
    body = module.function("share", VOID, *(PTR,) * 5, private=True)
    leader, workspace, params, slots, grads = body.args
    expand = f"__qrt__two_by_two_{precision.suffix}"
    product = f"__qrt__product_{precision.suffix}"
    left, right, own, turned = (body.stack(F64, 8) for _ in range(4))
    whole = body.at(leader, SUMS_WORD, I64)
    identity(body, left)
    slot = body.var(leader)
    more = body.var(1)

    def expanded(of: Value, out: Value) -> None:
        given = (body.load(PTR, of, part) for part in (ENTRY_WORD, MADE_WORD))
        body.call(expand, VOID, *given, out)

    with body.repeat_while(lambda: more.get().ne(0)):
        following = body.load(I64, slot.get(), NEXT_WORD)
        with body.when(body.load(I64, slot.get(), WANTED_WORD).ne(0)):
            identity(body, right)
            place = body.var(following)
            with body.repeat_while(lambda: place.get() >= 0):
                one = slot_of(body, workspace, place.get())
                expanded(one, own)
                body.call(product, VOID, right, own, right)
                place.set(body.load(I64, one, NEXT_WORD))
            _transposed(body, left, turned)
            body.call(product, VOID, turned, whole, own)
            _transposed(body, right, turned)
            body.call(product, VOID, own, turned, own)
            entry = body.load(PTR, slot.get(), ENTRY_WORD)
            with body.when(field(body, entry, KERNEL).eq(DIAGONAL)):
                for part in range(2):
                    body.store(body.load(F64, own, 6 + part), own, 2 + part)
            name = f"__qrt__add_gradients_{precision.suffix}"
            body.call(name, VOID, entry, params, slots, own, grads)
        expanded(slot.get(), own)
        body.call(product, VOID, left, own, left)
        more.set(body.convert(following >= 0, I64))
        slot.set(slot_of(body, workspace, following))
    body.finish()


def _transposed(body: Body, table: Value, out: Value) -> None:
    for place, source in enumerate((0, 1, 4, 5, 2, 3, 6, 7)):
        body.store(body.load(F64, table, source), out, place)


def _finish(module: Module, precision: Precision) -> None:
    """Add what the gates of a stage have summed up to their gradients."""
    arguments = (PTR, I64, PTR, PTR, PTR)
    body = module.function("finish", VOID, *arguments, private=True)
    workspace, count, params, slots, grads = body.args
    with body.loop(count) as number:
        slot = slot_of(body, workspace, number)
        leads = body.load(I64, slot, FOLLOWS_WORD).eq(0)
        alone = body.load(I64, slot, NEXT_WORD) < 0
        wanted = leads & body.load(I64, slot, RUN_WANTED_WORD).ne(0)
        with body.when(wanted & alone):
            entry = body.load(PTR, slot, ENTRY_WORD)
            sums = body.at(slot, SUMS_WORD, I64)
            name = f"__qrt__add_gradients_{precision.suffix}"
            body.call(name, VOID, entry, params, slots, sums, grads)
        with body.when(wanted & ~alone):
            body.call("share", VOID, slot, workspace, params, slots, grads)
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
        buffer = allocate_zeroed(body, size * 2)
        sums = body.at(buffer, size)
        prepare(body, precision, slot, params, slots, buffer)
        places = (data(body, ket), data(body, bra), block_count(body, ket))
        adjoint_gate(body, precision, places, slot, params, sums)
        with body.when(body.load(I64, slot, WANTED_WORD).ne(0)):
            name = f"__qrt__add_gradients_{suffix}"
            body.call(name, VOID, entry, params, slots, sums, grads)
        release(body, buffer)
    with body.when(~gate):
        given = (entry, slot, params, slots, grads)
        body.call(f"__qrt__step_back_{suffix}", VOID, ket, bra, *given)
    body.finish()


def _tiles(module: Module, precision: Precision) -> None:
    """Undo the gates of a stage on all tiles."""
    suffix = precision.suffix
    arguments = (PTR, PTR, I64, PTR, I64, PTR, I64, PTR, PTR)
    body = module.function("adjoint_tiles", VOID, *arguments, private=True)
    n, workspace, count, bits, sums = (body.args[k] for k in (2, 3, 4, 6, 8))
    with body.loop(count) as number:
        slot = slot_of(body, workspace, number)
        body.call(f"__qrt__enter_slot_{suffix}", VOID, slot, bits)
    size = count * STACK_ENTRIES
    body.call("memset", PTR, sums, body.coerce(0, I32), size * (CHUNKS * 8))
    each = tile_count(body, precision, n) / CHUNKS
    given = (*body.args, each, size)
    with parallel(body, module, "tile_range", CHUNKS, given) as region:
        _adjoint_range(region, precision)
    with body.loop(count) as number:
        slot = slot_of(body, workspace, number)
        with body.loop(STACK_ENTRIES) as place:
            total = body.var(0.0, F64)
            with body.loop(CHUNKS) as chunk:
                where = chunk * size + number * STACK_ENTRIES + place
                total.add(body.load(F64, sums, where))
            body.store(total.get(), slot, place + SUMS_WORD)
    body.finish()


def _adjoint_range(region: Region, precision: Precision) -> None:
    """Undo the gates of a stage on the tiles of some chunks."""
    body, given, first, last, worker = region
    ket, bra, n, workspace, count, params, bits, buffers, sums, each, size = given
    buffer = body.at(buffers, worker * (2 * TILE_BYTES))
    states = [(ket, buffer), (bra, body.at(buffer, TILE_BYTES))]
    tiling = Tiling(n, bits, states)
    with body.loop(last, first) as chunk:
        bounds = (chunk * each, (chunk + 1) * each)
        with each_tile(body, precision, tiling, *bounds) as (base, places, blocks):
            own = body.at(sums, chunk * size, F64)
            given = (blocks, workspace, count, params, base, own)
            body.call("adjoint", VOID, *places, *given, body.int(STACK_ENTRIES))


def _adjoint_stages(module: Module, precision: Precision) -> None:
    """Undo the entries of a record, the last first, and collect their gradients."""
    suffix = precision.suffix
    name = f"__qrt__adjoint_stages_{suffix}"
    body = module.function(name, VOID, PTR, PTR, PTR, PTR)
    record, ket, bra, grads = body.args
    entries, wires = body.load(PTR, record, ENTRIES), body.load(PTR, record, WIRES)
    params, slots = body.load(PTR, record, KEPT_PARAMS), body.load(PTR, record, SLOTS)
    n = qubits(body, ket)
    large = body.var(body.convert(n >= tile_bits(precision) + UNTILED, I64))
    workspace = body.var(body.stack(I64, FEWER * SLOT_WORDS))
    memory = body.var(body.null())
    with body.when(large.get().ne(0)):
        kept = MOST * (SLOT_WORDS + CHUNKS * STACK_ENTRIES) * 8
        buffers = body.call("__qrt__workers", I64) * (2 * TILE_BYTES)
        memory.set(allocate(body, buffers + kept))
        # Without memory for tiles, entries are undone one by one.
        large.set(body.convert(memory.get().ne_null(), I64))
        with body.when(large.get().ne(0)):
            workspace.set(body.at(memory.get(), buffers))
    limit = body.select(large.get().ne(0), tile_bits(precision), 64)
    bits = body.stack(I64)
    states = (data(body, ket), data(body, bra))
    left = body.var(body.load(I64, record, COUNT))
    with body.repeat_while(lambda: left.get() > 0):
        schedule = (entries, left.get(), wires, params, slots, n)
        given = (*schedule, workspace.get(), limit, bits)
        found = body.call("collect", I64, *given)
        with body.when(found.eq(0)):
            given = (workspace.get(), params, slots, grads)
            body.call("alone", VOID, ket, bra, *given)
            left.add(-1)
        tiled = large.get().ne(0) & (found > 1)
        with body.when(tiled):
            given = (workspace.get(), found, params, body.load(I64, bits), memory.get())
            sums = body.at(workspace.get(), MOST * SLOT_WORDS, I64)
            body.call("adjoint_tiles", VOID, *states, n, *given, sums)
        with body.when((found > 0) & ~tiled):
            sums = body.at(workspace.get(), SUMS_WORD, I64)
            given = (workspace.get(), found, params, body.int(0), sums)
            stride = body.int(SLOT_WORDS)
            body.call("adjoint", VOID, *states, block_count(body, ket), *given, stride)
        with body.when(found > 0):
            body.call("finish", VOID, workspace.get(), found, params, slots, grads)
            left.set(left.get() - found)
    release(body, memory.get())
    body.finish()
