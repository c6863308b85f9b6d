"""The executor: decodes schedule entries, checks them, and runs their kernels."""

from __future__ import annotations

from qjit.runtime.abi.layout import (
    ADJOINT,
    CONTROL_VALUES,
    DENSE,
    DIAGONAL,
    ENTRY_WORDS,
    GATE,
    KERNEL,
    LOCATION,
    NUM_CONTROLS,
    NUM_PARAMS,
    NUM_TARGETS,
    ONE,
    PARAMS,
    PAULI_ROT,
    STATE_A,
    STATE_B,
    UNITARY,
    WIRES,
)
from qjit.runtime.abi.status import (
    NO_MEMORY,
    NOT_FINITE,
    NOT_UNITARY,
    WIRE_RANGE,
    WIRE_REPEATED,
)
from qjit.runtime.codegen.builder import F64, I32, I64, PTR, VOID, Body, Module, Value
from qjit.runtime.codegen.simd_blocks import Blocks
from qjit.runtime.statevector.kernels.pairs import plan_buffer
from qjit.runtime.statevector.state import block_count, data, is_skipped, qubits
from qjit.runtime.target.cpu import Precision

# Words of a decoded entry; TARGET_BITS is the first of up to 64.
CONTROLS, VALUES, TARGETS, A, B, FLIPS, SIGNS, YS, TARGET_BITS = range(9)
DECODED_WORDS = TARGET_BITS + 64
STACK_ENTRIES = 64


def module(precision: Precision) -> str:
    """IR of the executor."""
    result = Module(f"qrt.schedule.{precision.suffix}")
    _decode(result, precision)
    _prepare_pauli(result, precision)
    _matrix_of(result, precision)
    _finite(result, precision)
    _unitary(result, precision)
    _plan(result, precision)
    _execute(result, precision)
    _record(result, precision)
    _record_run(result, precision)
    _ready(result, precision)
    _made(result, precision)
    _run_one(result, precision)
    return result.text()


def field(body: Body, entry: Value, number: int) -> Value:
    """A field of a schedule entry, as a 64-bit integer."""
    return body.convert(body.load(I32, entry, number), I64)


def _decode(module: Module, precision: Precision) -> None:
    """Masks and target bits of an entry; 0 or an error code."""
    name = f"__qrt__decode_{precision.suffix}"
    body = module.function(name, I64, PTR, PTR, I64, PTR)
    entry, wires, n, out = body.args
    controls, targets = (
        field(body, entry, NUM_CONTROLS),
        field(body, entry, NUM_TARGETS),
    )
    first = body.at(wires, field(body, entry, WIRES), I32)
    words = [body.var(0) for _ in range(TARGET_BITS)]
    values = field(body, entry, CONTROL_VALUES)

    def next_bit(number: Value) -> tuple[Value, Value]:
        wire = body.convert(body.load(I32, first, number), I64)
        body.leave_if((wire < 0) | (wire >= n), WIRE_RANGE)
        position = n - 1 - wire
        bit = body.int(1) << position
        taken = words[CONTROLS].get() | words[TARGETS].get()
        body.leave_if((taken & bit).ne(0), WIRE_REPEATED)
        return position, bit

    def include(word: int, value: Value) -> None:
        words[word].set(words[word].get() | value)

    with body.loop(controls) as number:
        position, bit = next_bit(number)
        include(CONTROLS, bit)
        include(VALUES, ((values >> number) & 1) << position)
    kernel = field(body, entry, KERNEL)
    one = kernel.eq(ONE)
    a = body.select(one, 0, field(body, entry, STATE_A))
    b = body.select(one, 1, field(body, entry, STATE_B))
    with body.loop(targets) as number:
        position, bit = next_bit(number + controls)
        include(TARGETS, bit)
        body.store(position, out, number + TARGET_BITS)
        place = targets - 1 - number
        include(A, ((a >> place) & 1) << position)
        include(B, ((b >> place) & 1) << position)
    with body.when(kernel.eq(PAULI_ROT)), body.loop(targets) as number:
        letter = body.convert(body.load(I32, first, number + controls + targets), I64)
        position = body.load(I64, out, number + TARGET_BITS)
        flips = (letter ^ (letter >> 1)) & 1
        signs = letter >> 1
        include(FLIPS, flips << position)
        include(SIGNS, signs << position)
        words[YS].add(flips & signs)
    for number, word in enumerate(words):
        body.store(word.get(), out, number)
    body.finish(0)


def decoded(body: Body, decoded: Value, number: int) -> Value:
    """A word of a decoded entry."""
    return body.load(I64, decoded, number)


def make_plan(
    body: Body, precision: Precision, plan: Value, words: Value, blocks: Value
) -> None:
    """Plan the pair kernel of an entry's two basis states."""
    values = decoded(body, words, VALUES)
    fixed = decoded(body, words, CONTROLS) | decoded(body, words, TARGETS)
    a, b = decoded(body, words, A) | values, decoded(body, words, B) | values
    name = f"__qrt__pair_plan_{precision.suffix}"
    body.call(name, VOID, plan, blocks, fixed, a, b, body.int(0))


def _prepare_pauli(module: Module, precision: Precision) -> None:
    """Plan a Pauli rotation: the highest flipped block bit tells the sides apart."""
    name = f"__qrt__pauli_plan_{precision.suffix}"
    body = module.function(name, VOID, PTR, PTR, I64)
    plan, words, blocks = body.args
    values, flips = decoded(body, words, VALUES), decoded(body, words, FLIPS)
    flipped_blocks = flips & -precision.lanes
    leading = body.leading_zeros(flipped_blocks)
    pivot = body.select(flipped_blocks.ne(0), body.int(1) << ((-leading + 63) & 63), 0)
    fixed = decoded(body, words, CONTROLS) | pivot
    signs = decoded(body, words, SIGNS)
    name = f"__qrt__pair_plan_{precision.suffix}"
    body.call(name, VOID, plan, blocks, fixed, values, values ^ flips, signs)
    body.finish()


def matrix_words(body: Body, entry: Value) -> Value:
    """Number of doubles in the matrix of an entry's gate."""
    size = field(body, entry, NUM_TARGETS)
    kernel = field(body, entry, KERNEL)
    entries = body.select(kernel.eq(DENSE), body.int(1) << (size * 2), 4)
    return body.select(kernel.eq(DIAGONAL), body.int(1) << size, entries) * 2


def _matrix_of(module: Module, precision: Precision) -> None:
    """The matrix of an entry: its parameters, or what the library makes in `buffer`."""
    name = f"__qrt__matrix_of_{precision.suffix}"
    body = module.function(name, PTR, PTR, PTR, PTR)
    entry, params, buffer = body.args
    gate = body.load(I32, entry, GATE)
    own = body.at(params, field(body, entry, PARAMS), F64)
    body.leave_if(gate < 0, own)
    body.call("__qjit__gate_matrix", VOID, gate, own, buffer)
    body.finish(buffer)


def _finite(module: Module, precision: Precision) -> None:
    """Whether `count` doubles are all finite."""
    body = module.function("finite", I64, PTR, I64, private=True)
    values, count = body.args
    with body.loop(count) as number:
        value = body.load(F64, values, number)
        body.leave_if(~(value - value).eq(0.0), 0)
    body.finish(1)


def _unitary(module: Module, precision: Precision) -> None:
    """Whether a matrix given with an entry is unitary."""
    body = module.function("unitary", I64, PTR, PTR, private=True)
    entry, matrix = body.args
    tolerance = precision.unitary_tolerance
    size = field(body, entry, NUM_TARGETS)
    kernel = field(body, entry, KERNEL)
    diagonal = kernel.eq(DIAGONAL)
    dense = kernel.eq(DENSE)
    side = body.select(dense | diagonal, body.int(1) << size, 2)
    with body.when(diagonal):
        with body.loop(side) as i:
            re, im = (body.load(F64, matrix, i * 2 + part) for part in (0, 1))
            excess = re * re + im * im - 1.0
            body.leave_if(~(excess * excess < tolerance * tolerance), 0)
        body.exit(1)
    sums = [body.var(0.0, F64) for _ in range(2)]
    with body.loop(side) as i, body.loop(side) as j:
        sums[0].set(body.select(i.eq(j), -1.0, 0.0, F64))
        sums[1].set(0.0)
        with body.loop(side) as k:
            left, right = (k * side + i) * 2, (k * side + j) * 2
            a_re, a_im = (body.load(F64, matrix, left + part) for part in (0, 1))
            b_re, b_im = (body.load(F64, matrix, right + part) for part in (0, 1))
            sums[0].add(a_re * b_re + a_im * b_im)
            sums[1].add(a_re * b_im - a_im * b_re)
        size2 = sums[0].get() * sums[0].get() + sums[1].get() * sums[1].get()
        body.leave_if(~(size2 < tolerance * tolerance), 0)
    body.finish(1)


def half_angle(body: Body, theta: Value) -> tuple[Value, Value]:
    """Cosine and sine of half an angle."""
    half = theta * 0.5
    return body.intrinsic("cos", half), body.intrinsic("sin", half)


def _plan(module: Module, precision: Precision) -> None:
    """Plan the pair kernel of a decoded gate that is no matrix, or of its inverse."""
    suffix = precision.suffix
    arguments = (PTR, I64, PTR, PTR, PTR, PTR, I64)
    body = module.function(f"__qrt__plan_{suffix}", VOID, *arguments)
    plan, count, entry, words, matrix, params, inverse = body.args
    adjoint = field(body, entry, ADJOINT) ^ inverse
    rotation = field(body, entry, KERNEL).eq(PAULI_ROT)
    with body.when(~rotation):
        make_plan(body, precision, plan, words, count)
        body.call(f"__qrt__pair_matrix_{suffix}", VOID, plan, matrix, adjoint)
    with body.when(rotation):
        body.call(f"__qrt__pauli_plan_{suffix}", VOID, plan, words, count)
        theta = body.load(F64, params, field(body, entry, PARAMS))
        cosine, sine = half_angle(body, theta)
        sine = body.select(adjoint.ne(0), -sine, sine)
        ys, rest = decoded(body, words, YS), body.real(1.0)
        body.call(f"__qrt__pair_pauli_{suffix}", VOID, plan, ys, cosine, sine, rest)
    body.finish()


def _execute(module: Module, precision: Precision) -> None:
    """Apply a decoded entry, or its inverse where `inverse` is 1."""
    suffix = precision.suffix
    arguments = (PTR, I64, PTR, PTR, PTR, PTR, I64)
    body = module.function(f"__qrt__execute_{suffix}", VOID, *arguments)
    first, count, entry, words, matrix, params, inverse = body.args
    plan = plan_buffer(Blocks(body, precision))
    adjoint = field(body, entry, ADJOINT) ^ inverse
    bits = body.at(words, TARGET_BITS, I64)
    size = field(body, entry, NUM_TARGETS)
    controls, values = decoded(body, words, CONTROLS), decoded(body, words, VALUES)

    def pair() -> None:
        given = (plan, count, entry, words, matrix, params, inverse)
        body.call(f"__qrt__plan_{suffix}", VOID, *given)
        body.call(f"__qrt__pair_{suffix}", VOID, first, plan)

    def whole(kernel: str) -> None:
        name = f"__qrt__{kernel}_{suffix}"
        given = (first, count, bits, size, controls, values, matrix, adjoint)
        body.call(name, VOID, *given)

    cases = [
        pair,
        lambda: whole("diagonal"),
        pair,
        lambda: whole("dense"),
        pair,
    ]
    body.switch(body.load(I32, entry, KERNEL), cases)
    body.finish()


def _record(module: Module, precision: Precision) -> None:
    """Append a run to a tape.

    A record has the earlier one, entries, their number, copies of their data, and the
    address of what undoes them, if there is code for that.
    """
    name = f"__qrt__record_{precision.suffix}"
    arguments = (PTR, PTR, I64, PTR, PTR, PTR, PTR)
    body = module.function(name, I64, *arguments)
    tape, entries, count, wires, params, slots, adjoint = body.args
    wire_end, param_end = body.var(0), body.var(0)
    with body.loop(count) as number:
        entry = body.at(entries, number * ENTRY_WORDS, I32)
        targets = field(body, entry, NUM_TARGETS)
        used = targets + field(body, entry, NUM_CONTROLS)
        letters = body.select(field(body, entry, KERNEL).eq(PAULI_ROT), targets, 0)
        end = field(body, entry, WIRES) + used + letters
        wire_end.set(body.select(end > wire_end.get(), end, wire_end.get()))
        end = field(body, entry, PARAMS) + field(body, entry, NUM_PARAMS)
        param_end.set(body.select(end > param_end.get(), end, param_end.get()))
    param_bytes, wire_bytes = param_end.get() * 8, (wire_end.get() * 4 + 7) & -8
    slot_bytes = body.select(slots.ne_null(), param_end.get() * 4, 0)
    head = body.int(56)
    record = body.call("malloc", PTR, head + param_bytes + wire_bytes + slot_bytes)
    body.leave_if(~record.ne_null(), NO_MEMORY)
    kept_params = body.at(record, head)
    kept_wires = body.at(kept_params, param_bytes)
    kept_slots = body.at(kept_wires, wire_bytes)
    body.call("memcpy", PTR, kept_params, params, param_bytes)
    body.call("memcpy", PTR, kept_wires, wires, wire_end.get() * 4)
    body.call("memcpy", PTR, kept_slots, slots, slot_bytes)
    last = body.select(slots.ne_null(), kept_slots, body.null())
    kept = (entries, count, kept_wires, kept_params, last, adjoint)
    words = (body.load(PTR, tape), *kept)
    for number, word in enumerate(words):
        body.store(word, record, number)
    body.store(record, tape)
    body.finish(0)


def _record_run(module: Module, precision: Precision) -> None:
    """Record a schedule that its kernel has run, unless nothing is done; 0 or code."""
    suffix = precision.suffix
    arguments = (PTR, PTR, I64, PTR, PTR, PTR, PTR, PTR)
    body = module.function(f"__qrt__record_run_{suffix}", I64, *arguments)
    state, entries, count, wires, params, slots, tape, undo = body.args
    body.leave_if(is_skipped(body, state), 0)
    given = (tape, entries, count, wires, params, slots, undo)
    body.finish(body.call(f"__qrt__record_{suffix}", I64, *given))


def matrix_buffer(body: Body, stack: Value, size: Value, used: Value) -> Value:
    """`stack` where `size` doubles fit, else memory noted in `used` for release."""
    buffer = body.var(stack)
    with body.when(size > STACK_ENTRIES):
        body.call("free", VOID, body.load(PTR, used))
        memory = body.call("malloc", PTR, size * 8)
        body.store(memory, used)
        buffer.set(memory)
    return buffer.get()


def makes_large_matrix(body: Body, entry: Value) -> Value:
    """Whether the gate library makes a matrix for an entry that is no small one."""
    known = body.load(I32, entry, GATE) >= 0
    mixed = field(body, entry, KERNEL).ne(PAULI_ROT)
    return known & mixed & (matrix_words(body, entry) > STACK_ENTRIES)


def _ready(module: Module, precision: Precision) -> None:
    """Decode and check an entry; its matrix, perhaps made in `buffer`, to `out`."""
    suffix = precision.suffix
    name = f"__qrt__ready_{suffix}"
    body = module.function(name, I64, PTR, PTR, PTR, I64, PTR, PTR, PTR)
    entry, wires, params, n, words, buffer, out = body.args
    status = body.call(f"__qrt__decode_{suffix}", I64, entry, wires, n, words)
    body.leave_if(status.ne(0), located(body, entry, status))
    body.finish(body.call(f"__qrt__made_{suffix}", I64, entry, params, buffer, out))


def located(body: Body, entry: Value, code: Value) -> Value:
    """An error of an entry: its code, and where in the program the entry is."""
    return code | (field(body, entry, LOCATION) << 8)


def _made(module: Module, precision: Precision) -> None:
    """Check the parameters of an entry and make its matrix; 0 or an error."""
    suffix = precision.suffix
    body = module.function(f"__qrt__made_{suffix}", I64, PTR, PTR, PTR, PTR)
    entry, params, buffer, out = body.args
    own = body.at(params, field(body, entry, PARAMS), F64)
    is_finite = body.call("finite", I64, own, field(body, entry, NUM_PARAMS)).ne(0)
    body.leave_if(~is_finite, located(body, entry, body.int(NOT_FINITE)))
    with body.when(body.load(I32, entry, GATE).eq(UNITARY)):
        unitary = body.call("unitary", I64, entry, own).ne(0)
        body.leave_if(~unitary, located(body, entry, body.int(NOT_UNITARY)))
    body.store(buffer, out)
    with body.when(field(body, entry, KERNEL).ne(PAULI_ROT)):
        made = body.call(f"__qrt__matrix_of_{suffix}", PTR, entry, params, buffer)
        body.store(made, out)
    body.finish(0)


def _run_one(module: Module, precision: Precision) -> None:
    """Run one entry, whose matrix may be large; 0 or an error."""
    suffix = precision.suffix
    body = module.function(f"__qrt__run_one_{suffix}", I64, PTR, PTR, PTR, PTR)
    state, entry, wires, params = body.args
    words, matrix = body.stack(I64, DECODED_WORDS), body.stack(PTR)
    buffer = body.call("malloc", PTR, matrix_words(body, entry) * 8)
    body.leave_if(~buffer.ne_null(), NO_MEMORY)
    place = (qubits(body, state), words, buffer, matrix)
    name = f"__qrt__ready_{suffix}"
    status = body.call(name, I64, entry, wires, params, *place)
    with body.when(status.eq(0)):
        blocks = (data(body, state), block_count(body, state))
        execute = (*blocks, entry, words, body.load(PTR, matrix), params, body.int(0))
        body.call(f"__qrt__execute_{suffix}", VOID, *execute)
    body.call("free", VOID, buffer)
    body.finish(status)
