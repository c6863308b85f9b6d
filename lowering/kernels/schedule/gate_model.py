"""The gates of a run, as what they do to amplitudes and their indices.

A pair gate mixes the amplitudes of two indices; a phase gate multiplies each by a
factor. What parities of an index decide is told by masks (see `linear_layout`). X, CNOT
and SWAP gates become part of the masks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from qjit.dialects.gates import Kernel
from qjit.dialects.statevector.schedule import Entry
from qjit.runtime.settings import enabled

from .gate_factors import Factor, records
from .generators import has_even_diagonal
from .linear_layout import LinearLayout, parity
from .tiling import Tiling

Y, Z = 2, 3  # letters of Pauli words
MOST_MASKS = 3  # parities that a phase gate, or a condition, may depend on


class IneligibleError(Exception):
    """A run has a gate that passes do not have."""


@dataclass(frozen=True)
class TwoLevel:
    """Mixes the amplitudes at p and p ^ flip, p having the even side, where it fires.

    It does where the parities of all conditions are even. The matrix is the product of
    the factors, the first of which acts first.
    """

    flip: int
    side: int
    conditions: tuple[int, ...]
    factors: tuple[Factor, ...]

    @property
    def masks(self) -> tuple[int, ...]:
        """All masks that it depends on."""
        return (self.side, *self.conditions)

    @property
    def has_sides(self) -> bool:
        """Whether the amplitudes of a pair have different sides.

        Those of some rotations have the same, which tells the sign of what is mixed.
        """
        return bool(parity(self.flip & self.side))

    @property
    def all_masks(self) -> tuple[int, ...]:
        """All masks that it depends on."""
        return self.masks


@dataclass(frozen=True)
class Diagonal:
    """Multiplies by an entry of a diagonal, chosen by parities, the first the highest.

    Instead, it may be what is left `of` a gate that is applied as 1 + N: the diagonal
    of a pair gate, or the scale of a phase that is `scaled`. Where there are
    conditions, it is 1 unless all their parities are even.
    """

    masks: tuple[int, ...]
    factor: Factor | None = None
    conditions: tuple[int, ...] = ()
    of: TwoLevel | Diagonal | None = None
    scaled: bool = False

    @property
    def flip(self) -> int:
        """It moves nothing."""
        return 0

    @property
    def is_scale(self) -> bool:
        """Whether it is what is left of a gate, and so may be a small number."""
        return self.of is not None

    @property
    def all_masks(self) -> tuple[int, ...]:
        """All masks that it depends on, those that choose the factor first."""
        return self.masks + self.conditions


ElementaryGate = TwoLevel | Diagonal


def commute(one: ElementaryGate, other: ElementaryGate) -> bool:
    """Whether two gates may be exchanged: neither moves what the other depends on."""
    return not (_moves(one, other) or _moves(other, one))


def _moves(one: ElementaryGate, other: ElementaryGate) -> bool:
    masks = other.masks if isinstance(other, TwoLevel) else other.all_masks
    return any(parity(one.flip & mask) for mask in masks)


@dataclass
class Reader:
    """Reads schedule entries as elementary gates."""

    size: int
    wires: Sequence[int]
    tiling: Tiling | None = None

    def __post_init__(self) -> None:
        self.layout = LinearLayout(self.size)
        self.gates: list[ElementaryGate] = []
        # What changing amplitudes entry by entry takes, in passes over the state.
        self.separately = 0.0

    def read(self, entry: Entry) -> None:
        """Take the next entry."""
        if entry.gate < 0 or entry.kernel not in READERS:
            raise IneligibleError
        start, middle = entry.wire_offset, entry.wire_offset + entry.num_controls
        controls = self._bits(start, entry.num_controls)
        targets = self._bits(middle, entry.num_targets)
        one = self.layout.one
        conditions = tuple(
            self.layout.masks[bit] ^ (one if entry.control_values >> k & 1 else 0)
            for k, bit in enumerate(controls)
        )
        if len(conditions) > MOST_MASKS:
            raise IneligibleError
        count = len(self.gates)
        READERS[entry.kernel](self, entry, conditions, targets)
        added = self.gates[count:][:1]
        # Each condition leaves half of the amplitudes as they are.
        self.separately += sum(0.5 ** len(each.conditions) for each in added) or 1

    def _bits(self, start: int, count: int) -> list[int]:
        bits = [self.size - 1 - w for w in self.wires[start : start + count]]
        return [self.tiling.seen[bit] for bit in bits] if self.tiling else bits

    def one(self, entry: Entry, conditions: tuple[int, ...], bits: list[int]) -> None:
        """Take a gate of one target."""
        (bit,) = bits
        moves = enabled("permutations") and _exchanges(entry.gate)
        if moves and not conditions:
            self.layout.flip(bit)
        elif moves and len(conditions) == 1:
            self._move_if(entry, bit)
        else:
            layout, factor = self.layout, _factor(entry)
            self._add(
                TwoLevel(layout.flips[bit], layout.masks[bit], conditions, (factor,))
            )

    def _move_if(self, entry: Entry, bit: int) -> None:
        (control,) = self._bits(entry.wire_offset, 1)
        self.layout.add(control, bit)
        if not entry.control_values & 1:
            self.layout.flip(bit)

    def diagonal(
        self, entry: Entry, conditions: tuple[int, ...], bits: list[int]
    ) -> None:
        """Take a diagonal gate."""
        record = records()[entry.gate]
        if record.words or len(bits) > MOST_MASKS:
            raise IneligibleError
        masks = tuple(self.layout.masks[bit] for bit in bits)
        if len(bits) == 2 and _is_parity(entry.gate):
            masks = (masks[0] ^ masks[1],)
        self.gates.append(Diagonal(masks, _factor(entry), conditions))

    def two_level(
        self, entry: Entry, conditions: tuple[int, ...], bits: list[int]
    ) -> None:
        """Take a gate that mixes two basis states."""
        layout, count = self.layout, len(bits)
        if enabled("permutations") and not conditions and _exchanges(entry.gate):
            return layout.exchange(*bits)
        here = [entry.first >> (count - 1 - k) & 1 for k in range(count)]
        there = [entry.second >> (count - 1 - k) & 1 for k in range(count)]
        masks = [
            layout.masks[bit] ^ (layout.one if value else 0)
            for bit, value in zip(bits, here, strict=True)
        ]
        moved = [a != b for a, b in zip(here, there, strict=True)]
        side = masks[moved.index(True)]
        flip = 0
        for bit, moves in zip(bits, moved, strict=True):
            flip ^= layout.flips[bit] if moves else 0
        wanted = [
            m ^ side if moves else m for m, moves in zip(masks, moved, strict=True)
        ]
        conditions += tuple(mask for mask in wanted if mask)
        self._add(TwoLevel(flip, side, conditions, (_factor(entry),)))

    def rotation(
        self, entry: Entry, conditions: tuple[int, ...], bits: list[int]
    ) -> None:
        """Take a rotation about a Pauli word."""
        start = entry.wire_offset + entry.num_controls + entry.num_targets
        letters = self.wires[start : start + entry.num_targets]
        flip, side, count = 0, 0, 0
        for bit, letter in zip(bits, letters, strict=True):
            flip ^= self.layout.flips[bit] if letter in (1, Y) else 0
            side ^= self.layout.masks[bit] if letter in (Y, Z) else 0
            count += letter == Y
        factor = _factor(entry, count)
        if flip:
            self._add(TwoLevel(flip, side, conditions, (factor,)))
        else:
            self.gates.append(Diagonal((side,), factor, conditions))

    def _add(self, pair: TwoLevel) -> None:
        """Add a pair gate, merged with an earlier one where that is possible."""
        if not pair.conditions and pair.has_sides and enabled("merging"):
            pair = self._merged(pair)
        self.gates.append(pair)
        if not pair.conditions:
            even = len(pair.factors) == 1 and has_even_diagonal(pair.factors[0])
            self.gates.append(Diagonal(() if even else (pair.side,), of=pair))

    def _merged(self, pair: TwoLevel) -> TwoLevel:
        """The pair gate with the last one on the same pairs, if nothing is between."""
        between: list[int] = []
        factors: list[Factor] = []
        for number in range(len(self.gates) - 1, -1, -1):
            gate = self.gates[number]
            same = (pair.flip, pair.side)
            if isinstance(gate, Diagonal) and isinstance(gate.of, TwoLevel):
                if (gate.of.flip, gate.of.side) == same:
                    between.append(number)
                elif not commute(gate, pair):
                    return pair
            elif isinstance(gate, TwoLevel) and (gate.flip, gate.side) == same:
                if gate.conditions:
                    return pair
                for each in (*between, number):
                    del self.gates[each]
                chain = (*gate.factors, *reversed(factors), *pair.factors)
                return replace(pair, factors=chain)
            elif isinstance(gate, Diagonal) and gate.masks == (pair.side,):
                factor = gate.factor
                if gate.conditions or factor is None or factor.letters is not None:
                    return pair
                between.append(number)
                factors.append(factor)
            elif not commute(gate, pair):
                return pair
        return pair


READERS: dict[int, Callable[[Reader, Entry, tuple[int, ...], list[int]], None]] = {
    Kernel.ONE: Reader.one,
    Kernel.DIAGONAL: Reader.diagonal,
    Kernel.TWO_LEVEL: Reader.two_level,
    Kernel.PAULI_ROT: Reader.rotation,
}


def _factor(entry: Entry, letters: int | None = None) -> Factor:
    return Factor(entry.gate, entry.param_offset, bool(entry.adjoint), letters)


@cache
def _exchanges(gate: int) -> bool:
    """Whether a gate exchanges the two states that it mixes."""
    record = records()[gate]
    if record.num_params or not record.in_library:
        return False
    matrix = record.compact(record.matrix())
    return matrix.shape == (2, 2) and np.array_equal(matrix, [[0, 1], [1, 0]])


@cache
def _is_parity(gate: int) -> bool:
    """Whether a diagonal gate of two qubits depends on their parity only."""
    record = records()[gate]
    entries = [record.compact(part) for part in record.harmonics().values()]
    return all(d[0] == d[3] and d[1] == d[2] for d in entries)
