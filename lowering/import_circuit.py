"""Import of circuits without classical code, forward and for the adjoint method."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from xdsl.dialects import arith, scf
from xdsl.dialects.builtin import i32
from xdsl.ir import SSAValue

from qjit.dialects import gradient
from qjit.dialects.circuit import Branch, Input, Loop, Node, Slot, Step, steps

from .arrays import Value
from .import_quantum import (
    Terms,
    add_gate,
    add_measurement,
    add_state_prep,
    add_unitary,
    as_i64,
    begin,
    complex_buffer,
    converted,
    end,
    inlined,
    qubits_of,
    resolve,
    sorted_terms,
    widened,
)
from .importer import Importer


@dataclass(frozen=True)
class Angle:
    """An angle and the place of its gradient."""

    value: SSAValue
    slot: SSAValue


@dataclass(frozen=True)
class Window:
    """The flat angles as one iteration of the enclosing loops sees them."""

    buffer: SSAValue
    shift: SSAValue


@dataclass(frozen=True)
class CircuitImport:
    """One import of a circuit's nodes."""

    importer: Importer
    angles: Value
    inputs: Sequence[Value]
    recorded: bool
    windows: dict[Any, Window] = field(default_factory=dict[Any, Window])

    def shift(self, slot: Slot, counters: Sequence[SSAValue]) -> SSAValue:
        """Return how far the loops have moved a slot from its base."""
        total = self.importer.index_constant(0)
        for counter, stride in zip(counters, slot.strides, strict=True):
            step = self.importer.index_constant(stride)
            product = self.importer.emit(arith.MuliOp(counter, step))
            total = self.importer.emit(arith.AddiOp(total, product))
        return total

    def angle(self, slot: Slot, counters: Sequence[SSAValue]) -> Angle:
        """Read one of the flat angles."""
        importer = self.importer
        base = importer.index_constant(slot.base)
        number = importer.scalar_constant(slot.base, np.dtype(np.int32))
        if not any(slot.strides):
            return Angle(importer.element(self.angles, [base]), number)
        window = self.window(slot, counters)
        value = importer.load(window.buffer, [base], self.angles.dtype)
        if self.recorded:
            number = importer.emit(arith.AddiOp(window.shift, number))
        return Angle(value, number)

    def window(self, slot: Slot, counters: Sequence[SSAValue]) -> Window:
        """Return the angles as far along as the loops are."""
        importer = self.importer
        key = (importer.block, tuple(counters), slot.strides)
        if key not in self.windows:
            shift = self.shift(slot, counters)
            buffer = importer.buffer(self.angles)
            self.windows[key] = Window(
                importer.view(buffer, shift, self.angles.shape),
                importer.emit(arith.IndexCastOp(shift, i32)),
            )
        return self.windows[key]

    def read(self, item: Input, counters: Sequence[SSAValue]) -> SSAValue:
        """Return a scalar input."""
        return self.importer.element(self.inputs[item.number], counters[: item.depth])

    def array(self, item: Input, counters: Sequence[SSAValue]) -> Value:
        """Return an array input; in loops, the present iteration's part of it."""
        value = self.inputs[item.number]
        if not item.depth:
            return value
        shape = value.shape[item.depth :]
        leading = list(counters[: item.depth])
        aval = _Aval(shape, value.dtype)
        return self.importer.lazy(
            aval, [value], lambda rest: self.importer.element(value, [*leading, *rest])
        )

    def nodes(self, nodes: Sequence[Node], counters: Sequence[SSAValue]) -> None:
        """Import gates, loops and branches; measurements come after."""
        for node in nodes:
            match node:
                case Step() if node.primitive in OPERATIONS:
                    OPERATIONS[node.primitive](self, node, counters)
                case Loop():
                    self._loop(node, counters)
                case Branch():
                    self._branch(node, counters)
                case _:
                    pass

    def _loop(self, node: Loop, counters: Sequence[SSAValue]) -> None:
        importer = self.importer
        importer.flush()

        def body(
            indices: list[SSAValue], carried: Sequence[SSAValue]
        ) -> Sequence[SSAValue]:
            importer.threads[:] = carried
            self.nodes(node.body, [*counters, *indices])
            importer.flush()
            return list(importer.threads)

        importer.threads[:] = importer.loop([node.length], body, list(importer.threads))

    def _branch(self, node: Branch, counters: Sequence[SSAValue]) -> None:
        importer = self.importer
        importer.flush()
        chosen = self.read(node.index, counters)
        importer.threads[:] = self._choose(chosen, node.branches, 0, counters)

    def _choose(
        self,
        chosen: SSAValue,
        branches: Sequence[tuple[Node, ...]],
        number: int,
        counters: Sequence[SSAValue],
    ) -> list[SSAValue]:
        importer = self.importer
        threads = list(importer.threads)
        if number == len(branches) - 1:
            self.nodes(branches[number], counters)
            importer.flush()
            return list(importer.threads)
        constant = importer.scalar_constant(number, np.dtype(np.int32))
        if constant.type != chosen.type:
            constant = as_i64(importer, constant)
        # NOTE: jax.lax.switch clamps its index, so the first branch takes all below.
        condition = importer.emit(arith.CmpiOp(chosen, constant, "sle"))
        with importer.region() as here:
            self.nodes(branches[number], counters)
            importer.flush()
            importer.insert(scf.YieldOp(*importer.threads))
        importer.threads[:] = threads
        with importer.region() as there:
            rest = self._choose(chosen, branches, number + 1, counters)
            importer.insert(scf.YieldOp(*rest))
        importer.threads[:] = threads
        types = [value.type for value in threads]
        op = scf.IfOp(condition, types, [here], [there])
        return list(importer.insert(op).results)


@dataclass(frozen=True)
class _Aval:
    shape: tuple[int, ...]
    dtype: Any


def _gate(circuit: CircuitImport, step: Step, counters: Sequence[SSAValue]) -> None:
    importer = circuit.importer
    found = [circuit.angle(slot, counters) for slot in step.slots]
    angles = [widened(importer, angle.value) for angle in found]
    slots = [angle.slot for angle in found] if circuit.recorded else []
    scalars = [circuit.read(item, counters) for item in step.inputs]
    wires = resolve(importer, step.params["wires"], scalars)
    line = importer.location(step.source)
    add_gate(importer, dict(step.params), angles, wires, line, slots)


def _unitary(circuit: CircuitImport, step: Step, counters: Sequence[SSAValue]) -> None:
    importer = circuit.importer
    matrix, *dynamic = step.inputs
    scalars = [circuit.read(item, counters) for item in dynamic]
    wires = resolve(importer, step.params["wires"], scalars)
    line = importer.location(step.source)
    add_unitary(
        importer, dict(step.params), circuit.array(matrix, counters), wires, line
    )


def _state_prep(
    circuit: CircuitImport, step: Step, counters: Sequence[SSAValue]
) -> None:
    amplitudes = circuit.array(step.inputs[0], counters)
    line = circuit.importer.location(step.source)
    add_state_prep(circuit.importer, step.params["wires"], amplitudes, line)


OPERATIONS = {
    "quantum_gate": _gate,
    "quantum_unitary": _unitary,
    "quantum_state_prep": _state_prep,
}


def _run(
    importer: Importer, core: Any, operands: Sequence[Value], recorded: bool
) -> None:
    importer.settle(operands)
    begin(importer, core.num_wires, core.dtype, recorded=recorded)
    circuit = CircuitImport(importer, operands[0], operands[1:], recorded)
    circuit.nodes(core.nodes, [])
    importer.flush()


def _measurements(core: Any) -> list[Step]:
    return [step for step in steps(core.nodes) if step.primitive not in OPERATIONS]


def import_circuit(
    importer: Importer, core: Any, operands: Sequence[Value]
) -> list[Value]:
    """Import a circuit and its measurements."""
    _run(importer, core, operands, recorded=False)
    found = [
        add_measurement(
            importer,
            step.primitive,
            dict(step.params),
            [operands[1 + item.number] for item in step.inputs],
            aval,
        )
        for step, aval in zip(_measurements(core), core.results, strict=True)
    ]
    end(importer)
    return found


def import_adjoint(
    importer: Importer,
    core: Any,
    cotangents: Sequence[Value],
    operands: Sequence[Value],
    wrt: Sequence[int],
) -> list[Value]:
    """Import the adjoint method: the cotangents pulled back to operands in `wrt`."""
    importer.settle(cotangents)
    _run(importer, core, operands, recorded=True)
    observables = [_observable(importer, core, step) for step in _measurements(core)]
    found: dict[int, Value] = {}
    for (step, terms), cotangent in zip(observables, cotangents, strict=True):
        number = 1 + step.inputs[0].number
        if number in wrt:
            found[number] = _coefficient_gradient(
                importer, step, terms, cotangent, operands
            )
    if 0 in wrt:  # last, as the sweep takes the state back to where it began
        found[0] = _angle_gradient(importer, core, observables, cotangents, operands)
    end(importer)
    return [found[number] for number in wrt]


def _observable(importer: Importer, core: Any, step: Step) -> tuple[Step, Terms]:
    return step, sorted_terms(step.params["terms"], core.num_wires)


def _angle_gradient(
    importer: Importer,
    core: Any,
    observables: Sequence[tuple[Step, Terms]],
    cotangents: Sequence[Value],
    operands: Sequence[Value],
) -> Value:
    weights: list[SSAValue] = []
    matrices: list[SSAValue] = []
    groups: list[Sequence[Any]] = []
    for (step, terms), cotangent in zip(observables, cotangents, strict=True):
        coefficients = operands[1 + step.inputs[0].number]
        ordered = terms.sort(importer, coefficients)
        scaled = inlined(importer, lambda c, ct: c * ct, ordered, cotangent)
        weights.append(converted(importer, scaled, np.dtype(np.float64)))
        shift = len(matrices)
        for item in step.inputs[1:]:
            matrices.append(complex_buffer(importer, operands[1 + item.number]))
        groups.append([_with_shift(term, shift) for term in terms.attributes])
    wide = np.dtype(np.float64)
    target = importer.allocate((core.num_slots,), wide)
    zero = importer.scalar_constant(0, wide)
    aval = _Aval((core.num_slots,), wide)
    importer.copy_into(importer.lazy(aval, [], lambda _: zero), target)
    register = qubits_of(importer).register
    importer.insert(gradient.AdjointOp(register, weights, matrices, target, groups))
    found = importer.from_buffer(target, aval)
    return _as_dtype(importer, found, operands[0].dtype)


def _with_shift(term: Any, shift: int) -> Any:
    from qjit.dialects.quantum_types import FactorAttr, TermAttr

    if not shift or not len(term.factors):
        return term
    moved = [
        FactorAttr(factor.matrix.data + shift, factor.wires) for factor in term.factors
    ]
    return TermAttr(term.word, moved)


def _coefficient_gradient(
    importer: Importer,
    step: Step,
    terms: Terms,
    cotangent: Value,
    operands: Sequence[Value],
) -> Value:
    count = (len(terms.attributes),)
    wide = np.dtype(np.float64)
    target = importer.allocate(count, wide)
    matrices = [
        complex_buffer(importer, operands[1 + item.number]) for item in step.inputs[1:]
    ]
    register = qubits_of(importer).register
    importer.insert(gradient.TermValuesOp(register, matrices, target, terms.attributes))
    values = terms.restore(importer, importer.from_buffer(target, _Aval(count, wide)))
    scaled = inlined(importer, lambda v, ct: v * ct, values, cotangent)
    return _as_dtype(importer, scaled, operands[1 + step.inputs[0].number].dtype)


def _as_dtype(importer: Importer, value: Value, dtype: Any) -> Value:
    if value.dtype == dtype:
        return value
    import jax

    return inlined(importer, lambda x: jax.lax.convert_element_type(x, dtype), value)
