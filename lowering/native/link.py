"""Loading object code: what it calls is bound, and XLA learns of its handler."""

import ctypes
import hashlib
import itertools
import os
import re
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, Protocol

import jax
import llvmlite.binding as llvm

from qjit.lowering.jaxpr.dimensions import Size
from qjit.runtime.codegen.partition import SYMBOL
from qjit.runtime.library import (
    deferred_object,
    generated_object,
    needed_for,
    part_of,
    runtime_object,
)
from qjit.runtime.system.deferred_calls import DEFERRED
from qjit.runtime.system.thread_pool import thread_count
from qjit.runtime.target.cpu import target_machine

from .blas import (
    PREFIX,
    SIZES,
    SPLIT,
    THREADS,
    routine_address,
    routines_in,
    threads_address,
)
from .compile import compile_object
from .device_tables import (
    DEVICE,
    PROCESS_FUNCTIONS,
    call_device,
    descriptor,
    device_failed,
    devices_in,
)
from .host_calls import evaluate_host_call
from .memory_limits import memory_budget_address, memory_check_address
from .python_callbacks import python_calls, python_symbols
from .xla_handler import NUMBER


@dataclass(frozen=True)
class Code:
    """Object code of a program: its function, and the routines that it calls."""

    images: tuple[bytes, ...]
    symbol: str
    handler: str
    calls: tuple[str, ...]

    @property
    def digest(self) -> bytes:
        """A digest of all of it."""
        found = hashlib.sha256(repr((self.symbol, self.handler, self.calls)).encode())
        for image in self.images:
            found.update(len(image).to_bytes(8))
            found.update(image)
        return found.digest()

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
    """Return which routines of other libraries a module of LLVM IR calls."""
    routines = [f"{p}{name}" for p in (PREFIX, SPLIT) for name in routines_in(text, p)]
    return (*routines, *([THREADS] if THREADS in text else []), *devices_in(text))


class Describer(Protocol):
    """What words a nonzero status; equal ones say the same."""

    def __call__(self, status: int, /) -> str:
        """Return the message."""
        ...

    def __hash__(self) -> int: ...


SET_THREADS = "__qrt__set_threads"
GATE_FUNCTIONS = {"__qjit__gate_matrix", "__qjit__gate_gradient"}
SYMBOLS = re.compile(SYMBOL.pattern.encode())
# The library that each part of the runtime is linked in, and each stub.
_libraries: dict[str, str] = {}
_numbers = itertools.count(1)
# NOTE: a cache lets two threads compute what neither has yet, and names link once.
_linking = threading.RLock()
# NOTE: JIT-compiled code, and what describes its errors, stays for the life of the
# process, because XLA takes no target back and may call it at any time: executables and
# jaxprs know it by its name alone. So what is equal is loaded once.
_loaded: list[Any] = []
_describers: dict[int, Describer] = {}
_targets: dict[tuple[bytes, Describer], str] = {}
_copy_text = ctypes.CDLL(None).strdup
_copy_text.argtypes, _copy_text.restype = [ctypes.c_char_p], ctypes.c_size_t


def _describe(number: int, status: int) -> int:
    """Return the address of a message, which the handler frees."""
    return _copy_text(_describers[number](status).encode(errors="replace"))


@cache
def _jit() -> Any:
    target_machine()
    # NOTE: JITLink lets what is nearby call one another directly, the other linker by
    # way of a jump in memory.
    return llvm.create_lljit_compiler(use_jit_link=True)


@cache
def _gate_library() -> str:
    """Link the gate library on first use and return its name."""

    def build() -> str:
        from .gate_matrices import gate_library_ir

        return gate_library_ir()

    made_by = "dialects/gates", "lowering/native/gate_matrices.py"
    image = generated_object("gates", made_by, build)
    builder = llvm.JITLibraryBuilder().add_object_img(image).add_current_process()
    _loaded.append(builder.link(_jit(), "qjit_gates"))
    return "qjit_gates"


def _symbols_in(images: Iterable[bytes]) -> set[str]:
    """The names of the runtime's functions that stand in object code."""
    return {found.decode() for image in images for found in SYMBOLS.findall(image)}


def _runtime(symbols: Iterable[str], *, called: str | None = None) -> list[str]:
    """Link what symbols need of the runtime, and name the libraries that have it.

    Parts of the runtime that need one another are linked together.
    """
    needed = needed_for(symbols, called=called)
    own = [_gate_library()] if needed.others & GATE_FUNCTIONS else []
    own += map(_deferred, sorted(needed.deferred))
    if new := sorted(needed.parts - _libraries.keys()):
        builder = llvm.JITLibraryBuilder().add_current_process()
        for part in new:
            builder.add_object_img(runtime_object(part))
        for library in {*own, *_libraries.values()}:
            builder.add_jit_library(library)
        name = f"qjit_runtime_{len(_libraries)}"
        _loaded.append(builder.link(_jit(), name))
        _libraries.update(dict.fromkeys(new, name))
        if part_of(SET_THREADS) in new:
            _start_threads(_address(name, SET_THREADS))
    return sorted({*own, *(_libraries[part] for part in needed.parts)})


@cache
def _deferred(symbol: str) -> str:
    """Link the stub of a function and return the name of its library."""
    image = deferred_object(symbol)
    builder = llvm.JITLibraryBuilder().add_object_img(image).add_current_process()
    name = f"qjit_deferred_{symbol}"
    _loaded.append(builder.add_jit_library(_python()).link(_jit(), name))
    return name


def _link_deferred(number: int) -> int:
    """Link a function that is called for the first time and return its address."""
    symbol = list(DEFERRED)[number]
    with _linking:
        _runtime([symbol], called=symbol)
        return _address(_libraries[part_of(symbol)], symbol)


def _address(library: str, symbol: str) -> int:
    found = _jit().lookup(library, symbol)
    _loaded.append(found)
    return found[symbol]


def _start_threads(address: int) -> None:
    """Let the pool have its threads, in this process and in those that it forks."""
    set_threads = ctypes.CFUNCTYPE(None, ctypes.c_int64)(address)
    set_threads(thread_count())
    if hasattr(os, "register_at_fork"):
        # The workers stay with the parent.
        os.register_at_fork(after_in_child=partial(set_threads, thread_count()))


@cache
def _python() -> str:
    """Link what calls Python on first use and return the name of its library."""
    made_by = ["lowering/native/python_callbacks.py"]
    image = generated_object("python", made_by, python_calls)
    callbacks = (
        *(evaluate_host_call, _describe, _link_deferred),
        *(call_device, device_failed),
    )
    builder = llvm.JITLibraryBuilder().add_object_img(image).add_current_process()
    for symbol, address in python_symbols(*callbacks).items():
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


def load(code: Code, describe: Describer) -> str:
    """Load object code and return the name of the target that XLA calls it by.

    Args:
        code: Any number of programs may have the same.
        describe: Words a nonzero status of this program. Programs whose code and
            describers are equal have one target.
    """
    with _linking:
        key = code.digest, describe
        if key not in _targets:
            _targets[key] = _load(code, describe)
        return _targets[key]


def _load(code: Code, describe: Describer) -> str:
    """Load object code as a new target."""
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
    builder.import_symbol("__qjit__memory_budget", memory_budget_address())
    for library in (_python(), *_runtime(_symbols_in(code.images))):
        builder.add_jit_library(library)
    for symbol in code.calls:
        _bind(builder, symbol)
    tracker = builder.export_symbol(code.handler).link(_jit(), name)
    _loaded.extend((tracker, word))
    _register(name, tracker[code.handler])
    return name


def _bind(builder: Any, symbol: str) -> None:
    """Let code call something of another library."""
    if symbol == THREADS:
        builder.import_symbol(symbol, threads_address())
    elif symbol.startswith(DEVICE):
        addresses = [_address(_python(), name) for name in PROCESS_FUNCTIONS]
        builder.import_symbol(symbol, descriptor(symbol, addresses))
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
