"""Operators in normal form: what is measured, equality, and simplification."""

from collections.abc import Hashable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from jax.core import Tracer

from qjit.errors import MeasurementError
from qjit.lowering.jax_internals.tracing import user_line
from qjit.tracing.validation import hermitian
from qjit.tracing.wires import Wire

from . import linear_form as forms
from .arithmetic import is_linear
from .expressions import EXPRESSIONS, Prod, SProd, Sum, pauli_word
from .gates import Gate, identity_on, is_pauli
from .linear_form import LinearForm, without_zeros
from .modified import Modified, changed
from .operator import Operator, implements
from .powers import Exp, Pow
from .recording import taken


@implements("simplified")
def simplified(operator: Operator) -> Operator:
    """Return an equal operator with like terms added and zeros dropped."""
    if isinstance(operator, Gate):
        return _simplified_gate(operator)
    if isinstance(operator, Prod) and operator.is_unitary:
        factors = _merged([simplified(f.value()) for f in operator.factors])
        operator = Prod(factors) if len(factors) > 1 else _only(factors, operator)
    if isinstance(operator, Modified):
        base = simplified(operator.base)
        return changed(base, operator.modifiers)
    if isinstance(operator, Exp):
        return replace(operator, base=simplified(operator.base))
    if isinstance(operator, Pow) and operator.exponent == 1:
        return simplified(operator.base)
    if is_linear(operator) and _has_words(operator):
        return _of_form(operator)
    return operator


def _has_words(operator: Operator) -> bool:
    """Tell whether an expression is made of gates that are sums of words."""
    if isinstance(operator, (*EXPRESSIONS, Pow)):
        return is_linear(operator) and all(map(_has_words, operator.operands()))
    return isinstance(operator, Gate) and not operator.angles


def _of_form(operator: Operator) -> Operator:
    form = forms.without_zeros(operator.linear_form())
    wires = operator.wires[:1]
    terms = [_of_term(form, n, wires) for n in range(len(form.terms))]
    if not terms:
        return SProd(0.0, identity_on(wires))
    return terms[0] if len(terms) == 1 else Sum(tuple(terms))


def _of_term(form: LinearForm, place: int, wires: Sequence[Wire]) -> Operator:
    number, word = form.coefficients[place], form.terms[place].word
    operator = pauli_word(word, wires)
    if isinstance(number, Tracer) or number != 1:
        return SProd(number, operator)
    return operator


def _only(factors: Sequence[Operator], whole: Operator) -> Operator:
    return factors[0] if factors else identity_on(whole.wires)


def _simplified_gate(gate: Gate) -> Operator:
    """Return a gate that is not inverted, or the identity for no rotation."""
    if gate.inverted and (angles := gate.record.adjoint(gate.angles)) is not None:
        gate = replace(gate, angles=tuple(angles), inverted=False)
    nothing = gate.record.additive and _is_zero(gate.angles[0])
    return identity_on(gate.wires) if nothing else gate


def _is_zero(angle: Any) -> bool:
    return not isinstance(angle, Tracer) and not np.any(angle)


def _merged(factors: Sequence[Operator]) -> tuple[Operator, ...]:
    """Return a product's factors with equal neighbouring rotations as one."""
    found: list[Operator] = []
    for factor in factors:
        last = found[-1] if found else None
        if isinstance(last, Gate) and isinstance(factor, Gate) and _add(last, factor):
            merged = replace(last, angles=(last.angles[0] + factor.angles[0],))
            found[-1] = _simplified_gate(merged)
        else:
            found.append(factor)
        if isinstance(found[-1], Gate) and found[-1].record.name == "I" and found[1:]:
            found.pop()
    return tuple(found)


def _add(left: Gate, right: Gate) -> bool:
    """Tell whether the product of two gates is one with the sum of their angles."""
    alike = replace(left, angles=()).key() == replace(right, angles=()).key()
    return alike and left.record.additive and not left.inverted


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
