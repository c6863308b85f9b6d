"""Derivatives by the parameters of gates, while a run is undone on ket and bra.

A derivative is a sum over all indices of a product of amplitudes, some with their signs
changed by the parity of a mask. Such signed sums are what is gathered group by group.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from qjit.lowering.kernels.schedule.gate_factors import Factor
from qjit.lowering.kernels.schedule.gate_model import Diagonal, TwoLevel
from qjit.lowering.kernels.schedule.generators import frequencies, generator
from qjit.lowering.kernels.schedule.linear_layout import parity
from qjit.runtime.codegen.builder import F64, I32, VOID, Value
from qjit.runtime.statevector.executor.adjoint import add_to_slot

from .block_groups import Groups
from .folded_complex import NO_MATRIX, Matrix, Number, Real, plus, product, times
from .register_ops import PairStep, Parts, Step

if TYPE_CHECKING:
    from .kernel_context import KernelContext


@dataclass(frozen=True)
class Target:
    """Where derivatives go: the slots of the parameters, and the gradient.

    Without slots, every parameter has a slot of its own. Each entry of a batch has
    slots and a gradient of its own.
    """

    code: KernelContext
    slots: Sequence[Value] | None
    gradients: Sequence[Value]
    wanted: tuple[bool, ...]

    def wants(self, factor: Factor) -> bool:
        """Whether a parameter of a gate has a gradient."""
        end = factor.param_offset + factor.num_params
        return any(self.wanted[factor.param_offset : end])

    def add(self, place: int, value: Real) -> None:
        """Add to the derivative by a parameter, if it has one."""
        if not self.wanted[place]:
            return
        wide = self.code.body.coerce(value, self.code.angles.kind)
        for entry, part in enumerate(self.code.parts(wide)):
            self.add_to(entry, place, part)

    def add_to(self, entry: int, place: int, total: Value) -> None:
        """Add to the derivative of an entry of a batch, or of the only one."""
        body, gradient = self.code.body, self.gradients[entry]
        if not self.wanted[place]:
            return
        if self.slots is None:
            total = total + body.load(F64, gradient, place)
            body.store(total, gradient, place)
        else:
            add_to_slot(body, gradient, self.slots[entry], body.int(place), total)


class Sums:
    """Sums over all indices of numbers whose signs the parities of masks change."""

    def __init__(self, groups: Groups, masks: Sequence[int]) -> None:
        self.groups = groups
        wide = groups.blocks.wide
        self.seen = {mask: groups.parity(mask) for mask in masks}
        self.totals = {mask: groups.body.var(0.0, wide) for mask in masks}

    def add(self, vectors: Sequence[Value]) -> None:
        """Add what the blocks of a group have."""
        by_inner: dict[int, Value] = {}
        for mask, seen in self.seen.items():
            if seen.inner not in by_inner:
                by_inner[seen.inner] = self._signed(vectors, seen.inner)
            value = self.groups.blocks.widen(by_inner[seen.inner])
            outer = self.groups.outer(seen)
            if outer is not None:
                body, lanes = self.groups.body, self.groups.blocks.lanes
                sign = body.convert(body.int(1) - (outer << 1), F64)
                value = value * body.splat(sign, lanes)
            self.totals[mask].add(value)

    def _signed(self, vectors: Sequence[Value], inner: int) -> Value:
        total = vectors[0]
        for block, vector in list(enumerate(vectors))[1:]:
            total = total - vector if parity(inner & block) else total + vector
        return total

    def value(self, mask: int) -> Value:
        """The sum for a mask."""
        seen, blocks = self.seen[mask], self.groups.blocks
        total = self.totals[mask].get()
        if seen.lanes:
            lanes = range(blocks.lanes)
            signs = [1.0 - 2.0 * parity(lane & seen.lanes) for lane in lanes]
            total = total * self.groups.body.lanes(F64, signs)
        if self.groups.code.plan.budget.batched:
            return -total if seen.odd else total
        found = blocks.total(total)
        above = self.groups.code.tile_parity(seen.above)
        if above is not None:
            found = self.groups.body.select(above.ne(0), -found, found)
        return -found if seen.odd else found


def _sums_of(masks: Sequence[int]) -> list[int]:
    """All sums of masks; number S is that of the masks that the bits of S choose."""
    found = [0]
    for mask in masks:
        found += [one ^ mask for one in found]
    return found


class PhaseGradient:
    """The derivatives by the angles of phases that follow one another."""

    needs_inverse = False

    def __init__(
        self, groups: Groups, phases: Sequence[Diagonal], target: Target
    ) -> None:
        self.target = target
        self.weights = {}
        masks: dict[int, None] = {}
        for phase in phases:
            if phase.factor is not None and target.wants(phase.factor):
                self.weights[id(phase)] = phase.factor.param_offset, _walsh(phase)
                masks |= dict.fromkeys(mask for mask, _ in _walsh(phase))
        self.sums = Sums(groups, list(masks))

    def add(self, step: Step, ket: Parts, undone: Parts, bra: Parts) -> None:
        """Add what a group has: the imaginary parts of conj(bra) ket."""
        if not self.weights:
            return
        fma, size = step.groups.body.fma, step.groups.size
        self.sums.add(
            [fma(bra[k, 0], ket[k, 1], -(bra[k, 1] * ket[k, 0])) for k in range(size)]
        )

    def finish(self, correction: Real) -> None:
        """Add to the gradient."""
        for place, weights in self.weights.values():
            total: Real = 0.0
            for mask, weight in weights:
                total = plus(total, times(self.sums.value(mask), weight))
            self.target.add(place, times(total, correction))


def _walsh(phase: Diagonal) -> list[tuple[int, float]]:
    """Masks, and what their sums count in the derivative by a phase's angle."""
    assert phase.factor is not None
    rest = (1 << len(phase.conditions)) - 1
    count = 1 << len(phase.masks)
    rates: list[float] = []  # -2 w for each factor exp(i w theta)
    for w in frequencies(phase.factor)[:count]:
        rates += [-2.0 * w, *[0.0] * rest]
    masks = list(reversed(phase.all_masks))
    found: list[tuple[int, float]] = []
    for number, mask in enumerate(_sums_of(masks)):
        signs = [1 - 2 * parity(number & index) for index in range(len(rates))]
        weight = float(np.dot(signs, rates)) / len(rates)
        if weight:
            found.append((mask, weight))
    return found


class RotationGradient:
    """The derivative by the angle of exp(-i theta/2 P), for a P like X or Y."""

    needs_inverse = False

    def __init__(self, groups: Groups, pair: TwoLevel, target: Target) -> None:
        self.target, self.factor = target, pair.factors[0]
        found = generator(self.factor)
        assert found is not None
        self.power, signed, self.sign = found
        self.masks = _sums_of(pair.conditions)
        if signed:
            self.masks = [mask ^ pair.side for mask in self.masks]
        self.sums = Sums(groups, list(dict.fromkeys(self.masks)))

    def add(self, step: Step, ket: Parts, undone: Parts, bra: Parts) -> None:
        """Add what a group has: imaginary parts of conj(bra) P ket, but for signs."""
        assert isinstance(step, PairStep)
        fma, vectors = step.groups.body.fma, list[Value]()
        for k in range(step.groups.size):
            re, im = (step.other((k, part), ket) for part in (0, 1))
            if self.power & 1:
                vectors.append(fma(bra[k, 0], re, bra[k, 1] * im))
            else:
                vectors.append(fma(bra[k, 0], im, -(bra[k, 1] * re)))
        self.sums.add(vectors)

    def finish(self, correction: Real) -> None:
        """Add to the gradient."""
        total: Real = 0.0
        for mask in self.masks:
            total = plus(total, self.sums.value(mask))
        sign = -self.sign if self.power & 3 in (1, 2) else self.sign
        total = times(total, sign / len(self.masks))
        self.target.add(self.factor.param_offset, times(total, correction))


class MatrixGradient:
    """The derivatives by the parameters of any pair gate, from those by its entries."""

    needs_inverse = True

    def __init__(self, groups: Groups, pair: TwoLevel, target: Target) -> None:
        self.target, self.pair = target, pair
        self.masks = _sums_of(pair.conditions)
        masks = [mask ^ side for side in (0, pair.side) for mask in self.masks]
        every = list(dict.fromkeys(masks))
        self.sums = [Sums(groups, every) for _ in range(4)]

    def add(self, step: Step, ket: Parts, undone: Parts, bra: Parts) -> None:
        """Add what a group has: conj(bra) times the undone ket and its other."""
        assert isinstance(step, PairStep)
        fma, vectors = step.groups.body.fma, [list[Value]() for _ in range(4)]
        for k in range(step.groups.size):
            here = [undone[k, part] for part in (0, 1)]
            there = [step.other((k, part), undone) for part in (0, 1)]
            for n, (re, im) in enumerate((here, there)):
                vectors[2 * n].append(fma(bra[k, 0], re, bra[k, 1] * im))
                vectors[2 * n + 1].append(fma(bra[k, 0], im, -(bra[k, 1] * re)))
        for sums, row in zip(self.sums, vectors, strict=True):
            sums.add(row)

    def finish(self, correction: Real) -> None:
        """Add to the gradient."""
        code = self.target.code
        a, d = code.scales[self.pair]
        weights: list[Number] = []
        for place in range(4):
            parts = self.sums[2:] if place in (1, 2) else self.sums[:2]
            sign = -1.0 if place >= 2 else 1.0
            re, im = (times(self._side(sums, sign), correction) for sums in parts)
            weights.append(Number(re, im).over(d if place >= 2 else a))
        before: list[Matrix] = [NO_MATRIX]
        for factor in self.pair.factors:
            before.append(product(code.angles.matrix(factor), before[-1]))
        after = NO_MATRIX
        for number in range(len(self.pair.factors) - 1, -1, -1):
            factor = self.pair.factors[number]
            if self.target.wants(factor):
                between = product(_transposed(after), _matrix(weights))
                own = product(between, _transposed(before[number]))
                self._add(factor, own)
            after = product(after, code.angles.matrix(factor))

    def _side(self, sums: Sums, sign: float) -> Real:
        """The sum over the indices on one side."""
        total: Real = 0.0
        for mask in self.masks:
            total = plus(total, sums.value(mask))
            total = plus(total, times(sums.value(mask ^ self.pair.side), sign))
        return times(total, 0.5 / len(self.masks))

    def _add(self, factor: Factor, weights: Matrix) -> None:
        """Add the derivatives by a factor's parameters."""
        if factor.letters is not None:
            derivatives = self.target.code.angles.rotation_derivatives(factor)
            total = Number(0.0)
            for weight, entry in zip(weights, derivatives, strict=True):
                total = total + weight * entry
            return self.target.add(factor.param_offset, times(total.re, 2.0))
        code = self.target.code
        body, record = code.body, factor.record
        entries = list(weights)
        if factor.adjoint:
            entries = [entry.conjugate for entry in _transposed(weights)]
        if factor.is_diagonal:
            entries = [entries[0], entries[3]]
        given, out = body.stack(F64, 8), body.stack(F64, 4)
        gate, kind = body.coerce(factor.gate, I32), code.angles.kind
        numbers = [part for entry in entries for part in (entry.re, entry.im)]
        wide = [code.parts(body.coerce(number, kind)) for number in numbers]
        for entry, params in enumerate(code.angles.params):
            for place, parts in enumerate(wide):
                body.store(parts[entry], given, place)
            own = body.at(params, factor.param_offset, F64)
            body.call("__qjit__gate_gradient", VOID, gate, own, given, out)
            for number in range(record.num_params):
                found = body.load(F64, out, number)
                self.target.add_to(entry, factor.param_offset + number, found)


def _matrix(entries: Sequence[Number]) -> Matrix:
    a, b, c, d = entries
    return a, b, c, d


def _transposed(matrix: Matrix) -> Matrix:
    a, b, c, d = matrix
    return a, c, b, d


ParameterGradient = PhaseGradient | RotationGradient | MatrixGradient


def gradient_of(
    groups: Groups, run: Sequence[object], target: Target
) -> ParameterGradient | None:
    """What finds the derivatives by the parameters of a pair gate, or of phases."""
    first = run[0]
    if isinstance(first, TwoLevel):
        if not any(target.wants(factor) for factor in first.factors):
            return None
        rotates = len(first.factors) == 1 and generator(first.factors[0])
        return (RotationGradient if rotates else MatrixGradient)(groups, first, target)
    return PhaseGradient(groups, [p for p in run if isinstance(p, Diagonal)], target)
