"""Import rules of quantum operations: gates on wires become gates on qubit values."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from jax.core import ShapedArray
from xdsl.dialects import arith
from xdsl.dialects.builtin import f32
from xdsl.ir import SSAValue

from qjit.dialects import quantum
from qjit.dialects.quantum.types import FactorAttr, TermAttr
from qjit.lowering.importer.importer import Importer, rule
from qjit.lowering.importer.values import Value

from .circuit_state import (
    add_gate,
    add_unitary,
    as_f64,
    complex_buffer,
    converted,
    inlined,
    qubits_of,
    resolve,
)
from .sampling import Readout, add_counts, add_sample, axes_of, change_basis, is_counted


@rule("quantum_gate")
def _gate(importer: Importer, eqn: Any, *inputs: Value) -> list[Value]:
    dynamic = sum(wire is None for wire in eqn.params["wires"])
    split = len(inputs) - dynamic
    angles = [as_f64(importer, value) for value in inputs[:split]]
    scalars = [importer.scalar(value) for value in inputs[split:]]
    wires = resolve(importer, eqn.params["wires"], scalars)
    add_gate(importer, eqn.params, angles, wires, importer.location(eqn))
    return []


@rule("quantum_unitary")
def _unitary(importer: Importer, eqn: Any, *inputs: Value) -> list[Value]:
    scalars = [importer.scalar(value) for value in inputs[1:]]
    wires = resolve(importer, eqn.params["wires"], scalars)
    add_unitary(importer, eqn.params, inputs[0], wires, importer.location(eqn))
    return []


@rule("quantum_barrier")
def _barrier(importer: Importer, eqn: Any, *inputs: Value) -> list[Value]:
    line = importer.location(eqn)
    _pass_through(importer, eqn, inputs, partial(quantum.BarrierOp, line=line))
    return []


@rule("quantum_delay")
def _delay(importer: Importer, eqn: Any, *inputs: Value) -> list[Value]:
    seconds, line = eqn.params["duration"], importer.location(eqn)
    make = partial(quantum.DelayOp, seconds, line=line)
    _pass_through(importer, eqn, inputs, make)
    return []


def _pass_through(
    importer: Importer,
    eqn: Any,
    inputs: Sequence[Value],
    make: Callable[[Sequence[SSAValue]], quantum.PassThrough],
) -> None:
    """Append an operation that qubits pass through."""
    qubits = qubits_of(importer)
    scalars = [importer.scalar(value) for value in inputs]
    wires = resolve(importer, eqn.params["wires"], scalars)
    op = make(qubits.extract_all(wires))
    importer.insert(op)
    qubits.put_all(wires, op.results)


@rule("quantum_state_prep")
def _state_prep(importer: Importer, eqn: Any, *inputs: Value) -> list[Value]:
    params, line = eqn.params, importer.location(eqn)
    unchecked = params["unchecked"]
    add_state_prep(importer, params["wires"], inputs[0], line, unchecked=unchecked)
    return []


def add_state_prep(
    importer: Importer,
    wires: Sequence[int],
    amplitudes: Value,
    location: int,
    *,
    unchecked: bool = False,
    slot: SSAValue | None = None,
) -> None:
    """Prepare wires in a state vector."""
    qubits = qubits_of(importer)
    wide = complex_buffer(importer, amplitudes)
    qubits.write_back()
    op = quantum.StatePrepOp(
        qubits.register, wide, wires, unchecked=unchecked, slot=slot, line=location
    )
    qubits.replace(importer.emit(op))


@rule("quantum_snapshot")
def _snapshot(importer: Importer, eqn: Any) -> list[Value]:
    aval = eqn.outvars[0].aval
    return [add_measurement(importer, "quantum_state", eqn.params, (), aval)]


@rule("quantum_measure")
def _measure(importer: Importer, eqn: Any, *inputs: Value) -> list[Value]:
    qubits = qubits_of(importer)
    scalars = [importer.scalar(value) for value in inputs]
    wires = resolve(importer, eqn.params["wires"], scalars)
    (bit,) = qubits.extract_all(wires)
    op = quantum.MeasureOp(
        bit,
        postselect=eqn.params["postselect"],
        reset=eqn.params["reset"],
        line=importer.location(eqn),
    )
    importer.insert(op)
    qubits.put_all(wires, [op.results[1]])
    return [importer.from_scalar(op.results[0], eqn.outvars[0].aval)]


@rule("quantum_reset")
def _reset(importer: Importer, eqn: Any, *inputs: Value) -> list[Value]:
    qubits = qubits_of(importer)
    scalars = [importer.scalar(value) for value in inputs]
    wires = resolve(importer, eqn.params["wires"], scalars)
    bits = qubits.extract_all(wires)
    op = quantum.ResetOp(bits[0], line=importer.location(eqn))
    qubits.put_all(wires, [importer.emit(op)])
    return []


@dataclass(frozen=True)
class Terms:
    """The terms of an observable, plain Pauli words first, sorted by X mask."""

    attributes: tuple[TermAttr, ...]
    order: tuple[int, ...]

    def sort(self, importer: Importer, weights: Value) -> Value:
        """Return weights in this order."""
        return _permuted(importer, weights, self.order)

    def restore(self, importer: Importer, values: Value) -> Value:
        """Return values of the terms in the order of the user."""
        inverse = np.argsort(np.asarray(self.order, np.int64), kind="stable")
        return _permuted(importer, values, tuple(inverse.tolist()))


def sorted_terms(terms: Any, num_wires: int) -> Terms:
    """Return the terms of an observable as attributes with dense Pauli words."""
    found = [_term(word, factors, num_wires) for word, factors in terms]
    order = sorted(range(len(found)), key=lambda number: _rank(found[number]))
    return Terms(tuple(found[number] for number in order), tuple(order))


def _term(word: Any, factors: Any, num_wires: int) -> TermAttr:
    letters = ["I"] * num_wires
    for wire, letter in word:
        letters[wire] = letter
    attributes = [FactorAttr(index, wires) for index, wires in factors]
    return TermAttr("".join(letters), attributes)


def _rank(term: TermAttr) -> tuple[bool, list[bool]]:
    flips = [letter in "XY" for letter in term.word.data]
    return len(term.factors) > 0, flips


def _permuted(importer: Importer, values: Value, order: tuple[int, ...]) -> Value:
    if order == tuple(range(len(order))):
        return values
    if values.constant is not None:
        return importer.constant(values.constant[np.asarray(order)])
    return inlined(importer, lambda x: x[np.asarray(order)], values)


def add_measurement(
    importer: Importer,
    name: str,
    params: dict[str, Any],
    inputs: Sequence[Value],
    aval: ShapedArray,
    readout: Readout | None = None,
) -> Value:
    """Append a terminal measurement and return its result."""
    qubits = qubits_of(importer)
    qubits.write_back()
    if name in ("quantum_expval", "quantum_var"):
        terms = sorted_terms(params["terms"], qubits.num_wires)
        weights = converted(importer, terms.sort(importer, inputs[0]), np.float64)
        matrices = [complex_buffer(importer, matrix) for matrix in inputs[1:]]
        make = quantum.ExpvalOp if name == "quantum_expval" else quantum.VarOp
        value = importer.emit(
            make(qubits.register, weights, matrices, terms.attributes)
        )
        if aval.dtype == np.float32:
            value = importer.emit(arith.TruncFOp(value, f32))
        return importer.from_scalar(value, aval)
    if name == "quantum_resources":
        return _add_resources(importer, aval)
    if name == "quantum_probs":
        assert readout is not None
        return _add_probs(importer, readout, aval)
    target = importer.allocate(aval.shape, aval.dtype)
    register = qubits.register
    match name:
        case "quantum_state":
            importer.insert(quantum.StateOp(register, target))
        case "quantum_density_matrix":
            importer.insert(quantum.DensityMatrixOp(register, target, params["wires"]))
        case "quantum_counts":
            assert readout is not None
            return add_counts(importer, readout, aval.dtype)
        case _:
            assert readout is not None
            return add_sample(importer, readout, aval.dtype)
    return importer.from_buffer(target, aval)


def _add_resources(importer: Importer, aval: ShapedArray) -> Value:
    """Append the counts of the device "null", which are of 64 bits."""
    wide = ShapedArray(aval.shape, np.dtype(np.int64))
    target = importer.allocate(wide.shape, wide.dtype)
    importer.insert(quantum.ResourcesOp(qubits_of(importer).register, target))
    found = importer.from_buffer(target, wide)
    return inlined(importer, lambda x: x.astype(aval.dtype), found)


def _add_probs(importer: Importer, readout: Readout, aval: ShapedArray) -> Value:
    qubits, wires = qubits_of(importer), readout.params["wires"]
    axes = axes_of(readout.params, readout.tokens)
    target = importer.allocate(aval.shape, aval.dtype)
    change_basis(importer, axes, readout.unitary, inverse=False)
    qubits.write_back()
    importer.insert(quantum.ProbsOp(qubits.register, target, wires))
    change_basis(importer, axes, readout.unitary, inverse=True)
    qubits.write_back()
    return importer.from_buffer(target, aval)


def readout_of(importer: Importer, eqn: Any, inputs: Sequence[Value]) -> Readout:
    """Return what an equation measures, with matrices that other equations may give."""
    count = len(eqn.params.get("factors", ()))
    tokens = eqn.invars[:count]
    known = dict(zip(tokens, inputs, strict=False))

    def unitary(token: Any) -> Value:
        for frame in ({**known}, *reversed(importer.frames)):
            if token in frame:
                return frame[token]
        raise NotImplementedError("A matrix is computed after what is measured along.")

    return Readout(eqn.params, tokens, unitary)


def read_out(importer: Importer, eqn: Any, inputs: Sequence[Value]) -> Value:
    """Append the terminal measurement of an equation and return its result."""
    aval, name, params = eqn.outvars[0].aval, eqn.primitive.name, eqn.params
    readout = readout_of(importer, eqn, inputs) if "basis" in params else None
    if name != "quantum_estimate":
        return add_measurement(importer, name, params, inputs, aval, readout)
    assert readout is not None
    statistic, rest = params["statistic"], inputs[len(params["factors"]) :]
    if is_counted(importer, readout):
        drawn, statistic = add_counts(importer, readout), statistic.of_counts(params)
    else:
        drawn = add_sample(importer, readout)

    def converted(*values: Any) -> Any:
        # Shots have 64 bits here, whatever the integers of the program have.
        return statistic(*values).astype(aval.dtype)

    return inlined(importer, converted, drawn, *rest)


def _terminal(importer: Importer, eqn: Any, *inputs: Value) -> list[Value]:
    terminal = qubits_of(importer).terminal or read_out
    return [terminal(importer, eqn, inputs)]


for _name in ("expval", "var", "probs", "state", "density_matrix", "resources"):
    rule(f"quantum_{_name}")(_terminal)
for _name in ("sample", "estimate", "record", "mean", "variance"):
    rule(f"quantum_{_name}")(_terminal)
