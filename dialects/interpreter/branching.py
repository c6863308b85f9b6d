"""Numpy meanings of outcome paths: one is followed after another.

Without shots, every path through the tree of outcomes is followed, and a path weighs
the product of its probabilities. With shots, each path is that of one shot.
"""

from dataclasses import dataclass, field

import numpy as np
from xdsl.interpreter import (
    Interpreter,
    InterpreterFunctions,
    PythonValues,
    impl,
    register_impls,
)
from xdsl.utils.exceptions import InterpretationError

from qjit.dialects.statevector import branching

# An outcome of a smaller share is taken for rounding.
LEAST = 1e-20
MOST_TRIES = 1_000_000


@dataclass
class PathTree:
    """Outcomes of the present path, and the shares of those still to try."""

    shots: int | None
    once: bool
    generator: np.random.Generator
    outcomes: list[int] = field(default_factory=list[int])
    shares: list[float] = field(default_factory=list[float])
    pending: list[float] = field(default_factory=list[float])
    position: int = 0
    tried: int = 0
    kept: int = 0
    refused: bool = False

    @property
    def weight(self) -> float:
        """The probability of the outcomes so far."""
        return 0.0 if self.refused else float(np.prod(self.shares[: self.position]))

    @property
    def rows(self) -> tuple[int, int]:
        """The row of the present shot: none if a postselection refused it."""
        return self.kept, self.kept + (not self.refused)

    def decide(self, share: np.ndarray, postselect: int | None) -> int:
        """Return the outcome of the next measurement, given the shares of both."""
        if self.shots is not None:
            drawn = int(self.generator.random() >= share[0])
            self.refused |= postselect is not None and drawn != postselect
            return drawn if postselect is None else postselect
        if self.position == len(self.outcomes):
            first = int(share[0] <= LEAST) if postselect is None else postselect
            other = share[1 - first] if postselect is None else 0.0
            self.outcomes.append(first)
            self.shares.append(float(share[first]))
            self.pending.append(float(other) if other > LEAST else 0.0)
        self.position += 1
        return self.outcomes[self.position - 1]

    def advance(self) -> bool:
        """Go on to the next path, and tell whether there is one."""
        if self.shots is not None:
            self.kept += not self.refused
            self.tried += 1
            self.refused = False
            if self.tried > MOST_TRIES and not self.kept:
                return False
            return (self.tried if self.once else self.kept) < self.shots
        self.position, self.refused = 0, False
        while self.pending and not self.pending[-1]:
            for entries in (self.outcomes, self.shares, self.pending):
                entries.pop()
        if not self.pending:
            return False
        self.outcomes[-1] = 1 - self.outcomes[-1]
        self.shares[-1], self.pending[-1] = self.pending[-1], 0.0
        return True


@register_impls
class PathFunctions(InterpreterFunctions):
    """One method per operation; the newest tree is that of what follows."""

    def __init__(self, generator: np.random.Generator) -> None:
        self.generator = generator
        self.trees: list[PathTree] = []

    @impl(branching.PathsBeginOp)
    def run_begin(
        self, interpreter: Interpreter, op: branching.PathsBeginOp, args: PythonValues
    ) -> PythonValues:
        """Start with the first path."""
        shots = None if op.shots is None else op.shots.value.data
        self.trees.append(PathTree(shots, op.once is not None, self.generator))
        return ()

    @impl(branching.PathWeightOp)
    def run_weight(
        self, interpreter: Interpreter, op: branching.PathWeightOp, args: PythonValues
    ) -> PythonValues:
        """Return the probability of the present path."""
        return (self.trees[-1].weight,)

    @impl(branching.PathRowsOp)
    def run_rows(
        self, interpreter: Interpreter, op: branching.PathRowsOp, args: PythonValues
    ) -> PythonValues:
        """Return the row of the present shot, and one past it."""
        return self.trees[-1].rows

    @impl(branching.NextPathOp)
    def run_next(
        self, interpreter: Interpreter, op: branching.NextPathOp, args: PythonValues
    ) -> PythonValues:
        """Go on."""
        return (self.trees[-1].advance(),)

    @impl(branching.RowOrderOp)
    def run_order(
        self, interpreter: Interpreter, op: branching.RowOrderOp, args: PythonValues
    ) -> PythonValues:
        """Leave the shots in the order in which they were drawn."""
        args[0][...] = np.arange(len(args[0]))
        return ()

    @impl(branching.PathsEndOp)
    def run_end(
        self, interpreter: Interpreter, op: branching.PathsEndOp, args: PythonValues
    ) -> PythonValues:
        """Refuse a tree without a path."""
        tree = self.trees.pop()
        if not (tree.kept if tree.shots is not None else args[0]):
            raise InterpretationError(
                "the outcome that was postselected has probability zero"
            )
        return ()
