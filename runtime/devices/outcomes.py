"""Devices of other libraries: what is measured, sampled and read of them."""

from __future__ import annotations

from qjit.runtime.abi.status import (
    ALLOCATION_FAILED,
    IMPOSSIBLE,
    NEVER_SEEN,
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
from qjit.runtime.statevector.branching.path_tree import (
    COUNT,
    FAILED,
    FIRST,
    KEPT,
    ONCE,
    PATHS,
    SHOTS,
)
from qjit.runtime.target.cpu import Precision

from .adapter import (
    CONTEXT,
    DEAD,
    DESCRIPTOR,
    LINE,
    PHASE,
    PLACES,
    QUBITS,
    READ,
    ask,
    failed,
    forget,
    place_of,
    poll,
)
from .layout import NOT_EXACT

# So many shots in a row may be refused by a postselection.
MOST_REFUSED = 1 << 16


def module(precision: Precision) -> str:
    """IR of what asks devices for outcomes and amplitudes."""
    result = Module(f"qrt.device_outcomes.{precision.suffix}")
    failed(result)
    _measure(result, precision)
    _paths_next(result, precision)
    _paths_end(result, precision)
    _draw(result)
    _sample(result, precision)
    _counts(result, precision)
    _amplitudes_of(result)
    _source(result)
    _arranged(result)
    _read(result, precision)
    return result.text()


def _measure(module: Module, precision: Precision) -> None:
    """Measure a wire."""
    name = f"__qrt__device_measure_{precision.suffix}"
    body = module.function(name, I64, PTR, PTR, I32, I64, I64, I64, PTR, PTR)
    _, handle, wire, wanted, reset, location, out, tree = body.args
    body.store(body.coerce(0, I32), out)
    with body.when(~tree.ne_null()):
        given = body.load(PTR, handle, DESCRIPTOR), location, body.int(NOT_EXACT)
        body.exit(body.call("failed", I64, *given))
    body.leave_if(body.load(I64, handle, DEAD).ne(0), 0)
    poll(body, handle)
    forget(body, handle, precision)
    outer = body.load(I64, handle, LINE)
    body.store(location, handle, LINE)
    place = place_of(body, handle, body.convert(wire, I64))
    bit = body.stack(I8)
    body.store(body.coerce(0, I8), bit)
    ask(body, handle, "measure", place, bit)
    outcome = body.select(body.load(I8, bit).ne(0), 1, 0)
    body.store(body.convert(outcome, I32), out)
    with body.when(reset.ne(0) & outcome.ne(0)):
        ask(body, handle, "reset", place)
    body.store(outer, handle, LINE)
    with body.when((wanted >= 0) & outcome.ne(wanted)):
        body.store(body.int(1), handle, DEAD)
        body.store(body.int(0), tree, COUNT)
        body.store(location, tree, FAILED)
    body.finish(0)


def _paths_next(module: Module, precision: Precision) -> None:
    """Go on to the next shot; 0 if there is none.

    Of a tree of shots, KEPT counts those that were refused one after another.
    """
    body = module.function(f"__qrt__device_paths_next_{precision.suffix}", I64, PTR)
    (tree,) = body.args
    count, shots = body.load(I64, tree, COUNT), body.load(I64, tree, SHOTS)
    first, done = body.load(I64, tree, FIRST) + count, body.load(I64, tree, PATHS)
    refused = body.select(count.eq(0), body.load(I64, tree, KEPT) + 1, 0)
    for value, word in ((first, FIRST), (done + 1, PATHS), (refused, KEPT)):
        body.store(value, tree, word)
    again = body.select((first < shots) & (refused < MOST_REFUSED), 1, 0)
    once = body.load(I64, tree, ONCE).ne(0)
    body.finish(body.select(once, body.select(done < shots, 1, 0), again))


def _paths_end(module: Module, precision: Precision) -> None:
    name = f"__qrt__device_paths_end_{precision.suffix}"
    body = module.function(name, I64, PTR, PTR, F64)
    status = body.call("__qrt__paths_end", I64, *body.args)
    missing = (status & 255).eq(IMPOSSIBLE)
    body.finish(body.select(missing, (status & -256) | NEVER_SEEN, status))


def _draw(module: Module) -> None:
    """Sample wires into bytes, whose memory is the caller's; 0 or a status."""
    body = module.function("draw", I64, PTR, I64, I64, PTR, PTR, private=True)
    handle, shots, count, wires, out = body.args
    bits = body.call("calloc", PTR, shots * count + count * 4 + 8, body.int(1))
    body.store(bits, out)
    body.leave_if(~bits.ne_null(), ALLOCATION_FAILED)
    poll(body, handle)
    # Wires stand in front of the bits.
    with body.loop(count) as number:
        wire = body.convert(body.load(I32, wires, number), I64)
        body.store(place_of(body, handle, wire), bits, number)
    first = body.at(bits, count * 4)
    ask(body, handle, "sample", shots, bits, count, first)
    body.finish(0)


def _drawn(body: Body) -> tuple[Value, Value]:
    """Bytes of samples, and the memory that they are in."""
    _, handle, shots, count, wires, _ = body.args
    place = body.stack(PTR)
    body.store(body.null(), place)
    status = body.call("draw", I64, handle, shots, count, wires, place)
    memory = body.load(PTR, place)
    with body.when(status.ne(0)):
        body.call("free", VOID, memory)
        body.exit(status)
    return body.at(memory, count * 4), memory


def _bit(body: Body, bits: Value, number: Value) -> Value:
    return body.select(body.load(I8, bits, number).ne(0), 1, 0)


def _sample(module: Module, precision: Precision) -> None:
    """One row of bits per shot, as words."""
    name = f"__qrt__device_sample_{precision.suffix}"
    body = module.function(name, I64, PTR, PTR, I64, I64, PTR, PTR)
    shots, count, out = body.args[2], body.args[3], body.args[5]
    body.leave_if(shots.eq(0), 0)
    bits, memory = _drawn(body)
    with body.loop(shots * count) as number:
        body.store(_bit(body, bits, number), out, number)
    body.call("free", VOID, memory)
    body.finish(0)


def _counts(module: Module, precision: Precision) -> None:
    """How often each outcome occurs."""
    name = f"__qrt__device_counts_{precision.suffix}"
    body = module.function(name, I64, PTR, PTR, I64, I64, PTR, PTR)
    shots, count, out = body.args[2], body.args[3], body.args[5]
    size = body.int(8) << count
    body.call("memset", PTR, out, body.coerce(0, I32), size)
    body.leave_if(shots.eq(0), 0)
    bits, memory = _drawn(body)
    with body.loop(shots) as shot:
        outcome = body.var(0)
        with body.loop(count) as place:
            bit = _bit(body, bits, shot * count + place)
            outcome.set((outcome.get() << 1) | bit)
        body.store(body.load(I64, out, outcome.get()) + 1, out, outcome.get())
    body.call("free", VOID, memory)
    body.finish(0)


def _amplitudes_of(module: Module) -> None:
    """Let a device write its amplitudes; 0 or a status."""
    body = module.function("amplitudes_of", I64, PTR, PTR, private=True)
    handle, out = body.args
    poll(body, handle)
    ask(body, handle, "amplitudes", out)
    body.finish(0)


def _source(module: Module) -> None:
    """Where a device, whose wires may be swapped, has an amplitude."""
    body = module.function("source", I64, PTR, I64, private=True)
    handle, index = body.args
    n = body.load(I64, handle, QUBITS)
    found = body.var(0)
    with body.loop(n) as wire:
        places = body.at(handle, PLACES, I64)
        place = body.convert(body.load(I32, places, wire), I64)
        bit = (index >> (n - 1 - wire)) & 1
        found.set(found.get() | (bit << (n - 1 - place)))
    body.finish(found.get())


def _arranged(module: Module) -> None:
    """Copy amplitudes in the order of wires, turned by the global phase."""
    body = module.function("arranged", VOID, PTR, PTR, PTR, private=True)
    handle, given, out = body.args
    phase = body.load(F64, handle, PHASE)
    cosine, sine = body.intrinsic("cos", phase), body.intrinsic("sin", phase)
    with body.loop(body.int(1) << body.load(I64, handle, QUBITS)) as index:
        source = body.call("source", I64, handle, index)
        re, im = (body.load(F64, given, source * 2 + part) for part in (0, 1))
        body.store(re * cosine - im * sine, out, index * 2)
        body.store(re * sine + im * cosine, out, index * 2 + 1)
    body.finish()


def _read(module: Module, precision: Precision) -> None:
    """A state of the simulator with the amplitudes of a device; 0 or a status."""
    suffix = precision.suffix
    body = module.function(f"__qrt__device_read_{suffix}", I64, PTR, PTR)
    handle, out = body.args
    known = body.load(PTR, handle, READ)
    body.store(known, out)
    body.leave_if(known.ne_null(), 0)
    n, context = body.load(I64, handle, QUBITS), body.load(PTR, handle, CONTEXT)
    body.leave_if(n > 40, ALLOCATION_FAILED)
    state = body.call(f"__qrt__state_new_{suffix}", PTR, context, n)
    body.leave_if(~state.ne_null(), ALLOCATION_FAILED)
    body.store(state, handle, READ)
    half = body.int(16) << n
    memory = body.call("calloc", PTR, half, body.int(2))
    body.leave_if(~memory.ne_null(), ALLOCATION_FAILED)
    status = body.call("amplitudes_of", I64, handle, memory)
    with body.when(status.eq(0)):
        arranged = body.at(memory, half)
        body.call("arranged", VOID, handle, memory, arranged)
        body.call(f"__qrt__state_zero_{suffix}", VOID, state)
        body.call(f"__qrt__add_amplitudes_{suffix}", VOID, state, arranged)
    body.call("free", VOID, memory)
    body.store(state, out)
    body.leave_if(status.ne(0), status)
    body.finish(0)
