"""The pass `split-non-commuting`: a circuit runs once for each group of observables.

The operations of the circuit are repeated with a register of their own for each group,
and what its terms are worth is added up by the program.
"""

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from qjit.lowering.analysis.memory_accesses import AccessesOf
from qjit.lowering.analysis.observable_groupings import (
    QUBIT_WISE,
    RUNS,
    grouping_named,
    names_of,
)
from qjit.lowering.passes.circuits.pauli_measurements import expand_pauli_measurements
from qjit.lowering.passes.pipeline import PipelineError

from .final_measurements import final_measurements
from .splitting import split
from .variances import expand_variances


@dataclass(frozen=True)
class SplitNonCommutingPass(ModulePass):
    """Run circuits once for each group of observables that are measured together.

    Groups are of words that agree wire by wire ("qubit-wise" or "qwc"), of words that
    commute ("commuting"), or of one word each ("none"), by colouring the graph of
    conflicts (Verteletskyi et al., arXiv:1907.03358).
    """

    grouping: str = QUBIT_WISE

    name = "split-non-commuting"

    def __post_init__(self) -> None:
        """Take each grouping by its first name, and refuse others."""
        found = grouping_named(self.grouping, RUNS)
        if found is None:
            raise PipelineError(
                f"'split-non-commuting' takes grouping={'|'.join(names_of(RUNS))}, but "
                f"got {self.grouping!r}."
            )
        object.__setattr__(self, "grouping", found)

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Split all circuits that need it.

        Raises:
            PassError: for circuits whose outcomes belong together.
        """
        expand_pauli_measurements(op)
        for found in final_measurements(op):
            expand_variances(found, self.grouping)
        accesses = AccessesOf(op)
        for found in final_measurements(op):
            split(found, self.grouping, accesses)
