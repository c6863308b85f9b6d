"""Evolution under a Hamiltonian.

The exponential is taken by scaling and squaring, with a Taylor polynomial: P. Bader,
S. Blanes and F. Casas, "Computing the matrix exponential with an optimized Taylor
polynomial approximation", Mathematics 7, 1174 (2019).
"""

import math
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from .errors import ParameterError
from .functionals import observable_applied
from .jax_internals import user_line, wide_types
from .multi_gates import unitary
from .observables import Observable, as_observable, real_coefficients
from .operations import as_angle, operator_function
from .ops.operator import Operator
from .wires import Label

WIDEST = 10
# The series is right to the last digit for a matrix of at most this norm.
SMALL = 0.5
DEGREE = 15
# Digits of a phase are lost with each: with more, none is left in double precision.
SQUARINGS = (9, 6)


@operator_function
def evolve(hamiltonian: Any, time: Any) -> Operator:
    """Apply exp(-i time H), the evolution under a Hamiltonian, as one matrix.

    Args:
        hamiltonian: an observable on k wires; its coefficients may be traced.
        time: a real scalar, in units of one over the Hamiltonian's.

    Raises:
        ParameterError: for more than 10 wires, whose matrix would be too large; see
            `TrotterProduct`.

    >>> import qjit as qj
    >>> @qj.qnode(wires=2)
    ... def circuit(field):
    ...     qj.evolve(qj.Z(0) @ qj.Z(1) + field * (qj.X(0) + qj.X(1)), 0.4)
    ...     return qj.expval(qj.Z(0))
    >>> print(f"{circuit(0.7):.4f}")
    0.8552
    """
    return evolution(hamiltonian, time)


def evolution(hamiltonian: Any, time: Any) -> Operator:
    """Return exp(-i time H) as an operator that is not applied."""
    found = as_observable(hamiltonian, "evolve")
    on = found.wires
    if len(on) > WIDEST:
        raise ParameterError(
            f"{user_line()}: evolve takes a Hamiltonian on at most {WIDEST} "
            f"wires, but got {len(on)}. Use TrotterProduct."
        )
    angle = as_angle(time, "evolve")
    matrix = _exponential(angle, _dense(found, on))
    return unitary("evolve", matrix, on, (), (), diagonal=False, exponential=True)


def _exponential(time: jax.Array, hamiltonian: jax.Array) -> jax.Array:
    """Return exp(-i time H), unitary to the last digit at any time.

    JAX's own has no limit on the norm that its polynomial is evaluated at, and becomes
    NaN after 16 squarings.
    """
    side = hamiltonian.shape[0]
    identity = jnp.eye(side, dtype=hamiltonian.dtype)
    # The mean of the energies is a phase, which may be much larger than their spread.
    mean = jnp.real(jnp.trace(hamiltonian)) / side
    generator = -1j * time * (hamiltonian - mean * identity)
    norm = jax.lax.stop_gradient(jnp.max(jnp.sum(jnp.abs(generator), axis=0)))
    squarings = jnp.ceil(jnp.log2(jnp.maximum(norm / SMALL, 1)))
    small = generator * jnp.exp2(-squarings).astype(generator.dtype)
    found = _squared(_taylor(small, identity), squarings)
    return jnp.exp(-1j * time * mean) * found


def _taylor(matrix: jax.Array, identity: jax.Array) -> jax.Array:
    """Return the series of the exponential, by its polynomials in the fourth power."""
    square = matrix @ matrix
    powers = identity, matrix, square, square @ matrix
    fourth = square @ square
    total = jnp.zeros_like(matrix)
    for first in range(DEGREE - 3, -1, -4):
        part = sum(power / math.factorial(first + n) for n, power in enumerate(powers))
        total = part if first == DEGREE - 3 else total @ fourth + part
    return total


def _squared(matrix: jax.Array, times: jax.Array) -> jax.Array:
    """Return a unitary matrix after a number of squarings."""

    def square(found: jax.Array, number: jax.Array) -> tuple[jax.Array, None]:
        return jax.lax.cond(number < times, lambda x: x @ x, lambda x: x, found), None

    def group(found: jax.Array, numbers: jax.Array) -> jax.Array:
        return _unitary(jax.lax.scan(square, found, numbers)[0])

    def step(found: jax.Array, numbers: jax.Array) -> tuple[jax.Array, None]:
        needed = numbers[0] < times
        return jax.lax.cond(needed, group, lambda x, _: x, found, numbers), None

    numbers = jnp.arange(math.prod(SQUARINGS)).reshape(SQUARINGS)
    return jax.lax.scan(step, matrix, numbers)[0]


def _unitary(matrix: jax.Array) -> jax.Array:
    """Return the unitary matrix next to one, by a step of Newton's iteration.

    Each squaring doubles how far rounding has taken a matrix from unitary.
    """
    product = jnp.conj(matrix.T) @ matrix
    return 1.5 * matrix - 0.5 * (matrix @ product)


def _dense(found: Observable, on: tuple[Label, ...]) -> jax.Array:
    """Return the matrix of an observable."""
    wide = jnp.complex128 if wide_types() else jnp.complex64
    places = {wire: place for place, wire in enumerate(on)}
    terms = tuple(
        (
            tuple((places[wire], letter) for wire, letter in term.word),
            tuple((n, tuple(places[w] for w in wires)) for n, wires in term.factors),
        )
        for term in found.terms
    )
    coefficients = jnp.asarray(real_coefficients(found.coefficients, "evolve"))
    apply = partial(observable_applied, matrices=found.matrices, terms=terms)
    columns = jnp.eye(2 ** len(on), dtype=wide)
    return jax.vmap(lambda psi: apply(psi, coefficients))(columns).T
