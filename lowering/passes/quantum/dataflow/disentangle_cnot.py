"""The pass `disentangle-cnot`: gates on known states are worth less than in general."""

from qjit.lowering.passes.circuits.circuit import Circuit, Instruction
from qjit.lowering.passes.circuits.circuit_pass import CircuitPass
from qjit.lowering.passes.circuits.gates import Gate

from .wire_states import WireStates


class DisentangleCnotPass(CircuitPass):
    """Drop controls and gates that known states make needless (arXiv:2012.07711).

    Qubits are in |0> where they were allocated or reset. A CNOT with control |0> or
    target |+> is nothing, with control |1> an X, with target |-> a Z; and so for all
    gates that leave one of their wires in a known state.
    """

    name = "disentangle-cnot"

    def rewrite(self, circuit: Circuit) -> Circuit:
        """Replace gates by what they do to the states that are known."""
        if not circuit.fresh:
            return circuit
        states = WireStates(circuit)
        new: list[Instruction] = []
        for each in circuit:
            found = [each]
            if isinstance(each, Gate) and each.all_wires:
                found = states.simplified(each)
            new += found
            for gate in found:
                states.apply(gate)
        return circuit if new == list(circuit) else circuit.of(new)
