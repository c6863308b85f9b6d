"""The pass `to-pauli-products`: circuits as rotations about Pauli words."""

from __future__ import annotations

from collections.abc import Sequence

from qjit.lowering.passes.circuits.circuit import Circuit
from qjit.lowering.passes.circuits.circuit_pass import CircuitPass
from qjit.lowering.passes.circuits.gates import Gate

from .clifford_circuits import clifford_gates
from .merging import merged
from .pauli_program import PauliProgram, pauli_rotation, read_gates, rewrite_gates


class ToPauliProductsPass(CircuitPass):
    """Write circuits as rotations PauliRot, and Clifford gates at the end.

    What a rotation passes on its way to the beginning changes its word. Rotations about
    equal words merge, and those by multiples of pi/2 go to the end as Clifford gates
    (Litinski, arXiv:1808.02892; Zhang and Chen, arXiv:1903.12456).
    """

    name = "to-pauli-products"

    def rewrite(self, circuit: Circuit) -> Circuit:
        """Rewrite the gates between operations that stay as they are."""
        return rewrite_gates(circuit, _products)


def _products(
    gates: Sequence[Gate], num_wires: int
) -> tuple[list[Gate], list[int]] | None:
    """Return the products of gates, None if they are in this form."""
    program = read_gates(gates, num_wires)
    found = merged(program)
    if found is program and _is_written(gates, program):
        return None
    made, output = clifford_gates(found.frame)
    rotations = [pauli_rotation(each) for each in found.rotations]
    return [*rotations, *made, *found.end(made, output)], output


def _is_written(gates: Sequence[Gate], program: PauliProgram) -> bool:
    """Tell whether all rotations of gates come first, each as one gate."""
    count = len(program.rotations)
    first = gates[:count]
    return (
        len(first) == count
        and all(
            gate.name == "PauliRot"
            and not gate.controls
            and not gate.adjoint
            and not set(gate.static["pauli_word"]) & {"I"}
            for gate in first
        )
        and not any(read_gates(gates[count:], program.num_wires).rotations)
    )
