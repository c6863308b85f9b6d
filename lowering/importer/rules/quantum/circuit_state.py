"""The circuit being imported: its register, and the qubits extracted out of it."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import jax
import numpy as np
from xdsl.dialects import arith
from xdsl.dialects.builtin import ArrayAttr, IntegerAttr, StringAttr, UnitAttr, f64, i64
from xdsl.ir import Attribute, SSAValue

from qjit.dialects import quantum
from qjit.dialects.targets import STATEVECTOR, Target, text_of
from qjit.lowering.importer.importer import Importer
from qjit.lowering.importer.values import Value
from qjit.lowering.jax_internals.equations import enable_x64
from qjit.lowering.jaxpr.shot_statistics import is_countable
from qjit.lowering.program_attributes import (
    CIRCUIT,
    CIRCUIT_PASSES,
    DUAL,
    LABELS,
    SEEDED,
)

WireValue = int | SSAValue
Terminal = Callable[[Importer, Any, Sequence[Value]], Value]


# A matrix, which a token stands for, and its wires; one matrix may have several.
BasisChange = tuple[Hashable, tuple[int, ...]]
# What a wire is measured in: a letter, or a place among the wires of a matrix.
Axis = str | tuple[BasisChange, int]


@dataclass
class Draw:
    """Shots of some wires, each of which is measured along an axis.

    They are kept as rows of bits or, where nobody asks for rows, as counts of outcomes.
    """

    axes: dict[int, Axis]
    shots: int
    counted: bool
    found: Value | None = None

    def covers(self, wanted: Mapping[int, Axis]) -> bool:
        """Tell whether these shots answer for some wires and axes."""
        return wanted.items() <= self.axes.items()

    def takes(self, wanted: Mapping[int, Axis]) -> bool:
        """Tell whether wires can be measured along with these."""
        shared = self.axes.keys() & wanted.keys()
        if any(self.axes[wire] != wanted[wire] for wire in shared):
            return False
        wires = len(self.axes.keys() | wanted.keys())
        return not self.counted or is_countable(wires, self.shots)


def inlined(importer: Importer, function: Any, *values: Value) -> Value:
    """Import a JAX function of some values at the current position."""
    avals = [jax.ShapeDtypeStruct(value.shape, value.dtype) for value in values]
    with enable_x64(True):
        closed = jax.make_jaxpr(function)(*avals)
    return importer.inline(closed, values)[0]


@dataclass
class Qubits:
    """The register of the circuit being imported, and the qubits extracted from it."""

    importer: Importer
    num_wires: int
    dtype: np.dtype[Any]
    terminal: Terminal | None
    target: Target = STATEVECTOR
    draws: Sequence[Draw] = ()
    passes: tuple[str, ...] = ()
    has_calls: bool = True
    extracted: dict[int, SSAValue] = field(default_factory=dict[int, SSAValue])

    @property
    def register(self) -> SSAValue:
        """The present value of the register."""
        return self.importer.live_registers[-1]

    def replace(self, register: SSAValue) -> None:
        """Set the present value of the register."""
        self.importer.live_registers[-1] = register

    def extract(self, wire: WireValue) -> SSAValue:
        """Return the present value of a qubit."""
        if isinstance(wire, int) and wire in self.extracted:
            return self.extracted[wire]
        bit = self.importer.emit(quantum.ExtractOp(self.register, wire))
        if isinstance(wire, int):
            self.extracted[wire] = bit
        return bit

    def put(self, wire: WireValue, bit: SSAValue) -> None:
        """Set the present value of a qubit that was extracted."""
        if isinstance(wire, int):
            self.extracted[wire] = bit
        else:
            self._insert(wire, bit)

    def _insert(self, wire: WireValue, bit: SSAValue) -> None:
        op = quantum.InsertOp(self.register, wire, bit)
        self.replace(self.importer.emit(op))

    def write_back(self) -> None:
        """Put all extracted qubits back into the register."""
        for wire in sorted(self.extracted):
            self._insert(wire, self.extracted[wire])
        self.extracted.clear()

    @property
    def signature(self) -> Hashable:
        """Return what functions with gates depend on; None where there are none."""
        key = self.num_wires, self.dtype, text_of(self.target), self.passes
        return key if self.has_calls else None

    @property
    def attributes(self) -> dict[str, Attribute]:
        """Return the attributes of what begins a circuit or a function with gates."""
        found: dict[str, Attribute] = {}
        if self.dtype == np.complex64:
            found["single"] = UnitAttr()
        if self.target != STATEVECTOR:
            found["target"] = StringAttr(text_of(self.target))
        if self.passes:
            found[CIRCUIT_PASSES] = ArrayAttr(map(StringAttr, self.passes))
        return found

    def fresh(self) -> "Qubits":
        """Return the qubits at the beginning of a function with gates."""
        return replace(self, extracted={})

    def extract_all(self, wires: Sequence[WireValue]) -> list[SSAValue]:
        """Return the qubits of some wires, for an operation on them."""
        if any(not isinstance(wire, int) for wire in wires):
            self.write_back()
        return [self.extract(wire) for wire in wires]

    def put_all(self, wires: Sequence[WireValue], bits: Sequence[SSAValue]) -> None:
        """Take an operation's results as the qubits of its wires."""
        for wire, bit in zip(wires, bits, strict=True):
            self.put(wire, bit)
        if any(not isinstance(wire, int) for wire in wires):
            self.write_back()


def qubits_of(importer: Importer) -> Qubits:
    """Return the qubits of the circuit being imported."""
    assert isinstance(importer.circuit_state, Qubits)
    return importer.circuit_state


def begin(
    importer: Importer,
    num_wires: int,
    dtype: np.dtype[Any],
    *,
    recorded: bool = False,
    terminal: Terminal | None = None,
    target: Target = STATEVECTOR,
    draws: Sequence[Draw] = (),
    passes: Sequence[Any] = (),
    name: str = "",
    labels: Sequence[str] = (),
    dual: bool = False,
    seeded: bool = False,
    has_calls: bool = True,
) -> Qubits:
    """Start a circuit with all wires in |0>.

    `terminal` imports its measurements, if not as usual; samples come from `draws`.
    The name is that of the quantum function, whose wires may have labels; the passes
    are those on its circuits only. One that is `dual` is over dual numbers. A seeded
    circuit, which passes may let draw, has a key already. Where it has no calls, gates
    that it repeats stand in it each time.
    """
    op = quantum.AllocOp(num_wires)
    if name:
        op.attributes[CIRCUIT] = StringAttr(name)
    if labels:
        op.attributes[LABELS] = ArrayAttr([*map(StringAttr, labels)])
    if dual:
        op.attributes[DUAL] = UnitAttr()
    if recorded:
        op.attributes["recorded"] = UnitAttr()
    if seeded:
        op.attributes[SEEDED] = UnitAttr()
    if importer.enclosing:
        line = importer.location(importer.enclosing[-1])
        op.attributes["line"] = IntegerAttr(line, i64)
    importer.live_registers.append(importer.emit(op))
    texts = tuple(_pass_text(importer, each) for each in passes)
    qubits = Qubits(
        importer, num_wires, dtype, terminal, target, draws, texts, has_calls
    )
    op.attributes.update(qubits.attributes)
    importer.circuit_state = qubits
    return qubits


def _pass_text(importer: Importer, item: Any) -> str:
    """Return what a pass on a circuit is called, which may be one of a user."""
    text: str = getattr(item, "text", item)
    while importer.circuit_passes.setdefault(text, item) != item:
        text += "'"
    return text


def suspend(importer: Importer, run: int) -> None:
    """Leave a circuit, which `resume` goes on with; no other may begin before."""
    qubits = qubits_of(importer)
    qubits.write_back()
    importer.suspended[run] = qubits, importer.live_registers.pop()


def resume(importer: Importer, run: int) -> None:
    """Go on with a circuit."""
    qubits, register = importer.suspended.pop(run)
    importer.live_registers.append(register)
    importer.circuit_state = qubits


def end(importer: Importer) -> None:
    """Release the register of a circuit."""
    qubits = qubits_of(importer)
    qubits.write_back()
    importer.insert(quantum.DeallocOp(importer.live_registers.pop()))
    importer.circuit_state = None


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
    bits = qubits.extract_all(wires)
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
    qubits.put_all(wires, op.controls_first(count))


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
    bits = qubits.extract_all(wires)
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
    qubits.put_all(wires, op.controls_first(count))


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
