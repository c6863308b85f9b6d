"""The pass `disentangle-swap`: a SWAP of known states needs fewer CNOTs, or none."""

from __future__ import annotations

import numpy as np

from qjit.dialects.gates.fourier import ComplexMatrix
from qjit.lowering.passes.circuits.circuit import Circuit, Instruction
from qjit.lowering.passes.circuits.circuit_pass import CircuitPass
from qjit.lowering.passes.circuits.gates import Gate
from qjit.lowering.passes.circuits.phases import phase_gates

from .wire_states import WireStates, gates_between

ZERO = np.array([1, 0], np.complex128)


class DisentangleSwapPass(CircuitPass):
    """Write SWAP with a known state as two CNOTs, or as one-qubit gates (2012.07711).

    Where both states are known, each wire gets the other's; where one is, it is turned
    to |0>, which two CNOTs move.
    """

    name = "disentangle-swap"

    def rewrite(self, circuit: Circuit) -> Circuit:
        """Replace SWAPs of which a state is known."""
        if not circuit.fresh:
            return circuit
        states = WireStates(circuit)
        new: list[Instruction] = []
        for each in circuit:
            if isinstance(each, Gate) and each.name == "SWAP" and not each.controls:
                new += _exchanged(each, states)
            else:
                new.append(each)
            states.apply(each)
        return circuit if new == list(circuit) else circuit.of(new)


def _exchanged(swap: Gate, states: WireStates) -> list[Gate]:
    """Return gates that exchange two wires, of which a state may be known."""
    first, second = swap.wires
    one, other = states[first], states[second]
    if one is not None and other is not None:
        there, phase = gates_between(one, other, first)
        back, more = gates_between(other, one, second)
        return [*there, *back, *phase_gates(phase + more)]
    if one is not None:
        return _moved(one, first, second)
    return [swap] if other is None else _moved(other, second, first)


def _moved(state: ComplexMatrix, known: int, wire: int) -> list[Gate]:
    """Return gates that exchange a wire of known state with another."""
    enter, phase = gates_between(state, ZERO, known)
    leave, more = gates_between(ZERO, state, wire)
    flips = [Gate("CNOT", (wire, known)), Gate("CNOT", (known, wire))]
    return [*enter, *flips, *leave, *phase_gates(phase + more)]
