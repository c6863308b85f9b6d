"""From a closed jaxpr to object code, through all stages of the compiler."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from jax.extend.core import ClosedJaxpr
from llvmlite import ir
from xdsl.backend.llvm.convert import convert_module
from xdsl.dialects.builtin import DenseIntOrFPElementsAttr, ModuleOp
from xdsl.dialects.llvm import GlobalOp

from qjit.dialects.statevector import KernelOp
from qjit.runtime.switches import verifies

# NOTE: they register their rules when they are imported.
from . import convert_arith as convert_arith
from . import convert_batch as convert_batch
from . import convert_func as convert_func
from . import convert_host as convert_host
from . import convert_math as convert_math
from . import convert_memref as convert_memref
from . import convert_observables as convert_observables
from . import convert_quantum as convert_quantum
from . import convert_scf as convert_scf
from . import convert_walk as convert_walk
from .convert_to_llvm import convert_to_llvm
from .entries_in_lanes import put_entries_in_lanes
from .ffi import add_handler
from .fuse_loops import fuse_loops
from .import_program import import_program
from .importer import Importer
from .linking import Code, Compiled, calls_in
from .native_llvm import compile_object, target_machine, triple
from .results_in_place import make_results_in_place
from .sweeps.library import kernel_object
from .verification import Verifier

Pass = Callable[[ModuleOp], None]


def to_llvmlite(module: ModuleOp) -> Any:
    """Translate a module of the llvm dialect, whose tables are taken from it."""
    tables: dict[str, bytes] = {}
    for op in module.ops:
        value = op.value if isinstance(op, GlobalOp) else None
        if isinstance(op, GlobalOp) and isinstance(value, DenseIntOrFPElementsAttr):
            tables[op.sym_name.data] = value.data.data
            del op.properties["value"]
    layout = str(target_machine().target_data)
    found = convert_module(module, fallback_target_triple=triple(), data_layout=layout)
    # NOTE: of each number, llvmlite would make an object first.
    for name, data in tables.items():
        variable = found.globals[name]
        words = ", ".join([f"i64 {n}" for n in np.frombuffer(data, np.int64).tolist()])
        variable.initializer = ir.FormattedConstant(variable.value_type, f"[{words}]")
    return found


def compile_jaxpr(
    closed: ClosedJaxpr,
    symbol: str,
    *,
    seed: int | None,
    passes: Sequence[Pass],
    prepare: Callable[[Importer], None],
    stages: dict[str, str] | None,
) -> Compiled:
    """Compile a closed jaxpr, and keep the text of every stage if asked to."""
    seconds: dict[str, float] = {}
    verifier = Verifier(enabled=stages is not None or verifies())
    clock = time.perf_counter()

    def finish(stage: str, text: Callable[[], str]) -> None:
        nonlocal clock
        seconds[stage] = time.perf_counter() - clock
        if stages is not None:
            stages[stage] = text()
        clock = time.perf_counter()

    imported = import_program(closed, name=symbol, prepare=prepare)
    verifier.check(imported.module)
    finish("import", lambda: str(imported.module))
    for transform in (*passes, fuse_loops, make_results_in_place, put_entries_in_lanes):
        transform(imported.module)
        verifier.check(imported.module)
    finish("passes", lambda: str(imported.module))
    converted = convert_to_llvm(imported.module, seed=seed)
    verifier.check(converted)
    finish("llvm", lambda: str(converted))
    kernels = [op for op in converted.ops if isinstance(op, KernelOp)]
    for kernel in kernels:
        kernel.detach()
    module = to_llvmlite(converted)
    counts = len(closed.in_avals) + bool(imported.dimensions), len(closed.out_avals)
    handler = add_handler(module, symbol, *counts)
    text = str(module)
    finish("ir", lambda: text)
    images = compile_object(text), *map(kernel_object, kernels)
    code = Code(images, symbol, handler, calls_in(text))
    finish("object", lambda: "")
    report = {"native": imported.native, "host": imported.host, "seconds": seconds}
    return Compiled(
        code,
        tuple(imported.locations),
        imported.dimensions,
        imported.sizes,
        report | imported.notes,
    )
