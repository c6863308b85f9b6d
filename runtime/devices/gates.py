"""Devices of other libraries: created, given gates, and destroyed."""

from __future__ import annotations

import ctypes

from qjit.runtime.abi.device_api import ERROR_SIZE, Gate
from qjit.runtime.abi.layout import (
    ADJOINT,
    CONTROL_VALUES,
    ENTRY_WORDS,
    GATE,
    LOCATION,
    NUM_CONTROLS,
    NUM_PARAMS,
    NUM_TARGETS,
    PARAMS,
    WIRES,
)
from qjit.runtime.abi.status import (
    ALLOCATION_FAILED,
    INTERRUPTED,
    NOT_FINITE,
    PLACE_SHIFT,
    WIRE_REPEATED,
)
from qjit.runtime.codegen.builder import (
    F64,
    I8,
    I32,
    I64,
    PTR,
    VOID,
    Body,
    Module,
    Value,
)
from qjit.runtime.statevector.branching.path_tree import COUNT, SHOTS
from qjit.runtime.statevector.state import DESTROY, DEVICE, DEVICES, EARLIER, LATER
from qjit.runtime.target.cpu import Precision

from .adapter import (
    CODES,
    CONTEXT,
    DEAD,
    DESCRIPTOR,
    LINE,
    PHASE,
    PLACES,
    QUBITS,
    ask,
    call,
    failed,
    forget,
    in_python,
    is_finite,
    leave_if_ended,
    place_of,
    poll,
)
from .layout import (
    CONFIGURATION,
    GATE_NUMBERS,
    GATES,
    NO_GATE,
    NOT_EXACT,
    PLACE,
    SWAPS,
    TURNS,
)

MOST_WIRES = 64  # of one gate


def module(precision: Precision) -> str:
    """IR of what creates devices and lets them apply gates."""
    result = Module(f"qrt.devices.{precision.suffix}")
    failed(result)
    _destroy(result)
    _new(result, precision)
    _free(result, precision)
    _gate_row(result)
    _turn(result)
    _swap(result)
    _apply(result)
    _run(result, precision)
    return result.text()


def _new(module: Module, precision: Precision) -> None:
    """Create a device; its status."""
    name = f"__qrt__device_state_new_{precision.suffix}"
    body = module.function(name, I64, PTR, PTR, I64, I64, PTR, PTR)
    context, descriptor, n, location, tree, out = body.args
    with body.when(tree.ne_null()):
        with body.when(body.load(I64, tree, SHOTS).eq(0)):
            given = descriptor, location, body.int(NOT_EXACT)
            body.exit(body.call("failed", I64, *given))
        # NOTE: what a device measured it cannot come back to: a path is one shot.
        body.store(body.int(1), tree, COUNT)
    size = n * 4 + 8 * PLACES
    handle = body.call("calloc", PTR, body.int(1), size)
    body.leave_if(~handle.ne_null(), ALLOCATION_FAILED)
    error = body.stack(I8, ERROR_SIZE)
    body.store(body.coerce(0, I8), error)
    drawn = body.call("__qrt__random", F64, context) * 2.0**53
    configuration = body.load(PTR, descriptor, CONFIGURATION)
    given = (configuration, n, body.convert(drawn, I64), error, body.int(ERROR_SIZE))
    device = call(body, descriptor, "create", PTR, *given)
    ended = (device & CODES).eq(INTERRUPTED) & in_python(body, descriptor)
    with body.when(ended | device.eq(0)):
        body.call("free", VOID, handle)
        body.leave_if(ended, device)
        body.store(body.coerce(0, I8), error, ERROR_SIZE - 1)
        text = body.to_word(error)
        body.exit(body.call("failed", I64, descriptor, location, text))
    with body.loop(n) as wire:
        body.store(body.convert(wire, I32), body.at(handle, PLACES, I64), wire)
    first = body.load(PTR, context, DEVICES)
    for value, word in (
        (first, LATER),
        (body.address("destroy"), DESTROY),
        (device, DEVICE),
        (descriptor, DESCRIPTOR),
        (n, QUBITS),
        (location, LINE),
        (context, CONTEXT),
    ):
        body.store(value, handle, word)
    with body.when(first.ne_null()):
        body.store(handle, first, EARLIER)
    body.store(handle, context, DEVICES)
    body.store(handle, out)
    body.finish(0)


def _destroy(module: Module) -> None:
    """Let a library destroy its device; the status of an exception of Python, or 0."""
    body = module.function("destroy", I64, PTR, private=True)
    (handle,) = body.args
    descriptor = body.load(PTR, handle, DESCRIPTOR)
    device = body.load(PTR, handle, DEVICE)
    found = call(body, descriptor, "destroy", VOID, device)
    leave_if_ended(body, descriptor, found)
    body.finish(0)


def _free(module: Module, precision: Precision) -> None:
    name = f"__qrt__device_state_free_{precision.suffix}"
    body = module.function(name, I64, PTR, PTR)
    context, handle = body.args
    forget(body, handle, precision)
    later, earlier = (body.load(PTR, handle, word) for word in (LATER, EARLIER))
    with body.when(later.ne_null()):
        body.store(earlier, later, EARLIER)
    with body.when(earlier.ne_null()):
        body.store(later, earlier, LATER)
    with body.when(~earlier.ne_null()):
        body.store(later, context, DEVICES)
    status = body.call("destroy", I64, handle)
    body.call("free", VOID, handle)
    body.finish(status)


def _field(body: Body, entry: Value, number: int) -> Value:
    return body.convert(body.load(I32, entry, number), I64)


def _gate_row(module: Module) -> None:
    """The numbers of an entry's gate in the descriptor's table."""
    body = module.function("gate_row", PTR, PTR, PTR, private=True)
    handle, entry = body.args
    table = body.load(PTR, body.load(PTR, handle, DESCRIPTOR), GATES)
    row = _field(body, entry, GATE) * 2 + _field(body, entry, ADJOINT)
    body.finish(body.at(table, row * GATE_NUMBERS, I32))


def _turn(module: Module) -> None:
    """Carry a global phase out."""
    body = module.function("turn", VOID, PTR, F64, I64, private=True)
    handle, angle, adjoint = body.args
    turned = body.select(adjoint.ne(0), angle, -angle)
    body.store(body.load(F64, handle, PHASE) + turned, handle, PHASE)
    body.finish()


def _swap(module: Module) -> None:
    """Carry a swap out: of where two wires are."""
    body = module.function("swap", VOID, PTR, PTR, private=True)
    handle, wires = body.args
    places = body.at(handle, PLACES, I64)
    first, second = (
        body.convert(body.load(I32, wires, number), I64) for number in (0, 1)
    )
    one, other = body.load(I32, places, first), body.load(I32, places, second)
    body.store(other, places, first)
    body.store(one, places, second)
    body.finish()


def _word(body: Body, gate: Value, name: str, value: Value) -> None:
    """Store a field of the ABI's struct of a gate."""
    field = getattr(Gate, name)
    wide = field.size == ctypes.sizeof(ctypes.c_void_p)
    value = value if wide else body.convert(value, I32)
    body.store(value, body.at(gate, field.offset))


def _apply(module: Module) -> None:
    """Let a device apply the gate of an entry; 0 or a status."""
    body = module.function("apply", I64, PTR, PTR, PTR, PTR, private=True)
    handle, entry, wires, params = body.args
    controls, targets = (_field(body, entry, w) for w in (NUM_CONTROLS, NUM_TARGETS))
    used = controls + targets
    line = body.load(I64, handle, LINE)
    descriptor = body.load(PTR, handle, DESCRIPTOR)
    row = body.call("gate_row", PTR, handle, entry)
    place, own, inverted, under, under_inverted = (
        _field(body, row, number) for number in range(GATE_NUMBERS)
    )
    lacking = body.var(body.select(used > MOST_WIRES, 1, 0))
    ones = (body.int(1) << controls) - 1
    plain = controls.eq(own) & _field(body, entry, CONTROL_VALUES).eq(ones)
    plain = plain & (place >= 0)
    chosen = body.select(plain, place, under)
    inverted = body.select(plain, inverted, under_inverted)
    with body.when(chosen < 0):
        lacking.set(1)
    with body.when(lacking.get().ne(0)):
        body.exit(body.call("failed", I64, descriptor, line, body.int(NO_GATE)))
    where = body.stack(I32, MOST_WIRES)
    with body.loop(used) as number:
        wire = body.convert(body.load(I32, wires, number), I64)
        at = place_of(body, handle, wire)
        body.store(at, where, number)
    values, pattern = body.stack(I8, MOST_WIRES), _field(body, entry, CONTROL_VALUES)
    with body.loop(controls) as number:
        body.store(body.convert((pattern >> number) & 1, I8), values, number)
    further = body.select(plain, 0, controls)
    gate = body.stack(I8, ctypes.sizeof(Gate), align=8)
    count = _field(body, entry, NUM_PARAMS)
    numbers = {
        "kind": chosen,
        "adjoint": inverted,
        "num_parameters": count,
        "num_targets": used - further,
        "num_controls": further,
        "reserved": body.int(0),
        "parameters": body.at(params, _field(body, entry, PARAMS), F64),
        "targets": body.at(where, further, I32),
        "controls": where,
        "control_values": values,
    }
    for name, value in numbers.items():
        _word(body, gate, name, value)
    ask(body, handle, "apply_gate", gate)
    body.finish(0)


def _check(
    body: Body, handle: Value, entry: Value, wires: Value, params: Value
) -> None:
    """Leave with a status where wires or parameters have no meaning."""
    line = body.load(I64, handle, LINE) << PLACE_SHIFT
    used = _field(body, entry, NUM_TARGETS) + _field(body, entry, NUM_CONTROLS)
    with body.loop(used) as number:
        wire = body.load(I32, wires, number)
        place_of(body, handle, body.convert(wire, I64))
        with body.loop(number) as before:
            repeated = body.load(I32, wires, before).eq(wire)
            body.leave_if(repeated, line | WIRE_REPEATED)
    first = body.at(params, _field(body, entry, PARAMS), F64)
    with body.loop(_field(body, entry, NUM_PARAMS)) as number:
        value = body.load(F64, first, number)
        body.leave_if(~is_finite(value), line | NOT_FINITE)


def _run(module: Module, precision: Precision) -> None:
    """Let a device apply the gates of a schedule."""
    name = f"__qrt__device_run_{precision.suffix}"
    body = module.function(name, I64, PTR, PTR, I64, PTR, PTR, PTR, PTR)
    handle, entries, count, all_wires, params = body.args[:5]
    body.leave_if(body.load(I64, handle, DEAD).ne(0), 0)
    poll(body, handle)
    forget(body, handle, precision)
    outer = body.load(I64, handle, LINE)
    with body.loop(count) as number:
        entry = body.at(entries, number * ENTRY_WORDS, I32)
        wires = body.at(all_wires, _field(body, entry, WIRES), I32)
        body.store(_field(body, entry, LOCATION), handle, LINE)
        _check(body, handle, entry, wires, params)
        row = body.call("gate_row", PTR, handle, entry)
        place = _field(body, row, PLACE)
        alone = _field(body, entry, NUM_CONTROLS).eq(0)
        own = body.var(1)
        with body.when(alone & place.eq(TURNS)):
            angle = body.load(F64, params, _field(body, entry, PARAMS))
            body.call("turn", VOID, handle, angle, _field(body, entry, ADJOINT))
            own.set(0)
        with body.when(alone & place.eq(SWAPS)):
            body.call("swap", VOID, handle, wires)
            own.set(0)
        with body.when(own.get().ne(0)):
            status = body.call("apply", I64, handle, entry, wires, params)
            body.leave_if(status.ne(0), status)
    body.store(outer, handle, LINE)
    body.finish(0)
