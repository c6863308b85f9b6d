"""Adjoint kernels of amplitude pairs: undo a gate on ket and bra and sum conj(bra)*ket.

One pass reads both states once. The plan holds the inverse gate. The sums are registers
of doubles: same-place and exchanged products on side A, then on side B. They pair the
bra before undoing with the ket after it, which is what a derivative needs.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager

from qjit.runtime.codegen.builder import (
    I64,
    PTR,
    VOID,
    Body,
    Module,
    Operand,
    Value,
    Variable,
)
from qjit.runtime.codegen.simd_blocks import Blocks, Complex
from qjit.runtime.target.cpu import Precision

from .pairs import (
    BASE,
    COUNT,
    EXCHANGE,
    FIXED,
    FLIP,
    GENERAL,
    SIGNS,
    block_sign,
    coefficients,
    mixed,
    void,
    word,
)

SAME_A, CROSS_A, SAME_B, CROSS_B = range(4)
CHUNK = 256
Pair = tuple[Variable, Variable]


class Sums:
    """Complex sums kept in registers and emptied into doubles every CHUNK blocks."""

    def __init__(
        self, blocks: Blocks, table: Value, places: Sequence[Value | int]
    ) -> None:
        self.blocks = blocks
        self.table = table
        self.places = places
        body, type_ = blocks.body, blocks.vector
        self.parts = [(body.var(0.0, type_), body.var(0.0, type_)) for _ in places]

    def add(self, number: int, bra: Complex, ket: Complex) -> None:
        """Add conj(bra)*ket to a sum."""
        re, im = self.parts[number]
        total = Complex(re.get(), im.get()).plus_conjugate_product(bra, ket)
        re.set(total.re)
        im.set(total.im)

    @contextmanager
    def each(
        self, fixed: Value, wanted: Value, count: Value, first: Operand = 0
    ) -> Generator[Value]:
        """Blocks as Blocks.each gives them, with the sums emptied now and then."""
        body, free = self.blocks.body, ~fixed
        index, left = body.var(first), body.var(count)
        with body.repeat_while(lambda: left.get() > 0):
            for part in self.parts:
                part[0].set(0.0)
                part[1].set(0.0)
            size = body.select(left.get() < CHUNK, left.get(), CHUNK)
            with body.loop(size):
                present = index.get()
                yield present | wanted
                index.set(((present | fixed) + 1) & free)
            for place, (re, im) in zip(self.places, self.parts, strict=True):
                self.blocks.accumulate(Complex(re.get(), im.get()), self.table, place)
            left.set(left.get() - size)


def define(module: Module, precision: Precision) -> None:
    """Define the adjoint kernels and their dispatcher."""
    _pair(module, precision, general=False)
    _pair(module, precision, general=True)
    for bit in range(precision.lane_bits):
        _single(module, precision, bit)
    _single(module, precision, None)
    _dispatch(module, precision)


def _bounds(body: Body, plan: Value) -> list[Value]:
    return [word(body, plan, number) for number in (FIXED, BASE, COUNT)]


def _pair(module: Module, precision: Precision, general: bool) -> None:
    name = "adjoint_pair_general" if general else "adjoint_pair"
    body = module.function(name, VOID, PTR, PTR, PTR, PTR, private=True)
    ket, bra, plan, table = body.args
    blocks = Blocks(body, precision)
    d_a, o_a, d_b, o_b = coefficients(blocks, plan)
    flip, signs = word(body, plan, FLIP), word(body, plan, SIGNS)
    lanes = word(body, plan, EXCHANGE)
    sums = Sums(blocks, table, range(4))
    with sums.each(*_bounds(body, plan)) as a:
        b = a ^ flip

        def there(value: Complex, a: Value = a) -> Complex:
            if not general:
                return value
            return blocks.exchange_dynamic(value, lanes).scaled(
                block_sign(blocks, a, signs)
            )

        ket_a, ket_b = blocks.load(ket, a), blocks.load(ket, b)
        new_a = mixed(GENERAL, d_a, o_a, ket_a, there(ket_b))
        new_b = mixed(GENERAL, d_b, o_b, ket_b, there(ket_a))
        blocks.store(new_a, ket, a)
        blocks.store(new_b, ket, b)
        bra_a, bra_b = blocks.load(bra, a), blocks.load(bra, b)
        sums.add(SAME_A, bra_a, new_a)
        sums.add(CROSS_A, bra_a, there(new_b))
        sums.add(SAME_B, bra_b, new_b)
        sums.add(CROSS_B, bra_b, there(new_a))
        blocks.store(mixed(GENERAL, d_a, o_a, bra_a, there(bra_b)), bra, a)
        blocks.store(mixed(GENERAL, d_b, o_b, bra_b, there(bra_a)), bra, b)
    body.finish()


def _single(module: Module, precision: Precision, bit: int | None) -> None:
    name = "adjoint_single_general" if bit is None else f"adjoint_single_{bit}"
    body = module.function(name, VOID, PTR, PTR, PTR, PTR, private=True)
    ket, bra, plan, table = body.args
    blocks = Blocks(body, precision)
    d, o = coefficients(blocks, plan)[:2]
    signs, lanes = word(body, plan, SIGNS), word(body, plan, EXCHANGE)
    sums = Sums(blocks, table, (SAME_A, CROSS_A))
    with sums.each(*_bounds(body, plan)) as a:

        def there(value: Complex, a: Value = a) -> Complex:
            if bit is not None:
                return blocks.exchange(value, 1 << bit)
            return blocks.exchange_dynamic(value, lanes).scaled(
                block_sign(blocks, a, signs)
            )

        old_ket, old_bra = blocks.load(ket, a), blocks.load(bra, a)
        new_ket = mixed(GENERAL, d, o, old_ket, there(old_ket))
        blocks.store(new_ket, ket, a)
        sums.add(0, old_bra, new_ket)
        sums.add(1, old_bra, there(new_ket))
        blocks.store(mixed(GENERAL, d, o, old_bra, there(old_bra)), bra, a)
    body.finish()


def _dispatch(module: Module, precision: Precision) -> None:
    name = f"__qrt__pair_adjoint_{precision.suffix}"
    body = module.function(name, VOID, PTR, PTR, PTR, PTR)
    plan, table = body.args[2:]
    blocks = Blocks(body, precision)
    for number in range(4):
        blocks.put(blocks.zero(blocks.wide), table, number)
    exchange, flip = word(body, plan, EXCHANGE), word(body, plan, FLIP)
    signs = word(body, plan, SIGNS)
    names = ["adjoint_pair", "adjoint_pair_general", "adjoint_single_general"]
    names += [f"adjoint_single_{bit}" for bit in range(precision.lane_bits)]
    one_bit = body.count_ones(exchange).eq(1) & signs.eq(0)
    single = body.select(one_bit, body.count_ones(exchange - 1) + 3, 2)
    pair = body.select((exchange | signs).eq(0), 0, 1, I64)
    chosen = body.select(flip.ne(0), pair, single)

    def case(name: str) -> Callable[[], None]:
        return lambda: void(body.call(name, VOID, *body.args))

    body.switch(chosen, [case(name) for name in names])
    body.finish()
