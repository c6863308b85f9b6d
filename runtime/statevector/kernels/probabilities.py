"""Probabilities, state preparation and reduced density matrices."""

from __future__ import annotations

from qjit.runtime.abi.status import (
    NO_MEMORY,
    NOT_FINITE,
    NOT_NORMALISED,
)
from qjit.runtime.codegen.builder import F64, I32, I64, PTR, VOID, Body, Module, Value
from qjit.runtime.codegen.simd_blocks import Blocks, Complex
from qjit.runtime.statevector.chunks import CHUNKS, chunk_count, each_block
from qjit.runtime.statevector.state import (
    allocate,
    block_count,
    data,
    is_skipped,
    qubits,
    release,
    use_huge_pages,
)
from qjit.runtime.system.thread_pool import parallel
from qjit.runtime.target.cpu import Precision

from .diagonal import Targets
from .pairs_adjoint import Sums
from .wires import MAX_WIRES, find_bits


def module(precision: Precision) -> str:
    """IR of the measurement family."""
    result = Module(f"qrt.measure.{precision.suffix}")
    _marginal(result, precision)
    _all_probabilities(result, precision)
    _probs(result, precision)
    _prepare(result, precision)
    _state_prep(result, precision)
    _density_matrix(result, precision)
    _apply_matrix(result, precision)
    return result.text()


def _marginal(module: Module, precision: Precision) -> None:
    """Probabilities, as doubles, of the outcomes of the given bits.

    A chunk of a large state is told by some bits of the block. If they are among those
    given, it has outcomes of its own; otherwise what the chunks find is summed up.
    """
    _marginal_of_chunk(module, precision)
    name = f"__qrt__marginal_{precision.suffix}"
    body = module.function(name, VOID, PTR, PTR, I64, PTR)
    state, bits, size, out = body.args
    chunks, bytes_, none = chunk_count(body, state), body.int(8) << size, body.int(0)
    with body.when(chunks.eq(1)):
        body.call("memset", PTR, out, body.coerce(0, I32), bytes_)
        body.call("marginal_of_chunk", VOID, state, bits, size, none, none, out)
        body.exit()
    blocks, count = Blocks(body, precision), block_count(body, state)
    targets = Targets(blocks, count, bits, size, none)
    apart = targets.subsets >= chunks
    whole = body.select(apart, targets.target_blocks, count - 1 - targets.target_blocks)
    mask = _highest_bits(body, whole, CHUNKS.bit_length() - 1)
    # Fewer subsets than chunks have few outcomes.
    buffer = body.stack(F64, CHUNKS * CHUNKS * precision.lanes)
    parts = body.select(apart, out, buffer)
    step = body.select(apart, 0, bytes_)
    filled = body.select(apart, bytes_, bytes_ * chunks)
    body.call("memset", PTR, parts, body.coerce(0, I32), filled)
    given = (state, bits, size, mask, parts, step)
    with parallel(body, module, "marginal_chunks", chunks, given) as region:
        inner, (*shared, bits_of_chunk, first, bytes_apart), start, end, _ = region
        subsets = Blocks(inner, precision).each_subset(bits_of_chunk, end)
        with subsets as (chunk, known), inner.when(chunk >= start):
            place = inner.at(first, chunk * bytes_apart)
            given = (*shared, bits_of_chunk, known, place)
            inner.call("marginal_of_chunk", VOID, *given)
    with body.when(~apart):
        body.call("memset", PTR, out, body.coerce(0, I32), bytes_)
        with body.loop(chunks) as chunk, body.loop(body.int(1) << size) as outcome:
            found = body.load(F64, body.at(parts, chunk * step), outcome)
            body.store(body.load(F64, out, outcome) + found, out, outcome)
    body.finish()


def _highest_bits(body: Body, word: Value, count: int) -> Value:
    """The highest bits that are set in a word, as many as asked for."""
    left, found = body.var(word), body.var(0)
    with body.loop(count):
        top = body.int(1) << (-body.leading_zeros(left.get()) + 63)
        left.set(left.get() ^ top)
        found.set(found.get() | top)
    return found.get()


def _marginal_of_chunk(module: Module, precision: Precision) -> None:
    """Add the probabilities of the blocks that have some bits as they are known."""
    arguments = (PTR, PTR, I64, I64, I64, PTR)
    body = module.function("marginal_of_chunk", VOID, *arguments, private=True)
    state, bits, size, mask, known, out = body.args
    blocks, count = Blocks(body, precision), block_count(body, state)
    targets = Targets(blocks, count, bits, size, body.int(0))
    lanes = targets.local_of_lanes()
    table = body.stack(blocks.wide, 2)
    first = data(body, state)
    fixed, free = targets.fixed | mask, targets.target_blocks & ~mask
    subsets = body.int(1) << body.count_ones(free)
    with blocks.each_subset(free, subsets) as (_, subset):
        local = targets.local_of_block(subset | known)
        blocks.put(blocks.zero(blocks.wide), table, 0)
        sums = Sums(blocks, table, (0,))
        rest = count >> body.count_ones(fixed)
        with sums.each(fixed, subset | known, rest) as block:
            x = blocks.load(first, block)
            sums.add(0, x, x)
        with body.loop(precision.lanes) as lane:
            place = local + body.load(I64, lanes, lane)
            old = body.load(F64, out, place)
            body.store(old + body.load(F64, table, lane), out, place)
    body.finish()


def _all_probabilities(module: Module, precision: Precision) -> None:
    """Every probability in basis order, in the state's precision; n >= lane bits."""
    name = f"__qrt__all_probabilities_{precision.suffix}"
    body = module.function(name, VOID, PTR, PTR)
    state, out = body.args
    given = (data(body, state), out)
    with each_block(body, module, state, given) as (inner, (first, target), block):
        blocks = Blocks(inner, precision)
        x = blocks.load(first, block)
        value = inner.fma(x.re, x.re, x.im * x.im)
        place = inner.at(target, block, blocks.vector)
        inner.store(value, place, align=precision.real_bytes)
    body.finish()


def _probs(module: Module, precision: Precision) -> None:
    name = f"__qrt__probs_{precision.suffix}"
    body = module.function(name, I64, PTR, I64, PTR, PTR)
    state, count, wires, out = body.args
    element = Blocks(body, precision).element
    n = qubits(body, state)
    bits = find_bits(body, precision, n, count, wires)
    ordered = body.var(body.select(count.eq(n) & (n >= precision.lane_bits), 1, 0))
    with body.loop(count) as number:
        here = body.load(I64, bits, number).eq(n - 1 - number)
        ordered.set(body.select(here, ordered.get(), 0))
    use_huge_pages(body, out, body.int(precision.real_bytes) << count)
    with body.when(ordered.get().ne(0)):
        body.call(f"__qrt__all_probabilities_{precision.suffix}", VOID, state, out)
    with body.when(ordered.get().eq(0)):
        wide = allocate(body, body.int(8) << count)
        body.leave_if(~wide.ne_null(), NO_MEMORY)
        body.call(f"__qrt__marginal_{precision.suffix}", VOID, state, bits, count, wide)
        with body.loop(body.int(1) << count) as number:
            value = body.load(F64, wide, number)
            body.store(body.convert(value, element), out, number)
        release(body, wide)
    body.finish(0)


def _prepare(module: Module, precision: Precision) -> None:
    """Give the bits, which are all 0, the amplitudes of `amplitudes`."""
    body = module.function("prepare", VOID, PTR, PTR, I64, PTR, private=True)
    state, bits, size, amplitudes = body.args
    blocks = Blocks(body, precision)
    targets = Targets(blocks, block_count(body, state), bits, size, body.int(0))
    lanes = targets.local_of_lanes()
    first, count = data(body, state), precision.lanes
    scratch = body.stack(blocks.vector, 2)
    left = body.var(targets.subsets)
    outside = ~targets.target_blocks
    subset = body.var(0)
    # Subset 0 holds what the others are made from, so it comes last.
    with body.repeat_while(lambda: left.get() > 0):
        subset.set((subset.get() - 1) & targets.target_blocks)
        left.add(-1)
        local = targets.local_of_block(subset.get())
        with body.loop(count) as lane:
            entry = (local + body.load(I64, lanes, lane)) * 2
            for part in (0, 1):
                value = body.load(F64, amplitudes, entry + part)
                value = body.convert(value, blocks.element)
                body.store(value, scratch, lane + part * count)
        factor = blocks.get(scratch, 0)
        with blocks.each(~outside, body.int(0), targets.rest) as block:
            x = _spread(blocks, blocks.load(first, block), targets.target_lanes)
            blocks.store(factor * x, first, block | subset.get())
    body.finish()


def _spread(blocks: Blocks, x: Complex, lanes: Value) -> Complex:
    """Copy amplitudes at 0 in the lane bits of `lanes` to every value of these bits."""
    body = blocks.body
    for number in range(blocks.lane_bits):
        chosen = (lanes & (1 << number)).ne(0)
        both = x + blocks.exchange(x, 1 << number)
        x = Complex(
            body.select(chosen, both.re, x.re), body.select(chosen, both.im, x.im)
        )
    return x


def _state_prep(module: Module, precision: Precision) -> None:
    name = f"__qrt__state_prep_{precision.suffix}"
    body = module.function(name, I64, PTR, I64, PTR, PTR, I64, I64)
    state, count, wires, amplitudes, checked, location = body.args
    bits = body.stack(I64, MAX_WIRES)
    n = qubits(body, state)
    given = (n, count, wires, bits)
    status = body.call(f"__qrt__wire_bits_{precision.suffix}", I64, *given)
    body.leave_if(status.ne(0), status | (location << 8))
    body.leave_if(is_skipped(body, state), 0)
    norm = body.var(0.0, F64)
    with body.loop(body.int(2) << count) as number:
        value = body.load(F64, amplitudes, number)
        body.leave_if(~(value - value).eq(0.0), (location << 8) | NOT_FINITE)
        norm.add(value * value)
    excess = body.intrinsic("fabs", norm.get() - 1.0)
    refused = (excess > precision.unitary_tolerance) & checked.ne(0)
    body.leave_if(refused, (location << 8) | NOT_NORMALISED)
    body.call("prepare", VOID, state, bits, count, amplitudes)
    body.finish(0)


def _density_matrix(module: Module, precision: Precision) -> None:
    """rho_ab = sum of psi_a conj(psi_b): the conjugate of the correlations."""
    suffix = precision.suffix
    body = module.function(f"__qrt__density_matrix_{suffix}", I64, PTR, I64, PTR, PTR)
    state, count, wires, out = body.args
    element = Blocks(body, precision).element
    bits = find_bits(body, precision, qubits(body, state), count, wires)
    doubles = body.int(2) << (count * 2)
    sums = allocate(body, doubles * 8)
    body.leave_if(~sums.ne_null(), NO_MEMORY)
    body.call("memset", PTR, sums, body.coerce(0, I32), doubles * 8)
    first, zero = data(body, state), body.int(0)
    given = (first, first, block_count(body, state), bits, count, zero, zero, sums)
    body.call(f"__qrt__correlate_{suffix}", VOID, *given)
    with body.loop(doubles) as number:
        value = body.load(F64, sums, number)
        value = body.select((number & 1).ne(0), -value, value)
        body.store(body.convert(value, element), out, number)
    release(body, sums)
    body.finish(0)


def _apply_matrix(module: Module, precision: Precision) -> None:
    suffix = precision.suffix
    body = module.function(f"__qrt__apply_matrix_{suffix}", VOID, PTR, I64, PTR, PTR)
    state, count, wires, matrix = body.args
    bits = body.stack(I64, MAX_WIRES)
    n = qubits(body, state)
    status = body.call(f"__qrt__wire_bits_{suffix}", I64, n, count, wires, bits)
    body.leave_if(status.ne(0))
    zero = body.int(0)
    given = (
        data(body, state),
        block_count(body, state),
        bits,
        count,
        zero,
        zero,
        matrix,
    )
    body.call(f"__qrt__dense_{suffix}", VOID, *given, zero)
    body.finish()
