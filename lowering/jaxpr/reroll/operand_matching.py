"""Where the operands of equations come from, and which words are wired alike."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jax.extend.core import Literal

from .equivalence import Program, content

# How often to try a shorter word where equal equations are wired differently.
ATTEMPTS = 8


@dataclass(frozen=True)
class Repeat:
    """Equations that recur: `length` of them, from each of `starts` on."""

    starts: Sequence[int]
    length: int

    def part(self, first: int, last: int) -> "Repeat":
        """Return what stands from one of its equations to another."""
        return Repeat([start + first for start in self.starts], last - first)


class OperandTable:
    """The operands of a program's equations as numbers.

    Every result of an equation has a number, and an operand has that of the result
    that it is. Constant arrays have numbers below -1, equal ones the same; all other
    operands have -1. One more operand of a slice stands for where it starts.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        results = [len(eqn.outvars) for eqn in program.eqns]
        self._first_result = np.cumsum([0, *results])
        self._contents: dict[Hashable, int] = {}
        operands: list[int] = []
        firsts = [0]
        for eqn in program.eqns:
            operands += map(self._operand, eqn.invars)
            if eqn.primitive.name == "slice":
                operands.append(self._known(eqn.params["start_indices"]))
            firsts.append(len(operands))
        self._operands = np.asarray(operands, np.int64)
        self._first_operand = np.asarray(firsts, np.int64)

    def _known(self, value: Hashable) -> int:
        return -2 - self._contents.setdefault(value, len(self._contents))

    def _operand(self, atom: Any) -> int:
        if isinstance(atom, Literal):
            return -1
        made = self.program.made.get(atom)
        if made is not None:
            return int(self._first_result[made[0]]) + made[1]
        constant = self.program.constant(atom)
        if constant is None or not constant.shape:
            return -1
        return self._known(content(constant, atom.aval))

    def rows(self, word: Repeat) -> np.ndarray:
        """Return the operands of a word, in a row for each place where it stands.

        What the word makes itself is numbered from its first result on.
        """
        return np.stack(
            [self._row(start, start + word.length) for start in word.starts]
        )

    def _row(self, start: int, end: int) -> np.ndarray:
        given = self._operands[self._first_operand[start] : self._first_operand[end]]
        since = self._first_result[start]
        return np.where(given >= since, given - since, np.minimum(given, -1))

    def slice_columns(self, word: Repeat) -> set[int]:
        """Return which equations of a word are slices."""
        eqns = self.program.eqns[word.starts[0] : word.starts[0] + word.length]
        return {n for n, eqn in enumerate(eqns) if eqn.primitive.name == "slice"}

    def agreeing(self, word: Repeat) -> Repeat:
        """Return a part of a word, or fewer of its places, that are wired alike."""
        rows = self.rows(word)
        conflict = self._conflict(word, rows)
        if conflict is None:
            return word
        kinds, which, counts = np.unique(
            rows, axis=0, return_inverse=True, return_counts=True
        )
        del kinds
        most = int(counts.argmax())
        alike = np.flatnonzero(which.reshape(-1) == most)
        fewer = Repeat([word.starts[n] for n in alike.tolist()], word.length)
        shorter = self._shorter(word, conflict)
        return max(fewer, shorter, key=self._saved)

    def _saved(self, word: Repeat) -> int:
        first = word.starts[0]
        weight = np.diff(self.program.own_weights[[first, first + word.length]])
        return int(weight[0]) * (len(word.starts) - 1)

    def _shorter(self, word: Repeat, conflict: tuple[int, int] | None) -> Repeat:
        """Return the part of a word that is wired alike at all its places."""
        for _ in range(ATTEMPTS):
            if conflict is None:
                return word
            place, maker = conflict
            parts = word.part(maker + 1, word.length), word.part(0, place)
            word = max(parts, key=self._saved)
            if not word.length:
                break
            conflict = self._conflict(word, self.rows(word))
        return Repeat(word.starts[:1], word.length)

    def _conflict(self, word: Repeat, rows: np.ndarray) -> tuple[int, int] | None:
        """Return an equation with different operands, and the last that makes one."""
        differs = (rows != rows[0]).any(axis=0)
        slices = self.slice_columns(word)
        first = word.starts[0]
        firsts = self._first_operand[first : first + word.length + 1]
        firsts = firsts - firsts[0]
        for column in np.flatnonzero(differs).tolist():
            place = int(np.searchsorted(firsts, column, side="right")) - 1
            given = rows[:, column]
            if place in slices and column == firsts[place + 1] - 1:
                given = rows[:, column - 1]
                if (given < 0).all():
                    continue
            made = int(given.max())
            if made < 0:
                return place, place
            results = self._first_result[first : first + word.length + 1]
            maker = np.searchsorted(results - results[0], made, side="right") - 1
            return place, int(maker)
        return None
