"""What the signs between operators mean."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from jax.core import Tracer

from qjit.errors import ParameterError
from qjit.lowering.jax_internals.tracing import user_line

from .expressions import Hamiltonian, PauliSum, Prod, SProd, Sum
from .gates import Gate, identity_on
from .operator import Number, Operator, as_inexact, implements, is_number_like
from .powers import Pow
from .recording import all_taken, created, taken


def is_linear(operator: Operator) -> bool:
    """Tell whether an operator is a sum, a product or a whole power of others."""
    if isinstance(operator, Pow):
        return not isinstance(operator.exponent, float) and operator.exponent >= 0
    return isinstance(operator, (Sum, Prod, SProd, Hamiltonian, PauliSum))


@implements("total")
def total(operators: Sequence[Operator]) -> Operator:
    """Return the sum of operators."""
    terms: list[Operator] = []
    for operator in all_taken(operators):
        terms.extend(operator.terms if isinstance(operator, Sum) else [operator])
    return created(Sum(tuple(terms)))


@implements("product")
def product(*operators: Operator) -> Operator:
    """Return the product of operators, with their numbers in front."""
    factors: list[Operator] = []
    number: Number = None
    for operator in all_taken(operators):
        base = operator
        if isinstance(base, SProd):
            number = base.scalar if number is None else number * base.scalar
            base = base.base
        factors.extend(base.factors if isinstance(base, Prod) else [base])
    whole = Prod(tuple(factors))
    return created(whole if number is None else SProd(number, whole))


@implements("scaled")
def scaled(number: Number, operator: Operator) -> Operator:
    """Return a multiple of an operator."""
    base, number = taken(operator), as_inexact(number)
    if isinstance(base, SProd):
        number, base = number * base.scalar, base.base
    return created(SProd(number, base))


@implements("shifted")
def shifted(operator: Operator, number: Number) -> Operator:
    """Return an operator plus a multiple of the identity on its wires."""
    if not isinstance(number, Tracer) and number == 0:
        return operator
    base = taken(operator)
    terms = base.terms if isinstance(base, Sum) else (base,)
    return created(Sum((*terms, SProd(number, identity_on(base.wires[:1])))))


@implements("power")
def power(operator: Operator, exponent: Any) -> Operator:
    """Return a power of an operator."""
    known = is_number_like(exponent) and not isinstance(exponent, Tracer)
    if not known or np.ndim(exponent):
        raise ParameterError(
            f"{user_line()}: an exponent is a real number that is known when tracing, "
            f"but got {exponent!r}."
        )
    exponent = np.asarray(exponent).item()
    if isinstance(exponent, complex) or not np.isfinite(exponent):
        raise ParameterError(
            f"{user_line()}: an exponent is a real, finite number, but got {exponent}."
        )
    if isinstance(exponent, float) and exponent.is_integer():
        exponent = int(exponent)
    base = taken(operator)
    if isinstance(base, Gate) and base.record.additive:
        return created(replace(base, angles=(base.angles[0] * exponent,)))
    return created(Pow(base, exponent))
