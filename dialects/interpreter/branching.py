"""Numpy meanings of walks through measurement outcomes: one path after another.

Without shots, a walk visits every path through the tree of outcomes, and a path weighs
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
class Walk:
    """A walk: the outcomes of the present path, and shares of those still to try."""

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
class WalkFunctions(InterpreterFunctions):
    """One method per operation; the newest walk is that of what follows."""

    def __init__(self, generator: np.random.Generator) -> None:
        self.generator = generator
        self.walks: list[Walk] = []

    @impl(branching.WalkBeginOp)
    def run_begin(
        self, interpreter: Interpreter, op: branching.WalkBeginOp, args: PythonValues
    ) -> PythonValues:
        """Start with the first path."""
        shots = None if op.shots is None else op.shots.value.data
        self.walks.append(Walk(shots, op.once is not None, self.generator))
        return ()

    @impl(branching.WalkWeightOp)
    def run_weight(
        self, interpreter: Interpreter, op: branching.WalkWeightOp, args: PythonValues
    ) -> PythonValues:
        """Return the probability of the present path."""
        return (self.walks[-1].weight,)

    @impl(branching.WalkRowsOp)
    def run_rows(
        self, interpreter: Interpreter, op: branching.WalkRowsOp, args: PythonValues
    ) -> PythonValues:
        """Return the row of the present shot, and one past it."""
        return self.walks[-1].rows

    @impl(branching.WalkNextOp)
    def run_next(
        self, interpreter: Interpreter, op: branching.WalkNextOp, args: PythonValues
    ) -> PythonValues:
        """Go on."""
        return (self.walks[-1].advance(),)

    @impl(branching.WalkOrderOp)
    def run_order(
        self, interpreter: Interpreter, op: branching.WalkOrderOp, args: PythonValues
    ) -> PythonValues:
        """Leave the shots in the order in which they were drawn."""
        args[0][...] = np.arange(len(args[0]))
        return ()

    @impl(branching.WalkEndOp)
    def run_end(
        self, interpreter: Interpreter, op: branching.WalkEndOp, args: PythonValues
    ) -> PythonValues:
        """Refuse a walk without a path."""
        walk = self.walks.pop()
        if not (walk.kept if walk.shots is not None else args[0]):
            raise InterpretationError(
                "the outcome that was postselected has probability zero"
            )
        return ()
