"""Gates of a circuit, and the gates of a set that take their place."""

from collections.abc import Sequence
from functools import cache
from typing import Any

from qjit.dialects.gates import GATES
from qjit.dialects.gates.fourier import Angle
from qjit.lowering.passes.circuits.gates import Gate

from .gate_kinds import GateKind, KindStep, substituted, turns_of
from .gate_set import PHASE, GateSet, Placed

FLIP = GateKind("X", turns=None)


def kind_of(gate: Gate, gates: GateSet) -> GateKind:
    """Return the kind of a gate without the adjoint flag, where it can be without."""
    return _step(gate, gates, 0).kind


def _step(gate: Gate, gates: GateSet, spare: int) -> KindStep:
    plain = gate
    if gate.adjoint:
        plain = gate.inverse().inverse()
    known = [param.known for param in plain.params]
    params: tuple[Any, ...] = tuple(
        param if number is None else number
        for param, number in zip(plain.params, known, strict=True)
    )
    turns = None
    if gates.discrete and None not in known:
        turns = turns_of(params)
    kind = GateKind(
        plain.base,
        len(plain.all_controls),
        len(plain.targets),
        plain.adjoint,
        tuple(sorted(plain.static.items())),
        turns=turns,
    )
    return KindStep(kind.with_spare(spare), params, plain.all_wires)


def expanded(
    gate: Gate, gates: GateSet, spare: Sequence[int]
) -> tuple[list[Gate], float] | None:
    """Return the gates of which a gate is made, and a phase; None if it cannot be."""
    step = _step(gate, gates, len(spare))
    placed = _of_kind(gates, step.kind)
    if placed is None:
        return None
    wires = [*step.wires, *spare]
    around: list[Gate] = []
    phase = 0.0
    values = gate.all_control_values
    off = [w for w, value in zip(gate.all_controls, values, strict=True) if not value]
    if off:
        flip = _of_kind(gates, GateKind("X", turns=() if gates.discrete else None))
        if flip is None:
            return None
        for wire in off:
            made, phase_of_it = _gates(flip, (), [wire], gate.line)
            around += made
            phase += 2 * phase_of_it
    made, own_phase = _gates(placed, step.params, wires, gate.line)
    return [*around, *made, *around], phase + own_phase


@cache
def _own_controls(name: str) -> int | None:
    return GATES[name].num_controls


def _of_kind(gates: GateSet, kind: GateKind) -> Sequence[Placed] | None:
    return gates.placed(kind)


def _gates(
    placed: Sequence[Placed], params: Sequence[Any], wires: Sequence[int], line: Any
) -> tuple[list[Gate], float]:
    """Return gates on wires at parameters, and the phase that is known."""
    made: list[Gate] = []
    phase = 0.0
    for each in placed:
        angles = [_angle(param, params) for param in each.params]
        if each.name == PHASE and not each.wires and isinstance(angles[0], float):
            phase += angles[0]
            continue
        on = [wires[wire] for wire in each.wires]
        split = 0
        own = _own_controls(each.name)
        if own is not None:
            split = each.kind.num_controls - own
        made.append(
            Gate(
                each.name,
                on[split:],
                *angles,
                adjoint=each.kind.adjoint,
                static=dict(each.kind.static),
                controls=on[:split],
                line=line,
            )
        )
    return made, phase


def _angle(param: Angle | float, params: Sequence[Any]) -> Any:
    return substituted(param, params)
