"""Dense operators: their matrices, eigenvalues, and their action on state vectors."""

from collections.abc import Sequence
from typing import Any

import jax
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


Terms = Sequence[tuple[Any, Any]]


def observable_applied(
    psi: Any, coefficients: Any, matrices: Sequence[Any], terms: Terms
) -> Any:
    """Return a sum of terms applied to a state."""
    plain = [n for n, (_, factors) in enumerate(terms) if not factors]
    total = jnp.zeros_like(psi)
    if plain:
        words = [terms[n][0] for n in plain]
        chosen = jnp.asarray(coefficients)[np.asarray(plain)]
        total += _pauli_sum_applied(psi, chosen, words)
    for number, (word, factors) in enumerate(terms):
        if factors:
            product = _pauli_sum_applied(psi, jnp.ones(1, jnp.real(psi).dtype), [word])
            for index, wires in factors:
                product = matrix_applied(product, matrices[index], wires)
            total += coefficients[number] * product
    return total


def _wire_count(psi: Any) -> int:
    return psi.shape[0].bit_length() - 1


def _pauli_sum_applied(psi: Any, coefficients: Any, words: Sequence[Any]) -> Any:
    """Return the sum of Pauli words applied to a state, one word at a time."""
    wires = _wire_count(psi)
    place = np.arange(psi.shape[0], dtype=np.int32)
    masks = np.array([_masks(word, wires) for word in words], np.int32)

    def step(total: Any, item: Any) -> tuple[Any, None]:
        coefficient, (flips, signs, ys) = item
        source = place ^ flips
        odd = jax.lax.population_count(source & signs) & 1
        phase = jnp.asarray([1, 1j, -1, -1j], psi.dtype)[ys % 4]
        sign = (1 - 2 * odd).astype(jnp.real(psi).dtype)
        return total + coefficient * phase * sign * psi[source], None

    items = coefficients, (masks[:, 0], masks[:, 1], masks[:, 2])
    return jax.lax.scan(step, jnp.zeros_like(psi), items)[0]


def _masks(word: Any, wires: int) -> tuple[int, int, int]:
    """Return which bits a Pauli word flips and which give signs, and its Ys."""
    flips = sum(1 << (wires - 1 - wire) for wire, letter in word if letter in "XY")
    signs = sum(1 << (wires - 1 - wire) for wire, letter in word if letter in "YZ")
    return flips, signs, sum(letter == "Y" for _, letter in word)


def as_rows(values: Any, wires: Sequence[int]) -> Any:
    """Return values of basis states as a matrix whose rows belong to some wires."""
    count = _wire_count(values)
    rest = [wire for wire in range(count) if wire not in wires]
    cube = jnp.transpose(values.reshape((2,) * count), (*wires, *rest))
    return cube.reshape(2 ** len(wires), -1)


def matrix_applied(psi: Any, matrix: Any, wires: Sequence[int]) -> Any:
    """Return a matrix on some wires applied to a state."""
    count = _wire_count(psi)
    rest = [wire for wire in range(count) if wire not in wires]
    order = np.argsort([*wires, *rest]).tolist()
    product = jnp.asarray(matrix, psi.dtype) @ as_rows(psi, wires)
    return jnp.transpose(product.reshape((2,) * count), order).reshape(-1)
