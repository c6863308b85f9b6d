"""What is emitted of operations on qubits, of arrays, and of calls."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from xdsl.dialects import memref
from xdsl.dialects.builtin import MemRefType
from xdsl.ir import Operation

from qjit.dialects import host, quantum
from qjit.dialects.gates import GATES
from qjit.dialects.quantum.types import RegisterType
from qjit.lowering.emitters.emitter import AppliedGate, EmissionError, Wire
from qjit.lowering.emitters.values import (
    Expression,
    Table,
    is_known,
    of_outcome,
    tabulated,
)

from .walk import Rules, Values, Walk

RULES = Rules()


@RULES.of(quantum.AllocOp)
def _alloc(walk: Walk, op: quantum.AllocOp, _: Values) -> Values:
    kind = op.register.type
    assert isinstance(kind, RegisterType)
    first = walk.num_qubits
    walk.emitter.allocate(kind.size.data)
    walk.num_qubits += kind.size.data
    return [tuple(range(first, walk.num_qubits))]


@RULES.of(quantum.DeallocOp)
def _dealloc(walk: Walk, op: Operation, operands: Values) -> Values:
    return []


def _wire(op: Operation, register: tuple[Wire, ...], place: Any) -> Wire:
    """Return the wire of a place in a register."""
    if is_known(place):
        number = int(place)
        if not 0 <= number < len(register):
            raise EmissionError(f"wire {number} of {len(register)}", op)
        return register[number]
    if isinstance(place, Expression) and register == tuple(range(len(register))):
        return place
    raise EmissionError("a wire that outcomes decide", op)


def _place(op: quantum.ExtractOp | quantum.InsertOp, index: Values) -> Any:
    """Return the place in a register that an operation is on."""
    return op.index.value.data if op.index is not None else index[0]


@RULES.of(quantum.ExtractOp)
def _extract(walk: Walk, op: quantum.ExtractOp, operands: Values) -> Values:
    register, *index = operands
    return [_wire(op, register, _place(op, index))]


@RULES.of(quantum.InsertOp)
def _insert(walk: Walk, op: quantum.InsertOp, operands: Values) -> Values:
    register, *index = operands[: 2 if op.dynamic_index else 1]
    wire = walk.values[op.qubit]
    place = _place(op, index)
    if isinstance(place, Expression):
        if wire is not place and wire.code != place.code:
            raise EmissionError("a wire that outcomes decide", op)
        return [register]
    return [(*register[:place], wire, *register[place + 1 :])]


@RULES.of(quantum.GateOp)
def _gate(walk: Walk, op: quantum.GateOp, _: Values) -> Values:
    read = walk.values.__getitem__
    gate = AppliedGate(
        op.gate.data,
        tuple(map(read, op.params)),
        tuple(map(read, op.targets)),
        tuple(map(read, op.controls)),
        op.control_pattern,
        op.adjoint is not None,
        {k: v for k, v in op.static.items() if k != "num_targets"},
    )
    _apply(walk, gate)
    return [*gate.targets, *gate.controls]


def _apply(walk: Walk, gate: AppliedGate) -> None:
    """Write a gate; where outcomes choose its angles, once for each of them."""
    chosen = next((p for p in gate.params if isinstance(p, Table)), None)
    if chosen is None:
        walk.emitter.gate(gate)
        return
    outcome = chosen.outcomes[0]

    def side(bit: int) -> Callable[[], None]:
        def write() -> None:
            params = tuple(
                p.given(bit) if isinstance(p, Table) and p.outcomes[0] is outcome else p
                for p in gate.params
            )
            if not GATES[gate.name].additive or params != (0,):
                _apply(walk, replace(gate, params=params))

        return write

    walk.require("has_branches", "a gate that outcomes decide", None)
    walk.emitter.branch(outcome, side(1), side(0), lambda: [])


@RULES.of(quantum.UnitaryOp, quantum.StatePrepOp, quantum.PauliMeasureOp)
def _not_emitted(walk: Walk, op: Operation, _: Values) -> Values:
    raise EmissionError(f"'{op.name.removeprefix('quantum.')}'", op)


@RULES.of(host.CallOp)
def _called(walk: Walk, op: host.CallOp, _: Values) -> Values:
    raise EmissionError("a call of a Python function", op)


@RULES.of(quantum.ResourcesOp)
def _read_at_the_end(walk: Walk, op: quantum.ResourcesOp, _: Values) -> Values:
    return ()


@RULES.of(quantum.MeasureOp)
def _measure(walk: Walk, op: quantum.MeasureOp, operands: Values) -> Values:
    if op.postselect is not None:
        raise EmissionError("a postselection", op)
    outcome = walk.emitter.measure(operands[0])
    if op.reset is not None:
        walk.emitter.reset(operands[0])
    return [of_outcome(outcome), operands[0]]


@RULES.of(quantum.ResetOp)
def _reset(walk: Walk, op: quantum.ResetOp, operands: Values) -> Values:
    walk.emitter.reset(operands[0])
    return operands


@RULES.of(quantum.BarrierOp)
def _barrier(walk: Walk, op: quantum.BarrierOp, operands: Values) -> Values:
    walk.emitter.barrier(operands)
    return operands


@RULES.of(quantum.DelayOp)
def _delay(walk: Walk, op: quantum.DelayOp, operands: Values) -> Values:
    walk.emitter.delay(op.seconds, operands)
    return operands


# Arrays


@RULES.of(memref.AllocOp, memref.AllocaOp)
def _array(walk: Walk, op: memref.AllocOp, _: Values) -> Values:
    kind = op.memref.type
    assert isinstance(kind, MemRefType)
    return [walk.memory.allocate(kind.get_shape())]


@RULES.of(memref.LoadOp)
def _load(walk: Walk, op: memref.LoadOp, operands: Values) -> Values:
    array, *indices = operands
    if not all(map(is_known, indices)):
        found = tabulated(lambda *places: array[places], indices)
        if found is None or not all(map(is_known, getattr(found, "numbers", ()))):
            raise EmissionError("a place in an array that outcomes decide", op)
        return [found]
    found = array[tuple(map(int, indices))]
    return [found.item() if isinstance(found, np.generic) else found]


@RULES.of(memref.StoreOp)
def _store(walk: Walk, op: memref.StoreOp, operands: Values) -> Values:
    value, array, *indices = operands
    if not all(map(is_known, indices)):
        raise EmissionError("a place in an array that outcomes decide", op)
    walk.memory.will_change(array, op.value.type)
    array[tuple(map(int, indices))] = value
    return []


@RULES.of(memref.CopyOp)
def _copy(walk: Walk, op: memref.CopyOp, operands: Values) -> Values:
    source, destination = operands
    kind = op.destination.type
    assert isinstance(kind, MemRefType)
    walk.memory.will_change(destination, kind.get_element_type())
    destination[...] = source
    return []


@RULES.of(memref.DeallocOp)
def _free(walk: Walk, op: Operation, _: Values) -> Values:
    return []
