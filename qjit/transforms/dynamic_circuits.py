"""Quantum functions that measure at the end only, or use measured qubits again."""

from typing import Any

from qjit.errors import ParameterError
from qjit.lowering.jax_internals.tracing import user_line

from .quantum_functions import with_pass


def defer_measurements(*given: Any, num_wires: int | None = None) -> Any:
    """Return a quantum function whose measurements on the way are at its end.

    What is done on an outcome is done under the control of its qubit instead, and a
    measured qubit that is used on or reset takes a further wire. What an outcome
    decides in another way, such as the length of a loop, is measured before that.

    Args:
        given: the quantum function; without one, a decorator is returned.
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
    if num_wires is not None and num_wires < 1:
        raise ParameterError(
            f"{user_line()}: defer_measurements takes at least 1 wire, but got "
            f"{num_wires}."
        )
    options = "" if num_wires is None else f"{{wires={num_wires}}}"
    return with_pass("defer_measurements", given, "defer-measurements" + options)


def reuse_qubits(*given: Any) -> Any:
    """Return a quantum function on fewer wires, which it uses after measuring them.

    Gates are done in another order, so that qubits are measured early; those that are
    not needed any more are reset, and stand for wires that begin later. Gates under
    control of qubits that are measured then are done on outcomes, where that saves
    wires. Wires that measurements at the end look at stay: measure by `measure` what is
    to be used again.

    Args:
        given: the quantum function; without one, a decorator is returned.

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
    return with_pass("reuse_qubits", given, "reuse-qubits")
