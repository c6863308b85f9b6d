"""Where amplitudes are: gates that only move them are kept track of, not carried out.

An amplitude's index is a number of n bits. The value of a qubit is the parity of some
bits of the index, and flipping the qubit flips some bits. Masks have one bit
more, which is set in every index: it stands for a 1.
"""

from __future__ import annotations

from collections.abc import Sequence


def parity(bits: int) -> int:
    """The sum of the bits, modulo 2."""
    return bits.bit_count() & 1


class LinearLayout:
    """What each bit of a basis state is in terms of indices; at first it is itself."""

    def __init__(self, size: int) -> None:
        self.one = 1 << size
        self.masks = [1 << bit for bit in range(size)]
        self.flips = [1 << bit for bit in range(size)]

    def __repr__(self) -> str:
        return f"LinearLayout({self.masks}, {self.flips})"  # kernels are named after it

    def flip(self, bit: int) -> None:
        """An X gate."""
        self.masks[bit] ^= self.one

    def add(self, control: int, target: int) -> None:
        """A CNOT gate."""
        self.masks[target] ^= self.masks[control]
        self.flips[control] ^= self.flips[target]

    def exchange(self, one: int, other: int) -> None:
        """A SWAP gate."""
        for table in (self.masks, self.flips):
            table[one], table[other] = table[other], table[one]

    @property
    def is_plain(self) -> bool:
        """Whether every amplitude is where it belongs."""
        return all(mask == 1 << bit for bit, mask in enumerate(self.masks))

    def basis_state(self, index: int) -> int:
        """The basis state whose amplitude has an index."""
        return sum(
            parity(mask & (index | self.one)) << bit
            for bit, mask in enumerate(self.masks)
        )

    def index(self, basis_state: int) -> int:
        """The index of the amplitude of a basis state."""
        found = 0
        for bit, flip in enumerate(self.flips):
            if (basis_state >> bit ^ parity(self.masks[bit] & self.one)) & 1:
                found ^= flip
        return found


class Span:
    """The numbers that are sums of some, modulo 2: a basis, one leading bit each."""

    def __init__(self, numbers: Sequence[int] = ()) -> None:
        self.basis: dict[int, int] = {}  # from leading bits
        for number in numbers:
            self.include(number)

    def __len__(self) -> int:
        return len(self.basis)

    def rest(self, number: int) -> int:
        """What is left of a number: 0 if it is in the span."""
        for leading, one in self.basis.items():
            if number >> leading & 1:
                number ^= one
        return number

    def include(self, number: int) -> None:
        """Add a number."""
        number = self.rest(number)
        if number:
            leading = number.bit_length() - 1
            for other, one in self.basis.items():
                if one >> leading & 1:
                    self.basis[other] = one ^ number
            self.basis[leading] = number

    def coordinates(self, number: int) -> int:
        """Which of the basis, the lowest leading bit first, add up to a number."""
        return sum(
            (number >> leading & 1) << bit
            for bit, leading in enumerate(sorted(self.basis))
        )

    def vectors(self) -> list[int]:
        """The basis, the lowest leading bit first."""
        return [self.basis[leading] for leading in sorted(self.basis)]
