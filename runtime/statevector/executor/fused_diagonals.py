"""Phase steps: many diagonal gates as one pass over a tile.

Gates on one bit are multiplied up in two factors for each bit. So are, for each tile,
those that also depend on a bit outside, of which a tile sees two factors at most. They
are spread over the tile as the product of a register per low block number and a number
per high one. Gates on several bits of the tile are multiplied up once, in a table of
the tile's size.
"""

from __future__ import annotations

from qjit.runtime.abi.layout import ADJOINT, KERNEL, NUM_TARGETS, PARAMS, PAULI_ROT
from qjit.runtime.codegen.builder import (
    F64,
    I64,
    PTR,
    VOID,
    Body,
    Module,
    Operand,
    Value,
)
from qjit.runtime.codegen.simd_blocks import Blocks, Complex, number_at
from qjit.runtime.target.cpu import Precision

from .execute import (
    CONTROLS,
    SIGNS,
    TARGET_BITS,
    TARGETS,
    VALUES,
    decoded,
    field,
    half_angle,
)
from .tile_ops import PLAN, TABLE, VARYING
from .tiles import ENTRY_WORD, MADE_WORD, SUMS_WORD

# Words of a varying gate, in its slot: the next one, the rank of the tile's bit it acts
# on, its two bits, and four factors.
NEXT, RANK, FIRST, SECOND, FACTORS = range(SUMS_WORD, SUMS_WORD + 5)
LOW_BITS = 4  # of a block number
MOST_RANKS = 16  # bits of a tile
PAIRS = PLAN  # the first byte of each bit's two factors


def module(precision: Precision) -> str:
    """IR of phase steps."""
    result = Module(f"qrt.phases.{precision.suffix}")
    _factor(result, precision)
    _vary(result, precision)
    _fill(result, precision)
    _begin(result, precision)
    _join_pair(result, precision)
    _phases(result, precision)
    return result.text()


def _factor(module: Module, precision: Precision) -> None:
    """What a diagonal gate multiplies the amplitude of a basis state by."""
    body = module.function("factor", VOID, *(PTR, I64, PTR, PTR), private=True)
    slot, index, params, out = body.args
    entry = body.load(PTR, slot, ENTRY_WORD)
    body.store(body.real(1.0), out)
    body.store(body.real(0.0), out, 1)
    values = decoded(body, slot, VALUES)
    body.leave_if((index & decoded(body, slot, CONTROLS)).ne(values))
    back = field(body, entry, ADJOINT).ne(0)

    def put(re: Value, im: Value) -> None:
        body.store(re, out)
        body.store(body.select(back, -im, im), out, 1)

    rotation = field(body, entry, KERNEL).eq(PAULI_ROT)
    with body.when(rotation):
        theta = body.load(F64, params, field(body, entry, PARAMS))
        cosine, sine = half_angle(body, theta)
        odd = (body.count_ones(index & decoded(body, slot, SIGNS)) & 1).ne(0)
        put(cosine, body.select(odd, sine, -sine))
    with body.when(~rotation):
        blocks = Blocks(body, precision)
        bits = body.at(slot, TARGET_BITS, I64)
        local = blocks.local_index(index, bits, field(body, entry, NUM_TARGETS)) * 2
        made = body.load(PTR, slot, MADE_WORD)
        put(body.load(F64, made, local), body.load(F64, made, local + 1))
    body.finish()


def _vary(module: Module, precision: Precision) -> None:
    """Let a gate of at most two bits, one or both outside, vary with the tile."""
    name = f"__qrt__vary_{precision.suffix}"
    body = module.function(name, VOID, PTR, PTR, I64, I64, PTR)
    step, slot, inner, rank, params = body.args
    touched = decoded(body, slot, CONTROLS) | decoded(body, slot, TARGETS)
    lowest = touched & -touched
    first = body.select(inner.ne(0), inner, touched ^ lowest)
    second = touched ^ first
    for k in range(4):
        index = first * (k & 1) | second * (k >> 1)
        place = body.at(slot, FACTORS + 2 * k, I64)
        body.call("factor", VOID, slot, index, params, place)
    words = {FIRST: first, SECOND: second, RANK: rank}
    for word, value in words.items():
        body.store(value, slot, word)
    body.store(body.load(PTR, step, VARYING), slot, NEXT)
    body.store(slot, step, VARYING)
    body.finish()


def _fill(module: Module, precision: Precision) -> None:
    """Set all factors of a table to 1."""
    name = f"__qrt__fill_ones_{precision.suffix}"
    body = module.function(name, VOID, PTR, I64)
    table, size = body.args
    blocks = Blocks(body, precision)
    with body.loop(size) as index:
        blocks.store(blocks.one(), table, index)
    body.finish()


def _begin(module: Module, precision: Precision) -> None:
    """Let a phase step multiply by 1."""
    body = module.function(f"__qrt__begin_phases_{precision.suffix}", VOID, PTR)
    (step,) = body.args
    pairs = body.at(step, PAIRS)
    with body.loop(2 * MOST_RANKS) as place:
        body.store(body.real(1.0), pairs, place * 2)
        body.store(body.real(0.0), pairs, place * 2 + 1)
    body.finish()


def _join_pair(module: Module, precision: Precision) -> None:
    """Multiply the factors of a bit by those of a gate on this bit."""
    name = f"__qrt__join_pair_{precision.suffix}"
    body = module.function(name, VOID, PTR, PTR, I64, I64, PTR)
    step, slot, bit, rank, params = body.args
    own = body.stack(F64, 2)
    for side in range(2):
        index = bit * side
        body.call("factor", VOID, slot, index, params, own)
        _scale(body, body.at(step, PAIRS), rank, side, number_at(body, own))
    body.finish()


def _scale(
    body: Body, pairs: Value, rank: Value, side: Operand, factor: Complex
) -> None:
    place = body.at(pairs, rank * 4 + body.coerce(side, I64) * 2, F64)
    product = number_at(body, place) * factor
    body.store(product.re, place)
    body.store(product.im, place, 1)


def _multiply_up(body: Body, step: Value, base: Value, pairs: Value) -> None:
    """Each bit's two factors in the tile at `base`, from all gates that vary."""
    slot = body.var(body.load(PTR, step, VARYING))
    with body.repeat_while(lambda: slot.get().ne_null()):
        gate = slot.get()
        first, second = (body.load(I64, gate, word) for word in (FIRST, SECOND))
        rank = body.load(I64, gate, RANK)
        inside = rank >= 0
        column = body.select((base & second).ne(0), 2, 0)
        set_outside = ~inside & (base & first).ne(0)
        for side in range(2):
            chosen = column + body.select(inside, side, body.convert(set_outside, I64))
            factor = number_at(body, body.at(gate, chosen * 2 + FACTORS, I64))
            _scale(body, pairs, body.select(inside, rank, 0), side, factor)
        slot.set(body.load(PTR, gate, NEXT))


def _spread(
    blocks: Blocks, pairs: Value, low: Value, high: Value, bits: Value, low_bits: Value
) -> None:
    """The products of the factors: registers of the low bits, numbers of the high."""
    body = blocks.body

    def factor(rank: Value | int, side: int) -> Complex:
        place = body.at(pairs, body.coerce(rank, I64) * 4 + 2 * side, F64)
        return number_at(body, place)

    total = blocks.one()
    for rank in range(blocks.lane_bits):
        sides = [factor(rank, side).map(blocks.splat) for side in range(2)]
        total = total * blocks.pick(rank, *sides)
    blocks.store(total, low, 0)
    with body.loop(low_bits) as rank, body.loop(body.int(1) << rank) as index:
        old = blocks.load(low, index)
        sides = [
            factor(rank + blocks.lane_bits, side).map(blocks.splat) for side in range(2)
        ]
        blocks.store(old * sides[1], low, index | (body.int(1) << rank))
        blocks.store(old * sides[0], low, index)
    body.store(body.real(1.0), high)
    body.store(body.real(0.0), high, 1)
    with body.loop(bits - low_bits) as rank, body.loop(body.int(1) << rank) as index:
        old = number_at(body, body.at(high, index * 2, F64))
        for side in (1, 0):
            new = old * factor(rank + low_bits + blocks.lane_bits, side)
            place = index | (body.int(1) << rank) if side else index
            body.store(new.re, high, place * 2)
            body.store(new.im, high, place * 2 + 1)


def _phases(module: Module, precision: Precision) -> None:
    """Multiply the tile at `base` by the factors of a step."""
    name = f"__qrt__phases_{precision.suffix}"
    body = module.function(name, VOID, PTR, I64, PTR, I64)
    data, size, step, base = body.args
    blocks = Blocks(body, precision)
    table = body.load(PTR, step, TABLE)
    bits = body.count_ones(size - 1)
    low_bits = body.select(bits < LOW_BITS, bits, LOW_BITS)
    pairs = body.stack(F64, 4 * MOST_RANKS)
    low = body.stack(blocks.vector, 2 << LOW_BITS)
    high = body.stack(F64, 2 << MOST_RANKS - LOW_BITS - 1)
    used = (bits + blocks.lane_bits) * 32
    body.call("memcpy", PTR, pairs, body.at(step, PAIRS), used)
    _multiply_up(body, step, base, pairs)
    _spread(blocks, pairs, low, high, bits, low_bits)
    has_table = table.ne_null()
    inner = body.int(1) << low_bits
    for with_table in (True, False):
        with (
            body.when(has_table if with_table else ~has_table),
            body.loop(size >> low_bits) as row,
        ):
            factor = number_at(body, body.at(high, row * 2, F64)).map(blocks.splat)
            with body.loop(inner) as column:
                index = (row << low_bits) | column
                value = blocks.load(data, index) * factor
                if with_table:
                    value = value * blocks.load(table, index)
                blocks.store(value * blocks.load(low, column), data, index)
    body.finish()
