"""CNOT circuits in which every one of a set of parities stands on a wire once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from .linear_reversible import Flip

# How far parities of a weight are, where that of any number of wires is about 1.
NEARNESS = [1 - 0.5 ** (weight - 1) for weight in range(64 + 1)]
# What wires and masks a network ends with, and its CNOTs.
Network = tuple[list[Flip], list[int]]
Synthesis = Callable[[int, Iterable[int]], Network]


def gray_network(size: int, parities: Iterable[int]) -> Network:
    """Return CNOTs that reach parities in the order of Gray codes (GraySynth).

    Amy, Azimzadeh and Mosca, arXiv:1712.01859, algorithm 1.
    """
    left = {mask for mask in parities if mask.bit_count() > 1}
    wires = [1 << wire for wire in range(size)]
    flips: list[Flip] = []
    stack: list[tuple[list[int], list[int], int | None]] = [
        (sorted(left), list(range(size)), None)
    ]
    while stack:
        columns, free, target = stack.pop()
        if not columns or (target is None and not free):
            continue
        if target is not None:
            columns = _reach(columns, target, stack, wires, flips)
        if not free:
            continue
        counts = {row: sum(mask >> row & 1 for mask in columns) for row in free}
        row = max(free, key=lambda each: max(counts[each], len(columns) - counts[each]))
        rest = [each for each in free if each != row]
        zeros = [mask for mask in columns if not mask >> row & 1]
        ones = [mask for mask in columns if mask >> row & 1]
        stack.append((ones, rest, row if target is None else target))
        stack.append((zeros, rest, target))
    return flips, wires


def _reach(
    columns: list[int],
    target: int,
    stack: list[tuple[list[int], list[int], int | None]],
    wires: list[int],
    flips: list[Flip],
) -> list[int]:
    """Add to the target each wire that all columns have, and write columns anew."""
    size = len(wires)
    while True:
        common = columns[0]
        for mask in columns:
            common &= mask
        others = [row for row in range(size) if common >> row & 1 and row != target]
        if not others:
            return columns
        row = others[0]
        flips.append((row, target))
        wires[target] ^= wires[row]
        columns = [_turned(mask, row, target) for mask in columns]
        stack[:] = [
            ([_turned(mask, row, target) for mask in each], free, on)
            for each, free, on in stack
        ]


def _turned(mask: int, row: int, target: int) -> int:
    """Return a parity by wires after one of them was added to another."""
    return mask ^ (1 << row) if mask >> target & 1 else mask


def nearest_network(size: int, parities: Iterable[int]) -> Network:
    """Return CNOTs that reach the parity next that needs the fewest of them.

    Of the ways to it, the one is taken that leaves the others the fewest wires.
    """
    left = {mask for mask in parities if mask.bit_count() > 1}  # by wires, as they are
    wires = [1 << wire for wire in range(size)]
    flips: list[Flip] = []
    while left:
        nearest = min(left, key=lambda mask: (mask.bit_count(), mask))
        rows = [row for row in range(size) if nearest >> row & 1]
        ways = [(row, target) for row in rows for target in rows if row != target]
        row, target = min(ways, key=lambda way: _cost(left, *way))
        flips.append((row, target))
        wires[target] ^= wires[row]
        turned = {_turned(mask, row, target) for mask in left}
        left = {mask for mask in turned if mask.bit_count() > 1}
    return flips, wires


def _cost(left: Iterable[int], row: int, target: int) -> tuple[float, int]:
    """Return how far parities are after a CNOT, near ones first."""
    weights = [(mask ^ (mask >> target & 1) << row).bit_count() for mask in left]
    return sum([NEARNESS[weight] for weight in weights]), sum(weights)


NETWORKS: Sequence[Synthesis] = (gray_network, nearest_network)
