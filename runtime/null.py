"""The device without a state: it counts gates, their depth, and the qubits in use.

A "state" is the number of qubits, that of gates, the depth, and for each qubit the
depth that it has reached. The depth of a gate is one more than that of the deepest of
its qubits before it.
"""

from __future__ import annotations

from .abi.layout import ENTRY_WORDS, LOCATION, NUM_CONTROLS, NUM_TARGETS, WIRES
from .abi.status import PLACE_SHIFT, WIRE_RANGE
from .codegen.builder import I32, I64, PTR, VOID, Body, Module, Value

QUBITS, GATES, DEPTH, FIRST = range(4)  # words


def module() -> str:
    """IR of all functions, which are the same in both precisions."""
    result = Module("qrt.null")
    for suffix in ("c128", "c64"):
        _new(result, suffix)
        _free(result, suffix)
        _run(result, suffix)
        _resources(result, suffix)
    return result.text()


def _new(module: Module, suffix: str) -> None:
    body = module.function(f"__qrt__null_state_new_{suffix}", PTR, PTR, I64)
    _, n = body.args
    state = body.call("calloc", PTR, n + FIRST, body.int(8))
    with body.when(state.ne_null()):
        body.store(n, state, QUBITS)
    body.finish(state)


def _free(module: Module, suffix: str) -> None:
    body = module.function(f"__qrt__null_state_free_{suffix}", VOID, PTR, PTR)
    body.call("free", VOID, body.args[1])
    body.finish()


def _field(body: Body, entry: Value, number: int) -> Value:
    return body.convert(body.load(I32, entry, number), I64)


def _run(module: Module, suffix: str) -> None:
    """Count the gates of a schedule; 0, or the status of a wire out of range."""
    name = f"__qrt__null_run_{suffix}"
    body = module.function(name, I64, PTR, PTR, I64, PTR, PTR, PTR, PTR)
    state, entries, count, wires = body.args[:4]
    depths = body.at(state, FIRST, I64)
    n = body.load(I64, state, QUBITS)
    with body.loop(count) as number:
        entry = body.at(entries, number * ENTRY_WORDS, I32)
        first = body.at(wires, _field(body, entry, WIRES), I32)
        used = _field(body, entry, NUM_TARGETS) + _field(body, entry, NUM_CONTROLS)
        deepest = body.var(0)
        with body.loop(used) as index:
            wire = body.convert(body.load(I32, first, index), I64)
            line = _field(body, entry, LOCATION) << PLACE_SHIFT
            body.leave_if((wire < 0) | (wire >= n), line | WIRE_RANGE)
            before = body.load(I64, depths, wire)
            larger = before > deepest.get()
            deepest.set(body.select(larger, before, deepest.get()))
        after = deepest.get() + 1
        with body.loop(used) as index:
            wire = body.convert(body.load(I32, first, index), I64)
            body.store(after, depths, wire)
        total = body.load(I64, state, DEPTH)
        body.store(body.select(after > total, after, total), state, DEPTH)
    body.store(body.load(I64, state, GATES) + count, state, GATES)
    body.finish(0)


def _resources(module: Module, suffix: str) -> None:
    """Write the number of gates, the depth, and the number of qubits acted on."""
    body = module.function(f"__qrt__null_resources_{suffix}", VOID, PTR, PTR)
    state, out = body.args
    used = body.var(0)
    depths = body.at(state, FIRST, I64)
    with body.loop(body.load(I64, state, QUBITS)) as wire:
        acted = body.load(I64, depths, wire) > 0
        used.set(used.get() + body.select(acted, 1, 0))
    for place, word in enumerate((GATES, DEPTH)):
        body.store(body.load(I64, state, word), out, place)
    body.store(used.get(), out, 2)
    body.finish()
