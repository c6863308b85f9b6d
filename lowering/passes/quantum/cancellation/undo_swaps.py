"""The pass `undo-swaps`: a SWAP is another order of the wires after it."""

from qjit.lowering.passes.circuits.circuit import Circuit, Instruction
from qjit.lowering.passes.circuits.circuit_pass import CircuitPass
from qjit.lowering.passes.circuits.gates import Gate


class UndoSwapsPass(CircuitPass):
    """Exchange wires in the place of SWAP gates, those under controls excepted."""

    name = "undo-swaps"

    def rewrite(self, circuit: Circuit) -> Circuit:
        """Let the gates after a SWAP act on the wires where their qubits are."""
        at = {wire: wire for wire in range(circuit.num_wires)}
        kept: list[Instruction] = []
        for each in circuit:
            if _is_swap(each):
                one, other = each.all_wires
                at[one], at[other] = at[other], at[one]
            else:
                kept.append(each.on(at))
        if len(kept) == len(circuit):
            return circuit
        return circuit.of(kept, [at[wire] for wire in circuit.output])


def _is_swap(each: Instruction) -> bool:
    return isinstance(each, Gate) and each.record.name == "SWAP" and not each.controls
