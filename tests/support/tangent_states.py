"""The definition of the adjoint method's gradients: tangents are carried along a state.

A gate with slots changes the state by its derivative in each of them; what comes after
acts on these tangents as it does on the state.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from xdsl.interpreter import Interpreter, PythonValues, impl, register_impls

from qjit.dialects import batch, gradient, quantum
from qjit.dialects.gates import GATES
from qjit.dialects.gates.record import PAULIS
from qjit.dialects.interpreter.quantum import (
    Array,
    QuantumFunctions,
    Register,
    matrix_on,
)


class TangentRegister(Register):
    """A state, and its derivative by what each slot stands for."""

    def __init__(self, state: Array, axes: list[int]) -> None:
        super().__init__(state, axes)
        self.tangents: dict[int, Array] = {}

    def apply(
        self, matrix: Array, targets: Sequence[int], controls: Mapping[int, int]
    ) -> None:
        """Multiply the state and all tangents."""
        state = self.state
        for slot, tangent in self.tangents.items():
            self.state = tangent
            super().apply(matrix, targets, controls)
            self.tangents[slot] = self.state
        self.state = state
        super().apply(matrix, targets, controls)

    def derivative(
        self, matrix: Array, targets: Sequence[int], controls: Mapping[int, int]
    ) -> Array:
        """Return the state times a matrix, where the controls have values, or zero."""
        changed = Register(self.state, self.axes)
        changed.apply(matrix + np.eye(len(matrix)), targets, controls)
        return changed.state - self.state


@register_impls
class TangentFunctions(QuantumFunctions):
    """The operations of circuits of which gradients are taken."""

    def register(self, state: Array) -> Register:
        """Return a register that carries tangents."""
        return TangentRegister(state, list(range(state.ndim)))

    @impl(quantum.GateOp)
    def run_gate(
        self, interpreter: Interpreter, op: quantum.GateOp, args: PythonValues
    ) -> PythonValues:
        """Apply the gate, and add its derivatives."""
        count = len(op.params)
        params, slots = args[:count], args[count : count + len(op.slots)]
        qubits = args[count + len(op.slots) :]
        split = len(op.targets)
        controls = {
            qubit.axis: value
            for qubit, value in zip(qubits[split:], op.control_pattern, strict=True)
        }
        record, register = GATES[op.gate.data], qubits[0].register
        targets = [qubit.axis for qubit in qubits[:split]] if record.num_targets else []
        added: list[Array] = []
        for matrix in record.derivatives(params, **op.static) if slots else ():
            own = matrix if op.adjoint is None else matrix.conj().T
            added.append(register.derivative(own, targets, controls))
        super().run_gate(interpreter, op, args)
        for slot, change in zip(slots, added, strict=True):
            register.tangents[slot] = register.tangents.get(slot, 0) + change
        return qubits

    @impl(batch.ForEachOp)
    def run_batch(
        self, interpreter: Interpreter, op: batch.ForEachOp, args: PythonValues
    ) -> PythonValues:
        """Call the function once for each number."""
        for number in range(args[-1]):
            interpreter.call_op(op.function, (*args[:-1], number))
        return ()

    @impl(gradient.AdjointOp)
    def run_adjoint(
        self, interpreter: Interpreter, op: gradient.AdjointOp, args: PythonValues
    ) -> PythonValues:
        """Take twice the real part of <bra|tangent>."""
        register, destination = args[0], args[-1]
        bra = np.zeros_like(register.state)
        for weights, terms in zip(args[1 : 1 + len(op.weights)], op.terms, strict=True):
            for weight, term in zip(weights, terms, strict=True):
                bra += weight * _image(register, term)
        for slot, tangent in register.tangents.items():
            change = tangent.transpose(register.axes)
            destination[slot] += 2 * np.vdot(bra, change).real
        return ()


def _image(register: Register, term: Any) -> Array:
    """Return a product of Paulis times a state, its wires in order."""
    found = register.by_wire()
    for wire, letter in enumerate(term.word.data):
        found = matrix_on(found, PAULIS[letter], [wire])
    return found
