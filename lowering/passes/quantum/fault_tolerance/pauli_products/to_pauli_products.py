"""The pass `to-pauli-products`: circuits as rotations about Pauli words."""

from __future__ import annotations

from itertools import takewhile

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp

from qjit.lowering.passes.circuits.blocks import rewrite_circuits
from qjit.lowering.passes.circuits.circuit import Circuit, Measurement
from qjit.lowering.passes.circuits.circuit_pass import CircuitPass
from qjit.lowering.passes.circuits.gates import Gate

from .clifford_circuits import clifford_gates
from .merging import merged
from .pauli_program import PauliProgram, Segment, read_gates, rewrite_gates, written


class ToPauliProductsPass(CircuitPass):
    """Write circuits as rotations PauliRot, and Clifford gates at the end.

    What a rotation passes on its way to the beginning changes its word. Rotations about
    equal words merge, and those by multiples of pi/2 go to the end as Clifford gates
    (Litinski, arXiv:1808.02892; Zhang and Chen, arXiv:1903.12456). They pass
    measurements, too, which are of words then.
    """

    name = "to-pauli-products"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Rewrite each circuit of a module, with the measurements in it."""
        rewrite_circuits(op, self.rewrite, measured=True)

    def rewrite(self, circuit: Circuit) -> Circuit:
        """Rewrite what is between operations that stay as they are."""
        return rewrite_gates(circuit, _products)


def _products(
    segment: Segment, num_wires: int
) -> tuple[list[Gate | Measurement], list[int]] | None:
    """Return the products of a segment, None if it is in this form."""
    program = read_gates(segment, num_wires)
    found = merged(program)
    if found is program and _is_written(segment, program):
        return None
    made, output = clifford_gates(found.frame)
    return [*map(written, found.steps), *made, *found.end(made, output)], output


def _is_written(segment: Segment, program: PauliProgram) -> bool:
    """Tell whether rotations and measurements come first, each by itself."""
    return len(list(takewhile(_is_step, segment))) == len(program.steps)


def _is_step(each: Gate | Measurement) -> bool:
    if isinstance(each, Measurement):
        return True
    word = each.static.get("pauli_word", "I")
    return "I" not in word and not each.controls and not each.adjoint
