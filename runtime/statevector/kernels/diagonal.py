"""Diagonal gates: one pass per value of the block-index targets."""

from __future__ import annotations

from qjit.runtime.codegen.builder import (
    F64,
    I64,
    PTR,
    VOID,
    Body,
    Module,
    Value,
    integer,
)
from qjit.runtime.codegen.simd_blocks import Blocks, Complex
from qjit.runtime.target.cpu import Precision

from .pairs_adjoint import Sums


def module(precision: Precision) -> str:
    """IR of the diagonal kernels."""
    result = Module(f"qrt.diagonal.{precision.suffix}")
    _apply(result, precision)
    _adjoint(result, precision)
    return result.text()


class Targets:
    """How targets and controls divide between block bits and lane bits."""

    def __init__(
        self, blocks: Blocks, count: Value, bits: Value, size: Value, controls: Value
    ) -> None:
        body = blocks.body
        shift, lanes = blocks.lane_bits, blocks.lanes - 1
        self.blocks, self.bits, self.size = blocks, bits, size
        mask = body.var(0)
        with body.loop(size) as number:
            mask.set(mask.get() | (body.int(1) << body.load(I64, bits, number)))
        self.mask = mask.get()
        self.target_blocks = self.mask >> shift
        self.target_lanes = self.mask & lanes
        self.control_blocks = controls >> shift
        self.control_lanes = controls & lanes
        self.fixed = self.target_blocks | self.control_blocks
        self.rest = count >> body.count_ones(self.fixed)
        self.subsets = body.int(1) << body.count_ones(self.target_blocks)
        self.lane_subsets = body.int(1) << body.count_ones(self.target_lanes)

    def local_of_lanes(self) -> Value:
        """A table: what each lane adds to a target-local index."""
        body = self.blocks.body
        table = body.stack(I64, self.blocks.lanes)
        with body.loop(self.blocks.lanes) as lane:
            body.store(self.blocks.local_index(lane, self.bits, self.size), table, lane)
        return table

    def local_of_block(self, block: Value) -> Value:
        """What a block's bits add to a target-local index."""
        full = block << self.blocks.lane_bits
        return self.blocks.local_index(full, self.bits, self.size)


def _factor(
    blocks: Blocks, entries: Value, lanes: Value, local: Value, out: Value
) -> None:
    """Gather one block's diagonal entries into a register pair at `out`."""
    body, count = blocks.body, blocks.lanes
    with body.loop(count) as lane:
        entry = (local + body.load(I64, lanes, lane)) * 2
        for part in (0, 1):
            value = body.convert(body.load(F64, entries, entry + part), blocks.element)
            body.store(value, out, lane + part * count)


def _apply(module: Module, precision: Precision) -> None:
    """Multiply by a diagonal, or its conjugate, on the controlled part of the state."""
    arguments = (PTR, I64, PTR, I64, I64, I64, PTR, I64)
    body = module.function(f"__qrt__diagonal_{precision.suffix}", VOID, *arguments)
    data, count, bits, size, controls, values, entries, adjoint = body.args
    blocks = Blocks(body, precision)
    targets = Targets(blocks, count, bits, size, controls)
    lanes = targets.local_of_lanes()
    scratch = body.stack(blocks.vector, 2)
    with blocks.each_subset(targets.target_blocks, targets.subsets) as (_, subset):
        _factor(blocks, entries, lanes, targets.local_of_block(subset), scratch)
        factor = _controlled(blocks, targets, values, blocks.get(scratch, 0), adjoint)
        wanted = subset | (values >> precision.lane_bits)
        working = factor.re.ne(1.0) | factor.im.ne(0.0)
        with (
            body.when(_any(blocks, working)),
            blocks.each(targets.fixed, wanted, targets.rest) as block,
        ):
            blocks.store(factor * blocks.load(data, block), data, block)
    body.finish()


def _controlled(
    blocks: Blocks, targets: Targets, values: Value, factor: Complex, adjoint: Value
) -> Complex:
    """The factor, conjugated if asked, and 1 where a lane control says no."""
    body = blocks.body
    active = blocks.match(targets.control_lanes, values & (blocks.lanes - 1))
    im = body.select(adjoint.ne(0), -factor.im, factor.im)
    one, zero = (body.coerce(x, blocks.vector) for x in (1.0, 0.0))
    return Complex(body.select(active, factor.re, one), body.select(active, im, zero))


def _any(blocks: Blocks, lanes: Value) -> Value:
    """Whether any lane of a mask is set."""
    return blocks.body.cast("bitcast", lanes, integer(blocks.lanes)).ne(0)


def _adjoint(module: Module, precision: Precision) -> None:
    """Undo a diagonal on ket and bra, and add conj(bra)*ket per entry to `sums`."""
    arguments = (PTR, PTR, I64, PTR, I64, I64, I64, PTR, I64, PTR)
    body = module.function(
        f"__qrt__diagonal_adjoint_{precision.suffix}", VOID, *arguments
    )
    ket, bra, count, bits, size, controls, values, entries, adjoint, sums = body.args
    blocks = Blocks(body, precision)
    targets = Targets(blocks, count, bits, size, controls)
    lanes = targets.local_of_lanes()
    scratch = body.stack(blocks.vector, 2)
    table = body.stack(blocks.wide, 2)
    lane_values = values & (precision.lanes - 1)
    with blocks.each_subset(targets.target_blocks, targets.subsets) as (_, subset):
        local = targets.local_of_block(subset)
        _factor(blocks, entries, lanes, local, scratch)
        factor = _controlled(blocks, targets, values, blocks.get(scratch, 0), adjoint)
        wanted = subset | (values >> precision.lane_bits)
        blocks.put(blocks.zero(blocks.wide), table, 0)
        collected = Sums(blocks, table, (0,))
        with collected.each(targets.fixed, wanted, targets.rest) as block:
            old_bra = blocks.load(bra, block)
            new_ket = factor * blocks.load(ket, block)
            blocks.store(new_ket, ket, block)
            collected.add(0, old_bra, new_ket)
            blocks.store(factor * old_bra, bra, block)
        with (
            body.loop(precision.lanes) as lane,
            body.when((lane & targets.control_lanes).eq(lane_values)),
        ):
            place = local + body.load(I64, lanes, lane)
            add_lane(body, table, lane, precision.lanes, sums, place)
    body.finish()


def add_lane(
    body: Body, table: Value, lane: Value, lanes: int, sums: Value, place: Value
) -> None:
    """Add one lane of a register pair of doubles to a complex number of `sums`."""
    for part in (0, 1):
        value = body.load(F64, table, lane + part * lanes)
        target = place * 2 + part
        body.store(body.load(F64, sums, target) + value, sums, target)
