"""What arrays that users give must be, known or traced: checked now or at run time."""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from qjit.errors import MatrixError, ParameterError, QJitError, StateError

from .checks import checked

TOLERANCE = 1e-6


def precision(dtype: Any) -> float:
    """Return the relative precision of a dtype, which is zero for integers."""
    inexact = jnp.issubdtype(dtype, jnp.inexact)
    return float(jnp.finfo(dtype).eps) if inexact else 0.0


def tolerance(dtype: Any) -> float:
    """Return how far from one norms may be: numbers are typed with 7 or 8 digits."""
    return max(TOLERANCE, 8 * precision(dtype))


def _seen(values: Any) -> tuple[Any, Any]:
    """Return numbers and what computes with them, which is NumPy for known ones."""
    traced = isinstance(values, Tracer)
    return (values, jnp) if traced else (np.asarray(values), np)


def finite(values: Any, what: str) -> Any:
    """Return numbers that are checked to be finite."""
    message = f"{what} is NaN or infinite. Check what it is computed from."
    values, xp = _seen(values)
    holds = xp.all(xp.isfinite(values))
    return checked(values, holds, ParameterError, message)


def bits(values: Any, what: str, error: type[QJitError]) -> Any:
    """Return numbers that are checked to be zeros and ones."""
    values, xp = _seen(values)
    got = "" if xp is jnp else f", but got {values}"
    holds = xp.all((values == 0) | (values == 1))
    return checked(values, holds, error, f"{what} takes bits 0 and 1{got}.")


def hermitian(matrix: Any) -> Any:
    """Return a matrix that is checked to be Hermitian, up to rounding."""
    matrix, xp = _seen(matrix)
    message = (
        "the matrix given to Hermitian differs from its conjugate transpose. Pass "
        "(A + A.conj().T) / 2, or use another matrix."
    )
    with np.errstate(all="ignore"):
        margin = tolerance(matrix.dtype) * (1 + 10 * xp.abs(matrix))
        near = xp.abs(matrix - xp.conj(matrix.T)) <= margin
        holds = xp.all(near & xp.isfinite(matrix))
    return checked(matrix, holds, MatrixError, message)


def unitary_matrix(matrix: Any, name: str, diagonal: bool) -> Any:
    """Return a matrix, or a diagonal, that is known to be unitary or checked later.

    Traced ones are checked where they are applied. Those of half precision are checked
    at once, and replaced by the nearest unitary.
    """
    accepted, (matrix, xp) = tolerance(matrix.dtype), _seen(matrix)
    half = accepted > TOLERANCE
    if xp is jnp and not half:
        return matrix
    wide = matrix.astype(complex)
    with np.errstate(all="ignore"):
        excess = xp.max(xp.abs(_excess(wide, diagonal)))
    traced = xp is jnp
    found = "is not" if traced else "differs from"
    by = "" if traced else f" by {excess:.2g}"
    message = (
        f"the matrix given to {name} is not unitary: U U^dagger {found} the "
        f"identity{by}."
    )
    if not half:
        return checked(matrix, excess <= accepted, MatrixError, message)
    wide = checked(wide, excess <= accepted, MatrixError, message)
    for _ in range(4):  # Newton's iteration
        excess = _excess(wide, diagonal)
        wide = wide - (excess * wide if diagonal else excess @ wide) / 2
    return wide


def _excess(matrix: Any, diagonal: bool) -> Any:
    """Return by what the product of a matrix and its adjoint exceeds the identity."""
    if diagonal:
        return matrix * matrix.conj() - 1
    return matrix @ matrix.conj().T - np.eye(len(matrix))


def normalised(vector: Any, accepted: float, line: str = "") -> Any:
    """Return a vector that is checked to be normalised, up to a tolerance."""
    vector, xp = _seen(vector)
    with np.errstate(all="ignore"):
        weight = weights_of(vector)[0][0]
    known = "" if xp is jnp else f"has norm {np.sqrt(weight):.6g} instead of 1"
    message = (
        f"the state {known or 'is not normalised'}. Divide it by its norm, or pass "
        "normalize=True."
    )
    return checked(vector, xp.abs(weight - 1) <= accepted, StateError, message, line)


def weights_of(amplitudes: Any) -> list[Any]:
    """Return the probabilities of the outcomes of the first wires: none, one, ..."""
    found = [amplitudes.real**2 + amplitudes.imag**2]
    # NOTE: sums of pairs of pairs lose few digits.
    while found[0].size > 1:
        found.insert(0, found[0].reshape(-1, 2).sum(axis=1))
    return found
