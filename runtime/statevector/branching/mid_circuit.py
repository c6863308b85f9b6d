"""Measurement within a program, and the states that later paths go on from."""

from __future__ import annotations

from qjit.runtime.codegen.builder import F64, I32, I64, PTR, VOID, Body, Module, Value
from qjit.runtime.codegen.simd_blocks import Blocks
from qjit.runtime.statevector.kernels.pairs import plan_buffer
from qjit.runtime.statevector.state import (
    BYTES,
    SKIPPED,
    block_count,
    data,
    is_skipped,
    qubits,
)
from qjit.runtime.target.cpu import Precision

from .path_tree import (
    BRANCHES,
    BUDGET,
    CHANCES,
    LENGTH,
    OUTCOME,
    POSITION,
    RESUME,
    SAVED,
    SHOTS,
    STATE,
    UNCOLLAPSED,
)

# The share of an outcome that is taken for zero: what rounding leaves of an amplitude.
IMPOSSIBLE_BELOW = {8: 1e-20, 4: 1e-12}


def module(precision: Precision) -> str:
    """IR of the mid-circuit measurement."""
    result = Module(f"qrt.mid_circuit.{precision.suffix}")
    _flip(result, precision)
    _collapse(result, precision)
    _paths_state(result, precision)
    _save(result, precision)
    _measure(result, precision)
    return result.text()


def _flip(module: Module, precision: Precision) -> None:
    """Apply X to one basis-index bit."""
    suffix = precision.suffix
    body = module.function("flip", VOID, PTR, I64, private=True)
    state, bit = body.args
    blocks = Blocks(body, precision)
    plan, matrix = plan_buffer(blocks), body.stack(F64, 8)
    for place, value in enumerate((0.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0)):
        body.store(body.real(value), matrix, place)
    zero, mask = body.int(0), body.int(1) << bit
    masks = (mask, zero, mask, zero)
    count = block_count(body, state)
    body.call(f"__qrt__pair_plan_{suffix}", VOID, plan, count, *masks)
    body.call(f"__qrt__pair_matrix_{suffix}", VOID, plan, matrix, zero)
    body.call(f"__qrt__pair_{suffix}", VOID, data(body, state), plan)
    body.finish()


def _collapse(module: Module, precision: Precision) -> None:
    """Project a bit on an outcome of this chance, and reset it if asked to."""
    body = module.function("collapse", VOID, PTR, PTR, I64, F64, I64, private=True)
    state, bits, outcome, chance, reset = body.args
    factors = body.stack(F64, 4)
    for place in range(4):
        body.store(body.real(0.0), factors, place)
    scale = body.real(1.0) / body.intrinsic("sqrt", chance)
    body.store(scale, factors, outcome * 2)
    zero, one = body.int(0), body.int(1)
    first, count = data(body, state), block_count(body, state)
    given = (first, count, bits, one, zero, zero, factors, zero)
    body.call(f"__qrt__diagonal_{precision.suffix}", VOID, *given)
    with body.when(reset.ne(0) & outcome.eq(1)):
        body.call("flip", VOID, state, body.load(I64, bits))
    body.finish()


def _paths_state(module: Module, precision: Precision) -> None:
    """The state that a path begins with: |0...0>, or a saved one to go on from."""
    suffix = precision.suffix
    body = module.function(f"__qrt__paths_state_{suffix}", PTR, PTR, PTR, I64)
    context, tree, n = body.args
    resume = body.load(I64, tree, RESUME)
    with body.when(resume < 0):
        body.exit(body.call(f"__qrt__state_new_{suffix}", PTR, context, n))
    level = body.call("__qrt__paths_level", PTR, tree, resume)
    saved = body.load(PTR, level, STATE)
    state = body.var(saved)
    last = resume.eq(body.load(I64, tree, LENGTH) - 1)
    with body.when(last):
        body.store(body.null(), level, STATE)
        left = body.load(I64, tree, SAVED) - body.load(I64, saved, BYTES)
        body.store(left, tree, SAVED)
    with body.when(~last):
        # Nothing was saved since: simulate again from here, and come back later.
        state.set(body.call(f"__qrt__state_copy_{suffix}", PTR, context, saved))
        body.leave_if(~state.get().ne_null(), body.null())
    body.store(body.int(1), state.get(), SKIPPED)
    body.finish(state.get())


def _save(module: Module, precision: Precision) -> None:
    """Keep a state at the newest level, if it fits the budget."""
    suffix = precision.suffix
    body = module.function("save", VOID, PTR, PTR, PTR, private=True)
    context, tree, state = body.args
    total = body.load(I64, tree, SAVED) + body.load(I64, state, BYTES)
    body.leave_if(total > body.load(I64, tree, BUDGET))
    copied = body.call(f"__qrt__state_copy_{suffix}", PTR, context, state)
    body.leave_if(~copied.ne_null())
    last = body.load(I64, tree, LENGTH) - 1
    level = body.call("__qrt__paths_level", PTR, tree, last)
    body.store(copied, level, STATE)
    body.store(total, tree, SAVED)
    body.finish()


def _measure(module: Module, precision: Precision) -> None:
    suffix = precision.suffix
    arguments = (PTR, PTR, I32, I64, I64, I64, PTR, PTR)
    body = module.function(f"__qrt__measure_{suffix}", I64, *arguments)
    context, state, wire, postselect, reset, location, out, tree = body.args
    wires, bits = body.stack(I32), body.stack(I64)
    body.store(wire, wires)
    one, n = body.int(1), qubits(body, state)
    status = body.call(f"__qrt__wire_bits_{suffix}", I64, n, one, wires, bits)
    body.leave_if(status.ne(0), status | (location << 8))
    level = body.call("__qrt__paths_recorded", PTR, tree)
    with body.when(level.ne_null()):
        known = body.load(I64, level, OUTCOME)
        body.store(body.convert(known, I32), out)
        before = body.load(I64, tree, POSITION) <= body.load(I64, tree, RESUME)
        body.leave_if(before, 0)
        body.store(body.int(0), state, SKIPPED)
        chance = body.load(F64, level, known + CHANCES)
        body.call("collapse", VOID, state, bits, known, chance, reset)
        body.exit(0)
    _leave_if_dead(body, state, out)
    chances = body.stack(F64, 2)
    body.call(f"__qrt__marginal_{suffix}", VOID, state, bits, one, chances)
    least = body.real(IMPOSSIBLE_BELOW[precision.real_bytes])
    given = (context, tree, chances, least, postselect, location)
    found = body.call("__qrt__paths_decide", I64, *given)
    body.leave_if(found < 0, (location << 8) | -found)
    outcome = found & 1
    body.store(body.convert(outcome, I32), out)
    with body.when((found & BRANCHES).ne(0)):
        body.call("save", VOID, context, tree, state)
    with body.when((found & UNCOLLAPSED).eq(0)):
        chance = body.load(F64, chances, outcome)
        body.call("collapse", VOID, state, bits, outcome, chance, reset)
    with body.when((found & UNCOLLAPSED).ne(0)):
        weightless = body.load(I64, tree, SHOTS).eq(0)
        body.store(body.select(weightless, 1, 0), state, SKIPPED)
    body.finish(0)


def _leave_if_dead(body: Body, state: Value, out: Value) -> None:
    """A path of no weight needs no simulation; its outcomes do not matter."""
    with body.when(is_skipped(body, state)):
        body.store(body.coerce(0, I32), out)
        body.exit(0)
