"""Blocks of amplitudes: a register of reals, then a register of imaginaries.

Amplitude `j` of a state stands in block `j >> lane_bits`, lane `j & (lanes - 1)`.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from qjit.runtime.target.cpu import Precision

from .builder import F32, F64, I32, I64, Body, Operand, Value, vector


@dataclass(frozen=True)
class Complex:
    """A complex number, or a register of them, as real and imaginary parts."""

    re: Value
    im: Value

    def __mul__(self, other: Complex) -> Complex:
        fma = self.re.body.fma
        return Complex(
            fma(self.re, other.re, -(self.im * other.im)),
            fma(self.re, other.im, self.im * other.re),
        )

    def __add__(self, other: Complex) -> Complex:
        return Complex(self.re + other.re, self.im + other.im)

    def plus_product(self, a: Complex, b: Complex) -> Complex:
        """self + a*b."""
        fma = self.re.body.fma
        re = fma(-a.im, b.im, fma(a.re, b.re, self.re))
        return Complex(re, fma(a.im, b.re, fma(a.re, b.im, self.im)))

    def plus_conjugate_product(self, a: Complex, b: Complex) -> Complex:
        """self + conj(a)*b."""
        fma = self.re.body.fma
        re = fma(a.im, b.im, fma(a.re, b.re, self.re))
        return Complex(re, fma(-a.im, b.re, fma(a.re, b.im, self.im)))

    def scaled(self, factor: Value) -> Complex:
        """Both parts times a real factor."""
        return Complex(self.re * factor, self.im * factor)

    def conjugate(self) -> Complex:
        """The complex conjugate."""
        return Complex(self.re, -self.im)

    def map(self, function: Callable[[Value], Value]) -> Complex:
        """A function of either part."""
        return Complex(function(self.re), function(self.im))


def choose(condition: Value, yes: Complex, no: Complex) -> Complex:
    """`yes` where the condition holds, `no` elsewhere."""
    select = condition.body.select
    return Complex(select(condition, yes.re, no.re), select(condition, yes.im, no.im))


def number_at(body: Body, place: Value) -> Complex:
    """A complex number in memory, of two doubles."""
    return Complex(body.load(F64, place), body.load(F64, place, 1))


class Blocks:
    """Block access, lane permutations and block enumeration inside one function."""

    def __init__(self, body: Body, precision: Precision) -> None:
        self.body = body
        self.precision = precision
        self.lanes = precision.lanes
        self.lane_bits = precision.lane_bits
        self.element: Any = F64 if precision.real_bytes == 8 else F32
        self.vector: Any = vector(self.element, self.lanes)
        self.wide: Any = vector(F64, self.lanes)
        self.integer: Any = I64 if precision.real_bytes == 8 else I32
        self.iota = body.lanes(self.integer, list(range(self.lanes)))

    def zero(self, type_: Any = None) -> Complex:
        """A register of zeros."""
        zero = self.body.coerce(0.0, type_ or self.vector)
        return Complex(zero, zero)

    def one(self) -> Complex:
        """A register of ones."""
        real, imaginary = (self.body.coerce(part, self.vector) for part in (1.0, 0.0))
        return Complex(real, imaginary)

    def pick(self, bit: int, low: Complex, high: Complex) -> Complex:
        """One number in the lanes without a bit, and another in those with it."""
        return choose((self.iota & (1 << bit)).ne(0), high, low)

    def address(self, data: Value, block: Operand) -> Value:
        """The address of a block."""
        block = self.body.coerce(block, I64)
        return self.body.at(data, block << self.precision.block_shift)

    def load(self, data: Value, block: Operand) -> Complex:
        """A block's amplitudes."""
        address = self.address(data, block)
        load = self.body.load
        return Complex(load(self.vector, address), load(self.vector, address, 1))

    def store(self, amplitudes: Complex, data: Value, block: Operand) -> None:
        """Write a block's amplitudes."""
        address = self.address(data, block)
        self.body.store(amplitudes.re, address)
        self.body.store(amplitudes.im, address, 1)

    def get(self, table: Value, index: Operand, type_: Any = None) -> Complex:
        """Entry `index` of a table of register pairs."""
        first = self.body.coerce(index, I64) * 2
        type_ = type_ or self.vector
        load = self.body.load
        return Complex(load(type_, table, first), load(type_, table, first + 1))

    def put(self, value: Complex, table: Value, index: Operand) -> None:
        """Write entry `index` of a table of register pairs."""
        first = self.body.coerce(index, I64) * 2
        self.body.store(value.re, table, first)
        self.body.store(value.im, table, first + 1)

    def accumulate(self, value: Complex, table: Value, index: Operand) -> None:
        """Add to an entry of a table of double-precision register pairs."""
        old = self.get(table, index, self.wide)
        self.put(old + value.map(self.widen), table, index)

    def widen(self, value: Value) -> Value:
        """A register's lanes as doubles."""
        return self.body.convert(value, self.wide)

    def splat(self, value: Value) -> Value:
        """A double in every lane, in the state's precision."""
        return self.body.splat(self.body.convert(value, self.element), self.lanes)

    def splat_int(self, value: Value) -> Value:
        """An integer in every lane."""
        return self.body.splat(self.body.convert(value, self.integer), self.lanes)

    def exchange(self, value: Complex, mask: int) -> Complex:
        """Lane l takes lane l ^ mask, for a mask known now."""
        order = [lane ^ mask for lane in range(self.lanes)]
        return value.map(lambda part: self.body.shuffle(part, part, order))

    def exchange_dynamic(self, value: Complex, mask: Value) -> Complex:
        """Lane l takes lane l ^ mask."""
        for bit in range(self.lane_bits):
            chosen = (mask & (1 << bit)).ne(0)
            moved = self.exchange(value, 1 << bit)
            value = Complex(
                self.body.select(chosen, moved.re, value.re),
                self.body.select(chosen, moved.im, value.im),
            )
        return value

    def match(self, fixed: Value, wanted: Value) -> Value:
        """Which lanes agree with `wanted` in the bits of `fixed`."""
        return (self.iota & self.splat_int(fixed)).eq(self.splat_int(wanted))

    def parity_sign(self, mask: Value) -> Value:
        """Per lane, -1 where lane & mask has an odd number of bits, else +1."""
        bits = self.iota & self.splat_int(mask)
        bits = bits ^ (bits >> 2)
        bits = bits ^ (bits >> 1)
        return self.body.select((bits & 1).ne(0), -1.0, 1.0, self.vector)

    def total(self, value: Value) -> Value:
        """The sum over the lanes."""
        width = value.type.count
        while width > 1:
            width //= 2
            low = self.body.shuffle(value, value, list(range(width)))
            high = self.body.shuffle(value, value, list(range(width, 2 * width)))
            value = low + high
        return self.body.lane(value, 0)

    @contextmanager
    def each(self, fixed: Value, wanted: Value, count: Operand) -> Generator[Value]:
        """Every block whose bits in `fixed` equal `wanted`, in rising order."""
        free = ~fixed
        index = self.body.var(0)
        with self.body.loop(count):
            present = index.get()
            yield present | wanted
            # Ones in the fixed positions carry the increment across them.
            index.set(((present | fixed) + 1) & free)

    @contextmanager
    def each_subset(
        self, mask: Value, count: Operand
    ) -> Generator[tuple[Value, Value]]:
        """The numbers below count, each with its bits deposited in those of `mask`."""
        outside = ~mask
        subset = self.body.var(0)
        with self.body.loop(count) as number:
            present = subset.get()
            yield number, present
            subset.set(((present | outside) + 1) & mask)

    def local_index(self, index: Value, bits: Value, count: Value) -> Value:
        """The index that `count` bits of a basis index form, most significant first."""
        local = self.body.var(0)
        with self.body.loop(count) as number:
            bit = (index >> self.body.load(I64, bits, number)) & 1
            local.set((local.get() << 1) | bit)
        return local.get()
