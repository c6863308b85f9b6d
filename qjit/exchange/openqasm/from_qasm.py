"""`from_qasm`: quantum functions of OpenQASM texts."""

from collections.abc import Callable
from typing import Any

from qjit.errors import ArgumentError
from qjit.lowering.jax_internals.tracing import user_line


def from_qasm(text: str) -> Callable[..., dict[str, Any]]:
    """Return the quantum function of an OpenQASM program, of version 3 or 2.

    Args:
        text: the program. It includes `stdgates.inc` in version 3, or `qelib1.inc` in
            version 2, and no other file.

    Returns:
        A function to be called in a quantum function. It takes the program's inputs,
        by name or in the order of their declaration, applies the program to the wires
        0, 1, ... in the order in which qubits are declared (physical qubits are wires
        themselves), and returns a dictionary of the program's outputs by name: those
        declared as `output`, or all bits and registers of bits, c[0] first. They are
        measured values, for `qjit.sample`, `qjit.counts` and others. Its attributes are
        `num_qubits`, the names of `inputs`, and `bits`, the number of bits of each
        register by name.

    Raises:
        QasmError: for what cannot be read or has no meaning, with its line and column.
        MissingPackageError: if the parser is not installed.

    >>> import qjit as qj
    >>> circuit = qj.from_qasm('''
    ...     OPENQASM 3.0;
    ...     include "stdgates.inc";
    ...     input float angle_of_q;
    ...     qubit[2] q;
    ...     bit[2] c;
    ...     ry(angle_of_q) q[0];
    ...     c[0] = measure q[0];
    ...     if (c[0]) x q[1];
    ...     c[1] = measure q[1];
    ... ''')  # doctest: +SKIP
    >>> circuit.num_qubits, circuit.inputs, circuit.bits  # doctest: +SKIP
    (2, ('angle_of_q',), {'c': 2})
    >>> @qj.qnode(wires=2)
    ... def probabilities(angle):
    ...     return qj.probs(op=list(circuit(angle)["c"]))
    >>> print(probabilities(3.141592653589793).round(3))  # doctest: +SKIP
    [0. 0. 0. 1.]
    """
    if not isinstance(text, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ArgumentError(
            f"{user_line()}: from_qasm takes the text of a program, but got "
            f"{type(text).__name__}. Read a file with pathlib.Path(name).read_text()."
        )
    # Imported on demand, as few programs need it.
    from .circuit import circuit_of

    return circuit_of(text)
