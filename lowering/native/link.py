"""Loading object code: what it calls is bound, and XLA learns of its handler."""

import ctypes
import itertools
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import jax
import llvmlite.binding as llvm

from qjit.lowering.jaxpr.dimensions import Size
from qjit.runtime.library import generated_object, runtime_objects
from qjit.runtime.system.thread_pool import thread_count

from .blas import (
    PREFIX,
    SIZES,
    SPLIT,
    THREADS,
    routine_address,
    routines_in,
    threads_address,
)
from .compile import compile_object, target_machine
from .host_calls import evaluate_host_call
from .memory_limits import memory_check_address, memory_room_address
from .python_callbacks import python_calls, python_symbols
from .xla_handler import NUMBER

RUNTIME = "__qrt__"


@dataclass(frozen=True)
class Code:
    """Object code of a program: its function, and what it calls of other libraries.

    These are a routine by its symbol, and the runtime by the prefix of its symbols.
    """

    images: tuple[bytes, ...]
    symbol: str
    handler: str
    calls: tuple[str, ...]

    @property
    def is_loadable(self) -> bool:
        """Whether the libraries of this process have what the code calls."""
        return THREADS not in self.calls or threads_address() is not None


@dataclass(frozen=True)
class Compiled:
    """Object code, and what a program must know besides its jaxpr to run it."""

    code: Code
    locations: tuple[str, ...]
    dimensions: tuple[str, ...]
    sizes: dict[Size, bool]
    report: dict[str, Any]


def calls_in(text: str) -> tuple[str, ...]:
    """Return what a module of LLVM IR calls of other libraries."""
    routines = [f"{p}{name}" for p in (PREFIX, SPLIT) for name in routines_in(text, p)]
    runtime = [RUNTIME] if f'@"{RUNTIME}' in text else []
    return (*runtime, *routines, *([THREADS] if THREADS in text else []))


SET_THREADS = "__qrt__set_threads"
_numbers = itertools.count(1)
# NOTE: a cache lets two threads compute what neither has yet, and names link once.
_linking = threading.RLock()
_describers: dict[int, Callable[[int], str]] = {}
# NOTE: JIT-compiled code stays loaded for the life of the process, because XLA may
# call a registered target at any time.
_loaded: list[Any] = []
# NOTE: by thread of the system; thread-local data of a thread that XLA started goes
# away when Python returns to it, before XLA has read the message.
_messages: dict[int, Any] = {}


def _describe(number: int, status: int) -> int:
    text = _describers[number](status).encode(errors="replace")
    message = ctypes.create_string_buffer(text)
    _messages[threading.get_ident()] = message
    return ctypes.addressof(message)


@cache
def _jit() -> Any:
    target_machine()
    return llvm.create_lljit_compiler()


def _gates() -> bytes:
    """Return the object code of the gate library."""

    def build() -> str:
        from .gate_matrices import gate_library_ir

        return gate_library_ir()

    made_by = "dialects/gates", "lowering/native/gate_matrices.py"
    return generated_object("gates", made_by, build)


@cache
def _runtime() -> str:
    """Link the runtime on first use and return the name of its library."""
    builder = llvm.JITLibraryBuilder().add_current_process()
    for image in (*runtime_objects(), _gates()):
        builder.add_object_img(image)
    linked = builder.export_symbol(SET_THREADS).link(_jit(), "qjit_runtime")
    _loaded.append(linked)
    set_threads = ctypes.CFUNCTYPE(None, ctypes.c_int64)(linked[SET_THREADS])
    set_threads(thread_count())
    if hasattr(os, "register_at_fork"):
        # The workers stay with the parent.
        os.register_at_fork(after_in_child=partial(set_threads, thread_count()))
    return "qjit_runtime"


@cache
def _python() -> str:
    """Link what calls Python on first use and return the name of its library."""
    made_by = ["lowering/native/python_callbacks.py"]
    image = generated_object("python", made_by, python_calls)
    builder = llvm.JITLibraryBuilder().add_object_img(image).add_current_process()
    for symbol, address in python_symbols(evaluate_host_call, _describe).items():
        builder.import_symbol(symbol, address)
    _loaded.append(builder.link(_jit(), "qjit_python"))
    return "qjit_python"


@cache
def _split(routine: str) -> str:
    """Link what splits a product on first use and return the name of its library."""
    from .parallel_gemm import split_product

    name = f"qjit_split_{routine}"
    image = compile_object(split_product(routine, SIZES[routine[0]]))
    builder = llvm.JITLibraryBuilder().add_object_img(image).add_current_process()
    builder.import_symbol(PREFIX + routine, routine_address(routine))
    _loaded.append(builder.link(_jit(), name))
    return name


def load(code: Code, describe: Callable[[int], str]) -> str:
    """Load object code and return the name of the target that XLA calls it by.

    Args:
        code: Any number of programs may have the same.
        describe: Words a nonzero status of this program.
    """
    number = next(_numbers)
    name = f"{code.symbol}_{number}"
    word = ctypes.c_int64(number)
    _describers[number] = describe
    builder = llvm.JITLibraryBuilder()
    for image in code.images:
        builder.add_object_img(image)
    builder.add_current_process()
    builder.import_symbol(NUMBER, ctypes.addressof(word))
    builder.import_symbol("__qjit__memory_short", memory_check_address())
    builder.import_symbol("__qjit__memory_room", memory_room_address())
    with _linking:
        builder.add_jit_library(_python())
        for symbol in code.calls:
            _bind(builder, symbol)
        tracker = builder.export_symbol(code.handler).link(_jit(), name)
    _loaded.extend((tracker, word))
    _register(name, tracker[code.handler])
    return name


def _bind(builder: Any, symbol: str) -> None:
    """Let code call something of another library."""
    if symbol == RUNTIME:
        builder.add_jit_library(_runtime())
    elif symbol == THREADS:
        builder.import_symbol(symbol, threads_address())
    elif symbol.startswith(SPLIT):
        builder.add_jit_library(_split(symbol.removeprefix(SPLIT)))
    else:
        builder.import_symbol(symbol, routine_address(symbol.removeprefix(PREFIX)))


def _register(target: str, address: int) -> None:
    make = ctypes.pythonapi.PyCapsule_New
    make.restype = ctypes.py_object
    make.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
    label = b"xla._CUSTOM_CALL_TARGET"
    _loaded.append(label)
    jax.ffi.register_ffi_target(target, make(address, label, None), platform="cpu")
