"""From a closed jaxpr to object code, through all stages of the compiler."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

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
from .dimensions import Size
from .ffi import add_handler
from .fuse_loops import fuse_loops
from .host_calls import HostRecord
from .import_program import import_program
from .importer import Importer
from .linking import Code, calls_in
from .native_llvm import compile_object, to_llvmlite

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
class Compiled:
    """Object code, and what a program must know besides its jaxpr to run it."""

    code: Code
    locations: tuple[str, ...]
    dimensions: tuple[str, ...]
    sizes: dict[Size, bool]
    report: dict[str, Any]


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
    clock = time.perf_counter()

    def finish(stage: str, text: Callable[[], str]) -> None:
        nonlocal clock
        seconds[stage] = time.perf_counter() - clock
        if stages is not None:
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
    handler = add_handler(module, symbol, *counts)
    text = str(module)
    finish("ir", lambda: text)
    code = Code(compile_object(text), symbol, handler, calls_in(text))
    finish("object", lambda: "")
    host = [record.name for record in cast(list[HostRecord], imported.host)]
    report = {"native": imported.native, "host": host, "seconds": seconds}
    return Compiled(
        code,
        tuple(imported.locations),
        imported.dimensions,
        imported.sizes,
        report | imported.notes,
    )
