"""Stages: entries that are decoded together, and the tiles that they act on.

A stage acts on so few bits that its gates run tile by tile: a tile holds the amplitudes
that differ in the bits of the stage only. Targets are among these, except those of
small diagonal gates; controls may be any.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import NamedTuple, TypeAlias

from qjit.runtime.abi.layout import (
    ADJOINT,
    DIAGONAL,
    ENTRY_WORDS,
    GATE,
    KERNEL,
    NUM_CONTROLS,
    NUM_TARGETS,
    ONE,
    PAULI_ROT,
)
from qjit.runtime.codegen.builder import (
    F64,
    I32,
    I64,
    PTR,
    VOID,
    Body,
    Module,
    Operand,
    Value,
    Variable,
    array,
)
from qjit.runtime.codegen.simd_blocks import Blocks
from qjit.runtime.target.cpu import Precision

from .execute import (
    CONTROLS,
    DECODED_WORDS,
    FLIPS,
    SIGNS,
    STACK_ENTRIES,
    TARGET_BITS,
    TARGETS,
    VALUES,
    A,
    B,
    decoded,
    field,
)

States: TypeAlias = "tuple[Value, Value]"  # the first block of a state, and a buffer

TILE_BYTES = 1 << 15  # most of a first-level cache
CHUNK_BYTES = 1 << 9  # what tiles have of neighbouring amplitudes at least
WHOLE = -1  # the bits of a stage that is not tiled: all
# The workspace of a stage: for each entry its words, its own matrix, where its matrix
# and entry are, and its controls that are no bits of the stage and their values; for
# the adjoint pass, whether a gradient is wanted and its sums, and of gates that are
# undone together their matrix, whether any has a gradient, and which one is next.
MATRIX_WORD = DECODED_WORDS
MADE_WORD = MATRIX_WORD + STACK_ENTRIES
ENTRY_WORD, OUTSIDE_WORD, WANTED_WORD = MADE_WORD + 1, MADE_WORD + 2, MADE_WORD + 4
SUMS_WORD = WANTED_WORD + 1
TOGETHER_WORD = SUMS_WORD + STACK_ENTRIES
RUN_ENTRY_WORD, RUN_MADE_WORD, RUN_WANTED_WORD = range(
    TOGETHER_WORD + 8, TOGETHER_WORD + 11
)
FOLLOWS_WORD, NEXT_WORD, LAST_WORD = range(RUN_WANTED_WORD + 1, RUN_WANTED_WORD + 4)
SLOT_WORDS = LAST_WORD + 1


def module(precision: Precision) -> str:
    """IR of the stages."""
    result = Module(f"qrt.stages.{precision.suffix}")
    _two_by_two(result, precision)
    _product(result, precision)
    _merge(result, precision)
    _compress(result, precision)
    _enter(result, precision)
    _move(result, precision)
    _run_slot(result, precision)
    return result.text()


def tile_bits(precision: Precision) -> int:
    """Number of qubits of a tile."""
    return (TILE_BYTES // (2 * precision.real_bytes)).bit_length() - 1


def tiled_from(precision: Precision) -> int:
    """From how many qubits on stages run tile by tile."""
    return tile_bits(precision) + 2


def next_subset(subset: Value, bits: Value) -> Value:
    """The next number that has these bits only."""
    return ((subset | ~bits) + 1) & bits


def nearest_bits(precision: Precision) -> int:
    """The bits that every stage has, so that tiles are made of whole chunks."""
    return CHUNK_BYTES // (2 * precision.real_bytes) - 1


def fill(body: Body, bits: Variable, limit: Operand) -> None:
    """Add the lowest bits that are not there, until there are `limit`."""
    missing = body.var(-body.count_ones(bits.get()) + limit)
    with body.repeat_while(lambda: missing.get() > 0):
        bits.set(bits.get() | (bits.get() + 1))
        missing.add(-1)


@contextmanager
def each_bit(body: Body, mask: Value) -> Generator[Value]:
    """Each bit of a mask, the lowest first."""
    left = body.var(mask)
    with body.repeat_while(lambda: left.get().ne(0)):
        lowest = left.get() & -left.get()
        yield lowest
        left.set(left.get() ^ lowest)


class Tiling(NamedTuple):
    """States of `n` qubits in tiles that differ in the bits of a stage only."""

    n: Value
    bits: Value
    states: Sequence[States]


@contextmanager
def each_tile(
    body: Body, precision: Precision, tiling: Tiling, first: Value, last: Value
) -> Generator[tuple[Value, list[Value], Value]]:
    """Tiles from a number on: their first amplitudes, where they are, their blocks.

    Tiles of neighbouring amplitudes stay where they are. Others are in a buffer in the
    meantime, one for each state.
    """
    n, bits, states = tiling
    tile, move = tile_bits(precision), f"__qrt__stage_move_{precision.suffix}"
    scattered = bits.ne((1 << tile) - 1)
    rest = ((body.int(1) << n) - 1) & ~bits
    base = body.var(deposit(body, first, rest))

    def copy(back: int) -> None:
        with body.when(scattered):
            for state, buffer in states:
                given = (state, buffer, base.get(), bits, body.int(back))
                body.call(move, VOID, *given)

    with body.loop(last, first):
        offset = base.get() * (2 * precision.real_bytes)
        places = [
            body.select(scattered, buffer, body.at(state, offset))
            for state, buffer in states
        ]
        copy(0)
        yield base.get(), places, body.int(1 << (tile - precision.lane_bits))
        copy(1)
        base.set(next_subset(base.get(), rest))


def tile_count(body: Body, precision: Precision, n: Value) -> Value:
    """How many tiles a state has."""
    return body.int(1) << (n - tile_bits(precision))


def deposit(body: Body, number: Value, mask: Value) -> Value:
    """The bits of a number at the places of those of a mask."""
    result, left = body.var(0), body.var(number)
    with each_bit(body, mask) as bit:
        result.set(result.get() | (-(left.get() & 1) & bit))
        left.set(left.get() >> 1)
    return result.get()


def slot_of(body: Body, workspace: Value, number: Value) -> Value:
    """Where an entry of the stage is decoded, and what else is known of it."""
    return body.at(workspace, number * SLOT_WORDS, I64)


def _two_by_two(module: Module, precision: Precision) -> None:
    """The 2x2 matrix of a gate of one qubit, or of its adjoint."""
    name = f"__qrt__two_by_two_{precision.suffix}"
    body = module.function(name, VOID, PTR, PTR, PTR)
    entry, matrix, out = body.args
    diagonal = field(body, entry, KERNEL).eq(DIAGONAL)
    back = field(body, entry, ADJOINT).ne(0)
    places = [(0, 0), (1, 2), (2, 1), (3, 3)]  # of entries, and of their mirror images
    for place, mirror in places:
        chosen = body.select(back, mirror, place)
        corner = int(place == 3)
        source = body.select(diagonal, corner, chosen)
        for part in range(2):
            value = body.load(F64, matrix, source * 2 + part)
            if part:
                value = body.select(back, -value, value)
            if place in (1, 2):
                value = body.select(diagonal, 0.0, value)
            body.store(value, out, 2 * place + part)
    body.finish()


def _product(module: Module, precision: Precision) -> None:
    """The product of two 2x2 matrices, which may replace one of them."""
    name = f"__qrt__product_{precision.suffix}"
    body = module.function(name, VOID, PTR, PTR, PTR)
    left, right, out = body.args

    def entries(table: Value) -> list[tuple[Value, Value]]:
        places = range(0, 8, 2)
        return [
            (body.load(F64, table, n), body.load(F64, table, n + 1)) for n in places
        ]

    a, b = entries(left), entries(right)
    for row in range(2):
        for column in range(2):
            re, im = body.real(0.0), body.real(0.0)
            for k in range(2):
                (a_re, a_im), (b_re, b_im) = a[2 * row + k], b[2 * k + column]
                re = re + a_re * b_re - a_im * b_im
                im = im + a_re * b_im + a_im * b_re
            body.store(re, out, 2 * (2 * row + column))
            body.store(im, out, 2 * (2 * row + column) + 1)
    body.finish()


def identity(body: Body, matrix: Value) -> None:
    """Write the 2x2 identity."""
    for place in range(8):
        body.store(body.real(1.0 if place in (0, 6) else 0.0), matrix, place)


def merged_entry(module: Module) -> str:
    """The entry of a matrix that stands for several gates of one qubit."""
    words = [0] * ENTRY_WORDS
    words[KERNEL], words[NUM_TARGETS] = ONE, 1
    return module.variable("merged_entry", array(I32, ENTRY_WORDS), words)


def mixes_one_bit(body: Body, slot: Value) -> None:
    """Let a slot mix the two states of its target."""
    body.store(body.int(0), slot, A)
    body.store(decoded(body, slot, TARGETS), slot, B)


def _merge(module: Module, precision: Precision) -> None:
    """Let an earlier slot stand for its gate and then another of the same qubit."""
    name = f"__qrt__merge_{precision.suffix}"
    body = module.function(name, VOID, PTR, PTR, PTR)
    slot, entry, matrix = body.args
    merged = merged_entry(module)
    first, second = body.stack(F64, 8), body.stack(F64, 8)
    earlier = body.load(PTR, slot, ENTRY_WORD)
    made = body.load(PTR, slot, MADE_WORD)
    expand = f"__qrt__two_by_two_{precision.suffix}"
    body.call(expand, VOID, earlier, made, first)
    body.call(expand, VOID, entry, matrix, second)
    own = body.at(slot, MATRIX_WORD, I64)
    body.call(f"__qrt__product_{precision.suffix}", VOID, second, first, own)
    body.store(own, slot, MADE_WORD)
    body.store(body.address(merged), slot, ENTRY_WORD)
    mixes_one_bit(body, slot)
    body.finish()


def _compress(module: Module, precision: Precision) -> None:
    """The bits of `mask` at their ranks among those of `bits`."""
    name = f"__qrt__compress_{precision.suffix}"
    body = module.function(name, I64, I64, I64)
    mask, bits = body.args
    body.leave_if(bits.eq(WHOLE), mask)
    result = body.var(0)
    with each_bit(body, mask & bits) as bit:
        rank = body.count_ones(bits & (bit - 1))
        result.set(result.get() | (body.int(1) << rank))
    body.finish(result.get())


def is_single(body: Body, entry: Value) -> Value:
    """Whether an entry is a gate of one qubit."""
    kernel = field(body, entry, KERNEL)
    alone = field(body, entry, NUM_CONTROLS).eq(0)
    single = field(body, entry, NUM_TARGETS).eq(1)
    known = body.load(I32, entry, GATE) >= 0
    return alone & single & known & (kernel.eq(ONE) | kernel.eq(DIAGONAL))


def is_diagonal(body: Body, entry: Value, slot: Value) -> Value:
    """Whether a decoded entry is a diagonal gate."""
    kernel = field(body, entry, KERNEL)
    word_of_z = kernel.eq(PAULI_ROT) & decoded(body, slot, FLIPS).eq(0)
    return kernel.eq(DIAGONAL) | word_of_z


def forget(body: Body, slot: Value, latest: Value) -> None:
    """Note that the bits of a slot were touched by more than gates of one qubit."""
    touched = decoded(body, slot, TARGETS) | decoded(body, slot, CONTROLS)
    with each_bit(body, touched) as bit:
        body.store(body.int(0), latest, body.count_ones(bit - 1))


def _enter(module: Module, precision: Precision) -> None:
    """Express what was decoded by places among the bits of the stage."""
    suffix = precision.suffix
    body = module.function(f"__qrt__enter_slot_{suffix}", VOID, PTR, I64)
    slot, bits = body.args
    body.leave_if(bits.eq(WHOLE))
    entry = body.load(PTR, slot, ENTRY_WORD)
    for place, word in enumerate((CONTROLS, VALUES)):
        body.store(decoded(body, slot, word) & ~bits, slot, OUTSIDE_WORD + place)
    for word in (CONTROLS, VALUES, TARGETS, A, B, FLIPS, SIGNS):
        name = f"__qrt__compress_{suffix}"
        inside = body.call(name, I64, decoded(body, slot, word), bits)
        body.store(inside, slot, word)
    with body.loop(field(body, entry, NUM_TARGETS)) as target:
        position = body.load(I64, slot, target + TARGET_BITS)
        below = (body.int(1) << position) - 1
        body.store(body.count_ones(bits & below), slot, target + TARGET_BITS)
    body.finish()


def _move(module: Module, precision: Precision) -> None:
    """Copy the tile at `base` from the state, or back to it."""
    name = f"__qrt__stage_move_{precision.suffix}"
    body = module.function(name, VOID, PTR, PTR, I64, I64, I64)
    state, tile, base, bits, back = body.args
    amplitude = 2 * precision.real_bytes
    near = body.trailing_zeros(~bits)
    size = body.int(1) << (near - precision.lane_bits)
    far = bits & ~((body.int(1) << near) - 1)
    blocks = Blocks(body, precision)
    for out in (False, True):
        with body.when(back.ne(0) if out else back.eq(0)):
            offset = body.var(0)
            with body.loop(body.int(1) << body.count_ones(far)) as number:
                there = body.at(state, (base | offset.get()) * amplitude)
                here = body.at(tile, (number << near) * amplitude)
                source, target = (here, there) if out else (there, here)
                with body.loop(size) as block:
                    blocks.store(blocks.load(source, block), target, block)
                offset.set(next_subset(offset.get(), far))
    body.finish()


def _run_slot(module: Module, precision: Precision) -> None:
    """Apply the gate of a slot."""
    suffix = precision.suffix
    body = module.function(f"__qrt__run_slot_{suffix}", VOID, PTR, I64, PTR, PTR)
    first, blocks, slot, params = body.args
    entry = body.load(PTR, slot, ENTRY_WORD)
    given = (entry, slot, body.load(PTR, slot, MADE_WORD), params, body.int(0))
    body.call(f"__qrt__execute_{suffix}", VOID, first, blocks, *given)
    body.finish()
