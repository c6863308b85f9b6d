"""The pass `dynamical-decoupling`: pulses instead of doing nothing.

A qubit that idles collects phases from its surroundings. Pulses that flip it undo those
that change slowly (Viola, Knill and Lloyd, quant-ph/9809071). Together they are the
identity, and the delays between keep passes from joining them.
"""

from collections.abc import Callable, Sequence
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

from qjit.dialects.quantum import AllocOp, BarrierOp, DelayOp
from qjit.dialects.quantum.linearity import line_of
from qjit.dialects.targets import STATEVECTOR, Target
from qjit.lowering.analysis.devices import target_of
from qjit.lowering.passes.circuits.blocks import is_fresh
from qjit.lowering.passes.circuits.gates import Gate, line_number, write_gate
from qjit.lowering.passes.pipeline import PassError, PipelineError
from qjit.lowering.passes.quantum.decomposition.decompose_gates import (
    is_in,
    of_target,
)
from qjit.lowering.program_attributes import DURATIONS

from .durations import PER_SECOND, Durations, attoseconds, gate_keys
from .operation_durations import durations_of, required
from .pulse_sequences import SEQUENCES, most_repeated

# Phases of whole turns are zero up to this.
ROUNDING = 1e-9
# More pulses in one delay take more memory than they are worth.
MOST_PULSES = 100_000


@dataclass(frozen=True)
class DynamicalDecouplingPass(ModulePass):
    """Fill delays with pulses that undo slow noise: XX, XY4, XY8 and others.

    A sequence goes into each delay that is long enough for its pulses, but not before
    the first gate on a qubit in |0>. It is repeated where pulses would be
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
        if target.gates is None:
            return
        pulses, gates = SEQUENCES[self.sequence].pulses, of_target(target)
        if missing := {each.name for each in pulses if not is_in(each, gates)}:
            raise PassError(
                f"{line_of(delay) or 'unknown line'}: device '{target.name}' has no "
                f"gate {min(missing)}, which the sequence {self.sequence} "
                f"has. It has {', '.join(sorted(target.gates))}."
            )

    def _fill(self, delay: DelayOp, durations: Durations) -> None:
        """Put pulses into a delay that is long enough."""
        sequence = SEQUENCES[self.sequence]
        times = [
            required(gate_keys(each.name, (), 1), durations, delay, self.name)
            for each in sequence.pulses
        ]
        total = attoseconds(delay.seconds)
        most = most_repeated(total, times)
        repeated = ceil(delay.seconds / (self._spacing * len(times))) or 1
        repeated = repeated if most is None else min(repeated, most)
        if repeated * len(times) > MOST_PULSES:
            raise PassError(
                f"{line_of(delay) or 'unknown line'}: pulses {self.spacing} seconds "
                f"apart are more than {MOST_PULSES} in a delay of {delay.seconds} "
                "seconds. Choose a larger spacing."
            )
        if total and repeated:
            gaps = sequence.gaps(total, times, repeated)
            phase = remainder(repeated * sequence.phase, tau)
            _replace(delay, Pulses(gaps, sequence.pulses * repeated, phase))


@dataclass(frozen=True)
class Pulses:
    """Pulses on a wire, the gaps around them, and the phase that undoes theirs."""

    gaps: Sequence[int]
    gates: Sequence[Gate]
    phase: float

    def write(
        self, qubit: SSAValue, insert: Callable[[Operation], None], line: int | None
    ) -> SSAValue:
        """Insert gaps and pulses in turn, and return the qubit after them."""
        qubits = {0: qubit}
        for gap, gate in zip_longest(self.gaps, self.gates):
            if gap:
                delay = DelayOp(gap / PER_SECOND, [qubits[0]], line=line)
                insert(delay)
                qubits[0] = delay.results[0]
            if gate is not None:
                write_gate(gate, qubits, insert, line)
        if abs(self.phase) > ROUNDING:
            write_gate(Gate("GlobalPhase", (), self.phase), qubits, insert, line)
        return qubits[0]


def _may_be_filled(op: Operation) -> TypeGuard[DelayOp]:
    """Tell whether an operation is a delay, and not of qubits in |0> only."""
    return isinstance(op, DelayOp) and not all(map(is_fresh, op.qubits))


def _replace(delay: DelayOp, pulses: Pulses) -> None:
    """Put pulses in the place of a delay, which may have been one of several wires."""
    ops: list[Operation] = []
    line = line_number([delay])
    still = [is_fresh(qubit) for qubit in delay.qubits]
    qubits: Sequence[SSAValue] = delay.qubits
    if len(qubits) > 1:
        ops.append(BarrierOp(qubits, line=line))
        qubits = ops[0].results
    after: list[SSAValue] = []
    for qubit, waits in zip(qubits, still, strict=True):
        if waits:
            ops.append(DelayOp(delay.seconds, [qubit], line=line))
            after.append(ops[-1].results[0])
        else:
            after.append(pulses.write(qubit, ops.append, line))
    Rewriter.replace_op(delay, ops, after)
