"""Sampling of basis states: cumulative probabilities behind a guide table.

The table says, for each of 2^g equal parts of [0, 1), where its search begins, so that
a shot takes a constant number of memory accesses on average.
"""

from __future__ import annotations

from qjit.runtime.abi.status import NO_MEMORY, NOT_FINITE
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
    Variable,
)
from qjit.runtime.codegen.simd_blocks import Blocks
from qjit.runtime.statevector.state import allocate, qubits, release, use_huge_pages
from qjit.runtime.system.thread_pool import Region, parallel
from qjit.runtime.target.cpu import Precision

from .wires import find_bits

MAX_GUIDE_BITS = 22
# Below this number of shots a search from the beginning is quicker than a table.
FEW_SHOTS = 4
DRAWN = 1 << 15  # numbers that are drawn before threads find their basis states
TOGETHER = 128  # of these, how many are found together


def module(precision: Precision) -> str:
    """IR of the sampler."""
    result = Module(f"qrt.sampling.{precision.suffix}")
    _cumulate(result, precision)
    _guide(result)
    _sample(result, precision)
    _counts(result, precision)
    return result.text()


def _cumulate(module: Module, precision: Precision) -> None:
    """Cumulative probabilities of all basis states, as doubles."""
    suffix = precision.suffix
    body = module.function("cumulate", VOID, PTR, I64, PTR, private=True)
    state, n, out = body.args
    element = Blocks(body, precision).element
    size = body.int(1) << n
    small = n < precision.lane_bits
    with body.when(small):
        bits = body.stack(I64, precision.lane_bits)
        with body.loop(n) as number:
            body.store(n - 1 - number, bits, number)
        body.call(f"__qrt__marginal_{suffix}", VOID, state, bits, n, out)
        _running_sum(body, size, out, F64, out)
    with body.when(~small):
        # In single precision the probabilities fill the second half of the buffer.
        buffer = body.at(out, size * (8 - precision.real_bytes))
        body.call(f"__qrt__all_probabilities_{suffix}", VOID, state, buffer)
        _running_sum(body, size, buffer, element, out)
    body.finish()


def _running_sum(
    body: Body, size: Value, source: Value, element: Type, out: Value
) -> None:
    total = body.var(0.0, F64)
    total.set(0.0)
    with body.loop(size) as number:
        total.add(body.convert(body.load(element, source, number), F64))
        body.store(total.get(), out, number)


def _guide(module: Module) -> None:
    """First basis state whose cumulative probability passes each part's beginning."""
    body = module.function("guide", VOID, PTR, F64, I64, PTR, private=True)
    cumulative, step, parts, out = body.args
    index = body.var(0)
    with body.loop(parts) as part:
        start = body.convert(part, F64) * step

        def behind(start: Value = start) -> Value:
            return body.load(F64, cumulative, index.get()) <= start

        with body.repeat_while(behind):
            index.add(1)
        body.store(body.convert(index.get(), I32), out, part)
    body.finish()


def _sample(module: Module, precision: Precision) -> None:
    name = f"__qrt__sample_{precision.suffix}"
    body = module.function(name, I64, PTR, PTR, I64, I64, PTR, PTR)
    context, state, shots, count, wires, out = body.args
    n = qubits(body, state)
    bits = find_bits(body, precision, n, count, wires)
    size = body.int(1) << n
    body.leave_if(shots <= 0, 0)
    guide_bits = body.select(n < MAX_GUIDE_BITS, n, MAX_GUIDE_BITS)
    guide_bits = body.select(shots < FEW_SHOTS, 0, guide_bits)
    parts = body.int(1) << guide_bits
    most = body.select(shots < DRAWN, shots, DRAWN)
    sizes = (size * 8, parts * 4, most * 8)
    cumulative, guide, drawn = (allocate(body, each) for each in sizes)
    there = cumulative.ne_null() & guide.ne_null() & drawn.ne_null()
    body.leave_if(~there, NO_MEMORY)
    body.call("cumulate", VOID, state, n, cumulative)
    whole = body.load(F64, cumulative, size - 1)
    body.leave_if(~(whole > 0.0), NOT_FINITE)
    share = body.convert(parts, F64)
    body.call("guide", VOID, cumulative, whole / share, parts, guide)
    use_huge_pages(body, out, shots * count * 8)
    given = (cumulative, guide, whole, share, drawn, bits, count)
    with body.loop(shots, step=DRAWN) as first:
        left = shots - first
        here = body.select(left < DRAWN, left, DRAWN)
        with body.loop(here) as number:
            body.store(body.call("__qrt__random", F64, context), drawn, number)
        rows = body.at(out, first * count, I64)
        chunks = (here + (TOGETHER - 1)) / TOGETHER
        with parallel(body, module, "samples", chunks, (*given, here, rows)) as region:
            _find(region)
    for memory in (cumulative, guide, drawn):
        release(body, memory)
    body.finish(0)


def _counts(module: Module, precision: Precision) -> None:
    """How often each outcome occurs: a multinomial draw, outcome by outcome.

    How many of the shots that are left have an outcome is binomial.
    """
    suffix = precision.suffix
    name = f"__qrt__counts_{suffix}"
    body = module.function(name, I64, PTR, PTR, I64, I64, PTR, PTR)
    context, state, shots, count, wires, out = body.args
    bits = find_bits(body, precision, qubits(body, state), count, wires)
    size = body.int(1) << count
    chances, rest = (allocate(body, (size + 1) * 8) for _ in range(2))
    body.leave_if(~(chances.ne_null() & rest.ne_null()), NO_MEMORY)
    body.call(f"__qrt__marginal_{suffix}", VOID, state, bits, count, chances)
    total = body.var(0.0, F64)
    with body.loop(size) as number:
        place = size - 1 - number
        total.add(body.load(F64, chances, place))
        body.store(total.get(), rest, place)
    left = body.var(shots)
    with body.loop(size) as place:
        share = body.load(F64, chances, place) / body.load(F64, rest, place)
        found = body.call("__qrt__binomial", I64, context, left.get(), share)
        body.store(found, out, place)
        left.add(-found)
    for memory in (chances, rest):
        release(body, memory)
    body.finish(0)


def _find(region: Region) -> None:
    """Find the basis states of some numbers drawn, and write their bits.

    The memory accesses of several do not wait for one another.
    """
    body, given, start, end, _ = region
    cumulative, guide, whole, share, drawn, bits, count, size, rows = given
    found = body.stack(I64, TOGETHER)
    with body.loop(end, start) as chunk:
        first = chunk * TOGETHER
        here = body.select(size - first < TOGETHER, size - first, TOGETHER)
        own, out = body.at(drawn, first, F64), body.at(rows, first * count, I64)
        with body.loop(here) as number:
            part = body.convert(body.load(F64, own, number) * share, I64)
            index = body.convert(body.load(I32, guide, part), I64)
            body.store(index, found, number)
            body.prefetch(body.at(cumulative, index, F64))
        with body.loop(here) as number:
            mark = body.load(F64, own, number) * whole
            index = body.var(body.load(I64, found, number))

            def behind(mark: Value = mark, index: Variable = index) -> Value:
                return body.load(F64, cumulative, index.get()) <= mark

            with body.repeat_while(behind):
                index.add(1)
            row = number * count
            with body.loop(count) as wire:
                bit = (index.get() >> body.load(I64, bits, wire)) & 1
                body.store(bit, out, row + wire)
