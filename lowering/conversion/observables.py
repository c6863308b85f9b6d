"""Conversion of observables and of the adjoint method to calls of the runtime."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from xdsl.dialects import llvm
from xdsl.dialects.builtin import f64
from xdsl.ir import SSAValue

from qjit.dialects import gradient, quantum
from qjit.dialects.quantum.types import TermAttr

from .converter import Converter, llvm_rule
from .quantum import state_like
from .simulation import amplitudes_of, readout_symbol, simulation_of, wire_list


@dataclass(frozen=True)
class PauliGroup:
    """The plain Pauli terms of an observable, which come first, sorted by X mask."""

    x_masks: np.ndarray
    z_masks: np.ndarray


def pauli_group(terms: Sequence[TermAttr]) -> PauliGroup:
    """Return the masks of the plain Pauli terms; wire 0 is the highest bit."""
    masks = [_masks(term.word.data) for term in terms if not len(term.factors)]
    pairs = np.asarray(masks, np.int64).reshape(-1, 2)
    return PauliGroup(pairs[:, 0].copy(), pairs[:, 1].copy())


def _masks(word: str) -> tuple[int, int]:
    x_mask = int("".join("1" if letter in "XY" else "0" for letter in word), 2)
    z_mask = int("".join("1" if letter in "YZ" else "0" for letter in word), 2)
    return x_mask, z_mask


def _paulis(converter: Converter, group: PauliGroup) -> list[SSAValue]:
    return [
        converter.int(len(group.x_masks)),
        converter.global_data(group.x_masks),
        converter.global_data(group.z_masks),
    ]


def _factor_terms(
    converter: Converter,
    state: SSAValue,
    terms: Sequence[TermAttr],
    matrices: Sequence[SSAValue],
) -> Any:
    """Yield the number of each term with matrices and a state it was applied to."""
    for number, term in enumerate(terms):
        if not len(term.factors):
            continue
        copied = state_like(converter, "state_copy", state)
        _apply_word(converter, copied, term.word.data)
        for factor in term.factors:
            wires = factor.wires.get_values()
            args = [
                copied,
                converter.int(len(wires)),
                wire_list(converter, wires),
                converter.pointer(matrices[factor.matrix.data]),
            ]
            converter.call(readout_symbol(converter, "apply_matrix"), None, args)
        yield number, copied
        _free(converter, copied)


PAULI_MATRICES = {
    "X": np.array([[0, 1], [1, 0]], np.complex128),
    "Y": np.array([[0, -1j], [1j, 0]], np.complex128),
    "Z": np.array([[1, 0], [0, -1]], np.complex128),
}


def _apply_word(converter: Converter, state: SSAValue, word: str) -> None:
    for wire, letter in enumerate(word):
        if letter != "I":
            args = [
                state,
                converter.int(1),
                wire_list(converter, [wire]),
                converter.global_data(PAULI_MATRICES[letter]),
            ]
            converter.call(readout_symbol(converter, "apply_matrix"), None, args)


def _weight(converter: Converter, source: SSAValue, number: int) -> SSAValue:
    address = converter.offset(converter.pointer(source), number, f64)
    return converter.load(address, f64)


def _add_product(
    converter: Converter,
    bra: SSAValue,
    state: SSAValue,
    weights: SSAValue,
    terms: Sequence[TermAttr],
    matrices: Sequence[SSAValue],
) -> None:
    """Add the observable applied to a state to another state."""
    group = pauli_group(terms)
    if len(group.x_masks):
        pointer = converter.pointer(weights)
        args = [state, bra, *_paulis(converter, group), pointer]
        converter.call(readout_symbol(converter, "pauli_apply"), None, args)
    for number, applied in _factor_terms(converter, state, terms, matrices):
        weight = _weight(converter, weights, number)
        converter.call(readout_symbol(converter, "axpy"), None, [weight, applied, bra])


def _real_product(converter: Converter, left: SSAValue, right: SSAValue) -> SSAValue:
    result = converter.stack(16)
    converter.call(readout_symbol(converter, "dot"), None, [left, right, result])
    return converter.load(result, f64)


@llvm_rule(quantum.ExpvalOp)
def _expval(converter: Converter, op: quantum.ExpvalOp) -> None:
    state, terms = amplitudes_of(converter, op), list(op.terms)
    group = pauli_group(terms)
    total = converter.double(0.0)
    if len(group.x_masks):
        weights = converter.pointer(op.coefficients)
        args = [state, *_paulis(converter, group), weights]
        total = converter.result(readout_symbol(converter, "pauli_expval"), f64, args)
    for number, applied in _factor_terms(converter, state, terms, list(op.matrices)):
        value = _real_product(converter, state, applied)
        weight = _weight(converter, op.coefficients, number)
        part = converter.emit(llvm.FMulOp(value, weight))
        total = converter.emit(llvm.FAddOp(total, part))
    converter.bind(op.value, total)


@llvm_rule(quantum.VarOp)
def _var(converter: Converter, op: quantum.VarOp) -> None:
    state = amplitudes_of(converter, op)
    product = state_like(converter, "state_blank", state)
    _add_product(
        converter, product, state, op.coefficients, list(op.terms), list(op.matrices)
    )
    # NOTE: the squared norm of (A - <A>)|state> cancels no digits and is not negative.
    mean = _real_product(converter, state, product)
    opposite = converter.emit(llvm.FSubOp(converter.double(-0.0), mean))
    converter.call(readout_symbol(converter, "axpy"), None, [opposite, state, product])
    converter.bind(op.value, _real_product(converter, product, product))
    _free(converter, product)


@llvm_rule(gradient.TermValuesOp)
def _term_values(converter: Converter, op: gradient.TermValuesOp) -> None:
    state, terms = amplitudes_of(converter, op), list(op.terms)
    group = pauli_group(terms)
    target = converter.pointer(op.destination)
    if len(group.x_masks):
        args = [state, *_paulis(converter, group), target]
        converter.call(readout_symbol(converter, "pauli_expvals"), None, args)
    for number, applied in _factor_terms(converter, state, terms, list(op.matrices)):
        value = _real_product(converter, state, applied)
        converter.store(value, converter.offset(target, number, f64))


@llvm_rule(gradient.AdjointOp)
def _adjoint(converter: Converter, op: gradient.AdjointOp) -> None:
    ket, bra = amplitudes_of(converter, op), _bra(converter, op)
    args = [_tape(converter), ket, bra, converter.pointer(op.destination)]
    converter.call(readout_symbol(converter, "adjoint"), None, args)
    _free(converter, bra)


def adjoint_in_lanes(converter: Converter, ops: Sequence[gradient.AdjointOp]) -> None:
    """Walk the tape backwards for some entries of a batch at once."""
    bras = [_bra(converter, op) for op in ops]
    kets = [amplitudes_of(converter, op) for op in ops]
    targets = [converter.pointer(op.destination) for op in ops]
    tables = map(converter.pointer_array, (kets, bras, targets))
    args = [_tape(converter), *tables]
    converter.call(readout_symbol(converter, "adjoint_batch"), None, args)
    for bra in bras:
        _free(converter, bra)


def _bra(converter: Converter, op: gradient.AdjointOp) -> SSAValue:
    """Return what the adjoint method begins with besides the final state."""
    ket = amplitudes_of(converter, op)
    bra = state_like(converter, "state_blank", ket)
    matrices = list(op.matrices)
    for weights, terms in zip(op.weights, op.terms, strict=True):
        _add_product(converter, bra, ket, weights, list(terms), matrices)
    for vector in op.vectors:
        args = [bra, converter.pointer(vector)]
        converter.call(readout_symbol(converter, "add_amplitudes"), None, args)
    return bra


def _tape(converter: Converter) -> SSAValue:
    tape = simulation_of(converter).tape
    assert tape is not None
    return tape


def _free(converter: Converter, state: SSAValue) -> None:
    args = [converter.context, state]
    converter.call(readout_symbol(converter, "state_free"), None, args)
