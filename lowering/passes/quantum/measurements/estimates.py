"""Statistics as classical arithmetic on samples of bits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from xdsl.dialects import arith
from xdsl.dialects.builtin import IndexType, MemRefType, f64, i64
from xdsl.ir import SSAValue

from qjit.dialects.quantum import ProbsOp, SampleOp, VarOp
from qjit.dialects.quantum.measurements import Statistic
from qjit.dialects.statevector import ExecutionKeyOp, SeedOp
from qjit.lowering.analysis.memory_accesses import AccessesOf
from qjit.lowering.program_attributes import SEEDED

from .classical_code import Code
from .final_measurements import FinalMeasurements, Measurement
from .final_section import RegisterEnd, discard, settle


def estimated(op: Measurement) -> bool:
    """Tell whether a measurement is a statistic that samples estimate."""
    return isinstance(op, Statistic | ProbsOp)


def estimate(
    found: FinalMeasurements, shots: int, seed: int | None, accesses: AccessesOf
) -> None:
    """Sample the bits of a circuit once, and compute its statistics from them.

    What it measures is diagonal. Its key is that of its execution, if it has one, or
    the next of the seed.
    """
    ops = [reading.op for reading in found.readings]
    statistics = [op for op in ops if isinstance(op, Statistic)]
    distributions = [op for op in ops if isinstance(op, ProbsOp)]
    wires = _wires(statistics, distributions)
    settle(found, accesses)
    if SEEDED not in found.alloc.attributes:
        start = Code(found.alloc)
        start.insert(SeedOp(start.insert(ExecutionKeyOp(seed))))
    end = RegisterEnd.of(found)
    for op in ops:
        if not estimated(op):
            end.measure(op)
    rows = end.allocated(i64, (shots, len(wires)))
    end.insert(SampleOp(end.register, rows, shots, wires))
    end.finish(found)
    sums = [_Sum(op, end) for op in statistics]
    counts = [_Counts(op, end) for op in distributions]

    def add(code: Code, shot: SSAValue, carried: Sequence[SSAValue]) -> list[SSAValue]:
        bits = {
            wire: code.load(rows, shot, code.index(n)) for n, wire in enumerate(wires)
        }
        for each in counts:
            each.count(code, bits)
        found = [power for each in sums for power in each.powers(code, bits)]
        pairs = zip(carried, found, strict=True)
        return [code.insert(arith.AddfOp(total, power)) for total, power in pairs]

    zeros = [end.number(0.0) for each in sums for _ in range(each.order)]
    totals = list(end.loop(shots, add, zeros))
    for each in sums:
        own, totals = totals[: each.order], totals[each.order :]
        each.finish(end, own, shots)
    for each in counts:
        each.finish(end, shots)
    discard(found)


def _wires(
    statistics: Sequence[Statistic], distributions: Sequence[ProbsOp]
) -> list[int]:
    """Return the wires whose bits are asked for, at least one."""
    words = [term.word.data for op in statistics for term in op.terms]
    found = {n for word in words for n, letter in enumerate(word) if letter != "I"}
    return sorted(found.union(*(op.measured for op in distributions)) or {0})


class _Sum:
    """A weighted sum of words of Z, and the sums of its powers over all shots."""

    def __init__(self, op: Statistic, code: Code) -> None:
        self.op, self.order = op, 2 if isinstance(op, VarOp) else 1
        self.weights = [
            code.load(op.coefficients, code.index(n)) for n in range(len(op.terms))
        ]

    def powers(self, code: Code, bits: Mapping[int, SSAValue]) -> list[SSAValue]:
        """Return what the sum is worth in a shot, and its square if it is needed."""
        parts: list[SSAValue] = []
        for term, weight in zip(self.op.terms, self.weights, strict=True):
            on = [bits[n] for n, each in enumerate(term.word.data) if each == "Z"]
            parts.append(_signed(weight, on, code))
        value = code.summed(parts)
        square = [code.insert(arith.MulfOp(value, value))] if self.order == 2 else []
        return [value, *square]

    def finish(self, code: Code, totals: Sequence[SSAValue], shots: int) -> None:
        """Let the mean, or the variance, be the value of the statistic."""
        means = [
            code.insert(arith.DivfOp(total, code.number(float(shots))))
            for total in totals
        ]
        value = means[0]
        if self.order == 2:
            square = code.insert(arith.MulfOp(value, value))
            spread = code.insert(arith.SubfOp(means[1], square))
            value = code.insert(arith.MaximumfOp(spread, code.number(0.0)))
        self.op.value.replace_all_uses_with(value)


def _signed(weight: SSAValue, bits: Sequence[SSAValue], code: Code) -> SSAValue:
    """Return a number, negative where an odd number of bits is one."""
    if not bits:
        return weight
    odd, *rest = bits
    for bit in rest:
        odd = code.insert(arith.XOrIOp(odd, bit))
    is_odd = code.insert(arith.CmpiOp(odd, code.integer(0), "ne"))
    opposite = code.insert(arith.NegfOp(weight))
    return code.insert(arith.SelectOp(is_odd, opposite, weight))


class _Counts:
    """How often each outcome of some wires occurs."""

    def __init__(self, op: ProbsOp, code: Code) -> None:
        self.op = op
        self.size = 2 ** len(op.measured)
        self.counts = code.allocated(i64, (self.size,))

        def clear(code: Code, place: SSAValue, _: Sequence[SSAValue]) -> list[SSAValue]:
            code.store(code.integer(0), self.counts, place)
            return []

        code.loop(self.size, clear)

    def count(self, code: Code, bits: Mapping[int, SSAValue]) -> None:
        """Count the outcome of a shot, the first wire most significant."""
        number = code.integer(0)
        for wire in self.op.measured:
            double = code.insert(arith.AddiOp(number, number))
            number = code.insert(arith.AddiOp(double, bits[wire]))
        place = code.insert(arith.IndexCastOp(number, IndexType()))
        before = code.load(self.counts, place)
        after = code.insert(arith.AddiOp(before, code.integer(1)))
        code.store(after, self.counts, place)

    def finish(self, code: Code, shots: int) -> None:
        """Write the share of each outcome."""
        target = self.op.destination
        assert isinstance(target.type, MemRefType)
        kind = target.type.element_type

        def write(code: Code, place: SSAValue, _: Sequence[SSAValue]) -> list[SSAValue]:
            count = code.load(self.counts, place)
            number = code.insert(arith.SIToFPOp(count, f64))
            share = code.insert(arith.DivfOp(number, code.number(float(shots))))
            if kind != f64:
                share = code.insert(arith.TruncFOp(share, kind))
            code.store(share, target, place)
            return []

        code.loop(self.size, write)
