"""`from_qiskit`: quantum functions of circuits of Qiskit."""

from collections.abc import Callable
from typing import Any

from qjit.errors import ArgumentError
from qjit.lowering.jax_internals.tracing import user_line


def from_qiskit(circuit: Any) -> Callable[..., dict[str, Any]]:
    """Return the quantum function of a circuit of Qiskit.

    Args:
        circuit: a `qiskit.QuantumCircuit`, which is copied.

    Returns:
        A function to be called in a quantum function. It takes values for the circuit's
        parameters, by name or in the order of `circuit.parameters`, an array for a
        vector of them, and then for its input variables. It applies the circuit to the
        wires 0, 1, ..., and returns a dictionary of its classical registers by name:
        arrays of measured booleans, `c[0]` first, for `qjit.sample`, `qjit.counts` and
        others. Bits of no register are together under the name "clbits". Its attributes
        are `num_qubits`, the names of `inputs`, and `bits`, the number of bits of each
        register by name.

    Raises:
        QiskitCircuitError: for an instruction that has no meaning here, with its
            position in the circuit.
        ArgumentError: for what is no circuit.

    >>> import qjit as qj
    >>> from qiskit.circuit import Parameter, QuantumCircuit  # doctest: +SKIP
    >>> theta, source = Parameter("theta"), QuantumCircuit(2, 1)  # doctest: +SKIP
    >>> source.ry(theta, 0)  # doctest: +SKIP
    >>> source.measure(0, 0)  # doctest: +SKIP
    >>> with source.if_test((source.clbits[0], True)):  # doctest: +SKIP
    ...     source.x(1)
    >>> circuit = qj.from_qiskit(source)  # doctest: +SKIP
    >>> circuit.num_qubits, circuit.inputs, circuit.bits  # doctest: +SKIP
    (2, ('theta',), {'c': 1})
    >>> @qj.qnode(wires=2)
    ... def probabilities(angle):
    ...     circuit(angle)
    ...     return qj.probs(wires=1)
    >>> print(probabilities(3.141592653589793).round(3))  # doctest: +SKIP
    [0. 1.]
    """
    if not any(
        each.__name__ == "QuantumCircuit" and each.__module__.startswith("qiskit.")
        for each in type(circuit).__mro__
    ):
        raise ArgumentError(
            f"{user_line()}: from_qiskit takes a qiskit.QuantumCircuit, but got "
            f"{type(circuit).__name__}. Read OpenQASM with qjit.from_qasm."
        )
    # Imported on demand, as few programs need it.
    from .circuit import circuit_of

    return circuit_of(circuit)
