"""What a stage does to a tile: records of steps, each one pass over the tile.

A register step moves amplitudes by an affine map of some bits of the block number, and
then applies a matrix to each of these bits, all while they are in registers. A lane
step applies matrices to bits within a block. Matrices are applied as D (1 + N), where N
has no diagonal and is mostly real or imaginary, and the product of all D comes last. A
phase step multiplies by a diagonal. A pair step runs a planned kernel, and a single
step any gate.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

from qjit.runtime.codegen.builder import F64, I64, PTR, VOID, Body, Module, Value
from qjit.runtime.codegen.simd_blocks import Blocks, Complex, choose, number_at
from qjit.runtime.statevector.kernels.pairs import CROSS, GENERAL, REAL, mixed, void
from qjit.runtime.target.cpu import Precision

# Kinds of steps.
REGISTERS, LANES, PHASES, PAIR, SINGLE = range(5)
# Words of a step: what it is, the slot of a gate, its controls outside of the tile and
# their values, the number of bits and which of them have a matrix, what all matrices
# have in common, the table of a diagonal and the gates that depend on the tile.
KIND, SLOT, CONTROLS, VALUES, COUNT, GATES, MODE, TABLE, VARYING = range(9)
# For each bit: its block bit, and the sum modulo 2 that tells where amplitudes come
# from: of the bits of the step, other block bits, bits outside of the tile, and a 1.
BITS, NEAR, FAR, OUTSIDE, FLIP, MATRICES = 9, 12, 15, 18, 21, 24
CROSSED = TABLE  # of a step with matrices
MOST_BITS = 3
MOST_LANES = 5
PLAN = 512  # the first byte of a plan, or of the entries of D for each bit
STEP_WORDS = 144
HEAD_WORDS = 24

# Modes of a step, besides GENERAL: each N is real, or imaginary if its member is
# CROSSED; lanes have matrices without such a D; there are no matrices yet.
PURE, UNSPLIT, MOVED = REAL, 3, 4
TINY = 2.0**-40  # the square of a diagonal entry that is too small to divide by
ROUNDING = 2.0**-49  # of a part that is zero but for rounding, in units of the other


def module(precision: Precision) -> str:
    """IR of the steps' kernels, and of a run of any step."""
    result = Module(f"qrt.steps.{precision.suffix}")
    _split(result, precision)
    _settle(result, precision)
    for count in range(1, MOST_BITS + 1):
        for kind in kinds(count):
            _registers(result, precision, count, kind)
        _registers(result, precision, count, None)
    for kind in kinds(precision.lane_bits):
        _lanes(result, precision, kind)
    _unsplit_lanes(result, precision)
    _run(result, precision)
    return result.text()


def kinds(count: int) -> list[tuple[int, ...]]:
    """What the N of some members may be: real or imaginary each, or all general."""
    return [
        *(k[::-1] for k in product((REAL, CROSS), repeat=count)),
        (GENERAL,) * count,
    ]


def spelled(kind: tuple[int, ...] | None) -> str:
    """Part of a kernel's name."""
    return "moved" if kind is None else "".join("rcg"[mode] for mode in kind)


def step_of(body: Body, steps: Value, number: Value) -> Value:
    """Where a step is."""
    return body.at(steps, number * STEP_WORDS, I64)


def matrix_of(body: Body, step: Value, member: Value) -> Value:
    """Where the matrix of one bit of a step is."""
    return body.at(step, member * 8 + MATRICES, I64)


def _split(module: Module, precision: Precision) -> None:
    """Write a 2x2 matrix as D (1 + N): the mode of N.

    To `out` go the entries of N and of D. Where the diagonal is too small, this is done
    for the matrix with its columns exchanged, which is told by 8 more than the mode.
    """
    name = f"__qrt__split_matrix_{precision.suffix}"
    body = module.function(name, I64, PTR, PTR)
    matrix, out = body.args
    entries = [number_at(body, body.at(matrix, 2 * place, F64)) for place in range(4)]
    small = _square(entries[0]) < TINY
    a, b, c, d = (
        choose(small, there, here)
        for there, here in zip((entries[k] for k in (1, 0, 3, 2)), entries, strict=True)
    )
    upper, lower = (_quotient(top, bottom) for top, bottom in ((b, a), (c, d)))

    def negligible(part: Value, of: Value) -> Value:
        return part * part <= of * of * ROUNDING**2

    pair = (upper, lower)
    real = negligible(upper.im, upper.re) & negligible(lower.im, lower.re)
    cross = negligible(upper.re, upper.im) & negligible(lower.re, lower.im)
    for place, value in enumerate((*pair, a, d)):
        body.store(value.re, out, 2 * place)
        body.store(value.im, out, 2 * place + 1)
    mode = body.select(real, REAL, body.select(cross, CROSS, GENERAL))
    body.finish(mode + body.select(small, 8, 0))


def _square(x: Complex) -> Value:
    return x.re * x.re + x.im * x.im


def _quotient(top: Complex, bottom: Complex) -> Complex:
    size = _square(bottom)
    return (top * bottom.conjugate()).map(lambda part: part / size)


def _settle(module: Module, precision: Precision) -> None:
    """Replace the matrices of a register or lane step by their N, and keep their D."""
    body = module.function(f"__qrt__settle_step_{precision.suffix}", VOID, PTR)
    (step,) = body.args
    mode = body.load(I64, step, MODE)
    body.leave_if(mode.eq(MOVED) | mode.eq(UNSPLIT))
    lanes = body.load(I64, step, KIND).eq(LANES)
    count = body.select(lanes, precision.lane_bits, body.load(I64, step, COUNT))
    kept, half = body.at(step, PLAN), body.stack(F64, 8)
    name = f"__qrt__split_matrix_{precision.suffix}"
    with body.loop(count) as member:
        own = matrix_of(body, step, member)
        found = body.call(name, I64, own, half)
        with body.when(found >= 8), body.loop(count) as row:
            near = body.load(I64, step, row + NEAR)
            turned = (near >> member) & 1
            body.store(body.load(I64, step, row + FLIP) ^ turned, step, row + FLIP)
        scales = body.at(kept, member * 32)
        for target, source in ((own, half), (scales, body.at(half, 32))):
            body.call("memcpy", PTR, target, source, body.int(32))
    body.finish()


class Splits:
    """The matrices of a step in the form D (1 + N), their entries in every lane."""

    def __init__(self, blocks: Blocks, step: Value, kind: tuple[int, ...]) -> None:
        self.blocks, self.kind, count = blocks, kind, len(kind)
        body = blocks.body
        table = body.at(step, MATRICES, I64)

        def entries(table: Value, stride: int) -> list[tuple[Complex, Complex]]:
            firsts = [body.at(table, member * stride, F64) for member in range(count)]
            return [
                (number_at(body, first), number_at(body, body.at(first, 2, F64)))
                for first in firsts
            ]

        self.off = [
            (low.map(blocks.splat), high.map(blocks.splat))
            for low, high in entries(table, 8)
        ]
        self.scales = entries(body.at(step, PLAN), 4)

    def plus(self, member: int, off: Complex, x: Complex, y: Complex) -> Complex:
        """x + N y for an entry of a member's N."""
        fma = self.blocks.body.fma
        if self.kind[member] == REAL:
            return Complex(fma(off.re, y.re, x.re), fma(off.re, y.im, x.im))
        if self.kind[member] == CROSS:
            return Complex(fma(-off.im, y.im, x.re), fma(off.im, y.re, x.im))
        return x.plus_product(off, y)


def _parity(body: Body, bits: Value) -> Value:
    return body.count_ones(bits) & 1


def _registers(
    module: Module, precision: Precision, count: int, kind: tuple[int, ...] | None
) -> None:
    arguments = (PTR, I64, PTR, I64)
    name = f"registers_{count}_{spelled(kind)}"
    body = module.function(name, VOID, *arguments, private=True)
    data, size, step, base = body.args
    blocks = Blocks(body, precision)
    members = range(count)

    def words(first: int) -> list[Value]:
        return [body.load(I64, step, first + member) for member in members]

    masks, near, far = words(BITS), words(NEAR), words(FAR)
    outside, flip = words(OUTSIDE), words(FLIP)
    turned = [_parity(body, base & outside[m]) ^ flip[m] for m in members]

    def spread(bits: list[Value]) -> Value:
        """The block number that has these members' bits."""
        chosen = [-bits[member] & masks[member] for member in members]
        total = chosen[0]
        for one in chosen[1:]:
            total = total | one
        return total

    local = range(1 << count)
    sources = [spread([_parity(body, near[m] & k) for m in members]) for k in local]
    places = [spread([body.int(k >> m & 1) for m in members]) for k in local]
    splits = Splits(blocks, step, kind or ())
    scales: list[Complex] = []
    if kind is not None:
        numbers = list(splits.scales[0])
        for low, high in splits.scales[1:]:
            numbers = [x * low for x in numbers] + [x * high for x in numbers]
        scales = [x.map(blocks.splat) for x in numbers]
    with blocks.each(places[-1], body.int(0), size >> count) as index:
        moved = spread([_parity(body, index & far[m]) ^ turned[m] for m in members])
        held = [blocks.load(data, index | (source ^ moved)) for source in sources]
        for member, (upper, lower) in enumerate(splits.off):
            for k in local:
                if not k >> member & 1:
                    other = k | 1 << member
                    x, y = held[k], held[other]
                    held[k] = splits.plus(member, upper, x, y)
                    held[other] = splits.plus(member, lower, y, x)
        if scales:
            held = [x * scale for x, scale in zip(held, scales, strict=True)]
        for place, value in zip(places, held, strict=True):
            blocks.store(value, data, index | place)
    body.finish()


def _lanes(module: Module, precision: Precision, kind: tuple[int, ...]) -> None:
    body = module.function(f"lanes_{spelled(kind)}", VOID, PTR, I64, PTR, private=True)
    data, size, step = body.args
    blocks = Blocks(body, precision)
    splits = Splits(blocks, step, kind)
    off = [blocks.pick(bit, *pair) for bit, pair in enumerate(splits.off)]
    scale = blocks.one()
    for bit, pair in enumerate(splits.scales):
        low, high = (x.map(blocks.splat) for x in pair)
        scale = scale * blocks.pick(bit, low, high)
    with body.loop(size) as index:
        value = blocks.load(data, index)
        for bit, entry in enumerate(off):
            there = blocks.exchange(value, 1 << bit)
            value = splits.plus(bit, entry, value, there)
        blocks.store(value * scale, data, index)
    body.finish()


def _unsplit_lanes(module: Module, precision: Precision) -> None:
    body = module.function("lanes_unsplit", VOID, PTR, I64, PTR, private=True)
    data, size, step = body.args
    blocks = Blocks(body, precision)
    gates: list[tuple[Complex, Complex]] = []
    for bit in range(blocks.lane_bits):
        places = [MATRICES + 8 * bit + 2 * k for k in range(4)]
        numbers = [number_at(body, body.at(step, place, F64)) for place in places]
        a, b, c, d = (x.map(blocks.splat) for x in numbers)
        gates.append((blocks.pick(bit, a, d), blocks.pick(bit, b, c)))
    with body.loop(size) as index:
        value = blocks.load(data, index)
        for bit, (d, o) in enumerate(gates):
            value = mixed(GENERAL, d, o, value, blocks.exchange(value, 1 << bit))
        blocks.store(value, data, index)
    body.finish()


def _run(module: Module, precision: Precision) -> None:
    """Run a step on the tile at `base`."""
    suffix = precision.suffix
    name = f"__qrt__run_step_{suffix}"
    body = module.function(name, VOID, PTR, I64, PTR, PTR, I64)
    data, size, step, params, base = body.args
    mode = body.load(I64, step, MODE)

    def call(name: str, *args: Value) -> Callable[[], None]:
        return lambda: void(body.call(name, VOID, *args))

    crossed = body.load(I64, step, CROSSED)

    def which(count: int, other: int) -> Value:
        """The kernel of a mode, of those for each kind and then one for the other."""
        general = 1 << count
        last = body.select(mode.eq(other), general + 1, general)
        return body.select(mode.eq(PURE), crossed, last)

    def registers() -> None:
        given = (data, size, step, base)

        def of_count(count: int) -> Callable[[], None]:
            names = [spelled(kind) for kind in (*kinds(count), None)]
            cases = [call(f"registers_{count}_{name}", *given) for name in names]
            return lambda: body.switch(which(count, MOVED), cases)

        members = body.load(I64, step, COUNT) - 1
        body.switch(members, [of_count(n) for n in range(1, MOST_BITS + 1)])

    def lanes() -> None:
        names = [*map(spelled, kinds(precision.lane_bits)), "unsplit"]
        cases = [call(f"lanes_{name}", data, size, step) for name in names]
        body.switch(which(precision.lane_bits, UNSPLIT), cases)

    def when_fires(run: Callable[[], None]) -> None:
        controls, values = (body.load(I64, step, word) for word in (CONTROLS, VALUES))
        with body.when((base & controls).eq(values)):
            run()

    def pair() -> None:
        body.call(f"__qrt__pair_{suffix}", VOID, data, body.at(step, PLAN))

    def single() -> None:
        slot = body.load(PTR, step, SLOT)
        name = f"__qrt__run_slot_{suffix}"
        body.call(name, VOID, data, size, slot, params)

    cases = [
        registers,
        lanes,
        call(f"__qrt__phases_{suffix}", data, size, step, base),
        lambda: when_fires(pair),
        lambda: when_fires(single),
    ]
    body.switch(body.load(I64, step, KIND), cases)
    body.finish()
