"""The pass `single-qubit-fusion`: neighbours on one qubit are one gate."""

from qjit.lowering.passes.circuits.circuit import Circuit, Instruction
from qjit.lowering.passes.circuits.circuit_pass import CircuitPass
from qjit.lowering.passes.circuits.gates import Gate
from qjit.lowering.passes.circuits.parameters import AffineForm
from qjit.lowering.passes.circuits.phases import phase_gates

from .single_qubit_runs import Run


class SingleQubitFusionPass(CircuitPass):
    """Fuse gates on one qubit: U = e^(i a) RZ(w) RY(t) RZ(p), or shorter.

    Known gates become one rotation, PhaseShift or Rot. Gates whose angles are not known
    merge where they turn about the same axis, after Clifford gates between are moved.
    """

    name = "single-qubit-fusion"

    def rewrite(self, circuit: Circuit) -> Circuit:
        """Fuse each run where fewer gates are left; phases are one at the end."""
        runs: dict[int, list[Gate]] = {}
        phase = AffineForm()
        new: list[Instruction] = []

        def finish(wire: int) -> None:
            nonlocal phase
            gates = runs.pop(wire, [])
            fused, more = fuse(gates)
            if len(fused) < len(gates):
                phase += more
                gates = fused
            new.extend(gates)

        for each in circuit:
            wires = each.all_wires
            if isinstance(each, Gate) and len(wires) == 1 and not each.all_controls:
                runs.setdefault(wires[0], []).append(each)
                continue
            for wire in wires:
                finish(wire)
            new.append(each)
        for wire in list(runs):
            finish(wire)
        new += phase_gates(phase.shortest().expression())
        return circuit.of(new) if len(new) < len(circuit) else circuit


def fuse(gates: list[Gate]) -> tuple[list[Gate], AffineForm]:
    """Return fewer gates on the same wire, and the angle of the phase before them."""
    if len(gates) < 2 and not all(gate.record.name == "I" for gate in gates):
        return gates, AffineForm()
    run = Run()
    for gate in gates:
        run.add(gate)
    line = next((gate.line for gate in gates if gate.line is not None), None)
    found = run.gates(gates[0].wires[0]) if gates else []
    placed = [
        Gate(each.name, each.wires, *each.params, adjoint=each.adjoint, line=line)
        for each in found
    ]
    return placed, run.phase
