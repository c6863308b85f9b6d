"""The pass `fold-gates`: G and G (G† G)^k do the same, but with other noise."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from qjit.lowering.passes.circuits.blocks import rewrite_circuits
from qjit.lowering.passes.circuits.circuit import Circuit, Instruction
from qjit.lowering.passes.pipeline import PipelineError

from .fold_methods import METHODS
from .folding import fold_each, fold_whole, folded, num_folds

MOST = 1000


@dataclass(frozen=True)
class FoldGatesPass(ModulePass):
    """Write G as G (G† G)^k, so that noise counts `factor` times (arXiv:2005.10921).

    Of d gates, n are folded, where d + 2 n is nearest to `factor` times d, in each
    circuit: between measurements, loops and branches, in the bodies of loops too. The
    method "global" folds the whole circuit n // d times, and then its last n % d gates
    together; "local" folds each gate n // d times, and the first n % d once more; and
    "random" does so with n % d gates that are drawn. Barriers part what is folded.
    """

    factor: int | float = 3
    method: str = "global"
    seed: int = 0

    name = "fold-gates"

    def __post_init__(self) -> None:
        """Refuse options that mean nothing."""
        if self.method not in METHODS:
            raise PipelineError(
                f"'{self.name}' has no method '{self.method}'. Choose one of "
                f"{', '.join(METHODS)}."
            )
        if not 1 <= self.factor <= MOST:
            raise PipelineError(
                f"'{self.name}' takes a factor from 1 to {MOST}, but got "
                f"{self.factor}. Folding only adds gates."
            )
        if self.seed < 0:
            raise PipelineError(
                f"'{self.name}' takes a seed of 0 or more, but got {self.seed}."
            )

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Fold each circuit of a module, with draws of one generator."""
        generator = np.random.default_rng(self.seed)

        def rewrite(circuit: Circuit) -> Circuit:
            return folded(circuit, lambda gates: self._fold(circuit, gates, generator))

        rewrite_circuits(op, rewrite)

    def _fold(
        self,
        circuit: Circuit,
        gates: Sequence[Instruction],
        generator: np.random.Generator,
    ) -> list[Instruction]:
        """Return the gates of a circuit folded."""
        count = len(gates)
        times, rest = divmod(num_folds(count, self.factor), count)
        if self.method == "global":
            return fold_whole(circuit, gates, times, rest)
        chosen = range(rest)
        if self.method == "random":
            chosen = generator.permutation(count)[:rest].tolist()
        more = set(chosen)
        each = [times + (place in more) for place in range(count)]
        return fold_each(circuit, gates, each)
