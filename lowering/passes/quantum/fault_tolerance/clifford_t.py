"""The pass `clifford-t`: circuits become Clifford gates and T, up to an error."""

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation
from xdsl.passes import ModulePass

from qjit.dialects.quantum import StatePrepOp, UnitaryOp
from qjit.dialects.quantum.linearity import line_of
from qjit.lowering.analysis.constants import KNOWN_WHERE
from qjit.lowering.passes.circuits.blocks import rewrite_circuits
from qjit.lowering.passes.circuits.circuit import Circuit
from qjit.lowering.passes.circuits.gates import is_differentiated
from qjit.lowering.passes.circuits.pauli_measurements import expand_pauli_measurements
from qjit.lowering.passes.pipeline import PassError
from qjit.lowering.passes.quantum.decomposition.decompose_gates import (
    Expanded,
    gate_set,
)
from qjit.lowering.passes.quantum.decomposition.known_matrices import (
    decompose_known_matrices,
)
from qjit.lowering.passes.quantum.resynthesis.phase_folding import fold_phases
from qjit.lowering.passes.unitaries.clifford_t.gridsynth import (
    LARGEST,
    SMALLEST,
    is_error,
)

from .error_budget import ErrorBudget
from .runtime_rotations import approximate_when_run
from .single_qubit_gates import with_few_rotations, with_rotations_approximated

# What gates cost, in hundredths of T: a rotation is about sixty of these.
COSTS = {
    **dict.fromkeys(("H", "S", "adjoint(S)", "X", "Y", "Z"), 1),
    **{"CNOT": 10, "CZ": 10, "SWAP": 30, "T": 100, "adjoint(T)": 100, "RZ": 6000},
}
WEIGHTS = tuple(f"{name}={cost}" for name, cost in COSTS.items())

EPSILON = 1e-6


@dataclass(frozen=True)
class CliffordTPass(ModulePass):
    """Make circuits of Clifford gates and T (Ross and Selinger, arXiv:1403.2975).

    `epsilon` bounds the error of a circuit in the operator norm, which its rotations
    share, 1e-6 by default; or `each` is the error of one rotation. Where an angle is
    known only when the program runs, the gates are found then. Errors may be texts, as
    which options such as 1e-6 are read.
    """

    epsilon: float | int | str | None = None
    each: float | int | str | None = None

    name = "clifford-t"
    # What it leaves is close to the program, and not the same.
    approximates = True

    def __post_init__(self) -> None:
        """Refuse errors that cannot be."""
        if self.epsilon is not None and self.each is not None:
            raise ValueError(
                "epsilon is the error of a circuit, and each that of a rotation: give "
                "one of them"
            )
        for name, given in (("epsilon", self.epsilon), ("each", self.each)):
            if given is not None and not is_error(given):
                raise ValueError(
                    f"{name} is an error from {SMALLEST:g} to {LARGEST:g}, but is "
                    f"{given}"
                )

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Decompose gates, merge rotations, and put close gates in their place."""
        expand_pauli_measurements(op)
        for each in op.walk():
            if is_differentiated(each):
                raise PassError(_differentiated(each))
        decompose_known_matrices(op, op.walk(), ())
        rewrite_circuits(op, _with_few_rotations)
        share = self._share(op)
        rewrite_circuits(op, lambda found: with_rotations_approximated(found, share))
        approximate_when_run(op, share)

    def _share(self, module: ModuleOp) -> float:
        if self.each is not None:
            return float(self.each)
        return float(self.epsilon or EPSILON) / max(ErrorBudget(module).count(), 1)


def _with_few_rotations(circuit: Circuit) -> Circuit:
    return with_few_rotations(fold_phases(with_few_rotations(_decomposed(circuit))))


def _decomposed(circuit: Circuit) -> Circuit:
    """Return a circuit of Clifford gates, T and RZ."""
    found, gates = Expanded(circuit), gate_set(tuple(COSTS), WEIGHTS)
    for op, each in zip(circuit.ops, circuit, strict=True):
        if isinstance(op, UnitaryOp):
            raise PassError(_unknown_matrix(op))
        found.add(op, each, gates)
    return found.result


def _differentiated(op: Operation) -> str:
    kinds: dict[type[Operation], str] = {UnitaryOp: "matrix", StatePrepOp: "state"}
    what = kinds.get(type(op))
    instead = f"Apply gates with angles in place of the {what}, and choose"
    return (
        f"{line_of(op) or 'unknown line'}: a {what or 'gate'} that the adjoint method "
        "differentiates cannot be made of Clifford gates and T. "
        f"{instead if what else 'Choose'} diff_method='parameter-shift'."
    )


def _unknown_matrix(op: Operation) -> str:
    return (
        f"{line_of(op) or 'unknown line'}: a matrix whose numbers are not known when "
        "the program is compiled cannot be made of Clifford gates and T. Give it as a "
        f"constant, {KNOWN_WHERE}; or apply gates with angles."
    )
