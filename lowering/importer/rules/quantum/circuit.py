"""Import of circuits without classical code, forward and for the adjoint method."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from xdsl.dialects import arith, complex, scf
from xdsl.dialects.builtin import ComplexType, i32
from xdsl.ir import SSAValue

from qjit.dialects import gradient
from qjit.dialects.circuit_tree import Branch, Input, Loop, Node, Slot, Step, steps
from qjit.dialects.targets import find_target
from qjit.lowering.importer.importer import Importer
from qjit.lowering.importer.values import Value, element_type

from .circuit_state import (
    Draw,
    add_gate,
    add_unitary,
    as_i64,
    begin,
    complex_buffer,
    converted,
    end,
    inlined,
    qubits_of,
    resolve,
    resume,
    suspend,
    widened,
)
from .operations import Terms, add_measurement, add_state_prep, sorted_terms
from .sampling import Readout, shared_draws


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

    def matrix(
        self, slot: Slot, shape: tuple[int, ...], counters: Sequence[SSAValue]
    ) -> Value:
        """Return complex numbers whose parts stand in turn among the flat angles."""
        importer = self.importer
        start = importer.index_constant(slot.base)
        if any(slot.strides):
            start = importer.emit(arith.AddiOp(start, self.shift(slot, counters)))
        parts = self.angles.dtype
        dtype = np.result_type(parts, np.complex64)

        def element(indices: Sequence[SSAValue]) -> SSAValue:
            place = start
            for axis, index in enumerate(indices):
                stride = importer.index_constant(2 * math.prod(shape[axis + 1 :]))
                step = importer.emit(arith.MuliOp(index, stride))
                place = importer.emit(arith.AddiOp(place, step))
            after = importer.emit(arith.AddiOp(place, importer.index_constant(1)))
            re, im = (importer.element(self.angles, [p]) for p in (place, after))
            kind = element_type(dtype)
            assert isinstance(kind, ComplexType)
            return importer.emit(complex.CreateOp(re, im, kind))

        return importer.lazy(_Aval(shape, dtype), [self.angles], element)

    def gradient_slot(
        self, slot: Slot, counters: Sequence[SSAValue]
    ) -> SSAValue | None:
        """Return where the gradient of a matrix goes, if it is asked for."""
        importer = self.importer
        if not self.recorded:
            return None
        number = importer.scalar_constant(slot.base, np.dtype(np.int32))
        if not any(slot.strides):
            return number
        shift = importer.emit(arith.IndexCastOp(self.shift(slot, counters), i32))
        return importer.emit(arith.AddiOp(shift, number))

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
        importer.write_back()

        def body(
            indices: list[SSAValue], carried: Sequence[SSAValue]
        ) -> Sequence[SSAValue]:
            importer.live_registers[:] = carried
            self.nodes(node.body, [*counters, *indices])
            importer.write_back()
            return list(importer.live_registers)

        importer.live_registers[:] = importer.loop(
            [node.length], body, list(importer.live_registers)
        )

    def _branch(self, node: Branch, counters: Sequence[SSAValue]) -> None:
        importer = self.importer
        importer.write_back()
        chosen = self.read(node.index, counters)
        importer.live_registers[:] = self._choose(chosen, node.branches, 0, counters)

    def _choose(
        self,
        chosen: SSAValue,
        branches: Sequence[tuple[Node, ...]],
        number: int,
        counters: Sequence[SSAValue],
    ) -> list[SSAValue]:
        importer = self.importer
        registers = list(importer.live_registers)
        if number == len(branches) - 1:
            self.nodes(branches[number], counters)
            importer.write_back()
            return list(importer.live_registers)
        constant = importer.scalar_constant(number, np.dtype(np.int32))
        if constant.type != chosen.type:
            constant = as_i64(importer, constant)
        # NOTE: jax.lax.switch clamps its index, so the first branch takes all below.
        condition = importer.emit(arith.CmpiOp(chosen, constant, "sle"))
        with importer.region() as here:
            self.nodes(branches[number], counters)
            importer.write_back()
            importer.insert(scf.YieldOp(*importer.live_registers))
        importer.live_registers[:] = registers
        with importer.region() as there:
            rest = self._choose(chosen, branches, number + 1, counters)
            importer.insert(scf.YieldOp(*rest))
        importer.live_registers[:] = registers
        types = [value.type for value in registers]
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
    arrays = len(step.inputs) - sum(wire is None for wire in step.params["wires"])
    given = [circuit.array(item, counters) for item in step.inputs[:arrays]]
    scalars = [circuit.read(item, counters) for item in step.inputs[arrays:]]
    wires = resolve(importer, step.params["wires"], scalars)
    line = importer.location(step.source)
    slot = None
    if step.slots:
        side = 1 << (len(wires) - step.params["num_controls"])
        shape = (side,) if step.params["diagonal"] else (side, side)
        if step.params.get("invertible"):
            shape = (2, *shape)  # its inverse comes after it
        given = [circuit.matrix(step.slots[0], shape, counters)]
        slot = circuit.gradient_slot(step.slots[0], counters)
    if circuit.recorded and step.params.get("lossy"):
        importer.write_back()
        importer.insert(gradient.CheckpointOp(qubits_of(importer).register))
    add_unitary(importer, dict(step.params), given[0], wires, line, slot)


def _state_prep(
    circuit: CircuitImport, step: Step, counters: Sequence[SSAValue]
) -> None:
    line = circuit.importer.location(step.source)
    wires = step.params["wires"]
    slot = None
    if step.slots:
        amplitudes = circuit.matrix(step.slots[0], (1 << len(wires),), counters)
        slot = circuit.gradient_slot(step.slots[0], counters)
    else:
        amplitudes = circuit.array(step.inputs[0], counters)
    add_state_prep(
        circuit.importer,
        wires,
        amplitudes,
        line,
        unchecked=step.params.get("unchecked", False),
        slot=slot,
    )


OPERATIONS = {
    "quantum_gate": _gate,
    "quantum_unitary": _unitary,
    "quantum_state_prep": _state_prep,
}


def _run(
    importer: Importer,
    program: Any,
    operands: Sequence[Value],
    recorded: bool,
    draws: Sequence[Draw] = (),
) -> None:
    importer.materialise(operands)
    begin(
        importer,
        program.num_wires,
        program.dtype,
        recorded=recorded,
        dual=program.dual,
        target=find_target(program.device),
        draws=draws,
        passes=program.passes,
        name=program.name,
        seeded=program.estimated,
    )
    circuit = CircuitImport(importer, operands[0], operands[1:], recorded)
    circuit.nodes(program.nodes, [])
    importer.write_back()


def _measurements(program: Any) -> list[Step]:
    return [step for step in steps(program.nodes) if step.primitive not in OPERATIONS]


def import_circuit(
    importer: Importer, program: Any, operands: Sequence[Value], run: int | None = None
) -> list[Value]:
    """Import a circuit and its measurements; a run of this number goes on later."""
    steps = _measurements(program)
    draws = shared_draws((s.primitive, s.params, s.inputs) for s in steps)
    _run(importer, program, operands, recorded=run is not None, draws=draws)

    def unitary(item: Any) -> Value:
        return operands[1 + item.number]

    found = [
        add_measurement(
            importer,
            step.primitive,
            dict(step.params),
            [operands[1 + item.number] for item in step.inputs],
            aval,
            Readout(step.params, step.inputs, unitary),
        )
        for step, aval in zip(steps, program.results, strict=True)
    ]
    if run is None:
        end(importer)
    else:
        importer.materialise(found)
        suspend(importer, run)
    return found


def import_adjoint(
    importer: Importer,
    program: Any,
    cotangents: Sequence[Value],
    operands: Sequence[Value],
    wrt: Sequence[int],
    run: int | None = None,
) -> list[Value]:
    """Import the adjoint method: the cotangents pulled back to operands in `wrt`.

    It goes on with the run of this number, if there is one.
    """
    importer.materialise(cotangents)
    if run is None:
        _run(importer, program, operands, recorded=0 in wrt)
    else:
        resume(importer, run)
    measured = list(zip(_measurements(program), cotangents, strict=True))
    observables = [
        (step, sorted_terms(step.params["terms"], program.num_wires), cotangent)
        for step, cotangent in measured
        if step.primitive == "quantum_expval"
    ]
    vectors = [
        _bra(importer, cotangent)
        for step, cotangent in measured
        if step.primitive == "quantum_state"
    ]
    found: dict[int, Value] = {}
    for step, terms, cotangent in observables:
        number = 1 + step.inputs[0].number
        if number in wrt:
            found[number] = _coefficient_gradient(
                importer, step, terms, cotangent, operands
            )
    if 0 in wrt:  # last, as the backward pass takes the state back to where it began
        found[0] = _angle_gradient(importer, program, observables, vectors, operands)
    end(importer)
    return [found[number] for number in wrt]


def _bra(importer: Importer, cotangent: Value) -> SSAValue:
    """Return the bra that a cotangent of the amplitudes stands for."""
    import jax.numpy as jnp

    return complex_buffer(
        importer, inlined(importer, lambda ct: jnp.conj(ct) / 2, cotangent)
    )


def _angle_gradient(
    importer: Importer,
    program: Any,
    observables: Sequence[tuple[Step, Terms, Value]],
    vectors: Sequence[SSAValue],
    operands: Sequence[Value],
) -> Value:
    weights: list[SSAValue] = []
    matrices: list[SSAValue] = []
    groups: list[Sequence[Any]] = []
    for step, terms, cotangent in observables:
        coefficients = operands[1 + step.inputs[0].number]
        ordered = terms.sort(importer, coefficients)
        scaled = inlined(importer, lambda c, ct: c * ct, ordered, cotangent)
        weights.append(converted(importer, scaled, np.dtype(np.float64)))
        shift = len(matrices)
        for item in step.inputs[1:]:
            matrices.append(complex_buffer(importer, operands[1 + item.number]))
        groups.append([_with_shift(term, shift) for term in terms.attributes])
    wide = np.dtype(np.float64)
    target = importer.allocate((program.num_slots,), wide)
    zero = importer.scalar_constant(0, wide)
    aval = _Aval((program.num_slots,), wide)
    importer.copy_into(importer.lazy(aval, [], lambda _: zero), target)
    register = qubits_of(importer).register
    importer.insert(
        gradient.AdjointOp(register, weights, matrices, vectors, target, groups)
    )
    found = importer.from_buffer(target, aval)
    return _as_dtype(importer, found, operands[0].dtype)


def _with_shift(term: Any, shift: int) -> Any:
    from qjit.dialects.quantum.types import FactorAttr, TermAttr

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
