"""Groups of observables that can be measured together, by colouring a graph.

Observables that conflict are neighbours, and a colour is a group: largest first (Welsh
and Powell, 1967), as in Verteletskyi et al., arXiv:1907.03358.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qjit.lowering.analysis.observable_groupings import QUBIT_WISE, SINGLE

Bits = NDArray[np.bool_]


@dataclass(frozen=True)
class Factors:
    """A product of factors on wires: letters, or what else stands for a basis.

    Where it is `apart`, the outcome of each factor is asked for, and not that of the
    product.
    """

    on: Mapping[int, Hashable]
    apart: bool = False

    def text(self, names: Sequence[str]) -> str:
        """Return the product as one writes it, with the names of wires."""
        wires = ", ".join(names[wire] for wire in self.on)
        letters = [each for each in self.on.values() if each in ("X", "Y", "Z")]
        if self.apart and len(set(letters)) == 1 and len(letters) == len(self.on):
            return f"bits of wires {wires} along {letters[0]}"
        if self.apart or len(letters) < len(self.on):
            return f"an observable of wires {wires}"
        return " @ ".join(f"{each}({names[wire]})" for wire, each in self.on.items())


def conflicts(products: Sequence[Factors], *, qubit_wise: bool) -> Bits:
    """Return which products cannot be measured together, as a symmetric matrix."""
    differing = _differing_wires(products, letters_only=False)
    if qubit_wise:
        return differing > 0
    letters = _differing_wires(products, letters_only=True)
    apart = np.array([each.apart for each in products], np.bool_)
    strict = apart[:, None] | apart[None, :]
    odd = np.mod(np.rint(letters), 2) > 0
    return np.where(strict, differing > 0, (differing > letters) | odd)


def _differing_wires(
    products: Sequence[Factors], *, letters_only: bool
) -> NDArray[np.float64]:
    """Return on how many wires each two products have factors that differ."""
    columns: dict[tuple[int, Hashable], int] = {}
    wires: dict[int, int] = {}
    places: list[tuple[int, int, int]] = []
    for row, each in enumerate(products):
        for wire, factor in each.on.items():
            if letters_only and factor not in ("X", "Y", "Z"):
                continue
            column = columns.setdefault((wire, factor), len(columns))
            places.append((row, column, wires.setdefault(wire, len(wires))))
    acts = np.zeros((len(products), len(wires)))
    alike = np.zeros((len(products), len(columns)))
    for row, column, wire in places:
        acts[row, wire] = alike[row, column] = 1
    return acts @ acts.T - alike @ alike.T


def groups_of(
    observables: Sequence[Sequence[Factors]], grouping: str
) -> list[list[int]]:
    """Return which observables, each of some products, are measured together."""
    count = len(observables)
    if grouping == SINGLE:
        return [[number] for number in range(count)]
    products = [each for observable in observables for each in observable]
    conflict = conflicts(products, qubit_wise=grouping == QUBIT_WISE)
    ends = np.cumsum([len(observable) for observable in observables])
    for axis in (0, 1):
        conflict = _any_in_parts(conflict, ends, axis)
    return sorted(map(sorted, coloured(conflict)))


def _any_in_parts(bits: Bits, ends: NDArray[np.int64], axis: int) -> Bits:
    """Return whether there is a bit in each part of an axis, given where these end."""
    counts = np.cumsum(bits, axis, np.int32)
    before = np.insert(counts, 0, 0, axis)
    return np.diff(np.take(before, np.insert(ends, 0, 0), axis), axis=axis) > 0


def coloured(conflict: Bits) -> list[list[int]]:
    """Return groups of what does not conflict, those with most conflicts first."""
    order = np.argsort(-conflict.sum(axis=1), kind="stable").tolist()
    groups: list[list[int]] = []
    refused: list[Bits] = []
    for number in order:
        place = next((k for k, no in enumerate(refused) if not no[number]), None)
        if place is None:
            place = len(groups)
            groups.append([])
            refused.append(np.zeros(len(conflict), np.bool_))
        groups[place].append(number)
        refused[place] |= conflict[number]
    return groups
