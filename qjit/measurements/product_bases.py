"""Eigenbases of products of observables on wires of their own, factor by factor."""

from typing import Any

import numpy as np
from jax.core import Tracer

from qjit.ops.algebra.expressions import Hamiltonian, Prod, SProd
from qjit.ops.algebra.gates import Gate, is_pauli
from qjit.ops.algebra.linear_form import Term
from qjit.ops.algebra.operator import Operator
from qjit.ops.observables import Matrix
from qjit.tracing.context import TraceContext
from qjit.tracing.validation import hermitian
from qjit.tracing.wires import is_traced

from .eigenbases import Factor, Group, diagonalised

COSINE, SINE = np.cos(np.pi / 8), np.sin(np.pi / 8)
HADAMARD = np.array([[COSINE, SINE], [-SINE, COSINE]])  # rows are eigenvectors


def of_factors(
    operator: Operator, context: TraceContext, *, identities: bool
) -> tuple[Group, Any, list[Any]] | None:
    """Return the eigenbasis of a product, its number in front, and its matrices.

    Wires are in the order of the factors, those of identities among them where asked
    for. None for what is no product of Pauli
    operators, Hadamards, matrices and projectors, or whose factors share wires.
    """
    number, operators = _taken_apart(operator)
    wires = [wire for factor in operators for wire in factor.wires]
    plain = not any(map(is_traced, wires)) and len(set(wires)) == len(wires)
    if not (wires and plain and all(map(_is_known, operators))):
        return None
    group, word, matrices = Group(), [], []
    for factor in operators:
        on = tuple(map(context.order.position, factor.wires))
        if is_pauli(factor):
            if factor.name != "I":
                word.append((on[0], factor.name))
            if factor.name != "I" or identities:
                letter = factor.name.replace("I", "Z")
                group.letters.update(dict.fromkeys(on, letter))
            continue
        place = len(matrices)
        matrices.append(_measured(factor))
        group.letters.update({wire: (place, n) for n, wire in enumerate(on)})
        group.factors[place] = _basis(factor, matrices[-1], on)
    own = tuple((place, found.wires) for place, found in group.factors.items())
    group.terms.append(Term(tuple(word), own))
    group.numbers.append(0)
    return group, number, matrices


def _taken_apart(operator: Operator) -> tuple[Any, list[Operator]]:
    """Return the number in front of a product, and its factors."""
    match operator:
        case SProd():
            number, factors = _taken_apart(operator.base)
            return operator.scalar * number, factors
        case Hamiltonian() if len(operator.terms) == 1:
            number, factors = _taken_apart(operator.terms[0])
            return operator.coefficients[0] * number, factors
        case Prod():
            number, factors = 1.0, list[Operator]()
            for factor in operator.factors:
                own, parts = _taken_apart(factor)
                number, factors = number * own, [*factors, *parts]
            return number, factors
        case _:
            return 1.0, [operator]


def _is_known(factor: Operator) -> bool:
    return is_pauli(factor) or _is_hadamard(factor) or isinstance(factor, Matrix)


def _is_hadamard(factor: Operator) -> bool:
    return (
        isinstance(factor, Gate) and factor.record.name == "H" and not factor.controls
    )


def _measured(factor: Operator) -> Any:
    matrix = factor.own_matrix()
    return hermitian(matrix) if isinstance(matrix, Tracer) else matrix


def _basis(factor: Operator, matrix: Any, on: tuple[int, ...]) -> Factor:
    """Return the eigenbasis of one factor, in the order that outcomes have."""
    if _is_hadamard(factor):
        return Factor(on, HADAMARD, np.array([1.0, -1.0]))
    assert isinstance(factor, Matrix)
    if factor.kind == "Projector" and np.shape(factor.given) == (len(on),):
        diagonal = matrix.diagonal().real
        return Factor(on, np.eye(len(matrix)), diagonal)
    found = diagonalised(matrix, on)
    if factor.kind == "Projector":
        return Factor(on, found.unitary[::-1], found.eigenvalues[::-1])
    return found
