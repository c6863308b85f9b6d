"""Ctrl-C stops a running program: loops ask Python whether a signal has come.

Loops of the user's ask by count, so that asking costs nothing next to their work, and
what they call answers by the clock. Only then it takes the GIL. Whoever runs a program
without Python gives it a `__qjit__poll` that returns zero.
"""

import ctypes
import time
from functools import cache
from typing import Any

import llvmlite.binding as llvm
from llvmlite import ir
from xdsl.dialects import arith, scf
from xdsl.dialects import llvm as llvm_dialect
from xdsl.dialects.builtin import IntegerAttr, UnitAttr, i64
from xdsl.ir import Block, Operation, SSAValue

from qjit.dialects.quantum_types import RegisterType

from .convert_to_llvm import Converter

INTERRUPTED = 254
POLLED = "qjit.polled"
POLLS_PER_SECOND = 20
# Costs are counted in simple operations, about a nanosecond each.
LONG = 1 << 20  # loops that certainly cost less do not ask
BETWEEN_POLLS = 1 << 18
COSTLY = 1 << 12  # an operation that no table knows, such as a call
UNKNOWN_COUNT = 1 << 6
SIMPLE = ("arith", "math", "complex", "memref", "scf")

word, pointer = ir.IntType(64), ir.PointerType()
_raised: list[BaseException] = []


def mark(loop: Operation) -> None:
    """Let a loop poll, if it takes long."""
    loop.attributes[POLLED] = UnitAttr()


def _block_cost(block: Block) -> int:
    return sum(map(_cost, block.ops))


def _cost(op: Operation) -> int:
    """Estimate how many simple operations an operation stands for."""
    inner = sum(_block_cost(block) for region in op.regions for block in region.blocks)
    if isinstance(op, scf.ForOp):
        return inner * (_trip_count(op) or UNKNOWN_COUNT)
    if isinstance(op, scf.WhileOp):
        return inner * UNKNOWN_COUNT
    if inner or op.name.partition(".")[0] in SIMPLE:
        return 1 + inner
    widths = [v.type.size.data for v in op.operands if isinstance(v.type, RegisterType)]
    return COSTLY + (4 << max(widths, default=0))


def _trip_count(loop: scf.ForOp) -> int | None:
    bounds = [v.owner for v in (loop.lb, loop.ub, loop.step)]
    values = [
        bound.value.value.data
        for bound in bounds
        if isinstance(bound, arith.ConstantOp) and isinstance(bound.value, IntegerAttr)
    ]
    if len(values) < len(bounds):
        return None
    start, end, step = values
    return max(0, -((start - end) // step))


def _period(loop: scf.ForOp | scf.WhileOp) -> int | None:
    """Return after how many iterations a loop polls: a power of two, or never."""
    if POLLED not in loop.attributes:
        return None
    each = 1 + sum(_block_cost(r.block) for r in loop.regions)
    count = _trip_count(loop) if isinstance(loop, scf.ForOp) else None
    if count is not None and count * each < LONG:
        return None
    return 1 << max(0, (BETWEEN_POLLS // each).bit_length() - 1)


def poll(
    converter: Converter, loop: scf.ForOp | scf.WhileOp, position: SSAValue
) -> None:
    """Begin the body of a loop, at a count of iterations, by polling at times."""
    period = _period(loop)
    if period is None:
        return
    rest = converter.emit(llvm_dialect.AndOp(position, converter.int(period - 1)))
    equal = IntegerAttr(llvm_dialect.ICmpPredicateFlag("eq").to_int(), i64)
    due = converter.emit(llvm_dialect.ICmpOp(rest, converter.int(period - 1), equal))
    ask, following = converter.new_block(), converter.new_block()
    converter.branch_if(due, ask, [], following, [])
    converter.block = ask
    converter.check(converter.result("__qjit__poll", i64, []))
    converter.branch(following)
    converter.block = following


def note(error: BaseException) -> None:
    """Keep an exception that ends a program, until the program has ended."""
    _raised.append(error)


def raised() -> BaseException:
    """Return the exception that ended a program."""
    return _raised.pop() if _raised else KeyboardInterrupt()


def _python(builder: ir.IRBuilder, name: str, kind: ir.Type, *args: Any) -> Any:
    """Call a function of Python's C interface."""
    address = ctypes.cast(getattr(ctypes.pythonapi, name), ctypes.c_void_p).value
    signature = ir.FunctionType(kind, [arg.type for arg in args])
    function = builder.inttoptr(ir.Constant(word, address), signature.as_pointer())
    return builder.call(function, args)


def _is_due(module: ir.Module, builder: ir.IRBuilder) -> Any:
    """Read the clock; note and return whether a tick has passed since the last one."""
    clock = ir.Function(
        module,
        ir.FunctionType(ir.IntType(32), [ir.IntType(32), pointer]),
        "clock_gettime",
    )
    kind = ir.LiteralStructType([word, word])
    now = builder.alloca(kind)
    builder.call(clock, [ir.Constant(ir.IntType(32), time.CLOCK_MONOTONIC), now])
    time_now = builder.load(now, typ=kind)
    seconds, rest = (builder.extract_value(time_now, place) for place in (0, 1))
    tick = builder.sdiv(rest, ir.Constant(word, 10**9 // POLLS_PER_SECOND))
    ticks = builder.add(builder.mul(seconds, ir.Constant(word, POLLS_PER_SECOND)), tick)
    last = ir.GlobalVariable(module, word, "last_tick")
    last.linkage = "internal"
    setattr(last, "initializer", ir.Constant(word, 0))  # noqa: B010 (typed None)
    due = builder.icmp_signed("!=", ticks, builder.load(last, typ=word))
    builder.store(ticks, last)
    return due


def _keep_exception(builder: ir.IRBuilder) -> None:
    """Move the exception that Python holds into the list of exceptions."""
    void = ir.VoidType()
    places = [builder.alloca(pointer) for _ in range(3)]
    _python(builder, "PyErr_Fetch", void, *places)
    _python(builder, "PyErr_NormalizeException", void, *places)
    kept = builder.inttoptr(ir.Constant(word, id(_raised)), pointer)
    error = builder.load(places[1], typ=pointer)
    _python(builder, "PyList_Append", ir.IntType(32), kept, error)
    for place in places:
        _python(builder, "Py_DecRef", void, builder.load(place, typ=pointer))


def poll_module() -> str:
    """Write the function that loops call: zero, or the status that ends a program."""
    module = ir.Module("interrupts")
    function = ir.Function(module, ir.FunctionType(word, []), "__qjit__poll")
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    half = ir.IntType(32)
    with builder.if_then(_is_due(module, builder), likely=False):
        state = _python(builder, "PyGILState_Ensure", half)
        failed = _python(builder, "PyErr_CheckSignals", half)
        stopped = builder.icmp_signed("!=", failed, ir.Constant(half, 0))
        with builder.if_then(stopped, likely=False):
            _keep_exception(builder)
        _python(builder, "PyGILState_Release", ir.VoidType(), state)
        status = ir.Constant(word, INTERRUPTED), ir.Constant(word, 0)
        builder.ret(builder.select(stopped, *status))
    builder.ret(ir.Constant(word, 0))
    return str(module)


@cache
def poll_address(machine: Any, jit: Any) -> int:
    """Compile the function that loops call and return its address."""
    image = machine.emit_object(llvm.parse_assembly(poll_module()))
    library = llvm.JITLibraryBuilder().add_object_img(image).add_current_process()
    _linked.append(library.export_symbol("__qjit__poll").link(jit, "qjit_interrupts"))
    return _linked[-1]["__qjit__poll"]


_linked: list[Any] = []
