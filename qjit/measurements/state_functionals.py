"""Measurements as functions of the state vector, which JAX differentiates."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

Terms = Sequence[tuple[Any, Any]]
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
            psi = _matrix_applied(psi, TURNS[letter], [wire])
    for unitary, on in zip(unitaries, factors, strict=True):
        psi = _matrix_applied(psi, unitary, on)
    weights = jnp.real(psi) ** 2 + jnp.imag(psi) ** 2
    return jnp.sum(_first(weights, wires), axis=1)


def density_matrix(psi: Any, *, wires: Sequence[int]) -> Any:
    """Return the reduced density matrix of some wires."""
    matrix = _first(psi, wires)
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
                product = _matrix_applied(product, matrices[index], wires)
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
        turn = jnp.asarray([1, 1j, -1, -1j], psi.dtype)[ys % 4]
        sign = (1 - 2 * odd).astype(jnp.real(psi).dtype)
        return total + coefficient * turn * sign * psi[source], None

    items = coefficients, (masks[:, 0], masks[:, 1], masks[:, 2])
    return jax.lax.scan(step, jnp.zeros_like(psi), items)[0]


def _masks(word: Any, wires: int) -> tuple[int, int, int]:
    """Return which bits a Pauli word flips and which give signs, and its Ys."""
    flips = sum(1 << (wires - 1 - wire) for wire, letter in word if letter in "XY")
    signs = sum(1 << (wires - 1 - wire) for wire, letter in word if letter in "YZ")
    return flips, signs, sum(letter == "Y" for _, letter in word)


def _first(values: Any, wires: Sequence[int]) -> Any:
    """Return values of basis states as a matrix whose rows belong to some wires."""
    count = _wire_count(values)
    rest = [wire for wire in range(count) if wire not in wires]
    cube = jnp.transpose(values.reshape((2,) * count), (*wires, *rest))
    return cube.reshape(2 ** len(wires), -1)


def _matrix_applied(psi: Any, matrix: Any, wires: Sequence[int]) -> Any:
    count = _wire_count(psi)
    rest = [wire for wire in range(count) if wire not in wires]
    order = np.argsort([*wires, *rest]).tolist()
    product = jnp.asarray(matrix, psi.dtype) @ _first(psi, wires)
    return jnp.transpose(product.reshape((2,) * count), order).reshape(-1)
