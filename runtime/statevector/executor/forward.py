"""The forward run of a schedule: what runs it, by the size of its state.

On small states, where making steps takes longer than they save, entries run one by one.
"""

from __future__ import annotations

from qjit.runtime.abi.layout import COMPOSED_FROM, ENTRY_WORDS
from qjit.runtime.codegen.builder import I32, I64, PTR, VOID, Body, Module, Value
from qjit.runtime.settings import enabled
from qjit.runtime.statevector.state import block_count, data, is_skipped, qubits
from qjit.runtime.target.cpu import Precision

from .execute import TARGET_BITS, located, makes_large_matrix
from .tiles import (
    ENTRY_WORD,
    MADE_WORD,
    MATRIX_WORD,
    OUTSIDE_WORD,
    SLOT_WORDS,
    forget,
    is_single,
    slot_of,
)

FEW = 24  # entries of a stage on a small state


def module(precision: Precision) -> str:
    """IR of the forward run."""
    result = Module(f"qrt.forward.{precision.suffix}")
    _keep(result, precision)
    _collect(result, precision)
    _run_small(result, precision)
    _run_stages(result, precision)
    define_run(result, precision, "run", "run_stages")
    return result.text()


def decode_slot(
    body: Body, precision: Precision, entry: Value, wires: Value, n: Value, slot: Value
) -> None:
    """Decode an entry into a slot, or leave with its error, negated."""
    name = f"__qrt__decode_{precision.suffix}"
    code = body.call(name, I64, entry, wires, n, slot)
    body.leave_if(code.ne(0), -located(body, entry, code))


def ready_slot(
    body: Body, precision: Precision, entry: Value, params: Value, slot: Value
) -> None:
    """Make the gate of a decoded slot ready, or leave with its error, negated."""
    own = body.at(slot, MATRIX_WORD, I64)
    made = body.at(slot, MADE_WORD, I64)
    body.store(entry, slot, ENTRY_WORD)
    for word in range(2):
        body.store(body.int(0), slot, OUTSIDE_WORD + word)
    name = f"__qrt__made_{precision.suffix}"
    status = body.call(name, I64, entry, params, own, made)
    body.leave_if(status.ne(0), -status)


def _keep(module: Module, precision: Precision) -> None:
    """Merge an entry into an earlier slot (0), or keep the slot it has (1)."""
    body = module.function("keep", I64, PTR, PTR, PTR, I64, PTR, private=True)
    entry, slot, workspace, number, latest = body.args
    simple = is_single(body, entry)
    if enabled("merging"):
        with body.when(simple):
            bit = body.load(I64, slot, TARGET_BITS)
            before = body.load(I64, latest, bit)
            with body.when(before.ne(0)):
                earlier = slot_of(body, workspace, before - 1)
                matrix = body.load(PTR, slot, MADE_WORD)
                name = f"__qrt__merge_{precision.suffix}"
                body.call(name, VOID, earlier, entry, matrix)
                body.exit(0)
            body.store(number + 1, latest, bit)
            body.exit(1)
    forget(body, slot, latest)
    body.finish(1)


def _collect(module: Module, precision: Precision) -> None:
    """Make some entries ready, one after another.

    Returns how many, or a negative error; to `out` goes the number of slots, which is
    smaller where gates were merged.
    """
    arguments = (PTR, I64, PTR, PTR, I64, PTR, PTR)
    body = module.function("collect", I64, *arguments, private=True)
    entries, count, wires, params, n, workspace, out = body.args
    number, slots = body.var(0), body.var(0)
    latest = body.stack(I64, 64)  # the slot of one qubit that touched a bit last, + 1
    body.call("memset", PTR, latest, body.coerce(0, I32), n * 8)
    more = body.var(1)

    def more_left() -> Value:
        return more.get().ne(0) & (number.get() < count) & (slots.get() < FEW)

    with body.repeat_while(more_left):
        more.set(0)
        entry = body.at(entries, number.get() * ENTRY_WORDS, I32)
        with body.when(~makes_large_matrix(body, entry)):
            slot = slot_of(body, workspace, slots.get())
            decode_slot(body, precision, entry, wires, n, slot)
            ready_slot(body, precision, entry, params, slot)
            kept = body.call("keep", I64, entry, slot, workspace, slots.get(), latest)
            slots.add(kept)
            number.add(1)
            more.set(1)
    body.store(slots.get(), out)
    body.finish(number.get())


def run_alone(
    body: Body, precision: Precision, state: Value, entry: Value, *given: Value
) -> Value:
    """Run one entry; 0 or an error."""
    return body.call(f"__qrt__run_one_{precision.suffix}", I64, state, entry, *given)


def _run_small(module: Module, precision: Precision) -> None:
    """Run entries on a small state; 0 or an error."""
    suffix = precision.suffix
    body = module.function("run_small", I64, PTR, PTR, I64, PTR, PTR, private=True)
    state, entries, count, wires, params = body.args
    workspace = body.stack(I64, FEW * SLOT_WORDS)
    found, number = body.stack(I64), body.var(0)
    blocks, first = block_count(body, state), data(body, state)
    with body.repeat_while(lambda: number.get() < count):
        here = body.at(entries, number.get() * ENTRY_WORDS, I32)
        given = (here, count - number.get(), wires, params, qubits(body, state))
        taken = body.call("collect", I64, *given, workspace, found)
        body.leave_if(taken < 0, -taken)
        with body.when(taken.eq(0)):
            status = run_alone(body, precision, state, here, wires, params)
            body.leave_if(status.ne(0), status)
        number.add(body.select(taken.eq(0), 1, taken))
        slots = body.select(taken.eq(0), 0, body.load(I64, found))
        with body.loop(slots) as place:
            slot = slot_of(body, workspace, place)
            body.call(f"__qrt__run_slot_{suffix}", VOID, first, blocks, slot, params)
    body.finish(0)


def _run_stages(module: Module, precision: Precision) -> None:
    """Run entries; 0 or an error."""
    arguments = (PTR, PTR, I64, PTR, PTR)
    suffix = precision.suffix
    body = module.function(f"__qrt__run_stages_{suffix}", I64, *arguments)
    small = qubits(body, body.args[0]) < COMPOSED_FROM
    with body.when(small):
        body.exit(body.call("run_small", I64, *body.args))
    body.finish(body.call(f"__qrt__run_composed_{suffix}", I64, *body.args))


def define_run(module: Module, precision: Precision, name: str, stages: str) -> None:
    """Run a schedule; 0, or code | location << 8 of the first entry refused."""
    suffix = precision.suffix
    arguments = (PTR, PTR, I64, PTR, PTR, PTR, PTR)
    body = module.function(f"__qrt__{name}_{suffix}", I64, *arguments)
    state, entries, count, wires, params, slots, tape = body.args
    body.leave_if(is_skipped(body, state), 0)
    given = (entries, count, wires, params)
    status = body.call(f"__qrt__{stages}_{suffix}", I64, state, *given)
    body.leave_if(status.ne(0) | ~tape.ne_null(), status)
    given = (tape, *given, slots, body.null())
    body.finish(body.call(f"__qrt__record_{suffix}", I64, *given))
