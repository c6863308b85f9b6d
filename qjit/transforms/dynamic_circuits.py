"""Quantum functions that measure at the end only, or use measured qubits again."""

from typing import Any

from qjit.diagnostics.numbers import checked_integer

from .quantum_functions import with_pass


def defer_measurements(function: Any = None, *, num_wires: int | None = None) -> Any:
    """Return a quantum function whose measurements on the way are at its end.

    What is done on an outcome is done under the control of its qubit instead, and a
    measured qubit that is used on or reset takes a further wire. What an outcome
    decides in another way, such as the length of a loop, is measured before that.

    Args:
        function: the quantum function; without it, a decorator is returned.
        num_wires: the most wires that there may be then; by default, any number.

    Returns:
        A quantum function with the same results; the given one stays as it was.

    Raises:
        ArgumentError: for what is no quantum function.
        ParameterError: for what is no number of wires.

    >>> import qjit as qj
    >>> @qj.defer_measurements
    ... @qj.qnode(wires=2)
    ... def circuit():
    ...     qj.Hadamard(0)
    ...     qj.cond(qj.measure(0), qj.X)(1)
    ...     return qj.expval(qj.Z(1))
    >>> '"CNOT"' in qj.qjit(circuit).stages()["qnode-passes"]
    True
    """
    step = "defer-measurements"
    if num_wires is not None:
        most = checked_integer("defer_measurements", "num_wires", num_wires, 1)
        step += f"{{wires={most}}}"
    return with_pass("defer_measurements", function, step)


def reuse_qubits(function: Any = None) -> Any:
    """Return a quantum function on fewer wires, which it uses after measuring them.

    Gates are done in another order, so that qubits are measured early; those that are
    not needed any more are reset, and stand for wires that begin later. Gates under
    control of qubits that are measured then are done on outcomes, where that saves
    wires. Wires that measurements at the end look at stay: measure by `measure` what is
    to be used again.

    Args:
        function: the quantum function; without it, a decorator is returned.

    Returns:
        A quantum function with the same results; the given one stays as it was.

    Raises:
        ArgumentError: for what is no quantum function.

    >>> import qjit as qj
    >>> @qj.reuse_qubits
    ... @qj.qnode(wires=4)
    ... def ghz():
    ...     qj.Hadamard(0)
    ...     for wire in range(3):
    ...         qj.CNOT([wire, wire + 1])
    ...     return qj.probs(op=[qj.measure(wire) for wire in range(4)])
    >>> "quantum.reg<1>" in qj.qjit(ghz).stages()["qnode-passes"]
    True
    """
    return with_pass("reuse_qubits", function, "reuse-qubits")
