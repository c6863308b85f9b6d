"""Import rules of quantum operations: gates on wires become gates on qubit values."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import jax
import numpy as np
from jax.core import ShapedArray
from xdsl.dialects import arith
from xdsl.dialects.builtin import IntegerAttr, UnitAttr, f32, f64, i64
from xdsl.ir import Attribute, SSAValue

from qjit.dialects import quantum
from qjit.dialects.quantum.types import FactorAttr, TermAttr
from qjit.lowering.importer.importer import Importer, rule
from qjit.lowering.importer.values import Value
from qjit.lowering.jax_internals.equations import enable_x64

from .sampling import Draw, Readout, add_counts, add_sample, axes_of, is_counted, turn

WireValue = int | SSAValue
Terminal = Callable[[Importer, Any, Sequence[Value]], Value]


@dataclass
class Qubits:
    """The register of the circuit being imported, and the qubits taken from it."""

    importer: Importer
    num_wires: int
    dtype: np.dtype[Any]
    terminal: "Terminal"
    draws: Sequence[Draw] = ()
    taken: dict[int, SSAValue] = field(default_factory=dict[int, SSAValue])

    @property
    def register(self) -> SSAValue:
        """The present value of the register."""
        return self.importer.threads[-1]

    def replace(self, register: SSAValue) -> None:
        """Set the present value of the register."""
        self.importer.threads[-1] = register

    def take(self, wire: WireValue) -> SSAValue:
        """Return the present value of a qubit."""
        if isinstance(wire, int) and wire in self.taken:
            return self.taken[wire]
        bit = self.importer.emit(quantum.ExtractOp(self.register, wire))
        if isinstance(wire, int):
            self.taken[wire] = bit
        return bit

    def give(self, wire: WireValue, bit: SSAValue) -> None:
        """Set the present value of a qubit that was taken."""
        if isinstance(wire, int):
            self.taken[wire] = bit
        else:
            self._insert(wire, bit)

    def _insert(self, wire: WireValue, bit: SSAValue) -> None:
        op = quantum.InsertOp(self.register, wire, bit)
        self.replace(self.importer.emit(op))

    def flush(self) -> None:
        """Put all taken qubits back into the register."""
        for wire in sorted(self.taken):
            self._insert(wire, self.taken[wire])
        self.taken.clear()

    @property
    def signature(self) -> Hashable:
        """Return what functions with gates depend on; None where there are none."""
        # NOTE: circuits that measure on the way repeat what no function repeats.
        return (self.num_wires, self.dtype) if self.terminal is read_out else None

    @property
    def attributes(self) -> dict[str, Attribute]:
        """Return the attributes of what begins a circuit or a function with gates."""
        return {"single": UnitAttr()} if self.dtype == np.complex64 else {}

    def fresh(self) -> "Qubits":
        """Return the qubits at the beginning of a function with gates."""
        return replace(self, taken={})

    def around(self, wires: Sequence[WireValue]) -> list[SSAValue]:
        """Return the qubits of some wires, for an operation on them."""
        if any(not isinstance(wire, int) for wire in wires):
            self.flush()
        return [self.take(wire) for wire in wires]

    def settle(self, wires: Sequence[WireValue], bits: Sequence[SSAValue]) -> None:
        """Take an operation's results as the qubits of its wires."""
        for wire, bit in zip(wires, bits, strict=True):
            self.give(wire, bit)
        if any(not isinstance(wire, int) for wire in wires):
            self.flush()


def qubits_of(importer: Importer) -> Qubits:
    """Return the qubits of the circuit being imported."""
    assert isinstance(importer.extension, Qubits)
    return importer.extension


def begin(
    importer: Importer,
    num_wires: int,
    dtype: np.dtype[Any],
    *,
    recorded: bool = False,
    terminal: Terminal | None = None,
    draws: Sequence[Draw] = (),
) -> Qubits:
    """Start a circuit with all wires in |0>.

    `terminal` imports its measurements, whose samples come from `draws`.
    """
    op = quantum.AllocOp(num_wires)
    if recorded:
        op.attributes["recorded"] = UnitAttr()
    if importer.enclosing:
        line = importer.location(importer.enclosing[-1])
        op.attributes["line"] = IntegerAttr(line, i64)
    importer.threads.append(importer.emit(op))
    qubits = Qubits(importer, num_wires, dtype, terminal or read_out, draws)
    op.attributes.update(qubits.attributes)
    importer.extension = qubits
    return qubits


def suspend(importer: Importer, run: int) -> None:
    """Leave a circuit, which `resume` goes on with; no other may begin before."""
    qubits = qubits_of(importer)
    qubits.flush()
    importer.suspended[run] = qubits, importer.threads.pop()


def resume(importer: Importer, run: int) -> None:
    """Go on with a circuit."""
    qubits, register = importer.suspended.pop(run)
    importer.threads.append(register)
    importer.extension = qubits


def end(importer: Importer) -> None:
    """Release the register of a circuit."""
    qubits = qubits_of(importer)
    qubits.flush()
    importer.insert(quantum.DeallocOp(importer.threads.pop()))
    importer.extension = None


def as_f64(importer: Importer, value: Value) -> SSAValue:
    """Return a real scalar in double precision."""
    return widened(importer, importer.scalar(value))


def widened(importer: Importer, scalar: SSAValue) -> SSAValue:
    """Return a float in double precision."""
    return scalar if scalar.type == f64 else importer.emit(arith.ExtFOp(scalar, f64))


def as_i64(importer: Importer, scalar: SSAValue) -> SSAValue:
    """Return an integer as i64."""
    return scalar if scalar.type == i64 else importer.emit(arith.ExtSIOp(scalar, i64))


def resolve(
    importer: Importer, wires: Sequence[int | None], dynamic: Sequence[SSAValue]
) -> list[WireValue]:
    """Fill the traced wires into an equation's list of wires."""
    rest = iter(dynamic)
    return [as_i64(importer, next(rest)) if wire is None else wire for wire in wires]


def add_gate(
    importer: Importer,
    params: dict[str, Any],
    angles: Sequence[SSAValue],
    wires: Sequence[WireValue],
    location: int,
    slots: Sequence[SSAValue] = (),
) -> None:
    """Append a gate."""
    qubits = qubits_of(importer)
    # NOTE: a global phase on no wire is carried by the first one.
    wires = wires or [0]
    bits = qubits.around(wires)
    count = params["num_controls"]
    op = quantum.GateOp(
        params["gate"],
        bits[count:],
        params=angles,
        controls=bits[:count],
        control_values=params["control_values"] or None,
        adjoint=params["adjoint"],
        word=params["word"],
        dim=params["dim"],
        slots=slots,
        line=location,
    )
    importer.insert(op)
    qubits.settle(wires, op.controls_first(count))


def add_unitary(
    importer: Importer,
    params: dict[str, Any],
    matrix: Value,
    wires: Sequence[WireValue],
    location: int,
    slot: SSAValue | None = None,
) -> None:
    """Append a unitary, or an invertible matrix and its inverse, given by an array."""
    qubits = qubits_of(importer)
    wide = complex_buffer(importer, matrix)
    bits = qubits.around(wires)
    count = params["num_controls"]
    op = quantum.UnitaryOp(
        wide,
        bits[count:],
        controls=bits[:count],
        control_values=params["control_values"] or None,
        adjoint=params["adjoint"],
        diagonal=params["diagonal"],
        invertible=params.get("invertible", False),
        slot=slot,
        line=location,
    )
    importer.insert(op)
    qubits.settle(wires, op.controls_first(count))


def complex_buffer(importer: Importer, value: Value) -> SSAValue:
    """Return an array as complex128 in memory."""
    return converted(importer, value, np.complex128)


def converted(importer: Importer, value: Value, dtype: Any) -> SSAValue:
    """Return an array in memory, as another dtype."""
    if value.dtype == dtype:
        return importer.buffer(value)
    if value.constant is not None:
        return importer.buffer(importer.constant(value.constant.astype(dtype)))
    return importer.buffer(
        inlined(importer, lambda x: jax.lax.convert_element_type(x, dtype), value)
    )


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
    qubits.flush()
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
    (bit,) = qubits.around(wires)
    op = quantum.MeasureOp(
        bit,
        postselect=eqn.params["postselect"],
        reset=eqn.params["reset"],
        line=importer.location(eqn),
    )
    importer.insert(op)
    qubits.settle(wires, [op.results[1]])
    return [importer.from_scalar(op.results[0], eqn.outvars[0].aval)]


@rule("quantum_reset")
def _reset(importer: Importer, eqn: Any, *inputs: Value) -> list[Value]:
    qubits = qubits_of(importer)
    scalars = [importer.scalar(value) for value in inputs]
    wires = resolve(importer, eqn.params["wires"], scalars)
    bits = qubits.around(wires)
    op = quantum.ResetOp(bits[0], line=importer.location(eqn))
    qubits.settle(wires, [importer.emit(op)])
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


def inlined(importer: Importer, function: Any, *values: Value) -> Value:
    """Import a JAX function of some values at the current position."""
    avals = [jax.ShapeDtypeStruct(value.shape, value.dtype) for value in values]
    with enable_x64(True):
        closed = jax.make_jaxpr(function)(*avals)
    return importer.inline(closed, values)[0]


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
    qubits.flush()
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


def _add_probs(importer: Importer, readout: Readout, aval: ShapedArray) -> Value:
    qubits, wires = qubits_of(importer), readout.params["wires"]
    axes = axes_of(readout.params, readout.tokens)
    target = importer.allocate(aval.shape, aval.dtype)
    turn(importer, axes, readout.unitary, inverse=False)
    qubits.flush()
    importer.insert(quantum.ProbsOp(qubits.register, target, wires))
    turn(importer, axes, readout.unitary, inverse=True)
    qubits.flush()
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
        counts = add_counts(importer, readout)
        return inlined(importer, statistic.of_counts(params), counts, *rest)
    return inlined(importer, statistic, add_sample(importer, readout), *rest)


def _terminal(importer: Importer, eqn: Any, *inputs: Value) -> list[Value]:
    return [qubits_of(importer).terminal(importer, eqn, inputs)]


for _name in ("expval", "var", "probs", "state", "density_matrix"):
    rule(f"quantum_{_name}")(_terminal)
for _name in ("sample", "estimate", "record", "mean", "variance"):
    rule(f"quantum_{_name}")(_terminal)
