"""The adjoint method: walk a tape backwards, undoing gates and collecting gradients."""

from __future__ import annotations

from qjit.runtime.abi.layout import (
    ADJOINT,
    CHECKPOINT,
    DENSE,
    DIAGONAL,
    GATE,
    INVERTIBLE,
    KERNEL,
    NUM_PARAMS,
    NUM_TARGETS,
    PARAMS,
    PAULI_ROT,
    PREPARE,
)
from qjit.runtime.abi.status import NO_MEMORY
from qjit.runtime.codegen.builder import F64, I32, I64, PTR, VOID, Body, Module, Value
from qjit.runtime.codegen.simd_blocks import Blocks, Complex
from qjit.runtime.statevector.kernels import pairs_adjoint
from qjit.runtime.statevector.kernels.pairs import (
    FLIP,
    LANE_A,
    LANE_B,
    LANE_FIXED,
    coefficients,
    plan_buffer,
    word,
)
from qjit.runtime.statevector.kernels.pairs_adjoint import (
    CROSS_A,
    CROSS_B,
    SAME_A,
    SAME_B,
)
from qjit.runtime.statevector.state import block_count, data
from qjit.runtime.target.cpu import Precision

from .execute import (
    CONTROLS,
    TARGET_BITS,
    VALUES,
    YS,
    decoded,
    field,
    half_angle,
    make_plan,
    matrix_words,
)

ENTRIES, COUNT, WIRES, KEPT_PARAMS, SLOTS, ADJOINT_CODE = range(1, 7)


def module(precision: Precision) -> str:
    """IR of the adjoint pass."""
    result = Module(f"qrt.adjoint.{precision.suffix}")
    pairs_adjoint.define(result, precision)
    _two_level(result, precision)
    _pauli(result, precision)
    _adjoin(result, precision)
    _whole(result, precision)
    _gradient(result, precision)
    _checkpoint(result, precision)
    _restore(result, precision)
    _gate(result, precision)
    _step_back(result, precision)
    _adjoint(result, precision)
    _adjoint_batch(result, precision)
    return result.text()


def _two_level(module: Module, precision: Precision) -> None:
    """Undo a 2x2 on ket and bra; the 2x2 sums conj(bra)*ket are added to `sums`."""
    suffix = precision.suffix
    arguments = (PTR, PTR, I64, PTR, PTR, PTR, PTR, I64)
    body = module.function("adjoint_two_level", VOID, *arguments, private=True)
    ket, bra, count, entry, words, matrix, sums, wanted = body.args
    blocks = Blocks(body, precision)
    plan = plan_buffer(blocks)
    table = body.stack(blocks.wide, 8)
    make_plan(body, precision, plan, words, count)
    inverse = field(body, entry, ADJOINT) ^ 1
    body.call(f"__qrt__pair_matrix_{suffix}", VOID, plan, matrix, inverse)
    with body.when(wanted.eq(0)):
        body.call(f"__qrt__pair_{suffix}", VOID, ket, plan)
        body.call(f"__qrt__pair_{suffix}", VOID, bra, plan)
        body.exit()
    body.call(f"__qrt__pair_adjoint_{suffix}", VOID, ket, bra, plan, table)
    fixed = word(body, plan, LANE_FIXED)
    in_a = blocks.match(fixed, word(body, plan, LANE_A))
    in_b = blocks.match(fixed, word(body, plan, LANE_B))
    paired = word(body, plan, FLIP).ne(0)
    sides = ((SAME_A, in_a), (CROSS_A, in_a), (CROSS_B, in_b), (SAME_B, in_b))
    for number, (side, lanes) in enumerate(sides):
        value = blocks.get(table, side, blocks.wide)
        if side in (SAME_B, CROSS_B):
            inside = blocks.get(table, side - SAME_B + SAME_A, blocks.wide)
            value = Complex(
                body.select(paired, value.re, inside.re),
                body.select(paired, value.im, inside.im),
            )
        for part, lane_values in enumerate((value.re, value.im)):
            chosen = body.select(lanes, lane_values, 0.0)
            place = 2 * number + part
            total = body.load(F64, sums, place) + blocks.total(chosen)
            body.store(total, sums, place)
    body.finish()


def _pauli(module: Module, precision: Precision) -> None:
    """Undo a Pauli rotation on ket and bra; its derivative is added to `sums`."""
    suffix = precision.suffix
    arguments = (PTR, PTR, I64, PTR, PTR, PTR, PTR, I64)
    body = module.function("adjoint_pauli", VOID, *arguments, private=True)
    ket, bra, count, entry, words, params, sums, wanted = body.args
    blocks = Blocks(body, precision)
    plan = plan_buffer(blocks)
    table = body.stack(blocks.wide, 8)
    body.call(f"__qrt__pauli_plan_{suffix}", VOID, plan, words, count)
    theta = body.load(F64, params, field(body, entry, PARAMS))
    cosine, sine = half_angle(body, theta)
    turn = body.select(field(body, entry, ADJOINT).ne(0), -1.0, 1.0, F64)
    sine = sine * turn
    ys = decoded(body, words, YS)
    fill = f"__qrt__pair_pauli_{suffix}"
    body.call(fill, VOID, plan, ys, cosine, -sine, body.real(1.0))
    with body.when(wanted.eq(0)):
        body.call(f"__qrt__pair_{suffix}", VOID, ket, plan)
        body.call(f"__qrt__pair_{suffix}", VOID, bra, plan)
        body.exit()
    body.call(f"__qrt__pair_adjoint_{suffix}", VOID, ket, bra, plan, table)
    body.call(fill, VOID, plan, ys, sine * -0.5, cosine * 0.5, body.real(0.0))
    total = body.var(0.0, blocks.wide)
    in_pair = blocks.splat(body.select(word(body, plan, FLIP).ne(0), 1.0, 0.0, F64))
    order = (SAME_A, CROSS_A, SAME_B, CROSS_B)
    for place, factor in zip(order, coefficients(blocks, plan), strict=True):
        if place in (SAME_B, CROSS_B):
            factor = factor.scaled(in_pair)
        factor = factor.map(blocks.widen)
        value = blocks.get(table, place, blocks.wide)
        total.add(factor.re * value.re - factor.im * value.im)
    value = blocks.total(total.get()) * turn * 2.0
    body.store(body.load(F64, sums) + value, sums)
    body.finish()


def _adjoin(module: Module, precision: Precision) -> None:
    """Replace a side x side matrix by its conjugate transpose."""
    body = module.function("adjoin", VOID, PTR, I64, private=True)
    matrix, side = body.args
    with body.loop(side) as i, body.loop(i + 1) as j:
        here, there = (i * side + j) * 2, (j * side + i) * 2
        a = [body.load(F64, matrix, here + part) for part in (0, 1)]
        b = [body.load(F64, matrix, there + part) for part in (0, 1)]
        body.store(b[0], matrix, here)
        body.store(-b[1], matrix, here + 1)
        body.store(a[0], matrix, there)
        body.store(-a[1], matrix, there + 1)
    body.finish()


def _whole(module: Module, precision: Precision) -> None:
    """Undo a diagonal or dense entry; conj(bra)*ket are added to `sums`."""
    suffix = precision.suffix
    arguments = (PTR, PTR, I64, *(PTR,) * 4, I64)
    body = module.function("adjoint_whole", VOID, *arguments, private=True)
    ket, bra, count, entry, words, matrix, sums, wanted = body.args
    size = field(body, entry, NUM_TARGETS)
    bits = body.at(words, TARGET_BITS, I64)
    controls, values = decoded(body, words, CONTROLS), decoded(body, words, VALUES)
    place = (count, bits, size, controls, values)
    invertible = body.load(I32, entry, GATE).eq(INVERTIBLE)
    inverse = field(body, entry, ADJOINT) ^ 1
    doubles = matrix_words(body, entry)
    undoing = body.select(invertible, body.at(matrix, doubles, F64), matrix)
    diagonal = field(body, entry, KERNEL).eq(DIAGONAL)
    with body.when(diagonal):
        name = f"__qrt__diagonal_adjoint_{suffix}"
        body.call(name, VOID, ket, bra, *place, matrix, inverse, sums)
    with body.when(~diagonal):
        turned = body.select(invertible, 0, inverse)
        body.call(f"__qrt__dense_{suffix}", VOID, ket, *place, undoing, turned)
        with body.when(wanted.ne(0)):
            name = f"__qrt__correlate_{suffix}"
            body.call(name, VOID, ket, bra, *place, sums)
        body.call(f"__qrt__dense_{suffix}", VOID, bra, *place, matrix, inverse)
    body.finish()


def _gradient(module: Module, precision: Precision) -> None:
    """Add the derivatives of an entry's parameters to the gradients of their slots."""
    name = f"__qrt__add_gradients_{precision.suffix}"
    body = module.function(name, VOID, PTR, PTR, PTR, PTR, PTR)
    entry, params, slots, sums, grads = body.args
    count = field(body, entry, NUM_PARAMS)
    with body.when(field(body, entry, KERNEL).eq(PAULI_ROT)):
        place = field(body, entry, PARAMS)
        add_to_slot(body, grads, slots, place, body.load(F64, sums))
        body.exit()
    with body.when(field(body, entry, ADJOINT).ne(0)):
        kernel = field(body, entry, KERNEL)
        side = body.int(1) << field(body, entry, NUM_TARGETS)
        side = body.select(kernel.eq(DENSE), side, 2)
        with body.when(kernel.ne(DIAGONAL)):
            body.call("adjoin", VOID, sums, side)
        entries = body.int(1) << field(body, entry, NUM_TARGETS)
        with body.when(kernel.eq(DIAGONAL)), body.loop(entries) as i:
            im = body.load(F64, sums, i * 2 + 1)
            body.store(-im, sums, i * 2 + 1)
    first = field(body, entry, PARAMS)
    given = body.load(I32, entry, GATE) < 0
    with body.when(given), body.loop(matrix_words(body, entry)) as number:
        value = body.load(F64, sums, number) * 2.0
        value = body.select((number & 1).ne(0), -value, value)
        add_to_slot(body, grads, slots, first + number, value)
    body.leave_if(given)
    own, out = body.at(params, first, F64), body.call("malloc", PTR, count * 8)
    body.call(
        "__qjit__gate_gradient", VOID, body.load(I32, entry, GATE), own, sums, out
    )
    with body.loop(count) as number:
        value = body.load(F64, out, number)
        add_to_slot(body, grads, slots, first + number, value)
    body.call("free", VOID, out)
    body.finish()


def add_to_slot(
    body: Body, grads: Value, slots: Value, number: Value, value: Value
) -> None:
    """Add a derivative to the gradient its parameter belongs to, if any."""
    slot = body.convert(body.load(I32, slots, number), I64)
    with body.when(slot >= 0):
        body.store(body.load(F64, grads, slot) + value, grads, slot)


def _checkpoint(module: Module, precision: Precision) -> None:
    """Keep a copy of the state on the tape, as what follows cannot be undone."""
    suffix = precision.suffix
    name = f"__qrt__checkpoint_{suffix}"
    body = module.function(name, I64, PTR, PTR, PTR, PTR)
    context, state, tape, entry = body.args
    copied = body.call(f"__qrt__state_copy_{suffix}", PTR, context, state)
    body.leave_if(~copied.ne_null(), NO_MEMORY)
    kept = body.stack(PTR, 2)
    body.store(context, kept)
    body.store(copied, kept, 1)
    given = (tape, entry, body.int(1), body.null(), kept, body.null(), body.null())
    body.finish(body.call(f"__qrt__record_{suffix}", I64, *given))


def _restore(module: Module, precision: Precision) -> None:
    """Go back to the copy of a state."""
    suffix = precision.suffix
    body = module.function("restore", VOID, PTR, PTR, private=True)
    ket, kept = body.args
    context, copied = body.load(PTR, kept), body.load(PTR, kept, 1)
    size = block_count(body, ket) << precision.block_shift
    body.call("memcpy", PTR, data(body, ket), data(body, copied), size)
    body.call(f"__qrt__state_free_{suffix}", VOID, context, copied)
    body.finish()


def _gate(module: Module, precision: Precision) -> None:
    """Undo one decoded gate on blocks of ket and bra; add to its sums if wanted."""
    arguments = (PTR, PTR, I64, *(PTR,) * 5, I64)
    name = f"__qrt__adjoint_gate_{precision.suffix}"
    body = module.function(name, VOID, *arguments)
    ket, bra, count, entry, words, params, matrix, sums, wanted = body.args
    states = (ket, bra, count, entry, words)

    def two_level() -> None:
        body.call("adjoint_two_level", VOID, *states, matrix, sums, wanted)

    def whole() -> None:
        body.call("adjoint_whole", VOID, *states, matrix, sums, wanted)

    def pauli() -> None:
        body.call("adjoint_pauli", VOID, *states, params, sums, wanted)

    cases = [two_level, whole, two_level, whole, pauli]
    body.switch(body.load(I32, entry, KERNEL), cases)
    body.finish()


def _step_back(module: Module, precision: Precision) -> None:
    """Undo a decoded entry that is no gate."""
    suffix = precision.suffix
    name = f"__qrt__step_back_{suffix}"
    body = module.function(name, VOID, *(PTR,) * 7)
    ket, bra, entry, words, params, slots, grads = body.args
    kernel = field(body, entry, KERNEL)
    with body.when(kernel.eq(PREPARE)):
        size = field(body, entry, NUM_TARGETS)
        bits = body.at(words, TARGET_BITS, I64)
        first = field(body, entry, PARAMS)
        own, places = body.at(params, first, F64), body.at(slots, first, I32)
        places = body.select(slots.ne_null(), places, body.null())
        name = f"__qrt__state_preparation_adjoint_{suffix}"
        body.call(name, VOID, ket, bra, bits, size, own, places, grads)
    with body.when(kernel.eq(CHECKPOINT)):
        body.call("restore", VOID, ket, params)
    body.finish()


def _adjoint(module: Module, precision: Precision) -> None:
    """Walk a tape backwards, and clear it."""
    body = module.function(f"__qrt__adjoint_{precision.suffix}", VOID, *(PTR,) * 4)
    tape, ket, bra, grads = body.args
    record = body.var(body.load(PTR, tape))
    with body.repeat_while(lambda: record.get().ne_null()):
        given = (record.get(), ket, bra, grads)
        adjoint = body.load(PTR, record.get(), ADJOINT_CODE)
        with body.when(adjoint.ne_null()):
            body.call_pointer(adjoint, VOID, *given)
        with body.when(~adjoint.ne_null()):
            body.call(f"__qrt__adjoint_stages_{precision.suffix}", VOID, *given)
        record.set(body.load(PTR, record.get()))
    body.call("__qrt__tape_clear", VOID, tape)
    body.finish()


def _adjoint_batch(module: Module, precision: Precision) -> None:
    """Walk a tape backwards that has records of all entries of a batch, in turns."""
    name = f"__qrt__adjoint_batch_{precision.suffix}"
    body = module.function(name, VOID, PTR, PTR, PTR, PTR)
    tape, *given = body.args
    record = body.var(body.load(PTR, tape))
    records = body.stack(PTR, precision.lanes)
    with body.repeat_while(lambda: record.get().ne_null()):
        for entry in reversed(range(precision.lanes)):
            body.store(record.get(), records, entry)
            record.set(body.load(PTR, record.get()))
        adjoint = body.load(PTR, body.load(PTR, records), ADJOINT_CODE)
        body.call_pointer(adjoint, VOID, records, *given)
    body.call("__qrt__tape_clear", VOID, tape)
    body.finish()
