"""From the gates of a stage to few steps, each one pass over a tile.

Every bit knows the last step that acts on it and the last one that only reads it, as
controls and diagonals do. A gate joins the first step after these that it fits in:
gates that commute change places, and matrices of one qubit meet and are merged.
"""

from __future__ import annotations

from qjit.runtime.abi.layout import KERNEL, NUM_TARGETS, ONE, PAULI_ROT, TWO_LEVEL
from qjit.runtime.codegen.builder import F64, I64, PTR, VOID, Body, Module, Value
from qjit.runtime.settings import enabled
from qjit.runtime.statevector.kernels.pairs import CROSS, GENERAL
from qjit.runtime.target.cpu import Precision

from .execute import CONTROLS, TARGETS, VALUES, A, B, decoded, field
from .tile_ops import (
    BITS,
    COUNT,
    CROSSED,
    FAR,
    FLIP,
    GATES,
    HEAD_WORDS,
    KIND,
    LANES,
    MODE,
    MOST_BITS,
    MOST_LANES,
    MOVED,
    NEAR,
    OUTSIDE,
    PAIR,
    PHASES,
    PLAN,
    PURE,
    REGISTERS,
    SINGLE,
    SLOT,
    TABLE,
    UNSPLIT,
    matrix_of,
    step_of,
)
from .tile_ops import CONTROLS as STEP_CONTROLS
from .tile_ops import VALUES as STEP_VALUES
from .tiles import (
    ENTRY_WORD,
    MADE_WORD,
    OUTSIDE_WORD,
    each_bit,
    identity,
    is_diagonal,
    is_single,
    slot_of,
)

# Words of a composition: its steps and how many there are, the blocks of a tile, the
# bits of the stage, memory for tables of phases (or null), parameters, and for each bit
# one past the number of the last step that acts on it, and of the last that reads it.
STEPS, USED, SIZE, STAGE_BITS, TABLES, PARAMS, ACTED, READ = *range(6), 8, 72
WORDS = 136


def module(precision: Precision) -> str:
    """IR of the composition."""
    result = Module(f"qrt.compose.{precision.suffix}")
    _latest(result)
    _mark(result)
    _new_step(result)
    _find(result)
    _add_member(result)
    _fold(result, precision)
    _find_matrix(result, precision)
    _join_matrix(result, precision)
    _merge_matrix(result)
    _put_matrix(result, precision)
    _permute(result, precision)
    _append(result, precision)
    _place(result, precision)
    _compose(result, precision)
    return result.text()


def word(body: Body, plan: Value, number: int) -> Value:
    """A word of a composition."""
    return body.load(I64, plan, number)


def _latest(module: Module) -> None:
    """The greatest number that a table has for the bits of a mask."""
    body = module.function("latest", I64, PTR, I64, private=True)
    table, mask = body.args
    result = body.var(0)
    with each_bit(body, mask) as bit:
        value = body.load(I64, table, body.count_ones(bit - 1))
        result.set(body.select(value > result.get(), value, result.get()))
    body.finish(result.get())


def _mark(module: Module) -> None:
    """Note a step, by one past its number, for the bits of a mask."""
    body = module.function("mark", VOID, PTR, I64, I64, private=True)
    table, mask, number = body.args
    with each_bit(body, mask) as bit:
        place = body.at(table, body.count_ones(bit - 1), I64)
        old = body.load(I64, place)
        body.store(body.select(old > number, old, number), place)
    body.finish()


def latest(body: Body, plan: Value, table: int, mask: Value) -> Value:
    """One past the last step noted for any bit of a mask."""
    return body.call("latest", I64, body.at(plan, table, I64), mask)


def mark(body: Body, plan: Value, table: int, mask: Value, number: Value) -> None:
    """Note that a step acts on bits, or reads them."""
    body.call("mark", VOID, body.at(plan, table, I64), mask, number + 1)


def _new_step(module: Module) -> None:
    """Append a step of some kind; its number."""
    body = module.function("new_step", I64, PTR, I64, private=True)
    plan, kind = body.args
    number = word(body, plan, USED)
    step = step_of(body, body.load(PTR, plan, STEPS), number)
    with body.loop(HEAD_WORDS) as place:
        body.store(body.int(0), step, place)
    body.store(kind, step, KIND)
    body.store(body.int(MOVED), step, MODE)
    body.store(number + 1, plan, USED)
    body.finish(number)


def _first_searched(body: Body, plan: Value, earliest: Value) -> Value:
    """Where to look for a step: only the last one may take gates out of order."""
    if enabled("reordering"):
        return earliest
    last = word(body, plan, USED) - 1
    return body.select(earliest > last, earliest, last)


def _find(module: Module) -> None:
    """The first step of a kind from a number on, appended if there is none."""
    body = module.function("find", I64, PTR, I64, I64, private=True)
    plan, kind, earliest = body.args
    used, steps = word(body, plan, USED), body.load(PTR, plan, STEPS)
    first = _first_searched(body, plan, earliest)
    with body.loop(used, first) as number:
        step = step_of(body, steps, number)
        body.leave_if(body.load(I64, step, KIND).eq(kind), number)
    body.finish(body.call("new_step", I64, plan, kind))


def member_of(body: Body, step: Value, mask: Value) -> Value:
    """The place of a block bit among those of a register step, or -1."""
    result = body.int(-1)
    for place in range(MOST_BITS):
        used = body.load(I64, step, COUNT) > place
        here = used & body.load(I64, step, BITS + place).eq(mask)
        result = body.select(here, place, result)
    return result


def _add_member(module: Module) -> None:
    """Let a register step include a block bit; its place."""
    body = module.function("add_member", I64, PTR, I64, private=True)
    step, mask = body.args
    found = member_of(body, step, mask)
    body.leave_if(found >= 0, found)
    place = body.load(I64, step, COUNT)
    bit = body.int(1) << place
    with body.loop(place) as other:
        far = body.load(I64, step, other + FAR)
        read = (far & mask).ne(0)
        near = body.load(I64, step, other + NEAR)
        body.store(body.select(read, near | bit, near), step, other + NEAR)
        body.store(far & ~mask, step, other + FAR)
    body.store(mask, step, place + BITS)
    body.store(bit, step, place + NEAR)
    for first in (FAR, OUTSIDE, FLIP):
        body.store(body.int(0), step, place + first)
    identity(body, matrix_of(body, step, place))
    body.store(place + 1, step, COUNT)
    body.finish(place)


def _fold(module: Module, precision: Precision) -> None:
    """Let a diagonal gate join a phase step, if it may: 1, or else 0."""
    suffix = precision.suffix
    body = module.function("fold", I64, PTR, PTR, private=True)
    plan, slot = body.args
    body.leave_if(~body.load(PTR, plan, TABLES).ne_null(), 0)
    entry = body.load(PTR, slot, ENTRY_WORD)
    body.leave_if(~is_diagonal(body, entry, slot), 0)
    touched = decoded(body, slot, CONTROLS) | decoded(body, slot, TARGETS)
    bits, size = word(body, plan, STAGE_BITS), word(body, plan, SIZE)
    inner = touched & bits
    whole = inner.eq(touched)
    body.leave_if(~whole & (body.count_ones(touched) > 2), 0)
    local = body.call(f"__qrt__compress_{suffix}", I64, inner, bits)
    earliest = latest(body, plan, ACTED, local)
    before = word(body, plan, USED)
    number = body.call("find", I64, plan, body.int(PHASES), earliest)
    mark(body, plan, READ, local, number)
    step = step_of(body, body.load(PTR, plan, STEPS), number)
    with body.when(number >= before):
        body.call(f"__qrt__begin_phases_{suffix}", VOID, step)
    params = body.load(PTR, plan, PARAMS)
    rank = body.select(local.ne(0), body.count_ones(local - 1), -1)
    with body.when(~whole):
        body.call(f"__qrt__vary_{suffix}", VOID, step, slot, inner, rank, params)
        body.exit(1)
    with body.when(body.count_ones(local).eq(1)):
        given = (step, slot, inner, rank, params)
        body.call(f"__qrt__join_pair_{suffix}", VOID, *given)
        body.exit(1)
    body.call(f"__qrt__enter_slot_{suffix}", VOID, slot, bits)
    with body.when(~body.load(PTR, step, TABLE).ne_null()):
        table = body.load(PTR, plan, TABLES)
        body.store(body.at(table, size << precision.block_shift), plan, TABLES)
        body.store(table, step, TABLE)
        body.call(f"__qrt__fill_ones_{suffix}", VOID, table, size)
    table = body.load(PTR, step, TABLE)
    body.call(f"__qrt__run_slot_{suffix}", VOID, table, size, slot, params)
    body.finish(1)


def _find_matrix(module: Module, precision: Precision) -> None:
    """The number of a step that a matrix of some mode on a bit may join."""
    body = module.function("find_matrix", I64, PTR, I64, I64, private=True)
    plan, bit, mode = body.args
    steps, used = body.load(PTR, plan, STEPS), word(body, plan, USED)
    mask = body.int(1) << bit
    acted = latest(body, plan, ACTED, mask)
    read = latest(body, plan, READ, mask)
    kind = body.select(bit < precision.lane_bits, LANES, REGISTERS)
    # A register step reads before it applies matrices, so it may do both on a bit.
    earliest = body.select(read - 1 > acted, read - 1, acted)
    if enabled("registers"):
        with body.loop(used, _first_searched(body, plan, earliest)) as number:
            step = step_of(body, steps, number)
            last_read = (number + 1).eq(read)
            right = body.load(I64, step, KIND).eq(kind)
            right = right & (~last_read | kind.eq(REGISTERS))
            fits = kind.eq(LANES) | (body.load(I64, step, COUNT) < MOST_BITS)
            own = body.load(I64, step, MODE)
            alike = (own.ne(PURE) | mode.ne(GENERAL)) & own.ne(UNSPLIT)
            alike = alike & mode.ne(UNSPLIT)
            body.leave_if(right & fits & alike, number)
    body.finish(body.call("new_step", I64, plan, kind))


def _join_matrix(module: Module, precision: Precision) -> None:
    """Let a matrix join a step, for a bit of the tile."""
    body = module.function("join_matrix", VOID, PTR, I64, PTR, private=True)
    step, bit, matrix = body.args
    lane = bit < precision.lane_bits
    member, gates = body.var(bit), body.load(I64, step, GATES)
    with body.when(~lane):
        mask = body.int(1) << (bit - precision.lane_bits)
        member.set(body.call("add_member", I64, step, mask))
    with body.when(lane & gates.eq(0)):
        for place in range(MOST_LANES):
            identity(body, matrix_of(body, step, body.int(place)))
    own = matrix_of(body, step, member.get())
    body.call(f"__qrt__product_{precision.suffix}", VOID, matrix, own, own)
    mode, old = mode_of(body, precision, own, lane), body.load(I64, step, MODE)
    unsplit = mode.eq(UNSPLIT) | old.eq(UNSPLIT)
    general = mode.eq(GENERAL) | old.eq(GENERAL)
    new = body.select(unsplit, UNSPLIT, body.select(general, GENERAL, PURE))
    body.store(new, step, MODE)
    bit = body.int(1) << member.get()
    crossed = body.load(I64, step, CROSSED)
    crossed = body.select(mode.eq(CROSS), crossed | bit, crossed & ~bit)
    body.store(crossed, step, CROSSED)
    body.store(gates | bit, step, GATES)
    body.finish()


def mode_of(body: Body, precision: Precision, matrix: Value, lane: Value) -> Value:
    """The mode of a matrix: lanes cannot be exchanged for a greater diagonal."""
    name = f"__qrt__split_matrix_{precision.suffix}"
    found = body.call(name, I64, matrix, body.stack(F64, 8))
    return body.select(lane & (found >= 8), UNSPLIT, found & 7)


def _merge_matrix(module: Module) -> None:
    """Let a matrix join the last step that acts on its bit, if it may: 1, or else 0."""
    body = module.function("merge_matrix", I64, PTR, I64, PTR, private=True)
    plan, bit, matrix = body.args
    if enabled("merging"):
        mask = body.int(1) << bit
        acted, read = (latest(body, plan, table, mask) for table in (ACTED, READ))
        with body.when((acted > 0) & (read <= acted)):
            step = step_of(body, body.load(PTR, plan, STEPS), acted - 1)
            kind = body.load(I64, step, KIND)
            has_matrices = body.load(I64, step, GATES).ne(0)
            with body.when((kind.eq(REGISTERS) | kind.eq(LANES)) & has_matrices):
                body.call("join_matrix", VOID, step, bit, matrix)
                body.exit(1)
    body.finish(0)


def _put_matrix(module: Module, precision: Precision) -> None:
    """Let the matrix of a bit join a step that has none for this bit."""
    body = module.function("put_matrix", VOID, PTR, I64, PTR, private=True)
    plan, bit, matrix = body.args
    mode = mode_of(body, precision, matrix, bit < precision.lane_bits)
    number = body.call("find_matrix", I64, plan, bit, mode)
    step = step_of(body, body.load(PTR, plan, STEPS), number)
    body.call("join_matrix", VOID, step, bit, matrix)
    mark(body, plan, ACTED, body.int(1) << bit, number)
    body.finish()


def _permute(module: Module, precision: Precision) -> None:
    """Let a register step flip a target where a control has a value, or always.

    The control is a bit of the tile, or one outside, or none.
    """
    arguments = (PTR, I64, I64, I64, I64)
    body = module.function("permute", VOID, *arguments, private=True)
    plan, target, control, outside, flipped = body.args
    steps, used = body.load(PTR, plan, STEPS), word(body, plan, USED)
    shift = precision.lane_bits
    both = target | control
    acted = latest(body, plan, ACTED, both)
    read = latest(body, plan, READ, target)
    late = body.select(read > acted, read, acted) - 1
    found = body.var(-1)
    number = body.var(_first_searched(body, plan, body.select(late < 0, 0, late)))
    with body.repeat_while(lambda: (found.get() < 0) & (number.get() < used)):
        step = step_of(body, steps, number.get())
        right = body.load(I64, step, KIND).eq(REGISTERS)
        place = member_of(body, step, target >> shift)
        fits = (place >= 0) | (body.load(I64, step, COUNT) < MOST_BITS)
        gates = body.load(I64, step, GATES)
        free = body.int(1).eq(1)
        for bit in (target, control):
            member = member_of(body, step, bit >> shift)
            has_gate = (member >= 0) & ((gates >> (member & 63)) & 1).ne(0)
            free = free & ~has_gate
        with body.when(right & fits & free):
            found.set(number.get())
        number.add(1)
    with body.when(found.get() < 0):
        found.set(body.call("new_step", I64, plan, body.int(REGISTERS)))
    step = step_of(body, steps, found.get())
    place = body.call("add_member", I64, step, target >> shift)
    source = member_of(body, step, control >> shift)
    with body.loop(body.load(I64, step, COUNT)) as row:
        near = body.load(I64, step, row + NEAR)
        with body.when(((near >> place) & 1).ne(0)):
            here = source >= 0
            change = body.select(here, body.int(1) << (source & 63), 0)
            body.store(near ^ change, step, row + NEAR)
            far = body.select(here, 0, control >> shift)
            for first, value in ((FAR, far), (OUTSIDE, outside), (FLIP, flipped)):
                old = body.load(I64, step, row + first)
                body.store(old ^ value, step, row + first)
    mark(body, plan, ACTED, target, found.get())
    mark(body, plan, READ, control, found.get())
    body.finish()


def _is_flip(body: Body, matrix: Value) -> Value:
    """Whether a matrix exchanges its two states."""
    result = body.int(1).eq(1)
    for place, wanted in enumerate((0.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0)):
        result = result & body.load(F64, matrix, place).eq(wanted)
    return result


def _append(module: Module, precision: Precision) -> None:
    """Append a step of its own for a gate."""
    suffix = precision.suffix
    body = module.function("append", VOID, PTR, PTR, private=True)
    plan, slot = body.args
    entry = body.load(PTR, slot, ENTRY_WORD)
    kernel = field(body, entry, KERNEL)
    planned = kernel.eq(ONE) | kernel.eq(TWO_LEVEL) | kernel.eq(PAULI_ROT)
    kind = body.select(planned, PAIR, SINGLE)
    number = body.call("new_step", I64, plan, kind)
    step = step_of(body, body.load(PTR, plan, STEPS), number)
    body.store(slot, step, SLOT)
    for place, to in enumerate((STEP_CONTROLS, STEP_VALUES)):
        body.store(body.load(I64, slot, OUTSIDE_WORD + place), step, to)
    with body.when(planned):
        given = (word(body, plan, SIZE), entry, slot, body.load(PTR, slot, MADE_WORD))
        given = (*given, body.load(PTR, plan, PARAMS), body.int(0))
        name = f"__qrt__plan_{suffix}"
        body.call(name, VOID, body.at(step, PLAN), *given)
    controls, targets = decoded(body, slot, CONTROLS), decoded(body, slot, TARGETS)
    diagonal = is_diagonal(body, entry, slot)
    acted = body.select(diagonal, 0, targets)
    mark(body, plan, ACTED, acted, number)
    mark(body, plan, READ, (controls | targets) ^ acted, number)
    body.finish()


def _place(module: Module, precision: Precision) -> None:
    """Place a gate in a step."""
    suffix = precision.suffix
    body = module.function("place", VOID, PTR, PTR, private=True)
    plan, slot = body.args
    entry = body.load(PTR, slot, ENTRY_WORD)
    matrix = body.load(PTR, slot, MADE_WORD)
    bits, target = word(body, plan, STAGE_BITS), decoded(body, slot, TARGETS)
    two, two_by_two = body.stack(F64, 8), f"__qrt__two_by_two_{suffix}"
    single, rank = is_single(body, entry), body.count_ones(bits & (target - 1))
    with body.when(single & (target & bits).ne(0)):
        body.call(two_by_two, VOID, entry, matrix, two)
        body.leave_if(body.call("merge_matrix", I64, plan, rank, two).ne(0))
    body.leave_if(body.call("fold", I64, plan, slot).ne(0))
    body.call(f"__qrt__enter_slot_{suffix}", VOID, slot, bits)
    outside = body.load(I64, slot, OUTSIDE_WORD)
    outside_values = body.load(I64, slot, OUTSIDE_WORD + 1)
    controls, values = decoded(body, slot, CONTROLS), decoded(body, slot, VALUES)
    targets = decoded(body, slot, TARGETS)
    kernel = field(body, entry, KERNEL)
    lanes = precision.lanes - 1
    if enabled("permutations"):
        few = body.count_ones(outside) + body.count_ones(controls) <= 1
        in_blocks = ((controls | targets) & lanes).eq(0)

        def permute(target: Value, control: Value, flipped: Value) -> None:
            body.call("permute", VOID, plan, target, control, outside, flipped)

        with body.when(few & in_blocks & kernel.eq(ONE)):
            body.call(two_by_two, VOID, entry, matrix, two)
            with body.when(_is_flip(body, two)):
                # Without a control, or with one that is to be 0, others are flipped.
                off = (values | outside_values).eq(0)
                permute(targets, controls, body.convert(off, I64))
                body.exit()
        a, b = decoded(body, slot, A), decoded(body, slot, B)
        exchanged = kernel.eq(TWO_LEVEL) & (a ^ b).eq(targets) & a.ne(0) & b.ne(0)
        two_bits = field(body, entry, NUM_TARGETS).eq(2)
        no_controls = (controls | outside).eq(0)
        exchanged = exchanged & two_bits & no_controls & in_blocks
        with body.when(exchanged), body.when(_is_flip(body, matrix)):
            for target, control in ((a, b), (b, a), (a, b)):
                permute(target, control, body.int(0))
            body.exit()
    with body.when(single):
        body.call("put_matrix", VOID, plan, rank, two)
        body.exit()
    body.call("append", VOID, plan, slot)
    body.finish()


def _compose(module: Module, precision: Precision) -> None:
    """Compose the slots of a stage; the number of steps."""
    name = f"__qrt__compose_{precision.suffix}"
    arguments = (PTR, I64, I64, I64, PTR, PTR, PTR)
    body = module.function(name, I64, *arguments)
    workspace, count, bits, size, params, steps, tables = body.args
    plan = body.stack(I64, WORDS)
    with body.loop(WORDS) as place:
        body.store(body.int(0), plan, place)
    for place, value in ((STEPS, steps), (TABLES, tables), (PARAMS, params)):
        body.store(value, plan, place)
    body.store(size, plan, SIZE)
    body.store(bits, plan, STAGE_BITS)
    with body.loop(count) as number:
        body.call("place", VOID, plan, slot_of(body, workspace, number))
    used = word(body, plan, USED)
    with body.loop(used) as number:
        step = step_of(body, steps, number)
        has_matrices = body.load(I64, step, KIND) <= LANES
        with body.when(has_matrices):
            body.call(f"__qrt__settle_step_{precision.suffix}", VOID, step)
    body.finish(used)
