"""The pass `decompose-gates`: gates that a device lacks become gates that it has."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from xdsl.context import Context
from xdsl.dialects import arith
from xdsl.dialects.builtin import FloatAttr, ModuleOp, f64
from xdsl.dialects.func import FuncOp
from xdsl.ir import Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

from qjit.dialects.gates import GATES, GateRecord
from qjit.dialects.gates.fourier import Angle
from qjit.dialects.gates.record import Step
from qjit.dialects.quantum import AllocOp, GateOp
from qjit.dialects.quantum.linearity import line_of
from qjit.dialects.target import STATEVECTOR, Target
from qjit.lowering.analysis.devices import target_of
from qjit.lowering.passes.pipeline import PassError


@dataclass(frozen=True)
class DecomposeGatesPass(ModulePass):
    """Replace gates outside of the set of their device by their decompositions.

    Where `gates` are given, they take the place of the device's.
    """

    gates: tuple[str, ...] | None = None

    name = "decompose-gates"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Walk once; what a gate becomes is decomposed further where it stands."""
        for gate, target in list(gates_and_targets(op)):
            if self.gates is not None:
                decompose(gate, frozenset(self.gates), "the gate set")
            elif target.gates is not None:
                decompose(gate, target.gates, f"device '{target.name}'")


def gates_and_targets(module: ModuleOp) -> Iterator[tuple[GateOp, Target]]:
    """Yield the gates of a module with the devices that they run on."""
    target = STATEVECTOR
    for each in module.walk():
        if isinstance(each, AllocOp | FuncOp):
            target = target_of(each)
        if isinstance(each, GateOp):
            yield each, target


def decompose(gate: GateOp, names: frozenset[str], whose: str) -> None:
    """Replace a gate until all that stands for it is of a set, which is whose."""
    if gate.gate.data in names:
        return
    record = GATES[gate.gate.data]
    if gate.slots:
        raise PassError(
            f"{line_of(gate) or 'unknown line'}: {record.name} cannot be decomposed "
            f"for {whose} where the adjoint method differentiates it. Choose "
            "diff_method='parameter-shift' or 'finite-diff'."
        )
    own = len(gate.controls) if record.num_controls is None else record.num_controls
    steps = record.decompose(**_static(gate, record, own))
    if steps is None:
        raise PassError(
            f"{line_of(gate) or 'unknown line'}: {whose} has no gate "
            f"{record.name}, which is made of no simpler ones. It has "
            f"{', '.join(sorted(names))}."
        )
    made = _Expansion(gate, own).emit(steps)
    for each in made:
        decompose(each, names, whose)


def _static(gate: GateOp, record: GateRecord, own: int) -> dict[str, Any]:
    static: dict[str, Any] = {}
    if gate.word is not None:
        static["pauli_word"] = gate.word.data
    if gate.dim is not None:
        static["dim"] = gate.dim.value.data
    if record.num_targets is None and gate.word is None:
        static["num_targets"] = len(gate.targets)
    if record.num_controls is None:
        static["num_controls"] = own
    return static


class _Expansion:
    """A gate being replaced: the present value of each of its qubits."""

    def __init__(self, gate: GateOp, own: int) -> None:
        self.gate = gate
        split = len(gate.controls) - own
        self.outer = list(range(split))  # controls that all steps have
        self.controls = list(gate.controls)
        self.targets = list(gate.targets)
        pattern = gate.control_pattern
        self.pattern, self.flipped = (
            pattern[:split],
            [number for number in range(split, len(pattern)) if not pattern[number]],
        )
        self.split = split
        self.made: list[GateOp] = []

    def emit(self, steps: Sequence[Step]) -> list[GateOp]:
        """Insert the gates before the one that they replace, which is erased."""
        gate, adjoint = self.gate, self.gate.adjoint is not None
        for number in self.flipped:
            self._add(GATES["X"], [number - self.split], (), adjoint=False)
        for step in reversed(steps) if adjoint else steps:
            self._add(step.gate, list(step.wires), step.params, adjoint=adjoint)
        for number in self.flipped:
            self._add(GATES["X"], [number - self.split], (), adjoint=False)
        gate_results = [*self.targets, *self.controls]
        for old, new in zip(gate.results, gate_results, strict=True):
            old.replace_all_uses_with(new)
        Rewriter.erase_op(gate)
        return self.made

    def _add(
        self,
        record: GateRecord,
        wires: Sequence[int],
        params: Sequence[Angle | float],
        *,
        adjoint: bool,
    ) -> None:
        own = record.num_controls or 0
        inner = [self._qubit(wire) for wire in wires]
        outer = [self.controls[number] for number in self.outer]
        if not inner and not outer:  # a global phase passes a qubit through
            wires, inner = [0], [self._qubit(0)]
        new = GateOp(
            record.name,
            inner[own:],
            params=[self._angle(angle) for angle in params],
            controls=[*outer, *inner[:own]],
            control_values=[*self.pattern, *[1] * own] or None,
            adjoint=adjoint,
            line=None if self.gate.line is None else self.gate.line.value.data,
        )
        self._insert(new)
        self.made.append(new)
        results = list(new.out_controls)
        for number, value in zip(self.outer, results, strict=False):
            self.controls[number] = value
        after = [*results[len(outer) :], *new.out_targets]
        for wire, value in zip(wires, after, strict=True):
            self._set(wire, value)

    def _qubit(self, wire: int) -> SSAValue:
        inner = len(self.controls) - self.split
        if wire < inner:
            return self.controls[self.split + wire]
        return self.targets[wire - inner]

    def _set(self, wire: int, value: SSAValue) -> None:
        inner = len(self.controls) - self.split
        if wire < inner:
            self.controls[self.split + wire] = value
        else:
            self.targets[wire - inner] = value

    def _angle(self, angle: Angle | float) -> SSAValue:
        """Return an affine function of the gate's parameters."""
        if not isinstance(angle, Angle):
            return self._constant(float(angle))
        total = None
        pairs = zip(angle.coefficients, self.gate.params, strict=True)
        for factor, parameter in pairs:
            if factor:
                term = parameter
                if factor != 1.0:
                    term = self._insert(arith.MulfOp(parameter, self._constant(factor)))
                total = (
                    term if total is None else self._insert(arith.AddfOp(total, term))
                )
        if total is None:
            return self._constant(angle.offset)
        if angle.offset:
            total = self._insert(arith.AddfOp(total, self._constant(angle.offset)))
        return total

    def _constant(self, value: float) -> SSAValue:
        return self._insert(arith.ConstantOp(FloatAttr(value, f64)))

    def _insert(self, op: Operation) -> Any:
        Rewriter.insert_op(op, InsertPoint.before(self.gate))
        return op.results[0] if len(op.results) == 1 else op.results
