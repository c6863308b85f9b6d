"""Measurements as functions of the state vector, which JAX differentiates."""

from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from qjit.ops.algebra.dense import (
    Terms,
    as_rows,
    matrix_applied,
    observable_applied,
)

# The matrices that turn the eigenbases of Pauli matrices into that of Z.
TURNS = {
    "X": np.array([[1, 1], [1, -1]]) / np.sqrt(2),
    "Y": np.array([[1, -1j], [1, 1j]]) / np.sqrt(2),
}


def expval(psi: Any, coefficients: Any, *matrices: Any, terms: Terms) -> Any:
    """Return the expectation value of a sum of terms."""
    product = observable_applied(psi, coefficients, matrices, terms)
    return jnp.real(jnp.vdot(psi, product))


def moments(psi: Any, coefficients: Any, *matrices: Any, terms: Terms) -> Any:
    """Return the expectation values of a sum of terms and of its square."""
    product = observable_applied(psi, coefficients, matrices, terms)
    return jnp.stack([jnp.real(jnp.vdot(v, product)) for v in (psi, product)])


def probs(
    psi: Any, *unitaries: Any, wires: Sequence[int], basis: str, factors: Any
) -> Any:
    """Return the probabilities of the outcomes of some wires."""
    for wire, letter in zip(wires, basis, strict=True):
        if letter in TURNS:
            psi = matrix_applied(psi, TURNS[letter], [wire])
    for unitary, on in zip(unitaries, factors, strict=True):
        psi = matrix_applied(psi, unitary, on)
    weights = jnp.real(psi) ** 2 + jnp.imag(psi) ** 2
    return jnp.sum(as_rows(weights, wires), axis=1)


def density_matrix(psi: Any, *, wires: Sequence[int]) -> Any:
    """Return the reduced density matrix of some wires."""
    matrix = as_rows(psi, wires)
    return matrix @ jnp.conj(matrix.T)


def state(psi: Any) -> Any:
    """Return the amplitudes."""
    return psi


def mean(norm: Any, value: Any) -> Any:
    """Return what a path adds to the mean of a value."""
    return norm * value


def powers(norm: Any, value: Any) -> Any:
    """Return what a path adds to the means of a value and of its square."""
    return norm * jnp.stack([value, value**2])


# All but the state itself are linear in the state's projector.
FUNCTIONALS: dict[str, Callable[..., Any]] = {
    "quantum_expval": expval,
    "quantum_var": moments,
    "quantum_probs": probs,
    "quantum_density_matrix": density_matrix,
    "quantum_state": state,
    "quantum_mean": mean,
    "quantum_variance": powers,
}


def functional(name: str, params: Any) -> Callable[..., Any]:
    """Return what a measurement reads off the state's amplitudes or norm."""
    options = {
        k: params[k] for k in ("terms", "wires", "basis", "factors") if k in params
    }
    return lambda psi, *inputs: FUNCTIONALS[name](psi, *inputs, **options)


def outcome(name: str, found: Any) -> Any:
    """Return the result of a measurement, from what it reads off the state."""
    spread = name in ("quantum_var", "quantum_variance")
    return found[1] - found[0] ** 2 if spread else found
