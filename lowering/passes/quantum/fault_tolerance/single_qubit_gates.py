"""Gates on one qubit between others: with fewer rotations, or without any."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce

from qjit.dialects.gates.fourier import ComplexMatrix
from qjit.lowering.passes.circuits.angles import eighths_of
from qjit.lowering.passes.circuits.circuit import Circuit, Instruction
from qjit.lowering.passes.circuits.gates import Gate, name_of, named_gate
from qjit.lowering.passes.circuits.parameters import parameter
from qjit.lowering.passes.circuits.phases import (
    NOTHING,
    phase_gates,
    rotation_angle,
    rotation_gates,
    total,
)
from qjit.lowering.passes.quantum.cancellation.combine_global_phases import (
    CombineGlobalPhasesPass,
)
from qjit.lowering.passes.unitaries.clifford_t.bloch_matrices import (
    GATES,
    IDENTITY,
    BlochMatrix,
)
from qjit.lowering.passes.unitaries.clifford_t.gridsynth import approximate_rz
from qjit.lowering.passes.unitaries.clifford_t.normal_forms import (
    eighth_between,
    normal_form,
)

from .rotation_runs import GatesWithPhase, fewer_rotations

# Gates on one wire, and what takes their place; or nothing.
Rewritten = Callable[[list[Gate]], GatesWithPhase | None]


def with_few_rotations(circuit: Circuit) -> Circuit:
    """Return a circuit where rotations on a qubit are merged, and are RZ."""
    return _rewritten(circuit, _is_single, _merged)


def with_rotations_approximated(circuit: Circuit, epsilon: float) -> Circuit:
    """Return a circuit where each RZ of a known angle is Clifford gates and T.

    Gates around these are multiplied with them.
    """

    def approximated(gates: list[Gate]) -> GatesWithPhase | None:
        return _multiplied(gates, epsilon)

    return CombineGlobalPhasesPass().rewrite(
        _rewritten(circuit, _is_exact, approximated)
    )


def is_rotation(gate: Gate) -> bool:
    """Tell whether a gate is one that Clifford gates and T only come close to."""
    return gate.name == "RZ" and gate.angle.known is not None


def _rewritten(
    circuit: Circuit, in_run: Callable[[Gate], bool], rewritten: Rewritten
) -> Circuit:
    """Return a circuit with other gates for each run on one wire."""
    runs: dict[int, list[Gate]] = {}
    new: list[Instruction] = []
    phase, changed = NOTHING, False

    def finish(wire: int) -> None:
        nonlocal phase, changed
        gates = runs.pop(wire, [])
        found = rewritten(gates) if gates else None
        if found is not None:
            line = next((each.line for each in gates if each.line is not None), None)
            gates = [_at_line(each, line) for each in found[0]]
            phase = total(phase, found[1])
            changed = True
        new.extend(gates)

    for each in circuit:
        if isinstance(each, Gate) and in_run(each):
            runs.setdefault(each.wires[0], []).append(each)
            continue
        for wire in each.all_wires:
            finish(wire)
        new.append(each)
    for wire in list(runs):
        finish(wire)
    if not changed:
        return circuit
    return circuit.of([*new, *phase_gates(phase)])


def _at_line(gate: Gate, line: int | None) -> Gate:
    return Gate(gate.name, gate.wires, *gate.params, adjoint=gate.adjoint, line=line)


def _is_single(gate: Gate) -> bool:
    """Tell whether a gate is a Clifford gate on one qubit, T, or RZ."""
    if len(gate.wires) != 1 or gate.controls:
        return False
    return gate.name == "RZ" or name_of(gate) in GATES


def _is_exact(gate: Gate) -> bool:
    """Tell whether a gate is known to be, or to become, Clifford gates and T."""
    return _is_single(gate) and (name_of(gate) in GATES or is_rotation(gate))


def _merged(gates: list[Gate]) -> GatesWithPhase | None:
    return fewer_rotations(gates) or _named(gates)


def _named(gates: list[Gate]) -> GatesWithPhase | None:
    """Return gates where rotations by multiples of pi/4 have names, if any do."""
    found: list[Gate] = []
    phase = NOTHING
    for gate in gates:
        known = gate.angle.known if gate.name == "RZ" else None
        if known is None or eighths_of(known) is None:
            found.append(gate)
            continue
        named, more = rotation_gates(rotation_angle(gate)[0], gate.wires[0])
        found += named
        phase = total(phase, more)
    return None if found == gates else (found, phase)


def _multiplied(gates: list[Gate], epsilon: float) -> GatesWithPhase | None:
    """Return the normal form of gates, if it is shorter or there was a rotation."""
    wire = gates[0].wires[0]
    factors = [_factor(gate, epsilon) for gate in gates]
    bloch = reduce(lambda before, each: each[0] @ before, factors, IDENTITY)
    found = normal_form(bloch)
    if not any(map(is_rotation, gates)):
        count = sum(gate.name == "T" for gate in gates)
        if (bloch.exponent, len(found)) >= (count, len(gates)):
            return None
    matrix = reduce(lambda before, each: each[1] @ before, factors[1:], factors[0][1])
    made = [named_gate(name, wire) for name in found]
    return made, parameter(eighth_between(found, matrix))


def _factor(gate: Gate, epsilon: float) -> tuple[BlochMatrix, ComplexMatrix]:
    if is_rotation(gate):
        found = approximate_rz(rotation_angle(gate)[0].known or 0.0, epsilon)
        return found.bloch, found.matrix
    return GATES[name_of(gate)], gate.matrix({})
