"""Operators by their linear form: what is measured, and which operators are equal."""

from collections.abc import Hashable
from dataclasses import replace
from typing import Any

import numpy as np
from jax.core import Tracer

from qjit.errors import MeasurementError
from qjit.lowering.jax_internals.tracing import user_line
from qjit.tracing.validation import hermitian

from .arithmetic import is_linear
from .gates import is_pauli
from .linear_form import LinearForm, without_zeros
from .operator import Operator, implements
from .recording import taken


def as_linear_form(value: Any, what: str = "expval") -> LinearForm:
    """Return the normal form of an operator that is measured or evolved under."""
    if not isinstance(value, Operator):
        raise MeasurementError(
            f"{user_line()}: expected an observable built from X, Y, Z, I, H, "
            f"Hermitian, Projector or Hamiltonian, but got {type(value).__name__}."
        )
    operator = taken(value)
    form = operator.linear_form()
    if not _may_be_hermitian(form):
        raise MeasurementError(
            f"{user_line()}: {what} takes an observable, but {operator!r} is not "
            "Hermitian. Add its adjoint, or use X, Y, Z, I, H, Hermitian, Projector or "
            "Hamiltonian."
        )
    return replace(form, matrices=tuple(map(_measured, form.matrices)))


def _measured(matrix: Any) -> Any:
    """Return a matrix that is known to be Hermitian, or checked at run time."""
    return hermitian(matrix) if isinstance(matrix, Tracer) else matrix


def _may_be_hermitian(form: LinearForm) -> bool:
    """Tell whether a form is Hermitian, as far as its numbers are known."""
    numbers = form.coefficients
    if not isinstance(numbers, Tracer) and np.any(np.abs(np.imag(numbers)) > 1e-12):
        return False
    known = (np.asarray(m) for m in form.matrices if not isinstance(m, Tracer))
    return all(np.allclose(m, np.conj(m.T), atol=1e-6) for m in known)


@implements("identity_key")
def identity_key(operator: Operator) -> Hashable:
    """Return what operators that are equal have in common.

    Of sums and products of Pauli operators with known numbers, it is their words and
    coefficients; of others, how they are made.
    """
    if not is_pauli_expression(operator):
        return operator.key()
    form = without_zeros(operator.linear_form())
    pairs = zip(form.terms, np.asarray(form.coefficients).tolist(), strict=True)
    return frozenset((term.word, complex(number)) for term, number in pairs)


def is_pauli_expression(operator: Operator) -> bool:
    """Tell whether an operator is made of Pauli operators and known numbers only."""
    if is_pauli(operator):
        return True
    if not is_linear(operator):
        return False
    if any(isinstance(number, Tracer) for number in operator.parameters):
        return False
    return all(is_pauli_expression(each.value()) for each in operator.operands())
