"""Exponentials of matrices, of any norm and differentiable to any order.

By scaling and squaring, with a Taylor polynomial: P. Bader, S. Blanes and F. Casas,
"Computing the matrix exponential with an optimized Taylor polynomial approximation",
Mathematics 7, 1174 (2019). JAX's own has no bound on the norm that its polynomial is
evaluated at, which costs digits, and is not a number after 16 squarings.
"""

import math
from functools import reduce

import jax
import jax.numpy as jnp

# The series is right to the last digit for a matrix of at most this norm.
SMALL = 0.5
DEGREE = 15
# Each squaring doubles the error: after these, no digit is left in double precision.
SQUARINGS = (9, 6)


def evolved(time: jax.Array, hamiltonian: jax.Array) -> jax.Array:
    """Return exp(-i time H) of a Hermitian matrix, which is unitary at any time."""
    side = hamiltonian.shape[0]
    # The mean of the energies is a phase, which may be much larger than their spread.
    mean = jnp.real(jnp.trace(hamiltonian)) / side
    rest = hamiltonian - mean * jnp.eye(side, dtype=hamiltonian.dtype)
    found = exponential(-1j * time * rest, unitary=True)
    return jnp.exp(-1j * time * mean) * found


def exponential(matrix: jax.Array, *, unitary: bool = False) -> jax.Array:
    """Return the exponential of a matrix, which may be known to be unitary."""
    norm = jax.lax.stop_gradient(jnp.max(jnp.sum(jnp.abs(matrix), axis=0)))
    squarings = jnp.ceil(jnp.log2(jnp.maximum(norm / SMALL, 1)))
    small = matrix * jnp.exp2(-squarings).astype(matrix.dtype)
    return _squared(_taylor(small), squarings, unitary)


def _taylor(matrix: jax.Array) -> jax.Array:
    """Return the series of the exponential, by its polynomials in the fourth power."""
    square = matrix @ matrix
    identity = jnp.eye(matrix.shape[0], dtype=matrix.dtype)
    powers = identity, matrix, square, square @ matrix
    fourth, zeros = square @ square, jnp.zeros_like(matrix)
    parts = [
        sum((x / float(math.factorial(first + n)) for n, x in enumerate(powers)), zeros)
        for first in range(0, DEGREE, 4)
    ]
    return reduce(lambda total, part: total @ fourth + part, reversed(parts))


def _squared(matrix: jax.Array, times: jax.Array, unitary: bool) -> jax.Array:
    """Return a matrix after a number of squarings."""

    def square(found: jax.Array, number: jax.Array) -> tuple[jax.Array, None]:
        return jax.lax.cond(number < times, lambda x: x @ x, lambda x: x, found), None

    def group(found: jax.Array, numbers: jax.Array) -> jax.Array:
        found = jax.lax.scan(square, found, numbers)[0]
        return _made_unitary(found) if unitary else found

    def step(found: jax.Array, numbers: jax.Array) -> tuple[jax.Array, None]:
        needed = numbers[0] < times
        return jax.lax.cond(needed, group, lambda x, _: x, found, numbers), None

    numbers = jnp.arange(math.prod(SQUARINGS)).reshape(SQUARINGS)
    return jax.lax.scan(step, matrix, numbers)[0]


def _made_unitary(matrix: jax.Array) -> jax.Array:
    """Return the unitary matrix next to one, by a step of Newton's iteration."""
    product = jnp.conj(matrix.T) @ matrix
    return 1.5 * matrix - 0.5 * (matrix @ product)
