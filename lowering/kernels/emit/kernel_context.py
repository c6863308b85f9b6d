"""The context in which a kernel is emitted: the function, and the numbers of gates.

A pair gate without conditions is applied as D (1 + N), where N has no diagonal; D is a
phase gate of its own. Where that loses accuracy, as where an entry of D is tiny, or
where an angle is large or no number, nothing is done: then the run is left to the
runtime, which has other ways, and errors.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from qjit.lowering.kernels.schedule.gate_model import Diagonal, ElementaryGate, TwoLevel
from qjit.lowering.kernels.schedule.planner import Plan
from qjit.runtime.codegen.builder import Body, Module, Value
from qjit.runtime.codegen.simd_blocks import Blocks

from .addressing import Storage
from .folded_complex import (
    NO_MATRIX,
    ONE,
    Angles,
    Matrix,
    Number,
    Real,
    chosen,
    factors_of,
    inverse,
    minus,
    times,
)

TINIEST = 2.0**-40  # the square of an entry of D


class KernelContext:
    """The body of a function of a run, and the numbers of its gates."""

    def __init__(
        self, module: Module, body: Body, plan: Plan, params: Sequence[Value]
    ) -> None:
        self.module, self.body, self.plan = module, body, plan
        self.blocks = Blocks(body, plan.precision)
        self.angles = Angles(body, params)
        self._matrices: dict[TwoLevel, Matrix] = {}
        self._adjoints: dict[TwoLevel, Matrix] = {}
        self._factors: dict[tuple[Diagonal, bool], list[Number]] = {}
        self.scales: dict[ElementaryGate, tuple[Number, Number]] = {}
        self.tile: Value | None = None  # the number of the tile that is worked on
        self._parities: dict[int, Value] = {}

    @cached_property
    def gates(self) -> list[ElementaryGate]:
        """All gates."""
        return [gate for kernel_pass in self.plan.passes for gate in kernel_pass.gates]

    def prepare(self) -> Value:
        """Compute the numbers of all gates; whether they are accurate."""
        self.angles.collect(factors_of(self.gates))
        accurate = self.angles.compute()
        for gate in self.gates:
            size = None
            if isinstance(gate, TwoLevel) and gate not in self._matrices:
                size = self._prepare_pair(gate)
            elif isinstance(gate, Diagonal) and gate.scaled and gate not in self.scales:
                size = self._prepare_phase(gate)
            if size is not None:
                wide = self.body.coerce(size, self.angles.kind)
                for part in self.parts(wide > TINIEST):
                    accurate = accurate & part
        return accurate

    def parts(self, value: Value) -> list[Value]:
        """A number, or those of the entries of a batch."""
        if not self.plan.budget.batched:
            return [value]
        return [self.body.lane(value, lane) for lane in range(self.blocks.lanes)]

    def _prepare_pair(self, pair: TwoLevel) -> Real | None:
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
        return size

    def _prepare_phase(self, phase: Diagonal) -> Real:
        """Note the scale that a phase leaves; its size."""
        scale = Number(self.angles.of_phase(phase)[0].re)
        self.scales[phase] = scale, scale
        return scale.square

    def enter(self, tile: Value) -> None:
        """Work on the tile of a number, after the numbers of gates were prepared.

        What the tile's number decides is decided once: for the side of a pair gate, for
        phases, and for conditions that no other bits have a part in.
        """
        self.tile = tile
        for mask in {mask for gate in self.gates for mask in gate.all_masks}:
            above = self.above(mask)
            if above and above not in self._parities:
                self._parities[above] = self.body.count_ones(tile & above) & 1
        for pair, matrix in self._matrices.items():
            self._matrices[pair] = self._decided(pair, matrix)

    def _decided(self, pair: TwoLevel, matrix: Matrix) -> Matrix:
        a, b, c, d = matrix
        side = self.tile_parity(self.above(pair.side))
        if side is not None:
            pairs = ((a, d), (b, c), (c, b), (d, a))
            a, b, c, d = (chosen(side.ne(0), there, here) for here, there in pairs)
        for mask in set(pair.conditions) - set(self.masks(pair)):
            odd = self.tile_parity(self.above(mask))
            assert odd is not None
            fires = odd.eq(mask >> self.plan.total & 1)
            pairs = zip((a, b, c, d), NO_MATRIX, strict=True)
            a, b, c, d = (chosen(fires, here, other) for here, other in pairs)
        return a, b, c, d

    def above(self, mask: int) -> int:
        """The part of a mask that is of the tile's number."""
        return (mask & (1 << self.plan.total) - 1) >> self.plan.size

    def tile_parity(self, above: int) -> Value | None:
        """The parity of some bits of the tile's number, if there are any."""
        if not above or self.tile is None:
            return None
        if above not in self._parities:
            return self.body.count_ones(self.tile & above) & 1
        return self._parities[above]

    def masks(self, gate: ElementaryGate) -> tuple[int, ...]:
        """The masks of a gate, but for those that the tile's number decides alone."""
        inside = (1 << self.plan.size) - 1
        conditions = (
            gate.all_masks[1:] if isinstance(gate, TwoLevel) else gate.all_masks
        )
        left = (m for m in conditions if m & inside or not self.above(m))
        return (gate.side, *left) if isinstance(gate, TwoLevel) else tuple(left)

    def matrix(self, pair: TwoLevel, *, adjoint: bool = False) -> Matrix:
        """The matrix that is applied for a pair gate: 1 + N, if it is that."""
        if not adjoint:
            return self._matrices[pair]
        if pair not in self._adjoints:
            a, b, c, d = (entry.conjugate for entry in self._matrices[pair])
            self._adjoints[pair] = (a, c, b, d) if pair.has_sides else (a, b, c, d)
        return self._adjoints[pair]

    def factors(self, phase: Diagonal, *, adjoint: bool = False) -> list[Number]:
        """The factors of a phase for all parities of its masks, the first the highest.

        Those of a tile's number are known, so masks of these only have no part in it.
        """
        key = phase, adjoint
        if key not in self._factors:
            if phase.of is not None:
                found = list(self.scales[phase.of])[: 1 << len(phase.masks)]
            else:
                found = self.angles.of_phase(phase)
            if phase.scaled:
                tangent = times(found[0].im, inverse(found[0].re))
                found = [Number(1.0, tangent), Number(1.0, minus(tangent))]
            rest = (1 << len(phase.conditions)) - 1
            found = [each for factor in found for each in (factor, *[ONE] * rest)]
            for place, mask in reversed(list(enumerate(reversed(phase.all_masks)))):
                found = self._given(found, place, mask)
            if adjoint:
                found = [factor.conjugate for factor in found]
            self._factors[key] = found
        return self._factors[key]

    def _given(self, table: list[Number], place: int, mask: int) -> list[Number]:
        """A table of factors, given what the tile's number adds to a bit of its index.

        If the bit is known then, half of the table is left.
        """
        odd, bit = self.tile_parity(self.above(mask)), 1 << place
        if odd is None:
            return table
        known = not mask & (1 << self.plan.size) - 1
        constant = bit if known and mask >> self.plan.total & 1 else 0
        return [
            chosen(odd.ne(0), table[index ^ constant ^ bit], table[index ^ constant])
            for index in range(len(table))
            if not (known and index & bit)
        ]

    @property
    def moves_blocks(self) -> bool:
        """Whether amplitudes are moved in a pass of their own."""
        return not self.plan.is_whole and not self.plan.layout.is_plain

    def state_buffer(self) -> Storage:
        """Memory for a state."""
        count = 2 << self.plan.block_bits
        memory = self.body.stack(self.blocks.vector, count, align=64)
        return Storage(self.blocks, memory)
