"""The functions of a run: one that does it, and one that undoes it."""

from __future__ import annotations

from collections.abc import Sequence

from qjit.lowering.kernels.schedule.segments import Segment
from qjit.runtime.abi.layout import ENTRY_WORDS
from qjit.runtime.codegen.builder import I32, I64, PTR, VOID, Body, Module, Value
from qjit.runtime.statevector.executor.adjoint import (
    ADJOINT_CODE,
    COUNT,
    ENTRIES,
    KEPT_PARAMS,
    SLOTS,
    WIRES,
)
from qjit.runtime.statevector.state import data, is_skipped

from .addressing import Storage
from .adjoint import AdjointPass
from .adjoint_gradients import Target
from .forward import Forward
from .kernel_context import KernelContext


def run_ir(
    name: str, segments: Sequence[Segment], wanted: tuple[bool, ...] | None
) -> str:
    """LLVM IR of a run.

    Its function, of a state, entries, wires and parameters, returns 0 or an error.
    Where it is told which parameters are `wanted`, another one undoes the run, given
    its record, ket, bra and the gradient.
    """
    module = Module(name)
    for number, segment in enumerate(segments):
        _once(module, f"do_{number}", segment)
        if wanted is not None:
            _adjoint_once(module, f"adjoint_{number}", segment, wanted)
    body = module.function(name, I64, PTR, PTR, PTR, PTR)
    state, entries, wires, params = body.args
    body.leave_if(is_skipped(body, state), 0)
    for number, segment in enumerate(segments):
        with body.loop(segment.count) as iteration:
            here, own = _place(body, segment, iteration, entries, params)
            given = (state, here, wires, params, own)
            status = body.call(f"do_{number}", I64, *given)
            body.leave_if(status.ne(0), status)
    body.finish(0)
    if wanted is not None:
        _adjoint(module, f"{name}_adjoint", segments)
    return module.text()


def _place(
    body: Body, segment: Segment, iteration: Value, entries: Value, params: Value
) -> tuple[Value, Value]:
    """The entries of an iteration of a segment, and its parameters."""
    own = body.at(params, first_param(segment, iteration), I64)
    return entries_of(body, segment, iteration, entries), own


def entries_of(body: Body, segment: Segment, iteration: Value, entries: Value) -> Value:
    """The entries of the schedule in an iteration of a segment."""
    first = iteration * segment.length + segment.start
    return body.at(entries, first * ENTRY_WORDS, I32)


def first_param(segment: Segment, iteration: Value) -> Value:
    """The number of the first parameter in an iteration of a segment."""
    return iteration * segment.stride + segment.first_param


def _once(module: Module, name: str, segment: Segment) -> None:
    """Run a segment once; the runtime does it where the numbers are not accurate."""
    body = module.function(name, I64, PTR, PTR, PTR, PTR, PTR, private=True)
    state, entries, wires, params, own = body.args
    code = KernelContext(module, body, segment.plan, [own])
    with body.when(~code.prepare()):
        stages = f"__qrt__run_stages_{segment.plan.precision.suffix}"
        length = body.int(segment.length)
        given = (state, entries, length, wires, params)
        body.exit(body.call(stages, I64, *given))
    Forward(code, Storage(code.blocks, data(body, state))).emit()
    body.finish(0)


def _adjoint(module: Module, name: str, segments: Sequence[Segment]) -> None:
    """Undo a run, the last segment first."""
    body = module.function(name, VOID, PTR, PTR, PTR, PTR)
    record, ket, bra, gradient = body.args
    entries, params, slots = (
        body.load(PTR, record, word) for word in (ENTRIES, KEPT_PARAMS, SLOTS)
    )
    for number, segment in reversed(list(enumerate(segments))):
        with body.loop(segment.count) as iteration:
            back = -iteration + (segment.count - 1)
            here, own = _place(body, segment, back, entries, params)
            own_slots = body.at(slots, first_param(segment, back), I32)
            given = (record, ket, bra, gradient, here, own, own_slots)
            body.call(f"adjoint_{number}", VOID, *given)
    body.finish()


def _adjoint_once(
    module: Module, name: str, segment: Segment, wanted: tuple[bool, ...]
) -> None:
    body = module.function(name, VOID, *(PTR,) * 7, private=True)
    record, ket, bra, gradient, entries, own, slots = body.args
    code = KernelContext(module, body, segment.plan, [own])
    with body.when(~code.prepare()):
        part = part_of(body, record, entries, segment.length)
        stages = f"__qrt__adjoint_stages_{segment.plan.precision.suffix}"
        body.call(stages, VOID, part, ket, bra, gradient)
        body.exit()
    states = [Storage(code.blocks, data(body, state)) for state in (ket, bra)]
    target = Target(code, [slots], [gradient], own_wanted(segment, wanted))
    AdjointPass(code, states, target).emit()
    body.finish()


def part_of(body: Body, record: Value, entries: Value, count: int) -> Value:
    """A record of some of the entries of another one."""
    part = body.stack(PTR, ADJOINT_CODE + 1)
    for word in (WIRES, KEPT_PARAMS, SLOTS):
        body.store(body.load(PTR, record, word), part, word)
    body.store(body.null(), part)
    body.store(entries, part, ENTRIES)
    body.store(body.int(count), part, COUNT)
    return part


def own_wanted(segment: Segment, wanted: tuple[bool, ...]) -> tuple[bool, ...]:
    """Which of a segment's parameters are wanted in any iteration."""
    first, stride = segment.first_param, segment.stride
    if segment.count == 1:
        return wanted[first:]
    iterations = [
        wanted[first + iteration * stride :][:stride]
        for iteration in range(segment.count)
    ]
    return tuple(map(any, zip(*iterations, strict=True)))
