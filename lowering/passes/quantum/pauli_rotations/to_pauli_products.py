"""The pass `to-pauli-products`: circuits as rotations about Pauli words."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp

from qjit.lowering.passes.circuits.blocks import rewrite_circuits
from qjit.lowering.passes.circuits.circuit import Circuit, Measurement
from qjit.lowering.passes.circuits.circuit_pass import CircuitPass
from qjit.lowering.passes.circuits.gates import Gate
from qjit.lowering.passes.circuits.regions import RegionCircuit, rewrite_regions

from .clifford_circuits import clifford_gates
from .merging import merged
from .pauli_program import is_step, read_gates, written


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
        return rewrite_regions(circuit, is_step, _products)


def _products(
    gates: Sequence[Gate | Measurement], num_wires: int
) -> RegionCircuit | None:
    """Return the products of a region, None if it is in this form."""
    program = merged(read_gates(gates, num_wires))
    products = [*map(written, program.steps)]
    if [*takewhile(_is_product, gates)] == products:
        return None
    made, output = clifford_gates(program.frame)
    return RegionCircuit([*products, *made], output, program.phase_with(made, output))


def _is_product(each: Gate | Measurement) -> bool:
    return isinstance(each, Measurement) or each.name == "PauliRot"
