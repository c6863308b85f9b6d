"""Derivatives from values at other points: parameter shifts and finite differences.

An expectation value is a trigonometric polynomial in each gate parameter, whose
frequencies are differences of the generator's eigenvalues. Its derivative is a sum of
its values at shifted parameters, exactly: D. Wierichs, J. Izaac, C. Wang and
C. Y.-Y. Lin, "General parameter-shift rules for quantum gradients", Quantum 6, 677
(2022).
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from qjit.dialects.circuit_tree import Branch, Loop, Node, Slot, Step
from qjit.dialects.gates import GATES

Frequencies = tuple[float, ...]
# Finer than the spacing of shifts that a rule needs.
CANDIDATES_PER_FREQUENCY = 16


@dataclass(frozen=True)
class Rule:
    """A derivative as a sum of coefficients times values at shifted points."""

    shifts: tuple[float, ...]
    coefficients: tuple[float, ...]


def _rounded(values: Iterable[float]) -> Frequencies:
    return tuple(sorted({round(value, 9) for value in values}))


@lru_cache
def shift_rule(frequencies: Frequencies) -> Rule:
    """Return the rule for functions of a parameter that have these frequencies.

    Equidistant frequencies have the shifts and coefficients of Wierichs et al.,
    equation 23. Others take the shifts for which the equations are best conditioned.
    """
    if not frequencies:
        return Rule((), ())
    count, first = len(frequencies), frequencies[0]
    if np.allclose(frequencies, first * np.arange(1, count + 1)):
        places = (2 * np.arange(1, count + 1) - 1) * math.pi / (2 * count)
        signs = (-1.0) ** np.arange(count)
        halves = first * signs / (4 * count * np.sin(places / 2) ** 2)
        shifts = places / first
    else:
        shifts, halves = _of_any_spectrum(np.asarray(frequencies))
    both = np.concatenate([shifts, -shifts]), np.concatenate([halves, -halves])
    return Rule(*(tuple(each.tolist()) for each in both))


def _of_any_spectrum(frequencies: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Choose shifts by pivoted QR, and solve for the coefficients of their sines."""
    from scipy.linalg import qr  # which takes long to import

    gap = min(frequencies[0], np.diff(frequencies).min())
    count = CANDIDATES_PER_FREQUENCY * math.ceil(frequencies[-1] / gap)
    candidates = np.linspace(0, math.pi / gap, count + 1)[1:]
    sines = np.sin(np.outer(frequencies, candidates))
    *_, order = qr(sines, pivoting=True, mode="economic")
    chosen = np.sort(order[: len(frequencies)])
    return candidates[chosen], np.linalg.solve(2 * sines[:, chosen], frequencies)


@lru_cache
def difference_rule(strategy: str, order: int) -> Rule:
    """Return the finite difference of an order of accuracy, for steps of one.

    B. Fornberg, "Generation of finite difference formulas on arbitrarily spaced
    grids", Mathematics of Computation 51, 699 (1988).
    """
    points = {
        "forward": np.arange(order + 1),
        "backward": -np.arange(order + 1),
        "center": np.arange(-(order // 2), order // 2 + 1),
    }[strategy]
    powers = np.vander(points, increasing=True).T.astype(float)
    wanted = np.zeros(len(points))
    wanted[1] = 1
    found = np.linalg.solve(powers, wanted)
    kept = np.abs(found) > 1e-12
    return Rule(tuple(points[kept].astype(float).tolist()), tuple(found[kept].tolist()))


def _sums(first: Frequencies, second: Frequencies) -> Frequencies:
    """Return the frequencies of a product, from those of its factors."""
    signed = [0.0, *second, *(-each for each in second)]
    wide = [0.0, *first]
    return _rounded(abs(a + b) for a in wide for b in signed if abs(a + b) > 1e-9)


@dataclass(frozen=True)
class Use:
    """A gate parameter, or the numbers of a matrix or state, in the flat angles."""

    slot: int
    step: Step
    parameter: int
    frequencies: Frequencies | None


def slot_uses(nodes: Sequence[Node], lengths: tuple[int, ...] = ()) -> Iterator[Use]:
    """Yield every use of the flat angles in a circuit."""
    for node in nodes:
        match node:
            case Loop():
                yield from slot_uses(node.body, (*lengths, node.length))
            case Branch():
                for branch in node.branches:
                    yield from slot_uses(branch, lengths)
            case Step():
                for number, slot in enumerate(node.slots):
                    found = _frequencies(node, number)
                    for place in slot_places(slot, lengths):
                        yield Use(place, node, number, found)


def slot_places(slot: Slot, lengths: tuple[int, ...]) -> list[int]:
    """Return where a slot is, in every iteration of the loops around it."""
    places = np.full((), slot.base, np.int64)
    for length, stride in zip(lengths, slot.strides, strict=True):
        places = places[..., None] + stride * np.arange(length)
    return places.ravel().tolist()


def _frequencies(step: Step, parameter: int) -> Frequencies | None:
    if step.primitive != "quantum_gate":
        return None
    record, params = GATES[step.params["gate"]], step.params
    controlled = params["num_controls"] > 0
    return record.frequencies(parameter, controlled=controlled)


def slot_frequencies(uses: Iterable[Use]) -> dict[int, Frequencies]:
    """Return the frequencies of a circuit's expectation values in its angles.

    An angle that several gates share has the sums of their frequencies.
    """
    found: dict[int, Frequencies] = {}
    for use in uses:
        mine = use.frequencies or ()
        known = found.get(use.slot)
        found[use.slot] = _rounded(mine) if known is None else _sums(known, mine)
    return found
