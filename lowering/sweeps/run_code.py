"""The functions of a run: its numbers, its sweeps forwards, and how it is undone.

A pair gate without conditions is applied as D (1 + N), where N has no diagonal; D is a
phase gate of its own. Where that loses accuracy, as where an entry of D is tiny, or
where an angle is large or no number, nothing is done: then the run is left to the
runtime, which has other ways, and errors.
"""

from __future__ import annotations

from functools import cached_property

from qjit.runtime.blocks import Blocks
from qjit.runtime.emit import F64, Body, Module, Value

from .groups import Groups
from .items import Item, Pair, Phase
from .known_numbers import ONE, Angles, Matrix, Number, factors_of
from .moving import Move, moved
from .plan import Plan
from .steps import Step
from .sweeping import connected, each_group

TINIEST = 2.0**-40  # the square of an entry of D


class RunCode:
    """The body of a function of a run, and the numbers of its gates."""

    def __init__(self, module: Module, body: Body, plan: Plan, params: Value) -> None:
        self.module, self.body, self.plan = module, body, plan
        self.blocks = Blocks(body, plan.precision)
        self.angles = Angles(body, params)
        self._matrices: dict[Pair, Matrix] = {}
        self._adjoints: dict[Pair, Matrix] = {}
        self._factors: dict[tuple[Phase, bool], list[Number]] = {}
        self.scales: dict[Pair, tuple[Number, Number]] = {}

    @cached_property
    def items(self) -> list[Item]:
        """All gates."""
        return [item for sweep in self.plan.sweeps for item in sweep.items]

    def prepare(self) -> Value:
        """Compute the numbers of all gates; whether they are fine."""
        self.angles.collect(factors_of(self.items))
        fine = self.angles.compute()
        for item in self.items:
            if isinstance(item, Pair) and item not in self._matrices:
                size = self._prepare_pair(item)
                if size is not None:
                    fine = fine & (size > TINIEST)
        return fine

    def _prepare_pair(self, pair: Pair) -> Value | None:
        """Make the matrix of a pair gate, as N if it may be; the size of D then."""
        matrix = self.angles.of_pair(pair)
        a, b, c, d = matrix
        size = a.square
        if pair.conditions or size == 0.0:
            self._matrices[pair] = matrix
            self.scales[pair] = ONE, ONE
            return None
        self.scales[pair] = a, d
        self._matrices[pair] = ONE, b.over(a), c.over(d), ONE
        return self.body.coerce(size, F64)

    def matrix(self, pair: Pair, *, adjoint: bool = False) -> Matrix:
        """The matrix that is applied for a pair gate: 1 + N, if it is that."""
        if not adjoint:
            return self._matrices[pair]
        if pair not in self._adjoints:
            a, b, c, d = (entry.conjugate for entry in self._matrices[pair])
            self._adjoints[pair] = (a, c, b, d) if pair.has_sides else (a, b, c, d)
        return self._adjoints[pair]

    def factors(self, phase: Phase, *, adjoint: bool = False) -> list[Number]:
        """The factors of a phase."""
        key = phase, adjoint
        if key not in self._factors:
            if phase.pair is not None:
                found = list(self.scales[phase.pair])[: 1 << len(phase.masks)]
            else:
                found = self.angles.of_phase(phase)
            if adjoint:
                found = [factor.conjugate for factor in found]
            self._factors[key] = found
        return self._factors[key]

    @property
    def moves_blocks(self) -> bool:
        """Whether amplitudes are moved in a pass of their own."""
        return not self.plan.is_whole and not self.plan.frame.is_plain

    def room(self) -> Value:
        """Memory for a state."""
        count = 2 << self.plan.block_bits
        return self.body.stack(self.blocks.vector, count, align=64)


class Forward:
    """The sweeps of a run, one after another."""

    def __init__(self, code: RunCode, state: Value) -> None:
        self.code, self.state = code, state

    def emit(self) -> None:
        """Emit all of them."""
        code, sweeps = self.code, self.code.plan.sweeps
        last = code.room() if code.moves_blocks else self.state
        for number in range(len(sweeps)):
            is_last = number == len(sweeps) - 1
            self._sweep(number, last if is_last else self.state, is_last)
        if code.moves_blocks:
            Move(code, last, self.state, code.plan.frame.place).emit()

    def _sweep(self, number: int, target: Value, is_last: bool) -> None:
        """Load, change and store group after group.

        Where real and imaginary parts fall into sets that do not meet, as for gates
        that are all real, one set is done after the other: fewer registers are in use.
        """
        code, plan = self.code, self.code.plan
        groups = Groups(code, plan.sweeps[number])
        moves = is_last and plan.is_whole and not plan.frame.is_plain

        def visit(first: Value, steps: list[Step]) -> None:
            body, blocks = code.body, code.blocks
            numbers = groups.numbers(first)
            sets = connected(steps, groups.size, moves=moves)
            for together in sets:
                parts = {
                    to: body.load(
                        blocks.vector, blocks.place(self.state, numbers[to[0]]), to[1]
                    )
                    for to in together
                }
                for step in steps:
                    parts = {to: step.part(to, parts) for to in together}
                if moves:
                    parts = moved(blocks, parts, plan.size, plan.frame.place)
                for (block, part), value in parts.items():
                    body.store(value, blocks.place(target, numbers[block]), part)
                if len(sets) > 1:
                    body.barrier()

        each_group(groups, visit)
