"""The adjoint of a state preparation: back to |0>, with the gradient by amplitudes."""

from __future__ import annotations

from qjit.runtime.codegen.builder import F64, I64, PTR, VOID, Body, Module, Value
from qjit.runtime.codegen.simd_blocks import Blocks
from qjit.runtime.statevector.state import data, qubits
from qjit.runtime.target.cpu import Precision

from .adjoint import add_to_slot


def module(precision: Precision) -> str:
    """IR of the adjoint of state preparations."""
    result = Module(f"qrt.state_preparation_adjoint.{precision.suffix}")
    _state_preparation_adjoint(result, precision)
    return result.text()


class Amplitudes:
    """Single amplitudes of a state, as doubles."""

    def __init__(self, body: Body, precision: Precision, state: Value) -> None:
        self.body = body
        self.lanes = precision.lanes
        self.element = Blocks(body, precision).element
        self.first = data(body, state)

    def _place(self, index: Value) -> Value:
        lane = index & (self.lanes - 1)
        return (index - lane) * 2 + lane

    def read(self, index: Value) -> tuple[Value, Value]:
        """The real and imaginary part of an amplitude."""
        place = self._place(index)
        parts = (
            self.body.load(self.element, self.first, place + part * self.lanes)
            for part in (0, 1)
        )
        re, im = (self.body.convert(part, F64) for part in parts)
        return re, im

    def write(self, index: Value, re: Value, im: Value) -> None:
        """Set an amplitude."""
        place = self._place(index)
        for part, value in enumerate((re, im)):
            narrow = self.body.convert(value, self.element)
            self.body.store(narrow, self.first, place + part * self.lanes)


def _state_preparation_adjoint(module: Module, precision: Precision) -> None:
    """Undo |a><0| on wires of ket and bra; add 2 Re <bra|da/dslot> to the slots."""
    name = f"__qrt__state_preparation_adjoint_{precision.suffix}"
    body = module.function(name, VOID, PTR, PTR, PTR, I64, PTR, PTR, PTR)
    ket, bra, bits, count, amplitudes, slots, grads = body.args
    blocks = Blocks(body, precision)
    kets, bras = (Amplitudes(body, precision, state) for state in (ket, bra))
    mask, norm = body.var(0), body.var(0.0, F64)
    with body.loop(count) as number:
        bit = body.int(1) << body.load(I64, bits, number)
        mask.set(mask.get() | bit)
    size = body.int(1) << count
    with body.loop(size * 2) as number:
        value = body.load(F64, amplitudes, number)
        norm.add(value * value)
    scale = body.real(1.0) / norm.get()
    rest = body.int(1) << (qubits(body, ket) - count)
    sums = [body.var(0.0, F64) for _ in range(4)]
    with blocks.each(mask.get(), body.int(0), rest) as base:
        for total in sums:
            total.set(0.0)
        with blocks.each_subset(mask.get(), size) as (_, subset):
            local = blocks.local_index(subset, bits, count) * 2
            re, im = (body.load(F64, amplitudes, local + part) for part in (0, 1))
            for number, states in enumerate((kets, bras)):
                x, y = states.read(base | subset)
                sums[2 * number].add(re * x + im * y)
                sums[2 * number + 1].add(re * y - im * x)
        x, y = sums[0].get() * scale, sums[1].get() * scale
        with blocks.each_subset(mask.get(), size) as (_, subset):
            with body.when(slots.ne_null()):
                local = blocks.local_index(subset, bits, count) * 2
                re, im = bras.read(base | subset)
                # conj(bra) * ket is R: the gradient is 2 Re R and -2 Im R.
                real, imaginary = re * x + im * y, re * y - im * x
                add_to_slot(body, grads, slots, local, real * 2.0)
                add_to_slot(body, grads, slots, local + 1, imaginary * -2.0)
            for states in (kets, bras):
                states.write(base | subset, body.real(0.0), body.real(0.0))
        kets.write(base, x, y)
        bras.write(base, sums[2].get(), sums[3].get())
    body.finish()
