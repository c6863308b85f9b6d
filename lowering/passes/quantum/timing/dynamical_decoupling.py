"""The pass `dynamical-decoupling`: pulses instead of doing nothing.

A qubit that idles collects phases from its surroundings. Pulses that flip it undo those
that change slowly (Viola, Knill and Lloyd, quant-ph/9809071). Together they are the
identity, and the delays between keep passes from joining them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from math import ceil, inf, remainder, tau
from typing import TypeGuard

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, StringAttr
from xdsl.dialects.func import FuncOp
from xdsl.ir import Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import Rewriter

from qjit.dialects.quantum import AllocOp, DelayOp
from qjit.dialects.quantum.linearity import line_of
from qjit.dialects.target import STATEVECTOR, Target
from qjit.lowering.analysis.devices import target_of
from qjit.lowering.passes.circuits.blocks import is_fresh
from qjit.lowering.passes.circuits.gates import Gate, line_number, write_gate
from qjit.lowering.passes.pipeline import PassError, PipelineError
from qjit.lowering.program_attributes import DURATIONS

from .durations import PER_SECOND, Durations, attoseconds, gate_keys
from .operation_durations import durations_of, required
from .pulse_sequences import SEQUENCES

# Phases of whole turns are zero up to this.
ROUNDING = 1e-9


@dataclass(frozen=True)
class DynamicalDecouplingPass(ModulePass):
    """Fill delays with pulses that undo slow noise: XX, XY4, XY8 and others.

    A sequence goes into each delay on one wire that is long enough for its pulses, but
    not before the first gate on a qubit in |0>. It is repeated where pulses would be
    farther apart than `spacing` seconds. Durations are those with which gates were
    scheduled, or those of the device, and those given, which come first.
    """

    sequence: str = "XX"
    durations: str = ""
    spacing: str | float | int | None = None

    name = "dynamical-decoupling"

    def __post_init__(self) -> None:
        """Refuse options that mean nothing."""
        if self.sequence not in SEQUENCES:
            raise PipelineError(
                f"'{self.name}' has no sequence {self.sequence!r}. It has "
                f"{', '.join(SEQUENCES)}."
            )
        try:
            Durations.read(self.durations)
            spacing = self._spacing
        except ValueError as error:
            raise PipelineError(f"'{self.name}': {error}") from error
        if not spacing > 0:
            raise PipelineError(
                f"'{self.name}': pulses are more than 0 seconds apart, but got spacing "
                f"{self.spacing}."
            )

    @property
    def _spacing(self) -> float:
        return inf if self.spacing is None else float(self.spacing)

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Fill delay after delay."""
        durations, target = Durations(), STATEVECTOR
        for each in list(op.walk()):
            if isinstance(each, AllocOp | FuncOp):
                durations, target = self._known(each), target_of(each)
            elif _may_be_filled(each):
                self._check_gates(each, target)
                self._fill(each, durations)

    def _known(self, op: AllocOp | FuncOp) -> Durations:
        """Return the durations of a circuit, which says so if it is scheduled."""
        given, scheduled = Durations.read(self.durations), durations_of(op)
        if scheduled is None:
            return Durations.of(target_of(op).durations or {}) | given
        known = scheduled | given
        op.attributes[DURATIONS] = StringAttr(known.text)
        return known

    def _check_gates(self, delay: DelayOp, target: Target) -> None:
        """Refuse pulses that a device does not have."""
        names = {each.name for each in SEQUENCES[self.sequence].pulses}
        if target.gates is not None and not names <= target.gates:
            raise PassError(
                f"{line_of(delay) or 'unknown line'}: device '{target.name}' has no "
                f"gate {min(names - target.gates)}, which the sequence {self.sequence} "
                f"has. It has {', '.join(sorted(target.gates))}."
            )

    def _fill(self, delay: DelayOp, durations: Durations) -> None:
        """Put pulses into a delay that is long enough."""
        sequence = SEQUENCES[self.sequence]
        times = [
            required(gate_keys(each.name, 1), durations, delay, self.name)
            for each in sequence.pulses
        ]
        total, busy = attoseconds(delay.seconds), sum(times)
        repeated = ceil(delay.seconds / (self._spacing * len(times))) or 1
        repeated = min(repeated, total // busy) if busy else repeated
        if repeated:
            gaps = sequence.gaps(total - repeated * busy, repeated)
            phase = remainder(repeated * sequence.phase, tau)
            _replace(delay, gaps, sequence.pulses * repeated, phase)


def _may_be_filled(op: Operation) -> TypeGuard[DelayOp]:
    """Tell whether an operation is a delay on one wire, whose state is not |0>."""
    if not isinstance(op, DelayOp) or len(op.qubits) > 1:
        return False
    return not is_fresh(op.qubits[0])


def _replace(
    delay: DelayOp, gaps: Sequence[int], pulses: Sequence[Gate], phase: float
) -> None:
    """Put delays and pulses in turn in the place of a delay, and a phase at the end."""
    qubits: dict[int, SSAValue] = {0: delay.qubits[0]}
    ops: list[Operation] = []
    line = line_number([delay])
    for gap, pulse in zip_longest(gaps, pulses):
        if gap:
            ops.append(DelayOp(gap / PER_SECOND, [qubits[0]], line=line))
            qubits[0] = ops[-1].results[0]
        if pulse is not None:
            write_gate(pulse, qubits, ops.append, line)
    if abs(phase) > ROUNDING:
        write_gate(Gate("GlobalPhase", (), phase), qubits, ops.append, line)
    Rewriter.replace_op(delay, ops, [qubits[0]])
