"""Measurements of products of Paulis in the middle of circuits."""

import jax

from qjit.dialects.gates.pauli_parity import parity_gates
from qjit.errors import MeasurementError
from qjit.lowering.jax_internals.tracing import user_line
from qjit.ops.modifiers import adjoint
from qjit.ops.operations import FIXED_ARITY_GATES
from qjit.tracing.context import current
from qjit.tracing.wires import Wires, as_bit, as_wires

from .measurements import measure


def pauli_measure(
    pauli_word: str, wires: Wires, postselect: int | None = None
) -> jax.Array:
    """Measure a product of Paulis in the middle of a circuit, and nothing more.

    Gates bring the parity of the letters to the last wire, which is measured, and are
    undone: the state is projected on the eigenspace of the outcome.

    Args:
        pauli_word: one letter I, X, Y or Z for each wire, not all of them I.
        wires: the wires, static or traced.
        postselect: keep only this outcome, 0 or 1, as `measure` does.

    Returns:
        The outcome, 0 for the eigenvalue 1 and 1 for -1, as `measure` returns it.

    Raises:
        MeasurementError: for a word that has other letters, or not one for each wire.

    >>> import qjit as qj
    >>> @qj.qnode(wires=2)
    ... def bell_state():
    ...     qj.pauli_measure("XX", [0, 1], postselect=0)
    ...     return qj.expval(qj.Z(0) @ qj.Z(1)), qj.expval(qj.X(0) @ qj.X(1))
    >>> print("{:.1f} {:.1f}".format(*bell_state()))
    1.0 1.0
    """
    on = as_wires(wires, current("pauli_measure"), "pauli_measure")
    if not _is_word(pauli_word, len(on)):
        raise MeasurementError(
            f"{user_line()}: pauli_measure on {len(on)} wires takes a word of "
            f"{len(on)} of the letters I, X, Y, Z, not all of them I, but got "
            f"{pauli_word!r}."
        )
    if postselect is not None:
        postselect = as_bit(postselect, "postselect", MeasurementError)
    steps, place = parity_gates(pauli_word)
    gates = [(FIXED_ARITY_GATES[name], [on[k] for k in at]) for name, at in steps]
    for gate, at in gates:
        gate(wires=at)
    outcome = measure(on[place], postselect=postselect)
    for gate, at in reversed(gates):
        adjoint(gate)(wires=at)
    return outcome


def _is_word(word: str, length: int) -> bool:
    return len(word) == length and set(word) <= set("IXYZ") and set(word) != {"I"}
