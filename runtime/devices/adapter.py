"""What the adapter of devices remembers of one, and how it calls its functions."""

from __future__ import annotations

from collections.abc import Sequence

from qjit.runtime.abi.device_api import OK, REQUIRED, word_of
from qjit.runtime.abi.status import INTERRUPTED, PLACE_SHIFT, WIRE_RANGE
from qjit.runtime.codegen.builder import I32, I64, PTR, VOID, Body, Module, Value
from qjit.runtime.codegen.types import Type
from qjit.runtime.statevector.state import DEVICE
from qjit.runtime.target.cpu import Precision

from .layout import API, CALL, FAILED, IN_PYTHON, NO_FUNCTION, POLL

# The part of a status that is its code.
CODES = (1 << PLACE_SHIFT) - 1
# Words of a device, after those that `qjit.runtime.statevector.state` knows. It is DEAD
# once a postselection refused its shot. Its global phase is kept here where it has no
# gate for that, and its amplitudes are READ into a state of the simulator. Behind the
# words stands where each wire is, since it may have no gate to swap them.
DESCRIPTOR, QUBITS, LINE, DEAD, PHASE, READ, CONTEXT, PLACES = range(4, 12)


def failed(module: Module) -> None:
    """Write the function that notes a device's text and returns a status."""
    body = module.function("failed", I64, PTR, I64, I64, private=True)
    descriptor, location, text = body.args
    note = body.load(PTR, descriptor, FAILED)
    given = body.to_word(descriptor), location, text
    body.finish(body.call_pointer(note, I64, *given))


def _words(body: Body, args: Sequence[Value]) -> Value:
    """The address of arguments as words."""
    words = body.stack(I64, len(args))
    for place, value in enumerate(args):
        body.store(_word(body, value), words, place)
    return words


def _word(body: Body, value: Value) -> Value:
    return body.to_word(value) if value.type is PTR else body.convert(value, I64)


def in_python(body: Body, descriptor: Value) -> Value:
    """Whether a device is in Python."""
    return body.load(I64, descriptor, IN_PYTHON).ne(0)


def call(body: Body, descriptor: Value, name: str, result: Type, *args: Value) -> Value:
    """Call a function of a device; what it returns, as a word.

    Where an exception of Python ended the program, that is its status.
    """
    found = body.var(0)
    inside = in_python(body, descriptor)
    number, api = word_of(name), body.load(PTR, descriptor, API)
    with body.when(inside):
        words = body.to_word(_words(body, args))
        given = body.int(number), body.to_word(api), words
        python = body.load(PTR, descriptor, CALL)
        found.set(body.call_pointer(python, I64, *given))
    with body.when(~inside):
        called = body.load(PTR, api, number)
        value = body.call_pointer(called, result, *args)
        if result is not VOID:
            found.set(_word(body, value))
    return found.get()


def leave_if_ended(body: Body, descriptor: Value, found: Value) -> None:
    """Leave with the status of an exception of Python that ended the program."""
    ended = (found & CODES).eq(INTERRUPTED)
    body.leave_if(ended & in_python(body, descriptor), found)


def _refuse_missing(body: Body, descriptor: Value, name: str, line: Value) -> None:
    """Leave with a status where a library does not have a function."""
    inside = in_python(body, descriptor)
    with body.when(~inside):
        api = body.load(PTR, descriptor, API)
        missing = ~body.load(PTR, api, word_of(name)).ne_null()
        with body.when(missing):
            given = descriptor, line, body.int(NO_FUNCTION)
            body.exit(body.call("failed", I64, *given))


def ask(body: Body, handle: Value, name: str, *args: Value) -> None:
    """Call a function of a device; where it fails, leave with a status.

    The line of that is the handle's LINE.
    """
    descriptor = body.load(PTR, handle, DESCRIPTOR)
    own, line = body.load(PTR, handle, DEVICE), body.load(I64, handle, LINE)
    if name not in REQUIRED:
        _refuse_missing(body, descriptor, name, line)
    found = call(body, descriptor, name, I32, own, *args)
    with body.when(found.ne(OK)):
        leave_if_ended(body, descriptor, found)
        text = call(body, descriptor, "last_error", PTR, own)
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
