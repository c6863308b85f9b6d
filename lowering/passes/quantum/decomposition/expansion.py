"""Gates of a circuit, and the gates of a set that take their place."""

import cmath
from collections.abc import Sequence
from functools import cache
from math import pi
from typing import Any

import numpy as np

from qjit.dialects.gates import GATES
from qjit.dialects.gates.fourier import Angle
from qjit.lowering.passes.circuits.gates import Gate

from .gate_kinds import GateKind, KindStep, substituted, turns_of
from .gate_set import PHASE, GateSet, Placed

CLOSE = 1e-14
FLIP = GateKind("X", turns=None)


def kind_of(gate: Gate, gates: GateSet) -> GateKind:
    """Return the kind of a gate without the adjoint flag, where it can be without."""
    return _step(gate, gates, 0).kind


def quarter_turns(gate: Gate, gates: GateSet) -> tuple[list[Gate], float] | None:
    """Return RZ, SX and RZ, or RZ and X, and GlobalPhase's angle, if they make a gate.

    Turns by pi/2 and pi about an axis need one SX or X. RZ(w) RY(pi/2) RZ(p) is
    RZ(w + pi/2) RX(pi/2) RZ(p - pi/2), and RZ(w) RY(pi) RZ(p) is i X RZ(pi + p - w).
    """
    if len(gate.all_wires) != 1 or not {"RZ", "SX", "X"} <= gates.names:
        return None
    if any(param.known is None for param in gate.params):
        return None
    matrix = gate.matrix({})
    a, b = complex(matrix[0, 0]), complex(matrix[1, 0])
    alpha = cmath.phase(np.linalg.det(matrix)) / 2
    difference = cmath.phase(b) - alpha
    if abs(a) < CLOSE:
        made = _rotation(gate, pi - 2 * difference)
        return [*made, Gate("X", gate.wires, line=gate.line)], -alpha - pi / 2
    if abs(abs(a) - abs(b)) > CLOSE:
        return None
    half_sum = alpha - cmath.phase(a)
    before = _rotation(gate, half_sum - difference - pi / 2)
    after = _rotation(gate, half_sum + difference + pi / 2)
    return [*before, Gate("SX", gate.wires, line=gate.line), *after], pi / 4 - alpha


def _rotation(gate: Gate, angle: float) -> list[Gate]:
    """Return RZ, unless there is nothing to turn."""
    if abs(angle) < CLOSE:
        return []
    return [Gate("RZ", gate.wires, angle, line=gate.line)]


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


@cache
def gates_of_swap(names: frozenset[str]) -> Sequence[Gate] | None:
    """Return the gates of a set that swap wires 0 and 1, up to a phase, if there are.

    >>> [gate.name for gate in gates_of_swap(frozenset({"CNOT"}))]
    ['CNOT', 'CNOT', 'CNOT']
    """
    found = expanded(Gate("SWAP", (0, 1)), GateSet(names | {PHASE}), ())
    return None if found is None else found[0]
