"""Rules read from circuits, which a function makes at chosen angles."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from xdsl.dialects.builtin import ModuleOp

from qjit.dialects.gates import GateRecord
from qjit.dialects.gates.fourier import Angle
from qjit.dialects.interpreter.quantum import run_module
from qjit.dialects.quantum import GateOp, MeasureOp, ResetOp, StatePrepOp, UnitaryOp
from qjit.lowering.passes.circuits.gates import read_gate

from .gate_kinds import GateKind, KindStep
from .rule_checks import check_rule
from .rule_texts import RuleText, check_replaceable

DIGITS = 12
TOLERANCE = 1e-9


def rule_of(
    record: GateRecord, circuit: Callable[[Sequence[float]], ModuleOp]
) -> RuleText:
    """Return the rule of programs that stand for a gate, given one at any angles.

    They run by their definition, so that any classical code may be in them.

    Raises:
        ValueError: for what is no rule, or not the gate.
    """
    check_replaceable(record)
    count = record.num_params
    first = np.arange(1, count + 1) / 4
    chosen = np.random.default_rng(0).uniform(-2, 2, count)
    points = [first, *(first + np.eye(count)), chosen]
    assert record.num_wires is not None
    found = [_steps(circuit(point.tolist()), record.num_wires) for point in points]
    if any(_structure(each) != _structure(found[0]) for each in found):
        raise ValueError("it applies other gates at other angles")
    steps = tuple(
        _affine(same, points)
        for same in zip(*found, strict=True)  # each gate at all points
    )
    rule = RuleText(record, steps)
    check_rule(rule)
    return rule


def _steps(module: ModuleOp, num_wires: int) -> list[KindStep]:
    """Return the gates of a program that returns the state after them."""
    for op in module.walk():
        if isinstance(op, UnitaryOp | StatePrepOp | MeasureOp | ResetOp):
            raise ValueError(f"it has {op.name}, but rules have gates")
    found: list[KindStep] = []

    def watch(op: GateOp, params: Sequence[float], wires: Sequence[int]) -> None:
        on = dict(zip(op.qubits, wires, strict=True))
        gate = read_gate(op, on)
        static = tuple(sorted(gate.static.items()))
        kind = GateKind(
            gate.base, len(gate.all_controls), len(gate.targets), gate.adjoint, static
        )
        pairs = zip(gate.all_controls, gate.all_control_values, strict=True)
        flips = [
            KindStep(GateKind("X"), (), (wire,)) for wire, value in pairs if not value
        ]
        step = KindStep(kind, tuple(map(float, params)), gate.all_wires)
        found.extend([*flips, step, *flips])

    run_module(module, [np.zeros(2**num_wires, np.complex128)], watch=watch)
    return found


def _structure(steps: Sequence[KindStep]) -> list[Any]:
    return [(step.kind, step.wires) for step in steps]


def _affine(same: Sequence[KindStep], points: Sequence[Any]) -> KindStep:
    """Return a gate at angles that are affine functions, given it at points."""
    angles: list[Angle | float] = []
    for values in zip(*(step.params for step in same), strict=True):
        numbers = np.array(values, np.float64)
        slopes = np.round(numbers[1:-1] - numbers[0], DIGITS)
        offset = float(numbers[0] - slopes @ points[0])
        offset = 0.0 if abs(offset) < 10.0**-DIGITS else offset
        if abs(slopes @ points[-1] + offset - numbers[-1]) > TOLERANCE:
            raise ValueError(
                "its angles are no sums of those of the gate with factors: of these, "
                "rules are made"
            )
        angles.append(Angle(tuple(slopes.tolist()), offset) if any(slopes) else offset)
    return KindStep(same[0].kind, tuple(angles), same[0].wires)
