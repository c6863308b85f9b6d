"""The pass `diagonalize-measurements`: gates before measurements, then only bits.

Pauli words on which all agree wire by wire take gates on one wire (H, and S before it).
Words that commute otherwise are diagonalised together by a Clifford circuit; matrices
whose numbers are known, by their eigenvectors.
"""

from __future__ import annotations

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from qjit.lowering.analysis.memory_accesses import AccessesOf
from qjit.lowering.passes.circuits.pauli_measurements import expand_pauli_measurements

from .diagonalization import diagonalize
from .final_measurements import final_measurements


class DiagonalizeMeasurementsPass(ModulePass):
    """Measure in the computational basis only, after gates that turn the basis.

    Observables that do not commute are refused: `split-non-commuting` parts them.
    """

    name = "diagonalize-measurements"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Turn the ends of all circuits.

        Raises:
            PassError: for what no gates diagonalise together.
        """
        expand_pauli_measurements(op)
        accesses = AccessesOf(op)
        for found in final_measurements(op):
            diagonalize(found, op, accesses)
