"""What the adapter of devices remembers of one, and how it calls its functions."""

from __future__ import annotations

from qjit.runtime.abi.device_api import word_of
from qjit.runtime.abi.status import DEVICE_FAILED, PLACE_SHIFT, WIRE_RANGE
from qjit.runtime.codegen.builder import I32, I64, PTR, VOID, Body, Module, Value
from qjit.runtime.target.cpu import Precision

from .layout import API, FAILED, POLL, SUCCESS

# Words of a device, after those that `qjit.runtime.statevector.state` knows. It is DEAD
# once a postselection refused its shot. Its global phase is kept here where it has no
# gate for that, and its amplitudes are READ into a state of the simulator. Behind the
# words stands where each wire is, since it may have no gate to swap them.
DESCRIPTOR, QUBITS, LINE, DEAD, PHASE, READ, CONTEXT, PLACES = range(4, 12)


def failed(module: Module) -> None:
    """Write the function that notes a device's text and returns a status."""
    body = module.function("failed", I64, PTR, I64, PTR, private=True)
    descriptor, location, text = body.args
    note = body.load(PTR, descriptor, FAILED)
    status = body.call_pointer(note, I64, descriptor, location, text)
    plain = (location << PLACE_SHIFT) | DEVICE_FAILED
    body.finish(body.select(status.eq(0), plain, status))


def function(body: Body, descriptor: Value, name: str) -> Value:
    """The address of a function of a device's table."""
    return body.load(PTR, body.load(PTR, descriptor, API), word_of(name))


def ask(body: Body, handle: Value, device: int, name: str, *args: Value) -> None:
    """Call a function of a device; where it fails, leave with a status.

    The handle's LINE is that of the status; `device` is the word of the library's own
    device.
    """
    descriptor = body.load(PTR, handle, DESCRIPTOR)
    own = body.load(PTR, handle, device)
    called = function(body, descriptor, name)
    found = body.convert(body.call_pointer(called, I32, own, *args), I64)
    with body.when(found.ne(body.load(I64, descriptor, SUCCESS))):
        tell = function(body, descriptor, "last_error")
        text = body.call_pointer(tell, PTR, own)
        line = body.load(I64, handle, LINE)
        body.exit(body.call("failed", I64, descriptor, line, text))


def poll(body: Body, handle: Value) -> None:
    """Leave with a status where a signal ends the program."""
    descriptor = body.load(PTR, handle, DESCRIPTOR)
    status = body.call_pointer(body.load(PTR, descriptor, POLL), I64)
    body.leave_if(status.ne(0), status)


def forget(body: Body, handle: Value, precision: Precision) -> None:
    """Free the state that amplitudes were read into, if there is one."""
    read = body.load(PTR, handle, READ)
    with body.when(read.ne_null()):
        context = body.load(PTR, handle, CONTEXT)
        body.call(f"__qrt__state_free_{precision.suffix}", VOID, context, read)
        body.store(body.null(), handle, READ)


def place_of(body: Body, handle: Value, wire: Value) -> Value:
    """Where a wire is; leaves with a status if there is none of this number."""
    n = body.load(I64, handle, QUBITS)
    line = body.load(I64, handle, LINE) << PLACE_SHIFT
    body.leave_if((wire < 0) | (wire >= n), line | WIRE_RANGE)
    return body.load(I32, body.at(handle, PLACES, I64), wire)


def is_finite(value: Value) -> Value:
    """Whether a double is a number."""
    return (value - value).eq(0.0)


