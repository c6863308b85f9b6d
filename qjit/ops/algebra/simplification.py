"""Equal operators of fewer parts."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from jax.core import Tracer

from qjit.tracing.wires import Wire

from . import linear_form as forms
from .arithmetic import is_linear
from .expressions import EXPRESSIONS, Prod, SProd, Sum, pauli_word
from .gates import Gate, identity_on
from .linear_form import LinearForm
from .modified import Modified, changed
from .operator import Operator, implements
from .powers import Exp, Pow


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
