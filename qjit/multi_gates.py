"""Gates on any number of wires, unitaries, and state preparations."""

from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from qjit.dialects.gates import GATES

from .context import current
from .errors import MatrixError, ParameterError, StateError, WireError
from .jax_internals import user_line
from .operations import (
    as_angle,
    as_array,
    batch_remedy,
    operator_function,
    wires_of,
)
from .ops.gates import Gate, global_phase, identity_on
from .ops.operator import Operator
from .ops.template import template
from .ops.unitaries import Unitary
from .preparations import state_vector
from .primitives import state_prep_p
from .traced_wires import in_front, indices
from .validation import bits, unitary_matrix
from .wires import (
    Wire,
    Wires,
    as_bit,
    as_wires,
    is_traced,
    static_positions,
)


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


@operator_function
def GlobalPhase(phi: Any, wires: Wires = None) -> Operator:
    """Multiply the state by e^{-i phi}; it matters under control.

    Args:
        phi: angle in radians, a real scalar.
        wires: accepted for symmetry with the other gates; it changes nothing.

    Raises:
        ParameterError: for an angle that is no real scalar.

    >>> import qjit as qj
    >>> @qj.qnode(wires=1)
    ... def circuit():
    ...     qj.H(0)
    ...     qj.ctrl(qj.GlobalPhase, control=0)(0.3)
    ...     return qj.expval(qj.X(0))
    >>> print(f"{circuit():.4f}")  # cos(0.3)
    0.9553
    """
    if wires is not None:
        wires_of(wires, "GlobalPhase")
    return global_phase(as_angle(phi, "GlobalPhase"))


@operator_function
def Identity(wires: Wires) -> Operator:
    """Do nothing; as an observable, the identity.

    Args:
        wires: any number of wires.

    Raises:
        WireError: for wires that repeat or are out of range.

    >>> import qjit as qj
    >>> @qj.qnode(wires=1)
    ... def circuit():
    ...     return qj.expval(2.5 * qj.I(0))
    >>> print(circuit())
    2.5
    """
    return identity_on(wires_of(wires, "Identity"))


@operator_function
def MultiControlledX(wires: Wires, control_values: Any = None) -> Operator:
    """Apply X to the last wire if the others have the control values.

    Args:
        wires: the controls, then the target; two wires or more.
        control_values: a bit for each control, such as [1, 0] or "10"; ones when left
            out.

    Raises:
        WireError: for fewer than two wires, or wires that repeat or are out of range.
        ParameterError: for another number of control values.

    >>> import qjit as qj
    >>> @qj.qnode(wires=3)
    ... def circuit():
    ...     qj.X(0)
    ...     qj.MultiControlledX(wires=[0, 1, 2], control_values="10")
    ...     return qj.expval(qj.Z(2))
    >>> print(circuit())
    -1.0
    """
    on = wires_of(wires, "MultiControlledX")
    if len(on) < 2:
        raise WireError(
            f"{user_line()}: MultiControlledX takes at least two wires: its controls, "
            f"then its target."
        )
    values = as_control_values(control_values, len(on) - 1)
    return Gate(GATES["X"], (), on[:-1], on[-1:], values)


def as_control_values(values: Any, count: int) -> tuple[bool, ...]:
    """Check control values, all ones when left out."""
    if values is None:
        return (True,) * count
    items = values if isinstance(values, str) or np.ndim(values) else [values]
    checked = tuple(as_bit(item, "control_values", ParameterError) for item in items)
    if len(checked) != count:
        raise ParameterError(
            f"{user_line()}: expected {count} control value(s), but got {len(checked)}."
        )
    return tuple(map(bool, checked))


@operator_function
def QubitUnitary(U: Any, wires: Wires) -> Operator:
    """Apply a unitary matrix to k wires.

    Args:
        U: complex array of shape (2**k, 2**k), known or traced.
        wires: the k wires; the first is the most significant.

    Returns:
        The applied gate, which `adjoint`, `ctrl` and `pow` take.

    Raises:
        MatrixError: if the shape is wrong, or the matrix is not unitary (checked at
            run time for a traced one).

    >>> import numpy as np
    >>> import qjit as qj
    >>> @qj.qnode(wires=1)
    ... def circuit():
    ...     qj.QubitUnitary(np.array([[0, 1], [1, 0]]), wires=0)
    ...     return qj.expval(qj.Z(0))
    >>> print(circuit())
    -1.0
    """
    on = wires_of(wires, "QubitUnitary")
    return unitary("QubitUnitary", U, on, (), (), diagonal=False)


@operator_function
def DiagonalQubitUnitary(D: Any, wires: Wires) -> Operator:
    """Apply a diagonal unitary to k wires.

    Args:
        D: its 2**k diagonal entries, a complex array of shape (2**k,), known or traced.
        wires: the k wires; the first is the most significant.

    Raises:
        MatrixError: if the shape is wrong, or an entry has not modulus one (checked at
            run time for a traced array).

    >>> import numpy as np
    >>> import qjit as qj
    >>> @qj.qnode(wires=1)
    ... def circuit():
    ...     qj.H(0)
    ...     qj.DiagonalQubitUnitary(np.array([1, -1]), wires=0)
    ...     return qj.expval(qj.X(0))
    >>> print(f"{circuit():.2f}")
    -1.00
    """
    on = wires_of(wires, "DiagonalQubitUnitary")
    return unitary("DiagonalQubitUnitary", D, on, (), (), diagonal=True)


@operator_function
def ControlledQubitUnitary(
    U: Any, wires: Wires, control_values: Any = None
) -> Operator:
    """Apply a unitary matrix to the last wires, controlled by the first ones.

    Args:
        U: complex array of shape (2**k, 2**k), known or traced.
        wires: the controls, then the k targets.
        control_values: a bit for each control; ones when left out.

    Raises:
        MatrixError: if the matrix does not fit, or is not unitary.
        ParameterError: for another number of control values.

    >>> import numpy as np
    >>> import qjit as qj
    >>> @qj.qnode(wires=2)
    ... def circuit():
    ...     qj.ControlledQubitUnitary(
    ...         np.array([[0, 1], [1, 0]]), wires=[0, 1], control_values=0
    ...     )
    ...     return qj.expval(qj.Z(1))
    >>> print(circuit())
    -1.0
    """
    on = wires_of(wires, "ControlledQubitUnitary")
    matrix = as_array(U, "ControlledQubitUnitary")
    size = np.shape(matrix)[-1] if np.ndim(matrix) else 0
    count = len(on) - max(int(size) - 1, 0).bit_length()
    if count < 0:
        raise MatrixError(
            f"{user_line()}: a {size}x{size} matrix does not fit on {len(on)} wire(s)."
        )
    values = as_control_values(control_values, count)
    return unitary(
        "ControlledQubitUnitary", matrix, on[count:], on[:count], values, False
    )


def unitary(
    name: str,
    matrix: Any,
    targets: tuple[Wire, ...],
    controls: tuple[Wire, ...],
    control_values: tuple[bool, ...],
    diagonal: bool,
    exponential: bool = False,
) -> Operator:
    """Return a matrix as a gate, or the exponential of a Hamiltonian."""
    matrix = as_array(matrix, name)
    side = 2 ** len(targets)
    expected = (side,) if diagonal else (side, side)
    if np.shape(matrix) != expected:
        raise MatrixError(
            f"{user_line()}: {name} on {len(targets)} target wire(s) takes an array of "
            f"shape {expected}, but got {np.shape(matrix)}."
            f"{batch_remedy(np.shape(matrix), expected)}"
        )
    matrix = unitary_matrix(matrix, name, diagonal)
    return Unitary(
        name, matrix, controls, targets, control_values, False, diagonal, exponential
    )


@template
def BasisState(state: Any, wires: Wires) -> None:
    """Flip wires to the bits of a basis state; wires in |0> are then in that state.

    Args:
        state: zeros and ones, an array of shape (k,), known or traced.
        wires: the k wires, static or traced.

    Raises:
        StateError: for another shape, or bits that are neither 0 nor 1 (checked at run
            time for traced ones).

    >>> import qjit as qj
    >>> @qj.qnode(wires=2)
    ... def circuit():
    ...     qj.BasisState([0, 1], wires=[0, 1])
    ...     return qj.probs()
    >>> print(circuit())
    [0. 1. 0. 0.]
    """
    context = current("BasisState")
    on = as_wires(wires, context)
    state = as_array(state, "BasisState")
    if np.shape(state) != (len(on),):
        raise StateError(
            f"{user_line()}: BasisState on {len(on)} wire(s) takes as many bits, but "
            f"got shape {np.shape(state)}.{batch_remedy(np.shape(state), (len(on),))}"
        )
    state = bits(state, "BasisState", StateError)
    if any(map(is_traced, on)):
        pairs = zip(on, indices(on, context), strict=True)
        on = tuple(place if is_traced(wire) else wire for wire, place in pairs)
    for wire, bit in zip(on, state, strict=True):
        if not isinstance(bit, Tracer):
            if bit:
                _flip(wire)
        else:
            jax.lax.cond(bit != 0, lambda w=wire: _flip(w), lambda: None)


def _flip(wire: Wire) -> None:
    Gate(GATES["X"], targets=(wire,)).bind()


@template
def StatePrep(
    state: Any, wires: Wires, normalize: bool = False, pad_with: Any = None
) -> None:
    """Prepare wires in |0> in a state vector of 2**k amplitudes.

    On wires in another state, inverted or controlled, it is the unitary that takes |0>
    to the state by multiplexed Y rotations, then phases (Mottonen et al., 2005).

    Args:
        state: array of shape (2**k,), normalised up to 1e-6 or the precision of its
            dtype; vectors of lower precision than the program's are divided by their
            norm.
        wires: the k wires, static or traced; the first is the most significant.
        normalize: divide by the norm first.
        pad_with: value for missing amplitudes at the end.

    Raises:
        StateError: if the shape is wrong or the norm is not one (checked at run
            time for a traced vector).

    >>> import qjit as qj
    >>> @qj.qnode(wires=2)
    ... def circuit():
    ...     qj.StatePrep([3.0, 4.0], wires=range(2), normalize=True, pad_with=0.0)
    ...     return qj.probs()
    >>> print([f"{p:.2f}" for p in circuit()])
    ['0.36', '0.64', '0.00', '0.00']
    """
    vector = _padded(state, 2 ** len(wires), pad_with)
    prepare(*state_vector(vector, len(wires), normalize), wires)


def prepare(amplitudes: Any, unchecked: bool, wires: Sequence[Wire]) -> None:
    """Prepare wires in a state, of which the norm may be known to be one."""
    context = current("StatePrep")
    single = context.dtype == np.complex64
    swapped = in_front if any(map(is_traced, wires)) else _in_place
    with swapped(wires, context) as known:
        places = static_positions(known, context)
        state_prep_p.bind(
            amplitudes,
            wires=places,
            unchecked=unchecked,
            single=single,
            sites=context.sites,
        )


def _in_place(wires: Sequence[Wire], _: Any) -> Any:
    return nullcontext(wires)


AmplitudeEmbedding = StatePrep


def _padded(state: Any, size: int, pad_with: Any) -> Any:
    state = as_array(state, "StatePrep")
    xp = jnp if isinstance(state, Tracer) else np
    vector = xp.asarray(state)
    if pad_with is not None and vector.ndim == 1 and vector.size < size:
        vector = xp.concatenate([vector, xp.full(size - vector.size, pad_with)])
    return vector


def barrier(wires: Wires = None) -> None:
    """Mark a place in the circuit; it changes no state.

    Args:
        wires: the wires that the mark is drawn on; all when left out.

    Raises:
        WireError: for wires that repeat or are out of range.

    >>> import qjit as qj
    >>> @qj.qnode(wires=1)
    ... def circuit():
    ...     qj.X(0)
    ...     qj.barrier()
    ...     return qj.expval(qj.Z(0))
    >>> print(circuit())
    -1.0
    """
    context = current("barrier")
    if wires is not None:
        as_wires(wires, context)
