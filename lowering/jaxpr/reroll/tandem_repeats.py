"""Finding repetitions in a sequence: blocks that follow one another again and again."""

from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

# A block repeated less often stays as it is, unless asked for.
FEWEST = 3


@dataclass(frozen=True)
class Repetition:
    """A part of a sequence, `start` to `end`, that equals itself `period` later."""

    start: int
    end: int
    period: int

    @property
    def saved(self) -> int:
        """Return how many elements need not be written out."""
        return self.end - self.start - self.period


def numbered(sequence: Iterable[Hashable]) -> np.ndarray:
    """Return a number for each element; equal elements have equal numbers."""
    numbers: dict[Hashable, int] = {}
    ids = [numbers.setdefault(each, len(numbers)) for each in sequence]
    return np.asarray(ids, np.int64)


def repetitions(ids: np.ndarray, fewest: int = FEWEST) -> list[Repetition]:
    """Return repetitions that do not overlap, those that save most.

    A block stays as it is that is not repeated the `fewest` times.

    >>> repetitions(numbered("xabababababy"))
    [Repetition(start=1, end=11, period=2)]
    """
    found = sorted(_maximal(ids, fewest), key=lambda each: -each.saved)
    chosen: list[Repetition] = []
    taken = np.zeros(len(ids), np.bool_)
    for each in found:
        if not taken[each.start : each.end].any():
            taken[each.start : each.end] = True
            chosen.append(each)
    return sorted(chosen, key=lambda each: each.start)


def levels(ids: np.ndarray) -> Iterator[np.ndarray]:
    """Number the words of 1, 2, 4, ... elements that begin at each place, in order.

    A word that the end of the sequence cuts short is like no other. The last level is
    the first where no word is like another.
    """
    words, width = np.unique(ids, return_inverse=True)[1].reshape(-1) + 1, 1
    while len(words):
        yield words
        most = int(words.max())
        if most == len(words):
            return
        after = np.zeros_like(words)
        after[: len(words) - width] = words[width:]
        pairs = words * (most + 1) + after
        words = np.unique(pairs, return_inverse=True)[1].reshape(-1) + 1
        width *= 2


def _maximal(ids: np.ndarray, fewest: int) -> list[Repetition]:
    """Return the repetitions of every period.

    In a repetition, a word as long as the period, or up to twice that, was last seen
    exactly one period ago.
    """
    found: list[Repetition] = []
    for level, words in enumerate(levels(ids)):
        distance = _distances(words)
        if distance.any():
            found += _stretches(distance, 1 << level, fewest)
    return found


def _distances(words: np.ndarray) -> np.ndarray:
    """Return how far back each word was seen last; 0 where it is new."""
    order = np.argsort(words, kind="stable")
    steps = np.diff(order)
    steps[words[order[1:]] != words[order[:-1]]] = 0
    distance = np.zeros(len(words), np.int64)
    distance[order[1:]] = steps
    return distance


def _stretches(distance: np.ndarray, width: int, fewest: int) -> Sequence[Repetition]:
    """Return the repetitions with a period that words of this width tell."""
    edges = np.flatnonzero(np.diff(distance)) + 1
    starts = np.concatenate([[0], edges])
    ends = np.concatenate([edges, [len(distance)]])
    found: list[Repetition] = []
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        period = int(distance[start])
        if width < 2 * period <= 2 * width:
            each = Repetition(start - period, end - 1 + width, period)
            if each.end - each.start >= fewest * period:
                found.append(each)
    return found
