"""Evolution under a Hamiltonian."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from qjit.diagnostics.keywords import keywords
from qjit.errors import ParameterError
from qjit.lowering.jax_internals.tracing import user_line, wide_types
from qjit.ops.algebra.dense import observable_applied
from qjit.ops.algebra.operator import Operator, implements
from qjit.tracing.wires import Label

from .exponentials import evolved
from .observables import Observable, as_observable, real_coefficients
from .operations import as_angle, operator_function
from .variadic_gates import unitary

WIDEST = 10


@keywords(former={"hamiltonian": "op", "time": "coeff"})
@operator_function
def evolve(op: Any, coeff: Any = 1.0) -> Operator:
    """Apply exp(-i t H), the evolution under a Hamiltonian, as one matrix.

    Args:
        op: the Hamiltonian, an observable on k wires; its coefficients may be traced.
        coeff: the time t, a real scalar, in units of one over the Hamiltonian's.

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
    return evolution(op, coeff)


@implements("evolution")
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
    matrix = evolved(angle, _dense(found, on))
    return unitary("evolve", matrix, on, (), (), diagonal=False, exponential=True)


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
