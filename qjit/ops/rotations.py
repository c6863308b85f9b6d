"""Rotations of any number of wires."""

from typing import Any

from qjit.diagnostics.keywords import keywords
from qjit.dialects.gates import GATES
from qjit.errors import ParameterError
from qjit.lowering.jax_internals.tracing import user_line
from qjit.ops.algebra.gates import Gate
from qjit.ops.algebra.operator import Operator
from qjit.tracing.wires import Wire, Wires

from .operations import as_angle, operator_function, wires_of


@keywords("id")
@operator_function
def MultiRZ(theta: Any, wires: Wires) -> Operator:
    """Apply exp(-i theta/2 Z...Z).

    Args:
        theta: angle in radians, a real scalar.
        wires: any number of wires, static or traced.

    Raises:
        WireError: for wires that repeat or are out of range.
        ParameterError: for an angle that is no real scalar.

    >>> import qjit as qj
    >>> @qj.qnode(wires=2)
    ... def circuit():
    ...     qj.H(0)
    ...     qj.H(1)
    ...     qj.MultiRZ(0.3, wires=[0, 1])
    ...     return qj.expval(qj.X(0))
    >>> print(f"{circuit():.4f}")  # cos(0.3)
    0.9553
    """
    on = wires_of(wires, "MultiRZ")
    return _rotation("MultiRZ", theta, on, None)


@keywords("id")
@operator_function
def PauliRot(theta: Any, pauli_word: str, wires: Wires) -> Operator:
    """Apply exp(-i theta/2 P) for a Pauli word P.

    Args:
        theta: angle in radians, a real scalar.
        pauli_word: one letter I, X, Y or Z for each wire, such as "XIY".
        wires: as many wires, static or traced.

    Raises:
        ParameterError: for a word of another length or with other letters.
        WireError: for wires that repeat or are out of range.

    >>> import qjit as qj
    >>> @qj.qnode(wires=2)
    ... def circuit():
    ...     qj.PauliRot(0.3, "XY", wires=[0, 1])
    ...     return qj.expval(qj.Z(0))
    >>> print(f"{circuit():.4f}")  # cos(0.3)
    0.9553
    """
    on = wires_of(wires, "PauliRot")
    if len(pauli_word) != len(on) or set(pauli_word) - set("IXYZ"):
        raise ParameterError(
            f"{user_line()}: PauliRot on {len(on)} wire(s) takes a word of as many "
            f"letters I, X, Y, Z, but got {pauli_word!r}."
        )
    return _rotation("PauliRot", theta, on, pauli_word)


def _rotation(
    name: str, theta: Any, on: tuple[Wire, ...], word: str | None
) -> Operator:
    angle = as_angle(theta, name)
    return Gate(GATES[name], (angle,), (), on, word=word)


@keywords("id")
@operator_function
def PCPhase(phi: Any, dim: int, wires: Wires) -> Operator:
    """Apply e^{i phi} to the first `dim` basis states and e^{-i phi} to the rest.

    Args:
        phi: angle in radians, a real scalar.
        dim: number of basis states, from 0 to 2**k; known when tracing.
        wires: k wires, static or traced.

    Raises:
        ParameterError: for a `dim` out of range.
        WireError: for wires that repeat or are out of range.

    >>> import qjit as qj
    >>> @qj.qnode(wires=1)
    ... def circuit():
    ...     qj.H(0)
    ...     qj.PCPhase(0.3, dim=1, wires=[0])
    ...     return qj.expval(qj.X(0))
    >>> print(f"{circuit():.4f}")  # cos(0.6)
    0.8253
    """
    on = wires_of(wires, "PCPhase")
    if not 0 <= int(dim) <= 2 ** len(on):
        raise ParameterError(
            f"{user_line()}: PCPhase on {len(on)} wire(s) takes dim from 0 to "
            f"{2 ** len(on)}, but got {dim}."
        )
    angle = as_angle(phi, "PCPhase")
    return Gate(GATES["PCPhase"], (angle,), (), on, dim=int(dim))
