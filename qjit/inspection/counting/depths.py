"""Depths of circuits as matrices over the max-plus semiring.

A circuit takes the depths that its wires have reached to other ones. That is a linear
map where the sum is the maximum and the product is the sum (Baccelli, Cohen, Olsder and
Quadrat, Synchronization and Linearity, 1992), so that loops are powers.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Depths = NDArray[np.float64]


def identity(num_wires: int) -> Depths:
    """Return the map of no gates."""
    found = np.full((num_wires, num_wires), -np.inf)
    np.fill_diagonal(found, 0)
    return found


def add_gate(depths: Depths, wires: Sequence[int], layers: int) -> None:
    """Let a gate follow, which takes a number of layers."""
    if not wires:
        return
    on = list(wires)
    depths[on] = depths[on].max(axis=0) + layers


def after(first: Depths, second: Depths) -> Depths:
    """Return the map of two circuits, one after the other."""
    found = np.empty_like(first)
    for wire, row in enumerate(second):
        reached = np.isfinite(row)
        found[wire] = (first[reached] + row[reached, None]).max(axis=0)
    return found


def power(depths: Depths, count: int) -> Depths:
    """Return the map of a circuit that is repeated."""
    found = identity(len(depths))
    while count:
        if count % 2:
            found = after(found, depths)
        depths = after(depths, depths)
        count //= 2
    return found


def total(depths: Depths) -> int:
    """Return the depth of a circuit."""
    return int(depths.max(initial=0))
