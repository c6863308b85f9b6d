"""The pass `measurement-from-samples`: statistics are estimated from measured bits."""

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation
from xdsl.passes import ModulePass

from qjit.dialects.quantum import StatePrepOp, UnitaryOp
from qjit.dialects.quantum.measurements import ShotReadout
from qjit.lowering.analysis.memory_accesses import AccessesOf
from qjit.lowering.passes.circuits.pauli_measurements import expand_pauli_measurements
from qjit.lowering.passes.pipeline import PassError, PipelineError

from .diagonalization import diagonalize
from .estimates import estimate, estimated
from .final_measurements import (
    FinalMeasurements,
    final_measurements,
    read_circuit,
)
from .repeated_circuits import check_unmeasured, with_called


@dataclass(frozen=True)
class MeasurementFromSamplesPass(ModulePass):
    """Estimate expectation values, variances and probabilities from samples of bits.

    Each circuit is sampled `shots` times, as often as its samples are taken when left
    out, in the basis of `diagonalize-measurements`. With a `seed`, runs are repeatable.
    """

    shots: int | None = None
    seed: int | None = None

    name = "measurement-from-samples"

    def __post_init__(self) -> None:
        """Refuse numbers of shots that mean nothing."""
        if self.shots is not None and self.shots < 1:
            raise PipelineError(
                f"'measurement-from-samples' takes at least 1 shot, but got "
                f"{self.shots}."
            )

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Sample the bits that statistics are made of.

        Raises:
            PassError: for what has no number of shots, does not commute, is measured
                on the way, or is differentiated by the adjoint method.
        """
        expand_pauli_measurements(op)
        accesses = AccessesOf(op)
        for found in final_measurements(op):
            if any(estimated(reading.op) for reading in found.readings):
                shots = self._shots(found)
                _check(found, accesses)
                diagonalize(found, op, accesses)
                diagonal = read_circuit(found.alloc)
                assert diagonal is not None
                estimate(diagonal, shots, self.seed, accesses)

    def _shots(self, found: FinalMeasurements) -> int:
        ops = [reading.op for reading in found.readings]
        known = [op.shots.value.data for op in ops if isinstance(op, ShotReadout)]
        shots = self.shots or max(known, default=None)
        if shots is None:
            raise PassError(
                f"{found.place(ops[0])}: statistics are estimated from samples, but "
                "there is no number of shots. Write "
                "'measurement-from-samples{shots=1000}', or give shots to qnode."
            )
        return shots


def _is_unnormalised(op: Operation) -> bool:
    """Tell whether the state behind an operation may have another norm than 1."""
    if isinstance(op, UnitaryOp):
        return op.invertible is not None
    return isinstance(op, StatePrepOp) and op.unchecked is not None


def _check(found: FinalMeasurements, accesses: AccessesOf) -> None:
    """Refuse what samples of one state do not tell."""
    for op in found.before:
        check_unmeasured(
            found,
            op,
            accesses,
            "a circuit that measures on the way takes one path in each shot. Give "
            "shots to qnode(shots=...), which samples paths.",
        )
    for op in found.before:
        if any(map(_is_unnormalised, with_called(op, accesses, set()))):
            raise PassError(
                f"{found.place(found.alloc)}: a derivative is computed from a state "
                "that is not normalised, which has no samples. Choose "
                'diff_method="parameter-shift".'
            )
    if len(found.last) > 1:
        raise PassError(
            f"{found.place(found.alloc)}: the adjoint method has no samples. Choose "
            'diff_method="parameter-shift".'
        )
