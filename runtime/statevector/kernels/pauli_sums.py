"""Expectation values and applications of sums of Pauli words.

Terms with equal flips share one pass. Their signs cost one addition per tile, because a
Walsh-Hadamard transform of a tile holds the sums for every sign pattern at once.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from qjit.runtime.codegen.builder import (
    F64,
    I32,
    I64,
    PTR,
    VOID,
    Body,
    Module,
    Type,
    Value,
)
from qjit.runtime.codegen.simd_blocks import Blocks, Complex
from qjit.runtime.statevector.chunks import chunk_count, each_chunk
from qjit.runtime.statevector.state import (
    allocate,
    allocate_zeroed,
    block_count,
    data,
    release,
)
from qjit.runtime.system.thread_pool import Region, parallel
from qjit.runtime.target.cpu import Precision

from .pairs import block_sign
from .pairs_adjoint import Sums

TILE = 64
RADIX = 8


def module(precision: Precision) -> str:
    """IR of the observable kernels."""
    result = Module(f"qrt.observables.{precision.suffix}")
    _transform(result, precision)
    _one_value(result, precision)
    _one_apply(result, precision)
    _group_values(result, precision)
    _group_apply(result, precision)
    _values(result, precision)
    _expval(result, precision)
    _apply(result, precision)
    return result.text()


def _transform(module: Module, precision: Precision) -> None:
    """Walsh-Hadamard transform of `size` registers, in place."""
    body = module.function("transform", VOID, PTR, I64, private=True)
    registers, size = body.args
    type_ = Blocks(body, precision).vector
    with body.when(size.eq(TILE)):
        for stride in (1, RADIX):
            with body.loop(TILE // RADIX) as number:
                first = number * (RADIX if stride == 1 else 1)
                _transform_radix(body, registers, first, stride, type_)
        body.exit()
    stride = body.var(1)
    with body.repeat_while(lambda: stride.get() < size):
        step = stride.get()
        below = step - 1
        with body.loop(size >> 1) as number:
            low = (number & below) | ((number & ~below) << 1)
            a, b = (
                body.load(type_, registers, low),
                body.load(type_, registers, low + step),
            )
            body.store(a + b, registers, low)
            body.store(a - b, registers, low + step)
        stride.set(step * 2)
    body.finish()


def _transform_radix(
    body: Body, registers: Value, first: Value, stride: int, type_: Type
) -> None:
    """Three levels of the transform, on RADIX registers at once."""
    places = [first + number * stride for number in range(RADIX)]
    values = [body.load(type_, registers, place) for place in places]
    for step in (1, 2, 4):
        for low in range(RADIX):
            if not low & step:
                a, b = values[low], values[low | step]
                values[low], values[low | step] = a + b, a - b
    for value, place in zip(values, places, strict=True):
        body.store(value, registers, place)


def _odd(body: Body, value: Value) -> Value:
    """Whether a word has an odd number of set bits."""
    return (body.count_ones(value) & 1).ne(0)


def _negative(body: Body, ys: Value) -> Value:
    """Whether the phase (-i)^ys, without its i where ys is odd, is -1."""
    return (((ys + 1) >> 1) & 1).ne(0)


def _top_bit(body: Body, value: Value) -> Value:
    """The highest set bit, alone; 0 for 0."""
    zeros = body.leading_zeros(value)
    bit = body.int(1) << ((-zeros + 63) & 63)
    return body.select(value.eq(0), 0, bit)


def spread_past(index: Value, below: Value) -> Value:
    """An index with a 0 put in above the bits of `below`."""
    return (index & below) | ((index & ~below) << 1)


def _smaller(body: Body, a: Value, b: int) -> Value:
    return body.select(a < b, a, b)


def _one_value(module: Module, precision: Precision) -> None:
    """The value of one Pauli word in a chunk of the state, summed in registers."""
    arguments = (PTR, I64, I64, I64, I64)
    body = module.function("one_value", F64, PTR, *arguments[1:], private=True)
    first, start, count, flips, mask = body.args
    blocks = Blocks(body, precision)
    shift, lanes = precision.lane_bits, precision.lanes - 1
    flip, signs = flips >> shift, mask >> shift
    pivot = _top_bit(body, flip)
    halved = pivot.ne(0)
    ys = body.count_ones(flips & mask)
    below = body.select(halved, pivot - 1, -1)
    begin = spread_past(start, below)
    imaginary = (ys & 1).ne(0)
    table = body.stack(blocks.wide, 2)
    blocks.put(blocks.zero(blocks.wide), table, 0)

    def accumulate(condition: Value, exchanged: bool) -> None:
        with body.when(condition):
            sums = Sums(blocks, table, (0,))
            with sums.each(pivot, body.int(0), count, begin) as block:
                x, there = blocks.load(first, block), blocks.load(first, block ^ flip)
                if exchanged:
                    there = blocks.exchange_dynamic(there, flips)
                sums.add(0, there.scaled(block_sign(blocks, block, signs)), x)

    inside = (flips & lanes).ne(0)
    accumulate(inside, exchanged=True)
    accumulate(~inside, exchanged=False)
    sums = blocks.get(table, 0, blocks.wide)
    chosen = body.select(imaginary, sums.im, sums.re)
    chosen = chosen * blocks.widen(blocks.parity_sign(mask & lanes))
    size = body.select(halved, 2.0, 1.0, F64)
    size = body.select(_negative(body, ys), -size, size)
    body.finish(blocks.total(chosen) * size)


def _one_apply(module: Module, precision: Precision) -> None:
    """bra += c P ket for one Pauli word, in some blocks of bra."""
    arguments = (PTR, PTR, I64, I64, I64, I64, F64)
    body = module.function("one_apply", VOID, *arguments, private=True)
    ket, bra, begin, end, flips, mask, factor = body.args
    blocks = Blocks(body, precision)
    shift, lanes = precision.lane_bits, precision.lanes - 1
    flip, signs = flips >> shift, mask >> shift
    ys = body.count_ones(flips & mask)
    factor = body.select(_negative(body, ys), -factor, factor)
    weight = blocks.splat(factor) * blocks.parity_sign(mask & lanes)

    def accumulate(condition: Value, turned: bool, exchanged: bool) -> None:
        with body.when(condition), body.loop(end, begin) as block:
            there = blocks.load(ket, block ^ flip)
            if exchanged:
                there = blocks.exchange_dynamic(there, flips)
            if turned:
                there = Complex(-there.im, there.re)
            signed = weight * block_sign(blocks, block, signs)
            old = blocks.load(bra, block)
            re = body.fma(signed, there.re, old.re)
            blocks.store(Complex(re, body.fma(signed, there.im, old.im)), bra, block)

    inside, imaginary = (flips & lanes).ne(0), (ys & 1).ne(0)
    accumulate(inside & imaginary, turned=True, exchanged=True)
    accumulate(inside & ~imaginary, turned=False, exchanged=True)
    accumulate(~inside & imaginary, turned=True, exchanged=False)
    accumulate(~inside & ~imaginary, turned=False, exchanged=False)
    body.finish()


def _group_values(module: Module, precision: Precision) -> None:
    """The value of each of some terms that share their flips."""
    arguments = (PTR, I64, I64, I64, I64, PTR, PTR)
    body = module.function("group_values", VOID, *arguments, private=True)
    first, begin, count, flips, terms, signs, out = body.args
    with body.when(terms.eq(1)):
        given = (first, begin, count, flips, body.load(I64, signs))
        body.store(body.call("one_value", F64, *given), out)
        body.exit()
    blocks = Blocks(body, precision)
    shift, lanes = precision.lane_bits, precision.lanes - 1
    flip = flips >> shift
    pivot = _top_bit(body, flip)
    halved = pivot.ne(0)
    below = body.select(halved, pivot - 1, -1)
    tile = _smaller(body, count, TILE)
    scratch = body.stack(blocks.vector, 2 * TILE)
    sums = allocate_zeroed(body, terms * (8 * precision.lanes))
    with body.loop(begin + count, begin, TILE) as start:
        _products(blocks, first, (start, tile, below), flips, scratch)
        body.call("transform", VOID, scratch, tile)
        with body.when(flips.ne(0)):
            body.call("transform", VOID, body.at(scratch, TILE, blocks.vector), tile)
        with body.loop(terms) as term:
            mask = body.load(I64, signs, term)
            wide = mask >> shift
            near = (wide & below) | ((wide >> 1) & ~below)
            part = (body.count_ones(flips & mask) & 1) * TILE
            place = part + (near & (tile - 1))
            value = blocks.widen(body.load(blocks.vector, scratch, place))
            sign = body.select(_odd(body, near & start), -1.0, 1.0, F64)
            value = value * body.splat(sign, precision.lanes)
            body.store(body.load(blocks.wide, sums, term) + value, sums, term)
    with body.loop(terms) as term:
        mask = body.load(I64, signs, term)
        lane_sign = blocks.widen(blocks.parity_sign(mask & lanes))
        value = blocks.total(body.load(blocks.wide, sums, term) * lane_sign)
        value = value * body.select(halved, 2.0, 1.0, F64)
        negative = _negative(body, body.count_ones(flips & mask))
        body.store(body.select(negative, -value, value), out, term)
    release(body, sums)
    body.finish()


def _products(
    blocks: Blocks,
    first: Value,
    tile: tuple[Value, Value, Value],
    flips: Value,
    out: Value,
) -> None:
    """A tile of conj(amplitude at j ^ flips) * amplitude at j: reals, imaginaries."""
    body = blocks.body
    start, size, below = tile
    flip = flips >> blocks.lane_bits
    with body.when(flips.eq(0)), body.loop(size) as number:
        x = blocks.load(first, start + number)
        body.store(body.fma(x.re, x.re, x.im * x.im), out, number)
    with body.when(flips.ne(0)), body.loop(size) as number:
        index = start + number
        block = spread_past(index, below)
        x, there = blocks.load(first, block), blocks.load(first, block ^ flip)
        there = blocks.exchange_dynamic(there, flips)
        product = blocks.zero().plus_conjugate_product(there, x)
        body.store(product.re, out, number)
        body.store(product.im, out, number + TILE)


def _group_apply(module: Module, precision: Precision) -> None:
    """bra += sum of c P ket over terms that share their flips, in some blocks."""
    arguments = (PTR, PTR, I64, I64, I64, I64, PTR, PTR)
    body = module.function("group_apply", VOID, *arguments, private=True)
    ket, bra, begin, end, flips, terms, signs, factors = body.args
    with body.when(terms.eq(1)):
        given = (flips, body.load(I64, signs), body.load(F64, factors))
        body.call("one_apply", VOID, ket, bra, begin, end, *given)
        body.exit()
    blocks = Blocks(body, precision)
    shift, lanes = precision.lane_bits, precision.lanes - 1
    flip = flips >> shift
    tile = _smaller(body, end - begin, TILE)
    scratch = body.stack(blocks.vector, 2 * TILE)
    imaginary = body.at(scratch, TILE, blocks.vector)
    register = precision.lanes * precision.real_bytes
    with body.loop(end, begin, TILE) as start:
        zero = body.coerce(0, I32)
        body.call("memset", PTR, scratch, zero, body.int(2 * TILE * register))
        with body.loop(terms) as term:
            mask = body.load(I64, signs, term)
            far = mask >> shift
            ys = body.count_ones(flips & mask)
            place = (ys & 1) * TILE + (far & (tile - 1))
            factor = body.load(F64, factors, term)
            negative = _negative(body, ys) ^ _odd(body, far & start)
            factor = body.select(negative, -factor, factor)
            value = blocks.splat(factor) * blocks.parity_sign(mask & lanes)
            value = body.load(blocks.vector, scratch, place) + value
            body.store(value, scratch, place)
        body.call("transform", VOID, scratch, tile)
        body.call("transform", VOID, imaginary, tile)
        with body.loop(tile) as number:
            block = start + number
            there = blocks.exchange_dynamic(blocks.load(ket, block ^ flip), flips)
            load = body.load
            weight = Complex(
                load(blocks.vector, scratch, number),
                load(blocks.vector, imaginary, number),
            )
            total = blocks.load(bra, block).plus_product(weight, there)
            blocks.store(total, bra, block)
    body.finish()


def _run_length(body: Body, values: Value, start: Value, end: Value) -> Value:
    """How many entries from `start` on are equal."""
    length = body.var(1)
    head = body.load(I64, values, start)
    same = body.var(1)
    with body.repeat_while(lambda: same.get().ne(0) & (start + length.get() < end)):
        equal = body.load(I64, values, start + length.get()).eq(head)
        same.set(body.convert(equal, I64))
        length.add(same.get())
    return length.get()


@contextmanager
def each_group(
    body: Body, flips: Value, terms: Value
) -> Generator[tuple[Value, Value]]:
    """Groups of terms that share their flips: the first term, and how many."""
    start = body.var(0)
    with body.repeat_while(lambda: start.get() < terms):
        at = start.get()
        length = _run_length(body, flips, at, terms)
        yield at, length
        start.set(at + length)


def _values(module: Module, precision: Precision) -> None:
    name = f"__qrt__pauli_expvals_{precision.suffix}"
    body = module.function(name, VOID, PTR, I64, PTR, PTR, PTR)
    state, terms, flips, signs, out = body.args
    count, chunks = block_count(body, state), chunk_count(body, state)
    parts = body.var(out)
    with body.when(chunks > 1):
        parts.set(allocate(body, chunks * terms * 8))
    given = (data(body, state), count, chunks, terms, flips, signs, parts.get())
    with parallel(body, module, "value_chunks", chunks, given) as region:
        _value_chunks(region, precision)
    with body.when(chunks > 1):
        with body.loop(terms) as term:
            total = body.var(0.0, F64)
            with body.loop(chunks) as chunk:
                total.add(body.load(F64, parts.get(), chunk * terms + term))
            body.store(total.get(), out, term)
        release(body, parts.get())
    body.finish()


def _value_chunks(region: Region, precision: Precision) -> None:
    """The values of all terms in some chunks of a state."""
    body, given, first, last, _ = region
    state, count, chunks, terms, flips, signs, parts = given
    with (
        body.loop(last, first) as chunk,
        each_group(body, flips, terms) as (at, length),
    ):
        shared = body.load(I64, flips, at)
        far = (shared >> precision.lane_bits).ne(0)
        size = (count >> body.convert(far, I64)) / chunks
        places = (body.at(signs, at, I64), body.at(parts, chunk * terms + at, F64))
        bounds = (chunk * size, size)
        body.call("group_values", VOID, state, *bounds, shared, length, *places)


def _expval(module: Module, precision: Precision) -> None:
    suffix = precision.suffix
    name = f"__qrt__pauli_expval_{suffix}"
    body = module.function(name, F64, PTR, I64, PTR, PTR, PTR)
    state, terms, flips, signs, factors = body.args
    values = allocate(body, terms * 8)
    given = (state, terms, flips, signs, values)
    body.call(f"__qrt__pauli_expvals_{suffix}", VOID, *given)
    total = body.var(0.0, F64)
    with body.loop(terms) as term:
        total.add(body.load(F64, factors, term) * body.load(F64, values, term))
    release(body, values)
    body.finish(total.get())


def _apply(module: Module, precision: Precision) -> None:
    name = f"__qrt__pauli_apply_{precision.suffix}"
    body = module.function(name, VOID, PTR, PTR, I64, PTR, PTR, PTR)
    ket, bra, terms, flips, signs, factors = body.args
    given = (data(body, ket), data(body, bra), terms, flips, signs, factors)
    with each_chunk(body, module, ket, given) as (region, size):
        body_in, given, first, last, _ = region
        ket, bra, terms, flips, signs, factors = given
        with each_group(body_in, flips, terms) as (at, length):
            shared = body_in.load(I64, flips, at)
            places = (body_in.at(signs, at, I64), body_in.at(factors, at, F64))
            bounds = (first * size, last * size)
            given = (ket, bra, *bounds, shared, length, *places)
            body_in.call("group_apply", VOID, *given)
    body.finish()
