"""Finding words that recur in a sequence, wherever they stand."""

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from .tandem_repeats import levels

# How many words may turn out to be no use before no more are tried.
PATIENCE = 100


@dataclass(frozen=True)
class Recurrence:
    """A word of `length` elements that stands at several places of a sequence."""

    length: int
    starts: tuple[int, ...]


class Recurrences:
    """The longest words that recur, those that save most first.

    >>> ids = np.asarray([*b"-abcde+abcde/abcde"])
    >>> next(iter(Recurrences(ids, np.ones(len(ids), np.int64), least=2)))
    Recurrence(length=5, starts=(1, 7, 13))
    """

    def __init__(self, ids: np.ndarray, weights: np.ndarray, least: int) -> None:
        """Look for words of at least this weight in a sequence with these weights."""
        self._sums = np.concatenate([[0], np.cumsum(weights)])
        self._taken = np.zeros(len(ids), np.bool_)
        self._uses = 0
        self._order, shared = _suffixes(ids)
        starts = self._order[1:]
        heavy = self._sums[starts + shared] - self._sums[starts] >= least
        before = np.concatenate([[-1], ids])[self._order]
        changes = np.cumsum(before[1:] != before[:-1])
        changes = np.concatenate([[0], changes])
        self._heap: list[tuple[int, int, int, int]] = []
        recurring = np.where(heavy, shared, 0)
        for length, first, last, span in _intervals(recurring, self._order):
            # A word that the same element always precedes is part of a longer one.
            if changes[last] > changes[first]:
                weight = self._weight(int(self._order[first]), length)
                more = min(last - first, span // length)
                self._heap.append((-weight * more, length, first, last))
        heapq.heapify(self._heap)

    def _weight(self, start: int, length: int) -> int:
        return int(self._sums[start + length] - self._sums[start])

    def take(self, start: int, end: int) -> None:
        """Leave a part of the sequence out from now on."""
        self._taken[start:end] = True
        self._uses += 1

    def is_taken(self, start: int, end: int) -> bool:
        """Tell whether something that was taken overlaps a part of the sequence."""
        return bool(self._taken[start:end].any())

    def __iter__(self) -> Iterator[Recurrence]:
        """Yield words, where nothing that was taken overlaps them, nor one another."""
        patience = PATIENCE
        while self._heap and patience:
            bound, length, first, last = heapq.heappop(self._heap)
            starts = self._free(np.sort(self._order[first : last + 1]), length)
            if len(starts) < 2:
                continue
            saved = self._weight(starts[0], length) * (len(starts) - 1)
            if saved < -bound and self._heap and saved < -self._heap[0][0]:
                patience -= 1
                heapq.heappush(self._heap, (-saved, length, first, last))
            else:
                used = self._uses
                yield Recurrence(length, tuple(starts))
                patience -= used == self._uses

    def _free(self, starts: np.ndarray, length: int) -> Sequence[int]:
        """Return the places that are free for a word of this length."""
        free = ~(self._taken[starts] | self._taken[starts + length - 1])
        chosen: list[int] = []
        for start in starts[free].tolist():
            clear = not chosen or start >= chosen[-1] + length
            if clear and not self.is_taken(start, start + length):
                chosen.append(start)
        return chosen


def _suffixes(ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return where suffixes begin, in order, and how much each shares with the next."""
    words = list(levels(ids))
    order = np.argsort(words[-1]) if words else np.zeros(0, np.int64)
    first, second = order[:-1].copy(), order[1:].copy()
    shared = np.zeros(len(first), np.int64)
    for level in reversed(range(len(words) - 1)):
        numbers = np.append(words[level], 0)
        same = numbers[first] == numbers[second]
        for each in (shared, first, second):
            each[same] += 1 << level
    return order, shared


def _intervals(
    shared: np.ndarray, order: np.ndarray
) -> Iterator[tuple[int, int, int, int]]:
    """Yield the words that neighbours share, and how far apart the suffixes begin.

    Each is a length, the first and last of its suffixes, and their span.
    """
    stack: list[tuple[int, int, int, int]] = []
    where = order.tolist()
    for place, length in enumerate([*shared.tolist(), 0]):
        first = place
        low = high = where[place] if where else 0
        while stack and stack[-1][0] > length:
            longer, first, lowest, highest = stack.pop()
            low, high = min(low, lowest), max(high, highest)
            yield longer, first, place, high - low
        if stack and stack[-1][0] == length:
            _, first, lowest, highest = stack.pop()
            low, high = min(low, lowest), max(high, highest)
        if length:
            stack.append((length, first, low, high))
