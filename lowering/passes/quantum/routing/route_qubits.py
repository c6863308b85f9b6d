"""The pass `route-qubits`: gates on two qubits come to edges of a coupling graph."""

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from qjit.dialects.quantum import AllocOp
from qjit.dialects.quantum.linearity import line_of
from qjit.lowering.passes.circuits.pauli_measurements import expand_pauli_measurements
from qjit.lowering.passes.pipeline import PassError, PipelineError
from qjit.lowering.passes.quantum.loops.needed_turns import unroll_computed_wires
from qjit.lowering.passes.quantum.loops.written_turns import MOST_OPERATIONS

from .coupling import CouplingError, parse_coupling
from .route_program import ProgramRouter, RoutingOptions


@dataclass(frozen=True)
class RouteQubitsPass(ModulePass):
    """Insert SWAPs until all two-qubit gates are on a coupling graph's edges (SABRE).

    Wires of registers are physical places afterwards, until the register is looked at.
    Where `coupling` is "all", there is nothing to do.
    """

    coupling: str = "all"
    trials: int | None = None
    seed: int = 0

    name = "route-qubits"

    def __post_init__(self) -> None:
        """Refuse options that mean nothing."""
        if self.trials is not None and self.trials < 1:
            raise PipelineError(
                f"'route-qubits' takes at least 1 trial, but got {self.trials}."
            )
        if self.seed < 0:
            raise PipelineError(
                f"'route-qubits' takes a seed of 0 or more, but got {self.seed}."
            )
        try:
            parse_coupling(self.coupling, 2)
        except CouplingError as error:
            raise PipelineError(f"'route-qubits': {error}") from error

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Route all registers.

        Raises:
            PassError: for what has no place on a coupling graph.
        """
        if self.coupling == "all":
            return
        for each in op.walk():
            if isinstance(each, AllocOp) and "vertices" in each.attributes:
                raise PassError(
                    f"{line_of(each) or 'unknown line'}: this circuit is routed "
                    f"already, and cannot be routed to '{self.coupling}' as well. "
                    "Route it once: by the coupling of its device, or by "
                    "'route-qubits'."
                )
        options = RoutingOptions(
            lambda size: parse_coupling(self.coupling, size), self.trials, self.seed
        )
        expand_pauli_measurements(op)
        left = unroll_computed_wires(op, lambda: [op])
        if left is not None:
            line = next(filter(None, map(line_of, left.walk())), "unknown line")
            raise PassError(
                f"{line}: wires are computed in a loop that takes more than "
                f"{MOST_OPERATIONS} operations when each turn is written out. Name "
                "wires by numbers, or let the loop have fewer turns."
            )
        ProgramRouter(op, options).run()
