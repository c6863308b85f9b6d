"""Gates on any number of wires, unitaries, and state preparations."""

from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from qjit.diagnostics.keywords import keywords
from qjit.dialects.gates import GATES
from qjit.errors import MatrixError, ParameterError, StateError, WireError
from qjit.lowering.jax_internals.tracing import user_line, wide_types
from qjit.lowering.jaxpr.primitives import barrier_p, delay_p, state_prep_p
from qjit.ops.algebra.gates import Gate, global_phase, identity_on
from qjit.ops.algebra.operator import Operator, implements, is_number_like
from qjit.ops.algebra.traced_wires import indices
from qjit.ops.algebra.unitaries import Unitary
from qjit.ops.template import template
from qjit.tracing.checks import checked
from qjit.tracing.context import current
from qjit.tracing.validation import bits, unitary_matrix
from qjit.tracing.wires import (
    Wire,
    Wires,
    as_bit,
    as_wires,
    is_traced,
    positions,
    static_positions,
)

from .operations import as_angle, as_array, batch_remedy, operator_function, wires_of
from .preparations import in_front, state_vector


@keywords("id")
@operator_function
def GlobalPhase(phi: Any, wires: Wires = ()) -> Operator:
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


@keywords("id")
@operator_function
def Identity(wires: Wires = ()) -> Operator:
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


@keywords("work_wires", "work_wire_type")
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


@keywords("id", "unitary_check")
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


@keywords("id")
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


@keywords("unitary_check", "work_wires", "work_wire_type", former={"U": "base"})
@operator_function
def ControlledQubitUnitary(
    base: Any, wires: Wires, control_values: Any = None
) -> Operator:
    """Apply a unitary matrix to the last wires, controlled by the first ones.

    Args:
        base: complex array of shape (2**k, 2**k), known or traced.
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
    matrix = as_array(base, "ControlledQubitUnitary")
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


@implements("unitary")
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


@keywords("id")
@template
def BasisState(state: Any, wires: Wires) -> None:
    """Flip wires to the bits of a basis state; wires in |0> are then in that state.

    Args:
        state: zeros and ones, an array of shape (k,), known or traced; or the integer
            that they spell, the first the most significant.
        wires: the k wires, static or traced.

    Raises:
        StateError: for another shape, bits that are neither 0 nor 1, or an integer that
            takes more than k bits (checked at run time for traced ones).

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
    state = _spelled(state, len(on))
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


def _spelled(state: Any, count: int) -> Any:
    """Return the bits of an integer, or bits as they are."""
    is_known = isinstance(state, int) and not isinstance(state, bool)
    bits: Any = state if is_known else as_array(state, "BasisState")
    if not is_known and (np.ndim(bits) or not jnp.issubdtype(bits.dtype, np.integer)):
        return bits
    places = np.arange(count)[::-1]
    if not isinstance(state, Tracer):
        number = int(state)
        if not 0 <= number < 2**count:
            raise StateError(
                f"{user_line()}: BasisState on {count} wire(s) takes an integer from 0 "
                f"to {2**count - 1}, but got {number}."
            )
        return np.asarray([number >> int(place) & 1 for place in places])
    wide = state.astype(jnp.int64 if wide_types() else jnp.int32)
    above = min(count, jnp.iinfo(wide.dtype).bits - 1)
    message = (
        f"BasisState on {count} wire(s) takes an integer from 0 to {2**count - 1}, but "
        "the one that was computed is another."
    )
    wide = checked(wide, (wide >= 0) & (wide >> above == 0), StateError, message)
    return wide >> places & 1


def _flip(wire: Wire) -> None:
    Gate(GATES["X"], targets=(wire,)).bind()


@keywords("id", "validate_norm")
@template
def StatePrep(
    state: Any, wires: Wires, pad_with: Any = None, normalize: bool = False
) -> None:
    """Prepare wires in |0> in a state vector of 2**k amplitudes.

    On wires in another state, inverted or controlled, it is the unitary that takes |0>
    to the state by multiplexed Y rotations, then phases (Mottonen et al., 2005).

    Args:
        state: array of shape (2**k,), normalised up to 1e-6 or the precision of its
            dtype; vectors of lower precision than the program's are divided by their
            norm.
        wires: the k wires, static or traced; the first is the most significant.
        pad_with: value for missing amplitudes at the end; the state is then divided by
            its norm.
        normalize: divide by the norm first.

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
    normalize = normalize or pad_with is not None
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


def _padded(state: Any, size: int, pad_with: Any) -> Any:
    state = as_array(state, "StatePrep")
    xp = jnp if isinstance(state, Tracer) else np
    vector = xp.asarray(state)
    if pad_with is not None and vector.ndim == 1 and vector.size < size:
        vector = xp.concatenate([vector, xp.full(size - vector.size, pad_with)])
    return vector


@keywords("id")
def barrier(wires: Wires = (), only_visual: bool = False) -> None:
    """Keep gates on their side: passes move, merge and cancel none across a barrier.

    It changes no state. Derivatives are of a circuit without barriers.

    Args:
        wires: the wires on which gates stay; all when left out.
        only_visual: whether it is only drawn, and gates may be moved across.

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
    on = as_wires(() if wires is None else wires, context) or tuple(context.order)
    if only_visual or not on:
        return
    static, dynamic = positions(on, context)
    barrier_p.bind(*dynamic, wires=static, sites=context.sites)


Barrier = barrier


def delay(duration: Any, wires: Wires = ()) -> None:
    """Let wires idle for a time: passes keep gates on the side of it where they are.

    It changes no state. Derivatives are of a circuit without delays.

    Args:
        duration: how many seconds, a number that is known when tracing.
        wires: the wires, which begin to idle together; all when left out.

    Raises:
        ParameterError: for what is no number of seconds, or a negative one.
        WireError: for wires that repeat or are out of range.

    >>> import qjit as qj
    >>> @qj.qnode(wires=1)
    ... def circuit():
    ...     qj.Hadamard(0)
    ...     qj.delay(3e-7, wires=0)
    ...     qj.Hadamard(0)
    ...     return qj.expval(qj.Z(0))
    >>> print(qj.draw(circuit, width=80)())
    0: ─┤H├─┤Delay[300 ns]├─┤H├─┤  ⟨Z⟩
    """
    seconds = _seconds(duration)
    context = current("delay")
    on = as_wires(() if wires is None else wires, context) or tuple(context.order)
    if not on:
        return
    static, dynamic = positions(on, context)
    delay_p.bind(*dynamic, wires=static, duration=seconds, sites=context.sites)


def _seconds(duration: Any) -> float:
    known = is_number_like(duration) and not isinstance(duration, Tracer)
    if not known or np.ndim(duration) or np.iscomplexobj(duration):
        raise ParameterError(
            f"{user_line()}: delay takes a number of seconds that is known when "
            f"tracing, but got {duration!r}."
        )
    seconds = float(duration)
    if not 0 <= seconds < np.inf:
        raise ParameterError(
            f"{user_line()}: delay takes a number of seconds from 0, but got {seconds}."
        )
    return seconds
