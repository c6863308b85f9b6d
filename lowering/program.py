"""Compile a closed jaxpr to native code that JAX calls through the XLA FFI."""

import ctypes
import itertools
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, cast

import jax
import llvmlite.binding as llvm
import numpy as np
from jax.extend.core import ClosedJaxpr
from xdsl.dialects.builtin import ModuleOp

from . import (
    convert_arith,
    convert_func,
    convert_math,
    convert_memref,
    convert_observables,
    convert_quantum,
    convert_scf,
    convert_walk,
    import_control,
    import_conversions,
    import_convolution,
    import_elementwise,
    import_fft,
    import_indexing,
    import_linalg,
    import_math,
    import_orthogonal,
    import_products,
    import_quantum,
    import_random,
    import_reductions,
    import_shapes,
    import_sorting,
    import_special,
    import_spectra,
    import_windows,
)
from .convert_to_llvm import convert_to_llvm
from .dimensions import Size, numbers
from .ffi import add_handler
from .fuse_loops import fuse_loops
from .gate_library import gate_library_object
from .host_calls import HOST_ERROR, HostRecord, evaluate_host_call, host_error_text
from .import_program import import_program
from .importer import Importer
from .jax_internals import weakly_typed
from .lapack import (
    PREFIX,
    SIZES,
    SPLIT,
    THREADS,
    routine_address,
    routines_in,
    threads_address,
)
from .memory import (
    ITERATION_SHIFT,
    NO_MEMORY,
    memory_check_address,
    memory_room_address,
    memory_text,
)
from .native_llvm import compile_object, target_machine, to_llvmlite
from .python_calls import INTERRUPTED, python_calls
from .split_products import split_product

MESSAGES = {
    1: "a wire that was computed is out of range. Wires count from 0 to wires - 1.",
    2: "wires that were computed repeat a wire. The wires of one operation must be "
    "distinct.",
    3: "a parameter is NaN or infinite. Angles, matrices and amplitudes must be "
    "finite; check what they are computed from.",
    4: "the matrix is not unitary. Its product with its conjugate transpose must be "
    "the identity, up to rounding.",
    5: "the state is not normalised. Divide it by its norm, or pass normalize=True.",
    7: "the outcome that was postselected has probability zero. Postselect on an "
    "outcome that can occur.",
    8: "more than 64 uncertain measurements follow one another, too many to average "
    "over all outcomes. Give shots to the quantum function.",
}

# The modules whose rules register themselves when they are imported.
RULE_MODULES = (
    convert_arith,
    convert_func,
    convert_math,
    convert_memref,
    convert_observables,
    convert_quantum,
    convert_scf,
    convert_walk,
    import_control,
    import_conversions,
    import_convolution,
    import_elementwise,
    import_fft,
    import_indexing,
    import_linalg,
    import_math,
    import_orthogonal,
    import_products,
    import_quantum,
    import_random,
    import_reductions,
    import_shapes,
    import_sorting,
    import_special,
    import_windows,
    import_spectra,
)

Pass = Callable[[ModuleOp], None]


@dataclass(frozen=True)
class Program:
    """A compiled program, registered as an FFI target."""

    target_name: str
    out_avals: tuple[Any, ...]
    locations: list[str]
    report: dict[str, Any]
    stages: dict[str, str] = field(default_factory=dict[str, str])
    has_side_effect: bool = False
    dimensions: tuple[str, ...] = ()
    sizes: Mapping[Size, bool] = field(default_factory=dict[Size, bool])

    def call(self, *args: Any, sizes: Mapping[str, int] | None = None) -> Any:
        """Run the program on JAX arrays; usable under `jax.jit`.

        `sizes` gives every symbolic dimension of the program's shapes.
        """
        sizes = sizes or {}
        shapes = [
            jax.ShapeDtypeStruct(numbers(aval.shape, sizes), aval.dtype)
            for aval in self.out_avals
        ]
        if self.dimensions:
            given = np.asarray([sizes[name] for name in self.dimensions], np.int64)
            # NOTE: as words, because JAX may not keep 64-bit types.
            args = (*args, given.view(np.uint32))
        call = jax.ffi.ffi_call(
            self.target_name,
            shapes,
            has_side_effect=self.has_side_effect,
            vmap_method="sequential",
        )
        found = call(*args)
        return [
            weakly_typed(result) if aval.weak_type else result
            for result, aval in zip(found, self.out_avals, strict=True)
        ]


_keys = itertools.count(1)
_programs: dict[int, Program] = {}
# NOTE: JIT-compiled code stays loaded for the life of the process, because XLA may
# call a registered target at any time.
_loaded: list[Any] = []
# NOTE: by thread of the system; thread-local data of a thread that XLA started goes
# away when Python returns to it, before XLA has read the message.
_messages: dict[int, Any] = {}


def describe_status(key: int, status: int) -> str:
    """Word a nonzero status of a program."""
    code, place = status & 255, status >> 8
    program = _programs.get(key)
    lines = program.locations if program is not None else []
    if code == HOST_ERROR:
        text = host_error_text()
    elif code == INTERRUPTED:
        text = "the program was interrupted."
    elif code == NO_MEMORY:
        text, place = memory_text(place)
    else:
        text = MESSAGES.get(code, "the program failed.")
        iteration, place = divmod(place, 1 << ITERATION_SHIFT)
        if iteration:
            text += f" This is iteration {iteration - 1} of the loop, counted from 0."
    line = lines[place] if 0 <= place < len(lines) else ""
    return f"[QJIT:{code}] {line or 'unknown line'}: {text}"


def _describe(key: int, status: int) -> int:
    text = describe_status(key, status).encode(errors="replace")
    message = ctypes.create_string_buffer(text)
    _messages[threading.get_ident()] = message
    return ctypes.addressof(message)


@cache
def _jit() -> Any:
    target_machine()
    return llvm.create_lljit_compiler()


@cache
def _runtime() -> str:
    """Link the runtime on first use and return the name of its library."""
    from qjit.runtime.library import runtime_objects

    builder = llvm.JITLibraryBuilder().add_current_process()
    for image in (*runtime_objects(), gate_library_object()):
        builder.add_object_img(image)
    _loaded.append(builder.link(_jit(), "qjit_runtime"))
    return "qjit_runtime"


@cache
def _python() -> str:
    """Link what calls Python on first use and return the name of its library."""
    module = python_calls(evaluate_host_call, _describe)
    image = target_machine().emit_object(module)
    builder = llvm.JITLibraryBuilder().add_object_img(image).add_current_process()
    _loaded.append(builder.link(_jit(), "qjit_python"))
    return "qjit_python"


@cache
def _split(routine: str) -> str:
    """Link what splits a product on first use and return the name of its library."""
    name = f"qjit_split_{routine}"
    image = compile_object(split_product(routine, SIZES[routine[0]]))
    builder = llvm.JITLibraryBuilder().add_object_img(image).add_current_process()
    builder.import_symbol(PREFIX + routine, routine_address(routine))
    _loaded.append(builder.link(_jit(), name))
    return name


def _link(image: bytes, name: str, handler: str, text: str) -> int:
    """Load object code, with what its LLVM IR calls, and return the handler."""
    builder = llvm.JITLibraryBuilder().add_object_img(image).add_current_process()
    if '@"__qrt__' in text:
        builder.add_jit_library(_runtime())
    builder.add_jit_library(_python())
    builder.import_symbol("__qjit__memory_short", memory_check_address())
    builder.import_symbol("__qjit__memory_room", memory_room_address())
    for routine in routines_in(text):
        builder.import_symbol(PREFIX + routine, routine_address(routine))
    for routine in routines_in(text, SPLIT):
        builder.add_jit_library(_split(routine))
    if THREADS in text:
        builder.import_symbol(THREADS, threads_address())
    tracker = builder.export_symbol(handler).link(_jit(), name)
    _loaded.append(tracker)
    return tracker[handler]


def _register(target: str, address: int) -> None:
    make = ctypes.pythonapi.PyCapsule_New
    make.restype = ctypes.py_object
    make.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
    label = b"xla._CUSTOM_CALL_TARGET"
    _loaded.append(label)
    jax.ffi.register_ffi_target(target, make(address, label, None), platform="cpu")


def compile_program(
    closed: ClosedJaxpr,
    *,
    name: str = "program",
    seed: int | None = None,
    passes: Sequence[Pass] = (),
    prepare: Callable[[Importer], None] = lambda _: None,
    keep_stages: bool = False,
    has_side_effect: bool | None = None,
) -> Program:
    """Compile a closed jaxpr and register it as an FFI target.

    A program has side effects, and so runs even if nobody reads its results, if its
    jaxpr has, unless told otherwise.
    """
    if has_side_effect is None:
        has_side_effect = bool(closed.effects)
    key = next(_keys)
    symbol = f"qjit_{''.join(c if c.isalnum() else '_' for c in name)}_{key}"
    seconds: dict[str, float] = {}
    stages: dict[str, str] = {}
    clock = time.perf_counter()

    def finish(stage: str, text: Callable[[], str]) -> None:
        nonlocal clock
        seconds[stage] = time.perf_counter() - clock
        if keep_stages:
            stages[stage] = text()
        clock = time.perf_counter()

    imported = import_program(closed, name=symbol, prepare=prepare)
    finish("import", lambda: str(imported.module))
    for transform in (*passes, fuse_loops):
        transform(imported.module)
    finish("passes", lambda: str(imported.module))
    converted = convert_to_llvm(imported.module, seed=seed)
    finish("llvm", lambda: str(converted))
    module = to_llvmlite(converted)
    counts = len(closed.in_avals) + bool(imported.dimensions), len(closed.out_avals)
    handler = add_handler(module, symbol, *counts, key)
    text = str(module)
    finish("ir", lambda: text)
    image = compile_object(text)
    finish("object", lambda: "")
    address = _link(image, symbol, handler, text)
    _register(symbol, address)
    finish("link", lambda: "")
    host = [record.name for record in cast(list[HostRecord], imported.host)]
    report = {"native": imported.native, "host": host, "seconds": seconds}
    report |= imported.notes
    program = Program(
        symbol,
        tuple(closed.out_avals),
        imported.locations,
        report,
        stages,
        has_side_effect,
        imported.dimensions,
        imported.sizes,
    )
    _programs[key] = program
    return program
