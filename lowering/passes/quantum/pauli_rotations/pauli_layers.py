"""Layers of rotations that can be done at once, on different wires."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from .gate_rotations import Rotation
from .pauli_words import Pauli, commute


@dataclass
class Layer:
    """Rotations about words that commute, none of which is a product of others.

    A Clifford circuit makes each of them a rotation about Z on a wire of its own.
    """

    rotations: list[Rotation] = field(default_factory=list[Rotation])
    _basis: list[int] = field(default_factory=list[int])

    def bars(self, word: Pauli) -> bool:
        """Tell whether a word does not commute with the layer."""
        return any(not commute(word, each.axis) for each in self.rotations)

    def add(self, rotation: Rotation, num_wires: int) -> bool:
        """Add a rotation that commutes with all, unless its word is a product."""
        rest = rotation.axis.x | rotation.axis.z << num_wires
        for row in self._basis:
            rest = min(rest, rest ^ row)
        if not rest:
            return False
        self._basis.append(rest)
        self._basis.sort(reverse=True)
        self.rotations.append(rotation)
        return True


def layers_of(rotations: Iterable[Rotation], num_wires: int) -> list[Layer]:
    """Return layers, where each rotation is in the first one that has room for it.

    It cannot pass one that it does not commute with (Litinski, arXiv:1808.02892), and
    products wait for the next layer (Amy, Maslov and Mosca, arXiv:1303.2042).
    """
    found: list[Layer] = []
    for rotation in rotations:
        first = len(found)
        while first and not found[first - 1].bars(rotation.axis):
            first -= 1
        for layer in found[first:]:
            if layer.add(rotation, num_wires):
                break
        else:
            found.append(Layer())
            found[-1].add(rotation, num_wires)
    return found
