"""Circuit templates: embeddings, layers, the Fourier transform, Grover, Trotter."""

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from .context import current
from .errors import ParameterError
from .jax_internals import user_line
from .multi_gates import GlobalPhase, MultiControlledX, PauliRot
from .observables import as_observable, real_coefficients
from .operations import FIXED_ARITY_GATES
from .ops.template import template
from .wires import Wires, as_wires, static_wires

_GATES = FIXED_ARITY_GATES


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
    if np.ndim(features) != 1 or np.shape(features)[0] > len(on):
        raise ParameterError(
            f"{user_line()}: AngleEmbedding on {len(on)} wire(s) takes at most as many "
            f"features, but got shape {np.shape(features)}."
        )
    for wire, place in zip(on, range(np.shape(features)[0]), strict=False):
        _GATES[f"R{rotation}"](features[place], wires=wire)


@template
def BasicEntanglerLayers(
    weights: Any, wires: Wires, rotation: Any = _GATES["RX"]
) -> None:
    """Apply layers of one-parameter rotations and a ring of CNOTs.

    Args:
        weights: angles in radians, real, of shape (layers, wires).
        wires: the wires.
        rotation: the rotation gate.

    Raises:
        ParameterError: for weights of another shape.

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
    _check_weights("BasicEntanglerLayers", weights, (None, len(on)))
    for layer in range(np.shape(weights)[0]):
        for place, wire in enumerate(on):
            rotation(weights[layer, place], wires=wire)
        if len(on) == 2:
            _GATES["CNOT"](wires=on)
        elif len(on) > 2:
            _ring(on, 1)


@template
def StronglyEntanglingLayers(
    weights: Any, wires: Wires, ranges: Sequence[int] | None = None
) -> None:
    """Apply layers of general rotations and rings of CNOTs of growing range.

    The layers are those of Schuld et al., "Circuit-centric quantum classifiers", 2018.

    Args:
        weights: angles in radians, real, of shape (layers, wires, 3).
        wires: the wires.
        ranges: the distance between control and target, for each layer.

    Raises:
        ParameterError: for weights of another shape.

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
    _check_weights("StronglyEntanglingLayers", weights, (None, len(on), 3))
    for layer in range(np.shape(weights)[0]):
        for place, wire in enumerate(on):
            _GATES["Rot"](*(weights[layer, place, k] for k in range(3)), wires=wire)
        if len(on) > 1:
            step = layer % (len(on) - 1) + 1 if ranges is None else ranges[layer]
            _ring(on, step)


def _ring(on: Sequence[Any], step: int) -> None:
    for place, wire in enumerate(on):
        _GATES["CNOT"](wires=[wire, on[(place + step) % len(on)]])


def _check_weights(name: str, weights: Any, shape: tuple[int | None, ...]) -> None:
    found = np.shape(weights)
    if len(found) != len(shape) or any(
        want is not None and want != got for want, got in zip(shape, found, strict=True)
    ):
        raise ParameterError(
            f"{user_line()}: {name} takes weights of shape "
            f"{tuple('layers' if s is None else s for s in shape)}, but got {found}."
        )


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


def TrotterProduct(hamiltonian: Any, time: Any, n: int = 1, order: int = 1) -> None:
    """Approximate exp(i H t) by a Suzuki-Trotter product (Suzuki, 1991).

    Args:
        hamiltonian: an observable that is a sum of Pauli words.
        time: evolution time t, a real scalar.
        n: number of steps.
        order: 1 or an even number.

    Raises:
        ParameterError: for another order, or an observable with matrices.

    >>> import qjit as qj
    >>> @qj.qnode(wires=1)
    ... def circuit():
    ...     qj.TrotterProduct(qj.X(0) + qj.Z(0), time=0.2, n=10, order=2)
    ...     return qj.expval(qj.Z(0))
    >>> print(f"{circuit():.3f}")
    0.922
    """
    if order != 1 and (order < 1 or order % 2):
        raise ParameterError(
            f"{user_line()}: order takes 1 or an even number, but got {order}."
        )
    current("TrotterProduct")
    observable = as_observable(hamiltonian, "TrotterProduct")
    if observable.matrices:
        raise ParameterError(
            f"{user_line()}: TrotterProduct takes a sum of Pauli words."
        )
    numbers = real_coefficients(observable.coefficients, "TrotterProduct")
    terms = list(zip(observable.terms, numbers, strict=True))
    for _ in range(n):
        _suzuki(terms, jnp.asarray(time) / n, order)


def _suzuki(terms: Sequence[Any], time: Any, order: int) -> None:
    if order == 1:
        _evolve(terms, time)
    elif order == 2:
        _evolve(terms, time / 2)
        _evolve(terms[::-1], time / 2)
    else:
        outer = 1 / (4 - 4 ** (1 / (order - 1)))
        for weight in (outer, outer, 1 - 4 * outer, outer, outer):
            _suzuki(terms, weight * time, order - 2)


def _evolve(terms: Sequence[Any], time: Any) -> None:
    for term, coefficient in terms:
        if term.word:
            letters = "".join(letter for _, letter in term.word)
            on = static_wires([w for w, _ in term.word], current("TrotterProduct"), "")
            PauliRot(-2 * time * coefficient, letters, wires=on)
        else:
            GlobalPhase(-time * coefficient)
