"""Arithmetic on whole states: copies, sums, products, and arrays of amplitudes."""

from __future__ import annotations

from qjit.runtime.codegen.builder import F64, I32, I64, PTR, VOID, Body, Module, Value
from qjit.runtime.codegen.simd_blocks import Blocks, Complex
from qjit.runtime.statevector.chunks import CHUNKS, chunk_count, each_block, each_chunk
from qjit.runtime.statevector.state import block_count, data, qubits, use_huge_pages
from qjit.runtime.target.cpu import Precision


def module(precision: Precision) -> str:
    """IR of the arithmetic for one precision."""
    result = Module(f"qrt.arithmetic.{precision.suffix}")
    _state_zero(result, precision)
    _state_blank(result, precision)
    _state_copy(result, precision)
    _amplitudes(result, precision)
    _add_amplitudes(result, precision)
    _axpy(result, precision)
    _dot(result, precision)
    return result.text()


def _state_zero(module: Module, precision: Precision) -> None:
    body = module.function(f"__qrt__state_zero_{precision.suffix}", VOID, PTR)
    (state,) = body.args
    with each_chunk(body, module, state, [data(body, state)]) as (region, size):
        inner, (first,), start, end, _ = region
        size = size << precision.block_shift
        place, zero = inner.at(first, start * size), inner.coerce(0, I32)
        inner.call("memset", PTR, place, zero, (end - start) * size)
    body.finish()


def _beside(module: Module, name: str, precision: Precision) -> tuple[Body, Value]:
    """A function that makes a state as large as another: its body, and the state."""
    body = module.function(f"__qrt__{name}_{precision.suffix}", PTR, PTR, PTR)
    context, source = body.args
    raw = f"__qrt__state_raw_{precision.suffix}"
    state = body.call(raw, PTR, context, qubits(body, source))
    body.leave_if(~state.ne_null(), body.null())
    return body, state


def _state_blank(module: Module, precision: Precision) -> None:
    body, state = _beside(module, "state_blank", precision)
    body.call(f"__qrt__state_zero_{precision.suffix}", VOID, state)
    body.finish(state)


def _state_copy(module: Module, precision: Precision) -> None:
    body, state = _beside(module, "state_copy", precision)
    source = body.args[1]
    given = (data(body, source), data(body, state))
    with each_block(body, module, source, given) as (inner, (old, new), block):
        blocks = Blocks(inner, precision)
        blocks.store(blocks.load(old, block), new, block)
    body.finish(state)


def _array(
    body: Body, state: Value, amplitudes: Value, real_bytes: int
) -> tuple[Value, Value, Value]:
    """Memory for the amplitudes of whole blocks; whether it is the array; its size.

    A state of one block may have fewer amplitudes than that: then it is on the stack.
    """
    size = body.int(2 * real_bytes) << qubits(body, state)
    is_whole = block_count(body, state).ne(1)
    padded = body.stack(I64, 32, align=64)
    return body.select(is_whole, amplitudes, padded), is_whole, size


def _amplitudes(module: Module, precision: Precision) -> None:
    """Write the amplitudes of all basis states, in order, in the state's precision."""
    body = module.function(f"__qrt__amplitudes_{precision.suffix}", VOID, PTR, PTR)
    state, out = body.args
    lanes, real_bytes = precision.lanes, precision.real_bytes
    order = [lane + lanes * part for lane in range(lanes) for part in (0, 1)]
    memory, is_whole, size = _array(body, state, out, real_bytes)
    use_huge_pages(body, out, size)
    given = (data(body, state), memory)
    with each_block(body, module, state, given) as (inner, (first, target), block):
        blocks = Blocks(inner, precision)
        amplitudes, place = blocks.load(first, block), blocks.address(target, block)
        for number, half in enumerate((order[:lanes], order[lanes:])):
            mixed = inner.shuffle(amplitudes.re, amplitudes.im, half)
            inner.store(mixed, place, number, align=real_bytes)
    with body.when(~is_whole):
        body.call("memcpy", PTR, out, memory, size)
    body.finish()


def _add_amplitudes(module: Module, precision: Precision) -> None:
    """Add an array of complex doubles, in the order of basis states, to a state."""
    name = f"__qrt__add_amplitudes_{precision.suffix}"
    body = module.function(name, VOID, PTR, PTR)
    state, amplitudes = body.args
    lanes = precision.lanes
    memory, is_whole, size = _array(body, state, amplitudes, real_bytes=8)
    with body.when(~is_whole):
        # Lanes that the state does not have stay zero.
        whole = body.int(16 * lanes)
        body.call("memset", PTR, memory, body.coerce(0, I32), whole)
        body.call("memcpy", PTR, memory, amplitudes, size)
    given = (data(body, state), memory)
    with each_block(body, module, state, given) as (inner, (first, source), block):
        blocks = Blocks(inner, precision)
        low, high = (
            inner.load(blocks.wide, source, block * 2 + half, align=8)
            for half in (0, 1)
        )
        re, im = (
            inner.convert(inner.shuffle(low, high, order), blocks.vector)
            for order in (range(0, 2 * lanes, 2), range(1, 2 * lanes, 2))
        )
        sums = blocks.load(first, block) + Complex(re, im)
        blocks.store(sums, first, block)
    body.finish()


def _axpy(module: Module, precision: Precision) -> None:
    body = module.function(f"__qrt__axpy_{precision.suffix}", VOID, F64, PTR, PTR)
    factor, x, y = body.args
    given = (factor, data(body, x), data(body, y))
    with each_block(body, module, y, given) as (inner, (scale, from_, to), block):
        blocks = Blocks(inner, precision)
        wide = blocks.splat(scale)
        source, target = blocks.load(from_, block), blocks.load(to, block)
        re = inner.fma(wide, source.re, target.re)
        im = inner.fma(wide, source.im, target.im)
        blocks.store(Complex(re, im), to, block)
    body.finish()


def _dot(module: Module, precision: Precision) -> None:
    """<x|y>: sums of the chunks, which are added in their order."""
    body = module.function(f"__qrt__dot_{precision.suffix}", VOID, PTR, PTR, PTR)
    x, y, out = body.args
    sums = body.stack(F64, 2 * CHUNKS)
    given = (data(body, x), data(body, y), sums)
    with each_chunk(body, module, x, given) as (region, size):
        inner, (left, right, found), start, end, _ = region
        blocks = Blocks(inner, precision)
        with inner.loop(end, start) as chunk:
            re, im = (inner.var(0.0, blocks.wide) for _ in range(2))
            with inner.loop((chunk + 1) * size, chunk * size) as block:
                bra, ket = (blocks.load(state, block) for state in (left, right))
                product = blocks.zero().plus_conjugate_product(bra, ket)
                re.add(blocks.widen(product.re))
                im.add(blocks.widen(product.im))
            for part, value in enumerate((re, im)):
                inner.store(blocks.total(value.get()), found, chunk * 2 + part)
    for part in (0, 1):
        total = body.var(0.0, F64)
        with body.loop(chunk_count(body, x)) as chunk:
            total.add(body.load(F64, sums, chunk * 2 + part))
        body.store(total.get(), out, part)
    body.finish()
