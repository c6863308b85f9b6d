"""The pass `combine-global-phases`: the phases of a circuit are one."""

import math
from collections.abc import Hashable
from typing import TypeGuard

from qjit.lowering.passes.circuits.circuit import Circuit, Instruction
from qjit.lowering.passes.circuits.circuit_pass import CircuitPass
from qjit.lowering.passes.circuits.commutation import instructions_commute
from qjit.lowering.passes.circuits.gates import Gate, controlled_gate
from qjit.lowering.passes.circuits.parameters import AffineForm


class CombineGlobalPhasesPass(CircuitPass):
    """Sum up global phases, also under the same controls; multiples of 2 pi go.

    A phase commutes with every gate; under controls it is diagonal, and commutes with
    gates that are diagonal on them.
    """

    name = "combine-global-phases"

    def rewrite(self, circuit: Circuit) -> Circuit:
        """Write each sum where the first gate comes that it does not commute with."""
        sums: dict[Hashable, _Sum] = {}
        kept: list[Instruction] = []
        count = 0
        for each in circuit:
            if _is_phase(each):
                count += 1
                key = frozenset(
                    zip(each.all_controls, each.all_control_values, strict=True)
                )
                sums.setdefault(key, _Sum(each)).add(each)
                continue
            for key, found in list(sums.items()):
                if not instructions_commute(found.first, each):
                    kept += found.gates()
                    del sums[key]
            kept.append(each)
        kept += [gate for found in sums.values() for gate in found.gates()]
        return circuit if _count(kept) == count else circuit.of(kept)


class _Sum:
    """Phases under the same controls."""

    def __init__(self, first: Gate) -> None:
        self.first = first
        self.total = AffineForm()

    def add(self, gate: Gate) -> None:
        """Add the angle of a gate."""
        angle = gate.angle.affine
        assert angle is not None
        self.total += -angle if gate.adjoint else angle

    def gates(self) -> list[Gate]:
        """Return the phase that all are together, if it is one."""
        if self.total.is_zero(2 * math.pi):
            return []
        first, angle = self.first, self.total.shortest().expression()
        return [
            controlled_gate(
                "GlobalPhase",
                first.all_controls,
                (),
                angle,
                control_values=first.all_control_values,
                line=first.line,
            )
        ]


def _is_phase(each: Instruction) -> TypeGuard[Gate]:
    return isinstance(each, Gate) and each.base == "GlobalPhase"


def _count(instructions: list[Instruction]) -> int:
    return sum(map(_is_phase, instructions))
