"""Matrices of operators, on their own wires and on others."""

from typing import Any

import jax.numpy as jnp
import numpy as np

from qjit.errors import WireError
from qjit.lowering.jax_internals.tracing import user_line
from qjit.tracing.wires import Label, as_labels

from .linear_form import check_width, embedded
from .operator import Operator, implements, static_labels
from .pauli import backend


@implements("on_wires")
def on_wires(operator: Operator, wire_order: Any) -> Any:
    """Return the matrix of an operator on the wires asked for."""
    own = static_labels(operator)
    check_width(len(own))
    matrix = operator.own_matrix()
    if wire_order is None:
        return matrix
    order: tuple[Label, ...] = as_labels(wire_order)
    if missing := [wire for wire in own if wire not in order]:
        raise WireError(
            f"{user_line()}: the wires {missing} of {operator!r} are not in "
            f"wire_order={list(order)}. Name all wires of the operator."
        )
    return embedded(matrix, own, order)


@implements("eigenvalues")
def eigenvalues(operator: Operator) -> Any:
    """Return the eigenvalues of an operator, ascending where they are real."""
    matrix = on_wires(operator, None)
    if backend(matrix) is jnp:
        form = operator.linear_form()
        real = not np.issubdtype(form.coefficients.dtype, np.complexfloating)
        return jnp.linalg.eigvalsh(matrix) if real else jnp.linalg.eigvals(matrix)
    if is_hermitian(matrix):
        return np.linalg.eigvalsh(matrix)
    return np.linalg.eigvals(matrix)


def is_hermitian(matrix: Any) -> bool:
    """Tell whether a known matrix equals its conjugate transpose, up to rounding."""
    size = max(1.0, float(np.max(np.abs(matrix), initial=0.0)))
    return bool(np.allclose(matrix, np.conj(matrix.T), rtol=0, atol=1e-10 * size))
