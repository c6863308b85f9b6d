"""What native code asks of Python: signals, evaluation, words of errors, linking.

The functions it calls are written here, not by ctypes, because Python may raise at any
point of a call, such as KeyboardInterrupt before the first line of what is called, and
ctypes prints what is raised and goes on. Here it ends the program, and is raised again
where the program was called: the place of its status is the address of the exception.

A thread that is in native code when the interpreter shuts down stays there: Python
would end it, through frames that cannot be unwound.

Whoever runs a program without Python defines `__qjit__poll` to return zero.
"""

import ctypes
import re
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import contextmanager
from typing import Any

from llvmlite import ir

from qjit.runtime.abi.status import INTERRUPTED, PLACE_SHIFT

from .xla_handler import REMAIN

POLLS_PER_SECOND = 20

# What is called of Python's C interface, and the symbols of objects.
FUNCTIONS = (
    *("PyGILState_Ensure", "PyGILState_Release", "PyErr_CheckSignals", "PyErr_Fetch"),
    *("PyErr_NormalizeException", "PyObject_Vectorcall", "Py_DecRef"),
    *("PyLong_FromLongLong", "PyLong_AsLongLong", "PyGILState_GetThisThreadState"),
)
SHUTDOWN, IN_PYTHON = "__qjit__shutdown", "__qjit__in_python"
KEEP, INTERRUPTED_TEXT = "__qjit__keep", "__qjit__interrupted_text"
HOST_CALL, DESCRIBE = "__qjit__python_host_call", "__qjit__python_describe"
LINK = "__qjit__python_link"
DEVICE_CALL, DEVICE_FAILED = "__qjit__python_device", "__qjit__python_device_failed"


def _memory(size: int) -> int:
    """Return the address of zeroed memory that is never freed."""
    allocate = ctypes.pythonapi.PyMem_RawCalloc
    allocate.restype = ctypes.c_void_p
    allocate.argtypes = [ctypes.c_size_t, ctypes.c_size_t]
    return allocate(1, size)


half, word, pointer = ir.IntType(32), ir.IntType(64), ir.PointerType()
# Exceptions that nobody has raised again yet. All threads that fail at once have theirs
# here; JAX may drop the error of a program, and then nobody asks for its exception.
MOST_RAISED = 1024
_raised: deque[BaseException] = deque(maxlen=MOST_RAISED)
_keep = _raised.append
# The thread that shuts the interpreter down, and how many run Python from native code.
# NOTE: in memory that outlives the interpreter, as the threads do.
_shutdown = ctypes.c_int64.from_address(_memory(8))
_in_python = ctypes.c_int64.from_address(_memory(8))
# Of C and of Python.
_TEXT = f"[QJIT:{INTERRUPTED}] the program was interrupted by exception %ld."
_text = ctypes.create_string_buffer(_TEXT.encode())
TEXT_SIZE = 128


def hold_threads(seconds: float) -> None:
    """Keep threads in native code from now on, and wait for what they run of Python."""
    _shutdown.value = threading.get_ident()
    deadline = time.monotonic() + seconds
    while _in_python.value > 0 and time.monotonic() < deadline:
        time.sleep(0.001)


def release_threads() -> None:
    """Begin anew, in a process that has none of the threads."""
    _shutdown.value = _in_python.value = 0


def interrupted_text(address: int) -> str:
    """Word a status of programs that an exception ended."""
    return _TEXT % address


def raised(text: str) -> BaseException:
    """Return the exception that ended a program, by the text of its status."""
    found = re.search(r"by exception (\d+)", text)
    address = int(found[1]) if found else 0
    for error in list(_raised):
        if id(error) == address:
            _raised.remove(error)
            return error
    return KeyboardInterrupt()


def _python(builder: ir.IRBuilder, name: str, kind: ir.Type, *args: Any) -> Any:
    """Call a function of Python's C interface."""
    known: Any = builder.module.globals
    if name not in known:
        signature = ir.FunctionType(kind, [arg.type for arg in args])
        ir.Function(builder.module, signature, name)
    return builder.call(known[name], args)


def _object(builder: ir.IRBuilder, name: str) -> Any:
    """Return the address of something of Python's."""
    known: Any = builder.module.globals
    return known.get(name) or ir.GlobalVariable(builder.module, word, name)


@contextmanager
def _interpreter(builder: ir.IRBuilder) -> Any:
    """Hold the interpreter's lock."""
    one, inside = ir.Constant(word, 1), _object(builder, IN_PYTHON)
    builder.atomic_rmw("add", inside, one, "seq_cst")
    with builder.if_then(_shuts_down(builder), likely=False):
        builder.atomic_rmw("sub", inside, one, "seq_cst")
        _remain(builder, foreign=True)
    state = _python(builder, "PyGILState_Ensure", half)
    yield
    _python(builder, "PyGILState_Release", ir.VoidType(), state)
    builder.atomic_rmw("sub", inside, one, "seq_cst")
    _remain(builder, foreign=True)


def _shuts_down(builder: ir.IRBuilder) -> Any:
    """Return whether another thread shuts the interpreter down."""
    place = _object(builder, SHUTDOWN)
    thread = builder.load_atomic(place, "seq_cst", 8, typ=word)
    own = _python(builder, "pthread_self", word)
    some = builder.icmp_signed("!=", thread, ir.Constant(word, 0))
    return builder.and_(some, builder.icmp_signed("!=", thread, own))


def _is_foreign(builder: ir.IRBuilder) -> Any:
    """Return whether Python does not know a thread: one of the pool, or of XLA."""
    own = _python(builder, "PyGILState_GetThisThreadState", pointer)
    return builder.icmp_unsigned("==", own, ir.Constant(pointer, None))


def _remain(builder: ir.IRBuilder, *, foreign: bool = False) -> None:
    """Do not go on once the interpreter shuts down; maybe foreign threads neither."""
    _python(builder, REMAIN, ir.VoidType(), ir.Constant(word, int(foreign)))


def _write_remain(module: ir.Module) -> None:
    """Write the function that sleeps for ever once the interpreter shuts down."""
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), [word]), REMAIN)
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    with builder.if_then(_shuts_down(builder), likely=False):
        every = builder.icmp_signed("!=", function.args[0], ir.Constant(word, 0))
        own = builder.not_(_is_foreign(builder))
        with builder.if_then(builder.or_(every, own)):
            asleep = builder.append_basic_block("asleep")
            builder.branch(asleep)
            builder.position_at_end(asleep)
            _python(builder, "pause", half)
            builder.branch(asleep)
    builder.ret_void()


def _keep_exception(builder: ir.IRBuilder) -> Any:
    """Keep the exception that Python holds, and return its address as a word."""
    void = ir.VoidType()
    places = [builder.alloca(pointer) for _ in range(3)]
    _python(builder, "PyErr_Fetch", void, *places)
    _python(builder, "PyErr_NormalizeException", void, *places)
    error = builder.load(places[1], typ=pointer)
    nothing = builder.inttoptr(ir.Constant(word, 0), pointer)
    # NOTE: code in C, which no other exception gets into.
    args = _object(builder, KEEP), places[1], ir.Constant(word, 1), nothing
    answer = _python(builder, "PyObject_Vectorcall", pointer, *args)
    _python(builder, "Py_DecRef", void, answer)
    for place in places:
        _python(builder, "Py_DecRef", void, builder.load(place, typ=pointer))
    return builder.ptrtoint(error, word)


def _interrupted_status(builder: ir.IRBuilder, error: Any) -> Any:
    """Return the status of a program that the exception at an address ended."""
    place = builder.shl(error, ir.Constant(word, PLACE_SHIFT))
    return builder.or_(place, ir.Constant(word, INTERRUPTED))


def _interrupted_message(builder: ir.IRBuilder, error: Any) -> Any:
    """Return the address of the text for such a status, in memory of its own."""
    size = ir.Constant(word, TEXT_SIZE)
    text = _python(builder, "malloc", pointer, size)
    known: Any = builder.module.globals
    kind = ir.FunctionType(half, [pointer, word, pointer], var_arg=True)
    write = known.get("snprintf") or ir.Function(builder.module, kind, "snprintf")
    builder.call(write, [text, size, _object(builder, INTERRUPTED_TEXT), error])
    return builder.ptrtoint(text, word)


def _is_due(module: ir.Module, builder: ir.IRBuilder) -> Any:
    """Read the clock; note and return whether a tick has passed since the last one."""
    clock = ir.Function(module, ir.FunctionType(half, [half, pointer]), "clock_gettime")
    kind = ir.LiteralStructType([word, word])
    now = builder.alloca(kind)
    builder.call(clock, [ir.Constant(half, time.CLOCK_MONOTONIC), now])
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


def _write_poll(module: ir.Module) -> None:
    """Write the function that loops call: zero, or the status that ends a program."""
    function = ir.Function(module, ir.FunctionType(word, []), "__qjit__poll")
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    _remain(builder)
    # NOTE: a foreign thread has no signals to handle, and the one that has is to find
    # its poll still due.
    with builder.if_then(_is_foreign(builder)):
        builder.ret(ir.Constant(word, 0))
    status = builder.alloca(word)
    builder.store(ir.Constant(word, 0), status)
    due = _is_due(module, builder)
    with builder.if_then(due, likely=False), _interpreter(builder):
        failed = _python(builder, "PyErr_CheckSignals", half)
        stopped = builder.icmp_signed("!=", failed, ir.Constant(half, 0))
        with builder.if_then(stopped, likely=False):
            error = _keep_exception(builder)
            builder.store(_interrupted_status(builder, error), status)
    builder.ret(builder.load(status, typ=word))


def _write_call(
    module: ir.Module,
    name: str,
    function: str,
    count: int,
    failed: Callable[[ir.IRBuilder, Any], Any],
) -> None:
    """Write a function that calls one of Python's, from words to a word.

    Args:
        module: Where to write it.
        name: Its symbol.
        function: The symbol of what it calls, with integers.
        count: How many.
        failed: Writes what it returns if an exception was raised, from its address.
    """
    kind = ir.FunctionType(word, [word] * count)
    symbol = ir.Function(module, kind, name)
    builder = ir.IRBuilder(symbol.append_basic_block("entry"))
    result = builder.alloca(word)
    row = builder.alloca(pointer, count)
    with _interpreter(builder):
        boxes = [
            _python(builder, "PyLong_FromLongLong", pointer, arg) for arg in symbol.args
        ]
        for place, box in enumerate(boxes):
            at = builder.gep(row, [ir.Constant(half, place)], source_etype=pointer)
            builder.store(box, at)
        nothing = builder.inttoptr(ir.Constant(word, 0), pointer)
        args = _object(builder, function), row, ir.Constant(word, count), nothing
        answer = _python(builder, "PyObject_Vectorcall", pointer, *args)
        for box in boxes:
            _python(builder, "Py_DecRef", ir.VoidType(), box)
        raises = builder.icmp_unsigned("==", answer, nothing)
        with builder.if_else(raises, likely=False) as (then, otherwise):
            with then:
                error = _keep_exception(builder)
                builder.store(failed(builder, error), result)
            with otherwise:
                value = _python(builder, "PyLong_AsLongLong", word, answer)
                builder.store(value, result)
                _python(builder, "Py_DecRef", ir.VoidType(), answer)
    builder.ret(builder.load(result, typ=word))


def _refused_link(builder: ir.IRBuilder, error: Any) -> Any:
    """Return the status of an exception, as a number that is no address."""
    return builder.neg(_interrupted_status(builder, error))


def _write_link(module: ir.Module) -> None:
    """Write the function that links another one, by number, and returns its address.

    Where an exception was raised, it returns the status of that, negated. A thread of
    its own does it, in which no signal raises an exception.
    """
    _write_call(module, "link_here", LINK, 1, _refused_link)
    here: Any = module.globals["link_here"]
    kind = ir.FunctionType(pointer, [pointer])
    work = ir.Function(module, kind, "link_in_thread")
    builder = ir.IRBuilder(work.append_basic_block("entry"))
    number = builder.ptrtoint(work.args[0], word)
    builder.ret(builder.inttoptr(builder.call(here, [number]), pointer))
    link = ir.Function(module, ir.FunctionType(word, [word]), "__qjit__link")
    builder = ir.IRBuilder(link.append_basic_block("entry"))
    thread, result = builder.alloca(word), builder.alloca(pointer)
    nothing = ir.Constant(pointer, None)
    given = builder.inttoptr(link.args[0], pointer)
    started = thread, nothing, work, given
    failed = _python(builder, "pthread_create", half, *started)
    refused = builder.icmp_signed("!=", failed, ir.Constant(half, 0))
    with builder.if_then(refused, likely=False):
        builder.ret(builder.call(here, link.args))
    handle = builder.load(thread, typ=word)
    _python(builder, "pthread_join", half, handle, result)
    builder.ret(builder.ptrtoint(builder.load(result, typ=pointer), word))


def python_calls() -> str:
    """Return the LLVM IR of what programs call."""
    module = ir.Module("python")
    _write_remain(module)
    _write_poll(module)
    _write_call(module, "__qjit__host_call", HOST_CALL, 3, _interrupted_status)
    _write_call(module, "__qjit__describe", DESCRIBE, 2, _interrupted_message)
    _write_call(module, "__qjit__device_call", DEVICE_CALL, 3, _interrupted_status)
    _write_call(module, "__qjit__device_failed", DEVICE_FAILED, 3, _interrupted_status)
    _write_link(module)
    return str(module)


def python_symbols(
    host_call: Callable[[int, int, int], int],
    describe: Callable[[int, int], int],
    link: Callable[[int], int],
    device_call: Callable[[int, int, int], int],
    device_failed: Callable[[int, int, int], int],
) -> dict[str, int]:
    """Return the addresses of what of Python's that code calls and reads.

    Args:
        host_call: Evaluates the host call of a key on the addresses of two arrays of
            addresses, the inputs and the outputs; returns a status.
        describe: Returns the address of the text for a program's number and status,
            which whoever asks for it frees.
        link: Links a function that was deferred; returns its address.
        device_call: Calls a function of a device in Python, given its number, that of
            the class, and the address of its arguments, which are words.
        device_failed: Returns the status of a device that failed, given the address of
            its descriptor, a line, and the address of a text.
    """
    functions = {
        name: ctypes.cast(getattr(ctypes.pythonapi, name), ctypes.c_void_p).value or 0
        for name in FUNCTIONS
    }
    return functions | {
        KEEP: id(_keep),
        HOST_CALL: id(host_call),
        DESCRIBE: id(describe),
        LINK: id(link),
        DEVICE_CALL: id(device_call),
        DEVICE_FAILED: id(device_failed),
        INTERRUPTED_TEXT: ctypes.addressof(_text),
        SHUTDOWN: ctypes.addressof(_shutdown),
        IN_PYTHON: ctypes.addressof(_in_python),
    }
