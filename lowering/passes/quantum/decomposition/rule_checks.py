"""Comparison of rules with the gates that they replace."""

from collections.abc import Sequence

import numpy as np

from qjit.dialects.gates import GateRecord
from qjit.lowering.passes.circuits.circuit import product
from qjit.lowering.passes.circuits.gates import Gate

from .gate_kinds import KindStep, substituted
from .rule_texts import RuleText

TOLERANCE = 1e-8


def check_rule(rule: RuleText) -> None:
    """Compare a rule with its gate, as matrices, at random angles.

    Raises:
        ValueError: if they differ, or a step is on wires that the gate does not have.
    """
    record = rule.gate
    assert record.num_wires is not None
    wires = range(record.num_wires)
    angles = np.random.default_rng(1).uniform(-3, 3, record.num_params).tolist()
    for step in rule.steps:
        if not set(step.wires) <= set(wires):
            raise ValueError(
                f"a step is on wires {', '.join(map(str, step.wires))}, but "
                f"{record.name} has the wires 0 to {wires[-1]}"
            )
    steps = [as_gate(step, angles) for step in rule.steps]
    expected = product([Gate(record.name, wires, *angles)], wires, {})
    found = product(steps, wires, {})
    difference = np.abs(found - expected).max()
    if difference < TOLERANCE:
        return
    overlap = np.trace(found.conj().T @ expected) / len(found)
    if np.isclose(abs(overlap), 1):
        raise ValueError(
            "the global phase differs: apply GlobalPhase(angle), which is "
            f"exp(-i angle), here with angle {-np.angle(overlap):.4g}"
        )
    raise ValueError(
        f"its matrix differs from that of {_text(record, angles)} by up to "
        f"{difference:.2g}: change its gates, or their order or angles"
    )


def as_gate(step: KindStep, angles: Sequence[float]) -> Gate:
    """Return the gate of a step where the angles are these."""
    kind = step.kind
    return Gate(
        kind.base,
        step.wires[kind.num_controls :],
        *(substituted(param, angles) for param in step.params),
        adjoint=kind.adjoint,
        static=dict(kind.static),
        controls=step.wires[: kind.num_controls],
    )


def _text(record: GateRecord, angles: Sequence[float]) -> str:
    return f"{record.name}({', '.join(f'{angle:.4g}' for angle in angles)})"
