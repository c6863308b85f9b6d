"""Dense gates on any number of targets, and the sums that their derivatives need.

The blocks that mix are loaded together; for every block a row is a sum over the columns
(block, lane exchange), each with a register of coefficients.
"""

from __future__ import annotations

from qjit.runtime.codegen.builder import F64, I64, PTR, VOID, Module, Value
from qjit.runtime.codegen.simd_blocks import Blocks, Complex
from qjit.runtime.statevector.state import allocate, allocate_zeroed, release
from qjit.runtime.target.cpu import Precision

from .diagonal import Targets, add_lane

SMALL = 256
ROWS_AT_ONCE = (1, 2, 4)


def module(precision: Precision) -> str:
    """IR of the dense kernels."""
    result = Module(f"qrt.dense.{precision.suffix}")
    _coefficients(result, precision)
    _apply(result, precision)
    _correlate(result, precision)
    return result.text()


class Tables:
    """Scratch tables of one dense gate: its blocks and its lane exchanges."""

    def __init__(self, blocks: Blocks, targets: Targets) -> None:
        body = blocks.body
        self.blocks, self.targets = blocks, targets
        self.columns = targets.subsets * targets.lane_subsets
        self.held: list[Value] = []
        self.block = self.buffer(targets.subsets * 8, SMALL)
        self.local = self.buffer(targets.subsets * 8, SMALL)
        self.exchange = body.stack(I64, blocks.lanes)
        self.lane_local = targets.local_of_lanes()
        with blocks.each_subset(targets.target_blocks, targets.subsets) as (i, subset):
            body.store(subset, self.block, i)
            body.store(targets.local_of_block(subset), self.local, i)
        with blocks.each_subset(targets.target_lanes, targets.lane_subsets) as (
            i,
            mask,
        ):
            body.store(mask, self.exchange, i)

    def buffer(self, size: Value, small: int) -> Value:
        """Memory until release(): on the stack where `small` bytes are enough."""
        body = self.blocks.body
        stack = body.stack(self.blocks.wide, small // (8 * self.blocks.lanes))
        chosen, held = body.var(stack), body.var(body.null())
        with body.when(size > small):
            held.set(allocate(body, size))
            chosen.set(held.get())
        self.held.append(held.get())
        return chosen.get()

    def release(self) -> None:
        """Free all buffers."""
        for memory in self.held:
            with self.blocks.body.when(memory.ne_null()):
                release(self.blocks.body, memory)

    def gather(self, data: Value, base: Value, out: Value) -> None:
        """Load every block of a group, in every lane exchange, into `out`."""
        body, blocks = self.blocks.body, self.blocks
        with body.loop(self.targets.subsets) as column:
            x = blocks.load(data, base | body.load(I64, self.block, column))
            first = column * self.targets.lane_subsets
            blocks.put(x, out, first)
            with body.loop(self.targets.lane_subsets, 1) as number:
                mask = body.load(I64, self.exchange, number)
                blocks.put(blocks.exchange_dynamic(x, mask), out, first + number)

    def entry(self, row: Value, column: Value, number: Value, lane: Value) -> Value:
        """Where the matrix holds the coefficient of a lane; targets' matrix order."""
        body = self.blocks.body
        there = lane ^ body.load(I64, self.exchange, number)
        left = body.load(I64, self.local, row) + body.load(I64, self.lane_local, lane)
        right = body.load(I64, self.local, column) + body.load(
            I64, self.lane_local, there
        )
        return (left << self.targets.size) + right


def _coefficients(module: Module, precision: Precision) -> None:
    """One lane's coefficient of a matrix (or its adjoint), as two doubles in `out`."""
    arguments = (PTR, I64, I64, I64, PTR)
    body = module.function("coefficient", VOID, *arguments, private=True)
    matrix, entry, size, adjoint, out = body.args
    mask = (body.int(1) << size) - 1
    back = adjoint.ne(0)
    turned = ((entry & mask) << size) | (entry >> size)
    place = body.select(back, turned, entry) * 2
    im = body.load(F64, matrix, place + 1)
    body.store(body.load(F64, matrix, place), out)
    body.store(body.select(back, -im, im), out, 1)
    body.finish()


def _fill(
    tables: Tables,
    matrix: Value,
    adjoint: Value,
    controls: tuple[Value, Value],
    out: Value,
) -> None:
    """Write the coefficient registers, row-major; idle lanes keep their value."""
    blocks, targets = tables.blocks, tables.targets
    body, lanes = blocks.body, blocks.lanes
    lane_fixed, lane_wanted = controls
    pair = body.stack(F64, 2)
    # Without lane targets or lane controls all lanes have the same coefficient.
    uniform = (targets.target_lanes | targets.control_lanes).eq(0)
    with (
        body.when(uniform),
        body.loop(targets.subsets) as row,
        body.loop(targets.subsets) as column,
    ):
        entry = tables.entry(row, column, body.int(0), body.int(0))
        body.call("coefficient", VOID, matrix, entry, targets.size, adjoint, pair)
        factor = Complex(body.load(F64, pair), body.load(F64, pair, 1))
        blocks.put(factor.map(blocks.splat), out, row * targets.subsets + column)
    with (
        body.when(~uniform),
        body.loop(targets.subsets) as row,
        body.loop(targets.subsets) as column,
        body.loop(targets.lane_subsets) as number,
        body.loop(lanes) as lane,
    ):
        entry = tables.entry(row, column, number, lane)
        body.call("coefficient", VOID, matrix, entry, targets.size, adjoint, pair)
        active = (lane & lane_fixed).eq(lane_wanted)
        same = row.eq(column) & number.eq(0)
        idle = body.select(same, 1.0, 0.0, F64)
        re = body.select(active, body.load(F64, pair), idle)
        im = body.select(active, body.load(F64, pair, 1), 0.0)
        place = (row * targets.subsets + column) * targets.lane_subsets + number
        first = place * (2 * lanes) + lane
        body.store(body.convert(re, blocks.element), out, first)
        body.store(body.convert(im, blocks.element), out, first + lanes)


def _apply(module: Module, precision: Precision) -> None:
    """Apply a 2^k x 2^k matrix, or its adjoint, on the controlled part of the state."""
    arguments = (PTR, I64, PTR, I64, I64, I64, PTR, I64)
    body = module.function(f"__qrt__dense_{precision.suffix}", VOID, *arguments)
    data, count, bits, size, controls, values, matrix, adjoint = body.args
    blocks = Blocks(body, precision)
    targets = Targets(blocks, count, bits, size, controls)
    tables = Tables(blocks, targets)
    bytes_each = 1 << precision.block_shift
    table = tables.buffer(targets.subsets * tables.columns * bytes_each, 32 * SMALL)
    scratch = tables.buffer(tables.columns * bytes_each, 8 * SMALL)
    lane_wanted = values & (precision.lanes - 1)
    _fill(tables, matrix, adjoint, (targets.control_lanes, lane_wanted), table)
    wanted = values >> precision.lane_bits
    with blocks.each(targets.fixed, wanted, targets.rest) as base:
        tables.gather(data, base, scratch)
        for rows in ROWS_AT_ONCE:
            fits = targets.subsets >= rows
            if rows != ROWS_AT_ONCE[-1]:
                fits = fits & (targets.subsets < 2 * rows)
            with body.when(fits), body.loop(targets.subsets, step=rows) as row:
                _rows(tables, table, scratch, (base, row), rows, data)
    tables.release()
    body.finish()


def _rows(
    tables: Tables,
    table: Value,
    scratch: Value,
    place: tuple[Value, Value],
    rows: int,
    data: Value,
) -> None:
    """Store some rows: sums over all columns of coefficient times value."""
    blocks, columns = tables.blocks, tables.columns
    body = blocks.body
    base, first = place
    sums = [
        (body.var(0.0, blocks.vector), body.var(0.0, blocks.vector))
        for _ in range(rows)
    ]
    with body.loop(columns) as column:
        x = blocks.get(scratch, column)
        for number, (re, im) in enumerate(sums):
            factor = blocks.get(table, (first + number) * columns + column)
            total = Complex(re.get(), im.get()).plus_product(factor, x)
            re.set(total.re)
            im.set(total.im)
    for number, (re, im) in enumerate(sums):
        block = base | body.load(I64, tables.block, first + number)
        blocks.store(Complex(re.get(), im.get()), data, block)


def _correlate(module: Module, precision: Precision) -> None:
    """Add conj(bra_a)*ket_b, summed over the controlled rest, to a 2^k x 2^k matrix."""
    arguments = (PTR, PTR, I64, PTR, I64, I64, I64, PTR)
    body = module.function(f"__qrt__correlate_{precision.suffix}", VOID, *arguments)
    ket, bra, count, bits, size, controls, values, sums = body.args
    blocks = Blocks(body, precision)
    targets = Targets(blocks, count, bits, size, controls)
    tables = Tables(blocks, targets)
    lanes = precision.lanes
    scratch = tables.buffer(tables.columns << precision.block_shift, 8 * SMALL)
    entries = targets.subsets * tables.columns
    table = allocate_zeroed(body, entries * (16 * lanes))
    with blocks.each(
        targets.fixed, values >> precision.lane_bits, targets.rest
    ) as base:
        tables.gather(ket, base, scratch)
        with body.loop(targets.subsets) as row:
            left = blocks.load(bra, base | body.load(I64, tables.block, row))
            with body.loop(tables.columns) as column:
                right = blocks.get(scratch, column)
                product = blocks.zero().plus_conjugate_product(left, right)
                blocks.accumulate(product, table, row * tables.columns + column)
    lane_wanted = values & (lanes - 1)
    with (
        body.loop(targets.subsets) as row,
        body.loop(targets.subsets) as column,
        body.loop(targets.lane_subsets) as number,
        body.loop(lanes) as lane,
        body.when((lane & targets.control_lanes).eq(lane_wanted)),
    ):
        place = (row * targets.subsets + column) * targets.lane_subsets + number
        entry = tables.entry(row, column, number, lane)
        cell = body.at(table, place * (2 * lanes), F64)
        add_lane(body, cell, lane, lanes, sums, entry)
    release(body, table)
    tables.release()
    body.finish()
