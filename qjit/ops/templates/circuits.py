"""Circuit templates: embeddings, layers, the Fourier transform, Grover."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from qjit.diagnostics.keywords import keywords
from qjit.errors import ParameterError
from qjit.lowering.jax_internals.tracing import user_line
from qjit.ops.operations import FIXED_ARITY_GATES, as_array, batch_remedy
from qjit.ops.template import template
from qjit.ops.variadic_gates import GlobalPhase, MultiControlledX, StatePrep
from qjit.tracing.context import current
from qjit.tracing.wires import Wires, as_wires

_GATES = FIXED_ARITY_GATES


def shaped(shape: Callable[..., Any]) -> Callable[[Any], Any]:
    """Give a template the function of the shape of its weights as `.shape`."""

    def attached(function: Any) -> Any:
        function.shape = shape
        return function

    return attached


@keywords("id", "validate_norm")
@template
def AmplitudeEmbedding(
    features: Any, wires: Wires, pad_with: Any = None, normalize: bool = False
) -> None:
    """Prepare wires in |0> in the state whose amplitudes are the features.

    Args:
        features: array of shape (2**k,), normalised, or shorter with `pad_with`.
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
    ...     qj.AmplitudeEmbedding([3.0, 4.0], wires=range(2), pad_with=0.0)
    ...     return qj.probs()
    >>> print([f"{p:.2f}" for p in circuit()])
    ['0.36', '0.64', '0.00', '0.00']
    """
    StatePrep(features, wires, pad_with=pad_with, normalize=normalize)


@keywords("id")
@template
def AngleEmbedding(features: Any, wires: Wires, rotation: str = "X") -> None:
    """Rotate each wire by one feature.

    Args:
        features: angles in radians, real, of shape (k,) with k at most the wires.
        wires: the wires.
        rotation: the axis, "X", "Y" or "Z".

    Raises:
        ParameterError: for another axis or shape.

    >>> import jax
    >>> import qjit as qj
    >>> @qj.qnode(wires=2)
    ... def circuit(x):
    ...     qj.AngleEmbedding(x, wires=range(2), rotation="Y")
    ...     return qj.expval(qj.Z(0)), qj.expval(qj.Z(1))
    >>> print([f"{z:.3f}" for z in circuit(jax.numpy.array([0.0, 0.3]))])
    ['1.000', '0.955']
    """
    on = as_wires(wires, current("AngleEmbedding"))
    if rotation not in ("X", "Y", "Z"):
        raise ParameterError(
            f"{user_line()}: rotation takes 'X', 'Y' or 'Z', but got {rotation!r}."
        )
    features = as_array(features, "AngleEmbedding")
    if np.ndim(features) != 1 or np.shape(features)[0] > len(on):
        raise ParameterError(
            f"{user_line()}: AngleEmbedding on {len(on)} wire(s) takes at most as many "
            f"features, but got shape {np.shape(features)}."
            f"{batch_remedy(np.shape(features), np.shape(features)[-1:])}"
        )
    for wire, place in zip(on, range(np.shape(features)[0]), strict=False):
        _GATES[f"R{rotation}"](features[place], wires=wire)


def _shape_of_angles(n_layers: int, n_wires: int) -> tuple[int, int]:
    """Return the shape of the weights of BasicEntanglerLayers."""
    return n_layers, n_wires


@shaped(_shape_of_angles)
@keywords("id")
@template
def BasicEntanglerLayers(weights: Any, wires: Wires, rotation: Any = None) -> None:
    """Apply layers of one-parameter rotations and a ring of CNOTs.

    Args:
        weights: angles in radians, real, of shape (layers, wires).
        wires: the wires.
        rotation: the rotation gate, `RX` when left out.

    Raises:
        ParameterError: for weights of another shape; `BasicEntanglerLayers.shape` is a
            function of the numbers of layers and wires.

    >>> import jax
    >>> import qjit as qj
    >>> @qj.qnode(wires=2)
    ... def circuit(weights):
    ...     qj.BasicEntanglerLayers(weights, wires=range(2))
    ...     return qj.expval(qj.Z(1))
    >>> print(f"{circuit(jax.numpy.full((3, 2), 0.3)):.4f}")
    0.5130
    """
    on = as_wires(wires, current("BasicEntanglerLayers"))
    weights = _weights("BasicEntanglerLayers", weights, (None, len(on)))
    rotation = rotation or _GATES["RX"]
    for layer in range(np.shape(weights)[0]):
        for place, wire in enumerate(on):
            rotation(weights[layer, place], wires=wire)
        if len(on) == 2:
            _GATES["CNOT"](wires=on)
        elif len(on) > 2:
            _ring(on, 1, _GATES["CNOT"])


def _shape_of_rotations(n_layers: int, n_wires: int) -> tuple[int, int, int]:
    """Return the shape of the weights of StronglyEntanglingLayers."""
    return n_layers, n_wires, 3


@shaped(_shape_of_rotations)
@keywords("id")
@template
def StronglyEntanglingLayers(
    weights: Any,
    wires: Wires,
    ranges: Sequence[int] | None = None,
    imprimitive: Any = _GATES["CNOT"],
) -> None:
    """Apply layers of general rotations and rings of CNOTs of growing range.

    The layers are those of Schuld et al., "Circuit-centric quantum classifiers", 2018.

    Args:
        weights: angles in radians, real, of shape (layers, wires, 3).
        wires: the wires.
        ranges: the distance between control and target, for each layer; no multiple of
            the number of wires.
        imprimitive: the gate of the rings, on two wires.

    Raises:
        ParameterError: for weights or ranges of another shape or value;
            `StronglyEntanglingLayers.shape` is a function of the numbers of layers and
            wires.

    >>> import jax
    >>> import qjit as qj
    >>> @qj.qnode(wires=3)
    ... def circuit(weights):
    ...     qj.StronglyEntanglingLayers(weights, wires=range(3))
    ...     return qj.expval(qj.Z(0))
    >>> print(f"{circuit(jax.numpy.full((2, 3, 3), 0.3)):.4f}")
    0.8463
    """
    on = as_wires(wires, current("StronglyEntanglingLayers"))
    weights = _weights("StronglyEntanglingLayers", weights, (None, len(on), 3))
    steps = _ranges(ranges, np.shape(weights)[0], len(on))
    for layer, step in enumerate(steps):
        for place, wire in enumerate(on):
            _GATES["Rot"](*(weights[layer, place, k] for k in range(3)), wires=wire)
        if len(on) > 1:
            _ring(on, step, imprimitive or _GATES["CNOT"])


def _ranges(ranges: Sequence[int] | None, layers: int, count: int) -> list[int]:
    """Return the range of each layer: by default 1 to count - 1, again and again."""
    if ranges is None:
        return [layer % max(count - 1, 1) + 1 for layer in range(layers)]
    if len(ranges) != layers or any(int(each) % count == 0 for each in ranges):
        raise ParameterError(
            f"{user_line()}: StronglyEntanglingLayers takes one range for each of "
            f"{layers} layer(s), no multiple of the {count} wire(s), but got "
            f"{list(ranges)}."
        )
    return [int(each) for each in ranges]


def _ring(on: Sequence[Any], step: int, entangle: Any) -> None:
    for place, wire in enumerate(on):
        entangle(wires=[wire, on[(place + step) % len(on)]])


def _weights(name: str, weights: Any, shape: tuple[int | None, ...]) -> Any:
    """Check the weights of layers."""
    weights = as_array(weights, name)
    found = np.shape(weights)
    if len(found) != len(shape) or any(
        want is not None and want != got for want, got in zip(shape, found, strict=True)
    ):
        raise ParameterError(
            f"{user_line()}: {name} takes weights of shape "
            f"{tuple('layers' if s is None else s for s in shape)}, but got {found}."
            f"{batch_remedy(found, (found[1:2] + shape[1:]))}"
        )
    return weights


@keywords("id")
@template
def QFT(wires: Wires) -> None:
    """Apply the quantum Fourier transform (Nielsen and Chuang, section 5.1).

    Args:
        wires: the wires; the first is the most significant.

    Raises:
        WireError: for wires that repeat or are out of range.

    >>> import qjit as qj
    >>> @qj.qnode(wires=2)
    ... def circuit():
    ...     qj.X(1)
    ...     qj.QFT(wires=range(2))
    ...     return qj.state()
    >>> print([f"{amplitude:.1f}" for amplitude in 2 * circuit() + 1e-9])
    ['1.0+0.0j', '0.0+1.0j', '-1.0+0.0j', '0.0-1.0j']
    """
    on = as_wires(wires, current("QFT"))
    for place, target in enumerate(on):
        _GATES["H"](wires=target)
        for distance, control in enumerate(on[place + 1 :], start=1):
            _GATES["ControlledPhaseShift"](np.pi / 2**distance, wires=[control, target])
    for first, last in zip(on[: len(on) // 2], reversed(on), strict=False):
        _GATES["SWAP"](wires=[first, last])


@keywords("work_wires", "id")
@template
def GroverOperator(wires: Wires) -> None:
    """Reflect about the uniform superposition: 2|s><s| - 1 (Grover, 1996).

    Args:
        wires: two wires or more.

    Raises:
        ParameterError: for fewer than two wires.

    >>> import qjit as qj
    >>> @qj.qnode(wires=2)
    ... def search():
    ...     qj.H(0)
    ...     qj.H(1)
    ...     qj.CZ(wires=[0, 1])
    ...     qj.GroverOperator(wires=range(2))
    ...     return qj.probs()
    >>> print(search().round(2) + 0)
    [0. 0. 0. 1.]
    """
    on = as_wires(wires, current("GroverOperator"))
    if len(on) < 2:
        raise ParameterError(
            f"{user_line()}: GroverOperator takes two wires or more, but got {len(on)}."
        )
    for wire in on[:-1]:
        _GATES["H"](wires=wire)
    _GATES["Z"](wires=on[-1])
    MultiControlledX(wires=on, control_values=(0,) * (len(on) - 1))
    _GATES["Z"](wires=on[-1])
    for wire in on[:-1]:
        _GATES["H"](wires=wire)
    GlobalPhase(np.pi)
